use std::error::Error;
use std::fmt;
use std::panic::Location;

use crate::{CommitError, Failure, GuardFailure};

/// How a step of a case ends.
pub(super) type Outcome<T = ()> = Result<T, Stop>;

/// Why a case can't go on, with the place where it stopped. Any error turns into it.
pub(super) struct Stop {
    why: String,
    at: &'static Location<'static>,
}

impl Stop {
    #[track_caller]
    pub(super) fn because(why: impl fmt::Display) -> Self {
        Self { why: why.to_string(), at: Location::caller() }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.why, self.at.file(), self.at.line())
    }
}

impl<E: Error> From<E> for Stop {
    #[track_caller]
    fn from(error: E) -> Self {
        let mut why = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            why.push_str(": ");
            why.push_str(&error.to_string());
            source = error.source();
        }
        Self::because(why)
    }
}

/// Counts what a case checks and what it wants to tell.
#[derive(Default)]
pub(super) struct Proof {
    checks: u64,
    counts: Vec<(&'static str, u64)>,
}

impl Proof {
    /// Goes on only when `condition` holds.
    #[track_caller]
    pub(super) fn holds(&mut self, condition: bool, expected: impl fmt::Display) -> Outcome {
        self.checks += 1;
        if condition { Ok(()) } else { Err(Stop::because(format_args!("expected that {expected}"))) }
    }

    /// Goes on only when `found` is what was `expected`.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "cases compare values that they have just read")]
    pub(super) fn same<T>(&mut self, of: impl fmt::Display, found: T, expected: T) -> Outcome
    where
        T: PartialEq + fmt::Debug,
    {
        self.checks += 1;
        if found == expected {
            return Ok(());
        }
        Err(Stop::because(format_args!("{of}: expected {expected:?}, found {found:?}")))
    }

    /// Adds to a number that the report shows.
    pub(super) fn count(&mut self, what: &'static str, more: usize) {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        match self.counts.iter_mut().find(|(known, _)| *known == what) {
            Some((_, count)) => *count = count.saturating_add(more),
            None => self.counts.push((what, more)),
        }
    }

    pub(super) fn report(self) -> Outcome<Report> {
        if self.checks == 0 {
            return Err(Stop::because("the case checked nothing"));
        }
        Ok(Report { checks: self.checks, counts: self.counts })
    }
}

/// What a case counted: "3 checks, 64 tasks, 10 admitted, 54 refused".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    checks: u64,
    counts: Vec<(&'static str, u64)>,
}

impl Report {
    /// How many things were checked; at least one.
    #[must_use]
    pub fn checks(&self) -> u64 {
        self.checks
    }

    /// What else was counted, by name.
    #[must_use]
    pub fn counts(&self) -> &[(&'static str, u64)] {
        &self.counts
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} checks", self.checks)?;
        self.counts.iter().try_for_each(|(what, count)| write!(f, ", {count} {what}"))
    }
}

/// What a loop over a store's answers has left: a broken store makes a case fail and never run for ever.
pub(super) struct Patience(u32);

impl Patience {
    pub(super) fn new() -> Self {
        Self(5_000)
    }

    /// Goes on unless it has gone on for too long.
    #[track_caller]
    pub(super) fn wears(&mut self) -> Outcome {
        self.0 = self.0.checked_sub(1).ok_or_else(|| Stop::because("the store's answers never end"))?;
        Ok(())
    }
}

/// What an operation was refused with, where it had to be.
#[track_caller]
pub(super) fn refused<T, R: fmt::Display>(result: Result<T, Failure<R>>) -> Outcome<R> {
    match result {
        Err(Failure::Refused(refusal)) => Ok(refusal),
        Err(other) => Err(Stop::because(format_args!("expected a refusal, found: {other}"))),
        Ok(_) => Err(Stop::because("expected a refusal, but it was done")),
    }
}

/// The guards that a batch was refused for, where it had to be.
#[track_caller]
pub(super) fn failed_guards(result: Result<(), CommitError>) -> Outcome<Vec<GuardFailure>> {
    match result {
        Err(CommitError::Refused(failures)) => Ok(failures),
        Err(other) => Err(Stop::because(format_args!("expected failed guards, found: {other}"))),
        Ok(()) => Err(Stop::because("expected failed guards, but the batch was committed")),
    }
}

/// What is there, where it has to be.
#[track_caller]
pub(super) fn there<T>(found: Option<T>, what: impl fmt::Display) -> Outcome<T> {
    found.ok_or_else(|| Stop::because(format_args!("expected {what}, found nothing")))
}
