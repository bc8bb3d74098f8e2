//! What was found, and where it is written.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tenantry_storage::testing::TestDatabase;
use tokio::runtime::Runtime;

use super::memory::Memory;
use super::one_trip::Soundness;
use super::pairs::Measured;
use super::question::Question;
use super::resolve::Resolved;
use super::rows::{Comparison, comparisons};
use super::way::Way;
use super::{Fault, document, plot};
use crate::machine::Machine;

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    pub(crate) is_quick: bool,
    pub(crate) has_peer: bool,
    pub(crate) machine: Machine,
    comparisons: Vec<Comparison>,
    pub(crate) trips: Vec<Trips>,
    pub(crate) close: Vec<Measured>,
    pub(crate) cells: Vec<Measured>,
    pub(crate) requests: Vec<Measured>,
    pub(crate) commits: Vec<Measured>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) resolved: Option<Resolved>,
    pub(crate) soundness: Soundness,
}

/// Round trips of one way.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Trips {
    #[serde(skip)]
    pub(crate) way: Way,
    name: &'static str,
    pub(crate) question: Question,
    /// Until the caller has its answer.
    pub(crate) answered: f64,
    /// Until the connection is free again.
    pub(crate) over: f64,
}

impl Trips {
    /// `steps`: the fewest until a use was answered, and those of all uses together. `None` where none were counted.
    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    pub(crate) fn over(way: Way, question: Question, steps: (u64, u64), asked: u64) -> Option<Self> {
        let each = |trips: u64| u32::try_from(trips).ok().map(f64::from);
        let asked = each(asked)?;
        let (answered, over) = (each(steps.0)?, each(steps.1)? / asked);
        (steps.1 > 0).then_some(Self { way, name: way.name(), question, answered, over })
    }
}

impl Findings {
    pub(crate) fn begun(
        runtime: &Runtime,
        database: &TestDatabase,
        is_quick: bool,
        has_peer: bool,
    ) -> Result<Self, Fault> {
        let machine = runtime.block_on(Machine::of(database))?;
        Ok(Self {
            is_quick,
            has_peer,
            machine,
            comparisons: vec![],
            trips: vec![],
            close: vec![],
            cells: vec![],
            requests: vec![],
            commits: vec![],
            memory: vec![],
            resolved: None,
            soundness: Soundness::default(),
        })
    }

    /// Everything was measured.
    pub(crate) fn end(&mut self) {
        self.machine.ended();
        self.comparisons = comparisons(self);
    }

    pub(crate) fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// The most tenants that there were.
    pub(crate) fn most(&self) -> usize {
        self.close.first().map_or(0, |measured| measured.cell.tenants)
    }

    /// Writes the numbers; the report and the plot go to `docs/`, those of a quick run beside the numbers.
    pub(crate) fn write(&self, is_quick: bool) -> Result<Vec<PathBuf>, Fault> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.parent().unwrap_or(package);
        let numbers = root.join("target/bench");
        std::fs::create_dir_all(&numbers)?;
        let reports = if is_quick { numbers.clone() } else { root.join("docs") };
        let files = [
            (numbers.join("isolation.json"), serde_json::to_string_pretty(self)?),
            (reports.join("isolation-bench.md"), document::markdown(self)),
            (reports.join("isolation-bench.svg"), plot::svg(self)),
        ];
        for (path, text) in &files {
            std::fs::write(path, text)?;
        }
        Ok(files.map(|(path, _)| path).to_vec())
    }
}
