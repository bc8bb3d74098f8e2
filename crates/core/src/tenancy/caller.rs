use std::sync::Arc;

use super::{Epoch, ReadScope, Stamp, TenantCtx};
use crate::{
    Authority, Authorized, Denied, Permission, PermissionIndex, PrincipalId, Readable, RealmId, RequestFacts,
    RoleKey, TenantId, Timestamp, Unchecked, UserId,
};

/// Who makes a request: a member or a program of the tenant, or of one above it, with what it may do now.
#[derive(Debug, Clone)]
pub struct Principal {
    pub(crate) id: PrincipalId,
    pub(crate) realm: RealmId,
    pub(crate) roles: Vec<RoleKey>,
    pub(crate) authority: Authority,
    pub(crate) above: Vec<Stamp>,
    pub(crate) sources: Vec<(TenantId, Epoch)>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) actor: Option<Box<Caller>>,
}

impl Principal {
    /// Who it is: for somebody who acts as another, that other.
    #[must_use]
    pub fn id(&self) -> PrincipalId {
        self.id
    }

    /// The realm that a user belongs to; a program's is its tenant's.
    #[must_use]
    pub fn realm(&self) -> RealmId {
        self.realm
    }

    /// The roles that it has on the whole tenant, by itself or in a team, by key.
    #[must_use]
    pub fn roles(&self) -> &[RoleKey] {
        &self.roles
    }

    /// What the roles allow within the tenant's plan, and within what a key carries.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Who really acts, where somebody acts as this principal.
    #[must_use]
    pub fn actor(&self) -> Option<PrincipalId> {
        self.actor.as_ref().map(|actor| actor.id())
    }
}

/// A principal in its tenant: what an operation is asked on behalf of. Cheap to clone.
///
/// Only admission makes one: [`Tenantry::admit`](crate::Tenantry::admit) and its like.
#[derive(Debug, Clone)]
pub struct Caller {
    tenant: TenantCtx,
    principal: Arc<Principal>,
}

impl Caller {
    pub(crate) fn new(tenant: TenantCtx, principal: Principal) -> Self {
        Self { tenant, principal: Arc::new(principal) }
    }

    /// The tenant that the request belongs to.
    #[must_use]
    pub fn tenant(&self) -> &TenantCtx {
        &self.tenant
    }

    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Who asks, as [`Principal::id`] says.
    #[must_use]
    pub fn id(&self) -> PrincipalId {
        self.principal.id
    }

    /// The user who asks; `None` for a program.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self.principal.id {
            PrincipalId::User(user) => Some(user),
            PrincipalId::ServiceAccount(_) | PrincipalId::ApiKey(_) => None,
        }
    }

    /// From when on it is nobody, whatever its token says: the end of a key, or of acting as somebody else. Whoever
    /// keeps a caller compares it with the time on each use; what it writes then is refused.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.principal.expires_at
    }

    /// The same as far as `actor` may do it too, who really acts, and until then at the latest.
    pub(crate) fn acted_by(self, actor: Self, until: Timestamp) -> Self {
        let subject = &*self.principal;
        let authority = subject.authority.limited_to(&actor.principal.authority);
        let ends = [Some(until), subject.expires_at, actor.principal.expires_at];
        let principal = Principal {
            authority,
            expires_at: ends.into_iter().flatten().min(),
            actor: Some(Box::new(actor)),
            ..subject.clone()
        };
        Self::new(self.tenant, principal)
    }

    pub(crate) fn is_expired_at(&self, now: Timestamp) -> bool {
        self.principal.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether the caller holds a permission of the catalog, on everything in the tenant and in every request.
    #[must_use]
    pub fn holds(&self, permission: PermissionIndex) -> bool {
        self.principal.authority.holds(permission)
    }

    /// Refuses unless the caller may do `P` to the resource: [`Authority::require`].
    ///
    /// # Errors
    /// [`Denied`].
    pub fn check<P: Permission, R: Readable>(
        &self,
        resource: &R,
        request: &RequestFacts,
    ) -> Result<(), Denied> {
        self.principal.authority.require::<P, R>(resource, request)
    }

    /// The resource, if the caller may do `P` to it: [`Unchecked::authorize`].
    ///
    /// # Errors
    /// [`Denied`].
    pub fn authorize<P: Permission, R: Readable>(
        &self,
        resource: Unchecked<R>,
        request: &RequestFacts,
    ) -> Result<Authorized<R, P>, Denied> {
        resource.authorize(&self.principal.authority, request)
    }

    /// Whether nothing that was read has changed since: in the tenant, in the tenants above it, and of who acts as
    /// somebody else; no also while this process can't know. See [`TenantCtx::is_current`].
    #[must_use]
    pub fn is_current(&self) -> bool {
        let is_actor_current = self.principal.actor.as_ref().is_none_or(|actor| actor.is_current());
        self.tenant.is_current() && self.principal.above.iter().all(Stamp::is_unmoved) && is_actor_current
    }

    /// The right to read the tenant's rows.
    #[must_use]
    pub fn scope(&self) -> ReadScope {
        self.tenant.scope()
    }
}
