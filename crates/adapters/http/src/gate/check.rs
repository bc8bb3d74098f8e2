use tenantry_core::{
    BaseDomain, Caller, HostTarget, PermissionIndex, Rate, RateDecision, RateKey, Slug, Tenant, TenantCtx,
    TenantId, TenantInactive, TenantStatus, Tenantry, Timestamp, Unavailable,
};

use super::known::Signed;
use super::view::Presented;
use super::{BadToken, Counted, Credentials, Gate, Refusal, VerifiedToken};

/// A request that passed.
#[derive(Debug, Clone)]
pub struct Admission {
    caller: Caller,
    mfa_at: Option<Timestamp>,
    counted: Option<Counted>,
}

impl Admission {
    fn of(signed: Signed, counted: Option<Counted>) -> Self {
        Self { caller: signed.caller, mfa_at: signed.mfa_at, counted }
    }

    /// Who makes the request.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Who makes the request.
    #[must_use]
    pub fn into_caller(self) -> Caller {
        self.caller
    }

    /// When the caller last proved a second factor, as the token says; `None` where it doesn't.
    #[must_use]
    pub fn mfa_at(&self) -> Option<Timestamp> {
        self.mfa_at
    }

    /// What was counted, where the tenant's plan has a rate.
    #[must_use]
    pub fn counted(&self) -> Option<&Counted> {
        self.counted.as_ref()
    }
}

/// Deciding. Each question has an answer from memory (`try_…`), which neither waits nor boxes a future, and one
/// that may read the store.
impl Gate {
    /// Who makes the request, counted once against the rate of the tenant's plan; with a permission, only if the
    /// caller holds it.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies: unknown host, bad token, token of another tenant, inactive tenant, body
    /// too large, over the rate, permission not held. Whether a user is still a member of an inactive tenant is
    /// not looked at: a good token of its own is answered [`Refusal::Inactive`]. While this process can't hear what
    /// others changed ([`Epochs::check_fresh`](tenantry_core::Epochs::check_fresh)) everybody is answered
    /// [`Refusal::StoreUnavailable`], before any other.
    pub async fn check(
        &self,
        credentials: Credentials<'_>,
        permission: Option<PermissionIndex>,
    ) -> Result<Admission, Refusal> {
        let now = self.inner.tenantry.now();
        let signed = match self.warm(&credentials, now) {
            Some(decided) => decided?,
            None => self.while_fresh(self.cold(&credentials, now)).await?,
        };
        self.measure(&credentials)?;
        let Some(rate) = self.rate_of(&signed.caller)? else {
            return permit(Admission::of(signed, None), permission);
        };
        let key = RateKey::tenant(signed.caller.tenant().id());
        let decision = match self.inner.counters.try_admit(key, rate, now) {
            Some(decision) => decision,
            None => self.inner.counters.admit(key, rate, now).await,
        };
        within(signed, rate, decision?, permission)
    }

    /// [`Gate::check`], where memory has the answer. `None` means: ask [`Gate::check`]; nothing was counted then.
    pub fn try_check(
        &self,
        credentials: Credentials<'_>,
        permission: Option<PermissionIndex>,
    ) -> Option<Result<Admission, Refusal>> {
        let now = self.inner.tenantry.now();
        let warm = self.warm(&credentials, now)?;
        let signed = match warm.and_then(|signed| self.measure(&credentials).map(|()| signed)) {
            Ok(signed) => signed,
            Err(refusal) => return Some(Err(refusal)),
        };
        match self.rate_of(&signed.caller) {
            Ok(Some(rate)) => {
                let key = RateKey::tenant(signed.caller.tenant().id());
                let decision = self.inner.counters.try_admit(key, rate, now)?;
                Some(decision.map_err(Refusal::from).and_then(|d| within(signed, rate, d, permission)))
            }
            Ok(None) => Some(permit(Admission::of(signed, None), permission)),
            Err(refusal) => Some(Err(refusal)),
        }
    }

    /// The active tenant whose host the request names: for routes that need no sign-in. Nothing is counted.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies: unknown host, inactive tenant, body too large; before any of them
    /// [`Refusal::StoreUnavailable`] as in [`Gate::check`].
    pub async fn tenant(&self, credentials: Credentials<'_>) -> Result<TenantCtx, Refusal> {
        if let Some(decided) = self.try_tenant(credentials) {
            return decided;
        }
        let tenant = self.while_fresh(self.cold_tenant(&credentials)).await?;
        self.measure(&credentials).map(|()| tenant)
    }

    /// [`Gate::tenant`], where memory has the answer. `None` means: ask [`Gate::tenant`].
    pub fn try_tenant(&self, credentials: Credentials<'_>) -> Option<Result<TenantCtx, Refusal>> {
        let tenant = self.inner.known.tenant(credentials.host?)?;
        Some(self.measure(&credentials).map(|()| tenant))
    }

    /// The caller, if the token was seen before, what it stood for is current, and the host is its tenant's; where the
    /// host is one that was seen too and is another tenant's now, that refusal. A host that nobody was let in at says
    /// nothing: the store has to.
    fn warm(&self, credentials: &Credentials<'_>, now: Timestamp) -> Option<Result<Signed, Refusal>> {
        let (Presented::Bearer(token), Some(host)) = (credentials.token, credentials.host) else {
            return None;
        };
        let signed = self.inner.known.caller(token, now)?;
        let own = signed.caller.tenant();
        if self.is_address_of(host, &own.tenant().slug) {
            return Some(Ok(signed));
        }
        let there = self.inner.known.tenant(host)?;
        (there.id() != own.id()).then_some(Err(Refusal::TenantMismatch))
    }

    /// Whether `host` is the one address of the tenant with this slug: [`slug_at`](Self::slug_at) the other way
    /// round, without a look-up.
    fn is_address_of(&self, host: &str, slug: &Slug) -> bool {
        let (base, slug) = (self.inner.base.as_str(), slug.as_str());
        let Ok(name) = BaseDomain::name_in(host) else {
            return false;
        };
        if slug == self.inner.platform.as_str() {
            return name.eq_ignore_ascii_case(base);
        }
        name.split_once('.').is_some_and(|(label, domain)| {
            label.eq_ignore_ascii_case(slug) && domain.eq_ignore_ascii_case(base)
        })
    }

    /// What `reading` the store decides, if this process knows what others changed, before it and after: it may
    /// have been stopped in between.
    async fn while_fresh<T>(&self, reading: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        self.check_fresh()?;
        let decided = reading.await;
        self.check_fresh()?;
        decided
    }

    fn check_fresh(&self) -> Result<(), Refusal> {
        Ok(self.inner.tenantry.store().epochs().check_fresh()?)
    }

    async fn cold_tenant(&self, credentials: &Credentials<'_>) -> Result<TenantCtx, Refusal> {
        let host = credentials.host.ok_or(Refusal::TenantUnknown)?;
        let found = self.tenant_at(host).await?;
        self.resolve(host, &found).await
    }

    async fn cold(&self, credentials: &Credentials<'_>, now: Timestamp) -> Result<Signed, Refusal> {
        let host = credentials.host.ok_or(Refusal::TenantUnknown)?;
        let found = match self.inner.known.tenant(host) {
            Some(tenant) => Found { id: tenant.id(), known: Known::Active(tenant) },
            None => self.tenant_at(host).await?,
        };
        let token = match credentials.token {
            Presented::Bearer(token) => token,
            Presented::Nothing => return Err(Refusal::Unauthenticated(BadToken::Missing)),
            Presented::NoBearer => return Err(Refusal::Unauthenticated(BadToken::Invalid)),
        };
        let verified = self.inner.verifier.verify(token, now).ok().filter(|good| now < good.expires_at);
        let verified = verified.ok_or(Refusal::Unauthenticated(BadToken::Invalid))?;
        if verified.tenant != found.id {
            return Err(Refusal::TenantMismatch);
        }
        let tenant = self.resolve(host, &found).await?;
        let signed = Signed::of(self.admit(&tenant, &verified).await?, &verified);
        self.inner.known.keep_caller(token, &signed);
        Ok(signed)
    }

    /// The tenant whose address `host` is, whatever its status.
    async fn tenant_at(&self, host: &str) -> Result<Found, Refusal> {
        let slug = self.slug_at(host)?;
        let found = self.inner.tenantry.store().tenant_by_slug(&slug).await?;
        found.map(|tenant| Found::of(&tenant, slug)).ok_or(Refusal::TenantUnknown)
    }

    /// A tenant has one address: the platform's is the base domain, not a subdomain of it.
    fn slug_at(&self, host: &str) -> Result<Slug, Refusal> {
        match self.inner.base.target(host) {
            Ok(HostTarget::Platform) => Ok(self.inner.platform.clone()),
            Ok(HostTarget::Tenant(slug)) if slug != self.inner.platform => Ok(slug),
            _ => Err(Refusal::TenantUnknown),
        }
    }

    /// The context of the tenant that was found, kept for the next request.
    async fn resolve(&self, host: &str, found: &Found) -> Result<TenantCtx, Refusal> {
        let slug = match &found.known {
            Known::Active(tenant) => return Ok(tenant.clone()),
            Known::Inactive(inactive) => return Err(Refusal::Inactive(*inactive)),
            Known::ToBeRead(slug) => slug,
        };
        let tenant = self.read_tenant(found.id).await?;
        if tenant.tenant().slug != *slug {
            return Err(Refusal::TenantUnknown);
        }
        self.inner.known.keep_tenant(host, &tenant);
        Ok(tenant)
    }

    /// The tenant as it is, read anew where it changed while it was read.
    async fn read_tenant(&self, id: TenantId) -> Result<TenantCtx, Refusal> {
        for _ in 0..Tenantry::ATTEMPTS {
            let tenant = self.inner.tenantry.resolve_id(id).await?;
            if tenant.is_current() {
                return Ok(tenant);
            }
            self.check_fresh()?;
        }
        Err(Unavailable::bare("read a tenant that changes all the time").into())
    }

    /// The caller as it is, read anew where it changed while it was read.
    async fn admit(&self, tenant: &TenantCtx, verified: &VerifiedToken) -> Result<Caller, Refusal> {
        for _ in 0..Tenantry::ATTEMPTS {
            let caller = self.inner.tenantry.admit(tenant, verified.realm, verified.user).await?;
            if caller.is_current() {
                return Ok(caller);
            }
            self.check_fresh()?;
        }
        Err(Unavailable::bare("read a member that changes all the time").into())
    }

    fn measure(&self, credentials: &Credentials<'_>) -> Result<(), Refusal> {
        let limit = self.inner.body_limit;
        match credentials.content_length {
            Some(length) if length > limit => Err(Refusal::TooLarge { limit }),
            _ => Ok(()),
        }
    }

    fn rate_of(&self, caller: &Caller) -> Result<Option<Rate>, Refusal> {
        let plan = &caller.tenant().tenant().plan;
        match self.inner.tenantry.plans().plan(plan) {
            Some(plan) => Ok(plan.rate),
            None => Err(Refusal::UnknownPlan(plan.clone())),
        }
    }
}

struct Found {
    id: TenantId,
    known: Known,
}

enum Known {
    Active(TenantCtx),
    Inactive(TenantInactive),
    ToBeRead(Slug),
}

impl Found {
    fn of(tenant: &Tenant, slug: Slug) -> Self {
        let known = match tenant.status {
            TenantStatus::Active => Known::ToBeRead(slug),
            TenantStatus::Suspended => Known::Inactive(TenantInactive::Suspended),
            TenantStatus::Closed => Known::Inactive(TenantInactive::Closed),
        };
        Self { id: tenant.id, known }
    }
}

fn within(
    signed: Signed,
    rate: Rate,
    decision: RateDecision,
    permission: Option<PermissionIndex>,
) -> Result<Admission, Refusal> {
    let counted = Counted::new(rate, decision);
    if !decision.admitted {
        return Err(Refusal::RateLimited(counted));
    }
    permit(Admission::of(signed, Some(counted)), permission)
}

fn permit(admission: Admission, permission: Option<PermissionIndex>) -> Result<Admission, Refusal> {
    match permission {
        Some(permission) if !admission.caller.holds(permission) => Err(Refusal::Forbidden),
        _ => Ok(admission),
    }
}
