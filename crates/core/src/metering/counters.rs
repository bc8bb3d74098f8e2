//! Where rates are kept: volatile counters, in memory or in a server that several processes share.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use super::limits::{Bucket, Rate};
use super::rate::RateDecision;
use crate::{RealmId, TenantId, Timestamp, UserId};

/// Volatile counters for rates. They guard; they don't promise: what has to survive a crash is a quota, and
/// lives in the store.
///
/// One key has one window and one bucket. Asked with another rate than before, a window keeps the uses that it
/// has counted. Implementations bound the number of keys that they hold, and answer [`CountersUnavailable`]
/// rather than let a use pass uncounted.
#[async_trait]
pub trait Counters: Send + Sync {
    /// [`admit`](Self::admit), where it can be answered at once, without the future that an `async` method of a
    /// trait object allocates. `None` means: ask [`admit`](Self::admit).
    ///
    /// The gate asks here first, with every request.
    fn try_admit(
        &self,
        key: RateKey,
        rate: Rate,
        now: Timestamp,
    ) -> Option<Result<RateDecision, CountersUnavailable>> {
        let _ = (key, rate, now);
        None
    }

    /// Counts one use of `key` at `now` if its sliding window has room for it.
    ///
    /// However many ask at once, no window of the rate's length holds more than the rate allows. Refusals aren't
    /// counted.
    ///
    /// # Errors
    /// [`CountersUnavailable`] when it can't be counted.
    async fn admit(
        &self,
        key: RateKey,
        rate: Rate,
        now: Timestamp,
    ) -> Result<RateDecision, CountersUnavailable>;

    /// What [`admit`](Self::admit) would answer, counting nothing; `remaining` is what is left before the use.
    ///
    /// # Errors
    /// [`CountersUnavailable`] when the counters can't be asked.
    async fn standing(
        &self,
        key: RateKey,
        rate: Rate,
        now: Timestamp,
    ) -> Result<RateDecision, CountersUnavailable>;

    /// Takes back one use that [`admit`](Self::admit) counted [at](RateDecision::at) that instant. One that has
    /// left the window already changes nothing.
    ///
    /// # Errors
    /// [`CountersUnavailable`] when the counters can't be asked: the use then leaves with its window.
    async fn give_back(&self, key: RateKey, at: Timestamp) -> Result<(), CountersUnavailable>;

    /// Takes a token of `key` at `now` if its bucket has one.
    ///
    /// # Errors
    /// [`CountersUnavailable`] when it can't be counted.
    async fn take(
        &self,
        key: RateKey,
        bucket: Bucket,
        now: Timestamp,
    ) -> Result<RateDecision, CountersUnavailable>;

    /// Counts one use under each of the limits, or under none of them; the answer is the
    /// [strictest](RateDecision::stricter) of theirs, `None` for no limits.
    ///
    /// As provided, it counts one after the other and gives back what it counted before a refusal; until then
    /// that use takes up room. Counters that are reached over a network do it in one round trip instead.
    ///
    /// # Errors
    /// [`CountersUnavailable`] when one of them can't be counted.
    async fn admit_all(
        &self,
        limits: &[Limit],
        now: Timestamp,
    ) -> Result<Option<RateDecision>, CountersUnavailable> {
        let mut answer: Option<RateDecision> = None;
        let mut counted = Vec::with_capacity(limits.len());
        let mut outcome = Ok(());
        for limit in limits {
            match self.admit(limit.key, limit.rate, now).await {
                Ok(decision) => {
                    answer = Some(answer.map_or(decision, |strictest| strictest.stricter(decision)));
                    if decision.admitted {
                        counted.push((limit.key, decision.at));
                    }
                }
                Err(unavailable) => {
                    outcome = Err(unavailable);
                    break;
                }
            }
        }
        if outcome.is_err() || answer.is_some_and(|strictest| !strictest.admitted) {
            for (key, at) in counted {
                outcome = outcome.and(self.give_back(key, at).await);
            }
        }
        outcome.map(|()| answer)
    }

    /// What [`admit_all`](Self::admit_all) would answer, counting nothing.
    ///
    /// # Errors
    /// [`CountersUnavailable`] when one of the windows can't be asked.
    async fn standing_all(
        &self,
        limits: &[Limit],
        now: Timestamp,
    ) -> Result<Option<RateDecision>, CountersUnavailable> {
        let mut answer: Option<RateDecision> = None;
        for limit in limits {
            let decision = self.standing(limit.key, limit.rate, now).await?;
            answer = Some(answer.map_or(decision, |strictest| strictest.stricter(decision)));
        }
        Ok(answer)
    }
}

/// The limits on failed sign-ins: 10 of an account and 50 from an address in any 15 minutes.
///
/// Only failures count, and that is decided at the outcome:
///
/// 1. Ask [`standing_all`](Counters::standing_all). Refused: answer 429 without looking at the password.
/// 2. Verify the password.
/// 3. Wrong: [`admit_all`](Counters::admit_all) counts the failure. Refused: answer 429, else 401.
/// 4. Right: ask [`standing_all`](Counters::standing_all) again. Refused: answer 429, else sign in.
///
/// However many attempts run at once, they are told apart in the order in which they end, as if they had been
/// made one after the other: after 10 failures nobody learns whether a password was right, and a right one
/// counts for nothing. Counting every attempt at its start and giving it back when it succeeds would refuse
/// people who sign in at the same moment from one address, and would count whoever hangs up as a failure. A
/// token bucket can neither be asked without taking nor be given back to, and refills before 15 minutes are
/// over; it has its place before these steps, [smoothing](Counters::take) all attempts from an address, since
/// verifying is dear.
///
/// `account` is what the attempt names, whether such a user exists or not, so that the answers don't tell.
///
/// ```
/// use tenantry_core::{RealmId, sign_in_limits};
///
/// let (realm, from) = (RealmId::generate(), "192.0.2.7".parse()?);
/// let [account, address] = sign_in_limits(realm, "ann@example.com", from);
/// assert_eq!((account.rate.requests(), address.rate.requests()), (10, 50));
/// assert_eq!(account, sign_in_limits(realm, "Ann@Example.com", from)[0]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn sign_in_limits(realm: RealmId, account: &str, from: IpAddr) -> [Limit; 2] {
    const QUARTER: Duration = Duration::from_secs(15 * 60);
    let rate = |requests| Rate { requests, window: QUARTER };
    [
        Limit { key: RateKey::failures_of(realm, account), rate: rate(10) },
        Limit { key: RateKey::failures_from(from), rate: rate(50) },
    ]
}

/// A rate, and whose uses it limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Whose uses.
    pub key: RateKey,
    /// How many.
    pub rate: Rate,
}

/// What a window or a bucket belongs to. Small and of fixed size, and made from facts: text that a client sends
/// never becomes part of it, or clients could fill the counters with keys of any size.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateKey(Subject);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Tenant(TenantId),
    User(UserId),
    Address(IpAddr),
    FailuresOf([u8; 16]),
    FailuresFrom(IpAddr),
}

impl RateKey {
    /// The requests of a tenant.
    #[must_use]
    pub const fn tenant(tenant: TenantId) -> Self {
        Self(Subject::Tenant(tenant))
    }

    /// The requests of a user.
    #[must_use]
    pub const fn user(user: UserId) -> Self {
        Self(Subject::User(user))
    }

    /// The requests from a client's address. Of an IPv6 address the first 64 bits count, since a client has
    /// all the addresses that begin with them; an IPv4 address mapped into IPv6 is that IPv4 address.
    #[must_use]
    pub const fn address(from: IpAddr) -> Self {
        Self(Subject::Address(network(from)))
    }

    /// The failed sign-ins of an account of a realm, which is kept as the SHA-256 of its name, in lower case and
    /// without surrounding space, cut to 128 bits.
    #[must_use]
    pub fn failures_of(realm: RealmId, account: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(realm.as_uuid().as_bytes());
        hash.update(account.trim().to_lowercase().as_bytes());
        let mut short = [0; 16];
        for (byte, digest) in short.iter_mut().zip(hash.finalize().iter()) {
            *byte = *digest;
        }
        Self(Subject::FailuresOf(short))
    }

    /// The failed sign-ins from a client's address, cut as in [`address`](Self::address).
    #[must_use]
    pub const fn failures_from(from: IpAddr) -> Self {
        Self(Subject::FailuresFrom(network(from)))
    }

    /// Whether it was made from what a token or a store vouches for. The others anybody can make at will:
    /// counters keep them apart, so that a flood of them takes no room from those.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        matches!(self.0, Subject::Tenant(_) | Subject::User(_))
    }
}

const fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !(u64::MAX as u128))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// One text for each key, to name it in a server that counts for several processes.
impl fmt::Display for RateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Subject::Tenant(tenant) => write!(f, "tenant:{tenant}"),
            Subject::User(user) => write!(f, "user:{user}"),
            Subject::Address(from) => write!(f, "address:{from}"),
            Subject::FailuresOf(account) => write!(f, "failures-of:{:032x}", u128::from_be_bytes(account)),
            Subject::FailuresFrom(from) => write!(f, "failures-from:{from}"),
        }
    }
}

impl fmt::Debug for RateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RateKey({self})")
    }
}

/// The counters can't count this: never a refusal of the caller (429), always a fault of the service (503).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CountersUnavailable {
    /// Every key that fits is in use, and this one is new.
    #[error("the rate counters hold as many keys as they may: raise their limit, or try again later")]
    Full,
    /// The server that counts doesn't answer.
    #[error("the rate counters do not answer: try again later")]
    Away,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_as_much_as_a_client_has() {
        assert_eq!(RateKey::address(ip("::ffff:192.0.2.7")), RateKey::address(ip("192.0.2.7")));
        assert_eq!(RateKey::address(ip("2001:db8:1:2:a::1")), RateKey::address(ip("2001:db8:1:2::f")));
        assert_ne!(RateKey::address(ip("2001:db8:1:2::1")), RateKey::address(ip("2001:db8:1:3::1")));
        assert_ne!(RateKey::address(ip("192.0.2.7")), RateKey::failures_from(ip("192.0.2.7")));
        assert_eq!(RateKey::failures_from(ip("2001:db8::1")).to_string(), "failures-from:2001:db8::");
    }

    #[test]
    fn an_account_is_its_realm_and_its_name_whatever_the_case() {
        let (realm, other) = (RealmId::generate(), RealmId::generate());
        let key = RateKey::failures_of(realm, "ann@example.com");
        assert_eq!(key, RateKey::failures_of(realm, " ANN@example.com"));
        assert_ne!(key, RateKey::failures_of(other, "ann@example.com"));
        assert!(!key.to_string().contains("ann"));
        assert!(!key.is_authenticated());
        assert!(RateKey::tenant(TenantId::generate()).is_authenticated());
        assert!(size_of::<RateKey>() <= 20, "{}", size_of::<RateKey>());
    }

    #[test]
    fn the_figures_of_a_sign_in_are_possible_ones() {
        for limit in sign_in_limits(RealmId::generate(), "a", ip("::1")) {
            assert_eq!(Rate::new(limit.rate.requests(), limit.rate.window()), Ok(limit.rate));
        }
    }
}
