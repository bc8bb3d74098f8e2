//! How two stores on one file hear what the other changed.

use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _};
use tenantry_core::{Caller, Freshness, NewRole, Stamp, WriteDoor as _};
use tenantry_storage::SqliteStore;
use tokio::runtime::{Builder, Runtime};

use super::shop::{Shop, outside};
use super::upgrade::AS_BEFORE;

const IN_TIME: Duration = Duration::from_secs(3);

/// Moves the epoch of the caller's tenant.
async fn change(shop: &Shop, caller: &Caller, n: usize) {
    let key = format!("role-{n}").parse().unwrap();
    let role = NewRole { key, name: "Role".to_owned(), grants: vec![] };
    let again = shop.app.resolve_id(caller.tenant().id()).await.unwrap();
    let again = shop.app.admit(&again, caller.principal().realm(), caller.user().unwrap()).await.unwrap();
    shop.app.roles(&again).define(role).await.unwrap();
}

/// The places of the rows that say that a tenant changed.
async fn places(shop: &Shop, of: &Caller) -> Vec<i64> {
    sqlx::query_scalar("SELECT place FROM tenantry_changes WHERE tenant_id = $1")
        .bind(of.tenant().id().as_uuid())
        .fetch_all(shop.store.readers())
        .await
        .unwrap()
}

async fn until_stale(stamp: &Stamp) {
    let asked = Instant::now();
    while stamp.is_current() && asked.elapsed() < IN_TIME {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Another store on a shop's file, on a runtime that only runs when it is told to: as a process that is stopped.
struct Other {
    runtime: Runtime,
    store: SqliteStore,
}

impl Other {
    fn open(shop: &Shop) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(SqliteStore::open(shop.file())).unwrap();
        Self { runtime, store }
    }

    fn stamps(&self, shop: &Shop) -> [Stamp; 3] {
        let stamp = |caller: &Caller| self.store.epochs().stamp(caller.tenant().id());
        [stamp(&shop.seller), stamp(&shop.buyer), stamp(&shop.operator)]
    }
}

fn are_current(stamps: &[Stamp; 3]) -> [bool; 3] {
    stamps.each_ref().map(Stamp::is_current)
}

#[tokio::test]
async fn the_latest_change_of_each_tenant_is_kept_and_no_place_is_given_twice() {
    let shop = Shop::open().await;
    assert_eq!(places(&shop, &shop.seller).await, Vec::<i64>::new(), "a new tenant has not changed");
    let mut before = 0;
    for (n, caller) in [&shop.seller, &shop.seller, &shop.buyer, &shop.seller, &shop.buyer].iter().enumerate()
    {
        change(&shop, caller, n).await;
        let [place] = places(&shop, caller).await[..] else { panic!("one row") };
        assert!(place > before, "{place} comes after {before}");
        before = place;
    }
    let kept = places(&shop, &shop.seller).await;
    shop.use_one().await.unwrap();
    assert_eq!(places(&shop, &shop.seller).await, kept, "an ordinary write is none");
}

#[test]
fn whoever_comes_back_later_misses_nothing() {
    let here = Runtime::new().unwrap();
    let shop = here.block_on(Shop::open());
    let other = Other::open(&shop);
    let stamps = other.stamps(&shop);
    assert_eq!(are_current(&stamps), [true; 3]);
    here.block_on(async {
        change(&shop, &shop.seller, 0).await;
        for n in 0..20 {
            change(&shop, &shop.buyer, n).await;
        }
    });
    assert_eq!(are_current(&stamps), [true; 3], "it hasn't polled yet");
    other.runtime.block_on(until_stale(&stamps[1]));
    assert_eq!(are_current(&stamps), [false, false, true]);
    assert_eq!(other.store.epochs().freshness(), Freshness::Fresh);
    assert_eq!(are_current(&other.stamps(&shop)), [true; 3]);
    here.block_on(change(&shop, &shop.operator, 0));
    other.runtime.block_on(until_stale(&stamps[2]));
    assert!(!stamps[2].is_current());
}

#[test]
fn a_file_that_was_put_back_makes_everything_stale() {
    let here = Runtime::new().unwrap();
    let shop = here.block_on(Shop::open());
    here.block_on(change(&shop, &shop.seller, 0));
    let other = Other::open(&shop);
    let stamps = other.stamps(&shop);
    here.block_on(async {
        let mut outside = shop.outside().await;
        outside.execute("DELETE FROM tenantry_changes").await.unwrap();
    });
    other.runtime.block_on(until_stale(&stamps[2]));
    assert_eq!(are_current(&stamps), [false; 3]);
    assert_eq!(are_current(&other.stamps(&shop)), [true; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_an_older_program_gets_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("old.db");
    drop(SqliteStore::open(&file).await.unwrap());
    let mut old = outside(&file).await;
    let patience = Instant::now() + IN_TIME;
    while let Err(error) = old.execute("DROP TABLE tenantry_changes").await {
        assert!(Instant::now() < patience, "{error}");
        tokio::task::yield_now().await;
    }
    old.execute(AS_BEFORE).await.unwrap();
    old.execute("DELETE FROM tenantry_migrations WHERE namespace = 'tenantry' AND version > 1")
        .await
        .unwrap();
    old.close().await.unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    let versions: Vec<i64> = sqlx::query_scalar("SELECT version FROM tenantry_migrations ORDER BY version")
        .fetch_all(store.readers())
        .await
        .unwrap();
    assert_eq!(versions, [1, 2, 3, 4]);
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM tenantry_changes").fetch_one(store.readers()).await.unwrap();
    assert_eq!(rows, 0);
}
