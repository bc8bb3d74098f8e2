//! The comparisons of `benches/`, which print their tables and write `target/bench/<name>.json` themselves.

use clap::{Args, ValueEnum};

use crate::{cargo::Cargo, error::Error, step::Verdict};

/// Which comparison to run, and how.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Which one.
    #[arg(value_enum)]
    name: Name,
    /// Flags for the comparison itself, such as `--quick`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FLAGS")]
    pub(crate) flags: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// What admitting a request costs.
    Gate,
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::Gate => "gate",
        }
    }
}

/// Builds the comparison in release and runs it on this terminal.
pub(crate) fn run(arguments: &Arguments) -> Result<Verdict, Error> {
    Cargo::new(["run", "--release", "--package", "tenantry-benches", "--", arguments.name.as_str()])
        .and(&arguments.flags)
        .run()?;
    Ok(Verdict::Passed)
}
