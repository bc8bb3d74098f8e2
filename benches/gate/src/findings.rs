//! What was found, and where it is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tenantry_bench_measure::Machine;
use tokio::runtime::Runtime;

use crate::answers::{UNREACHED, compare, unreached};
use crate::asks::Kind;
use crate::composed::{self, Tokens};
use crate::in_process::{self, Answers, Way};
use crate::measure::{Effort, Measured};
use crate::ours::{self, Memory};
use crate::world::World;
use crate::{Fault, loopback, report, routes};

/// The handler with nothing around it.
pub(crate) const BARE: &str = "the bare handler";
/// The gate.
pub(crate) const OURS: &str = "the gate";
/// The gate with nothing to remember in.
pub(crate) const FORGETFUL: &str = "the gate, nothing remembered";
/// The peer.
pub(crate) const COMPOSED: &str = "composed";
/// The peer with a cache of its own.
pub(crate) const REMEMBERING: &str = "composed, tokens remembered";

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    pub(crate) is_quick: bool,
    pub(crate) machine: Machine,
    pub(crate) members: usize,
    pub(crate) effort: String,
    /// How many answers of each status were alike before anything was measured.
    pub(crate) alike: Vec<(u16, usize)>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) parts: Vec<Part>,
}

/// Some services that were asked the same.
#[derive(Debug, Serialize)]
pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) measured: Vec<Measured>,
}

/// What `tenantry-benches gate` found of one part of the gate.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    pub(crate) unit: String,
    pub(crate) ratio: f64,
}

#[derive(Deserialize)]
struct Parts {
    comparisons: Vec<Part>,
}

/// Compares answers, measures, prints, and writes the report.
///
/// # Errors
/// Whatever keeps it from measuring: answers that differ, too.
pub(crate) fn run(is_quick: bool, parts: Option<&Path>) -> Result<(), Fault> {
    let (effort, began) = (Effort::new(is_quick), Instant::now());
    let say = |what: &str| eprintln!("  {:>4} s  {what}", began.elapsed().as_secs());
    let parts = parts.map(read).transpose()?.unwrap_or_default();
    let mut machine = Machine::now();
    let runtime = Runtime::new()?;
    say("answers compared");
    let alike = runtime.block_on(compare(if is_quick { 50 } else { 500 }))?;
    say("tenants and members");
    let world = runtime.block_on(World::of(effort.tenants, unreached()?))?;
    let (good, mut cells) = (Kind::Allowed.draw(&world, effort.asks)?, vec![]);
    for (name, kind) in IN_PROCESS {
        say(name);
        let asks = kind.draw(&world, effort.asks)?;
        let mut ways = ways(&runtime, &world)?;
        cells.push(Cell { name, measured: in_process::measure(&mut ways, &good, &asks, effort)? });
    }
    say(LOOPBACK);
    let measured = runtime.block_on(async {
        let servers = [
            (BARE, loopback::serve(routes::bare()).await?),
            (OURS, loopback::serve(ours::service(&world, Memory::All)?).await?),
            (COMPOSED, loopback::serve(composed::service(&world, Tokens::Verified, UNREACHED).await?).await?),
            (
                REMEMBERING,
                loopback::serve(composed::service(&world, Tokens::Remembered, UNREACHED).await?).await?,
            ),
        ];
        loopback::measure(&servers, &good, effort).await
    })?;
    cells.push(Cell { name: LOOPBACK, measured });
    machine.ended();
    let Effort { tenants, asks, turn, cycles, spans, span } = effort;
    let effort = format!(
        "{asks} different requests of each kind among {tenants} tenants, {turn} of them in a turn, {cycles} turns; over \
         loopback {spans} turns of {} ms, {} connections",
        span.as_millis(),
        loopback::CONNECTIONS
    );
    let members = world.members.len();
    Findings { is_quick, machine, members, effort, alike, cells, parts }.end()
}

const IN_PROCESS: [(&str, Kind); 4] = [
    ("allowed, in process", Kind::Allowed),
    ("permission not held, in process", Kind::Denied),
    ("token of another tenant, in process", Kind::Stranger),
    ("forged token, in process", Kind::Forged),
];

const LOOPBACK: &str = "allowed, loopback";

fn ways<'a>(runtime: &'a Runtime, world: &World) -> Result<Vec<Way<'a>>, Fault> {
    let peer = |tokens| runtime.block_on(composed::service(world, tokens, UNREACHED));
    let drawn = Answers::AsDrawn;
    Ok(vec![
        Way::new(BARE, runtime, routes::bare(), Answers::Always),
        Way::new(OURS, runtime, ours::service(world, Memory::All)?, drawn),
        Way::new(COMPOSED, runtime, peer(Tokens::Verified)?, drawn),
        Way::new(REMEMBERING, runtime, peer(Tokens::Remembered)?, drawn),
        Way::new(FORGETFUL, runtime, ours::service(world, Memory::None)?, drawn),
    ])
}

impl Cell {
    pub(crate) fn way(&self, name: &str) -> Option<&Measured> {
        self.measured.iter().find(|measured| measured.way == name)
    }
}

impl Findings {
    fn end(self) -> Result<(), Fault> {
        let page = report::markdown(&self);
        println!("{page}");
        for path in self.write(&page)? {
            println!("written to {}", path.display());
        }
        Ok(())
    }

    /// Writes the numbers; the report goes to `docs/`, that of a quick run beside the numbers.
    fn write(&self, page: &str) -> Result<[PathBuf; 2], Fault> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).ok_or("no folder above")?;
        let numbers = root.join("target/bench");
        fs::create_dir_all(&numbers)?;
        let reports = if self.is_quick { numbers.clone() } else { root.join("docs") };
        let paths = [numbers.join("gate-composed.json"), reports.join("gate-bench.md")];
        fs::write(&paths[0], serde_json::to_vec_pretty(self)?)?;
        fs::write(&paths[1], page)?;
        Ok(paths)
    }
}

fn read(parts: &Path) -> Result<Vec<Part>, Fault> {
    Ok(serde_json::from_slice::<Parts>(&fs::read(parts)?)?.comparisons)
}
