//! The one evaluator: checks, explanations and reviews all go through it.

use super::authority::{Authority, Decision};
use super::compiled_role::Sort;
use super::condition::{Facts, RequestFacts};
use super::grant::Effect;
use super::held::{HeldRole, Rule};
use super::permission_set::PermissionIndex;
use super::resource::Resource;

/// What is asked: may this be done to that, in this request.
#[derive(Debug)]
pub(super) struct Question<'a, R> {
    pub(super) permission: PermissionIndex,
    pub(super) resource: Option<&'a R>,
    pub(super) request: &'a RequestFacts,
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
pub(super) trait Trace<'a> {
    /// A rule that names the permission and reaches the resource was looked at.
    fn saw(&mut self, effect: Effect, rule: Rule<'a>, outcome: Outcome);
}

/// Nobody does.
impl Trace<'_> for () {
    fn saw(&mut self, _: Effect, _: Rule<'_>, _: Outcome) {}
}

impl Authority {
    /// Whether the principal may, and whoever acts as it may too: what the summary says or, where that depends, the rules.
    /// What depends lies within the plan and within what is carried.
    #[inline]
    pub(super) fn answer<R: Resource>(&self, question: &Question<'_, R>) -> Decision {
        self.summary.decision(question.permission).unwrap_or_else(|| self.ask_rules(question))
    }

    /// Apart, so that asking the summary stays a few instructions.
    #[inline(never)]
    fn ask_rules<R: Resource>(&self, question: &Question<'_, R>) -> Decision {
        match (self.evaluate_own(question, None, &mut ()), &self.limit) {
            (Decision::Allowed, Some(limit)) => limit.answer(question),
            (decision, _) => decision,
        }
    }

    /// Asks every rule that names the permission and reaches the resource. A line that denies wins, also where its
    /// condition can't be told; else one that allows is enough, unless something keeps the permission [out](Self::kept_out);
    /// else it is denied.
    pub(super) fn evaluate_own<'a, R: Resource>(
        &'a self,
        question: &Question<'_, R>,
        kept_out: Option<Outcome>,
        trace: &mut impl Trace<'a>,
    ) -> Decision {
        let is_denied = self.any_reaching(Effect::Deny, question, |rule| {
            let outcome = self.outcome(rule, question);
            trace.saw(Effect::Deny, rule, outcome);
            outcome != Outcome::NotMet
        });
        if is_denied {
            return Decision::Denied;
        }
        let is_allowed = self.any_reaching(Effect::Allow, question, |rule| {
            let outcome = kept_out.unwrap_or_else(|| self.outcome(rule, question));
            trace.saw(Effect::Allow, rule, outcome);
            outcome == Outcome::Applies
        });
        is_allowed.into()
    }

    /// Every rule that allows it, where [`evaluate_own`](Self::evaluate_own) says that one does.
    pub(super) fn allowing<'a, R: Resource>(&'a self, question: &Question<'a, R>) -> Vec<Rule<'a>> {
        let mut allowing = Vec::new();
        self.any_reaching(Effect::Allow, question, |rule| {
            allowing.extend(Some(rule).filter(|rule| self.outcome(*rule, question) == Outcome::Applies));
            false
        });
        allowing
    }

    /// Whether `is_it` says yes to one of the rules of an effect that name the permission and reach the resource. They
    /// come in this order: of roles on the whole tenant, those without a condition first; of roles on the resource; of
    /// roles that descend from what contains it.
    fn any_reaching<'a, R: Resource>(
        &'a self,
        effect: Effect,
        question: &Question<'_, R>,
        mut is_it: impl FnMut(Rule<'a>) -> bool,
    ) -> bool {
        let Question { permission, resource, .. } = *question;
        for sort in [Sort::Plain, Sort::Conditional] {
            for held in self.held.naming(effect, sort, permission) {
                for rule in held.naming(effect, sort, permission) {
                    if is_it(rule) {
                        return true;
                    }
                }
            }
        }
        let Some(resource) = resource.filter(|_| self.held.has_targeted()) else { return false };
        let mut any = |held: HeldRole<'a>, sort| held.naming(effect, sort, permission).any(&mut is_it);
        let mut targeted = |held: HeldRole<'a>| any(held, Sort::Plain) || any(held, Sort::Conditional);
        self.held.on(R::TYPE, resource.id()).any(&mut targeted)
            || R::CONTAINERS.iter().any(|(attribute, of)| {
                let container = resource.attribute(attribute);
                container.is_some_and(|id| {
                    let mut on = self.held.on(of, id).filter(|held| held.holding.descends);
                    on.any(&mut targeted)
                })
            })
    }

    /// What keeps the permission out whatever a role says.
    pub(super) fn kept_out(&self, permission: PermissionIndex) -> Option<Outcome> {
        if !self.plan.set.contains(permission) {
            return Some(Outcome::AbovePlan);
        }
        let is_carried = self.carried.as_ref().is_none_or(|carried| carried.set.contains(permission));
        if is_carried { None } else { Some(Outcome::NotCarried) }
    }

    #[inline]
    fn outcome<R: Resource>(&self, rule: Rule<'_>, question: &Question<'_, R>) -> Outcome {
        let Some(condition) = rule.grant.condition() else { return Outcome::Applies };
        let facts = Facts { caller: &self.caller, request: question.request };
        match condition.evaluate(question.resource, &facts) {
            Some(true) => Outcome::Applies,
            Some(false) => Outcome::NotMet,
            None => Outcome::Unknown,
        }
    }
}

impl<'a> HeldRole<'a> {
    /// The lines of this effect and sort that name the permission.
    #[inline]
    pub(super) fn naming(
        self,
        effect: Effect,
        sort: Sort,
        permission: PermissionIndex,
    ) -> impl Iterator<Item = Rule<'a>> {
        let Self { holding, role } = self;
        role.naming(effect, sort, permission).map(move |grant| Rule { holding, grant })
    }

    /// The lines of this effect that name the permission, first those without a condition.
    pub(super) fn naming_at_all(
        self,
        effect: Effect,
        permission: PermissionIndex,
    ) -> impl Iterator<Item = Rule<'a>> {
        let plain = self.naming(effect, Sort::Plain, permission);
        plain.chain(self.naming(effect, Sort::Conditional, permission))
    }

    /// All lines of this effect, whatever they name.
    pub(super) fn lines(self, effect: Effect) -> impl Iterator<Item = Rule<'a>> {
        let Self { holding, role } = self;
        let lines = role.grants().iter().filter(move |grant| grant.effect() == effect);
        lines.map(move |grant| Rule { holding, grant })
    }
}
