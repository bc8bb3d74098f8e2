//! The page in `docs/`.

use std::fmt::Write as _;

use tenantry_bench_measure::Spread;

use crate::findings::{BARE, COMPOSED, Cell, FORGETFUL, Findings, OURS, Part, REMEMBERING};
use crate::measure::Measured;

/// The page.
pub(crate) fn markdown(found: &Findings) -> String {
    let mut page = head(found);
    comparisons(&mut page, found);
    losses(&mut page, found);
    services(&mut page, found);
    parts(&mut page, &found.parts);
    page.push_str(METHOD);
    page
}

fn head(found: &Findings) -> String {
    let machine = &found.machine;
    let [before, after] = &machine.load;
    let quick = if found.is_quick {
        "\n\n**A quick run: it shows that the bench runs. Don't quote it.**"
    } else {
        ""
    };
    let busy = if machine.is_busy() {
        "\n\n**The machine was busy with other work: ratios are wide, and times are longer than they would be. Run it again \
         on a quiet one before quoting it.**"
    } else {
        ""
    };
    let alike: Vec<String> =
        found.alike.iter().map(|(status, count)| format!("{count} × {status}")).collect();
    format!(
        "# What the gate costs\n\nWritten by `cargo xtask bench gate`, which needs nothing else; `--quick` shows within a \
         minute that it runs. The same handlers, behind the gate and behind what a service would put together today: \
         jsonwebtoken, casbin and tower_governor, under axum. Both are asked the same: whose host, whose token, is the \
         tenant within its rate, may the caller use this route there.{quick}\n\nMeasured on {} × {}. Load average before \
         {before}, after {after}; the bench itself is part of the second.{busy}\n\n{} members; {}. Before anything was \
         measured, both answered alike: {}.\n\n",
        machine.cpus,
        machine.model,
        found.members,
        found.effort,
        alike.join(", ")
    )
}

/// The gate against each way of the peer, with what the bare handler takes subtracted from neither.
fn comparisons(page: &mut String, found: &Findings) {
    page.push_str(
        "## The comparisons\n\nMedians, microseconds a request. *Times as fast*: the median of the turns' own ratios, and \
         their quartiles. *Added*: what is above the bare handler, median less median, and how many times as much the peer \
         adds.\n\n| | ours | theirs | times as fast | quartiles | added, ours | theirs | times |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for (cell, ours, theirs) in pairs(found) {
        let Spread { low, median, high } = ours.times_as_fast_as(theirs);
        let (name, own, against) = (cell.name, suffix(ours), theirs.way);
        let bare = cell.way(BARE).map_or(0.0, |bare| bare.spread.median);
        let added = [ours, theirs].map(|measured| measured.spread.median - bare);
        let _ = writeln!(
            page,
            "| {name}{own}, against {against} | {:.2} | {:.2} | **{median:.2}** | {low:.2} … {high:.2} | {:.2} | {:.2} | {:.2} |",
            ours.spread.median,
            theirs.spread.median,
            added[0],
            added[1],
            added[1] / added[0]
        );
    }
    page.push('\n');
}

fn pairs(found: &Findings) -> impl Iterator<Item = (&Cell, &Measured, &Measured)> {
    found.cells.iter().flat_map(|cell| {
        let pair = |ours: &str, theirs: &str| Some((cell, cell.way(ours)?, cell.way(theirs)?));
        [pair(OURS, COMPOSED), pair(OURS, REMEMBERING), pair(FORGETFUL, COMPOSED)].into_iter().flatten()
    })
}

fn losses(page: &mut String, found: &Findings) {
    page.push_str("## Where it loses\n\n");
    let mut lost = vec![];
    for (cell, ours, theirs) in pairs(found) {
        let times = ours.times_as_fast_as(theirs).median;
        let (own, other) = (ours.allocations.unwrap_or_default(), theirs.allocations.unwrap_or_default());
        let (name, mine, peer) = (cell.name, suffix(ours), theirs.way);
        let slower = (times < 1.0).then(|| format!("takes {:.2} times as long", 1.0 / times));
        let larger = (own > other).then(|| format!("allocates {own:.1} times instead of {other:.1}"));
        let what: Vec<String> = slower.into_iter().chain(larger).collect();
        if !what.is_empty() {
            lost.push(format!("- {name}{mine}, against {peer}: {}.\n", what.join(", and ")));
        }
    }
    page.push_str(if lost.is_empty() { "Nowhere in this run.\n" } else { "" });
    lost.iter().for_each(|line| page.push_str(line));
    page.push('\n');
}

/// What sets a way of the gate's apart from the gate as it comes.
fn suffix(ours: &Measured) -> &'static str {
    ours.way.strip_prefix(OURS).unwrap_or_default()
}

fn services(page: &mut String, found: &Findings) {
    page.push_str(
        "## Every service\n\nMicroseconds a request. Allocations are those of the service with the handler, not of the \
         request's making; over loopback a client in the same process takes its part of the time, and nobody counts. Every \
         answer was compared with what it has to be.\n\n\
         | | service | median | quartiles | allocations | answers compared |\n|---|---|--:|--:|--:|--:|\n",
    );
    for cell in &found.cells {
        for measured in &cell.measured {
            let Measured { way, spread: Spread { low, median, high }, allocations, answers, .. } = measured;
            let allocations = allocations.map_or_else(|| "–".to_owned(), |count| format!("{count:.1}"));
            let name = cell.name;
            let _ = writeln!(
                page,
                "| {name} | {way} | {median:.2} | {low:.2} … {high:.2} | {allocations} | {answers} |"
            );
        }
    }
    page.push('\n');
}

fn parts(page: &mut String, parts: &[Part]) {
    if parts.is_empty() {
        return;
    }
    page.push_str(
        "## The gate's parts\n\nOf one tenant with one member, in the same run, by another program: against the bare handler, \
         in the same way of asking; the parts against it in process, a new request among it.\n\n\
         | | ours | bare | unit | ratio |\n|---|--:|--:|---|--:|\n",
    );
    for Part { name, ours, theirs, unit, ratio } in parts {
        let _ = writeln!(page, "| {name} | {ours:.1} | {theirs:.1} | {unit} | {ratio:.3} |");
    }
    page.push('\n');
}

const METHOD: &str = "## Method

- Every request is drawn: a member, one of nine in each tenant, and one of 20 routes. Members hold 1 to 3 of 5 roles of 8
  permissions each, and are in other tenants too, with other roles. *Permission not held*: a route that none of the roles
  opens. *Forged token*: another signature each time, so that nobody has seen it. Requests are made before a turn is
  timed, each its own. Every service has answered members at every tenant before, and each request that is timed, once.
- Services take turns, forwards and then backwards, so that whatever else the machine does falls on all alike.
- *The gate*: hosts and tokens that it has seen are remembered; it hears of changes with the next request. *Nothing
  remembered*: a capacity of 0, so that every request verifies its token and reads tenant, member and roles from the
  store, which is in memory here.
- *Composed*: the token is verified each time (`jsonwebtoken::decode`,
  <https://docs.rs/jsonwebtoken/11.1.0/jsonwebtoken/fn.decode.html>, HS256 in RustCrypto as in the gate), the permission
  asked of a `CachedEnforcer` (<https://docs.rs/casbin/2.20.0/casbin/struct.CachedEnforcer.html>) whose cache holds all
  answers, with domains (<https://casbin.org/docs/rbac-with-domains>), the rate of a `GovernorLayer` by tenant
  (<https://docs.rs/tower_governor/0.8.0/tower_governor/>); both layers in one `ServiceBuilder`
  (<https://docs.rs/axum/0.8.9/axum/middleware/index.html#applying-multiple-middleware>). *Tokens remembered*: with a
  `moka` cache of verified tokens by hand.
- What the peer is spared: its tenants and its policy are fixed when it starts, without a lock, so that nobody is ever
  demoted, suspended or added; its rate is a bucket, not an exact window; its refusals have no body, those of the gate
  are `application/problem+json`; its answers don't say what is left of the rate, nor carry a request's id.
- `cargo test --manifest-path benches/gate/Cargo.toml` compares the answers alone.
";
