//! How two values are compared, and what three-valued answers make together.

use std::cmp::Ordering;
use std::fmt;

use super::value::{Kind, Literal, Value};

/// How two values are compared.
///
/// ```
/// use tenantry_core::{Comparison, Value};
///
/// let at_most = Comparison::AtMost;
/// assert_eq!(at_most.holds(Value::Integer(3), Value::Integer(3)), Some(true));
/// assert_eq!(at_most.holds(Value::Text("a"), Value::Text("b")), None);
/// assert_eq!(Comparison::Equal.holds(Value::Integer(1), Value::Text("1")), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Every comparison.
    pub const ALL: [Self; 6] =
        [Self::Equal, Self::NotEqual, Self::Less, Self::AtMost, Self::More, Self::AtLeast];

    /// Its sign: `=`, `!=`, `<`, `<=`, `>` or `>=`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether it asks which value is the smaller one, which only [ordered](crate::Kind::is_ordered) kinds answer.
    #[must_use]
    pub const fn is_ordering(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Whether it tells anything of values of these kinds.
    pub(super) fn can_tell(self, left: Kind, right: Kind) -> bool {
        left == right && (left.is_ordered() || !self.is_ordering())
    }

    /// The comparison that says the same with its sides exchanged: `a < b` is `b > a`.
    #[must_use]
    pub const fn flipped(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }

    /// Whether `left` compares so with `right`; `None` where the values are of different kinds, or where an order
    /// is asked of a kind that has none.
    #[must_use]
    #[inline]
    pub fn holds(self, left: Value<'_>, right: Value<'_>) -> Option<bool> {
        match (left, right) {
            (Value::Bool(left), Value::Bool(right)) => self.of_equality(left == right),
            (Value::Text(left), Value::Text(right)) => self.of_equality(left == right),
            (Value::Id(left), Value::Id(right)) => self.of_equality(left == right),
            (Value::Integer(left), Value::Integer(right)) => Some(self.of_order(left.cmp(&right))),
            (Value::Time(left), Value::Time(right)) => Some(self.of_order(left.cmp(&right))),
            _ => None,
        }
    }

    #[inline]
    const fn of_equality(self, equal: bool) -> Option<bool> {
        match self {
            Self::Equal => Some(equal),
            Self::NotEqual => Some(!equal),
            Self::Less | Self::AtMost | Self::More | Self::AtLeast => None,
        }
    }

    #[inline]
    const fn of_order(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Kleene's conjunction: false if one answer is, else unknown if one is.
pub(super) fn all_of(answers: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for answer in answers {
        match answer {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = None,
        }
    }
    known
}

/// Kleene's disjunction: true if one answer is, else unknown if one is.
pub(super) fn any_of(answers: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(false);
    for answer in answers {
        match answer {
            Some(true) => return Some(true),
            Some(false) => {}
            None => known = None,
        }
    }
    known
}

/// Whether the value is one of a list: what comparing it with each, joined by `or`, would say.
pub(super) fn is_in(value: Value<'_>, values: &[Literal]) -> Option<bool> {
    any_of(values.iter().map(|listed| Comparison::Equal.holds(value, listed.value())))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Timestamp;

    const KNOWN: [Option<bool>; 3] = [Some(false), None, Some(true)];

    /// Kleene 1952: false < unknown < true; conjunction is the smaller, disjunction the larger.
    #[test]
    fn three_valued_logic_is_that_of_kleene() {
        for (i, one) in KNOWN.iter().enumerate() {
            for (j, two) in KNOWN.iter().enumerate() {
                assert_eq!(all_of([*one, *two]), KNOWN[i.min(j)], "{one:?} and {two:?}");
                assert_eq!(any_of([*one, *two]), KNOWN[i.max(j)], "{one:?} or {two:?}");
            }
        }
        assert_eq!((all_of([]), any_of([])), (Some(true), Some(false)));
    }

    #[test]
    fn only_ordered_kinds_have_an_order_and_kinds_dont_mix() {
        let pairs = [
            [Value::Bool(false), Value::Bool(true)],
            [Value::Integer(i64::MIN), Value::Integer(i64::MAX)],
            [Value::Text("a"), Value::Text("b")],
            [Value::Id(Uuid::from_u128(1)), Value::Id(Uuid::from_u128(2))],
            [Value::Time(Timestamp::EPOCH), Value::Time(Timestamp::from_micros(1))],
        ];
        let table = [
            (Comparison::Equal, [false, true, false]),
            (Comparison::NotEqual, [true, false, true]),
            (Comparison::Less, [true, false, false]),
            (Comparison::AtMost, [true, true, false]),
            (Comparison::More, [false, false, true]),
            (Comparison::AtLeast, [false, true, true]),
        ];
        for [small, large] in pairs {
            for (comparison, expected) in table {
                let ordered = small.kind().is_ordered() || !comparison.is_ordering();
                for ((left, right), holds) in
                    [(small, large), (small, small), (large, small)].into_iter().zip(expected)
                {
                    let expected = ordered.then_some(holds);
                    assert_eq!(comparison.holds(left, right), expected, "{left:?} {comparison} {right:?}");
                    assert_eq!(comparison.can_tell(left.kind(), right.kind()), expected.is_some());
                    assert_eq!(comparison.flipped().holds(right, left), expected);
                }
            }
            for other in pairs.iter().flatten().filter(|other| other.kind() != small.kind()) {
                for comparison in Comparison::ALL {
                    assert_eq!(comparison.holds(small, *other), None, "{small:?} {comparison} {other:?}");
                    assert!(!comparison.can_tell(small.kind(), other.kind()));
                }
            }
        }
    }
}
