use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection};
use tenantry_core::{CommitError, InTenant, TenantId, Unavailable};

use super::SqliteStore;

/// After how many of SQLite's instructions a statement looks whether somebody still waits for it: some tens of
/// microseconds.
const LOOKS_EVERY: i32 = 1_000;

/// A read-only transaction of the application's own, for one tenant. What is read in it is as it was at one instant,
/// that of its first statement, whatever is committed meanwhile; SQLite itself refuses to write. Nobody waits for it,
/// and there is nothing to commit: end it by dropping it, which also stops a statement that is under way.
///
/// SQLite has no second lock: name the [`tenant`](TenantRead::tenant) in each statement. Statements and row types that
/// do so mean the same in `PostgresStore::read`.
///
/// ```
/// # use tenantry_core::Caller;
/// # use tenantry_storage::SqliteStore;
/// #[derive(sqlx::FromRow)]
/// struct Listing {
///     slug: String,
///     title: String,
/// }
///
/// async fn listings(
///     store: &SqliteStore,
///     caller: &Caller,
/// ) -> Result<Vec<Listing>, Box<dyn std::error::Error>> {
///     let mut tx = store.read(caller).await?;
///     let listings = sqlx::query_as("SELECT slug, title FROM listings WHERE tenant_id = $1 ORDER BY slug")
///         .bind(tx.tenant().as_uuid())
///         .fetch_all(tx.connection())
///         .await?;
///     Ok(listings)
/// }
/// ```
#[must_use = "a transaction that is dropped is over"]
pub struct TenantRead {
    tenant: TenantId,
    is_left: Arc<AtomicBool>,
    connection: PoolConnection<Sqlite>,
}

impl SqliteStore {
    /// Begins a transaction for reading one tenant's rows, over one of the [`readers`](SqliteStore::readers). It may be
    /// begun while the same task holds a [`TenantTx`](super::TenantTx), of which it sees nothing.
    ///
    /// # Errors
    /// [`CommitError::Busy`] when no connection came free in time, [`CommitError::Unavailable`].
    pub async fn read(&self, tenant: &impl InTenant) -> Result<TenantRead, CommitError> {
        let connection = self.inner.lent.acquire().await.map_err(|error| match error {
            sqlx::Error::PoolTimedOut => CommitError::Busy,
            error => Unavailable::new("lend a connection", error).into(),
        })?;
        let is_left = Arc::new(AtomicBool::new(false));
        let mut begun = TenantRead { tenant: tenant.scope().tenant(), is_left, connection };
        begun.begin().await.map_err(|error| Unavailable::new("begin a transaction", error))?;
        Ok(begun)
    }
}

impl TenantRead {
    /// The tenant that the transaction was begun for.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The connection, for the application's own statements.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// The pool takes both back when it gets the connection back: see [`super::connect::come_back`].
    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let is_left = Arc::clone(&self.is_left);
        let mut handle = self.connection.lock_handle().await?;
        handle.set_progress_handler(LOOKS_EVERY, move || !is_left.load(Ordering::Relaxed));
        drop(handle);
        sqlx::query("BEGIN").execute(&mut *self.connection).await.map(drop)
    }
}

impl Drop for TenantRead {
    fn drop(&mut self) {
        self.is_left.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for TenantRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantRead").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
