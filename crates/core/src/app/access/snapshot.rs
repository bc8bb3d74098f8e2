use std::collections::BTreeMap;

use super::{AccessRefusal, Refused, all, refuse};
use crate::app::{Failure, Tenantry};
use crate::{
    AccessDocument, AssignmentEntry, Epoch, ReadScope, Role, RoleEntry, RoleKey, Team, TeamEntry, TeamId,
};

/// All roles, teams and assignments of a tenant, as of one instant.
pub(super) struct Snapshot {
    pub(super) document: AccessDocument,
    pub(super) roles: BTreeMap<RoleKey, Role>,
    pub(super) teams: BTreeMap<TeamId, Team>,
}

impl Snapshot {
    /// Reads list after list, and again where the tenant's epoch moved meanwhile.
    pub(super) async fn read(app: &Tenantry, scope: ReadScope) -> Result<Self, Refused> {
        for _ in 0..Tenantry::ATTEMPTS {
            let before = epoch(app, scope).await?;
            let found = Self::read_once(app, scope).await?;
            if epoch(app, scope).await? == before {
                return Ok(found);
            }
        }
        Err(Failure::Contended)
    }

    async fn read_once(app: &Tenantry, scope: ReadScope) -> Result<Self, Refused> {
        let store = app.store();
        let roles = all("roles", Role::MAX, |page| async move { store.roles(scope, &page).await }).await?;
        let teams = all("teams", Team::MAX, |page| async move { store.teams(scope, &page).await }).await?;
        let (what, most) = ("members of teams in a document", AccessDocument::MAX_MEMBERS);
        let members = all(what, most, |page| async move { store.team_members(scope, &page).await }).await?;
        let (what, most) = ("assignments in a document", AccessDocument::MAX_ASSIGNMENTS);
        let assigned = all(what, most, |page| async move { store.assignments(scope, &page).await }).await?;
        let mut entries: BTreeMap<TeamId, TeamEntry> =
            teams.iter().map(|team| (team.id, entry(team))).collect();
        for member in members {
            if let Some(team) = entries.get_mut(&member.team) {
                team.members.push(member.member);
            }
        }
        let document = AccessDocument::new(
            roles.iter().map(RoleEntry::from).collect(),
            entries.into_values().collect(),
            assigned.into_iter().map(AssignmentEntry::from).collect(),
        );
        match document {
            Ok(document) => Ok(Self {
                document,
                roles: roles.into_iter().map(|role| (role.key().clone(), role)).collect(),
                teams: teams.into_iter().map(|team| (team.id, team)).collect(),
            }),
            Err(invalid) => refuse(AccessRefusal::Document(invalid)),
        }
    }
}

async fn epoch(app: &Tenantry, scope: ReadScope) -> Result<Option<Epoch>, Refused> {
    Ok(app.store().tenant(scope.tenant()).await?.map(|tenant| tenant.epoch))
}

fn entry(team: &Team) -> TeamEntry {
    TeamEntry { id: team.id, name: team.name.clone(), parent: team.parent, members: vec![] }
}
