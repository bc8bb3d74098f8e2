//! A good token at the host of another tenant: refused from memory where memory knows both, and never otherwise than by
//! a gate that remembers nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tenantry::Epochs;
use tenantry::http::{BadToken, Gate, Problem, Refusal};

use super::{BODY_LIMIT, Bare, World};

const HOSTS: [&str; 15] = [
    "a.localhost",
    "b.localhost",
    "B.LocalHost:8080",
    "b.localhost.",
    "b.localhost.:1",
    "b.localhost..",
    "b.localhost:",
    "b.localhost:x",
    "x.b.localhost",
    "free.localhost",
    "suspended.localhost",
    "localhost",
    "platform.localhost",
    "nobody.localhost",
    "",
];

const TOKENS: [&str; 9] = [
    "a-owner",
    "A-owner",
    "a-reader",
    "b-owner",
    "b-expired",
    "free-owner",
    "suspended-owner",
    "platform-owner",
    "nonsense",
];

/// What a request is answered: who it is of, or the refusal's status, code and words.
async fn answer(gate: &Gate, request: &Bare<'_>) -> Result<String, (u16, &'static str, String)> {
    let problem = |refusal| {
        let problem = Problem::from(refusal);
        (problem.status(), problem.code(), problem.detail().to_owned())
    };
    let admission = gate.check(Gate::read(request), None).await.map_err(problem)?;
    Ok(format!("{} of {}", admission.caller().id(), admission.caller().tenant().id()))
}

/// What memory answers: whether it refuses the token as another tenant's. It isn't to know of anything else.
fn is_refused_from_memory(world: &World, host: &str, token: &str) -> bool {
    match world.gate.try_check(Gate::read(&Bare::of(host, token)), None) {
        None => false,
        Some(Err(Refusal::TenantMismatch)) => true,
        Some(other) => panic!("{token} at {host}: {other:?}"),
    }
}

async fn mismatches(world: &World, host: &str, token: &str) -> bool {
    let refused = world.gate.check(Gate::read(&Bare::of(host, token)), None).await;
    matches!(refused, Err(Refusal::TenantMismatch))
}

async fn see(world: &World, tenants: &[&str]) {
    for tenant in tenants {
        let host = format!("{tenant}.localhost");
        assert!(answer(&world.gate, &Bare::of(&host, &format!("{tenant}-owner"))).await.is_ok());
    }
}

#[tokio::test]
async fn a_token_and_a_host_that_were_seen_are_enough_to_refuse() {
    let world = World::new().await;
    see(&world, &["a", "b"]).await;
    assert!(answer(&world.gate, &Bare::of("localhost", "platform-owner")).await.is_ok());
    let asked = world.tokens.asked();
    world.store.away.store(true, Ordering::Relaxed);
    for (host, token) in [
        ("b.localhost", "a-owner"),
        ("B.LocalHost", "a-owner"),
        ("b.localhost:8080", "a-owner"),
        ("b.LOCALHOST.:1", "a-owner"),
        ("a.localhost", "b-owner"),
        ("localhost", "a-owner"),
        ("LOCALHOST.:443", "a-owner"),
        ("a.localhost", "platform-owner"),
    ] {
        assert!(is_refused_from_memory(&world, host, token), "{token} at {host}");
        assert!(mismatches(&world, host, token).await, "{token} at {host}");
    }
    assert_eq!(world.tokens.asked(), asked, "no token was verified anew");
}

#[tokio::test]
async fn one_of_the_two_is_not_enough() {
    let world = World::new().await;
    see(&world, &["a"]).await;
    for host in
        ["b.localhost", "nobody.localhost", "suspended.localhost", "platform.localhost", "b.localhost:x"]
    {
        assert!(!is_refused_from_memory(&world, host, "a-owner"), "{host} was never seen");
    }
    assert!(mismatches(&world, "b.localhost", "a-owner").await);
    assert!(!is_refused_from_memory(&world, "b.localhost", "a-owner"), "strangers make no host known");
    for token in ["b-owner", "a-reader", "nonsense"] {
        assert!(!is_refused_from_memory(&world, "a.localhost", token), "{token} was never seen");
    }
    assert!(mismatches(&world, "a.localhost", "b-owner").await);
    assert!(!is_refused_from_memory(&world, "a.localhost", "b-owner"), "nor a token known");
}

#[tokio::test]
async fn whoever_is_refused_there_is_counted_nowhere() {
    let world = World::new().await;
    see(&world, &["a", "b"]).await;
    for _ in 0..5 {
        assert!(mismatches(&world, "b.localhost", "a-owner").await);
    }
    world.counters.away.store(true, Ordering::Relaxed);
    assert!(mismatches(&world, "b.localhost", "a-owner").await, "no counter is asked");
    world.counters.away.store(false, Ordering::Relaxed);
    for (host, token) in [("a.localhost", "a-owner"), ("b.localhost", "b-owner")] {
        let admission = world.gate.check(Gate::read(&Bare::of(host, token)), None).await.unwrap();
        assert_eq!(admission.counted().unwrap().decision().remaining, 998);
    }
}

#[tokio::test]
async fn it_is_refused_before_its_body_is_measured() {
    let world = World::new().await;
    see(&world, &["a", "b"]).await;
    let heavy = |host| Bare::of(host, "a-owner").announced(BODY_LIMIT + 1);
    for gate in [&world.gate, &world.forgetful()] {
        assert_eq!(answer(gate, &heavy("b.localhost")).await.unwrap_err().1, "tenant_mismatch");
        assert_eq!(answer(gate, &heavy("a.localhost")).await.unwrap_err().1, "too_large");
    }
}

#[tokio::test]
async fn memory_refuses_no_longer_once_the_other_tenant_changed() {
    let world = World::new().await;
    see(&world, &["a", "b"]).await;
    world.suspend("b").await;
    assert!(!is_refused_from_memory(&world, "b.localhost", "a-owner"));
    assert!(mismatches(&world, "b.localhost", "a-owner").await, "whatever the status of the host's tenant");
    world.reactivate("b").await;
    assert!(
        !is_refused_from_memory(&world, "b.localhost", "a-owner"),
        "until somebody was let in there again"
    );
    see(&world, &["b"]).await;
    assert!(is_refused_from_memory(&world, "b.localhost", "a-owner"));
}

#[tokio::test]
async fn memory_refuses_no_longer_once_the_token_stands_for_something_else() {
    let world = World::new().await;
    see(&world, &["a", "b"]).await;
    assert!(answer(&world.gate, &Bare::of("a.localhost", "a-reader")).await.is_ok());
    assert!(is_refused_from_memory(&world, "b.localhost", "a-reader"));
    let asked = world.tokens.asked();
    world.demote_reader("a").await;
    assert!(!is_refused_from_memory(&world, "b.localhost", "a-reader"));
    assert!(mismatches(&world, "b.localhost", "a-reader").await);
    world.remove_reader("a").await;
    assert!(mismatches(&world, "b.localhost", "a-reader").await);
    assert_eq!(world.tokens.asked() - asked, 2, "the token was verified anew each time");
    world.suspend("a").await;
    assert!(!is_refused_from_memory(&world, "b.localhost", "a-owner"));
    assert!(mismatches(&world, "b.localhost", "a-owner").await);
}

#[tokio::test]
async fn a_token_expires_at_another_host_too() {
    let world = World::new().await;
    see(&world, &["a", "b"]).await;
    world.clock.advance(Duration::from_micros(899_999_999));
    assert!(is_refused_from_memory(&world, "b.localhost", "a-owner"));
    world.clock.advance(Duration::from_micros(1));
    assert!(!is_refused_from_memory(&world, "b.localhost", "a-owner"));
    let expired = world.gate.check(Gate::read(&Bare::of("b.localhost", "a-owner")), None).await;
    assert!(matches!(expired, Err(Refusal::Unauthenticated(BadToken::Invalid))), "{expired:?}");
}

#[tokio::test]
async fn a_process_that_hears_nothing_refuses_nobody_from_memory() {
    let world = World::new().await;
    see(&world, &["a", "b"]).await;
    world.store.pause(Epochs::STALE_AFTER - Duration::from_millis(1));
    assert!(is_refused_from_memory(&world, "b.localhost", "a-owner"), "not yet");
    world.store.pause(Duration::from_millis(1));
    assert!(!is_refused_from_memory(&world, "b.localhost", "a-owner"));
    let stale = world.gate.check(Gate::read(&Bare::of("b.localhost", "a-owner")), None).await;
    assert!(matches!(stale, Err(Refusal::StoreUnavailable(_))), "{stale:?}");
    world.store.poll();
    assert!(is_refused_from_memory(&world, "b.localhost", "a-owner"), "nothing had changed");

    world.store.elsewhere.store(true, Ordering::Relaxed);
    world.suspend("b").await;
    assert!(is_refused_from_memory(&world, "b.localhost", "a-owner"), "not heard of yet");
    world.store.poll();
    assert!(!is_refused_from_memory(&world, "b.localhost", "a-owner"));
}

/// Every token at every host, twice, by a gate that remembers and one that doesn't.
async fn compare(world: &World, when: &str) {
    let forgetful = world.forgetful();
    for round in ["", ", again"] {
        for host in HOSTS {
            for token in TOKENS {
                let request = Bare::of(host, token);
                let [ours, expected] =
                    [answer(&world.gate, &request).await, answer(&forgetful, &request).await];
                assert_eq!(ours, expected, "{when}{round}: {token} at {host:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_gate_that_remembers_answers_as_one_that_does_not() {
    let world = World::new().await;
    compare(&world, "at first").await;
    world.suspend("b").await;
    compare(&world, "b suspended").await;
    world.reactivate("b").await;
    compare(&world, "b active again").await;
    world.demote_reader("a").await;
    compare(&world, "the reader demoted").await;
    world.remove_reader("a").await;
    compare(&world, "the reader gone").await;
    world.suspend("a").await;
    compare(&world, "a suspended").await;
    world.reactivate("a").await;
    compare(&world, "a active again").await;
    world.store.pause(Epochs::STALE_AFTER);
    compare(&world, "nothing heard").await;
    world.store.poll();
    compare(&world, "heard again").await;
    world.clock.advance(Duration::from_secs(900));
    compare(&world, "all tokens expired").await;
}
