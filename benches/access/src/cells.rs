//! What is measured, cell by cell.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::findings::{Cell, Findings};
use crate::measure::{Effort, measure};
use crate::memory::{Holder, Memory};
use crate::peers::{Casbin, Cedar, Gatehouse, HashSets, Loop};
use crate::targeted::{Targeted, building_all};
use crate::way::{InTurn, Way};
use crate::{Fault, Lines, Ours, Shape, World};

/// From how many principals the questions are drawn.
pub(crate) const ASKED: usize = 10_000;

/// How many tenants there are where nothing else is said.
pub(crate) const TENANTS: usize = 100;

/// Of how many tenants one is measured.
const SIZES: [usize; 4] = [1, 100, 10_000, 100_000];

/// Measures everything, prints what matters, and writes the report. `memory` is the program that counts memory.
///
/// # Errors
/// Whatever keeps it from measuring: an evaluator that answers otherwise than tenantry does, too.
pub fn run(is_quick: bool, memory: &Path) -> Result<(), Fault> {
    let effort = Effort::new(is_quick);
    let mut found = Findings::begun(is_quick);

    found.say("static checks");
    found.cells.extend([static_checks(effort)?, in_turn(effort)?]);
    found.say("conditional checks");
    found.cells.push(conditional_checks(effort)?);
    found.say("500 roles");
    found.cells.push(many_roles(effort)?);
    for tenants in SIZES {
        found.say(&format!("{tenants} tenants"));
        found.cells.push(among(tenants, effort)?);
    }
    found.say("explanations, filters, roles on single resources, authorities built");
    found.cells.extend(others(effort)?);
    found.say("memory");
    for holder in Holder::ALL {
        found.memory.push(count(memory, holder)?);
    }
    found.end()
}

fn static_checks(effort: Effort) -> Result<Cell, Fault> {
    let world = World::new(plain(TENANTS, ASKED, 5), ASKED);
    let ours = Arc::new(Ours::new(&world.model)?);
    let ways: Vec<Box<dyn Way>> = vec![
        Box::new(ours.static_check(&world)),
        Box::new(HashSets::new(&world).static_check(&world)),
        Box::new(Gatehouse::new(&world)?),
        Box::new(Casbin::cached(&world, effort.reach)?),
        Box::new(Cedar::static_check("cedar 5 policies", &world, effort.reach)?),
        Box::new(Cedar::with_schema("cedar 5 policies, schema", &world, effort.reach)?),
        Box::new(Cedar::with_requests("cedar 5 policies, request built", &world, effort.reach)?),
        Box::new(Casbin::static_check("casbin 100 rules", &world)?),
    ];
    let mut measured = measure(&ways, effort)?;
    let alone: Vec<Box<dyn Way>> = vec![Box::new(Loop::over(&world))];
    measured.extend(measure(&alone, effort)?);
    Ok(Cell { name: "static check".into(), measured })
}

/// The same questions, each after the answer before it.
fn in_turn(effort: Effort) -> Result<Cell, Fault> {
    let world = World::new(plain(TENANTS, ASKED, 5), ASKED);
    let ours = Arc::new(Ours::new(&world.model)?);
    let ways: Vec<Box<dyn Way>> = vec![
        Box::new(InTurn(ours.static_check(&world))),
        Box::new(InTurn(HashSets::new(&world).static_check(&world))),
    ];
    let mut measured = measure(&ways, effort)?;
    let alone: Vec<Box<dyn Way>> = vec![Box::new(InTurn(Loop::over(&world)))];
    measured.extend(measure(&alone, effort)?);
    Ok(Cell { name: "static check, each after the last".into(), measured })
}

fn conditional_checks(effort: Effort) -> Result<Cell, Fault> {
    let world = World::new(Shape { lines: Lines::Conditional, ..plain(TENANTS, ASKED, 5) }, ASKED);
    let ours = Arc::new(Ours::new(&world.model)?);
    let ways: Vec<Box<dyn Way>> = vec![
        Box::new(ours.conditional_check(&world)),
        Box::new(HashSets::new(&world).conditional_check(&world)),
        Box::new(Gatehouse::new(&world)?),
        Box::new(Casbin::conditional_cached(&world, effort.reach)?),
        Box::new(Cedar::static_check("cedar 5 policies", &world, effort.reach)?),
        Box::new(Casbin::conditional_check("casbin 100 rules", &world)?),
    ];
    Ok(Cell { name: "conditional check".into(), measured: measure(&ways, effort)? })
}

fn many_roles(effort: Effort) -> Result<Cell, Fault> {
    let world = World::new(plain(TENANTS, ASKED, 500), ASKED);
    let ours = Arc::new(Ours::new(&world.model)?);
    let ways: Vec<Box<dyn Way>> = vec![
        Box::new(ours.static_check(&world)),
        Box::new(HashSets::new(&world).static_check(&world)),
        Box::new(Gatehouse::new(&world)?),
        Box::new(Casbin::cached(&world, 256)?),
        Box::new(Cedar::static_check("cedar 500 policies", &world, effort.reach)?),
        Box::new(Casbin::static_check("casbin 10000 rules", &world)?),
    ];
    Ok(Cell { name: "static check, 500 roles".into(), measured: measure(&ways, effort)? })
}

/// Drawn from the same number of principals however many there are, and then from all of them.
fn among(tenants: usize, effort: Effort) -> Result<Cell, Fault> {
    let world = World::new(plain(tenants, tenants.max(ASKED), 5), ASKED);
    let everybody = World::new(world.shape, world.shape.principals);
    let ours = Arc::new(Ours::new(&world.model)?);
    let mut ways: Vec<Box<dyn Way>> = vec![
        Box::new(ours.static_check(&world)),
        Box::new(HashSets::new(&world).static_check(&world)),
        Box::new(Casbin::cached(&world, effort.reach)?),
        Box::new(Cedar::static_check("cedar 5 policies", &world, effort.reach)?),
        Box::new(Casbin::static_check("casbin 100 rules", &world)?),
    ];
    let mut measured = measure(&ways, effort)?;
    ways.truncate(1);
    ways[0] = Box::new(ours.static_check(&everybody));
    let all = measure(&ways, effort)?.into_iter();
    measured.extend(all.map(|measured| crate::measure::Measured { way: EVERYBODY, ..measured }));
    Ok(Cell { name: format!("static check among {tenants} tenants"), measured })
}

/// What a store's read and what follows on it take.
pub(crate) const READ_AND_BUILT: &str = "roles read, authority built";

/// tenantry, drawn from all principals that there are.
pub(crate) const EVERYBODY: &str = "tenantry, drawn from everybody";

fn others(effort: Effort) -> Result<Vec<Cell>, Fault> {
    let world = World::new(plain(TENANTS, ASKED, 5), ASKED);
    let ours = Arc::new(Ours::new(&world.model)?);
    let conditional = World::new(Shape { lines: Lines::Conditional, ..world.shape }, ASKED);
    let of_conditional = Arc::new(Ours::new(&conditional.model)?);
    let many = World::new(plain(TENANTS, ASKED, 500), ASKED);
    let of_many = Arc::new(Ours::new(&many.model)?);
    let targeted = Arc::new(Targeted::new()?);
    let cell = |name: &str, ways: Vec<Box<dyn Way>>| {
        Ok::<_, Fault>(Cell { name: name.into(), measured: measure(&ways, effort)? })
    };
    Ok(vec![
        cell(
            "explain",
            vec![
                Box::new(ours.explain(&world)),
                Box::new(Gatehouse::new(&world)?),
                Box::new(Cedar::static_check("cedar 5 policies", &world, effort.reach)?),
            ],
        )?,
        cell(
            "explain, conditional",
            vec![
                Box::new(of_conditional.explain_conditional(&conditional)),
                Box::new(Cedar::static_check("cedar 5 policies", &conditional, effort.reach)?),
            ],
        )?,
        cell("filter built", vec![Box::new(of_conditional.filter(&conditional))])?,
        cell(
            "check with a role on each of 100 resources",
            vec![Box::new(targeted.check()), Box::new(targeted.by_hand())],
        )?,
        cell("authority built, 1 to 3 roles of 20 lines", vec![Box::new(ours.building(&world)?)])?,
        cell(
            READ_AND_BUILT,
            vec![Box::new(ours.reading(&world, true)?), Box::new(ours.reading(&world, false)?)],
        )?,
        cell("authority built, 2 to 6 of 500 roles", vec![Box::new(of_many.building(&many)?)])?,
        cell("authority built, all of 500 roles", vec![Box::new(building_all(&many)?)])?,
    ])
}

fn count(program: &Path, holder: Holder) -> Result<Memory, Fault> {
    let name = clap::ValueEnum::to_possible_value(&holder).ok_or("a holder without a name")?;
    let output = Command::new(program).arg(name.get_name()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

const fn plain(tenants: usize, principals: usize, roles: usize) -> Shape {
    Shape { tenants, principals, roles, lines: Lines::Plain }
}
