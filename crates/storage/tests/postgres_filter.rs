//! What a list gives on PostgreSQL is what a check allows, row by row; and what published models decide.

#[cfg(test)]
#[path = "filter/golden.rs"]
mod golden;
#[cfg(test)]
#[path = "filter/golden_postgres.rs"]
mod golden_postgres;
#[cfg(test)]
#[path = "../../core/tests/access/model.rs"]
mod model;
#[cfg(test)]
#[path = "filter/postgres.rs"]
mod postgres;
#[cfg(test)]
#[path = "filter/table.rs"]
mod table;
