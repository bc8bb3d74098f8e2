//! A PostgreSQL server of the run's own.

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::{
    error::Error,
    services::{
        ending::Ending,
        folder::random,
        program::{answer, file_error, for_a_shell, last_lines},
        programs::Programs,
        run_as::RunAs,
    },
};

/// How long a server may take to come up, in seconds.
const PATIENCE: &str = "60";

/// How many ports are tried: another program may take one between its choice and the server's start.
const PORTS: u32 = 5;

/// Durable as in production, because tests of crashes rely on it, and with room for many tests at once.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
max_connections = 400
fsync = on
synchronous_commit = on
full_page_writes = on
password_encryption = 'scram-sha-256'
";

/// Where a server is made, and as whom.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    programs: &'a Programs,
    user: &'a RunAs,
    name: &'a str,
    folder: PathBuf,
}

/// How a server is reached.
#[derive(Debug)]
pub(super) struct Addresses {
    /// As a role that may log in and make roles and databases, and is no superuser.
    pub(super) owner: String,
    /// As the one who may break everything.
    pub(super) superuser: String,
}

impl<'a> Cluster<'a> {
    /// A server that will live in a folder of this name within the run's.
    pub(super) fn new(programs: &'a Programs, user: &'a RunAs, run: &Path, name: &'a str) -> Self {
        Self { programs, user, name, folder: run.join(name) }
    }

    /// Makes the server and starts it on a free port of the loopback; it goes when the run ends.
    ///
    /// # Errors
    /// [`Error::NotStarted`] with the end of its log, [`Error::Told`] where its programs refuse, [`Error::Closed`]
    /// where its user may not enter the folder.
    pub(super) fn start(&self, ending: &mut Ending) -> Result<Addresses, Error> {
        let (password, superuser) = (random::<16>()?, random::<16>()?);
        self.make(&password, &superuser)?;
        ending.undo(&stop(&self.data()))?;
        for _ in 0..PORTS {
            let port = free_port().map_err(file_error(&self.folder, "given a port"))?;
            match self.start_on(port) {
                Ok(()) => {
                    let address =
                        |role, password| format!("postgres://{role}:{password}@127.0.0.1:{port}/postgres");
                    let (owner, superuser) = (address("owner", password), address("superuser", superuser));
                    return Ok(Addresses { owner, superuser });
                }
                Err(_) if self.log().contains("Address already in use") => self.forget_log()?,
                Err(error) => return Err(error),
            }
        }
        Err(self.not_started())
    }

    fn make(&self, password: &str, superuser: &str) -> Result<(), Error> {
        fs::create_dir(&self.folder)
            .and_then(|()| fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o755)))
            .map_err(file_error(&self.folder, "made"))?;
        self.user.give(&self.folder)?;
        if !self.user.may_enter(&self.folder)? {
            return Err(Error::Closed { user: self.user.name().to_owned(), folder: self.folder.clone() });
        }
        let secret = self.folder.join("superuser");
        fs::write(&secret, superuser)
            .and_then(|()| fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)))
            .map_err(file_error(&secret, "written"))?;
        self.user.give(&secret)?;
        answer(
            self.command("initdb")
                .args(["--username=superuser", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"])
                .args(["--no-sync", "--pwfile"])
                .arg(&secret)
                .arg("--pgdata")
                .arg(self.data()),
        )?;
        fs::remove_file(&secret).map_err(file_error(&secret, "removed"))?;
        let settings = self.data().join("postgresql.conf");
        let socket = self.folder.to_string_lossy().replace('\'', "''");
        fs::OpenOptions::new()
            .append(true)
            .open(&settings)
            .and_then(|mut file| writeln!(file, "{SETTINGS}unix_socket_directories = '{socket}'"))
            .map_err(file_error(&settings, "written"))?;
        self.make_owner(password)
    }

    /// Makes the role before the server runs, so that no client is needed that knows a superuser's password.
    fn make_owner(&self, password: &str) -> Result<(), Error> {
        let mut command = self.command("postgres");
        command.args(["--single", "-D"]).arg(self.data()).arg("postgres");
        let statement = format!("CREATE ROLE owner LOGIN CREATEROLE CREATEDB PASSWORD '{password}'\n");
        let mut run = || -> io::Result<_> {
            let mut child =
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            if let Some(mut input) = child.stdin.take() {
                input.write_all(statement.as_bytes())?;
            }
            child.wait_with_output()
        };
        let output =
            run().map_err(|source| Error::Start { command: "postgres --single".to_owned(), source })?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() && !said.contains("ERROR:") {
            return Ok(());
        }
        Err(Error::Told {
            command: "postgres --single".to_owned(),
            status: output.status,
            said: last_lines(&said),
        })
    }

    fn start_on(&self, port: u16) -> Result<(), Error> {
        let log = self.folder.join("log");
        answer(
            self.command("pg_ctl")
                .args(["start", "--wait", "--timeout", PATIENCE, "--options"])
                .arg(format!("-p {port}"))
                .arg("--log")
                .arg(log)
                .arg("--pgdata")
                .arg(self.data()),
        )
        .map(|_| ())
        .map_err(|_| self.not_started())
    }

    fn not_started(&self) -> Error {
        Error::NotStarted {
            server: format!("the PostgreSQL server `{}`", self.name),
            said: last_lines(&self.log()),
        }
    }

    fn command(&self, program: &str) -> std::process::Command {
        self.user.command(&self.programs.bin.join(program), &self.folder)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> String {
        fs::read(self.folder.join("log")).map_or_else(
            |error| format!("its log can't be read: {error}"),
            |log| String::from_utf8_lossy(&log).into_owned(),
        )
    }

    fn forget_log(&self) -> Result<(), Error> {
        let log = self.folder.join("log");
        fs::remove_file(&log).map_err(file_error(&log, "removed"))
    }
}

/// The line of shell that stops the server of one data folder, as `pg_ctl stop -m immediate` does but for root too,
/// and waits until it is gone. The number in the folder is believed only if that process was started on the folder,
/// which its command line tells everybody, also in a container.
fn stop(data: &Path) -> String {
    let file = for_a_shell(data.join("postmaster.pid"));
    let started_on = for_a_shell(format!("-D {} ", data.display()));
    format!(
        "if read -r pid <{file} && \
         {{ tr '\\0' ' ' <\"/proc/$pid/cmdline\" || ps -o args= -p \"$pid\"; }} | grep -qF -- {started_on}; then \
         kill -QUIT \"$pid\"; n=0; \
         while [ -e {file} ] && kill -0 \"$pid\" && [ \"$n\" -lt 300 ]; do sleep 0.1; n=$((n+1)); done; \
         fi"
    )
}

/// A port of the loopback that nobody listens on now.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::ExitStatusExt,
        process::{Child, Command},
    };

    use super::*;
    use crate::services::folder::new_folder;

    /// A process started on the folder `on`, whose number stands in that of `data`.
    fn server(on: &Path, data: &Path) -> Child {
        let wait = ["-c", "while :; do sleep 0.1; done", "postgres", "-D"];
        let child = Command::new("env")
            .args(["--default-signal=QUIT", "sh"])
            .args(wait)
            .arg(on)
            .args(["-p", "1"])
            .spawn()
            .unwrap();
        fs::write(data.join("postmaster.pid"), format!("{}\n{}\n", child.id(), data.display())).unwrap();
        child
    }

    #[test]
    fn the_server_of_the_folder_is_stopped_at_once() {
        let folder = new_folder().unwrap();
        let mut child = server(&folder, &folder);
        let ended = std::thread::spawn(move || child.wait().unwrap());
        answer(Command::new("sh").arg("-c").arg(stop(&folder))).unwrap();
        assert_eq!(ended.join().unwrap().signal(), Some(3));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_stranger_with_the_same_number_is_left_alone() {
        let folder = new_folder().unwrap();
        let mut child = server(&folder.join("other"), &folder);
        answer(Command::new("sh").arg("-c").arg(stop(&folder))).unwrap();
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_server_that_never_started_needs_no_stopping() {
        let folder = new_folder().unwrap();
        answer(Command::new("sh").arg("-c").arg(format!("{}; true", stop(&folder)))).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }
}
