//! What it costs that the database itself keeps tenants apart: the same questions by hand, through `PgTenantTx` with
//! row security, plain and sealed, through the nearest peer, and in SQLite.
//!
//! Everything that is compared is measured in one run, in short blocks that take turns (`pairs`); every answer is
//! checked to be the tenant's own.

mod commit;
mod document;
mod findings;
mod memory;
mod one_trip;
mod pace;
mod pairs;
mod peer;
mod plot;
mod question;
mod requests;
mod resolve;
mod round_trips;
mod rows;
mod tables;
pub(crate) mod tenants;
mod way;
mod ways;
mod wire;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tenantry::{SqliteStore, TenantCtx};
use tenantry_storage::testing::TestDatabase;
use tokio::runtime::Runtime;
use uuid::Uuid;

use self::commit::Commits;
use self::findings::{Findings, Trips};
use self::memory::{LOOKED_AT, Memory, MemoryJob};
use self::pace::{Ask as _, block};
use self::pairs::{Blocks, Measured, Warm, measure};
use self::peer::Peer;
use self::question::{Cell, Draw, Question, Spread};
use self::requests::Clients;
use self::round_trips::Proxy;
use self::tables::Wall;
use self::way::Way;
use self::ways::{Asker, OwnWay, Places, Ways};
use self::wire::PeerJob;

pub(crate) use self::memory::be_looked_at;

/// What goes wrong.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// Connections of each way.
const CONNECTIONS: u32 = 16;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Effort {
    sizes: &'static [usize],
    /// Of each way, for reads and for writes; the cycles of the cells that are looked at closely.
    cycles: u64,
    close_cycles: u64,
    read: Duration,
    write: Duration,
    warm: Duration,
    commit_cycles: u64,
    commit: Duration,
    request_cycles: u64,
    memory_millis: u64,
    resolve_rounds: usize,
    questions: &'static [Question],
}

const FULL: Effort = Effort {
    sizes: &[1, 1_000, 10_000],
    cycles: 7,
    close_cycles: 60,
    read: Duration::from_millis(15),
    write: Duration::from_millis(40),
    warm: Duration::from_millis(30),
    commit_cycles: 12,
    commit: Duration::from_millis(200),
    request_cycles: 20,
    memory_millis: 4_000,
    resolve_rounds: 41,
    questions: &Question::ALL,
};

const QUICK: Effort = Effort {
    sizes: &[1, 1_000],
    cycles: 1,
    close_cycles: 6,
    read: Duration::from_millis(5),
    write: Duration::from_millis(10),
    warm: Duration::from_millis(10),
    commit_cycles: 2,
    commit: Duration::from_millis(60),
    request_cycles: 2,
    memory_millis: 400,
    resolve_rounds: 5,
    questions: &Question::ALL,
};

/// Measures, prints, and writes `target/bench/isolation.json`; in full also `docs/isolation-bench.md` and `.svg`.
pub(crate) fn run(quick: bool, peer: Option<&Path>) -> Result<(), Fault> {
    let effort = if quick { QUICK } else { FULL };
    let runtime = Runtime::new()?;
    let world = World::make(&runtime, effort)?;
    let mut bench = world.bench(&runtime, effort, peer)?;
    let mut found = Findings::begun(&runtime, &world.plain, quick, peer.is_some())?;

    bench.say("round trips");
    found.trips = world.trips(peer)?;
    bench.say("one row by its key, closely");
    for at_once in [1, 16] {
        found.close.push(bench.closely(Question::Read, at_once, effort.close_cycles)?);
    }
    bench.say("one row changed, closely");
    for at_once in [1, 16] {
        found.close.push(bench.closely(Question::Update, at_once, effort.close_cycles / 3)?);
    }
    bench.say("every question");
    for size in effort.sizes {
        for database in [&world.bare, &world.plain, &world.sealed] {
            runtime.block_on(tables::tidy(database, *size))?;
        }
        for question in effort.questions {
            found.cells.extend(bench.everywhere(*question, *size)?);
        }
    }
    bench.say("requests");
    for at_once in [1, 16] {
        found.requests.push(bench.requests(at_once)?);
    }
    bench.say("commits");
    let mut commits = runtime.block_on(Commits::open(&runtime, &world.bare, &world.plain, effort.commit))?;
    for (at_once, spread) in [(1, Spread::Random), (64, Spread::Random), (64, Spread::Hot)] {
        let cell = Cell { question: Question::Update, tenants: commit::TENANTS, spread, at_once };
        found.commits.push(measure(&mut commits, cell, Way::COMMITTED, effort.commit_cycles)?);
    }
    drop(commits);
    bench.say("one round trip: soundness");
    let most = world.most();
    let app = &world.plain.addresses().app;
    found.soundness = runtime.block_on(one_trip::look(app, &world.tenants, most))?;
    drop(bench);
    eprintln!("  memory");
    found.memory = world.memory(&runtime, effort)?;
    eprintln!("  resolving");
    found.resolved = Some(resolve::measure(&runtime, most, effort.resolve_rounds)?);
    found.end();
    rows::print(&found);
    for written in found.write(quick)? {
        println!("written to {}", written.display());
    }
    Ok(())
}

/// The databases and the tenants in them. The databases go when this is dropped.
struct World {
    folder: tempfile::TempDir,
    tenants: Vec<TenantCtx>,
    bare: TestDatabase,
    plain: TestDatabase,
    sealed: TestDatabase,
    sqlite: SqliteStore,
    sizes: &'static [usize],
}

impl World {
    fn make(runtime: &Runtime, effort: Effort) -> Result<Self, Fault> {
        let sizes = effort.sizes;
        let most = sizes.iter().copied().max().unwrap_or(1);
        let folder = tempfile::tempdir()?;
        eprintln!("  {most} tenants, {} rows each in two tables", question::ROWS);
        runtime.block_on(async {
            let directory = SqliteStore::open(folder.path().join("directory.db")).await?;
            let app = tenants::platform(Arc::new(directory)).await?;
            tenants::register(&app, most).await?;
            let tenants = tenants::resolve(&app, most).await?;
            let ids: Vec<Uuid> = tenants.iter().map(|tenant| tenant.id().as_uuid()).collect();
            let bare = tables::fill(Wall::None, &ids, sizes).await?;
            let plain = tables::fill(Wall::Policy, &ids, sizes).await?;
            let sealed = tables::fill(Wall::Sealed, &ids, sizes).await?;
            for size in sizes {
                for database in [&bare, &plain, &sealed] {
                    tables::tidy(database, *size).await?;
                }
            }
            let sqlite = tables::fill_sqlite(folder.path(), &tenants, sizes, CONNECTIONS).await?;
            Ok(Self { folder, tenants, bare, plain, sealed, sqlite, sizes })
        })
    }

    fn most(&self) -> usize {
        self.sizes.iter().copied().max().unwrap_or(1)
    }

    fn ids(&self) -> Vec<Uuid> {
        self.tenants.iter().map(|tenant| tenant.id().as_uuid()).collect()
    }

    fn bench<'a>(
        &self,
        runtime: &'a Runtime,
        effort: Effort,
        peer: Option<&Path>,
    ) -> Result<Bench<'a>, Fault> {
        let (by_hand, app) = (&self.bare.addresses().app, &self.plain.addresses().app);
        let places = Places {
            by_hand,
            app,
            plain: self.plain.logins(),
            sealed: self.sealed.logins(),
            sqlite: Some(self.sqlite.clone()),
            connections: CONNECTIONS,
        };
        let ways = runtime.block_on(Ways::open(places, self.tenants.clone(), self.sizes))?;
        let job = PeerJob {
            by_hand: by_hand.clone(),
            app: app.clone(),
            tenants: self.ids(),
            connections: CONNECTIONS,
            is_stepped: false,
        };
        let peer = peer.map(|program| Peer::start(program, &job)).transpose()?;
        let (ways, began) = (Arc::new(ways), Instant::now());
        Ok(Bench { runtime, ways, peer, effort, most: self.most(), began })
    }

    /// Each way over one connection by way of a counting proxy, on one thread: nothing in the background runs before
    /// the count at an answer is taken.
    fn trips(&self, program: Option<&Path>) -> Result<Vec<Trips>, Fault> {
        let bare = self.bare.addresses();
        let (plain, sealed) = (self.plain.addresses(), self.sealed.addresses());
        let to_bare = Proxy::before(&bare.app)?;
        let (to_plain, to_sealed) = (Proxy::before(&plain.app)?, Proxy::before(&sealed.app)?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (by_hand, app) = (to_bare.through(&bare.app)?, to_plain.through(&plain.app)?);
        let key = self.sealed.key().ok_or("the sealed database has no key")?;
        let sealed = tenantry_storage::Logins::new(to_sealed.through(&sealed.app)?, &sealed.writer);
        let places = Places {
            by_hand: &by_hand,
            app: &app,
            plain: tenantry_storage::Logins::new(&app, &plain.writer),
            sealed: sealed.with_sealing_key(key.clone()),
            sqlite: None,
            connections: 1,
        };
        let ways = Arc::new(runtime.block_on(Ways::open(places, self.tenants.clone(), self.sizes))?);
        let job = PeerJob {
            by_hand: by_hand.clone(),
            app: app.clone(),
            tenants: self.ids(),
            connections: 1,
            is_stepped: true,
        };
        let mut peer = program.map(|program| Peer::start(program, &job)).transpose()?;
        let mut found = vec![];
        for (question, among) in
            [(Question::Read, Way::CLOSELY), (Question::Update, Way::everywhere(Question::Update))]
        {
            for way in among.iter().copied().filter(|way| *way != way::SQLITE) {
                let cell = Cell { question, tenants: self.most(), spread: Spread::Random, at_once: 1 };
                let count = || to_bare.trips() + to_plain.trips() + to_sealed.trips();
                let mut steps = (u64::MAX, 0);
                for seed in 0..2 * COUNTED {
                    let before = count();
                    match (way, &mut peer) {
                        (Way::Own(own), _) => {
                            let asker = Asker { way: own, ways: Arc::clone(&ways) };
                            let (tenant, key) = Draw::new(seed).row(cell);
                            runtime.block_on(asker.ask(cell, tenant, key))?;
                        }
                        (Way::Peer(peers), Some(peer)) => peer.once(peers, cell, seed)?,
                        _ => continue,
                    }
                    let answered = count() - before;
                    match (way, &mut peer) {
                        (Way::Peer(_), Some(peer)) => peer.settle()?,
                        _ => runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await }),
                    }
                    if seed >= COUNTED {
                        steps = (steps.0.min(answered), steps.1 + count() - before);
                    }
                }
                found.extend(Trips::over(way, question, steps, COUNTED));
            }
        }
        Ok(found)
    }

    fn memory(&self, runtime: &Runtime, effort: Effort) -> Result<Vec<Memory>, Fault> {
        let (plain, sealed) = (self.plain.addresses(), self.sealed.addresses());
        let key = self.sealed.key().ok_or("the sealed database has no key")?.expose();
        let mut found = vec![];
        for tenants in self.sizes.iter().copied().filter(|size| *size > 1 || self.sizes.len() == 1) {
            for (place, way) in LOOKED_AT.iter().enumerate() {
                let job = MemoryJob {
                    way: place,
                    tenants,
                    directory: self.folder.path().join("directory.db"),
                    by_hand: self.bare.addresses().app.clone(),
                    plain: [plain.app.clone(), plain.writer.clone()],
                    sealed: [sealed.app.clone(), sealed.writer.clone()],
                    key: key.clone(),
                    millis: effort.memory_millis,
                    connections: CONNECTIONS,
                };
                let database = match way {
                    OwnWay::Sealed => &self.sealed,
                    OwnWay::Tenantry => &self.plain,
                    _ => &self.bare,
                };
                let role = database.roles().app().to_string();
                found.push(memory::look(runtime, &job, &role, &database.addresses().admin)?);
            }
        }
        Ok(found)
    }
}

/// How many uses of a way are counted on the wire.
const COUNTED: u64 = 20;

/// What is measured with.
struct Bench<'a> {
    runtime: &'a Runtime,
    ways: Arc<Ways>,
    peer: Option<Peer>,
    effort: Effort,
    most: usize,
    began: Instant,
}

impl Bench<'_> {
    fn say(&self, what: &str) {
        eprintln!("  {:>4} s  {what}", self.began.elapsed().as_secs());
    }

    /// The ways that are there.
    fn there(&self, ways: &[Way]) -> Vec<Way> {
        ways.iter().copied().filter(|way| !matches!(way, Way::Peer(_)) || self.peer.is_some()).collect()
    }

    fn closely(&mut self, question: Question, at_once: usize, cycles: u64) -> Result<Measured, Fault> {
        let cell = Cell { question, tenants: self.most, spread: Spread::Random, at_once };
        let ways = if question == Question::Read { Way::CLOSELY } else { Way::everywhere(question) };
        measure(self, cell, &self.there(ways), cycles.max(1))
    }

    fn everywhere(&mut self, question: Question, tenants: usize) -> Result<Vec<Measured>, Fault> {
        let ways = self.there(Way::everywhere(question));
        let spreads: &[Spread] = if tenants == 1 { &[Spread::Hot] } else { &[Spread::Hot, Spread::Random] };
        let cycles = if question.is_write() { (self.effort.cycles / 2).max(1) } else { self.effort.cycles };
        let mut found = vec![];
        for spread in spreads {
            for at_once in [1, 16] {
                let cell = Cell { question, tenants, spread: *spread, at_once };
                found.push(measure(self, cell, &ways, cycles)?);
            }
        }
        Ok(found)
    }

    fn requests(&mut self, at_once: usize) -> Result<Measured, Fault> {
        let cell = Cell { question: Question::Read, tenants: self.most, spread: Spread::Random, at_once };
        let mut clients = BTreeMap::new();
        for way in self.there(Way::SERVED) {
            let port = match (way, &mut self.peer) {
                (Way::Own(own), _) => {
                    let asker = Asker { way: own, ways: Arc::clone(&self.ways) };
                    self.runtime.block_on(requests::serve(asker, cell))?
                }
                (Way::Peer(way), Some(peer)) => peer.serve(way, cell)?,
                _ => continue,
            };
            clients.insert(way, self.runtime.block_on(Clients::connect(port, at_once))?);
        }
        let ways: Vec<_> = self.there(Way::SERVED);
        let mut requests = Requests { runtime: self.runtime, effort: self.effort, clients };
        measure(&mut requests, cell, &ways, self.effort.request_cycles)
    }
}

impl Blocks for Bench<'_> {
    fn block(&mut self, way: Way, cell: Cell, seed: u64, warm: Warm) -> Result<f64, Fault> {
        let measured = if cell.question.is_write() { self.effort.write } else { self.effort.read };
        let (span, cell) = match warm {
            Warm::Up => (self.effort.warm, Cell { at_once: 16, ..cell }),
            Warm::Measured => (measured, cell),
        };
        let took = match (way, &mut self.peer) {
            (Way::Own(own), _) => {
                let asker = Asker { way: own, ways: Arc::clone(&self.ways) };
                self.runtime.block_on(block(&asker, cell, span, seed))?
            }
            (Way::Peer(way), Some(peer)) => peer.block(way, cell, span, seed)?,
            _ => return Err("no such way here".into()),
        };
        Ok(took)
    }
}

/// Measures requests.
struct Requests<'a> {
    runtime: &'a Runtime,
    effort: Effort,
    clients: BTreeMap<Way, Clients>,
}

impl Blocks for Requests<'_> {
    fn block(&mut self, way: Way, cell: Cell, seed: u64, warm: Warm) -> Result<f64, Fault> {
        let span = if warm == Warm::Up { self.effort.warm } else { self.effort.read * 2 };
        let clients = self.clients.get_mut(&way).ok_or("nothing serves this way")?;
        self.runtime.block_on(clients.block(cell, span, seed))
    }
}
