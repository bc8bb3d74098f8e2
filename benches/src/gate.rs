//! The same axum handler bare and behind the gate, in process and over loopback; then each part alone.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tenantry::http::{Credentials, Gate, RequestId, RequestView};
use tenantry::{Counters as _, MemoryStore, Rate, RateKey, SqliteStore};
use tenantry_bench_measure::median;
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt as _};

use crate::load;
use crate::measure::{Effort, allocations, nanoseconds, round};
use crate::report::Report;
use crate::world::{self, HOST, PONG, Ping, World};

const BARE: &str = "the bare handler";
const BARE_IN_PROCESS: &str = "the bare handler, in process";

pub(crate) fn run(quick: bool) -> Result<(), Box<dyn Error>> {
    let effort = Effort::new(quick);
    let runtime = Runtime::new()?;
    let rate = Rate::new(4_000_000_000, Duration::from_secs(1))?;
    let world = runtime.block_on(World::over(Arc::new(MemoryStore::default()), Some(rate)))?;
    let unrated = runtime.block_on(World::over(Arc::new(MemoryStore::default()), None))?;
    let mut report = Report::default();
    println!("the gate around an axum handler: warm, quota off, medians of {} rounds\n", effort.rounds);
    Report::head();
    let bare = in_process(&runtime, &world, &unrated, effort, &mut report)?;
    loopback(&runtime, &world, quick, &mut report)?;
    parts(&runtime, &world, &unrated, bare, effort, &mut report)?;
    quota(&runtime, bare, quick, &mut report)?;
    println!("\nwritten to {}", report.write("gate")?.display());
    Ok(())
}

/// One request after the other through the whole service, without a socket: bare and gated in turn.
fn in_process(
    runtime: &Runtime,
    world: &World,
    unrated: &World,
    effort: Effort,
    report: &mut Report,
) -> Result<f64, Box<dyn Error>> {
    let mut bare = caller_of(runtime, world::bare(), &world.token);
    let mut gated = caller_of(runtime, world::gated(&world.gate)?, &world.token);
    let mut without_rate = caller_of(runtime, world::gated(&unrated.gate)?, &unrated.token);
    let all: [&mut dyn FnMut() -> Result<(), String>; 3] = [&mut bare, &mut gated, &mut without_rate];
    for ask in all {
        ask()?;
        round(effort.iterations, || drop(ask()));
    }
    let (mut bares, mut gateds, mut withouts) = (vec![], vec![], vec![]);
    for _ in 0..effort.rounds {
        bares.push(round(effort.iterations, || drop(bare())));
        gateds.push(round(effort.iterations, || drop(gated())));
        withouts.push(round(effort.iterations, || drop(without_rate())));
    }
    let bare = median(bares);
    report.add("whole gate, in process", (median(gateds), bare), "ns", BARE);
    report.add("whole gate without a rate, in process", (median(withouts), bare), "ns", BARE);
    Ok(bare)
}

/// Asks a service once, and fails unless it answers 200.
fn caller_of<'a, S>(
    runtime: &'a Runtime,
    mut service: S,
    token: &'a str,
) -> impl FnMut() -> Result<(), String> + 'a
where
    S: Service<Request, Response = Response, Error = Infallible> + 'a,
{
    let bearer = format!("Bearer {token}");
    move || {
        let request = Request::get("/ping")
            .header("host", HOST)
            .header("authorization", bearer.as_str())
            .body(Body::empty())
            .map_err(|error| error.to_string())?;
        let response = runtime.block_on(async {
            let service = service.ready().await.map_err(|error| error.to_string())?;
            service.call(request).await.map_err(|error| error.to_string())
        })?;
        if response.status() == 200 { Ok(()) } else { Err(response.status().to_string()) }
    }
}

fn loopback(
    runtime: &Runtime,
    world: &World,
    quick: bool,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let (rounds, span) = if quick { (3, 200) } else { (15, 1_000) };
    let span = Duration::from_millis(span);
    let request =
        format!("GET /ping HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {}\r\n\r\n", world.token);
    let (bare, gated) = runtime.block_on(async {
        let bare = load::serve(world::bare()).await?;
        let gated = load::serve(world::gated(&world.gate)?).await?;
        let (mut bares, mut gateds) = (vec![], vec![]);
        for server in [bare, gated] {
            load::throughput(server, &request, PONG, span).await?;
        }
        for _ in 0..rounds {
            bares.push(load::throughput(bare, &request, PONG, span).await?);
            gateds.push(load::throughput(gated, &request, PONG, span).await?);
        }
        Ok::<_, Box<dyn Error>>((median(bares), median(gateds)))
    })?;
    report.add("whole gate, loopback", (gated, bare), "req/s", BARE);
    Ok(())
}

/// What a request shows, as a framework would lend it.
struct Shown<'a> {
    authorization: &'a str,
}

impl RequestView for Shown<'_> {
    fn host(&self) -> Option<&str> {
        Some(HOST)
    }

    fn path(&self) -> &str {
        "/ping"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn field(&self, _name: &str) -> Option<&str> {
        None
    }

    fn peer(&self) -> Option<std::net::IpAddr> {
        None
    }

    fn authorization(&self) -> Option<&str> {
        Some(self.authorization)
    }

    fn content_length(&self) -> Option<u64> {
        None
    }
}

fn parts(
    runtime: &Runtime,
    world: &World,
    unrated: &World,
    bare: f64,
    effort: Effort,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let permission = world.app.catalog().index::<Ping>();
    let bearer = format!("Bearer {}", world.token);
    let shown = Shown { authorization: &bearer };
    let unrated_bearer = format!("Bearer {}", unrated.token);
    let unrated_shown = Shown { authorization: &unrated_bearer };
    let read = |shown| -> Credentials<'_> { Gate::read(shown) };
    runtime.block_on(world.gate.check(read(&shown), permission))?;
    runtime.block_on(unrated.gate.check(read(&unrated_shown), permission))?;

    let decide = || world.gate.try_check(read(&shown), permission);
    let decide_unrated = || unrated.gate.try_check(read(&unrated_shown), permission);
    decide().ok_or("the gate is not warm")??;
    let allocated = (allocations(decide), allocations(decide_unrated));
    let mut part = |name: &str, took: f64| report.add(name, (took, bare), "ns", BARE_IN_PROCESS);
    part("the decision", nanoseconds(effort, decide));
    part("the decision without a rate", nanoseconds(effort, decide_unrated));
    part("host to tenant", nanoseconds(effort, || world.gate.try_tenant(read(&shown))));
    let (tenant, now) = (world.caller.tenant().id(), world.app.now());
    let rate = Rate::new(4_000_000_000, Duration::from_secs(1))?;
    part(
        "an exact sliding window",
        nanoseconds(effort, || world.counters.try_admit(RateKey::tenant(tenant), rate, world.app.now())),
    );
    part(
        "a permission",
        nanoseconds(effort, || {
            world.app.catalog().index::<Ping>().is_some_and(|index| world.caller.holds(index))
        }),
    );
    part("the clock", nanoseconds(effort, || world.app.now()));
    part("a request id", nanoseconds(effort, RequestId::generate));
    part("a token verified cold", nanoseconds(effort, || world.tokens.verify(&world.token, now)));
    println!(
        "{:<44} {:>12} {:>12}",
        "allocations of the decision, and without a rate", allocated.0, allocated.1
    );
    Ok(())
}

/// A use of an exact quota with each request: one durable commit on SQLite, `synchronous=FULL`.
fn quota(runtime: &Runtime, bare: f64, quick: bool, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let uses = if quick { 50 } else { 1_000 };
    let (alone, together) = runtime.block_on(async {
        let store = SqliteStore::open(folder.path().join("bench.db")).await?;
        let world = World::over(Arc::new(store), None).await?;
        let mut alone = Vec::new();
        for _ in 0..uses {
            let began = std::time::Instant::now();
            world.app.usage(&world.caller).consume(world::calls()?, 1).await?;
            alone.push(nanos(began));
        }
        Ok::<_, Box<dyn Error>>((median(alone), uses_a_second(&world, uses).await?))
    })?;
    report.add("one use of an exact quota, SQLite", (alone, bare), "ns", BARE_IN_PROCESS);
    println!("{:<44} {together:>12.0} a second, {} at once", "uses of an exact quota, SQLite", AT_ONCE);
    Ok(())
}

/// How many uses are asked for at the same time.
const AT_ONCE: u32 = 64;

#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
async fn uses_a_second(world: &World, each: u32) -> Result<f64, Box<dyn Error>> {
    let began = std::time::Instant::now();
    let mut askers = Vec::new();
    for _ in 0..AT_ONCE {
        let (app, caller, meter) = (world.app.clone(), world.caller.clone(), world::calls()?);
        askers.push(tokio::spawn(async move {
            for _ in 0..each {
                app.usage(&caller).consume(meter.clone(), 1).await.map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        }));
    }
    for asker in askers {
        asker.await??;
    }
    Ok(f64::from(AT_ONCE) * f64::from(each) / began.elapsed().as_secs_f64())
}

#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
fn nanos(began: std::time::Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e9
}
