//! Ways that take turns, so that whatever else the machine does falls on all alike.

use std::time::Duration;

use serde::Serialize;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// How many tenants there are.
    pub(crate) tenants: usize,
    /// How many different requests are asked.
    pub(crate) asks: usize,
    /// How many of them in a turn.
    pub(crate) turn: usize,
    /// How often every way has its turn.
    pub(crate) cycles: usize,
    /// How often, and for how long, over loopback.
    pub(crate) spans: usize,
    pub(crate) span: Duration,
}

impl Effort {
    pub(crate) const fn new(is_quick: bool) -> Self {
        let millis = Duration::from_millis;
        if is_quick {
            Self { tenants: 50, asks: 2_048, turn: 512, cycles: 7, spans: 3, span: millis(200) }
        } else {
            Self { tenants: 200, asks: 16_384, turn: 1_024, cycles: 41, spans: 15, span: millis(1_000) }
        }
    }
}

/// The median, and the quarters on both sides of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |part: usize| values.get(values.len() * part / 4).copied().unwrap_or(f64::NAN);
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

/// What a way took in each cycle: microseconds a request.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    pub(crate) way: &'static str,
    pub(crate) spread: Spread,
    /// Allocations a request; nothing where the client's are among them.
    pub(crate) allocations: Option<f64>,
    /// How many answers were found to be what they have to be.
    pub(crate) answers: usize,
    #[serde(skip)]
    pub(crate) cycles: Vec<f64>,
}

impl Measured {
    pub(crate) fn of(way: &'static str, cycles: Vec<f64>, allocations: Option<f64>, answers: usize) -> Self {
        Self { way, spread: Spread::of(cycles.clone()), allocations, answers, cycles }
    }

    /// How many times as long `other` takes, cycle by cycle.
    pub(crate) fn times_as_fast_as(&self, other: &Self) -> Spread {
        Spread::of(self.cycles.iter().zip(&other.cycles).map(|(own, theirs)| theirs / own).collect())
    }
}

/// The places of the ways in a cycle: forwards, and then backwards.
pub(crate) fn order(ways: usize, cycle: usize) -> impl Iterator<Item = usize> {
    (0..ways).map(move |step| if cycle.is_multiple_of(2) { step } else { ways - 1 - step })
}
