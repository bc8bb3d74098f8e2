//! governor's token bucket, told the time by its caller.

use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU32;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tenantry_core::{Bucket, RateDecision, Timestamp};

use super::table::Expires;

/// The bucket of one key.
pub(super) struct TokenBucket {
    shape: Bucket,
    limiter: RateLimiter<NotKeyed, InMemoryState, ToldClock, StateInformationMiddleware>,
    full_at: Timestamp,
}

impl TokenBucket {
    /// A full bucket.
    pub(super) fn new(shape: Bucket) -> Self {
        let burst = NonZeroU32::new(shape.burst()).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(shape.refill()).unwrap_or(Quota::per_second(burst)).allow_burst(burst);
        let limiter = RateLimiter::direct_with_clock(quota, ToldClock::default()).with_middleware();
        Self { shape, limiter, full_at: Timestamp::from_micros(i64::MIN) }
    }

    /// Its figures.
    pub(super) const fn shape(&self) -> Bucket {
        self.shape
    }

    /// Takes a token at `now` if there is one.
    pub(super) fn take(&mut self, now: Timestamp) -> RateDecision {
        let now_nanos = self.limiter.clock().tell(now);
        let (remaining, retry_after) = match self.limiter.check() {
            Ok(state) => {
                self.full_at = self.full_at.max(now.after(self.shape.period()));
                (state.remaining_burst_capacity(), None)
            }
            Err(refused) => (0, Some(refused.wait_time_from(now_nanos))),
        };
        RateDecision {
            admitted: retry_after.is_none(),
            limit: self.shape.burst(),
            remaining,
            resets_in: retry_after.unwrap_or_else(|| self.shape.refill()),
            retry_after,
            at: now,
        }
    }
}

impl Expires for TokenBucket {
    fn idle_at(&self) -> Timestamp {
        self.full_at
    }
}

impl fmt::Debug for TokenBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBucket").field("shape", &self.shape).field("full_at", &self.full_at).finish()
    }
}

/// A clock that shows what it was last told, in nanoseconds since 1970, within what governor can add to:
/// instants before 1970 count as 1970, and those after 2262 as that.
#[derive(Debug, Default)]
struct ToldClock(Cell<Nanos>);

impl ToldClock {
    fn tell(&self, now: Timestamp) -> Nanos {
        let micros = u64::try_from(now.as_micros()).unwrap_or(0);
        let nanos = Nanos::from(micros.saturating_mul(1000).min(u64::MAX / 2));
        self.0.set(nanos);
        nanos
    }
}

impl Clock for ToldClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.get()
    }
}
