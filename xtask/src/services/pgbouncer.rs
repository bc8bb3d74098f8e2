//! PgBouncer, of which tests need the program only: each starts its own.

use std::path::PathBuf;

use crate::{
    error::Error,
    services::{install, program::on_path},
};

/// Where the program is, installed first if it must be.
///
/// # Errors
/// Those of [`install::packages`].
pub(super) fn find() -> Result<PathBuf, Error> {
    if let Some(found) = on_path("pgbouncer") {
        return Ok(found);
    }
    install::packages("PgBouncer", &["pgbouncer"])?;
    on_path("pgbouncer").ok_or_else(|| install::missing("PgBouncer"))
}
