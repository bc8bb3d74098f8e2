//! Locks that somebody else holds, and batches that were written before.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenantry_core::{Caller, CommitError, WriteDoor as _};
use tenantry_storage::PostgresOptions;

use super::market::Market;

/// A transaction of another process's that holds a tenant's usage.
async fn hold(market: &Market, caller: &Caller) -> PgConnection {
    let mut connection = PgConnection::connect(&market.database.addresses().writer).await.unwrap();
    let tenant = caller.tenant().id();
    let lock = format!(
        "BEGIN; SET LOCAL app.write_tenants = '{tenant}'; \
         SELECT used FROM tenantry_usage WHERE tenant_id = '{tenant}' FOR UPDATE"
    );
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut connection).await.unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_holds_up_only_who_needs_it() {
    let options = PostgresOptions::default().with_lanes(2).with_wait(Duration::from_secs(2));
    let market = Market::open_with(options, str::to_owned).await;
    let (held, free) = (market.register("held").await, market.register("free").await);
    market.store.commit(market.call(&held).await).await.unwrap();
    let mut others = Vec::new();
    let mut stuck = Vec::new();
    for _ in 0..6 {
        others.push(market.call(&free).await);
        stuck.push(market.call(&held).await);
    }
    let holder = hold(&market, &held).await;
    let spawn = |batch| {
        let store = market.store.clone();
        tokio::spawn(async move { store.commit(batch).await })
    };
    let stuck: Vec<_> = stuck.into_iter().map(spawn).collect();
    let others: Vec<_> = others.into_iter().map(spawn).collect();
    let started = std::time::Instant::now();
    for other in others {
        other.await.unwrap().unwrap();
    }
    println!("the others were written within {:?}", started.elapsed());
    for stuck in stuck {
        let refused = stuck.await.unwrap();
        assert!(matches!(refused, Err(CommitError::Busy)), "{refused:?}");
    }
    println!("the stuck were refused within {:?}", started.elapsed());
    holder.close().await.unwrap();
    assert_eq!((market.calls(&held).await, market.calls(&free).await), (1, 6));
    market.store.commit(market.call(&held).await).await.unwrap();
    assert_eq!(market.calls(&held).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_that_is_let_go_in_time_is_waited_for() {
    let market = Market::open().await;
    let held = market.register("held").await;
    market.store.commit(market.call(&held).await).await.unwrap();
    let batch = market.call(&held).await;
    let holder = hold(&market, &held).await;
    let store = market.store.clone();
    let waiting = tokio::spawn(async move { store.commit(batch).await });
    while !is_waited_for(&market).await {
        tokio::task::yield_now().await;
    }
    holder.close().await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(market.calls(&held).await, 2);
}

async fn is_waited_for(market: &Market) -> bool {
    let mut connection = PgConnection::connect(&market.database.owner_address()).await.unwrap();
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)";
    sqlx::query_scalar(waits).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_applied_once_however_often_it_is_sent() {
    let market = Market::open().await;
    let seller = market.register("seller").await;
    let batch = market.call(&seller).await;
    for _ in 0..3 {
        market.store.commit(batch.clone()).await.unwrap();
    }
    assert_eq!(market.calls(&seller).await, 1);
}
