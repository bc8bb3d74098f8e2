//! What the gate costs beside what a service would put together itself, asked the same under axum.
//!
//! `cargo xtask bench gate` measures. `cargo test` here sends every kind of request to both and compares the answers.

mod answers;
mod asks;
mod composed;
mod findings;
mod in_process;
mod loopback;
mod measure;
mod ours;
mod report;
mod routes;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts allocations.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// Whatever keeps a run from going on.
type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What the gate costs beside jsonwebtoken, casbin and tower_governor under axum.
#[derive(Debug, Parser)]
struct Arguments {
    /// Few rounds: to see that it runs, not to quote
    #[arg(long)]
    quick: bool,

    /// What `tenantry-benches gate` found of the gate's parts; they are left out without it
    #[arg(long, value_name = "FILE")]
    parts: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match findings::run(arguments.quick, arguments.parts.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
