//! What callers see of the counters in memory: exact under contention, bounded in keys, and calm about clocks.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tenantry_core::{
    Bucket, Counters, CountersUnavailable, Limit, Rate, RateDecision, RateKey, RealmId, TenantId, Timestamp,
    UserId, sign_in_limits,
};
use tokio::sync::Barrier;

use super::MemoryCounters;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn rate(requests: u32, micros: u64) -> Rate {
    Rate::new(requests, Duration::from_micros(micros)).unwrap()
}

fn address(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(n).into()
}

fn admit(
    counters: &MemoryCounters,
    key: RateKey,
    rate: Rate,
    now: i64,
) -> Result<RateDecision, CountersUnavailable> {
    counters.try_admit(key, rate, at(now)).expect("counters in memory answer at once")
}

/// Runs `tasks` futures that all wait for the last one before they go on.
async fn at_once<F, T>(tasks: usize, make: impl Fn(usize, Arc<Barrier>) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(tasks));
    let handles: Vec<_> = (0..tasks).map(|n| tokio::spawn(make(n, barrier.clone()))).collect();
    let mut answers = Vec::with_capacity(tasks);
    for handle in handles {
        answers.push(handle.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn of_64_at_once_a_window_of_50_admits_50() {
    for round in 0..50 {
        let counters = Arc::new(MemoryCounters::new());
        let key = RateKey::tenant(TenantId::generate());
        let answers = at_once(64, |n, barrier| {
            let counters: Arc<dyn Counters> = counters.clone();
            async move {
                barrier.wait().await;
                let now = at(1_000 + i64::try_from(n % 7).unwrap());
                counters.admit(key, Rate::per_hour(50), now).await.unwrap()
            }
        })
        .await;
        let admitted = answers.iter().filter(|answer| answer.admitted).count();
        let mut left: Vec<u32> = answers.iter().filter(|a| a.admitted).map(|a| a.remaining).collect();
        left.sort_unstable();
        assert_eq!(admitted, 50);
        assert_eq!(left, (0..50).collect::<Vec<u32>>());
        if round == 0 {
            println!(
                "64 at once on a window of 50: {admitted} admitted, {} refused",
                answers.len() - admitted
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn of_64_at_once_a_bucket_of_50_gives_50() {
    let counters = Arc::new(MemoryCounters::new());
    let key = RateKey::address(address(1));
    let bucket = Bucket::new(50, Duration::from_secs(3600)).unwrap();
    let answers = at_once(64, |_, barrier| {
        let counters = counters.clone();
        async move {
            barrier.wait().await;
            counters.take(key, bucket, at(5)).await.unwrap()
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.admitted).count(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn new_keys_at_once_stay_within_the_bound() {
    let counters = Arc::new(MemoryCounters::with_max_keys(100));
    let answers = at_once(64, |n, barrier| {
        let counters = counters.clone();
        async move {
            barrier.wait().await;
            let keys = (0..10).map(|k| RateKey::address(address(u32::try_from(n * 10 + k).unwrap())));
            keys.filter(|&key| admit(&counters, key, Rate::per_hour(5), 0).is_ok()).count()
        }
    })
    .await;
    assert_eq!((answers.iter().sum::<usize>(), counters.keys()), (100, 100));
}

#[tokio::test]
async fn a_full_table_refuses_new_keys_aloud_and_goes_on_with_those_it_holds() {
    let counters = MemoryCounters::with_max_keys(1000);
    let rate = rate(2, 100);
    let key = |n| RateKey::address(address(n));
    for n in 0..1000 {
        assert!(admit(&counters, key(n), rate, 0).unwrap().admitted);
    }
    assert_eq!(admit(&counters, key(1000), rate, 99), Err(CountersUnavailable::Full));
    assert!(admit(&counters, key(7), rate, 99).unwrap().admitted);
    assert!(!admit(&counters, key(7), rate, 99).unwrap().admitted);
    assert!(counters.standing(key(1000), rate, at(99)).await.unwrap().admitted);
    assert_eq!(counters.keys(), 1000);

    let tenant = RateKey::tenant(TenantId::generate());
    assert!(admit(&counters, tenant, rate, 99).unwrap().admitted);

    for n in 1000..1999 {
        assert!(admit(&counters, key(n), rate, 100).unwrap().admitted, "{n}");
    }
    assert_eq!(admit(&counters, key(1999), rate, 100), Err(CountersUnavailable::Full));
    assert!(admit(&counters, key(7), rate, 198).unwrap().admitted);
    assert_eq!(counters.keys(), 1001);
}

#[test]
fn memory_follows_use_before_the_table_is_full() {
    let counters = MemoryCounters::new();
    for n in 0..200_000_u32 {
        admit(&counters, RateKey::address(address(n)), rate(2, 100), i64::from(n)).unwrap();
    }
    println!("200,000 keys, 100 of them live at any time: {} held", counters.keys());
    assert!(counters.keys() <= 64 * 64 + 1, "{}", counters.keys());
}

#[test]
fn a_flood_of_new_keys_is_refused_aloud_each_time() {
    let counters = MemoryCounters::new();
    for n in 0..100_000 {
        admit(&counters, RateKey::address(address(n)), Rate::per_hour(1), 0).unwrap();
    }
    let started = Instant::now();
    let refused = (100_000..200_000)
        .filter(|&n| admit(&counters, RateKey::address(address(n)), Rate::per_hour(1), 1).is_err())
        .count();
    println!("{refused} new keys refused by a full table of 100,000 in {:?}", started.elapsed());
    assert_eq!(refused, 100_000);
}

#[tokio::test]
async fn a_use_given_back_makes_room_at_once_and_only_its_own() {
    let counters = MemoryCounters::new();
    let (key, rate) = (RateKey::user(UserId::generate()), rate(2, 100));
    let first = admit(&counters, key, rate, 0).unwrap();
    assert!(admit(&counters, key, rate, 50).unwrap().admitted);
    counters.give_back(key, first.at).await.unwrap();
    counters.give_back(key, at(77)).await.unwrap();
    assert!(admit(&counters, key, rate, 60).unwrap().admitted);
    let refused = admit(&counters, key, rate, 60).unwrap();
    assert_eq!((refused.admitted, refused.retry_after), (false, Some(Duration::from_micros(90))));
}

#[tokio::test]
async fn several_limits_count_together_or_not_at_all() {
    let counters = MemoryCounters::new();
    let tenant = Limit { key: RateKey::tenant(TenantId::generate()), rate: rate(5, 100) };
    let user = Limit { key: RateKey::user(UserId::generate()), rate: rate(2, 1000) };
    for _ in 0..2 {
        assert!(counters.admit_all(&[tenant, user], at(0)).await.unwrap().unwrap().admitted);
    }
    let refused = counters.admit_all(&[tenant, user], at(1)).await.unwrap().unwrap();
    assert_eq!((refused.admitted, refused.limit), (false, 2));
    assert_eq!(counters.standing(tenant.key, tenant.rate, at(1)).await.unwrap().remaining, 3);
    assert_eq!(counters.admit_all(&[], at(1)).await.unwrap(), None);

    let full = MemoryCounters::with_max_keys(1);
    assert_eq!(full.admit_all(&[tenant, user], at(0)).await, Err(CountersUnavailable::Full));
    assert_eq!(full.standing(tenant.key, tenant.rate, at(0)).await.unwrap().remaining, 5);
}

#[tokio::test]
async fn an_upgrade_starts_no_fresh_window() {
    let counters = MemoryCounters::new();
    let tenant = RateKey::tenant(TenantId::generate());
    for _ in 0..500 {
        assert!(admit(&counters, tenant, Rate::per_hour(500), 0).unwrap().admitted);
    }
    assert!(!admit(&counters, tenant, Rate::per_hour(500), 1).unwrap().admitted);
    let upgraded = (0..1000).filter(|_| admit(&counters, tenant, Rate::per_hour(1000), 2).unwrap().admitted);
    assert_eq!(upgraded.count(), 500);
}

#[tokio::test]
async fn clocks_may_go_anywhere() {
    let counters = MemoryCounters::new();
    let (key, bucket) = (RateKey::address(address(1)), Bucket::new(2, Duration::from_secs(2)).unwrap());
    for now in [5, i64::MIN, 0, i64::MAX, -1, i64::MAX, i64::MIN] {
        admit(&counters, key, Rate::per_hour(1), now).unwrap();
        counters.take(key, bucket, at(now)).await.unwrap();
    }
    let key = RateKey::address(address(2));
    let take = async |now| counters.take(key, bucket, at(now)).await.unwrap();
    assert_eq!(take(10_000_000).await.remaining, 1);
    assert!(take(10_000_000).await.admitted);
    let refused = take(9_000_000).await;
    assert_eq!((refused.admitted, refused.retry_after), (false, Some(Duration::from_secs(2))));
    assert_eq!(take(10_999_999).await.retry_after, Some(Duration::from_micros(1)));
    let refilled = take(11_000_000).await;
    assert_eq!((refilled.admitted, refilled.remaining, refilled.limit), (true, 0, 2));
    assert!(take(13_000_000).await.admitted);
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum SignIn {
    Done,
    Wrong,
    TooMany,
}

/// A sign-in by the steps that `sign_in_limits` gives; `verified` stands for the time that hashing takes.
async fn sign_in(
    counters: &dyn Counters,
    limits: [Limit; 2],
    password_is_right: bool,
    now: Timestamp,
    verified: impl Future<Output = ()>,
) -> SignIn {
    let refused = |answer: Option<RateDecision>| answer.is_some_and(|answer| !answer.admitted);
    if refused(counters.standing_all(&limits, now).await.unwrap()) {
        return SignIn::TooMany;
    }
    verified.await;
    match password_is_right {
        true if refused(counters.standing_all(&limits, now).await.unwrap()) => SignIn::TooMany,
        true => SignIn::Done,
        false if refused(counters.admit_all(&limits, now).await.unwrap()) => SignIn::TooMany,
        false => SignIn::Wrong,
    }
}

#[tokio::test]
async fn after_ten_failures_an_account_waits_and_successes_never_count() {
    let counters = MemoryCounters::new();
    let realm = RealmId::generate();
    let limits = sign_in_limits(realm, "ann@example.com", address(1));
    let attempt = async |right, now| sign_in(&counters, limits, right, at(now), async {}).await;
    for n in 0..9 {
        assert_eq!(attempt(false, n).await, SignIn::Wrong);
    }
    for _ in 0..100 {
        assert_eq!(attempt(true, 9).await, SignIn::Done);
    }
    assert_eq!(attempt(false, 10).await, SignIn::Wrong);
    assert_eq!(attempt(true, 11).await, SignIn::TooMany);
    assert_eq!(attempt(false, 899_999_999).await, SignIn::TooMany);
    let elsewhere = sign_in_limits(realm, "ann@example.com", address(2));
    assert_eq!(sign_in(&counters, elsewhere, true, at(11), async {}).await, SignIn::TooMany);
    let bob = sign_in_limits(realm, "bob@example.com", address(1));
    assert_eq!(sign_in(&counters, bob, true, at(11), async {}).await, SignIn::Done);
    assert_eq!(attempt(true, 900_000_000).await, SignIn::Done);
}

#[tokio::test]
async fn after_fifty_failures_an_address_waits() {
    let counters = MemoryCounters::new();
    let realm = RealmId::generate();
    let mut wrong = 0;
    for n in 0..80 {
        let limits = sign_in_limits(realm, &format!("user-{n}@example.com"), address(1));
        wrong += usize::from(sign_in(&counters, limits, false, at(n), async {}).await == SignIn::Wrong);
    }
    assert_eq!(wrong, 50);
    let from_elsewhere = sign_in_limits(realm, "user-79@example.com", address(2));
    assert_eq!(sign_in(&counters, from_elsewhere, true, at(80), async {}).await, SignIn::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn guesses_made_at_once_are_told_no_more_than_guesses_made_in_turn() {
    for right in [None, Some(40_usize)] {
        let counters = Arc::new(MemoryCounters::new());
        let limits = sign_in_limits(RealmId::generate(), "ann@example.com", address(1));
        let answers = at_once(64, |n, hashing| {
            let counters = counters.clone();
            async move {
                let verified = async {
                    hashing.wait().await;
                };
                sign_in(&*counters, limits, Some(n) == right, at(7), verified).await
            }
        })
        .await;
        let told = |what| answers.iter().filter(|&&answer| answer == what).count();
        println!("64 guesses at once: {} wrong, {} too many", told(SignIn::Wrong), told(SignIn::TooMany));
        assert_eq!(told(SignIn::Wrong), 10);
        assert!(told(SignIn::Done) <= usize::from(right.is_some()));
        assert_eq!(sign_in(&*counters, limits, true, at(8), async {}).await, SignIn::TooMany);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn people_who_sign_in_at_once_from_one_address_all_get_in() {
    let counters = Arc::new(MemoryCounters::new());
    let limits = sign_in_limits(RealmId::generate(), "ann@example.com", address(1));
    let answers = at_once(64, |_, hashing| {
        let counters = counters.clone();
        async move {
            let verified = async {
                hashing.wait().await;
            };
            sign_in(&*counters, limits, true, at(7), verified).await
        }
    })
    .await;
    assert_eq!(answers, [SignIn::Done; 64]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_key_is_answered_like_brute_force(
        requests in 1_u32..5,
        micros in 1_i64..20,
        max_keys in 1_usize..6,
        steps in prop::collection::vec((0_u32..8, -1_i64..6), 1..200),
    ) {
        let counters = MemoryCounters::with_max_keys(max_keys);
        let rate = rate(requests, u64::try_from(micros).unwrap());
        let mut admissions: Vec<Vec<i64>> = vec![Vec::new(); 8];
        let mut now = 0_i64;
        let mut latest = 0_i64;
        for (n, advance) in steps {
            now = (now + advance).max(latest);
            latest = now;
            let live = |used: &Vec<i64>| used.iter().filter(|&&used| now - used < micros).count();
            let others = admissions.iter().enumerate().filter(|(k, used)| *k != n as usize && live(used) > 0);
            let others = others.count();
            let held = live(&admissions[n as usize]);
            match admit(&counters, RateKey::address(address(n)), rate, now) {
                Ok(decision) => {
                    prop_assert_eq!(decision.admitted, held < requests as usize);
                    prop_assert!(held > 0 || others < max_keys, "admitted with {} of {} keys live", others, max_keys);
                    if decision.admitted {
                        admissions[n as usize].push(now);
                    }
                }
                Err(unavailable) => {
                    prop_assert_eq!(unavailable, CountersUnavailable::Full);
                    prop_assert!(held == 0 && others >= max_keys, "refused with {others} of {max_keys} keys live");
                }
            }
            prop_assert!(counters.keys() <= max_keys);
        }
    }
}
