use std::ops::{Deref, DerefMut};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgTransactionManager};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool, Postgres, Row as _, SqlSafeStr as _};
use sqlx_core::transaction::TransactionManager as _;
use tenantry_core::{CommitError, Unavailable};

use super::session::{Session, clean};
use super::{ConnectError, PostgresOptions};

/// How many statements a connection keeps prepared.
const PREPARED: usize = 512;

/// Connections of one login.
#[derive(Clone)]
pub(super) struct Pool {
    connections: PgPool,
    /// What each transaction begins with, before its own command.
    opening: Arc<str>,
}

impl Pool {
    /// At most this many connections, made when they are needed. `is_cleaned` where SQL may run that was injected.
    /// Each new one tells `shown` how many bytes of a command its server shows.
    pub(super) fn new(
        login: &'static str,
        address: &str,
        most: u32,
        options: &PostgresOptions,
        is_cleaned: bool,
        shown: Option<&Arc<AtomicUsize>>,
    ) -> Result<Self, ConnectError> {
        let connect = PgConnectOptions::from_str(address)
            .map_err(|source| ConnectError::Address { login, source })?
            .application_name("tenantry")
            .statement_cache_capacity(if options.is_pooled { 0 } else { PREPARED });
        let connect = if options.is_pooled { connect.extra_float_digits(None) } else { connect };
        let pool = PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(options.wait)
            .test_before_acquire(false);
        let (session, within) = (Session::of(options.is_pooled, is_cleaned), options.wait);
        let pool = match session {
            Session::Cleaned => pool.after_release(move |connection, _| Box::pin(clean(connection, within))),
            Session::Trusted | Session::Pooled | Session::PooledAndCleaned => pool,
        };
        let pool = match shown.cloned() {
            Some(shown) => pool.after_connect(move |connection, _| {
                let shown = Arc::clone(&shown);
                Box::pin(async move {
                    let bytes = sqlx::raw_sql(SHOWN).fetch_one(connection).await?.try_get::<i64, _>(0)?;
                    shown.store(usize::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
                    Ok(())
                })
            }),
            None => pool,
        };
        Ok(Self { connections: pool.connect_lazy_with(connect), opening: session.opening().into() })
    }

    /// A command that begins a transaction in one of its sessions.
    pub(super) fn opening(&self, begin: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe([&self.opening, begin].concat())
    }
}

impl Deref for Pool {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        &self.connections
    }
}

const SHOWN: &str =
    "SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('track_activity_query_size'))";

/// A transaction that has begun. Dropped, it is over before anybody else gets the connection, wherever its future was
/// when it was dropped.
#[derive(Debug)]
pub(super) struct Begun {
    connection: PoolConnection<Postgres>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A command that begins or ends the transaction is under way: nobody knows whether it is open, and a connection
    /// that is left here is closed.
    Between,
    Open,
}

impl Begun {
    /// Begins with one command, in one round trip. A connection that the server has closed meanwhile is replaced, at
    /// most once for each that the pool may hold.
    pub(super) async fn begin(pool: &Pool, command: &str) -> Result<Self, CommitError> {
        Self::begin_with(pool, || command.to_owned()).await
    }

    /// The same with a command that is made when a connection is there.
    pub(super) async fn begin_with(pool: &Pool, command: impl Fn() -> String) -> Result<Self, CommitError> {
        let mut tries = pool.options().get_max_connections();
        loop {
            let connection = pool.acquire().await.map_err(|error| refused(error, "lend a connection"))?;
            let mut begun = Self { connection, stage: Stage::Between };
            let command = pool.opening(&command()).into_sql_str();
            match PgTransactionManager::begin(&mut begun.connection, Some(command)).await {
                Ok(()) => {
                    begun.stage = Stage::Open;
                    return Ok(begun);
                }
                Err(error) if is_broken(&error) && tries > 0 => tries -= 1,
                Err(error) => return Err(refused(error, "begin a transaction")),
            }
        }
    }

    /// Makes the transaction durable. It runs to its end, whether or not the caller still waits. A transaction in
    /// which a statement has failed is refused: the server would roll it back and call that a success.
    /// `then` is done once it is durable, before the caller knows.
    pub(super) async fn commit(mut self, then: impl FnOnce() + Send + 'static) -> Result<(), CommitError> {
        let committed = tokio::spawn(async move {
            self.stage = Stage::Between;
            let done = self.connection.execute(COMMIT).await;
            done.map_err(|error| refused(error, "commit a transaction"))?;
            self.stage = Stage::Open;
            drop(self);
            then();
            Ok(())
        });
        committed.await.map_err(|error| Unavailable::new("commit a transaction", error))?
    }

    /// Ends the transaction without a trace, and waits until it is gone.
    pub(super) async fn rollback(mut self) -> Result<(), CommitError> {
        self.stage = Stage::Between;
        while PgTransactionManager::get_transaction_depth(&self.connection) > 0 {
            let rolled_back = PgTransactionManager::rollback(&mut self.connection).await;
            rolled_back.map_err(|error| refused(error, "roll a transaction back"))?;
        }
        self.stage = Stage::Open;
        Ok(())
    }
}

/// Fails where a statement before it has failed. The empty transaction that follows keeps the connection's own idea
/// of being inside one true: it is rolled back, without a round trip of its own, when the connection is given back.
const COMMIT: &str = "SELECT 1; COMMIT; BEGIN";

impl Deref for Begun {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Begun {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.stage == Stage::Between {
            self.connection.close_on_drop();
            return;
        }
        while PgTransactionManager::get_transaction_depth(&self.connection) > 0 {
            PgTransactionManager::start_rollback(&mut self.connection);
        }
    }
}

/// PostgreSQL's codes for a lock that somebody else holds too long.
const BUSY: [&str; 2] = ["55P03", "40P01"];

pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| BUSY.contains(&code.as_ref()))
}

/// Whether the connection itself is gone, or the server is ending it.
pub(super) fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

pub(super) fn refused(error: sqlx::Error, doing: &'static str) -> CommitError {
    if is_busy(&error) || matches!(error, sqlx::Error::PoolTimedOut) {
        CommitError::Busy
    } else {
        Unavailable::new(doing, error).into()
    }
}
