use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use crate::app::operation::sealed::Sealed;
use crate::app::{Actor, Attempt, Command, Failure, Operation, Tenantry};
use crate::{Batch, Caller, Permission, PrincipalId, RequestFacts, UserId};

impl Tenantry {
    /// The caller as far as both it and a member of the tenant may act: what support sees when it looks at what a
    /// customer sees.
    ///
    /// Only who holds `P`, the application's permission for it, on the whole tenant in this request. What comes out carries both
    /// identities: it acts as the member, is never wider than either of the two, also in what it may grant, ends after
    /// `lasts` at the latest ([`Tenantry::MAX_IMPERSONATION`]), and each entry that it leaves in the trail names both. That it
    /// began is noted too.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tenantry_core::{Caller, Failure, ImpersonationRefusal, RequestFacts, Tenantry, UserId, permissions};
    ///
    /// permissions! {
    ///     /// See what a customer sees.
    ///     pub ActAs = "member:act-as", danger Critical;
    /// }
    ///
    /// async fn look(app: &Tenantry, support: &Caller, customer: UserId) -> Result<Caller, Failure<ImpersonationRefusal>> {
    ///     let request = RequestFacts::new(app.now(), None);
    ///     app.impersonate::<ActAs>(support, customer, Duration::from_secs(900), &request).await
    /// }
    /// ```
    pub fn impersonate<'a, P: Permission>(
        &'a self,
        caller: &Caller,
        member: UserId,
        lasts: Duration,
        request: &RequestFacts,
    ) -> Command<'a, impl Operation<Outcome = Caller, Refusal = ImpersonationRefusal> + use<P>> {
        Command::new(
            self,
            caller.into(),
            Impersonate { member, lasts, request: request.clone(), may: may::<P> },
        )
    }

    /// The longest that somebody acts as somebody else.
    pub const MAX_IMPERSONATION: Duration = Duration::from_secs(60 * 60);
}

/// Why nobody acts as somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImpersonationRefusal {
    /// The caller doesn't hold the permission for it.
    #[error("you may not act as somebody else")]
    Denied,
    /// The tenant has no such member.
    #[error("there is no such member")]
    NotFound,
    /// It acts as somebody else already, or would act as itself.
    #[error("act as yourself first, and then as somebody else")]
    Nested,
    /// It would last too long.
    #[error("nobody acts as somebody else for more than an hour")]
    TooLong,
}

fn may<P: Permission>(app: &Tenantry, caller: &Caller, request: &RequestFacts) -> bool {
    let authority = caller.principal().authority();
    let permission = app.catalog().index::<P>();
    permission.is_some_and(|permission| authority.check_tenant(permission, request).is_allowed())
}

struct Impersonate {
    member: UserId,
    lasts: Duration,
    request: RequestFacts,
    may: fn(&Tenantry, &Caller, &RequestFacts) -> bool,
}

impl Sealed for Impersonate {}

#[async_trait]
impl Operation for Impersonate {
    type Outcome = Caller;
    type Refusal = ImpersonationRefusal;

    async fn attempt(
        &self,
        app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<Caller>, Failure<ImpersonationRefusal>> {
        let refuse = |refusal| Err(Failure::Refused(refusal));
        let Actor::Caller(caller) = by else {
            return Err(Failure::AuthorityChanged);
        };
        let subject = PrincipalId::User(self.member);
        if caller.principal().actor().is_some() || caller.id() == subject {
            return refuse(ImpersonationRefusal::Nested);
        }
        if !(self.may)(app, caller, &self.request) {
            return refuse(ImpersonationRefusal::Denied);
        }
        if self.lasts > Tenantry::MAX_IMPERSONATION {
            return refuse(ImpersonationRefusal::TooLong);
        }
        let found = app.store().principal(caller.scope(), subject).await?;
        let Some(crate::Enrolment::Member { realm, .. }) = found.and_then(|found| found.enrolment) else {
            return refuse(ImpersonationRefusal::NotFound);
        };
        let until = batch.at().after(self.lasts);
        let acting =
            app.admit_principal(caller.tenant(), subject, Some(realm)).await?.acted_by(caller.clone(), until);
        by.audit(batch, "principal.impersonate", subject.to_string(), json!({ "until": until }));
        Ok(Attempt::Write(acting))
    }
}
