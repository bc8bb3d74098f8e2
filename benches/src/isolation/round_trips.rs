//! Round trips, counted on the wire by a proxy on loopback: each time that the server speaks after the client has sent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::Fault;

/// Passes everything on to a server, and counts.
pub(crate) struct Proxy {
    here: SocketAddr,
    trips: Arc<AtomicU64>,
}

impl Proxy {
    /// In front of the server that an address names. It lives as long as the process.
    pub(crate) fn before(address: &str) -> Result<Self, Fault> {
        let options = PgConnectOptions::from_str(address)?;
        let server = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let here = listener.local_addr()?;
        let trips = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&trips);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((server.0.as_str(), server.1)) else { continue };
                join(client, server, &counted);
            }
        });
        Ok(Self { here, trips })
    }

    /// The same address, by way of the proxy.
    pub(crate) fn through(&self, address: &str) -> Result<String, Fault> {
        let options = PgConnectOptions::from_str(address)?;
        let options = options.host(&self.here.ip().to_string()).port(self.here.port());
        Ok(options.to_url_lossy().to_string())
    }

    /// Round trips so far.
    pub(crate) fn trips(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }
}

fn join(client: TcpStream, server: TcpStream, trips: &Arc<AtomicU64>) {
    let has_spoken = Arc::new(AtomicBool::new(true));
    let (Ok(from_client), Ok(to_client)) = (client.try_clone(), Ok::<_, std::io::Error>(client)) else {
        return;
    };
    let (Ok(from_server), Ok(to_server)) = (server.try_clone(), Ok::<_, std::io::Error>(server)) else {
        return;
    };
    let (trips, spoke) = (Arc::clone(trips), Arc::clone(&has_spoken));
    std::thread::spawn(move || {
        pass(from_client, to_server, || spoke.store(false, Ordering::SeqCst));
    });
    std::thread::spawn(move || {
        pass(from_server, to_client, || {
            if !has_spoken.swap(true, Ordering::SeqCst) {
                trips.fetch_add(1, Ordering::SeqCst);
            }
        });
    });
}

fn pass(mut from: TcpStream, mut to: TcpStream, before_each: impl Fn()) {
    let mut buffer = vec![0; 64 * 1024];
    let set = to.set_nodelay(true);
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        before_each();
        let bytes = buffer.get(..read).unwrap_or_default();
        if set.is_err() || to.write_all(bytes).is_err() {
            break;
        }
    }
    drop((to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both)));
}
