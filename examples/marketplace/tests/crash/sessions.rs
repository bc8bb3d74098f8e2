//! A PostgreSQL server's sessions, as seen by the writer's login: it may look at its own.

use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};
use tokio::runtime::Runtime;

use super::kills::{LOOKOUT, Left, Watch, keyed};
use super::purchases::Market;
use crate::support::{OnServer, wait_until};

/// How long the server may take to notice that a killed client is gone.
const NOTICED: Duration = Duration::from_secs(30);

/// The transaction of a session that has written something and hasn't ended.
const WRITING: &str = "SELECT backend_xid::text FROM pg_stat_activity WHERE usename = current_user \
                       AND datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL";
const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                      AND pid <> pg_backend_pid() AND backend_type = 'client backend'";

/// Watches the writer's transactions.
#[derive(Debug)]
pub(super) struct Sessions {
    database: String,
    admin: String,
    runtime: Runtime,
    watcher: PgConnection,
    /// The transaction that was under way when the server was killed.
    seen: Option<String>,
}

impl Sessions {
    pub(super) fn of(server: &OnServer) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let address = |name: &str| server.setting(name).unwrap();
        let writer = address("MARKETPLACE_WRITER_DATABASE");
        let watcher = runtime.block_on(PgConnection::connect(&writer)).unwrap();
        let admin = address("MARKETPLACE_ADMIN_DATABASE");
        Self { database: server.name().to_owned(), admin, runtime, watcher, seen: None }
    }

    fn writing(&mut self) -> Option<String> {
        let found = sqlx::query_scalar(WRITING).fetch_optional(&mut self.watcher);
        self.runtime.block_on(found).unwrap()
    }

    fn others(&mut self) -> i64 {
        self.runtime.block_on(sqlx::query_scalar(OTHERS).fetch_one(&mut self.watcher)).unwrap()
    }

    /// Whether the transaction that was seen has come to nothing.
    fn is_torn(&mut self) -> bool {
        let Some(seen) = self.seen.take() else { return false };
        let status = sqlx::query_scalar("SELECT pg_xact_status($1::text::xid8)").bind(seen);
        let status: Option<String> = self.runtime.block_on(status.fetch_one(&mut self.watcher)).unwrap();
        status.as_deref() == Some("aborted")
    }
}

impl Watch for Sessions {
    /// Waits until a transaction has written something while a client waits for an answer that takes one.
    fn wait_for_a_write(&mut self, ahead: u64, market: &Market) {
        let (began, mut passed, mut last) = (Instant::now(), 0, None);
        while began.elapsed() < LOOKOUT {
            let writing = self.writing();
            if writing.is_some() && writing != last {
                passed += 1;
                last = writing;
                if passed > ahead && market.keyed_in_flight() > 0 {
                    self.seen = last;
                    return;
                }
            }
        }
    }

    fn left(&mut self) -> Left {
        wait_until("the sessions of a killed server to end", NOTICED, || (self.others() == 0).then_some(()));
        let is_torn = self.is_torn();
        let rows: Vec<(String, String)> = self
            .runtime
            .block_on(async {
                let mut admin = PgConnection::connect(&self.admin).await?;
                let rows = sqlx::query_as("SELECT operation, key FROM tenantry_keys");
                let rows = rows.fetch_all(&mut admin).await?;
                admin.close().await.map(|()| rows)
            })
            .unwrap_or_else(|error| panic!("the keys in {} can't be read: {error}", self.database));
        let done = rows.into_iter().filter_map(|(operation, key)| keyed(&operation, key)).collect();
        Left { is_torn, done }
    }
}
