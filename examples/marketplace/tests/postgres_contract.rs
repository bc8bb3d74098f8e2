//! The marketplace's contract over HTTP, the same as on SQLite, on PostgreSQL.

#[cfg(test)]
#[path = "contract/main.rs"]
mod contract;

#[cfg(test)]
use contract::{shared, support};
