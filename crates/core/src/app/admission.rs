use super::Tenantry;
use crate::tenancy::{Principal, Stamp, TenantInactive};
use crate::{
    ApiKeyId, Authority, Caller, CallerFacts, Enrolment, PrincipalFacts, PrincipalId, RealmId, RoleKey,
    ServiceAccountId, Slug, Target, TenantCtx, TenantId, Unavailable, UserId,
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

    /// The user that a verified token names, as a member of `tenant` or of one above it from which a role descends,
    /// with what it may do now.
    ///
    /// # Errors
    /// [`AdmitError::NotMember`] when it is neither (any more), or the user is of another realm.
    pub async fn admit(
        &self,
        tenant: &TenantCtx,
        realm: RealmId,
        user: UserId,
    ) -> Result<Caller, AdmitError> {
        self.admit_principal(tenant, PrincipalId::User(user), Some(realm)).await
    }

    /// The service account that a verified credential names, with what it may do now.
    ///
    /// # Errors
    /// [`AdmitError::NotMember`] when neither the tenant nor one above it, from which a role descends, has it (any
    /// more).
    pub async fn admit_service_account(
        &self,
        tenant: &TenantCtx,
        account: ServiceAccountId,
    ) -> Result<Caller, AdmitError> {
        self.admit_principal(tenant, PrincipalId::ServiceAccount(account), None).await
    }

    /// The key that a verified credential names, with what it may do now: what its roles allow within what it carries.
    ///
    /// # Errors
    /// [`AdmitError::NotMember`] when neither the tenant nor one above it, from which a role descends, has it (any
    /// more), or when it has expired.
    pub async fn admit_api_key(&self, tenant: &TenantCtx, key: ApiKeyId) -> Result<Caller, AdmitError> {
        self.admit_principal(tenant, PrincipalId::ApiKey(key), None).await
    }

    /// The same caller with what is true now.
    pub(crate) async fn admit_again(&self, caller: &Caller) -> Result<Caller, AdmitError> {
        let (tenant, realm) = (caller.tenant(), caller.principal().realm());
        let again = Box::pin(self.admit_principal(tenant, caller.id(), Some(realm))).await?;
        match (&caller.principal().actor, caller.expires_at()) {
            (Some(actor), Some(until)) => {
                let actor = Box::pin(self.admit_again(actor)).await?;
                Ok(again.acted_by(actor, until))
            }
            _ => Ok(again),
        }
    }

    /// A principal with what it may do now. A user is one of `realm`, or of whichever it is known in; other principals
    /// are of none, and are said to be of their tenant's.
    pub(crate) async fn admit_principal(
        &self,
        tenant: &TenantCtx,
        principal: PrincipalId,
        realm: Option<RealmId>,
    ) -> Result<Caller, AdmitError> {
        let epochs = self.store().epochs();
        let stamp = epochs.stamp(tenant.id());
        let above: Vec<Stamp> = tenant.tenant().above.iter().map(|above| epochs.stamp(*above)).collect();
        let found = self.store().principal(tenant.scope(), principal).await?;
        let facts = found.ok_or(AdmitError::NotMember)?;
        let now = self.now();
        let known_in = facts.enrolments().find_map(|enrolment| match enrolment {
            Enrolment::Member { realm, .. } => Some(*realm),
            Enrolment::ServiceAccount | Enrolment::ApiKey { .. } => None,
        });
        let realm = realm.or(known_in).unwrap_or(facts.tenant.realm);
        let (mut carried, mut expires_at) = (vec![], None);
        for enrolment in facts.enrolments() {
            match enrolment {
                Enrolment::Member { realm: of, .. } if *of == realm => {}
                Enrolment::ApiKey { scopes, expires_at: end } if now < *end => {
                    carried.push(scopes.clone());
                    expires_at = Some(expires_at.unwrap_or(*end).min(*end));
                }
                Enrolment::ServiceAccount => {}
                Enrolment::Member { .. } | Enrolment::ApiKey { .. } => return Err(AdmitError::NotMember),
            }
        }
        let ceiling =
            self.plans().plan(&facts.tenant.plan).map(|plan| plan.allows.clone()).unwrap_or_default();
        let caller = CallerFacts::of(principal, facts.tenant.id);
        let (roles, sources) =
            (roles_of(&facts), facts.sources().map(|from| (from.id, from.epoch)).collect());
        let authority = Authority::of(self.catalog(), caller, facts.holdings, &ceiling);
        let authority = carried.iter().fold(authority, |held, scopes| held.narrowed_to(scopes));
        let tenant = TenantCtx::of_active(facts.tenant, stamp)?;
        let admitted =
            Principal { id: principal, realm, roles, authority, above, sources, expires_at, actor: None };
        Ok(Caller::new(tenant, admitted))
    }
}

/// The roles on the whole tenant, by key.
fn roles_of(facts: &PrincipalFacts) -> Vec<RoleKey> {
    let own =
        facts.holdings.iter().filter(|held| held.tenant == facts.tenant.id && held.on == Target::Tenant);
    let mut roles: Vec<RoleKey> = own.map(|held| held.role.key().clone()).collect();
    roles.sort();
    roles.dedup();
    roles
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

/// Why nobody can act in a tenant by this name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdmitError {
    /// It is neither a member nor a program of the tenant, or no longer.
    #[error("no member of the tenant")]
    NotMember,
    /// The tenant can't act.
    #[error(transparent)]
    Inactive(#[from] TenantInactive),
    /// Nobody can say.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
