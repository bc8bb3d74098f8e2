//! Behind PgBouncer in transaction mode, where the next transaction may be in anybody's session.

use std::sync::Arc;

use tenantry_core::conformance::{Opened, cases};
use tenantry_core::{Caller, Failure, Store};
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{PostgresOptions, PostgresStore, Sealing};

use super::conformance::OnTokio;
use super::servers::Pooler;
use super::sessions::{REMNANTS, hits};
use super::shop::{Shop, app, caller, insert, registration};

struct Pooled {
    store: PostgresStore,
    tenantry: tenantry_core::Tenantry,
    callers: Vec<Caller>,
    _pooler: Pooler,
    shop: Shop,
}

const TENANTS: usize = 8;
const TASKS: usize = 32;
const ROUNDS: usize = 8;

impl Pooled {
    async fn open(sealing: Sealing, sessions: u32) -> Self {
        let shop = Shop::open_with(sealing, PostgresOptions::default()).await;
        let pooler = Pooler::before(&shop.database, sessions).await;
        let options = PostgresOptions::default().with_wait(std::time::Duration::from_secs(30));
        let store =
            PostgresStore::connect(pooler.logins(), options.behind_transaction_pooler()).await.unwrap();
        let tenantry = app(&store);
        let mut callers = Vec::new();
        for at in 0..TENANTS {
            let market = tenantry.resolve(&"market".parse().unwrap()).await.unwrap();
            let slug = format!("tenant-{at}");
            tenantry.register(&market, registration(&slug)).await.unwrap();
            callers.push(caller(&tenantry, &slug).await);
        }
        Self { shop, store, tenantry, callers, _pooler: pooler }
    }

    /// One request after another of one tenant: what it writes and sees is its own.
    async fn visits(&self, task: usize) -> usize {
        let by = &self.callers[task % TENANTS];
        let own = by.tenant().id().as_uuid();
        let mut seen = 0;
        for round in 0..ROUNDS {
            let unsent = self.tenantry.usage(by).consume("calls".parse().unwrap(), 1).unsent().await.unwrap();
            let mut tx = self.store.begin(by).await.unwrap();
            insert(&mut tx, &format!("l{task}-{round}")).await.unwrap();
            match tx.commit_in(unsent).await {
                Ok(_) => tx.commit().await.unwrap(),
                Err(Failure::Busy) => tx.rollback().await.unwrap(),
                Err(failure) => panic!("{failure:?}"),
            }
            let mut tx = self.store.read(by).await.unwrap();
            let rows: Vec<(uuid::Uuid, String)> = sqlx::query_as(
                "SELECT tenant_id, current_setting('app.tenant_id', true) FROM listings ORDER BY slug",
            )
            .fetch_all(tx.connection())
            .await
            .unwrap();
            drop(tx);
            assert!(rows.iter().all(|(of, set)| *of == own && *set == own.to_string()), "{rows:?}");
            seen += rows.len();
            self.tenantry.usage(by).consume("calls".parse().unwrap(), 1).await.unwrap();
            assert_eq!(caller(&self.tenantry, by.tenant().tenant().slug.as_str()).await.id(), by.id());
        }
        seen
    }
}

async fn interleave(sealing: Sealing, sessions: u32) {
    let pooled = Arc::new(Pooled::open(sealing, sessions).await);
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let pooled = Arc::clone(&pooled);
        tasks.push(tokio::spawn(async move { pooled.visits(task).await }));
    }
    let mut seen = 0;
    for task in tasks {
        seen += task.await.unwrap();
    }
    for by in &pooled.callers {
        let usage = pooled.tenantry.usage(by).all().await.unwrap();
        let used = usage.iter().find(|usage| usage.meter.as_str() == "calls").unwrap().used;
        let stored = pooled.shop.stored(by).await;
        let plain = i64::try_from(TASKS / TENANTS * ROUNDS).unwrap();
        assert_eq!(used, stored + plain, "what was counted is what was written");
    }
    println!(
        "{sealing:?}, {sessions} sessions: {TASKS} tasks of {TENANTS} tenants saw {seen} rows, each its own"
    );
    assert!(seen > TASKS * ROUNDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_that_share_one_session_see_their_own_rows() {
    interleave(Sealing::Off, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_that_share_three_sessions_see_their_own_rows() {
    interleave(Sealing::Off, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_tenants_that_share_sessions_see_their_own_rows() {
    interleave(Sealing::On, 1).await;
    interleave(Sealing::On, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_in_a_poolers_session_does_not_meet_the_next_tenant() {
    let mut pooled = Pooled::open(Sealing::On, 1).await;
    pooled.shop.list(&pooled.shop.buyer, "treasure").await;
    pooled.shop.store = pooled.store.clone();
    let hits = hits(&pooled.shop).await;
    println!(
        "{} remnants in a pooler's session, {} of which met the next tenant",
        REMNANTS.len(),
        hits.len()
    );
    assert!(hits.is_empty(), "{hits:#?}");
}

/// Cases of the suite that every store passes: reads, commits, the work queue, the sealer and races.
const CASES: &[&str] = &[
    "isolation::reads",
    "commits::every_guard_is_listed",
    "commits::nothing_is_left",
    "keys::replay",
    "orders::purchase",
    "work::fences",
    "trail::sealing",
    "races::quota",
    "races::one_key",
    "workers::claim_at_once",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_conforms_behind_a_pooler() {
    let last = Arc::new(std::sync::Mutex::new(None));
    let harness = OnTokio(Box::new(move |clock| {
        let last = Arc::clone(&last);
        Box::pin(async move {
            let database = TestDatabase::create(Sealing::Off).await?;
            let pooler = Pooler::before(&database, 3).await;
            let options = PostgresOptions::default().with_clock(clock).behind_transaction_pooler();
            let store: Arc<dyn Store> =
                Arc::new(PostgresStore::connect(pooler.logins(), options.clone()).await?);
            let other: Arc<dyn Store> = Arc::new(PostgresStore::connect(pooler.logins(), options).await?);
            let before = last.lock().unwrap().replace((pooler, database));
            drop(before);
            Ok(Opened { store, other: Some(other) })
        })
    }));
    let mut passed = 0;
    for case in cases().iter().filter(|case| CASES.contains(&case.name())) {
        let report = case.run(&harness).await.unwrap_or_else(|failure| panic!("{failure}"));
        println!("{}: {report}", case.name());
        passed += 1;
    }
    assert_eq!(passed, CASES.len());
}
