//! Who is who in a model: tenants, principals, teams, roles and who holds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::values::id_of;
use crate::{
    Assignee, Authority, CallerFacts, Catalog, Grant, Holding, InvalidAttributes, Literal, PrincipalId, Role,
    RoleKey, Scope, Target, TeamId, TenantId,
};

/// All that a model says of who holds what.
#[derive(Debug, Default)]
pub(super) struct World<'t> {
    pub(super) tenants: BTreeMap<&'t str, Tenant<'t>>,
    pub(super) principals: BTreeMap<&'t str, Principal<'t>>,
    pub(super) teams: BTreeMap<&'t str, Team<'t>>,
    pub(super) roles: BTreeMap<(&'t str, RoleKey), Vec<Grant>>,
    pub(super) assignments: Vec<Assigned<'t>>,
}

#[derive(Debug)]
pub(super) struct Tenant<'t> {
    pub(super) below: Option<&'t str>,
    pub(super) plan: Vec<Scope>,
}

/// Somebody who asks.
#[derive(Debug)]
pub(super) struct Principal<'t> {
    pub(super) who: Who<'t>,
    pub(super) attributes: Vec<(&'t str, Literal)>,
    pub(super) carries: Option<Vec<Scope>>,
    pub(super) actor: Option<&'t str>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Who<'t> {
    Itself(PrincipalId),
    /// With what is carried, or by somebody who acts: otherwise as this other principal.
    As(&'t str),
}

#[derive(Debug)]
pub(super) struct Team<'t> {
    pub(super) below: Option<&'t str>,
    pub(super) members: Vec<&'t str>,
}

#[derive(Debug)]
pub(super) struct Assigned<'t> {
    pub(super) to: Party<'t>,
    pub(super) tenant: &'t str,
    pub(super) role: RoleKey,
    pub(super) on: Target,
    pub(super) descends: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Party<'t> {
    Principal(&'t str),
    Team(&'t str),
}

pub(super) fn tenant_id(name: &str) -> TenantId {
    TenantId::from_uuid(id_of("tenant", name))
}

/// The id of a principal, of whatever kind: what `caller.id` is.
pub(super) fn principal_uuid(name: &str) -> uuid::Uuid {
    id_of("principal", name)
}

impl<'t> World<'t> {
    /// The tenant that a cell names; where it names none, the only one.
    pub(super) fn tenant(&self, named: Option<&'t str>) -> Result<&'t str, String> {
        match (named, self.tenants.keys().next(), self.tenants.len()) {
            (Some(name), ..) if self.tenants.contains_key(name) => Ok(name),
            (Some(name), ..) => Err(format!("no tenant {name:?}")),
            (None, Some(only), 1) => Ok(only),
            _ => Err("which of the tenants?".into()),
        }
    }

    /// Refuses a tenant or a team below one that isn't declared.
    pub(super) fn check_hierarchies(&self) -> Result<(), String> {
        let tenants = self.tenants.values().filter_map(|tenant| tenant.below);
        let teams = self.teams.values().filter_map(|team| team.below);
        let mut unknown = tenants.filter(|name| !self.tenants.contains_key(name));
        let mut unknown_team = teams.filter(|name| !self.teams.contains_key(name));
        let unknown = unknown.next().or_else(|| unknown_team.next());
        unknown.map_or(Ok(()), |name| Err(format!("nothing is called {name:?}, which something is below")))
    }

    /// What somebody may do in a tenant, as the application would load it: with the roles that are assigned to it and
    /// to its teams, there and above.
    pub(super) fn authority(&self, catalog: &Catalog, name: &str, tenant: &str) -> Result<Authority, String> {
        self.authority_within(MAX_DEPTH, catalog, name, tenant)
    }

    fn authority_within(
        &self,
        depth: usize,
        catalog: &Catalog,
        name: &str,
        tenant: &str,
    ) -> Result<Authority, String> {
        let depth =
            depth.checked_sub(1).ok_or_else(|| format!("{name:?} is somebody who is itself again"))?;
        let principal = self.principals.get(name).ok_or_else(|| format!("no principal {name:?}"))?;
        let own = match principal.who {
            Who::Itself(id) => self.own_authority(catalog, (name, id, principal), tenant)?,
            Who::As(other) => self.authority_within(depth, catalog, other, tenant)?,
        };
        let carried = principal.carries.as_ref().map_or(own.clone(), |scopes| own.narrowed_to(scopes));
        match principal.actor {
            Some(actor) => Ok(carried.limited_to(&self.authority_within(depth, catalog, actor, tenant)?)),
            None => Ok(carried),
        }
    }

    fn own_authority(
        &self,
        catalog: &Catalog,
        (name, id, principal): (&str, PrincipalId, &Principal<'t>),
        tenant: &str,
    ) -> Result<Authority, String> {
        let caller = CallerFacts::of(id, tenant_id(tenant));
        let caller = caller
            .with_attributes(principal.attributes.iter().cloned())
            .map_err(|error: InvalidAttributes| error.to_string())?;
        let mut holdings = Vec::new();
        for place in self.upwards(tenant, |name| self.tenants.get(name)?.below) {
            for assigned in self.assignments.iter().filter(|assigned| assigned.tenant == place) {
                if let Some(assignee) = self.reaches(assigned, name, id) {
                    holdings.push(self.holding(assigned, assignee)?);
                }
            }
        }
        let plan = self.tenants.get(tenant).map(|tenant| &*tenant.plan).unwrap_or_default();
        Ok(Authority::of(catalog, caller, holdings, plan))
    }

    /// To whom the role is assigned, where it reaches this principal: itself, a team that it is in, or one above that.
    fn reaches(&self, assigned: &Assigned<'t>, name: &str, id: PrincipalId) -> Option<Assignee> {
        match assigned.to {
            Party::Principal(to) => (to == name).then(|| id.into()),
            Party::Team(to) => {
                let own = self.teams.iter().filter(|(_, team)| team.members.contains(&name));
                let is_in = own
                    .into_iter()
                    .any(|(team, _)| self.upwards(team, |name| self.teams.get(name)?.below).contains(&to));
                is_in.then(|| Assignee::Team(TeamId::from_uuid(id_of("team", to))))
            }
        }
    }

    fn holding(&self, assigned: &Assigned<'t>, assignee: Assignee) -> Result<Holding, String> {
        let Assigned { tenant, role, on, descends, .. } = assigned;
        let grants = self.roles.get(&(*tenant, role.clone())).cloned();
        let grants = grants.ok_or_else(|| format!("no role {role} in {tenant}"))?;
        let role = Role::new(tenant_id(tenant), role.clone(), role.to_string(), grants, 1);
        let role = Arc::new(role.map_err(|error| error.to_string())?);
        Ok(Holding { role, assignee, tenant: tenant_id(tenant), on: on.clone(), descends: *descends })
    }

    /// A name and those above it, at most as many as a hierarchy is deep.
    fn upwards<'n>(&'n self, from: &'n str, above: impl Fn(&'n str) -> Option<&'n str>) -> Vec<&'n str> {
        std::iter::successors(Some(from), |name| above(name)).take(MAX_DEPTH).collect()
    }
}

/// No hierarchy of a model is deeper.
const MAX_DEPTH: usize = 8;
