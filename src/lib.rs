#![cfg_attr(all(feature = "axum", feature = "sqlite"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "axum", feature = "sqlite")),
    doc = "Tenancy, access, metering and escrow for Rust services."
)]

mod worker;

pub use tenantry_core::*;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use tenantry_storage::filter;
#[cfg(feature = "postgres")]
pub use tenantry_storage::{
    Addresses, AuditReport, AuditScope, Bypass, BypassTx, ConnectError, InvalidBypass, InvalidRoleName,
    InvalidSealingKey, LIBRARY_DEFINERS, Logins, PgTenantRead, PgTenantTx, PostgresOptions, PostgresOwner,
    PostgresStore, RoleName, Roles, SameRole, Sealing, SealingKey, SetUpError, audit,
};
#[cfg(feature = "sqlite")]
pub use tenantry_storage::{
    ConnectionPragmas, ConnectionUse, OpenError, SqliteOptions, SqliteStore, TenantRead, TenantTx,
};
pub use tenantry_storage::{MemoryCounters, MemoryStore, SystemClock};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use tenantry_storage::{MigrateError, Migration};
pub use worker::{Nudge, WorkHandler, Worked, Worker, pause_after};

/// The gate and what it answers with, for tower, axum and actix-web.
#[cfg(any(feature = "tower", feature = "axum", feature = "actix"))]
pub use tenantry_http as http;

/// What the boot audit finds, in its own words.
#[cfg(feature = "postgres")]
pub mod boot_audit {
    pub use tenantry_storage::{Finding, Rule, Severity};
}

/// Object stores that are divided among tenants.
#[cfg(feature = "objects")]
pub use tenantry_objects as objects;

/// What tests of services and of stores need.
#[cfg(feature = "testing")]
pub mod testing {
    pub use tenantry_core::conformance;
    /// What is wrong with a database, and how to mend it.
    #[cfg(feature = "postgres")]
    pub use tenantry_storage::audit;
    #[cfg(feature = "postgres")]
    pub use tenantry_storage::testing::{TestDatabase, TestDatabaseError, drop_database};

    /// A walk over every route of a service that tells whether one tenant learns of another.
    #[cfg(feature = "testing-http")]
    pub use tenantry_testing as isolation;
}
