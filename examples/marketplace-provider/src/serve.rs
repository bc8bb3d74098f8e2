//! Start-up: state, port, delivery, and the one line that says it is ready.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::api::{self, Provider};
use crate::args::Args;
use crate::courier::Courier;
use crate::secret::{Secret, SecretError};
use crate::state::State;
use crate::tether::end_with_parent;

const WAIT_FOR_PORT: Duration = Duration::from_secs(3);
const PORT_PAUSE: Duration = Duration::from_millis(50);

/// Why the provider could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The secret is missing or too weak.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The state file could not be opened or written.
    #[error("the state in {} cannot be used: {source}; is another provider running on it?", file.display())]
    State {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// Another process has the port.
    #[error(
        "{address} is taken: end the process that has it, or choose another port with --listen \
             (checkout URLs that were handed out change with it)"
    )]
    Taken {
        /// The address that was to be listened on.
        address: SocketAddr,
    },
    /// The network or a thread failed.
    #[error("the provider cannot serve: {0}")]
    Io(#[from] io::Error),
    /// The client for the webhook could not be made.
    #[error("the webhook cannot be spoken to: {0}")]
    Client(#[from] reqwest::Error),
}

/// Runs the provider until its process ends.
///
/// Prints `listening http://ADDRESS` on standard output, and nothing else, once requests are answered.
///
/// # Errors
/// When the secret is unfit, the state cannot be opened, or the port is taken and stays so for 3 s (a
/// predecessor that is just ending is waited for).
pub async fn run(args: Args) -> Result<(), StartError> {
    if args.child {
        end_with_parent()?;
    }
    let secret = Secret::read(&args.secret_file)?;
    let unusable = |source| StartError::State { file: args.state.clone(), source };
    let state = State::open(&args.state).await.map_err(unusable)?;
    let listener = bind(args.listen, state.port().await.map_err(unusable)?).await?;
    let address = listener.local_addr()?;
    state.keep_port(address.port()).await.map_err(unusable)?;

    let wake = Arc::new(Notify::new());
    let courier =
        Courier::new(state.clone(), secret.clone(), args.webhook_url, args.max_attempts, Arc::clone(&wake))?;
    let delivery = tokio::spawn(courier.run());
    let router = api::router(Provider::new(state, secret, format!("http://{address}"), wake));
    announce(address);
    tokio::select! {
        served = async { axum::serve(listener, router).await } => Ok(served?),
        stopped = delivery => Err(io::Error::other(stopped.map_or_else(|error| error.to_string(), |()| {
            "delivery ended".to_owned()
        })).into()),
    }
}

async fn bind(listen: SocketAddr, kept: Option<u16>) -> Result<TcpListener, StartError> {
    let port = if listen.port() == 0 { kept.unwrap_or(0) } else { listen.port() };
    let address = SocketAddr::new(listen.ip(), port);
    let started = Instant::now();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => return Err(error.into()),
            Err(_) if started.elapsed() >= WAIT_FOR_PORT => return Err(StartError::Taken { address }),
            Err(_) => sleep(PORT_PAUSE).await,
        }
    }
}

/// Says that requests are answered. Whoever started the process may have closed its end already.
fn announce(address: SocketAddr) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "listening http://{address}").and_then(|()| out.flush()) {
        tracing::warn!(%error, "nobody reads standard output");
    }
}
