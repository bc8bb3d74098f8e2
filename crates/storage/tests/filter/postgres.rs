use serde_json::Value as Json;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Row as _};
use tenantry_core::Predicate;
use tenantry_storage::Sealing;
use tenantry_storage::testing::TestDatabase;
use uuid::Uuid;

use crate::model::HOME;
use crate::table::{Pages, compare, compare_folders, rows, usual};

const TABLE: &str = "
    CREATE TABLE documents (
        tenant_id uuid NOT NULL, document_id uuid NOT NULL, owner_id uuid, folder bigint, size bigint, state text,
        PRIMARY KEY (tenant_id, document_id)
    );
    CREATE INDEX documents_by_owner ON documents (tenant_id, owner_id, document_id);
    CREATE INDEX documents_by_folder ON documents (tenant_id, folder, document_id);";

async fn filled() -> (TestDatabase, PgPool) {
    let database = TestDatabase::create(Sealing::Off).await.unwrap();
    let pool = PgPoolOptions::new().max_connections(2).connect(&database.owner_address()).await.unwrap();
    sqlx::raw_sql(TABLE).execute(&pool).await.unwrap();
    for (tenant, document) in rows() {
        sqlx::query("INSERT INTO documents VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(tenant.as_uuid())
            .bind(document.id)
            .bind(document.owner)
            .bind(document.folder)
            .bind(document.size)
            .bind(document.state)
            .execute(&pool)
            .await
            .unwrap();
    }
    (database, pool)
}

#[test]
fn a_list_is_what_the_checks_allow() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (database, pool) = runtime.block_on(filled());
    let mut ask = |filter: &Predicate| {
        let mut pages = Pages::of(filter);
        loop {
            let mut query = pages.next::<Postgres>();
            let page = runtime.block_on(query.build().fetch_all(&pool)).unwrap();
            if !pages.take(page.iter().map(|row| row.get::<Uuid, _>("document_id")).collect()) {
                return pages.found;
            }
        }
    };
    compare(250, &rows(), &mut ask);
    compare_folders(&rows(), &mut ask);
    runtime.block_on(pool.close());
    drop(database);
}

/// A page of a list among many rows reads the page, and one row for each way to merge.
#[tokio::test]
async fn a_page_among_many_reads_a_page() {
    let (database, pool) = filled().await;
    let many = "INSERT INTO documents SELECT $1, gen_random_uuid(), CASE n % 50 WHEN 1 THEN $2 END, n % 100, n, 'draft'
        FROM generate_series(1, 50000) AS n";
    sqlx::query(many).bind(HOME.as_uuid()).bind(Uuid::from_u128(1)).execute(&pool).await.unwrap();
    sqlx::raw_sql("ANALYZE documents").execute(&pool).await.unwrap();
    for filter in usual() {
        let mut asked = Pages::of(&filter).next::<Postgres>();
        let explained = AssertSqlSafe(format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", asked.sql().as_str()));
        let arguments = asked.build();
        let arguments = sqlx::Execute::take_arguments(&mut { arguments }).unwrap().unwrap();
        let plan = sqlx::query_with(explained, arguments).fetch_one(&pool).await.unwrap();
        let plan: Json = serde_json::from_str(plan.get_unchecked::<&str, _>(0)).unwrap();
        let (mut scanned, mut touched) = (Vec::new(), 0);
        walk(&plan[0]["Plan"], &mut scanned, &mut touched);
        println!("{touched} rows touched by {scanned:?}");
        assert!(scanned.iter().all(|scan| scan.starts_with("Index")), "{plan:#}");
        assert!(touched <= 7 + 5, "{touched} rows touched: {plan:#}");
    }
    pool.close().await;
    drop(database);
}

/// The scans of a plan, and how many rows they touched, those that they left out included.
fn walk(node: &Json, scanned: &mut Vec<String>, touched: &mut u64) {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    if kind.ends_with("Scan") && !kind.starts_with("Subquery") {
        scanned.push(kind.to_owned());
        *touched += (count(node, "Actual Rows") + count(node, "Rows Removed by Filter"))
            * count(node, "Actual Loops").max(1);
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, scanned, touched);
    }
}

/// A count, which newer servers write with decimals.
fn count(node: &Json, name: &str) -> u64 {
    let whole = node[name].to_string();
    whole.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0)
}
