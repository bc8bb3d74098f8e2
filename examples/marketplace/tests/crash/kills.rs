//! Kills, and what each of them hit.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::StdRng;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use super::purchases::{Keyed, Market};
use super::wal::{self, Extent, Lookout};
use crate::support::{Server, wait_until};

/// How long the lookout waits for a transaction before the server is killed anyway.
const LOOKOUT: Duration = Duration::from_secs(2);

/// When a server is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Whatever it does.
    Any,
    /// So long after a frame of a transaction is in the log, so many frames ahead of what is there now.
    AfterAFrame(u64, Duration),
}

impl Moment {
    fn draw(random: &mut StdRng, so_far: Tally) -> Self {
        let ahead = random.random_range(0..10);
        let delay = Duration::from_micros(random.random_range(0..500));
        match random.random_range(0..10) {
            _ if so_far.inside() * 2 < so_far.kills => Self::AfterAFrame(ahead, Duration::ZERO),
            0..3 => Self::Any,
            3..5 => Self::AfterAFrame(ahead, delay),
            _ => Self::AfterAFrame(ahead, Duration::ZERO),
        }
    }
}

/// How many kills hit what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) kills: usize,
    pub(super) torn: usize,
    pub(super) unanswered: usize,
    pub(super) providers: usize,
}

impl Tally {
    /// Whether enough kills were inside a commit to mean something.
    pub(super) fn means_something(&self) -> bool {
        self.inside() * 3 >= self.kills
    }

    /// The kills that landed after a transaction's first frame was written, and before who asked for it was
    /// answered.
    pub(super) fn inside(&self) -> usize {
        self.torn + self.unanswered
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inside, elsewhere) = (self.inside(), self.kills - self.inside());
        write!(
            f,
            "kills {}: inside a commit {inside} (incomplete frames {}, committed but unanswered {}), elsewhere \
             {elsewhere}; the provider alone before {} of them",
            self.kills, self.torn, self.unanswered, self.providers
        )
    }
}

/// Kills a server and finds out what it was doing.
#[derive(Debug)]
pub(super) struct Killer {
    log: PathBuf,
    database: PathBuf,
    before: Option<Extent>,
    known: HashSet<Keyed>,
    pub(super) tally: Tally,
}

impl Killer {
    pub(super) fn of(server: &Server) -> Self {
        let database = server.database();
        let log = PathBuf::from(format!("{}-wal", database.display()));
        Self { log, database, before: None, known: HashSet::new(), tally: Tally::default() }
    }

    /// Kills the provider that the server started, and nothing else.
    pub(super) fn kill_provider(&mut self, server: &Server) {
        let pid = provider_of(server.pid());
        let killed = std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
        assert!(killed.success());
        self.tally.providers += 1;
    }

    /// Kills the server at some moment, waits until it and its clients' requests are gone, and counts the kill as
    /// what it was.
    pub(super) fn kill(&mut self, server: &Server, market: &Market, random: &mut StdRng) {
        std::thread::sleep(Duration::from_millis(random.random_range(150..900)));
        if let Moment::AfterAFrame(ahead, delay) = Moment::draw(random, self.tally) {
            self.wait_for_a_frame(ahead, market);
            spin(delay);
        }
        server.kill();
        let unanswered = market.shut();
        self.tally.kills += 1;
        let extent = wal::extent(&self.log);
        let is_torn = extent.is_some_and(|extent| extent.is_torn()) && extent != self.before;
        self.before = extent;
        let done = self.look_into_a_copy();
        let lost = unanswered.iter().any(|key| done.contains(key) && !self.known.contains(key));
        self.known = done;
        if is_torn {
            self.tally.torn += 1;
        } else if lost {
            self.tally.unanswered += 1;
        }
    }

    /// Waits until a transaction begins to be written while a client waits for an answer that takes one.
    fn wait_for_a_frame(&self, ahead: u64, market: &Market) {
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

async fn read_copy(copy: &Path) -> sqlx::Result<HashSet<Keyed>> {
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(copy)).await?;
    let sound: String = sqlx::query_scalar("PRAGMA quick_check").fetch_one(&mut connection).await?;
    assert_eq!(sound, "ok", "the kill damaged the file");
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT operation, key FROM tenantry_keys").fetch_all(&mut connection).await?;
    let named = |operation: &str| {
        ["order.place", "order.accept", "order.cancel", "order.dispute", "order.resolve"]
            .into_iter()
            .find(|known| *known == operation)
    };
    Ok(rows.into_iter().filter_map(|(operation, key)| Some((named(&operation)?, key))).collect())
}

fn spin(delay: Duration) {
    let began = Instant::now();
    while began.elapsed() < delay {
        std::hint::spin_loop();
    }
}

/// The process that a server has started.
fn provider_of(server: u32) -> String {
    wait_until("the server's child", Duration::from_secs(5), || {
        let threads = std::fs::read_dir(format!("/proc/{server}/task")).ok()?;
        threads.flatten().find_map(|thread| {
            let children = std::fs::read_to_string(thread.path().join("children")).ok()?;
            children.split_whitespace().next().map(str::to_owned)
        })
    })
}
