use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{TenantId, Unavailable};

/// How often what may be cached of a tenant has changed: its status, plan, domains, members, roles, keys or
/// placement. Ordinary writes don't move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u64);

impl Epoch {
    /// A new tenant's.
    pub const FIRST: Self = Self(1);

    /// The epoch that a store holds as a number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number, for storing it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What this process knows of epochs that moved: each store has one, and moves it as soon as a commit that
/// moved an epoch is durable, before the commit is answered.
///
/// A cache takes a [`Stamp`] *before* it reads the facts that it will keep, and asks on each hit whether the
/// stamp is still current: a change during the read makes it stale, so a fill that began before a change is
/// never served.
///
/// ```
/// use tenantry_core::{Epochs, TenantId};
///
/// let (epochs, tenant) = (Epochs::default(), TenantId::generate());
/// let stamp = epochs.stamp(tenant);
/// assert!(stamp.is_current());
/// epochs.moved(tenant);
/// assert!(!stamp.is_current());
/// ```
///
/// The default is for a store that only this process writes. One that other processes write too has to ask for
/// their changes again and again, and is made with [`Epochs::shared`].
///
/// Memory: one entry for each tenant that a live stamp is about; dead ones are dropped as the table grows.
#[derive(Debug, Default)]
pub struct Epochs {
    cells: Mutex<Cells>,
    hearing: Option<Arc<Hearing>>,
}

#[derive(Debug, Default)]
struct Cells {
    of_tenant: HashMap<TenantId, Weak<Cell>>,
    prune_at: usize,
}

/// What all stamps about one tenant look at.
#[derive(Debug)]
struct Cell {
    moves: AtomicU64,
    /// Reached through the cell, so that a clone of a stamp touches nothing that other tenants' stamps touch.
    hearing: Option<Arc<Hearing>>,
}

impl Cell {
    fn moved(&self) {
        self.moves.fetch_add(1, Ordering::Release);
    }
}

impl Epochs {
    /// How long after a poll began its answer is trusted. A process that couldn't poll for so long serves nothing
    /// from memory.
    pub const STALE_AFTER: Duration = Duration::from_secs(5);

    /// For a store that other processes write too. It is [`Freshness::Stale`] until its first
    /// [`polled`](Self::polled).
    ///
    /// `clock` is a clock that never goes back, such as `Instant::now`. It is read at each hit: a process that
    /// was stopped for a minute knows so as soon as it goes on, before any task of it has run. (On some systems
    /// such clocks stand still while the whole machine sleeps; a process that wakes with its machine may serve
    /// from memory until its next poll.)
    ///
    /// ```
    /// use std::time::Instant;
    /// use tenantry_core::{Epochs, Freshness, TenantId};
    ///
    /// let (epochs, tenant) = (Epochs::shared(Instant::now), TenantId::generate());
    /// assert!(!epochs.stamp(tenant).is_current());
    ///
    /// let began = Instant::now();
    /// // Here the store asks its database for the changes of others, and says `moved` of each of them.
    /// epochs.polled(began);
    /// assert_eq!(epochs.freshness(), Freshness::Fresh);
    /// assert!(epochs.stamp(tenant).is_current());
    /// ```
    #[must_use]
    pub fn shared(clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        let hearing = Hearing { base: clock(), fresh_until: AtomicU64::new(0), clock: Box::new(clock) };
        Self { cells: Mutex::default(), hearing: Some(Arc::new(hearing)) }
    }

    /// A mark of now, for facts about `tenant` that are read after this call.
    #[must_use]
    pub fn stamp(&self, tenant: TenantId) -> Stamp {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cells.of_tenant.get(&tenant).and_then(Weak::upgrade);
        let cell = known.unwrap_or_else(|| {
            if cells.of_tenant.len() >= cells.prune_at {
                cells.of_tenant.retain(|_, cell| cell.strong_count() > 0);
                cells.prune_at = (cells.of_tenant.len() * 2).max(64);
            }
            let cell = Arc::new(Cell { moves: AtomicU64::new(0), hearing: self.hearing.clone() });
            cells.of_tenant.insert(tenant, Arc::downgrade(&cell));
            cell
        });
        let seen = cell.moves.load(Ordering::Acquire);
        Stamp { cell, seen }
    }

    /// Makes every stamp about `tenant` stale. A store calls it after each commit that moved its epoch, and for
    /// each change of another process that it hears of.
    pub fn moved(&self, tenant: TenantId) {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.of_tenant.get(&tenant).and_then(Weak::upgrade) {
            cell.moved();
        }
    }

    /// Makes every stamp that there is stale: the store can't say which tenants have changed.
    pub fn moved_all(&self) {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        for cell in cells.of_tenant.values().filter_map(Weak::upgrade) {
            cell.moved();
        }
    }

    /// Says that [`moved`](Self::moved) was called for everything that was committed anywhere before `began`, the
    /// instant at which the poll was *about to be sent*: what was committed while it was under way it may have
    /// missed. Nothing happens on a store that isn't [`shared`](Self::shared).
    pub fn polled(&self, began: Instant) {
        if let Some(hearing) = &self.hearing {
            hearing.heard(began);
        }
    }

    /// Whether this process knows what others changed.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        self.hearing.as_ref().map_or(Freshness::Fresh, |hearing| hearing.freshness())
    }

    /// Whether this process may answer at all, as whoever guards requests asks: while it is
    /// [`Freshness::Stale`] a request is neither admitted nor refused but answered 503, also where the facts were
    /// read just now, since they would be out of date unnoticed as soon as they had been read.
    ///
    /// # Errors
    /// [`Unavailable`] while it is stale.
    pub fn check_fresh(&self) -> Result<(), Unavailable> {
        match self.freshness() {
            Freshness::Fresh => Ok(()),
            Freshness::Stale => Err(Unavailable::bare("tell this process in time what others changed")),
        }
    }
}

/// Whether a process knows what others changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// It has polled within [`Epochs::STALE_AFTER`], or nobody else writes the store.
    Fresh,
    /// It hasn't: whatever it remembers may have changed.
    Stale,
}

/// A mark that goes stale when a tenant's epoch moves. Asking costs one atomic load; on a shared store another
/// one, and a look at the clock.
#[derive(Debug, Clone)]
pub struct Stamp {
    cell: Arc<Cell>,
    seen: u64,
}

impl Stamp {
    /// Whether the tenant's epoch is still the one at which the mark was made. While the process is
    /// [`Freshness::Stale`] nobody knows, and the answer is no: read again, or, where that is no help, answer
    /// that the service is unavailable ([`Epochs::check_fresh`]). With the next poll a stamp whose tenant hasn't
    /// changed may be current again.
    #[must_use]
    pub fn is_current(&self) -> bool {
        // Freshness is looked at before the cell: a poll moves cells before it makes the process fresh again.
        let is_fresh =
            self.cell.hearing.as_ref().is_none_or(|hearing| hearing.freshness() == Freshness::Fresh);
        is_fresh && self.is_unmoved()
    }

    /// The same where freshness was looked at just before.
    pub(crate) fn is_unmoved(&self) -> bool {
        self.cell.moves.load(Ordering::Acquire) == self.seen
    }
}

/// Until when the last poll is trusted.
struct Hearing {
    base: Instant,
    /// In milliseconds after `base`; 0 before the first poll.
    fresh_until: AtomicU64,
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
}

impl Hearing {
    fn heard(&self, began: Instant) {
        let until = began.saturating_duration_since(self.base) + Epochs::STALE_AFTER;
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.fresh_until.fetch_max(until, Ordering::Release);
    }

    fn freshness(&self) -> Freshness {
        let until = Duration::from_millis(self.fresh_until.load(Ordering::Acquire));
        if (self.clock)().saturating_duration_since(self.base) < until {
            Freshness::Fresh
        } else {
            Freshness::Stale
        }
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hearing").field("freshness", &self.freshness()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that stands until it is moved on.
    #[derive(Clone)]
    struct Standing(Arc<Mutex<Instant>>);

    impl Standing {
        fn new() -> Self {
            Self(Arc::new(Mutex::new(Instant::now())))
        }

        fn now(&self) -> Instant {
            *self.0.lock().unwrap()
        }

        fn advance(&self, by: Duration) {
            *self.0.lock().unwrap() += by;
        }

        /// Epochs that were polled just now.
        fn epochs(&self) -> Epochs {
            let clock = self.clone();
            let epochs = Epochs::shared(move || clock.now());
            epochs.polled(self.now());
            epochs
        }
    }

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn dead_stamps_do_not_pile_up() {
        let epochs = Epochs::default();
        for _ in 0..10_000 {
            drop(epochs.stamp(TenantId::generate()));
        }
        assert!(epochs.cells.lock().unwrap().of_tenant.len() <= 64);
    }

    #[test]
    fn stamps_of_other_tenants_stay_current() {
        let epochs = Epochs::default();
        let (one, two) = (epochs.stamp(TenantId::generate()), epochs.stamp(TenantId::generate()));
        let moved = TenantId::generate();
        let stale = epochs.stamp(moved);
        epochs.moved(moved);
        assert!(one.is_current() && two.is_current() && !stale.is_current());
        assert!(epochs.stamp(moved).is_current());
    }

    #[test]
    fn when_all_have_moved_no_stamp_is_current_and_new_ones_are() {
        let epochs = Epochs::default();
        let tenants: Vec<_> = (0..100).map(|_| TenantId::generate()).collect();
        let stamps: Vec<_> = tenants.iter().map(|tenant| epochs.stamp(*tenant)).collect();
        epochs.moved_all();
        assert!(stamps.iter().all(|stamp| !stamp.is_current()));
        assert!(tenants.iter().all(|tenant| epochs.stamp(*tenant).is_current()));
    }

    #[test]
    fn what_nobody_else_writes_is_always_fresh() {
        let epochs = Epochs::default();
        epochs.polled(Instant::now());
        assert_eq!(epochs.freshness(), Freshness::Fresh);
        assert!(epochs.check_fresh().is_ok());
    }

    #[test]
    fn before_the_first_poll_nothing_is_current() {
        let clock = Standing::new();
        let epochs = Epochs::shared({
            let clock = clock.clone();
            move || clock.now()
        });
        let stamp = epochs.stamp(TenantId::generate());
        assert_eq!((epochs.freshness(), stamp.is_current()), (Freshness::Stale, false));
        assert!(epochs.check_fresh().is_err());
        epochs.polled(clock.now());
        assert_eq!((epochs.freshness(), stamp.is_current()), (Freshness::Fresh, true));
    }

    #[test]
    fn five_seconds_after_the_last_poll_began_nothing_is_current() {
        let clock = Standing::new();
        let epochs = clock.epochs();
        let began = clock.now();
        let stamp = epochs.stamp(TenantId::generate());
        clock.advance(Epochs::STALE_AFTER - MILLISECOND);
        assert!(stamp.is_current());
        clock.advance(MILLISECOND);
        assert!(!stamp.is_current() && epochs.check_fresh().is_err());
        assert!(!epochs.stamp(TenantId::generate()).is_current(), "nor what is read meanwhile");
        epochs.polled(began + MILLISECOND);
        assert!(stamp.is_current(), "the poll counts from when it began, and nothing has moved");
        clock.advance(MILLISECOND);
        assert!(!stamp.is_current());
    }

    #[test]
    fn an_earlier_poll_that_ends_later_takes_nothing_back() {
        let clock = Standing::new();
        let epochs = clock.epochs();
        let early = clock.now();
        clock.advance(Duration::from_secs(4));
        epochs.polled(clock.now());
        epochs.polled(early);
        clock.advance(Duration::from_secs(4));
        assert_eq!(epochs.freshness(), Freshness::Fresh);
    }

    #[test]
    fn a_fill_that_began_before_a_change_is_not_served_after_a_pause() {
        let clock = Standing::new();
        let epochs = clock.epochs();
        let tenant = TenantId::generate();
        let (fill, bystander) = (epochs.stamp(tenant), epochs.stamp(TenantId::generate()));
        clock.advance(Duration::from_secs(60));
        assert!(!fill.is_current() && !bystander.is_current(), "before any poll has run");
        epochs.moved(tenant);
        assert!(!bystander.is_current(), "in the middle of the poll");
        epochs.polled(clock.now());
        assert!(!fill.is_current() && bystander.is_current());
    }
}
