//! How far a permission is held, without asking for one resource in one request.

use std::fmt;

use serde::{Serialize, Serializer};

use super::authority::Authority;
use super::condition::{Condition, Facts};
use super::grant::Effect;
use super::permission_set::{PermissionIndex, PermissionSet};
use super::resource::{Resource, ResourceRef};

/// Where a permission is held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In the tenant: for all that it has, and for the tenant itself.
    Tenant,
    /// In the tenants below it.
    TenantsBelow,
    /// On one resource.
    Resource(ResourceRef),
    /// On what one resource contains.
    Within(ResourceRef),
}

/// How far a permission is held somewhere.
///
/// It says for all resources and all requests what [`Authority::check`] answers for one: of the roles that are assigned to
/// a principal, whoever acts as it, and on a resource of those on the tenant and on that resource itself.
///
/// ```
/// use tenantry_core::Extent;
///
/// let own = vec!["resource.owner = caller.id".parse()?];
/// let extent = Extent::Conditional { when: own, unless: vec![] };
/// assert_eq!(extent.to_string(), "when resource.owner = caller.id");
/// # Ok::<(), tenantry_core::InvalidCondition>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "extent", rename_all = "snake_case")]
pub enum Extent {
    /// Not at all.
    Never,
    /// Whatever the resource and the request.
    Always,
    /// Under conditions.
    Conditional {
        /// At least one of these is true; nothing to meet where there is none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        when: Vec<Condition>,
        /// Each of these is false: one that can't be told denies.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unless: Vec<Condition>,
    },
}

impl Extent {
    /// Whether it holds for this resource in this request.
    #[must_use]
    pub fn holds<R: Resource>(&self, resource: Option<&R>, facts: &Facts<'_>) -> bool {
        let is = |condition: &Condition| condition.evaluate(resource, facts);
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Conditional { when, unless } => {
                let is_denied = unless.iter().any(|condition| is(condition) != Some(false));
                !is_denied && (when.is_empty() || when.iter().any(|condition| is(condition) == Some(true)))
            }
        }
    }

    /// Whether whatever this extent allows is allowed by `other` too, as far as the conditions' text shows.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Never, _) | (_, Self::Always) => true,
            (_, Self::Never) | (Self::Always, Self::Conditional { .. }) => false,
            (Self::Conditional { when, unless }, Self::Conditional { when: wider, unless: fewer }) => {
                let is_covered = |one: &Condition| wider.iter().any(|other| one.implies(other));
                let allows = wider.is_empty() || (!when.is_empty() && when.iter().all(is_covered));
                allows && fewer.iter().all(|denial| unless.contains(denial))
            }
        }
    }
}

impl Authority {
    /// How far the permission is held at a place, by what reaches it there. The [limit](Authority::limited_to) that an
    /// actor sets plays no part.
    pub(super) fn extent(&self, permission: PermissionIndex, place: &Place) -> Extent {
        let is_carried = self.carried.as_ref().is_none_or(|carried| carried.set.contains(permission));
        if !is_carried || !self.plan.set.contains(permission) {
            return Extent::Never;
        }
        let named = |effect| self.named(effect, permission, place);
        let (allows, denies) = (named(Effect::Allow), named(Effect::Deny));
        if allows.is_empty() || denies.contains(&None) {
            return Extent::Never;
        }
        let when = if allows.contains(&None) { Vec::new() } else { sorted(allows) };
        let unless = sorted(denies);
        if when.is_empty() && unless.is_empty() {
            Extent::Always
        } else {
            Extent::Conditional { when, unless }
        }
    }

    /// Under which conditions the permission is denied at a place, whatever allows it: under none where it always is;
    /// `None` where it isn't.
    pub(super) fn denied(&self, permission: PermissionIndex, place: &Place) -> Option<Vec<Condition>> {
        let denies = self.named(Effect::Deny, permission, place);
        let is_certain = denies.contains(&None);
        (!denies.is_empty()).then(|| if is_certain { Vec::new() } else { sorted(denies) })
    }

    /// What the roles on this very resource name, to allow or to deny.
    pub(super) fn named_on(&self, resource: &ResourceRef) -> PermissionSet {
        let roles = self.held.on(resource.of(), resource.id().value()).map(|held| held.role);
        roles.fold(PermissionSet::EMPTY, |all, role| {
            all.union(&role.named().by_any(Effect::Allow)).union(&role.named().by_any(Effect::Deny))
        })
    }

    /// The conditions of the rules that name the permission at the place; `None` for a rule without one.
    fn named<'a>(
        &'a self,
        effect: Effect,
        permission: PermissionIndex,
        place: &'a Place,
    ) -> Vec<Option<&'a Condition>> {
        let general = self.held.general();
        let general = general.filter(|held| *place != Place::TenantsBelow || held.holding.descends);
        let targeted = match place {
            Place::Tenant | Place::TenantsBelow => None,
            Place::Resource(resource) => Some((resource, false)),
            Place::Within(container) => Some((container, true)),
        };
        let there = targeted.into_iter().flat_map(|(resource, is_within)| {
            let on = self.held.on(resource.of(), resource.id().value());
            on.filter(move |held| !is_within || held.holding.descends)
        });
        let named = general.chain(there).flat_map(|held| held.naming_at_all(effect, permission));
        named.map(|rule| rule.grant.condition()).collect()
    }
}

/// The conditions, ordered by their text, each once.
fn sorted(conditions: Vec<Option<&Condition>>) -> Vec<Condition> {
    let mut by_text: Vec<(String, &Condition)> =
        conditions.into_iter().flatten().map(|condition| (condition.to_string(), condition)).collect();
    by_text.sort_by(|(one, _), (two, _)| one.cmp(two));
    by_text.dedup_by(|(one, _), (two, _)| one == two);
    by_text.into_iter().map(|(_, condition)| condition.clone()).collect()
}

/// As it follows "may read listings".
impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Always => f.write_str("always"),
            Self::Conditional { when, unless } => {
                write_alternatives(f, "when", when)?;
                f.write_str(if when.is_empty() || unless.is_empty() { "" } else { ", " })?;
                write_alternatives(f, "unless", unless)
            }
        }
    }
}

fn write_alternatives(f: &mut fmt::Formatter<'_>, word: &str, conditions: &[Condition]) -> fmt::Result {
    for (place, condition) in conditions.iter().enumerate() {
        if place == 0 {
            write!(f, "{word} {condition}")?;
        } else {
            write!(f, ", or {word} {condition}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str("in the tenant"),
            Self::TenantsBelow => f.write_str("in the tenants below"),
            Self::Resource(resource) => write!(f, "on {resource}"),
            Self::Within(resource) => write!(f, "on what {resource} contains"),
        }
    }
}

/// `tenant`, `tenants_below`, `listing/42` or `folder/7/*`.
impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Tenant => serializer.serialize_str("tenant"),
            Self::TenantsBelow => serializer.serialize_str("tenants_below"),
            Self::Resource(resource) => serializer.collect_str(resource),
            Self::Within(resource) => serializer.collect_str(&format_args!("{resource}/*")),
        }
    }
}
