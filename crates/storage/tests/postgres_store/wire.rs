//! A line between a store and its server, on which each message of the protocol can be held back, changed or cut.

use std::net::SocketAddr;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of the message that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It and all after it wait until the line is [released](Wire::release).
    Held,
    /// Its connection is cut before it passes.
    Cut,
    /// Its connection is cut once it has passed, and before anything is answered.
    CutBehind,
}

pub(crate) struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

struct Shared {
    server: (String, u16),
    plan: Mutex<Plan>,
    /// Whether messages pass; whether the awaited one has come.
    is_held: watch::Sender<bool>,
    has_come: watch::Sender<bool>,
    is_cut: watch::Sender<u64>,
    /// How many connections there were.
    opened: AtomicUsize,
    /// How many of them are closed again.
    closed: watch::Sender<usize>,
}

#[derive(Default)]
struct Plan {
    awaited: Option<Awaited>,
    /// How many messages were counted since something is awaited.
    passed: usize,
    replaced: Option<(&'static [u8], &'static [u8])>,
    /// A message that holds these bytes meets its fate.
    marked: Option<(&'static [u8], Fate)>,
    /// What is held is so until its connection is cut.
    is_cutting: bool,
}

/// The message that meets its fate, by its number.
#[derive(Clone, Copy)]
struct Awaited {
    counted: Counted,
    /// How many pass before it.
    passing: usize,
    fate: Fate,
}

/// Which messages have a number.
#[derive(Clone, Copy)]
enum Counted {
    Every,
    /// From the one that holds these bytes, those of its connection.
    From(&'static [u8]),
    Of(Connection),
}

/// One of a wire's connections, by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Connection(usize);

impl Wire {
    /// A line to the server of an address.
    pub(crate) async fn to(address: &str) -> Self {
        let server = PgConnectOptions::from_str(address).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: (server.get_host().to_owned(), server.get_port()),
            plan: Mutex::default(),
            is_held: watch::Sender::new(false),
            has_come: watch::Sender::new(false),
            is_cut: watch::Sender::new(0),
            opened: AtomicUsize::new(0),
            closed: watch::Sender::new(0),
        });
        let listening = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(Arc::clone(&shared).connect(client));
                }
            }
        });
        Self { address, shared, listening }
    }

    /// The same address by way of this line.
    pub(crate) fn by(&self, address: &str) -> String {
        let options = PgConnectOptions::from_str(address).unwrap();
        let options = options.host("127.0.0.1").port(self.address.port()).ssl_mode(PgSslMode::Disable);
        options.to_url_lossy().to_string()
    }

    /// The message after `passing` others, from now on, meets its fate.
    pub(crate) fn after(&self, passing: usize, fate: Fate) {
        self.wait_for(Awaited { counted: Counted::Every, passing, fate });
    }

    /// The same, counted from the message that holds `bytes` and on its connection alone: whatever else is said on
    /// this line meanwhile, by a poll or by a connection that is being made, has no number.
    pub(crate) fn after_from(&self, bytes: &'static [u8], passing: usize, fate: Fate) {
        self.wait_for(Awaited { counted: Counted::From(bytes), passing, fate });
    }

    fn wait_for(&self, awaited: Awaited) {
        self.shared.has_come.send_replace(false);
        let mut plan = self.shared.plan.lock().unwrap();
        plan.awaited = Some(awaited);
        plan.passed = 0;
    }

    /// The next message that holds `bytes` meets its fate.
    pub(crate) fn at(&self, bytes: &'static [u8], fate: Fate) {
        self.shared.has_come.send_replace(false);
        self.shared.plan.lock().unwrap().marked = Some((bytes, fate));
    }

    /// Puts other bytes of the same length into the next message that holds these.
    pub(crate) fn replace(&self, bytes: &'static [u8], with: &'static [u8]) {
        assert_eq!(bytes.len(), with.len());
        self.shared.plan.lock().unwrap().replaced = Some((bytes, with));
    }

    /// Whether the replacement was made.
    pub(crate) fn has_replaced(&self) -> bool {
        self.shared.plan.lock().unwrap().replaced.is_none()
    }

    /// Waits until the awaited message has come.
    pub(crate) async fn has_come(&self) {
        self.shared.has_come.subscribe().wait_for(|has_come| *has_come).await.unwrap();
    }

    /// Nothing is awaited any more, and what was held passes. How many messages came since something was awaited.
    pub(crate) fn release(&self) -> usize {
        let mut plan = self.shared.plan.lock().unwrap();
        plan.awaited = None;
        plan.marked = None;
        self.shared.is_held.send_replace(false);
        plan.passed
    }

    /// Has every connection cut that there is, soon.
    pub(crate) fn cut(&self) {
        self.shared.is_cut.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts every connection there is, and waits until both ends are closed.
    pub(crate) async fn cut_through(&self) {
        let opened = self.shared.opened.load(Ordering::SeqCst);
        self.cut();
        let mut closed = self.shared.closed.subscribe();
        let closed =
            tokio::time::timeout(Duration::from_secs(10), closed.wait_for(|closed| *closed >= opened));
        drop(closed.await.expect("a line isn't cut").unwrap());
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

impl Shared {
    async fn connect(self: Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(&self.server).await else { return };
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let mut cut = self.is_cut.subscribe();
        let connection = Connection(self.opened.fetch_add(1, Ordering::SeqCst));
        tokio::select! {
            () = self.forward(connection, from_client, to_server, true) => {}
            () = self.forward(connection, from_server, to_client, false) => {}
            _ = cut.changed() => {}
        }
        self.closed.send_modify(|closed| *closed += 1);
        drop(cut);
        let was_cutting = std::mem::take(&mut self.plan.lock().unwrap().is_cutting);
        if was_cutting {
            self.is_held.send_replace(false);
        }
    }

    async fn forward(
        &self,
        connection: Connection,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        mut is_first: bool,
    ) {
        while let Ok(mut message) = read(&mut from, is_first).await {
            is_first = false;
            let fate = self.fate_of(connection, &mut message);
            if fate == Some(Fate::Held) {
                self.is_held.send_replace(true);
            }
            if fate.is_some() {
                self.has_come.send_replace(true);
            }
            if fate == Some(Fate::Cut) {
                return;
            }
            if fate == Some(Fate::CutBehind) {
                self.plan.lock().unwrap().is_cutting = true;
                self.is_held.send_replace(true);
            } else {
                drop(self.is_held.subscribe().wait_for(|is_held| !is_held).await);
            }
            if to.write_all(&message).await.is_err() {
                return;
            }
            if fate == Some(Fate::CutBehind) {
                drop(to.flush().await);
                tokio::time::sleep(Duration::from_millis(50)).await;
                return;
            }
        }
    }

    fn fate_of(&self, connection: Connection, message: &mut [u8]) -> Option<Fate> {
        let mut plan = self.plan.lock().unwrap();
        if let Some((bytes, with)) = plan.replaced
            && let Some(at) = position(message, bytes)
        {
            message[at..at + with.len()].copy_from_slice(with);
            plan.replaced = None;
        }
        if let Some((bytes, fate)) = plan.marked
            && position(message, bytes).is_some()
        {
            plan.marked = None;
            return Some(fate);
        }
        let awaited = plan.awaited.as_mut()?;
        match awaited.counted {
            Counted::Every => {}
            Counted::From(bytes) => {
                position(message, bytes)?;
                awaited.counted = Counted::Of(connection);
            }
            Counted::Of(counted) if counted == connection => {}
            Counted::Of(_) => return None,
        }
        let Awaited { passing, fate, .. } = *awaited;
        plan.passed += 1;
        (plan.passed == passing + 1).then_some(fate)
    }
}

fn position(message: &[u8], bytes: &[u8]) -> Option<usize> {
    message.windows(bytes.len()).position(|window| window == bytes)
}

/// One message: its type, except of a client's first one, its length and the rest.
async fn read(from: &mut OwnedReadHalf, is_first: bool) -> std::io::Result<Vec<u8>> {
    let header = if is_first { 4 } else { 5 };
    let mut message = vec![0; header];
    from.read_exact(&mut message).await?;
    let length: [u8; 4] = message[header - 4..].try_into().unwrap();
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
    message.resize(header + length.saturating_sub(4), 0);
    from.read_exact(&mut message[header..]).await?;
    Ok(message)
}
