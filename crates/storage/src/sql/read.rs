use std::str::FromStr;

use tenantry_core::{
    ChainHead, Cursor, MeterKey, OrderId, Page, PageRequest, SealedAudit, SealedEvent, TenantId, Timestamp,
    UsagePeriod, UserId,
};
use uuid::Uuid;

use super::statement::{Statement, Value};

macro_rules! tenant_columns {
    () => {
        "tenant.tenant_id, tenant.slug, tenant.name, tenant.kind, tenant.status, tenant.plan, tenant.cycle, \
         tenant.realm_id, tenant.above, tenant.epoch, tenant.version, tenant.created_at"
    };
}

pub(super) use tenant_columns;

macro_rules! user_columns {
    () => {
        "account.tenant_id, account.user_id, account.realm_id, account.email, account.name, account.secret, \
         account.version, account.created_at"
    };
}

/// The same without what only sign-in is handed.
#[cfg(feature = "sqlite")]
macro_rules! member_columns {
    () => {
        "account.tenant_id, account.user_id, account.realm_id, account.email, account.name, NULL AS secret, \
         account.version, account.created_at"
    };
}

macro_rules! order_columns {
    () => {
        "order_id, buyer_id, seller_id, placed_by, reference, snapshot, terms, state, holds, payment_due, \
         payment, review, refunds, version, created_at"
    };
}

pub(super) use order_columns;

/// A page of a list: where it begins, and how many items to ask for.
pub(crate) struct Listing<K> {
    /// The sort key of the item before the page.
    pub(crate) after: K,
    pub(super) limit: u16,
}

impl<K> Listing<K> {
    /// The page that is asked for, from `first` on without a cursor; `None` for a cursor that nobody gave.
    pub(crate) fn of(page: &PageRequest, first: K, read: impl Fn(&Cursor) -> Option<K>) -> Option<Self> {
        let after = match page.after() {
            None => first,
            Some(cursor) => read(cursor)?,
        };
        Some(Self { after, limit: page.limit() })
    }

    /// The cursor is one value.
    pub(crate) fn by_key(page: &PageRequest, first: K) -> Option<Self>
    where
        K: FromStr,
    {
        Self::of(page, first, |cursor| cursor.as_str().parse().ok())
    }

    /// One more than fits on the page: it says that there is a next one.
    pub(super) fn limit(&self) -> Value {
        Value::Number(i64::from(self.limit) + 1)
    }

    /// The page, from what the statement answered.
    pub(crate) fn page<T>(&self, items: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
        Page::of(items, self.limit, cursor)
    }
}

/// What follows a cursor that no store gave.
pub(crate) fn nothing<T>() -> Page<T> {
    Page { items: vec![], next: None }
}

/// A page of a list that is sorted by an instant and an id, both descending.
pub(crate) fn newest_first(page: &PageRequest) -> Option<Listing<(i64, Uuid)>> {
    Listing::of(page, (i64::MAX, Uuid::max()), |cursor| {
        let mut parts = cursor.parts();
        let place = (parts.next()?.parse().ok()?, Uuid::try_parse(parts.next()?).ok()?);
        if parts.next().is_some() { None } else { Some(place) }
    })
}

/// Touches nothing.
pub(crate) fn ping() -> Statement {
    Statement::new("SELECT CAST(1 AS BIGINT)", [])
}

#[cfg(feature = "sqlite")]
pub(crate) fn tenant_by_slug(slug: &tenantry_core::Slug) -> Statement {
    Statement::new(
        concat!(
            "SELECT ",
            tenant_columns!(),
            " FROM tenantry_slugs AS name JOIN tenantry_tenants AS tenant \
             ON tenant.tenant_id = name.tenant_id WHERE name.slug = $1"
        ),
        [Value::text(slug.as_str())],
    )
}

pub(crate) fn tenant(id: TenantId) -> Statement {
    Statement::new(
        concat!("SELECT ", tenant_columns!(), " FROM tenantry_tenants AS tenant WHERE tenant.tenant_id = $1"),
        [id.into()],
    )
}

#[cfg(feature = "sqlite")]
pub(crate) fn children(parent: TenantId, listing: &Listing<String>) -> Statement {
    Statement::new(
        concat!(
            "SELECT ",
            tenant_columns!(),
            " FROM tenantry_tenants AS tenant WHERE tenant.parent_id = $1 AND tenant.slug > $2 \
             ORDER BY tenant.slug LIMIT $3"
        ),
        [parent.into(), Value::text(&listing.after), listing.limit()],
    )
}

/// The tenants below the one that the transaction knows, through PostgreSQL's door for them.
#[cfg(feature = "postgres")]
pub(crate) fn children_of_transaction(listing: &Listing<String>) -> Statement {
    Statement::new(
        concat!(
            "SELECT ",
            tenant_columns!(),
            " FROM tenantry.children($1, $2) AS tenant ORDER BY tenant.slug"
        ),
        [Value::text(&listing.after), listing.limit()],
    )
}

/// A member of the transaction's tenant, through PostgreSQL's door for them.
#[cfg(feature = "postgres")]
pub(crate) fn user_of_transaction(user: UserId) -> Statement {
    Statement::new(
        concat!("SELECT ", user_columns!(), " FROM tenantry.member_user($1) AS account"),
        [user.into()],
    )
}

/// A user in the rows of the realm's owner.
#[cfg(feature = "postgres")]
pub(crate) fn own_user(owner: TenantId, user: UserId) -> Statement {
    Statement::new(
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM tenantry_users AS account WHERE account.tenant_id = $1 AND account.user_id = $2"
        ),
        [owner.into(), user.into()],
    )
}

#[cfg(feature = "sqlite")]
pub(crate) fn user_by_email(realm: tenantry_core::RealmId, email: &tenantry_core::Email) -> Statement {
    Statement::new(
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM tenantry_emails AS address JOIN tenantry_users AS account \
             ON account.tenant_id = address.tenant_id AND account.user_id = address.user_id \
             WHERE address.realm_id = $1 AND address.email = $2"
        ),
        [realm.into(), Value::text(email.as_str())],
    )
}

/// A user who is a member of `tenant`, whoever keeps the realm, without the secret.
#[cfg(feature = "sqlite")]
pub(crate) fn user(tenant: TenantId, user: UserId) -> Statement {
    Statement::new(
        concat!(
            "SELECT ",
            member_columns!(),
            " FROM tenantry_memberships AS member JOIN tenantry_users AS account \
             ON account.realm_id = member.realm_id AND account.user_id = member.user_id \
             WHERE member.tenant_id = $1 AND member.user_id = $2"
        ),
        [tenant.into(), user.into()],
    )
}

pub(crate) fn used(tenant: TenantId, meter: &MeterKey, period: UsagePeriod) -> Statement {
    super::guard::used(tenant, meter, period)
}

pub(crate) fn order(operator: TenantId, order: OrderId) -> Statement {
    Statement::new(
        concat!(
            "SELECT tenant_id AS operator_id, ",
            order_columns!(),
            " FROM tenantry_orders WHERE tenant_id = $1 AND order_id = $2"
        ),
        [operator.into(), order.into()],
    )
}

pub(crate) fn open_orders_of_seller(
    operator: TenantId,
    seller: TenantId,
    listing: &Listing<OrderId>,
) -> Statement {
    Statement::new(
        "SELECT order_id FROM tenantry_orders WHERE tenant_id = $1 AND seller_id = $2 \
         AND state IN ('created', 'awaiting_payment', 'funded', 'in_review') AND order_id > $3 \
         ORDER BY order_id LIMIT $4",
        [operator.into(), seller.into(), listing.after.into(), listing.limit()],
    )
}

pub(crate) fn order_side(tenant: TenantId, order: OrderId) -> Statement {
    Statement::new(
        concat!(
            "SELECT tenant_id, party, operator_id, ",
            order_columns!(),
            " FROM tenantry_order_sides WHERE tenant_id = $1 AND order_id = $2 ORDER BY party LIMIT 1"
        ),
        [tenant.into(), order.into()],
    )
}

pub(crate) fn statement(tenant: TenantId, listing: &Listing<(i64, Uuid)>) -> Statement {
    let (at, id) = listing.after;
    Statement::new(
        "SELECT tenant_id, transfer_id, order_id, at, kind, currency, available, held \
         FROM tenantry_statement_lines WHERE tenant_id = $1 AND (at, transfer_id) < ($2, $3) \
         ORDER BY at DESC, transfer_id DESC LIMIT $4",
        [tenant.into(), at.into(), id.into(), listing.limit()],
    )
}

pub(crate) fn balances(tenant: TenantId) -> Statement {
    Statement::new(
        "SELECT currency, available, held FROM tenantry_party_balances WHERE tenant_id = $1 \
         ORDER BY currency",
        [tenant.into()],
    )
}

/// Sums of entries. A sum past 64 bits is an error of the database's.
pub(crate) fn account_balances(operator: TenantId) -> Statement {
    Statement::new(
        "SELECT account, currency, CAST(SUM(amount) AS BIGINT) AS balance FROM tenantry_entries \
         WHERE tenant_id = $1 GROUP BY account, currency",
        [operator.into()],
    )
}

pub(crate) fn inbox(tenant: TenantId, id: Uuid) -> Statement {
    Statement::new(
        "SELECT tenant_id, inbox_id, source, event, payload, received_at FROM tenantry_inbox \
         WHERE tenant_id = $1 AND inbox_id = $2",
        [tenant.into(), id.into()],
    )
}

pub(crate) fn next_due() -> Statement {
    Statement::new("SELECT ready FROM tenantry_work ORDER BY ready LIMIT 1", [])
}

pub(crate) fn audit(tenant: TenantId, listing: &Listing<u64>) -> Statement {
    Statement::new(
        "SELECT tenant_id, place, audit_id, at, actor, action, target, detail, seq, hash \
         FROM tenantry_audit WHERE tenant_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
        [tenant.into(), Value::count(listing.after), listing.limit()],
    )
}

pub(crate) fn events(tenant: TenantId, after: u64, limit: u16) -> Statement {
    Statement::new(
        "SELECT tenant_id, place, event_id, aggregate_kind, aggregate_id, version, kind, payload, at, seq \
         FROM tenantry_events WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        [tenant.into(), Value::count(after), Value::Number(i64::from(limit))],
    )
}

/// The tenants that have rows to be sealed, by id.
pub(crate) fn unsealed(limit: u16) -> Statement {
    Statement::new(
        "SELECT tenant_id FROM tenantry_audit WHERE seq IS NULL \
         UNION SELECT tenant_id FROM tenantry_events WHERE seq IS NULL ORDER BY tenant_id LIMIT $1",
        [Value::Number(i64::from(limit))],
    )
}

/// A row if the tenant has rows to be sealed.
#[cfg(feature = "sqlite")]
pub(crate) fn is_unsealed(tenant: TenantId) -> Statement {
    Statement::new(
        "SELECT CAST(1 AS BIGINT) WHERE \
         EXISTS (SELECT 1 FROM tenantry_audit WHERE tenant_id = $1 AND seq IS NULL) \
         OR EXISTS (SELECT 1 FROM tenantry_events WHERE tenant_id = $1 AND seq IS NULL)",
        [tenant.into()],
    )
}

pub(crate) fn unsealed_audit(tenant: TenantId, limit: u16) -> Statement {
    Statement::new(
        "SELECT tenant_id, place, audit_id, at, actor, action, target, detail, seq, hash \
         FROM tenantry_audit WHERE tenant_id = $1 AND seq IS NULL ORDER BY place LIMIT $2",
        [tenant.into(), Value::Number(i64::from(limit))],
    )
}

pub(crate) fn unsealed_events(tenant: TenantId, limit: u16) -> Statement {
    Statement::new(
        "SELECT tenant_id, place, event_id, aggregate_kind, aggregate_id, version, kind, payload, at, seq \
         FROM tenantry_events WHERE tenant_id = $1 AND seq IS NULL ORDER BY place LIMIT $2",
        [tenant.into(), Value::Number(i64::from(limit))],
    )
}

pub(crate) fn chain_head(tenant: TenantId) -> Statement {
    Statement::new(
        "SELECT audit_seq, audit_hash, event_seq FROM tenantry_streams WHERE tenant_id = $1",
        [tenant.into()],
    )
}

pub(crate) fn seal_audit(place: i64, sealed: &SealedAudit) -> Statement {
    Statement::new(
        "UPDATE tenantry_audit SET seq = $3, hash = $4 WHERE tenant_id = $1 AND place = $2 AND seq IS NULL",
        [
            sealed.entry.tenant.into(),
            Value::Number(place),
            Value::count(sealed.seq),
            Value::Bytes(sealed.hash.to_vec()),
        ],
    )
}

pub(crate) fn seal_event(place: i64, sealed: &SealedEvent) -> Statement {
    Statement::new(
        "UPDATE tenantry_events SET seq = $3 WHERE tenant_id = $1 AND place = $2 AND seq IS NULL",
        [sealed.event.tenant.into(), Value::Number(place), Value::count(sealed.seq)],
    )
}

pub(crate) fn store_chain_head(tenant: TenantId, head: &ChainHead) -> Statement {
    Statement::new(
        "INSERT INTO tenantry_streams (tenant_id, audit_seq, audit_hash, event_seq) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id) \
         DO UPDATE SET audit_seq = excluded.audit_seq, audit_hash = excluded.audit_hash, \
         event_seq = excluded.event_seq",
        [
            tenant.into(),
            Value::count(head.audit_seq),
            Value::Bytes(head.audit_hash.to_vec()),
            Value::count(head.event_seq),
        ],
    )
}

/// The cursor after an item of a list that is sorted by an instant and an id.
pub(crate) fn place(at: Timestamp, id: Uuid) -> Cursor {
    Cursor::after_key(&[&at.as_micros(), &id])
}
