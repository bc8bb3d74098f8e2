use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tenantry_core::{Clock, Unavailable};

use crate::{MigrateError, SystemClock};

/// How a [`SqliteStore`](super::SqliteStore) is opened.
///
/// ```
/// use std::time::Duration;
/// use tenantry_storage::SqliteOptions;
///
/// let options = SqliteOptions::default().with_readers(8).with_lock_wait(Duration::from_secs(2));
/// # drop(options);
/// ```
#[derive(Clone)]
#[must_use]
pub struct SqliteOptions {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) readers: u32,
    pub(super) lock_wait: Duration,
    pub(super) poll_every: Duration,
}

impl SqliteOptions {
    /// Takes the time from `clock` in place of the machine's.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Reads over at most `readers` connections at once, and lends the application as many: 4 if nobody says.
    /// 0 counts as 1.
    pub fn with_readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Waits at most this long for the turn to write within the process, and as long again for other processes:
    /// 5 seconds if nobody says.
    pub fn with_lock_wait(mut self, lock_wait: Duration) -> Self {
        self.lock_wait = lock_wait;
        self
    }

    /// Asks so often what other processes changed: every 250 ms if nobody says, at most
    /// [`LONGEST_PAUSE`](crate::LONGEST_PAUSE) apart.
    pub fn with_poll_every(mut self, poll_every: Duration) -> Self {
        self.poll_every = poll_every;
        self
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            readers: 4,
            lock_wait: Duration::from_secs(5),
            poll_every: Duration::from_millis(250),
        }
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("readers", &self.readers)
            .field("lock_wait", &self.lock_wait)
            .field("poll_every", &self.poll_every)
            .finish_non_exhaustive()
    }
}

/// Why a store can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The path names no file.
    #[error("a SQLite store needs the path of a file, in UTF-8: databases in memory aren't shared")]
    Path,
    /// The tables can't be brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The file can't be opened.
    #[error("the SQLite file can't be opened: look at its folder and its permissions")]
    Unavailable(#[source] Unavailable),
}
