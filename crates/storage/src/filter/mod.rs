//! What a principal may see, as SQL: filters and lists of an application's own tables.
//!
//! `tenantry_core::Authority::filter` says which resources a principal may do something to, as a [`Predicate`]. Here it
//! becomes a part of a statement, with every value bound: [`push_filter`] for a statement of one's own, [`list`] for a
//! page of a list by key. What the database keeps is what `Authority::check` allows.

mod columns;
mod dialect;
mod list;
mod push;

pub use columns::Columns;
pub use dialect::FilterDialect;
pub use list::{Listed, list};
pub use push::{FilterTooLarge, MAX_VALUES, push_filter};

#[cfg(doc)]
use tenantry_core::Predicate;
