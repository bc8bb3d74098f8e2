//! What conditions look at, by name.

use std::fmt;

use super::facts::Facts;
use super::value::{Kind, Value};
use crate::Resource;
use crate::access::resource::attribute_of;

/// An attribute that a condition names. What is built in is told from what an application declares when the
/// condition is parsed, so that evaluating compares no names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Attribute {
    Resource(Box<str>),
    CallerId,
    CallerKind,
    CallerTenant,
    Caller(Box<str>),
    Time,
    MfaAge,
    TimeOfDay,
    Weekday,
    Request(Box<str>),
}

/// Whose attributes an application declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Caller,
    Request,
}

impl Attribute {
    /// The attribute that `name` is of a resource.
    pub(super) fn of_resource(name: &str) -> Self {
        Self::Resource(name.into())
    }

    /// The attribute that `name` is of the caller or the request.
    pub(super) fn of(owner: Owner, name: &str) -> Self {
        match (owner, name) {
            (Owner::Caller, "id") => Self::CallerId,
            (Owner::Caller, "kind") => Self::CallerKind,
            (Owner::Caller, "tenant") => Self::CallerTenant,
            (Owner::Caller, _) => Self::Caller(name.into()),
            (Owner::Request, "time") => Self::Time,
            (Owner::Request, "mfa_age") => Self::MfaAge,
            (Owner::Request, "time_of_day") => Self::TimeOfDay,
            (Owner::Request, "weekday") => Self::Weekday,
            (Owner::Request, _) => Self::Request(name.into()),
        }
    }

    /// The kind of one that is built in; `None` for those that an application declares.
    pub(super) const fn built_in(&self) -> Option<Kind> {
        match self {
            Self::CallerId | Self::CallerTenant => Some(Kind::Id),
            Self::CallerKind => Some(Kind::Text),
            Self::Time => Some(Kind::Time),
            Self::MfaAge | Self::TimeOfDay | Self::Weekday => Some(Kind::Integer),
            Self::Resource(_) | Self::Caller(_) | Self::Request(_) => None,
        }
    }

    /// Whether it is one of the caller's.
    pub(super) const fn is_of_caller(&self) -> bool {
        matches!(self, Self::CallerId | Self::CallerKind | Self::CallerTenant | Self::Caller(_))
    }

    /// Its value; `None` where there is none.
    #[inline]
    pub(super) fn value<'a, R: Resource>(
        &self,
        resource: Option<&'a R>,
        facts: &Facts<'a>,
    ) -> Option<Value<'a>> {
        if let Self::Resource(name) = self { attribute_of(resource?, name) } else { self.known(facts) }
    }

    /// What is left of it once caller and request are known.
    pub(super) fn seen_from<'a>(&self, facts: &Facts<'a>) -> Seen<'_, 'a> {
        if let Self::Resource(name) = self { Seen::Resource(name) } else { Seen::Known(self.known(facts)) }
    }

    /// Its value, if it is one of the caller's or the request's.
    fn known<'a>(&self, facts: &Facts<'a>) -> Option<Value<'a>> {
        let Facts { caller, request } = facts;
        match self {
            Self::Resource(_) => None,
            Self::CallerId => Some(Value::Id(caller.principal().as_uuid())),
            Self::CallerKind => Some(Value::Text(caller.principal().kind())),
            Self::CallerTenant => Some(Value::Id(caller.tenant().as_uuid())),
            Self::Caller(name) => caller.attribute(name),
            Self::Time => Some(Value::Time(request.now())),
            Self::MfaAge => request.mfa_age().map(Value::Integer),
            Self::TimeOfDay => Some(Value::Integer(request.time_of_day())),
            Self::Weekday => Some(Value::Integer(request.weekday())),
            Self::Request(name) => request.attribute(name),
        }
    }
}

/// An attribute of which caller and request are known.
pub(super) enum Seen<'n, 'a> {
    /// It is this one of the resource.
    Resource(&'n str),
    /// It has this value, or none.
    Known(Option<Value<'a>>),
}

/// As a condition writes it: `resource.owner`, `caller.id`, `request.mfa_age`.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(name) => write!(f, "resource.{name}"),
            Self::CallerId => f.write_str("caller.id"),
            Self::CallerKind => f.write_str("caller.kind"),
            Self::CallerTenant => f.write_str("caller.tenant"),
            Self::Caller(name) => write!(f, "caller.{name}"),
            Self::Time => f.write_str("request.time"),
            Self::MfaAge => f.write_str("request.mfa_age"),
            Self::TimeOfDay => f.write_str("request.time_of_day"),
            Self::Weekday => f.write_str("request.weekday"),
            Self::Request(name) => write!(f, "request.{name}"),
        }
    }
}

/// Whether a condition can name an attribute so: `[a-z][a-z0-9_]{0,47}`, and no keyword.
pub(super) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 48
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && !matches!(text, "and" | "or" | "not" | "in" | "true" | "false")
}

/// Attributes that an application declares for callers or requests, or gives them: at most 32, in the order of
/// their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attributes<T>(Box<[(Box<str>, T)]>);

impl<T> Attributes<T> {
    pub(super) const MAX: usize = 32;

    /// These attributes, whose texts, if they hold any, have to be `sound`.
    pub(super) fn new<N: Into<Box<str>>>(
        owner: Owner,
        named: impl IntoIterator<Item = (N, T)>,
        sound: impl Fn(&T) -> bool,
    ) -> Result<Self, InvalidAttributes> {
        let mut sorted: Vec<(Box<str>, T)> = Vec::new();
        for ((name, value), position) in named.into_iter().zip(1..) {
            let name = name.into();
            if position > Self::MAX {
                return Err(InvalidAttributes::TooMany);
            }
            if !is_name(&name) {
                return Err(InvalidAttributes::Name { position });
            }
            if Attribute::of(owner, &name).built_in().is_some() {
                return Err(InvalidAttributes::BuiltIn { position });
            }
            if !sound(&value) {
                return Err(InvalidAttributes::Text { position });
            }
            match sorted.binary_search_by(|(known, _)| known.cmp(&name)) {
                Ok(_) => return Err(InvalidAttributes::Repeated { position }),
                Err(place) => sorted.insert(place, (name, value)),
            }
        }
        Ok(Self(sorted.into()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&T> {
        let place = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl<T> Default for Attributes<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

/// Attributes that a caller or a request can't have. Positions count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAttributes {
    /// More than 32.
    #[error(
        "a caller and a request have at most 32 attributes each: leave out those that no condition names"
    )]
    TooMany,
    /// A condition couldn't name it.
    #[error(
        "attribute {position}: name it with a letter of a-z, then up to 47 of a-z, 0-9 and '_', and not 'and', \
         'or', 'not', 'in', 'true' or 'false'"
    )]
    Name {
        /// Which attribute.
        position: usize,
    },
    /// It would hide one that is built in.
    #[error(
        "attribute {position} has the name of one that is built in: choose another than id, kind and tenant for a \
         caller, and than time, mfa_age, time_of_day and weekday for a request"
    )]
    BuiltIn {
        /// Which attribute.
        position: usize,
    },
    /// An earlier one has its name.
    #[error("attribute {position} has the name of an earlier one: give each name once")]
    Repeated {
        /// Which attribute.
        position: usize,
    },
    /// Its text is too long, or one that not every database keeps.
    #[error("attribute {position}: a text has at most 1000 bytes and no control characters")]
    Text {
        /// Which attribute.
        position: usize,
    },
}
