//! What was found, what it is measured by, and where it is written.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use tenantry_bench_measure::{Machine, Spread};

use crate::cells::{EVERYBODY, READ_AND_BUILT};
use crate::measure::Measured;
use crate::memory::Memory;
use crate::ours::{BUILT, READ};
use crate::{Fault, plot, report};

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    pub(crate) is_quick: bool,
    pub(crate) machine: Machine,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) memory: Vec<Memory>,
    #[serde(skip)]
    began: Instant,
}

/// Some ways that were asked the same questions.
#[derive(Debug, Serialize)]
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) measured: Vec<Measured>,
}

/// One number, or two and their ratio.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    pub(crate) name: String,
    /// Nanoseconds.
    pub(crate) ours: f64,
    /// Nanoseconds; nothing where the name has no `against`.
    pub(crate) theirs: Option<f64>,
    /// Of ours to theirs, or ours where there are none.
    pub(crate) spread: Spread,
    pub(crate) aim: Option<Aim>,
}

/// What was hoped for.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aim {
    /// Nanoseconds at most.
    AtMost(f64),
    /// At least so many times as fast.
    TimesAsFast(f64),
    /// At most so many times as long.
    TimesAsLong(f64),
}

impl Comparison {
    /// Whether the aim is met; nothing where there is none.
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.aim.map(|aim| match aim {
            Aim::AtMost(nanos) => self.ours <= nanos,
            Aim::TimesAsFast(times) => self.spread.median * times <= 1.0,
            Aim::TimesAsLong(times) => self.spread.median <= times,
        })
    }

    pub(crate) fn loses(&self) -> bool {
        self.theirs.is_some_and(|theirs| self.ours > theirs)
    }
}

impl Cell {
    pub(crate) fn way(&self, name: &str) -> Option<&Measured> {
        self.measured.iter().find(|measured| measured.way == name)
    }

    fn ours(&self) -> Option<&Measured> {
        self.measured.first()
    }

    fn is_not_compared(measured: &Measured) -> bool {
        matches!(measured.way, EVERYBODY | READ | "the loop alone")
    }
}

impl Findings {
    pub(crate) fn begun(is_quick: bool) -> Self {
        let (comparisons, cells, memory) = (vec![], vec![], vec![]);
        Self { is_quick, machine: Machine::now(), comparisons, cells, memory, began: Instant::now() }
    }

    pub(crate) fn say(&self, what: &str) {
        eprintln!("  {:>4} s  {what}", self.began.elapsed().as_secs());
    }

    pub(crate) fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.name == name)
    }

    /// Everything was measured: it is compared, printed and written.
    pub(crate) fn end(mut self) -> Result<(), Fault> {
        self.machine.ended();
        self.comparisons = self.compared();
        report::print(&self);
        for path in self.write()? {
            println!("written to {}", path.display());
        }
        Ok(())
    }

    fn compared(&self) -> Vec<Comparison> {
        let mut all = vec![];
        for cell in &self.cells {
            let Some(ours) = cell.ours() else { continue };
            let alone = Comparison {
                name: cell.name.clone(),
                ours: ours.nanos,
                theirs: None,
                spread: ours.spread(),
                aim: aim_of_time(&cell.name),
            };
            all.push(alone);
            for theirs in cell.measured.iter().skip(1).filter(|measured| !Cell::is_not_compared(measured)) {
                let name = format!("{}, against {}", cell.name, theirs.way);
                all.push(Comparison {
                    aim: aim_of_ratio(&name),
                    ours: ours.nanos,
                    theirs: Some(theirs.nanos),
                    spread: ours.against(theirs),
                    name,
                });
            }
        }
        all.extend(self.above_the_read());
        all.extend(self.flatness());
        all
    }

    /// What making an authority adds to reading its roles, cycle by cycle.
    fn above_the_read(&self) -> Option<Comparison> {
        let cell = self.cell(READ_AND_BUILT)?;
        let (built, read) = (cell.way(BUILT)?, cell.way(READ)?);
        let added =
            Spread::of(built.cycles.iter().zip(&read.cycles).map(|(built, read)| built - read).collect());
        Some(Comparison {
            name: "authority built, above reading its roles".into(),
            ours: added.median,
            theirs: None,
            spread: added,
            aim: Some(Aim::AtMost(2_000.0)),
        })
    }

    /// Among many tenants against among one: cells of their own, so that no cycle of one goes with one of the other.
    fn flatness(&self) -> Vec<Comparison> {
        let among = |tenants: usize| self.cell(&format!("static check among {tenants} tenants"))?.ours();
        let Some(one) = among(1) else { return vec![] };
        let against = |tenants: usize| {
            let many = among(tenants)?;
            let ratio = many.nanos / one.nanos;
            Some(Comparison {
                name: format!("static check among {tenants} tenants, against among 1"),
                ours: many.nanos,
                theirs: Some(one.nanos),
                spread: Spread {
                    low: many.spread().low / one.spread().high,
                    median: ratio,
                    high: many.spread().high / one.spread().low,
                },
                aim: Some(Aim::TimesAsLong(1.1)),
            })
        };
        [100, 10_000, 100_000].into_iter().filter_map(against).collect()
    }

    /// Writes the numbers; the report and the plot go to `docs/`, those of a quick run beside the numbers.
    fn write(&self) -> Result<Vec<PathBuf>, Fault> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).ok_or("no folder above")?;
        let numbers = root.join("target/bench");
        std::fs::create_dir_all(&numbers)?;
        let reports = if self.is_quick { numbers.clone() } else { root.join("docs") };
        let files = [
            (numbers.join("access.json"), serde_json::to_string_pretty(self)?),
            (reports.join("access-bench.md"), report::markdown(self)?),
            (reports.join("access-bench.svg"), plot::svg(self)?),
        ];
        for (path, text) in &files {
            std::fs::write(path, text)?;
        }
        Ok(files.map(|(path, _)| path).to_vec())
    }
}

fn aim_of_time(name: &str) -> Option<Aim> {
    match name {
        "static check" => Some(Aim::AtMost(5.0)),
        "conditional check" => Some(Aim::AtMost(50.0)),
        _ => None,
    }
}

fn aim_of_ratio(name: &str) -> Option<Aim> {
    match name {
        "static check, against cedar 5 policies" => Some(Aim::TimesAsFast(100.0)),
        "static check, against casbin 100 rules" => Some(Aim::TimesAsFast(1_000.0)),
        _ => None,
    }
}
