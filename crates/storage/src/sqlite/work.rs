use std::time::Duration;

use async_trait::async_trait;
use tenantry_core::{
    Claim, CommitError, Inbox, ReadScope, Timestamp, Unavailable, WorkItem, WorkQueue, WriteDoor as _,
};
use uuid::Uuid;

use super::SqliteStore;
use super::statement::rows;
use super::writer::write;
use crate::sql::{Connection as _, InboxRow, Statement, Value, WorkRow, ask, read_rows};

const CLAIMING: &str = "claim work";
const POSTPONING: &str = "postpone work";

#[async_trait]
impl WorkQueue for SqliteStore {
    async fn claim(&self, limit: u16, lease: Duration) -> Result<Vec<Claim>, Unavailable> {
        let now = self.now();
        if limit == 0 || self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(vec![]);
        }
        let claimed: Result<Vec<WorkRow>, CommitError> = write(&self.inner, move |connection| {
            Box::pin(async move {
                let reserved = connection.number(reserve_fences(limit)).await;
                let highest = reserved.map_err(|error| error.while_doing(CLAIMING))?;
                let claim = claim(limit, now, now.after(lease), highest.unwrap_or(0));
                connection.rows(claim).await.map_err(|error| error.while_doing(CLAIMING))
            })
        })
        .await;
        let mut claims = read_rows(claimed.map_err(|error| Unavailable::new(CLAIMING, error))?)?;
        claims.sort_unstable_by_key(|claim| (claim.item.due, claim.item));
        Ok(claims)
    }

    async fn postpone(&self, claim: &Claim, pause: Duration) -> Result<(), Unavailable> {
        let postpone = postpone(claim, self.now().after(pause));
        let postponed: Result<u64, CommitError> = write(&self.inner, move |connection| {
            Box::pin(
                async move { connection.run(postpone).await.map_err(|error| error.while_doing(POSTPONING)) },
            )
        })
        .await;
        postponed.map(drop).map_err(|error| Unavailable::new(POSTPONING, error))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Unavailable> {
        let found: Vec<(i64,)> = rows(&self.inner.reads, ask::next_due(), "say when work is due").await?;
        Ok(found.first().map(|(ready,)| Timestamp::from_micros(*ready)))
    }

    async fn inbox(&self, scope: ReadScope, id: Uuid) -> Result<Option<Inbox>, Unavailable> {
        self.inner.one::<InboxRow>(ask::inbox(scope.tenant(), id), "read a report").await
    }
}

/// Draws a fence for each piece of work that can be claimed; answers the highest.
fn reserve_fences(limit: u16) -> Statement {
    Statement::new(
        "UPDATE tenantry_counters SET value = value + $1 WHERE name = 'fence' RETURNING value",
        [Value::Number(i64::from(limit))],
    )
}

/// Claims what is ready, in one transaction with the write lock, so that nobody else can claim it too.
fn claim(limit: u16, now: Timestamp, until: Timestamp, highest: i64) -> Statement {
    Statement::new(
        "UPDATE tenantry_work SET ready = $3, fence = $4 - next.place, attempts = attempts + 1 \
         FROM (SELECT tenant_id, kind, subject, row_number() OVER (ORDER BY due DESC) - 1 AS place \
         FROM (SELECT tenant_id, kind, subject, due FROM tenantry_work WHERE ready <= $1 \
         ORDER BY due, tenant_id, kind, subject LIMIT $2) AS longest_due) AS next \
         WHERE tenantry_work.tenant_id = next.tenant_id AND tenantry_work.kind = next.kind \
         AND tenantry_work.subject = next.subject \
         RETURNING tenantry_work.tenant_id, tenantry_work.kind, tenantry_work.subject, due, fence, attempts",
        [now.into(), Value::Number(i64::from(limit)), until.into(), Value::Number(highest)],
    )
}

fn postpone(claim: &Claim, due: Timestamp) -> Statement {
    let WorkItem { tenant, kind, subject, .. } = claim.item;
    Statement::new(
        "UPDATE tenantry_work SET due = $1, ready = $1 \
         WHERE tenant_id = $2 AND kind = $3 AND subject = $4 AND fence = $5",
        [due.into(), tenant.into(), Value::text(kind.as_str()), subject.into(), Value::count(claim.fence)],
    )
}
