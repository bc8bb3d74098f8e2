//! Everything the provider knows, in one SQLite file. The file is also the queue of events.

mod checkouts;
mod events;
mod refunds;
mod settings;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, SqlitePool, Transaction};

pub(crate) use checkouts::{CheckoutRow, Made};
pub(crate) use events::Parcel;

const SCHEMA: &str = include_str!("schema.sql");
const WAIT_FOR_PREDECESSOR: Duration = Duration::from_secs(5);

/// The state file, open for this process alone.
///
/// There is one connection: every statement waits for the one before it, and every transaction takes the
/// write lock when it begins.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pool: SqlitePool,
    clock: Clock,
}

impl State {
    /// Opens or makes the file, and makes every waiting event due at once.
    pub(crate) async fn open(file: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .foreign_keys(true)
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(WAIT_FOR_PREDECESSOR);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        let state = Self { pool, clock: Clock::start() };
        state.make_due().await?;
        Ok(state)
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }

    /// Milliseconds on the clock that the queue goes by.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }
}

/// Unix milliseconds that never go back while the process runs: the wall clock of its start, and from
/// then on the monotonic one.
#[derive(Debug, Clone, Copy)]
struct Clock {
    started: Instant,
    wall: i64,
}

impl Clock {
    fn start() -> Self {
        Self { started: Instant::now(), wall: Timestamp::now().as_millisecond() }
    }

    fn now(&self) -> i64 {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.wall.saturating_add(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::refusal::Refusal;
    use crate::secret::Secret;
    use crate::values::Reference;
    use crate::wire::{Controls, NewCheckout, Outcome, Redelivery};

    async fn paid(state: &State, reference: &str) -> Result<CheckoutRow, Refusal> {
        let reference = Reference::try_from(reference.to_owned()).unwrap();
        let new: NewCheckout = serde_json::from_str(r#"{"amount": 1, "currency": "USD"}"#).unwrap();
        let id = Secret::from_hex(&"01".repeat(32)).unwrap().checkout_id(&reference);
        state.open_checkout(&id, &reference, &new).await.unwrap();
        state.pay(&id, Outcome::Paid).await
    }

    #[tokio::test]
    async fn a_restart_forgets_pauses() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("state.db");
        let state = State::open(&file).await.unwrap();
        paid(&state, "order-1").await.unwrap();
        let heads = state.heads(Controls::default(), state.now()).await.unwrap();
        state.failed(heads[0].parcel.seq, Duration::from_secs(3600), 10).await.unwrap();
        let now = state.now();
        assert!(state.heads(Controls::default(), now).await.unwrap()[0].due >= now + 3_590_000);
        state.pool.close().await;

        let state = State::open(&file).await.unwrap();
        let now = state.now();
        let heads = state.heads(Controls::default(), now).await.unwrap();
        assert_eq!((heads[0].due, heads[0].parcel.failures), (now, 1));
    }

    #[tokio::test]
    async fn the_queue_is_bounded() {
        let folder = TempDir::new().unwrap();
        let state = State::open(&folder.path().join("state.db")).await.unwrap();
        paid(&state, "order-1").await.unwrap();
        sqlx::query(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10010)
             INSERT INTO events (id, checkout, kind, body, state, acknowledged, failures, queued_at, next_attempt_at)
             SELECT 'evt_' || i, 'order-1', 'checkout.failed', '{}', 'delivered', 1, 0, 0, 0 FROM n",
        )
        .execute(&state.pool)
        .await
        .unwrap();
        let all = Redelivery { event: None, all: Some(true) };
        let requeued = state.redeliver(&all).await.unwrap();
        assert_eq!((requeued.queued, requeued.left), (9_999, 11));
        assert!(matches!(paid(&state, "order-2").await, Err(Refusal::QueueFull)));
        let seq = state.heads(Controls::default(), state.now()).await.unwrap()[0].parcel.seq;
        state.acknowledged(seq, 0).await.unwrap();
        assert!(paid(&state, "order-2").await.is_ok());
    }
}
