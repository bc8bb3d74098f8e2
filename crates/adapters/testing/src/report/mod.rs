mod finding;
mod outcome;
mod tally;

use std::fmt;
use std::time::Duration;

pub use finding::{Finding, Leak};
pub use outcome::{RouteOutcome, Unproved};
pub(crate) use tally::Tally;

/// What a walk did and found. It is clean when there are no findings and everything that it was to prove was
/// exercised.
///
/// Its [`Display`](fmt::Display) is the table of routes, the findings, and whatever else keeps it from being clean.
#[derive(Debug, Clone)]
pub struct Report {
    pub(crate) routes: Vec<RouteOutcome>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) problems: Vec<String>,
    pub(crate) excepted: Vec<(String, String, usize)>,
    pub(crate) requests: usize,
    pub(crate) pairs: usize,
    pub(crate) unsteady: usize,
    pub(crate) throttled: usize,
    pub(crate) marks: usize,
    pub(crate) unseen_marks: Vec<String>,
    pub(crate) effects: Vec<(String, usize)>,
    pub(crate) seed: u64,
    pub(crate) took: Duration,
}

impl Report {
    /// What became of each route, in the order in which they were given.
    #[must_use]
    pub fn routes(&self) -> &[RouteOutcome] {
        &self.routes
    }

    /// The leaks.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What else keeps the walk from being clean: routes that it couldn't exercise, exceptions that cover nothing, a
    /// walk that compared nothing.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// How many requests were sent.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests
    }

    /// How many answers were compared with the answer that they had to equal.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// Whether it proved what it was to prove, and found nothing.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.problems.is_empty()
    }

    /// Prints the report, and fails the test unless it is clean.
    ///
    /// # Panics
    /// When there are findings or problems.
    #[track_caller]
    #[expect(clippy::panic, reason = "it is called by tests, to fail them")]
    pub fn assert_clean(&self) {
        println!("{self}");
        if !self.is_clean() {
            panic!("{} findings, {} problems:\n{self}", self.findings.len(), self.problems.len());
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.routes.iter().map(|route| route.route.chars().count()).max().unwrap_or(0).max(5);
        writeln!(f, "{:width$}  requests  compared  owner  findings", "route")?;
        for route in &self.routes {
            writeln!(f, "{route:width$}")?;
        }
        let exercised = self.routes.iter().filter(|route| route.unproved.is_empty()).count();
        writeln!(
            f,
            "{} requests, {} pairs compared, {exercised} of {} routes exercised, in {:.1} s (seed {})",
            self.requests,
            self.pairs,
            self.routes.len(),
            self.took.as_secs_f32(),
            self.seed,
        )?;
        if self.unsteady + self.throttled > 0 {
            writeln!(
                f,
                "not compared: {} pairs, since two answers about nothing differed; {} answers were 429",
                self.unsteady, self.throttled
            )?;
        }
        let seen = self.marks.saturating_sub(self.unseen_marks.len());
        writeln!(f, "{seen} of {} declared marks were seen by their owners", self.marks)?;
        for mark in self.unseen_marks.iter().take(5) {
            writeln!(f, "    never seen, so no answer could leak it: {:?}", crate::told::short(mark, 40))?;
        }
        for (name, effects) in &self.effects {
            writeln!(f, "probe `{name}`: {effects} effects looked at")?;
        }
        for (route, reason, times) in &self.excepted {
            writeln!(f, "{times} times excepted: {route}, since {reason}")?;
        }
        for route in &self.routes {
            if let (Some(reason), false) = (&route.expected, route.unproved.is_empty()) {
                writeln!(f, "not proved, as expected: {}, since {reason}", route.route)?;
            }
        }
        for problem in &self.problems {
            writeln!(f, "problem: {problem}")?;
        }
        for finding in &self.findings {
            writeln!(f, "finding: {finding}")?;
        }
        let verdict = if self.is_clean() { "clean" } else { "not clean" };
        write!(f, "{verdict}: {} findings, {} problems", self.findings.len(), self.problems.len())
    }
}
