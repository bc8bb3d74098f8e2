//! Connections that break at the worst moment.

use std::sync::Arc;

use tenantry_core::{CommitError, WriteDoor as _};
use tenantry_storage::PostgresOptions;

use super::market::Market;
use super::wire::{Cut, Wire};

async fn cut_market(lanes: u32) -> (Market, Arc<Wire>) {
    let wire = Arc::new(Wire::default());
    let options = PostgresOptions::default().with_lanes(lanes);
    let market = Market::open_with(options, |writer| wire.tap(writer)).await;
    (market, wire)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_got_lost_is_looked_up() {
    let (market, wire) = cut_market(1).await;
    let seller = market.register("seller").await;
    wire.cut(Cut::AfterCommit);
    market.store.commit(market.call(&seller).await).await.unwrap();
    assert!(wire.was_cut());
    assert_eq!(market.calls(&seller).await, 1, "it was applied once");
    market.store.commit(market.call(&seller).await).await.unwrap();
    assert_eq!(market.calls(&seller).await, 2, "the next one has a connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_never_arrived_is_not_called_applied() {
    let (market, wire) = cut_market(1).await;
    let seller = market.register("seller").await;
    wire.cut(Cut::BeforeCommit);
    let lost = market.store.commit(market.call(&seller).await).await;
    assert!(matches!(lost, Err(CommitError::Unavailable(_))), "{lost:?}");
    assert!(wire.was_cut());
    assert_eq!(market.calls(&seller).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_look_nobody_says() {
    let (market, wire) = cut_market(1).await;
    let seller = market.register("seller").await;
    let batch = market.call(&seller).await;
    wire.cut(Cut::AfterCommitForGood);
    let unknown = market.store.commit(batch).await;
    assert!(matches!(unknown, Err(CommitError::Unavailable(_))), "{unknown:?}");
    assert_eq!(market.calls(&seller).await, 1, "it was applied all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_ended_is_replaced() {
    let market = Market::open().await;
    let seller = market.register("seller").await;
    let mut admin: sqlx::PgConnection =
        <sqlx::PgConnection as sqlx::Connection>::connect(&market.database.addresses().writer).await.unwrap();
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()";
    let ended: i64 = sqlx::query_scalar(end).fetch_one(&mut admin).await.unwrap();
    assert!(ended > 0);
    market.store.commit(market.call(&seller).await).await.unwrap();
    assert_eq!(market.calls(&seller).await, 1);
}
