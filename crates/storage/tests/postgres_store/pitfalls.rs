//! What is easy to get wrong with row security and with sqlx, each with its test.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenantry_storage::{MigrateError, Migration, PostgresOptions, Sealing};

use super::shop::{Shop, insert};

async fn narrow(sealing: Sealing) -> Shop {
    let shop = Shop::open_with(sealing, PostgresOptions::default().with_connections(1)).await;
    shop.list(&shop.seller, "of the seller").await;
    shop.list(&shop.buyer, "of the buyer").await;
    shop
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_was_cached_for_one_tenant_serves_the_next_its_own_rows() {
    for sealing in [Sealing::Off, Sealing::On] {
        let shop = narrow(sealing).await;
        for mode in ["auto", "force_generic_plan", "force_custom_plan"] {
            for round in 0..20 {
                let (by, own) = if round % 2 == 0 {
                    (&shop.seller, "of the seller")
                } else {
                    (&shop.buyer, "of the buyer")
                };
                let mut tx = shop.store.read(by).await.unwrap();
                let mode = format!("SET LOCAL plan_cache_mode = {mode}");
                sqlx::raw_sql(AssertSqlSafe(mode)).execute(tx.connection()).await.unwrap();
                let seen: Vec<String> = sqlx::query_scalar("SELECT slug FROM listings WHERE price > $1")
                    .bind(0_i64)
                    .fetch_all(tx.connection())
                    .await
                    .unwrap();
                assert_eq!(seen, [own], "{sealing:?} {round}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_transaction_the_setting_is_empty_and_shows_no_rows() {
    for sealing in [Sealing::Off, Sealing::On] {
        let shop = narrow(sealing).await;
        let mut app = PgConnection::connect(&shop.database.addresses().app).await.unwrap();
        let ask = "SELECT current_setting('app.tenant_id', true)";
        let before: Option<String> = sqlx::query_scalar(ask).fetch_one(&mut app).await.unwrap();
        assert_eq!(before, None);
        let tenant = shop.seller.tenant().id();
        let command = format!("BEGIN; SET LOCAL app.tenant_id = '{tenant}'; ROLLBACK");
        sqlx::raw_sql(AssertSqlSafe(command)).execute(&mut app).await.unwrap();
        let after: Option<String> = sqlx::query_scalar(ask).fetch_one(&mut app).await.unwrap();
        assert_eq!(after.as_deref(), Some(""));
        for table in ["listings", "tenantry_usage", "tenantry_tenants", "tenantry_audit"] {
            let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut app).await.unwrap();
            assert_eq!(seen, 0, "{table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_savepoint_that_is_rolled_back_keeps_the_tenant() {
    for sealing in [Sealing::Off, Sealing::On] {
        let shop = narrow(sealing).await;
        let mut tx = shop.store.begin(&shop.seller).await.unwrap();
        let mut inner = tx.connection().begin().await.unwrap();
        sqlx::query("INSERT INTO listings (tenant_id, slug) VALUES ($1, 'x')")
            .bind(shop.seller.tenant().id().as_uuid())
            .execute(&mut *inner)
            .await
            .unwrap();
        drop(inner);
        let seen: Vec<String> =
            sqlx::query_scalar("SELECT slug FROM listings").fetch_all(tx.connection()).await.unwrap();
        assert_eq!(seen, ["of the seller"]);
        let dangling = tx.connection().begin().await.unwrap();
        std::mem::forget(dangling);
        drop(tx);
        assert_eq!((shop.stored(&shop.seller).await, shop.stored(&shop.buyer).await), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_was_not_bound_is_an_error() {
    let shop = narrow(Sealing::Off).await;
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    let statement = "DELETE FROM listings WHERE slug = $1 OR $2::text IS NULL";
    let refused = sqlx::query(statement).bind("none").execute(tx.connection()).await;
    assert!(refused.is_err(), "{refused:?}");
    assert!(tx.commit().await.is_err(), "nor is what came before it committed");
    assert_eq!(shop.stored(&shop.seller).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_loaded_in_bulk_by_unnest() {
    let shop = narrow(Sealing::Off).await;
    let slugs: Vec<_> = (0..500).map(|n| format!("bulk-{n}")).collect();
    let load = "INSERT INTO listings (tenant_id, slug) SELECT $1, slug FROM unnest($2::text[]) AS slug";
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    let own = shop.seller.tenant().id().as_uuid();
    let done = sqlx::query(load).bind(own).bind(&slugs).execute(tx.connection()).await.unwrap();
    assert_eq!(done.rows_affected(), 500);
    tx.commit().await.unwrap();
    let mut tx = shop.store.begin(&shop.buyer).await.unwrap();
    let forged = sqlx::query(load).bind(own).bind(&slugs).execute(tx.connection()).await;
    assert!(forged.unwrap_err().to_string().contains("row-level security"));
    drop(tx);
    let mut tx = shop.store.begin(&shop.buyer).await.unwrap();
    insert(&mut tx, "bulk-1").await.expect("another tenant's slug is no obstacle, and tells nothing");
}

/// Tables that `tenantry.protect` refuses, and a word of its reason.
const REFUSED: &[(&str, &str)] = &[
    ("CREATE TABLE t (id bigint PRIMARY KEY)", "no column tenant_id"),
    (
        "CREATE TABLE t (tenant_id uuid, id bigint); CREATE UNIQUE INDEX ON t (tenant_id, id)",
        "no column tenant_id",
    ),
    ("CREATE TABLE t (tenant_id text NOT NULL, PRIMARY KEY (tenant_id))", "no column tenant_id"),
    ("CREATE TABLE t (tenant_id uuid NOT NULL, id bigint)", "no primary key"),
    ("CREATE TABLE t (tenant_id uuid NOT NULL, id bigint PRIMARY KEY)", "doesn't lead with tenant_id"),
    (
        "CREATE TABLE t (tenant_id uuid NOT NULL, id bigint, PRIMARY KEY (id, tenant_id))",
        "doesn't lead with tenant_id",
    ),
    (
        "CREATE TABLE t (tenant_id uuid NOT NULL, id bigint, slug text UNIQUE, PRIMARY KEY (tenant_id, id))",
        "doesn't lead with tenant_id",
    ),
    (
        "CREATE TABLE t (tenant_id uuid NOT NULL, id bigint, PRIMARY KEY (tenant_id, id)); CREATE UNIQUE INDEX ON t (lower('x'), tenant_id)",
        "doesn't lead with tenant_id",
    ),
    (
        "CREATE TABLE u (tenant_id uuid NOT NULL, id bigint UNIQUE, PRIMARY KEY (tenant_id, id));
         CREATE TABLE t (tenant_id uuid NOT NULL, id bigint REFERENCES u (id), PRIMARY KEY (tenant_id, id))",
        "leaves the tenant out",
    ),
    (
        "CREATE TABLE u (tenant_id uuid NOT NULL, id uuid NOT NULL, PRIMARY KEY (tenant_id, id));
         CREATE TABLE t (tenant_id uuid NOT NULL, id uuid, other uuid, PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (other, tenant_id) REFERENCES u (tenant_id, id))",
        "leaves the tenant out",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_let_tenants_meet_are_refused() {
    let shop = narrow(Sealing::Off).await;
    let mut owner = shop.owner().await;
    for (table, reason) in REFUSED {
        let mut tx = owner.begin().await.unwrap();
        sqlx::raw_sql(*table).execute(&mut *tx).await.unwrap();
        let refused = sqlx::query("SELECT tenantry.protect('t')").execute(&mut *tx).await.expect_err(table);
        assert!(refused.to_string().contains(reason), "{table}: {refused}");
        tx.rollback().await.unwrap();
    }
    println!("{} tables refused", REFUSED.len());
    let wrong = [Migration {
        version: 1,
        sql: "CREATE TABLE t (id bigint PRIMARY KEY); SELECT tenantry.protect('t')",
    }];
    let refused = shop.database.owner().await.unwrap().migrate("wrong", &wrong).await;
    assert!(matches!(refused, Err(MigrateError::Failed { .. })), "{refused:?}");
}

const FILED: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE visits (tenant_id uuid NOT NULL REFERENCES tenantry.tenantry_tenants (tenant_id),
              at bigint NOT NULL, PRIMARY KEY (tenant_id, at)) PARTITION BY RANGE (tenant_id, at);
          CREATE TABLE visits_all PARTITION OF visits FOR VALUES FROM (MINVALUE, MINVALUE) TO (MAXVALUE, MAXVALUE);
          SELECT tenantry.protect('visits');
          CREATE VIEW slugs WITH (security_invoker) AS SELECT slug FROM listings;
          GRANT SELECT ON slugs TO PUBLIC",
}];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_and_views_step_around_nothing() {
    for sealing in [Sealing::Off, Sealing::On] {
        let shop = narrow(sealing).await;
        shop.database.owner().await.unwrap().migrate("filed", FILED).await.unwrap();
        let visit = "INSERT INTO visits (tenant_id, at) VALUES ($1, 1)";
        for by in [&shop.seller, &shop.buyer] {
            let mut tx = shop.store.begin(by).await.unwrap();
            sqlx::query(visit).bind(by.tenant().id().as_uuid()).execute(tx.connection()).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut tx = shop.store.begin(&shop.seller).await.unwrap();
        let seen: i64 =
            sqlx::query_scalar("SELECT count(*) FROM visits").fetch_one(tx.connection()).await.unwrap();
        assert_eq!(seen, 1);
        let slugs: Vec<String> =
            sqlx::query_scalar("SELECT slug FROM slugs").fetch_all(tx.connection()).await.unwrap();
        assert_eq!(slugs, ["of the seller"]);
        let part = sqlx::query("SELECT count(*) FROM visits_all").execute(tx.connection()).await;
        assert!(part.unwrap_err().to_string().contains("permission denied"));
        drop(tx);
        let mut owner = shop.owner().await;
        let forced: bool = sqlx::query_scalar(
            "SELECT bool_and(relrowsecurity AND relforcerowsecurity) FROM pg_class WHERE relname IN ('visits', 'visits_all')",
        )
        .fetch_one(&mut owner)
        .await
        .unwrap();
        assert!(forced);
        let seen: i64 =
            sqlx::query_scalar("SELECT count(*) FROM visits_all").fetch_one(&mut owner).await.unwrap();
        assert_eq!(seen, 0, "not even its owner sees rows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_directory_answers_by_key_and_lists_nothing() {
    let shop = narrow(Sealing::Off).await;
    let mut app = PgConnection::connect(&shop.database.addresses().app).await.unwrap();
    let of_slug = "SELECT tenantry_directory.tenant_of_slug($1)";
    for wrong in ["%", "seller%", "", "_eller", "SELLER"] {
        let found: Option<uuid::Uuid> =
            sqlx::query_scalar(of_slug).bind(wrong).fetch_one(&mut app).await.unwrap();
        assert_eq!(found, None, "{wrong}");
    }
    let found: Option<uuid::Uuid> =
        sqlx::query_scalar(of_slug).bind("seller").fetch_one(&mut app).await.unwrap();
    assert_eq!(found, Some(shop.seller.tenant().id().as_uuid()));
    let callable: Vec<String> = sqlx::query_scalar(
        "SELECT proc.proname::text FROM pg_proc AS proc JOIN pg_namespace AS place ON place.oid = proc.pronamespace
         WHERE place.nspname IN ('tenantry', 'tenantry_directory') AND has_function_privilege(proc.oid, 'EXECUTE') ORDER BY 1",
    )
    .fetch_all(&mut app)
    .await
    .unwrap();
    let looked_at = [
        "children",
        "facts_above",
        "join_batch",
        "member_user",
        "principals_above",
        "sealed_tenant",
        "tenant_of_slug",
        "user_of_email",
    ];
    assert_eq!(callable, looked_at);
}
