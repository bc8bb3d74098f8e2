//! What was found, as it is printed and written.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tenantry_bench_measure::Spread;

use super::Fault;
use super::cold::{Cold, TENANTS};
use super::lists::Paged;
use crate::machine::Machine;

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    is_quick: bool,
    machine: Machine,
    pub(crate) lists: Vec<Paged>,
    pub(crate) cold: Vec<Cold>,
}

impl Findings {
    pub(crate) fn begun(is_quick: bool, machine: Machine) -> Self {
        Self { is_quick, machine, lists: vec![], cold: vec![] }
    }

    /// Everything was measured: it is printed and written.
    pub(crate) fn end(mut self) -> Result<(), Fault> {
        self.machine.ended();
        let text = self.markdown();
        println!("{text}");
        for path in self.write(&text)? {
            println!("written to {}", path.display());
        }
        Ok(())
    }

    /// The numbers; the report goes to `docs/`, that of a quick run beside the numbers.
    fn write(&self, text: &str) -> Result<[PathBuf; 2], Fault> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.parent().unwrap_or(package);
        let numbers = root.join("target/bench");
        std::fs::create_dir_all(&numbers)?;
        let reports = if self.is_quick { numbers.clone() } else { root.join("docs") };
        let paths = [numbers.join("access-stores.json"), reports.join("access-stores-bench.md")];
        std::fs::write(&paths[0], serde_json::to_vec_pretty(self)?)?;
        std::fs::write(&paths[1], text)?;
        Ok(paths)
    }

    fn markdown(&self) -> String {
        let machine = self.machine.told();
        let quick = if self.is_quick {
            "\n\n**A quick run: it shows that the bench runs. Don't quote it.**"
        } else {
            ""
        };
        format!(
            "# What lists and cold resolves take\n\nWritten by `cargo xtask bench access`, after what a decision costs \
             ([access-bench.md](access-bench.md)). It starts a PostgreSQL server where `DATABASE_URL` names none.{quick}\n\n\
             {machine}\n\n{}\n{}\n{}",
            self.lists(),
            self.missed(),
            self.cold()
        )
    }

    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    fn lists(&self) -> String {
        let mut text = format!(
            "## Lists\n\nOne tenant's documents, a tenth as many of another's beside them, and an index for the owner and \
             one for the folder. What is found is what a check of each document allows. *By hand*: the statement \
             that somebody would write, with OR and IN. Times are medians in microseconds, the making of the statement \
             included. Touched: rows; on PostgreSQL as `EXPLAIN ANALYZE` counts them, on SQLite from the instructions of \
             the statement's program: what it runs more than over a table of nothing but the rows of that page, \
             at the price of passing a row by in a scan. Aim: a page and at most {} more, unless no index serves the \
             condition.\n\n\
             | store | documents | seen | page | rows | touched | by hand | µs | by hand | ratio | aim |\n\
             |---|--:|---|---|--:|--:|--:|--:|--:|--:|---|\n",
            Paged::CONSTANT
        );
        for paged in &self.lists {
            let Paged { store, among, seen, part, rows, touched: [touched, by_hand], took: [ours, theirs] } =
                paged;
            let (store, seen, part) = (store.name(), seen.name(), part.name());
            let aim = paged.is_met().map_or("–", |is_met| if is_met { "met" } else { "**missed**" });
            let (micros, theirs_micros, ratio) = (ours / 1e3, theirs / 1e3, ours / theirs);
            let _ = writeln!(
                text,
                "| {store} | {among} | {seen} | {part} | {rows} | {touched} | {by_hand} | {micros:.0} | \
                 {theirs_micros:.0} | {ratio:.2} | {aim} |"
            );
        }
        text
    }

    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    fn missed(&self) -> String {
        let mut text = "## Where it loses\n\n".to_owned();
        for paged in &self.lists {
            let [ours, theirs] = paged.took;
            let (store, among, seen) = (paged.store.name(), paged.among, paged.seen.name());
            let what = format!("{store}, {among} documents, {seen}, {}", paged.part.name());
            if paged.is_met() == Some(false) {
                let _ = writeln!(text, "- {what}: {} rows touched for {}.", paged.touched[0], paged.rows);
            }
            if ours > theirs * 1.25 {
                let _ = writeln!(text, "- {what}: {:.2} times as long as by hand.", ours / theirs);
            }
        }
        for cold in self.cold.iter().filter(|cold| cold.is_met() == Some(false)) {
            let above = cold.above.median / 1e3;
            let (store, lines) = (cold.store.name(), cold.lines.name());
            let _ = writeln!(text, "- A cold resolve on {store}, {lines}: {above:.1} µs above the read.");
        }
        text
    }

    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    fn cold(&self) -> String {
        let mut text = format!(
            "## Cold resolves\n\n`Tenantry::admit` of a member of one of {TENANTS} tenants against the store's own read of \
             the member, in turn. Microseconds: medians; under *above*, the median of the differences of neighbours, and \
             their quartiles. In memory there is next to no read, so that what is above it shows. Aim: at most {:.0} µs above.\n\n\
             | store | | admitted | read | above | | statements | aim |\n|---|---|--:|--:|--:|--:|--:|---|\n",
            Cold::AIM / 1e3
        );
        for cold in &self.cold {
            let Cold { store, lines, admit, read, above: Spread { low, median: above, high }, statements } =
                cold;
            let (store, lines) = (store.name(), lines.name());
            let statements = statements.map_or_else(|| "–".to_owned(), |count| count.to_string());
            let aim = match cold.is_met() {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "hidden by the spread",
            };
            let [admit, read, low, above, high] =
                [admit, read, low, above, high].map(|nanos| format!("{:.1}", nanos / 1e3));
            let _ = writeln!(
                text,
                "| {store} | {lines} | {admit} | {read} | {above} | {low} … {high} | {statements} | {aim} |"
            );
        }
        text
    }
}
