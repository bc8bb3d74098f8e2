//! Every route against everybody else's things, the same as on SQLite, on PostgreSQL.

#[cfg(test)]
#[path = "sweep.rs"]
mod on_postgres;

#[cfg(test)]
use on_postgres::support;
