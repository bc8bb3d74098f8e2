//! The marketplace is killed again and again, the same as on SQLite, on PostgreSQL.

#[cfg(test)]
#[path = "crash.rs"]
mod on_postgres;

#[cfg(test)]
use on_postgres::support;
