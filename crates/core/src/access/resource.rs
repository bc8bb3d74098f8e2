//! What a permission is asked about.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::condition::{Kind, Value};

/// A thing that an application guards: a listing, a document, a repository.
///
/// Its attributes are what conditions look at. The same names are columns in a filter, so that a list and a check
/// ask for the same thing.
///
/// ```
/// use tenantry_core::{Kind, Resource, Value};
/// use uuid::Uuid;
///
/// struct Listing {
///     id: Uuid,
///     seller: Uuid,
///     price: i64,
/// }
///
/// impl Resource for Listing {
///     const TYPE: &'static str = "listing";
///     const ATTRIBUTES: &'static [(&'static str, Kind)] = &[("seller", Kind::Id), ("price", Kind::Integer)];
///
///     fn id(&self) -> Value<'_> {
///         self.id.into()
///     }
///
///     fn attribute(&self, name: &str) -> Option<Value<'_>> {
///         match name {
///             "seller" => Some(self.seller.into()),
///             "price" => Some(self.price.into()),
///             _ => None,
///         }
///     }
/// }
/// ```
pub trait Resource {
    /// The name of its type: the segments of its permissions' keys before the last (`listing` of `listing:read`).
    const TYPE: &'static str;
    /// The kind of its ids: [`Kind::Id`], [`Kind::Integer`] or [`Kind::Text`].
    const ID: Kind = Kind::Id;
    /// Its attributes and their kinds: those that [`Resource::attribute`] answers. `id` is none of them: conditions
    /// and filters have it from [`Resource::id`].
    const ATTRIBUTES: &'static [(&'static str, Kind)] = &[];
    /// What contains it: the attribute that holds the container's id, one of [`Resource::ATTRIBUTES`], and the
    /// container's type. A role on a container that [descends](crate::Holding::descends) holds for what is in it.
    ///
    /// ```compile_fail
    /// # use tenantry_core::{Catalog, Resource, Value};
    /// struct Page(i64);
    ///
    /// impl Resource for Page {
    ///     const TYPE: &'static str = "page";
    ///     const CONTAINERS: &'static [(&'static str, &'static str)] = &[("book", "book")]; // and no such attribute
    /// #    fn id(&self) -> Value<'_> { self.0.into() }
    /// #    fn attribute(&self, _: &str) -> Option<Value<'_>> { None }
    /// }
    ///
    /// let catalog = Catalog::builder().resource::<Page>();
    /// ```
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[];

    /// What names it among those of its type in its tenant: a value of the kind [`Resource::ID`].
    fn id(&self) -> Value<'_>;

    /// The value of an attribute, of the kind that [`Resource::ATTRIBUTES`] says; `None` where it has none, as a column
    /// has `NULL`. A list asks the column, a check asks here: they agree where both say the same.
    fn attribute(&self, name: &str) -> Option<Value<'_>>;
}

/// What names a resource among those of its type in its tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceId {
    /// A UUID.
    Id(Uuid),
    /// A number.
    Integer(i64),
    /// A text of 1 to 200 bytes.
    Text(Box<str>),
}

impl ResourceId {
    /// The longest text that is an id, in bytes.
    pub const MAX_TEXT: usize = 200;

    /// The id as a value to compare with an attribute.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Id(id) => Value::Id(*id),
            Self::Integer(id) => Value::Integer(*id),
            Self::Text(id) => Value::Text(id),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Id(_) => 0,
            Self::Integer(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

/// The place of the kinds of ids in the order of [`ResourceId`]; a value of no such kind comes last.
const fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Id => 0,
        Kind::Integer => 1,
        Kind::Text => 2,
        Kind::Bool | Kind::Time => 3,
    }
}

impl From<Uuid> for ResourceId {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl From<i64> for ResourceId {
    fn from(id: i64) -> Self {
        Self::Integer(id)
    }
}

impl TryFrom<&str> for ResourceId {
    type Error = InvalidResource;

    fn try_from(text: &str) -> Result<Self, InvalidResource> {
        let fits = (1..=Self::MAX_TEXT).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self::Text(text.into())) } else { Err(InvalidResource::Id) }
    }
}

impl TryFrom<Value<'_>> for ResourceId {
    type Error = InvalidResource;

    fn try_from(value: Value<'_>) -> Result<Self, InvalidResource> {
        match value {
            Value::Id(id) => Ok(Self::Id(id)),
            Value::Integer(id) => Ok(Self::Integer(id)),
            Value::Text(text) => text.try_into(),
            Value::Bool(_) | Value::Time(_) => Err(InvalidResource::Id),
        }
    }
}

/// A resource by its name: `listing/0197…`, `repository/42`, `folder/'plans'`.
///
/// ```
/// use tenantry_core::{ResourceId, ResourceRef};
///
/// let repository: ResourceRef = "repository/42".parse()?;
/// assert_eq!(repository.id(), &ResourceId::Integer(42));
/// assert_eq!(repository.to_string(), "repository/42");
/// # Ok::<(), tenantry_core::InvalidResource>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceRef {
    of: Box<str>,
    id: ResourceId,
}

impl ResourceRef {
    /// The longest name of a type, in bytes.
    pub const MAX_TYPE: usize = 100;

    /// The resource of type `of` with this id.
    ///
    /// # Errors
    /// [`InvalidResource::Type`] when the type isn't named like the front part of a permission.
    pub fn new(of: &str, id: ResourceId) -> Result<Self, InvalidResource> {
        let named = of.len() <= Self::MAX_TYPE && super::PermissionKey::is_valid(of);
        if named { Ok(Self { of: of.into(), id }) } else { Err(InvalidResource::Type) }
    }

    /// The name of this resource.
    ///
    /// # Errors
    /// [`InvalidResource`] when [`Resource::TYPE`] can't be a type's name, or [`Resource::id`] no id.
    pub fn to<R: Resource>(resource: &R) -> Result<Self, InvalidResource> {
        Self::new(R::TYPE, resource.id().try_into()?)
    }

    /// Its type.
    #[must_use]
    pub fn of(&self) -> &str {
        &self.of
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &ResourceId {
        &self.id
    }

    /// How it is ordered against the resource of type `of` with this id: by the ids, which lie close, and then by the
    /// types.
    pub(super) fn order(&self, of: &str, id: Value<'_>) -> Ordering {
        let by_id = match (&self.id, id) {
            (ResourceId::Id(own), Value::Id(other)) => own.cmp(&other),
            (ResourceId::Integer(own), Value::Integer(other)) => own.cmp(&other),
            (ResourceId::Text(own), Value::Text(other)) => (**own).cmp(other),
            (own, other) => own.rank().cmp(&rank(other.kind())),
        };
        by_id.then_with(|| (*self.of).cmp(of))
    }
}

/// Doesn't compile unless each attribute by which resources of type `R` name what contains them is declared: a list would
/// not see what a check sees.
pub(super) const fn expect_containers<R: Resource>() {
    const { assert!(declares_containers::<R>(), "CONTAINERS names an attribute that ATTRIBUTES doesn't have") }
}

const fn declares_containers<R: Resource>() -> bool {
    let mut containers = R::CONTAINERS;
    while let [(name, _), rest @ ..] = containers {
        let (mut attributes, mut is_there) = (R::ATTRIBUTES, false);
        while let [(known, _), others @ ..] = attributes {
            is_there |= is_same(name.as_bytes(), known.as_bytes());
            attributes = others;
        }
        if !is_there {
            return false;
        }
        containers = rest;
    }
    true
}

const fn is_same(mut one: &[u8], mut two: &[u8]) -> bool {
    while let ([a, one_rest @ ..], [b, two_rest @ ..]) = (one, two) {
        if *a != *b {
            return false;
        }
        (one, two) = (one_rest, two_rest);
    }
    one.is_empty() && two.is_empty()
}

/// The attribute of a resource that a condition or a filter names: `id`, or one of its own.
pub(super) fn attribute_of<'a, R: Resource>(resource: &'a R, name: &str) -> Option<Value<'a>> {
    if name == "id" { Some(resource.id()) } else { resource.attribute(name) }
}

/// The kind of an attribute of resources of type `R`; `None` when they have none of this name.
pub(super) fn kind_of<R: Resource>(name: &str) -> Option<Kind> {
    let declared = || R::ATTRIBUTES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    if name == "id" { Some(R::ID) } else { declared() }
}

/// Stands for the resource where there is none.
pub(super) enum NoResource {}

impl Resource for NoResource {
    const TYPE: &'static str = "";

    fn id(&self) -> Value<'_> {
        match *self {}
    }

    fn attribute(&self, _: &str) -> Option<Value<'_>> {
        match *self {}
    }
}

impl FromStr for ResourceRef {
    type Err = InvalidResource;

    fn from_str(text: &str) -> Result<Self, InvalidResource> {
        let (of, id) = text.split_once('/').ok_or(InvalidResource::Type)?;
        let quoted = id.strip_prefix('\'').and_then(|id| id.strip_suffix('\''));
        let id = match (quoted, id.parse::<i64>()) {
            (Some(text), _) => ResourceId::try_from(text)?,
            (None, Ok(number)) if number.to_string() == id => ResourceId::Integer(number),
            (None, _) => ResourceId::Id(Uuid::try_parse(id).map_err(|_| InvalidResource::Id)?),
        };
        Self::new(of, id)
    }
}

impl TryFrom<String> for ResourceRef {
    type Error = InvalidResource;

    fn try_from(text: String) -> Result<Self, InvalidResource> {
        text.parse()
    }
}

impl From<ResourceRef> for String {
    fn from(resource: ResourceRef) -> Self {
        resource.to_string()
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            ResourceId::Id(id) => write!(f, "{}/{id}", self.of),
            ResourceId::Integer(id) => write!(f, "{}/{id}", self.of),
            ResourceId::Text(id) => write!(f, "{}/'{id}'", self.of),
        }
    }
}

impl fmt::Debug for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceRef({self})")
    }
}

/// The text names no resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidResource {
    /// The type.
    #[error(
        "name a resource as type/id, the type with 1 to 100 of a-z, 0-9, '_', '-' and ':', like listing/42"
    )]
    Type,
    /// The id.
    #[error(
        "a resource's id is a UUID, a whole number, or a text in quotes of 1 to 200 bytes without control characters"
    )]
    Id,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for text in [
            "listing/42",
            "listing/-1",
            "billing:invoice/0197a1f0-0000-7000-8000-000000000001",
            "folder/'plans/2026'",
            "folder/'42'",
            "folder/'it's'",
        ] {
            let name: ResourceRef = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(format!("{name:?}"), format!("ResourceRef({text})"));
            let json = serde_json::to_string(&name).unwrap();
            assert_eq!(serde_json::from_str::<ResourceRef>(&json).unwrap(), name);
        }
    }

    #[test]
    fn ids_of_different_kinds_have_one_order() {
        let in_order: Vec<ResourceRef> = [
            "c/0197a1f0-0000-7000-8000-000000000000",
            "a/0197a1f0-0000-7000-8000-000000000001",
            "b/1",
            "c/1",
            "b/2",
            "a/'x'",
            "a/'y'",
        ]
        .map(|text| text.parse().unwrap())
        .into();
        for (place, one) in in_order.iter().enumerate() {
            for (other_place, other) in in_order.iter().enumerate() {
                assert_eq!(
                    one.order(other.of(), other.id().value()),
                    place.cmp(&other_place),
                    "{one} {other}"
                );
            }
        }
        assert_eq!(in_order[6].order("a", Value::Bool(true)), Ordering::Less, "what is no id comes last");
    }

    #[test]
    fn an_id_is_never_another_sort_of_id() {
        let of = |text: &str| text.parse::<ResourceRef>().map(|name| name.id);
        assert_eq!(of("a/1"), Ok(ResourceId::Integer(1)));
        assert_eq!(of("a/'1'"), Ok(ResourceId::Text("1".into())));
        assert_eq!(of("a/01"), Err(InvalidResource::Id));
        assert_eq!(of("a/+1"), Err(InvalidResource::Id));
        assert_eq!(of("a/''"), Err(InvalidResource::Id));
        assert_eq!(of("a/'"), Err(InvalidResource::Id));
        assert_eq!(of("a/'\n'"), Err(InvalidResource::Id));
        assert_eq!(of("A/1"), Err(InvalidResource::Type));
        assert_eq!(of("*/1"), Err(InvalidResource::Type));
        assert_eq!(of("a"), Err(InvalidResource::Type));
    }
}
