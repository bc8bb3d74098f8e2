//! The database that a server under test keeps everything in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tenantry::testing::drop_database;
use uuid::Uuid;

/// What the databases of the tests are called on a PostgreSQL server: followed by the test program's process id, so
/// that what a program left behind can be told from what one still uses.
const NAMES: &str = "market_test_";

/// A SQLite file, or a database on the PostgreSQL server that `DATABASE_URL` names: whichever this test program is for.
#[derive(Debug)]
pub(crate) enum Database {
    File(PathBuf),
    OnServer(OnServer),
}

/// A database of its own on a PostgreSQL server, with roles of its own; set up by the program's own `migrate`, from the
/// owner's address alone. Gone when it is dropped.
#[derive(Debug)]
pub(crate) struct OnServer {
    name: String,
    owner: String,
    env_file: PathBuf,
}

/// Whether the servers of this test program run on PostgreSQL: those do whose names begin so.
pub(crate) fn is_on_postgres() -> bool {
    env!("CARGO_CRATE_NAME").starts_with("postgres")
}

impl Database {
    /// Makes one for a server with its files in this folder.
    pub(crate) fn make(folder: &Path) -> Self {
        if is_on_postgres() {
            Self::OnServer(OnServer::make(folder))
        } else {
            Self::File(folder.join("market.db"))
        }
    }

    /// The flags with which a server uses it.
    pub(crate) fn flags(&self) -> [String; 2] {
        match self {
            Self::File(path) => ["--database".to_owned(), format!("sqlite://{}", path.display())],
            Self::OnServer(server) => ["--env-file".to_owned(), server.env_file.display().to_string()],
        }
    }

    /// The start of the names of the files that a server makes besides.
    pub(crate) fn stem(&self) -> &'static str {
        match self {
            Self::File(_) => "market",
            Self::OnServer(_) => "marketplace",
        }
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::OnServer(_) => None,
        }
    }

    /// Changes rows of a table of the library's behind the program's back; answers how many.
    pub(crate) fn alter(&self, table: &str, sql: &str) -> u64 {
        match self {
            Self::File(path) => block_on(async {
                let options = SqliteConnectOptions::new().filename(path);
                let mut connection = SqliteConnection::connect_with(&options).await?;
                Ok(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?.rows_affected())
            }),
            Self::OnServer(server) => server.alter(table, sql),
        }
    }
}

impl OnServer {
    fn make(folder: &Path) -> Self {
        static TIDIED: Once = Once::new();
        TIDIED.call_once(|| block_on(drop_what_was_left()));
        let made = Self::create(folder);
        let migrated = Command::new(env!("CARGO_BIN_EXE_marketplace"))
            .args(["migrate", "--database", &made.owner, "--write-env"])
            .arg(&made.env_file)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&migrated.stderr);
        assert!(migrated.status.success(), "migrate: {said}");
        made
    }

    /// A database that nobody has set up.
    pub(crate) fn create(folder: &Path) -> Self {
        let unique = Uuid::new_v4().simple().to_string();
        let name = format!("{NAMES}{}_{}", std::process::id(), &unique[..12]);
        block_on(async {
            let mut connection = PgConnection::connect(&server()).await?;
            sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await
        });
        let mut owner = reqwest::Url::parse(&server()).unwrap();
        owner.set_path(&name);
        Self { owner: owner.into(), env_file: folder.join("market.env"), name }
    }

    /// Its owner's address.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The file to which its logins' addresses were written.
    pub(crate) fn env_file(&self) -> &Path {
        &self.env_file
    }

    /// A setting in that file.
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(&self.env_file).unwrap();
        text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
    }

    /// Runs statements as the owner.
    pub(crate) fn run(&self, sql: &str) {
        block_on(async {
            let mut connection = PgConnection::connect(&self.owner).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map(drop)
        });
    }

    /// The rows of a query of one login's, whose address is this setting: a text column each.
    pub(crate) fn texts_of(&self, setting: &str, sql: &str) -> Vec<String> {
        let address = self.setting(setting).expect("a setting with an address");
        block_on(async {
            let mut connection = PgConnection::connect(&address).await?;
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await
        })
    }

    /// Only the owner can, and only by taking the table's forced row security off for the time.
    fn alter(&self, table: &str, sql: &str) -> u64 {
        block_on(async {
            let mut connection = PgConnection::connect(&self.owner).await?;
            let mut tx = connection.begin().await?;
            sqlx::raw_sql("SET LOCAL search_path = tenantry, tenantry_directory, public")
                .execute(&mut *tx)
                .await?;
            let forced = |how: &str| AssertSqlSafe(format!("ALTER TABLE {table} {how} ROW LEVEL SECURITY"));
            sqlx::raw_sql(forced("NO FORCE")).execute(&mut *tx).await?;
            let altered = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await?.rows_affected();
            sqlx::raw_sql(forced("FORCE")).execute(&mut *tx).await?;
            tx.commit().await?;
            Ok(altered)
        })
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        let name = self.name.clone();
        block_on(async {
            let mut connection = PgConnection::connect(&server()).await?;
            drop_with_roles(&mut connection, &name).await
        });
    }
}

/// The address of a role with `CREATEDB` and `CREATEROLE` on some server.
fn server() -> String {
    std::env::var("DATABASE_URL").expect(
        "this test needs a PostgreSQL server: run it with `cargo xtask test`, which starts one, or set DATABASE_URL to \
         the address of a role with CREATEDB and CREATEROLE",
    )
}

/// Drops the databases of test programs that are gone: a program's statics are never dropped.
async fn drop_what_was_left() -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(&server()).await?;
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database AS known WHERE starts_with(datname, $1)
         AND NOT EXISTS (SELECT FROM pg_stat_activity AS used WHERE used.datname = known.datname)",
    )
    .bind(NAMES)
    .fetch_all(&mut connection)
    .await?;
    for name in names {
        let process = name.trim_start_matches(NAMES).split('_').next().unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            drop_with_roles(&mut connection, &name).await?;
        }
    }
    Ok(())
}

/// A service that was killed may still have sessions there.
async fn drop_with_roles(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let logins = ["app", "writer", "admin"].map(|role| format!("{name}_{role}"));
    drop_database(connection, name, &logins).await?;
    let roles = format!("DROP ROLE IF EXISTS {}, {name}_app_door", logins.join(", "));
    sqlx::raw_sql(AssertSqlSafe(roles)).execute(connection).await.map(drop)
}

fn block_on<T>(work: impl Future<Output = sqlx::Result<T>>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work).unwrap()
}
