//! The command line: flags, each also an environment variable.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use tenantry::{BaseDomain, BasisPoints, Email, SealingKey};
use tracing_subscriber::EnvFilter;

use crate::database::{
    AuditArgs, Database, EnvironmentFile, EnvironmentFileError, MigrateArgs, ServerAddress,
};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "marketplace",
    version,
    about = "A marketplace of ready-made businesses",
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,

    #[command(subcommand)]
    role: Option<Subrole>,
}

#[derive(Debug, Subcommand)]
enum Subrole {
    /// Sets a database up and brings its tables up to date
    Migrate(MigrateArgs),
    /// Audits what keeps tenants apart in a PostgreSQL database
    Audit(AuditArgs),
    /// Prints every route and who may use it
    Routes,
    /// Runs the payment provider, as the marketplace does by itself
    #[command(hide = true)]
    Provider(marketplace_provider::Args),
}

/// What a process is to be.
#[derive(Debug)]
pub enum Role {
    /// The marketplace.
    Marketplace(Box<Settings>),
    /// Who sets its database up.
    Migrate(MigrateArgs),
    /// Who audits its database.
    Audit(AuditArgs),
    /// Who says which routes there are and who may use them.
    Routes,
    /// The payment provider that the marketplace starts.
    Provider(marketplace_provider::Args),
}

impl Cli {
    /// Reads the command line, the environment, and the file of settings that either of them names. Where the command
    /// line is wrong or asks for help, it says so and the process ends.
    ///
    /// # Errors
    /// [`EnvironmentFileError`].
    pub fn from_process() -> Result<Self, EnvironmentFileError> {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let mut command = Self::command();
        if let Some(path) = env_file(&arguments) {
            let file = EnvironmentFile::read(&path)?;
            command = file.below(command).mut_subcommand("audit", |audit| file.below(audit));
        }
        let matches = command.get_matches_from(arguments);
        Ok(Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
    }

    /// What the process is to be.
    #[must_use]
    pub fn role(self) -> Role {
        match self.role {
            None => Role::Marketplace(Box::new(self.settings)),
            Some(Subrole::Migrate(args)) => Role::Migrate(args),
            Some(Subrole::Audit(args)) => Role::Audit(args),
            Some(Subrole::Routes) => Role::Routes,
            Some(Subrole::Provider(args)) => Role::Provider(args),
        }
    }

    /// What is logged: `RUST_LOG`, or warnings and what the marketplace says of itself.
    #[must_use]
    pub fn log_filter(&self) -> EnvFilter {
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,marketplace=info"))
    }
}

/// The file of settings, which has to be read before the rest of the command line can be.
fn env_file(arguments: &[OsString]) -> Option<PathBuf> {
    const FLAG: &str = "--env-file";
    let named = arguments.iter().skip(1).zip(arguments.iter().skip(2)).find(|(flag, _)| *flag == FLAG);
    let joined = || arguments.iter().find_map(|given| given.to_str()?.strip_prefix(FLAG)?.strip_prefix('='));
    let named = named.map(|(_, path)| path.clone()).or_else(|| joined().map(OsString::from));
    named.or_else(|| std::env::var_os("MARKETPLACE_ENV_FILE")).map(PathBuf::from)
}

/// How the marketplace is run.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address to listen on
    #[arg(long, env = "MARKETPLACE_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,

    /// Database: sqlite://FILE, created and migrated when it isn't there; or postgres://… of the app's login, once
    /// `marketplace migrate` has set it up
    #[arg(
        long,
        env = "MARKETPLACE_DATABASE",
        default_value = "sqlite://marketplace.db",
        hide_env_values = true
    )]
    pub database: Database,

    /// PostgreSQL: postgres://… of the writer's login
    #[arg(long, env = "MARKETPLACE_WRITER_DATABASE", hide_env_values = true)]
    pub writer_database: Option<ServerAddress>,

    /// PostgreSQL: postgres://… of the admin's login, for the workers and the bypass
    #[arg(long, env = "MARKETPLACE_ADMIN_DATABASE", hide_env_values = true)]
    pub admin_database: Option<ServerAddress>,

    /// PostgreSQL in sealed mode: the key that `migrate --sealed` has written
    #[arg(long, env = "MARKETPLACE_SEALING_KEY", hide_env_values = true)]
    pub sealing_key: Option<SealingKey>,

    /// File with settings, one NAME=VALUE a line under the names of the environment variables, as `migrate
    /// --write-env` writes it; the environment wins over it, and a flag over both
    #[arg(long, env = "MARKETPLACE_ENV_FILE", value_name = "FILE")]
    pub env_file: Option<PathBuf>,

    /// Domain whose subdomains are the tenants
    #[arg(long, env = "MARKETPLACE_BASE_DOMAIN", default_value = "localhost")]
    pub base_domain: BaseDomain,

    /// How long a buyer reviews before the money is released: 20s, 30m, 72h
    #[arg(long, env = "MARKETPLACE_REVIEW_PERIOD", default_value = "72h")]
    pub review_period: Span,

    /// How long an order waits for its payment
    #[arg(long, env = "MARKETPLACE_PAYMENT_WINDOW", default_value = "30m")]
    pub payment_window: Span,

    /// The platform's fee in basis points: 800 is 8 %
    #[arg(long, env = "MARKETPLACE_FEE_BPS", default_value = "800", value_parser = fee)]
    pub fee_bps: BasisPoints,

    /// Requests an hour for a seller
    #[arg(long, env = "MARKETPLACE_SELLER_RATE", default_value_t = 1000)]
    pub seller_rate: u32,

    /// Requests an hour for a buyer, and for everybody else
    #[arg(long, env = "MARKETPLACE_BUYER_RATE", default_value_t = 500)]
    pub buyer_rate: u32,

    /// File with the secret that signs access tokens; made when it is absent
    /// (default: beside the database)
    #[arg(long, env = "MARKETPLACE_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,

    /// E-mail address of the platform's first admin (default: admin@ the base domain)
    #[arg(long, env = "MARKETPLACE_ADMIN_EMAIL")]
    pub admin_email: Option<Email>,

    /// File with the password of the platform's first admin (default: one is made and printed once)
    #[arg(long, env = "MARKETPLACE_ADMIN_PASSWORD_FILE")]
    pub admin_password_file: Option<PathBuf>,

    /// Address of the payment provider (default: the marketplace starts one of its own)
    #[arg(long, env = "MARKETPLACE_PROVIDER_URL")]
    pub provider_url: Option<reqwest::Url>,

    /// File with the secret that is shared with the payment provider; made when it is absent
    /// (default: beside the database)
    #[arg(long, env = "MARKETPLACE_PROVIDER_SECRET_FILE")]
    pub provider_secret_file: Option<PathBuf>,

    /// Seed the platform and its admin only
    #[arg(long, env = "MARKETPLACE_NO_DEMO", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_demo: bool,
}

impl Settings {
    /// The file with the secret that signs access tokens.
    #[must_use]
    pub fn secret_path(&self) -> PathBuf {
        self.secret_file.clone().unwrap_or_else(|| self.database.beside("secret"))
    }

    /// The file with the secret that is shared with the payment provider.
    #[must_use]
    pub fn provider_secret_path(&self) -> PathBuf {
        self.provider_secret_file.clone().unwrap_or_else(|| self.database.beside("provider.secret"))
    }

    /// The file in which the marketplace's own payment provider keeps its state.
    #[must_use]
    pub fn provider_state_path(&self) -> PathBuf {
        self.database.beside("provider.db")
    }
}

fn fee(text: &str) -> Result<BasisPoints, String> {
    let points: u16 = text.parse().map_err(|_| "basis points go from 0 to 10000".to_owned())?;
    BasisPoints::new(points).map_err(|error| error.to_string())
}

/// A span of time as it is written on the command line: `20s`, `30m`, `72h`, `3d`.
///
/// ```
/// use std::time::Duration;
/// use marketplace::Span;
///
/// assert_eq!("72h".parse::<Span>()?.duration(), Duration::from_secs(72 * 3600));
/// assert!("72".parse::<Span>().is_err());
/// # Ok::<(), marketplace::InvalidSpan>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(Duration);

impl Span {
    /// The span.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let (number, unit) =
            text.len().checked_sub(1).and_then(|at| text.split_at_checked(at)).ok_or(InvalidSpan)?;
        let seconds: u64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(InvalidSpan),
        };
        let number: u64 = number.parse().map_err(|_| InvalidSpan)?;
        let span = Duration::from_secs(number.checked_mul(seconds).ok_or(InvalidSpan)?);
        let fits = !span.is_zero() && span <= tenantry::Terms::MAX_SPAN;
        if fits { Ok(Self(span)) } else { Err(InvalidSpan) }
    }
}

/// The text is no span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a span of time as 20s, 30m, 72h or 3d: more than nothing and at most 90 days")]
pub struct InvalidSpan;
