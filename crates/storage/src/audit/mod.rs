//! The boot audit: what a database's catalogs say about how far tenants are kept apart.
//!
//! It reads `pg_catalog` only, which any login may, and judges what it read against the catalogue of [`Rule`].

mod catalog;
mod grants;
mod hooks;
mod keys;
mod logins;
mod policies;
mod relations;
mod report;
mod routines;
mod rule;
mod scope;
mod surroundings;

pub use catalog::audit;
pub use report::{AuditReport, Finding};
pub use rule::{Rule, Severity};
pub(crate) use scope::IS_SET_UP;
pub use scope::{AuditScope, LIBRARY_DEFINERS};
