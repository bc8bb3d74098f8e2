use super::Tenantry;
use crate::tenancy::{Principal, TenantInactive};
use crate::{
    Assignee, Authority, Caller, CallerFacts, Holding, Member, PrincipalId, RealmId, Slug, TenantCtx,
    TenantId, Unavailable, UserId,
};

/// Admission: from a name to a tenant, from a token to a caller.
impl Tenantry {
    /// The active tenant with this slug.
    ///
    /// # Errors
    /// [`ResolveError`]: unknown, inactive and unavailable are three different answers.
    pub async fn resolve(&self, slug: &Slug) -> Result<TenantCtx, ResolveError> {
        let found = self.store().tenant_by_slug(slug).await?.ok_or(ResolveError::Unknown)?;
        self.resolve_id(found.id).await
    }

    /// The active tenant with this id, such as one that a verified token names.
    ///
    /// # Errors
    /// [`ResolveError`]: unknown, inactive and unavailable are three different answers.
    pub async fn resolve_id(&self, id: TenantId) -> Result<TenantCtx, ResolveError> {
        let stamp = self.store().epochs().stamp(id);
        let tenant = self.store().tenant(id).await?.ok_or(ResolveError::Unknown)?;
        Ok(TenantCtx::of_active(tenant, stamp)?)
    }

    /// The member of `tenant` that a verified token names, with what the membership allows now.
    ///
    /// # Errors
    /// [`AdmitError::NotMember`] when there is no such membership (any more), or the user is of another realm.
    pub async fn admit(
        &self,
        tenant: &TenantCtx,
        realm: RealmId,
        user: UserId,
    ) -> Result<Caller, AdmitError> {
        let stamp = self.store().epochs().stamp(tenant.id());
        let member = self.store().member(tenant.scope(), user).await?.ok_or(AdmitError::NotMember)?;
        let Member { tenant, membership, roles } = member;
        if membership.realm != realm {
            return Err(AdmitError::NotMember);
        }
        let ceiling = self.plans().plan(&tenant.plan).map(|plan| plan.allows.clone()).unwrap_or_default();
        let caller = CallerFacts::of(PrincipalId::User(user), tenant.id);
        let keys = roles.iter().map(|role| role.key().clone()).collect();
        let held = roles.into_iter().map(|role| Holding::of(role, Assignee::User(user))).collect();
        let authority = Authority::of(self.catalog(), caller, held, &ceiling);
        let tenant = TenantCtx::of_active(tenant, stamp)?;
        Ok(Caller::new(tenant, Principal { user, realm, roles: keys, authority }))
    }

    /// The same caller with what is true now.
    pub(crate) async fn admit_again(&self, caller: &Caller) -> Result<Caller, AdmitError> {
        self.admit(caller.tenant(), caller.principal().realm(), caller.user()).await
    }
}

/// Why no tenant can be named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// There is none with this name.
    #[error("there is no such tenant")]
    Unknown,
    /// There is one, but it can't act.
    #[error(transparent)]
    Inactive(#[from] TenantInactive),
    /// Nobody can say.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a user can't act in a tenant.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdmitError {
    /// The user is no member of the tenant.
    #[error("the user is no member of the tenant")]
    NotMember,
    /// The tenant can't act.
    #[error(transparent)]
    Inactive(#[from] TenantInactive),
    /// Nobody can say.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
