use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tenantry_core::Clock;

use super::SealingKey;

/// The addresses that a service reaches its database by: one for each login, as `postgres://USER:PASSWORD@HOST/NAME`.
///
/// ```
/// use tenantry_storage::Logins;
///
/// let logins = Logins::new("postgres://shop_app@localhost/shop", "postgres://shop_writer@localhost/shop")
///     .with_admin("postgres://shop_admin@localhost/shop");
/// # drop(logins);
/// ```
#[derive(Clone)]
pub struct Logins {
    pub(super) app: String,
    pub(super) writer: String,
    pub(super) admin: Option<String>,
    pub(super) key: Option<SealingKey>,
}

impl Logins {
    /// The login that serves requests, and the one that is the write door.
    pub fn new(app: impl Into<String>, writer: impl Into<String>) -> Self {
        Self { app: app.into(), writer: writer.into(), admin: None, key: None }
    }

    /// And the one for the bypass and the workers. Without it both answer
    /// [`Unavailable`](tenantry_core::Unavailable).
    #[must_use]
    pub fn with_admin(mut self, admin: impl Into<String>) -> Self {
        self.admin = Some(admin.into());
        self
    }

    /// And the key of a database in sealed mode.
    #[must_use]
    pub fn with_sealing_key(mut self, key: SealingKey) -> Self {
        self.key = Some(key);
        self
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins")
            .field("has_admin", &self.admin.is_some())
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}

/// How a [`PostgresStore`](super::PostgresStore) is connected.
///
/// ```
/// use std::time::Duration;
/// use tenantry_storage::PostgresOptions;
///
/// let options = PostgresOptions::default().with_connections(32).with_wait(Duration::from_secs(2));
/// # drop(options);
/// ```
#[derive(Clone)]
#[must_use]
pub struct PostgresOptions {
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) connections: u32,
    pub(super) reads: u32,
    pub(super) lanes: u32,
    pub(super) wait: Duration,
    pub(super) is_pooled: bool,
    pub(super) definers: Vec<String>,
}

impl PostgresOptions {
    /// Takes the time from `clock` in place of the server's.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Lends the application at most this many connections at once: 16 if nobody says. 0 counts as 1.
    pub fn with_connections(mut self, connections: u32) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Reads the library's own tables over at most this many connections at once: 8 if nobody says. They are never
    /// lent, so that nothing that the application's statements leave in a session reaches them. 0 counts as 1.
    pub fn with_reads(mut self, reads: u32) -> Self {
        self.reads = reads.max(1);
        self
    }

    /// Commits over at most this many connections at once: 4 if nobody says. Batches that wait share a transaction.
    /// 0 counts as 1.
    pub fn with_lanes(mut self, lanes: u32) -> Self {
        self.lanes = lanes.max(1);
        self
    }

    /// Waits at most this long for a connection, and as long again for a lock: 5 seconds if nobody says.
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The addresses lead to a pooler in transaction mode, such as PgBouncer: nothing is kept in a session, prepared
    /// statements neither.
    pub fn behind_transaction_pooler(mut self) -> Self {
        self.is_pooled = true;
        self
    }
}

impl PostgresOptions {
    /// Tells the boot audit of a definer function of the application's own that was read for what it lets through
    /// (`schema.function`, owned by the door's role).
    pub fn with_definer(mut self, function: impl Into<String>) -> Self {
        self.definers.push(function.into());
        self
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        let wait = Duration::from_secs(5);
        Self { clock: None, connections: 16, reads: 8, lanes: 4, wait, is_pooled: false, definers: vec![] }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("connections", &self.connections)
            .field("reads", &self.reads)
            .field("lanes", &self.lanes)
            .field("wait", &self.wait)
            .field("is_pooled", &self.is_pooled)
            .finish_non_exhaustive()
    }
}
