use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use tenantry_core::{
    ChainHead, CommitError, Cursor, EventId, Page, PageRequest, ReadScope, SealedAudit, SealedEvent,
    TenantId, TrailReader, Unavailable, seal_audit, seal_events,
};

use super::SqliteStore;
use super::read::nothing;
use super::statement::rows;
use super::writer::write;
use crate::sql::{
    AuditRow, Connection as _, EventRow, HeadRow, Listing, SqlError, Statement, Stored, TenantIdRow,
    Unreadable, ask,
};

const SEALING: &str = "seal the trail";

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

/// Seals inside one transaction: the rows, their numbers and the end of the chain.
async fn seal(connection: &mut SqliteConnection, tenant: TenantId, limit: u16) -> Result<usize, CommitError> {
    let head: Option<HeadRow> = connection.row(ask::chain_head(tenant)).await.map_err(failed)?;
    let head = head.map_or(Ok(ChainHead::START), Stored::read).map_err(unreadable)?;
    let mut next = head;
    let mut sealed = 0;
    for (place, entry) in seal_entries(connection, tenant, limit, head).await? {
        (next.audit_seq, next.audit_hash) = (entry.seq, entry.hash);
        run(connection, ask::seal_audit(place, &entry)).await?;
        sealed += 1;
    }
    for (place, event) in number_events(connection, tenant, limit, head).await? {
        next.event_seq = event.seq;
        run(connection, ask::seal_event(place, &event)).await?;
        sealed += 1;
    }
    if sealed > 0 {
        run(connection, ask::store_chain_head(tenant, &next)).await?;
    }
    Ok(sealed)
}

async fn seal_entries(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    limit: u16,
    head: ChainHead,
) -> Result<Vec<(i64, SealedAudit)>, CommitError> {
    let found: Vec<AuditRow> = connection.rows(ask::unsealed_audit(tenant, limit)).await.map_err(failed)?;
    let places: Vec<i64> = found.iter().map(AuditRow::place).collect();
    let entries =
        found.into_iter().map(AuditRow::entry).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    Ok(places.into_iter().zip(seal_audit(head, entries)).collect())
}

async fn number_events(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    limit: u16,
    head: ChainHead,
) -> Result<Vec<(i64, SealedEvent)>, CommitError> {
    let found: Vec<EventRow> = connection.rows(ask::unsealed_events(tenant, limit)).await.map_err(failed)?;
    let mut places: HashMap<EventId, Vec<i64>> = HashMap::new();
    let mut events = Vec::with_capacity(found.len());
    for row in found {
        let place = row.place();
        let event = row.event().map_err(unreadable)?;
        places.entry(event.id).or_default().push(place);
        events.push(event);
    }
    let sealed = seal_events(head, events).into_iter();
    Ok(sealed
        .filter_map(|sealed| {
            let place = places.get_mut(&sealed.event.id).and_then(Vec::pop)?;
            Some((place, sealed))
        })
        .collect())
}

async fn run(connection: &mut SqliteConnection, statement: Statement) -> Result<(), CommitError> {
    connection.run(statement).await.map(drop).map_err(failed)
}

fn failed(error: SqlError) -> CommitError {
    error.while_doing(SEALING)
}

fn unreadable(unreadable: Unreadable) -> CommitError {
    Unavailable::from(unreadable).into()
}
