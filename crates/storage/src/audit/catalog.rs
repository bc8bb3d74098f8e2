use std::collections::{HashMap, HashSet};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, FromRow, PgPool, Postgres};
use tenantry_core::Unavailable;

use super::grants::{self, Grant};
use super::hooks::{self, Hook};
use super::keys::{self, ForeignKey, Index};
use super::logins::{self, Login, Ownership};
use super::policies::{self, Policy};
use super::relations::{self, Relation};
use super::routines::{self, Routine};
use super::surroundings::{self, Surrounding};
use super::{AuditReport, AuditScope};

const DOING: &str = "read the catalogs for the boot audit";

/// Only `pg_catalog` on the search path: expressions are then printed with every other name qualified, and can be
/// compared word by word.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp; \
                     SET LOCAL jit = off";

/// Audits the database that `pool` reaches: reads its catalogs, in one snapshot, and judges them by every rule.
///
/// Any login may run it, the application's included. It changes nothing, takes one connection of the pool for
/// the time, and asks ten queries, however many tables there are.
///
/// ```no_run
/// use tenantry_storage::{AuditScope, audit};
///
/// # async fn at_start(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
/// let scope = AuditScope::new("shop_app", "shop_writer", "shop_admin", "shop_door");
/// let report = audit(&pool, &scope).await?;
/// if !report.may_serve() {
///     return Err(report.to_string().into());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Unavailable`] where the catalogs can't be read: nothing is known then, so don't serve.
pub async fn audit(pool: &PgPool, scope: &AuditScope) -> Result<AuditReport, Unavailable> {
    let mut reading = Reading(Some(pool.acquire().await.map_err(unavailable)?));
    let catalog = reading.read(scope).await.map_err(unavailable)?;
    Ok(catalog.judge(scope))
}

/// A connection that goes back to its pool once it is out of the audit's transaction, and is closed where the audit
/// ends before that.
struct Reading(Option<PoolConnection<Postgres>>);

impl Reading {
    async fn read(&mut self, scope: &AuditScope) -> Result<Catalog, sqlx::Error> {
        let Some(connection) = &mut self.0 else { return Err(sqlx::Error::PoolClosed) };
        sqlx::raw_sql(BEGIN).execute(&mut **connection).await?;
        let catalog = Catalog::read(connection, scope).await?;
        sqlx::raw_sql("ROLLBACK").execute(&mut **connection).await?;
        self.0 = None;
        Ok(catalog)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        drop(self.0.take().map(PoolConnection::detach));
    }
}

fn unavailable(error: sqlx::Error) -> Unavailable {
    Unavailable::new(DOING, error)
}

/// What the catalogs hold, as far as the rules ask.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) logins: Vec<Login>,
    pub(super) ownerships: Vec<Ownership>,
    pub(super) relations: HashMap<i64, Relation>,
    pub(super) grants: Vec<Grant>,
    pub(super) policies: Vec<Policy>,
    pub(super) indexes: Vec<Index>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) routines: Vec<Routine>,
    pub(super) hooks: Vec<Hook>,
    pub(super) surroundings: Vec<Surrounding>,
}

impl Catalog {
    async fn read(connection: &mut PgConnection, scope: &AuditScope) -> Result<Self, sqlx::Error> {
        let relations: Vec<Relation> = rows(connection, relations::SQL, scope).await?;
        Ok(Self {
            relations: relations.into_iter().map(|relation| (relation.id, relation)).collect(),
            logins: rows(connection, logins::SQL, scope).await?,
            ownerships: rows(connection, logins::OWNERSHIPS_SQL, scope).await?,
            grants: rows(connection, grants::SQL, scope).await?,
            policies: rows(connection, policies::SQL, scope).await?,
            indexes: rows(connection, keys::INDEXES_SQL, scope).await?,
            foreign_keys: rows(connection, keys::FOREIGN_KEYS_SQL, scope).await?,
            routines: rows(connection, routines::SQL, scope).await?,
            hooks: rows(connection, hooks::SQL, scope).await?,
            surroundings: rows(connection, surroundings::SQL, scope).await?,
        })
    }

    pub(super) fn judge(&self, scope: &AuditScope) -> AuditReport {
        let mut findings = logins::judge(self, scope);
        findings.extend(relations::judge(self, scope));
        findings.extend(policies::judge(self, scope));
        findings.extend(keys::judge(self, scope));
        findings.extend(grants::judge(self, scope));
        findings.extend(routines::judge(self, scope));
        findings.extend(hooks::judge(self, scope));
        findings.extend(surroundings::judge(self, scope));
        AuditReport::of(findings, self.relations.len())
    }

    /// The role that mends are written for: who owns most of the tables, else the database.
    pub(super) fn owner(&self, scope: &AuditScope) -> Option<&str> {
        let mut owned: HashMap<&str, usize> = HashMap::new();
        for relation in self.relations.values().filter(|relation| relation.is_table()) {
            *owned.entry(&relation.owner).or_default() += 1;
        }
        owned.retain(|owner, _| !scope.logins().contains(owner));
        let most = owned.into_iter().max_by_key(|(owner, tables)| (*tables, *owner)).map(|(owner, _)| owner);
        most.or_else(|| self.surroundings.iter().find_map(Surrounding::database_owner))
    }

    /// The tenant tables: those outside the directory that have a `tenant_id`.
    pub(super) fn tenant_tables<'a>(
        &'a self,
        scope: &'a AuditScope,
    ) -> impl Iterator<Item = &'a Relation> + use<'a> {
        self.relations.values().filter(|relation| relation.is_tenant_table(scope))
    }

    /// The tenant table of this id.
    pub(super) fn tenant_table(&self, id: i64, scope: &AuditScope) -> Option<&Relation> {
        self.relations.get(&id).filter(|relation| relation.is_tenant_table(scope))
    }

    /// Whether the relation, or the table that it is a partition of, is declared public.
    pub(super) fn is_public(&self, relation: &Relation, scope: &AuditScope) -> bool {
        let mut seen = HashSet::new();
        let mut asked = vec![relation];
        while let Some(relation) = asked.pop() {
            if relation.is_declared_public(scope) {
                return true;
            }
            if relation.is_partition && seen.insert(relation.id) {
                asked.extend(relation.parents.iter().filter_map(|parent| self.relations.get(parent)));
            }
        }
        false
    }
}

/// Runs one query of the audit. Each takes the four roles as `$1` and the schemas as `$2` (null is all).
async fn rows<R>(
    connection: &mut PgConnection,
    sql: &'static str,
    scope: &AuditScope,
) -> Result<Vec<R>, sqlx::Error>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let sql = sql.replace("{in_scope}", IN_SCOPE);
    sqlx::query_as(AssertSqlSafe(sql))
        .bind(scope.roles())
        .bind(scope.schemas.clone())
        .persistent(false)
        .fetch_all(connection)
        .await
}

/// What a namespace `n` must be to be looked at.
const IN_SCOPE: &str = "(n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
                        AND ($2::text[] IS NULL OR n.nspname = ANY ($2::text[])) \
                        AND cardinality($1::text[]) > 0)";
