//! What lists and cold resolves take over stores, and how many rows and statements that is.

mod cold;
mod documents;
mod lists;
mod million;
mod postgres;
mod report;
mod shelf;
mod sqlite;

use std::time::{Duration, Instant};

use tenantry_storage::Sealing;
use tenantry_storage::testing::TestDatabase;
use tokio::runtime::Runtime;

use crate::machine::Machine;
use cold::{Lines, Members, Statements};
use postgres::PostgresShelf;
use report::Findings;
use shelf::Store;
use sqlite::SqliteShelf;

pub(crate) use million::run as million;

/// Whatever keeps it from measuring.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Of how many documents lists are.
    among: [i64; 2],
    /// How often each page is asked for at most, and for how long.
    rounds: usize,
    span: Duration,
    /// How often somebody is admitted.
    admissions: usize,
}

const FULL: Effort = Effort {
    among: [100_000, 1_000_000],
    rounds: 400,
    span: Duration::from_millis(1_500),
    admissions: 20_000,
};

const QUICK: Effort =
    Effort { among: [10_000, 20_000], rounds: 20, span: Duration::from_millis(300), admissions: 1_000 };

/// Measures, prints, and writes `target/bench/access-stores.json` and the report.
///
/// # Errors
/// Whatever keeps it from measuring: a list that isn't what checks allow, too.
pub(crate) fn run(quick: bool) -> Result<(), Fault> {
    let effort = if quick { QUICK } else { FULL };
    let runtime = Runtime::new()?;
    let began = Instant::now();
    let say = |what: &str| eprintln!("  {:>4} s  {what}", began.elapsed().as_secs());
    let database = runtime.block_on(TestDatabase::create(Sealing::Off))?;
    let mut found = Findings::begun(quick, runtime.block_on(Machine::of(&database))?);
    drop(database);
    for among in effort.among {
        say(&format!("lists among {among} documents, SQLite"));
        let shelf = runtime.block_on(SqliteShelf::fill(among))?;
        found.lists.extend(runtime.block_on(lists::measure(&shelf, among, effort))?);
        drop(shelf);
        say(&format!("lists among {among} documents, PostgreSQL"));
        let shelf = runtime.block_on(PostgresShelf::fill(among))?;
        found.lists.extend(runtime.block_on(lists::measure(&shelf, among, effort))?);
    }
    say("cold resolves");
    let mut all = vec![];
    for store in [Store::Sqlite, Store::Postgres, Store::Memory] {
        for lines in Lines::EACH {
            let members = runtime.block_on(Members::register(store, lines))?;
            found.cold.push(runtime.block_on(members.measure(effort))?);
            all.push(members);
        }
    }
    let counter = Statements::install()?;
    for (members, cold) in all.iter().zip(&mut found.cold).filter(|(_, cold)| cold.store != Store::Memory) {
        cold.statements = Some(runtime.block_on(members.statements(&counter))?);
    }
    found.end()
}
