//! What a principal may do in a tenant: compiled once, then asked on every request.

use std::mem::offset_of;
use std::sync::Arc;

use super::carried::Carried;
use super::catalog::Catalog;
use super::compiled_role::Sort;
use super::condition::{CallerFacts, RequestFacts};
use super::evaluate::Question;
use super::grant::Effect;
use super::held::Held;
use super::holding::{Assignee, Holding, Target};
use super::permission::Permission;
use super::permission_set::{PermissionIndex, PermissionSet};
use super::resource::{NoResource, Resource};
use super::role::Role;
use super::scope::Scope;
use super::summary::Summary;
use crate::PrincipalId;

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
#[repr(C)]
pub struct Authority {
    pub(super) summary: Summary,
    pub(super) held: Held,
    pub(super) limit: Option<Arc<Authority>>,
    pub(super) caller: CallerFacts,
    pub(super) plan: Arc<Carried>,
    pub(super) carried: Option<Arc<Carried>>,
    pub(super) catalog: Catalog,
}

const _: () = assert!(
    offset_of!(Authority, caller) + size_of::<PrincipalId>() <= 128,
    "what a check reads of an authority lies close together, also where the answer depends on who asks for what"
);

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

/// Leaves out what the caller's own tenant denies it, where the caller owns that.
pub(super) fn free_owner(caller: &CallerFacts, holdings: &mut [Holding]) {
    if holdings.iter().any(|holding| is_ownership(caller, holding)) {
        let own = holdings.iter_mut().filter(|holding| holding.tenant == caller.tenant());
        own.for_each(|holding| holding.role = Role::without_denials(&holding.role));
    }
}

/// Whether by this the caller owns its tenant.
fn is_ownership(caller: &CallerFacts, holding: &Holding) -> bool {
    let is_own = holding.assignee == Assignee::from(caller.principal()) && holding.tenant == caller.tenant();
    let is_user = matches!(holding.assignee, Assignee::User(_));
    is_own && is_user && holding.on == Target::Tenant && holding.role.key().is_owner()
}

impl Authority {
    /// The authority of `caller`, who holds `holdings`, under the scopes that the plan of its tenant allows.
    ///
    /// An empty plan allows nothing; one without limits has `*`. A holding in another tenant counts only if it is on
    /// the whole of that tenant and [descends](Holding::descends).
    ///
    /// Who holds the role `owner` itself, as a user on the whole tenant, is denied nothing by that tenant's own roles: so
    /// nobody, another owner included, leaves a tenant with owners who can't act. What descends from a tenant above
    /// denies an owner too.
    #[must_use]
    pub fn of(catalog: &Catalog, caller: CallerFacts, mut holdings: Vec<Holding>, plan: &[Scope]) -> Self {
        let reaches = |holding: &Holding| holding.descends && holding.on == Target::Tenant;
        holdings.retain(|holding| holding.tenant == caller.tenant() || reaches(holding));
        free_owner(&caller, &mut holdings);
        let held = Held::of(catalog, holdings);
        let (plan, catalog) = (catalog.carried(plan), catalog.clone());
        Self { summary: Summary::default(), held, caller, plan, carried: None, limit: None, catalog }
            .summarized()
    }

    /// This authority within `scopes`: that of an API key or a token that this principal made. Never wider than
    /// either, also in what it may grant.
    #[must_use]
    pub fn narrowed_to(&self, scopes: &[Scope]) -> Self {
        let asked = self.catalog.carried(scopes);
        let both = self.carried.as_ref().map(|carried| Arc::new(carried.within(&asked)));
        Self { carried: Some(both.unwrap_or(asked)), ..self.clone() }.summarized()
    }

    /// This authority as far as `actor` has it too: that of somebody who acts as this principal. Never wider than
    /// either, also in what it may grant.
    #[must_use]
    pub fn limited_to(&self, actor: &Self) -> Self {
        let actor = self.limit.as_ref().map_or_else(|| actor.clone(), |limit| actor.limited_to(limit));
        Self { limit: Some(Arc::new(actor)), ..self.clone() }.summarized()
    }

    /// Whether the principal may do this to everything in the tenant, whatever the request: the check of a route.
    #[inline]
    #[must_use]
    pub fn holds(&self, permission: PermissionIndex) -> bool {
        self.summary.is_certain(permission)
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
        self.summary.is_possible(permission)
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
    pub fn permissions(&self) -> PermissionSet {
        self.summary.always()
    }

    /// What the principal may do to some things, or in some requests, and not to all in all.
    #[must_use]
    pub fn conditional(&self) -> PermissionSet {
        self.summary.depends()
    }

    /// Who it is the authority of.
    #[must_use]
    pub const fn caller(&self) -> &CallerFacts {
        &self.caller
    }

    /// The roles that it counts: those on the whole tenant, then those on single resources. Those that don't reach the
    /// tenant aren't among them, nor what the tenant's own roles deny its owner.
    #[must_use]
    pub fn holdings(&self) -> &[Holding] {
        self.held.holdings()
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
        let is_plain = self.conditional().is_empty();
        (is_plain && self.permissions().is_subset(&other.permissions())) || self.is_same(other)
    }

    fn is_same(&self, other: &Self) -> bool {
        let of =
            |authority: &Self| (authority.plan.set, authority.carried.as_ref().map(|carried| carried.set));
        let limits = match (&self.limit, &other.limit) {
            (None, None) => true,
            (Some(one), Some(two)) => one.is_same(two),
            _ => false,
        };
        limits && of(self) == of(other) && self.caller == other.caller && self.holdings() == other.holdings()
    }

    /// The same with the summary of what it is made of now.
    fn summarized(self) -> Self {
        let certain = |effect| self.held.named().by(effect, Sort::Plain);
        let (allowed, denied) = (certain(Effect::Allow), certain(Effect::Deny));
        let touched = self.held.named_anywhere(Effect::Deny);
        let possible = self.held.named_anywhere(Effect::Allow);
        let within = self.carried.as_ref().map_or(self.plan.set, |c| self.plan.set.intersection(&c.set));
        let mut always = allowed.difference(&touched).intersection(&within);
        let mut possible = possible.difference(&denied).intersection(&within);
        if let Some(limit) = &self.limit {
            always = always.intersection(&limit.permissions());
            possible = possible.intersection(&limit.permissions().union(&limit.conditional()));
        }
        Self { summary: Summary::of(&always, &possible), ..self }
    }
}
