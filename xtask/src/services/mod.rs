//! What the tests find around them: a folder for their files, and the backends that they speak to.
//!
//! Memory and SQLite need nothing but the folder. A backend that is a server of its own is found in this order:
//!
//! 1. its address in the environment (`DATABASE_URL`, and `DATABASE_URL_NEWEST` for the second server), used as it
//!    is and left running;
//! 2. its programs on this machine, started as an ordinary user in the folder, on a free loopback port, and
//!    ended with the run;
//! 3. its programs from the system's package manager, where this runs as root, then as before; those of the newest
//!    PostgreSQL come from npm, for everybody;
//! 4. otherwise the run fails, naming the one command that installs them. A test is never left out for want
//!    of a backend.
//!
//! Tests find it all by these variables:
//!
//! | variable | what it holds |
//! | --- | --- |
//! | `TMPDIR` | the run's own folder |
//! | `DATABASE_URL` | the server, as a role that may make roles and databases and is no superuser |
//! | `SUPERUSER_DATABASE_URL` | the same server as a superuser, for tests of what only a superuser can break |
//! | `TENANTRY_PG_BIN` | the folder with `initdb` and `pg_ctl` of that version, for a test that wants a server of its own |
//! | `TENANTRY_PG_RUN_AS` | the user to run those as, since they refuse root; empty where the caller isn't root |
//! | `TENANTRY_PGBOUNCER` | PgBouncer's program |

mod cluster;
mod ending;
mod folder;
mod install;
mod newest;
mod pgbouncer;
mod program;
mod programs;
mod run_as;
mod shell;

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

pub(crate) use self::shell::run;
use self::{
    cluster::{Addresses, Cluster},
    ending::Ending,
    folder::new_folder,
    newest::Newest,
    program::for_a_shell,
    programs::{Programs, Psql},
    run_as::RunAs,
};
use crate::{cargo::Cargo, error::Error};

/// One of the PostgreSQL servers that tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// The version that the system has.
    System,
    /// The newest major version that is to be had.
    Newest,
}

/// A PostgreSQL server that answers, and the programs of its version.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    url: String,
    /// Empty where the caller's server came without.
    superuser: String,
    version: String,
    bin: PathBuf,
    run_as: String,
    pgbouncer: PathBuf,
}

/// Everything that was set up for one run; it is taken down when this is dropped, and also when the program is
/// killed.
#[derive(Debug)]
pub(crate) struct Services {
    folder: PathBuf,
    target: PathBuf,
    callers: Callers,
    system: Option<Postgres>,
    newest: Option<Postgres>,
    ending: Ending,
}

/// The addresses that the caller has set.
#[derive(Debug, Default)]
struct Callers {
    system: Option<String>,
    newest: Option<String>,
}

impl Services {
    /// Makes the folder. Servers come up when they are first asked for.
    ///
    /// `target` is cargo's target folder, below which downloads are kept.
    ///
    /// # Errors
    /// [`Error::Folder`] where temporary files can't be written.
    pub(crate) fn new(target: &Path) -> Result<Self, Error> {
        Self::with(target, Callers::from_environment())
    }

    fn with(target: &Path, callers: Callers) -> Result<Self, Error> {
        let mut ending = Ending::new()?;
        let folder = new_folder()?;
        ending.undo(&format!("rm -rf {}", for_a_shell(&folder)))?;
        Ok(Self { folder, target: target.to_owned(), callers, system: None, newest: None, ending })
    }

    /// One of the servers, brought up if it isn't yet.
    ///
    /// # Errors
    /// [`Error::Missing`] where programs are missing and may not be installed, [`Error::Address`] where the caller's
    /// own server doesn't answer, [`Error::NoNewest`] where the caller brought the first only, and whatever kept a
    /// server from starting.
    pub(crate) fn postgres(&mut self, server: Server) -> Result<Postgres, Error> {
        let known = match server {
            Server::System => &self.system,
            Server::Newest => &self.newest,
        };
        if let Some(postgres) = known {
            return Ok(postgres.clone());
        }
        let postgres = self.bring_up(server)?;
        eprintln!("      {server}: PostgreSQL {}", postgres.version);
        match server {
            Server::System => self.system = Some(postgres.clone()),
            Server::Newest => self.newest = Some(postgres.clone()),
        }
        Ok(postgres)
    }

    /// The call with the variables by which its tests find what was set up.
    ///
    /// `TMPDIR` is the run's own folder, so that databases of servers that a test killed go with the run.
    pub(crate) fn given_to(&self, call: Cargo, postgres: Option<&Postgres>) -> Cargo {
        let call = call.with("TMPDIR", self.folder.to_string_lossy());
        let variables = postgres.into_iter().flat_map(Postgres::variables);
        variables.fold(call, |call, (variable, value)| call.with(variable, value))
    }

    /// Finds or installs everything that the server takes, and starts it. The user is asked for again once the programs
    /// are there, because their package brings the user `postgres` along.
    fn bring_up(&mut self, server: Server) -> Result<Postgres, Error> {
        let address = self.callers.address(server)?.map(str::to_owned);
        let system = Programs::of_the_system(&RunAs::find()?)?;
        let user = RunAs::find()?;
        let psql = Psql::find(&system)?;
        let pgbouncer = pgbouncer::find()?;
        let programs = match server {
            Server::System => system,
            Server::Newest => Newest::new(&self.target)?.programs(&user, &self.folder)?,
        };
        let (url, superuser, version) = match address {
            Some(url) => {
                let version = psql
                    .version(&url)
                    .map_err(|reason| Error::Address { variable: server.variable(), reason })?;
                (url, env::var(server.superuser_variable()).unwrap_or_default(), version)
            }
            None => {
                let cluster = Cluster::new(&programs, &user, &self.folder, server.folder());
                let Addresses { owner, superuser } = cluster.start(&mut self.ending)?;
                let version = psql
                    .version(&owner)
                    .map_err(|said| Error::NotStarted { server: server.to_string(), said })?;
                (owner, superuser, version)
            }
        };
        Ok(Postgres { url, superuser, version, bin: programs.bin, run_as: user.name().to_owned(), pgbouncer })
    }
}

impl Server {
    /// The variable by which the caller brings a server of their own.
    fn variable(self) -> &'static str {
        match self {
            Self::System => "DATABASE_URL",
            Self::Newest => "DATABASE_URL_NEWEST",
        }
    }

    /// The variable with the superuser's address of that server.
    fn superuser_variable(self) -> &'static str {
        match self {
            Self::System => "SUPERUSER_DATABASE_URL",
            Self::Newest => "SUPERUSER_DATABASE_URL_NEWEST",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::System => "postgres-system",
            Self::Newest => "postgres-newest",
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::System => "the system's server",
            Self::Newest => "the newest server",
        })
    }
}

impl Postgres {
    /// What the server says its version is, such as `15.14`.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The variables that tests are given, beside the folder.
    fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("DATABASE_URL", self.url.clone()),
            ("SUPERUSER_DATABASE_URL", self.superuser.clone()),
            ("TENANTRY_PG_BIN", self.bin.to_string_lossy().into_owned()),
            ("TENANTRY_PG_RUN_AS", self.run_as.clone()),
            ("TENANTRY_PGBOUNCER", self.pgbouncer.to_string_lossy().into_owned()),
        ]
    }
}

impl Callers {
    fn from_environment() -> Self {
        let set = |server: Server| env::var(server.variable()).ok().filter(|value| !value.is_empty());
        Self { system: set(Server::System), newest: set(Server::Newest) }
    }

    /// The caller's address of a server, if this is not to start one.
    fn address(&self, server: Server) -> Result<Option<&str>, Error> {
        match (server, &self.system, &self.newest) {
            (Server::Newest, Some(_), None) => Err(Error::NoNewest),
            (Server::System, address, _) | (Server::Newest, _, address) => Ok(address.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn callers(system: Option<&str>, newest: Option<&str>) -> Callers {
        Callers { system: system.map(str::to_owned), newest: newest.map(str::to_owned) }
    }

    #[test]
    fn the_folder_lives_as_long_as_the_run() {
        let services = Services::with(Path::new("/target"), Callers::default()).unwrap();
        let folder = services.folder.clone();
        assert!(folder.is_dir());
        let call = services.given_to(Cargo::new(["test"]), None).to_string();
        assert_eq!(call, format!("TMPDIR={} cargo test", folder.display()));
        fs::write(folder.join("left-behind.db"), b"rows").unwrap();
        drop(services);
        assert!(!folder.exists());
    }

    #[test]
    fn tests_are_given_the_server_that_they_run_on() {
        let services = Services::with(Path::new("/target"), Callers::default()).unwrap();
        let postgres = Postgres {
            url: "postgres://owner:pw@127.0.0.1:5/postgres".into(),
            superuser: "postgres://superuser:pw@127.0.0.1:5/postgres".into(),
            version: "15.14".into(),
            bin: "/usr/lib/postgresql/15/bin".into(),
            run_as: "postgres".into(),
            pgbouncer: "/usr/sbin/pgbouncer".into(),
        };
        let call = services.given_to(Cargo::new(["test"]), Some(&postgres)).to_string();
        let expected = "DATABASE_URL=postgres://owner:pw@127.0.0.1:5/postgres \
                        SUPERUSER_DATABASE_URL=postgres://superuser:pw@127.0.0.1:5/postgres \
                        TENANTRY_PG_BIN=/usr/lib/postgresql/15/bin TENANTRY_PG_RUN_AS=postgres \
                        TENANTRY_PGBOUNCER=/usr/sbin/pgbouncer cargo test";
        assert!(call.ends_with(expected), "{call}");
    }

    #[test]
    fn a_callers_server_is_used_and_one_without_the_other_is_refused() {
        let none = callers(None, None);
        assert_eq!(none.address(Server::System).unwrap(), None);
        assert_eq!(none.address(Server::Newest).unwrap(), None);
        let both = callers(Some("postgres://a"), Some("postgres://b"));
        assert_eq!(both.address(Server::System).unwrap(), Some("postgres://a"));
        assert_eq!(both.address(Server::Newest).unwrap(), Some("postgres://b"));
        let first = callers(Some("postgres://a"), None);
        assert_eq!(first.address(Server::System).unwrap(), Some("postgres://a"));
        assert!(matches!(first.address(Server::Newest), Err(Error::NoNewest)));
        let second = callers(None, Some("postgres://b"));
        assert_eq!(second.address(Server::System).unwrap(), None);
        assert_eq!(second.address(Server::Newest).unwrap(), Some("postgres://b"));
    }

    #[test]
    fn a_server_comes_up_answers_and_is_gone_with_the_run() {
        let mut services = Services::with(Path::new("/target"), Callers::default()).unwrap();
        let postgres = services.postgres(Server::System).unwrap();
        let again = services.postgres(Server::System).unwrap();
        assert_eq!(postgres.url, again.url);
        let psql = Psql::find(&Programs::of_the_system(&RunAs::find().unwrap()).unwrap()).unwrap();
        assert_eq!(psql.version(&postgres.url).unwrap(), postgres.version());
        let wrong = postgres.url.replacen("owner:", "owner:not", 1);
        assert!(psql.version(&wrong).unwrap_err().contains("password authentication failed"));
        drop(services);
        assert!(psql.version(&postgres.url).unwrap_err().contains("Connection refused"));
    }

    #[test]
    fn a_callers_server_that_is_not_there_fails_with_its_variable() {
        let nowhere = callers(Some("postgres://owner:pw@127.0.0.1:1/postgres"), None);
        let mut services = Services::with(Path::new("/target"), nowhere).unwrap();
        let error = services.postgres(Server::System).unwrap_err().to_string();
        assert!(error.starts_with("the server that DATABASE_URL names can't be used: "), "{error}");
        assert!(error.ends_with("env -u DATABASE_URL cargo xtask test"), "{error}");
    }
}
