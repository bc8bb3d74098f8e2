//! A marketplace of ready-made businesses: sellers list them, buyers pay into escrow, review for three days, and
//! the money is released. One of tenantry's reference servers.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `settings` | the command line |
//! | `database` | SQLite or PostgreSQL: setting up, the tables, transactions on either |
//! | `model` | permissions, kinds, roles, plans: the marketplace in the library's words |
//! | `start` | from settings to a running server |
//! | `seed` | the platform, its admin and the demo |
//! | `routes`, `document` | every route in one place, and the OpenAPI document |
//! | `auth`, `account`, `listings`, `orders`, `payments`, `investors`, `admin`, `health` | the requests, by subject |

mod account;
mod admin;
mod auth;
mod database;
mod document;
mod health;
mod investors;
mod listings;
mod model;
mod orders;
mod output;
mod payments;
mod routes;
mod seed;
mod settings;
mod start;
mod state;
mod wire;

pub use database::{
    AuditArgs, AuditError, Database, DatabaseError, EnvironmentFile, EnvironmentFileError, InvalidDatabase,
    MigrateArgs, MigrationError, ServerAddress, audit, migrate,
};
pub use model::{ModelError, access_matrix, library};
pub use routes::{documented_routes, print_routes, route_table, service};
pub use settings::{Cli, InvalidSpan, Role, Settings, Span};
pub use start::{StartError, run};
