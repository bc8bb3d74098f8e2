use std::convert::Infallible;
use std::error::Error;

use tenantry_core::{
    AdmitError, CountersUnavailable, Denied, Failure, InvalidPage, QuotaExceeded, ResolveError, Unavailable,
};

use super::Problem;
use crate::{BadToken, Refusal};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TenantUnknown => Self::tenant_unknown(),
            Refusal::Unauthenticated(BadToken::Missing) => Self::unauthenticated(),
            Refusal::Unauthenticated(BadToken::Invalid) => Self::token_invalid(),
            Refusal::TenantMismatch => Self::tenant_mismatch(),
            Refusal::Inactive(_) => Self::tenant_suspended(),
            Refusal::TooLarge { limit } => Self::too_large(limit),
            Refusal::RateLimited(counted) => Self::rate_limited(counted.retry_after()),
            Refusal::Forbidden => Self::forbidden(),
            Refusal::UnknownPlan(_) => broken(&refusal),
            Refusal::StoreUnavailable(unavailable) => away(&*unavailable),
            Refusal::CountersUnavailable(unavailable) => away(&unavailable),
        }
    }
}

impl Problem {
    /// What an operation's failure is over HTTP, where `refused` says it of the operation's own refusals.
    ///
    /// | failure | answer |
    /// | --- | --- |
    /// | the operation's refusal | what `refused` says |
    /// | the key was used for another request | 409 `idempotency_mismatch` |
    /// | the caller's rights have changed | 403 `forbidden` |
    /// | contended, busy, superseded, unavailable | 503 `unavailable`, with `Retry-After` |
    /// | any other: a mistake of the service | 500 `internal`, and an error in the log |
    ///
    /// Contention is 503 and not 409: there is nothing wrong with the request or with what the client knows, and
    /// sending it again as it is will do, whereas 409 `conflict` asks the client to read and to decide anew.
    ///
    /// ```
    /// use tenantry_core::{Failure, TenantRefusal};
    /// use tenantry_http::Problem;
    ///
    /// let refused = |refusal: TenantRefusal| Problem::conflict(refusal.to_string());
    /// assert_eq!(Problem::from_failure(Failure::Contended, refused).status(), 503);
    /// ```
    pub fn from_failure<R>(failure: Failure<R>, refused: impl FnOnce(R) -> Self) -> Self {
        match failure {
            Failure::Refused(refusal) => refused(refusal),
            Failure::KeyMismatch => Self::idempotency_mismatch(),
            Failure::AuthorityChanged => Self::forbidden(),
            Failure::Contended | Failure::Busy | Failure::Superseded => {
                let failure = failure.map_refusal(|_| Unsaid);
                tracing::warn!(%failure, "an operation gave up");
                Self::unavailable()
            }
            Failure::Unavailable(unavailable) => unavailable.into(),
            other => broken(&other.map_refusal(|_| Unsaid)),
        }
    }
}

/// Stands for a refusal that doesn't occur where it is written.
#[derive(Debug, thiserror::Error)]
#[error("refused")]
struct Unsaid;

impl From<Failure<Infallible>> for Problem {
    fn from(failure: Failure<Infallible>) -> Self {
        Self::from_failure(failure, |never| match never {})
    }
}

impl From<Failure<Self>> for Problem {
    fn from(failure: Failure<Self>) -> Self {
        Self::from_failure(failure, |problem| problem)
    }
}

/// 404 for what the caller may not see, the document of what doesn't exist; 403 for what it may see but not do this to.
impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Hidden => Self::not_found(),
            Denied::Forbidden => Self::forbidden(),
            mistake => broken(&mistake),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        away(&unavailable)
    }
}

impl From<CountersUnavailable> for Problem {
    fn from(unavailable: CountersUnavailable) -> Self {
        away(&unavailable)
    }
}

impl From<ResolveError> for Problem {
    fn from(error: ResolveError) -> Self {
        Refusal::from(error).into()
    }
}

impl From<AdmitError> for Problem {
    fn from(error: AdmitError) -> Self {
        Refusal::from(error).into()
    }
}

impl From<&QuotaExceeded> for Problem {
    fn from(exceeded: &QuotaExceeded) -> Self {
        Self::quota_exceeded(exceeded)
    }
}

impl From<InvalidPage> for Problem {
    fn from(invalid: InvalidPage) -> Self {
        let field = if invalid == InvalidPage::Limit { "limit" } else { "cursor" };
        Self::invalid_field(field, invalid.to_string())
    }
}

fn away(error: &dyn Error) -> Problem {
    tracing::error!(error = %chain(error), "what is needed to answer is not available");
    Problem::unavailable()
}

fn broken(error: &dyn Error) -> Problem {
    tracing::error!(error = %chain(error), "a mistake of the service");
    Problem::internal()
}

/// An error and what is behind it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(source) = behind {
        text.push_str(": ");
        text.push_str(&source.to_string());
        behind = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tenantry_core::TenantInactive;

    use super::*;

    #[test]
    fn each_failure_has_its_answer() {
        let code = |failure: Failure<()>| {
            let problem = Problem::from_failure(failure, |()| Problem::conflict("mine"));
            (problem.status(), problem.code(), problem.fields().next().is_some())
        };
        assert_eq!(code(Failure::Refused(())), (409, "conflict", false));
        assert_eq!(code(Failure::KeyMismatch), (409, "idempotency_mismatch", false));
        assert_eq!(code(Failure::AuthorityChanged), (403, "forbidden", false));
        for retried in [Failure::Contended, Failure::Busy, Failure::Superseded] {
            assert_eq!(code(retried), (503, "unavailable", true));
        }
        assert_eq!(code(Unavailable::bare("read").into()), (503, "unavailable", true));
        for broken in [Failure::Nested, Failure::OtherTenant, Failure::NotJoinable, Failure::TooLarge] {
            assert_eq!(code(broken), (500, "internal", false));
        }
    }

    #[test]
    fn a_store_that_is_away_is_never_a_refusal() {
        let code = |problem: Problem| (problem.status(), problem.code());
        assert_eq!(code(AdmitError::Unavailable(Unavailable::bare("x")).into()), (503, "unavailable"));
        assert_eq!(code(ResolveError::Unavailable(Unavailable::bare("x")).into()), (503, "unavailable"));
        assert_eq!(code(CountersUnavailable::Full.into()), (503, "unavailable"));
        assert_eq!(code(AdmitError::NotMember.into()), (401, "unauthenticated"));
        assert_eq!(code(ResolveError::Unknown.into()), (404, "tenant_unknown"));
        assert_eq!(code(Refusal::from(TenantInactive::Closed).into()), (403, "tenant_suspended"));
    }

    #[test]
    fn what_is_hidden_is_what_does_not_exist() {
        assert_eq!(Problem::from(Denied::Hidden), Problem::not_found());
        assert_eq!(Problem::from(Denied::Forbidden), Problem::forbidden());
        assert_eq!(Problem::from(Denied::NotInCatalog).status(), 500);
    }
}
