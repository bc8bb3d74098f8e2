use std::path::PathBuf;

use clap::Args;
use sqlx::postgres::PgPoolOptions;
use tenantry::{AuditScope, Unavailable};

use super::Database;
use crate::output;

/// What is audited.
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// Database: postgres://… with the address of any login
    #[arg(
        long,
        env = "MARKETPLACE_DATABASE",
        default_value = "sqlite://marketplace.db",
        hide_env_values = true
    )]
    pub database: Database,

    /// File with settings, as `migrate --write-env` writes it
    #[arg(long, env = "MARKETPLACE_ENV_FILE", value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}

/// Audits what keeps tenants apart in the database, and prints the report.
///
/// # Errors
/// [`AuditError::Refused`] where something has to be mended before anybody serves, and what kept it from being looked
/// at.
pub async fn audit(args: AuditArgs) -> Result<(), AuditError> {
    let Database::Postgres(address) = &args.database else { return Err(AuditError::OnlyPostgres) };
    let pool = PgPoolOptions::new().max_connections(1).connect(address.expose()).await?;
    let scope = AuditScope::of_database(&pool).await?.ok_or(AuditError::NotSetUp)?;
    let report = tenantry::audit(&pool, &scope).await?;
    output::print(&format_args!("{report}\n"))?;
    if report.may_serve() { Ok(()) } else { Err(AuditError::Refused) }
}

/// Why a database doesn't pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// There is nothing to look at.
    #[error(
        "the audit reads the catalogs of a PostgreSQL server, and --database is a SQLite file: give --database postgres://…"
    )]
    OnlyPostgres,
    /// The server can't be reached.
    #[error("the database doesn't answer: look at its address, its password and the server")]
    Away(#[from] sqlx::Error),
    /// The database isn't the marketplace's.
    #[error("the database isn't set up for this login: run `marketplace migrate` with the owner's address")]
    NotSetUp,
    /// The catalogs can't be read.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The report can't be printed.
    #[error(transparent)]
    Print(#[from] std::io::Error),
    /// Something has to be mended.
    #[error("the database isn't one to serve from until what is refused above is mended")]
    Refused,
}
