//! Nobody hands out more than they hold.

use super::authority::Authority;
use super::condition::Condition;
use super::grant::{Effect, Grant};
use super::held::Rule;
use super::holding::Target;
use super::scope::Scope;

impl Authority {
    /// Whether the principal may hand out these lines to anybody, itself included: by a role's definition, an
    /// assignment, an invitation, an API key, or by putting somebody in a team.
    ///
    /// Nobody grants what they don't hold, nor denies to others what they don't hold:
    ///
    /// - Each scope must be covered by one that a role of the principal allows, or be a permission that it implies.
    ///   Patterns are compared, not today's permissions, because a wildcard also takes in what a later version of the
    ///   application adds: whoever holds every permission of today one by one can't grant `*`.
    /// - What is held under a condition is granted only under that condition, which must not look at the caller: whoever
    ///   receives it is another caller.
    /// - What is held on one resource is granted on that resource; what doesn't descend isn't granted to descend. What is
    ///   held on the whole tenant is held on all that a container holds, too.
    /// - What one of its roles denies the principal, anywhere, it can't grant. An owner is denied nothing by its own
    ///   tenant's roles, and grants it for the tenants below too, where they deny it: it could take the denial away.
    ///
    /// The plan plays no part. It belongs to the tenant, so whoever receives the grant is under the same one; and an
    /// owner can prepare roles before the plan is upgraded.
    ///
    /// # Errors
    /// [`Escalation`] with the lines that aren't covered.
    pub fn may_grant(&self, grants: &[Grant], on: &Target, reach: Reach) -> Result<(), Escalation> {
        let lacking: Vec<Grant> =
            grants.iter().filter(|grant| !self.covers(grant, on, reach)).cloned().collect();
        if lacking.is_empty() { Ok(()) } else { Err(Escalation { grants: lacking }) }
    }

    fn covers(&self, grant: &Grant, on: &Target, reach: Reach) -> bool {
        let is_held = self.lines_for(on, reach).any(|rule| self.line_covers(rule.grant, grant));
        let is_carried = self.carried.as_ref().is_none_or(|carried| {
            carried.scopes.iter().any(|scope| scope.covers(grant.scope()))
                || self.implies(&carried.scopes, grant.scope())
        });
        let limit = self.limit.as_ref().is_none_or(|limit| limit.covers(grant, on, reach));
        is_held && is_carried && limit && !self.is_denied(grant.scope())
    }

    /// The lines that allow something on this, and below where that is asked.
    fn lines_for(&self, on: &Target, reach: Reach) -> impl Iterator<Item = Rule<'_>> {
        let is_inside = matches!(on, Target::Resource(_));
        let here = self.held.targeted();
        let here = here.filter(move |(held_on, _)| matches!(on, Target::Resource(on) if on == *held_on));
        let here = here.map(|(_, held)| (false, held));
        let all = self.held.general().map(move |held| (is_inside, held)).chain(here);
        let reaching =
            all.filter(move |(is_above, held)| reach == Reach::Here || *is_above || held.holding.descends);
        reaching.flat_map(|(_, held)| held.lines(Effect::Allow))
    }

    fn line_covers(&self, held: &Grant, grant: &Grant) -> bool {
        let scope = held.scope();
        let is_covered =
            scope.covers(grant.scope()) || self.implies(std::slice::from_ref(scope), grant.scope());
        is_covered && is_as_narrow(grant, held.condition())
    }

    /// Whether the scope is one permission that those of `scopes` imply.
    fn implies(&self, scopes: &[Scope], scope: &Scope) -> bool {
        let named = self.catalog.matched(std::slice::from_ref(scope));
        !scope.has_wildcard() && !named.is_empty() && named.is_subset(&self.catalog.resolve(scopes))
    }

    /// Whether a line that denies the principal something has to do with the scope, or with what it implies.
    fn is_denied(&self, scope: &Scope) -> bool {
        let implied = self.catalog.resolve(std::slice::from_ref(scope));
        self.held.all().any(|held| {
            let overlaps = |rule: Rule<'_>| rule.grant.scope().intersection(scope).is_some();
            let is_named = !held.role.named().by_any(Effect::Deny).intersection(&implied).is_empty();
            is_named || held.lines(Effect::Deny).any(overlaps)
        })
    }
}

/// Whether the line applies at most where `held` is true, whoever gets it. One that denies is nowhere narrower.
fn is_as_narrow(grant: &Grant, held: Option<&Condition>) -> bool {
    let Some(held) = held else { return true };
    let is_narrower = grant.condition().is_some_and(|condition| condition.implies(held));
    grant.effect() == Effect::Allow && is_narrower && !held.mentions_caller()
}

/// How far a role is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// For what it is assigned on.
    Here,
    /// For what lies below, too: the tenants under a tenant, what a container holds.
    Below,
}

/// Somebody would hand out more than they hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "you can't grant {}: leave out what your own roles don't cover, or ask somebody who holds it",
    Grant::list(grants)
)]
#[non_exhaustive]
pub struct Escalation {
    /// The lines that the holder lacks, in the order in which they were asked for.
    pub grants: Vec<Grant>,
}
