//! The resources of a model: their types, and the rows of each.

use std::fmt;
use std::marker::PhantomData;

use crate::{
    Authority, CatalogBuilder, Decision, Explanation, Kind, Literal, PermissionIndex, Predicate,
    RequestFacts, Resource, ResourceId, TenantId, Value,
};

/// The resources of one type in one tenant: what a store has as the rows of a table.
#[derive(Debug)]
pub struct Table {
    pub(super) model: &'static str,
    pub(super) tenant: TenantId,
    pub(super) tenant_name: Box<str>,
    pub(super) shape: &'static dyn Shape,
    pub(super) items: Vec<Item>,
}

impl Table {
    /// The name of the model that it is of.
    #[must_use]
    pub const fn model(&self) -> &'static str {
        self.model
    }

    /// The tenant to which all of them belong.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What the model's file calls that tenant.
    #[must_use]
    pub fn tenant_name(&self) -> &str {
        &self.tenant_name
    }

    /// Their type, as [`Resource::TYPE`].
    #[must_use]
    pub fn of(&self) -> &'static str {
        self.shape.of()
    }

    /// The kind of their ids: that of the column `id`.
    #[must_use]
    pub fn id_kind(&self) -> Kind {
        self.shape.id_kind()
    }

    /// Their attributes: the other columns, all of which may be empty.
    #[must_use]
    pub fn columns(&self) -> &'static [(&'static str, Kind)] {
        self.shape.columns()
    }

    /// The resources, in the order of the file.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether the filter keeps the resource, one of this table: what a store's SQL has to agree with.
    #[must_use]
    pub fn keeps(&self, filter: &Predicate, item: &Item) -> bool {
        self.shape.evaluate(filter, item) == Some(true)
    }

    pub(super) fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| *item.name == *name)
    }
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub(super) name: Box<str>,
    pub(super) id: ResourceId,
    pub(super) values: Vec<Option<Literal>>,
}

impl Item {
    /// What the model's file calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &ResourceId {
        &self.id
    }

    /// The values of its attributes, in the order of [`Table::columns`].
    #[must_use]
    pub fn values(&self) -> &[Option<Literal>] {
        &self.values
    }
}

/// What a model declares of a type of resource: the constants of [`Resource`].
pub(super) trait Schema: Send + Sync + 'static {
    const TYPE: &'static str;
    const ID: Kind = Kind::Text;
    const ATTRIBUTES: &'static [(&'static str, Kind)] = &[];
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[];
}

/// An item seen as a resource of its type.
struct Typed<'a, S> {
    item: &'a Item,
    schema: PhantomData<S>,
}

impl<'a, S> Typed<'a, S> {
    const fn new(item: &'a Item) -> Self {
        Self { item, schema: PhantomData }
    }
}

impl<S: Schema> Resource for Typed<'_, S> {
    const TYPE: &'static str = S::TYPE;
    const ID: Kind = S::ID;
    const ATTRIBUTES: &'static [(&'static str, Kind)] = S::ATTRIBUTES;
    const CONTAINERS: &'static [(&'static str, &'static str)] = S::CONTAINERS;

    fn id(&self) -> Value<'_> {
        self.item.id.value()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        let place = S::ATTRIBUTES.iter().position(|(known, _)| *known == name)?;
        self.item.values.get(place)?.as_ref().map(Literal::value)
    }
}

/// A type of resource whose items are asked about without naming it.
pub(super) trait Shape: Send + Sync {
    fn of(&self) -> &'static str;
    fn id_kind(&self) -> Kind;
    fn columns(&self) -> &'static [(&'static str, Kind)];
    fn containers(&self) -> &'static [(&'static str, &'static str)];
    fn declare(&self, builder: CatalogBuilder) -> CatalogBuilder;
    fn check(&self, asked: &Asked<'_>, item: &Item) -> Decision;
    fn explain(&self, asked: &Asked<'_>, item: &Item) -> Option<Explanation>;
    fn filter(&self, asked: &Asked<'_>) -> Predicate;
    fn evaluate(&self, filter: &Predicate, item: &Item) -> Option<bool>;
}

/// Who asks for what, in which request.
pub(super) struct Asked<'a> {
    pub(super) authority: &'a Authority,
    pub(super) permission: PermissionIndex,
    pub(super) request: &'a RequestFacts,
}

/// The [`Shape`] of a [`Schema`].
pub(super) struct Of<S>(pub(super) PhantomData<S>);

impl<S: Schema> Shape for Of<S> {
    fn of(&self) -> &'static str {
        S::TYPE
    }

    fn id_kind(&self) -> Kind {
        S::ID
    }

    fn columns(&self) -> &'static [(&'static str, Kind)] {
        S::ATTRIBUTES
    }

    fn containers(&self) -> &'static [(&'static str, &'static str)] {
        S::CONTAINERS
    }

    fn declare(&self, builder: CatalogBuilder) -> CatalogBuilder {
        builder.resource::<Typed<'static, S>>()
    }

    fn check(&self, asked: &Asked<'_>, item: &Item) -> Decision {
        asked.authority.check(asked.permission, &Typed::<S>::new(item), asked.request)
    }

    fn explain(&self, asked: &Asked<'_>, item: &Item) -> Option<Explanation> {
        asked.authority.explain(asked.permission, &Typed::<S>::new(item), asked.request)
    }

    fn filter(&self, asked: &Asked<'_>) -> Predicate {
        asked.authority.filter::<Typed<'static, S>>(asked.permission, asked.request)
    }

    fn evaluate(&self, filter: &Predicate, item: &Item) -> Option<bool> {
        filter.evaluate(&Typed::<S>::new(item))
    }
}

impl fmt::Debug for dyn Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.of())
    }
}
