use std::num::NonZeroU16;

use sqlx::QueryBuilder;
use tenantry_core::{Kind, Predicate, ResourceId, TenantId};

use super::dialect::FilterDialect;
use super::list::{Rows, Sorted, page};
use super::name::SqlName;
use super::push::{FilterTooLarge, add};

/// A table that is known only when the program runs: one for things that a tenant defined, or for whatever types of
/// resources the suite of a store brings.
///
/// It stands in for what a [`Resource`](tenantry_core::Resource) and its [`Columns`](super::Columns) say where the type
/// is there before. Its columns are of the [same types](super::Columns), its names are [checked](SqlName), and the name
/// of an attribute never gets into a statement.
///
/// ```
/// use sqlx::{QueryBuilder, Sqlite};
/// use tenantry_core::{Comparison, Kind, Literal, Predicate};
/// use tenantry_storage::filter::NamedTable;
///
/// let notes = NamedTable::new("notes".parse()?, "note_id".parse()?, Kind::Id)
///     .with("size", Kind::Integer, "bytes".parse()?);
/// let is_small = Predicate::Compare {
///     attribute: "size".into(),
///     comparison: Comparison::AtMost,
///     value: Literal::Integer(500),
/// };
/// let mut query = QueryBuilder::<Sqlite>::new("SELECT note_id FROM notes WHERE tenant_id = ");
/// query.push_bind(uuid::Uuid::nil()).push(" AND ");
/// notes.push_filter(&mut query, &is_small)?;
/// assert_eq!(
///     query.sql().as_str(),
///     r#"SELECT note_id FROM notes WHERE tenant_id = ? AND ("bytes" <= ?)"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedTable {
    name: SqlName,
    id: (SqlName, Kind),
    attributes: Vec<(Box<str>, Kind, SqlName)>,
}

impl NamedTable {
    /// The table of this name, whose key is `tenant_id` and the column `id` of this kind.
    #[must_use]
    pub const fn new(name: SqlName, id: SqlName, kind: Kind) -> Self {
        Self { name, id: (id, kind), attributes: Vec::new() }
    }

    /// The same, with an attribute in this column. `id` is no attribute: it stays what [`NamedTable::new`] made it. Of
    /// two of one name the first counts.
    #[must_use]
    pub fn with(mut self, attribute: &str, kind: Kind, column: SqlName) -> Self {
        self.attributes.push((attribute.into(), kind, column));
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &SqlName {
        &self.name
    }

    /// Adds a filter to a statement over this table, as [`push_filter`](super::push_filter) does. It says nothing of
    /// tenants.
    ///
    /// # Errors
    /// [`FilterTooLarge`], before anything was added.
    pub fn push_filter<DB: FilterDialect>(
        &self,
        query: &mut QueryBuilder<DB>,
        filter: &Predicate,
    ) -> Result<(), FilterTooLarge> {
        add(query, filter, self)
    }

    /// The statement for a page of what `filter` keeps of a tenant's rows, with every column, as
    /// [`list`](super::list) makes it.
    ///
    /// # Errors
    /// [`FilterTooLarge`].
    pub fn list<DB: FilterDialect>(
        &self,
        tenant: TenantId,
        filter: &Predicate,
        after: Option<&ResourceId>,
        limit: NonZeroU16,
    ) -> Result<QueryBuilder<DB>, FilterTooLarge> {
        let name = self.name.quoted();
        let sorted = Sorted::ById { after };
        page(&Rows { table: &name, select: "*", layout: self, tenant, sorted, limit }, filter)
    }

    pub(super) const fn id_column(&self) -> &SqlName {
        &self.id.0
    }

    /// The column of an attribute, or of the id, and its kind.
    pub(super) fn column_of(&self, attribute: &str) -> Option<(&SqlName, Kind)> {
        let (id, kind) = &self.id;
        let own = || self.attributes.iter().find(|(name, ..)| **name == *attribute);
        if attribute == "id" { Some((id, *kind)) } else { own().map(|(_, kind, column)| (column, *kind)) }
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use sqlx::Sqlite;
    use tenantry_core::{Comparison, Literal};

    use super::*;

    fn notes() -> NamedTable {
        let name = |text: &str| text.parse::<SqlName>().unwrap();
        NamedTable::new(name("notes"), name("note_id"), Kind::Text)
            .with("size", Kind::Integer, name("bytes"))
            .with("size", Kind::Text, name("width"))
            .with("id", Kind::Integer, name("number"))
            .with("group", Kind::Text, name("group"))
    }

    fn is(attribute: &str, value: Literal) -> Predicate {
        Predicate::Compare { attribute: attribute.into(), comparison: Comparison::Equal, value }
    }

    #[test]
    fn an_attribute_is_asked_in_its_column_or_not_at_all() {
        let text = || Literal::Text("a".into());
        for (filter, written) in [
            (is("size", Literal::Integer(1)), r#"("bytes" = ?)"#),
            (is("id", text()), r#"("note_id" = ?)"#),
            (is("group", text()), r#"("group" = ?)"#),
            (is("size", text()), "(CAST(NULL AS boolean))"),
            (is("id", Literal::Integer(1)), "(CAST(NULL AS boolean))"),
            (is("bytes", Literal::Integer(1)), "(CAST(NULL AS boolean))"),
            (is("1 = 1 OR group", text()), "(CAST(NULL AS boolean))"),
        ] {
            let mut query = QueryBuilder::<Sqlite>::new("");
            notes().push_filter(&mut query, &filter).unwrap();
            assert_eq!(query.sql().as_str(), written);
        }
    }

    #[test]
    fn a_page_is_of_the_table_of_that_name() {
        let (tenant, limit) = (TenantId::generate(), NonZeroU16::MIN);
        let after = ResourceId::Text("a".into());
        let small = is("size", Literal::Integer(1));
        let page = notes().list::<Sqlite>(tenant, &small, Some(&after), limit).unwrap();
        assert_eq!(
            page.sql().as_str(),
            concat!(
                r#"SELECT * FROM "notes" WHERE tenant_id = ? AND "note_id" > ? AND (TRUE) AND ("bytes" = ?)"#,
                r#" ORDER BY "note_id" LIMIT 1"#
            )
        );
    }
}
