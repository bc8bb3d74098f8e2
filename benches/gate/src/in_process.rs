//! One request after the other through a whole service, without a socket.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use stats_alloc::Region;
use tenantry_bench_measure::order;
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt as _};

use crate::asks::Ask;
use crate::measure::{Effort, Measured};
use crate::{ALLOCATOR, Fault};

/// A service, and how it is asked: nanoseconds and allocations of all these requests, whose making is not among them.
pub(crate) struct Way<'a> {
    name: &'static str,
    ask: Box<Asking<'a>>,
}

type Asking<'a> = dyn FnMut(&[Ask]) -> Result<Turn, Fault> + 'a;

struct Turn {
    nanos: f64,
    allocations: usize,
}

impl<'a> Way<'a> {
    pub(crate) fn new<S>(name: &'static str, runtime: &'a Runtime, mut service: S, answers: Answers) -> Self
    where
        S: Service<Request, Response = Response, Error = Infallible> + 'a,
    {
        let ask = move |asks: &[Ask]| {
            let requests: Vec<Request> = asks.iter().map(Ask::request).collect();
            let mut statuses = Vec::with_capacity(asks.len());
            let region = Region::new(ALLOCATOR);
            let began = Instant::now();
            runtime.block_on(async {
                for request in requests {
                    let response = service.ready().await?.call(black_box(request)).await?;
                    statuses.push(response.status().as_u16());
                }
                Ok::<_, Infallible>(())
            })?;
            let nanos = began.elapsed().as_secs_f64() * 1e9;
            let change = region.change();
            answers.compare(name, asks, &statuses)?;
            Ok(Turn { nanos, allocations: change.allocations + change.reallocations })
        };
        Self { name, ask: Box::new(ask) }
    }
}

/// What a service has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// What the request is drawn for.
    AsDrawn,
    /// Always 200: nothing guards it.
    Always,
}

impl Answers {
    fn compare(self, name: &str, asks: &[Ask], statuses: &[u16]) -> Result<(), Fault> {
        for (ask, status) in asks.iter().zip(statuses) {
            let expected = if self == Self::Always { 200 } else { ask.status };
            if *status != expected {
                return Err(format!("{name} answers {status} and not {expected}: {ask:?}").into());
            }
        }
        Ok(())
    }
}

/// Has every way answer those that were `before`, then all of these once, then some of them in each turn; every answer is
/// compared.
///
/// # Errors
/// An answer that isn't what it has to be.
pub(crate) fn measure(
    ways: &mut [Way<'_>],
    before: &[Ask],
    asks: &[Ask],
    effort: Effort,
) -> Result<Vec<Measured>, Fault> {
    for way in &mut *ways {
        (way.ask)(before)?;
        (way.ask)(asks)?;
    }
    let turn = effort.turn.min(asks.len());
    let asked = u32::try_from(turn)?;
    let mut found = vec![(vec![], vec![]); ways.len()];
    for cycle in 0..effort.cycles {
        let first = cycle * turn % (asks.len() - turn + 1);
        for place in order(ways.len(), cycle) {
            let took = (ways[place].ask)(&asks[first..first + turn])?;
            found[place].0.push(took.nanos / 1e3 / f64::from(asked));
            found[place].1.push(took.allocations);
        }
    }
    let answers = asks.len() + turn * effort.cycles;
    let measured = ways.iter().zip(found).map(|(way, (cycles, mut allocations))| {
        allocations.sort_unstable();
        let allocations = allocations[allocations.len() / 2] as f64 / f64::from(asked);
        Measured::of(way.name, cycles, Some(allocations), answers)
    });
    Ok(measured.collect())
}
