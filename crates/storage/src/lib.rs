//! The stores of tenantry, its rate counters and the system's clock.
//!
//! | store | what it is for |
//! | --- | --- |
//! | [`MemoryStore`] | tests and examples: everything is gone when the process ends |
//! | `SqliteStore` (feature `sqlite`) | one file, on a laptop or one machine |
//! | `PostgresStore` (feature `postgres`) | a PostgreSQL server, its row-level security the second lock |
//!
//! Every store passes `tenantry_core::conformance`, and so means the same.

#[cfg(feature = "postgres")]
mod audit;
mod changes;
mod clock;
mod counters;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod filter;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod holder;
mod memory;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migration;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
pub use audit::{AuditReport, AuditScope, Finding, LIBRARY_DEFINERS, Rule, Severity, audit};
#[cfg(feature = "postgres")]
pub use changes::postgres_changes;
pub use changes::{
    ChangeFeed, Changes, ClockOffset, LONGEST_PAUSE, Moved, MovedTenant, Position, follow_changes,
};
#[cfg(all(feature = "testing", feature = "postgres"))]
pub mod testing;

pub use clock::SystemClock;
pub use counters::MemoryCounters;
pub use memory::MemoryStore;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use migration::{MigrateError, Migration};
#[cfg(feature = "postgres")]
pub use postgres::{
    Addresses, Bypass, BypassTx, ConnectError, InvalidBypass, InvalidRoleName, InvalidSealingKey, Logins,
    PgTenantRead, PgTenantTx, PostgresOptions, PostgresOwner, PostgresStore, RoleName, Roles, SameRole,
    Sealing, SealingKey, SetUpError,
};
#[cfg(feature = "sqlite")]
pub use sqlite::{
    ConnectionPragmas, ConnectionUse, OpenError, SqliteOptions, SqliteStore, TenantRead, TenantTx,
};
