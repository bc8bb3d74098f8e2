//! Connections that are cut: idle ones, in a transaction, in the middle of a commit; and a server that crashes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tenantry_core::{CommitError, Tenantry};
use tenantry_storage::{Logins, PostgresOptions, PostgresOwner, PostgresStore, Roles, Sealing};

use super::servers::Server;
use super::shop::{Shop, TABLES, app, fill, insert};
use super::wire::{Fate, Wire};

const IN_TIME: Duration = Duration::from_secs(30);
/// Only the command that begins a write holds this.
const WRITE: &[u8] = b"SET LOCAL app.write_tenants";

struct Wired {
    store: PostgresStore,
    app: Tenantry,
    wire: Wire,
    writes: Wire,
    shop: Shop,
}

impl Wired {
    async fn open(connections: u32) -> Self {
        let shop = Shop::open_with(Sealing::Off, PostgresOptions::default()).await;
        let addresses = shop.database.addresses();
        let (wire, writes) = (Wire::to(&addresses.app).await, Wire::to(&addresses.writer).await);
        let logins = Logins::new(wire.by(&addresses.app), writes.by(&addresses.writer));
        let options = PostgresOptions::default();
        let options = options.with_connections(connections).with_reads(connections).with_lanes(connections);
        let store = PostgresStore::connect(&logins, options).await.unwrap();
        let app = app(&store);
        Self { shop, store, app, wire, writes }
    }

    async fn list(&self, slug: &str) -> Result<(), CommitError> {
        let mut tx = self.store.begin(&self.shop.seller).await?;
        insert(&mut tx, slug).await.map_err(|error| tenantry_core::Unavailable::new("insert", error))?;
        tx.commit().await
    }

    async fn consume(&self) -> bool {
        let consume =
            async { self.app.usage(&self.shop.seller).consume("calls".parse().unwrap(), 1).await.is_ok() };
        tokio::time::timeout(IN_TIME, consume).await.expect("a commit waits for ever")
    }

    async fn used(&self) -> i64 {
        self.shop.used("calls").await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_were_cut_are_replaced() {
    let wired = Wired::open(4).await;
    for round in 0..3 {
        let transactions = [0, 1, 2, 3].map(|_| wired.store.read(&wired.shop.seller));
        let mut held = Vec::new();
        for transaction in transactions {
            held.push(transaction.await.unwrap());
        }
        drop(held);
        assert!(wired.consume().await);
        wired.shop.nobody_is_inside().await;
        wired.wire.cut_through().await;
        wired.writes.cut_through().await;
        wired.list(&format!("l{round}")).await.unwrap();
        wired.app.resolve(&"seller".parse().unwrap()).await.unwrap();
        assert!(wired.consume().await, "a write is tried again on a new connection");
    }
    assert_eq!((wired.used().await, wired.shop.stored(&wired.shop.seller).await), (6, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_was_cut_leaves_nothing_and_the_next_one_works() {
    let wired = Wired::open(1).await;
    for round in 0..3 {
        let mut tx = wired.store.begin(&wired.shop.seller).await.unwrap();
        insert(&mut tx, "lost").await.unwrap();
        wired.wire.cut_through().await;
        if round == 0 {
            assert!(insert(&mut tx, "lost too").await.is_err());
        }
        if round == 1 {
            assert!(matches!(tx.commit().await, Err(CommitError::Unavailable(_))));
        } else {
            drop(tx);
        }
        wired.list(&format!("l{round}")).await.unwrap();
    }
    assert_eq!(wired.shop.stored(&wired.shop.seller).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_cut_is_unavailable_and_applied_or_not() {
    let wired = Wired::open(1).await;
    for (round, (fate, stored)) in
        [(Fate::Cut, 0), (Fate::CutBehind, 1), (Fate::Cut, 1), (Fate::CutBehind, 2)].into_iter().enumerate()
    {
        wired.wire.at(b"SELECT 1; COMMIT", fate);
        let cut = wired.list(&format!("l{round}")).await;
        assert!(matches!(cut, Err(CommitError::Unavailable(_))), "{cut:?}");
        assert_eq!(wired.shop.stored(&wired.shop.seller).await, stored, "{fate:?}");
    }
    wired.list("next").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_whose_answer_was_cut_is_found_by_its_audit_entries() {
    let wired = Wired::open(1).await;
    let mut used = 0;
    for fate in [Fate::Cut, Fate::CutBehind, Fate::Cut, Fate::CutBehind] {
        wired.writes.at(b"COMMIT\0", fate);
        let is_told = wired.consume().await;
        assert_eq!(is_told, fate == Fate::CutBehind, "what was applied is told so, and what wasn't isn't");
        used += i64::from(is_told);
        assert_eq!(wired.used().await, used, "{fate:?}");
    }
    println!("{used} of 4 cut commits were applied, and each of them was found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_cut_at_any_message_is_applied_once_at_most() {
    let wired = Wired::open(1).await;
    let (mut told, mut untold, mut lost, mut points) = (0, 0, 0, 0);
    for fate in [Fate::Cut, Fate::CutBehind] {
        for passing in 0..80 {
            assert!(wired.consume().await, "on a connection that is there");
            let before = wired.used().await;
            wired.writes.after_from(WRITE, passing, fate);
            let is_told = wired.consume().await;
            let has_come = wired.writes.release() > passing;
            let more = wired.used().await - before;
            assert!(
                more == 1 || (more == 0 && !is_told),
                "{fate:?} after {passing}: told {is_told}, {more} applied"
            );
            told += i64::from(is_told);
            untold += i64::from(!is_told && more == 1);
            lost += i64::from(!is_told && more == 0);
            if !has_come {
                break;
            }
            points += 1;
        }
    }
    println!(
        "{points} writes cut at a message each: {told} acknowledged, {lost} not applied, {untold} applied untold"
    );
    assert!(points > 40 && lost > 0, "the commit itself was cut too");
    assert!(wired.consume().await);
}

/// What became of the requests of the crash test.
#[derive(Default)]
struct Tally {
    acknowledged: AtomicI64,
    unknown: AtomicI64,
}

impl Tally {
    fn count(&self, is_acknowledged: bool) {
        let counter = if is_acknowledged { &self.acknowledged } else { &self.unknown };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn acknowledged(&self) -> i64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    fn holds(&self, stored: i64, what: &str) {
        let (acknowledged, unknown) = (self.acknowledged(), self.unknown.load(Ordering::Relaxed));
        println!("{what}: {acknowledged} acknowledged, {unknown} not, {stored} stored");
        assert!(stored >= acknowledged, "an acknowledged write is gone");
        assert!(stored <= acknowledged + unknown, "a write was applied twice");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_crashes_keeps_what_it_acknowledged() {
    let server = Server::start().await;
    let store = open_on(&server).await;
    let (app, [_, seller, buyer]) = fill(&store).await;
    let (calls, listings) = (Arc::new(Tally::default()), Arc::new(Tally::default()));
    let is_over = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for task in 0..8 {
        let (store, app, seller, buyer) = (store.clone(), app.clone(), seller.clone(), buyer.clone());
        let (calls, listings, is_over) = (Arc::clone(&calls), Arc::clone(&listings), Arc::clone(&is_over));
        tasks.push(tokio::spawn(async move {
            let mut round = 0;
            while !is_over.load(Ordering::Relaxed) {
                let consumed = app.usage(&seller).consume("calls".parse().unwrap(), 1).await;
                calls.count(consumed.is_ok());
                let listed = async {
                    let mut tx = store.begin(&buyer).await.map_err(drop)?;
                    insert(&mut tx, &format!("l{task}-{round}")).await.map_err(drop)?;
                    tx.commit().await.map_err(drop)
                };
                listings.count(listed.await.is_ok());
                round += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }));
    }
    for _ in 0..2 {
        both_are_acknowledged(&[&calls, &listings]).await;
        server.crash();
    }
    both_are_acknowledged(&[&calls, &listings]).await;
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        tokio::time::timeout(IN_TIME, task).await.expect("a request waits for ever").unwrap();
    }
    let usage = app.usage(&seller).all().await.unwrap();
    let used = usage.iter().find(|usage| usage.meter.as_str() == "calls").unwrap().used;
    calls.holds(used, "uses");
    let mut tx = store.read(&buyer).await.unwrap();
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM listings").fetch_one(tx.connection()).await.unwrap();
    listings.holds(stored, "listings");
    drop(tx);
    let mut tx = store.read(&seller).await.unwrap();
    let others: i64 =
        sqlx::query_scalar("SELECT count(*) FROM listings").fetch_one(tx.connection()).await.unwrap();
    assert_eq!(others, 0);
}

/// Waits until some more writes of each kind were acknowledged.
async fn both_are_acknowledged(tallies: &[&Tally]) {
    let patience = Instant::now() + IN_TIME;
    for tally in tallies {
        let enough = tally.acknowledged() + 40;
        while tally.acknowledged() < enough {
            assert!(Instant::now() < patience, "writes aren't acknowledged any more");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn open_on(server: &Server) -> PostgresStore {
    let role = |name: &str| name.parse().unwrap();
    let roles = Roles::new(role("shop_app"), role("shop_writer"), role("shop_admin")).unwrap();
    let mut owner = PostgresOwner::connect(&server.address("shop")).await.unwrap();
    owner.set_up(&roles, Sealing::Off).await.unwrap();
    owner.migrate("shop", TABLES).await.unwrap();
    let logins = owner.set_passwords(&roles).await.unwrap().logins();
    PostgresStore::connect(&logins, PostgresOptions::default()).await.unwrap()
}
