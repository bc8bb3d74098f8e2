//! A PostgreSQL database of a test's own.

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use uuid::Uuid;

use crate::{Addresses, Logins, PostgresOwner, Roles, Sealing, SealingKey, SetUpError};

/// The variable that names the server: the address of a role with `LOGIN`, `CREATEDB` and `CREATEROLE`.
const SERVER: &str = "DATABASE_URL";

/// A database of a test's own, set up, on the server that `DATABASE_URL` names; gone with its roles when it is
/// dropped.
///
/// Drop it on a runtime of several threads. Dropping blocks its thread; a connection that is just being made on that
/// thread would keep the server from dropping anything until it gives the connection up (`authentication_timeout`, a
/// minute).
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tenantry_storage::testing::TestDatabase;
/// use tenantry_storage::{PostgresOptions, PostgresStore, Sealing};
///
/// let database = TestDatabase::create(Sealing::Off).await?;
/// let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await?;
/// # drop(store);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TestDatabase {
    made: Made,
    addresses: Addresses,
    key: Option<SealingKey>,
}

impl TestDatabase {
    /// Makes a database with roles of its own, and sets it up.
    ///
    /// # Errors
    /// [`TestDatabaseError`]; where `DATABASE_URL` isn't set, it says what to do.
    pub async fn create(sealing: Sealing) -> Result<Self, TestDatabaseError> {
        let server = std::env::var(SERVER).map_err(|_| TestDatabaseError::NoServer)?;
        let server = PgConnectOptions::from_str(&server)?;
        let name = format!("tenantry_test_{}", Uuid::now_v7().simple());
        let short = name.get(name.len().saturating_sub(12)..).unwrap_or(&name).to_owned();
        let role = |what: &str| format!("test_{short}_{what}").parse();
        let roles = Roles::new(role("app")?, role("writer")?, role("admin")?)?;
        let made = Made { name, server, roles };
        let mut connection = made.server.clone().connect().await?;
        run(&mut connection, format!("CREATE DATABASE {}", made.name)).await?;
        let mut owner = PostgresOwner::connect(&made.owner_address()).await?;
        let key = owner.set_up(&made.roles, sealing).await?;
        let addresses = owner.set_passwords(&made.roles).await?;
        Ok(Self { made, addresses, key })
    }

    /// Its owner, to migrate more.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub async fn owner(&self) -> Result<PostgresOwner, SetUpError> {
        PostgresOwner::connect(&self.owner_address()).await
    }

    /// Its owner's address.
    #[must_use]
    pub fn owner_address(&self) -> String {
        self.made.owner_address()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.made.name
    }

    /// The roles that it was set up for.
    #[must_use]
    pub fn roles(&self) -> &Roles {
        &self.made.roles
    }

    /// The addresses of its logins.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The key of sealed mode.
    #[must_use]
    pub fn key(&self) -> Option<&SealingKey> {
        self.key.as_ref()
    }

    /// All that a store is connected with.
    #[must_use]
    pub fn logins(&self) -> Logins {
        let logins = self.addresses.logins();
        match &self.key {
            Some(key) => logins.with_sealing_key(key.clone()),
            None => logins,
        }
    }
}

/// What is on the server, and goes again: also where the rest couldn't be made.
#[derive(Debug)]
struct Made {
    name: String,
    server: PgConnectOptions,
    roles: Roles,
}

impl Made {
    fn owner_address(&self) -> String {
        self.server.clone().database(&self.name).to_url_lossy().to_string()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let (server, name, roles) = (self.server.clone(), self.name.clone(), self.roles.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(TestDatabaseError::from)?.block_on(remove(&server, &name, &roles))
        });
        match dropping.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a test's database is still there"),
            Err(_) => tracing::warn!("a test's database is still there"),
        }
    }
}

async fn remove(server: &PgConnectOptions, name: &str, roles: &Roles) -> Result<(), TestDatabaseError> {
    let mut connection = server.clone().connect().await?;
    let logins = [roles.app(), roles.writer(), roles.admin()].map(ToString::to_string);
    drop_database(&mut connection, name, &logins).await?;
    run(&mut connection, format!("DROP ROLE IF EXISTS {}, {}", logins.join(", "), roles.door())).await
}

/// Drops a database that tests made, if it is there, and ends who is still connected to it: the server, and `logins`.
///
/// Whoever ends a login's connection has to be a member of it, so `connection` becomes one. Nobody but a superuser is
/// let to end an autovacuum worker with `FORCE`, on PostgreSQL 15 and 16; a drop without it ends the worker, but nobody
/// else. So each is tried in turn, at most five times.
///
/// # Errors
/// What the server said to the last of them.
pub async fn drop_database(
    connection: &mut PgConnection,
    name: &str,
    logins: &[impl AsRef<str>],
) -> Result<(), sqlx::Error> {
    for login in logins {
        let join = AssertSqlSafe(format!("GRANT {} TO CURRENT_USER", login.as_ref()));
        drop(sqlx::raw_sql(join).execute(&mut *connection).await);
    }
    let plain = format!("DROP DATABASE IF EXISTS {name}");
    let forced = format!("{plain} WITH (FORCE)");
    let mut last = Ok(());
    for statement in [&forced, &plain, &forced, &plain, &forced] {
        last = sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut *connection).await.map(drop);
        if last.is_ok() {
            break;
        }
    }
    last
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), TestDatabaseError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// Why a test has no database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestDatabaseError {
    /// No server is named.
    #[error(
        "this test needs a PostgreSQL server: run it with `cargo xtask test`, which starts one, or set DATABASE_URL to \
         the address of a role with CREATEDB and CREATEROLE"
    )]
    NoServer,
    /// A role's name.
    #[error(transparent)]
    Name(#[from] crate::InvalidRoleName),
    /// The roles.
    #[error(transparent)]
    Roles(#[from] crate::SameRole),
    /// The server refuses.
    #[error("the test's PostgreSQL server refuses: {0}")]
    Server(#[from] sqlx::Error),
    /// The database can't be set up.
    #[error("the test's database can't be set up")]
    SetUp(#[from] SetUpError),
    /// The machine.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
