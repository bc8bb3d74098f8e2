//! The store on a PostgreSQL server.

mod bypass;
mod connect;
mod deadlock;
mod door;
mod examine;
mod join;
mod migrated;
mod options;
mod owner;
mod place;
mod read;
mod reading;
mod rights;
mod roles;
mod scram;
mod seal;
mod session;
mod statement;
mod trail;
mod tx;
mod work;
mod write;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tenantry_core::{Clock as _, Epochs, TenantId, Timestamp, Unavailable};

pub use bypass::{Bypass, BypassTx, InvalidBypass};
pub use examine::ConnectError;
pub use options::{Logins, PostgresOptions};
pub use owner::{Addresses, PostgresOwner, Sealing, SetUpError};
pub use reading::PgTenantRead;
pub use roles::{InvalidRoleName, RoleName, Roles, SameRole};
pub use seal::{InvalidSealingKey, SealingKey};
pub use tx::PgTenantTx;

use self::connect::Pool;
use self::place::Place;
use self::write::Lanes;
use crate::SystemClock;
use crate::changes::{ChangeFeed, Changes, Position, follow_changes, postgres_changes};
use crate::holder::Holders;

/// How often a process asks what others changed.
const POLLED_EVERY: Duration = Duration::from_millis(250);

/// A store on a PostgreSQL server, in which the database itself keeps tenants apart: every table lies under forced
/// row-level security, and the logins that serve can't step around it.
///
/// The application keeps its own tables beside the library's, each under `tenantry.protect`. It reads them in a
/// [`PgTenantRead`] and writes them in a [`PgTenantTx`]. Clones share the store.
///
/// The database is set up by a [`PostgresOwner`], who doesn't serve.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tenantry_core::WriteDoor;
/// use tenantry_storage::{Logins, PostgresOptions, PostgresStore};
///
/// let logins = Logins::new("postgres://shop_app@localhost/shop", "postgres://shop_writer@localhost/shop")
///     .with_admin("postgres://shop_admin@localhost/shop");
/// let store = PostgresStore::connect(&logins, PostgresOptions::default()).await?;
/// store.ping().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    inner: Arc<Inner>,
}

struct Inner {
    options: PostgresOptions,
    /// How far the server's clock is ahead of this machine's, in microseconds.
    ahead: Arc<AtomicI64>,
    epochs: Arc<Epochs>,
    home: Place,
    writes: Pool,
    admin: Option<Pool>,
    lanes: Lanes,
    holders: Holders,
}

impl PostgresStore {
    /// Connects, and looks whether the database is one that may be served from: its tables are this version's, no
    /// login is an owner, a superuser, one that row security doesn't hold, or a member of another, and the boot
    /// audit finds nothing that lets one tenant reach another.
    ///
    /// # Errors
    /// [`ConnectError`] says what is wrong and how to mend it.
    pub async fn connect(logins: &Logins, options: PostgresOptions) -> Result<Self, ConnectError> {
        let home = Place::new(logins, &options)?;
        let writes = options.lanes.saturating_add(2);
        let writes = Pool::new("writer", &logins.writer, writes, &options, false, None)?;
        let admin =
            logins.admin.as_deref().map(|address| Pool::new("admin", address, 4, &options, false, None));
        let admin = admin.transpose()?;
        let (epochs, ahead) = (Arc::new(Epochs::shared(Instant::now)), Arc::new(AtomicI64::new(0)));
        let lanes = Lanes::new((*writes).clone(), &options, Arc::clone(&epochs), clock(&options, &ahead));
        let holders = Holders::default();
        let inner = Inner { options, ahead, epochs, home, writes, admin, lanes, holders };
        inner.examine().await?;
        let inner = Arc::new(inner);
        follow_changes(&inner, POLLED_EVERY).await?;
        Ok(Self { inner })
    }

    /// Runs the boot audit again: what the catalogs say now.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn audit(&self) -> Result<crate::AuditReport, Unavailable> {
        self.inner.audit().await
    }

    /// Whether the store has the admin's login: without it the bypass and the workers' claims are refused.
    #[must_use]
    pub fn has_admin(&self) -> bool {
        self.inner.admin.is_some()
    }
}

impl ChangeFeed for Inner {
    fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    async fn changes_since(&self, position: Option<Position>) -> Result<Changes, Unavailable> {
        let changes = postgres_changes(&self.writes, position).await?;
        if let Some(clock) = changes.clock {
            let ahead = self.ahead.load(Ordering::Relaxed);
            self.ahead.store(clock.corrected(ahead), Ordering::Relaxed);
        }
        Ok(changes)
    }
}

impl Inner {
    /// Where a tenant's rows lie.
    fn place(&self, _tenant: TenantId) -> &Place {
        &self.home
    }

    fn now(&self) -> Timestamp {
        clock(&self.options, &self.ahead)()
    }

    fn admin(&self) -> Result<&Pool, Unavailable> {
        let why = "it was connected without the admin's login: give its address too";
        self.admin.as_ref().ok_or_else(|| Unavailable::new("reach more than one tenant", why))
    }
}

/// The time that is stored: the server's, or that of the clock that the options name.
fn clock(
    options: &PostgresOptions,
    ahead: &Arc<AtomicI64>,
) -> impl Fn() -> Timestamp + Send + Sync + 'static {
    let (clock, ahead) = (options.clock.clone(), Arc::clone(ahead));
    move || match &clock {
        Some(clock) => clock.now(),
        None => {
            let here = SystemClock.now().as_micros();
            Timestamp::from_micros(here.saturating_add(ahead.load(Ordering::Relaxed)))
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("has_admin", &self.has_admin()).finish_non_exhaustive()
    }
}
