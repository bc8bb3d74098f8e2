//! The documents on a PostgreSQL server, under row security, which counts the rows that a statement touches.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value as Json;
use sqlx::{AssertSqlSafe, Connection as _, Execute as _, PgConnection, Postgres, QueryBuilder, Row as _};
use tenantry::{InTenant, TenantCtx, TenantId};
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{PostgresOptions, PostgresStore, Sealing};
use uuid::Uuid;

use super::documents;
use super::shelf::{Asked, Make, Shelf, Store};
use super::{Effort, Fault};
use crate::isolation::tenants::{platform, register, resolve};

/// How many rows are inserted in one transaction: few enough for the limit of a statement.
const CHUNK: i64 = 100_000;

pub(crate) struct PostgresShelf {
    store: PostgresStore,
    tenant: TenantCtx,
    _database: TestDatabase,
}

impl PostgresShelf {
    pub(crate) async fn fill(among: i64) -> Result<Self, Fault> {
        let database = TestDatabase::create(Sealing::Off).await?;
        let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await?;
        let app = platform(Arc::new(store.clone())).await?;
        register(&app, 2).await?;
        let tenants = resolve(&app, 2).await?;
        let [tenant, other] = <[TenantCtx; 2]>::try_from(tenants).map_err(|_| "no tenants")?;
        let mut owner = PgConnection::connect(&database.owner_address()).await?;
        let (create, indexes) =
            (documents::create("documents", "uuid", "bigint"), documents::indexes("documents"));
        let make = format!("{create}; {indexes}; SELECT tenantry.protect('documents')");
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut owner).await?;
        for (of, count) in [(&tenant, among), (&other, among / 10)] {
            for from in (0..count).step_by(usize::try_from(CHUNK)?) {
                insert(&store, of, among, [from + 1, (from + CHUNK).min(count)]).await?;
            }
        }
        sqlx::raw_sql("VACUUM ANALYZE documents").execute(&mut owner).await?;
        owner.close().await?;
        Ok(Self { store, tenant, _database: database })
    }
}

impl Shelf for PostgresShelf {
    type Database = Postgres;
    const STORE: Store = Store::Postgres;

    fn tenant(&self) -> TenantId {
        self.tenant.id()
    }

    async fn ask(&self, ways: &[Make<'_, Postgres>], effort: Effort) -> Result<Vec<Asked>, Fault> {
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

    /// As the server counts them: those that scans hand on, and those that they leave out.
    async fn touched(
        &self,
        statement: Make<'_, Postgres>,
        _only: Make<'_, Postgres>,
        _page: &[Uuid],
    ) -> Result<i64, Fault> {
        let mut tx = self.store.read(&self.tenant).await?;
        touched(tx.connection(), statement()?).await
    }
}

/// How many rows a statement touches, as the server counts them.
pub(super) async fn touched(
    connection: &mut PgConnection,
    mut statement: QueryBuilder<Postgres>,
) -> Result<i64, Fault> {
    let explain = AssertSqlSafe(format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", statement.sql().as_str()));
    let mut query = statement.build();
    let arguments = query.take_arguments()?.ok_or("a statement without values")?;
    let row = sqlx::query_with(explain, arguments).fetch_one(connection).await?;
    let plan: Json = serde_json::from_str(row.try_get_unchecked(0)?)?;
    Ok(count(plan.pointer("/0/Plan").ok_or("no plan")?))
}

pub(super) async fn ids(
    connection: &mut PgConnection,
    mut query: QueryBuilder<Postgres>,
) -> Result<Vec<Uuid>, Fault> {
    let rows = query.build().fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get("document_id")?)).collect()
}

async fn insert(
    store: &PostgresStore,
    tenant: &impl InTenant,
    among: i64,
    [from, to]: [i64; 2],
) -> Result<(), Fault> {
    let mut tx = store.begin(tenant).await?;
    let values = documents::values(among, |number| format!("lpad(to_hex({number}), 32, '0')::uuid"));
    let sql = format!("INSERT INTO documents SELECT $1, {values} FROM generate_series($2::bigint, $3) AS n");
    let own = tx.tenant().as_uuid();
    sqlx::query(AssertSqlSafe(sql)).bind(own).bind(from).bind(to).execute(tx.connection()).await?;
    tx.commit().await?;
    Ok(())
}

/// How many rows the scans of a plan touched. Those that a bitmap names are touched once, in the index and then in the
/// table: the larger of the two counts.
fn count(node: &Json) -> i64 {
    let kind = node.get("Node Type").and_then(Json::as_str).unwrap_or_default();
    let below: i64 = node.get("Plans").and_then(Json::as_array).into_iter().flatten().map(count).sum();
    if !kind.ends_with("Scan") || kind.starts_with("Subquery") {
        return below;
    }
    let rows = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"];
    let each: i64 = rows.iter().map(|rows| number(node, rows)).sum();
    let own = each * number(node, "Actual Loops").max(1);
    if kind == "Bitmap Heap Scan" { own.max(below) } else { own + below }
}

/// A count, which newer servers write with decimals.
fn number(node: &Json, name: &str) -> i64 {
    let written = node.get(name).map(ToString::to_string).unwrap_or_default();
    written.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0)
}
