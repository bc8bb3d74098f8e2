use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use tenantry::http::{InvalidToken, TokenVerifier, VerifiedToken};
use tenantry::{
    Bucket, Counters, CountersUnavailable, MemoryCounters, Rate, RateDecision, RateKey, Timestamp,
};

/// Tokens that are good because a test says so.
#[derive(Default)]
pub(crate) struct Tokens {
    good: Mutex<HashMap<String, VerifiedToken>>,
    asked: AtomicUsize,
}

impl Tokens {
    pub(crate) fn issue(&self, token: &str, verified: VerifiedToken) {
        self.good.lock().unwrap().insert(token.to_owned(), verified);
    }

    /// How often a token was verified.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl TokenVerifier for Tokens {
    fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedToken, InvalidToken> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = self.good.lock().unwrap().get(token).copied();
        found.filter(|good| now < good.expires_at).ok_or(InvalidToken)
    }
}

/// Counters that can be away, or answer only when waited for.
#[derive(Default)]
pub(crate) struct SwitchedCounters {
    inner: MemoryCounters,
    pub(crate) away: AtomicBool,
    pub(crate) slow: AtomicBool,
}

impl SwitchedCounters {
    fn there(&self) -> Result<&MemoryCounters, CountersUnavailable> {
        if self.away.load(Ordering::Relaxed) { Err(CountersUnavailable::Away) } else { Ok(&self.inner) }
    }
}

#[async_trait]
impl Counters for SwitchedCounters {
    fn try_admit(
        &self,
        key: RateKey,
        rate: Rate,
        now: Timestamp,
    ) -> Option<Result<RateDecision, CountersUnavailable>> {
        if self.slow.load(Ordering::Relaxed) {
            return None;
        }
        match self.there() {
            Ok(inner) => inner.try_admit(key, rate, now),
            Err(away) => Some(Err(away)),
        }
    }

    async fn admit(
        &self,
        key: RateKey,
        rate: Rate,
        now: Timestamp,
    ) -> Result<RateDecision, CountersUnavailable> {
        tokio::task::yield_now().await;
        self.there()?.admit(key, rate, now).await
    }

    async fn standing(
        &self,
        key: RateKey,
        rate: Rate,
        now: Timestamp,
    ) -> Result<RateDecision, CountersUnavailable> {
        self.there()?.standing(key, rate, now).await
    }

    async fn give_back(&self, key: RateKey, at: Timestamp) -> Result<(), CountersUnavailable> {
        self.there()?.give_back(key, at).await
    }

    async fn take(
        &self,
        key: RateKey,
        bucket: Bucket,
        now: Timestamp,
    ) -> Result<RateDecision, CountersUnavailable> {
        self.there()?.take(key, bucket, now).await
    }
}
