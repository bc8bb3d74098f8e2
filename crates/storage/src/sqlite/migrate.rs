use std::sync::Arc;

use sqlx::SqliteConnection;
use tenantry_core::{Clock, Unavailable};

use super::SqliteStore;
use super::statement::rows;
use super::writer::write;
use crate::migration::{LIBRARY, MigrateError, Migration, expect, pending};
use crate::sql::{Statement, Value};

/// The store's own tables.
pub(super) const STEPS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("schema.sql") },
    Migration { version: 2, sql: include_str!("changes.sql") },
    Migration { version: 3, sql: include_str!("access.sql") },
    Migration { version: 4, sql: include_str!("orders.sql") },
];

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
        if namespace == LIBRARY {
            return Err(MigrateError::Reserved);
        }
        self.run_migrations(namespace, migrations).await
    }

    /// That the tables of one name space are up to date, without touching them: for a program that serves and leaves
    /// it to another to migrate.
    ///
    /// # Errors
    /// [`MigrateError::Behind`] before they are brought up to date, [`MigrateError::Newer`],
    /// [`MigrateError::Diverged`], [`MigrateError::Order`], [`MigrateError::Reserved`], [`MigrateError::Commit`].
    pub async fn expect_migrated(
        &self,
        namespace: &'static str,
        migrations: &[Migration],
    ) -> Result<(), MigrateError> {
        if namespace == LIBRARY {
            return Err(MigrateError::Reserved);
        }
        let versions = Statement::new(VERSIONS, [Value::text(namespace)]);
        let seen = rows::<(i64,)>(&self.inner.reads, versions, SEEING).await?;
        expect(namespace, migrations, &seen.into_iter().map(|(version,)| version).collect::<Vec<_>>())
    }

    pub(super) async fn run_migrations(
        &self,
        namespace: &'static str,
        migrations: &[Migration],
    ) -> Result<(), MigrateError> {
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
    for step in pending(namespace, migrations, &seen)? {
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

const VERSIONS: &str = "SELECT version FROM tenantry_migrations WHERE namespace = $1 ORDER BY version";

const SEEING: &str = "say which tables it has";

/// The steps that the file has seen, in their order.
async fn seen(connection: &mut SqliteConnection, namespace: &str) -> Result<Vec<i64>, Unavailable> {
    let failed = |error: sqlx::Error| Unavailable::new(SEEING, error);
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS tenantry_migrations (namespace TEXT NOT NULL, version INTEGER NOT NULL, \
         applied_at INTEGER NOT NULL, PRIMARY KEY (namespace, version)) STRICT, WITHOUT ROWID",
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query_scalar(VERSIONS).bind(namespace).fetch_all(&mut *connection).await.map_err(failed)
}
