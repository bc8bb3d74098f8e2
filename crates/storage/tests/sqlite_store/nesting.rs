//! Whoever holds the write transaction and asks to write besides it is refused at once.

use std::time::{Duration, Instant};

use tenantry_core::{CommitError, Failure, WorkQueue as _};
use tenantry_storage::{MigrateError, SqliteOptions, SqliteStore};

use super::shop::{Shop, app, caller, outside};

async fn is_refused_while_held(shop: &Shop) {
    let began = Instant::now();
    let tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    assert!(matches!(shop.use_one().await, Err(Failure::Nested)));
    assert!(matches!(shop.store.begin(shop.buyer.tenant()).await, Err(CommitError::Nested)));
    let migrated = shop.store.migrate("other", &[]).await;
    assert!(matches!(migrated, Err(MigrateError::Commit(CommitError::Nested))), "{migrated:?}");
    assert!(shop.app.work().seal(10, 10).await.is_err());
    assert!(matches!(shop.store.pragmas().await, Err(CommitError::Nested)));
    tx.commit().await.unwrap();
    shop.use_one().await.unwrap();
    let tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    drop(tx);
    shop.use_one().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "nobody waited for itself");
}

#[test]
fn at_the_root_of_block_on() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { is_refused_while_held(&Shop::open().await).await });
}

#[test]
fn on_a_runtime_of_one_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { is_refused_while_held(&Shop::open().await).await });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_task() {
    tokio::spawn(async { is_refused_while_held(&Shop::open().await).await }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_tasks_wait_for_their_turn() {
    let shop = Shop::open().await;
    let tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    let (app, seller) = (shop.app.clone(), shop.seller.clone());
    let waiting =
        tokio::spawn(async move { app.usage(&seller).consume("listings".parse().unwrap(), 1).await });
    tx.rollback().await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(shop.listings().await, (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_takes_the_write_lock_when_it_begins() {
    let shop = Shop::open().await;
    let tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    let mut other = outside(&shop.file()).await;
    let refused = sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap_err();
    assert!(refused.to_string().contains("locked"), "{refused}");
    let options = SqliteOptions::default().with_lock_wait(Duration::from_millis(50));
    let second = SqliteStore::open_with(shop.file(), options.clone()).await;
    assert!(second.is_err(), "it can't see whether its tables are up to date");
    tx.commit().await.unwrap();
    let second = SqliteStore::open_with(shop.file(), options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let (app, slug) = (app(&second), "seller");
    let seller = caller(&app, slug).await;
    let committed = app.usage(&seller).consume("listings".parse().unwrap(), 1).await;
    assert!(matches!(committed, Err(Failure::Busy)), "{committed:?}");
    assert!(matches!(second.begin(seller.tenant()).await, Err(CommitError::Busy)));
    assert!(second.claim(1, Duration::from_secs(1)).await.unwrap().is_empty(), "nothing is due");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    app.usage(&seller).consume("listings".parse().unwrap(), 1).await.unwrap();
}
