//! What one evaluator keeps in memory, counted by the allocator: in a process of its own, so that counting slows down
//! nobody who is timed.

use std::process::ExitCode;

use clap::Parser;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tenantry_bench_access::{Fault, Holder, Memory, hold, tenants};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// Whose memory is counted.
#[derive(Debug, Parser)]
struct Arguments {
    /// Who keeps it.
    holder: Holder,
}

fn main() -> ExitCode {
    match count(Arguments::parse().holder) {
        Ok(memory) => {
            println!("{memory}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("memory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn count(holder: Holder) -> Result<String, Fault> {
    let world = tenants(holder);
    let region = Region::new(ALLOCATOR);
    let kept = hold(holder, &world)?;
    let change = region.change();
    let bytes = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
    drop(kept);
    Ok(serde_json::to_string(&Memory::of(holder, u64::try_from(bytes)?))?)
}
