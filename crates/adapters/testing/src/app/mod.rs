#[cfg(feature = "actix")]
mod actix;
#[cfg(feature = "axum")]
mod axum;

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(any(feature = "axum", feature = "actix"))]
use std::net::{Ipv4Addr, TcpListener};

/// The service under test: something that listens on a loopback socket, or will.
///
/// Every kind is walked over real sockets, so that what a framework does on the way (decoding of paths, limits,
/// error pages) is part of what is tested.
pub struct App(Kind);

enum Kind {
    Running(SocketAddr),
    #[cfg(any(feature = "axum", feature = "actix"))]
    Started(Box<dyn FnOnce(TcpListener) -> io::Result<Serving> + Send>),
}

/// Ends a server that the walk started, when it is dropped.
pub(crate) struct Serving(Option<Box<dyn FnOnce() + Send>>);

impl App {
    /// Something that listens already, in this process or in another on this machine.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self(Kind::Running(address))
    }

    #[cfg(any(feature = "axum", feature = "actix"))]
    fn started(start: impl FnOnce(TcpListener) -> io::Result<Serving> + Send + 'static) -> Self {
        Self(Kind::Started(Box::new(start)))
    }

    pub(crate) fn serve(self) -> io::Result<(SocketAddr, Serving)> {
        match self.0 {
            Kind::Running(address) => Ok((address, Serving(None))),
            #[cfg(any(feature = "axum", feature = "actix"))]
            Kind::Started(start) => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let address = listener.local_addr()?;
                Ok((address, start(listener)?))
            }
        }
    }
}

impl Serving {
    #[cfg(any(feature = "axum", feature = "actix"))]
    fn until(stop: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(stop)))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop();
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Running(address) => write!(f, "App::at({address})"),
            #[cfg(any(feature = "axum", feature = "actix"))]
            Kind::Started(_) => f.write_str("App"),
        }
    }
}
