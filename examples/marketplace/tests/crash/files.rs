//! A SQLite file and its log, as a kill leaves them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use super::kills::{LOOKOUT, Left, Watch, keyed};
use super::purchases::{Keyed, Market};
use super::wal::{self, Extent, Lookout};

/// Watches the write-ahead log.
#[derive(Debug)]
pub(super) struct Files {
    log: PathBuf,
    database: PathBuf,
    before: Option<Extent>,
}

impl Files {
    pub(super) fn of(database: &Path) -> Self {
        let log = PathBuf::from(format!("{}-wal", database.display()));
        Self { log, database: database.to_owned(), before: None }
    }

    /// Checks the files as the kill left them, in a copy, and reads from it which keyed requests were committed.
    fn look_into_a_copy(&self) -> HashSet<Keyed> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let copy = folder.path().join("copy.db");
        std::fs::copy(&self.database, &copy).unwrap();
        if self.log.exists() {
            std::fs::copy(&self.log, folder.path().join("copy.db-wal")).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(read_copy(&copy)).unwrap()
    }
}

impl Watch for Files {
    /// Waits until a transaction begins to be written while a client waits for an answer that takes one.
    fn wait_for_a_write(&mut self, ahead: u64, market: &Market) {
        let began = Instant::now();
        while let Some(mut lookout) = Lookout::ahead_of(&self.log, ahead) {
            while !lookout.sees_a_frame() {
                if began.elapsed() > LOOKOUT {
                    return;
                }
                std::hint::spin_loop();
            }
            if market.keyed_in_flight() > 0 {
                return;
            }
        }
    }

    fn left(&mut self) -> Left {
        let extent = wal::extent(&self.log);
        let is_torn = extent.is_some_and(|extent| extent.is_torn()) && extent != self.before;
        self.before = extent;
        Left { is_torn, done: self.look_into_a_copy() }
    }
}

async fn read_copy(copy: &Path) -> sqlx::Result<HashSet<Keyed>> {
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(copy)).await?;
    let sound: String = sqlx::query_scalar("PRAGMA quick_check").fetch_one(&mut connection).await?;
    assert_eq!(sound, "ok", "the kill damaged the file");
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT operation, key FROM tenantry_keys").fetch_all(&mut connection).await?;
    Ok(rows.into_iter().filter_map(|(operation, key)| keyed(&operation, key)).collect())
}
