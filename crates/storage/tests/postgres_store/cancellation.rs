//! Requests that are dropped while they wait for the server, at each message of the protocol, over a pool of one
//! connection.

use std::future::Future;
use std::time::Duration;

use tenantry_core::{CommitError, Tenantry};
use tenantry_storage::{Logins, PostgresOptions, PostgresStore, Sealing};

use super::shop::{Shop, app, insert, poll_and_drop};
use super::wire::{Fate, Wire};

/// How long anything may take that isn't held back.
const IN_TIME: Duration = Duration::from_secs(20);

/// A store with one connection of each kind, reached over two lines.
struct Narrow {
    store: PostgresStore,
    app: Tenantry,
    wire: Wire,
    writes: Wire,
    shop: Shop,
}

impl Narrow {
    async fn open(sealing: Sealing) -> Self {
        let shop = Shop::open_with(sealing, PostgresOptions::default()).await;
        shop.list(&shop.buyer, "treasure").await;
        let addresses = shop.database.addresses();
        let (wire, writes) = (Wire::to(&addresses.app).await, Wire::to(&addresses.writer).await);
        let logins = Logins::new(wire.by(&addresses.app), writes.by(&addresses.writer));
        let logins = match shop.database.key() {
            Some(key) => logins.with_sealing_key(key.clone()),
            None => logins,
        };
        let options = PostgresOptions::default().with_connections(1).with_reads(1).with_lanes(1);
        let store = PostgresStore::connect(&logins, options).await.unwrap();
        let app = app(&store);
        Self { shop, store, app, wire, writes }
    }

    /// The next users of the pools see their own tenant, and can write.
    async fn is_clean(&self) {
        let next = async {
            let mut tx = self.store.begin(&self.shop.buyer).await.unwrap();
            let buyer = tx.tenant().as_uuid();
            let (tenant, mine, others): (String, i64, i64) = sqlx::query_as(
                "SELECT current_setting('app.tenant_id', true), count(*) FILTER (WHERE tenant_id = $1),
                        count(*) FILTER (WHERE tenant_id <> $1) FROM listings",
            )
            .bind(buyer)
            .fetch_one(tx.connection())
            .await
            .unwrap();
            assert_eq!((tenant, mine, others), (buyer.to_string(), 1, 0));
            insert(&mut tx, "passing").await.unwrap();
            let depth: bool = sqlx::query_scalar(
                "SELECT now() = transaction_timestamp() AND pg_current_xact_id_if_assigned() IS NOT NULL",
            )
            .fetch_one(tx.connection())
            .await
            .unwrap();
            assert!(depth);
            tx.rollback().await.unwrap();
            let store = self.app.store();
            let scope = self.app.resolve(&"buyer".parse().unwrap()).await.unwrap();
            assert_eq!(scope.tenant().id.as_uuid(), buyer);
            assert!(store.tenant(scope.tenant().id).await.unwrap().is_some());
        };
        tokio::time::timeout(IN_TIME, next).await.expect("the next user waits for ever");
    }

    /// Drops what `work` makes at each message that it waits for; afterwards all is as it should be.
    async fn at_each_message<F, T>(&self, wire: &Wire, name: &str, work: impl Fn(usize) -> F) -> usize
    where
        F: Future<Output = T>,
    {
        for passing in 0..400 {
            wire.after(passing, Fate::Held);
            let done = tokio::select! {
                biased;
                done = tokio::time::timeout(IN_TIME, work(passing)) => Some(done.expect(name)),
                () = wire.has_come() => None,
            };
            wire.release();
            self.is_clean().await;
            if done.is_some() {
                println!("{name}: dropped at each of {passing} messages");
                return passing;
            }
        }
        panic!("{name} never ends");
    }

    /// Drops it each time that it waits, however often it does.
    async fn at_each_poll<F, T>(&self, name: &str, work: impl Fn(usize) -> F) -> usize
    where
        F: Future<Output = T>,
    {
        for polls in 1..400 {
            let polled = tokio::time::timeout(IN_TIME, poll_and_drop(polls, work(1_000 + polls)));
            let done = polled.await.expect(name);
            self.is_clean().await;
            if done.is_some() {
                println!("{name}: dropped after each of {} polls", polls - 1);
                return polls - 1;
            }
        }
        panic!("{name} never ends");
    }

    /// Listings that were stored, and those that were counted.
    async fn halves(&self) -> (i64, i64) {
        (self.shop.stored(&self.shop.seller).await, self.shop.used("calls").await)
    }

    /// Writes that are dropped at any point are there whole, with what was counted for them, or not at all.
    async fn join_and_write(&self) -> usize {
        let mut points = self.at_each_message(&self.wire, "commit_in and commit", |at| self.join(at)).await;
        points += self.at_each_poll("commit_in and commit", |at| self.join(at)).await;
        let (stored, counted) = self.halves().await;
        assert_eq!(stored, counted, "a listing and its use stand or fall together");
        assert!(stored >= 2);
        points += self.at_each_message(&self.wire, "write and commit", |at| self.write(at)).await;
        points += self.at_each_poll("write and commit", |at| self.write(at)).await;
        self.shop.nobody_is_inside().await;
        println!("{stored} joined commits whole, none in part");
        points
    }

    async fn begin(&self) {
        drop(self.store.begin(&self.shop.seller).await.unwrap());
    }

    async fn read(&self) {
        let mut tx = self.store.read(&self.shop.seller).await.unwrap();
        let _rows: Vec<(String,)> =
            sqlx::query_as("SELECT slug FROM listings").fetch_all(tx.connection()).await.unwrap();
    }

    async fn write(&self, at: usize) {
        let mut tx = self.store.begin(&self.shop.seller).await.unwrap();
        insert(&mut tx, &format!("w{at}")).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn join(&self, at: usize) {
        let unsent = self.shop.app.usage(&self.shop.seller).consume("calls".parse().unwrap(), 1).unsent();
        let unsent = unsent.await.unwrap();
        let mut tx = self.store.begin(&self.shop.seller).await.unwrap();
        insert(&mut tx, &format!("j{at}")).await.unwrap();
        tx.commit_in(unsent).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn roll_back(&self, at: usize) {
        let mut tx = self.store.begin(&self.shop.seller).await.unwrap();
        insert(&mut tx, &format!("r{at}")).await.unwrap();
        tx.rollback().await.unwrap();
    }

    async fn look(&self) {
        let tenant = self.app.resolve(&"seller".parse().unwrap()).await.unwrap();
        let seller = &self.shop.seller;
        self.app.admit(&tenant, tenant.tenant().realm, seller.user().unwrap()).await.unwrap();
    }

    async fn consume(&self) -> Result<(), ()> {
        self.app.usage(&self.shop.seller).consume("calls".parse().unwrap(), 1).await.map(drop).map_err(drop)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_dropped_at_any_point_leave_the_pool_clean() {
    let narrow = Narrow::open(Sealing::Off).await;
    let wire = &narrow.wire;
    let mut points = narrow.at_each_message(wire, "begin", |_| narrow.begin()).await;
    points += narrow.at_each_message(wire, "read", |_| narrow.read()).await;
    points += narrow.at_each_message(wire, "a look-up and an admission", |_| narrow.look()).await;
    points += narrow.at_each_message(wire, "rollback", |at| narrow.roll_back(at)).await;
    points += narrow.at_each_poll("rollback", |at| narrow.roll_back(at)).await;
    points += narrow.at_each_poll("begin", |_| narrow.begin()).await;
    points += narrow.at_each_poll("a look-up and an admission", |_| narrow.look()).await;
    assert_eq!(narrow.halves().await, (0, 0));
    points += narrow.join_and_write().await;
    println!("plain: dropped at {points} points");
    assert!(points > 150, "{points}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_dropped_at_any_point_leave_a_sealed_pool_clean() {
    let narrow = Narrow::open(Sealing::On).await;
    let points = narrow.at_each_message(&narrow.wire, "read", |_| narrow.read()).await;
    let points = points + narrow.join_and_write().await;
    println!("sealed: dropped at {points} points");
    assert!(points > 60, "{points}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_commit_that_is_dropped_is_applied_once_and_whole() {
    let narrow = Narrow::open(Sealing::Off).await;
    let mut sent = 0;
    for passing in 0..60 {
        narrow.writes.after(passing, Fate::Held);
        let is_done = tokio::select! {
            biased;
            done = tokio::time::timeout(IN_TIME, narrow.consume()) => { done.unwrap().unwrap(); true }
            () = narrow.writes.has_come() => false,
        };
        sent += 1;
        narrow.writes.release();
        narrow.is_clean().await;
        if is_done && passing > 20 {
            break;
        }
    }
    let applied = async {
        loop {
            if narrow.shop.used("calls").await == sent {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let applied = tokio::time::timeout(IN_TIME, applied).await;
    let used = narrow.shop.used("calls").await;
    println!("{sent} commits, each dropped at another message: {used} applied");
    assert!(applied.is_ok(), "{used} of {sent}");
    assert_eq!(used, sent, "once sent, a write runs to its end");
}

/// What sqlx does by itself: a `begin` that is dropped midway, or fails in its second command, hands its connection
/// back still inside that transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_begin_that_is_dropped_midway_is_not_handed_on() {
    let narrow = Narrow::open(Sealing::Off).await;
    for passing in 0..12 {
        narrow.wire.after(passing, Fate::Held);
        tokio::select! {
            biased;
            done = narrow.store.read(&narrow.shop.seller) => { drop(done.unwrap()); }
            () = narrow.wire.has_come() => {}
        }
        narrow.wire.release();
        let next = tokio::time::timeout(IN_TIME, narrow.store.begin(&narrow.shop.buyer)).await.unwrap();
        let mut tx = next.unwrap_or_else(|error| panic!("after {passing} messages: {error:?}"));
        let written = insert(&mut tx, "next").await;
        assert!(
            written.is_ok(),
            "after {passing} messages the next user is still in a read-only one: {written:?}"
        );
        tx.rollback().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_begin_that_fails_in_its_second_command_is_not_handed_on() {
    let narrow = Narrow::open(Sealing::Off).await;
    for _ in 0..3 {
        narrow.wire.replace(b"SET LOCAL app.tenant_id", b"SET LOCAL app_tenant_id");
        let failed = narrow.store.read(&narrow.shop.seller).await;
        assert!(matches!(failed, Err(CommitError::Unavailable(_))), "{failed:?}");
        assert!(narrow.wire.has_replaced());
        let next = tokio::time::timeout(IN_TIME, narrow.store.begin(&narrow.shop.buyer)).await.unwrap();
        let mut tx = next.expect("the next user is still in the failed transaction");
        insert(&mut tx, "next").await.unwrap();
        tx.rollback().await.unwrap();
    }
    narrow.is_clean().await;
}
