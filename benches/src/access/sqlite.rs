//! The documents in a SQLite file, and how many rows a statement touches there: by counting the instructions of its
//! program.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use sqlx::{AssertSqlSafe, QueryBuilder, Row as _, Sqlite, SqliteConnection};
use tempfile::TempDir;
use tenantry::{InTenant, SqliteStore, TenantCtx, TenantId};
use uuid::Uuid;

use super::documents;
use super::shelf::{Asked, Make, PAGE, Shelf, Store};
use super::{Effort, Fault};
use crate::isolation::tenants::{platform, register, resolve};

/// How many rows are inserted in one transaction.
const CHUNK: i64 = 100_000;

pub(crate) struct SqliteShelf {
    store: SqliteStore,
    tenant: TenantCtx,
    /// Instructions for each row that a scan of the table passes by.
    row: i64,
    _folder: TempDir,
}

impl SqliteShelf {
    pub(crate) async fn fill(among: i64) -> Result<Self, Fault> {
        let folder = tempfile::tempdir()?;
        let store = SqliteStore::open(folder.path().join("bench.db")).await?;
        let app = platform(Arc::new(store.clone())).await?;
        register(&app, 2).await?;
        let tenants = resolve(&app, 2).await?;
        let [tenant, other] = <[TenantCtx; 2]>::try_from(tenants).map_err(|_| "no tenants")?;
        run(&store, &tenant, table("documents")).await?;
        for (of, count) in [(&tenant, among), (&other, among / 10)] {
            for from in (0..count).step_by(usize::try_from(CHUNK)?) {
                let to = (from + CHUNK).min(count);
                run(&store, of, insert(of, among, [from + 1, to])).await?;
            }
        }
        run(&store, &tenant, "ANALYZE documents".to_owned()).await?;
        run(&store, &tenant, table(PAGE) + ";" + &same_statistics()).await?;
        let mut shelf = Self { store, tenant, row: 1, _folder: folder };
        let mut scan = QueryBuilder::new("SELECT count(*) FROM documents NOT INDEXED WHERE tenant_id = ");
        scan.push_bind(shelf.tenant.id().as_uuid()).push(" AND amount < 0");
        shelf.row = (shelf.instructions(scan).await? / among).max(1);
        Ok(shelf)
    }

    /// How many instructions a statement's program takes.
    async fn instructions(&self, mut query: QueryBuilder<Sqlite>) -> Result<i64, Fault> {
        let counted = Arc::new(AtomicI64::new(0));
        let counter = Arc::clone(&counted);
        let mut tx = self.store.read(&self.tenant).await?;
        tx.connection().lock_handle().await?.set_progress_handler(1, move || {
            counter.fetch_add(1, Ordering::Relaxed);
            true
        });
        query.build().fetch_all(tx.connection()).await?;
        Ok(counted.load(Ordering::Relaxed))
    }
}

impl Shelf for SqliteShelf {
    type Database = Sqlite;
    const STORE: Store = Store::Sqlite;

    fn tenant(&self) -> TenantId {
        self.tenant.id()
    }

    async fn ask(&self, ways: &[Make<'_, Sqlite>], effort: Effort) -> Result<Vec<Asked>, Fault> {
        let mut asked: Vec<Asked> = ways.iter().map(|_| Asked::default()).collect();
        let mut tx = self.store.read(&self.tenant).await?;
        let first = Instant::now();
        for round in 0..=effort.rounds {
            if round > 2 && first.elapsed() > effort.span {
                break;
            }
            for (way, asked) in ways.iter().zip(&mut asked) {
                let began = Instant::now();
                let ids = ids(tx.connection(), way()?).await?;
                asked.note(began, ids);
            }
        }
        Ok(asked)
    }

    /// The rows that the program passed by, at most: what it has to do more than where there are no others, at the price
    /// of passing one by in a scan.
    async fn touched(
        &self,
        statement: Make<'_, Sqlite>,
        only: Make<'_, Sqlite>,
        page: &[Uuid],
    ) -> Result<i64, Fault> {
        let mut tx = self.store.begin(&self.tenant).await?;
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {PAGE}"))).execute(tx.connection()).await?;
        let mut fill =
            QueryBuilder::new(format!("INSERT INTO {PAGE} SELECT * FROM documents WHERE tenant_id = "));
        fill.push_bind(tx.tenant().as_uuid()).push(" AND document_id IN ");
        fill.push_tuples(page, |mut row, id| {
            row.push_bind(*id);
        });
        fill.build().execute(tx.connection()).await?;
        tx.commit().await?;
        let more = self.instructions(statement()?).await? - self.instructions(only()?).await?;
        Ok(i64::try_from(page.len())? + (more.max(0) + self.row - 1) / self.row)
    }
}

async fn ids(connection: &mut SqliteConnection, mut query: QueryBuilder<Sqlite>) -> Result<Vec<Uuid>, Fault> {
    let rows = query.build().fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get("document_id")?)).collect()
}

async fn run(store: &SqliteStore, tenant: &impl InTenant, sql: String) -> Result<(), Fault> {
    let mut tx = store.begin(tenant).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx.connection()).await?;
    tx.commit().await?;
    Ok(())
}

fn table(name: &str) -> String {
    let create = documents::create(name, "BLOB", "INTEGER");
    format!("{} STRICT, WITHOUT ROWID; {}", create.replace("text", "TEXT"), documents::indexes(name))
}

/// Lets SQLite take the table of a page for as large as the one that it is of, so that it asks both in the same way. A
/// change of the schema makes every connection read the statistics again.
fn same_statistics() -> String {
    format!(
        "INSERT INTO sqlite_stat1 (tbl, idx, stat) SELECT '{PAGE}', replace(idx, 'documents', '{PAGE}'), stat
             FROM sqlite_stat1 WHERE tbl = 'documents';
         INSERT INTO sqlite_stat4 (tbl, idx, neq, nlt, ndlt, sample)
             SELECT '{PAGE}', replace(idx, 'documents', '{PAGE}'), neq, nlt, ndlt, sample
             FROM sqlite_stat4 WHERE tbl = 'documents';
         CREATE TABLE known (at INTEGER) STRICT"
    )
}

fn insert(tenant: &TenantCtx, among: i64, [from, to]: [i64; 2]) -> String {
    let tenant = tenant.id().as_uuid().simple().to_string();
    let values = documents::values(among, sql_id);
    format!(
        "WITH RECURSIVE numbers(n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n < {to})
         INSERT INTO documents SELECT x'{tenant}', {values} FROM numbers"
    )
}

/// The id of a number, as an expression.
fn sql_id(number: &str) -> String {
    format!("unhex(printf('%032x', {number}))")
}
