//! Programs that a test starts for itself: a pooler before the test's server, or a server that it may kill.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tenantry_storage::Logins;
use tenantry_storage::testing::TestDatabase;

/// A variable that `cargo xtask test` sets.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} isn't set: `cargo xtask test` sets it"))
}

fn number(kind: &str, name: &str) -> u32 {
    let told = Command::new("id").args([kind, name]).output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().parse().unwrap()
}

/// Whom the programs run as, where it isn't the caller.
fn stand_in() -> Option<(u32, u32)> {
    let name = variable("TENANTRY_PG_RUN_AS");
    (!name.is_empty()).then(|| (number("-u", &name), number("-g", &name)))
}

fn give(path: &Path) {
    if let Some((user, group)) = stand_in() {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

/// A folder that the programs' user may enter.
fn folder() -> TempDir {
    let folder = TempDir::with_prefix("tenantry-").unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    give(folder.path());
    folder
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    give(path);
}

fn program(path: &Path, folder: &Path) -> Command {
    let mut command = Command::new(path);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some((user, group)) = stand_in() {
        command.uid(user).gid(group);
    }
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn answers(address: &str) {
    let options = PgConnectOptions::from_str(address).unwrap().extra_float_digits(None);
    for _ in 0..200 {
        if let Ok(connection) = options.connect().await {
            drop(connection.close().await);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    options.connect().await.unwrap();
}

/// PgBouncer in transaction mode before a test's database.
pub(crate) struct Pooler {
    running: Child,
    logins: Logins,
    _folder: TempDir,
}

impl Pooler {
    /// With so many sessions for each login.
    pub(crate) async fn before(database: &TestDatabase, sessions: u32) -> Self {
        let (folder, port) = (folder(), free_port());
        let addresses = database.addresses();
        let server = PgConnectOptions::from_str(&addresses.app).unwrap();
        let mut users = String::new();
        for address in [&addresses.app, &addresses.writer, &addresses.admin] {
            let (_, rest) = address.split_once("://").unwrap();
            let (user, _) = rest.split_once('@').unwrap();
            let (name, password) = user.split_once(':').unwrap();
            users += &format!("\"{}\" \"{}\"\n", decoded(name), decoded(password));
        }
        write(&folder.path().join("users"), &users);
        let settings = format!(
            "[databases]\n{name} = host={host} port={to} dbname={name}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {users}\n\
             pool_mode = transaction\ndefault_pool_size = {sessions}\nmax_client_conn = 500\n",
            name = database.name(),
            host = server.get_host(),
            to = server.get_port(),
            users = folder.path().join("users").display(),
        );
        let file = folder.path().join("settings");
        write(&file, &settings);
        let pgbouncer = PathBuf::from(variable("TENANTRY_PGBOUNCER"));
        let running = program(&pgbouncer, folder.path()).arg(&file).spawn().unwrap();
        let by = |address: &str| by(address, port);
        let logins = Logins::new(by(&addresses.app), by(&addresses.writer)).with_admin(by(&addresses.admin));
        let logins = match database.key() {
            Some(key) => logins.with_sealing_key(key.clone()),
            None => logins,
        };
        let pooler = Self { running, logins, _folder: folder };
        answers(&by(&addresses.app)).await;
        pooler
    }

    /// The logins by way of the pooler.
    pub(crate) fn logins(&self) -> &Logins {
        &self.logins
    }
}

/// The text of a part of an address, in which `%2D` stands for a hyphen.
fn decoded(part: &str) -> String {
    let mut pieces = part.split('%');
    let mut text = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_at(2);
        text.push(char::from(u8::from_str_radix(code, 16).unwrap()));
        text += rest;
    }
    text
}

fn by(address: &str, port: u16) -> String {
    let options = PgConnectOptions::from_str(address).unwrap();
    options.host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable).to_url_lossy().to_string()
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.running.kill());
        drop(self.running.wait());
    }
}

/// A PostgreSQL server that a test may crash.
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    password: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let server =
            Self { folder: folder(), port: free_port(), password: uuid::Uuid::now_v7().simple().to_string() };
        let secret = server.folder.path().join("superuser");
        write(&secret, &server.password);
        server.run(
            "initdb",
            &[
                "--username=superuser",
                "--auth=scram-sha-256",
                "--no-locale",
                "--encoding=UTF8",
                "--pwfile=superuser",
                "--pgdata=data",
            ],
        );
        server.make_owner();
        server.control("start");
        let owner = server.address("postgres");
        answers(&owner).await;
        let mut connection = PgConnectOptions::from_str(&owner).unwrap().connect().await.unwrap();
        sqlx::raw_sql("CREATE DATABASE shop").execute(&mut connection).await.unwrap();
        server
    }

    /// The owner's address of a database.
    pub(crate) fn address(&self, database: &str) -> String {
        format!("postgres://owner:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// As when its machine loses power; and up again.
    pub(crate) fn crash(&self) {
        self.control("restart");
    }

    fn control(&self, what: &str) {
        let options = format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''", self.port);
        self.run(
            "pg_ctl",
            &[what, "--wait", "--mode=immediate", "--pgdata=data", "--log=log", "--options", &options],
        );
    }

    fn make_owner(&self) {
        let mut command = self.program("postgres");
        let mut single =
            command.args(["--single", "-D", "data", "postgres"]).stdin(Stdio::piped()).spawn().unwrap();
        let role = format!("CREATE ROLE owner LOGIN CREATEROLE CREATEDB PASSWORD '{}'\n", self.password);
        single.stdin.take().unwrap().write_all(role.as_bytes()).unwrap();
        assert!(single.wait().unwrap().success());
    }

    fn run(&self, name: &str, arguments: &[&str]) {
        let done = self.program(name).args(arguments).status().unwrap();
        assert!(done.success(), "{name} {arguments:?} fails");
    }

    fn program(&self, name: &str) -> Command {
        program(&PathBuf::from(variable("TENANTRY_PG_BIN")).join(name), self.folder.path())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stop = ["stop", "--mode=immediate", "--pgdata=data"];
        drop(self.program("pg_ctl").args(stop).status());
    }
}
