//! cedar-policy 4.14: <https://docs.rs/cedar-policy/4.14.1/cedar_policy/>.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema,
};

use crate::model::{Line, Model, Question, When};
use crate::vocabulary::key;
use crate::way::{Asker, Way};
use crate::{Fault, World};

/// Cedar with the policies and the entities of a model, both parsed and built once, as
/// <https://docs.rs/cedar-policy/4.14.1/cedar_policy/struct.Authorizer.html#method.is_authorized> shows.
pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
}

/// What Cedar says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whether it allows.
    pub is_allowed: bool,
    /// How many policies it skipped, because evaluating them failed.
    pub skipped: usize,
}

impl Cedar {
    /// Cedar with these policies, and with these entities as (type, id, parents, attributes as Cedar writes them).
    ///
    /// # Errors
    /// Whatever Cedar refuses.
    pub fn of(policies: &str, entities: Vec<Entity>) -> Result<Self, Fault> {
        let entities = Entities::from_entities(entities, None)?;
        Ok(Self { authorizer: Authorizer::new(), policies: policies.parse()?, entities })
    }

    /// The policies of a model in which every role is a tenant's own: a role is an entity that users and roles are in,
    /// a policy is for what lies in the tenant of its role. Roles as
    /// <https://docs.cedarpolicy.com/bestpractices/bp-implementing-roles.html> shows.
    ///
    /// # Errors
    /// Whatever Cedar refuses.
    pub fn of_tenants(model: &Model) -> Result<Self, Fault> {
        let mut policies = String::new();
        for (number, role) in model.roles.iter().enumerate() {
            let tenant = role.tenant.unwrap_or(0);
            for line in &role.lines {
                let effect = if line.denies { "forbid" } else { "permit" };
                writeln!(
                    policies,
                    "{effect}(principal in Role::\"role{number}\", action == Action::\"{}\", resource in \
                     Tenant::\"tenant{tenant}\"){};",
                    key(line.permission),
                    when(line.when, "owner == principal"),
                )?;
            }
        }
        let mut entities = (0..model.tenants)
            .map(|tenant| Ok(Entity::with_uid(uid("Tenant", &format!("tenant{tenant}"))?)))
            .collect::<Result<Vec<_>, Fault>>()?;
        for (number, role) in model.roles.iter().enumerate() {
            entities.push(within("Role", &format!("role{number}"), &role.juniors)?);
        }
        let mut held = HashMap::<usize, Vec<usize>>::new();
        for membership in &model.memberships {
            held.entry(membership.user).or_default().extend(&membership.roles);
        }
        for (user, roles) in held {
            entities.push(within("User", &format!("user{user}"), &roles)?);
        }
        for (number, document) in model.documents.iter().enumerate() {
            let parent = uid("Tenant", &format!("tenant{}", document.tenant))?;
            let attributes = attributes(&format!("User::\"user{}\"", document.owner), document.amount)?;
            let name = uid("Document", &format!("document{number}"))?;
            entities.push(Entity::new(name, attributes, HashSet::from([parent]))?);
        }
        Self::of(&policies, entities)
    }

    /// Asks.
    ///
    /// # Errors
    /// Names that are none.
    pub fn ask(&self, principal: EntityUid, action: &str, resource: EntityUid) -> Result<Told, Fault> {
        let request = Request::new(principal, uid("Action", action)?, resource, Context::empty(), None)?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &self.entities);
        Ok(Told {
            is_allowed: response.decision() == Decision::Allow,
            skipped: response.diagnostics().errors().count(),
        })
    }

    /// Answers a question about the model of [`Cedar::of_tenants`].
    ///
    /// # Errors
    /// As [`Cedar::ask`].
    pub fn answer(&self, model: &Model, question: &Question) -> Result<Told, Fault> {
        let membership = &model.memberships[question.membership];
        let resource = match question.document {
            Some(document) => uid("Document", &format!("document{document}"))?,
            None => uid("Tenant", &format!("tenant{}", membership.tenant))?,
        };
        self.ask(uid("User", &format!("user{}", membership.user))?, key(question.permission), resource)
    }

    /// `is_authorized` for each of the first questions, its requests built beforehand, which a service can't. Roles that
    /// every tenant has, one policy each, whose actions are a group as
    /// <https://docs.cedarpolicy.com/policies/syntax-policy.html> shows: less time than a list of 20 actions.
    ///
    /// # Errors
    /// Whatever Cedar refuses.
    pub fn static_check(name: &'static str, world: &World, reach: usize) -> Result<impl Way + use<>, Fault> {
        let cedar = Self::shared(&world.model, None)?;
        let requests = requests(world, reach, None)?;
        Ok(Asker::new(name, reach, move |place| cedar.decide(&requests[place])))
    }

    /// The same with a schema, against which policies, entities and requests are checked when they are built
    /// (<https://docs.cedarpolicy.com/schema/schema.html>).
    ///
    /// # Errors
    /// Whatever Cedar refuses.
    pub fn with_schema(name: &'static str, world: &World, reach: usize) -> Result<impl Way + use<>, Fault> {
        let schema = schema(&world.model)?;
        let cedar = Self::shared(&world.model, Some(&schema))?;
        let requests = requests(world, reach, Some(&schema))?;
        Ok(Asker::new(name, reach, move |place| cedar.decide(&requests[place])))
    }

    /// `is_authorized` for each of the first questions, with the request made for each: what a service has to do.
    ///
    /// # Errors
    /// Whatever Cedar refuses.
    pub fn with_requests(name: &'static str, world: &World, reach: usize) -> Result<impl Way + use<>, Fault> {
        let cedar = Self::shared(&world.model, None)?;
        let uids = uids(world, reach)?;
        Ok(Asker::new(name, reach, move |place| {
            let [principal, action, resource] = uids[place].clone();
            let request = Request::new(principal, action, resource, Context::empty(), None);
            request.is_ok_and(|request| cedar.decide(&request))
        }))
    }

    fn decide(&self, request: &Request) -> bool {
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        std::hint::black_box(response).decision() == Decision::Allow
    }

    /// One policy for each role, and who is in it; with a schema, whose action groups it has, where one is given.
    pub(crate) fn shared(model: &Model, schema: Option<&Schema>) -> Result<Self, Fault> {
        let mut policies = String::new();
        for (number, role) in model.roles.iter().enumerate() {
            let condition = when(role.lines.first().and_then(|line| line.when), "owner == principal");
            writeln!(
                policies,
                "permit(principal in Role::\"role{number}\", action in Action::\"role{number}\", resource){condition};"
            )?;
        }
        let mut entities = vec![];
        for number in 0..model.roles.len() {
            entities.push(within("Role", &format!("role{number}"), &[])?);
        }
        for membership in &model.memberships {
            entities.push(within("User", &format!("user{}", membership.user), &membership.roles)?);
        }
        for (number, document) in model.documents.iter().enumerate() {
            let attributes = attributes(&format!("User::\"user{}\"", document.owner), document.amount)?;
            let name = uid("Document", &format!("document{number}"))?;
            entities.push(Entity::new(name, attributes, HashSet::new())?);
        }
        if schema.is_none() {
            for permission in
                permissions(&model.roles.iter().flat_map(|role| &role.lines).collect::<Vec<_>>())
            {
                let groups = groups(model, permission).map(|role| uid("Action", &format!("role{role}")));
                let groups = groups.collect::<Result<_, _>>()?;
                entities.push(Entity::new_no_attrs(uid("Action", key(permission))?, groups));
            }
        }
        let entities = Entities::from_entities(entities, schema)?;
        Ok(Self { authorizer: Authorizer::new(), policies: policies.parse()?, entities })
    }
}

fn permissions(lines: &[&Line]) -> BTreeSet<usize> {
    lines.iter().map(|line| line.permission).collect()
}

/// The roles that have a permission.
fn groups(model: &Model, permission: usize) -> impl Iterator<Item = usize> {
    let has = move |lines: &[Line]| lines.iter().any(|line| line.permission == permission);
    model.roles.iter().enumerate().filter(move |(_, role)| has(&role.lines)).map(|(number, _)| number)
}

fn schema(model: &Model) -> Result<Schema, Fault> {
    let mut text = "entity Role; entity Tenant; entity User in [Role];\n".to_owned();
    for number in 0..model.roles.len() {
        writeln!(text, "action \"role{number}\";")?;
    }
    for permission in permissions(&model.roles.iter().flat_map(|role| &role.lines).collect::<Vec<_>>()) {
        let groups: Vec<_> = groups(model, permission).map(|role| format!("\"role{role}\"")).collect();
        let (name, groups) = (key(permission), groups.join(", "));
        writeln!(text, "action \"{name}\" in [{groups}] appliesTo {{ principal: User, resource: Tenant }};")?;
    }
    Ok(Schema::from_cedarschema_str(&text)?.0)
}

fn requests(world: &World, reach: usize, schema: Option<&Schema>) -> Result<Vec<Request>, Fault> {
    let request = |[principal, action, resource]: [EntityUid; 3]| {
        Ok(Request::new(principal, action, resource, Context::empty(), schema)?)
    };
    uids(world, reach)?.into_iter().map(request).collect()
}

fn uids(world: &World, reach: usize) -> Result<Vec<[EntityUid; 3]>, Fault> {
    let one = |question: &Question| {
        let membership = &world.model.memberships[question.membership];
        let resource = match question.document {
            Some(document) => uid("Document", &format!("document{document}"))?,
            None => uid("Tenant", &format!("tenant{}", membership.tenant))?,
        };
        let principal = uid("User", &format!("user{}", membership.user))?;
        Ok([principal, uid("Action", key(question.permission))?, resource])
    };
    world.questions.iter().take(reach).map(one).collect()
}

fn when(condition: Option<When>, own: &str) -> String {
    match condition {
        None => String::new(),
        Some(When::Own) => format!(" when {{ resource.{own} }}"),
        Some(When::AtMost(amount)) => format!(" when {{ resource.amount <= {amount} }}"),
    }
}

fn attributes(owner: &str, amount: Option<i64>) -> Result<HashMap<String, RestrictedExpression>, Fault> {
    let mut attributes = HashMap::from([("owner".to_owned(), owner.parse()?)]);
    attributes.extend(amount.map(|amount| ("amount".to_owned(), RestrictedExpression::new_long(amount))));
    Ok(attributes)
}

/// The entity of this name, within these roles.
fn within(of: &str, name: &str, roles: &[usize]) -> Result<Entity, Fault> {
    let parents = roles.iter().map(|role| uid("Role", &format!("role{role}"))).collect::<Result<_, _>>()?;
    Ok(Entity::new_no_attrs(uid(of, name)?, parents))
}

fn uid(of: &str, name: &str) -> Result<EntityUid, Fault> {
    let of: EntityTypeName = of.parse()?;
    Ok(EntityUid::from_type_name_and_id(of, EntityId::new(name)))
}
