//! Ways measured beside each other: in short blocks, forwards and then backwards, so that whatever else the machine
//! does falls on all of them alike.

use serde::Serialize;
use tenantry_bench_measure::median;

use super::Fault;
use super::question::Cell;
use super::way::Way;

/// What a way took in each cycle.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Series {
    #[serde(skip)]
    pub(crate) way: Way,
    name: &'static str,
    /// Nanoseconds an answer: the median over all blocks.
    nanoseconds: f64,
    blocks: Vec<f64>,
}

/// Ways in one cell.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    #[serde(flatten)]
    pub(crate) cell: Cell,
    pub(crate) series: Vec<Series>,
}

/// One way against another.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ratio {
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    /// Of the medians.
    pub(crate) ratio: f64,
    /// Of the cycles' own ratios: the lowest, the quartiles and the highest.
    pub(crate) spread: [f64; 4],
}

impl Measured {
    /// The median of a way, in nanoseconds.
    pub(crate) fn median(&self, way: Way) -> Option<f64> {
        self.series(way).map(|series| series.nanoseconds)
    }

    /// The median of one way over that of another. `None` where either wasn't measured here.
    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    pub(crate) fn ratio(&self, ours: Way, theirs: Way) -> Option<Ratio> {
        let (ours, theirs) = (self.series(ours)?, self.series(theirs)?);
        let cycles = ours.blocks.chunks(2).zip(theirs.blocks.chunks(2));
        let mut ratios: Vec<f64> =
            cycles.map(|(ours, theirs)| ours.iter().sum::<f64>() / theirs.iter().sum::<f64>()).collect();
        ratios.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            let last = ratios.len().saturating_sub(1);
            ratios.get(last * quarter / 4).copied().unwrap_or(f64::NAN)
        };
        let ratio = ours.nanoseconds / theirs.nanoseconds;
        let spread = [at(0), at(1), at(3), at(4)];
        Some(Ratio { ours: ours.nanoseconds, theirs: theirs.nanoseconds, ratio, spread })
    }

    fn series(&self, way: Way) -> Option<&Series> {
        self.series.iter().find(|series| series.way == way)
    }
}

/// Runs one block: nanoseconds an answer.
pub(crate) trait Blocks {
    /// `warm` marks a block that isn't measured.
    fn block(&mut self, way: Way, cell: Cell, seed: u64, warm: Warm) -> Result<f64, Fault>;
}

/// What a block is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Warm {
    /// To have every connection open and every statement prepared.
    Up,
    Measured,
}

/// Measures the ways beside each other.
pub(crate) fn measure(
    blocks: &mut impl Blocks,
    cell: Cell,
    ways: &[Way],
    cycles: u64,
) -> Result<Measured, Fault> {
    for way in ways {
        blocks.block(*way, cell, 0, Warm::Up)?;
    }
    let mut took: Vec<Vec<f64>> = ways.iter().map(|_| vec![]).collect();
    for cycle in 0..cycles {
        let forwards = ways.iter().zip(took.iter_mut());
        for (way, took) in forwards {
            took.push(blocks.block(*way, cell, 2 * cycle + 1, Warm::Measured)?);
        }
        let backwards = ways.iter().zip(took.iter_mut()).rev();
        for (way, took) in backwards {
            took.push(blocks.block(*way, cell, 2 * cycle + 2, Warm::Measured)?);
        }
    }
    let series = ways.iter().zip(took).map(|(way, blocks)| Series {
        way: *way,
        name: way.name(),
        nanoseconds: median(blocks.clone()),
        blocks,
    });
    Ok(Measured { cell, series: series.collect() })
}
