//! What the gate remembers, and what it forgets with the next request.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tenantry::http::{BadToken, Gate, Refusal};
use tenantry::{TenantInactive, TenantKind, WriteDoor as _};

use super::{Bare, Server, World, ask, me};

async fn refusal(world: &World, host: &str, token: &str) -> Option<Refusal> {
    world.gate.check(Gate::read(&Bare::of(host, token)), None).await.err()
}

#[tokio::test]
async fn what_was_seen_is_decided_without_waiting_or_verifying_again() {
    let world = World::new().await;
    let request = Bare::of("a.localhost", "a-owner");
    assert!(world.gate.try_check(Gate::read(&request), None).is_none());
    assert!(world.gate.try_tenant(Gate::read(&request)).is_none());
    assert!(world.gate.check(Gate::read(&request), None).await.is_ok());
    for left in (989..999).rev() {
        let admission = world.gate.try_check(Gate::read(&request), None).unwrap().unwrap();
        assert_eq!(admission.counted().unwrap().decision().remaining, left);
    }
    assert!(world.gate.try_tenant(Gate::read(&request)).is_some());
    assert_eq!(world.tokens.asked(), 1);
    let elsewhere = Bare::of("b.localhost", "a-owner");
    assert!(world.gate.try_check(Gate::read(&elsewhere), None).is_none());
    assert!(matches!(refusal(&world, "b.localhost", "a-owner").await, Some(Refusal::TenantMismatch)));
}

#[tokio::test]
async fn a_demoted_member_loses_with_the_next_request() {
    let world = World::new().await;
    let servers = Server::both(&world);
    let list = ask("GET", "/listings").at("a.localhost").token("a-reader");
    let everybody = || servers.each_ref().map(|server| list.send(server.address).status);
    assert_eq!([everybody(), everybody()], [[200, 200]; 2]);
    world.demote_reader("a").await;
    assert_eq!(everybody(), [403, 403]);
    assert_eq!(me("a", "a-reader").send(servers[0].address).status, 200);
    world.remove_reader("a").await;
    assert_eq!(everybody(), [401, 401]);
    assert_eq!(me("a", "a-owner").send(servers[0].address).status, 200);
}

#[tokio::test]
async fn a_suspended_tenant_loses_with_the_next_request() {
    let world = World::new().await;
    let servers = Server::both(&world);
    let both = |ask: super::Ask| servers.each_ref().map(|server| ask.send(server.address).status);
    let public = || ask("GET", "/public").at("a.localhost");
    assert_eq!([both(me("a", "a-owner")), both(me("a", "a-owner")), both(public())], [[200, 200]; 3]);
    world.suspend("a").await;
    assert_eq!([both(me("a", "a-owner")), both(public())], [[403, 403]; 2]);
    assert_eq!(both(me("b", "b-owner")), [200, 200]);
    world.reactivate("a").await;
    assert_eq!([both(me("a", "a-owner")), both(public())], [[200, 200]; 2]);
}

#[tokio::test]
async fn what_was_read_before_a_change_is_thrown_away_and_read_again() {
    let world = World::new().await;
    let reads = || world.store.members_read.swap(0, Ordering::Relaxed);
    reads();
    *world.store.meanwhile.lock().unwrap() = Some(Box::new(|store, tenant| store.epochs().moved(tenant)));
    assert!(refusal(&world, "a.localhost", "a-owner").await.is_none());
    assert_eq!(reads(), 2, "the first time it changed while it was read");
    assert!(refusal(&world, "a.localhost", "a-owner").await.is_none());
    assert_eq!(reads(), 0, "what was read then is remembered");
}

#[tokio::test]
async fn what_was_read_before_a_pause_is_not_served_after_it() {
    let world = World::new().await;
    *world.store.meanwhile.lock().unwrap() = Some(Box::new(|store, _| store.pause(Duration::from_secs(60))));
    let paused = refusal(&world, "a.localhost", "a-owner").await;
    assert!(matches!(paused, Some(Refusal::StoreUnavailable(_))), "{paused:?}");
    let all_the_time = refusal(&world, "a.localhost", "a-owner").await;
    assert!(matches!(all_the_time, Some(Refusal::StoreUnavailable(_))), "{all_the_time:?}");
    assert_eq!(world.gate.remembered().1, 0, "nothing is kept of it");
    world.store.poll();
    assert!(refusal(&world, "a.localhost", "a-owner").await.is_none());

    world.remove_reader("a").await;
    *world.store.meanwhile.lock().unwrap() = Some(Box::new(|store, _| store.pause(Duration::from_secs(60))));
    let paused = refusal(&world, "a.localhost", "a-reader").await;
    assert!(matches!(paused, Some(Refusal::StoreUnavailable(_))), "nor is a refusal: {paused:?}");
    world.store.poll();
    let refused = refusal(&world, "a.localhost", "a-reader").await;
    assert!(matches!(refused, Some(Refusal::Unauthenticated(BadToken::Invalid))), "{refused:?}");
}

#[tokio::test]
async fn another_plan_has_another_rate_with_the_next_request() {
    let world = World::new().await;
    let limit = async || {
        let request = Bare::of("a.localhost", "a-owner");
        let admission = world.gate.check(Gate::read(&request), None).await.unwrap();
        admission.counted().map(tenantry::http::Counted::policy)
    };
    assert_eq!(limit().await.as_deref(), Some("\"default\";q=1000;w=3600"));
    world.subscribe("a", "fifty").await;
    assert_eq!(limit().await.as_deref(), Some("\"default\";q=50;w=3600"));
    world.subscribe("a", "free").await;
    assert_eq!(limit().await, None);
}

#[tokio::test]
async fn a_token_that_was_seen_still_expires() {
    let world = World::new().await;
    assert!(refusal(&world, "a.localhost", "a-owner").await.is_none());
    world.clock.advance(Duration::from_micros(899_999_999));
    assert!(refusal(&world, "a.localhost", "a-owner").await.is_none());
    world.clock.advance(Duration::from_micros(1));
    let expired = refusal(&world, "a.localhost", "a-owner").await;
    assert!(matches!(expired, Some(Refusal::Unauthenticated(BadToken::Invalid))), "{expired:?}");
}

#[tokio::test]
async fn inventions_leave_nothing_behind() {
    let world = World::new().await;
    for n in 0..10_000 {
        let host = format!("nobody-{n}.localhost");
        assert!(matches!(refusal(&world, &host, "nonsense").await, Some(Refusal::TenantUnknown)));
    }
    assert_eq!(world.gate.remembered(), (0, 0));
    for n in 0..10_000 {
        let token = format!("nonsense-{n}");
        assert!(matches!(refusal(&world, "a.localhost", &token).await, Some(Refusal::Unauthenticated(_))));
    }
    let suspended = refusal(&world, "suspended.localhost", "suspended-owner").await;
    assert!(matches!(suspended, Some(Refusal::Inactive(TenantInactive::Suspended))));
    assert_eq!(world.gate.remembered(), (0, 0));
}

#[tokio::test]
async fn a_host_is_remembered_under_one_spelling() {
    let world = World::new().await;
    for port in 1..500 {
        for host in [format!("a.localhost:{port}"), format!("A.LocalHost.:{port}")] {
            assert!(refusal(&world, &host, "a-owner").await.is_none());
        }
    }
    assert_eq!(world.gate.remembered(), (1, 1));
}

#[tokio::test]
async fn memory_is_bounded() {
    let world = World::with_cache(2).await;
    for tenant in ["a", "b", "fifty", "free", "a", "b", "fifty", "free"] {
        let (host, token) = (format!("{tenant}.localhost"), format!("{tenant}-owner"));
        assert!(refusal(&world, &host, &token).await.is_none());
    }
    let (hosts, tokens) = world.gate.remembered();
    assert!(hosts <= 2 && tokens <= 2, "{hosts} hosts, {tokens} tokens");
    let nothing = World::with_cache(0).await;
    for _ in 0..3 {
        assert!(refusal(&nothing, "a.localhost", "a-owner").await.is_none());
    }
    assert_eq!(nothing.gate.remembered(), (0, 0));
}

#[tokio::test]
async fn the_platform_is_itself() {
    let world = World::new().await;
    let at = async |host| world.gate.tenant(Gate::read(&Bare::of(host, ""))).await.unwrap();
    let (platform, other) = (at("localhost").await, at("a.localhost").await);
    assert!(world.gate.is_platform(&platform) && !world.gate.is_platform(&other));
    assert_eq!(platform.tenant().kind, "platform".parse::<TenantKind>().unwrap());
    assert!(matches!(
        refusal(&world, "platform.localhost", "platform-owner").await,
        Some(Refusal::TenantUnknown)
    ));
}
