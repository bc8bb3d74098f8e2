#![doc = include_str!("../README.md")]

mod worker;

pub use tenantry_core::*;
pub use tenantry_storage::{MemoryCounters, MemoryStore, SystemClock};
#[cfg(feature = "sqlite")]
pub use tenantry_storage::{Migration, OpenError, SqliteOptions, SqliteStore, TenantTx};
pub use worker::{Nudge, WorkHandler, Worked, Worker, pause_after};

/// The gate and what it answers with, for tower, axum and actix-web.
#[cfg(any(feature = "tower", feature = "axum", feature = "actix"))]
pub use tenantry_http as http;

/// What tests of services and of stores need.
#[cfg(feature = "testing")]
pub mod testing {
    pub use tenantry_core::conformance;
}
