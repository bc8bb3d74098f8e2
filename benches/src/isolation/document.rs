//! The report.

use std::fmt::Write as _;

use super::findings::Findings;
use super::pairs::Measured;
use super::question::{OFFERS, PAGE, Question, ROWS, Spread};
use super::rows::Comparison;
use super::way::Way;

/// `docs/isolation-bench.md`, whole.
pub(crate) fn markdown(found: &Findings) -> String {
    let mut text = String::new();
    let parts = [head(found), quoted(found), where_it_loses(found), trips(found), statements(found)];
    for part in parts.into_iter().chain([
        requests(found),
        commits(found),
        memory(found),
        experiments(found),
        METHOD.to_owned(),
    ]) {
        text.push_str(part.trim_end());
        text.push_str("\n\n");
    }
    format!("{}\n", text.trim_end())
}

fn head(found: &Findings) -> String {
    let machine = found.machine.told();
    let quick = if found.is_quick {
        "\n\n**A quick run: it shows that the bench runs. Don't quote it.**"
    } else {
        ""
    };
    format!(
        "# What isolation costs\n\nWritten by `cargo xtask bench isolation`, which needs nothing else: it starts a \
         PostgreSQL server where `DATABASE_URL` names none. `--quick` shows within a minute that it runs.{quick}\n\n\
         ![Time of one read, by who keeps the tenants apart](isolation-bench.svg)\n\n\
         {machine}"
    )
}

fn quoted(found: &Findings) -> String {
    let mut text = format!(
        "## The comparisons\n\n{} tenants, each time a random one, one statement at a time unless the name says \
         otherwise. Times are medians in microseconds; with several at once, wall time over answers. Under *cycles*: \
         the middle half of the ratios of single cycles, and in brackets all of them.\n\n\
         | | ours | theirs | ratio | cycles | aim |\n|---|--:|--:|--:|--:|---|\n",
        found.most()
    );
    for row in found.comparisons() {
        text.push_str(&compared(row));
    }
    text
}

#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
fn compared(row: &Comparison) -> String {
    let [lowest, low, high, highest] = row.ratio.spread;
    let cycles = if lowest.is_nan() {
        "–".to_owned()
    } else {
        format!("{low:.2} … {high:.2} ({lowest:.2} … {highest:.2})")
    };
    let aim = match row.aim {
        Some(aim) if row.ratio.ratio <= aim => format!("at most {aim:.2}: met"),
        Some(aim) => format!("at most {aim:.2}: **missed**"),
        None => String::new(),
    };
    let digits = if row.ratio.ours < 10_000.0 { 3 } else { 1 };
    format!(
        "| {} | {:.digits$} | {:.digits$} | **{:.3}** | {cycles} | {aim} |\n",
        row.name,
        row.ratio.ours / 1_000.0,
        row.ratio.theirs / 1_000.0,
        row.ratio.ratio
    )
}

fn where_it_loses(found: &Findings) -> String {
    let mut text = "## Where it loses\n\n".to_owned();
    for row in found.comparisons().iter().filter(|row| row.ratio.ratio > row.aim.unwrap_or(1.05)) {
        let ratio = row.ratio.ratio;
        let _ = writeln!(text, "- {}: {ratio:.2} times as long.", row.name);
    }
    text.push_str(
        "\nA single statement that commits itself, without the ping, is one round trip; a transaction in which the \
         database knows the tenant begins in one and asks in another. How much of that factor is the round trip and \
         how much the policy shows against the transaction by hand, which has as many. Sealed mode also checks a MAC \
         for each table of a statement, and cleans each session when it is given back, so that nothing that injected \
         SQL left there meets the next tenant: more round trips in the background (counted below), which take from \
         the server what other statements wait for where its processors are busy.",
    );
    text
}

fn trips(found: &Findings) -> String {
    let mut text = format!(
        "## Round trips\n\nCounted on the wire, by a proxy that counts each time that the server speaks after the client \
         has sent. *Answered*: until the caller has its answer. *In all*: until the connection is free for the \
         next; what lies between runs in the background, on the server too (sqlx itself pings each \
         connection that is given back, whoever used it). The fewest, and the mean, of {} uses over one warm connection.\n\n| | question | answered | in all |\n|---|---|--:|--:|\n",
        super::COUNTED
    );
    for trips in &found.trips {
        let (way, question) = (trips.way.name(), trips.question.name());
        let _ = writeln!(text, "| {way} | {question} | {:.0} | {:.1} |", trips.answered, trips.over);
    }
    text
}

fn statements(found: &Findings) -> String {
    let mut text = format!(
        "## Every question\n\nMedians in microseconds (16 at once: wall time over answers), by number of tenants; *hot* asks always \
         for the same one, *random* each time for any. {ROWS} rows a tenant in each of two tables. Read: one row by its \
         key. Join: a listing with its {OFFERS} offers. Page: {PAGE} rows after a cursor. Update and insert: one row, \
         durable.\n"
    );
    for at_once in [1, 16] {
        for question in Question::ALL {
            let cells: Vec<_> = found
                .cells
                .iter()
                .filter(|measured| measured.cell.question == question && measured.cell.at_once == at_once)
                .collect();
            let name = question.name();
            let once = if at_once == 1 { "one at a time" } else { "16 at once" };
            let _ = write!(text, "\n### {name}, {once}\n\n|");
            for measured in &cells {
                let spread = match measured.cell.spread {
                    Spread::Hot if measured.cell.tenants == 1 => "",
                    Spread::Hot => ", hot",
                    Spread::Random => ", random",
                };
                let _ = write!(text, " | {}{spread}", measured.cell.tenants);
            }
            let _ = writeln!(text, " |\n|---{}|", "|--:".repeat(cells.len()));
            for way in Way::everywhere(question) {
                let medians: Vec<_> =
                    cells.iter().map(|measured| measured.median(*way).map(micros)).collect();
                if medians.iter().all(Option::is_none) {
                    continue;
                }
                let medians: String =
                    medians.into_iter().map(|took| format!(" | {}", took.unwrap_or_default())).collect();
                let _ = writeln!(text, "| {}{medians} |", emphasised(*way));
            }
        }
    }
    text
}

fn requests(found: &Findings) -> String {
    let text = "## Requests\n\nThe read within the smallest axum service over loopback, client and service on the same \
        machine (those of sqlx 0.8 and tenaxum in a process of their own).\n\n";
    let mut text = text.to_owned();
    text.push_str("| | one at a time, µs | 16 at once, µs | requests a second |\n|---|--:|--:|--:|\n");
    for way in Way::SERVED {
        let [alone, together] = [1, 16].map(|at_once| {
            let served = found.requests.iter().find(|measured| measured.cell.at_once == at_once);
            served.and_then(|measured| measured.median(*way))
        });
        if let (Some(alone), Some(together)) = (alone, together) {
            let (alone, each) = (micros(alone), micros(together));
            let _ = writeln!(text, "| {} | {alone} | {each} | {} |", emphasised(*way), a_second(together));
        }
    }
    text
}

fn commits(found: &Findings) -> String {
    let mut text = format!(
        "## Commits\n\nOne exact use of a quota with its audit entry, durable: through the library (`consume`), and the \
         same two rows by hand, in tables with the same keys and indexes and without row security: in a transaction \
         of four round trips, and in one statement that commits itself. {} tenants; by hand over 16 connections, the \
         library over its 4 lanes.\n\n| | latency alone, µs | 64 at once, a second | 64 at once on one tenant, a \
         second |\n|---|--:|--:|--:|\n",
        super::commit::TENANTS
    );
    for way in Way::COMMITTED {
        let at =
            |place: usize| found.commits.get(place).and_then(|measured: &Measured| measured.median(*way));
        if let (Some(alone), Some(many), Some(one)) = (at(0), at(1), at(2)) {
            let (name, alone) = (emphasised(*way), micros(alone));
            let _ = writeln!(text, "| {name} | {alone} | {} | {} |", a_second(many), a_second(one));
        }
    }
    text
}

fn memory(found: &Findings) -> String {
    let mut text = "## Memory\n\nAfter reads, joins and pages of random tenants over 16 connections, each way in a \
        process of its own. *Backend*: the median of what a backend has for itself, shared memory aside. *Client*: by \
        how much its resident memory grew from before its first connection.\n\n| | tenants | backend | client |\n\
        |---|--:|--:|--:|\n"
        .to_owned();
    for memory in &found.memory {
        let backend = memory.backend.map_or("elsewhere".to_owned(), mebibytes);
        let client = u32::try_from(memory.client).map_or(String::new(), |kib| mebibytes(f64::from(kib)));
        let _ = writeln!(text, "| {} | {} | {backend} | {client} |", emphasised(memory.way), memory.tenants);
    }
    if let Some(resolved) = found.resolved {
        let _ = write!(
            text,
            "\nThe tenant of a host, found in memory: {:.0} ns among {}, {:.0} ns among {} (drawing the random host, \
             {:.0} ns, included). The aim is 200 ns, and no more among many.",
            resolved.among_few, resolved.few, resolved.among_many, resolved.many, resolved.drawing
        );
    }
    text
}

fn experiments(found: &Findings) -> String {
    let sound = &found.soundness;
    format!(
        "## A read in one round trip: two experiments\n\nNeither is in the library.\n\n\
         - *One string*: `BEGIN READ ONLY; SET LOCAL app.tenant_id = '…'; SELECT …; COMMIT` as one simple query. It \
         takes no bound values, so the application would have to write its own into the text, and the server plans it \
         each time.\n\
         - *One statement*: `SELECT l.* FROM (SELECT set_config('app.tenant_id', $2, true) OFFSET 0) AS s(t), LATERAL \
         (SELECT … WHERE … AND s.t IS NOT NULL OFFSET 0) AS l`, prepared. {} reads on one connection, each for another \
         random tenant, under automatic, custom and generic plans: {} wrong, {} left the tenant set behind. That \
         the name is set before the policy reads it rests on the plan below: the nested loop runs its outer side \
         first, the planner moves nothing across `OFFSET 0` or `LATERAL`, and `set_config` keeps the plan serial. \
         PostgreSQL documents no order of evaluation, so this is an observation and no promise.\n\n```text\n{}\n```",
        sound.asked,
        sound.wrong,
        sound.lingered,
        sound.plan.join("\n")
    )
}

/// How it was measured.
const METHOD: &str = "## Method

- Three databases on one server hold the same rows, keys and indexes: without row security, under `tenantry.protect`, and
  the same in sealed mode. A store refuses to serve from the first (its boot audit names each table), so that it is asked
  by hand alone. The rows of tenants lie among each other's, as they come in a service. Automatic vacuum is off for these
  tables while measuring.
- By hand: sqlx 0.9, `WHERE tenant_id = $2` in every statement. The *ordinary pool* is as sqlx sets it, with its ping
  before each use; *autocommit* is the same without. *Transaction* is the harder of the two by hand: without the ping,
  and for reads dropped rather than committed, which saves the caller a round trip. `PgTenantTx` reads are dropped too.
- Under row security the statements don't name the tenant: the policy alone keeps tenants apart.
- tenaxum 0.2.0 runs in a process of its own, since it is built on sqlx 0.8; sqlx 0.8's own ordinary pool is measured in
  that process too. It is used as <https://docs.rs/tenaxum/0.2.0/tenaxum/> says: the pool hooks that it recommends, and
  `begin_tenant` (over a pool without the ping, reads dropped: faster than its examples). Both ask the very tables that
  `PgTenantTx` asks. Hooks without the ping aren't in its documentation; they are shown beside.
- SQLite: the library's store, one file, `synchronous=FULL`; reads over its readers, writes in its `TenantTx`.
- Every way has 16 connections, open and warm. Ways take turns in short blocks, forwards and then backwards (a cycle), so
  that whatever else the machine does falls on all alike. A ratio is one of medians over all blocks; its spread is that
  of the cycles' own ratios. Seeds are fixed, and every way draws the same tenants and keys.
- A block one at a time counts its median answer; with several at once, its wall time over its answers.
- Every answer is checked: as many rows as there should be, all of the tenant that was asked for.";

fn emphasised(way: Way) -> String {
    if way.is_ours() { format!("**{}**", way.name()) } else { way.name().to_owned() }
}

#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
fn micros(nanoseconds: f64) -> String {
    format!("{:.1}", nanoseconds / 1_000.0)
}

#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
fn a_second(nanoseconds: f64) -> String {
    format!("{:.0}", 1e9 / nanoseconds)
}

#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
fn mebibytes(kib: f64) -> String {
    format!("{:.1} MiB", kib / 1_024.0)
}
