use tenantry_core::Unavailable;

use super::PostgresStore;
use super::connect::Begun;
use crate::migration::{LIBRARY, MigrateError, Migration, expect};
use crate::sql::{Connection as _, Statement, Value};

/// The steps that the database has seen, in their order.
pub(super) const VERSIONS: &str =
    "SELECT version FROM tenantry_directory.tenantry_migrations WHERE namespace = $1 ORDER BY version";

impl PostgresStore {
    /// That the application's tables of one name space are up to date: a service asks before it serves, since none of
    /// its logins may migrate. [`connect`](PostgresStore::connect) asks so of the library's own.
    ///
    /// ```no_run
    /// # use tenantry_storage::{Logins, Migration, PostgresOptions, PostgresStore};
    /// # const SHOP: &[Migration] = &[];
    /// # async fn open(logins: &Logins) -> Result<PostgresStore, Box<dyn std::error::Error>> {
    /// let store = PostgresStore::connect(logins, PostgresOptions::default()).await?;
    /// store.expect_migrated("shop", SHOP).await?;
    /// # Ok(store) }
    /// ```
    ///
    /// # Errors
    /// [`MigrateError::Behind`] before the [owner](super::PostgresOwner::migrate) has migrated,
    /// [`MigrateError::Newer`], [`MigrateError::Diverged`], [`MigrateError::Order`], [`MigrateError::Reserved`],
    /// [`MigrateError::Commit`].
    pub async fn expect_migrated(
        &self,
        namespace: &'static str,
        migrations: &[Migration],
    ) -> Result<(), MigrateError> {
        if namespace == LIBRARY {
            return Err(MigrateError::Reserved);
        }
        let doing = "say which tables it has";
        let begun = Begun::begin(&self.inner.home.reads, "BEGIN READ ONLY").await;
        let mut begun = begun.map_err(|error| Unavailable::new(doing, error))?;
        let versions = Statement::new(VERSIONS, [Value::text(namespace)]);
        let seen = begun.rows::<(i64,)>(versions).await.map_err(|error| error.unavailable(doing))?;
        expect(namespace, migrations, &seen.into_iter().map(|(version,)| version).collect::<Vec<_>>())
    }
}
