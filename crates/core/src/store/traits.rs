use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Answer, Batch, CommitError, Fingerprint, Inbox, KeyOwner, Page, PageRequest, SealedAudit};
use super::{SealedEvent, Unavailable};
use crate::{
    AccessReader, Claim, Directory, Epochs, EscrowReader, IdentityReader, MeterKey, ReadScope, TenancyReader,
    TenantId, Timestamp, UsagePeriod,
};

/// A store: many reads and one write.
///
/// Whoever writes one runs the conformance suite (feature `conformance`) against it.
pub trait Store:
    WriteDoor
    + WorkQueue
    + Directory
    + TenancyReader
    + IdentityReader
    + AccessReader
    + UsageReader
    + EscrowReader
    + TrailReader
{
}

impl<T> Store for T where
    T: WriteDoor
        + WorkQueue
        + Directory
        + TenancyReader
        + IdentityReader
        + AccessReader
        + UsageReader
        + EscrowReader
        + TrailReader
{
}

/// The one way to write.
#[async_trait]
pub trait WriteDoor: Send + Sync {
    /// Applies the batch whole or not at all, in one transaction: checks the idempotency key, then every guard,
    /// then applies the changes in their order, the audit entries, the events and the key.
    ///
    /// Once begun it runs to its end, whether or not the caller still waits. When it is durable, and before it
    /// is answered, the store moves its [`Epochs`].
    ///
    /// # Errors
    /// [`CommitError`]; on each of them nothing was written, except that after
    /// [`CommitError::Unavailable`] nobody can say.
    async fn commit(&self, batch: Batch) -> Result<(), CommitError>;

    /// The answer that was stored under a key that hasn't expired, if the request is the same.
    ///
    /// # Errors
    /// [`CommitError::KeyMismatch`] when the key was used for another request, [`CommitError::Unavailable`].
    async fn answer(
        &self,
        owner: &KeyOwner,
        fingerprint: &Fingerprint,
    ) -> Result<Option<Answer>, CommitError>;

    /// The store's time, as well as this process knows it.
    fn now(&self) -> Timestamp;

    /// What this process knows of epochs that moved. A store that other processes write too makes it with
    /// [`Epochs::shared`] and polls them, at most a second apart.
    fn epochs(&self) -> &Epochs;

    /// Whether the store answers: a read that touches nothing.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn ping(&self) -> Result<(), Unavailable>;
}

/// Pending work, and who does it.
#[async_trait]
pub trait WorkQueue: Send + Sync {
    /// Claims up to `limit` pieces of work that are due and that nobody has claimed, or whose claim has run
    /// out, for `lease`; the longest due first. Each claim of the same work has a higher fence.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn claim(&self, limit: u16, lease: Duration) -> Result<Vec<Claim>, Unavailable>;

    /// Gives a claim back undone, to be claimed again after `pause`. Nothing happens when the claim has passed
    /// to somebody else.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn postpone(&self, claim: &Claim, pause: Duration) -> Result<(), Unavailable>;

    /// When the next work becomes due, if any is waiting.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn next_due(&self) -> Result<Option<Timestamp>, Unavailable>;

    /// A report that was stored for the scope's tenant.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn inbox(&self, scope: ReadScope, id: Uuid) -> Result<Option<Inbox>, Unavailable>;
}

/// What was used.
#[async_trait]
pub trait UsageReader: Send + Sync {
    /// How much of each meter the scope's tenant has used in the period named with it; 0 where nothing was.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn used(
        &self,
        scope: ReadScope,
        meters: &[(MeterKey, UsagePeriod)],
    ) -> Result<Vec<i64>, Unavailable>;
}

/// The audit trail and the outbox.
#[async_trait]
pub trait TrailReader: Send + Sync {
    /// Seals up to `limit` committed rows of each kind of one tenant: numbers, and for audit the hash chain.
    /// Safe to run at once from anywhere. Returns how many rows it sealed.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn seal(&self, tenant: TenantId, limit: u16) -> Result<usize, Unavailable>;

    /// Up to `limit` tenants that have rows to be sealed.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn unsealed(&self, limit: u16) -> Result<Vec<TenantId>, Unavailable>;

    /// The sealed audit entries of the scope's tenant, the newest first.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn audit(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<SealedAudit>, Unavailable>;

    /// The sealed events of the scope's tenant with a number above `after`, in their order.
    ///
    /// # Errors
    /// [`Unavailable`].
    async fn events(&self, scope: ReadScope, after: u64, limit: u16)
    -> Result<Vec<SealedEvent>, Unavailable>;
}

/// Where a store that has no server takes its time from.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// A clock that stands until it is set: for tests.
///
/// ```
/// use std::time::Duration;
/// use tenantry_core::{Clock, ManualClock, Timestamp};
///
/// let clock = ManualClock::at(Timestamp::EPOCH);
/// clock.advance(Duration::from_secs(1));
/// assert_eq!(clock.now(), Timestamp::from_micros(1_000_000));
/// ```
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now) }
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.after(by);
    }

    /// Sets the clock: also back, as a machine's may be.
    pub fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
