//! What would change if a document were imported.

mod import;
mod lists;
mod text;

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use super::authority::Authority;
use super::catalog::Catalog;
use super::document::{AccessDocument, AssignmentEntry, People, RoleEntry, TeamEntry};
use super::extent::{Extent, Place};
use super::holding::{PrincipalId, Target};
use super::permission_key::PermissionKey;
use super::scope::Scope;
use crate::id::TenantId;

use import::Import;
pub use import::ImportRefusal;
pub use lists::Edit;

/// What an import would change: in the lists of the document, and in what each principal may do.
///
/// Displayed, it is a report for people; serialized, the same as JSON. [`DryRun::may_import`] tells whether somebody may
/// carry it out.
///
/// ```
/// use tenantry_core::{
///     AccessDocument, AssignmentEntry, Assignee, Catalog, Direction, DryRun, Role, Scope, Target, TenantId, UserId,
///     permissions,
/// };
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
/// }
///
/// let catalog = Catalog::builder().permission::<ListingRead>().build()?;
/// let (tenant, user) = (TenantId::generate(), UserId::generate());
/// let reader = Role::new(tenant, "reader".parse()?, "Reader", vec!["listing:read".parse()?], 1)?;
/// let held = AssignmentEntry {
///     role: reader.key().clone(),
///     assignee: Assignee::User(user),
///     on: Target::Tenant,
///     descends: false,
/// };
/// let before = AccessDocument::new(vec![(&reader).into()], vec![], vec![])?;
/// let after = AccessDocument::new(vec![(&reader).into()], vec![], vec![held])?;
///
/// let run = DryRun::of(&catalog, tenant, &[Scope::all()], &before, &after);
/// let [change] = run.principals() else { return Err("one gains".into()) };
/// assert_eq!(change.changes[0].direction, Direction::Gained);
/// assert!(run.to_string().contains("gains always, in the tenant: listing:read"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct DryRun {
    roles: Vec<Edit<RoleEntry>>,
    teams: Vec<Edit<TeamEntry>>,
    assignments: Vec<Edit<AssignmentEntry>>,
    principals: Vec<PrincipalChange>,
    #[serde(skip)]
    import: Import,
}

/// What an import changes for one principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PrincipalChange {
    /// Who; in JSON as a document writes it.
    #[serde(serialize_with = "as_text")]
    pub principal: PrincipalId,
    /// Permission by permission, ordered by place, then by key.
    pub changes: Vec<PermissionChange>,
}

/// How far a permission is held somewhere, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PermissionChange {
    /// The permission.
    pub permission: PermissionKey,
    /// Where. A change in the whole tenant isn't repeated for each resource in it: where a resource is named, what happens
    /// there is something else.
    pub place: Place,
    /// Which way it goes.
    pub direction: Direction,
    /// How far it was held.
    pub before: Extent,
    /// How far it would be held.
    pub after: Extent,
}

/// Which way a permission changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It wasn't held at all, and would be.
    Gained,
    /// It would be held wherever it was, and further.
    Widened,
    /// It is held under other conditions, and the texts don't show which are wider.
    Altered,
    /// It would be held only where it was, and less far.
    Narrowed,
    /// It was held, and wouldn't be at all.
    Lost,
    /// It stays here as it is, held or not, while it changes in the tenant.
    Kept,
}

impl DryRun {
    /// What changes in `tenant`, under a plan that allows `plan`, when `after` takes the place of `before`.
    ///
    /// It tells of roles within the documents: what somebody holds by a role in a tenant above stays, whatever it says.
    #[must_use]
    pub fn of(
        catalog: &Catalog,
        tenant: TenantId,
        plan: &[Scope],
        before: &AccessDocument,
        after: &AccessDocument,
    ) -> Self {
        let (old, new) = (People::of(before, tenant), People::of(after, tenant));
        let everybody: BTreeSet<PrincipalId> = old.principals().union(&new.principals()).copied().collect();
        let change = |principal: &PrincipalId| {
            let holds_the_same = old.holdings((*principal).into()) == new.holdings((*principal).into());
            let authority = |people: &People<'_>| Both {
                here: people.authority(catalog, *principal, plan),
                below: people.authority_below(catalog, *principal, plan),
            };
            let changes = if holds_the_same {
                Vec::new()
            } else {
                changes(catalog, &authority(&old), &authority(&new))
            };
            (!changes.is_empty()).then_some(PrincipalChange { principal: *principal, changes })
        };
        Self {
            roles: Edit::between(before.roles(), after.roles(), |role| &role.key),
            teams: Edit::between(before.teams(), after.teams(), |team| &team.id),
            assignments: Edit::between(before.assignments(), after.assignments(), AssignmentEntry::place),
            principals: everybody.iter().filter_map(change).collect(),
            import: Import::of(catalog, before, after, &old, &new),
        }
    }

    /// The roles that come, change or go, ordered by key.
    #[must_use]
    pub fn roles(&self) -> &[Edit<RoleEntry>] {
        &self.roles
    }

    /// The teams that come, change or go, ordered by id.
    #[must_use]
    pub fn teams(&self) -> &[Edit<TeamEntry>] {
        &self.teams
    }

    /// The assignments that come, change or go.
    #[must_use]
    pub fn assignments(&self) -> &[Edit<AssignmentEntry>] {
        &self.assignments
    }

    /// Everybody for whom a permission changes.
    #[must_use]
    pub fn principals(&self) -> &[PrincipalChange] {
        &self.principals
    }

    /// Whether the documents are the same.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.teams.is_empty() && self.assignments.is_empty()
    }
}

fn as_text<S: Serializer>(principal: &PrincipalId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(principal)
}

/// What a principal may do in the tenant and, of what it is given there, in those below: an owner is denied
/// something there that isn't denied to it here.
struct Both {
    here: Authority,
    below: Authority,
}

/// What changes from one authority of a principal to another.
fn changes(catalog: &Catalog, before: &Both, after: &Both) -> Vec<PermissionChange> {
    let (old, new) = (&before.here, &after.here);
    let held = [old, new].into_iter().flat_map(Authority::holdings);
    let mut places = BTreeSet::from([Place::Tenant, Place::TenantsBelow]);
    for holding in held {
        if let Target::Resource(resource) = &holding.on {
            places.extend([Place::Resource(resource.clone()), Place::Within(resource.clone())]);
        }
    }
    let mut changes = Vec::new();
    for place in &places {
        let (named, is_part) = match place {
            Place::Tenant | Place::TenantsBelow => (catalog.resolve(&[Scope::all()]), false),
            Place::Resource(on) | Place::Within(on) => (old.named_on(on).union(&new.named_on(on)), true),
        };
        let is_below = *place == Place::TenantsBelow;
        for index in named.iter().filter(|index| is_below || old.may_hold(*index) || new.may_hold(*index)) {
            let (old, new) = if is_below { (&before.below, &after.below) } else { (old, new) };
            let at = |place: &Place| (old.extent(index, place), new.extent(index, place));
            let (here, everywhere) = (at(place), at(&Place::Tenant));
            let is_told = if is_part { here == everywhere } else { here.0 == here.1 };
            let is_same = here.0 == here.1 && everywhere.0 == everywhere.1;
            let permission = catalog.key(index).filter(|_| !is_told && !is_same);
            let (before, after) = here;
            let change = permission.map(|permission| PermissionChange {
                permission: permission.clone(),
                place: place.clone(),
                direction: Direction::between(&before, &after),
                before,
                after,
            });
            changes.extend(change);
        }
    }
    changes
}

impl Direction {
    fn between(before: &Extent, after: &Extent) -> Self {
        match (before, after) {
            _ if before == after => Self::Kept,
            (Extent::Never, _) => Self::Gained,
            (_, Extent::Never) => Self::Lost,
            _ if before.is_within(after) => Self::Widened,
            _ if after.is_within(before) => Self::Narrowed,
            _ => Self::Altered,
        }
    }

    /// Its word, as JSON writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Widened => "widened",
            Self::Altered => "altered",
            Self::Narrowed => "narrowed",
            Self::Lost => "lost",
            Self::Kept => "kept",
        }
    }
}
