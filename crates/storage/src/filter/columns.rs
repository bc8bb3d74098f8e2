use tenantry_core::Resource;

/// Where a table has what a [`Resource`] calls its attributes.
///
/// An attribute is in the column of its name, unless [`Columns::named`] says otherwise; the resource's id is in `id`,
/// unless [`Columns::new`] is given another. Kinds and columns:
///
/// | kind | PostgreSQL | SQLite |
/// | --- | --- | --- |
/// | id | `uuid` | `BLOB`, 16 bytes |
/// | integer | `bigint`, `integer`, `smallint` | `INTEGER` |
/// | text | `text`, or an expression that is one (`state::text`) | `TEXT` |
/// | bool | `boolean` | `INTEGER`, 0 or 1 |
/// | time | `bigint`, microseconds since 1970 | `INTEGER`, the same |
///
/// ```
/// use tenantry_storage::filter::Columns;
///
/// let columns = Columns::new("listing_id").named(&[("seller", "seller_user_id")]);
/// # let _ = columns;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    id: &'static str,
    named: &'static [(&'static str, &'static str)],
}

impl Columns {
    /// The id in this column, each attribute in the column of its name.
    #[must_use]
    pub const fn new(id: &'static str) -> Self {
        Self { id, named: &[] }
    }

    /// The same, with these attributes in columns of other names, or in expressions over columns.
    #[must_use]
    pub const fn named(self, named: &'static [(&'static str, &'static str)]) -> Self {
        Self { named, ..self }
    }

    /// The column of the id, as a statement writes it.
    pub(super) fn id(&self) -> String {
        quoted(self.id)
    }

    /// The column of an attribute of `R`, as a statement writes it. It comes from the program and never from the name
    /// that was asked for, which a tenant's role may have brought.
    pub(super) fn of<R: Resource>(&self, attribute: &str) -> Option<String> {
        if attribute == "id" {
            return Some(self.id());
        }
        let renamed = self.named.iter().find(|(name, _)| *name == attribute).map(|(_, column)| *column);
        let declared = || R::ATTRIBUTES.iter().find(|(name, _)| *name == attribute).map(|(name, _)| *name);
        renamed.or_else(declared).map(quoted)
    }
}

/// A plain name in quotes, so that it may be a keyword; anything else is an expression of the application's.
fn quoted(column: &'static str) -> String {
    let is_plain = column.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if is_plain { format!("\"{column}\"") } else { column.to_owned() }
}
