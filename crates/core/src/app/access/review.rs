use std::collections::BTreeMap;

use super::snapshot::Snapshot;
use super::{AccessRefusal, Refused, all, refuse};
use crate::app::{Failure, Tenantry};
use crate::store::Cursor;
use crate::{
    AccessDocument, AdmitError, Authority, Caller, Denied, DryRun, Explanation, Holder, Page, PageRequest,
    Permission, PermissionIndex, PrincipalId, RequestFacts, Resource, Scope, review, review_tenant,
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
/// What is exported and compared are the tenant's own roles, teams and assignments. Who can is asked of everybody whom it
/// or a tenant above has given something: each is admitted as with a request of its own, so that whoever is named may.
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
    /// [`AccessRefusal::NotInCatalog`]; [`AccessRefusal::TooMany`] where a document can't hold what the tenant has
    /// assigned, or more than [`MAX_ABOVE`](Self::MAX_ABOVE) principals are let in from above.
    pub async fn who_can<P: Permission, R: Resource>(
        &self,
        resource: &R,
        page: &PageRequest,
    ) -> Result<Page<Holder>, Failure<AccessRefusal>> {
        let permission = self.index::<P>()?;
        let of = |one: &Authority| review([one], permission, resource, &self.request, page);
        self.holders(permission, page, of).await
    }

    /// The same where there is no resource: who may do `P` to the tenant as a whole.
    ///
    /// # Errors
    /// As for [`AccessReview::who_can`].
    pub async fn who_can_here<P: Permission>(
        &self,
        page: &PageRequest,
    ) -> Result<Page<Holder>, Failure<AccessRefusal>> {
        let permission = self.index::<P>()?;
        let of = |one: &Authority| review_tenant([one], permission, &self.request, page);
        self.holders(permission, page, of).await
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
        let Some(caller) = self.admitted(of).await? else { return refuse(AccessRefusal::NotFound) };
        let told = caller.principal().authority().explain(permission, resource, &self.request);
        told.ok_or(Failure::Refused(AccessRefusal::NotInCatalog))
    }

    fn index<P: Permission>(&self) -> Result<PermissionIndex, Refused> {
        self.app.catalog().index::<P>().ok_or(Failure::Refused(AccessRefusal::NotInCatalog))
    }

    /// The most principals that tenants above may have let in where it is asked who can.
    pub const MAX_ABOVE: usize = 10_000;

    /// Those of whom `of` says that they may, from the first after the page's cursor on until the page is full.
    async fn holders(
        &self,
        permission: PermissionIndex,
        page: &PageRequest,
        of: impl Fn(&Authority) -> Page<Holder>,
    ) -> Result<Page<Holder>, Refused> {
        let most = usize::from(page.limit());
        let mut holders = Vec::new();
        for (name, principal) in self.candidates(permission).await? {
            if holders.len() > most {
                break;
            }
            if page.after().is_some_and(|after| name.as_str() <= after.as_str()) {
                continue;
            }
            if let Some(caller) = self.admitted(principal).await? {
                holders.extend(of(caller.principal().authority()).items);
            }
        }
        Ok(Page::of(holders, page.limit(), |holder: &Holder| Cursor::after_key(&[&holder.principal])))
    }

    /// Everybody who may hold the permission by what the tenant's own lists say, and all who are let in from above.
    async fn candidates(
        &self,
        permission: PermissionIndex,
    ) -> Result<BTreeMap<String, PrincipalId>, Refused> {
        let (store, scope) = (self.app.store(), self.caller.scope());
        let document = self.export().await?;
        let own = document.authorities(self.app.catalog(), scope.tenant(), &self.plan());
        let own = own.iter().filter(|one| one.may_hold(permission)).map(|one| one.caller().principal());
        let (what, most) = ("principals of tenants above", Self::MAX_ABOVE);
        let above = all(what, most, |page| async move { store.principals_above(scope, &page).await }).await?;
        Ok(own.chain(above).map(|principal| (principal.to_string(), principal)).collect())
    }

    /// A principal with what it may do in the tenant now, if anything.
    async fn admitted(&self, principal: PrincipalId) -> Result<Option<Caller>, Refused> {
        match self.app.admit_principal(self.caller.tenant(), principal, None).await {
            Ok(caller) => Ok(Some(caller)),
            Err(AdmitError::NotMember) => Ok(None),
            Err(other) => Err(Failure::from(other)),
        }
    }

    fn plan(&self) -> Vec<Scope> {
        let plan = &self.caller.tenant().tenant().plan;
        self.app.plans().plan(plan).map(|plan| plan.allows.clone()).unwrap_or_default()
    }
}
