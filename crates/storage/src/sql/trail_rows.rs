use sqlx::FromRow;
use tenantry_core::{
    Aggregate, AuditEntry, AuditId, ChainHead, Event, EventId, SealedAudit, SealedEvent, TenantId, Timestamp,
};
use uuid::Uuid;

use super::rows::{Stored, Unreadable, counted, from_json, parsed};

#[derive(Debug, FromRow)]
pub(crate) struct AuditRow {
    tenant_id: Uuid,
    place: i64,
    audit_id: Uuid,
    at: i64,
    actor: String,
    action: String,
    target: String,
    detail: String,
    seq: Option<i64>,
    hash: Option<Vec<u8>>,
}

impl AuditRow {
    pub(crate) fn place(&self) -> i64 {
        self.place
    }

    pub(crate) fn entry(self) -> Result<AuditEntry, Unreadable> {
        Ok(AuditEntry {
            id: AuditId::from_uuid(self.audit_id),
            tenant: TenantId::from_uuid(self.tenant_id),
            at: Timestamp::from_micros(self.at),
            actor: parsed("actor", &self.actor)?,
            action: self.action,
            target: self.target,
            detail: from_json("detail", &self.detail)?,
        })
    }
}

impl Stored for AuditRow {
    type Model = SealedAudit;

    fn read(self) -> Result<SealedAudit, Unreadable> {
        let what = "seal of an audit entry";
        let (Some(seq), Some(bytes)) = (self.seq, &self.hash) else { return Err(Unreadable { what }) };
        Ok(SealedAudit { seq: counted(what, seq)?, hash: hash(what, bytes)?, entry: self.entry()? })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct EventRow {
    tenant_id: Uuid,
    place: i64,
    event_id: Uuid,
    aggregate_kind: String,
    aggregate_id: Uuid,
    version: i64,
    kind: String,
    payload: String,
    at: i64,
    seq: Option<i64>,
}

impl EventRow {
    pub(crate) fn place(&self) -> i64 {
        self.place
    }

    pub(crate) fn event(self) -> Result<Event, Unreadable> {
        Ok(Event {
            id: EventId::from_uuid(self.event_id),
            tenant: TenantId::from_uuid(self.tenant_id),
            aggregate: Aggregate { kind: self.aggregate_kind, id: self.aggregate_id },
            version: counted("version", self.version)?,
            kind: self.kind,
            payload: from_json("payload", &self.payload)?,
            at: Timestamp::from_micros(self.at),
        })
    }
}

impl Stored for EventRow {
    type Model = SealedEvent;

    fn read(self) -> Result<SealedEvent, Unreadable> {
        let what = "number of an event";
        let seq = self.seq.ok_or(Unreadable { what })?;
        Ok(SealedEvent { seq: counted(what, seq)?, event: self.event()? })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct HeadRow {
    audit_seq: i64,
    audit_hash: Vec<u8>,
    event_seq: i64,
}

impl Stored for HeadRow {
    type Model = ChainHead;

    fn read(self) -> Result<ChainHead, Unreadable> {
        let what = "end of the trail";
        Ok(ChainHead {
            audit_seq: counted(what, self.audit_seq)?,
            audit_hash: hash(what, &self.audit_hash)?,
            event_seq: counted(what, self.event_seq)?,
        })
    }
}

fn hash(what: &'static str, bytes: &[u8]) -> Result<[u8; 32], Unreadable> {
    bytes.try_into().map_err(|_| Unreadable { what })
}
