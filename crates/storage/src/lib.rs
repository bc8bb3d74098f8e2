//! The stores of tenantry, its rate counters and the system's clock.
//!
//! | store | what it is for |
//! | --- | --- |
//! | [`MemoryStore`] | tests and examples: everything is gone when the process ends |
//! | `SqliteStore` (feature `sqlite`) | one file, on a laptop or one machine |
//!
//! Every store passes `tenantry_core::conformance`, and so means the same.

mod clock;
mod counters;
mod memory;
#[cfg(feature = "sqlite")]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use clock::SystemClock;
pub use counters::MemoryCounters;
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{
    ConnectionPragmas, ConnectionUse, MigrateError, Migration, OpenError, SqliteOptions, SqliteStore,
    TenantTx,
};
