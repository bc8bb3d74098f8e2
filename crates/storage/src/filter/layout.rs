use std::marker::PhantomData;

use tenantry_core::{Kind, Predicate, Resource};

use super::columns::Columns;
use super::table::NamedTable;

/// Which attributes a table has, of which kinds, and in which columns, as a statement writes them.
pub(super) trait Layout {
    /// The kind of an attribute, or of the id.
    fn kind(&self, attribute: &str) -> Option<Kind>;

    /// The column of an attribute, or of the id. What it answers comes from the program and never from the name that
    /// was asked for, which a tenant's role may have brought.
    fn column(&self, attribute: &str) -> Option<String>;

    /// Whether the attribute names what contains the row.
    fn is_container(&self, attribute: &str) -> bool;

    /// The column of the id.
    fn id(&self) -> String;

    /// What the table's kinds can tell of a filter.
    fn fitted(&self, filter: &Predicate) -> Predicate {
        filter.clone().fitted_to(&|attribute: &str| self.kind(attribute))
    }
}

/// A table of resources of type `R`.
pub(super) struct TableOf<'a, R> {
    columns: &'a Columns,
    resource: PhantomData<R>,
}

impl<'a, R> TableOf<'a, R> {
    pub(super) const fn new(columns: &'a Columns) -> Self {
        Self { columns, resource: PhantomData }
    }
}

impl<R: Resource> Layout for TableOf<'_, R> {
    fn kind(&self, attribute: &str) -> Option<Kind> {
        let declared = || R::ATTRIBUTES.iter().find(|(name, _)| *name == attribute).map(|(_, kind)| *kind);
        if attribute == "id" { Some(R::ID) } else { declared() }
    }

    fn column(&self, attribute: &str) -> Option<String> {
        self.columns.of::<R>(attribute)
    }

    fn is_container(&self, attribute: &str) -> bool {
        R::CONTAINERS.iter().any(|(name, _)| *name == attribute)
    }

    fn id(&self) -> String {
        self.columns.id()
    }
}

impl Layout for NamedTable {
    fn kind(&self, attribute: &str) -> Option<Kind> {
        self.column_of(attribute).map(|(_, kind)| kind)
    }

    fn column(&self, attribute: &str) -> Option<String> {
        self.column_of(attribute).map(|(column, _)| column.quoted())
    }

    fn is_container(&self, _: &str) -> bool {
        false
    }

    fn id(&self) -> String {
        self.id_column().quoted()
    }
}
