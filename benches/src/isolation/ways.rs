//! The ways of asking: by hand, through tenantry, in SQLite.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _, SqliteConnection};
use tenantry::{SqliteStore, TenantCtx};
use tenantry_storage::{Logins, PostgresOptions, PostgresStore};
use uuid::Uuid;

use super::Fault;
use super::pace::Ask;
use super::question::{Cell, Question, Side, names_tenant, statement};

/// A way of asking within this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnWay {
    /// sqlx's pool as it comes, one statement that commits itself.
    Pool,
    /// The same without the ping that precedes each use.
    Autocommit,
    /// Begun by hand, without the ping, and dropped: reads only.
    TxDropped,
    /// Begun by hand, without the ping, and committed.
    TxCommitted,
    /// `PgTenantTx`: reads dropped, writes committed.
    Tenantry,
    /// The same in a database in sealed mode.
    Sealed,
    /// SQLite through the library's store.
    Sqlite,
    /// An experiment: the whole transaction as one string without bound values, in one round trip.
    OneString,
    /// An experiment: one prepared statement that names the tenant before it reads, in one round trip.
    OneStatement,
}

/// What the ways ask.
pub(crate) struct Ways {
    pub(crate) tenants: Vec<TenantCtx>,
    statements: HashMap<(Question, Text, usize), &'static str>,
    ordinary: PgPool,
    no_ping: PgPool,
    /// Where the policies are, for the experiments.
    under_policy: PgPool,
    plain: PostgresStore,
    sealed: PostgresStore,
    sqlite: Option<SqliteStore>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Text {
    Bare,
    Policy,
    Sqlite,
    OneStatement,
}

/// Where the databases are.
pub(crate) struct Places<'a> {
    /// The login's address in the database without row security, and in that with it.
    pub(crate) by_hand: &'a str,
    pub(crate) app: &'a str,
    pub(crate) plain: Logins,
    pub(crate) sealed: Logins,
    pub(crate) sqlite: Option<SqliteStore>,
    pub(crate) connections: u32,
}

impl Ways {
    pub(crate) async fn open(
        places: Places<'_>,
        tenants: Vec<TenantCtx>,
        sizes: &[usize],
    ) -> Result<Self, Fault> {
        let mut statements = HashMap::new();
        for size in sizes {
            for question in Question::ALL {
                let mut keep = |text, sql: String| statements.insert((question, text, *size), &*sql.leak());
                keep(Text::Bare, statement(question, Side::Statement, "public.", *size));
                keep(Text::Policy, statement(question, Side::Policy, "public.", *size));
                keep(Text::Sqlite, statement(question, Side::Statement, "", *size));
                keep(Text::OneStatement, one_statement(*size));
            }
        }
        let options = || PgPoolOptions::new().max_connections(places.connections);
        let by_hand = PgConnectOptions::from_str(places.by_hand)?;
        let app = PgConnectOptions::from_str(places.app)?;
        let no_ping = || options().test_before_acquire(false);
        let store = PostgresOptions::default().with_connections(places.connections);
        Ok(Self {
            tenants,
            statements,
            ordinary: options().connect_lazy_with(by_hand.clone()),
            no_ping: no_ping().connect_lazy_with(by_hand),
            under_policy: no_ping().connect_lazy_with(app),
            plain: PostgresStore::connect(&places.plain, store.clone()).await?,
            sealed: PostgresStore::connect(&places.sealed, store).await?,
            sqlite: places.sqlite,
        })
    }

    fn text(&self, question: Question, text: Text, size: usize) -> Result<&'static str, Fault> {
        self.statements.get(&(question, text, size)).copied().ok_or_else(|| "no such statement".into())
    }
}

/// Names the tenant and then reads, in one statement outside a transaction. `OFFSET 0` keeps the planner from moving
/// either part, and `LATERAL` from reading before the name is set.
pub(crate) fn one_statement(size: usize) -> String {
    format!(
        "SELECT l.* FROM (SELECT set_config('app.tenant_id', $2, true) OFFSET 0) AS s(t), \
         LATERAL (SELECT mark, title, price FROM public.listings_{size} \
         WHERE listing_id = $1 AND s.t IS NOT NULL OFFSET 0) AS l"
    )
}

/// One way, ready to be asked by many tasks.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) way: OwnWay,
    pub(crate) ways: Arc<Ways>,
}

impl Ask for Asker {
    async fn ask(&self, cell: Cell, tenant: usize, key: i64) -> Result<(), String> {
        self.once(cell, tenant, key).await.map_err(|error| error.to_string())
    }
}

impl Asker {
    async fn once(&self, cell: Cell, number: usize, key: i64) -> Result<(), Fault> {
        let ways = &*self.ways;
        let ctx = ways.tenants.get(number).ok_or("no such tenant")?;
        let asked = |text, side| {
            let tenant = names_tenant(cell.question, side).then(|| ctx.id().as_uuid());
            let sql = ways.text(cell.question, text, cell.tenants)?;
            Ok::<_, Fault>(Asked { question: cell.question, sql, tenant, key, number })
        };
        let by_hand = || asked(Text::Bare, Side::Statement);
        match self.way {
            OwnWay::Pool => by_hand()?.of(&mut *ways.ordinary.acquire().await?).await,
            OwnWay::Autocommit => by_hand()?.of(&mut *ways.no_ping.acquire().await?).await,
            OwnWay::TxDropped => by_hand()?.of(&mut *ways.no_ping.begin().await?).await,
            OwnWay::TxCommitted => {
                let mut tx = ways.no_ping.begin().await?;
                by_hand()?.of(&mut tx).await?;
                Ok(tx.commit().await?)
            }
            OwnWay::Tenantry => through(&ways.plain, ctx, &asked(Text::Policy, Side::Policy)?).await,
            OwnWay::Sealed => through(&ways.sealed, ctx, &asked(Text::Policy, Side::Policy)?).await,
            OwnWay::Sqlite => {
                let store = ways.sqlite.as_ref().ok_or("no SQLite file")?;
                let asked = asked(Text::Sqlite, Side::Statement)?;
                if !cell.question.is_write() {
                    return asked.of_sqlite(&mut *store.readers().acquire().await?).await;
                }
                let mut tx = store.begin(ctx).await?;
                asked.of_sqlite(tx.connection()).await?;
                Ok(tx.commit().await?)
            }
            OwnWay::OneString => {
                let text = format!(
                    "BEGIN READ ONLY; SET LOCAL app.tenant_id = '{}'; \
                     SELECT mark, title, price FROM public.listings_{} WHERE listing_id = {key}; COMMIT",
                    ctx.id(),
                    cell.tenants
                );
                let mut connection = ways.under_policy.acquire().await?;
                let rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(&mut *connection).await?;
                let [row] = rows.as_slice() else { return Err(format!("{} rows", rows.len()).into()) };
                check(row, number)
            }
            OwnWay::OneStatement => {
                let sql = ways.text(cell.question, Text::OneStatement, cell.tenants)?;
                let mut connection = ways.under_policy.acquire().await?;
                let query = sqlx::query(sql).bind(key).bind(ctx.id().to_string());
                check(&query.fetch_one(&mut *connection).await?, number)
            }
        }
    }
}

async fn through(store: &PostgresStore, ctx: &TenantCtx, asked: &Asked) -> Result<(), Fault> {
    if !asked.question.is_write() {
        return asked.of(store.read(ctx).await?.connection()).await;
    }
    let mut tx = store.begin(ctx).await?;
    asked.of(tx.connection()).await?;
    Ok(tx.commit().await?)
}

/// One statement with its values.
struct Asked {
    question: Question,
    sql: &'static str,
    tenant: Option<Uuid>,
    key: i64,
    number: usize,
}

impl Asked {
    async fn of(&self, connection: &mut PgConnection) -> Result<(), Fault> {
        let query = sqlx::query(self.sql).bind(self.key);
        let query = match self.tenant {
            Some(tenant) => query.bind(tenant),
            None => query,
        };
        if self.question.is_write() {
            return self.counted(query.execute(connection).await?.rows_affected());
        }
        if self.question.rows() == 1 {
            return check(&query.fetch_one(connection).await?, self.number);
        }
        let rows = query.fetch_all(connection).await?;
        rows.iter().try_for_each(|row| check(row, self.number))?;
        self.counted(u64::try_from(rows.len())?)
    }

    async fn of_sqlite(&self, connection: &mut SqliteConnection) -> Result<(), Fault> {
        let query = sqlx::query(self.sql).bind(self.key);
        let query = match self.tenant {
            Some(tenant) => query.bind(tenant),
            None => query,
        };
        if self.question.is_write() {
            return self.counted(query.execute(connection).await?.rows_affected());
        }
        if self.question.rows() == 1 {
            return check_sqlite(&query.fetch_one(connection).await?, self.number);
        }
        let rows = query.fetch_all(connection).await?;
        rows.iter().try_for_each(|row| check_sqlite(row, self.number))?;
        self.counted(u64::try_from(rows.len())?)
    }

    fn counted(&self, rows: u64) -> Result<(), Fault> {
        if rows == self.question.rows() { Ok(()) } else { Err(format!("{rows} rows").into()) }
    }
}

/// Reads a row as a service would, and that it is the tenant's.
fn check(row: &PgRow, number: usize) -> Result<(), Fault> {
    let mark: i64 = row.try_get(0)?;
    row.try_get::<String, _>(1).map(drop)?;
    row.try_get::<i64, _>(2)?;
    if usize::try_from(mark) == Ok(number) { Ok(()) } else { Err("another tenant's row".into()) }
}

fn check_sqlite(row: &SqliteRow, number: usize) -> Result<(), Fault> {
    let mark: i64 = row.try_get(0)?;
    row.try_get::<String, _>(1).map(drop)?;
    row.try_get::<i64, _>(2)?;
    if usize::try_from(mark) == Ok(number) { Ok(()) } else { Err("another tenant's row".into()) }
}
