//! The fuzz targets of `fuzz/`: what must be true of whatever text a scope, a condition or an import is read from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use crate::{cargo::Cargo, error::Error, step::Steps, step::Verdict, workspace::Workspace};

/// Which targets to run, and for how long.
#[derive(Args)]
pub(crate) struct Arguments {
    /// One target; without it each in turn.
    #[arg(value_enum)]
    target: Option<Target>,
    /// For how many seconds each runs.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// The parser of scopes, and what scopes match, cover and share.
    Scope,
    /// The parser of conditions, and the laws that what they say obeys.
    Condition,
    /// The reader of a tenant's access, its dry run, and who may import it.
    Import,
}

impl Target {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Condition => "condition",
            Self::Import => "import",
        }
    }
}

/// Runs libFuzzer on this terminal, from the seeds and from what earlier runs found, which is kept below the target
/// folder. What breaks a promise is written to `fuzz/artifacts`, and libFuzzer names the file.
///
/// # Errors
/// [`Error::Missing`] without cargo-fuzz; whatever kept a target from being built; and a target that found something.
pub(crate) fn run(arguments: &Arguments) -> Result<Verdict, Error> {
    Cargo::new(["fuzz", "--version"]).output().map_err(|_| Error::Missing {
        what: "cargo-fuzz".to_owned(),
        mend: "cargo install --locked cargo-fuzz".to_owned(),
    })?;
    let workspace = Workspace::members_only()?;
    let targets = arguments.target.map_or(Target::value_variants().to_vec(), |target| vec![target]);
    let mut steps = Steps::of(targets.len());
    for target in targets {
        steps.run(target.as_str(), || {
            let grown = folder(&workspace).join("corpus").join(target.as_str());
            fs::create_dir_all(&grown).map_err(|source| Error::File {
                path: grown.clone(),
                verb: "made",
                source,
            })?;
            let call = call(target, &workspace, &grown, arguments.seconds);
            println!("      {call}");
            call.run().map(|()| format!("nothing found in {} s", arguments.seconds))
        });
    }
    Ok(steps.summary())
}

/// Without a sanitizer, which takes no nightly toolchain: there is no unsafe code to find anything in.
fn call(target: Target, workspace: &Workspace, grown: &Path, seconds: u32) -> Cargo {
    let name = target.as_str();
    let home = home();
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    let cargo_fuzz = ["fuzz", "run", "--sanitizer", "none", "--features", "libfuzzer", "--fuzz-dir"];
    Cargo::new(cargo_fuzz)
        .and([path(home.clone()), "--target-dir".to_owned(), path(folder(workspace))])
        .and([name.to_owned(), path(grown.to_owned()), path(home.join("seeds").join(name)), "--".to_owned()])
        .and([
            format!("-dict={}", path(home.join("dictionaries").join(format!("{name}.dict")))),
            format!("-max_total_time={seconds}"),
            "-timeout=10".to_owned(),
            "-print_final_stats=1".to_owned(),
        ])
}

/// The tests of the targets, which put every seed through them once: without libFuzzer, and so without a C++ compiler.
pub(crate) fn seeds(workspace: &Workspace) -> Cargo {
    of_the_targets("test", workspace).and(["--no-fail-fast", "--tests"])
}

/// The targets, a workspace of their own, asked of cargo: built below the target folder.
pub(crate) fn of_the_targets(command: &str, workspace: &Workspace) -> Cargo {
    let target = folder(workspace).to_string_lossy().into_owned();
    Cargo::new([command, "--manifest-path", &manifest(), "--target-dir", &target])
}

/// Their manifest.
pub(crate) fn manifest() -> String {
    home().join("Cargo.toml").to_string_lossy().into_owned()
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("fuzz")
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target_folder().join("fuzz")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::made_up;

    #[test]
    fn a_target_grows_its_corpus_below_the_target_folder_and_leaves_the_seeds() {
        let workspace = made_up::workspace(&[], &[]);
        let call = call(Target::Scope, &workspace, Path::new("/w/target/fuzz/corpus/scope"), 60).to_string();
        let home = home().to_string_lossy().into_owned();
        assert_eq!(
            call,
            format!(
                "cargo fuzz run --sanitizer none --features libfuzzer --fuzz-dir {home} --target-dir \
                 /w/target/fuzz scope /w/target/fuzz/corpus/scope {home}/seeds/scope -- \
                 -dict={home}/dictionaries/scope.dict -max_total_time=60 -timeout=10 -print_final_stats=1"
            )
        );
    }

    #[test]
    fn every_target_has_seeds_and_a_dictionary() {
        for target in Target::value_variants() {
            let name = target.as_str();
            assert!(home().join("seeds").join(name).is_dir(), "{name}");
            assert!(home().join("dictionaries").join(format!("{name}.dict")).is_file(), "{name}");
            assert!(home().join("fuzz_targets").join(format!("{name}.rs")).is_file(), "{name}");
        }
    }
}
