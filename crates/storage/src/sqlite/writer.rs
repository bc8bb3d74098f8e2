use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use tenantry_core::{CommitError, Unavailable};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::connect::{self, Watch};
use super::statement::failed;
use super::{Inner, OpenError};
use crate::sql::SqlError;

/// The one write connection of the process, and the turns that writers take. Clones share it.
#[derive(Clone)]
pub(super) struct Writer {
    slot: Arc<Mutex<Slot>>,
    lock_wait: Duration,
}

/// Whoever has its turn.
pub(super) type Turn = OwnedMutexGuard<Slot>;

impl Writer {
    pub(super) async fn open(path: &Path, lock_wait: Duration) -> Result<Self, OpenError> {
        let options = connect::write_options(path, lock_wait);
        let opened = connect::writer(&options, lock_wait).await;
        let (connection, watch) =
            opened.map_err(|error| OpenError::Unavailable(Unavailable::new("open its file", error)))?;
        let slot = Slot { connection, watch, is_inside: false, options, lock_wait };
        Ok(Self { slot: Arc::new(Mutex::new(slot)), lock_wait })
    }

    /// Waits for the turn, in the order of asking. The connection is outside of any transaction.
    pub(super) async fn take(&self) -> Result<Turn, CommitError> {
        let waiting = tokio::time::timeout(self.lock_wait, Arc::clone(&self.slot).lock_owned());
        let mut turn = waiting.await.map_err(|_| CommitError::Busy)?;
        turn.leave().await.map_err(|error| error.while_doing("end an abandoned transaction"))?;
        Ok(turn)
    }

    /// Ends what was left open, now rather than when the next writer comes: other processes wait for it.
    pub(super) async fn tidy(self) {
        drop(self.take().await);
    }

    pub(super) fn lock_wait(&self) -> Duration {
        self.lock_wait
    }
}

/// The write connection.
pub(super) struct Slot {
    connection: SqliteConnection,
    watch: Arc<Watch>,
    /// Whether it may be inside a transaction. True from before the first command until after the last.
    is_inside: bool,
    options: SqliteConnectOptions,
    lock_wait: Duration,
}

impl Slot {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Begins a transaction and takes SQLite's write lock with it.
    pub(super) async fn begin(&mut self) -> Result<(), SqlError> {
        self.is_inside = true;
        self.watch.was_rolled_back.store(false, Ordering::Release);
        let begun = self.command("BEGIN IMMEDIATE").await;
        if let Err(SqlError::Busy(_)) = begun {
            self.is_inside = false;
        }
        begun
    }

    /// Whether the transaction that was begun is still there.
    pub(super) fn still_stands(&self) -> Result<(), SqlError> {
        if self.is_inside && !self.watch.was_rolled_back.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err(SqlError::Failed("the database rolled the transaction back".into()))
        }
    }

    /// Makes the transaction durable. Whatever happens, it is over then.
    pub(super) async fn commit(&mut self) -> Result<(), SqlError> {
        let committed = match self.still_stands() {
            Ok(()) => {
                self.watch.may_commit.store(true, Ordering::Release);
                let committed = self.command("COMMIT").await;
                self.watch.may_commit.store(false, Ordering::Release);
                committed
            }
            lost => lost,
        };
        match committed {
            Ok(()) => {
                self.is_inside = false;
                Ok(())
            }
            Err(error) => {
                self.leave().await?;
                Err(error)
            }
        }
    }

    /// Leaves the transaction, if there is one, without a trace. A connection that can't is replaced.
    pub(super) async fn leave(&mut self) -> Result<(), SqlError> {
        if !self.is_inside {
            return Ok(());
        }
        let was_rolled_back = self.watch.was_rolled_back.load(Ordering::Acquire);
        let left = self.command("ROLLBACK").await;
        if left.is_err() && !was_rolled_back {
            let opened = connect::writer(&self.options, self.lock_wait).await.map_err(failed)?;
            (self.connection, self.watch) = opened;
        }
        self.is_inside = false;
        Ok(())
    }

    /// Marks a place in the transaction to come back to.
    pub(super) async fn mark(&mut self) -> Result<(), SqlError> {
        self.still_stands()?;
        self.command("SAVEPOINT tenantry_batch").await
    }

    /// Keeps what was done since the mark.
    pub(super) async fn keep(&mut self) -> Result<(), SqlError> {
        self.still_stands()?;
        self.command("RELEASE tenantry_batch").await
    }

    /// Undoes what was done since the mark.
    pub(super) async fn undo(&mut self) -> Result<(), SqlError> {
        self.still_stands()?;
        self.command("ROLLBACK TO tenantry_batch").await?;
        self.command("RELEASE tenantry_batch").await
    }

    async fn command(&mut self, sql: &'static str) -> Result<(), SqlError> {
        sqlx::query(sql).execute(&mut self.connection).await.map(drop).map_err(failed)
    }
}

/// What is done with the connection inside a transaction.
pub(super) type Step<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

/// Does `work` in a transaction of its own, to its end whether or not the caller still waits; undone when it
/// fails.
pub(super) async fn write<T, E, F>(store: &Arc<Inner>, work: F) -> Result<T, E>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> Step<'c, T, E> + Send + 'static,
    T: Send + 'static,
    E: From<CommitError> + Send + 'static,
{
    store.holders.refuse_nested()?;
    let writer = store.writer.clone();
    let detached = tokio::spawn(async move {
        let mut turn = writer.take().await?;
        turn.begin().await.map_err(|error| error.while_doing("begin a transaction"))?;
        let done = work(turn.connection()).await;
        let ended = match &done {
            Ok(_) => turn.commit().await,
            Err(_) => turn.leave().await,
        };
        ended.map_err(|error| error.while_doing("end a transaction"))?;
        done
    });
    detached.await.map_err(|error| CommitError::from(Unavailable::new("end a transaction", error)))?
}
