//! What a list gives on SQLite is what a check allows, row by row.

#[cfg(test)]
#[path = "../../core/tests/access/model.rs"]
mod model;
#[cfg(test)]
#[path = "filter/sqlite.rs"]
mod sqlite;
#[cfg(test)]
#[path = "filter/table.rs"]
mod table;
