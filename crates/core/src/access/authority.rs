//! What a principal may do in a tenant: compiled once, then asked on every request.

use std::sync::Arc;

use super::catalog::Catalog;
use super::condition::{CallerFacts, RequestFacts};
use super::evaluate::{Question, Rules};
use super::grant::Effect;
use super::holding::{Holding, Target};
use super::permission::Permission;
use super::permission_set::{PermissionIndex, PermissionSet};
use super::resource::{NoResource, Resource};
use super::scope::Scope;

/// What a principal may do in one tenant: what its roles allow, less what they deny, within what the tenant's plan
/// allows and within what its token or key carries.
///
/// Made when roles are loaded, then asked on every request: it holds all that a decision takes, so that none does I/O.
/// It is a snapshot, as old as the roles, the plan and the catalog that it was made from: a change to any of them
/// makes it worthless.
///
/// Five questions are asked of it, all answered by one evaluator: may they ([`Authority::check`]), why or why not
/// ([`Authority::explain`]), which ones and as SQL ([`Authority::filter`]), and, of everybody's, who can.
///
/// ```
/// use tenantry_core::{
///     Assignee, Authority, CallerFacts, Catalog, Holding, PrincipalId, Role, Scope, TenantId, UserId,
///     permissions,
/// };
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
///     /// Call the API.
///     pub ApiCall = "api:call";
/// }
///
/// let catalog = Catalog::builder().permission::<ListingRead>().permission::<ApiCall>().build()?;
/// let (tenant, user) = (TenantId::generate(), UserId::generate());
/// let role = Role::new(tenant, "staff".parse()?, "Staff", vec![Scope::all().into()], 1)?;
/// let holding = Holding::of(role, Assignee::User(user));
/// let plan = ["listing:*".parse()?];
///
/// let authority = Authority::of(&catalog, CallerFacts::of(PrincipalId::User(user), tenant), vec![holding], &plan);
/// assert!(authority.has::<ListingRead>());
/// assert!(!authority.has::<ApiCall>());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Authority {
    pub(super) catalog: Catalog,
    pub(super) caller: CallerFacts,
    pub(super) holdings: Arc<[Holding]>,
    pub(super) allows: Arc<Rules>,
    pub(super) denies: Arc<Rules>,
    pub(super) plan: Carried,
    pub(super) carried: Option<Carried>,
    pub(super) limit: Option<Arc<Authority>>,
    always: PermissionSet,
    possible: PermissionSet,
}

/// Scopes that limit an authority from outside, and the permissions that they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) scopes: Box<[Scope]>,
    pub(super) set: PermissionSet,
}

/// The answer to whether a principal may do something. That nobody can say isn't among them: an authority has been
/// loaded whole, or it isn't there ([`Unavailable`](crate::Unavailable)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a decision that nobody looks at guards nothing"]
pub enum Decision {
    /// It may.
    Allowed,
    /// It may not.
    Denied,
}

impl Decision {
    /// Whether it may.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed)
    }
}

impl From<bool> for Decision {
    fn from(is_allowed: bool) -> Self {
        if is_allowed { Self::Allowed } else { Self::Denied }
    }
}

impl Authority {
    /// The authority of `caller`, who holds `holdings`, under the scopes that the plan of its tenant allows.
    ///
    /// An empty plan allows nothing; one without limits has `*`. A holding in another tenant counts only if it is on
    /// the whole of that tenant and [descends](Holding::descends).
    #[must_use]
    pub fn of(catalog: &Catalog, caller: CallerFacts, mut holdings: Vec<Holding>, plan: &[Scope]) -> Self {
        let reaches = |holding: &Holding| holding.descends && holding.on == Target::Tenant;
        holdings.retain(|holding| holding.tenant == caller.tenant() || reaches(holding));
        let mut authority = Self {
            allows: Arc::new(Rules::of(catalog, &holdings, Effect::Allow)),
            denies: Arc::new(Rules::of(catalog, &holdings, Effect::Deny)),
            plan: Carried::of(catalog, plan),
            carried: None,
            limit: None,
            always: PermissionSet::EMPTY,
            possible: PermissionSet::EMPTY,
            catalog: catalog.clone(),
            caller,
            holdings: holdings.into(),
        };
        authority.summarize();
        authority
    }

    /// This authority within `scopes`: that of an API key or a token that this principal made. Never wider than
    /// either, also in what it may grant.
    #[must_use]
    pub fn narrowed_to(&self, scopes: &[Scope]) -> Self {
        let carried = Carried::of(&self.catalog, scopes);
        let carried = self.carried.as_ref().map_or_else(|| carried.clone(), |held| held.within(&carried));
        let mut narrowed = Self { carried: Some(carried), ..self.clone() };
        narrowed.summarize();
        narrowed
    }

    /// This authority as far as `actor` has it too: that of somebody who acts as this principal. Never wider than
    /// either, also in what it may grant.
    #[must_use]
    pub fn limited_to(&self, actor: &Self) -> Self {
        let actor = self.limit.as_ref().map_or_else(|| actor.clone(), |limit| actor.limited_to(limit));
        let mut limited = Self { limit: Some(Arc::new(actor)), ..self.clone() };
        limited.summarize();
        limited
    }

    /// Whether the principal may do this to everything in the tenant, whatever the request: the check of a route.
    #[inline]
    #[must_use]
    pub fn holds(&self, permission: PermissionIndex) -> bool {
        self.always.contains(permission)
    }

    /// [`Authority::holds`] for a permission by its type; `false` for one that the catalog doesn't have.
    #[inline]
    #[must_use]
    pub fn has<P: Permission>(&self) -> bool {
        self.catalog.index::<P>().is_some_and(|permission| self.holds(permission))
    }

    /// Whether the principal may do this to something, or in some request. Where it isn't so, every
    /// [`check`](Self::check) denies.
    #[inline]
    #[must_use]
    pub fn may_hold(&self, permission: PermissionIndex) -> bool {
        self.possible.contains(permission)
    }

    /// Whether the principal may do this to `resource`.
    #[inline]
    pub fn check<R: Resource>(
        &self,
        permission: PermissionIndex,
        resource: &R,
        request: &RequestFacts,
    ) -> Decision {
        self.answer(&Question { permission, resource: Some(resource), request })
    }

    /// Whether the principal may do this where there is no resource: to make one, or to the tenant as a whole.
    #[inline]
    pub fn check_tenant(&self, permission: PermissionIndex, request: &RequestFacts) -> Decision {
        self.answer(&Question::<NoResource> { permission, resource: None, request })
    }

    /// All that the principal may do to everything in the tenant, whatever the request.
    #[must_use]
    pub const fn permissions(&self) -> &PermissionSet {
        &self.always
    }

    /// What the principal may do to some things, or in some requests, and not to all in all.
    #[must_use]
    pub const fn conditional(&self) -> PermissionSet {
        self.possible.difference(&self.always)
    }

    /// Who it is the authority of.
    #[must_use]
    pub const fn caller(&self) -> &CallerFacts {
        &self.caller
    }

    /// The roles that it was made of.
    #[must_use]
    pub fn holdings(&self) -> &[Holding] {
        &self.holdings
    }

    /// The scopes that the plan allows.
    #[must_use]
    pub fn ceiling(&self) -> &[Scope] {
        &self.plan.scopes
    }

    /// Whether all that this authority allows is allowed by `other` too. Sound: it says yes only where it is certain,
    /// which it is for two of the same rules, and where no condition and no single resource plays a part.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let is_plain = self.possible == self.always;
        (is_plain && self.always.is_subset(&other.always)) || self.is_same(other)
    }

    fn is_same(&self, other: &Self) -> bool {
        let of =
            |authority: &Self| (authority.plan.set, authority.carried.as_ref().map(|carried| carried.set));
        let limits = match (&self.limit, &other.limit) {
            (None, None) => true,
            (Some(one), Some(two)) => one.is_same(two),
            _ => false,
        };
        limits && of(self) == of(other) && self.caller == other.caller && self.holdings == other.holdings
    }

    /// Answered from the summary where that is certain.
    #[inline]
    pub(super) fn answer<R: Resource>(&self, question: &Question<'_, R>) -> Decision {
        if self.always.contains(question.permission) {
            Decision::Allowed
        } else if self.possible.contains(question.permission) {
            self.evaluate(question)
        } else {
            Decision::Denied
        }
    }

    fn summarize(&mut self) {
        let carried = self.carried.as_ref().map_or(self.plan.set, |c| self.plan.set.intersection(&c.set));
        let allowed = self.allows.certain().intersection(&carried);
        let touched = self.allows.all().intersection(&carried);
        self.always = allowed.difference(&self.denies.all());
        self.possible = touched.difference(&self.denies.certain());
        if let Some(limit) = &self.limit {
            self.always = self.always.intersection(&limit.always);
            self.possible = self.possible.intersection(&limit.possible);
        }
    }
}

impl Carried {
    fn of(catalog: &Catalog, scopes: &[Scope]) -> Self {
        Self { scopes: scopes.into(), set: catalog.resolve(scopes) }
    }

    fn within(&self, other: &Self) -> Self {
        let both =
            self.scopes.iter().flat_map(|one| other.scopes.iter().filter_map(|two| one.intersection(two)));
        Self { scopes: Scope::widest(both).into(), set: self.set.intersection(&other.set) }
    }
}
