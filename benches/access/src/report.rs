//! The report: what is printed, and the page in `docs/`.

use std::fmt::Write as _;

use crate::Fault;
use crate::cells::{ASKED, EVERYBODY, TENANTS};
use crate::findings::{Aim, Comparison, Findings};
use crate::memory::Memory;
use crate::targeted::EACH;

/// Prints every comparison, and the aims.
pub(crate) fn print(found: &Findings) {
    let (name, ours, theirs, times) = ("medians", "ours, ns", "theirs, ns", "times as fast");
    println!("{name:<70} {ours:>12} {theirs:>14} {times:>14}  aim");
    for row in &found.comparisons {
        let theirs = row.theirs.map_or_else(String::new, number);
        let times = row.theirs.map_or_else(String::new, |_| number(1.0 / row.spread.median));
        let aim = aim(row).replace("**", "");
        println!("{:<70} {:>12} {theirs:>14} {times:>14}  {aim}", row.name, number(row.ours));
    }
    for memory in &found.memory {
        let Memory { of_principal, of_tenant, .. } = memory;
        let name = format!("memory: {}", memory.holder.name());
        println!(
            "{name:<70} {of_principal:>12} bytes a principal, {of_tenant} a tenant of {}",
            Memory::PRINCIPALS
        );
    }
    let missed = found.comparisons.iter().filter(|row| row.is_met() == Some(false)).count();
    let met = found.comparisons.iter().filter(|row| row.is_met() == Some(true)).count();
    println!("{met} aims met, {missed} missed");
}

/// The page.
pub(crate) fn markdown(found: &Findings) -> Result<String, Fault> {
    let mut page = String::new();
    head(&mut page, found)?;
    comparisons(&mut page, found)?;
    losses(&mut page, found)?;
    cells(&mut page, found)?;
    tenants(&mut page, found)?;
    memory(&mut page, found)?;
    page.push_str(METHOD);
    Ok(page)
}

fn head(page: &mut String, found: &Findings) -> Result<(), Fault> {
    let machine = &found.machine;
    let [before, after] = &machine.load;
    write!(
        page,
        "# What a decision costs\n\nWritten by `cargo xtask bench access`, which needs nothing else. `--quick` shows \
         within a minute that it runs.\n\n![Time of one decision, by who decides](access-bench.svg)\n\nMeasured on {} × \
         {}. Load average before {before}, after {after}; the bench itself is part of the second.{}\n\n",
        machine.cpus,
        machine.model,
        if found.is_quick { " **A quick run: not to be quoted.**" } else { "" }
    )?;
    if let Some(alone) = found.cell("static check").and_then(|cell| cell.way("the loop alone")) {
        write!(
            page,
            "Asking takes {} ns a question with nothing to decide: a question is read, and its place and its answer are \
             kept from the compiler. It is part of every number below, and subtracted from none.\n\n",
            number(alone.nanos)
        )?;
    }
    Ok(())
}

fn comparisons(page: &mut String, found: &Findings) -> Result<(), Fault> {
    write!(
        page,
        "## The comparisons\n\n{ASKED} principals of {TENANTS} tenants hold 1 to 3 of 5 roles of 20 permissions, unless \
         the name says otherwise. Medians of all turns, in nanoseconds a question. Under *turns*: the middle half of the \
         turns' own ratios (ours to theirs), or times.\n\n| | ours | theirs | times as fast | turns | aim |\n\
         |---|--:|--:|--:|--:|---|\n"
    )?;
    for row in &found.comparisons {
        let theirs = row.theirs.map_or_else(String::new, number);
        let times =
            row.theirs.map_or_else(String::new, |_| format!("**{}**", number(1.0 / row.spread.median)));
        let (name, ours, aim) = (&row.name, number(row.ours), aim(row));
        let (low, high) = (number(row.spread.low), number(row.spread.high));
        writeln!(page, "| {name} | {ours} | {theirs} | {times} | {low} … {high} | {aim} |")?;
    }
    page.push('\n');
    Ok(())
}

fn aim(row: &Comparison) -> String {
    let Some(aim) = row.aim else { return String::new() };
    let wanted = match aim {
        Aim::AtMost(nanos) => format!("at most {nanos} ns"),
        Aim::TimesAsFast(times) => format!("at least {times} times as fast"),
        Aim::TimesAsLong(times) => format!("at most {times} times as long"),
    };
    let met = if row.is_met() == Some(true) { "met" } else { "**missed**" };
    format!("{wanted}: {met}")
}

fn losses(page: &mut String, found: &Findings) -> Result<(), Fault> {
    page.push_str("## Where it loses\n\n");
    let lost = found.comparisons.iter().filter(|row| row.loses() || row.is_met() == Some(false));
    let mut lines: Vec<String> = lost
        .map(|row| match (row.theirs, row.aim) {
            (Some(_), _) => format!("- {}: {} times as long.\n", row.name, number(row.spread.median)),
            (None, _) => format!("- {}: {} ns, {}.\n", row.name, number(row.ours), aim(row)),
        })
        .collect();
    if lines.is_empty() {
        lines.push("Nowhere in this run.\n".to_owned());
    }
    lines.iter().for_each(|line| page.push_str(line));
    page.push('\n');
    Ok(())
}

fn cells(page: &mut String, found: &Findings) -> Result<(), Fault> {
    page.push_str(
        "## Every way\n\nUnder *compared*: how many of its answers were compared with tenantry's, all of them alike, and \
         how many of those allowed.\n\n| | way | ns | turns | compared | allowed |\n|---|---|--:|--:|--:|--:|\n",
    );
    for cell in &found.cells {
        for measured in &cell.measured {
            let (name, way, nanos) = (&cell.name, measured.way, number(measured.nanos));
            let (low, high) = (number(measured.spread().low), number(measured.spread().high));
            let (compared, allowed) = (measured.compared, measured.allowed);
            writeln!(page, "| {name} | {way} | {nanos} | {low} … {high} | {compared} | {allowed} |")?;
        }
    }
    write!(
        page,
        "\n*Each after the last*: a question is asked once the answer before it is known, so that nothing overlaps; all \
         other rows are what a thread gets through, question by question. *Explain*: gatehouse's trace and the policies \
         that Cedar names are part of what each of them answers anyway. *Filter built*: the predicate only, without a \
         database. *A role on each of {EACH} resources*: by hand, a set of (resource, permission). *Authority built*: \
         what follows on a principal's roles being read from a store, of roles that others hold too. *Roles read*: the \
         same of roles of the principal's own, from the JSON that a store keeps, without the store; what the authority \
         adds to that is *above reading its roles*.\n\n"
    )?;
    Ok(())
}

fn tenants(page: &mut String, found: &Findings) -> Result<(), Fault> {
    write!(
        page,
        "## By number of tenants\n\n{ASKED} principals or one a tenant, whichever is more; nanoseconds a static check. All \
         rows but the last draw from {ASKED} of them, so that what differs is the number of tenants and not what a \
         processor's caches hold; the last draws from everybody.\n\n| |"
    )?;
    let cells: Vec<_> =
        found.cells.iter().filter(|cell| cell.name.starts_with("static check among ")).collect();
    for cell in &cells {
        write!(
            page,
            " {} |",
            cell.name.trim_start_matches("static check among ").trim_end_matches(" tenants")
        )?;
    }
    write!(page, "\n|---|{}\n", "--:|".repeat(cells.len()))?;
    let ways = cells.first().map_or(&[][..], |cell| &cell.measured);
    let (all, others): (Vec<_>, Vec<_>) = ways.iter().partition(|measured| measured.way == EVERYBODY);
    for way in others.iter().chain(&all) {
        write!(page, "| {} |", way.way)?;
        for cell in &cells {
            write!(
                page,
                " {} |",
                cell.way(way.way).map_or_else(String::new, |measured| number(measured.nanos))
            )?;
        }
        page.push('\n');
    }
    page.push('\n');
    Ok(())
}

fn memory(page: &mut String, found: &Findings) -> Result<(), Fault> {
    write!(
        page,
        "## Memory\n\n{} tenants of {} principals; bytes asked of the allocator and not given back, counted in a process \
         of its own.\n\n| | a principal | a tenant |\n|---|--:|--:|\n",
        Memory::TENANTS,
        Memory::PRINCIPALS
    )?;
    for memory in &found.memory {
        writeln!(page, "| {} | {} | {} |", memory.holder.name(), memory.of_principal, memory.of_tenant)?;
    }
    page.push_str(
        "\nAn authority holds what a check, an explanation and a filter take, conditions and roles by name included; the \
         sets by hand hold names and can only be asked for one. Lines that are equal are \
         held once, whoever holds them; a tenant's own roles are read for each principal apart, as a store does.\n\n",
    );
    Ok(())
}

const METHOD: &str = "## Method

- Everybody is asked the same questions, drawn from the same seeds. Before anything is timed, answers are compared with
  tenantry's one by one; one that differs ends the run. `cargo test --manifest-path benches/access/Cargo.toml` compares
  24,000 more answers of casbin and Cedar about random tenants with roles of their own, denials and roles within roles,
  and 24,000 of Cedar about conditions; where they differ by design is a test too (`tests/differences.rs`).
- A question is a place in a list of 65,536, in random order: a principal (one of 10,000) and a permission, or those and
  a document. It is too long a list to be learned by a branch predictor. Ways that are slow are asked a stretch of it
  in each turn, and go on from there in the next.
- Ways take turns of some 12 ms, 31 times, forwards and then backwards, so that whatever else the machine does falls on
  all alike.
- tenantry: `Authority::check_tenant` and `Authority::check` over a list of `Arc<Authority>`. Static: a permission that
  roles give without a condition, 2 of 5 roles on average. Conditional: every question is about a permission that a
  role of the principal gives under a condition (`resource.owner = caller.id`, or `resource.amount <= 100000`).
- casbin 2.20 (<https://casbin.org/docs/rbac-with-domains>, <https://casbin.org/docs/abac>): rules without tenants, roles
  assigned in tenants, which keeps it at 100 rules for any number of tenants; the matcher's cheap comparisons come first.
  Its texts are there before the question. *Cached*: <https://docs.rs/casbin/2.20.0/casbin/struct.CachedEnforcer.html>
  with a cache that holds every question asked, each asked before. The `cached` feature gives the plain enforcer's role
  manager a cache too.
- Cedar 4.14 (<https://docs.rs/cedar-policy/4.14.1/cedar_policy/struct.Authorizer.html>): one policy for each role, actions
  in a group for each role (<https://docs.cedarpolicy.com/policies/syntax-policy.html>), policies and entities parsed and
  built once, and requests too, which a service can't; *request built* builds them as it has to. With a schema
  (<https://docs.cedarpolicy.com/schema/schema.html>) beside.
- gatehouse 0.6 (<https://docs.rs/gatehouse/0.6.0/gatehouse/>): one hand-written policy with a static name over a map of
  the principal's permissions, without its tracing, awaited within one future. It has no roles of its own.
- By hand: `HashSet<String>` of the standard library for each principal; with conditions, a `HashMap` of them and a
  `match`.
";

/// Three digits that mean something.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if !value.is_finite() => "–".to_owned(),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value if value >= 0.1 => format!("{value:.3}"),
        value => format!("{value:.5}"),
    }
}
