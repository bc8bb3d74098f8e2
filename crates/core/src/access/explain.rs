//! Why or why not: a decision with what led to it.

use std::fmt;

use serde::Serialize;

use super::authority::{Authority, Decision};
use super::condition::RequestFacts;
use super::evaluate::{Outcome, Question, Trace};
use super::grant::{Effect, Grant};
use super::held::Rule;
use super::holding::{Assignee, PrincipalId, Target};
use super::permission_key::PermissionKey;
use super::permission_set::PermissionIndex;
use super::resource::{NoResource, Resource, ResourceRef};
use super::role::RoleKey;
use crate::id::TenantId;

/// Why a principal may or may not do something.
///
/// It comes out of the evaluation that decides, so its decision is that of [`Authority::check`]. It names roles, teams
/// and conditions of the tenant: show it to those who may read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// Who asks.
    pub principal: PrincipalId,
    /// To do what.
    pub permission: PermissionKey,
    /// To what; nothing where the question was about the tenant, or about a resource whose id names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceRef>,
    /// Whether it may.
    pub is_allowed: bool,
    /// Why, as a stable code.
    pub reason: Reason,
    /// The line that decided: the one that allows, or the one that denies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// The lines that name the permission and didn't allow, the nearest miss first; at most
    /// [`Explanation::MAX_MISSES`]. None after a denial, which no line could have outdone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub misses: Vec<Miss>,
    /// Why the one who acts as the principal may or may not, where there is such a one and it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Box<Explanation>>,
}

/// Why a decision is as it is. The codes, which [`Reason::as_str`] gives, don't change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// A role allows it.
    Granted,
    /// A role denies it.
    DeniedByRole,
    /// A role would deny it under a condition that can't be told here.
    DenialUnknown,
    /// The principal may, but not the one who acts as it.
    DeniedToActor,
    /// A role allows it under a condition that can't be told here.
    ConditionUnknown,
    /// A role allows it under a condition that is false.
    ConditionNotMet,
    /// A role allows it, on other resources.
    OtherResource,
    /// A role allows it, but the token or key doesn't carry it.
    NotCarried,
    /// A role allows it, but the tenant's plan doesn't.
    AbovePlan,
    /// No role names it.
    NotGranted,
}

impl Reason {
    /// The code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::DeniedByRole => "denied_by_role",
            Self::DenialUnknown => "denial_unknown",
            Self::DeniedToActor => "denied_to_actor",
            Self::ConditionUnknown => "condition_unknown",
            Self::ConditionNotMet => "condition_not_met",
            Self::OtherResource => "other_resource",
            Self::NotCarried => "not_carried",
            Self::AbovePlan => "above_plan",
            Self::NotGranted => "not_granted",
        }
    }

    const fn of_miss(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Applies => Self::Granted,
            Outcome::Unknown => Self::ConditionUnknown,
            Outcome::NotMet => Self::ConditionNotMet,
            Outcome::NotCarried => Self::NotCarried,
            Outcome::AbovePlan => Self::AbovePlan,
        }
    }
}

/// How a line of a role came to a principal: principal, team, assignment, role, line, permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Path {
    /// To whom the role is assigned: the principal, or a team that it is in.
    pub assignee: Assignee,
    /// The tenant in which it is assigned.
    pub tenant: TenantId,
    /// On what.
    pub on: Target,
    /// The role.
    pub role: RoleKey,
    /// Its line.
    pub grant: Grant,
    /// The permission that the line names, where it isn't the one asked for but implies it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub implied_by: Option<PermissionKey>,
}

/// A line that names the permission and doesn't allow it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Miss {
    /// Why it doesn't.
    pub reason: Reason,
    /// The line, and how it came to the principal.
    pub path: Path,
}

impl Explanation {
    /// The most misses that are named.
    pub const MAX_MISSES: usize = 16;

    /// The decision.
    pub fn decision(&self) -> Decision {
        self.is_allowed.into()
    }
}

impl Authority {
    /// Why the principal may or may not do this to `resource`; `None` for an index that the catalog doesn't have, which
    /// comes from another one.
    #[must_use]
    pub fn explain<R: Resource>(
        &self,
        permission: PermissionIndex,
        resource: &R,
        request: &RequestFacts,
    ) -> Option<Explanation> {
        self.account(&Question { permission, resource: Some(resource), request })
    }

    /// The same where there is no resource.
    #[must_use]
    pub fn explain_tenant(&self, permission: PermissionIndex, request: &RequestFacts) -> Option<Explanation> {
        self.account(&Question::<NoResource> { permission, resource: None, request })
    }

    fn account<R: Resource>(&self, question: &Question<'_, R>) -> Option<Explanation> {
        let permission = self.catalog.key(question.permission)?.clone();
        let resource = question.resource.and_then(|resource| ResourceRef::to(resource).ok());
        let mut seen = Seen::default();
        let own = self.evaluate_own(question, self.kept_out(question.permission), &mut seen);
        let principal = self.caller().principal();
        let told = Explanation {
            principal,
            permission,
            resource,
            is_allowed: own.is_allowed(),
            reason: Reason::NotGranted,
            path: None,
            misses: Vec::new(),
            actor: None,
        };
        Some(match own {
            Decision::Allowed => self.told_allowed(question, told, &seen),
            Decision::Denied => self.told_denied(question, told, &seen),
        })
    }

    fn told_allowed<R: Resource>(
        &self,
        question: &Question<'_, R>,
        told: Explanation,
        seen: &Seen<'_>,
    ) -> Explanation {
        let path = seen.decisive(Effect::Allow).and_then(|rule| self.path(rule, question.permission));
        let actor = self.limit.as_ref().and_then(|limit| limit.account(question)).map(Box::new);
        let is_allowed = self.limit.is_none() || actor.as_ref().is_some_and(|actor| actor.is_allowed);
        let reason = if is_allowed { Reason::Granted } else { Reason::DeniedToActor };
        Explanation { is_allowed, reason, path, actor, ..told }
    }

    fn told_denied<R: Resource>(
        &self,
        question: &Question<'_, R>,
        told: Explanation,
        seen: &Seen<'_>,
    ) -> Explanation {
        let mut misses: Vec<(Reason, Rule<'_>)> = seen.misses().collect();
        if misses.is_empty() && seen.denial().is_none() {
            misses.extend(self.elsewhere(question.permission).map(|rule| (Reason::OtherResource, rule)));
        }
        misses.sort_by_key(|(reason, _)| *reason);
        let denial = seen.denial();
        let nearest = misses.first().map_or(Reason::NotGranted, |(reason, _)| *reason);
        let told_miss = |(reason, rule): &(Reason, Rule<'_>)| {
            Some(Miss { reason: *reason, path: self.path(*rule, question.permission)? })
        };
        Explanation {
            reason: denial.map_or(nearest, |(reason, _)| reason),
            path: denial.and_then(|(_, rule)| self.path(rule, question.permission)),
            misses: misses.iter().filter_map(told_miss).take(Explanation::MAX_MISSES).collect(),
            ..told
        }
    }

    /// The rules that would allow it on other resources, in the order of those; no more than an explanation tells.
    fn elsewhere(&self, permission: PermissionIndex) -> impl Iterator<Item = Rule<'_>> {
        let mut there: Vec<_> = self.held.targeted().collect();
        there.sort_by(|(one, _), (two, _)| one.order(two.of(), two.id().value()));
        let named =
            there.into_iter().flat_map(move |(_, held)| held.naming_at_all(Effect::Allow, permission));
        named.take(Explanation::MAX_MISSES)
    }

    pub(super) fn path(&self, rule: Rule<'_>, permission: PermissionIndex) -> Option<Path> {
        let Rule { holding, grant } = rule;
        let grant = grant.clone();
        let asked = self.catalog.key(permission)?;
        Some(Path {
            assignee: holding.assignee,
            tenant: holding.tenant,
            on: holding.on.clone(),
            role: holding.role.key().clone(),
            implied_by: (!grant.scope().matches(asked)).then(|| self.implying(&grant, permission)).flatten(),
            grant,
        })
    }

    fn implying(&self, grant: &Grant, permission: PermissionIndex) -> Option<PermissionKey> {
        let named = self.catalog.iter().filter(|known| grant.scope().matches(known.key));
        named.into_iter().find(|known| known.implied.contains(permission)).map(|known| known.key.clone())
    }
}

/// What was looked at, in order.
#[derive(Default)]
struct Seen<'a>(Vec<(Effect, Rule<'a>, Outcome)>);

impl<'a> Trace<'a> for Seen<'a> {
    fn saw(&mut self, effect: Effect, rule: Rule<'a>, outcome: Outcome) {
        self.0.push((effect, rule, outcome));
    }
}

impl<'a> Seen<'a> {
    /// The rule of this effect that applied.
    fn decisive(&self, of: Effect) -> Option<Rule<'a>> {
        let applied = |(effect, _, outcome): &&(Effect, Rule<'a>, Outcome)| {
            *effect == of && *outcome == Outcome::Applies
        };
        self.0.iter().find(applied).map(|(_, rule, _)| *rule)
    }

    /// The line that denied: one that applies, or that can't be told.
    fn denial(&self) -> Option<(Reason, Rule<'a>)> {
        self.0.iter().find_map(|(effect, rule, outcome)| match (effect, outcome) {
            (Effect::Deny, Outcome::Applies) => Some((Reason::DeniedByRole, *rule)),
            (Effect::Deny, Outcome::Unknown) => Some((Reason::DenialUnknown, *rule)),
            _ => None,
        })
    }

    /// The lines that would allow, and why they don't.
    fn misses(&self) -> impl Iterator<Item = (Reason, Rule<'a>)> {
        let allowing = self.0.iter().filter(|(effect, _, _)| *effect == Effect::Allow);
        allowing.map(|(_, rule, outcome)| (Reason::of_miss(*outcome), *rule))
    }
}

/// As a sentence or two for people.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, permission, .. } = self;
        let may = if self.is_allowed { "may" } else { "may not" };
        write!(f, "{principal} {may} {permission}")?;
        if let Some(resource) = &self.resource {
            write!(f, " on {resource}")?;
        }
        write!(f, ": {}", self.reason.sentence())?;
        if let Some(path) = &self.path {
            write!(f, ": {path}")?;
        }
        for miss in &self.misses {
            write!(f, "\n  {}: {}", miss.reason.sentence(), miss.path)?;
        }
        if let Some(actor) = &self.actor {
            write!(f, "\n  the one who acts: {actor}")?;
        }
        Ok(())
    }
}

impl Reason {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Granted => "a role allows it",
            Self::DeniedByRole => "a role denies it",
            Self::DenialUnknown => "a role denies it under a condition that can't be told",
            Self::DeniedToActor => "not to the one who acts",
            Self::ConditionUnknown => "allowed under a condition that can't be told",
            Self::ConditionNotMet => "allowed under a condition that isn't met",
            Self::OtherResource => "allowed on another resource",
            Self::NotCarried => "allowed, but the token or key doesn't carry it",
            Self::AbovePlan => "allowed, but not by the tenant's plan",
            Self::NotGranted => "no role allows it",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "role {} of {} on {} in {}: {}",
            self.role, self.assignee, self.on, self.tenant, self.grant
        )?;
        self.implied_by.as_ref().map_or(Ok(()), |by| write!(f, ", by {by}"))
    }
}
