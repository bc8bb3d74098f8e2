//! casbin 2.20: <https://docs.rs/casbin/2.20.0/casbin/>.

use std::sync::Arc;

use casbin::{
    CachedApi as _, CachedEnforcer, CoreApi, DefaultCache, DefaultModel, Enforcer, MemoryAdapter, MgmtApi,
};
use serde::Serialize;
use tokio::runtime::Builder;

use crate::model::{Line, Model, Question, When};
use crate::vocabulary::{ACTIONS, AREAS};
use crate::way::{Asker, Way};
use crate::{Fault, World};

/// Roles that every tenant has, assigned in tenants: rules don't name a tenant, so that there are 100 of them for 5
/// roles of 20 permissions however many tenants there are. "RBAC with domains" of
/// <https://casbin.org/docs/rbac-with-domains>, with the cheap comparisons of the matcher first, so that the role
/// manager is asked only where they hold. The policy is loaded whole, as <https://casbin.org/docs/adapters> shows.
const SHARED: &str = "[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = sub, obj, act\n\
    [role_definition]\ng = _, _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n\
    [matchers]\nm = r.act == p.act && r.obj == p.obj && g(r.sub, p.sub, r.dom)";

/// The same with attributes of what is asked about, as <https://casbin.org/docs/abac> shows.
const CONDITIONAL: &str = "[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = sub, obj, act, cond\n\
    [role_definition]\ng = _, _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n\
    [matchers]\nm = r.act == p.act && r.obj.area == p.obj && \
    (p.cond == \"own\" && r.obj.owner == r.sub || p.cond == \"amount\" && r.obj.amount <= 100000) && \
    g(r.sub, p.sub, r.dom)";

/// Roles that tenants make for themselves: the model of <https://casbin.org/docs/rbac-with-domains> as it stands, with
/// the effect of <https://casbin.org/docs/syntax-for-models#policy-effect> in which a denial wins.
const OWN: &str = "[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = sub, dom, obj, act, eft\n\
    [role_definition]\ng = _, _, _\n[policy_effect]\n\
    e = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n\
    [matchers]\nm = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act";

/// What a rule of casbin's does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies.
    Deny,
}

/// A casbin enforcer with the policy of a model.
pub struct Casbin(Enforcer);

impl Casbin {
    /// The enforcer of a model in which every role is a tenant's own.
    ///
    /// # Errors
    /// Whatever casbin refuses.
    pub fn of_tenants(model: &Model) -> Result<Self, Fault> {
        let mut casbin = Self::empty()?;
        for (number, role) in model.roles.iter().enumerate() {
            let tenant = role.tenant.unwrap_or(0);
            for line in &role.lines {
                let effect = if line.denies { Effect::Deny } else { Effect::Allow };
                let (area, action) =
                    (AREAS[line.permission / ACTIONS.len()], ACTIONS[line.permission % ACTIONS.len()]);
                casbin.rule([&role_name(number), &domain(tenant), area, action], effect)?;
            }
            for junior in &role.juniors {
                casbin.link([&role_name(number), &role_name(*junior), &domain(tenant)])?;
            }
        }
        for membership in &model.memberships {
            for role in &membership.roles {
                casbin.link([&user(membership.user), &role_name(*role), &domain(membership.tenant)])?;
            }
        }
        Ok(casbin)
    }

    /// The enforcer of a model whose roles every tenant has.
    pub(crate) fn shared(model: &Model) -> Result<Self, Fault> {
        let enforcer =
            wait(async { Enforcer::new(DefaultModel::from_str(SHARED).await?, policy(model).await?).await });
        Ok(Self(enforcer?))
    }

    /// An enforcer without rules, of roles that tenants make for themselves.
    ///
    /// # Errors
    /// None that is known of.
    pub fn empty() -> Result<Self, Fault> {
        Ok(Self(wait(async { Enforcer::new(DefaultModel::from_str(OWN).await?, ()).await })?))
    }

    /// Adds the rule that this role, in this domain, may or may not do that to this object.
    ///
    /// # Errors
    /// Whatever casbin refuses.
    pub fn rule(&mut self, rule: [&str; 4], effect: Effect) -> Result<(), Fault> {
        let effect = if effect == Effect::Deny { "deny" } else { "allow" };
        let rule = rule.into_iter().chain([effect]).map(str::to_owned).collect();
        wait(self.0.add_policy(rule)).map(drop)
    }

    /// Adds that the first has the second, a role, in the third, a domain.
    ///
    /// # Errors
    /// Whatever casbin refuses.
    pub fn link(&mut self, link: [&str; 3]) -> Result<(), Fault> {
        wait(self.0.add_grouping_policy(link.map(str::to_owned).to_vec())).map(drop)
    }

    /// Whether the subject may, in the domain, do the action to the object.
    ///
    /// # Errors
    /// Whatever keeps casbin from answering.
    pub fn enforce(&self, asked: [&str; 4]) -> Result<bool, Fault> {
        let [subject, domain, object, action] = asked;
        Ok(self.0.enforce((subject, domain, object, action))?)
    }

    /// Answers a question about the model of [`Casbin::of_tenants`], which knows nothing of documents.
    ///
    /// # Errors
    /// Whatever keeps casbin from answering.
    pub fn allows(&self, model: &Model, question: &Question) -> Result<bool, Fault> {
        let membership = &model.memberships[question.membership];
        let (area, action) =
            (AREAS[question.permission / ACTIONS.len()], ACTIONS[question.permission % ACTIONS.len()]);
        self.enforce([&user(membership.user), &domain(membership.tenant), area, action])
    }

    /// `Enforcer::enforce` for each question, with texts that are there.
    ///
    /// # Errors
    /// Whatever casbin refuses.
    pub fn static_check(name: &'static str, world: &World) -> Result<impl Way + use<>, Fault> {
        let Self(enforcer) = Self::shared(&world.model)?;
        let asked = asked(world);
        Ok(Asker::new(name, asked.len(), move |place| {
            let Asked { subject, domain, area, action, .. } = &asked[place];
            enforcer.enforce((&**subject, &**domain, *area, *action)).unwrap_or(false)
        }))
    }

    /// `CachedEnforcer::enforce` (<https://docs.rs/casbin/2.20.0/casbin/struct.CachedEnforcer.html>) for each of the
    /// first questions, with a cache that holds all of them, and does.
    ///
    /// # Errors
    /// Whatever casbin refuses.
    pub fn cached(world: &World, reach: usize) -> Result<impl Way + use<>, Fault> {
        let enforcer = cached(SHARED, &world.model)?;
        let asked = asked(world);
        let way = Asker::new("casbin cached", reach, move |place| {
            let Asked { subject, domain, area, action, .. } = &asked[place];
            enforcer.enforce((&**subject, &**domain, *area, *action)).unwrap_or(false)
        });
        way.ask(0..reach);
        Ok(way)
    }

    /// `Enforcer::enforce` for each question about a document, which is handed over with its attributes.
    ///
    /// # Errors
    /// Whatever casbin refuses.
    pub fn conditional_check(name: &'static str, world: &World) -> Result<impl Way + use<>, Fault> {
        let enforcer = wait(async {
            let model = DefaultModel::from_str(CONDITIONAL).await?;
            Enforcer::new(model, policy(&world.model).await?).await
        })?;
        let (asked, documents) = (asked(world), Object::all(world));
        Ok(Asker::new(name, asked.len(), move |place| {
            let Asked { subject, domain, area, action, document } = &asked[place];
            let object = documents[*document].as_of(area);
            enforcer.enforce((&**subject, &**domain, object, *action)).unwrap_or(false)
        }))
    }

    /// [`Casbin::conditional_check`] with a cache, as [`Casbin::cached`] has it. It caches by the attributes too.
    ///
    /// # Errors
    /// Whatever casbin refuses.
    pub fn conditional_cached(world: &World, reach: usize) -> Result<impl Way + use<>, Fault> {
        let enforcer = cached(CONDITIONAL, &world.model)?;
        let (asked, documents) = (asked(world), Object::all(world));
        let way = Asker::new("casbin cached", reach, move |place| {
            let Asked { subject, domain, area, action, document } = &asked[place];
            let object = documents[*document].as_of(area);
            enforcer.enforce((&**subject, &**domain, object, *action)).unwrap_or(false)
        });
        way.ask(0..reach);
        Ok(way)
    }
}

fn cached(model: &str, of: &Model) -> Result<CachedEnforcer, Fault> {
    let mut enforcer = wait(async {
        let model = DefaultModel::from_str(model).await?;
        CachedEnforcer::new(model, policy(of).await?).await
    })?;
    enforcer.set_cache(Box::new(DefaultCache::new(2 * World::QUESTIONS)));
    Ok(enforcer)
}

/// A question in casbin's words.
struct Asked {
    subject: Arc<str>,
    domain: Arc<str>,
    area: &'static str,
    action: &'static str,
    document: usize,
}

fn asked(world: &World) -> Vec<Asked> {
    let model = &world.model;
    let domains: Vec<Arc<str>> = (0..model.tenants).map(|tenant| domain(tenant).into()).collect();
    let users: Vec<Arc<str>> =
        model.memberships.iter().map(|membership| user(membership.user).into()).collect();
    let one = |question: &Question| Asked {
        subject: Arc::clone(&users[question.membership]),
        domain: Arc::clone(&domains[model.memberships[question.membership].tenant]),
        area: AREAS[question.permission / ACTIONS.len()],
        action: ACTIONS[question.permission % ACTIONS.len()],
        document: question.document.unwrap_or(0),
    };
    world.questions.iter().map(one).collect()
}

/// What is asked about, as casbin is handed it.
#[derive(Clone, Copy, Serialize, Hash)]
struct Object<'a> {
    area: &'a str,
    owner: &'a str,
    amount: i64,
}

struct Attributes {
    owner: String,
    amount: i64,
}

impl Object<'_> {
    fn all(world: &World) -> Vec<Attributes> {
        let documents = world.model.documents.iter();
        let of = documents
            .map(|each| Attributes { owner: user(each.owner), amount: each.amount.unwrap_or(i64::MAX) });
        of.collect()
    }
}

impl Attributes {
    fn as_of<'a>(&'a self, area: &'a str) -> Object<'a> {
        Object { area, owner: &self.owner, amount: self.amount }
    }
}

/// The rules and assignments of a model whose roles every tenant has.
async fn policy(model: &Model) -> Result<MemoryAdapter, casbin::Error> {
    use casbin::Adapter as _;

    let mut adapter = MemoryAdapter::default();
    let rule = |number: usize, line: &Line| {
        let mut rule = vec![
            role_name(number),
            AREAS[line.permission / ACTIONS.len()].to_owned(),
            ACTIONS[line.permission % ACTIONS.len()].to_owned(),
        ];
        rule.extend(line.when.map(|when| if when == When::Own { "own" } else { "amount" }.to_owned()));
        rule
    };
    let roles = model.roles.iter().enumerate();
    let rules = roles.flat_map(|(number, role)| role.lines.iter().map(move |line| rule(number, line)));
    adapter.add_policies("p", "p", rules.collect()).await?;
    let links = model.memberships.iter().flat_map(|held| {
        held.roles.iter().map(|role| vec![user(held.user), role_name(*role), domain(held.tenant)])
    });
    adapter.add_policies("g", "g", links.collect()).await?;
    Ok(adapter)
}

fn role_name(number: usize) -> String {
    format!("role{number}")
}

fn domain(tenant: usize) -> String {
    format!("tenant{tenant}")
}

fn user(user: usize) -> String {
    format!("user{user}")
}

fn wait<T>(future: impl Future<Output = Result<T, casbin::Error>>) -> Result<T, Fault> {
    Ok(Builder::new_current_thread().build()?.block_on(future)?)
}
