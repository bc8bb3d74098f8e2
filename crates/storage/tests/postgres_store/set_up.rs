//! Setting a database up, again and at once; and what is refused to be served from.

use std::time::Duration;

use super::shop::{Shop, TABLES};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool};
use tenantry_core::WriteDoor as _;
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{
    AuditScope, ConnectError, Logins, MigrateError, PostgresOptions, PostgresStore, Sealing, audit,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_set_up_is_served_from() {
    let database = TestDatabase::create(Sealing::Off).await.unwrap();
    let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
    store.ping().await.unwrap();
    assert!(store.has_admin());
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_not_up_to_date_are_told_to_a_service() {
    let database = TestDatabase::create(Sealing::Off).await.unwrap();
    let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
    let mut owner = database.owner().await.unwrap();
    let behind = store.expect_migrated("shop", TABLES).await;
    let Err(MigrateError::Behind { namespace: "shop", found: 0, wanted: 1 }) = behind else {
        panic!("{behind:?}")
    };
    owner.migrate("shop", TABLES).await.unwrap();
    store.expect_migrated("shop", TABLES).await.unwrap();
    let newer = store.expect_migrated("shop", &[]).await;
    assert!(matches!(newer, Err(MigrateError::Newer { found: 1, known: 0, .. })), "{newer:?}");
    let reserved = store.expect_migrated("tenantry", TABLES).await;
    assert!(matches!(reserved, Err(MigrateError::Reserved)), "{reserved:?}");
}

/// Whoever reads the last table holds what setting up needs, and then wants what setting up has already changed.
#[tokio::test(flavor = "multi_thread")]
async fn it_begins_again_where_a_request_was_in_the_way() {
    let database = TestDatabase::create(Sealing::Off).await.unwrap();
    let mut request = PgConnection::connect(&database.owner_address()).await.unwrap();
    let mut tx = request.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE tenantry.tenantry_history IN ACCESS SHARE MODE")
        .execute(&mut *tx)
        .await
        .unwrap();
    let mut owner = database.owner().await.unwrap();
    let roles = database.roles().clone();
    let setting_up = tokio::spawn(async move { owner.set_up(&roles, Sealing::Keep).await });
    let mut watcher = PgConnection::connect(&database.owner_address()).await.unwrap();
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'tenantry.tenantry_history'::regclass)";
    for tried in 0.. {
        if sqlx::query_scalar(waits).fetch_one(&mut watcher).await.unwrap() {
            break;
        }
        assert!(tried < 1_000 && !setting_up.is_finished(), "setting up doesn't come to the last table");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let read =
        sqlx::raw_sql("LOCK TABLE tenantry.tenantry_realms IN ACCESS SHARE MODE").execute(&mut *tx).await;
    read.expect("the request wins: setting up has waited longer, and so is told first");
    tx.commit().await.unwrap();
    setting_up.await.unwrap().unwrap();
    let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_audited_is_what_was_set_up() {
    for sealing in [Sealing::Off, Sealing::On] {
        let database = TestDatabase::create(sealing).await.unwrap();
        let addresses = database.addresses();
        for address in [&addresses.app, &addresses.writer, &addresses.admin, &database.owner_address()] {
            let pool = PgPool::connect(address).await.unwrap();
            let scope = AuditScope::of_database(&pool).await.unwrap().unwrap();
            assert_eq!(scope.app(), database.roles().app().as_str());
            let report = audit(&pool, &scope).await.unwrap();
            assert!(report.may_serve(), "{report}");
            if *address == database.owner_address() {
                let open = "CREATE TABLE open (tenant_id uuid NOT NULL PRIMARY KEY)";
                sqlx::raw_sql(open).execute(&pool).await.unwrap();
                let report = audit(&pool, &scope).await.unwrap();
                assert!(!report.may_serve(), "{report}");
            }
        }
    }
    let server = PgPool::connect(&std::env::var("DATABASE_URL").unwrap()).await.unwrap();
    assert!(AuditScope::of_database(&server).await.unwrap().is_none(), "that one wasn't set up");
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_again_and_at_once_changes_nothing() {
    let database = TestDatabase::create(Sealing::On).await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (address, roles) = (database.owner_address(), database.roles().clone());
        tasks.push(tokio::spawn(async move {
            let mut owner = tenantry_storage::PostgresOwner::connect(&address).await.unwrap();
            owner.set_up(&roles, Sealing::Keep).await.unwrap()
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap().as_ref(), database.key(), "the key stays");
    }
    let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_logins_are_refused_with_what_to_do() {
    let database = TestDatabase::create(Sealing::Off).await.unwrap();
    let addresses = database.addresses();
    let connect = async |logins: Logins| {
        PostgresStore::connect(&logins, PostgresOptions::default()).await.map(drop).unwrap_err()
    };
    let owner = database.owner_address();
    let refused = connect(Logins::new(&owner, &addresses.writer)).await;
    assert!(matches!(refused, ConnectError::Owner { login: "app", .. }), "{refused}");
    let refused = connect(Logins::new(&addresses.writer, &addresses.writer)).await;
    assert!(matches!(refused, ConnectError::OtherRole { login: "app", .. }), "{refused}");
    let refused = connect(addresses.logins().with_sealing_key("ab".repeat(32).parse().unwrap())).await;
    assert!(matches!(refused, ConnectError::KeyNotWanted), "{refused}");
    let refused = connect(Logins::new("postgres://nobody:x@127.0.0.1:1/none", &addresses.writer)).await;
    assert!(matches!(refused, ConnectError::Failed { .. } | ConnectError::Commit(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_database_wants_its_key() {
    let database = TestDatabase::create(Sealing::On).await.unwrap();
    let refused = PostgresStore::connect(&database.addresses().logins(), PostgresOptions::default()).await;
    assert!(matches!(refused.unwrap_err(), ConnectError::KeyMissing));
    let wrong = database.addresses().logins().with_sealing_key("ab".repeat(32).parse().unwrap());
    let refused = PostgresStore::connect(&wrong, PostgresOptions::default()).await;
    assert!(matches!(refused.unwrap_err(), ConnectError::KeyWrong));
}

/// What injected SQL can do to its own login for every session to come is refused at start-up, and mended by setting
/// the database up again.
#[tokio::test(flavor = "multi_thread")]
async fn what_injected_sql_left_behind_is_refused_and_mended() {
    let shop = Shop::open().await;
    shop.list(&shop.seller, "a").await;
    let app = shop.database.roles().app();
    for left in [
        format!("ALTER ROLE {app} SET row_security = off"),
        format!("ALTER ROLE {app} SET default_transaction_read_only = on"),
        format!("ALTER ROLE {app} IN DATABASE {} SET search_path = pg_catalog", shop.database.name()),
        "DROP OWNED BY CURRENT_USER".to_owned(),
    ] {
        let mut injected = PgConnection::connect(&shop.database.addresses().app).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(left.clone())).execute(&mut injected).await.unwrap();
        let refused = PostgresStore::connect(&shop.database.logins(), PostgresOptions::default()).await;
        assert!(refused.is_err(), "{left}");
        let mut owner = shop.database.owner().await.unwrap();
        owner.set_up(shop.database.roles(), Sealing::Keep).await.unwrap();
        let store = PostgresStore::connect(&shop.database.logins(), PostgresOptions::default()).await;
        let store = store.unwrap_or_else(|error| panic!("{left}: {error}"));
        let mut tx = store.read(&shop.seller).await.unwrap();
        let seen: i64 =
            sqlx::query_scalar("SELECT count(*) FROM listings").fetch_one(tx.connection()).await.unwrap();
        assert_eq!(seen, 1, "{left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn injected_sql_cannot_keep_a_service_from_starting() {
    let database = TestDatabase::create(Sealing::On).await.unwrap();
    let mut injected = PgConnection::connect(&database.addresses().app).await.unwrap();
    for left in ["SELECT lo_from_bytea(0, 'x')", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"]
    {
        sqlx::raw_sql(left).execute(&mut injected).await.unwrap();
    }
    PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_database_that_shows_statements_is_refused() {
    let database = TestDatabase::create(Sealing::On).await.unwrap();
    let superuser = std::env::var("SUPERUSER_DATABASE_URL").expect(
        "SUPERUSER_DATABASE_URL is the server of DATABASE_URL as a superuser: `cargo xtask test` sets it",
    );
    let superuser: PgConnectOptions = superuser.parse().unwrap();
    let mut superuser = superuser.database(database.name()).connect().await.unwrap();
    sqlx::raw_sql("CREATE EXTENSION pg_stat_statements").execute(&mut superuser).await.unwrap();
    let refused = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await;
    let Err(ConnectError::StatementsShown { function }) = refused else { panic!("{refused:?}") };
    let mend = format!("REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC");
    sqlx::raw_sql(AssertSqlSafe(mend)).execute(&mut superuser).await.unwrap();
    PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_elses_policy_opens_is_not_called_protected() {
    let shop = Shop::open().await;
    let mut owner = shop.owner().await;
    let open =
        "CREATE TABLE notes (tenant_id uuid NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant_id, id));
                ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
                CREATE POLICY everyone ON notes USING (true)";
    sqlx::raw_sql(open).execute(&mut owner).await.unwrap();
    let protect = "SELECT tenantry.protect('notes')";
    let refused = sqlx::raw_sql(protect).execute(&mut owner).await.unwrap_err();
    assert!(refused.to_string().contains("joined by OR"), "{refused}");
    sqlx::raw_sql("DROP POLICY everyone ON notes").execute(&mut owner).await.unwrap();
    sqlx::raw_sql(protect).execute(&mut owner).await.unwrap();
    let turned = "CREATE TABLE offers (slug text NOT NULL PRIMARY KEY, seller text NOT NULL);
                  SELECT tenantry.publish('offers', 'seller');
                  ALTER TABLE offers ADD COLUMN tenant_id uuid NOT NULL;
                  ALTER TABLE offers DROP CONSTRAINT offers_pkey;
                  SELECT tenantry.protect('offers', key => ARRAY['slug'])";
    sqlx::raw_sql(turned).execute(&mut owner).await.unwrap();
    let policies: Vec<String> = sqlx::query_scalar(
        "SELECT polname::text FROM pg_policy WHERE polrelid = 'offers'::regclass ORDER BY 1",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(policies, ["tenantry_admin", "tenantry_app"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_table_that_was_dropped_is_forgotten() {
    let shop = Shop::open().await;
    sqlx::raw_sql("DROP TABLE listings").execute(&mut shop.owner().await).await.unwrap();
    let mut owner = shop.database.owner().await.unwrap();
    owner.set_up(shop.database.roles(), Sealing::On).await.unwrap();
}
