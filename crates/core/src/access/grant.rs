//! What a role gives, and what it takes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::condition::{Condition, InvalidCondition};
use super::scope::{InvalidScope, Scope};

/// One line of a role: what it allows or denies, and under which condition.
///
/// | text | meaning |
/// | --- | --- |
/// | `listing:read` | allows what the scope matches, and what that implies |
/// | `listing:edit when resource.seller = caller.id` | allows it where the condition is true |
/// | `deny listing:delete` | denies what the scope matches, whatever else allows it |
/// | `deny order:accept when resource.amount > 100000` | denies it unless the condition is false |
///
/// Where a condition can't be told (the resource has no such attribute), an allowing line doesn't allow, and a denying
/// line denies.
///
/// ```
/// use tenantry_core::{Effect, Grant};
///
/// let own: Grant = "listing:edit when resource.seller = caller.id".parse()?;
/// assert_eq!(own.effect(), Effect::Allow);
/// assert_eq!(own.scope(), &"listing:edit".parse()?);
/// assert!(own.condition().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grant {
    effect: Effect,
    scope: Scope,
    condition: Option<Condition>,
}

/// Whether a line of a role gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, and wins over every line that allows.
    Deny,
}

impl Grant {
    /// Allows what `scope` matches, and what that implies.
    #[must_use]
    pub const fn allow(scope: Scope) -> Self {
        Self { effect: Effect::Allow, scope, condition: None }
    }

    /// Denies what `scope` matches.
    #[must_use]
    pub const fn deny(scope: Scope) -> Self {
        Self { effect: Effect::Deny, scope, condition: None }
    }

    /// The same under a condition, in place of the one that it had.
    #[must_use]
    pub fn when(self, condition: Condition) -> Self {
        Self { condition: Some(condition), ..self }
    }

    /// Whether it gives or takes.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// What it gives or takes.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Under which condition.
    #[must_use]
    #[inline]
    pub const fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// The grants as a sentence lists them.
    pub(super) fn list(grants: &[Self]) -> String {
        grants.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Allows what the scope matches.
impl From<Scope> for Grant {
    fn from(scope: Scope) -> Self {
        Self::allow(scope)
    }
}

impl FromStr for Grant {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        let (effect, rest) = match text.strip_prefix("deny ") {
            Some(rest) => (Effect::Deny, rest),
            None => (Effect::Allow, text),
        };
        let (scope, condition) = match rest.split_once(" when ") {
            Some((scope, condition)) => (scope, Some(condition.parse()?)),
            None => (rest, None),
        };
        Ok(Self { effect, scope: scope.parse()?, condition })
    }
}

impl TryFrom<String> for Grant {
    type Error = InvalidGrant;

    fn try_from(text: String) -> Result<Self, InvalidGrant> {
        text.parse()
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> Self {
        grant.to_string()
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.effect == Effect::Deny {
            f.write_str("deny ")?;
        }
        self.scope.fmt(f)?;
        self.condition.as_ref().map_or(Ok(()), |condition| write!(f, " when {condition}"))
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({self})")
    }
}

/// The text is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidGrant {
    /// Its scope isn't one. A grant is `SCOPE`, `SCOPE when CONDITION`, or either after `deny `.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
    /// Its condition isn't one.
    #[error(transparent)]
    Condition(#[from] InvalidCondition),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back() {
        for text in [
            "*",
            "listing:read",
            "deny listing:delete",
            "listing:edit when resource.seller = caller.id",
            "deny order:accept when resource.amount > 100000",
        ] {
            let grant: Grant = text.parse().unwrap();
            assert_eq!(grant.to_string(), text);
            assert_eq!(format!("{grant:?}"), format!("Grant({text})"));
            assert_eq!(
                serde_json::from_str::<Grant>(&serde_json::to_string(&grant).unwrap()).unwrap(),
                grant
            );
        }
    }

    #[test]
    fn a_condition_takes_the_place_of_the_one_before() {
        let small: Condition = "resource.size < 5".parse().unwrap();
        let own: Condition = "resource.owner = caller.id".parse().unwrap();
        for grant in [Grant::allow(Scope::all()), Grant::deny(Scope::all())] {
            let effect = grant.effect();
            let grant = grant.when(small.clone()).when(own.clone());
            assert_eq!(
                (grant.effect(), grant.scope(), grant.condition()),
                (effect, &Scope::all(), Some(&own))
            );
        }
    }

    #[test]
    fn what_is_half_written_is_refused() {
        for text in
            ["", "deny ", "deny deny a", "a when", "a when ", "a  when resource.x = 1", "allow a", " a"]
        {
            assert!(text.parse::<Grant>().is_err(), "{text:?}");
        }
    }
}
