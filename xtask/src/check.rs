//! What a change has to pass besides its tests.

use crate::{
    arrows,
    bench::Apart,
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
    let apart = benches_apart(&workspace).chain(fuzz_targets(&workspace));
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

/// The comparisons that are workspaces of their own.
fn benches_apart(workspace: &Workspace) -> impl Iterator<Item = (&'static str, Cargo)> {
    let each = |of: Apart| {
        let (format, lints) = match of {
            Apart::Access => ("format of the access bench", "lints of the access bench"),
            Apart::Gate => ("format of the gate bench", "lints of the gate bench"),
        };
        let clippy = of.call("clippy", workspace).and(["--all-targets", "--", "-D", "warnings"]);
        [(format, Cargo::new(["fmt", "--manifest-path", &of.manifest(), "--check"])), (lints, clippy)]
    };
    Apart::EACH.into_iter().flat_map(each)
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
