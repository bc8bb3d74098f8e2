use std::sync::Arc;

use tenantry_core::{AdmitError, CountersUnavailable, PlanRef, ResolveError, TenantInactive, Unavailable};

use super::Counted;

/// Why the gate lets a request not pass. What each is over HTTP, [`Problem`](crate::Problem) says.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request names no host, or one that no tenant has.
    #[error("no tenant has this address")]
    TenantUnknown,
    /// Nobody is signed in.
    #[error(transparent)]
    Unauthenticated(BadToken),
    /// The token is good at another tenant's host.
    #[error("the token belongs to another tenant: use its address, or sign in here")]
    TenantMismatch,
    /// The tenant can't act.
    #[error(transparent)]
    Inactive(#[from] TenantInactive),
    /// The body is longer than the gate allows.
    #[error("the body is too large: at most {limit} bytes")]
    TooLarge {
        /// The most bytes.
        limit: u64,
    },
    /// The tenant has used up the rate of its plan.
    #[error("too many requests: at most {} in {} seconds", .0.requests(), .0.window_seconds())]
    RateLimited(Counted),
    /// The caller doesn't hold the permission.
    #[error("your roles don't allow this")]
    Forbidden,
    /// The application has no plan of the tenant's: a mistake in what it declares.
    #[error("the application declares no plan {0}: declare every version that tenants have")]
    UnknownPlan(PlanRef),
    /// The store can't say.
    #[error(transparent)]
    StoreUnavailable(Arc<Unavailable>),
    /// The counters can't say.
    #[error(transparent)]
    CountersUnavailable(#[from] CountersUnavailable),
}

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum BadToken {
    /// There is no token.
    #[error("sign in, and send the token as `Authorization: Bearer …`")]
    Missing,
    /// It is no good, or the user is no member of the tenant any more.
    #[error("the token is not valid: sign in again")]
    Invalid,
}

impl From<Unavailable> for Refusal {
    fn from(unavailable: Unavailable) -> Self {
        Self::StoreUnavailable(Arc::new(unavailable))
    }
}

impl From<ResolveError> for Refusal {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Inactive(inactive) => Self::Inactive(inactive),
            ResolveError::Unavailable(unavailable) => unavailable.into(),
            _ => Self::TenantUnknown,
        }
    }
}

impl From<AdmitError> for Refusal {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::Inactive(inactive) => Self::Inactive(inactive),
            AdmitError::Unavailable(unavailable) => unavailable.into(),
            _ => Self::Unauthenticated(BadToken::Invalid),
        }
    }
}
