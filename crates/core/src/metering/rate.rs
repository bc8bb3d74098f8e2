//! The exact sliding window.

use std::collections::VecDeque;
use std::time::Duration;

use super::limits::Rate;
use crate::Timestamp;

/// The uses of one key within the last window of its [`Rate`]: exact, and without a clock of its own.
///
/// A use counted at `t` lies in the window until `t + window`, that instant excluded. Refusals aren't counted.
/// It holds 8 bytes for each use within the window, so at most 8 × `requests` bytes; the room grows with the
/// uses.
///
/// ```
/// use std::time::Duration;
/// use tenantry_core::{Rate, SlidingWindow, Timestamp};
///
/// let start = Timestamp::from_micros(0);
/// let mut window = SlidingWindow::new(Rate::per_minute(2));
/// assert!(window.admit(start, 1).admitted);
/// assert!(window.admit(start.after(Duration::from_secs(50)), 1).admitted);
///
/// let refused = window.admit(start.after(Duration::from_secs(55)), 1);
/// assert!(!refused.admitted);
/// assert_eq!(refused.retry_after, Some(Duration::from_secs(5)));
/// assert!(window.admit(start.after(Duration::from_secs(60)), 1).admitted);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlidingWindow {
    rate: Rate,
    uses: VecDeque<Timestamp>,
    last: Timestamp,
}

impl SlidingWindow {
    /// A window that holds nothing.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self { rate, uses: VecDeque::new(), last: Timestamp::from_micros(i64::MIN) }
    }

    /// Counts `cost` uses at `now` if the window has room for all of them, or else none.
    ///
    /// A `now` before one that was seen counts as that one: the window never admits more because a clock went
    /// backwards. A cost of 0 counts nothing and is admitted.
    pub fn admit(&mut self, now: Timestamp, cost: u32) -> RateDecision {
        self.last = self.last.max(now);
        self.expire();
        let admitted = self.room() >= cost;
        if admitted {
            self.count(cost);
        }
        self.decision(admitted, 0, cost, now)
    }

    /// What [`admit`](Self::admit) would answer to one use at `now`, counting nothing: `remaining` is what is
    /// left before that use.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> RateDecision {
        let at = self.last.max(now);
        let expired = self.uses.partition_point(|&used| self.is_expired(used, at));
        let room = self.rate.requests().saturating_sub(length(self.uses.len() - expired));
        RateDecision { at, ..self.decision(room >= 1, expired, 1, now) }
    }

    /// Takes back one use that was counted [at](RateDecision::at) that instant; `false` when none was, or when
    /// it has left the window already.
    pub fn give_back(&mut self, at: Timestamp) -> bool {
        match self.uses.binary_search(&at) {
            Ok(index) => self.uses.remove(index).is_some(),
            Err(_) => false,
        }
    }

    /// Goes on under another rate, the uses still counted: an upgrade starts no fresh window.
    ///
    /// A longer window doesn't bring back uses that have left the shorter one.
    pub fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// The rate.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// From when on the window holds nothing, if nothing more is admitted: dropping it then changes no answer.
    #[must_use]
    pub fn idle_at(&self) -> Timestamp {
        self.uses.back().map_or(Timestamp::from_micros(i64::MIN), |last| last.after(self.rate.window()))
    }

    fn is_expired(&self, used: Timestamp, now: Timestamp) -> bool {
        now.since(used) >= self.rate.window()
    }

    fn expire(&mut self) {
        while self.uses.front().is_some_and(|&oldest| self.is_expired(oldest, self.last)) {
            self.uses.pop_front();
        }
    }

    fn room(&self) -> u32 {
        self.rate.requests().saturating_sub(length(self.uses.len()))
    }

    fn count(&mut self, cost: u32) {
        for _ in 0..cost {
            if self.uses.len() == self.uses.capacity() {
                let most = usize::try_from(self.rate.requests()).unwrap_or(usize::MAX);
                let target = self.uses.len().saturating_mul(2).clamp(4.min(most), most);
                self.uses.reserve_exact(target.saturating_sub(self.uses.len()));
            }
            self.uses.push_back(self.last);
        }
    }

    /// The answer, where the first `skip` uses have left the window. Waits are told by the caller's own clock.
    fn decision(&self, admitted: bool, skip: usize, cost: u32, now: Timestamp) -> RateDecision {
        let held = length(self.uses.len().saturating_sub(skip));
        let leaves_in =
            |index: usize| self.uses.get(index).map(|used| used.after(self.rate.window()).since(now));
        let retry_after = if admitted || cost > self.rate.requests() {
            None
        } else {
            let surplus = u64::from(held) + u64::from(cost) - u64::from(self.rate.requests());
            let index = usize::try_from(surplus).ok().and_then(|surplus| (skip + surplus).checked_sub(1));
            index.and_then(leaves_in)
        };
        let over = usize::try_from(held.saturating_sub(self.rate.requests())).unwrap_or(usize::MAX);
        RateDecision {
            admitted,
            limit: self.rate.requests(),
            remaining: self.rate.requests().saturating_sub(held),
            resets_in: leaves_in(skip.saturating_add(over)).unwrap_or_default(),
            retry_after,
            at: self.last,
        }
    }
}

/// The answer of a rate limit to one use, with what the `RateLimit` and `Retry-After` fields of HTTP say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether the use may go ahead.
    pub admitted: bool,
    /// The most uses that a window, or a full bucket, holds: `q` of `RateLimit-Policy`.
    pub limit: u32,
    /// How many more uses would be admitted at this instant: `r` of `RateLimit`.
    pub remaining: u32,
    /// How long until more becomes available, zero when all of it is: `t` of `RateLimit`, in the sense of
    /// draft-ietf-httpapi-ratelimit-headers-10 (until additional quota is made available, which in a sliding
    /// window is before the whole of it is back).
    pub resets_in: Duration,
    /// For a refusal: how long until the same use would be admitted, if none comes in between. `None` when it
    /// was admitted, or can never be because it costs more than the limit.
    pub retry_after: Option<Duration>,
    /// The instant that the use was counted at, to [give it back](SlidingWindow::give_back).
    pub at: Timestamp,
}

impl RateDecision {
    /// [`resets_in`](Self::resets_in) in whole seconds, rounded up.
    #[must_use]
    pub const fn resets_in_seconds(&self) -> u64 {
        seconds_up(self.resets_in)
    }

    /// [`retry_after`](Self::retry_after) in whole seconds, rounded up, so that whoever waits as long isn't
    /// refused for a fraction of a second; at least 1.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|wait| seconds_up(wait).max(1))
    }

    /// The one of two answers that binds: a refusal before an admission, then the longer wait, then the fewer
    /// left.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        let wait = |decision: &Self| decision.retry_after.unwrap_or(Duration::MAX);
        let other_binds = match (self.admitted, other.admitted) {
            (true, true) => other.remaining < self.remaining,
            (false, false) => wait(&other) > wait(&self),
            (admitted, _) => admitted,
        };
        if other_binds { other } else { self }
    }
}

const fn seconds_up(span: Duration) -> u64 {
    let whole = span.as_secs();
    if span.subsec_nanos() == 0 { whole } else { whole.saturating_add(1) }
}

fn length(uses: usize) -> u32 {
    u32::try_from(uses).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn window(requests: u32, micros: u64) -> SlidingWindow {
        SlidingWindow::new(Rate::new(requests, Duration::from_micros(micros)).unwrap())
    }

    #[test]
    fn a_thousand_an_hour_is_a_thousand_in_the_first_hour() {
        let mut window = SlidingWindow::new(Rate::per_hour(1000));
        let admitted = (0..3_600_i64).filter(|&s| window.admit(at(s * 1_000_000), 1).admitted).count();
        assert_eq!(admitted, 1000);
        assert!(window.admit(at(3_600_000_000), 1).admitted);
        assert!(window.uses.capacity() <= 1000, "{}", window.uses.capacity());
    }

    #[test]
    fn answers_count_down_and_say_when_more_is_available() {
        let mut window = window(3, 100);
        let first = window.admit(at(0), 1);
        assert_eq!((first.limit, first.remaining, first.resets_in), (3, 2, Duration::from_micros(100)));
        assert_eq!(window.admit(at(40), 2).remaining, 0);
        let refused = window.admit(at(60), 2);
        assert_eq!(refused.resets_in, Duration::from_micros(40));
        assert_eq!(refused.retry_after, Some(Duration::from_micros(80)));
        assert_eq!(window.admit(at(60), 4).retry_after, None);
        assert!(!window.standing(at(99)).admitted);
        assert_eq!(window.standing(at(100)).remaining, 1);
        assert_eq!(window.standing(at(140)).resets_in, Duration::ZERO);
        assert_eq!(window.idle_at(), at(140));
    }

    #[test]
    fn a_clock_that_goes_backwards_admits_nothing_more() {
        let mut window = window(2, 100);
        assert!(window.admit(at(1000), 1).admitted);
        assert_eq!(window.admit(at(500), 1).at, at(1000));
        let refused = window.admit(at(i64::MIN), 1);
        assert!(!refused.admitted);
        assert!(!window.admit(at(1099), 1).admitted);
        assert!(window.admit(at(1100), 2).admitted);
        assert!(window.admit(at(i64::MAX), 2).admitted);
    }

    #[test]
    fn another_rate_keeps_what_was_counted() {
        let mut window = window(500, 100);
        assert!(window.admit(at(0), 500).admitted);
        window.set_rate(Rate::new(1000, Duration::from_micros(100)).unwrap());
        assert_eq!(window.standing(at(1)).remaining, 500);
        window.set_rate(Rate::new(2, Duration::from_micros(100)).unwrap());
        let refused = window.admit(at(1), 1);
        assert_eq!((refused.remaining, refused.retry_after), (0, Some(Duration::from_micros(99))));
    }

    #[test]
    fn the_stricter_answer_is_the_refusal_then_the_longer_wait_then_the_fewer_left() {
        let admitted = window(5, 10).admit(at(0), 1);
        let fewer = window(3, 10).admit(at(0), 1);
        let never = window(0, 10).admit(at(0), 1);
        let later = RateDecision { retry_after: Some(Duration::from_secs(1)), ..never };
        assert_eq!(admitted.stricter(fewer), fewer);
        assert_eq!(fewer.stricter(admitted), fewer);
        assert_eq!(admitted.stricter(later), later);
        assert_eq!(later.stricter(admitted), later);
        assert_eq!(later.stricter(never), never);
        assert_eq!(later.retry_after_seconds(), Some(1));
        assert_eq!(fewer.resets_in_seconds(), 1);
    }

    /// What a window means, said the long way: every admission is kept for ever.
    struct BruteForce {
        requests: usize,
        micros: i64,
        admissions: Vec<i64>,
        last: i64,
    }

    impl BruteForce {
        fn held(&self, now: i64) -> Vec<i64> {
            self.admissions.iter().copied().filter(|&used| now - used < self.micros).collect()
        }

        fn admit(&mut self, now: i64, cost: usize) -> bool {
            self.last = self.last.max(now);
            let admitted = self.held(self.last).len() + cost <= self.requests;
            if admitted {
                self.admissions.extend(std::iter::repeat_n(self.last, cost));
            }
            admitted
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Admit { advance: i64, cost: u32 },
        GiveBack { nth: usize },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (-20_i64..60, prop_oneof![6 => Just(1_u32), 1 => 0_u32..5])
                .prop_map(|(advance, cost)| Step::Admit { advance, cost }),
            1 => (0_usize..40).prop_map(|nth| Step::GiveBack { nth }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn a_window_answers_like_brute_force(
            requests in 0_u32..8,
            micros in 1_i64..200,
            steps in prop::collection::vec(step(), 1..120),
        ) {
            let mut window = window(requests, u64::try_from(micros).unwrap());
            let mut brute =
                BruteForce { requests: requests as usize, micros, admissions: Vec::new(), last: i64::MIN };
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Admit { advance, cost } => {
                        now += advance;
                        let foreseen = window.standing(at(now));
                        let decision = window.admit(at(now), cost);
                        prop_assert_eq!(decision.admitted, brute.admit(now, cost as usize));
                        prop_assert_eq!(decision.at, at(brute.last));
                        let held = brute.held(brute.last);
                        prop_assert_eq!(decision.remaining as usize, brute.requests - held.len());
                        if cost == 1 {
                            prop_assert_eq!(foreseen.admitted, decision.admitted);
                            prop_assert_eq!(foreseen.retry_after, decision.retry_after);
                        }
                        let resets = held.first().map_or(0, |first| first + micros - now);
                        prop_assert_eq!(decision.resets_in.as_micros(), u128::try_from(resets).unwrap());
                        if let Some(wait) = decision.retry_after {
                            let wait = i64::try_from(wait.as_micros()).unwrap();
                            let room = |now| brute.held(now).len() + cost as usize <= brute.requests;
                            prop_assert!(room((now + wait).max(brute.last)));
                            prop_assert!(!room((now + wait - 1).max(brute.last)));
                        }
                    }
                    Step::GiveBack { nth } => {
                        let held = brute.held(brute.last);
                        if let Some(&used) = held.get(nth) {
                            prop_assert!(window.give_back(at(used)));
                            let index = brute.admissions.iter().rposition(|&other| other == used).unwrap();
                            brute.admissions.remove(index);
                        }
                    }
                }
            }
            for (index, &first) in brute.admissions.iter().enumerate() {
                let within = brute.admissions.iter().skip(index).filter(|&&used| used - first < micros);
                prop_assert!(within.count() <= brute.requests);
            }
        }
    }
}
