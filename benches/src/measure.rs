//! Rounds of a piece of code, and its allocations.

use std::hint::black_box;
use std::time::Instant;

use stats_alloc::Region;
use tenantry_bench_measure::median;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) iterations: u32,
}

impl Effort {
    pub(crate) fn new(quick: bool) -> Self {
        if quick { Self { rounds: 5, iterations: 2_000 } } else { Self { rounds: 41, iterations: 20_000 } }
    }
}

/// Nanoseconds that one call takes: the mean of a round.
#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
pub(crate) fn round(iterations: u32, mut call: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..iterations {
        call();
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(iterations)
}

/// The median over rounds of the nanoseconds that a call takes, after one round to warm up.
pub(crate) fn nanoseconds<T>(effort: Effort, mut call: impl FnMut() -> T) -> f64 {
    let mut one = || {
        black_box(call());
    };
    round(effort.iterations, &mut one);
    median((0..effort.rounds).map(|_| round(effort.iterations, &mut one)).collect())
}

/// How often a call allocates: over many calls, rounded to the nearest.
pub(crate) fn allocations<T>(mut call: impl FnMut() -> T) -> usize {
    const CALLS: usize = 1_000;
    for _ in 0..CALLS {
        black_box(call());
    }
    let region = Region::new(crate::ALLOCATOR);
    for _ in 0..CALLS {
        black_box(call());
    }
    let change = region.change();
    (change.allocations + change.reallocations + CALLS / 2) / CALLS
}
