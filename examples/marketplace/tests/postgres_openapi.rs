//! That the served OpenAPI document says what the server answers, the same as on SQLite, on PostgreSQL.

#[cfg(test)]
#[path = "openapi/main.rs"]
mod openapi;

#[cfg(test)]
use openapi::{document, drive, support};
