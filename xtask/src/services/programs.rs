//! PostgreSQL's programs on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::Error,
    services::{
        install,
        program::{answer, on_path},
        run_as::RunAs,
    },
};

/// The oldest major version that the store supports.
const OLDEST: u32 = 15;

/// Where Debian keeps each major version that is installed.
const DEBIAN: &str = "/usr/lib/postgresql";

/// One set of the server's programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    /// The folder with `initdb`, `pg_ctl` and `postgres`.
    pub(super) bin: PathBuf,
    /// Their major version.
    major: u32,
}

impl Programs {
    /// What the system has, installed first if it must be: of several versions the oldest that the store supports,
    /// because the newest has a run of its own.
    ///
    /// # Errors
    /// Those of [`install::packages`].
    pub(super) fn of_the_system(user: &RunAs) -> Result<Self, Error> {
        if let Some(found) = Self::choose(&Self::candidates(), user) {
            return Ok(found);
        }
        let what =
            format!("PostgreSQL's server programs (initdb, pg_ctl, postgres), version {OLDEST} or later,");
        install::packages(&what, &["postgresql"])?;
        Self::choose(&Self::candidates(), user).ok_or_else(|| install::missing(&what))
    }

    /// The programs in one folder, if all are there and this user can run them.
    pub(super) fn in_folder(bin: &Path, user: &RunAs) -> Option<Self> {
        let has = |name: &&str| bin.join(name).is_file();
        if !["initdb", "pg_ctl", "postgres"].iter().all(has) {
            return None;
        }
        let told = answer(user.command(&bin.join("postgres"), Path::new("/")).arg("--version")).ok()?;
        Some(Self { bin: bin.to_owned(), major: major(&told)? })
    }

    fn choose(candidates: &[PathBuf], user: &RunAs) -> Option<Self> {
        let found = candidates.iter().filter_map(|bin| Self::in_folder(bin, user));
        found.filter(|programs| programs.major >= OLDEST).min_by_key(|programs| programs.major)
    }

    fn candidates() -> Vec<PathBuf> {
        let debian = fs::read_dir(DEBIAN).into_iter().flatten().filter_map(Result::ok);
        let told = answer(Command::new("pg_config").arg("--bindir")).ok().map(PathBuf::from);
        let found = on_path("initdb").and_then(|path| path.parent().map(Path::to_owned));
        debian.map(|entry| entry.path().join("bin")).chain(told).chain(found).collect()
    }
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`, and `18beta1` in the place of a number too.
fn major(told: &str) -> Option<u32> {
    let (_, version) = told.split_once("(PostgreSQL) ")?;
    version.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// PostgreSQL's own client, which asks a server what it is.
#[derive(Clone, Debug)]
pub(super) struct Psql(PathBuf);

impl Psql {
    /// The client beside the server's programs, or on `PATH`, installed first if it must be.
    ///
    /// # Errors
    /// Those of [`install::packages`].
    pub(super) fn find(programs: &Programs) -> Result<Self, Error> {
        let find =
            || Some(programs.bin.join("psql")).filter(|path| path.is_file()).or_else(|| on_path("psql"));
        if let Some(found) = find() {
            return Ok(Self(found));
        }
        install::packages("psql", &["postgresql-client"])?;
        find().map(Self).ok_or_else(|| install::missing("psql"))
    }

    /// The version of the server at an address, such as `15.14`.
    ///
    /// # Errors
    /// What the client said, where the server doesn't answer or doesn't let it in.
    pub(super) fn version(&self, url: &str) -> Result<String, String> {
        let mut question = Command::new(&self.0);
        question.args(["-X", "-A", "-t", "-c", "SHOW server_version", url]).env("PGCONNECT_TIMEOUT", "10");
        match answer(&mut question) {
            Ok(told) => Ok(told.split(' ').next().unwrap_or_default().to_owned()),
            Err(Error::Told { said, .. }) => Err(said),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::services::folder::new_folder;

    #[test]
    fn versions_are_read_in_every_form() {
        assert_eq!(major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18.4"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major("pg_ctl: unknown"), None);
    }

    #[test]
    fn of_several_versions_the_oldest_supported_one_is_taken() {
        let user = RunAs::find().unwrap();
        let folder = new_folder().unwrap();
        let bins: Vec<PathBuf> = [("new", "18.4"), ("old", "15.2"), ("ancient", "13.9")]
            .iter()
            .map(|(name, version)| {
                let bin = folder.join(name);
                fs::create_dir(&bin).unwrap();
                for program in ["initdb", "pg_ctl", "postgres"] {
                    let path = bin.join(program);
                    fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
                }
                bin
            })
            .collect();
        assert_eq!(Programs::choose(&bins, &user).unwrap().bin, folder.join("old"));
        fs::remove_file(folder.join("old/pg_ctl")).unwrap();
        assert_eq!(Programs::choose(&bins, &user).unwrap().bin, folder.join("new"));
        assert_eq!(Programs::choose(&[folder.join("ancient")], &user), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
