use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{AssertSqlSafe, Row as _, Sqlite, SqlitePool};
use uuid::Uuid;

use crate::model::HOME;
use crate::table::{Pages, compare, rows, usual};

const TABLE: &str = "
    CREATE TABLE documents (
        tenant_id BLOB NOT NULL, document_id BLOB NOT NULL, owner_id BLOB, folder INTEGER, size INTEGER, state TEXT,
        PRIMARY KEY (tenant_id, document_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX documents_by_owner ON documents (tenant_id, owner_id, document_id);
    CREATE INDEX documents_by_folder ON documents (tenant_id, folder, document_id);";

async fn filled() -> SqlitePool {
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
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
    pool
}

#[test]
fn a_list_is_what_the_checks_allow() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let pool = runtime.block_on(filled());
    compare(400, &rows(), |filter| {
        let mut pages = Pages::of(filter);
        loop {
            let mut query = pages.next::<Sqlite>();
            let page = runtime.block_on(query.build().fetch_all(&pool)).unwrap();
            if !pages.take(page.iter().map(|row| row.get::<Uuid, _>("document_id")).collect()) {
                return pages.found;
            }
        }
    });
}

/// Each way goes down its own index once SQLite knows the table (`ANALYZE`, which `PRAGMA optimize` runs): what is sorted
/// is a page.
#[tokio::test]
async fn an_index_serves_it_in_order() {
    let pool = filled().await;
    let many = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
        INSERT INTO documents SELECT $1, randomblob(16), CASE n % 50 WHEN 1 THEN $2 ELSE randomblob(16) END, n % 100, n,
        'draft' FROM numbers";
    sqlx::query(many).bind(HOME.as_uuid()).bind(Uuid::from_u128(1)).execute(&pool).await.unwrap();
    sqlx::raw_sql("ANALYZE").execute(&pool).await.unwrap();
    for filter in usual() {
        let mut asked = Pages::of(&filter).next::<Sqlite>();
        let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", asked.sql().as_str()));
        let arguments = asked.build();
        let arguments = sqlx::Execute::take_arguments(&mut { arguments }).unwrap().unwrap();
        let plan = sqlx::query_with(explained, arguments).fetch_all(&pool).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        println!("{plan:#?}");
        let reads: Vec<&String> = plan.iter().filter(|step| step.contains(" documents")).collect();
        let by_way = |step: &&String| {
            ["owner_id=?", "folder=?"].iter().any(|key| step.contains(&format!("(tenant_id=? AND {key})")))
        };
        assert!(!reads.is_empty() && reads.iter().all(by_way), "{plan:#?}");
    }
}
