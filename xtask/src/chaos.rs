//! The chaos run: two hundred tenants on a server that is crashed again and again, while connections are cut and
//! futures dropped. No tenant may see another's rows, and what was acknowledged has to be there.

use crate::{
    cargo::Cargo,
    error::Error,
    services::{Server, Services},
    step::Verdict,
    workspace::Workspace,
};

/// Runs the test on this terminal for so many minutes; with the seed of an earlier run it draws the same numbers
/// again. The test makes the server that it crashes, with the programs that the services find.
///
/// # Errors
/// Whatever kept it from being built, the services from being found, or the test from passing.
pub(crate) fn run(minutes: u32, seed: Option<u64>) -> Result<Verdict, Error> {
    let target = ["--package", "tenantry-storage", "--all-features", "--test", "postgres_chaos"];
    Cargo::new(["test"]).and(target).and(["--no-run"]).run()?;
    let workspace = Workspace::members_only()?;
    let mut services = Services::new(workspace.target_folder())?;
    let postgres = services.postgres(Server::System)?;
    let test = Cargo::new(["test"]).and(target).and(["--", "--nocapture"]);
    let test = test.with("CHAOS_MINUTES", minutes.to_string());
    let test = match seed {
        None => test,
        Some(seed) => test.with("CHAOS_SEED", seed.to_string()),
    };
    services.given_to(test, Some(&postgres)).run()?;
    Ok(Verdict::Passed)
}
