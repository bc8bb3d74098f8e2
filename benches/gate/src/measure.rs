//! Ways that take turns, so that whatever else the machine does falls on all alike.

use std::time::Duration;

use serde::Serialize;
use tenantry_bench_measure::Spread;

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
