//! Kills, and what each of them hit.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::files::Files;
use super::purchases::{Keyed, Market};
use super::sessions::Sessions;
use crate::support::{Database, Server, wait_until};

/// How long the lookout waits for a transaction before the server is killed anyway.
pub(super) const LOOKOUT: Duration = Duration::from_secs(2);

/// When a server is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Whatever it does.
    Any,
    /// So long after a transaction writes: the next write, or so many later.
    AfterAWrite(u64, Duration),
}

impl Moment {
    fn draw(random: &mut StdRng, so_far: Tally) -> Self {
        let ahead = random.random_range(0..10);
        let delay = Duration::from_micros(random.random_range(0..500));
        match random.random_range(0..10) {
            _ if so_far.inside() * 2 < so_far.kills => Self::AfterAWrite(ahead, Duration::ZERO),
            0..3 => Self::Any,
            3..5 => Self::AfterAWrite(ahead, delay),
            _ => Self::AfterAWrite(ahead, Duration::ZERO),
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

    /// The kills that landed after a transaction's first write, and before who asked for it was
    /// answered.
    pub(super) fn inside(&self) -> usize {
        self.torn + self.unanswered
    }
}

/// How a database is looked at from outside, without the program that writes it.
pub(super) trait Watch: fmt::Debug {
    /// Waits until a transaction writes, the next or one so many writes later, while a client waits for an answer that
    /// takes one; or for [`LOOKOUT`].
    fn wait_for_a_write(&mut self, ahead: u64, market: &Market);

    /// Looks at what the kill has left.
    fn left(&mut self) -> Left;
}

/// What a kill has left.
#[derive(Debug)]
pub(super) struct Left {
    /// Whether a transaction was cut off that had begun to write.
    pub(super) is_torn: bool,
    /// The keyed requests that were committed.
    pub(super) done: HashSet<Keyed>,
}

/// A keyed request by the names that are stored, if it is one of the clients'.
pub(super) fn keyed(operation: &str, key: String) -> Option<Keyed> {
    let known = ["order.place", "order.accept", "order.cancel", "order.dispute", "order.resolve"];
    known.into_iter().find(|known| *known == operation).map(|operation| (operation, key))
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inside, elsewhere) = (self.inside(), self.kills - self.inside());
        write!(
            f,
            "kills {}: inside a commit {inside} (not committed {}, committed but unanswered {}), elsewhere \
             {elsewhere}; the provider alone before {} of them",
            self.kills, self.torn, self.unanswered, self.providers
        )
    }
}

/// Kills a server and finds out what it was doing.
#[derive(Debug)]
pub(super) struct Killer {
    watch: Box<dyn Watch>,
    known: HashSet<Keyed>,
    pub(super) tally: Tally,
}

impl Killer {
    pub(super) fn of(server: &Server) -> Self {
        let watch: Box<dyn Watch> = match server.database() {
            Database::File(path) => Box::new(Files::of(path)),
            Database::OnServer(server) => Box::new(Sessions::of(server)),
        };
        Self { watch, known: HashSet::new(), tally: Tally::default() }
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
        if let Moment::AfterAWrite(ahead, delay) = Moment::draw(random, self.tally) {
            self.watch.wait_for_a_write(ahead, market);
            spin(delay);
        }
        server.kill();
        let unanswered = market.shut();
        self.tally.kills += 1;
        let Left { is_torn, done } = self.watch.left();
        let lost = unanswered.iter().any(|key| done.contains(key) && !self.known.contains(key));
        self.known = done;
        if is_torn {
            self.tally.torn += 1;
        } else if lost {
            self.tally.unanswered += 1;
        }
    }
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
