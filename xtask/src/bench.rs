//! The comparisons of `benches/`, which print their tables and write `target/bench/<name>.json` themselves.

use std::path::{Path, PathBuf};

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
    /// What admitting a request costs, against jsonwebtoken, casbin and tower_governor under axum.
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
        Name::Gate => gate(call, &arguments.flags)?,
        Name::Isolation => isolation(call, &arguments.flags)?,
    }
    Ok(Verdict::Passed)
}

/// A comparison that is a workspace of its own, so that its peers enter no other's dependency tree.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Apart {
    /// Of access control.
    Access,
    /// Of the gate.
    Gate,
}

impl Apart {
    pub(crate) const EACH: [Self; 2] = [Self::Access, Self::Gate];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Gate => "gate",
        }
    }

    /// Asked of cargo: built below the target folder, where both find the peers that they share.
    pub(crate) fn call(self, command: &str, workspace: &Workspace) -> Cargo {
        let target = workspace.target_folder().join("apart").to_string_lossy().into_owned();
        Cargo::new([command, "--manifest-path", &self.manifest(), "--target-dir", &target])
    }

    /// Its manifest.
    pub(crate) fn manifest(self) -> String {
        benches().join(self.as_str()).join("Cargo.toml").to_string_lossy().into_owned()
    }
}

fn benches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("benches")
}

/// The gate's parts first, then the whole beside its peer, whose report has both.
fn gate(parts: Cargo, flags: &[String]) -> Result<(), Error> {
    let workspace = Workspace::members_only()?;
    Apart::Gate.call("build", &workspace).and(["--release"]).run()?;
    parts.and(flags).run()?;
    let found = benches().with_file_name("target").join("bench/gate.json").to_string_lossy().into_owned();
    let whole = Apart::Gate.call("run", &workspace).and(["--release", "--", "--parts", &found]);
    whole.and(flags).run()
}

/// Its two programs are built before one of them calls the other. What goes on in stores is measured after it, beside the
/// other comparisons over stores; `--million` asks for nothing else.
fn access(over_stores: Cargo, flags: &[String]) -> Result<(), Error> {
    let workspace = Workspace::members_only()?;
    let is_of_stores_only = flags.iter().any(|flag| flag.starts_with("--million"));
    Cargo::new(["build", "--release", "--package", "tenantry-benches"]).run()?;
    if !is_of_stores_only {
        Apart::Access.call("build", &workspace).and(["--release"]).run()?;
        Apart::Access.call("run", &workspace).and(["--release", "--"]).and(flags).run()?;
    }
    let mut services = Services::new(workspace.target_folder())?;
    let postgres = services.postgres(Server::System)?;
    services.given_to(over_stores.and(flags), Some(&postgres)).run()
}

/// The peer that it compares with is a workspace of its own, built below the target folder. Both are built before the
/// server comes up.
fn isolation(call: Cargo, flags: &[String]) -> Result<(), Error> {
    let workspace = Workspace::members_only()?;
    let peers = workspace.target_folder().join("peer");
    let package = benches().join("peer/Cargo.toml");
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
