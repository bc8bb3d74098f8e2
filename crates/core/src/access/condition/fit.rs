//! Whether a condition asks for what there is.

use super::attribute::{Attribute, Attributes, InvalidAttributes, Owner};
use super::comparison::Comparison;
use super::value::{Kind, Literal};
use super::{Condition, Node, Operand};
use crate::PrincipalId;

/// The attributes that an application gives its callers and requests, besides those that are built in.
///
/// ```
/// use tenantry_core::{Condition, Declared, Kind};
///
/// let declared = Declared::new(&[("department", Kind::Text)], &[])?;
/// let condition: Condition = "caller.department = resource.department".parse()?;
/// assert!(condition.fits(&[("department", Kind::Text)], &declared).is_ok());
/// assert!(condition.fits(&[("department", Kind::Id)], &declared).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    caller: Attributes<Kind>,
    request: Attributes<Kind>,
}

impl Declared {
    /// These attributes of callers, and these of requests.
    ///
    /// # Errors
    /// [`InvalidAttributes`] for more than 32 of either, and for a name that isn't `[a-z][a-z0-9_]{0,47}`, is a
    /// keyword, is built in or comes twice.
    pub fn new(caller: &[(&str, Kind)], request: &[(&str, Kind)]) -> Result<Self, InvalidAttributes> {
        let attributes = |owner, declared: &[(&str, Kind)]| {
            Attributes::new(owner, declared.iter().map(|(name, kind)| (*name, *kind)), |_| true)
        };
        Ok(Self { caller: attributes(Owner::Caller, caller)?, request: attributes(Owner::Request, request)? })
    }

    /// The kind of an attribute of callers that the application declares.
    #[must_use]
    pub fn of_caller(&self, name: &str) -> Option<Kind> {
        self.caller.get(name).copied()
    }

    /// The kind of an attribute of requests that the application declares.
    #[must_use]
    pub fn of_request(&self, name: &str) -> Option<Kind> {
        self.request.get(name).copied()
    }
}

impl Condition {
    /// Checks that every attribute exists, that only values of one kind are compared, and that an order is asked
    /// only of kinds that have one. `attributes` are those of the [resource](crate::Resource::ATTRIBUTES), `id`
    /// among them; none where there is no resource.
    ///
    /// A grant is stored only with a condition that fits; one that doesn't would be unknown for ever.
    ///
    /// # Errors
    /// [`UnfitCondition`] with the first attribute that is wrong.
    pub fn fits(&self, attributes: &[(&str, Kind)], declared: &Declared) -> Result<(), UnfitCondition> {
        Ground { attributes, declared }.bears(&self.0)
    }
}

struct Ground<'a> {
    attributes: &'a [(&'a str, Kind)],
    declared: &'a Declared,
}

impl Ground<'_> {
    fn bears(&self, node: &Node) -> Result<(), UnfitCondition> {
        match node {
            Node::All(parts) | Node::Any(parts) => parts.iter().try_for_each(|part| self.bears(part)),
            Node::Not(part) => self.bears(part),
            Node::Compare { left, comparison, right: Operand::Attribute(right) } => {
                let kind = self.kind(right)?;
                self.compares(left, *comparison, kind)
            }
            Node::Compare { left, comparison, right: Operand::Literal(right) } => {
                self.compares(left, *comparison, right.kind())?;
                Self::names_caller(left, right)
            }
            Node::In { attribute, values } => values.iter().try_for_each(|value| {
                self.compares(attribute, Comparison::Equal, value.kind())?;
                Self::names_caller(attribute, value)
            }),
        }
    }

    fn compares(&self, left: &Attribute, comparison: Comparison, other: Kind) -> Result<(), UnfitCondition> {
        let kind = self.kind(left)?;
        let attribute = || left.to_string().into();
        if kind != other {
            return Err(UnfitCondition::Kinds { attribute: attribute(), kind, other });
        }
        if comparison.is_ordering() && !kind.is_ordered() {
            return Err(UnfitCondition::Order { attribute: attribute(), kind });
        }
        Ok(())
    }

    fn kind(&self, attribute: &Attribute) -> Result<Kind, UnfitCondition> {
        let declared = match attribute {
            Attribute::Resource(name) => {
                self.attributes.iter().find(|(known, _)| *known == &**name).map(|(_, kind)| *kind)
            }
            Attribute::Caller(name) => self.declared.of_caller(name),
            Attribute::Request(name) => self.declared.of_request(name),
            built_in => built_in.built_in(),
        };
        declared.ok_or_else(|| UnfitCondition::Unknown { attribute: attribute.to_string().into() })
    }

    fn names_caller(attribute: &Attribute, value: &Literal) -> Result<(), UnfitCondition> {
        match (attribute, value) {
            (Attribute::CallerKind, Literal::Text(text)) if !PrincipalId::KINDS.contains(&&**text) => {
                Err(UnfitCondition::CallerKind)
            }
            _ => Ok(()),
        }
    }
}

/// The condition asks for what there isn't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnfitCondition {
    /// Nobody declares the attribute.
    #[error("there is no {attribute}: mend the name, or declare the attribute")]
    Unknown {
        /// As the condition writes it.
        attribute: Box<str>,
    },
    /// Values of different kinds are never equal.
    #[error("{attribute} is of kind {}, so compare it with one of that kind and not of kind {}", .kind.as_str(), .other.as_str())]
    Kinds {
        /// As the condition writes it.
        attribute: Box<str>,
        /// What it is.
        kind: Kind,
        /// What it is compared with.
        other: Kind,
    },
    /// An order is asked of a kind that has none.
    #[error("{attribute} is of kind {}, which has no order: compare it with =, != or 'in'", .kind.as_str())]
    Order {
        /// As the condition writes it.
        attribute: Box<str>,
        /// What it is.
        kind: Kind,
    },
    /// `caller.kind` is compared with a text that it never is.
    #[error("caller.kind is 'user', 'service_account' or 'api_key': compare it with one of these")]
    CallerKind,
}
