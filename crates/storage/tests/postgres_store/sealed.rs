//! Sealed mode: SQL that was injected names another tenant, and gets nowhere.

use sqlx::AssertSqlSafe;
use tenantry_core::{Caller, CommitError};

use super::shop::{Shop, insert};

/// A handler that puts what a client sent into its statement's text.
async fn broken_handler(shop: &Shop, caller: &Caller, sent: &str) -> Result<Vec<String>, sqlx::Error> {
    let mut tx = shop.store.read(caller).await.map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
    let statement = format!("SELECT slug FROM listings WHERE slug = '{sent}'");
    sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(tx.connection()).await
}

/// One that even sends several statements at once.
async fn most_broken_handler(shop: &Shop, caller: &Caller, sent: &str) -> Result<Vec<String>, sqlx::Error> {
    use sqlx::Row as _;
    let mut tx = shop.store.begin(caller).await.map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
    let statement = format!("SELECT slug FROM listings WHERE slug = '{sent}'");
    let rows = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_all(tx.connection()).await?;
    rows.iter().map(|row| row.try_get::<String, _>(0)).collect()
}

fn attacks(shop: &Shop) -> Vec<String> {
    let victim = shop.buyer.tenant().id();
    let own_seal = "current_setting('app.tenant_seal')";
    vec![
        format!("' OR set_config('app.tenant_id', '{victim}', true) IS NOT NULL --"),
        format!(
            "' UNION ALL SELECT slug FROM (SELECT set_config('app.tenant_id', '{victim}', true) OFFSET 0) AS s(t), LATERAL (SELECT slug FROM listings WHERE s.t IS NOT NULL OFFSET 0) AS l --"
        ),
        format!(
            "' UNION ALL SELECT slug FROM (SELECT set_config('app.tenant_id', '{victim}', true), set_config('app.tenant_seal', {own_seal}, true) OFFSET 0) AS s(t), LATERAL (SELECT slug FROM listings WHERE s.t IS NOT NULL OFFSET 0) AS l --"
        ),
        format!(
            "' UNION ALL SELECT slug FROM (SELECT set_config('app.tenant_seal', split_part({own_seal}, '.', 1) || '.' || repeat('0', 64), true), set_config('app.tenant_id', '{victim}', true) OFFSET 0) AS s(t), LATERAL (SELECT slug FROM listings WHERE s.t IS NOT NULL OFFSET 0) AS l --"
        ),
        "' UNION ALL SELECT encode(inner_pad, 'hex') FROM tenantry_directory.tenantry_sealing_key --"
            .to_owned(),
        "' UNION ALL SELECT encode(tenantry.sealing_mac('tenant'), 'hex') --".to_owned(),
    ]
}

fn attacks_with_several_statements(shop: &Shop) -> Vec<String> {
    let victim = shop.buyer.tenant().id();
    vec![
        format!("'; SET LOCAL app.tenant_id = '{victim}'; SELECT slug FROM listings --"),
        format!("'; COMMIT; BEGIN; SET LOCAL app.tenant_id = '{victim}'; SELECT slug FROM listings --"),
        format!("'; SET app.tenant_id = '{victim}'; COMMIT; SELECT slug FROM listings --"),
        "'; SET row_security = off; SELECT slug FROM listings --".to_owned(),
        format!("'; SET ROLE {}; SELECT slug FROM listings --", shop.database.roles().admin()),
        format!(
            "'; SET SESSION AUTHORIZATION {}; SELECT slug FROM listings --",
            shop.database.roles().admin()
        ),
        "'; CREATE TEMPORARY TABLE stolen AS SELECT slug FROM listings; SELECT slug FROM stolen --"
            .to_owned(),
        "'; CREATE FUNCTION public.leak() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT 1' --"
            .to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn injected_statements_see_nothing_of_another_tenants() {
    let shop = Shop::sealed().await;
    shop.list(&shop.buyer, "treasure").await;
    shop.list(&shop.seller, "own").await;
    let mut tried = 0;
    for attack in attacks(&shop) {
        let got = broken_handler(&shop, &shop.seller, &attack).await;
        assert!(!got.unwrap_or_default().contains(&"treasure".to_owned()), "{attack}");
        tried += 1;
    }
    for attack in attacks_with_several_statements(&shop).into_iter().chain(attacks(&shop)) {
        let got = most_broken_handler(&shop, &shop.seller, &attack).await;
        assert!(!got.unwrap_or_default().contains(&"treasure".to_owned()), "{attack}");
        tried += 1;
    }
    println!("{tried} injections, none of which saw another tenant's row");
    assert_eq!((shop.stored(&shop.seller).await, shop.stored(&shop.buyer).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_attacks_are_real_where_nothing_is_sealed() {
    let shop = Shop::open().await;
    shop.list(&shop.buyer, "treasure").await;
    let mut stolen = 0;
    for attack in attacks(&shop) {
        let got = broken_handler(&shop, &shop.seller, &attack).await.unwrap_or_default();
        stolen += usize::from(got.contains(&"treasure".to_owned()));
    }
    for attack in attacks_with_several_statements(&shop) {
        let got = most_broken_handler(&shop, &shop.seller, &attack).await.unwrap_or_default();
        stolen += usize::from(got.contains(&"treasure".to_owned()));
    }
    println!("{stolen} injections succeed without seals");
    assert!(stolen >= 3, "an attack that never works proves nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_injected_sql_makes_up_is_not_believed() {
    let shop = Shop::sealed().await;
    let tenant = shop.seller.tenant().id();
    let document = format!(
        r#"{{"tenant":"{tenant}","now":0,"keyed":null,"guards":[],"given_back":[{{"meter":"listings","period":0,"amount":9}}],"audit":[],"events":[]}}"#
    );
    for mac in ["NULL".to_owned(), format!("'\\x{}'", "00".repeat(32))] {
        let mut tx = shop.store.begin(&shop.seller).await.unwrap();
        let knock = format!("SELECT tenantry.join_batch('{document}', {mac})");
        let refused = sqlx::query(AssertSqlSafe(knock)).execute(tx.connection()).await.unwrap_err();
        assert!(refused.to_string().contains("isn't sealed"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_transactions_do_what_plain_ones_do() {
    let shop = Shop::sealed().await;
    let unsent = shop.app.usage(&shop.seller).consume("listings".parse().unwrap(), 1).unsent().await.unwrap();
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    tx.commit_in(unsent).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shop.listings().await, (1, 1));
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    let forged = sqlx::query("SET LOCAL app.tenant_seal = '0.0'").execute(tx.connection()).await;
    forged.unwrap();
    let seen: i64 =
        sqlx::query_scalar("SELECT count(*) FROM listings").fetch_one(tx.connection()).await.unwrap();
    assert_eq!(seen, 0, "without a seal there are no rows");
    assert!(matches!(tx.commit().await, Ok(()) | Err(CommitError::Unavailable(_))));
}
