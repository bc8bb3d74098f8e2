//! A bounded table of what belongs to each key, in shards.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tenantry_core::{CountersUnavailable, RateKey, Timestamp};

const SHARDS: usize = 64;

/// What a table may drop once it is idle.
pub(super) trait Expires {
    /// The first instant at which dropping it changes no answer.
    fn idle_at(&self) -> Timestamp;
}

/// One value a key, at most so many of them, each under its shard's lock.
///
/// Idle values go when a shard has doubled since it last dropped some, so that memory follows use, and when the
/// table is full. Each shard knows an instant before which none of its values is idle, so that a full table
/// isn't searched in vain with every new key.
#[derive(Debug)]
pub(super) struct KeyTable<V> {
    shards: Vec<Mutex<Shard<V>>>,
    hasher: RandomState,
    held: AtomicUsize,
    max_keys: usize,
}

#[derive(Debug)]
struct Shard<V> {
    values: HashMap<RateKey, V, RandomState>,
    none_idle_before: Timestamp,
    sweep_at: usize,
}

impl<V: Expires> KeyTable<V> {
    pub(super) fn new(max_keys: usize) -> Self {
        let hasher = RandomState::new();
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new(hasher.clone()))).collect();
        Self { shards, hasher, held: AtomicUsize::new(0), max_keys }
    }

    /// How many keys are held.
    pub(super) fn len(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Does `act` to the value of `key`, made by `make` when there is none yet.
    ///
    /// # Errors
    /// [`CountersUnavailable::Full`] when the key is new, the table full, and nothing in it idle at `now`.
    pub(super) fn with<R>(
        &self,
        key: RateKey,
        now: Timestamp,
        make: impl FnOnce() -> V,
        act: impl FnOnce(&mut V) -> R,
    ) -> Result<R, CountersUnavailable> {
        let index = self.index(key);
        let mut shard = self.lock(index).ok_or(CountersUnavailable::Full)?;
        if !shard.values.contains_key(&key) {
            if shard.values.len() >= shard.sweep_at {
                self.freed(shard.sweep(now));
            }
            while !self.reserve() {
                drop(shard);
                let made_room = self.make_room(index, now);
                shard = self.lock(index).ok_or(CountersUnavailable::Full)?;
                if shard.values.contains_key(&key) {
                    return shard.act(key, act).ok_or(CountersUnavailable::Full);
                }
                if !made_room {
                    return Err(CountersUnavailable::Full);
                }
            }
            shard.values.insert(key, make());
        }
        shard.act(key, act).ok_or(CountersUnavailable::Full)
    }

    /// Does `act` to the value of `key`, if it is held.
    pub(super) fn with_held<R>(&self, key: RateKey, act: impl FnOnce(&mut V) -> R) -> Option<R> {
        self.lock(self.index(key))?.act(key, act)
    }

    fn index(&self, key: RateKey) -> usize {
        usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0)
    }

    fn lock(&self, index: usize) -> Option<MutexGuard<'_, Shard<V>>> {
        Some(self.shards.get(index)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn reserve(&self) -> bool {
        let one_more = |held| (held < self.max_keys).then_some(held + 1);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    fn freed(&self, dropped: usize) {
        self.held.fetch_sub(dropped, Ordering::Relaxed);
    }

    /// Drops what is idle in the first shard that holds such, beginning with `first`; one shard's lock at a time.
    /// Answers whether anything was.
    fn make_room(&self, first: usize, now: Timestamp) -> bool {
        for index in (first..SHARDS).chain(0..first) {
            let dropped = self.lock(index).map_or(0, |mut shard| shard.sweep(now));
            self.freed(dropped);
            if dropped > 0 {
                return true;
            }
        }
        false
    }
}

impl<V: Expires> Shard<V> {
    const FIRST_SWEEP: usize = 64;

    fn new(hasher: RandomState) -> Self {
        let never = Timestamp::from_micros(i64::MAX);
        Self { values: HashMap::with_hasher(hasher), none_idle_before: never, sweep_at: Self::FIRST_SWEEP }
    }

    fn act<R>(&mut self, key: RateKey, act: impl FnOnce(&mut V) -> R) -> Option<R> {
        let value = self.values.get_mut(&key)?;
        let result = act(value);
        self.none_idle_before = self.none_idle_before.min(value.idle_at());
        Some(result)
    }

    /// Drops what is idle at `now`; answers how many that were.
    fn sweep(&mut self, now: Timestamp) -> usize {
        let before = self.values.len();
        if now >= self.none_idle_before {
            let mut earliest = Timestamp::from_micros(i64::MAX);
            self.values.retain(|_, value| {
                let idle_at = value.idle_at();
                let keep = now < idle_at;
                if keep {
                    earliest = earliest.min(idle_at);
                }
                keep
            });
            self.none_idle_before = earliest;
            if self.values.capacity() / 4 > self.values.len() {
                self.values.shrink_to(self.values.len().saturating_mul(2));
            }
        }
        self.sweep_at = self.values.len().saturating_mul(2).max(Self::FIRST_SWEEP);
        before - self.values.len()
    }
}
