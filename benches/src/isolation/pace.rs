//! One block of a measurement: a way of asking, asked again and again for a moment.

use std::future::Future;
use std::time::{Duration, Instant};

use super::question::{Cell, Draw};

/// A way of asking.
pub(crate) trait Ask: Clone + Send + Sync + 'static {
    /// Asks once, and fails unless the answer is right: as many rows as there should be, all of that tenant's.
    fn ask(&self, cell: Cell, tenant: usize, key: i64) -> impl Future<Output = Result<(), String>> + Send;
}

/// Nanoseconds that an answer takes. One at a time: the median of the block, so that an answer for which the machine
/// left its work doesn't count more than another. Several at once: the block's wall time over its number of answers.
#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
pub(crate) async fn block(asker: &impl Ask, cell: Cell, span: Duration, seed: u64) -> Result<f64, String> {
    let began = Instant::now();
    let mut tasks = Vec::with_capacity(cell.at_once);
    for task in 0..cell.at_once {
        let task = u64::try_from(task).unwrap_or(0);
        let (asker, mut draw) = (asker.clone(), Draw::new(seed.wrapping_mul(1_000).wrapping_add(task)));
        tasks.push(tokio::spawn(async move {
            let mut took = vec![];
            loop {
                let (tenant, key) = draw.row(cell);
                let asked = Instant::now();
                asker.ask(cell, tenant, key).await?;
                took.push(asked.elapsed().as_secs_f64() * 1e9);
                if began.elapsed() >= span {
                    return Ok::<_, String>(took);
                }
            }
        }));
    }
    let mut took = vec![];
    for task in tasks {
        took.extend(task.await.map_err(|error| error.to_string())??);
    }
    Ok(an_answer(took, cell, began.elapsed()))
}

/// What an answer took in a block, given what each did.
#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
pub(crate) fn an_answer(mut took: Vec<f64>, cell: Cell, span: Duration) -> f64 {
    if cell.at_once > 1 {
        return span.as_secs_f64() * 1e9 / f64::from(u32::try_from(took.len()).unwrap_or(u32::MAX));
    }
    took.sort_by(f64::total_cmp);
    took.get(took.len() / 2).copied().unwrap_or(f64::NAN)
}
