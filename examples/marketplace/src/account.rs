//! What the signed-in see of themselves: who they are, their money, their plan.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tenantry::http::{Paging, Principal, Problem, Require};
use tenantry::{Balance, Currency, OrderId, StatementKind, StatementLine, Tenant, Timestamp, Usage, User};
use utoipa::ToSchema;

use crate::model::{BalanceRead, UsageRead};
use crate::state::Marketplace;
use crate::wire::Listed;

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantView {
    #[schema(value_type = String, format = Uuid)]
    id: tenantry::TenantId,
    slug: String,
    name: String,
    #[schema(example = "seller")]
    kind: String,
    #[schema(value_type = String, example = "active")]
    status: tenantry::TenantStatus,
    #[schema(example = "seller@1")]
    plan: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&Tenant> for TenantView {
    fn from(tenant: &Tenant) -> Self {
        Self {
            id: tenant.id,
            slug: tenant.slug.to_string(),
            name: tenant.name.clone(),
            kind: tenant.kind.to_string(),
            status: tenant.status,
            plan: tenant.plan.to_string(),
            created_at: tenant.created_at,
        }
    }
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    #[schema(value_type = String, format = Uuid)]
    id: tenantry::UserId,
    email: String,
    name: String,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self { id: user.id, email: user.email.to_string(), name: user.name.clone() }
    }
}

/// Who is signed in, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    tenant: TenantView,
    user: UserView,
    roles: Vec<String>,
    permissions: Vec<String>,
    limits: Limits,
}

/// What the tenant's plan allows.
#[derive(Debug, Serialize, ToSchema)]
struct Limits {
    rate: Option<RateView>,
    quotas: Vec<QuotaView>,
}

/// Requests in a window of time.
#[derive(Debug, Serialize, ToSchema)]
struct RateView {
    requests: u32,
    /// Seconds.
    window: u64,
}

/// The limit of a meter.
#[derive(Debug, Serialize, ToSchema)]
struct QuotaView {
    meter: String,
    limit: i64,
}

/// Shows who is signed in.
#[utoipa::path(get, path = "/api/me", tag = "account", responses((status = 200, body = Me)))]
pub(crate) async fn me(State(market): State<Marketplace>, who: Principal) -> Result<Json<Me>, Problem> {
    let caller = who.caller();
    let user = caller.user().ok_or_else(Problem::not_found)?;
    let user = market.app.store().user(caller.scope(), user).await?.ok_or_else(Problem::not_found)?;
    let tenant = caller.tenant().tenant();
    let plan = market.app.plans().plan(&tenant.plan);
    let permissions = caller.principal().authority().permissions();
    Ok(Json(Me {
        tenant: tenant.into(),
        user: (&user).into(),
        roles: caller.principal().roles().iter().map(ToString::to_string).collect(),
        permissions: market.app.catalog().names(&permissions).iter().map(ToString::to_string).collect(),
        limits: Limits {
            rate: plan
                .and_then(|plan| plan.rate)
                .map(|rate| RateView { requests: rate.requests(), window: rate.window().as_secs() }),
            quotas: plan
                .map(|plan| plan.quotas.as_slice())
                .unwrap_or_default()
                .iter()
                .map(|quota| QuotaView { meter: quota.meter.to_string(), limit: quota.limit })
                .collect(),
        },
    }))
}

/// A tenant's money.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalanceView {
    items: Vec<BalanceItem>,
    entries: Listed<EntryView>,
}

/// What a tenant has in one currency, in minor units.
#[derive(Debug, Serialize, ToSchema)]
struct BalanceItem {
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// What can be paid out.
    available: i64,
    /// What lies in escrow for the tenant, net of the fee.
    held: i64,
}

impl From<Balance> for BalanceItem {
    fn from(balance: Balance) -> Self {
        Self { currency: balance.currency, available: balance.available, held: balance.held }
    }
}

/// A line of the statement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(value_type = String, format = Uuid)]
    order: OrderId,
    amount: crate::wire::Money,
    #[schema(value_type = String, example = "released")]
    kind: StatementKind,
}

impl From<StatementLine> for EntryView {
    fn from(line: StatementLine) -> Self {
        let amount = match line.kind {
            StatementKind::Held | StatementKind::Refunded => line.held,
            StatementKind::Released => line.available,
        };
        let amount = tenantry::Money::new(amount, line.currency).into();
        Self { at: line.at, order: line.order, amount, kind: line.kind }
    }
}

/// Shows the tenant's money.
#[utoipa::path(
    get,
    path = "/api/balance",
    tag = "account",
    params(("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = BalanceView))
)]
pub(crate) async fn balance(
    State(market): State<Marketplace>,
    owner: Require<BalanceRead>,
    Paging(page): Paging,
) -> Result<Json<BalanceView>, Problem> {
    let ledger = market.app.ledger(owner.caller());
    let items = ledger.balances().await?.into_iter().map(BalanceItem::from).collect();
    let entries = Listed::of(ledger.statement(&page).await?, EntryView::from);
    Ok(Json(BalanceView { items, entries }))
}

/// What is used of the plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageView {
    items: Vec<UsageItem>,
}

/// What is used of one meter.
#[derive(Debug, Serialize, ToSchema)]
struct UsageItem {
    #[schema(example = "listings")]
    meter: String,
    limit: i64,
    used: i64,
    remaining: i64,
    /// When the count starts again; null for things held.
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
}

impl From<Usage> for UsageItem {
    fn from(usage: Usage) -> Self {
        Self {
            meter: usage.meter.to_string(),
            limit: usage.limit,
            used: usage.used,
            remaining: usage.remaining(),
            resets_at: usage.resets_at,
        }
    }
}

/// Shows what the tenant uses of its plan.
#[utoipa::path(get, path = "/api/usage", tag = "account", responses((status = 200, body = UsageView)))]
pub(crate) async fn usage(
    State(market): State<Marketplace>,
    owner: Require<UsageRead>,
) -> Result<Json<UsageView>, Problem> {
    let items = market.app.usage(owner.caller()).all().await?.into_iter().map(UsageItem::from).collect();
    Ok(Json(UsageView { items }))
}
