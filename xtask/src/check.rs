//! What a change has to pass besides its tests.

use crate::{
    arrows, bench,
    cargo::Cargo,
    error::Error,
    features::Case,
    fuzz,
    step::{Steps, Verdict},
    workspace::Workspace,
};

/// Runs every check, also after one has failed, so that one run shows all there is to mend.
pub(crate) fn run() -> Result<Verdict, Error> {
    let workspace = Workspace::members_only()?;
    let cases = Case::all(&workspace);
    let apart = access_bench(&workspace).into_iter().chain(fuzz_targets(&workspace));
    let whole: Vec<_> = whole_workspace().into_iter().chain(apart).collect();
    let mut steps = Steps::of(whole.len().saturating_add(cases.len()).saturating_add(1));
    steps.run("arrows", arrows::check);
    for (name, call) in &whole {
        run_call(&mut steps, name, call);
    }
    for case in &cases {
        run_call(&mut steps, &case.name(), &case.call());
    }
    Ok(steps.summary())
}

fn whole_workspace() -> [(&'static str, Cargo); 3] {
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    let documentation = ["doc", "--workspace", "--no-deps", "--all-features"];
    [
        ("format", Cargo::new(["fmt", "--all", "--check"])),
        ("lints", Cargo::new(clippy)),
        ("documentation", Cargo::new(documentation).with("RUSTDOCFLAGS", "-D warnings")),
    ]
}

/// The comparison of access control is a workspace of its own.
fn access_bench(workspace: &Workspace) -> [(&'static str, Cargo); 2] {
    let manifest = bench::access_manifest();
    let clippy = bench::of_access("clippy", workspace).and(["--all-targets", "--", "-D", "warnings"]);
    [
        ("format of the access bench", Cargo::new(["fmt", "--manifest-path", &manifest, "--check"])),
        ("lints of the access bench", clippy),
    ]
}

/// So are the fuzz targets; their programs, which take a C++ compiler, are left to `cargo xtask fuzz`.
fn fuzz_targets(workspace: &Workspace) -> [(&'static str, Cargo); 2] {
    let manifest = fuzz::manifest();
    let clippy = fuzz::of_the_targets("clippy", workspace).and(["--lib", "--tests", "--", "-D", "warnings"]);
    [
        ("format of the fuzz targets", Cargo::new(["fmt", "--manifest-path", &manifest, "--check"])),
        ("lints of the fuzz targets", clippy),
    ]
}

fn run_call(steps: &mut Steps, name: &str, call: &Cargo) {
    steps.run(name, || {
        println!("      {call}");
        call.run().map(|()| String::new())
    });
}
