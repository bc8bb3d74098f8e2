//! The two shapes of a rate limit.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// So many requests in any window of a length: `1000 an hour` means that no hour, wherever it begins, holds
/// more than 1000.
///
/// This is what a plan promises, and it is kept exactly. A token bucket of the same figures would admit up to
/// 1,999 in its first hour.
///
/// ```
/// use std::time::Duration;
/// use tenantry_core::Rate;
///
/// let rate = Rate::new(10, Duration::from_secs(15 * 60))?;
/// assert_eq!((rate.requests(), rate.window().as_secs()), (10, 900));
/// assert_eq!(Rate::per_hour(1000).window().as_secs(), 3600);
/// assert!(Rate::new(10, Duration::ZERO).is_err());
/// # Ok::<(), tenantry_core::RateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Micros", into = "Micros")]
pub struct Rate {
    pub(super) requests: u32,
    pub(super) window: Duration,
}

impl Rate {
    /// At most `requests` in any `window`. With 0 nothing is admitted.
    ///
    /// # Errors
    /// [`RateError::Window`] when the window isn't a whole number of microseconds between 1 µs and 366 days.
    pub const fn new(requests: u32, window: Duration) -> Result<Self, RateError> {
        if is_span(window) { Ok(Self { requests, window }) } else { Err(RateError::Window) }
    }

    /// At most `requests` in any minute.
    #[must_use]
    pub const fn per_minute(requests: u32) -> Self {
        Self { requests, window: Duration::from_secs(60) }
    }

    /// At most `requests` in any hour.
    #[must_use]
    pub const fn per_hour(requests: u32) -> Self {
        Self { requests, window: Duration::from_secs(60 * 60) }
    }

    /// At most `requests` in any 24 hours.
    #[must_use]
    pub const fn per_day(requests: u32) -> Self {
        Self { requests, window: Duration::from_secs(24 * 60 * 60) }
    }

    /// The most requests that a window holds.
    #[must_use]
    pub const fn requests(&self) -> u32 {
        self.requests
    }

    /// The length of the window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }
}

/// A token bucket: `burst` at once, then one every `period / burst`.
///
/// It smooths what comes in and is cheap to keep, but a window of `period` may hold almost twice `burst`. Use
/// it where a steady pace is the point, such as all sign-in attempts from an address; use [`Rate`] where a
/// figure was promised.
///
/// ```
/// use std::time::Duration;
/// use tenantry_core::Bucket;
///
/// let bucket = Bucket::new(100, Duration::from_secs(60))?;
/// assert_eq!(bucket.refill(), Duration::from_millis(600));
/// # Ok::<(), tenantry_core::RateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Micros", into = "Micros")]
pub struct Bucket {
    burst: u32,
    period: Duration,
}

impl Bucket {
    /// `burst` at once, and an empty bucket full again after `period`.
    ///
    /// # Errors
    /// [`RateError::Burst`] when `burst` is 0, or so large that a token would come back in less than a
    /// microsecond; [`RateError::Window`] when the period isn't a whole number of microseconds between 1 µs
    /// and 366 days.
    pub const fn new(burst: u32, period: Duration) -> Result<Self, RateError> {
        if !is_span(period) {
            Err(RateError::Window)
        } else if burst == 0 || period.as_micros() < burst as u128 {
            Err(RateError::Burst)
        } else {
            Ok(Self { burst, period })
        }
    }

    /// How many pass at once.
    #[must_use]
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// How long an empty bucket takes to be full again.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// How long one token takes to come back: `period / burst`, rounded down to a nanosecond.
    #[must_use]
    pub fn refill(&self) -> Duration {
        self.period.checked_div(self.burst).unwrap_or(self.period)
    }
}

const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

const fn is_span(span: Duration) -> bool {
    !span.is_zero()
        && span.subsec_nanos().is_multiple_of(1000)
        && (span.as_secs() < LONGEST.as_secs()
            || (span.as_secs() == LONGEST.as_secs() && span.subsec_nanos() == 0))
}

/// The figures make no rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// The window or period is empty, too long, or finer than instants are.
    #[error("a window is a whole number of microseconds, more than none and at most 366 days")]
    Window,
    /// The burst is empty or refills faster than instants tell apart.
    #[error("a burst is at least 1 and at most one for each microsecond of its period")]
    Burst,
}

/// How both are written: a count, and microseconds.
#[derive(Serialize, Deserialize)]
struct Micros {
    count: u32,
    micros: u64,
}

impl TryFrom<Micros> for Rate {
    type Error = RateError;

    fn try_from(raw: Micros) -> Result<Self, RateError> {
        Self::new(raw.count, Duration::from_micros(raw.micros))
    }
}

impl TryFrom<Micros> for Bucket {
    type Error = RateError;

    fn try_from(raw: Micros) -> Result<Self, RateError> {
        Self::new(raw.count, Duration::from_micros(raw.micros))
    }
}

impl From<Rate> for Micros {
    fn from(rate: Rate) -> Self {
        Self { count: rate.requests, micros: whole_micros(rate.window) }
    }
}

impl From<Bucket> for Micros {
    fn from(bucket: Bucket) -> Self {
        Self { count: bucket.burst, micros: whole_micros(bucket.period) }
    }
}

fn whole_micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_figures_are_refused_and_possible_ones_read_back() {
        assert_eq!(Rate::new(1, Duration::from_nanos(1500)), Err(RateError::Window));
        assert_eq!(Rate::new(1, Duration::MAX), Err(RateError::Window));
        assert!(Rate::new(1, LONGEST).is_ok());
        assert_eq!(Rate::new(1, LONGEST + Duration::from_micros(1)), Err(RateError::Window));
        assert_eq!(Bucket::new(0, Duration::from_secs(1)), Err(RateError::Burst));
        assert_eq!(Bucket::new(11, Duration::from_micros(10)), Err(RateError::Burst));
        let text = serde_json::to_string(&Rate::per_hour(1000)).unwrap();
        assert_eq!(serde_json::from_str::<Rate>(&text).unwrap(), Rate::per_hour(1000));
        assert!(serde_json::from_str::<Bucket>(r#"{"count":0,"micros":5}"#).is_err());
    }
}
