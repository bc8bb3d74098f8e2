//! A commit asks four times: begin, find, write, commit.

use std::sync::Arc;

use tenantry_core::{Batch, WriteDoor as _};
use tenantry_storage::PostgresOptions;

use super::market::{Market, placement, registration};
use super::wire::Wire;

async fn trips_of(market: &Market, wire: &Wire, batch: Batch) -> u64 {
    let before = wire.trips();
    market.store.commit(batch).await.unwrap();
    wire.trips() - before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_four_round_trips_whatever_it_holds() {
    let wire = Arc::new(Wire::default());
    let options = PostgresOptions::default().with_lanes(1);
    let market = Market::open_with(options, |writer| wire.tap(writer)).await;
    let (seller, buyer) = (market.register("seller").await, market.register("buyer").await);
    let mut seen = Vec::new();
    for round in 0..8 {
        let call = market.call(&seller).await;
        let placed = market.app.orders(&buyer).place(placement(&seller)).unsent().await.unwrap();
        let placed = placed.into_parts().0.unwrap();
        let order = market.buy(&buyer, &seller).await;
        let release = market.release(&buyer, order.id).await;
        let operator = market.app.resolve_id(market.operator.tenant().id()).await.unwrap();
        let new = market.app.register(&operator, registration(&format!("new-{round}")));
        let new = new.unsent().await.unwrap().into_parts().0.unwrap();
        for (what, batch) in [("call", call), ("order", placed), ("release", release), ("tenant", new)] {
            let (changes, guards) = (batch.changes().len(), batch.guards().len());
            let trips = trips_of(&market, &wire, batch).await;
            println!("{what}: {changes} changes, {guards} guards, {trips} round trips");
            seen.push((round, what, trips));
        }
    }
    for (round, what, trips) in seen {
        if round > 2 {
            assert_eq!(trips, 4, "{what}, once its statements are prepared");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_that_wait_share_their_round_trips() {
    let wire = Arc::new(Wire::default());
    let options = PostgresOptions::default().with_lanes(1);
    let market = Market::open_with(options, |writer| wire.tap(writer)).await;
    let seller = market.register("seller").await;
    let mut batches = Vec::new();
    for _ in 0..65 {
        batches.push(market.call(&seller).await);
    }
    let (before, commits) = (wire.trips(), wire.commits());
    let commits_of = batches.into_iter().map(|batch| {
        let store = market.store.clone();
        tokio::spawn(async move { store.commit(batch).await })
    });
    for commit in commits_of.collect::<Vec<_>>() {
        commit.await.unwrap().unwrap();
    }
    let (trips, commits) = (wire.trips() - before, wire.commits() - commits);
    println!("65 batches: {commits} transactions, {trips} round trips");
    assert_eq!(market.calls(&seller).await, 65);
    assert!(commits <= 8, "{commits} transactions for 65 batches");
    assert!(trips <= 4 * commits + 4, "{trips} round trips for {commits} transactions");
}
