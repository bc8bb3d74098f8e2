//! Finding the tenant of a host in memory, among few and among many.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;
use tenantry::MemoryStore;
use tenantry::http::{Credentials, Gate, RequestView};
use tenantry_bench_measure::median;
use tokio::runtime::Runtime;

use super::Fault;
use super::question::Draw;
use super::tenants::{register, slug};
use crate::measure::round;
use crate::world::World;

/// Nanoseconds to find a tenant.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Resolved {
    pub(crate) few: usize,
    pub(crate) many: usize,
    pub(crate) among_few: f64,
    pub(crate) among_many: f64,
    /// Copying a host's text and hashing nothing: what the drawing of a random host alone takes.
    pub(crate) drawing: f64,
}

struct Host<'a>(&'a str);

impl RequestView for Host<'_> {
    fn host(&self) -> Option<&str> {
        Some(self.0)
    }

    fn path(&self) -> &str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn field(&self, _name: &str) -> Option<&str> {
        None
    }

    fn peer(&self) -> Option<IpAddr> {
        None
    }

    fn authorization(&self) -> Option<&str> {
        None
    }

    fn content_length(&self) -> Option<u64> {
        None
    }
}

/// Asks each in turn, for random hosts.
pub(crate) fn measure(runtime: &Runtime, many: usize, rounds: usize) -> Result<Resolved, Fault> {
    let few = 10;
    let (gate_of_few, few_hosts) = runtime.block_on(warm(few))?;
    let (gate_of_many, many_hosts) = runtime.block_on(warm(many))?;
    let mut draw = Draw::new(7);
    let (mut among_few, mut among_many, mut drawing) = (vec![], vec![], vec![]);
    for _ in 0..rounds {
        for _ in 0..2 {
            among_few.push(ask(&gate_of_few, &few_hosts, &mut draw));
            among_many.push(ask(&gate_of_many, &many_hosts, &mut draw));
        }
        drawing.push(round(ASKED, || {
            std::hint::black_box(pick(&many_hosts, &mut draw));
        }));
    }
    let (among_few, among_many) = (median(among_few), median(among_many));
    Ok(Resolved { few, many, among_few, among_many, drawing: median(drawing) })
}

const ASKED: u32 = 20_000;

fn ask(gate: &Gate, hosts: &[String], draw: &mut Draw) -> f64 {
    round(ASKED, || {
        let host = Host(pick(hosts, draw));
        std::hint::black_box(gate.try_tenant(read(&host)).is_some_and(|found| found.is_ok()));
    })
}

fn pick<'h>(hosts: &'h [String], draw: &mut Draw) -> &'h str {
    let count = u64::try_from(hosts.len()).unwrap_or(1).max(1);
    let place = usize::try_from(draw.next() % count).unwrap_or(0);
    hosts.get(place).map(String::as_str).unwrap_or_default()
}

fn read<'h>(host: &'h Host<'_>) -> Credentials<'h> {
    Gate::read(host)
}

async fn warm(count: usize) -> Result<(Gate, Vec<String>), Fault> {
    let world =
        World::over(Arc::new(MemoryStore::default()), None).await.map_err(|error| error.to_string())?;
    register(&world.app, count).await?;
    let hosts: Vec<_> = (0..count).map(|number| format!("{}.example.com", slug(number))).collect();
    for host in &hosts {
        let host = Host(host);
        world.gate.tenant(read(&host)).await.map_err(|refusal| format!("{refusal:?}"))?;
    }
    let host = hosts.last().ok_or("no hosts")?;
    let found = world.gate.try_tenant(read(&Host(host)));
    found.ok_or("the gate is not warm")?.map_err(|refusal| format!("{refusal:?}"))?;
    Ok((world.gate, hosts))
}
