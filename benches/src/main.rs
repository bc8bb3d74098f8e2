//! What tenantry costs, as ratios against bare baselines, measured in one run.
//!
//! `cargo xtask bench gate` builds this with optimisation and runs it. Nothing here is asserted: it is measured,
//! printed, and written to `target/bench/NAME.json`.

mod gate;
mod load;
mod measure;
mod report;
mod world;

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
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bench {
    /// An axum handler bare and behind the gate, and each part of the gate
    Gate,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let measured = match args.bench {
        Bench::Gate => gate::run(args.quick),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
