//! `cargo xtask bench access`: measures, prints, and writes the report.

use std::process::ExitCode;

use clap::Parser;

/// What a decision costs, against casbin, Cedar, gatehouse and a HashSet.
#[derive(Debug, Parser)]
struct Arguments {
    /// Few rounds: to see that it runs, not to quote
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let measured = std::env::current_exe()
        .map_err(Into::into)
        .and_then(|program| tenantry_bench_access::run(arguments.quick, &program.with_file_name("memory")));
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
