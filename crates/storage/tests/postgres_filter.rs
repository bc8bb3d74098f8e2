//! What a list gives on PostgreSQL is what a check allows, row by row.

#[cfg(test)]
#[path = "../../core/tests/access/model.rs"]
mod model;
#[cfg(test)]
#[path = "filter/postgres.rs"]
mod postgres;
#[cfg(test)]
#[path = "filter/table.rs"]
mod table;
