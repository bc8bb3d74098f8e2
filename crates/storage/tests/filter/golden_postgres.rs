use std::num::NonZeroU16;

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, QueryBuilder, Row as _};
use tenantry_core::conformance::access::{self, FilterHarness, Model, NoAnswer, Table};
use tenantry_core::{Kind, Predicate, ResourceId};
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{PostgresOptions, PostgresStore, Sealing};
use uuid::Uuid;

use crate::golden::{Tenants, create, distinct, insert, name, named};

struct OnPostgres {
    store: PostgresStore,
    tenants: Tenants,
    database: TestDatabase,
}

impl OnPostgres {
    async fn open() -> Self {
        let database = TestDatabase::create(Sealing::Off).await.unwrap();
        let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
        let tenants = Tenants::register(store.clone()).await;
        Self { store, tenants, database }
    }

    /// The ids of what a statement finds, where the database knows the tenant.
    async fn ids(
        &self,
        table: &Table,
        mut query: QueryBuilder<Postgres>,
    ) -> Result<Vec<ResourceId>, NoAnswer> {
        let mut tx = self.store.read(self.tenants.of(table)).await?;
        let rows = query.build().fetch_all(tx.connection()).await?;
        rows.iter().map(|row| id(row, table.id_kind())).collect()
    }
}

const fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "boolean",
        Kind::Integer | Kind::Time => "bigint",
        Kind::Text => "text",
        Kind::Id => "uuid",
    }
}

fn id(row: &PgRow, kind: Kind) -> Result<ResourceId, NoAnswer> {
    Ok(match kind {
        Kind::Id => ResourceId::Id(row.try_get::<Uuid, _>("id")?),
        Kind::Integer => ResourceId::Integer(row.try_get("id")?),
        _ => row.try_get::<&str, _>("id")?.try_into()?,
    })
}

#[async_trait]
impl FilterHarness for OnPostgres {
    async fn fill(&self, model: &Model) -> Result<(), NoAnswer> {
        let mut owner = PgConnection::connect(&self.database.owner_address()).await?;
        for table in distinct(model) {
            let create = create(table, "uuid", type_of);
            let sql = format!("{create}; SELECT tenantry.protect('{}')", name(table));
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut owner).await?;
        }
        owner.close().await?;
        for table in model.tables() {
            let mut tx = self.store.begin(self.tenants.of(table)).await?;
            insert::<Postgres>(table, tx.tenant()).build().execute(tx.connection()).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// The statement doesn't name the tenant: that it finds this one's rows only is row security.
    async fn kept(&self, table: &Table, filter: &Predicate) -> Result<Vec<ResourceId>, NoAnswer> {
        let mut query = QueryBuilder::new(format!("SELECT id FROM {} WHERE ", name(table)));
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

/// Row by row, what published models decide: under row security, among the rows of the models' other tenants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_keep_what_published_models_allow() {
    let summary =
        access::run_filters(&OnPostgres::open().await).await.unwrap_or_else(|wrong| panic!("{wrong}"));
    println!("{summary}\n{} tenants share a table at most", Tenants::most_in_one_table());
    let total = summary.total();
    assert!(total.lists >= 300 && total.allowed + total.denied >= 900, "{total}");
    assert!(Tenants::most_in_one_table() > 1);
}
