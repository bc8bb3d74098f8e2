//! Instants and half-open spans of them.
//!
//! Nothing in this crate reads a clock: `now` comes with what a store loaded, so that several processes agree.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant, in whole microseconds since 1970-01-01T00:00:00Z; RFC 3339 in JSON.
///
/// ```
/// use std::time::Duration;
/// use tenantry_core::Timestamp;
///
/// let start: Timestamp = "2026-01-31T12:00:00Z".parse()?;
/// assert_eq!(start.after(Duration::from_secs(60)).to_string(), "2026-01-31T12:01:00Z");
/// # Ok::<(), tenantry_core::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// `micros` microseconds after [`Timestamp::EPOCH`].
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since [`Timestamp::EPOCH`].
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since [`Timestamp::EPOCH`], rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The instant `span` later; the last instant that there is when it would lie past it.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The instant `span` earlier; the first instant that there is when it would lie before it.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it isn't after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The instant as jiff knows it, for calendars.
    ///
    /// # Errors
    /// [`InvalidTimestamp`] outside the years −9999 to 9999.
    pub fn to_jiff(self) -> Result<jiff::Timestamp, InvalidTimestamp> {
        let nanos = i32::try_from(self.0.rem_euclid(1_000_000)).unwrap_or(0) * 1_000;
        jiff::Timestamp::new(self.as_seconds(), nanos).map_err(|_| InvalidTimestamp)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(timestamp: jiff::Timestamp) -> Self {
        Self(timestamp.as_microsecond())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_jiff() {
            Ok(timestamp) => timestamp.fmt(f),
            Err(InvalidTimestamp) => write!(f, "{} µs", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        text.parse::<jiff::Timestamp>().map(Self::from).map_err(|_| InvalidTimestamp)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, InvalidTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

/// The text is no RFC 3339 instant, or the instant lies outside the years −9999 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an instant: expected RFC 3339 such as 2026-01-31T12:00:00Z")]
pub struct InvalidTimestamp;

/// A half-open span of time: `start` belongs to it, `end` doesn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    /// The first instant of the period.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Period {
    /// Whether `at` lies in the period.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_saturate_and_read_back() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last.after(Duration::MAX), last);
        let at = Timestamp::from_micros(1_700_000_000_123_456);
        assert_eq!(at.to_string().parse(), Ok(at));
        assert_eq!(Timestamp::EPOCH.since(at), Duration::ZERO);
    }

    #[test]
    fn the_first_and_the_last_second_read_back_too() {
        for text in
            ["-009999-01-02T01:59:59.000001Z", "9999-12-30T22:00:00.999999Z", "1969-12-31T23:59:59.9Z"]
        {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!(at.to_string(), text);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
        let last: Timestamp = "9999-12-30T22:00:00.999999999Z".parse().unwrap();
        assert_eq!(last.after(Duration::from_micros(1)).to_jiff(), Err(InvalidTimestamp));
    }
}
