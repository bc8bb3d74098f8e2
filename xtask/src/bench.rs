//! The comparisons of `benches/`, which print their tables and write `target/bench/<name>.json` themselves.

use std::path::Path;

use clap::{Args, ValueEnum};

use crate::{
    cargo::Cargo,
    error::Error,
    services::{Server, Services},
    step::Verdict,
    workspace::Workspace,
};

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

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// What a decision costs, against casbin, Cedar, gatehouse and a set by hand; then lists and cold resolves over
    /// stores; brings a PostgreSQL server up as `test` does.
    Access,
    /// What admitting a request costs.
    Gate,
    /// What row security costs; brings a PostgreSQL server up as `test` does.
    Isolation,
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Gate => "gate",
            Self::Isolation => "isolation",
        }
    }
}

/// Builds the comparison in release and runs it on this terminal.
///
/// # Errors
/// Whatever kept it from being built or run, and what kept the server of a bench over stores from starting.
pub(crate) fn run(arguments: &Arguments) -> Result<Verdict, Error> {
    let call =
        Cargo::new(["run", "--release", "--package", "tenantry-benches", "--", arguments.name.as_str()]);
    match arguments.name {
        Name::Access => access(call, &arguments.flags)?,
        Name::Gate => call.and(&arguments.flags).run()?,
        Name::Isolation => isolation(call, &arguments.flags)?,
    }
    Ok(Verdict::Passed)
}

/// The comparison of access control, a workspace of its own, asked of cargo: built below the target folder.
pub(crate) fn of_access(command: &str, workspace: &Workspace) -> Cargo {
    let target = workspace.target_folder().join("access").to_string_lossy().into_owned();
    Cargo::new([command, "--manifest-path", &access_manifest(), "--target-dir", &target])
}

/// Its manifest.
pub(crate) fn access_manifest() -> String {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("benches");
    benches.join("access/Cargo.toml").to_string_lossy().into_owned()
}

/// Its two programs are built before one of them calls the other. What goes on in stores is measured after it, beside the
/// other comparisons over stores.
fn access(over_stores: Cargo, flags: &[String]) -> Result<(), Error> {
    let workspace = Workspace::members_only()?;
    of_access("build", &workspace).and(["--release"]).run()?;
    Cargo::new(["build", "--release", "--package", "tenantry-benches"]).run()?;
    of_access("run", &workspace).and(["--release", "--"]).and(flags).run()?;
    let mut services = Services::new(workspace.target_folder())?;
    let postgres = services.postgres(Server::System)?;
    services.given_to(over_stores.and(flags), Some(&postgres)).run()
}

/// The peer that it compares with is a workspace of its own, built below the target folder. Both are built before the
/// server comes up.
fn isolation(call: Cargo, flags: &[String]) -> Result<(), Error> {
    let workspace = Workspace::members_only()?;
    let peers = workspace.target_folder().join("peer");
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("benches").join("peer/Cargo.toml");
    let path = |path: &Path| path.to_string_lossy().into_owned();
    Cargo::new(["build", "--release", "--locked", "--manifest-path"])
        .and([path(&package), "--target-dir".to_owned(), path(&peers)])
        .run()?;
    Cargo::new(["build", "--release", "--package", "tenantry-benches"]).run()?;
    let mut services = Services::new(workspace.target_folder())?;
    let postgres = services.postgres(Server::System)?;
    let peer = peers.join("release/tenantry-bench-peer");
    let call = call.and(["--peer".to_owned(), path(&peer)]).and(flags);
    services.given_to(call, Some(&postgres)).run()
}
