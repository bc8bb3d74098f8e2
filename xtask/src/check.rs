//! What a change has to pass besides its tests.

use crate::{
    arrows,
    cargo::Cargo,
    error::Error,
    features::Case,
    step::{Steps, Verdict},
    workspace::Workspace,
};

/// Runs every check, also after one has failed, so that one run shows all there is to mend.
pub(crate) fn run() -> Result<Verdict, Error> {
    let cases = Case::all(&Workspace::members_only()?);
    let whole = whole_workspace();
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

fn run_call(steps: &mut Steps, name: &str, call: &Cargo) {
    steps.run(name, || {
        println!("      {call}");
        call.run().map(|()| String::new())
    });
}
