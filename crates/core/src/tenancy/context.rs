use std::sync::Arc;

use super::{Caller, Stamp, Tenant, TenantStatus};
use crate::{TenantId, WorkItem};

/// Proof that a tenant exists and is active: what every tenant-scoped read takes.
///
/// It has no public constructor: only [`Tenantry::resolve`](crate::Tenantry::resolve) makes one, so a handler
/// that has no tenant does not compile.
///
/// ```compile_fail
/// use std::sync::Arc;
/// use tenantry_core::{Stamp, Tenant, TenantCtx};
///
/// fn forge(facts: Arc<Tenant>, stamp: Stamp) -> TenantCtx {
///     TenantCtx { facts, stamp }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct TenantCtx {
    facts: Arc<Tenant>,
    stamp: Stamp,
}

impl TenantCtx {
    pub(crate) fn of_active(tenant: Tenant, stamp: Stamp) -> Result<Self, TenantInactive> {
        match tenant.status {
            TenantStatus::Active => Ok(Self { facts: Arc::new(tenant), stamp }),
            TenantStatus::Suspended => Err(TenantInactive::Suspended),
            TenantStatus::Closed => Err(TenantInactive::Closed),
        }
    }

    /// The tenant's id.
    #[must_use]
    pub fn id(&self) -> TenantId {
        self.facts.id
    }

    /// The tenant as it was resolved.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.facts
    }

    /// Whether nothing that was resolved has changed since. Whoever keeps a context longer than for a request (an
    /// open stream, a socket) asks before each use: a change in this process shows at once, one of another process
    /// within a second, and no is also the answer while this process can't know
    /// ([`Freshness::Stale`](crate::Freshness::Stale)). Resolve the tenant anew then.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.stamp.is_current()
    }

    /// The right to read this tenant's rows.
    #[must_use]
    pub fn scope(&self) -> ReadScope {
        ReadScope { tenant: self.id() }
    }
}

/// Why a tenant can't act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TenantInactive {
    /// Suspended by the operator.
    #[error("the tenant is suspended")]
    Suspended,
    /// Closed for good.
    #[error("the tenant is closed")]
    Closed,
}

/// The right to act for a tenant that need not be active: its timers, refunds and holds.
///
/// Only a claimed piece of work makes one, and what it writes is refused once the claim has passed to another
/// worker.
#[derive(Debug, Clone)]
pub struct SystemCtx {
    tenant: TenantId,
    purpose: Purpose,
    claim: Option<Claim>,
}

impl SystemCtx {
    pub(crate) fn of_claim(claim: Claim) -> Self {
        Self { tenant: claim.item.tenant, purpose: Purpose::Work(claim.item.kind), claim: Some(claim) }
    }

    /// For core's own reads of the side of an order that the operator keeps.
    pub(crate) fn for_operator(tenant: TenantId) -> Self {
        Self { tenant, purpose: Purpose::Operator, claim: None }
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What the context was made for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The work that it was made for.
    #[must_use]
    pub fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref()
    }

    /// The right to read the tenant's rows.
    #[must_use]
    pub fn scope(&self) -> ReadScope {
        ReadScope { tenant: self.tenant }
    }
}

/// What a [`SystemCtx`] was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// A claimed piece of work.
    Work(crate::WorkKind),
    /// The operator's side of an order, while a party acts on it.
    Operator,
}

/// A piece of pending work that this process has claimed until `until`.
///
/// Each claim of the same work has a higher `fence`: a worker that was paused past its lease can't finish the
/// work that another has claimed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The work.
    pub item: WorkItem,
    /// The number of this claim.
    pub fence: u64,
    /// How often it was claimed before: 0 the first time.
    pub attempts: u32,
}

/// Who acts in one tenant: a [`TenantCtx`], a [`Caller`] or a [`SystemCtx`]. What begins a transaction in a tenant
/// takes any of them. Nobody else implements it.
pub trait InTenant: sealed::Sealed + Sync {
    /// The right to read the tenant's rows.
    fn scope(&self) -> ReadScope;
}

impl InTenant for TenantCtx {
    fn scope(&self) -> ReadScope {
        Self::scope(self)
    }
}

impl InTenant for Caller {
    fn scope(&self) -> ReadScope {
        Self::scope(self)
    }
}

impl InTenant for SystemCtx {
    fn scope(&self) -> ReadScope {
        Self::scope(self)
    }
}

mod sealed {
    /// Keeps [`InTenant`](super::InTenant) to the contexts.
    pub trait Sealed {}

    impl Sealed for super::TenantCtx {}
    impl Sealed for super::Caller {}
    impl Sealed for super::SystemCtx {}
}

/// The right to read one tenant's rows: what a store's tenant-scoped reads take.
///
/// It comes from a [`TenantCtx`], a [`Caller`] or a [`SystemCtx`], and from nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadScope {
    tenant: TenantId,
}

impl ReadScope {
    /// The tenant whose rows may be read.
    #[must_use]
    pub fn tenant(self) -> TenantId {
        self.tenant
    }
}
