//! The program under test.

use std::io::{BufRead as _, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use super::{Database, PATIENCE, Site, wait_until};

/// How a server is started.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    demo: bool,
    admin_password: Option<String>,
}

impl Options {
    /// Without the demo, and with an admin whose password the tests know.
    pub(crate) fn new() -> Self {
        Self {
            flags: Vec::new(),
            environment: Vec::new(),
            demo: false,
            admin_password: Some("the tests' own admin".to_owned()),
        }
    }

    /// Adds a flag with its value. `--listen`, `--database` and `--admin-password-file` are given already.
    pub(crate) fn flag(mut self, name: &str, value: &str) -> Self {
        self.flags.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// Adds a variable to the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With the demo's tenants.
    pub(crate) fn with_demo(mut self) -> Self {
        self.demo = true;
        self
    }

    /// Without a file for the admin's password: the server makes one and prints it.
    pub(crate) fn with_printed_password(mut self) -> Self {
        self.admin_password = None;
        self
    }
}

/// What a process wrote so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Printed(Arc<Mutex<String>>);

impl Printed {
    fn collect(from: impl Read + Send + 'static) -> Self {
        let printed = Self::default();
        let to = printed.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(from);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                locked(&to.0).push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        printed
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        locked(&self.0).clone()
    }
}

/// A running marketplace. Killed when it is dropped, and when the test program ends in whatever way.
#[derive(Debug)]
pub(crate) struct Server {
    folder: TempDir,
    database: Database,
    options: Options,
    address: SocketAddr,
    process: Mutex<Option<Process>>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    guard: Child,
    output: Printed,
    log: Printed,
}

impl Server {
    /// Starts a server on files of its own, and waits until it listens.
    pub(crate) fn start(options: Options) -> Self {
        Self::try_start(options).unwrap_or_else(|said| panic!("the server doesn't start: {said}"))
    }

    /// Starts a server, or says what it wrote before it gave up.
    pub(crate) fn try_start(options: Options) -> Result<Self, String> {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let database = Database::make(folder.path());
        Self::start_on(database, folder, options)
    }

    /// Starts a server on a database that is there.
    pub(crate) fn start_on(database: Database, folder: TempDir, options: Options) -> Result<Self, String> {
        if let Some(password) = &options.admin_password {
            std::fs::write(folder.path().join("admin.password"), format!("{password}\n")).unwrap();
        }
        let process = Mutex::new(None);
        let server = Self { folder, database, options, address: free_address(), process };
        server.launch().map(|()| server)
    }

    /// Starts it again on the same files and the same address: killed first, if it runs.
    pub(crate) fn restart(&self) {
        self.kill();
        self.launch().unwrap_or_else(|said| panic!("the server doesn't start again: {said}"));
    }

    /// As [`Server::restart`], with other options from now on.
    pub(crate) fn restart_with(&mut self, options: Options) {
        self.kill();
        self.options = options;
        self.launch().unwrap_or_else(|said| panic!("the server doesn't start again: {said}"));
    }

    fn launch(&self) -> Result<(), String> {
        let process = Process::spawn(&mut self.command());
        let line = format!("listening {}", self.address);
        let started = wait_until("the server to listen", PATIENCE, || {
            if process.output.text().lines().any(|printed| printed == line) {
                return Some(true);
            }
            Process::has_ended(&process).then_some(false)
        });
        if started {
            *locked(&self.process) = Some(process);
            Ok(())
        } else {
            std::thread::sleep(Duration::from_millis(100));
            let said = format!("{}{}", process.output.text(), process.log.text());
            process.end();
            Err(said)
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_marketplace"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MARKETPLACE_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder())
            .arg("--listen")
            .arg(self.address.to_string())
            .args(self.database.flags())
            .args(&self.options.flags)
            .envs(self.options.environment.iter().map(|(name, value)| (name, value)));
        if self.options.admin_password.is_some() {
            command.arg("--admin-password-file").arg(self.folder().join("admin.password"));
        }
        if !self.options.demo {
            command.arg("--no-demo");
        }
        command
    }

    /// Kills it at once (SIGKILL) and waits until it is gone. Does nothing if it isn't there.
    pub(crate) fn kill(&self) {
        if let Some(process) = locked(&self.process).take() {
            process.end();
        }
    }

    /// Asks it to end (SIGTERM); [`Server::wait_ended`] waits for it.
    pub(crate) fn terminate(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait_ended(&self) -> ExitStatus {
        let status = wait_until("the server to end", PATIENCE, || {
            locked(&self.process).as_mut().expect("a process").child.try_wait().unwrap()
        });
        self.kill();
        status
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        locked(&self.process).as_ref().expect("a running server").child.id()
    }

    /// What this run of it wrote to standard output.
    pub(crate) fn printed(&self) -> String {
        locked(&self.process).as_ref().map(|process| process.output.text()).unwrap_or_default()
    }

    /// What this run of it logged.
    pub(crate) fn logged(&self) -> String {
        locked(&self.process).as_ref().map(|process| process.log.text()).unwrap_or_default()
    }

    /// Where it listens, the same after each restart.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder with its files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its database.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// A file that it makes beside its database.
    pub(crate) fn file(&self, ending: &str) -> PathBuf {
        self.folder().join(format!("{}.{ending}", self.database.stem()))
    }

    /// The file that it shares with its payment provider.
    pub(crate) fn provider_secret_file(&self) -> PathBuf {
        self.file("provider.secret")
    }

    /// The password of the admin, where the tests chose it.
    pub(crate) fn admin_password(&self) -> &str {
        self.options.admin_password.as_deref().expect("the tests' own admin")
    }

    /// A tenant's host, for somebody who isn't signed in.
    pub(crate) fn at(&self, slug: &str) -> Site {
        self.on(&format!("{slug}.localhost:{}", self.address.port()))
    }

    /// The platform's host, for somebody who isn't signed in.
    pub(crate) fn platform(&self) -> Site {
        self.on(&format!("localhost:{}", self.address.port()))
    }

    /// Any `Host` header.
    pub(crate) fn on(&self, host: &str) -> Site {
        Site::new(self.address, host)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = Printed::collect(child.stdout.take().unwrap());
        let log = Printed::collect(child.stderr.take().unwrap());
        let guard = guard(child.id());
        Self { child, guard, output, log }
    }

    fn has_ended(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        stat.map_or(true, |stat| {
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
        })
    }

    fn end(mut self) {
        let _gone_already = self.child.kill().is_err();
        let _gone_already = self.guard.kill().is_err();
        let _gone_already = self.guard.wait().is_err();
        self.child.wait().unwrap();
    }
}

/// Runs the program with these arguments, in this folder and without settings from the environment, to its end. One that
/// goes on, as a server does, is killed and has no exit code.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("timeout");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MARKETPLACE_")) {
        command.env_remove(name);
    }
    let patience = PATIENCE.as_secs().to_string();
    command.current_dir(folder).args(["-s", "KILL", &patience, env!("CARGO_BIN_EXE_marketplace")]);
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// A process that kills another when this one is gone: its standard input ends then.
fn guard(pid: u32) -> Child {
    Command::new("sh")
        .args(["-c", "read -r _; kill -9 \"$1\"", "guard", &pid.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// An address that nothing listens on, outside the range from which the system hands ports out.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 1_200).unwrap() * 10;
    (0..12_000)
        .find_map(|_| {
            let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
            TcpListener::bind(("127.0.0.1", port)).ok()?.local_addr().ok()
        })
        .expect("a free port")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
