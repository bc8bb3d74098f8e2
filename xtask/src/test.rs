//! Every test of the workspace, doc tests included.
//!
//! Plain `cargo test` runs them, so that Rust is all a contributor needs. They are built first, together with
//! the programs of the workspace, because an example's tests start its own program and its neighbours'. The servers
//! that they speak to are found or started first, see [`crate::services`]; the tests that speak to PostgreSQL run
//! once more on its newest major version.

use std::collections::BTreeSet;

use crate::{
    bench::Apart,
    cargo::Cargo,
    error::Error,
    fuzz,
    services::{Postgres, Server, Services},
    step::{Steps, Verdict},
    tally::Tally,
    workspace::{Layer, Package, Workspace},
};

/// What is built, and which calls then run it.
#[derive(Debug)]
struct Plan {
    build: Cargo,
    suites: Vec<Suite>,
}

/// One call of `cargo test`.
#[derive(Clone, Debug)]
struct Suite {
    name: String,
    /// `None` where there is no test to call, which fails the run.
    call: Option<Cargo>,
    /// The server that its tests speak to, if any of them does.
    server: Option<Server>,
}

/// What has passed and failed so far, over all suites.
#[derive(Debug, Default)]
struct Score {
    passed: u64,
    failed: u64,
}

/// Runs all tests, or those of one suite or package, and prints `N passed, M failed` last.
///
/// What is left out by `#[ignore]` counts as failed, and so do a build that fails, a suite without tests, and a
/// test program that dies: zero failed means that every test there is ran and passed.
///
/// # Errors
/// [`Error::UnknownSuite`] when nothing has that name, and whatever kept cargo from being asked.
pub(crate) fn run(only: Option<&str>) -> Result<Verdict, Error> {
    let workspace = Workspace::members_only()?;
    let plan = Plan::select(&workspace, only)?;
    let mut services = Services::new(workspace.target_folder())?;
    let mut steps = Steps::of(plan.suites.len().saturating_add(2));
    let mut score = Score::default();
    let found = steps.run("services", || plan.services(&mut services));
    let built = found == Verdict::Passed
        && Verdict::Passed
            == steps.run("build", || {
                println!("      {}", plan.build);
                plan.build.run().map(|()| String::new())
            });
    if built {
        for suite in &plan.suites {
            steps.run(&suite.name, || suite.run(&mut services, &mut score));
        }
    } else {
        score.failed = 1;
    }
    drop(services);
    let verdict = steps.summary();
    println!("{} passed, {} failed", score.passed, score.failed);
    Ok(verdict)
}

impl Plan {
    fn select(workspace: &Workspace, only: Option<&str>) -> Result<Self, Error> {
        let suites = Suite::of_the_workspace(workspace);
        let Some(name) = only else {
            return Ok(Self { build: build(["--workspace"]), suites });
        };
        if let Some(suite) = suites.iter().find(|suite| suite.name == name) {
            return Ok(Self { build: build(["--workspace"]), suites: vec![suite.clone()] });
        }
        if let Some(package) = workspace.members().find(|package| package.name == name) {
            return Ok(Self::of_one(workspace, package));
        }
        let suites = suites.iter().map(|suite| suite.name.as_str());
        let known: Vec<&str> =
            suites.chain(workspace.members().map(|package| package.name.as_str())).collect();
        Err(Error::UnknownSuite { name: name.to_owned(), known: known.join(", ") })
    }

    fn of_one(workspace: &Workspace, package: &Package) -> Self {
        let started_by_tests: Vec<&Package> = match workspace.layer(package) {
            Some(Layer::Example) => workspace.members_of(Layer::Example).collect(),
            _ => vec![package],
        };
        let packages = started_by_tests.iter().flat_map(|package| ["--package", &package.name]);
        let call = Cargo::new(["test", "--package", &package.name, "--all-features", "--no-fail-fast"]);
        let server = match workspace.layer(package) {
            Some(Layer::Core | Layer::Adapter | Layer::Measure) => None,
            _ => Some(Server::System),
        };
        let suite = Suite { name: package.name.clone(), call: Some(call), server };
        Self { build: build(packages), suites: vec![suite] }
    }

    /// Brings up the server of the first run, so that a machine without one is told of at once.
    fn services(&self, services: &mut Services) -> Result<String, Error> {
        if self.suites.iter().all(|suite| suite.server != Some(Server::System)) {
            return Ok("none needed yet".to_owned());
        }
        let postgres = services.postgres(Server::System)?;
        Ok(format!("PostgreSQL {}", postgres.version()))
    }
}

fn build<'a>(packages: impl IntoIterator<Item = &'a str>) -> Cargo {
    Cargo::new(["build"]).and(packages).and(["--all-features", "--bins", "--tests"])
}

impl Suite {
    fn of_the_workspace(workspace: &Workspace) -> Vec<Self> {
        let call = || Cargo::new(["test", "--workspace", "--all-features", "--no-fail-fast"]);
        let suite = |name: &str, call, server| Self { name: name.to_owned(), call, server: Some(server) };
        let postgres = postgres_tests(workspace);
        let newest = call().and(postgres.iter().flat_map(|name| ["--test", name]));
        vec![
            suite("tests", Some(call().and(["--tests"])), Server::System),
            suite("doctests", Some(call().and(["--doc"])), Server::System),
            suite("newest", (!postgres.is_empty()).then_some(newest), Server::Newest),
            Self::apart(Apart::Access, workspace),
            Self::apart(Apart::Gate, workspace),
            Self::fuzz(workspace),
        ]
    }

    /// Every seed of the fuzz targets, once.
    fn fuzz(workspace: &Workspace) -> Self {
        Self { name: "fuzz".to_owned(), call: Some(fuzz::seeds(workspace)), server: None }
    }

    /// The evaluator, or the gate, against its peers, in the workspace that has them; it shows how often each allowed.
    fn apart(of: Apart, workspace: &Workspace) -> Self {
        let call = of.call("test", workspace).and(["--no-fail-fast", "--tests", "--", "--show-output"]);
        Self { name: of.as_str().to_owned(), call: Some(call), server: None }
    }

    /// Runs it; whatever keeps it from running counts as one test that failed.
    fn run(&self, services: &mut Services, score: &mut Score) -> Result<String, Error> {
        let tally = self.tally(services);
        let (passed, failed, shown) = match tally {
            Ok((tally, problems, on)) => {
                let failures = tally.failures().max(u64::from(!problems.is_empty()));
                let shown = if problems.is_empty() {
                    Ok(format!("{}{on}", tally.counts()))
                } else {
                    Err(Error::Broken(problems))
                };
                (tally.counts().passed, failures, shown)
            }
            Err(error) => (0, 1, Err(error)),
        };
        score.add(passed, failed);
        shown
    }

    /// What the call reported, what is wrong with it, and the words for the server that it ran on.
    fn tally(&self, services: &mut Services) -> Result<(Tally, Vec<String>, String), Error> {
        let call = self.call.as_ref().ok_or(Error::NoPostgresTests)?;
        let postgres = self.server.map(|server| services.postgres(server)).transpose()?;
        let on = postgres.as_ref().map(on).unwrap_or_default();
        println!("      {call}{on}");
        let mut tally = Tally::default();
        let status = services.given_to(call.clone(), postgres.as_ref()).lines(|line| {
            if let Some(shown) = tally.read(line) {
                println!("{shown}");
            }
        })?;
        let mut problems = tally.problems();
        if problems.is_empty() && !status.success() {
            problems.push(format!("`{call}` failed ({status})"));
        }
        Ok((tally, problems, on))
    }
}

fn on(postgres: &Postgres) -> String {
    format!(", on PostgreSQL {}", postgres.version())
}

/// The integration tests that speak to PostgreSQL: those whose names begin so, in any member.
fn postgres_tests(workspace: &Workspace) -> BTreeSet<&str> {
    let tests = workspace.members().flat_map(Package::integration_tests);
    tests.filter(|name| name.starts_with("postgres")).collect()
}

impl Score {
    fn add(&mut self, passed: u64, failed: u64) {
        self.passed = self.passed.saturating_add(passed);
        self.failed = self.failed.saturating_add(failed);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::workspace::made_up;

    fn plan(only: Option<&str>) -> Result<Vec<String>, Error> {
        let members = [
            ("", "tenantry"),
            ("crates/core", "tenantry-core"),
            ("examples/shop", "shop"),
            ("examples/till", "till"),
            ("xtask", "xtask"),
        ];
        let Plan { build, suites } = Plan::select(&made_up::workspace(&members, &[]), only)?;
        Ok(std::iter::once(build)
            .chain(suites.into_iter().filter_map(|suite| suite.call))
            .map(|call| call.to_string())
            .collect())
    }

    #[test]
    fn without_a_name_everything_runs() {
        let [access, gate] = Apart::EACH.map(|of| {
            let manifest = of.manifest();
            format!(
                "cargo test --manifest-path {manifest} --target-dir /w/target/apart --no-fail-fast --tests -- --show-output"
            )
        });
        let fuzz = format!(
            "cargo test --manifest-path {} --target-dir /w/target/fuzz --no-fail-fast --tests",
            fuzz::manifest()
        );
        let expected = [
            "cargo build --workspace --all-features --bins --tests",
            "cargo test --workspace --all-features --no-fail-fast --tests",
            "cargo test --workspace --all-features --no-fail-fast --doc",
            "cargo test --workspace --all-features --no-fail-fast --test postgres_shop --test postgres_tenantry \
             --test postgres_tenantry-core --test postgres_till --test postgres_xtask",
            &access,
            &gate,
            &fuzz,
        ];
        assert_eq!(plan(None).unwrap(), expected);
    }

    #[test]
    fn a_suite_runs_alone() {
        let expected = [
            "cargo build --workspace --all-features --bins --tests",
            "cargo test --workspace --all-features --no-fail-fast --doc",
        ];
        assert_eq!(plan(Some("doctests")).unwrap(), expected);
    }

    #[test]
    fn a_package_runs_alone_and_an_example_with_its_neighbours_built() {
        let expected = [
            "cargo build --package tenantry-core --all-features --bins --tests",
            "cargo test --package tenantry-core --all-features --no-fail-fast",
        ];
        assert_eq!(plan(Some("tenantry-core")).unwrap(), expected);
        let expected = [
            "cargo build --package shop --package till --all-features --bins --tests",
            "cargo test --package shop --all-features --no-fail-fast",
        ];
        assert_eq!(plan(Some("shop")).unwrap(), expected);
    }

    #[test]
    fn the_newest_server_is_for_the_tests_that_speak_to_one_and_their_absence_fails() {
        let members = [("", "tenantry"), ("crates/core", "tenantry-core"), ("crates/adapters/http", "http")];
        let workspace = made_up::workspace(&members, &[]);
        let servers = |only| -> Vec<_> {
            Plan::select(&workspace, only).unwrap().suites.iter().map(|suite| suite.server).collect()
        };
        let every = [Some(Server::System), Some(Server::System), Some(Server::Newest), None, None, None];
        assert_eq!(servers(None), every);
        assert_eq!(servers(Some("newest")), [Some(Server::Newest)]);
        assert_eq!(servers(Some("tenantry")), [Some(Server::System)]);
        assert_eq!(servers(Some("tenantry-core")), [None]);
        assert_eq!(servers(Some("http")), [None]);

        let empty = made_up::workspace(&[], &[]);
        let plan = Plan::select(&empty, Some("newest")).unwrap();
        let mut services = Services::new(Path::new("/target")).unwrap();
        let mut score = Score::default();
        let error = plan.suites[0].run(&mut services, &mut score).unwrap_err();
        assert!(matches!(error, Error::NoPostgresTests), "{error}");
        assert_eq!((score.passed, score.failed), (0, 1));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_names_there_are() {
        let error = plan(Some("tenantry-cor")).unwrap_err().to_string();
        assert_eq!(
            error,
            "there is nothing called `tenantry-cor` to test; choose one of: tests, doctests, newest, access, gate, fuzz, tenantry, tenantry-core, shop, till, xtask"
        );
    }
}
