use tenantry::{ConnectError, Logins, MigrateError, OpenError, PostgresOptions, PostgresStore, SqliteStore};

use super::{Database, Store, schema};
use crate::settings::Settings;

/// Opens the database of the settings: makes the SQLite file where it isn't there; looks whether the PostgreSQL
/// database may be served from.
pub(crate) async fn open(settings: &Settings) -> Result<Store, DatabaseError> {
    let address = match &settings.database {
        Database::Sqlite(path) => {
            refuse_for_sqlite(settings)?;
            let store = SqliteStore::open(path).await?;
            schema::on_sqlite(&store).await?;
            return Ok(Store::Sqlite(store));
        }
        Database::Postgres(address) => address,
    };
    let writer = settings.writer_database.as_ref().ok_or(DatabaseError::NoWriter)?;
    let mut logins = Logins::new(address.expose(), writer.expose());
    if let Some(admin) = &settings.admin_database {
        logins = logins.with_admin(admin.expose());
    }
    if let Some(key) = &settings.sealing_key {
        logins = logins.with_sealing_key(key.clone());
    }
    let store = PostgresStore::connect(&logins, PostgresOptions::default()).await?;
    schema::expected_on_postgres(&store).await.map_err(DatabaseError::NotMigrated)?;
    Ok(Store::Postgres(store))
}

fn refuse_for_sqlite(settings: &Settings) -> Result<(), DatabaseError> {
    let given = [
        ("--writer-database", settings.writer_database.is_some()),
        ("--admin-database", settings.admin_database.is_some()),
        ("--sealing-key", settings.sealing_key.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(DatabaseError::OnlyPostgres(flag)),
        None => Ok(()),
    }
}

/// Why a database isn't served from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// A flag that makes sense with a PostgreSQL server only.
    #[error(
        "{0} goes with a PostgreSQL server, and --database is a SQLite file: leave it out, or give --database postgres://…"
    )]
    OnlyPostgres(&'static str),
    /// Without the writer's address nothing can be written.
    #[error(
        "--database is a PostgreSQL server: give the writer's address too, as --writer-database postgres://…; \
         `marketplace migrate --write-env FILE` writes all addresses to a file for --env-file"
    )]
    NoWriter,
    /// The SQLite file can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The marketplace's own tables can't be made.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The PostgreSQL database may not be served from.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The marketplace's own tables on the server aren't this program's.
    #[error(
        "the tables on the server aren't this program's; where they are behind, run `marketplace migrate` with the \
         owner's address"
    )]
    NotMigrated(#[source] MigrateError),
}
