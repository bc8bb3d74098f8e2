//! One exact use of a quota with its audit entry: the library's commit against the same transaction by hand.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tenantry::{Caller, Tenantry};
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{PostgresOptions, PostgresStore};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::Fault;
use super::pace::{Ask, block};
use super::pairs::{Blocks, Warm};
use super::question::Cell;
use super::tenants::{callers, calls, platform};
use super::way::Way;

/// How many tenants use their quotas.
pub(crate) const TENANTS: usize = 64;

/// Who commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CommitWay {
    /// `UsageAccount::consume` over the PostgreSQL store.
    Library,
    /// Begin, count the use unless it goes over the limit, write the entry, commit: four round trips.
    Statements,
    /// The same in one statement that commits itself: the least that it can be.
    OneStatement,
}

#[derive(Clone)]
struct Committer {
    way: CommitWay,
    world: Arc<World>,
}

struct World {
    app: Tenantry,
    callers: Vec<Caller>,
    pool: PgPool,
}

/// Measures commits.
pub(crate) struct Commits<'a> {
    runtime: &'a Runtime,
    world: Arc<World>,
    span: Duration,
}

impl<'a> Commits<'a> {
    /// By hand in `bare`, where `hand.usage` and `hand.audit` are the library's tables with their keys and indexes, without row security.
    pub(crate) async fn open(
        runtime: &'a Runtime,
        bare: &TestDatabase,
        plain: &TestDatabase,
        span: Duration,
    ) -> Result<Self, Fault> {
        let mut owner = PgConnection::connect(&bare.owner_address()).await?;
        let login = bare.roles().app();
        let make = format!(
            "CREATE SCHEMA hand; GRANT USAGE ON SCHEMA hand TO {login};
             CREATE TABLE hand.usage (LIKE tenantry.tenantry_usage INCLUDING ALL);
             CREATE TABLE hand.audit (LIKE tenantry.tenantry_audit INCLUDING ALL);
             GRANT SELECT, INSERT, UPDATE ON hand.usage, hand.audit TO {login}"
        );
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut owner).await?;
        let store = PostgresStore::connect(&plain.logins(), PostgresOptions::default()).await?;
        let app = platform(Arc::new(store)).await?;
        let callers = callers(&app, TENANTS).await?;
        let pool = PgPoolOptions::new().max_connections(16).test_before_acquire(false);
        let pool = pool.connect_lazy(&bare.addresses().app)?;
        Ok(Self { runtime, world: Arc::new(World { app, callers, pool }), span })
    }
}

impl Blocks for Commits<'_> {
    fn block(&mut self, way: Way, cell: Cell, seed: u64, warm: Warm) -> Result<f64, Fault> {
        let Way::Commit(way) = way else { return Err("no way of committing".into()) };
        let committer = Committer { way, world: Arc::clone(&self.world) };
        let span = if warm == Warm::Up { self.span / 2 } else { self.span };
        Ok(self.runtime.block_on(block(&committer, cell, span, seed))?)
    }
}

impl Ask for Committer {
    async fn ask(&self, _cell: Cell, tenant: usize, key: i64) -> Result<(), String> {
        self.commit(tenant, key).await.map_err(|error| error.to_string())
    }
}

const USE: &str = "INSERT INTO hand.usage AS kept (tenant_id, meter, period, used) VALUES ($1, 'calls', 1, 1) \
    ON CONFLICT (tenant_id, meter, period) DO UPDATE SET used = kept.used + excluded.used \
    WHERE kept.used + excluded.used <= $2 RETURNING used";

const NOTE: &str = "INSERT INTO hand.audit (tenant_id, audit_id, at, actor, action, target, detail) \
    VALUES ($1, $2, $3, $4, 'usage.consume', 'meter:calls', '{\"amount\":1}')";

const BOTH: &str = "WITH used AS (INSERT INTO hand.usage AS kept (tenant_id, meter, period, used) \
    VALUES ($1, 'calls', 1, 1) ON CONFLICT (tenant_id, meter, period) DO UPDATE \
    SET used = kept.used + excluded.used WHERE kept.used + excluded.used <= $5 RETURNING used) \
    INSERT INTO hand.audit (tenant_id, audit_id, at, actor, action, target, detail) \
    SELECT $1, $2, $3, $4, 'usage.consume', 'meter:calls', '{\"amount\":1}' FROM used";

const LIMIT: i64 = 1_000_000_000_000;

impl Committer {
    async fn commit(&self, tenant: usize, _key: i64) -> Result<(), Fault> {
        let world = &*self.world;
        let caller = world.callers.get(tenant).ok_or("no such tenant")?;
        let (id, entry, at) = (caller.tenant().id().as_uuid(), Uuid::now_v7(), world.app.now().as_micros());
        let actor = || caller.id().to_string();
        match self.way {
            CommitWay::Library => {
                world.app.usage(caller).consume(calls()?, 1).await.map_err(|error| error.to_string())?;
            }
            CommitWay::Statements => {
                let mut tx = world.pool.begin().await?;
                let used: Option<i64> =
                    sqlx::query_scalar(USE).bind(id).bind(LIMIT).fetch_optional(&mut *tx).await?;
                used.ok_or("over the limit")?;
                let note = sqlx::query(NOTE).bind(id).bind(entry).bind(at).bind(actor());
                note.execute(&mut *tx).await?;
                tx.commit().await?;
            }
            CommitWay::OneStatement => {
                let both = sqlx::query(BOTH).bind(id).bind(entry).bind(at).bind(actor()).bind(LIMIT);
                if both.execute(&world.pool).await?.rows_affected() != 1 {
                    return Err("over the limit".into());
                }
            }
        }
        Ok(())
    }
}
