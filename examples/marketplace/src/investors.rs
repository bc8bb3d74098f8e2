//! The marketplace's figures, for investors who were approved.

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use serde::Serialize;
use sqlx::FromRow;
use tenantry::http::{Problem, Require};
use tenantry::{Currency, MoneyError, SealedEvent, TenantCtx, TenantId, Timestamp};
use utoipa::ToSchema;

use crate::database::{Connection, either};
use crate::model::{self, PerformanceRead};
use crate::state::Marketplace;
use crate::wire::{Listed, Money, broken};

/// Months with fewer orders are left out: they would tell of single ones.
const FEWEST_ORDERS: i64 = 3;
/// How many events are added up in one transaction.
const EVENTS_AT_ONCE: u16 = 500;

/// The orders in one currency that were released in a month.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Month {
    #[schema(example = "2026-01")]
    month: String,
    /// How many: at least 3.
    orders: i64,
    /// What buyers paid for them.
    volume: Money,
    /// The platform's part of it.
    fees: Money,
}

#[derive(FromRow)]
struct MonthRow {
    month: String,
    currency: String,
    orders: i64,
    volume: i64,
    fees: i64,
}

impl MonthRow {
    fn view(self) -> Result<Month, MoneyError> {
        let currency: Currency = self.currency.parse()?;
        let money = |amount| Money { amount, currency };
        let Self { month, orders, volume, fees, .. } = self;
        Ok(Month { month, orders, volume: money(volume), fees: money(fees) })
    }
}

/// Shows volume, fees and counts by month.
#[utoipa::path(
    get,
    path = "/api/investors/performance",
    tag = "investors",
    responses((status = 200, body = Listed<Month>))
)]
pub(crate) async fn performance(
    State(market): State<Marketplace>,
    _investor: Require<PerformanceRead>,
) -> Result<Json<Listed<Month>>, Problem> {
    let platform = catch_up(&market).await.map_err(|error| broken("add up the figures", &error))?;
    let failed = |error: &dyn std::fmt::Display| broken("read the figures", error);
    let mut tx = market.store.read(&platform).await.map_err(|error| failed(&error))?;
    let rows: Vec<MonthRow> = either!(tx.connection(), connection => sqlx::query_as(
        "SELECT month, currency, orders, volume, fees FROM performance WHERE tenant_id = $1 AND orders >= $2
         ORDER BY month DESC, currency",
    )
    .bind(platform.id().as_uuid())
    .bind(FEWEST_ORDERS)
    .fetch_all(connection)
    .await)
    .map_err(|error| failed(&error))?;
    let items: Result<Vec<Month>, _> = rows.into_iter().map(MonthRow::view).collect();
    let items = items.map_err(|error| broken("read the figures", &error))?;
    Ok(Json(Listed { items, next: None }))
}

/// Adds up the platform's events that came since the last time, each once. Answers the platform.
async fn catch_up(market: &Marketplace) -> Result<TenantCtx, Box<dyn std::error::Error + Send + Sync>> {
    let platform = market.app.resolve(&model::platform_slug()?).await?;
    let tenant = platform.id();
    loop {
        market.app.store().seal(tenant, EVENTS_AT_ONCE).await?;
        let seen = seen(tenant, market.store.read(&platform).await?.connection()).await?;
        let after = u64::try_from(seen)?;
        let events = market.app.store().events(platform.scope(), after, EVENTS_AT_ONCE).await?;
        let Some(last) = events.last() else { return Ok(platform) };
        let mut tx = market.store.begin(&platform).await?;
        let advanced = either!(tx.connection(), connection => sqlx::query(
            "INSERT INTO performance_progress AS progress (tenant_id, seen) VALUES ($1, $2)
             ON CONFLICT (tenant_id) DO UPDATE SET seen = excluded.seen WHERE progress.seen = $3",
        )
        .bind(tenant.as_uuid())
        .bind(i64::try_from(last.seq)?)
        .bind(seen)
        .execute(connection)
        .await?
        .rows_affected());
        if advanced == 1 {
            for event in &events {
                add(tenant, event, tx.connection()).await?;
            }
        }
        tx.commit().await?;
    }
}

/// The number of the last event that was added up; 0 before the first.
async fn seen(tenant: TenantId, on: Connection<'_>) -> sqlx::Result<i64> {
    let seen: Option<i64> = either!(on, connection => sqlx::query_scalar(
        "SELECT seen FROM performance_progress WHERE tenant_id = $1",
    )
    .bind(tenant.as_uuid())
    .fetch_optional(connection)
    .await)?;
    Ok(seen.unwrap_or(0))
}

async fn add(
    tenant: TenantId,
    sealed: &SealedEvent,
    to: Connection<'_>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let event = &sealed.event;
    let text = |path: &str| event.payload.pointer(path).and_then(|value| value.as_str());
    let number = |path: &str| event.payload.pointer(path).and_then(serde_json::Value::as_i64);
    let is_released = event.aggregate.kind == "order" && text("/state") == Some("released");
    let (Some(volume), Some(fee), Some(currency), true) =
        (number("/amount/amount"), number("/fee/amount"), text("/amount/currency"), is_released)
    else {
        return Ok(());
    };
    let month = month(event.at)?;
    either!(to, connection => sqlx::query(
        "INSERT INTO performance AS known (tenant_id, month, currency, orders, volume, fees) VALUES ($1, $2, $3, 1, $4, $5)
         ON CONFLICT (tenant_id, month, currency) DO UPDATE SET orders = known.orders + 1,
         volume = known.volume + excluded.volume, fees = known.fees + excluded.fees",
    )
    .bind(tenant.as_uuid())
    .bind(month)
    .bind(currency)
    .bind(volume)
    .bind(fee)
    .execute(connection)
    .await
    .map(drop))?;
    Ok(())
}

fn month(at: Timestamp) -> Result<String, tenantry::InvalidTimestamp> {
    Ok(at.to_jiff()?.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string())
}
