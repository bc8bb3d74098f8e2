use super::snapshot::Snapshot;
use super::{AccessRefusal, Refused};
use crate::app::{Failure, Tenantry};
use crate::{
    AccessDocument, Authority, Caller, Denied, DryRun, Explanation, Holder, Page, PageRequest, Permission,
    PermissionIndex, PrincipalId, RequestFacts, Resource, Scope, review, review_tenant,
};

impl Tenantry {
    /// Who may do what in the caller's tenant, and why: for whoever holds `S`, the application's permission to see it, on
    /// the whole tenant in this request.
    ///
    /// # Errors
    /// [`Denied::Forbidden`] for everybody else, [`Denied::NotInCatalog`].
    pub fn review<'a, S: Permission>(
        &'a self,
        caller: &'a Caller,
        request: &RequestFacts,
    ) -> Result<AccessReview<'a>, Denied> {
        let permission = self.catalog().index::<S>().ok_or(Denied::NotInCatalog)?;
        if caller.principal().authority().check_tenant(permission, request).is_allowed() {
            Ok(AccessReview { app: self, caller, request: request.clone() })
        } else {
            Err(Denied::Forbidden)
        }
    }
}

/// Who may do what in a tenant, and why; [`Tenantry::review`] makes one.
///
/// It knows the tenant's own roles, teams and assignments. Whom a tenant above has let in is that tenant's to show.
///
/// ```
/// use tenantry_core::{Caller, PageRequest, RequestFacts, Tenantry, permissions};
///
/// permissions! {
///     /// See who may do what.
///     pub AccessReview = "access:review";
///     /// Pay money out.
///     pub PayOut = "payout:create", danger Critical;
/// }
///
/// /// Everybody who may pay money out, and through what.
/// async fn payers(app: &Tenantry, caller: &Caller) -> Result<Vec<String>, Box<dyn std::error::Error>> {
///     let review = app.review::<AccessReview>(caller, &RequestFacts::new(app.now(), None))?;
///     let holders = review.who_can_here::<PayOut>(&PageRequest::first()).await?;
///     Ok(holders.items.iter().map(ToString::to_string).collect())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct AccessReview<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
    request: RequestFacts,
}

impl AccessReview<'_> {
    /// The tenant's roles, teams and assignments as of one instant.
    ///
    /// # Errors
    /// [`AccessRefusal::TooMany`] where a document can't hold them.
    pub async fn export(&self) -> Result<AccessDocument, Failure<AccessRefusal>> {
        Ok(Snapshot::read(self.app, self.caller.scope()).await?.document)
    }

    /// What an import of this document would change, and who would gain and lose what by it. Nothing is written.
    ///
    /// # Errors
    /// As for [`AccessReview::export`].
    pub async fn dry_run(&self, after: &AccessDocument) -> Result<DryRun, Failure<AccessRefusal>> {
        let before = self.export().await?;
        let tenant = self.caller.tenant().id();
        Ok(DryRun::of(self.app.catalog(), tenant, &self.plan(), &before, after))
    }

    /// A page of everybody who may do `P` to the resource, by principal, each with what lets them.
    ///
    /// # Errors
    /// [`AccessRefusal::NotInCatalog`]; otherwise as for [`AccessReview::export`].
    pub async fn who_can<P: Permission, R: Resource>(
        &self,
        resource: &R,
        page: &PageRequest,
    ) -> Result<Page<Holder>, Failure<AccessRefusal>> {
        let permission = self.index::<P>()?;
        Ok(review(&self.authorities().await?, permission, resource, &self.request, page))
    }

    /// The same where there is no resource: who may do `P` to the tenant as a whole.
    ///
    /// # Errors
    /// [`AccessRefusal::NotInCatalog`]; otherwise as for [`AccessReview::export`].
    pub async fn who_can_here<P: Permission>(
        &self,
        page: &PageRequest,
    ) -> Result<Page<Holder>, Failure<AccessRefusal>> {
        let permission = self.index::<P>()?;
        Ok(review_tenant(&self.authorities().await?, permission, &self.request, page))
    }

    /// Why somebody may, or may not, do `P` to the resource.
    ///
    /// # Errors
    /// [`AccessRefusal::NotInCatalog`]; [`AccessRefusal::NotFound`] for whom the tenant doesn't know.
    pub async fn explain<P: Permission, R: Resource>(
        &self,
        of: PrincipalId,
        resource: &R,
    ) -> Result<Explanation, Failure<AccessRefusal>> {
        let permission = self.index::<P>()?;
        let realm = self.caller.tenant().tenant().realm;
        let caller = self.app.admit_principal(self.caller.tenant(), of, realm).await;
        let caller = caller.map_err(|error| match error {
            crate::AdmitError::NotMember => Failure::Refused(AccessRefusal::NotFound),
            other => Failure::from(other),
        })?;
        let told = caller.principal().authority().explain(permission, resource, &self.request);
        told.ok_or(Failure::Refused(AccessRefusal::NotInCatalog))
    }

    fn index<P: Permission>(&self) -> Result<PermissionIndex, Refused> {
        self.app.catalog().index::<P>().ok_or(Failure::Refused(AccessRefusal::NotInCatalog))
    }

    async fn authorities(&self) -> Result<Vec<Authority>, Refused> {
        let document = self.export().await?;
        Ok(document.authorities(self.app.catalog(), self.caller.tenant().id(), &self.plan()))
    }

    fn plan(&self) -> Vec<Scope> {
        let plan = &self.caller.tenant().tenant().plan;
        self.app.plans().plan(plan).map(|plan| plan.allows.clone()).unwrap_or_default()
    }
}
