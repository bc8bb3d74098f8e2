//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use reqwest::Url;

/// What the process is told when it starts.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "marketplace-provider",
    version,
    about = "A payment provider to run the marketplace against"
)]
pub struct Args {
    /// Loopback address to listen on. Port 0 is the port kept in the state, or at the first start one of
    /// the system's choosing
    #[arg(long, default_value = "127.0.0.1:0", value_parser = loopback_address)]
    pub listen: SocketAddr,

    /// SQLite file that holds everything the provider knows; made when it is absent
    #[arg(long, default_value = "marketplace.provider.db")]
    pub state: PathBuf,

    /// Where events are sent: plain http, on loopback
    #[arg(long)]
    pub webhook_url: WebhookUrl,

    /// File with the shared secret: at least 32 bytes, in hex
    #[arg(long)]
    pub secret_file: PathBuf,

    /// Failed attempts in a row after which an event is a dead letter
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_attempts: u32,

    /// End when standard input does: whoever started this process holds the other end of the pipe
    #[arg(long)]
    pub child: bool,
}

fn loopback_address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "give an address and a port, as 127.0.0.1:0".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("anybody can pay here, so it listens on loopback only: use 127.0.0.1 or [::1]".to_owned())
    }
}

/// The one address that events are sent to: plain `http`, a loopback address, `localhost` or a name
/// under it.
///
/// ```
/// use marketplace_provider::WebhookUrl;
///
/// assert!("http://127.0.0.1:3000/api/payments/events".parse::<WebhookUrl>().is_ok());
/// assert!("http://shop.localhost:3000/events".parse::<WebhookUrl>().is_ok());
/// assert!("http://example.com/events".parse::<WebhookUrl>().is_err());
/// assert!("https://127.0.0.1/events".parse::<WebhookUrl>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// Why a text is no [`WebhookUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookUrlError {
    /// It is no URL.
    #[error("not a URL: write it as http://127.0.0.1:3000/api/payments/events")]
    Malformed,
    /// Its scheme is not `http`.
    #[error("events are sent over plain http, on loopback: the URL begins with http://")]
    Scheme,
    /// Its host is another machine, or may be.
    #[error("events are sent to loopback only: the host is 127.0.0.1, [::1], localhost or a name under it")]
    Host,
}

impl WebhookUrl {
    /// The URL, for a request.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The host when it is a name: it stands for loopback and is never looked up.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.host_str().filter(|host| is_local_name(host))
    }
}

impl FromStr for WebhookUrl {
    type Err = WebhookUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| WebhookUrlError::Malformed)?;
        if url.scheme() != "http" {
            return Err(WebhookUrlError::Scheme);
        }
        let host = url.host_str().ok_or(WebhookUrlError::Host)?;
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if is_local_name(host) || address.is_ok_and(|address| address.is_loopback()) {
            Ok(Self(url))
        } else {
            Err(WebhookUrlError::Host)
        }
    }
}

fn is_local_name(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_sent_to() {
        for good in ["http://127.0.0.1:1/", "http://[::1]:1/x", "http://127.9.9.9/", "http://LOCALHOST:1/"] {
            assert!(good.parse::<WebhookUrl>().is_ok(), "{good}");
        }
        for bad in
            ["http://10.0.0.1/", "http://localhost.example.com/", "http://0.0.0.0/", "http://xlocalhost/"]
        {
            assert_eq!(bad.parse::<WebhookUrl>(), Err(WebhookUrlError::Host), "{bad}");
        }
        assert_eq!("file:///etc/passwd".parse::<WebhookUrl>(), Err(WebhookUrlError::Scheme));
        assert_eq!("events".parse::<WebhookUrl>(), Err(WebhookUrlError::Malformed));
    }

    #[test]
    fn only_loopback_is_listened_on() {
        assert!(loopback_address("127.0.0.1:0").is_ok());
        assert!(loopback_address("[::1]:8080").is_ok());
        assert!(loopback_address("0.0.0.0:0").is_err());
        assert!(loopback_address("localhost").is_err());
    }
}
