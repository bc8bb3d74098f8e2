use async_trait::async_trait;
use tenantry_core::{
    CommitError, Cursor, Page, PageRequest, ReadScope, SealedAudit, SealedEvent, TenantId, TrailReader,
    Unavailable,
};

use super::SqliteStore;
use super::statement::rows;
use super::writer::write;
use crate::sql::{AuditRow, EventRow, Listing, SEALING, TenantIdRow, ask, nothing, seal};

#[async_trait]
impl TrailReader for SqliteStore {
    async fn seal(&self, tenant: TenantId, limit: u16) -> Result<usize, Unavailable> {
        let waits: Vec<(i64,)> = rows(&self.inner.reads, ask::is_unsealed(tenant), SEALING).await?;
        if waits.is_empty() {
            return Ok(0);
        }
        let sealed = write(&self.inner, move |connection| Box::pin(seal(connection, tenant, limit))).await;
        sealed.map_err(|error: CommitError| Unavailable::new(SEALING, error))
    }

    async fn unsealed(&self, limit: u16) -> Result<Vec<TenantId>, Unavailable> {
        self.inner.all::<TenantIdRow>(ask::unsealed(limit), "say whose trail is to be sealed").await
    }

    async fn audit(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<SealedAudit>, Unavailable> {
        let Some(listing) = Listing::by_key(page, u64::MAX) else { return Ok(nothing()) };
        let ask = ask::audit(scope.tenant(), &listing);
        let entries = self.inner.all::<AuditRow>(ask, "read the audit trail").await?;
        Ok(listing.page(entries, |entry| Cursor::after_key(&[&entry.seq])))
    }

    async fn events(
        &self,
        scope: ReadScope,
        after: u64,
        limit: u16,
    ) -> Result<Vec<SealedEvent>, Unavailable> {
        self.inner.all::<EventRow>(ask::events(scope.tenant(), after, limit), "read events").await
    }
}
