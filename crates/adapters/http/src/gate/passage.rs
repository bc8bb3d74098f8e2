use std::sync::{Arc, OnceLock};

use futures::lock::Mutex;
#[cfg(any(feature = "axum", feature = "actix"))]
use tenantry_core::Permission;
use tenantry_core::{Caller, TenantCtx};
use tracing::{Span, field};

use super::{Admission, Counted, Gate, Refusal, RequestId, RequestView};
use crate::Problem;
#[cfg(any(feature = "axum", feature = "actix"))]
use crate::RequireOn;
use crate::extract::contradicted;
#[cfg(any(feature = "axum", feature = "actix"))]
use crate::extract::undeclared;
use crate::routes::Ruling;

/// One request on its way through the gate: what the layer puts beside it for the extractors.
///
/// However many extractors ask, it is decided and counted once.
#[derive(Clone)]
pub(crate) struct Passage(Arc<Inner>);

struct Inner {
    gate: Gate,
    id: RequestId,
    span: Span,
    decided: Mutex<Option<Result<Admission, Refusal>>>,
    counted: OnceLock<Counted>,
    declared: OnceLock<Ruling>,
}

impl Passage {
    /// `pattern` is the route as far as it is known: for the log only, never to decide by.
    pub(crate) fn begin(
        gate: &Gate,
        request: &impl RequestView,
        method: &str,
        pattern: Option<&str>,
    ) -> Self {
        let named = request.field("x-request-id").and_then(RequestId::accept);
        let id = named.unwrap_or_else(RequestId::generate);
        let span = tracing::info_span!(
            "request",
            id = id.as_str(),
            method,
            route = pattern,
            status = field::Empty,
            tenant = field::Empty,
            principal = field::Empty,
        );
        Self(Arc::new(Inner {
            gate: gate.clone(),
            id,
            span,
            decided: Mutex::new(None),
            counted: OnceLock::new(),
            declared: OnceLock::new(),
        }))
    }

    /// The route declares this by itself, whatever its handler asks for.
    pub(crate) fn declare(&self, ruling: Ruling) {
        let _ = self.0.declared.set(ruling);
    }

    /// That an extractor asks for nothing but what the route declares.
    pub(crate) fn agree(&self, asked: Ruling) -> Result<(), Problem> {
        match self.0.declared.get() {
            Some(declared) if !declared.admits(asked) => Err(contradicted(*declared, asked)),
            _ => Ok(()),
        }
    }

    /// Whether the caller may use a route that declares `ruling`, where memory has the answer.
    pub(crate) fn try_pass(&self, request: &impl RequestView, ruling: Ruling) -> Option<Result<(), Problem>> {
        if ruling == Ruling::Public {
            return Some(Ok(()));
        }
        Some(self.try_caller(request)?.map_err(Problem::from).and_then(|caller| permit(&caller, ruling)))
    }

    /// Whether the caller may use a route that declares `ruling`.
    pub(crate) async fn pass(&self, request: &impl RequestView, ruling: Ruling) -> Result<(), Problem> {
        match self.try_pass(request, ruling) {
            Some(passed) => passed,
            None => permit(&self.caller(request).await?, ruling),
        }
    }

    /// What [`RequireOn`] asks of a route.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn ruling_on<P: Permission>(&self) -> Result<Ruling, Problem> {
        let permission = self.gate().tenantry().catalog().index::<P>().ok_or_else(|| undeclared(P::KEY))?;
        let ruling = Ruling::MayHold(permission);
        self.agree(ruling).map(|()| ruling)
    }

    /// The caller with what there is to decide by, if it may do `P` to anything at all.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn require_on<P: Permission>(
        &self,
        request: &impl RequestView,
        decided: Result<Admission, Refusal>,
    ) -> Result<RequireOn<P>, Problem> {
        let (ruling, admission) = (self.ruling_on::<P>()?, decided?);
        permit(admission.caller(), ruling)?;
        let facts = self.gate().facts(request, &admission);
        Ok(RequireOn::new(admission.into_caller(), facts))
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn id(&self) -> &RequestId {
        &self.0.id
    }

    pub(crate) fn span(&self) -> &Span {
        &self.0.span
    }

    /// The fields that the answer gets.
    pub(crate) fn answer_fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let counted = self.0.counted.get();
        let rate = counted.map(|counted| ("ratelimit-policy", counted.policy()));
        let left = counted.map(|counted| ("ratelimit", counted.state()));
        [("x-request-id", self.id().to_string())].into_iter().chain(rate).chain(left)
    }

    /// Who makes the request, where memory has the answer.
    pub(crate) fn try_caller(&self, request: &impl RequestView) -> Option<Result<Caller, Refusal>> {
        self.try_admission(request).map(|decided| decided.map(Admission::into_caller))
    }

    /// Who makes the request.
    pub(crate) async fn caller(&self, request: &impl RequestView) -> Result<Caller, Refusal> {
        self.admission(request).await.map(Admission::into_caller)
    }

    /// Who makes the request and what its token says, where memory has the answer.
    pub(crate) fn try_admission(&self, request: &impl RequestView) -> Option<Result<Admission, Refusal>> {
        let mut decided = self.0.decided.try_lock()?;
        if let Some(decided) = &*decided {
            return Some(decided.clone());
        }
        let outcome = self.gate().try_check(Gate::read(request), None)?;
        *decided = Some(outcome.clone());
        Some(self.note(outcome))
    }

    /// Who makes the request and what its token says.
    pub(crate) async fn admission(&self, request: &impl RequestView) -> Result<Admission, Refusal> {
        if let Some(decided) = self.try_admission(request) {
            return decided;
        }
        let mut decided = self.0.decided.lock().await;
        if let Some(decided) = &*decided {
            return decided.clone();
        }
        let outcome = self.gate().check(Gate::read(request), None).await;
        *decided = Some(outcome.clone());
        self.note(outcome)
    }

    /// The tenant at whose host the request is, where memory has the answer.
    pub(crate) fn try_tenant(&self, request: &impl RequestView) -> Option<Result<TenantCtx, Refusal>> {
        let found = self.gate().try_tenant(Gate::read(request))?;
        Some(found.inspect(|tenant| self.note_tenant(tenant)))
    }

    /// The tenant at whose host the request is.
    pub(crate) async fn tenant(&self, request: &impl RequestView) -> Result<TenantCtx, Refusal> {
        let found = self.gate().tenant(Gate::read(request)).await;
        found.inspect(|tenant| self.note_tenant(tenant))
    }

    fn note(&self, outcome: Result<Admission, Refusal>) -> Result<Admission, Refusal> {
        let counted = match &outcome {
            Ok(admission) => admission.counted(),
            Err(Refusal::RateLimited(counted)) => Some(counted),
            Err(_) => None,
        };
        if let Some(counted) = counted {
            let _ = self.0.counted.set(*counted);
        }
        outcome.inspect(|admission| {
            self.note_tenant(admission.caller().tenant());
            self.span().record("principal", field::display(admission.caller().id()));
        })
    }

    fn note_tenant(&self, tenant: &TenantCtx) {
        self.span().record("tenant", field::display(tenant.id()));
    }
}

fn permit(caller: &Caller, ruling: Ruling) -> Result<(), Problem> {
    let may_pass = match ruling {
        Ruling::Public | Ruling::Member => true,
        Ruling::Holds(permission) => caller.holds(permission),
        Ruling::MayHold(permission) => caller.principal().authority().may_hold(permission),
    };
    if may_pass { Ok(()) } else { Err(Problem::forbidden()) }
}
