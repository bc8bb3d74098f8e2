//! The file: how its connections are set, who makes its tables, and what is in it when it is opened again.

use sqlx::{Connection as _, Executor as _};
use tenantry_storage::{ConnectionUse, MigrateError, Migration, OpenError, SqliteOptions, SqliteStore};

use super::shop::{Shop, app, caller, insert, outside};

const ONE: Migration =
    Migration { version: 1, sql: "CREATE TABLE one (id INTEGER); CREATE TABLE uno (id INTEGER)" };
const TWO: Migration = Migration { version: 2, sql: "CREATE TABLE two (id INTEGER)" };

#[tokio::test]
async fn every_connection_syncs_every_commit() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions::default().with_readers(3);
    let store = SqliteStore::open_with(folder.path().join("a.db"), options).await.unwrap();
    let pragmas = store.pragmas().await.unwrap();
    println!("{} connections", pragmas.len());
    assert_eq!(pragmas.len(), 1 + 3 + 3);
    for pragma in &pragmas {
        assert_eq!(pragma.synchronous, 2, "{pragma:?}");
        assert_eq!(pragma.journal_mode, "wal", "{pragma:?}");
        assert_eq!((pragma.foreign_keys, pragma.busy_timeout), (1, 5_000), "{pragma:?}");
        assert_eq!(pragma.query_only, i64::from(pragma.of != ConnectionUse::Writes), "{pragma:?}");
    }
}

#[tokio::test]
async fn readers_cannot_write() {
    let shop = Shop::open().await;
    let refused = shop.store.readers().execute("DELETE FROM tenantry_tenants").await.unwrap_err();
    assert!(refused.to_string().contains("readonly"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_comes_back_inside_a_transaction_does_not_read_the_past() {
    let shop = Shop::open().await;
    let mut left = Vec::new();
    for _ in 0..4 {
        let mut reader = shop.store.readers().acquire().await.unwrap();
        sqlx::query("BEGIN").execute(&mut *reader).await.unwrap();
        sqlx::query("SELECT count(*) FROM listings").execute(&mut *reader).await.unwrap();
        left.push(reader);
    }
    let mut forgotten = shop.store.readers().try_acquire();
    assert!(forgotten.take().is_none(), "all are out");
    drop(left);
    let mut tx = shop.store.begin(shop.seller.tenant()).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..16 {
        assert_eq!(shop.listings().await.1, 1);
    }
}

#[tokio::test]
async fn what_was_committed_is_there_when_the_file_is_opened_again() {
    let shop = Shop::open().await;
    shop.use_one().await.unwrap();
    let again = SqliteStore::open(shop.file()).await.unwrap();
    let app = app(&again);
    let seller = caller(&app, "seller").await;
    assert_eq!(seller.tenant().tenant(), shop.seller.tenant().tenant());
    let used = app.usage(&seller).all().await.unwrap();
    assert_eq!(used.iter().find(|usage| usage.meter.as_str() == "listings").unwrap().used, 1);
}

#[tokio::test]
async fn steps_are_applied_once_and_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let store = SqliteStore::open(&file).await.unwrap();
    store.migrate("shop", &[ONE]).await.unwrap();
    store.migrate("shop", &[ONE, TWO]).await.unwrap();
    store.migrate("shop", &[ONE, TWO]).await.unwrap();
    store.migrate("other", &[]).await.unwrap();
    let older = store.migrate("shop", &[ONE]).await;
    assert!(matches!(older, Err(MigrateError::Newer { found: 2, known: 1, .. })), "{older:?}");
    let between = [ONE, Migration { version: 3, sql: "" }];
    let diverged = store.migrate("shop", &between).await;
    assert!(matches!(diverged, Err(MigrateError::Diverged { version: 3, .. })), "{diverged:?}");
    assert!(matches!(store.migrate("shop", &[TWO, ONE]).await, Err(MigrateError::Order { .. })));
    assert!(matches!(store.migrate("tenantry", &[ONE]).await, Err(MigrateError::Reserved)));
    let fails = [
        ONE,
        TWO,
        Migration { version: 3, sql: "CREATE TABLE three (id INTEGER); CREATE TABLE two (id INTEGER)" },
    ];
    let failed = store.migrate("shop", &fails).await;
    assert!(matches!(failed, Err(MigrateError::Failed { version: 3, .. })), "{failed:?}");
    let sneaks = [ONE, TWO, Migration { version: 3, sql: "CREATE TABLE three (id INTEGER); COMMIT" }];
    assert!(store.migrate("shop", &sneaks).await.is_err());
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'tenantry%' ORDER BY name",
    )
    .fetch_all(&mut outside(&file).await)
    .await
    .unwrap();
    assert_eq!(tables, ["one", "two", "uno"]);
}

#[tokio::test]
async fn tables_that_are_not_up_to_date_are_told_without_being_touched() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("a.db")).await.unwrap();
    let behind = store.expect_migrated("shop", &[ONE]).await;
    assert!(matches!(behind, Err(MigrateError::Behind { found: 0, wanted: 1, .. })), "{behind:?}");
    store.migrate("shop", &[ONE]).await.unwrap();
    store.expect_migrated("shop", &[ONE]).await.unwrap();
    let behind = store.expect_migrated("shop", &[ONE, TWO]).await;
    assert!(matches!(behind, Err(MigrateError::Behind { found: 1, wanted: 2, .. })), "{behind:?}");
    let newer = store.expect_migrated("shop", &[]).await;
    assert!(matches!(newer, Err(MigrateError::Newer { found: 1, known: 0, .. })), "{newer:?}");
    let reserved = store.expect_migrated("tenantry", &[ONE]).await;
    assert!(matches!(reserved, Err(MigrateError::Reserved)), "{reserved:?}");
    store.migrate("shop", &[ONE, TWO]).await.unwrap();
    store.expect_migrated("shop", &[ONE, TWO]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_can_be_opened_many_times_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let file = folder.path().join(format!("{round}.db"));
        let opening: Vec<_> = (0..8).map(|_| tokio::spawn(SqliteStore::open(file.clone()))).collect();
        for opened in opening {
            opened.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let _older = SqliteStore::open(&file).await.unwrap();
    let mut newer = outside(&file).await;
    sqlx::query(
        "INSERT INTO tenantry_migrations (namespace, version, applied_at) VALUES ('tenantry', 99, 0)",
    )
    .execute(&mut newer)
    .await
    .unwrap();
    newer.close().await.unwrap();
    let refused = SqliteStore::open(&file).await.unwrap_err();
    assert!(matches!(refused, OpenError::Migrate(MigrateError::Newer { found: 99, .. })), "{refused:?}");
    assert!(refused.to_string().contains("start the newer program"), "{refused}");
}

#[tokio::test]
async fn a_database_in_memory_is_refused() {
    for path in ["", ":memory:", "file:a?mode=memory"] {
        assert!(matches!(SqliteStore::open(path).await, Err(OpenError::Path)), "{path}");
    }
    let nowhere = tempfile::tempdir().unwrap().path().join("no").join("folder.db");
    assert!(matches!(SqliteStore::open(nowhere).await, Err(OpenError::Unavailable(_))));
}
