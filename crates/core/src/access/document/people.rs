//! Who holds what, by a document.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::authority::{Authority, free_owner};
use super::super::catalog::Catalog;
use super::super::condition::CallerFacts;
use super::super::holding::{Assignee, Holding, PrincipalId};
use super::super::role::{Role, RoleKey};
use super::super::scope::Scope;
use super::{AccessDocument, AssignmentEntry};
use crate::id::{TeamId, TenantId};

impl AccessDocument {
    /// What everybody whom the document names may do in `tenant`, under a plan that allows `plan`, ordered by
    /// principal.
    ///
    /// It knows what the document says: no roles in tenants above, and no attributes of callers.
    #[must_use]
    pub fn authorities(&self, catalog: &Catalog, tenant: TenantId, plan: &[Scope]) -> Vec<Authority> {
        let people = People::of(self, tenant);
        let authority = |principal: &PrincipalId| people.authority(catalog, *principal, plan);
        people.principals().iter().map(authority).collect()
    }
}

/// A document, indexed by who holds what in it.
pub(in super::super) struct People<'a> {
    tenant: TenantId,
    roles: BTreeMap<&'a RoleKey, Arc<Role>>,
    assigned: BTreeMap<Assignee, Vec<&'a AssignmentEntry>>,
    teams: BTreeMap<PrincipalId, Vec<TeamId>>,
    parents: BTreeMap<TeamId, Option<TeamId>>,
}

impl<'a> People<'a> {
    pub(in super::super) fn of(document: &'a AccessDocument, tenant: TenantId) -> Self {
        let role = |entry: &'a super::RoleEntry| {
            let role = Role::new(tenant, entry.key.clone(), entry.name.clone(), entry.grants.clone(), 1);
            Some((&entry.key, Arc::new(role.ok()?)))
        };
        let (mut assigned, mut teams) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for assignment in &document.assignments {
            assigned.entry(assignment.assignee).or_default().push(assignment);
        }
        for team in &document.teams {
            for member in &team.members {
                teams.entry(*member).or_default().push(team.id);
            }
        }
        let roles = document.roles.iter().filter_map(role).collect();
        let parents = document.teams.iter().map(|team| (team.id, team.parent)).collect();
        Self { tenant, roles, assigned, teams, parents }
    }

    /// Everybody who is in a team or holds a role.
    pub(in super::super) fn principals(&self) -> BTreeSet<PrincipalId> {
        let holders = self.assigned.keys().filter_map(|assignee| assignee.principal());
        holders.chain(self.teams.keys().copied()).collect()
    }

    /// What somebody holds, or everybody in a team: the roles of its own, of its teams and of those above them.
    pub(in super::super) fn holdings(&self, of: Assignee) -> Vec<Holding> {
        let own_teams = of.principal().and_then(|principal| self.teams.get(&principal));
        let mut assignees = BTreeSet::from([of]);
        for team in own_teams.into_iter().flatten() {
            assignees.insert(Assignee::Team(*team));
        }
        let reached: Vec<Assignee> = assignees.iter().copied().collect();
        for assignee in reached {
            if let Assignee::Team(team) = assignee {
                assignees.extend(self.above(team).map(Assignee::Team));
            }
        }
        let all = assignees.iter().filter_map(|assignee| self.assigned.get(assignee)).flatten();
        all.filter_map(|assignment| self.holding(assignment)).collect()
    }

    /// The same as far as it counts: an owner is denied nothing.
    pub(in super::super) fn counting(&self, of: Assignee) -> Vec<Holding> {
        let mut held = self.holdings(of);
        if let Some(principal) = of.principal() {
            free_owner(&CallerFacts::of(principal, self.tenant), &mut held);
        }
        held
    }

    pub(in super::super) fn authority(
        &self,
        catalog: &Catalog,
        principal: PrincipalId,
        plan: &[Scope],
    ) -> Authority {
        let caller = CallerFacts::of(principal, self.tenant);
        Authority::of(catalog, caller, self.holdings(principal.into()), plan)
    }

    /// What the principal may do in a tenant below, of what this one gives it there.
    pub(in super::super) fn authority_below(
        &self,
        catalog: &Catalog,
        principal: PrincipalId,
        plan: &[Scope],
    ) -> Authority {
        let below = TenantId::from_uuid(uuid::Uuid::from_u128(!self.tenant.as_uuid().as_u128()));
        Authority::of(catalog, CallerFacts::of(principal, below), self.holdings(principal.into()), plan)
    }

    fn above(&self, team: TeamId) -> impl Iterator<Item = TeamId> {
        let parent = |team: &TeamId| self.parents.get(team).copied().flatten();
        std::iter::successors(parent(&team), parent)
    }

    fn holding(&self, assignment: &AssignmentEntry) -> Option<Holding> {
        Some(Holding {
            role: self.roles.get(&assignment.role)?.clone(),
            assignee: assignment.assignee,
            tenant: self.tenant,
            on: assignment.on.clone(),
            descends: assignment.descends,
        })
    }
}
