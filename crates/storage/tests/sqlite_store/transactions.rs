//! The application's rows and the uses, notes and keys that belong to them stand or fall together.

use std::future::{Future as _, IntoFuture as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use serde_json::json;
use tenantry_core::{CommitError, Failure, Note, UsageRefusal};

use super::shop::{LIMIT, Shop, insert, poll_and_drop};

fn note() -> Note {
    Note {
        action: "listing.create".to_owned(),
        target: "listing:a".to_owned(),
        detail: json!({}),
        event: Some((uuid::Uuid::now_v7(), 1)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_and_its_use_are_committed_together() {
    let shop = Shop::open().await;
    let usage = shop.app.usage(&shop.seller);
    let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    tx.commit_in(usage.consume("listings".parse().unwrap(), 1).unsent().await.unwrap()).await.unwrap();
    tx.commit_in(shop.app.trail(&shop.seller).note(note()).unsent().await.unwrap()).await.unwrap();
    assert_eq!(shop.listings().await, (0, 0), "nobody sees it before it is committed");
    tx.commit().await.unwrap();
    assert_eq!(shop.listings().await, (1, 1));
    let events = shop.app.work().seal(10, 100).await.unwrap();
    assert!(events > 0);
    assert_eq!(
        shop.app.trail(&shop.seller).events(0, 10).await.unwrap().last().unwrap().event.kind,
        "listing.create"
    );
}

#[tokio::test]
async fn a_listing_that_is_not_stored_uses_nothing() {
    let shop = Shop::open().await;
    let usage = shop.app.usage(&shop.seller);
    let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    tx.commit_in(usage.consume("listings".parse().unwrap(), 1).unsent().await.unwrap()).await.unwrap();
    assert!(insert(&mut tx, "a").await.is_err(), "the slug is taken");
    drop(tx);
    assert_eq!(shop.listings().await, (0, 0));
}

#[tokio::test]
async fn a_use_that_is_refused_stores_no_listing_and_leaves_the_transaction_usable() {
    let shop = Shop::open().await;
    for _ in 0..LIMIT {
        shop.use_one().await.unwrap();
    }
    let usage = shop.app.usage(&shop.seller);
    for goes_on in [false, true] {
        let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
        insert(&mut tx, "a").await.unwrap();
        let refused =
            tx.commit_in(usage.consume("listings".parse().unwrap(), 1).unsent().await.unwrap()).await;
        let Err(Failure::Refused(UsageRefusal::Exceeded(exceeded))) = refused else { panic!("{refused:?}") };
        assert_eq!((exceeded.limit, exceeded.used, exceeded.requested), (LIMIT, LIMIT, 1));
        if goes_on {
            insert(&mut tx, "b").await.unwrap();
            tx.commit_in(usage.consume("calls".parse().unwrap(), 1).unsent().await.unwrap()).await.unwrap();
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        assert_eq!(shop.listings().await, (LIMIT, if goes_on { 2 } else { 0 }));
    }
}

#[tokio::test]
async fn a_batch_of_another_tenant_is_refused() {
    let shop = Shop::open().await;
    let others = shop.app.usage(&shop.buyer).consume("listings".parse().unwrap(), 1).unsent().await.unwrap();
    let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    assert!(matches!(tx.commit_in(others).await, Err(Failure::OtherTenant)));
    insert(&mut tx, "a").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shop.listings().await, (0, 1));
    let usage = shop.app.usage(&shop.buyer).all().await.unwrap();
    assert!(usage.iter().all(|usage| usage.used == 0));
}

#[tokio::test]
async fn what_cannot_join_is_refused() {
    let shop = Shop::open().await;
    let role =
        tenantry_core::NewRole { key: "reader".parse().unwrap(), name: "Reader".to_owned(), grants: vec![] };
    let define = shop.app.roles(&shop.seller).define(role).unsent().await.unwrap();
    let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    assert!(matches!(tx.commit_in(define).await, Err(Failure::NotJoinable)));
    tx.commit().await.unwrap();
    let reader = "reader".parse().unwrap();
    assert_eq!(shop.app.store().role(shop.seller.scope(), &reader).await.unwrap(), None);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    let shop = Shop::open().await;
    let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    let unsent = shop.app.usage(&shop.seller).consume("listings".parse().unwrap(), 1).unsent().await.unwrap();
    tx.commit_in(unsent).await.unwrap();
    drop(tx);
    shop.use_one().await.unwrap();
    assert_eq!(shop.listings().await, (1, 0));
}

#[tokio::test]
async fn a_commit_of_the_applications_own_commits_nothing() {
    let shop = Shop::open().await;
    let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    assert!(sqlx::query("COMMIT").execute(tx.connection()).await.is_err());
    assert!(insert(&mut tx, "b").await.is_err(), "nothing commits by itself after it");
    let unsent = shop.app.usage(&shop.seller).consume("listings".parse().unwrap(), 1).unsent().await.unwrap();
    assert!(matches!(tx.commit_in(unsent).await, Err(Failure::Unavailable(_))));
    assert!(matches!(tx.commit().await, Err(CommitError::Unavailable(_))));
    assert_eq!(shop.listings().await, (0, 0));
    shop.use_one().await.unwrap();
    assert_eq!(shop.listings().await, (1, 0));
}

/// Polls `begin` once and leaves it for as long as `pause` turns of the scheduler take: what it spawned is then
/// anywhere on its way, or done.
async fn begin_and_drop(shop: &Shop, pause: usize) {
    let mut begin = pin!(shop.store.begin(shop.seller.tenant()));
    drop(poll_fn(|context| Poll::Ready(begin.as_mut().poll(context))).await);
    for _ in 0..pause {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn begin_that_is_dropped_at_any_poll_leaves_no_transaction() {
    let shop = Shop::open().await;
    let mut begun = 0;
    for polls in 0..=20 {
        let tx = poll_and_drop(polls, shop.store.begin(shop.seller.tenant())).await;
        begun += usize::from(tx.is_some());
        if let Some(Ok(mut tx)) = tx {
            insert(&mut tx, &format!("of-{polls}")).await.unwrap();
        }
        begin_and_drop(&shop, polls * polls).await;
        wait_until_nobody_writes(&shop).await;
        shop.use_one().await.unwrap();
        assert_eq!(shop.listings().await, (1, 0), "after {polls} polls");
        shop.app.usage(&shop.seller).give_back("listings".parse().unwrap(), 1).await.unwrap();
        let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
        insert(&mut tx, "a").await.unwrap();
        tx.rollback().await.unwrap();
    }
    println!("begin ran to its end in {begun} of 21");
    assert!((1..21).contains(&begun));
}

/// An abandoned transaction ends by itself, without another write of the store's.
async fn wait_until_nobody_writes(shop: &Shop) {
    let mut outside = shop.outside().await;
    let patience = Instant::now() + Duration::from_secs(10);
    while sqlx::query("BEGIN IMMEDIATE").execute(&mut outside).await.is_err() {
        assert!(Instant::now() < patience, "the write lock was never given back");
        tokio::task::yield_now().await;
    }
    sqlx::query("ROLLBACK").execute(&mut outside).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_survives_its_caller() {
    let shop = Shop::open().await;
    let calls = || shop.app.usage(&shop.seller).consume("calls".parse().unwrap(), 1).into_future();
    let mut given_up = 0;
    for round in 1..=16 {
        let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
        insert(&mut tx, &format!("l{round}")).await.unwrap();
        given_up += usize::from(poll_and_drop(1, tx.commit()).await.is_none());
        given_up += usize::from(poll_and_drop(1, calls()).await.is_none());
        calls().await.unwrap();
        assert_eq!(shop.listings().await.1, round);
        assert_eq!(shop.used("calls").await, 2 * round, "those that were given up are counted too");
    }
    println!("{given_up} of 32 were given up");
    assert!(given_up > 0);
}

#[tokio::test]
async fn a_commit_in_that_was_given_up_halfway_is_not_committed() {
    let shop = Shop::open().await;
    let mut halfway = 0;
    for polls in 1..=40 {
        let usage = shop.app.usage(&shop.seller).consume("listings".parse().unwrap(), 1);
        let unsent = usage.unsent().await.unwrap();
        let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
        insert(&mut tx, "a").await.unwrap();
        if poll_and_drop(polls, tx.commit_in(unsent)).await.is_some() {
            continue;
        }
        halfway += 1;
        assert!(matches!(tx.commit().await, Err(CommitError::Unavailable(_))));
        assert_eq!(shop.listings().await, (0, 0), "after {polls} polls");
    }
    assert!((1..40).contains(&halfway), "some are done within 40 polls: {halfway}");
    println!("{halfway} of 40 were given up halfway");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wait_for_the_turn_is_bounded() {
    let shop = Shop::impatient().await;
    let tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    let (store, app, buyer) = (shop.store.clone(), shop.app.clone(), shop.buyer.clone());
    let waited = tokio::spawn(async move {
        let began = Instant::now();
        let committed = app.usage(&buyer).consume("calls".parse().unwrap(), 1).await;
        assert!(matches!(committed, Err(Failure::Busy)), "{committed:?}");
        let begun = store.begin(buyer.tenant()).await;
        assert!(matches!(begun, Err(CommitError::Busy)), "{begun:?}");
        began.elapsed()
    });
    let waited = waited.await.unwrap();
    assert!(waited.as_millis() >= 100 && waited.as_secs() < 3, "{waited:?}");
    tx.commit().await.unwrap();
    shop.use_one().await.unwrap();
}
