//! The one evaluator: checks, explanations and reviews all go through it.

use std::ops::Range;

use super::authority::{Authority, Decision};
use super::catalog::Catalog;
use super::condition::{Condition, Facts, RequestFacts, Value};
use super::grant::{Effect, Grant};
use super::holding::{Holding, Target};
use super::permission_set::{PermissionIndex, PermissionSet};
use super::resource::{Resource, ResourceRef};

/// What is asked: may this be done to that, in this request.
#[derive(Debug)]
pub(super) struct Question<'a, R> {
    pub(super) permission: PermissionIndex,
    pub(super) resource: Option<&'a R>,
    pub(super) request: &'a RequestFacts,
}

/// The lines of one effect of all the roles that a principal holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Those of roles on the whole tenant; those that have a condition stand last.
    general: Box<[Rule]>,
    /// How many of them have none.
    plain: usize,
    /// Those of roles on one resource, ordered by it.
    targeted: Box<[(ResourceRef, Rule)]>,
    /// Where those on each resource stand, in the same order.
    places: Box<[(ResourceRef, Range<usize>)]>,
    certain: PermissionSet,
    all: PermissionSet,
}

/// A line of a role: by the places of the holding, and of the line in its role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) matched: PermissionSet,
    holding: usize,
    grant: usize,
    condition: Option<Condition>,
    descends: bool,
}

/// What became of a rule that names the permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It applies.
    Applies,
    /// Its condition can't be told: something that it looks at isn't there.
    Unknown,
    /// Its condition is false.
    NotMet,
    /// The token or key doesn't carry the permission.
    NotCarried,
    /// The tenant's plan doesn't allow the permission.
    AbovePlan,
}

/// Who watches an evaluation.
pub(super) trait Trace {
    /// Whether it matters which rule decided. Where it doesn't, what the rules without a condition come to is looked up.
    const WATCHES: bool = true;

    /// A rule that names the permission and reaches the resource was looked at.
    fn saw(&mut self, effect: Effect, rule: &Rule, outcome: Outcome);
}

impl Trace for () {
    const WATCHES: bool = false;

    fn saw(&mut self, _: Effect, _: &Rule, _: Outcome) {}
}

impl Authority {
    /// Whether the principal may, and whoever acts as it may too.
    pub(super) fn evaluate<R: Resource>(&self, question: &Question<'_, R>) -> Decision {
        match (self.evaluate_own(question, &mut ()), &self.limit) {
            (Decision::Allowed, Some(limit)) => limit.evaluate(question),
            (decision, _) => decision,
        }
    }

    /// Asks every rule that reaches the resource. A line that denies wins, also where its condition can't be told;
    /// else one that allows is enough; else it is denied.
    pub(super) fn evaluate_own<R: Resource, T: Trace>(
        &self,
        question: &Question<'_, R>,
        trace: &mut T,
    ) -> Decision {
        let asked = question.permission;
        let named = |rule: &&Rule| rule.matched.contains(asked);
        if !T::WATCHES && self.denies.certain.contains(asked) {
            return Decision::Denied;
        }
        for rule in self.denies.reaching(question.resource, T::WATCHES).filter(named) {
            let outcome = self.outcome(rule, question);
            trace.saw(Effect::Deny, rule, outcome);
            if outcome != Outcome::NotMet {
                return Decision::Denied;
            }
        }
        let within = self.within(asked);
        if !T::WATCHES && within.is_none() && self.allows.certain.contains(asked) {
            return Decision::Allowed;
        }
        for rule in self.allows.reaching(question.resource, T::WATCHES).filter(named) {
            let outcome = within.unwrap_or_else(|| self.outcome(rule, question));
            trace.saw(Effect::Allow, rule, outcome);
            if outcome == Outcome::Applies {
                return Decision::Allowed;
            }
        }
        Decision::Denied
    }

    /// Every rule that allows it, where [`evaluate_own`](Self::evaluate_own) says that one does.
    pub(super) fn allowing<'a, R: Resource>(
        &'a self,
        question: &'a Question<'_, R>,
    ) -> impl Iterator<Item = &'a Rule> {
        let named = self
            .allows
            .reaching(question.resource, true)
            .filter(|rule| rule.matched.contains(question.permission));
        named.filter(|rule| self.outcome(rule, question) == Outcome::Applies)
    }

    /// What keeps the permission out whatever a role says.
    fn within(&self, permission: PermissionIndex) -> Option<Outcome> {
        if !self.plan.set.contains(permission) {
            return Some(Outcome::AbovePlan);
        }
        let is_carried = self.carried.as_ref().is_none_or(|carried| carried.set.contains(permission));
        if is_carried { None } else { Some(Outcome::NotCarried) }
    }

    fn outcome<R: Resource>(&self, rule: &Rule, question: &Question<'_, R>) -> Outcome {
        let Some(condition) = &rule.condition else { return Outcome::Applies };
        let facts = Facts { caller: &self.caller, request: question.request };
        match condition.evaluate(question.resource, &facts) {
            Some(true) => Outcome::Applies,
            Some(false) => Outcome::NotMet,
            None => Outcome::Unknown,
        }
    }

    pub(super) fn holding(&self, rule: &Rule) -> Option<&Holding> {
        self.holdings.get(rule.holding)
    }

    pub(super) fn grant(&self, rule: &Rule) -> Option<&Grant> {
        self.holding(rule).and_then(|holding| holding.role.grants().get(rule.grant))
    }
}

impl Rule {
    pub(super) const fn is_conditional(&self) -> bool {
        self.condition.is_some()
    }

    pub(super) const fn descends(&self) -> bool {
        self.descends
    }
}

impl Rules {
    pub(super) fn of(catalog: &Catalog, holdings: &[Holding], effect: Effect) -> Self {
        let (mut general, mut targeted) = (Vec::new(), Vec::new());
        for (holding, held) in holdings.iter().enumerate() {
            for (grant, line) in held.role.grants().iter().enumerate().filter(|(_, g)| g.effect() == effect) {
                let scope = std::slice::from_ref(line.scope());
                let matched = match effect {
                    Effect::Allow => catalog.resolve(scope),
                    Effect::Deny => catalog.matched(scope),
                };
                let condition = line.condition().cloned();
                let rule = Rule { matched, holding, grant, condition, descends: held.descends };
                match &held.on {
                    Target::Tenant => general.push(rule),
                    Target::Resource(resource) => targeted.push((resource.clone(), rule)),
                }
            }
        }
        targeted.sort_by(|(one, _), (two, _)| one.order(two.of(), two.id().value()));
        general.sort_by_key(Rule::is_conditional);
        let plain = general.partition_point(|rule| !rule.is_conditional());
        let unconditional = general.iter().take(plain);
        let certain = unconditional.fold(PermissionSet::EMPTY, |all, rule| all.union(&rule.matched));
        let every = general.iter().chain(targeted.iter().map(|(_, rule)| rule));
        let all = every.fold(PermissionSet::EMPTY, |all, rule| all.union(&rule.matched));
        let places = places(&targeted);
        Self { general: general.into(), plain, targeted: targeted.into(), places, certain, all }
    }

    /// What is named without a condition, on the whole tenant.
    pub(super) const fn certain(&self) -> PermissionSet {
        self.certain
    }

    /// What is named at all.
    pub(super) const fn all(&self) -> PermissionSet {
        self.all
    }

    pub(super) fn general(&self) -> &[Rule] {
        &self.general
    }

    pub(super) fn targeted(&self) -> &[(ResourceRef, Rule)] {
        &self.targeted
    }

    /// The rules that reach the resource: those on the tenant, those on it, and those on what contains it that
    /// descend. Without the `plain` ones, those on the tenant that have no condition are left out.
    fn reaching<'a, R: Resource>(
        &'a self,
        resource: Option<&'a R>,
        plain: bool,
    ) -> impl Iterator<Item = &'a Rule> {
        let general = self.general.get(if plain { 0 } else { self.plain }..).unwrap_or_default();
        let asked = resource.filter(|_| !self.targeted.is_empty());
        let own = asked.map(|resource| self.on(R::TYPE, resource.id())).unwrap_or_default();
        let containers = asked.into_iter().flat_map(|resource| {
            R::CONTAINERS.iter().filter_map(|(attribute, of)| Some((*of, resource.attribute(attribute)?)))
        });
        let above = containers.flat_map(|(of, id)| self.on(of, id)).filter(|(_, rule)| rule.descends);
        general.iter().chain(own.iter().chain(above).map(|(_, rule)| rule))
    }

    /// The rules of roles on this resource.
    pub(super) fn on(&self, of: &str, id: Value<'_>) -> &[(ResourceRef, Rule)] {
        let place = self.places.binary_search_by(|(resource, _)| resource.order(of, id)).ok();
        let range = place.and_then(|place| self.places.get(place)).map(|(_, range)| range.clone());
        range.and_then(|range| self.targeted.get(range)).unwrap_or_default()
    }
}

/// Where the rules of each resource begin and end.
fn places(sorted: &[(ResourceRef, Rule)]) -> Box<[(ResourceRef, Range<usize>)]> {
    let mut begin = 0;
    let runs = sorted.chunk_by(|(one, _), (two, _)| one == two).filter_map(|run| {
        let range = begin..begin + run.len();
        begin = range.end;
        Some((run.first()?.0.clone(), range))
    });
    runs.collect()
}
