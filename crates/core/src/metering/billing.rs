//! Billing periods.

use jiff::Span;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{Period, Timestamp};

/// How often a subscription's counters start again, counted from its anchor in its time zone.
///
/// Period `n` begins at `anchor + n × interval`, always computed from the anchor: adding a month to the last
/// start would drift (31 January, 28 February, 28 March). Days, weeks, months and years are those of the
/// calendar in the zone, so that a period keeps its time of day across a change of clocks; hours are 3,600
/// seconds each. Where the zone skips that time of day, the period begins as much later as was skipped; where
/// the zone has it twice, it begins at the first (RFC 5545 §3.3.5).
///
/// The zone is frozen at subscription: a tenant that moves house keeps its cycle.
///
/// ```
/// use tenantry_core::{BillingCycle, Interval, Timestamp};
///
/// let anchor: Timestamp = "2026-01-31T09:00:00Z".parse()?;
/// let cycle = BillingCycle::new(anchor, Interval::Month, "UTC")?;
/// let period = cycle.period_at("2026-03-15T00:00:00Z".parse()?)?;
/// assert_eq!(period.start.to_string(), "2026-02-28T09:00:00Z");
/// assert_eq!(period.end.to_string(), "2026-03-31T09:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct BillingCycle {
    anchor: Timestamp,
    interval: Interval,
    name: String,
    zone: TimeZone,
}

impl BillingCycle {
    /// The cycle that has a period beginning at `anchor`, in the IANA time zone called `zone`
    /// (`Europe/Berlin`, `UTC`).
    ///
    /// # Errors
    /// [`CycleError::Zone`] when the time zone database has no such zone; [`CycleError::OutOfRange`] when the
    /// anchor or its neighbouring periods lie outside the years −9999 to 9999.
    pub fn new(anchor: Timestamp, interval: Interval, zone: &str) -> Result<Self, CycleError> {
        let time_zone = TimeZone::get(zone).map_err(|_| CycleError::Zone { zone: zone.to_owned() })?;
        let name = match time_zone.iana_name() {
            Some(name) if !time_zone.is_unknown() => name.to_owned(),
            _ => return Err(CycleError::Zone { zone: zone.to_owned() }),
        };
        let cycle = Self { anchor, interval, name, zone: time_zone };
        cycle.period_at(anchor)?;
        Ok(cycle)
    }

    /// The cycle that has a period beginning at `anchor`, in UTC.
    #[must_use]
    pub fn utc(anchor: Timestamp, interval: Interval) -> Self {
        Self { anchor, interval, name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The period that `now` lies in. Instants before the anchor lie in periods before it.
    ///
    /// # Errors
    /// [`CycleError::OutOfRange`] when the period reaches outside the years −9999 to 9999.
    pub fn period_at(&self, now: Timestamp) -> Result<Period, CycleError> {
        let mut n = self.estimate(now)?;
        while self.start(n)? > now {
            n -= 1;
        }
        loop {
            let period = Period { start: self.start(n)?, end: self.start(n + 1)? };
            if now < period.end {
                return Ok(period);
            }
            n += 1;
        }
    }

    /// The instant that a period begins at.
    #[must_use]
    pub const fn anchor(&self) -> Timestamp {
        self.anchor
    }

    /// The length of a period.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// The IANA name of the time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.name
    }

    /// The start of period `n`, never before the start of period `n - 1`.
    fn start(&self, n: i64) -> Result<Timestamp, CycleError> {
        if n == 0 {
            return Ok(self.anchor);
        }
        let anchor = self.anchor.to_jiff().map_err(|_| CycleError::OutOfRange)?.to_zoned(self.zone.clone());
        let span = self.interval.times(n).map_err(|_| CycleError::OutOfRange)?;
        let start = anchor.checked_add(span).map_err(|_| CycleError::OutOfRange)?;
        Ok(start.timestamp().into())
    }

    /// A period near the one that `now` lies in: at most a few off.
    fn estimate(&self, now: Timestamp) -> Result<i64, CycleError> {
        const SECOND: i64 = 1_000_000;
        let elapsed = now.as_micros().checked_sub(self.anchor.as_micros()).ok_or(CycleError::OutOfRange)?;
        Ok(match self.interval {
            Interval::Hour => elapsed.div_euclid(3600 * SECOND),
            Interval::Day => elapsed.div_euclid(24 * 3600 * SECOND),
            Interval::Week => elapsed.div_euclid(7 * 24 * 3600 * SECOND),
            Interval::Month => self.months_until(now)?,
            Interval::Year => self.months_until(now)?.div_euclid(12),
        })
    }

    fn months_until(&self, now: Timestamp) -> Result<i64, CycleError> {
        let months = |at: Timestamp| {
            let date = at.to_jiff().map_err(|_| CycleError::OutOfRange)?.to_zoned(self.zone.clone()).date();
            Ok(i64::from(date.year()) * 12 + i64::from(date.month()))
        };
        Ok(months(now)? - months(self.anchor)?)
    }
}

/// The length of a billing period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// 3,600 seconds.
    Hour,
    /// A day of the calendar.
    Day,
    /// Seven days of the calendar.
    Week,
    /// A month of the calendar; an anchor on a day that a month lacks begins on that month's last.
    Month,
    /// A year of the calendar; an anchor on 29 February begins on the 28th in other years.
    Year,
}

impl Interval {
    fn times(self, n: i64) -> Result<Span, jiff::Error> {
        match self {
            Self::Hour => Span::new().try_hours(n),
            Self::Day => Span::new().try_days(n),
            Self::Week => Span::new().try_weeks(n),
            Self::Month => Span::new().try_months(n),
            Self::Year => Span::new().try_years(n),
        }
    }
}

/// There is no such cycle, or no such period in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CycleError {
    /// The time zone database has no such zone.
    #[error(
        "no time zone {zone:?}: name one of the IANA database, such as Europe/Berlin, and see that the database is \
         installed"
    )]
    Zone {
        /// What was asked for.
        zone: String,
    },
    /// A start or an end lies outside the years −9999 to 9999.
    #[error("a billing period has to lie within the years -9999 to 9999")]
    OutOfRange,
}

#[derive(Serialize, Deserialize)]
struct Written {
    anchor: Timestamp,
    interval: Interval,
    zone: String,
}

impl TryFrom<Written> for BillingCycle {
    type Error = CycleError;

    fn try_from(written: Written) -> Result<Self, CycleError> {
        Self::new(written.anchor, written.interval, &written.zone)
    }
}

impl From<BillingCycle> for Written {
    fn from(cycle: BillingCycle) -> Self {
        Self { anchor: cycle.anchor, interval: cycle.interval, zone: cycle.name }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cycle(anchor: &str, interval: Interval, zone: &str) -> BillingCycle {
        BillingCycle::new(at(anchor), interval, zone).unwrap()
    }

    fn starts(cycle: &BillingCycle, from: i64, to: i64) -> Vec<String> {
        (from..=to).map(|n| cycle.start(n).unwrap().to_string()).collect()
    }

    #[test]
    fn months_are_counted_from_the_anchor_and_do_not_drift() {
        let monthly = cycle("2026-01-31T12:00:00Z", Interval::Month, "UTC");
        let days: Vec<String> = starts(&monthly, -2, 4).iter().map(|start| start[5..10].to_owned()).collect();
        assert_eq!(days, ["11-30", "12-31", "01-31", "02-28", "03-31", "04-30", "05-31"]);
        let yearly = cycle("2024-02-29T00:00:00Z", Interval::Year, "UTC");
        let days: Vec<String> = starts(&yearly, 0, 4).iter().map(|start| start[..10].to_owned()).collect();
        assert_eq!(days, ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]);
    }

    #[test]
    fn the_time_of_day_survives_a_change_of_clocks() {
        let daily = cycle("2026-03-27T08:00:00Z", Interval::Day, "Europe/Berlin");
        assert_eq!(
            starts(&daily, 0, 3),
            ["2026-03-27T08:00:00Z", "2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"]
        );
        let in_the_gap = cycle("2026-03-28T01:30:00Z", Interval::Day, "Europe/Berlin");
        assert_eq!(
            starts(&in_the_gap, 0, 2),
            ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
        );
        let in_the_fold = cycle("2026-10-24T00:30:00Z", Interval::Day, "Europe/Berlin");
        assert_eq!(
            starts(&in_the_fold, 0, 2),
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        let second_of_the_fold = cycle("2026-10-25T01:30:00Z", Interval::Day, "Europe/Berlin");
        assert_eq!(starts(&second_of_the_fold, 0, 0), ["2026-10-25T01:30:00Z"]);
        let hourly = cycle("2026-03-29T00:30:00Z", Interval::Hour, "Europe/Berlin");
        assert_eq!(starts(&hourly, 1, 2), ["2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"]);
    }

    #[test]
    fn a_day_that_a_zone_skips_has_an_empty_period_that_nothing_lies_in() {
        let daily = cycle("2011-12-28T20:00:00Z", Interval::Day, "Pacific/Apia");
        assert_eq!(
            starts(&daily, 1, 3),
            ["2011-12-29T20:00:00Z", "2011-12-30T20:00:00Z", "2011-12-30T20:00:00Z"].map(String::from)
        );
        let period = daily.period_at(at("2011-12-30T20:00:00Z")).unwrap();
        assert!(period.contains(at("2011-12-30T20:00:00Z")), "{period:?}");
    }

    #[test]
    fn unknown_zones_and_far_instants_are_refused() {
        for zone in ["Mars/Olympus", "", "Etc/Unknown", "CET-1CEST"] {
            let refused = BillingCycle::new(Timestamp::EPOCH, Interval::Month, zone);
            assert_eq!(refused, Err(CycleError::Zone { zone: zone.to_owned() }));
        }
        let monthly = cycle("2026-01-31T12:00:00Z", Interval::Month, "UTC");
        for far in [i64::MIN, i64::MAX] {
            assert_eq!(monthly.period_at(Timestamp::from_micros(far)), Err(CycleError::OutOfRange));
        }
        let last = Timestamp::from(jiff::Timestamp::MAX);
        assert_eq!(BillingCycle::new(last, Interval::Hour, "UTC"), Err(CycleError::OutOfRange));
    }

    #[test]
    fn a_cycle_reads_back_and_a_written_one_is_checked() {
        let monthly = cycle("2026-01-31T12:00:00Z", Interval::Month, "europe/berlin");
        assert_eq!(monthly.zone(), "Europe/Berlin");
        let text = serde_json::to_string(&monthly).unwrap();
        assert_eq!(serde_json::from_str::<BillingCycle>(&text).unwrap(), monthly);
        assert!(serde_json::from_str::<BillingCycle>(&text.replace("Berlin", "Atlantis")).is_err());
        let utc = BillingCycle::utc(at("2026-01-31T12:00:00Z"), Interval::Month);
        assert_eq!(utc, cycle("2026-01-31T12:00:00Z", Interval::Month, "UTC"));
    }

    const ZONES: [&str; 8] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
    ];

    fn any_cycle() -> impl Strategy<Value = BillingCycle> {
        let interval = prop::sample::select(vec![
            Interval::Hour,
            Interval::Day,
            Interval::Week,
            Interval::Month,
            Interval::Year,
        ]);
        let month_end =
            (1900_i16..2100, 1_i8..=12, 0_i64..86_400_000_000).prop_map(|(year, month, micros)| {
                let last = jiff::civil::date(year, month, 1).last_of_month();
                let midnight = last.to_zoned(TimeZone::UTC).unwrap().timestamp();
                Timestamp::from(midnight + micros.microseconds())
            });
        let anchor = prop_oneof![instant(), month_end];
        (anchor, interval, prop::sample::select(ZONES.to_vec()))
            .prop_map(|(anchor, interval, zone)| BillingCycle::new(anchor, interval, zone).unwrap())
    }

    fn instant() -> impl Strategy<Value = Timestamp> {
        (-2_208_988_800_000_000_i64..4_102_444_800_000_000).prop_map(Timestamp::from_micros)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn every_instant_lies_in_its_period_and_periods_touch(cycle in any_cycle(), now in instant()) {
            let period = cycle.period_at(now).unwrap();
            prop_assert!(period.contains(now), "{now} not in {period:?}");
            prop_assert_eq!(cycle.period_at(period.start).unwrap(), period);
            let last = Timestamp::from_micros(period.end.as_micros() - 1);
            prop_assert_eq!(cycle.period_at(last).unwrap(), period);
            prop_assert_eq!(cycle.period_at(period.end).unwrap().start, period.end);
            let before = Timestamp::from_micros(period.start.as_micros() - 1);
            prop_assert_eq!(cycle.period_at(before).unwrap().end, period.start);
        }

        #[test]
        fn starts_never_go_back(cycle in any_cycle(), n in -500_i64..500) {
            prop_assert!(cycle.start(n).unwrap() <= cycle.start(n + 1).unwrap());
            prop_assert_eq!(cycle.start(0).unwrap(), cycle.anchor());
        }

        #[test]
        fn a_month_begins_on_the_anchors_day_or_on_its_own_last(anchor in instant(), n in -300_i64..300) {
            let cycle = BillingCycle::new(anchor, Interval::Month, "UTC").unwrap();
            let day = |at: Timestamp| at.to_jiff().unwrap().to_zoned(TimeZone::UTC).date();
            let (first, nth) = (day(anchor), day(cycle.start(n).unwrap()));
            prop_assert_eq!(nth.day(), first.day().min(nth.days_in_month()));
        }
    }
}
