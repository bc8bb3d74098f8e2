//! A proxy on loopback that reads along: it counts round trips, and cuts connections where it is told to.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the proxy saw, and what it is to do.
#[derive(Default)]
pub(crate) struct Wire {
    /// How often the server was ready for the next command of a connection that commits: once for each round trip.
    /// Others poll.
    trips: AtomicU64,
    /// How often it was sent a `COMMIT`.
    commits: AtomicU64,
    cut: Mutex<Option<Cut>>,
    is_down: AtomicBool,
}

/// Where a connection is cut, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server never gets the next `COMMIT`.
    BeforeCommit,
    /// The server gets it, and its answer gets lost.
    AfterCommit,
    /// The same, and nobody gets through any more.
    AfterCommitForGood,
}

impl Wire {
    /// The same address, by way of a proxy.
    pub(crate) fn tap(self: &Arc<Self>, address: &str) -> String {
        let (before, rest) = address.split_once('@').unwrap();
        let end = rest.find(['/', '?']).unwrap();
        let (server, database) = rest.split_at(end);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let listener = TcpListener::from_std(listener).unwrap();
        let (wire, server) = (Arc::clone(self), server.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if wire.is_down.load(Ordering::SeqCst) {
                    continue;
                }
                let server = TcpStream::connect(&server).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                tokio::spawn(Arc::clone(&wire).carry(client, server));
            }
        });
        format!("{before}@127.0.0.1:{port}{database}")
    }

    pub(crate) fn trips(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    pub(crate) fn cut(&self, cut: Cut) {
        *self.cut.lock().unwrap() = Some(cut);
    }

    /// Whether it was cut as it was told to.
    pub(crate) fn was_cut(&self) -> bool {
        self.cut.lock().unwrap().is_none()
    }

    async fn carry(self: Arc<Self>, client: TcpStream, server: TcpStream) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let (is_deaf, commits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (there, deaf, begins) = (Arc::clone(&self), Arc::clone(&is_deaf), Arc::clone(&commits));
        let asking = tokio::spawn(async move {
            let mut bytes = vec![0; 1 << 16];
            loop {
                let Ok(read @ 1..) = from_client.read(&mut bytes).await else { return };
                if there.is_down.load(Ordering::SeqCst) {
                    return;
                }
                if bytes[..read].windows(6).any(|six| six == b"BEGIN ") {
                    begins.store(true, Ordering::SeqCst);
                }
                if bytes[..read].windows(7).any(|seven| seven == b"COMMIT\0") {
                    there.commits.fetch_add(1, Ordering::SeqCst);
                    match there.cut.lock().unwrap().take() {
                        Some(Cut::BeforeCommit) => return,
                        Some(Cut::AfterCommit) => deaf.store(true, Ordering::SeqCst),
                        Some(Cut::AfterCommitForGood) => {
                            deaf.store(true, Ordering::SeqCst);
                            there.is_down.store(true, Ordering::SeqCst);
                        }
                        None => {}
                    }
                }
                if to_server.write_all(&bytes[..read]).await.is_err() {
                    return;
                }
            }
        });
        let (there, deaf) = (Arc::clone(&self), is_deaf);
        let answering = tokio::spawn(async move {
            let (mut bytes, mut pending) = (vec![0; 1 << 16], Vec::new());
            loop {
                let Ok(read @ 1..) = from_server.read(&mut bytes).await else { return };
                if deaf.load(Ordering::SeqCst) {
                    return;
                }
                pending.extend_from_slice(&bytes[..read]);
                while let Some((kind, length)) = message(&pending) {
                    pending.drain(..length);
                    if kind == b'Z' && commits.load(Ordering::SeqCst) {
                        there.trips.fetch_add(1, Ordering::SeqCst);
                    }
                }
                if to_client.write_all(&bytes[..read]).await.is_err() {
                    return;
                }
            }
        });
        let (stop_asking, stop_answering) = (asking.abort_handle(), answering.abort_handle());
        tokio::select! { _ = asking => {}, _ = answering => {} }
        stop_asking.abort();
        stop_answering.abort();
    }
}

/// The kind of the first message, and its length, if all of it is there.
fn message(bytes: &[u8]) -> Option<(u8, usize)> {
    let length = u32::from_be_bytes(bytes.get(1..5)?.try_into().unwrap());
    let length = usize::try_from(length).unwrap() + 1;
    (bytes.len() >= length).then_some((bytes[0], length))
}
