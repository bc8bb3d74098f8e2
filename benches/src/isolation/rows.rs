//! The comparisons that are quoted, by name.

use serde::Serialize;

use super::findings::Findings;
use super::pairs::{Measured, Ratio};
use super::question::{Question, Spread};
use super::way::{
    AUTOCOMMIT, BY_ONE_STATEMENT, BY_STATEMENTS, LIBRARY, ONE_STATEMENT, ONE_STRING, PEER_BEGIN, PEER_HOOKS,
    POOL, SEALED, TENANTRY, TX_COMMITTED, TX_DROPPED, Way,
};

/// One way against another, in one run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    pub(crate) name: String,
    /// Nanoseconds.
    #[serde(flatten)]
    pub(crate) ratio: Ratio,
    /// What it should be at most.
    pub(crate) aim: Option<f64>,
}

/// At most five per cent over.
const AIM: f64 = 1.05;

/// All that are quoted.
pub(crate) fn comparisons(found: &Findings) -> Vec<Comparison> {
    let mut rows = vec![];
    for measured in &found.close {
        match measured.cell.question {
            Question::Read => reads(&mut rows, measured),
            _ => writes(&mut rows, measured),
        }
    }
    for measured in &found.requests {
        let at_once = at_once(measured);
        for (ours, name) in [(TENANTRY, "row security"), (SEALED, "sealed")] {
            for (theirs, against) in
                [(POOL, "ordinary pool"), (TX_DROPPED, "transaction"), (AUTOCOMMIT, "autocommit")]
            {
                let name = format!("{name} request{at_once}, against {against}");
                push(&mut rows, name, measured, (ours, theirs), None);
            }
        }
    }
    for measured in &found.commits {
        let whose = if measured.cell.at_once == 1 {
            String::new()
        } else if measured.cell.spread == Spread::Hot {
            format!(", {} at once, one tenant", measured.cell.at_once)
        } else {
            format!(", {} at once, many tenants", measured.cell.at_once)
        };
        for (theirs, against) in
            [(BY_STATEMENTS, "transaction by hand"), (BY_ONE_STATEMENT, "one statement by hand")]
        {
            push(&mut rows, format!("commit{whose}, against {against}"), measured, (LIBRARY, theirs), None);
        }
    }
    many_tenants(&mut rows, found);
    rows
}

fn reads(rows: &mut Vec<Comparison>, measured: &Measured) {
    let at_once = at_once(measured);
    let mut row = |name: String, pair, aim| push(rows, name, measured, pair, aim);
    row(format!("row security read{at_once}, against ordinary pool"), (TENANTRY, POOL), Some(AIM));
    row(format!("row security read{at_once}, against transaction"), (TENANTRY, TX_DROPPED), Some(AIM));
    row(format!("row security read{at_once}, against autocommit"), (TENANTRY, AUTOCOMMIT), None);
    row(format!("sealed read{at_once}, against ordinary pool"), (SEALED, POOL), None);
    row(format!("sealed read{at_once}, against transaction"), (SEALED, TX_DROPPED), None);
    row(format!("sealed read{at_once}, against autocommit"), (SEALED, AUTOCOMMIT), None);
    row(format!("sealed read{at_once}, against row security"), (SEALED, TENANTRY), None);
    row(format!("row security read{at_once}, against tenaxum's pool hooks"), (TENANTRY, PEER_HOOKS), None);
    row(format!("row security read{at_once}, against tenaxum's begin_tenant"), (TENANTRY, PEER_BEGIN), None);
    row(format!("one-string read{at_once}, against autocommit"), (ONE_STRING, AUTOCOMMIT), None);
    row(format!("one-statement read{at_once}, against autocommit"), (ONE_STATEMENT, AUTOCOMMIT), None);
    row(format!("one-statement read{at_once}, against row security"), (ONE_STATEMENT, TENANTRY), None);
}

fn writes(rows: &mut Vec<Comparison>, measured: &Measured) {
    let at_once = at_once(measured);
    let mut row = |name: String, pair, aim| push(rows, name, measured, pair, aim);
    row(format!("row security write{at_once}, against ordinary pool"), (TENANTRY, POOL), None);
    row(format!("row security write{at_once}, against transaction"), (TENANTRY, TX_COMMITTED), Some(AIM));
    row(format!("row security write{at_once}, against autocommit"), (TENANTRY, AUTOCOMMIT), None);
    row(format!("sealed write{at_once}, against transaction"), (SEALED, TX_COMMITTED), None);
    row(format!("row security write{at_once}, against tenaxum's pool hooks"), (TENANTRY, PEER_HOOKS), None);
    row(format!("row security write{at_once}, against tenaxum's begin_tenant"), (TENANTRY, PEER_BEGIN), None);
}

/// Finding a tenant among the most against among few.
#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
fn many_tenants(rows: &mut Vec<Comparison>, found: &Findings) {
    if let Some(resolved) = found.resolved {
        let (ours, theirs) = (resolved.among_many, resolved.among_few);
        let ratio = Ratio { ours, theirs, ratio: ours / theirs, spread: [f64::NAN; 4] };
        let name = format!("tenant of a host, among {} against among {}", resolved.many, resolved.few);
        rows.push(Comparison { name, ratio, aim: None });
    }
}

fn push(
    rows: &mut Vec<Comparison>,
    name: String,
    measured: &Measured,
    (ours, theirs): (Way, Way),
    aim: Option<f64>,
) {
    rows.extend(measured.ratio(ours, theirs).map(|ratio| Comparison { name, ratio, aim }));
}

fn at_once(measured: &Measured) -> String {
    match measured.cell.at_once {
        1 => String::new(),
        count => format!(", {count} at once"),
    }
}

impl Question {
    /// As the report calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Join => "join",
            Self::Page => "page",
            Self::Update => "update",
            Self::Insert => "insert",
        }
    }
}

/// Prints what is quoted.
#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
pub(crate) fn print(found: &Findings) {
    println!(
        "\n{:<66} {:>10} {:>10} {:>7} {:>7} {:>15} {:>8}",
        "medians, microseconds", "ours", "theirs", "ratio", "aim", "half of cycles", "all"
    );
    for row in found.comparisons() {
        let Ratio { ours, theirs, ratio, spread: [lowest, low, high, highest] } = row.ratio;
        let aim = row.aim.map(|aim| format!("{aim:.2}")).unwrap_or_default();
        println!(
            "{:<66} {:>10.1} {:>10.1} {ratio:>7.3} {aim:>7}   {low:>5.2} … {high:>5.2}   {lowest:.2} … {highest:.2}",
            row.name,
            ours / 1_000.0,
            theirs / 1_000.0
        );
    }
    println!();
    for trips in &found.trips {
        println!(
            "{:<10} {:<34} round trips: {:.0} until it is answered, {:.1} in all",
            trips.question.name(),
            trips.way.name(),
            trips.answered,
            trips.over
        );
    }
    println!();
    for memory in &found.memory {
        let backend =
            memory.backend.map_or("elsewhere".to_owned(), |kib| format!("{:.1} MiB", kib / 1_024.0));
        println!(
            "{:<34} {:>6} tenants: {} backends of {backend} each, client +{} KiB",
            memory.name, memory.tenants, memory.backends, memory.client
        );
    }
    if let Some(resolved) = found.resolved {
        println!(
            "\ntenant of a host: {:.0} ns among {}, {:.0} ns among {}",
            resolved.among_few, resolved.few, resolved.among_many, resolved.many
        );
    }
    let sound = &found.soundness;
    println!(
        "one-statement reads: {} asked on one connection, {} wrong, {} left the tenant set",
        sound.asked, sound.wrong, sound.lingered
    );
}
