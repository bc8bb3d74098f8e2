//! A statement that fails in the middle of a batch, and a commit that fails at its end, leave nothing.

use tenantry_core::{CommitError, Failure, TenantRefusal, UsageRefusal, WriteDoor as _};

use super::shop::{Shop, insert};

/// Every row of every table, as text.
async fn photograph(shop: &Shop) -> Vec<String> {
    let mut seen = Vec::new();
    let mut outside = shop.outside().await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .fetch_all(&mut outside)
            .await
            .unwrap();
    for table in tables {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
            .bind(&table)
            .fetch_all(&mut outside)
            .await
            .unwrap();
        let row = columns.iter().map(|column| format!("quote({column})")).collect::<Vec<_>>().join("||'|'||");
        let sql = format!("SELECT {row} FROM {table}");
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut outside).await.unwrap();
        seen.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    seen.sort();
    seen
}

async fn execute(shop: &Shop, sql: &'static str) {
    sqlx::query(sql).execute(&mut shop.outside().await).await.unwrap();
}

async fn suspend(shop: &Shop) -> Result<(), Failure<TenantRefusal>> {
    shop.app.tenants(&shop.operator).suspend("seller".parse().unwrap()).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_a_batch_whose_last_statement_fails() {
    let shop = Shop::open().await;
    for how in ["ABORT", "FAIL", "ROLLBACK"] {
        let trigger = format!(
            "CREATE TRIGGER fault BEFORE INSERT ON tenantry_events BEGIN SELECT RAISE({how}, 'a fault'); END"
        );
        sqlx::query(sqlx::AssertSqlSafe(trigger)).execute(&mut shop.outside().await).await.unwrap();
        let before = photograph(&shop).await;
        let stamp = shop.store.epochs().stamp(shop.seller.tenant().id());
        let failed = suspend(&shop).await;
        assert!(matches!(failed, Err(Failure::Unavailable(_))), "{how}: {failed:?}");
        assert_eq!(photograph(&shop).await, before, "{how}");
        assert!(stamp.is_current(), "{how}: an epoch moves only after the commit");
        execute(&shop, "DROP TRIGGER fault").await;
        shop.use_one().await.unwrap();
    }
    let stamp = shop.store.epochs().stamp(shop.seller.tenant().id());
    suspend(&shop).await.unwrap();
    assert!(!stamp.is_current());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_a_batch_whose_commit_fails() {
    let shop = Shop::open().await;
    execute(&shop, "CREATE TABLE parents (id INTEGER PRIMARY KEY)").await;
    execute(&shop, "CREATE TABLE orphans (id INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")
        .await;
    execute(
        &shop,
        "CREATE TRIGGER fault AFTER INSERT ON tenantry_events BEGIN INSERT INTO orphans (id) VALUES (1); END",
    )
    .await;
    let before = photograph(&shop).await;
    let stamp = shop.store.epochs().stamp(shop.seller.tenant().id());
    assert!(matches!(suspend(&shop).await, Err(Failure::Unavailable(_))));
    assert_eq!(photograph(&shop).await, before);
    assert!(stamp.is_current());
    execute(&shop, "DROP TRIGGER fault").await;
    suspend(&shop).await.unwrap();
    assert!(!stamp.is_current());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_that_fails_takes_no_other_with_it() {
    let shop = Shop::open().await;
    execute(
        &shop,
        "CREATE TRIGGER fault BEFORE INSERT ON tenantry_usage WHEN NEW.meter = 'listings' \
         BEGIN SELECT RAISE(ABORT, 'a fault'); END",
    )
    .await;
    let mut running = Vec::new();
    for n in 0..200 {
        let (app, seller) = (shop.app.clone(), shop.seller.clone());
        let meter = if n % 4 == 0 { "listings" } else { "calls" };
        running.push(tokio::spawn(async move {
            let used = app.usage(&seller).consume(meter.parse().unwrap(), 1).await;
            (meter, used)
        }));
    }
    let (mut counted, mut failed) = (0, 0);
    for task in running {
        match task.await.unwrap() {
            ("calls", Ok(())) => counted += 1,
            ("listings", Err(Failure::Unavailable(_))) => failed += 1,
            (meter, other) => panic!("{meter}: {other:?}"),
        }
    }
    println!("{counted} counted, {failed} failed");
    assert_eq!((counted, failed), (150, 50));
    assert_eq!((shop.used("calls").await, shop.used("listings").await), (150, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_the_database_ended_commits_nothing_more() {
    let shop = Shop::open().await;
    execute(
        &shop,
        "CREATE TRIGGER fault BEFORE INSERT ON listings WHEN NEW.slug = 'bad' \
         BEGIN SELECT RAISE(ROLLBACK, 'a fault'); END",
    )
    .await;
    let before = photograph(&shop).await;
    let unsent = shop.app.usage(&shop.seller).consume("listings".parse().unwrap(), 1).unsent().await.unwrap();
    let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    insert(&mut tx, "good").await.unwrap();
    assert!(insert(&mut tx, "bad").await.is_err());
    assert!(insert(&mut tx, "late").await.is_err(), "it would be committed by itself");
    let joined: Result<(), Failure<UsageRefusal>> = tx.commit_in(unsent).await;
    assert!(matches!(joined, Err(Failure::Unavailable(_))));
    assert!(matches!(tx.commit().await, Err(CommitError::Unavailable(_))));
    assert_eq!(photograph(&shop).await, before);
    shop.use_one().await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_gone_is_unavailable_and_not_a_refusal() {
    let shop = Shop::open().await;
    execute(&shop, "ALTER TABLE tenantry_audit RENAME TO elsewhere").await;
    assert!(matches!(shop.use_one().await, Err(Failure::Unavailable(_))));
    execute(&shop, "ALTER TABLE elsewhere RENAME TO tenantry_audit").await;
    assert_eq!(shop.listings().await, (0, 0));
    shop.use_one().await.unwrap();
    assert_eq!(shop.listings().await, (1, 0));
}
