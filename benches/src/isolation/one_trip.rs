//! Whether a read in one round trip would be sound: the experiment's plans, and what it answers under every way of
//! planning.

use serde::Serialize;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Row as _};
use tenantry::TenantCtx;

use super::Fault;
use super::question::{Draw, ROWS};
use super::ways::one_statement;

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Soundness {
    /// Reads on one connection, all plan modes together, each for another random tenant than the one before.
    pub(crate) asked: u64,
    /// Those that were answered with another tenant's row, or with none.
    pub(crate) wrong: u64,
    /// Whether the setting was still there after a statement.
    pub(crate) lingered: u64,
    /// The generic plan.
    pub(crate) plan: Vec<String>,
}

/// Asks for random tenants on one connection, under each way of planning.
pub(crate) async fn look(address: &str, tenants: &[TenantCtx], size: usize) -> Result<Soundness, Fault> {
    let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false).connect(address).await?;
    let mut connection = pool.acquire().await?;
    let mut found = Soundness::default();
    let mut draw = Draw::new(11);
    let text = &*one_statement(size).leak();
    for mode in ["auto", "force_custom_plan", "force_generic_plan"] {
        let set = format!("SET plan_cache_mode = {mode}");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *connection).await?;
        for _ in 0..1_000 {
            let number = draw.next() % u64::try_from(size)?;
            let key = i64::try_from(1 + draw.next() % ROWS)?;
            let tenant = tenants.get(usize::try_from(number)?).ok_or("no such tenant")?;
            let asked = sqlx::query(text).bind(key).bind(tenant.id().to_string());
            let rows = asked.fetch_all(&mut *connection).await?;
            let marks: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            found.asked += 1;
            found.wrong += u64::from(marks != [i64::try_from(number)?]);
            let left: Option<String> = sqlx::query_scalar("SELECT current_setting('app.tenant_id', true)")
                .fetch_one(&mut *connection)
                .await?;
            found.lingered += u64::from(left.is_some_and(|left| !left.is_empty()));
        }
    }
    let id = tenants.first().ok_or("no tenants")?.id();
    let explain =
        format!("PREPARE asked(bigint, text) AS {text}; EXPLAIN (COSTS OFF) EXECUTE asked(7, '{id}')");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *connection).await?;
    found.plan = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(found)
}
