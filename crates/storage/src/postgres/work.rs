use std::time::Duration;

use async_trait::async_trait;
use tenantry_core::{
    Claim, CommitError, Inbox, ReadScope, Timestamp, Unavailable, WorkItem, WorkQueue, WriteDoor as _,
};
use uuid::Uuid;

use super::PostgresStore;
use super::connect::{Begun, Pool};
use crate::sql::{Connection as _, InboxRow, Reads as _, Statement, Value, WorkRow, ask, read_rows};

const CLAIMING: &str = "claim work";
const POSTPONING: &str = "postpone work";

#[async_trait]
impl WorkQueue for PostgresStore {
    async fn claim(&self, limit: u16, lease: Duration) -> Result<Vec<Claim>, Unavailable> {
        if limit == 0 {
            return Ok(vec![]);
        }
        let (admin, now) = (self.inner.admin()?.clone(), self.now());
        let claiming = tokio::spawn(claim_ready(admin, claim(limit, now, now.after(lease))));
        let claimed = claiming.await.map_err(|error| Unavailable::new(CLAIMING, error))?;
        let mut claims = read_rows(claimed.map_err(|error| Unavailable::new(CLAIMING, error))?)?;
        claims.sort_unstable_by_key(|claim| (claim.item.due, claim.item));
        Ok(claims)
    }

    async fn postpone(&self, claim: &Claim, pause: Duration) -> Result<(), Unavailable> {
        let (admin, postpone) = (self.inner.admin()?.clone(), postpone(claim, self.now().after(pause)));
        let postponing = tokio::spawn(async move {
            let mut begun = Begun::begin(&admin, "BEGIN").await?;
            begun.run(postpone).await.map_err(|error| error.while_doing(POSTPONING))?;
            begun.commit(|| {}).await
        });
        let postponed = postponing.await.map_err(|error| Unavailable::new(POSTPONING, error))?;
        postponed.map_err(|error| Unavailable::new(POSTPONING, error))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Unavailable> {
        let doing = "say when work is due";
        let begun = Begun::begin(self.inner.admin()?, "BEGIN READ ONLY").await;
        let mut begun = begun.map_err(|error| Unavailable::new(doing, error))?;
        let ready = begun.number(ask::next_due()).await.map_err(|error| error.unavailable(doing))?;
        Ok(ready.map(Timestamp::from_micros))
    }

    async fn inbox(&self, scope: ReadScope, id: Uuid) -> Result<Option<Inbox>, Unavailable> {
        let ask = ask::inbox(scope.tenant(), id);
        self.one_of::<InboxRow>(scope.tenant(), ask, "read a report").await
    }
}

async fn claim_ready(admin: Pool, claim: Statement) -> Result<Vec<WorkRow>, CommitError> {
    let mut begun = Begun::begin(&admin, "BEGIN").await?;
    let claimed: Vec<WorkRow> = begun.rows(claim).await.map_err(|error| error.while_doing(CLAIMING))?;
    if !claimed.is_empty() {
        begun.commit(|| {}).await?;
    }
    Ok(claimed)
}

/// Claims what is ready and nobody else is claiming at this moment.
fn claim(limit: u16, now: Timestamp, until: Timestamp) -> Statement {
    Statement::new(
        "WITH next AS MATERIALIZED (SELECT tenant_id, kind, subject FROM tenantry_work WHERE ready <= $1 \
         ORDER BY due, tenant_id, kind, subject LIMIT $2 FOR UPDATE SKIP LOCKED) \
         UPDATE tenantry_work AS work SET ready = $3, \
         fence = nextval('tenantry_directory.tenantry_fence'), attempts = attempts + 1 \
         FROM next WHERE work.tenant_id = next.tenant_id AND work.kind = next.kind \
         AND work.subject = next.subject \
         RETURNING work.tenant_id, work.kind, work.subject, work.due, work.fence, work.attempts",
        [now.into(), Value::Number(i64::from(limit)), until.into()],
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
