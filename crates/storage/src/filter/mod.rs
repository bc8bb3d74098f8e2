//! What a principal may see, as SQL: filters and lists of an application's own tables.
//!
//! `tenantry_core::Authority::filter` says which resources a principal may do something to, as a [`Predicate`]. Here it
//! becomes a part of a statement, with every value bound: [`push_filter`] for a statement of one's own, [`list`] for a
//! page of a list by key. A table that is known only when the program runs is a [`NamedTable`]. What the database keeps is what `Authority::check` allows.

mod columns;
mod dialect;
mod layout;
mod list;
mod name;
mod push;
mod table;

pub use columns::Columns;
pub use dialect::FilterDialect;
pub(crate) use list::newest;
pub use list::{Listed, list};
pub use name::{InvalidSqlName, SqlName};
pub use push::{FilterTooLarge, MAX_VALUES, push_filter};
pub use table::NamedTable;

#[cfg(doc)]
use tenantry_core::Predicate;
