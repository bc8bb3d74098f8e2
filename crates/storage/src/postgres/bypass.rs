use std::fmt;

use serde_json::json;
use sqlx::PgConnection;
use tenantry_core::{AuditActor, AuditEntry, AuditId, Caller, CommitError, TenantId};
use uuid::Uuid;

use super::PostgresStore;
use super::connect::Begun;
use crate::sql::{Connection as _, Statement, Value};

/// Why somebody steps around the wall between tenants: what for, and the reason in that case. Both are in the audit
/// trail of whoever did.
///
/// ```
/// use tenantry_storage::Bypass;
///
/// let bypass = Bypass::new("support.search", "ticket 4711: the buyer can't find an order")?;
/// assert!(Bypass::new("support.search", " ").is_err());
/// # drop(bypass);
/// # Ok::<(), tenantry_storage::InvalidBypass>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypass {
    name: &'static str,
    reason: String,
}

impl Bypass {
    /// A bypass with a name of the program's, such as `support.search`, and a reason of 1 to 500 characters.
    ///
    /// # Errors
    /// [`InvalidBypass`].
    pub fn new(name: &'static str, reason: impl Into<String>) -> Result<Self, InvalidBypass> {
        let reason = reason.into();
        let is_named = !name.is_empty() && name.len() <= 100;
        let has_reason = !reason.trim().is_empty() && reason.chars().count() <= 500;
        if is_named && has_reason { Ok(Self { name, reason }) } else { Err(InvalidBypass) }
    }
}

/// There is no name or no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bypass has a name, and a reason of 1 to 500 characters")]
pub struct InvalidBypass;

/// On whose behalf a bypass is made, as the audit trail names it.
#[derive(Debug, Clone)]
struct Actor {
    tenant: TenantId,
    actor: AuditActor,
}

impl PostgresStore {
    /// Opens the door around the wall between tenants, for a caller: a transaction of the admin's login, which sees
    /// and writes every tenant's rows.
    ///
    /// Its use is in the caller's audit trail before its first statement can run; and once more, as `bypass.committed`,
    /// in the transaction itself, so that there is no write without an entry. What the caller may do by it is for the
    /// application to decide.
    ///
    /// # Errors
    /// [`CommitError::Unavailable`] without the admin's login, [`CommitError::Busy`].
    pub async fn bypass(&self, by: &Caller, bypass: Bypass) -> Result<BypassTx, CommitError> {
        let actor = Actor { tenant: by.tenant().id(), actor: by.into() };
        self.bypass_as(actor, bypass).await
    }

    /// The same for a piece of work of the service's own, named in the trail of `home` as `system:WORK`.
    ///
    /// # Errors
    /// [`CommitError::Unavailable`] without the admin's login, [`CommitError::Busy`].
    pub async fn bypass_for_work(
        &self,
        home: &impl tenantry_core::InTenant,
        work: &'static str,
        bypass: Bypass,
    ) -> Result<BypassTx, CommitError> {
        let actor = Actor { tenant: home.scope().tenant(), actor: AuditActor::System(work.to_owned()) };
        self.bypass_as(actor, bypass).await
    }

    async fn bypass_as(&self, actor: Actor, bypass: Bypass) -> Result<BypassTx, CommitError> {
        let admin = self.inner.admin()?.clone();
        let opened = note(&actor, &bypass, "bypass.opened", self.inner.now());
        let committed = note(&actor, &bypass, "bypass.committed", self.inner.now());
        let mut begun = Begun::begin(&admin, "BEGIN").await?;
        begun.run(opened).await.map_err(|error| error.while_doing(NOTING))?;
        begun.commit(|| {}).await?;
        let mut begun = Begun::begin(&admin, "BEGIN").await?;
        begun.run(committed).await.map_err(|error| error.while_doing(NOTING))?;
        Ok(BypassTx { begun })
    }
}

/// A transaction of the admin's login: every tenant's rows. Dropped, it leaves nothing but the note that it was
/// opened.
#[must_use = "a transaction that is dropped leaves nothing"]
pub struct BypassTx {
    begun: Begun,
}

impl BypassTx {
    /// The connection, for the application's own statements.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.begun
    }

    /// Commits what was done, with its entry.
    ///
    /// # Errors
    /// [`CommitError::Unavailable`].
    pub async fn commit(self) -> Result<(), CommitError> {
        self.begun.commit(|| {}).await
    }
}

impl fmt::Debug for BypassTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BypassTx").finish_non_exhaustive()
    }
}

const NOTING: &str = "note a bypass";

fn note(by: &Actor, bypass: &Bypass, action: &str, now: tenantry_core::Timestamp) -> Statement {
    let entry = AuditEntry {
        id: AuditId::from_uuid(Uuid::now_v7()),
        tenant: by.tenant,
        at: now,
        actor: by.actor.clone(),
        action: action.to_owned(),
        target: format!("bypass:{}", bypass.name),
        detail: json!({ "reason": bypass.reason }),
    };
    Statement::new(
        "INSERT INTO tenantry_audit (tenant_id, audit_id, at, actor, action, target, detail) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            entry.tenant.into(),
            entry.id.into(),
            entry.at.into(),
            Value::Text(entry.actor.to_string()),
            Value::Text(entry.action),
            Value::Text(entry.target),
            Value::Text(entry.detail.to_string()),
        ],
    )
}
