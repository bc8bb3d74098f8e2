//! The command line: flags, each also an environment variable.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tenantry::{BaseDomain, BasisPoints, Email};
use tracing_subscriber::EnvFilter;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "marketplace", version, about = "A marketplace of ready-made businesses")]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,

    #[command(subcommand)]
    role: Option<Subrole>,
}

#[derive(Debug, Subcommand)]
enum Subrole {
    /// Runs the payment provider, as the marketplace does by itself
    #[command(hide = true)]
    Provider(marketplace_provider::Args),
}

/// What a process is to be.
#[derive(Debug)]
pub enum Role {
    /// The marketplace.
    Marketplace(Settings),
    /// The payment provider that the marketplace starts.
    Provider(marketplace_provider::Args),
}

impl Cli {
    /// What the process is to be.
    #[must_use]
    pub fn role(self) -> Role {
        match self.role {
            None => Role::Marketplace(self.settings),
            Some(Subrole::Provider(args)) => Role::Provider(args),
        }
    }

    /// What is logged: `RUST_LOG`, or warnings and what the marketplace says of itself.
    #[must_use]
    pub fn log_filter(&self) -> EnvFilter {
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,marketplace=info"))
    }
}

/// How the marketplace is run.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address to listen on
    #[arg(long, env = "MARKETPLACE_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,

    /// Database: sqlite://FILE, created and migrated when it isn't there
    #[arg(long, env = "MARKETPLACE_DATABASE", default_value = "sqlite://marketplace.db")]
    pub database: DatabaseFile,

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

/// The SQLite file that everything is kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFile(PathBuf);

impl DatabaseFile {
    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The file beside it with the same stem and this ending.
    fn beside(&self, ending: &str) -> PathBuf {
        self.0.with_extension(ending)
    }
}

impl FromStr for DatabaseFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
        match path.map(|path| path.split('?').next().unwrap_or_default()) {
            Some("" | ":memory:") | None => Err("give a file, as sqlite://marketplace.db".to_owned()),
            Some(path) => Ok(Self(PathBuf::from(path))),
        }
    }
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
