use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tenantry_core::Unavailable;

use super::SqliteOptions;
use super::statement::is_busy;

/// How long to wait before asking again for a lock that SQLite doesn't wait for.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// What the write connection tells about itself, and what it may do.
///
/// A transaction that SQLite ends by itself (a full disk, a trigger, a `COMMIT` among the application's
/// statements) would leave the statements after it to commit one by one: the hooks see to it that nothing is
/// committed but by the store.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) may_commit: AtomicBool,
    pub(super) was_rolled_back: AtomicBool,
}

/// Makes a file that isn't there yet so that nobody else can read it (mode 600): SQLite gives the files beside it
/// the same mode. One that is there keeps its own.
pub(super) fn keep_to_its_owner(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn write_options(path: &Path, lock_wait: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(lock_wait.min(Duration::from_secs(24 * 3600)))
}

/// The write connection, in write-ahead mode.
pub(super) async fn writer(
    options: &SqliteConnectOptions,
    lock_wait: Duration,
) -> Result<(SqliteConnection, Arc<Watch>), sqlx::Error> {
    let deadline = Instant::now() + lock_wait;
    let mut connection = loop {
        match open_in_write_ahead_mode(options).await {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            opened => break opened?,
        }
    };
    let watch = Arc::new(Watch::default());
    let (commits, rollbacks) = (Arc::clone(&watch), Arc::clone(&watch));
    let mut handle = connection.lock_handle().await?;
    handle.set_commit_hook(move || commits.may_commit.load(Ordering::Acquire));
    handle.set_rollback_hook(move || rollbacks.was_rolled_back.store(true, Ordering::Release));
    drop(handle);
    Ok((connection, watch))
}

async fn open_in_write_ahead_mode(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await?;
    if mode != "wal" {
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode = WAL").fetch_one(&mut connection).await?;
        if mode != "wal" {
            return Err(sqlx::Error::Protocol(format!("the file stays in journal mode {mode}")));
        }
    }
    Ok(connection)
}

/// What SQLite says to a `ROLLBACK` outside of any transaction.
const OUTSIDE: &str = "cannot rollback - no transaction is active";

/// Who reads over a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Borrower {
    /// The library: single statements only.
    Library,
    /// The application, which may leave a transaction open: a connection that came back inside one would read
    /// the past for ever.
    Application,
}

/// Connections that can't write.
pub(super) fn readers(path: &Path, options: &SqliteOptions, borrower: Borrower) -> SqlitePool {
    let connect = write_options(path, options.lock_wait)
        .create_if_missing(false)
        .read_only(true)
        .pragma("query_only", "ON");
    let pool = SqlitePoolOptions::new()
        .max_connections(options.readers)
        .acquire_timeout(options.lock_wait)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false);
    let pool = match borrower {
        Borrower::Library => pool,
        Borrower::Application => pool.after_release(|connection, _| Box::pin(come_back(connection))),
    };
    pool.connect_lazy_with(connect)
}

/// Takes from a connection what the application left in it: the handler that stops its statements first, which would
/// stop the next one too. Whether it may be lent again: one that sqlx counts inside a transaction may not, nor one that
/// can't leave one.
pub(super) async fn come_back(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let is_counted = connection.is_in_transaction();
    connection.lock_handle().await?.remove_progress_handler();
    let is_outside = match sqlx::query("ROLLBACK").execute(&mut *connection).await {
        Ok(_) => true,
        Err(error) => error.as_database_error().is_some_and(|error| error.message() == OUTSIDE),
    };
    Ok(is_outside && !is_counted)
}

/// How one connection is set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionPragmas {
    /// What the connection is for.
    pub of: ConnectionUse,
    /// `journal_mode`: `wal`.
    pub journal_mode: String,
    /// `synchronous`: 2 is FULL.
    pub synchronous: i64,
    /// `foreign_keys`: 1 is on.
    pub foreign_keys: i64,
    /// `query_only`: 1 for readers.
    pub query_only: i64,
    /// `busy_timeout`, in milliseconds.
    pub busy_timeout: i64,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionUse {
    /// The one write connection.
    Writes,
    /// The library's reads.
    Reads,
    /// The application's reads.
    ApplicationReads,
}

pub(super) async fn pragmas(
    connection: &mut SqliteConnection,
    of: ConnectionUse,
) -> Result<ConnectionPragmas, Unavailable> {
    let failed = |error: sqlx::Error| Unavailable::new("say how it is set", error);
    let journal_mode =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.map_err(failed)?;
    let mut numbers = [0_i64; 4];
    let questions = ["PRAGMA synchronous", "PRAGMA foreign_keys", "PRAGMA query_only", "PRAGMA busy_timeout"];
    for (number, question) in numbers.iter_mut().zip(questions) {
        *number = sqlx::query_scalar(question).fetch_one(&mut *connection).await.map_err(failed)?;
    }
    let [synchronous, foreign_keys, query_only, busy_timeout] = numbers;
    Ok(ConnectionPragmas { of, journal_mode, synchronous, foreign_keys, query_only, busy_timeout })
}

pub(super) async fn pool_pragmas(
    pool: &SqlitePool,
    of: ConnectionUse,
) -> Result<Vec<ConnectionPragmas>, Unavailable> {
    let mut taken = Vec::new();
    for _ in 0..pool.options().get_max_connections() {
        let connection = pool.acquire().await;
        taken.push(connection.map_err(|error| Unavailable::new("lend a connection", error))?);
    }
    let mut found = Vec::new();
    for connection in &mut taken {
        found.push(pragmas(connection, of).await?);
    }
    Ok(found)
}
