use std::num::NonZeroU16;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Row as _, Sqlite};
use tempfile::TempDir;
use tenantry_core::conformance::access::{self, FilterHarness, Model, NoAnswer, Table};
use tenantry_core::{Kind, Predicate, ResourceId};
use tenantry_storage::SqliteStore;
use uuid::Uuid;

use crate::golden::{Tenants, create, distinct, insert, name, named};

struct OnSqlite {
    store: SqliteStore,
    tenants: Tenants,
    _folder: TempDir,
}

impl OnSqlite {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("golden.db")).await.unwrap();
        let tenants = Tenants::register(store.clone()).await;
        Self { store, tenants, _folder: folder }
    }

    /// The ids of what a statement finds, read as the tenant.
    async fn ids(&self, table: &Table, mut query: QueryBuilder<Sqlite>) -> Result<Vec<ResourceId>, NoAnswer> {
        let mut tx = self.store.read(self.tenants.of(table)).await?;
        let rows = query.build().fetch_all(tx.connection()).await?;
        rows.iter().map(|row| id(row, table.id_kind())).collect()
    }
}

const fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool | Kind::Integer | Kind::Time => "INTEGER",
        Kind::Text => "TEXT",
        Kind::Id => "BLOB",
    }
}

fn id(row: &SqliteRow, kind: Kind) -> Result<ResourceId, NoAnswer> {
    Ok(match kind {
        Kind::Id => ResourceId::Id(row.try_get::<Uuid, _>("id")?),
        Kind::Integer => ResourceId::Integer(row.try_get("id")?),
        _ => row.try_get::<&str, _>("id")?.try_into()?,
    })
}

#[async_trait]
impl FilterHarness for OnSqlite {
    async fn fill(&self, model: &Model) -> Result<(), NoAnswer> {
        let first = model.tables().next().ok_or("no table")?;
        let mut tx = self.store.begin(self.tenants.of(first)).await?;
        for table in distinct(model) {
            let sql = format!("{} STRICT, WITHOUT ROWID", create(table, "BLOB", type_of));
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx.connection()).await?;
        }
        tx.commit().await?;
        for table in model.tables() {
            let mut tx = self.store.begin(self.tenants.of(table)).await?;
            insert::<Sqlite>(table, tx.tenant()).build().execute(tx.connection()).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn kept(&self, table: &Table, filter: &Predicate) -> Result<Vec<ResourceId>, NoAnswer> {
        let tenant = self.tenants.of(table).tenant().id;
        let mut query = QueryBuilder::new(format!("SELECT id FROM {} WHERE tenant_id = ", name(table)));
        query.push_bind(tenant.as_uuid()).push(" AND ");
        named(table).push_filter(&mut query, filter)?;
        self.ids(table, query).await
    }

    async fn page(
        &self,
        table: &Table,
        filter: &Predicate,
        after: Option<&ResourceId>,
        limit: NonZeroU16,
    ) -> Result<Vec<ResourceId>, NoAnswer> {
        let tenant = self.tenants.of(table).tenant().id;
        self.ids(table, named(table).list(tenant, filter, after, limit)?).await
    }
}

/// Row by row, what published models decide: in a file, among the rows of the models' other tenants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_keep_what_published_models_allow() {
    let summary =
        access::run_filters(&OnSqlite::open().await).await.unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{summary}\n{} tenants share a table at most", Tenants::most_in_one_table());
    let total = summary.total();
    assert!(total.lists >= 300 && total.allowed + total.denied >= 900, "{total}");
    assert!(Tenants::most_in_one_table() > 1);
}
