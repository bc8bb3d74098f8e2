//! What tenantry costs, as ratios against bare baselines, measured in one run.
//!
//! `cargo xtask bench gate`, `… isolation` and `… access` build this with optimisation and run it. Nothing here is
//! asserted: it is measured, printed, and written to `target/bench/NAME.json`.

mod access;
mod gate;
mod isolation;
mod load;
mod machine;
mod measure;
mod report;
mod world;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts allocations, for the parts whose aim is a number of them.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// What is measured.
#[derive(Debug, Parser)]
#[command(name = "tenantry-benches", about = "What tenantry costs")]
struct Args {
    /// Which bench
    bench: Bench,

    /// Few rounds: to see that it runs, not to quote
    #[arg(long)]
    quick: bool,

    /// The program of the peer that the isolation bench compares with; left out without it
    #[arg(long, value_name = "PROGRAM")]
    peer: Option<PathBuf>,

    /// Of the access bench: nothing but what a million tenants change, or so many, which takes a while to fill
    #[arg(long, value_name = "TENANTS", num_args = 0..=1, require_equals = true, default_missing_value = "1000000")]
    million: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bench {
    /// Lists among a million rows and cold resolves, over stores; needs DATABASE_URL
    Access,
    /// An axum handler bare and behind the gate, and each part of the gate
    Gate,
    /// Row security on PostgreSQL against statements by hand; needs DATABASE_URL
    Isolation,
    /// One way of asking in a process of its own, told by the isolation bench
    #[value(hide = true)]
    IsolationMemory,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let measured = match args.bench {
        Bench::Access => {
            let measured = args
                .million
                .map_or_else(|| access::run(args.quick), |many| access::million(many, args.quick));
            measured.map_err(|error| error as Box<dyn Error>)
        }
        Bench::Gate => gate::run(args.quick),
        Bench::Isolation => {
            isolation::run(args.quick, args.peer.as_deref()).map_err(|error| error as Box<dyn Error>)
        }
        Bench::IsolationMemory => isolation::be_looked_at().map_err(|error| error as Box<dyn Error>),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
