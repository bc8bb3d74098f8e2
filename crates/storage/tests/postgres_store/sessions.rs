//! Sealed mode: what injected SQL leaves in a session doesn't meet the next tenant on that connection.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Row as _};
use tenantry_core::Caller;
use tenantry_storage::{PgTenantRead, PostgresOptions, PostgresStore, Sealing};

use super::shop::Shop;

/// What one tenant's injected statements leave behind, and how the next one notices: a question that answers true, or
/// fails.
pub(crate) struct Remnant {
    left: &'static str,
    hits: &'static str,
}

const fn remnant(left: &'static str, hits: &'static str) -> Remnant {
    Remnant { left, hits }
}

pub(crate) const REMNANTS: &[Remnant] = &[
    remnant(
        "COMMIT; SET default_transaction_read_only = on",
        "INSERT INTO listings SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid, 'x' RETURNING false",
    ),
    remnant(
        "COMMIT; SET plan_cache_mode = force_generic_plan",
        "SELECT current_setting('plan_cache_mode') <> 'auto'",
    ),
    remnant("COMMIT; SET statement_timeout = 1", "SELECT pg_sleep(0.05) IS NULL"),
    remnant("COMMIT; SET client_encoding = 'LATIN1'", "SELECT current_setting('client_encoding') <> 'UTF8'"),
    remnant(
        "COMMIT; SET standard_conforming_strings = off",
        "SELECT current_setting('standard_conforming_strings') <> 'on'",
    ),
    remnant("COMMIT; SET TIME ZONE 'Pacific/Auckland'", "SELECT current_setting('TimeZone') <> 'UTC'"),
    remnant("COMMIT; SET app.note = 'left'", "SELECT current_setting('app.note', true) = 'left'"),
    remnant("COMMIT; SET search_path = tenantry_directory", "SELECT count(*) < 0 FROM listings"),
    remnant("COMMIT; LISTEN left_behind", "SELECT EXISTS (SELECT FROM pg_listening_channels())"),
    remnant(
        "SELECT pg_advisory_lock(4711)",
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())",
    ),
    remnant(
        "DECLARE left_behind CURSOR WITH HOLD FOR SELECT slug FROM listings; COMMIT",
        "SELECT EXISTS (SELECT FROM pg_cursors WHERE is_holdable)",
    ),
    remnant("SELECT setseed(0.5)", "SELECT random() BETWEEN 0.9851677 AND 0.9851678"),
    remnant(
        "PREPARE left_behind AS SELECT 1",
        "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql)",
    ),
    remnant(
        "CREATE TEMPORARY TABLE listings (slug text); COMMIT",
        "SELECT EXISTS (SELECT FROM pg_class WHERE relpersistence = 't' AND relname = 'listings')",
    ),
];

async fn shop(sealing: Sealing) -> Shop {
    let shop = Shop::open_with(sealing, PostgresOptions::default().with_connections(1)).await;
    shop.list(&shop.buyer, "treasure").await;
    shop
}

/// A handler that sends several statements at once, some of which came from a client.
async fn inject(shop: &Shop, sent: &str) {
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    drop(sqlx::raw_sql(AssertSqlSafe(sent.to_owned())).fetch_all(tx.connection()).await);
}

async fn is_hit(shop: &Shop, question: &'static str) -> bool {
    let Ok(mut tx) = shop.store.begin(&shop.buyer).await else { return true };
    let answer = sqlx::raw_sql(question).fetch_one(tx.connection()).await;
    answer.and_then(|row| row.try_get::<bool, _>(0)).unwrap_or(true)
}

pub(crate) async fn hits(shop: &Shop) -> Vec<&'static str> {
    let mut hits = Vec::new();
    for Remnant { left, hits: question } in REMNANTS {
        inject(shop, left).await;
        if is_hit(shop, question).await {
            hits.push(*left);
        }
        inject(shop, "COMMIT; CLOSE ALL; RESET ALL; UNLISTEN *; DEALLOCATE PREPARE left_behind").await;
        inject(shop, "SELECT pg_advisory_unlock_all()").await;
    }
    hits
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_left_in_a_session_meets_the_next_tenant() {
    let shop = shop(Sealing::On).await;
    let hits = hits(&shop).await;
    println!("{} remnants, {} of which met the next tenant", REMNANTS.len(), hits.len());
    assert!(hits.is_empty(), "{hits:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_plain_mode_sessions_are_left_as_they_are() {
    let shop = shop(Sealing::Off).await;
    let hits = hits(&shop).await;
    println!("{} of {} remnants meet the next tenant where nothing is sealed", hits.len(), REMNANTS.len());
    assert!(hits.len() >= 8, "an attack that never works proves nothing: {hits:#?}");
}

/// The buyer's own handler, which reads its listings by a statement that the connection has prepared.
const READS: &str = "SELECT slug FROM listings ORDER BY slug";

async fn reads(shop: &Shop, of: &Caller) -> Result<Vec<String>, sqlx::Error> {
    let mut tx = shop.store.begin(of).await.unwrap();
    let slugs = sqlx::query_scalar(READS).fetch_all(tx.connection()).await?;
    tx.commit().await.unwrap();
    Ok(slugs)
}

/// Puts another statement in the place of the buyer's, by its name.
const REPLACE: &str = "DO $do$ DECLARE known text; BEGIN
    FOR known IN SELECT name FROM pg_prepared_statements WHERE statement LIKE 'SELECT slug FROM listings ORDER%' LOOP
        EXECUTE format('DEALLOCATE %I', known);
        EXECUTE format('PREPARE %I AS UPDATE listings SET price = 0 RETURNING slug', known);
    END LOOP; END $do$";

async fn price(shop: &Shop) -> i64 {
    let mut tx = shop.store.begin(&shop.buyer).await.unwrap();
    sqlx::query_scalar("SELECT price FROM listings").fetch_one(tx.connection()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_replaced_is_never_run_for_another_tenant() {
    for (sealing, price_after) in [(Sealing::Off, 0), (Sealing::On, 1)] {
        let shop = shop(sealing).await;
        for _ in 0..3 {
            assert_eq!(reads(&shop, &shop.buyer).await.unwrap(), ["treasure"]);
        }
        inject(&shop, REPLACE).await;
        assert_eq!(reads(&shop, &shop.buyer).await.unwrap(), ["treasure"], "{sealing:?}");
        assert_eq!(price(&shop).await, price_after, "{sealing:?}");
        inject(&shop, "DEALLOCATE ALL").await;
        let after = reads(&shop, &shop.buyer).await;
        assert_eq!(after.is_ok(), sealing == Sealing::On, "{after:?}");
    }
}

/// What the server shows of the commands that sessions of the same login run.
async fn shown(tx: &mut PgTenantRead) -> Vec<String> {
    sqlx::raw_sql(
        "SELECT query FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()",
    )
    .fetch_all(tx.connection())
    .await
    .unwrap()
    .iter()
    .map(|row| row.get::<String, _>(0))
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seal_cannot_be_taken_from_another_session() {
    let shop = Shop::sealed().await;
    shop.list(&shop.buyer, "treasure").await;
    let victims = [shop.store.read(&shop.buyer).await.unwrap(), shop.store.read(&shop.buyer).await.unwrap()];
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    let queries = shown(&mut tx).await;
    let begun = queries.iter().filter(|query| query.contains("SET LOCAL app.tenant_id")).count();
    assert!(begun >= victims.len(), "the attack sees the sessions: {queries:?}");
    assert!(!queries.iter().any(|query| query.contains("tenant_seal")), "{queries:?}");
    let seal = "SELECT current_setting('app.tenant_seal')";
    let [mut victim, _other] = victims;
    let seal: String = sqlx::query_scalar(seal).fetch_one(victim.connection()).await.unwrap();
    let stolen = format!(
        "SET LOCAL app.tenant_id = '{}'; SET LOCAL app.tenant_seal = '{seal}'; SELECT slug FROM listings",
        victim.tenant()
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(stolen)).fetch_all(tx.connection()).await.unwrap();
    assert_eq!(rows.len(), 1, "whoever has a seal is believed: hence it is hidden");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_never_becomes_idle_is_given_up() {
    let wait = Duration::from_secs(2);
    let options = PostgresOptions::default().with_connections(1).with_wait(Duration::from_secs(5));
    let shop = Shop::open_with(Sealing::On, options.clone()).await;
    let store = PostgresStore::connect(&shop.database.logins(), options.with_wait(wait)).await.unwrap();
    let mut tx = store.begin(&shop.seller).await.unwrap();
    let endless = sqlx::raw_sql("SET statement_timeout = 0; SELECT pg_sleep(60)").fetch_all(tx.connection());
    assert!(tokio::time::timeout(Duration::from_millis(100), endless).await.is_err());
    drop(tx);
    let asked = Instant::now();
    let next = loop {
        match store.begin(&shop.buyer).await {
            Ok(tx) => break tx,
            Err(error) => assert!(asked.elapsed() < Duration::from_secs(30), "{error:?}"),
        }
    };
    println!("the pool's only connection was usable again after {:?}", asked.elapsed());
    drop(next);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_left_halfway_frees_its_connection() {
    for sealing in [Sealing::Off, Sealing::On] {
        let shop = shop(sealing).await;
        for copy in ["COPY (SELECT generate_series(1, 5)) TO STDOUT", "COPY listings TO STDOUT"] {
            inject(&shop, copy).await;
            assert_eq!(reads(&shop, &shop.buyer).await.unwrap(), ["treasure"], "{copy}");
        }
        for copy in ["COPY listings FROM STDIN", "COPY published FROM STDIN"] {
            let mut tx = shop.store.begin(&shop.seller).await.unwrap();
            let refused = sqlx::raw_sql(copy).execute(tx.connection()).await.unwrap_err();
            assert!(refused.to_string().contains("row-level security"), "{refused}");
        }
        assert_eq!(reads(&shop, &shop.buyer).await.unwrap(), ["treasure"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cleaning_costs_is_said() {
    const TIMES: u32 = 200;
    for sealing in [Sealing::Off, Sealing::On] {
        let shop = shop(sealing).await;
        drop(reads(&shop, &shop.buyer).await);
        let started = Instant::now();
        for _ in 0..TIMES {
            let mut tx = shop.store.read(&shop.buyer).await.unwrap();
            let slugs: Vec<String> = sqlx::query_scalar(READS).fetch_all(tx.connection()).await.unwrap();
            assert_eq!(slugs, ["treasure"]);
        }
        println!("{sealing:?}: {:?} a read over a pool of one", started.elapsed() / TIMES);
    }
}
