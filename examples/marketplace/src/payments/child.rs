//! The provider that the marketplace starts when there is no other: a process that ends with it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long the provider may take to say where it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// A payment provider in a process of its own. It watches its standard input, whose other end is held here: it
/// ends when this value is dropped, and when this process is killed.
#[derive(Debug)]
pub(crate) struct ProviderChild {
    files: (PathBuf, PathBuf),
    reports_to: SocketAddr,
    url: Url,
    child: Child,
    lifeline: Option<ChildStdin>,
    _output: BufReader<ChildStdout>,
}

impl ProviderChild {
    /// Starts it, with its state and the shared secret in these files, reporting to `webhook`.
    pub(crate) async fn start(
        state: &Path,
        secret: &Path,
        reports_to: SocketAddr,
    ) -> Result<Self, ChildError> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("provider")
            .arg("--child")
            .arg("--state")
            .arg(state)
            .arg("--secret-file")
            .arg(secret)
            .arg("--webhook-url")
            .arg(format!("http://{}/api/payments/events", reachable(reports_to)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lifeline = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().ok_or(ChildError::Silent)?);
        let mut line = String::new();
        timeout(PATIENCE, output.read_line(&mut line)).await.map_err(|_| ChildError::Silent)??;
        let url = line.trim().strip_prefix("listening ").and_then(|url| url.parse().ok());
        let url = url.ok_or(ChildError::Silent)?;
        let files = (state.to_owned(), secret.to_owned());
        Ok(Self { files, reports_to, url, child, lifeline, _output: output })
    }

    /// Starts it again, on the same files and so on the same port.
    pub(crate) async fn again(&self) -> Result<Self, ChildError> {
        Self::start(&self.files.0, &self.files.1, self.reports_to).await
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Waits until it ends by itself, which it does only when something is wrong with it.
    pub(crate) async fn ended(&mut self) -> io::Result<std::process::ExitStatus> {
        self.child.wait().await
    }

    /// Lets it end, and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.lifeline.take());
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            tracing::warn!("the payment provider doesn't end: it is left to itself");
        }
    }
}

/// The address under which a process on this machine reaches what listens on `address`.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

/// The provider doesn't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// The process can't be started or read from.
    #[error("the payment provider can't be started: {0}")]
    Process(#[from] io::Error),
    /// It doesn't say where it listens.
    #[error("the payment provider doesn't say where it listens: its own message is above")]
    Silent,
}
