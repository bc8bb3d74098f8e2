//! Counts, read from what the test runner prints.

use std::{fmt, iter, mem, ops::Add, path::Path};

/// What one call of `cargo test` has reported so far, target by target.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    earlier: Vec<Target>,
    current: Target,
    failed: Vec<String>,
    ignored: Vec<String>,
}

/// One test program, or the doc tests of one package.
#[derive(Debug, Default)]
struct Target {
    name: String,
    announced: u64,
    counts: Counts,
}

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Ended well.
    pub(crate) passed: u64,
    /// Ended badly.
    pub(crate) failed: u64,
    /// Were left out by `#[ignore]`, or as a doc test by `ignore`.
    pub(crate) ignored: u64,
}

impl Tally {
    /// Takes in one line, and returns what of it is worth showing: tests that pass are counted in silence.
    pub(crate) fn read(&mut self, line: &str) -> Option<String> {
        if let Some(name) = target_name(line) {
            let next = Target { name, ..Target::default() };
            self.earlier.push(mem::replace(&mut self.current, next));
            None
        } else if let Some(announced) = announced(line) {
            self.current.announced = self.current.announced.saturating_add(announced);
            None
        } else if let Some(counts) = Counts::parse(line) {
            self.current.counts = self.current.counts + counts;
            (counts != Counts::default()).then(|| format!("      {}: {counts}", self.current.name))
        } else if let Some((name, ending)) = test_line(line) {
            let full_name = || format!("{name} ({})", self.current.name);
            match ending {
                Ending::Passed => return None,
                Ending::Failed => self.failed.push(full_name()),
                Ending::Ignored => self.ignored.push(full_name()),
            }
            Some(line.to_owned())
        } else {
            (!line.trim().is_empty()).then(|| line.to_owned())
        }
    }

    /// All targets together.
    pub(crate) fn counts(&self) -> Counts {
        self.targets().map(|target| target.counts).fold(Counts::default(), Counts::add)
    }

    /// How many tests didn't do their duty, beside those that passed: what is left out counts like what fails,
    /// and so does each fault of the run itself.
    pub(crate) fn failures(&self) -> u64 {
        let Counts { failed, ignored, .. } = self.counts();
        let faults = u64::try_from(self.faults().len()).unwrap_or(u64::MAX);
        failed.saturating_add(ignored).saturating_add(faults)
    }

    /// What is wrong, a line for each reason.
    pub(crate) fn problems(&self) -> Vec<String> {
        let failed = self.failed.iter().map(|name| format!("failed: {name}"));
        let ignored = self.ignored.iter().map(|name| format!("ignored, which no test may be: {name}"));
        failed.chain(ignored).chain(self.faults()).collect()
    }

    /// A program that ended before it had reported all that it announced, and a call that ran nothing.
    fn faults(&self) -> Vec<String> {
        let unequal = |target: &&Target| target.announced != target.counts.total();
        let mut faults: Vec<String> = self
            .targets()
            .filter(unequal)
            .map(|Target { name, announced, counts }| {
                format!("{name}: announced {announced} tests and reported {}", counts.total())
            })
            .collect();
        if faults.is_empty() && self.counts().total() == 0 {
            faults.push("no test ran".to_owned());
        }
        faults
    }

    fn targets(&self) -> impl Iterator<Item = &Target> {
        self.earlier.iter().chain(iter::once(&self.current))
    }
}

impl Counts {
    /// Reads `test result: ok. 5 passed; 0 failed; 0 ignored; …`.
    fn parse(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let of = |word: &str| {
            let mut parts = counts.split("; ");
            parts.find_map(|part| part.strip_suffix(word)?.strip_suffix(' ')?.parse::<u64>().ok())
        };
        Some(Self { passed: of("passed")?, failed: of("failed")?, ignored: of("ignored")? })
    }

    /// All of them, however they ended.
    pub(crate) fn total(self) -> u64 {
        self.passed.saturating_add(self.failed).saturating_add(self.ignored)
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed.saturating_add(other.passed),
            failed: self.failed.saturating_add(other.failed),
            ignored: self.ignored.saturating_add(other.ignored),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} ignored", self.passed, self.failed, self.ignored)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Passed,
    Failed,
    Ignored,
}

/// Reads `Running tests/gate.rs (target/debug/deps/gate-0123)` and `Doc-tests tenantry_core`.
fn target_name(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(package) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{package}, doc tests"));
    }
    let (source, program) = line.strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once(" (")?;
    let source = source.strip_prefix("unittests ").unwrap_or(source);
    let (stem, _hash) = Path::new(program).file_name()?.to_str()?.rsplit_once('-')?;
    Some(format!("{stem}, {source}"))
}

/// Reads `running 12 tests`.
fn announced(line: &str) -> Option<u64> {
    let count = line.strip_prefix("running ")?;
    count.strip_suffix(" tests").or_else(|| count.strip_suffix(" test"))?.parse().ok()
}

/// Reads `test money::tests::adds ... ok`.
fn test_line(line: &str) -> Option<(&str, Ending)> {
    let (name, ending) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    match ending {
        "ok" => Some((name, Ending::Passed)),
        "FAILED" => Some((name, Ending::Failed)),
        _ if ending.starts_with("ignored") => Some((name, Ending::Ignored)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEN: &str = "
   Compiling tenantry-core v0.1.0 (/w/crates/core)
     Running unittests src/lib.rs (target/debug/deps/tenantry_core-0123456789abcdef)

running 2 tests
test money::tests::adds ... ok
test money::tests::overflow - should panic ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/gate.rs (/elsewhere/debug/deps/gate-fedcba9876543210)

running 1 test
test admits ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";

    fn read(text: &str) -> (Tally, Vec<String>) {
        let mut tally = Tally::default();
        let shown = text.lines().filter_map(|line| tally.read(line)).collect();
        (tally, shown)
    }

    fn of_one_target(lines: &str) -> Tally {
        read(&format!("     Running tests/gate.rs (target/debug/deps/gate-0123)\n{lines}")).0
    }

    #[test]
    fn a_green_run_is_summed_and_shown_target_by_target() {
        let (tally, shown) = read(GREEN);
        assert_eq!(tally.counts(), Counts { passed: 3, failed: 0, ignored: 0 });
        assert_eq!(tally.failures(), 0);
        assert_eq!(tally.problems(), Vec::<String>::new());
        let expected = [
            "   Compiling tenantry-core v0.1.0 (/w/crates/core)",
            "      tenantry_core, src/lib.rs: 2 passed, 0 failed, 0 ignored",
            "      gate, tests/gate.rs: 1 passed, 0 failed, 0 ignored",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_failed_test_is_named() {
        let tally = of_one_target(
            "running 2 tests\ntest admits ... ok\ntest refuses ... FAILED\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        assert_eq!(tally.failures(), 1);
        assert_eq!(tally.problems(), ["failed: refuses (gate, tests/gate.rs)"]);
    }

    #[test]
    fn an_ignored_test_counts_as_failed() {
        let tally = of_one_target(
            "running 2 tests\ntest admits ... ok\ntest slow ... ignored, takes a minute\n\
             test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        assert_eq!(tally.failures(), 1);
        assert_eq!(tally.problems(), ["ignored, which no test may be: slow (gate, tests/gate.rs)"]);
    }

    #[test]
    fn a_program_that_dies_on_the_way_counts_as_failed() {
        let tally = of_one_target("running 7 tests\ntest admits ... ok");
        assert_eq!(tally.failures(), 1);
        assert_eq!(tally.problems(), ["gate, tests/gate.rs: announced 7 tests and reported 0"]);
    }

    #[test]
    fn a_run_of_nothing_counts_as_failed() {
        let tally = of_one_target(
            "running 0 tests\n\
             test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        assert_eq!(tally.failures(), 1);
        assert_eq!(tally.problems(), ["no test ran"]);
    }

    #[test]
    fn doc_tests_report_in_several_parts() {
        let (tally, _) = read(
            "   Doc-tests tenantry_core\nrunning 2 tests\n\
             test crates/core/src/id.rs - id::TenantId (line 9) ... ok\n\
             test crates/core/src/id.rs - id::TenantCtx (line 30) - compile fail ... ok\n\
             test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             running 1 test\ntest crates/core/src/lib.rs - (line 3) ... ok\n\
             test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             all doctests ran in 0.51s; merged doctests compilation took 0.42s",
        );
        assert_eq!(tally.counts().passed, 3);
        assert_eq!(tally.failures(), 0);
    }

    #[test]
    fn lines_that_only_look_like_results_are_left_alone() {
        let (tally, shown) =
            read("a test result: ok. 9 passed\nrunning late\ntest slow has been running for over 60 seconds");
        assert_eq!(tally.counts(), Counts::default());
        assert_eq!(shown.len(), 3);
    }
}
