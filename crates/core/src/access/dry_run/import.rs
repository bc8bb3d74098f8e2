//! Whether somebody may carry an import out.

use std::collections::{BTreeMap, BTreeSet};

use super::super::authority::Authority;
use super::super::catalog::Catalog;
use super::super::document::{AccessDocument, People, RoleEntry};
use super::super::escalation::{Escalation, Reach};
use super::super::grant::Grant;
use super::super::holding::{Assignee, Holding, PrincipalId, Target};
use super::super::role::RoleKey;
use super::super::scope::Scope;
use super::super::unfit::UnfitGrant;
use super::DryRun;

/// What an import takes of whoever carries it out.
#[derive(Debug, Clone)]
pub(super) struct Import {
    /// The lines that are handed out or taken, by where and how far.
    moved: Vec<(Target, Reach, Vec<Grant>)>,
    has_owner: bool,
    unfit: Option<UnfitGrant>,
}

impl DryRun {
    /// Whether `importer` may carry this out, and the tenant remain one that somebody owns.
    ///
    /// Nobody hands out by an import what they couldn't [grant](Authority::may_grant) one by one, and nobody takes from
    /// others what they couldn't give them:
    ///
    /// - each line that is new in a role, or goes from one, must be one that the importer may grant in the whole tenant
    ///   (and below, where the role is held below);
    /// - so must each line that comes to a principal or a team, or goes from it, where the role is held: by an
    ///   assignment, by entering or leaving a team, and by a team that moves; and each line that denied a principal
    ///   something until it became an owner, or does since it is none.
    ///
    /// That the importer may import at all is for a permission of the application's to say. What the importer holds must
    /// be its authority in the tenant as it is before the import.
    ///
    /// # Errors
    /// [`ImportRefusal`]. A document that changes nothing is refused only for want of an owner.
    pub fn may_import(&self, importer: &Authority) -> Result<(), ImportRefusal> {
        if let Some(unfit) = &self.import.unfit {
            return Err(unfit.clone().into());
        }
        if !self.import.has_owner {
            return Err(ImportRefusal::LastOwner);
        }
        let mut moved = self.import.moved.iter();
        moved.try_for_each(|(on, reach, grants)| {
            let granted = importer.may_grant(grants, on, *reach);
            granted.map_err(|escalation| ImportRefusal::Escalation { on: on.clone(), escalation })
        })
    }
}

impl Import {
    pub(super) fn of(
        catalog: &Catalog,
        before: &AccessDocument,
        after: &AccessDocument,
        old: &People<'_>,
        new: &People<'_>,
    ) -> Self {
        let (was, is) = (lines(before.roles()), lines(after.roles()));
        let fresh: Vec<Grant> = is.difference(&was).map(|line| line.grant.0.clone()).collect();
        let mut moved = Moved::default();
        let held = [before, after].into_iter().flat_map(AccessDocument::assignments);
        let below: BTreeSet<&RoleKey> = held.filter(|held| held.descends).map(|held| &held.role).collect();
        for line in was.symmetric_difference(&is) {
            moved.add(&Target::Tenant, below.contains(&line.role), &line.grant);
        }
        let teams =
            [before, after].into_iter().flat_map(AccessDocument::teams).map(|team| Assignee::Team(team.id));
        let people = old.principals().into_iter().chain(new.principals()).map(Assignee::from);
        for assignee in teams.chain(people).collect::<BTreeSet<_>>() {
            let (held, holds) = (old.holdings(assignee), new.holdings(assignee));
            if held != holds {
                moved.between(&held, &holds);
                moved.between(&old.counting(assignee), &new.counting(assignee));
            }
        }
        Self {
            moved: moved.into_lines(),
            has_owner: has_owner(catalog, after, new),
            unfit: catalog.check_grants(&fresh).err(),
        }
    }
}

/// Whether a person holds `owner` on the tenant, by an assignment of their own, and may do anything by it at all.
fn has_owner(catalog: &Catalog, after: &AccessDocument, people: &People<'_>) -> bool {
    let held = after.assignments().iter().filter(|held| held.role.is_owner() && held.on == Target::Tenant);
    let mut owners = held.filter_map(|held| match held.assignee {
        Assignee::User(user) => Some(PrincipalId::User(user)),
        _ => None,
    });
    owners.any(|owner| !people.authority(catalog, owner, &[Scope::all()]).permissions().is_empty())
}

/// A line of a role.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    role: RoleKey,
    grant: ByText,
}

fn lines(roles: &[RoleEntry]) -> BTreeSet<Line> {
    let of = |role: &RoleEntry| {
        let line = |grant: &Grant| Line { role: role.key.clone(), grant: ByText(grant.clone()) };
        role.grants.iter().map(line).collect::<Vec<_>>()
    };
    roles.iter().flat_map(of).collect()
}

/// A grant, ordered by its text.
#[derive(Clone, PartialEq, Eq)]
struct ByText(Grant);

impl PartialOrd for ByText {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByText {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.to_string().cmp(&other.0.to_string())
    }
}

/// Lines that change hands, by where they are held and whether they descend.
#[derive(Default)]
struct Moved(BTreeMap<(Target, bool), BTreeSet<ByText>>);

impl Moved {
    fn add(&mut self, on: &Target, descends: bool, grant: &ByText) {
        self.0.entry((on.clone(), descends)).or_default().insert(grant.clone());
    }

    /// Adds the lines of what is held only before, or only after.
    fn between(&mut self, before: &[Holding], after: &[Holding]) {
        let (was, is) = (held_lines(before), held_lines(after));
        for (line, on, descends) in was.symmetric_difference(&is) {
            self.add(on, *descends, &line.grant);
        }
    }

    fn into_lines(self) -> Vec<(Target, Reach, Vec<Grant>)> {
        let line = |((on, descends), grants): ((Target, bool), BTreeSet<ByText>)| {
            let reach = if descends { Reach::Below } else { Reach::Here };
            (on, reach, grants.into_iter().map(|ByText(grant)| grant).collect())
        };
        self.0.into_iter().map(line).collect()
    }
}

fn held_lines(holdings: &[Holding]) -> BTreeSet<(Line, Target, bool)> {
    let of = |held: &Holding| {
        let line = |grant: &Grant| {
            let line = Line { role: held.role.key().clone(), grant: ByText(grant.clone()) };
            (line, held.on.clone(), held.descends)
        };
        held.role.grants().iter().map(line).collect::<Vec<_>>()
    };
    holdings.iter().flat_map(of).collect()
}

/// Why an import isn't carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportRefusal {
    /// It would hand out, or take, what the importer doesn't hold.
    #[error("on {on}, {escalation}")]
    Escalation {
        /// Where it would be held.
        on: Target,
        /// Which lines.
        escalation: Escalation,
    },
    /// It would leave the tenant without an owner.
    #[error(
        "a tenant keeps at least one owner: assign the role owner, with what it allows, to a user on the tenant"
    )]
    LastOwner,
    /// A new line means nothing in this application.
    #[error(transparent)]
    Grant(#[from] UnfitGrant),
}
