//! The project's own commands, run as `cargo xtask <command>`.
//!
//! | command | what it does |
//! | --- | --- |
//! | `test` | runs every test of the workspace, doc tests included |
//! | `check` | what a change has to pass besides its tests: format, lints, documentation, features, arrows |
//! | `arrows` | which package may depend on which, asked of cargo |
//! | `bench` | one of the comparisons of `benches/` |
//! | `services` | the servers that the tests need, for tests run by hand |
//! | `crash` | the marketplace's crash test, with a number of kills of your choosing |
//! | `fuzz` | the fuzz targets of `fuzz/`, for a number of seconds of your choosing |
//! | `chaos` | many tenants on a PostgreSQL server that is crashed while their connections are cut |

mod arrows;
mod bench;
mod cargo;
mod chaos;
mod check;
mod crash;
mod error;
mod features;
mod fuzz;
mod services;
mod step;
mod tally;
mod test;
mod tree;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{error::Error, step::Verdict};

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test, doc tests included; the last line reads `N passed, M failed`.
    Test {
        /// One suite (`tests`, `doctests`, `newest`, `access`, `gate`, `fuzz`) or one package of the workspace.
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
    },
    /// Check format, lints, documentation, each feature alone, and the arrows between packages.
    Check,
    /// Check which package depends on which, and what must stay out of their trees.
    Arrows,
    /// Run one comparison of `benches/`, in release.
    Bench(bench::Arguments),
    /// Start the servers that the tests need, print their addresses as lines of shell, and keep them until Ctrl-C.
    Services,
    /// Run the marketplace's crash test.
    Crash {
        /// How often the server is killed; without it the test's own number.
        #[arg(long, value_name = "N")]
        kills: Option<u32>,
    },
    /// Feed the parsers of scopes, conditions and imports what libFuzzer makes up.
    Fuzz(fuzz::Arguments),
    /// Load a PostgreSQL server with 200 tenants while it is crashed and connections are cut.
    Chaos {
        /// For how many minutes.
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=600))]
        minutes: u32,
        /// The seed that an earlier run printed.
        #[arg(long, value_name = "SEED")]
        seed: Option<u64>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(Verdict::Passed) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<Verdict, Error> {
    match task {
        Task::Test { only } => test::run(only.as_deref()),
        Task::Check => check::run(),
        Task::Arrows => arrows::run(),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Services => services::run(),
        Task::Crash { kills } => crash::run(kills),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Chaos { minutes, seed } => chaos::run(minutes, seed),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_unknown_bench_is_refused_with_the_names_there_are() {
        let error = Arguments::try_parse_from(["xtask", "bench", "gait"]).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("[possible values: access, gate, isolation]"), "{error}");
    }

    #[test]
    fn a_benchs_flags_reach_it_unread() {
        let parsed =
            Arguments::try_parse_from(["xtask", "bench", "gate", "--quick", "--rounds", "3"]).unwrap();
        let Task::Bench(arguments) = parsed.command else { panic!("another command") };
        assert_eq!(arguments.flags, ["--quick", "--rounds", "3"]);
    }
}
