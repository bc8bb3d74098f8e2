//! The platform's own requests.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use tenantry::http::{Paging, Problem, Require};
use tenantry::{AccountBalance, Currency, SealedAudit, Slug, Tenant, TenantRefusal, Timestamp};
use utoipa::ToSchema;

use crate::account::TenantView;
use crate::model::{self, AuditRead, LedgerRead, TenantManage};
use crate::routes::AtPlatform;
use crate::state::Marketplace;
use crate::wire::{Listed, Named, Refusal, broken};

/// Lists the tenants of the marketplace, by slug.
#[utoipa::path(
    get,
    path = "/api/admin/tenants",
    tag = "admin",
    params(("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Listed<TenantView>))
)]
pub(crate) async fn tenants(
    State(market): State<Marketplace>,
    _at: AtPlatform,
    admin: Require<TenantManage>,
    Paging(page): Paging,
) -> Result<Json<Listed<TenantView>>, Problem> {
    let page = market.app.tenants(admin.caller()).page(&page).await?;
    Ok(Json(Listed::of(page, |tenant| TenantView::from(&tenant))))
}

/// Suspends a tenant; a seller's open orders are held.
#[utoipa::path(
    post,
    path = "/api/admin/tenants/{slug}/suspend",
    tag = "admin",
    params(("slug" = String, Path)),
    responses(
        (status = 200, body = TenantView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
        (status = 409, body = Refusal, content_type = "application/problem+json", description = "the platform itself"),
    )
)]
pub(crate) async fn suspend(
    State(market): State<Marketplace>,
    _at: AtPlatform,
    admin: Require<TenantManage>,
    Named(slug): Named,
) -> Result<Json<TenantView>, Problem> {
    let slug = named(&slug)?;
    market.check_across()?;
    let changed = market.app.tenants(admin.caller()).suspend(slug).await;
    changed_tenant(&market, changed).await
}

/// Lets a suspended tenant act again.
#[utoipa::path(
    post,
    path = "/api/admin/tenants/{slug}/reactivate",
    tag = "admin",
    params(("slug" = String, Path)),
    responses(
        (status = 200, body = TenantView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
        (status = 409, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reactivate(
    State(market): State<Marketplace>,
    _at: AtPlatform,
    admin: Require<TenantManage>,
    Named(slug): Named,
) -> Result<Json<TenantView>, Problem> {
    let slug = named(&slug)?;
    market.check_across()?;
    let changed = market.app.tenants(admin.caller()).reactivate(slug).await;
    changed_tenant(&market, changed).await
}

/// Approves an investor: the figures become part of its plan.
#[utoipa::path(
    post,
    path = "/api/admin/tenants/{slug}/approve",
    tag = "admin",
    params(("slug" = String, Path)),
    responses(
        (status = 200, body = TenantView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
        (status = 409, body = Refusal, content_type = "application/problem+json", description = "no investor"),
    )
)]
pub(crate) async fn approve(
    State(market): State<Marketplace>,
    _at: AtPlatform,
    admin: Require<TenantManage>,
    Named(slug): Named,
) -> Result<Json<TenantView>, Problem> {
    let slug = named(&slug)?;
    let found = market.app.store().tenant_by_slug(&slug).await?;
    let platform = admin.caller().tenant().id();
    let tenant = found
        .filter(|tenant| tenant.parent() == Some(platform) || tenant.id == platform)
        .ok_or_else(Problem::not_found)?;
    if tenant.kind.as_str() != model::Kind::Investor.as_str() {
        return Err(Problem::conflict("only an investor is approved"));
    }
    let plan = model::approved_plan().map_err(|error| broken("name a plan", &error))?;
    let changed = market.app.tenants(admin.caller()).subscribe(slug, plan).await;
    changed_tenant(&market, changed).await
}

async fn changed_tenant(
    market: &Marketplace,
    changed: Result<Tenant, tenantry::Failure<TenantRefusal>>,
) -> Result<Json<TenantView>, Problem> {
    let tenant = changed.map_err(|failure| {
        Problem::from_failure(failure, |refusal| match refusal {
            TenantRefusal::NotFound => Problem::not_found(),
            other => Problem::conflict(other.to_string()),
        })
    })?;
    market.settle().await;
    Ok(Json(TenantView::from(&tenant)))
}

fn named(slug: &str) -> Result<Slug, Problem> {
    slug.parse().map_err(|_| Problem::not_found())
}

/// An entry of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// Its number in the platform's trail.
    seq: u64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `user:ID`, `visitor`, or `system:NAME`.
    actor: String,
    #[schema(example = "tenant.status")]
    action: String,
    target: String,
    detail: Value,
    /// SHA-256 over the entry before and this one, in hex.
    hash: String,
}

impl From<SealedAudit> for AuditView {
    fn from(sealed: SealedAudit) -> Self {
        Self {
            seq: sealed.seq,
            at: sealed.entry.at,
            actor: sealed.entry.actor.to_string(),
            action: sealed.entry.action,
            target: sealed.entry.target,
            detail: sealed.entry.detail,
            hash: hex::encode(sealed.hash),
        }
    }
}

/// Reads the platform's audit trail, the newest first.
#[utoipa::path(
    get,
    path = "/api/admin/audit",
    tag = "admin",
    params(("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Listed<AuditView>))
)]
pub(crate) async fn audit(
    State(market): State<Marketplace>,
    _at: AtPlatform,
    admin: Require<AuditRead>,
    Paging(page): Paging,
) -> Result<Json<Listed<AuditView>>, Problem> {
    let page = market.app.trail(admin.caller()).audit(&page).await?;
    Ok(Json(Listed::of(page, AuditView::from)))
}

/// The platform's books.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BooksView {
    /// Whether each currency adds up to zero and nothing is overdrawn.
    balanced: bool,
    items: Vec<AccountView>,
}

/// An account: debits less credits, added up from its entries.
#[derive(Debug, Serialize, ToSchema)]
struct AccountView {
    #[schema(example = "fees")]
    account: String,
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// Minor units.
    balance: i64,
}

impl From<AccountBalance> for AccountView {
    fn from(balance: AccountBalance) -> Self {
        Self { account: balance.account.to_string(), currency: balance.currency, balance: balance.balance }
    }
}

/// Reads the platform's books.
#[utoipa::path(get, path = "/api/admin/ledger", tag = "admin", responses((status = 200, body = BooksView)))]
pub(crate) async fn ledger(
    State(market): State<Marketplace>,
    _at: AtPlatform,
    admin: Require<LedgerRead>,
) -> Result<Json<BooksView>, Problem> {
    let books = market.app.ledger(admin.caller()).books().await?;
    let balanced = books.is_balanced();
    let items = books.accounts.into_iter().map(AccountView::from).collect();
    Ok(Json(BooksView { balanced, items }))
}
