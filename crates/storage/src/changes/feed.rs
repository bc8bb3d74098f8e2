use std::future::Future;
use std::time::Duration;

use tenantry_core::{Epochs, TenantId, Timestamp, Unavailable};

/// A store whose database other processes write too: it can say which tenants' epochs moved since it was last
/// asked. [`follow_changes`](super::follow_changes) asks it.
///
/// # The table of changes
/// Every transaction that moves an epoch writes, after it has locked the tenant's row, a row with the tenant and a
/// place of its own into `tenantry_changes`, and deletes that tenant's older ones. So the table has one row for each
/// tenant that ever changed, the latest; it needs no tidying up, and no position in it is ever too old: whoever
/// comes back after an hour misses nothing, since a row only goes when a later one of the same tenant comes in the
/// same transaction.
pub trait ChangeFeed: Send + Sync + 'static {
    /// The epochs that hear of the changes: [`Epochs::shared`] with `Instant::now`.
    fn epochs(&self) -> &Epochs;

    /// Everything that was committed since `position`, in one statement. What was committed before the call must
    /// not be missing; what was reported before may be there again, under the same
    /// [`place`](MovedTenant::place). Without a position: only where to go on from.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn changes_since(
        &self,
        position: Option<Position>,
    ) -> impl Future<Output = Result<Changes, Unavailable>> + Send;
}

/// Where a poll goes on from. What the number counts is the database's: places on SQLite, transactions on
/// PostgreSQL. In one database it never falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// The position with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What a poll answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Whose epochs moved.
    pub moved: Moved,
    /// Where the next poll goes on from.
    pub next: Position,
    /// How far the database's clock is from this process's; `None` where they are the same clock.
    pub clock: Option<ClockOffset>,
}

/// Whose epochs moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Those of these tenants and of no other.
    Tenants(Vec<MovedTenant>),
    /// Those of more tenants than [`Changes::MOST`]: take it that all have.
    All,
}

/// A change of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MovedTenant {
    /// The tenant.
    pub tenant: TenantId,
    /// The row that says so: another change has another place.
    pub place: u64,
}

impl Changes {
    /// The most tenants that a poll names one by one.
    pub const MOST: usize = 10_000;
}

/// How far the database's clock is ahead of this process's, measured by one question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffset {
    /// Microseconds to add to this process's time to have the database's; below zero where this process's is ahead.
    pub micros: i64,
    /// How far off that may be: half of the time that the answer took.
    pub give_or_take: Duration,
}

impl ClockOffset {
    /// How far a process's clock may be off before the process should say that it isn't ready.
    pub const TOLERATED: Duration = Duration::from_secs(2);

    /// The offset of a clock that showed `theirs` at some instant while this process's went from `asked` to
    /// `answered`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tenantry_core::Timestamp;
    /// use tenantry_storage::ClockOffset;
    ///
    /// let at = Timestamp::from_micros;
    /// let offset = ClockOffset::between(at(1_000), at(1_200), at(5_100));
    /// assert_eq!(offset, ClockOffset { micros: 4_000, give_or_take: Duration::from_micros(100) });
    /// assert_eq!(offset.theirs(at(2_000)), at(6_000));
    /// assert!(!offset.exceeds(Duration::from_micros(3_900)) && offset.exceeds(Duration::from_micros(3_899)));
    /// ```
    #[must_use]
    pub fn between(asked: Timestamp, answered: Timestamp, theirs: Timestamp) -> Self {
        let give_or_take = answered.since(asked) / 2;
        let middle = asked.after(give_or_take);
        Self { micros: theirs.as_micros().saturating_sub(middle.as_micros()), give_or_take }
    }

    /// The database's time when this process's is `ours`.
    #[must_use]
    pub fn theirs(&self, ours: Timestamp) -> Timestamp {
        Timestamp::from_micros(ours.as_micros().saturating_add(self.micros))
    }

    /// The offset to go on with, in microseconds, for whoever went by `offset` so far: the nearest to it that this
    /// measurement leaves possible.
    ///
    /// So an offset that still may be true stays as it is. Each measurement is a little off; whoever took each for
    /// the truth would see time go back and forth by as much, several times a second.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tenantry_storage::ClockOffset;
    ///
    /// let measured = ClockOffset { micros: 4_000, give_or_take: Duration::from_micros(100) };
    /// assert_eq!(measured.corrected(3_950), 3_950);
    /// assert_eq!(measured.corrected(0), 3_900);
    /// assert_eq!(measured.corrected(5_000), 4_100);
    /// ```
    #[must_use]
    pub fn corrected(&self, offset: i64) -> i64 {
        let off = i64::try_from(self.give_or_take.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX);
        offset.clamp(self.micros.saturating_sub(off), self.micros.saturating_add(off))
    }

    /// Whether the clocks are certainly more than `limit` apart.
    #[must_use]
    pub fn exceeds(&self, limit: Duration) -> bool {
        Duration::from_micros(self.micros.unsigned_abs()).saturating_sub(self.give_or_take) > limit
    }
}
