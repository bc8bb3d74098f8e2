//! Every test of the workspace, doc tests included.
//!
//! Plain `cargo test` runs them, so that Rust is all a contributor needs. They are built first, together with
//! the programs of the workspace, because an example's tests start its own program and its neighbours'.

use crate::{
    cargo::Cargo,
    error::Error,
    services::Services,
    step::{Steps, Verdict},
    tally::{Counts, Tally},
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
    call: Cargo,
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
    let plan = Plan::select(&Workspace::members_only()?, only)?;
    let services = Services::start()?;
    let mut steps = Steps::of(plan.suites.len().saturating_add(1));
    let mut score = Score::default();
    let built = steps.run("build", || {
        println!("      {}", plan.build);
        plan.build.run().map(|()| String::new())
    });
    match built {
        Verdict::Failed => score.failed = 1,
        Verdict::Passed => {
            for suite in &plan.suites {
                steps.run(&suite.name, || suite.run(&services, &mut score));
            }
        }
    }
    drop(services);
    let verdict = steps.summary();
    println!("{} passed, {} failed", score.passed, score.failed);
    Ok(verdict)
}

impl Plan {
    fn select(workspace: &Workspace, only: Option<&str>) -> Result<Self, Error> {
        let suites = Suite::of_the_workspace();
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
        Self { build: build(packages), suites: vec![Suite { name: package.name.clone(), call }] }
    }
}

fn build<'a>(packages: impl IntoIterator<Item = &'a str>) -> Cargo {
    Cargo::new(["build"]).and(packages).and(["--all-features", "--bins", "--tests"])
}

impl Suite {
    fn of_the_workspace() -> Vec<Self> {
        let call = |kind| Cargo::new(["test", "--workspace", "--all-features", "--no-fail-fast", kind]);
        vec![
            Self { name: "tests".to_owned(), call: call("--tests") },
            Self { name: "doctests".to_owned(), call: call("--doc") },
        ]
    }

    fn run(&self, services: &Services, score: &mut Score) -> Result<String, Error> {
        let mut tally = Tally::default();
        println!("      {}", self.call);
        let status = services.given_to(self.call.clone()).lines(|line| {
            if let Some(shown) = tally.read(line) {
                println!("{shown}");
            }
        })?;
        let mut problems = tally.problems();
        if problems.is_empty() && !status.success() {
            problems.push(format!("`{}` failed ({status})", self.call));
            score.failed = score.failed.saturating_add(1);
        }
        let counts = tally.counts();
        score.add(counts, tally.failures());
        if problems.is_empty() { Ok(counts.to_string()) } else { Err(Error::Broken(problems)) }
    }
}

impl Score {
    fn add(&mut self, counts: Counts, failures: u64) {
        self.passed = self.passed.saturating_add(counts.passed);
        self.failed = self.failed.saturating_add(failures);
    }
}

#[cfg(test)]
mod tests {
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
            .chain(suites.into_iter().map(|suite| suite.call))
            .map(|call| call.to_string())
            .collect())
    }

    #[test]
    fn without_a_name_everything_runs() {
        let expected = [
            "cargo build --workspace --all-features --bins --tests",
            "cargo test --workspace --all-features --no-fail-fast --tests",
            "cargo test --workspace --all-features --no-fail-fast --doc",
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
    fn an_unknown_name_is_refused_with_the_names_there_are() {
        let error = plan(Some("tenantry-cor")).unwrap_err().to_string();
        assert_eq!(
            error,
            "there is nothing called `tenantry-cor` to test; choose one of: tests, doctests, tenantry, tenantry-core, shop, till, xtask"
        );
    }
}
