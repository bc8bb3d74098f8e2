use sqlx::QueryBuilder;
use tenantry_core::{Predicate, Resource};

use super::columns::Columns;
use super::dialect::FilterDialect;
use super::layout::{Layout, TableOf};

/// The most values that a filter binds: within what SQLite takes in one statement (32,766), the rest of the statement
/// included.
pub const MAX_VALUES: usize = 30_000;

/// Adds a filter to a statement's condition, in parentheses and with every value bound.
///
/// It keeps the rows for which the filter is true, so those that `Authority::check` allows. It says nothing of
/// tenants: the statement still asks for rows of the caller's tenant.
///
/// ```
/// use sqlx::{QueryBuilder, Sqlite};
/// use tenantry_core::{Comparison, Kind, Literal, Predicate, Resource, Value};
/// use tenantry_storage::filter::{Columns, push_filter};
///
/// struct Listing {
///     id: i64,
///     price: i64,
/// }
///
/// impl Resource for Listing {
///     const TYPE: &'static str = "listing";
///     const ID: Kind = Kind::Integer;
///     const ATTRIBUTES: &'static [(&'static str, Kind)] = &[("price", Kind::Integer)];
///
///     fn id(&self) -> Value<'_> {
///         self.id.into()
///     }
///
///     fn attribute(&self, name: &str) -> Option<Value<'_>> {
///         if name == "price" { Some(self.price.into()) } else { None }
///     }
/// }
///
/// let cheap = Predicate::Compare {
///     attribute: "price".into(),
///     comparison: Comparison::AtMost,
///     value: Literal::Integer(500),
/// };
/// let mut query = QueryBuilder::<Sqlite>::new("SELECT listing_id FROM listings WHERE tenant_id = ");
/// query.push_bind(uuid::Uuid::nil()).push(" AND ");
/// push_filter::<Sqlite, Listing>(&mut query, &cheap, &Columns::new("listing_id"))?;
/// assert_eq!(
///     query.sql().as_str(),
///     r#"SELECT listing_id FROM listings WHERE tenant_id = ? AND ("price" <= ?)"#,
/// );
/// # Ok::<(), tenantry_storage::filter::FilterTooLarge>(())
/// ```
///
/// # Errors
/// [`FilterTooLarge`], before anything was added.
pub fn push_filter<DB: FilterDialect, R: Resource>(
    query: &mut QueryBuilder<DB>,
    filter: &Predicate,
    columns: &Columns,
) -> Result<(), FilterTooLarge> {
    add(query, filter, &TableOf::<R>::new(columns))
}

pub(super) fn add<DB: FilterDialect>(
    query: &mut QueryBuilder<DB>,
    filter: &Predicate,
    layout: &impl Layout,
) -> Result<(), FilterTooLarge> {
    let filter = layout.fitted(filter);
    let values = values(&filter);
    if values > MAX_VALUES {
        return Err(FilterTooLarge { values });
    }
    push(query, &filter, layout);
    Ok(())
}

/// How many values a filter binds on the database that binds most.
pub(super) fn values(filter: &Predicate) -> usize {
    match filter {
        Predicate::Constant(_) | Predicate::CompareAttributes { .. } | Predicate::Present { .. } => 0,
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().map(values).sum(),
        Predicate::Not(part) => values(part),
        Predicate::Compare { .. } => 1,
        Predicate::In { values, .. } => values.len(),
    }
}

pub(super) fn push<DB: FilterDialect>(
    query: &mut QueryBuilder<DB>,
    filter: &Predicate,
    layout: &impl Layout,
) {
    let column = |attribute: &str| layout.column(attribute);
    query.push("(");
    match filter {
        Predicate::Constant(Some(true)) => {
            query.push("TRUE");
        }
        Predicate::Constant(Some(false)) => {
            query.push("FALSE");
        }
        Predicate::All(parts) => push_joined(query, parts, " AND ", "TRUE", layout),
        Predicate::Any(parts) => push_joined(query, parts, " OR ", "FALSE", layout),
        Predicate::Not(part) => {
            query.push("NOT ");
            push(query, part, layout);
        }
        Predicate::Present { attribute } => match column(attribute) {
            Some(column) => {
                query.push(column).push(" IS NOT NULL");
            }
            None => {
                query.push("FALSE");
            }
        },
        Predicate::Compare { attribute, comparison, value } => match column(attribute) {
            Some(column) => {
                query.push(column).push(" ").push(comparison).push(" ");
                DB::bind(query, value.value());
            }
            None => push_unknown(query),
        },
        Predicate::CompareAttributes { left, comparison, right } => match (column(left), column(right)) {
            (Some(left), Some(right)) => {
                query.push(left).push(" ").push(comparison).push(" ").push(right);
            }
            _ => push_unknown(query),
        },
        Predicate::In { attribute, values } => match column(attribute) {
            Some(column) if values.is_empty() => {
                query.push("CASE WHEN ").push(column).push(" IS NULL THEN NULL ELSE FALSE END");
            }
            Some(column) => DB::is_in(query, &column, values),
            None => push_unknown(query),
        },
        Predicate::Constant(None) => push_unknown(query),
    }
    query.push(")");
}

/// Halved again and again, so that a thousand parts nest ten deep: SQLite takes no expression deeper than a thousand.
fn push_joined<DB: FilterDialect>(
    query: &mut QueryBuilder<DB>,
    parts: &[Predicate],
    join: &str,
    of_none: &str,
    layout: &impl Layout,
) {
    match parts {
        [] => {
            query.push(of_none);
        }
        [only] => push(query, only, layout),
        _ => {
            let (front, back) = parts.split_at(parts.len() / 2);
            query.push("(");
            push_joined(query, front, join, of_none, layout);
            query.push(")").push(join).push("(");
            push_joined(query, back, join, of_none, layout);
            query.push(")");
        }
    }
}

fn push_unknown<DB: FilterDialect>(query: &mut QueryBuilder<DB>) {
    query.push("CAST(NULL AS boolean)");
}

/// A principal holds so many single resources, or so many conditions, that no statement could ask for them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the filter has {values} values, and a statement takes 30000: assign roles on what contains the resources, or to the \
     whole tenant under a condition, instead of on so many single ones"
)]
pub struct FilterTooLarge {
    /// How many values it has.
    pub values: usize,
}
