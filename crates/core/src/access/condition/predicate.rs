//! What is left of a condition for the rows of a table.

use super::attribute::Seen;
use super::comparison::{Comparison, all_of, any_of, is_in};
use super::facts::Facts;
use super::value::{Kind, Literal, Value};
use super::{Condition, Node, Operand};
use crate::Resource;
use crate::access::resource::{attribute_of, kind_of};

/// What a [`Condition`] asks of a resource once caller and request are known: a filter for the rows of a table.
///
/// It names attributes of the resource, and constants. Unknown behaves as `NULL` does in SQL, where a `WHERE` keeps
/// only what is true; so the rows that the filter keeps are those for which the condition is true.
///
/// ```
/// use tenantry_core::{
///     CallerFacts, Comparison, Condition, Facts, Literal, Predicate, PrincipalId, RequestFacts, TenantId, Timestamp,
///     UserId,
/// };
/// use uuid::Uuid;
///
/// let condition: Condition = "caller.kind = 'user' and resource.owner = caller.id".parse()?;
/// let user = UserId::from_uuid(Uuid::from_u128(7));
/// let caller = CallerFacts::of(PrincipalId::User(user), TenantId::generate());
/// let request = RequestFacts::new(Timestamp::EPOCH, None);
/// let filter = condition.predicate(&Facts { caller: &caller, request: &request });
/// assert_eq!(
///     filter,
///     Predicate::Compare {
///         attribute: "owner".into(),
///         comparison: Comparison::Equal,
///         value: Literal::Id(Uuid::from_u128(7)),
///     },
/// );
/// # Ok::<(), tenantry_core::InvalidCondition>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Predicate {
    /// The same for every resource; `None` is unknown.
    Constant(Option<bool>),
    /// False if one of these is, else unknown if one is. All of none is true.
    All(Vec<Predicate>),
    /// True if one of these is, else unknown if one is. Any of none is false.
    Any(Vec<Predicate>),
    /// The opposite; of unknown, unknown.
    Not(Box<Predicate>),
    /// An attribute compared with a value; unknown where the attribute has none.
    Compare {
        /// The attribute's name, which stands on the left.
        attribute: Box<str>,
        /// How.
        comparison: Comparison,
        /// The value on the right.
        value: Literal,
    },
    /// Two attributes compared; unknown where either has no value.
    CompareAttributes {
        /// The left attribute's name.
        left: Box<str>,
        /// How.
        comparison: Comparison,
        /// The right attribute's name.
        right: Box<str>,
    },
    /// Whether an attribute has a value: true or false, never unknown.
    Present {
        /// The attribute's name.
        attribute: Box<str>,
    },
    /// An attribute equal to one of a list; unknown where it has no value. A condition's lists have at least one
    /// value, and all values of one kind.
    In {
        /// The attribute's name.
        attribute: Box<str>,
        /// The list.
        values: Vec<Literal>,
    },
}

impl Condition {
    /// What the condition asks of a resource, when these are caller and request.
    ///
    /// It says of every resource what [`evaluate`](Self::evaluate) says. A database says the same if the condition
    /// [fits](Self::fits) the type of the resource, whose attributes are columns of these kinds: databases compare
    /// values of different kinds, and order texts, in ways of their own.
    #[must_use]
    pub fn predicate(&self, facts: &Facts<'_>) -> Predicate {
        self.0.predicate(facts)
    }
}

impl Node {
    fn predicate(&self, facts: &Facts<'_>) -> Predicate {
        match self {
            Self::All(parts) => Predicate::all(parts.iter().map(|part| part.predicate(facts))),
            Self::Any(parts) => Predicate::any(parts.iter().map(|part| part.predicate(facts))),
            Self::Not(part) => !part.predicate(facts),
            Self::Compare { left, comparison, right } => {
                let right = match right {
                    Operand::Attribute(right) => right.seen_from(facts),
                    Operand::Literal(right) => Seen::Known(Some(right.value())),
                };
                match (left.seen_from(facts), right) {
                    (Seen::Known(None), _) | (_, Seen::Known(None)) => Predicate::Constant(None),
                    (Seen::Known(Some(left)), Seen::Known(Some(right))) => {
                        Predicate::Constant(comparison.holds(left, right))
                    }
                    (Seen::Resource(left), Seen::Known(Some(value))) => {
                        Predicate::compare(left, *comparison, value)
                    }
                    (Seen::Known(Some(value)), Seen::Resource(right)) => {
                        Predicate::compare(right, comparison.flipped(), value)
                    }
                    (Seen::Resource(left), Seen::Resource(right)) => Predicate::CompareAttributes {
                        left: left.into(),
                        comparison: *comparison,
                        right: right.into(),
                    },
                }
            }
            Self::In { attribute, values } => match attribute.seen_from(facts) {
                Seen::Known(value) => Predicate::Constant(value.and_then(|value| is_in(value, values))),
                Seen::Resource(name) => Predicate::In { attribute: name.into(), values: values.to_vec() },
            },
        }
    }
}

impl Predicate {
    /// Keeps everything: for whoever may see it all.
    pub const EVERYTHING: Self = Self::Constant(Some(true));

    /// All of these, without those that are always true, and always false if one is.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, true)
    }

    /// Any of these, without those that are always false, and always true if one is.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, false)
    }

    /// Whether the attribute is one of these; always false for none of them.
    #[must_use]
    pub fn is_in(attribute: &str, mut values: Vec<Literal>) -> Self {
        match (values.pop(), values.is_empty()) {
            (None, _) => Self::Constant(Some(false)),
            (Some(value), true) => Self::compare(attribute, Comparison::Equal, value.value()),
            (Some(value), false) => {
                values.push(value);
                Self::In { attribute: attribute.into(), values }
            }
        }
    }

    /// The same for resources of type `R`: what its kinds can't tell is unknown, and so is what it doesn't have, as
    /// [`Predicate::evaluate`] finds too. A database would compare in ways of its own, or refuse.
    #[must_use]
    pub fn fitted<R: Resource>(self) -> Self {
        self.fitted_to(&kind_of::<R>)
    }

    /// The same for resources that are known only when the program runs, of which `kind_of` tells the kind of each
    /// attribute, `id` included; `None` for one that they don't have.
    ///
    /// ```
    /// use tenantry_core::{Comparison, Kind, Literal, Predicate};
    ///
    /// let is_small = Predicate::Compare {
    ///     attribute: "size".into(),
    ///     comparison: Comparison::AtMost,
    ///     value: Literal::Integer(500),
    /// };
    /// let of = |kind| move |name: &str| (name == "size").then_some(kind);
    /// assert_eq!(is_small.clone().fitted_to(&of(Kind::Integer)), is_small);
    /// assert_eq!(is_small.fitted_to(&of(Kind::Text)), Predicate::Constant(None));
    /// ```
    #[must_use]
    pub fn fitted_to(self, kind_of: &impl Fn(&str) -> Option<Kind>) -> Self {
        let fits = match &self {
            Self::Constant(_) | Self::All(_) | Self::Any(_) | Self::Not(_) => true,
            Self::Present { attribute } => kind_of(attribute).is_some(),
            Self::Compare { attribute, comparison, value } => {
                kind_of(attribute).is_some_and(|kind| comparison.can_tell(kind, value.kind()))
            }
            Self::CompareAttributes { left, comparison, right } => {
                let kinds = kind_of(left).zip(kind_of(right));
                kinds.is_some_and(|(left, right)| comparison.can_tell(left, right))
            }
            Self::In { attribute, values } => {
                let kind = kind_of(attribute);
                kind.is_some_and(|kind| values.iter().all(|value| value.kind() == kind))
            }
        };
        match self {
            Self::All(parts) => Self::all(parts.into_iter().map(|part| part.fitted_to(kind_of))),
            Self::Any(parts) => Self::any(parts.into_iter().map(|part| part.fitted_to(kind_of))),
            Self::Not(part) => !part.fitted_to(kind_of),
            whole if fits => whole,
            _ => Self::Constant(None),
        }
    }

    /// What it says of a resource; `None` when that is unknown.
    #[must_use]
    pub fn evaluate<R: Resource>(&self, resource: &R) -> Option<bool> {
        match self {
            Self::Constant(known) => *known,
            Self::All(parts) => all_of(parts.iter().map(|part| part.evaluate(resource))),
            Self::Any(parts) => any_of(parts.iter().map(|part| part.evaluate(resource))),
            Self::Not(part) => part.evaluate(resource).map(|holds| !holds),
            Self::Compare { attribute, comparison, value } => {
                comparison.holds(attribute_of(resource, attribute)?, value.value())
            }
            Self::CompareAttributes { left, comparison, right } => {
                comparison.holds(attribute_of(resource, left)?, attribute_of(resource, right)?)
            }
            Self::Present { attribute } => Some(attribute_of(resource, attribute).is_some()),
            Self::In { attribute, values } => is_in(attribute_of(resource, attribute)?, values),
        }
    }

    fn compare(attribute: &str, comparison: Comparison, value: Value<'_>) -> Self {
        if comparison.is_ordering() && !value.kind().is_ordered() {
            return Self::Constant(None);
        }
        Self::Compare { attribute: attribute.into(), comparison, value: value.to_literal() }
    }

    /// The parts joined by `and` where `neutral` is true, which is then what adds nothing, else by `or`.
    fn joined(parts: impl IntoIterator<Item = Self>, neutral: bool) -> Self {
        let mut kept = Vec::new();
        let mut constant = Some(neutral);
        for part in parts {
            let inner = match part {
                Self::All(inner) if neutral => inner,
                Self::Any(inner) if !neutral => inner,
                part => vec![part],
            };
            for part in inner {
                match part {
                    Self::Constant(Some(known)) if known == neutral => {}
                    Self::Constant(Some(known)) => return Self::Constant(Some(known)),
                    Self::Constant(None) => constant = None,
                    part => kept.push(part),
                }
            }
        }
        if kept.is_empty() {
            return Self::Constant(constant);
        }
        if constant.is_none() {
            kept.push(Self::Constant(None));
        }
        match <[Self; 1]>::try_from(kept) {
            Ok([only]) => only,
            Err(kept) if neutral => Self::All(kept),
            Err(kept) => Self::Any(kept),
        }
    }
}

/// The opposite, without an opposite of an opposite.
impl std::ops::Not for Predicate {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Constant(known) => Self::Constant(known.map(|known| !known)),
            Self::Not(part) => *part,
            part => Self::Not(Box::new(part)),
        }
    }
}
