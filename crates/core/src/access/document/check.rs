//! The bounds of a document.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::super::holding::Assignee;
use super::super::role::{InvalidRole, Role, RoleKey};
use super::{AccessDocument, RoleEntry, TeamEntry};
use crate::id::{TeamId, TenantId};
use crate::name::is_readable;

impl AccessDocument {
    /// Whether what is in order is also whole and in bounds.
    pub(super) fn check(&self) -> Result<(), InvalidAccess> {
        let members = self.teams.iter().map(|team| team.members.len()).sum();
        at_most("roles", self.roles.len(), Role::MAX)?;
        at_most("teams", self.teams.len(), Self::MAX_TEAMS)?;
        at_most("members of teams", members, Self::MAX_MEMBERS)?;
        at_most("assignments", self.assignments.len(), Self::MAX_ASSIGNMENTS)?;
        self.roles.iter().try_for_each(check_role)?;
        once(&self.roles, |role| &role.key, |role| format!("the role {}", role.key))?;
        once(&self.teams, |team| &team.id, |team| format!("the team {}", team.id))?;
        self.check_teams()?;
        once(&self.assignments, super::AssignmentEntry::place, |assignment| {
            let (role, assignee, on) = assignment.place();
            format!("the assignment of {role} to {assignee} on {on}")
        })?;
        self.check_assignments()
    }

    fn check_teams(&self) -> Result<(), InvalidAccess> {
        let parents: BTreeMap<TeamId, Option<TeamId>> =
            self.teams.iter().map(|team| (team.id, team.parent)).collect();
        self.teams.iter().try_for_each(|team| {
            if !is_readable(&team.name) {
                return Err(InvalidAccess::TeamName { team: team.id });
            }
            once(&team.members, |member| *member, |member| format!("{member} in the team {}", team.id))?;
            check_parents(team, &parents)
        })
    }

    fn check_assignments(&self) -> Result<(), InvalidAccess> {
        self.assignments.iter().try_for_each(|assignment| {
            if self.roles.binary_search_by(|role| role.key.cmp(&assignment.role)).is_err() {
                return Err(InvalidAccess::UnknownRole { role: assignment.role.clone() });
            }
            match assignment.assignee {
                Assignee::Team(team) if self.teams.binary_search_by_key(&team, |team| team.id).is_err() => {
                    Err(InvalidAccess::UnknownTeam { team })
                }
                _ => Ok(()),
            }
        })
    }
}

fn at_most(what: &'static str, count: usize, most: usize) -> Result<(), InvalidAccess> {
    if count <= most { Ok(()) } else { Err(InvalidAccess::TooMany { what, count, most }) }
}

fn check_role(role: &RoleEntry) -> Result<(), InvalidAccess> {
    let nowhere = TenantId::from_uuid(uuid::Uuid::nil());
    Role::new(nowhere, role.key.clone(), role.name.clone(), role.grants.clone(), 1)
        .map_err(|why| InvalidAccess::Role { role: role.key.clone(), why })?;
    once(&role.grants, |grant| grant, |grant| format!("{grant} in the role {}", role.key))
}

/// Refuses two neighbours of the same key.
fn once<'a, T, K: PartialEq, N: Display>(
    sorted: &'a [T],
    key: impl Fn(&'a T) -> K,
    name: impl Fn(&'a T) -> N,
) -> Result<(), InvalidAccess> {
    let mut neighbours = sorted.iter().zip(sorted.iter().skip(1));
    match neighbours.find(|(one, two)| key(one) == key(two)) {
        Some((twice, _)) => Err(InvalidAccess::Duplicate { what: name(twice).to_string() }),
        None => Ok(()),
    }
}

fn check_parents(team: &TeamEntry, parents: &BTreeMap<TeamId, Option<TeamId>>) -> Result<(), InvalidAccess> {
    let (mut above, mut depth) = (team.parent, 1_usize);
    while let Some(parent) = above {
        let Some(next) = parents.get(&parent) else {
            return Err(InvalidAccess::UnknownTeam { team: parent });
        };
        depth = depth.saturating_add(1);
        if parent == team.id || depth > parents.len() {
            return Err(InvalidAccess::Circular { team: team.id });
        }
        above = *next;
    }
    let is_flat = depth <= AccessDocument::MAX_TEAM_DEPTH;
    if is_flat { Ok(()) } else { Err(InvalidAccess::TooDeep { team: team.id }) }
}

/// What can't be a tenant's access.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAccess {
    /// The text isn't JSON, or not of this shape.
    #[error("not a document of access: {0}")]
    Json(String),
    /// There is too much of something.
    #[error("a document has at most {most} {what}, not {count}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// Something is there twice.
    #[error("{what} is there twice: leave one out")]
    Duplicate {
        /// What.
        what: String,
    },
    /// A role is out of bounds.
    #[error("the role {role} can't be stored: {why}")]
    Role {
        /// The role.
        role: RoleKey,
        /// Why not.
        why: InvalidRole,
    },
    /// A role is assigned that the document doesn't have.
    #[error("the role {role} is assigned, but isn't among the roles: add it, or leave the assignment out")]
    UnknownRole {
        /// The role.
        role: RoleKey,
    },
    /// A team is named that the document doesn't have.
    #[error("the team {team} is named, but isn't among the teams: add it, or leave out what names it")]
    UnknownTeam {
        /// The team.
        team: TeamId,
    },
    /// A team's name can't be shown.
    #[error(
        "the name of the team {team} must have 1 to 100 characters, not all blank and without control characters"
    )]
    TeamName {
        /// The team.
        team: TeamId,
    },
    /// A team stands above itself.
    #[error("the team {team} is above itself, or below a team that is: take a parent away")]
    Circular {
        /// The team.
        team: TeamId,
    },
    /// A team has too many others above it.
    #[error("the team {team} is deeper than 8 teams: put it under a team further up")]
    TooDeep {
        /// The team.
        team: TeamId,
    },
}
