use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{AssertSqlSafe, Row as _, Sqlite, SqlitePool};
use tenantry_core::{Literal, Predicate};
use tenantry_storage::filter::{FilterTooLarge, MAX_VALUES, list, push_filter};
use uuid::Uuid;

use crate::model::{Document, HOME};
use crate::table::{LISTED, Pages, compare, compare_folders, rows, usual};

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
    let mut ask = |filter: &Predicate| {
        let mut pages = Pages::of(filter);
        loop {
            let mut query = pages.next::<Sqlite>();
            let page = runtime.block_on(query.build().fetch_all(&pool)).unwrap();
            if !pages.take(page.iter().map(|row| row.get::<Uuid, _>("document_id")).collect()) {
                return pages.found;
            }
        }
    };
    compare(400, &rows(), &mut ask);
    compare_folders(&rows(), &mut ask);
}

/// Each way goes down its own index once SQLite knows the table (`ANALYZE`, which `PRAGMA optimize` runs), in the order of
/// the ids.
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
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "nothing is sorted: {plan:#?}");
    }
}

/// As much as a statement takes is asked, and more is refused before it is sent.
#[tokio::test]
async fn a_list_of_very_many_is_asked_or_refused() {
    let pool = filled().await;
    let ids = |count: u128| (1..=count).map(|id| Literal::Id(Uuid::from_u128(id))).collect();
    let among = |count| Predicate::In { attribute: "id".into(), values: ids(count) };
    let most = among(u128::try_from(MAX_VALUES).unwrap());
    let page = Pages::of(&most).next::<Sqlite>().build().fetch_all(&pool).await.unwrap();
    assert_eq!(page.len(), 7);
    let more = among(u128::try_from(MAX_VALUES).unwrap() + 1);
    let limit = std::num::NonZeroU16::new(7).unwrap();
    let refused = list::<Sqlite, Document>(&LISTED, HOME, &more, None, limit).err();
    assert_eq!(refused, Some(FilterTooLarge { values: MAX_VALUES + 1 }));
    let mut query = sqlx::QueryBuilder::<Sqlite>::new("SELECT 1 WHERE ");
    let refused = push_filter::<Sqlite, Document>(&mut query, &more, &LISTED.columns).err();
    assert_eq!(refused, Some(FilterTooLarge { values: MAX_VALUES + 1 }));
    assert_eq!(query.sql().as_str(), "SELECT 1 WHERE ");
}

/// SQLite takes no expression that is deeper than a thousand.
#[tokio::test]
async fn thousands_of_conditions_make_one_statement() {
    let pool = filled().await;
    let line =
        |size: usize| format!("document:read when resource.size = {size} and resource.folder != {size}");
    let held = (0..3_000).map(|size| crate::model::held(&[&line(size)])).collect();
    let request = crate::model::request();
    let authority = crate::model::holder(held);
    let read = crate::model::index::<crate::model::DocumentRead>();
    let filter = authority.filter::<Document>(read, &request);
    let own = rows().into_iter().filter(|(tenant, _)| *tenant == HOME);
    let allowed = own.filter(|(_, document)| authority.check(read, document, &request).is_allowed());
    let expected: Vec<Uuid> = allowed.map(|(_, document)| document.id).take(7).collect();
    let page = Pages::of(&filter).next::<Sqlite>().build().fetch_all(&pool).await.unwrap();
    assert_eq!(page.iter().map(|row| row.get::<Uuid, _>("document_id")).collect::<Vec<_>>(), expected);
    assert!(!expected.is_empty());
}
