use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr as _;

use clap::Args;
use sqlx::postgres::PgConnectOptions;
use tenantry::{
    Addresses, InvalidRoleName, MigrateError, OpenError, PostgresOwner, RoleName, Roles, SameRole, Sealing,
    SealingKey, SetUpError, SqliteStore,
};

use super::environment::NewEnvironmentFile;
use super::{Database, EnvironmentFileError, ServerAddress, schema};

/// How a database is set up.
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// Database: postgres://… with the owner's address, who needs CREATEROLE where roles are missing; or sqlite://FILE
    #[arg(
        long,
        env = "MARKETPLACE_DATABASE",
        default_value = "sqlite://marketplace.db",
        hide_env_values = true
    )]
    pub database: Database,

    /// Login that serves requests; made when it is missing (default: the database's name and _app)
    #[arg(long, env = "MARKETPLACE_APP_ROLE", value_name = "NAME")]
    pub app_role: Option<RoleName>,

    /// Login that writes; made when it is missing (default: the database's name and _writer)
    #[arg(long, env = "MARKETPLACE_WRITER_ROLE", value_name = "NAME")]
    pub writer_role: Option<RoleName>,

    /// Login of the bypass and the workers; made when it is missing (default: the database's name and _admin)
    #[arg(long, env = "MARKETPLACE_ADMIN_ROLE", value_name = "NAME")]
    pub admin_role: Option<RoleName>,

    /// Gives the three logins new passwords, and writes their addresses to a file (mode 600) for --env-file
    #[arg(long, env = "MARKETPLACE_WRITE_ENV", value_name = "FILE")]
    pub write_env: Option<PathBuf>,

    /// Turns sealed mode on: the database believes who a request is for only with a seal, whose key goes to the file
    #[arg(long, env = "MARKETPLACE_SEALED", value_parser = clap::builder::FalseyValueParser::new())]
    pub sealed: bool,
}

/// Sets a database up and brings its tables up to date. Can be run again, and in several processes at once.
///
/// # Errors
/// [`MigrationError`] says what is in the way.
pub async fn migrate(args: MigrateArgs) -> Result<(), MigrationError> {
    match &args.database {
        Database::Sqlite(path) => {
            refuse_for_sqlite(&args)?;
            let store = SqliteStore::open(path).await?;
            schema::on_sqlite(&store).await?;
            println!("marketplace: {} is up to date", path.display());
            Ok(())
        }
        Database::Postgres(address) => on_server(&args, address).await,
    }
}

async fn on_server(args: &MigrateArgs, address: &ServerAddress) -> Result<(), MigrationError> {
    if args.sealed && args.write_env.is_none() {
        return Err(MigrationError::NoFileForKey);
    }
    let roles = roles(args, address)?;
    let mut owner = PostgresOwner::connect(address.expose()).await?;
    let file = args.write_env.as_deref().map(NewEnvironmentFile::begin).transpose()?;
    let sealing = if args.sealed { Sealing::On } else { Sealing::Keep };
    let key = owner.set_up(&roles, sealing).await?;
    schema::on_postgres(&mut owner).await?;
    println!(
        "marketplace: the database is up to date for {}, {} and {}",
        roles.app(),
        roles.writer(),
        roles.admin()
    );
    if let (Some(file), Some(path)) = (file, &args.write_env) {
        let addresses = owner.set_passwords(&roles).await?;
        file.finish(&settings(&addresses, key.as_ref()))?;
        println!("marketplace: wrote {path} (mode 600): serve with --env-file {path}", path = path.display());
    }
    Ok(())
}

/// The roles that are named, and for the others the database's name with an ending: roles belong to the whole server,
/// so that two databases must not share one by accident.
fn roles(args: &MigrateArgs, address: &ServerAddress) -> Result<Roles, MigrationError> {
    let options = PgConnectOptions::from_str(address.expose()).map_err(SetUpError::Address)?;
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    let role = |named: &Option<RoleName>, what: &str| match named {
        Some(role) => Ok(role.clone()),
        None => format!("{database}_{what}").parse().map_err(|source: InvalidRoleName| {
            MigrationError::RoleName { flag: format!("--{what}-role"), source }
        }),
    };
    let (app, writer) = (role(&args.app_role, "app")?, role(&args.writer_role, "writer")?);
    Ok(Roles::new(app, writer, role(&args.admin_role, "admin")?)?)
}

fn refuse_for_sqlite(args: &MigrateArgs) -> Result<(), MigrationError> {
    let given = [
        ("--app-role", args.app_role.is_some()),
        ("--writer-role", args.writer_role.is_some()),
        ("--admin-role", args.admin_role.is_some()),
        ("--write-env", args.write_env.is_some()),
        ("--sealed", args.sealed),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(MigrationError::OnlyPostgres(flag)),
        None => Ok(()),
    }
}

/// The settings to serve with, as an [`EnvironmentFile`](super::EnvironmentFile) holds them.
fn settings(addresses: &Addresses, key: Option<&SealingKey>) -> String {
    let Addresses { app, writer, admin, .. } = addresses;
    let mut text = format!(
        "# Written by `marketplace migrate`: keep it as you keep passwords, and serve with --env-file.\n\
         MARKETPLACE_DATABASE={app}\n\
         MARKETPLACE_WRITER_DATABASE={writer}\n\
         MARKETPLACE_ADMIN_DATABASE={admin}\n"
    );
    if let Some(key) = key {
        let written = writeln!(text, "MARKETPLACE_SEALING_KEY={}", key.expose());
        debug_assert!(written.is_ok(), "a string takes everything");
    }
    text
}

/// Why a database isn't set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// A flag that makes sense with a PostgreSQL server only.
    #[error(
        "{0} goes with a PostgreSQL server, and --database is a SQLite file: leave it out, or give --database postgres://…"
    )]
    OnlyPostgres(&'static str),
    /// The sealing key would be lost.
    #[error("--sealed makes a key that the service needs: say where it goes with --write-env FILE")]
    NoFileForKey,
    /// A role can't be called after the database.
    #[error("no role can be called after this database: name one with {flag}")]
    RoleName {
        /// The flag that names it.
        flag: String,
        /// What a name must be.
        source: InvalidRoleName,
    },
    /// Two roles are one.
    #[error(transparent)]
    SameRole(#[from] SameRole),
    /// The library's part.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// The marketplace's own tables.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The SQLite file can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The addresses can't be written down.
    #[error(transparent)]
    File(#[from] EnvironmentFileError),
}
