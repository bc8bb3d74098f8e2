//! Counters of one process.

use async_trait::async_trait;
use tenantry_core::{
    Bucket, Counters, CountersUnavailable, Rate, RateDecision, RateKey, SlidingWindow, Timestamp,
};

use super::bucket::TokenBucket;
use super::table::{Expires, KeyTable};

/// Rate counters in this process's memory: exact sliding windows, and governor's token buckets.
///
/// Several processes that share a limit need counters that they share; each of these would admit the whole of
/// it. A restart forgets what was counted.
///
/// It holds a bounded number of keys, [`DEFAULT_MAX_KEYS`](Self::DEFAULT_MAX_KEYS) unless told otherwise, of
/// each of three sorts: windows of [authenticated](RateKey::is_authenticated) keys, windows of others, and
/// buckets. So a flood of invented addresses takes no room from tenants. Where one sort is full, idle keys make
/// room; where none is idle, a new key is answered [`CountersUnavailable::Full`], while the keys already held go
/// on. A window takes up to 8 bytes for each request of its rate, and a key some 150 bytes besides.
///
/// ```
/// use tenantry_core::{Counters as _, Rate, RateKey, TenantId, Timestamp};
/// use tenantry_storage::MemoryCounters;
///
/// let counters = MemoryCounters::new();
/// let (tenant, rate) = (RateKey::tenant(TenantId::generate()), Rate::per_hour(1));
/// let admitted = |micros| {
///     let answer = counters.try_admit(tenant, rate, Timestamp::from_micros(micros));
///     matches!(answer, Some(Ok(decision)) if decision.admitted)
/// };
/// assert!(admitted(0));
/// assert!(!admitted(3_599_999_999));
/// assert!(admitted(3_600_000_000));
/// ```
#[derive(Debug)]
pub struct MemoryCounters {
    known: KeyTable<SlidingWindow>,
    strangers: KeyTable<SlidingWindow>,
    buckets: KeyTable<TokenBucket>,
}

impl MemoryCounters {
    /// How many keys of each sort are held unless told otherwise.
    pub const DEFAULT_MAX_KEYS: usize = 100_000;

    /// Counters for [`DEFAULT_MAX_KEYS`](Self::DEFAULT_MAX_KEYS) keys of each sort.
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_keys(Self::DEFAULT_MAX_KEYS)
    }

    /// Counters for `max_keys` keys of each sort.
    #[must_use]
    pub fn with_max_keys(max_keys: usize) -> Self {
        Self {
            known: KeyTable::new(max_keys),
            strangers: KeyTable::new(max_keys),
            buckets: KeyTable::new(max_keys),
        }
    }

    /// How many keys are held at the moment, idle ones included.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.known.len() + self.strangers.len() + self.buckets.len()
    }

    fn windows(&self, key: RateKey) -> &KeyTable<SlidingWindow> {
        if key.is_authenticated() { &self.known } else { &self.strangers }
    }

    fn count(&self, key: RateKey, rate: Rate, now: Timestamp) -> Result<RateDecision, CountersUnavailable> {
        self.windows(key).with(
            key,
            now,
            || SlidingWindow::new(rate),
            |window| {
                if window.rate() != rate {
                    window.set_rate(rate);
                }
                window.admit(now, 1)
            },
        )
    }
}

impl Default for MemoryCounters {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Counters for MemoryCounters {
    fn try_admit(
        &self,
        key: RateKey,
        rate: Rate,
        now: Timestamp,
    ) -> Option<Result<RateDecision, CountersUnavailable>> {
        Some(self.count(key, rate, now))
    }

    async fn admit(
        &self,
        key: RateKey,
        rate: Rate,
        now: Timestamp,
    ) -> Result<RateDecision, CountersUnavailable> {
        self.count(key, rate, now)
    }

    async fn standing(
        &self,
        key: RateKey,
        rate: Rate,
        now: Timestamp,
    ) -> Result<RateDecision, CountersUnavailable> {
        let held = self.windows(key).with_held(key, |window| {
            if window.rate() != rate {
                window.set_rate(rate);
            }
            window.standing(now)
        });
        Ok(held.unwrap_or_else(|| SlidingWindow::new(rate).standing(now)))
    }

    async fn give_back(&self, key: RateKey, at: Timestamp) -> Result<(), CountersUnavailable> {
        self.windows(key).with_held(key, |window| window.give_back(at));
        Ok(())
    }

    async fn take(
        &self,
        key: RateKey,
        bucket: Bucket,
        now: Timestamp,
    ) -> Result<RateDecision, CountersUnavailable> {
        self.buckets.with(
            key,
            now,
            || TokenBucket::new(bucket),
            |held| {
                if held.shape() != bucket {
                    *held = TokenBucket::new(bucket);
                }
                held.take(now)
            },
        )
    }
}

impl Expires for SlidingWindow {
    fn idle_at(&self) -> Timestamp {
        Self::idle_at(self)
    }
}
