#![cfg_attr(all(feature = "axum", feature = "sqlite"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "axum", feature = "sqlite")),
    doc = "Tenancy, access, metering and escrow for Rust services."
)]

mod worker;

pub use tenantry_core::*;
#[cfg(feature = "sqlite")]
pub use tenantry_storage::{
    ConnectionPragmas, ConnectionUse, MigrateError, Migration, OpenError, SqliteOptions, SqliteStore,
    TenantTx,
};
pub use tenantry_storage::{MemoryCounters, MemoryStore, SystemClock};
pub use worker::{Nudge, WorkHandler, Worked, Worker, pause_after};

/// The gate and what it answers with, for tower, axum and actix-web.
#[cfg(any(feature = "tower", feature = "axum", feature = "actix"))]
pub use tenantry_http as http;

/// What tests of services and of stores need.
#[cfg(feature = "testing")]
pub mod testing {
    pub use tenantry_core::conformance;
}
