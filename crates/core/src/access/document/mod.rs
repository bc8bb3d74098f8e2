//! A tenant's roles, teams and assignments as a document.

mod check;
mod people;
mod wire;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::assignment::Assignment;
use super::grant::Grant;
use super::holding::{Assignee, PrincipalId, Target};
use super::role::{Role, RoleKey};
use crate::id::TeamId;

pub use check::InvalidAccess;
pub(super) use people::People;
use wire::{AssignmentWire, TeamWire, Wire};

/// All that a tenant says of who may do what: its roles, its teams, and who holds which role on what.
///
/// This is what is exported, reviewed, put under version control and imported again. It names no tenant: the same
/// document can be imported elsewhere. Its text is JSON, described by [`AccessDocument::SCHEMA`]. Reading is strict: what
/// is unknown, comes twice or is out of bounds is refused. Writing is canonical: of equal access the text is equal,
/// whatever the order in which it was put together.
///
/// ```
/// use tenantry_core::{AccessDocument, AssignmentEntry, Assignee, Role, RoleKey, Target, TenantId, UserId};
///
/// let owner = Role::new(TenantId::generate(), RoleKey::owner(), "Owner", vec!["*".parse()?], 1)?;
/// let held = AssignmentEntry {
///     role: RoleKey::owner(),
///     assignee: Assignee::User(UserId::generate()),
///     on: Target::Tenant,
///     descends: false,
/// };
/// let document = AccessDocument::new(vec![(&owner).into()], vec![], vec![held])?;
///
/// let text = document.to_string();
/// assert_eq!(text.parse::<AccessDocument>()?, document);
/// assert!(text.replace("\"teams\"", "\"gangs\"").parse::<AccessDocument>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct AccessDocument {
    roles: Vec<RoleEntry>,
    teams: Vec<TeamEntry>,
    assignments: Vec<AssignmentEntry>,
}

/// A role, as a document lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleEntry {
    /// What names it within its tenant.
    pub key: RoleKey,
    /// What people read: as in [`Role::new`].
    pub name: String,
    /// What it allows and denies: at most [`Role::MAX_GRANTS`], each once.
    pub grants: Vec<Grant>,
}

/// A team, as a document lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "TeamWire")]
pub struct TeamEntry {
    /// What names it.
    pub id: TeamId,
    /// What people read: 1 to 100 characters, not all blank, none of them a control character.
    pub name: String,
    /// The team above it: whose roles its members hold too.
    pub parent: Option<TeamId>,
    /// Who is in it, without those in the teams below it; each once.
    pub members: Vec<PrincipalId>,
}

/// That somebody holds a role, as a document lists it. Of each role, assignee and target there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "AssignmentWire")]
pub struct AssignmentEntry {
    /// A role of the document.
    pub role: RoleKey,
    /// Who holds it; a team is one of the document.
    pub assignee: Assignee,
    /// On what.
    pub on: Target,
    /// Whether it reaches what lies below: the tenants under the tenant, what a container holds.
    pub descends: bool,
}

impl AccessDocument {
    /// The version of the format that is read and written.
    pub const VERSION: u32 = 1;

    /// The most teams.
    pub const MAX_TEAMS: usize = 1_000;

    /// How many teams stand above one another at most.
    pub const MAX_TEAM_DEPTH: usize = 8;

    /// The most members of all teams together, each counted in each team.
    pub const MAX_MEMBERS: usize = 20_000;

    /// The most assignments.
    pub const MAX_ASSIGNMENTS: usize = 20_000;

    /// The JSON Schema (draft 2020-12) of the text.
    ///
    /// Whatever is read conforms to it. Not all that conforms is read: that keys come once, that roles and teams are in
    /// the document, that teams don't go in circles, and that conditions make sense is beyond a schema.
    pub const SCHEMA: &'static str = include_str!("access.schema.json");

    /// The document of these, put in order.
    ///
    /// # Errors
    /// [`InvalidAccess`].
    pub fn new(
        roles: Vec<RoleEntry>,
        teams: Vec<TeamEntry>,
        assignments: Vec<AssignmentEntry>,
    ) -> Result<Self, InvalidAccess> {
        let mut document = Self { roles, teams, assignments };
        document.sort();
        document.check()?;
        Ok(document)
    }

    /// The roles, ordered by key, the lines of each ordered by their text.
    #[must_use]
    pub fn roles(&self) -> &[RoleEntry] {
        &self.roles
    }

    /// The teams, ordered by id, the members of each in order.
    #[must_use]
    pub fn teams(&self) -> &[TeamEntry] {
        &self.teams
    }

    /// The assignments, ordered by role, assignee and target.
    #[must_use]
    pub fn assignments(&self) -> &[AssignmentEntry] {
        &self.assignments
    }

    fn sort(&mut self) {
        for role in &mut self.roles {
            role.grants.sort_by_cached_key(ToString::to_string);
        }
        for team in &mut self.teams {
            team.members.sort();
        }
        self.roles.sort_by(|one, two| one.key.cmp(&two.key));
        self.teams.sort_by_key(|team| team.id);
        self.assignments.sort_by(|one, two| one.place().cmp(&two.place()));
    }
}

impl AssignmentEntry {
    /// What there is one of.
    pub(super) fn place(&self) -> (&RoleKey, Assignee, &Target) {
        (&self.role, self.assignee, &self.on)
    }
}

/// The role as a document lists it, each line once.
impl From<Assignment> for AssignmentEntry {
    fn from(assignment: Assignment) -> Self {
        let Assignment { role, assignee, on, descends, tenant: _ } = assignment;
        Self { role, assignee, on, descends }
    }
}

impl From<&Role> for RoleEntry {
    fn from(role: &Role) -> Self {
        let mut grants = role.grants().to_vec();
        grants.sort_by_cached_key(ToString::to_string);
        grants.dedup();
        Self { key: role.key().clone(), name: role.name().to_owned(), grants }
    }
}

/// The document as canonical JSON, indented, without a line break at its end.
impl fmt::Display for AccessDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?)
    }
}

/// Reads JSON. How long the text may be is for whoever accepts it to bound.
impl FromStr for AccessDocument {
    type Err = InvalidAccess;

    fn from_str(text: &str) -> Result<Self, InvalidAccess> {
        let wire: Wire =
            serde_json::from_str(text).map_err(|error| InvalidAccess::Json(error.to_string()))?;
        wire.try_into()
    }
}
