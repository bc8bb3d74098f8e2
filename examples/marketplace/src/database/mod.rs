//! The database: a SQLite file or a PostgreSQL server, chosen by its address; every statement is written once.

mod address;
mod audit;
mod environment;
mod migrate;
mod open;
mod schema;
mod store;
mod transaction;

pub use address::{Database, InvalidDatabase, ServerAddress};
pub use audit::{AuditArgs, AuditError, audit};
pub use environment::{EnvironmentFile, EnvironmentFileError};
pub use migrate::{MigrateArgs, MigrationError, migrate};
pub use open::DatabaseError;

pub(crate) use open::open;
pub(crate) use store::Store;
pub(crate) use transaction::{Connection, ReadTx, Tx, either};
