//! One tenant's reads: what they see, that they write nothing, and that whoever gives one up takes nobody's turn.

use std::time::{Duration, Instant};

use sqlx::Executor as _;
use tenantry_core::{Caller, CommitError};
use tenantry_storage::{SqliteOptions, TenantRead};

use super::shop::{Shop, insert, poll_and_drop};

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0";

const ROWS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

const LONG: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) \
                    SELECT count(*) FROM n";

/// A shop with one connection for the application's reads.
async fn narrow() -> Shop {
    Shop::open_with(SqliteOptions::default().with_readers(1)).await
}

async fn list(shop: &Shop, of: &Caller, slug: &str) {
    let mut tx = shop.store.begin(of).await.unwrap();
    insert(&mut tx, slug).await.unwrap();
    tx.commit().await.unwrap();
}

async fn slugs(tx: &mut TenantRead) -> Vec<String> {
    let own = tx.tenant().as_uuid();
    sqlx::query_scalar("SELECT slug FROM listings WHERE tenant_id = $1 ORDER BY slug")
        .bind(own)
        .fetch_all(tx.connection())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_tenant_reads_its_own_rows() {
    let shop = Shop::open().await;
    list(&shop, &shop.seller, "a").await;
    list(&shop, &shop.buyer, "b").await;
    list(&shop, &shop.buyer, "c").await;
    let (mut seller, mut buyer) =
        (shop.store.read(&shop.seller).await.unwrap(), shop.store.read(shop.buyer.tenant()).await.unwrap());
    assert_eq!(seller.tenant(), shop.seller.tenant().id());
    assert_eq!(slugs(&mut seller).await, ["a"]);
    assert_eq!(slugs(&mut buyer).await, ["b", "c"]);
}

#[tokio::test]
async fn it_reads_at_one_instant_and_the_next_one_reads_what_came_since() {
    let shop = narrow().await;
    list(&shop, &shop.seller, "a").await;
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    assert_eq!(slugs(&mut tx).await, ["a"]);
    list(&shop, &shop.seller, "b").await;
    assert_eq!(slugs(&mut tx).await, ["a"]);
    drop(tx);
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    assert_eq!(slugs(&mut tx).await, ["a", "b"]);
}

#[tokio::test]
async fn it_writes_nothing_whatever_is_tried() {
    let shop = narrow().await;
    list(&shop, &shop.seller, "a").await;
    for write in [
        "INSERT INTO listings (tenant_id, slug) VALUES (x'00', 'b')",
        "UPDATE listings SET slug = 'b'",
        "DELETE FROM listings",
        "DELETE FROM tenantry_tenants",
        "CREATE TABLE mine (a INTEGER)",
        "DROP TABLE listings",
        "PRAGMA query_only = OFF; DELETE FROM listings",
        "COMMIT; DELETE FROM listings",
        "COMMIT; PRAGMA query_only = OFF; DELETE FROM listings",
    ] {
        let mut tx = shop.store.read(&shop.seller).await.unwrap();
        let refused = sqlx::raw_sql(write).execute(tx.connection()).await.unwrap_err();
        assert!(refused.to_string().contains("readonly"), "{write}: {refused}");
    }
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    assert_eq!(slugs(&mut tx).await, ["a"]);
}

#[tokio::test]
async fn it_waits_for_no_writer_and_sees_nothing_of_the_tasks_own() {
    let shop = Shop::open().await;
    let mut writing = shop.store.begin(&shop.seller).await.unwrap();
    insert(&mut writing, "a").await.unwrap();
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    assert!(slugs(&mut tx).await.is_empty());
    writing.commit().await.unwrap();
    drop(tx);
    assert_eq!(slugs(&mut shop.store.read(&shop.seller).await.unwrap()).await, ["a"]);
}

#[tokio::test]
async fn the_wait_for_a_connection_is_bounded() {
    let wait = Duration::from_millis(50);
    let shop = Shop::open_with(SqliteOptions::default().with_readers(1).with_lock_wait(wait)).await;
    let _held = shop.store.read(&shop.seller).await.unwrap();
    assert!(matches!(shop.store.read(&shop.buyer).await, Err(CommitError::Busy)));
}

/// Sees what was committed just now, over the pool's only connection.
async fn is_usable(shop: &Shop, after: &str) {
    list(shop, &shop.seller, after).await;
    let began = Instant::now();
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    assert!(slugs(&mut tx).await.iter().any(|slug| slug == after));
    assert!(began.elapsed() < Duration::from_secs(4), "after {after}: {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_never_ends_is_stopped_when_its_transaction_is_dropped() {
    let shop = narrow().await;
    for round in 0..3 {
        let mut tx = shop.store.read(&shop.seller).await.unwrap();
        let endless = tx.connection().execute(ENDLESS);
        assert!(tokio::time::timeout(Duration::from_millis(20), endless).await.is_err());
        drop(tx);
        is_usable(&shop, &format!("endless-{round}")).await;
        let mut plain = shop.store.readers().acquire().await.unwrap();
        let counted: i64 = sqlx::query_scalar(LONG).fetch_one(&mut *plain).await.unwrap();
        assert_eq!(counted, 200_000, "nobody stops the next one's statements");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_can_be_lent_thousands_of_times() {
    let shop = narrow().await;
    list(&shop, &shop.seller, "a").await;
    for _ in 0..1_000 {
        let mut tx = shop.store.read(&shop.seller).await.unwrap();
        assert_eq!(slugs(&mut tx).await, ["a"]);
    }
    is_usable(&shop, "b").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_nobody_takes_hold_nobody_up() {
    let shop = narrow().await;
    for polls in 1..=12 {
        let mut tx = shop.store.read(&shop.seller).await.unwrap();
        let rows = sqlx::query_scalar::<_, i64>(ROWS).fetch_all(tx.connection());
        assert!(poll_and_drop(polls, rows).await.is_none());
        drop(tx);
        is_usable(&shop, &format!("rows-{polls}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_is_dropped_at_any_poll_leaves_a_usable_connection() {
    let shop = narrow().await;
    let mut begun = 0;
    for polls in 0..=20 {
        let tx = poll_and_drop(polls, shop.store.read(&shop.seller)).await;
        begun += usize::from(tx.is_some());
        drop(tx);
        is_usable(&shop, &format!("of-{polls}")).await;
    }
    println!("read ran to its end in {begun} of 21");
    assert!((1..21).contains(&begun));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_left_inside_is_lent_again() {
    let shop = narrow().await;
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    tx.connection().execute("PRAGMA cache_size = 4321").await.unwrap();
    drop(tx);
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    let kept: i64 = sqlx::query_scalar("PRAGMA cache_size").fetch_one(tx.connection()).await.unwrap();
    assert_eq!(kept, 4321, "it is the same connection, not a new one");
}
