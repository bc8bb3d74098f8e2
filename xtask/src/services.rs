//! What the tests find around them: a folder for their files, and the backends that they speak to.
//!
//! Memory and SQLite need nothing but the folder. A backend that is a server of its own (PostgreSQL, Redis) is
//! one more field of [`Services`] and one more of its variables, and is found in this order:
//!
//! 1. its address in the environment (`DATABASE_URL`, `REDIS_URL`), used as it is and left running;
//! 2. its programs on this machine, started as an ordinary user in the folder, on a free loopback port, and
//!    ended with the run;
//! 3. its programs from the system's package manager, where this runs as root, then as before;
//! 4. otherwise the run fails, naming the one command that installs them. A test is never left out for want
//!    of a backend.

use std::{env, fs, path::PathBuf, process};

use crate::{cargo::Cargo, error::Error};

/// Everything that was set up for one run of the tests; dropping it takes it down again.
#[derive(Debug)]
pub(crate) struct Services {
    folder: PathBuf,
}

impl Services {
    /// Sets up what the tests need.
    ///
    /// # Errors
    /// [`Error::Folder`] where temporary files can't be written.
    pub(crate) fn start() -> Result<Self, Error> {
        let folder = env::temp_dir().join(format!("tenantry-tests-{}", process::id()));
        match fs::create_dir_all(&folder) {
            Ok(()) => Ok(Self { folder }),
            Err(source) => Err(Error::Folder { folder, source }),
        }
    }

    /// The call with the variables by which its tests find what was set up.
    ///
    /// `TMPDIR` is the run's own folder, so that databases of servers that a test killed go with the run.
    pub(crate) fn given_to(&self, call: Cargo) -> Cargo {
        call.with("TMPDIR", self.folder.to_string_lossy())
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            println!("the tests' files in `{}` are still there: {error}", self.folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_lives_as_long_as_the_run() {
        let services = Services::start().unwrap();
        let folder = services.folder.clone();
        assert!(folder.is_dir());
        let call = services.given_to(Cargo::new(["test"])).to_string();
        assert_eq!(call, format!("TMPDIR={} cargo test", folder.display()));
        fs::write(folder.join("left-behind.db"), b"rows").unwrap();
        drop(services);
        assert!(!folder.exists());
    }
}
