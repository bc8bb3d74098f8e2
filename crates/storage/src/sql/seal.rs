use std::collections::HashMap;

use sqlx::{Database, FromRow};
use tenantry_core::{
    ChainHead, CommitError, EventId, SealedAudit, SealedEvent, TenantId, Unavailable, seal_audit, seal_events,
};

use super::read;
use super::rows::{Stored, Unreadable};
use super::statement::{Connection, SqlError};
use super::trail_rows::{AuditRow, EventRow, HeadRow};

pub(crate) const SEALING: &str = "seal the trail";

/// Seals inside one transaction: the rows, their numbers and the end of the chain.
pub(crate) async fn seal<C>(connection: &mut C, tenant: TenantId, limit: u16) -> Result<usize, CommitError>
where
    C: Connection,
    for<'r> HeadRow: FromRow<'r, <C::Db as Database>::Row>,
    for<'r> AuditRow: FromRow<'r, <C::Db as Database>::Row>,
    for<'r> EventRow: FromRow<'r, <C::Db as Database>::Row>,
{
    let head: Option<HeadRow> = connection.row(read::chain_head(tenant)).await.map_err(failed)?;
    let head = head.map_or(Ok(ChainHead::START), Stored::read).map_err(unreadable)?;
    let mut next = head;
    let mut writes = Vec::new();
    for (place, entry) in seal_entries(connection, tenant, limit, head).await? {
        (next.audit_seq, next.audit_hash) = (entry.seq, entry.hash);
        writes.push(read::seal_audit(place, &entry));
    }
    for (place, event) in number_events(connection, tenant, limit, head).await? {
        next.event_seq = event.seq;
        writes.push(read::seal_event(place, &event));
    }
    let sealed = writes.len();
    if sealed > 0 {
        connection.run_all(writes).await.map_err(failed)?;
        connection.run(read::store_chain_head(tenant, &next)).await.map_err(failed)?;
    }
    Ok(sealed)
}

async fn seal_entries<C>(
    connection: &mut C,
    tenant: TenantId,
    limit: u16,
    head: ChainHead,
) -> Result<Vec<(i64, SealedAudit)>, CommitError>
where
    C: Connection,
    for<'r> AuditRow: FromRow<'r, <C::Db as Database>::Row>,
{
    let found: Vec<AuditRow> = connection.rows(read::unsealed_audit(tenant, limit)).await.map_err(failed)?;
    let places: Vec<i64> = found.iter().map(AuditRow::place).collect();
    let entries =
        found.into_iter().map(AuditRow::entry).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    Ok(places.into_iter().zip(seal_audit(head, entries)).collect())
}

async fn number_events<C>(
    connection: &mut C,
    tenant: TenantId,
    limit: u16,
    head: ChainHead,
) -> Result<Vec<(i64, SealedEvent)>, CommitError>
where
    C: Connection,
    for<'r> EventRow: FromRow<'r, <C::Db as Database>::Row>,
{
    let found: Vec<EventRow> = connection.rows(read::unsealed_events(tenant, limit)).await.map_err(failed)?;
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

fn failed(error: SqlError) -> CommitError {
    error.while_doing(SEALING)
}

fn unreadable(unreadable: Unreadable) -> CommitError {
    Unavailable::from(unreadable).into()
}
