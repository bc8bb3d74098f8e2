//! The store in one SQLite file.

mod apply;
mod changes;
mod connect;
mod door;
mod migrate;
mod options;
mod own;
mod queue;
mod read;
mod reading;
mod statement;
mod trail;
mod tx;
mod work;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sqlx::SqlitePool;
use tenantry_core::{CommitError, Epochs, Unavailable};

pub use connect::{ConnectionPragmas, ConnectionUse};
pub use options::{OpenError, SqliteOptions};
pub use reading::TenantRead;
pub use tx::TenantTx;

use self::migrate::STEPS;
use self::queue::Queue;
use self::writer::Writer;
use crate::changes::follow_changes;
use crate::holder::Holders;
use crate::migration::LIBRARY;

/// A store in one SQLite file, for a laptop and for a service that runs on one machine.
///
/// The file is in write-ahead mode and every commit is synced (`synchronous=FULL`): what was answered is there
/// after a power cut. Readers never wait for writers. Writers take turns: within a process in the order in which
/// they came, batches that wait are folded into one transaction, each under a savepoint and with its own answer;
/// between processes SQLite's own lock decides. A wait is bounded by [`SqliteOptions::with_lock_wait`] and ends in
/// [`CommitError::Busy`].
///
/// Several processes may share the file. Each asks for the others' changes of tenants, members and roles
/// [every 250 ms](SqliteOptions::with_poll_every), in a task on the runtime that opened the store; one that
/// couldn't ask for 5 seconds answers that it is unavailable ([`Epochs::check_fresh`]) until it can.
///
/// The application keeps its own tables in the same file, all but those that are called `tenantry_…`: it makes
/// them with [`migrate`](SqliteStore::migrate), reads them in a [`TenantRead`] and writes them in a [`TenantTx`].
/// Clones share the store.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tenantry_core::WriteDoor;
/// use tenantry_storage::SqliteStore;
///
/// let folder = tempfile::tempdir()?;
/// let store = SqliteStore::open(folder.path().join("shop.db")).await?;
/// store.ping().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    options: SqliteOptions,
    epochs: Epochs,
    writer: Writer,
    queue: Queue,
    holders: Holders,
    /// The library's own reads: single statements, so that no connection is ever left inside a transaction.
    reads: SqlitePool,
    /// The application's reads.
    lent: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, makes it if it isn't there, and brings its tables up to date.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// Opens the file as `options` say.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let text = path.to_str().ok_or(OpenError::Path)?;
        if text.is_empty() || text.starts_with(':') || text.starts_with("file:") {
            return Err(OpenError::Path);
        }
        let made = connect::keep_to_its_owner(path);
        made.map_err(|error| OpenError::Unavailable(Unavailable::new("make its file", error)))?;
        let writer = Writer::open(path, options.lock_wait).await?;
        let store = Self {
            inner: Arc::new(Inner {
                reads: connect::readers(path, &options, connect::Borrower::Library),
                lent: connect::readers(path, &options, connect::Borrower::Application),
                epochs: Epochs::shared(Instant::now),
                queue: Queue::default(),
                holders: Holders::default(),
                writer,
                options,
            }),
        };
        store.run_migrations(LIBRARY, STEPS).await?;
        let followed = follow_changes(&store.inner, store.inner.options.poll_every).await;
        followed.map_err(OpenError::Unavailable)?;
        Ok(store)
    }

    /// Connections for the application's reads, at most as many as [`SqliteOptions::with_readers`] says. They
    /// can't write. What one tenant asks for is better read in a [`TenantRead`]; this is for what belongs to several.
    ///
    /// A read sees every commit that was answered before it. Name the tenant in each statement: SQLite has no
    /// second lock.
    #[must_use]
    pub fn readers(&self) -> &SqlitePool {
        &self.inner.lent
    }

    /// How each of the store's connections is set, read back from all of them: the write connection, the
    /// library's readers and the application's. It takes them all for a moment.
    ///
    /// # Errors
    /// [`CommitError::Nested`], [`CommitError::Busy`], [`CommitError::Unavailable`].
    pub async fn pragmas(&self) -> Result<Vec<ConnectionPragmas>, CommitError> {
        self.inner.holders.refuse_nested()?;
        let mut slot = self.inner.writer.take().await?;
        let mut found = vec![connect::pragmas(slot.connection(), ConnectionUse::Writes).await?];
        drop(slot);
        for (pool, of) in
            [(&self.inner.reads, ConnectionUse::Reads), (&self.inner.lent, ConnectionUse::ApplicationReads)]
        {
            found.extend(connect::pool_pragmas(pool, of).await?);
        }
        Ok(found)
    }
}

impl Inner {
    async fn ping(&self) -> Result<(), Unavailable> {
        statement::rows::<(i64,)>(&self.reads, crate::sql::ask::ping(), "answer").await.map(drop)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
