use async_trait::async_trait;

use super::{Failure, Tenantry};
use crate::store::{AuditActor, AuditEntry, Guard};
use crate::{
    Aggregate, Answer, AuditId, Batch, BatchId, Caller, Event, EventId, GuardFailure, SystemCtx, TenantCtx,
    TenantId,
};

/// On whose behalf an operation is done.
#[derive(Debug, Clone)]
pub enum Actor {
    /// A member or a program of a tenant. What it writes is refused once its tenant's epoch has moved.
    Caller(Caller),
    /// Somebody at a tenant's address who isn't signed in.
    Visitor(TenantCtx),
    /// A system outside that reports to a tenant, such as a payment provider, whose message was verified.
    External(TenantCtx, &'static str),
    /// Claimed work. What it writes is refused once the claim has passed to another worker.
    System(SystemCtx),
}

impl Actor {
    /// The tenant that the operation belongs to.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        match self {
            Self::Caller(caller) => caller.tenant().id(),
            Self::Visitor(tenant) | Self::External(tenant, _) => tenant.id(),
            Self::System(ctx) => ctx.tenant(),
        }
    }

    pub(crate) fn name(&self) -> AuditActor {
        match self {
            Self::Caller(caller) => caller.into(),
            Self::Visitor(_) => AuditActor::Visitor,
            Self::External(_, name) => AuditActor::System((*name).to_owned()),
            Self::System(ctx) => match ctx.purpose() {
                crate::Purpose::Work(kind) => AuditActor::System(kind.as_str().to_owned()),
                crate::Purpose::Operator => AuditActor::System("operator".to_owned()),
            },
        }
    }

    /// An empty batch with the guards that what this actor does always has.
    pub(crate) fn begin(&self, app: &Tenantry) -> Batch {
        let mut batch = Batch::new(BatchId::generate(), self.tenant(), app.now());
        match self {
            Self::Caller(caller) => {
                let tenant = caller.tenant().tenant();
                batch.guard(Guard::Epoch { tenant: tenant.id, epoch: tenant.epoch });
            }
            Self::Visitor(tenant) => {
                batch.guard(Guard::Epoch { tenant: tenant.id(), epoch: tenant.tenant().epoch });
            }
            Self::External(_, _) => {}
            Self::System(ctx) => {
                if let Some(claim) = ctx.claim() {
                    let item = claim.item;
                    batch.guard(Guard::Claimed {
                        tenant: item.tenant,
                        kind: item.kind,
                        subject: item.subject,
                        fence: claim.fence,
                    });
                }
            }
        }
        batch
    }

    /// Writes into the trail of the actor's tenant that it did `action` to `target`.
    pub(crate) fn audit(&self, batch: &mut Batch, action: &str, target: String, detail: serde_json::Value) {
        self.audit_for(batch, self.tenant(), self.name(), action, target, detail);
    }

    /// Writes into the trail of another tenant what the actor did to it, without naming the user who did.
    pub(crate) fn audit_elsewhere(
        &self,
        batch: &mut Batch,
        tenant: TenantId,
        action: &str,
        target: String,
        detail: serde_json::Value,
    ) {
        if tenant == self.tenant() {
            return;
        }
        let actor = AuditActor::System(format!("tenant:{}", self.tenant()));
        self.audit_for(batch, tenant, actor, action, target, detail);
    }

    fn audit_for(
        &self,
        batch: &mut Batch,
        tenant: TenantId,
        actor: AuditActor,
        action: &str,
        target: String,
        detail: serde_json::Value,
    ) {
        let entry = AuditEntry {
            id: AuditId::from_uuid(batch.next_id()),
            tenant,
            at: batch.at(),
            actor,
            action: action.to_owned(),
            target,
            detail,
        };
        batch.audit_entry(entry);
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        Self::Caller(caller.clone())
    }
}

impl From<&SystemCtx> for Actor {
    fn from(ctx: &SystemCtx) -> Self {
        Self::System(ctx.clone())
    }
}

/// Adds an event about an aggregate to a batch.
pub(crate) fn emit(
    batch: &mut Batch,
    tenant: TenantId,
    aggregate: Aggregate,
    version: u64,
    kind: &str,
    payload: serde_json::Value,
) {
    let event = Event {
        id: EventId::from_uuid(batch.next_id()),
        tenant,
        aggregate,
        version,
        kind: kind.to_owned(),
        payload,
        at: batch.at(),
    };
    batch.event(event);
}

/// Something that the library does: it loads, decides, and puts what follows into a batch.
///
/// Sealed: the library's operations are all there are.
#[async_trait]
pub trait Operation: Send + Sync + sealed::Sealed {
    /// What it gives.
    type Outcome: Send;
    /// Why it may be refused.
    type Refusal: std::error::Error + Send + 'static;

    /// One attempt on behalf of `by`: fills the batch.
    #[doc(hidden)]
    async fn attempt(
        &self,
        app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<Self::Outcome>, Failure<Self::Refusal>>;

    /// What guards that failed mean, where they don't mean that somebody else was faster.
    #[doc(hidden)]
    fn refusal(&self, _by: &Actor, _failures: &[GuardFailure]) -> Option<Self::Refusal> {
        None
    }

    /// What the stored answer of an earlier, equal request means.
    #[doc(hidden)]
    fn answered(&self, _answer: Answer) -> Option<Self::Outcome> {
        None
    }
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Attempt<T> {
    /// The batch has to be committed.
    Write(T),
    /// There is nothing to write.
    Settled(T),
}

pub(crate) mod sealed {
    /// Keeps [`Operation`](super::Operation) to this crate.
    pub trait Sealed {}
}
