//! What a list gives on SQLite is what a check allows, row by row; and what published models decide.

#[cfg(test)]
#[path = "filter/golden.rs"]
mod golden;
#[cfg(test)]
#[path = "filter/golden_sqlite.rs"]
mod golden_sqlite;
#[cfg(test)]
#[path = "../../core/tests/access/model.rs"]
mod model;
#[cfg(test)]
#[path = "filter/sqlite.rs"]
mod sqlite;
#[cfg(test)]
#[path = "filter/table.rs"]
mod table;
