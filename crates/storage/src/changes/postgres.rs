use sqlx::{AssertSqlSafe, FromRow, PgPool};
use tenantry_core::{Clock, TenantId, Timestamp, Unavailable};
use uuid::Uuid;

use super::{Changes, ClockOffset, Moved, MovedTenant, Position};
use crate::SystemClock;

const DOING: &str = "tell what others changed";

/// What a PostgreSQL database answers to a poll: for its store's [`ChangeFeed`](super::ChangeFeed). The pool's login
/// reads all of `tenantry_directory.tenantry_changes`.
///
/// Transactions commit in another order than they begin, so a row that a poll can't see may have a lower number
/// than one that it sees. A position is therefore the oldest transaction that was still under way when it was
/// taken (`pg_snapshot_xmin`): what that snapshot couldn't see was written by that transaction or a later one, and
/// comes with the next poll, also what it could see of them. While one long transaction holds the position back,
/// the same rows come again and again, and are told apart by their place. A poll and its position are one snapshot,
/// since they are one statement.
///
/// It is one round trip in the simple protocol, without a prepared statement, and so passes a pooler that hands
/// out connections by the transaction.
///
/// # Errors
/// [`Unavailable`].
pub async fn postgres_changes(pool: &PgPool, position: Option<Position>) -> Result<Changes, Unavailable> {
    let asked = SystemClock.now();
    let rows = sqlx::raw_sql(AssertSqlSafe(question(position))).fetch_all(pool).await;
    let rows = rows.map_err(|error| Unavailable::new(DOING, error))?;
    let answered = SystemClock.now();
    let read: Result<Vec<Row>, sqlx::Error> = rows.iter().map(Row::from_row).collect();
    let read = read.map_err(|error| Unavailable::new(DOING, error))?;
    let first = read.first().ok_or_else(|| Unavailable::bare(DOING))?;
    let next = first.next.parse().map_err(|error| Unavailable::new(DOING, error))?;
    let theirs = Timestamp::from_micros(first.now);
    let tenants: Vec<_> = read.iter().filter_map(Row::moved).collect();
    let moved = if tenants.len() > Changes::MOST { Moved::All } else { Moved::Tenants(tenants) };
    let clock = Some(ClockOffset::between(asked, answered, theirs));
    Ok(Changes { moved, next: Position::new(next), clock })
}

/// One row at least, and one for each change.
fn question(position: Option<Position>) -> String {
    let since = position.map_or_else(
        || "false".to_owned(),
        |position| format!("xid >= '{}'::pg_catalog.xid8", position.number()),
    );
    format!(
        "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.text AS next, \
         (EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8 AS now, \
         change.place, change.tenant_id \
         FROM (SELECT 1) AS once LEFT JOIN \
         (SELECT place, tenant_id FROM tenantry_directory.tenantry_changes WHERE {since} LIMIT {}) AS change \
         ON true",
        Changes::MOST + 1
    )
}

#[derive(FromRow)]
struct Row {
    next: String,
    now: i64,
    place: Option<i64>,
    tenant_id: Option<Uuid>,
}

impl Row {
    fn moved(&self) -> Option<MovedTenant> {
        let (place, tenant) = (self.place?, self.tenant_id?);
        Some(MovedTenant { tenant: TenantId::from_uuid(tenant), place: place.unsigned_abs() })
    }
}
