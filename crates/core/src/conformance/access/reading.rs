//! A model, read from its file.
//!
//! | heading | columns |
//! | --- | --- |
//! | Tenants | tenant, below (the tenant above it), plan (scopes) |
//! | Principals | principal, who (user, service_account, api_key, or `as` another), attributes, carries (scopes, or `nothing`), actor |
//! | Teams | team, below (the team above it), members |
//! | Roles | tenant (one, or `each`), role, line (a grant) |
//! | Assignments | to (a principal, or `team` and its name), tenant, role, on (a resource), reach (here, below) |
//! | Resources: *type* | tenant, id, and the attributes of the type |
//! | Decisions | principal, tenant, permission, resource, request (`time=…`, `mfa_age=…`, attributes), decision, reason |
//! | Handing on | giver, tenant, hands out (grants), on, reach, outcome (granted, lacking), lacking (grants) |
//!
//! A column may be left out, and a cell be `-`, where there is only one tenant, nobody above, no attribute, the whole
//! tenant, no limit, the usual request. Without tenants there is one, `home`, whose plan has no limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Model;
use super::applications::Application;
use super::case::Case;
use super::handover::Handover;
use super::items::{Item, Shape, Table};
use super::page::{Line, Page, Unreadable, Wrong};
use super::values::{plain, request, resource_id};
use super::world::{World, principal_uuid, tenant_id};
use crate::{Authority, Catalog, Decision, Grant, Kind, Literal, Reach, Reason, ResourceRef, Target};

pub(super) fn model(application: &Application) -> Result<Model, Unreadable> {
    let unreadable = |Wrong { line, why }| Unreadable { file: application.name, line, why };
    let page = Page::read(application.text).map_err(unreadable)?;
    read(application, &page).map_err(unreadable)
}

fn read(application: &Application, page: &Page<'_>) -> Result<Model, Wrong> {
    let catalog = application.catalog().map_err(|error| Wrong::at(0, error))?;
    let reader = Reader { application, page, catalog };
    let world = reader.world()?;
    let tables = reader.tables(&world)?;
    let mut authorities = BTreeMap::new();
    let cases = reader.cases(&world, &tables, &mut authorities)?;
    let handovers = reader.handovers(&world, &mut authorities)?;
    let grants = world.roles.values().flatten().cloned().collect();
    let (name, head) = (application.name, page.head.clone());
    Ok(Model { name, head, tables, grants, cases, handovers, catalog: reader.catalog })
}

/// A model's file, and the application that it is about.
pub(super) struct Reader<'r, 't> {
    pub(super) application: &'r Application,
    pub(super) page: &'r Page<'t>,
    catalog: Catalog,
}

/// Those that were asked for already: by principal and tenant.
type Authorities<'w> = BTreeMap<(&'w str, &'w str), Arc<Authority>>;

impl<'r> Reader<'r, '_> {
    /// What stands under `on`: a resource, or else the tenant. An id in quotes is a text, whatever the type's are.
    pub(super) fn target(&self, line: &Line<'_>) -> Result<Target, Wrong> {
        let Some(on) = line.get("on") else { return Ok(Target::Tenant) };
        if on.ends_with('\'') {
            return on.parse().map(Target::Resource).map_err(|error| line.wrong(error));
        }
        let (of, name) = on.split_once('/').ok_or_else(|| line.wrong("a resource is type/name"))?;
        let kind =
            self.kind_of(of).ok_or_else(|| line.wrong(format!("no resource is or contains a {of:?}")))?;
        let id = resource_id(of, kind, name).map_err(|error| line.wrong(error))?;
        Ok(Target::Resource(ResourceRef::new(of, id).map_err(|error| line.wrong(error))?))
    }

    /// The kind of the ids of a type of resource, or of what contains one.
    fn kind_of(&self, of: &str) -> Option<Kind> {
        self.application.shapes.iter().find_map(|shape| {
            let as_container = || {
                let (attribute, _) = shape.containers().iter().find(|(_, container)| *container == of)?;
                shape.columns().iter().find(|(name, _)| name == attribute).map(|(_, kind)| *kind)
            };
            if shape.of() == of { Some(shape.id_kind()) } else { as_container() }
        })
    }

    fn tables(&self, world: &World<'r>) -> Result<Vec<Arc<Table>>, Wrong> {
        let mut tables: Vec<Table> = Vec::new();
        for section in self.page.sections.iter().filter(|section| section.heading.starts_with(RESOURCES)) {
            let of = section.heading.strip_prefix(RESOURCES).unwrap_or_default();
            let shape = self.application.shapes.iter().copied().find(|shape| shape.of() == of);
            let shape = shape.ok_or_else(|| Wrong::at(section.line, format!("no type {of:?}")))?;
            let own = shape.columns().iter().map(|(name, _)| *name);
            let columns: Vec<&str> = ["tenant", "id"].into_iter().chain(own).collect();
            for line in section.lines(&columns)? {
                let tenant = world.tenant(line.get("tenant")).map_err(|why| line.wrong(why))?;
                let item = item(world, shape, &line)?;
                let of_tenant = |table: &&mut Table| table.tenant == tenant_id(tenant) && table.of() == of;
                match tables.iter_mut().find(of_tenant) {
                    Some(table) => table.items.push(item),
                    None => tables.push(Table {
                        model: self.application.name,
                        tenant: tenant_id(tenant),
                        tenant_name: tenant.into(),
                        shape,
                        items: vec![item],
                    }),
                }
            }
        }
        Ok(tables.into_iter().map(Arc::new).collect())
    }

    fn cases<'w>(
        &'w self,
        world: &'w World<'r>,
        tables: &[Arc<Table>],
        authorities: &mut Authorities<'r>,
    ) -> Result<Vec<Case>, Wrong> {
        let columns = ["principal", "tenant", "permission", "resource", "request", "decision", "reason"];
        let mut cases = Vec::new();
        for line in self.page.lines("Decisions", &columns)? {
            let tenant = world.tenant(line.get("tenant")).map_err(|why| line.wrong(why))?;
            let permission = line.need("permission")?;
            let index = self.catalog.by_key(permission);
            cases.push(Case {
                line: line.number,
                principal: line.need("principal")?.into(),
                authority: self.authority(world, (line.need("principal")?, tenant), authorities, &line)?,
                permission: index.ok_or_else(|| line.wrong(format!("no permission {permission:?}")))?,
                key: permission.parse().map_err(|error| line.wrong(error))?,
                asked_of: asked_of(tables, tenant, &line)?,
                said: line.get("request").unwrap_or_default().into(),
                request: request(line.get("request")).map_err(|why| line.wrong(why))?,
                expected: decision(&line)?,
                reason: reason(&line)?,
            });
        }
        Ok(cases)
    }

    fn handovers(
        &self,
        world: &World<'r>,
        authorities: &mut Authorities<'r>,
    ) -> Result<Vec<Handover>, Wrong> {
        let columns = ["giver", "tenant", "hands out", "on", "reach", "outcome", "lacking"];
        let mut handovers = Vec::new();
        for line in self.page.lines("Handing on", &columns)? {
            let tenant = world.tenant(line.get("tenant")).map_err(|why| line.wrong(why))?;
            let lacking: Vec<Grant> = line.list("lacking", ';')?;
            match (line.need("outcome")?, lacking.is_empty()) {
                ("granted", true) | ("lacking", false) => {}
                _ => return Err(line.wrong("'granted' and nothing lacking, or 'lacking' and what")),
            }
            handovers.push(Handover {
                line: line.number,
                giver: line.need("giver")?.into(),
                authority: self.authority(world, (line.need("giver")?, tenant), authorities, &line)?,
                asks: line.list("hands out", ';')?,
                on: self.target(&line)?,
                reach: reach(&line)?,
                lacking,
            });
        }
        Ok(handovers)
    }

    fn authority(
        &self,
        world: &World<'r>,
        (name, tenant): (&'r str, &'r str),
        authorities: &mut Authorities<'r>,
        line: &Line<'_>,
    ) -> Result<Arc<Authority>, Wrong> {
        if let Some(known) = authorities.get(&(name, tenant)) {
            return Ok(Arc::clone(known));
        }
        let authority = world.authority(&self.catalog, name, tenant).map_err(|why| line.wrong(why))?;
        let authority = Arc::new(authority);
        authorities.insert((name, tenant), Arc::clone(&authority));
        Ok(authority)
    }
}

/// What the heading over a table of resources begins with, before their type.
const RESOURCES: &str = "Resources: ";

fn item(world: &World<'_>, shape: &'static dyn Shape, line: &Line<'_>) -> Result<Item, Wrong> {
    let name = line.need("id")?;
    let id = resource_id(shape.of(), shape.id_kind(), name).map_err(|error| line.wrong(error))?;
    let value = |(column, kind): &(&str, Kind)| {
        let value = line.get(column).map(|cell| {
            let container = shape.containers().iter().find(|(attribute, _)| attribute == column);
            let read = match (container, kind) {
                (Some((_, of)), _) => resource_id(of, *kind, cell).ok().map(|id| id.value().to_literal()),
                (None, Kind::Id) => {
                    world.principals.contains_key(cell).then(|| Literal::Id(principal_uuid(cell)))
                }
                (None, _) => plain(*kind, cell),
            };
            read.ok_or_else(|| line.wrong(format!("{cell:?} under {column:?} is no {}", kind.as_str())))
        });
        value.transpose()
    };
    let values = shape.columns().iter().map(value).collect::<Result<_, _>>()?;
    Ok(Item { name: name.into(), id, values })
}

fn asked_of(
    tables: &[Arc<Table>],
    tenant: &str,
    line: &Line<'_>,
) -> Result<Option<(Arc<Table>, Item)>, Wrong> {
    let Some(resource) = line.get("resource") else { return Ok(None) };
    let (of, name) = resource.split_once('/').ok_or_else(|| line.wrong("a resource is type/name"))?;
    let of_tenant = |table: &&Arc<Table>| table.tenant == tenant_id(tenant) && table.of() == of;
    let found =
        tables.iter().find(of_tenant).and_then(|table| Some((Arc::clone(table), table.item(name)?.clone())));
    found.map(Some).ok_or_else(|| line.wrong(format!("no resource {resource:?} in {tenant}")))
}

fn decision(line: &Line<'_>) -> Result<Decision, Wrong> {
    match line.need("decision")? {
        "allowed" => Ok(Decision::Allowed),
        "denied" => Ok(Decision::Denied),
        _ => Err(line.wrong("a decision is 'allowed' or 'denied'")),
    }
}

fn reason(line: &Line<'_>) -> Result<Reason, Wrong> {
    let code = line.need("reason")?;
    let found = REASONS.into_iter().find(|reason| reason.as_str() == code);
    found.ok_or_else(|| line.wrong(format!("{code:?} is no reason's code")))
}

const REASONS: [Reason; 10] = [
    Reason::Granted,
    Reason::DeniedByRole,
    Reason::DenialUnknown,
    Reason::DeniedToActor,
    Reason::ConditionUnknown,
    Reason::ConditionNotMet,
    Reason::OtherResource,
    Reason::NotCarried,
    Reason::AbovePlan,
    Reason::NotGranted,
];

pub(super) fn reach(line: &Line<'_>) -> Result<Reach, Wrong> {
    match line.get("reach") {
        None | Some("here") => Ok(Reach::Here),
        Some("below") => Ok(Reach::Below),
        Some(_) => Err(line.wrong("a reach is 'here' or 'below'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::access::applications::APPLICATIONS;

    /// What is wrong with a text for the application of `rbac_with_domains`.
    fn wrong(text: &'static str) -> Option<(usize, String)> {
        let known = APPLICATIONS.iter().find(|application| application.name == "rbac_with_domains").unwrap();
        let Application { name, permissions, shapes, caller, request, .. } = *known;
        let read = model(&Application { name, text, permissions, shapes, caller, request });
        read.err().map(|error| (error.line, error.why))
    }

    #[test]
    fn what_is_not_known_is_refused_where_it_stands() {
        let table = [
            ("## Decisions\n| principal | permission |\n| - | - |\n| alice | data:read |\n", 4, "alice"),
            ("## Principals\n| principal | who |\n| - | - |\n| alice | robot |\n", 4, "service_account"),
            ("## Principals\n| principal | name |\n", 1, "name"),
            ("## Principals\n| principal |\n| - |\n| alice |\n| alice |\n", 5, "twice"),
            ("## Teams\n| team | below |\n| - | - |\n| crew | all |\n", 0, "all"),
            ("## Tenants\n| tenant | below |\n| - | - |\n| shop | mall |\n", 0, "mall"),
            ("## Roles\n| role | line |\n| - | - |\n| reader | data:read when |\n", 4, "segment 2"),
            ("## Assignments\n| to | role |\n| - | - |\n| alice | reader |\n", 4, "alice"),
            ("## Resources: date\n", 1, "date"),
            ("## Resources: data\n| id | size |\n", 1, "size"),
            ("## Teams\n| team | members |\n| - | - |\n| crew | alice |\n", 4, "alice"),
        ];
        for (text, line, named) in table {
            let (at, why) = wrong(text).unwrap();
            assert!(at == line && why.contains(named), "{at}: {why}");
        }
    }

    #[test]
    fn a_decision_is_read_whole_or_not_at_all() {
        let with = |cells: &str| {
            let people = "## Principals\n| principal |\n| - |\n| alice |\n| self |\n";
            let data = "## Resources: data\n| id |\n| - |\n| data1 |\n";
            let columns = "| principal | permission | resource | request | decision | reason |";
            let text =
                format!("{people}{data}## Decisions\n{columns}\n| - | - | - | - | - | - |\n| {cells} |\n");
            wrong(Box::leak(text.into_boxed_str())).map(|(line, why)| {
                assert_eq!(line, 13, "{why}");
                why
            })
        };
        assert_eq!(with("alice | data:read | data/data1 | - | denied | not_granted"), None);
        for (cells, named) in [
            ("bob | data:read | data/data1 | - | denied | not_granted", "bob"),
            ("alice | data:rule | data/data1 | - | denied | not_granted", "data:rule"),
            ("alice | data:read | data/data2 | - | denied | not_granted", "data/data2"),
            ("alice | data:read | data1 | - | denied | not_granted", "type/name"),
            ("alice | data:read | data/data1 | at noon | denied | not_granted", "at noon"),
            ("alice | data:read | data/data1 | - | refused | not_granted", "'denied'"),
            ("alice | data:read | data/data1 | - | denied | never", "never"),
        ] {
            let why = with(cells).unwrap();
            assert!(why.contains(named), "{cells}: {why}");
        }
    }

    #[test]
    fn somebody_who_is_itself_is_refused() {
        let (line, why) = wrong(
            "## Principals\n| principal | who |\n| - | - |\n| a | as b |\n| b | as a |\n\n\
             ## Handing on\n| giver | hands out | outcome |\n| - | - | - |\n| a | * | granted |\n",
        )
        .unwrap();
        assert!(line == 10 && why.contains("itself"), "{line}: {why}");
    }
}
