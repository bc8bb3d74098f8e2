use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::FromRow;
use tenantry_core::{
    AccountBalance, Answer, Balance, Claim, Epoch, Fingerprint, Inbox, OrderId, RealmId, Role, StatementLine,
    StoredSecret, Tenant, TenantId, Timestamp, TransferId, Unavailable, User, UserId, WorkItem,
};
use uuid::Uuid;

/// A row that becomes a value of the model.
pub(crate) trait Stored {
    /// The value.
    type Model;

    fn read(self) -> Result<Self::Model, Unreadable>;
}

/// The values of rows, in their order.
pub(crate) fn read_rows<R: Stored>(rows: Vec<R>) -> Result<Vec<R::Model>, Unreadable> {
    rows.into_iter().map(Stored::read).collect()
}

/// A stored value that this version can't read.
#[derive(Debug, thiserror::Error)]
#[error("the stored {what} can't be read by this version")]
pub(crate) struct Unreadable {
    pub(crate) what: &'static str,
}

impl From<Unreadable> for Unavailable {
    fn from(unreadable: Unreadable) -> Self {
        Self::new("read what it holds", unreadable)
    }
}

pub(super) fn parsed<T: FromStr>(what: &'static str, text: &str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable { what })
}

pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable { what })
}

pub(super) fn counted(what: &'static str, number: i64) -> Result<u64, Unreadable> {
    number.try_into().map_err(|_| Unreadable { what })
}

#[derive(Debug, FromRow)]
pub(crate) struct TenantRow {
    tenant_id: Uuid,
    slug: String,
    name: String,
    kind: String,
    status: String,
    plan: String,
    cycle: String,
    realm_id: Uuid,
    above: String,
    epoch: i64,
    version: i64,
    created_at: i64,
}

impl Stored for TenantRow {
    type Model = Tenant;

    fn read(self) -> Result<Tenant, Unreadable> {
        Ok(Tenant {
            id: TenantId::from_uuid(self.tenant_id),
            slug: parsed("slug", &self.slug)?,
            name: self.name,
            kind: parsed("kind of tenant", &self.kind)?,
            status: parsed("status", &self.status)?,
            plan: parsed("plan", &self.plan)?,
            cycle: from_json("billing cycle", &self.cycle)?,
            realm: RealmId::from_uuid(self.realm_id),
            above: self
                .above
                .split_whitespace()
                .map(|id| parsed("tenant above", id))
                .collect::<Result<_, _>>()?,
            epoch: Epoch::from_number(counted("epoch", self.epoch)?),
            version: counted("version", self.version)?,
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct UserRow {
    tenant_id: Uuid,
    user_id: Uuid,
    realm_id: Uuid,
    email: String,
    name: String,
    secret: Option<String>,
    version: i64,
    created_at: i64,
}

impl Stored for UserRow {
    type Model = User;

    fn read(self) -> Result<User, Unreadable> {
        Ok(User {
            id: UserId::from_uuid(self.user_id),
            realm: RealmId::from_uuid(self.realm_id),
            owner: TenantId::from_uuid(self.tenant_id),
            email: parsed("e-mail address", &self.email)?,
            name: self.name,
            secret: self.secret.map(StoredSecret::new),
            version: counted("version", self.version)?,
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct RoleRow {
    pub(super) tenant_id: Uuid,
    pub(super) key: String,
    pub(super) name: String,
    pub(super) grants: String,
    pub(super) version: i64,
}

impl Stored for RoleRow {
    type Model = Role;

    fn read(self) -> Result<Role, Unreadable> {
        let (tenant, key) = (TenantId::from_uuid(self.tenant_id), parsed("role", &self.key)?);
        let (grants, version) = (from_json("grants", &self.grants)?, counted("version", self.version)?);
        Role::new(tenant, key, self.name, grants, version).map_err(|_| Unreadable { what: "role" })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct UsageRow {
    pub(crate) used: i64,
}

#[derive(Debug, FromRow)]
pub(crate) struct OrderIdRow {
    order_id: Uuid,
}

impl Stored for OrderIdRow {
    type Model = OrderId;

    fn read(self) -> Result<OrderId, Unreadable> {
        Ok(OrderId::from_uuid(self.order_id))
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct StatementRow {
    tenant_id: Uuid,
    transfer_id: Uuid,
    order_id: Uuid,
    at: i64,
    kind: String,
    currency: String,
    available: i64,
    held: i64,
}

impl Stored for StatementRow {
    type Model = StatementLine;

    fn read(self) -> Result<StatementLine, Unreadable> {
        Ok(StatementLine {
            transfer: TransferId::from_uuid(self.transfer_id),
            tenant: TenantId::from_uuid(self.tenant_id),
            order: OrderId::from_uuid(self.order_id),
            at: Timestamp::from_micros(self.at),
            kind: parsed("kind of statement line", &self.kind)?,
            currency: parsed("currency", &self.currency)?,
            available: self.available,
            held: self.held,
        })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct BalanceRow {
    currency: String,
    available: i64,
    held: i64,
}

impl Stored for BalanceRow {
    type Model = Balance;

    fn read(self) -> Result<Balance, Unreadable> {
        let currency = parsed("currency", &self.currency)?;
        Ok(Balance { currency, available: self.available, held: self.held })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct AccountRow {
    account: String,
    currency: String,
    balance: i64,
}

impl Stored for AccountRow {
    type Model = AccountBalance;

    fn read(self) -> Result<AccountBalance, Unreadable> {
        let account = parsed("account", &self.account)?;
        Ok(AccountBalance { account, currency: parsed("currency", &self.currency)?, balance: self.balance })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct InboxRow {
    tenant_id: Uuid,
    inbox_id: Uuid,
    source: String,
    event: String,
    payload: String,
    received_at: i64,
}

impl Stored for InboxRow {
    type Model = Inbox;

    fn read(self) -> Result<Inbox, Unreadable> {
        Ok(Inbox {
            tenant: TenantId::from_uuid(self.tenant_id),
            id: self.inbox_id,
            source: self.source,
            event: self.event,
            payload: from_json("payload", &self.payload)?,
            received_at: Timestamp::from_micros(self.received_at),
        })
    }
}

/// An idempotency key that hasn't expired.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct KeyRow {
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) status: i64,
    pub(crate) body: Vec<u8>,
}

impl KeyRow {
    /// The stored answer, if `fingerprint` is that of the request it was given to.
    pub(crate) fn answer_to(self, fingerprint: &Fingerprint) -> Result<Option<Answer>, Unreadable> {
        if self.fingerprint != fingerprint.as_bytes() {
            return Ok(None);
        }
        let status = self.status.try_into().map_err(|_| Unreadable { what: "status of an answer" })?;
        Ok(Some(Answer { status, body: self.body }))
    }
}

/// Claimed work.
#[derive(Debug, FromRow)]
pub(crate) struct WorkRow {
    tenant_id: Uuid,
    kind: String,
    subject: Uuid,
    due: i64,
    fence: i64,
    attempts: i64,
}

impl Stored for WorkRow {
    type Model = Claim;

    /// The row as the claim left it: its attempts include this one.
    fn read(self) -> Result<Claim, Unreadable> {
        let item = WorkItem {
            tenant: TenantId::from_uuid(self.tenant_id),
            kind: parsed("kind of work", &self.kind)?,
            subject: self.subject,
            due: Timestamp::from_micros(self.due),
        };
        let attempts = u32::try_from(self.attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        Ok(Claim { item, fence: counted("fence", self.fence)?, attempts })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct TenantIdRow {
    tenant_id: Uuid,
}

impl Stored for TenantIdRow {
    type Model = TenantId;

    fn read(self) -> Result<TenantId, Unreadable> {
        Ok(TenantId::from_uuid(self.tenant_id))
    }
}
