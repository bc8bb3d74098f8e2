//! The marketplace's figures, for investors who were approved.

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};
use tenantry::http::{Problem, Require};
use tenantry::{Currency, MoneyError, SealedEvent, Timestamp};
use utoipa::ToSchema;

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
    catch_up(&market).await.map_err(|error| broken("add up the figures", &error))?;
    let rows: Vec<MonthRow> = sqlx::query_as(
        "SELECT month, currency, orders, volume, fees FROM performance WHERE orders >= $1
         ORDER BY month DESC, currency",
    )
    .bind(FEWEST_ORDERS)
    .fetch_all(market.store.readers())
    .await
    .map_err(|error| broken("read the figures", &error))?;
    let items: Result<Vec<Month>, _> = rows.into_iter().map(MonthRow::view).collect();
    let items = items.map_err(|error| broken("read the figures", &error))?;
    Ok(Json(Listed { items, next: None }))
}

/// Adds up the platform's events that came since the last time, each once.
async fn catch_up(market: &Marketplace) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let platform = market.app.resolve(&model::platform_slug()?).await?;
    loop {
        market.app.store().seal(platform.id(), EVENTS_AT_ONCE).await?;
        let seen: Option<i64> = sqlx::query_scalar("SELECT seen FROM performance_progress")
            .fetch_optional(market.store.readers())
            .await?;
        let seen = seen.unwrap_or(0);
        let after = u64::try_from(seen)?;
        let events = market.app.store().events(platform.scope(), after, EVENTS_AT_ONCE).await?;
        let Some(last) = events.last() else { return Ok(()) };
        let mut tx = market.store.begin(&platform).await?;
        let advanced = sqlx::query(
            "INSERT INTO performance_progress (id, seen) VALUES (1, $1)
             ON CONFLICT (id) DO UPDATE SET seen = $1 WHERE seen = $2",
        )
        .bind(i64::try_from(last.seq)?)
        .bind(seen)
        .execute(tx.connection())
        .await?;
        if advanced.rows_affected() == 1 {
            for event in &events {
                add(event, tx.connection()).await?;
            }
        }
        tx.commit().await?;
    }
}

async fn add(
    sealed: &SealedEvent,
    to: &mut SqliteConnection,
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
    sqlx::query(
        "INSERT INTO performance (month, currency, orders, volume, fees) VALUES ($1, $2, 1, $3, $4)
         ON CONFLICT (month, currency) DO UPDATE
         SET orders = orders + 1, volume = volume + excluded.volume, fees = fees + excluded.fees",
    )
    .bind(month(event.at)?)
    .bind(currency)
    .bind(volume)
    .bind(fee)
    .execute(to)
    .await?;
    Ok(())
}

fn month(at: Timestamp) -> Result<String, tenantry::InvalidTimestamp> {
    Ok(at.to_jiff()?.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string())
}
