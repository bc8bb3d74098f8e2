use sqlx::FromRow;
use tenantry_core::{Epochs, TenantId, Unavailable};
use uuid::Uuid;

use super::Inner;
use super::statement::rows;
use crate::changes::{ChangeFeed, Changes, Moved, MovedTenant, Position};
use crate::sql::{Statement, Value};

/// Writers take turns, so places are in the order of their commits, and the highest is never deleted: a position
/// is the highest place.
impl ChangeFeed for Inner {
    fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    async fn changes_since(&self, position: Option<Position>) -> Result<Changes, Unavailable> {
        let after =
            position.map_or(i64::MAX, |position| i64::try_from(position.number()).unwrap_or(i64::MAX));
        let most = i64::try_from(Changes::MOST).unwrap_or(i64::MAX);
        let question = Statement::new(
            "SELECT newest.place AS newest, change.place, change.tenant_id \
             FROM (SELECT COALESCE(MAX(place), 0) AS place FROM tenantry_changes) AS newest LEFT JOIN \
             (SELECT place, tenant_id FROM tenantry_changes WHERE place > $1 LIMIT $2 + 1) AS change ON TRUE",
            [Value::Number(after), Value::Number(most)],
        );
        let rows: Vec<Row> = rows(&self.reads, question, "tell what others changed").await?;
        let newest = rows.first().map_or(0, |row| row.newest);
        let tenants: Vec<_> = rows.iter().filter_map(Row::moved).collect();
        let moved = if tenants.len() > Changes::MOST { Moved::All } else { Moved::Tenants(tenants) };
        Ok(Changes { moved, next: Position::new(newest.unsigned_abs()), clock: None })
    }
}

#[derive(FromRow)]
struct Row {
    newest: i64,
    place: Option<i64>,
    tenant_id: Option<Uuid>,
}

impl Row {
    fn moved(&self) -> Option<MovedTenant> {
        let (place, tenant) = (self.place?, self.tenant_id?);
        Some(MovedTenant { tenant: TenantId::from_uuid(tenant), place: place.unsigned_abs() })
    }
}
