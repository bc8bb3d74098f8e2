//! Conditions on the attributes of a resource, its caller and the request.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::resource::Resource;

mod attribute;
mod comparison;
mod facts;
mod fit;
mod parse;
mod predicate;
#[cfg(test)]
mod tests;
mod value;

use attribute::Attribute;
pub use attribute::InvalidAttributes;
pub use comparison::Comparison;
use comparison::{all_of, any_of, is_in};
pub use facts::{CallerFacts, Facts, RequestFacts};
pub use fit::{Declared, UnfitCondition};
pub use parse::InvalidCondition;
pub use predicate::Predicate;
pub use value::{Kind, Literal, Value};

/// A condition on the attributes of a resource, its caller and the request, under which a grant holds.
///
/// It is written as text, and is bounded: it can't loop, call anything or grow with what it looks at.
///
/// | text | is true |
/// | --- | --- |
/// | `resource.owner = caller.id` | of what the caller owns |
/// | `resource.amount <= 100000` | up to that amount |
/// | `resource.state in ('draft', 'paused')` | in one of these states |
/// | `not resource.locked = true` | unless it is locked |
/// | `request.time >= time('2026-01-01T00:00:00Z')` | from then on |
/// | `request.time_of_day >= 540 and request.time_of_day < 1020` | from 9:00 to 17:00, UTC |
/// | `request.weekday in (6, 7)` | on Saturdays and Sundays, UTC |
/// | `request.mfa_age <= 900` | within 15 minutes of a second factor |
/// | `caller.kind = 'user' and caller.tenant = resource.tenant` | for people of the resource's tenant |
///
/// An attribute stands on the left of `=`, `!=`, `<`, `<=`, `>` or `>=`, an attribute or a value on the right:
/// `true`, `-5`, `'text'` (a quote in it is doubled), `id('…')`, `time('…')`. An attribute `in` a list is equal to one
/// of its values. `not` binds closest, then `and`, then `or`; parentheses group. Built in are `resource.id`;
/// `caller.id`, `.kind` (`'user'`, `'service_account'`, `'api_key'`) and `.tenant`; and `request.time`, `.mfa_age`
/// (seconds), `.time_of_day` (minutes since midnight) and `.weekday` (1 is Monday). The application names the others,
/// each `[a-z][a-z0-9_]{0,47}` and no keyword.
///
/// What can't be compared is unknown, as in SQL: an attribute without a value, values of different kinds, an order
/// among texts, ids or truth values. Unknown is neither true nor false (Kleene's three-valued logic), so `not` of it
/// is unknown too. Only a condition that is true lets anything pass.
///
/// ```
/// use tenantry_core::Condition;
///
/// let condition: Condition = "(resource.owner=caller.id) and resource.amount<=100000".parse()?;
/// assert_eq!(condition.to_string(), "resource.owner = caller.id and resource.amount <= 100000");
/// assert!(condition.implies(&"resource.owner = caller.id".parse()?));
///
/// let refused = "resource.owner = caller.id and".parse::<Condition>().unwrap_err();
/// assert_eq!(refused.position(), 30);
/// # Ok::<(), tenantry_core::InvalidCondition>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition(Arc<Node>);

/// Invariant: [`Node::All`] and [`Node::Any`] have at least two parts, none of which is of their own sort.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Node {
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Not(Box<Node>),
    Compare { left: Attribute, comparison: Comparison, right: Operand },
    In { attribute: Attribute, values: Box<[Literal]> },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Operand {
    Attribute(Attribute),
    Literal(Literal),
}

impl Condition {
    /// The longest text, in bytes, as it came and in the form in which a condition displays itself.
    pub const MAX_TEXT: usize = 2_000;

    /// The most comparisons, each `in` counted as one.
    pub const MAX_COMPARISONS: usize = 32;

    /// How deep parentheses and `not` nest at most.
    pub const MAX_DEPTH: usize = 8;

    /// The most values of one `in`.
    pub const MAX_LIST: usize = 64;

    /// Whether the condition holds; `None` when that is unknown. Without a resource its attributes have no value.
    ///
    /// Allocates nothing.
    ///
    /// ```
    /// use tenantry_core::{
    ///     CallerFacts, Condition, Facts, Kind, PrincipalId, RequestFacts, Resource, TenantId, Timestamp, UserId,
    ///     Value,
    /// };
    /// use uuid::Uuid;
    ///
    /// struct Document {
    ///     id: Uuid,
    ///     owner: Option<Uuid>,
    /// }
    ///
    /// impl Resource for Document {
    ///     const TYPE: &'static str = "document";
    ///     const ATTRIBUTES: &'static [(&'static str, Kind)] = &[("owner", Kind::Id)];
    ///
    ///     fn id(&self) -> Value<'_> {
    ///         self.id.into()
    ///     }
    ///
    ///     fn attribute(&self, name: &str) -> Option<Value<'_>> {
    ///         if name == "owner" { self.owner.map(Value::Id) } else { None }
    ///     }
    /// }
    ///
    /// let own: Condition = "resource.owner = caller.id".parse()?;
    /// let user = Uuid::from_u128(7);
    /// let caller = CallerFacts::of(PrincipalId::User(UserId::from_uuid(user)), TenantId::generate());
    /// let request = RequestFacts::new(Timestamp::EPOCH, None);
    /// let facts = Facts { caller: &caller, request: &request };
    ///
    /// let of = |owner| Document { id: Uuid::nil(), owner };
    /// assert_eq!(own.evaluate(Some(&of(Some(user))), &facts), Some(true));
    /// assert_eq!(own.evaluate(Some(&of(Some(Uuid::nil()))), &facts), Some(false));
    /// assert_eq!(own.evaluate(Some(&of(None)), &facts), None);
    /// # Ok::<(), tenantry_core::InvalidCondition>(())
    /// ```
    #[must_use]
    pub fn evaluate<R: Resource>(&self, resource: Option<&R>, facts: &Facts<'_>) -> Option<bool> {
        self.0.evaluate(resource, facts)
    }

    /// Whether `other` holds wherever this condition does, as far as their text shows: each part that `other`
    /// joins by `and` is a part that this one joins by `and`.
    ///
    /// `true` is always right. `false` may also mean that it takes more than that to see it: `resource.amount <= 5`
    /// isn't found to imply `resource.amount <= 6`.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        let mine = self.0.conjuncts();
        other.0.conjuncts().iter().all(|part| mine.contains(part))
    }

    /// Whether it looks at who asks, so that it means something else for somebody else.
    pub(super) fn mentions_caller(&self) -> bool {
        self.0.mentions_caller()
    }
}

impl Node {
    /// The parts joined by `and`; of one part, that part.
    fn all(nodes: Vec<Self>) -> Self {
        Self::joined(nodes, Self::All, |node| if let Self::All(parts) = node { Ok(parts) } else { Err(node) })
    }

    /// The parts joined by `or`; of one part, that part.
    fn any(nodes: Vec<Self>) -> Self {
        Self::joined(nodes, Self::Any, |node| if let Self::Any(parts) = node { Ok(parts) } else { Err(node) })
    }

    fn joined(
        nodes: Vec<Self>,
        join: impl Fn(Box<[Self]>) -> Self,
        parts_of: impl Fn(Self) -> Result<Box<[Self]>, Self>,
    ) -> Self {
        let mut parts = Vec::with_capacity(nodes.len());
        for node in nodes {
            match parts_of(node) {
                Ok(inner) => parts.extend(inner),
                Err(node) => parts.push(node),
            }
        }
        match <[Self; 1]>::try_from(parts) {
            Ok([only]) => only,
            Err(parts) => join(parts.into()),
        }
    }

    fn evaluate<'a, R: Resource>(&'a self, resource: Option<&'a R>, facts: &Facts<'a>) -> Option<bool> {
        match self {
            Self::All(parts) => all_of(parts.iter().map(|part| part.evaluate(resource, facts))),
            Self::Any(parts) => any_of(parts.iter().map(|part| part.evaluate(resource, facts))),
            Self::Not(part) => part.evaluate(resource, facts).map(|holds| !holds),
            Self::Compare { left, comparison, right } => {
                let right = match right {
                    Operand::Attribute(attribute) => attribute.value(resource, facts)?,
                    Operand::Literal(literal) => literal.value(),
                };
                comparison.holds(left.value(resource, facts)?, right)
            }
            Self::In { attribute, values } => is_in(attribute.value(resource, facts)?, values),
        }
    }

    fn mentions_caller(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::mentions_caller),
            Self::Not(part) => part.mentions_caller(),
            Self::Compare { left, right: Operand::Attribute(right), .. } => {
                left.is_of_caller() || right.is_of_caller()
            }
            Self::Compare { left: attribute, .. } | Self::In { attribute, .. } => attribute.is_of_caller(),
        }
    }

    fn conjuncts(&self) -> &[Self] {
        if let Self::All(parts) = self { parts } else { std::slice::from_ref(self) }
    }

    fn write_joined(f: &mut fmt::Formatter<'_>, parts: &[Self], join: &str) -> fmt::Result {
        for (position, part) in parts.iter().enumerate() {
            if position > 0 {
                write!(f, " {join} ")?;
            }
            match part {
                Self::Any(_) => write!(f, "({part})")?,
                _ => write!(f, "{part}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Condition {
    type Err = InvalidCondition;

    fn from_str(text: &str) -> Result<Self, InvalidCondition> {
        let condition = Self(Arc::new(parse::parse(text)?));
        let fits = condition.to_string().len() <= Self::MAX_TEXT;
        if fits { Ok(condition) } else { Err(InvalidCondition::Length) }
    }
}

impl TryFrom<String> for Condition {
    type Error = InvalidCondition;

    fn try_from(text: String) -> Result<Self, InvalidCondition> {
        text.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

/// The condition as text, in the one form that equal conditions share: with single spaces, and with parentheses
/// only where they change the meaning.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({self})")
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => Self::write_joined(f, parts, "and"),
            Self::Any(parts) => Self::write_joined(f, parts, "or"),
            Self::Not(part) => match **part {
                Self::All(_) | Self::Any(_) => write!(f, "not ({part})"),
                _ => write!(f, "not {part}"),
            },
            Self::Compare { left, comparison, right: Operand::Attribute(right) } => {
                write!(f, "{left} {comparison} {right}")
            }
            Self::Compare { left, comparison, right: Operand::Literal(right) } => {
                write!(f, "{left} {comparison} {right}")
            }
            Self::In { attribute, values } => {
                write!(f, "{attribute} in (")?;
                for (position, value) in values.iter().enumerate() {
                    let comma = if position > 0 { ", " } else { "" };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str(")")
            }
        }
    }
}
