//! The values that conditions compare.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// What sort of value an attribute has. Values of different kinds are never equal and have no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// True or false.
    Bool,
    /// A whole number: a count, minor units of money, seconds.
    Integer,
    /// A text. Texts are equal or not, byte by byte, and have no order: databases don't agree on one.
    Text,
    /// A UUID, such as a user's id.
    Id,
    /// An instant.
    Time,
}

impl Kind {
    /// Whether values of this kind can be smaller and larger.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        matches!(self, Self::Integer | Self::Time)
    }

    /// Its name, as documents write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Id => "id",
            Self::Time => "time",
        }
    }
}

/// The value of an attribute, borrowed from whatever has it.
///
/// ```
/// use tenantry_core::{Kind, Value};
///
/// let state = Value::Text("published");
/// assert_eq!(state.kind(), Kind::Text);
/// assert_eq!(state, Value::from("published"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(&'a str),
    /// A UUID.
    Id(Uuid),
    /// An instant.
    Time(Timestamp),
}

impl Value<'_> {
    /// What sort of value it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Integer(_) => Kind::Integer,
            Self::Text(_) => Kind::Text,
            Self::Id(_) => Kind::Id,
            Self::Time(_) => Kind::Time,
        }
    }

    /// The same value, kept.
    #[must_use]
    pub fn to_literal(&self) -> Literal {
        match *self {
            Self::Bool(value) => Literal::Bool(value),
            Self::Integer(value) => Literal::Integer(value),
            Self::Text(value) => Literal::Text(value.into()),
            Self::Id(value) => Literal::Id(value),
            Self::Time(value) => Literal::Time(value),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<Uuid> for Value<'_> {
    fn from(value: Uuid) -> Self {
        Self::Id(value)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}

/// A value that is kept: a literal of a condition, an attribute of a principal or a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Literal {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(Box<str>),
    /// A UUID.
    Id(Uuid),
    /// An instant.
    Time(Timestamp),
}

impl Literal {
    /// The value, borrowed.
    #[must_use]
    #[inline]
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Integer(value) => Value::Integer(*value),
            Self::Text(value) => Value::Text(value),
            Self::Id(value) => Value::Id(*value),
            Self::Time(value) => Value::Time(*value),
        }
    }

    /// What sort of value it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.value().kind()
    }
}

/// As a condition writes it: `true`, `-5`, `'text'` (a quote inside is doubled), `id('…')`, `time('…')`.
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => write!(f, "'{}'", value.replace('\'', "''")),
            Self::Id(value) => write!(f, "id('{value}')"),
            Self::Time(value) => write!(f, "time('{value}')"),
        }
    }
}
