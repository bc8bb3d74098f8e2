//! Whom PostgreSQL's programs run as: they refuse root.

use std::{
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::Command,
};

use crate::{
    error::Error,
    services::program::{answer, file_error, finished},
};

/// Users that may stand in for root, in the order in which they are tried.
const STAND_INS: &[&str] = &["postgres", "nobody"];

/// The user whom servers run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RunAs {
    /// Whoever called, who isn't root.
    Caller,
    /// An ordinary user, because root called.
    Other {
        /// The user's name.
        name: String,
        /// The user's number.
        uid: u32,
        /// The number of the user's own group.
        gid: u32,
    },
}

impl RunAs {
    /// Asks the system who calls, and for a stand-in if that is root.
    ///
    /// # Errors
    /// [`Error::Missing`] on a machine that knows no stand-in.
    pub(super) fn find() -> Result<Self, Error> {
        if !caller_is_root()? {
            return Ok(Self::Caller);
        }
        STAND_INS.iter().find_map(|name| Self::named(name)).ok_or_else(|| Error::Missing {
            what: "an ordinary user called `postgres` or `nobody`, whom PostgreSQL could run as,".to_owned(),
            mend: "adduser --system --group postgres".to_owned(),
        })
    }

    fn named(name: &str) -> Option<Self> {
        let number = |kind: &str| answer(Command::new("id").args([kind, name])).ok()?.parse::<u32>().ok();
        Some(Self::Other { name: name.to_owned(), uid: number("-u")?, gid: number("-g")? })
    }

    /// The name that tests are given: empty for the caller.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Caller => "",
            Self::Other { name, .. } => name,
        }
    }

    /// A program that runs as this user, in a folder that the user may enter, and takes no settings from
    /// PostgreSQL's own variables.
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        for variable in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGOPTIONS"] {
            command.env_remove(variable);
        }
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes a file or folder this user's own.
    ///
    /// # Errors
    /// [`Error::File`] where the system refuses.
    pub(super) fn give(&self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Caller => Ok(()),
            Self::Other { uid, gid, .. } => {
                chown(path, Some(*uid), Some(*gid)).map_err(file_error(path, "given away"))
            }
        }
    }

    /// Whether this user may enter a folder, through all those above it.
    ///
    /// # Errors
    /// [`Error::Start`] where the system can't be asked.
    pub(super) fn may_enter(&self, folder: &Path) -> Result<bool, Error> {
        let mut question = self.command(Path::new("/bin/sh"), Path::new("/"));
        Ok(finished(question.args(["-c", r#"test -x "$0""#]).arg(folder))?.status.success())
    }
}

/// Whether root is calling.
///
/// # Errors
/// [`Error::Start`] where the system can't be asked.
pub(super) fn caller_is_root() -> Result<bool, Error> {
    Ok(answer(Command::new("id").arg("-u"))? == "0")
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt,
    };

    use super::*;
    use crate::services::folder::new_folder;

    #[test]
    fn a_server_never_runs_as_root() {
        let user = RunAs::find().unwrap();
        let folder = new_folder().unwrap();
        let who = answer(user.command(Path::new("/bin/sh"), &folder).args(["-c", "id -u"])).unwrap();
        assert_ne!(who, "0");
        fs::remove_dir(folder).unwrap();
    }

    #[test]
    fn a_user_that_nobody_knows_is_no_stand_in() {
        assert_eq!(RunAs::named("no-user-is-called-this"), None);
    }

    #[test]
    fn a_closed_folder_is_told_from_an_open_one() {
        let user = RunAs::find().unwrap();
        let folder = new_folder().unwrap();
        let inner = folder.join("inner");
        fs::create_dir(&inner).unwrap();
        assert!(user.may_enter(&inner).unwrap());
        fs::set_permissions(&folder, Permissions::from_mode(0o000)).unwrap();
        assert!(!user.may_enter(&inner).unwrap());
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
}
