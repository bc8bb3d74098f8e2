use std::sync::Arc;

use sqlx::SqliteConnection;
use tenantry_core::{Clock, CommitError, Unavailable};

use super::SqliteStore;
use super::writer::write;

/// The store's own tables.
pub(super) const LIBRARY: &[Migration] = &[Migration { version: 1, sql: include_str!("schema.sql") }];

/// The name space of the store's own tables.
const OWN: &str = "tenantry";

/// One step in the history of an application's tables. What was applied once is never changed: to change a
/// table, add the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its number: above that of the step before.
    pub version: u32,
    /// The statements, separated by semicolons.
    pub sql: &'static str,
}

impl SqliteStore {
    /// Brings the tables of one name space up to date: applies, in one transaction, the steps that the file
    /// hasn't seen. Safe to call in several processes at once; calling it again changes nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tenantry_storage::{Migration, SqliteStore};
    ///
    /// const SHOP: &[Migration] = &[Migration {
    ///     version: 1,
    ///     sql: "CREATE TABLE listings (
    ///               tenant_id BLOB NOT NULL, slug TEXT NOT NULL, title TEXT NOT NULL,
    ///               PRIMARY KEY (tenant_id, slug)
    ///           ) STRICT, WITHOUT ROWID",
    /// }];
    ///
    /// let folder = tempfile::tempdir()?;
    /// let store = SqliteStore::open(folder.path().join("shop.db")).await?;
    /// store.migrate("shop", SHOP).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`MigrateError`]; on each of them no step was applied.
    pub async fn migrate(
        &self,
        namespace: &'static str,
        migrations: &[Migration],
    ) -> Result<(), MigrateError> {
        if namespace == OWN {
            return Err(MigrateError::Reserved);
        }
        self.run_migrations(namespace, migrations).await
    }

    pub(super) async fn run_migrations(
        &self,
        namespace: &'static str,
        migrations: &[Migration],
    ) -> Result<(), MigrateError> {
        let ascends = migrations.iter().zip(migrations.iter().skip(1)).all(|(a, b)| a.version < b.version);
        if !ascends || migrations.first().is_some_and(|first| first.version == 0) {
            return Err(MigrateError::Order { namespace });
        }
        let (migrations, clock) = (migrations.to_vec(), Arc::clone(&self.inner.options.clock));
        write(&self.inner, move |connection| {
            Box::pin(async move { apply(connection, namespace, &migrations, &*clock).await })
        })
        .await
    }
}

async fn apply(
    connection: &mut SqliteConnection,
    namespace: &'static str,
    migrations: &[Migration],
    clock: &dyn Clock,
) -> Result<(), MigrateError> {
    let seen = seen(connection, namespace).await?;
    let known = migrations.last().map_or(0, |last| last.version);
    if let Some(found) = seen.last().copied().filter(|found| *found > i64::from(known)) {
        return Err(MigrateError::Newer { namespace, found, known });
    }
    for (step, seen) in migrations.iter().zip(&seen) {
        if i64::from(step.version) != *seen {
            return Err(MigrateError::Diverged { namespace, version: step.version });
        }
    }
    for step in migrations.iter().skip(seen.len()) {
        let version = step.version;
        let failed = |source| MigrateError::Failed { namespace, version, source };
        sqlx::raw_sql(step.sql).execute(&mut *connection).await.map_err(failed)?;
        sqlx::query("INSERT INTO tenantry_migrations (namespace, version, applied_at) VALUES ($1, $2, $3)")
            .bind(namespace)
            .bind(version)
            .bind(clock.now().as_micros())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// The steps that the file has seen, in their order.
async fn seen(connection: &mut SqliteConnection, namespace: &str) -> Result<Vec<i64>, Unavailable> {
    let failed = |error: sqlx::Error| Unavailable::new("say which tables it has", error);
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS tenantry_migrations (namespace TEXT NOT NULL, version INTEGER NOT NULL, \
         applied_at INTEGER NOT NULL, PRIMARY KEY (namespace, version)) STRICT, WITHOUT ROWID",
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query_scalar("SELECT version FROM tenantry_migrations WHERE namespace = $1 ORDER BY version")
        .bind(namespace)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)
}

/// Why tables can't be brought up to date. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A newer version of the program has changed the tables.
    #[error(
        "the tables of {namespace} are at version {found} and this program knows them up to {known}: start the newer \
         program"
    )]
    Newer {
        /// Whose tables.
        namespace: &'static str,
        /// The version that the file is at.
        found: i64,
        /// The last version that the program knows.
        known: u32,
    },
    /// The file has seen other steps than the program's.
    #[error(
        "the tables of {namespace} have another history: step {version} was added before one that was applied"
    )]
    Diverged {
        /// Whose tables.
        namespace: &'static str,
        /// The first step that differs.
        version: u32,
    },
    /// The steps aren't in the order of their numbers.
    #[error("the migrations of {namespace} must be numbered from 1 up, each above the one before")]
    Order {
        /// Whose tables.
        namespace: &'static str,
    },
    /// `tenantry` is the name space of the store's own tables.
    #[error("the name space tenantry is the library's own: choose another")]
    Reserved,
    /// A statement failed.
    #[error("migration {version} of {namespace} failed")]
    Failed {
        /// Whose tables.
        namespace: &'static str,
        /// Which step.
        version: u32,
        /// What the database says.
        source: sqlx::Error,
    },
    /// The store can't be written now.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Unavailable> for MigrateError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Commit(unavailable.into())
    }
}
