use async_trait::async_trait;
use tenantry_core::{
    CommitError, Cursor, Page, PageRequest, ReadScope, SealedAudit, SealedEvent, TenantId, TrailReader,
    Unavailable,
};

use super::PostgresStore;
use super::connect::Begun;
use crate::sql::{
    AuditRow, Connection as _, EventRow, Listing, Reads as _, SEALING, Statement, TenantIdRow, ask, nothing,
    read_rows, seal,
};

#[async_trait]
impl TrailReader for PostgresStore {
    async fn seal(&self, tenant: TenantId, limit: u16) -> Result<usize, Unavailable> {
        let writes = self.inner.writes.clone();
        let sealing = tokio::spawn(async move {
            let begin = format!("BEGIN;SET LOCAL app.write_tenants='{tenant}'");
            let mut begun = Begun::begin(&writes, &begin).await?;
            begun.run(lock_head(tenant)).await.map_err(|error| error.while_doing(SEALING))?;
            let sealed = seal(&mut *begun, tenant, limit).await?;
            if sealed > 0 {
                begun.commit(|| {}).await?;
            }
            Ok::<usize, CommitError>(sealed)
        });
        let sealed = sealing.await.map_err(|error| Unavailable::new(SEALING, error))?;
        sealed.map_err(|error| Unavailable::new(SEALING, error))
    }

    async fn unsealed(&self, limit: u16) -> Result<Vec<TenantId>, Unavailable> {
        let doing = "say whose trail is to be sealed";
        let begun = Begun::begin(self.inner.admin()?, "BEGIN READ ONLY").await;
        let mut begun = begun.map_err(|error| Unavailable::new(doing, error))?;
        let found: Vec<TenantIdRow> =
            begun.rows(ask::unsealed(limit)).await.map_err(|error| error.unavailable(doing))?;
        Ok(read_rows(found)?)
    }

    async fn audit(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<SealedAudit>, Unavailable> {
        let Some(listing) = Listing::by_key(page, u64::MAX) else { return Ok(nothing()) };
        let ask = ask::audit(scope.tenant(), &listing);
        let entries = self.all_of::<AuditRow>(scope.tenant(), ask, "read the audit trail").await?;
        Ok(listing.page(entries, |entry| Cursor::after_key(&[&entry.seq])))
    }

    async fn events(
        &self,
        scope: ReadScope,
        after: u64,
        limit: u16,
    ) -> Result<Vec<SealedEvent>, Unavailable> {
        let ask = ask::events(scope.tenant(), after, limit);
        self.all_of::<EventRow>(scope.tenant(), ask, "read events").await
    }
}

/// Takes the tenant's stream for this transaction, or makes it: one sealer at a time.
fn lock_head(tenant: TenantId) -> Statement {
    Statement::new(
        "INSERT INTO tenantry_streams AS stream (tenant_id, audit_seq, audit_hash, event_seq) \
         VALUES ($1, 0, decode(repeat('00', 32), 'hex'), 0) \
         ON CONFLICT (tenant_id) DO UPDATE SET event_seq = stream.event_seq",
        [tenant.into()],
    )
}
