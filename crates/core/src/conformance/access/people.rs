//! Who is who in a model, read from its file.

use std::collections::BTreeMap;

use super::page::{Line, Wrong};
use super::reading::{Reader, reach};
use super::values::pairs;
use super::world::{Assigned, Party, Principal, Team, Tenant, Who, World, principal_uuid};
use crate::{ApiKeyId, Grant, PrincipalId, Reach, RoleKey, Scope, ServiceAccountId, UserId};

impl<'r> Reader<'r, '_> {
    /// Tenants, principals, teams, roles and assignments.
    pub(super) fn world(&self) -> Result<World<'r>, Wrong> {
        let mut world = World::default();
        for line in self.page.lines("Tenants", &["tenant", "below", "plan"])? {
            let tenant = Tenant { below: line.get("below"), plan: line.list("plan", ',')? };
            put(&mut world.tenants, (&line, "tenant"), tenant)?;
        }
        if world.tenants.is_empty() {
            world.tenants.insert("home", Tenant { below: None, plan: vec![Scope::all()] });
        }
        for line in self.page.lines("Principals", &["principal", "who", "attributes", "carries", "actor"])? {
            put(&mut world.principals, (&line, "principal"), principal(&line)?)?;
        }
        for line in self.page.lines("Teams", &["team", "below", "members"])? {
            let members: Vec<&str> =
                line.get("members").into_iter().flat_map(|cell| cell.split(',')).map(str::trim).collect();
            let unknown = members.iter().find(|member| !world.principals.contains_key(*member));
            if let Some(unknown) = unknown {
                return Err(line.wrong(format!("no principal {unknown:?}")));
            }
            put(&mut world.teams, (&line, "team"), Team { below: line.get("below"), members })?;
        }
        world.check_hierarchies().map_err(|why| Wrong::at(0, why))?;
        for line in self.page.lines("Roles", &["tenant", "role", "line"])? {
            let tenants = match line.get("tenant") {
                Some("each") => world.tenants.keys().copied().collect(),
                named => vec![world.tenant(named).map_err(|why| line.wrong(why))?],
            };
            let role: RoleKey = line.need("role")?.parse().map_err(|error| line.wrong(error))?;
            let grant: Option<Grant> = line.parse("line")?;
            for tenant in tenants {
                world.roles.entry((tenant, role.clone())).or_default().extend(grant.clone());
            }
        }
        for line in self.page.lines("Assignments", &["to", "tenant", "role", "on", "reach"])? {
            let assigned = self.assigned(&world, &line)?;
            if !world.roles.contains_key(&(assigned.tenant, assigned.role.clone())) {
                return Err(line.wrong(format!("no role {} in {}", assigned.role, assigned.tenant)));
            }
            world.assignments.push(assigned);
        }
        Ok(world)
    }

    fn assigned(&self, world: &World<'r>, line: &Line<'r>) -> Result<Assigned<'r>, Wrong> {
        let to = line.need("to")?;
        let to = match to.strip_prefix("team ") {
            Some(team) if world.teams.contains_key(team) => Party::Team(team),
            None if world.principals.contains_key(to) => Party::Principal(to),
            _ => return Err(line.wrong(format!("nobody is called {to:?}"))),
        };
        Ok(Assigned {
            to,
            tenant: world.tenant(line.get("tenant")).map_err(|why| line.wrong(why))?,
            role: line.need("role")?.parse().map_err(|error| line.wrong(error))?,
            on: self.target(line)?,
            descends: reach(line)? == Reach::Below,
        })
    }
}

/// Keeps what a line declares under the name in that column, which no other line has.
fn put<'t, T>(
    known: &mut BTreeMap<&'t str, T>,
    (line, column): (&Line<'t>, &str),
    new: T,
) -> Result<(), Wrong> {
    let name = line.need(column)?;
    match known.insert(name, new) {
        None => Ok(()),
        Some(_) => Err(line.wrong(format!("{name:?} is declared twice"))),
    }
}

fn principal<'t>(line: &Line<'t>) -> Result<Principal<'t>, Wrong> {
    let id = principal_uuid(line.need("principal")?);
    let who = match line.get("who") {
        None | Some("user") => Who::Itself(PrincipalId::User(UserId::from_uuid(id))),
        Some("service_account") => Who::Itself(PrincipalId::ServiceAccount(ServiceAccountId::from_uuid(id))),
        Some("api_key") => Who::Itself(PrincipalId::ApiKey(ApiKeyId::from_uuid(id))),
        Some(other) => {
            let other = other.strip_prefix("as ");
            Who::As(other.ok_or_else(|| line.wrong("user, service_account, api_key, or 'as' somebody else"))?)
        }
    };
    let attributes = line.get("attributes").map(pairs).transpose().map_err(|why| line.wrong(why))?;
    let carries = match line.get("carries") {
        None => None,
        Some("nothing") => Some(Vec::new()),
        Some(_) => Some(line.list("carries", ',')?),
    };
    Ok(Principal { who, attributes: attributes.unwrap_or_default(), carries, actor: line.get("actor") })
}
