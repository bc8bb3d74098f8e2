use std::collections::{BTreeMap, BTreeSet};

use tenantry_core::{
    Account, Answer, AuditEntry, Balance, Batch, ChainHead, CommitError, Currency, Event, Fingerprint, Key,
    KeyOwner, Keyed, MeterKey, Record, SealedAudit, SealedEvent, StatementLine, TenantId, Timestamp,
    Transfer, TransferId, UsagePeriod, UserId, WorkKind, seal_audit, seal_events,
};
use uuid::Uuid;

use super::layer::{Written, settle};

pub(super) type Meter = (TenantId, MeterKey, UsagePeriod);
pub(super) type Guarded = (TenantId, Account, Currency);
pub(super) type Line = (TenantId, Timestamp, TransferId);
pub(super) type Job = (TenantId, WorkKind, Uuid);

/// Everything that a store holds. Each key begins with the tenant whose row it is, names apart.
#[derive(Default)]
pub(super) struct Data {
    pub(super) rows: BTreeMap<Key, Record>,
    /// Slugs and addresses, with the key of the row that claims each.
    pub(super) names: BTreeMap<Key, Key>,
    pub(super) used: BTreeMap<Meter, i64>,
    pub(super) transfers: BTreeMap<(TenantId, TransferId), Transfer>,
    /// The balances of accounts that have a floor.
    pub(super) guarded: BTreeMap<Guarded, i64>,
    pub(super) lines: BTreeMap<Line, StatementLine>,
    pub(super) totals: BTreeMap<(TenantId, Currency), Balance>,
    pub(super) jobs: BTreeMap<Job, Pending>,
    /// The highest fence that was ever given: no claim of any work has it again.
    pub(super) fences: u64,
    pub(super) trails: BTreeMap<TenantId, TrailRows>,
    keys: BTreeMap<KeyOwner, Keyed>,
    expiries: BTreeSet<(Timestamp, KeyOwner)>,
}

/// Pending work.
#[derive(Clone, Copy)]
pub(super) struct Pending {
    pub(super) due: Timestamp,
    pub(super) claimed_until: Option<Timestamp>,
    pub(super) fence: u64,
    pub(super) attempts: u32,
}

impl Pending {
    /// When it can be claimed.
    pub(super) fn ready_at(&self) -> Timestamp {
        self.claimed_until.map_or(self.due, |until| until.max(self.due))
    }
}

/// A tenant's trail: what is committed in the order of the commits, and what is sealed of it.
pub(super) struct TrailRows {
    audit: Vec<AuditEntry>,
    events: Vec<Event>,
    head: ChainHead,
    pub(super) sealed_audit: Vec<SealedAudit>,
    pub(super) sealed_events: Vec<SealedEvent>,
}

impl Default for TrailRows {
    fn default() -> Self {
        Self {
            audit: vec![],
            events: vec![],
            head: ChainHead::START,
            sealed_audit: vec![],
            sealed_events: vec![],
        }
    }
}

impl TrailRows {
    pub(super) fn is_sealed(&self) -> bool {
        self.audit.is_empty() && self.events.is_empty()
    }

    pub(super) fn seal(&mut self, limit: usize) -> usize {
        let entries = self.audit.drain(..limit.min(self.audit.len())).collect();
        let events = self.events.drain(..limit.min(self.events.len())).collect();
        let audit = seal_audit(self.head, entries);
        let events = seal_events(self.head, events);
        if let Some(last) = audit.last() {
            self.head.audit_seq = last.seq;
            self.head.audit_hash = last.hash;
        }
        if let Some(last) = events.last() {
            self.head.event_seq = last.seq;
        }
        let sealed = audit.len() + events.len();
        self.sealed_audit.extend(audit);
        self.sealed_events.extend(events);
        sealed
    }
}

/// What a batch writes besides its trail and its key.
pub(super) struct WrittenRows {
    pub(super) rows: Written<Key, Record>,
    pub(super) names: Written<Key, Key>,
    pub(super) used: Written<Meter, i64>,
    pub(super) transfers: Written<(TenantId, TransferId), Transfer>,
    pub(super) guarded: Written<Guarded, i64>,
    pub(super) lines: Written<Line, StatementLine>,
    pub(super) totals: Written<(TenantId, Currency), Balance>,
    pub(super) jobs: Written<Job, Pending>,
    pub(super) fences: u64,
}

impl Data {
    pub(super) fn write(&mut self, written: WrittenRows) {
        settle(&mut self.rows, written.rows);
        settle(&mut self.names, written.names);
        settle(&mut self.used, written.used);
        settle(&mut self.transfers, written.transfers);
        settle(&mut self.guarded, written.guarded);
        settle(&mut self.lines, written.lines);
        settle(&mut self.totals, written.totals);
        settle(&mut self.jobs, written.jobs);
        self.fences = written.fences;
    }

    /// The batch's audit entries, events and key.
    pub(super) fn record(&mut self, batch: &Batch, now: Timestamp) {
        for entry in batch.audit() {
            self.trails.entry(entry.tenant).or_default().audit.push(entry.clone());
        }
        for event in batch.events() {
            self.trails.entry(event.tenant).or_default().events.push(event.clone());
        }
        if let Some(keyed) = batch.keyed() {
            self.forget_keys(now);
            self.expiries.insert((keyed.expires_at, keyed.owner.clone()));
            self.keys.insert(keyed.owner.clone(), keyed.clone());
        }
    }

    pub(super) fn answer(
        &self,
        owner: &KeyOwner,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> Result<Option<Answer>, CommitError> {
        match self.keys.get(owner) {
            Some(keyed) if keyed.expires_at <= now => Ok(None),
            Some(keyed) if keyed.fingerprint != *fingerprint => Err(CommitError::KeyMismatch),
            Some(keyed) => Ok(Some(keyed.answer.clone())),
            None => Ok(None),
        }
    }

    fn forget_keys(&mut self, now: Timestamp) {
        while self.expiries.first().is_some_and(|(expires_at, _)| *expires_at <= now) {
            if let Some((_, owner)) = self.expiries.pop_first() {
                self.keys.remove(&owner);
            }
        }
    }

    /// The users who are members of a tenant.
    pub(super) fn members(&self, tenant: TenantId) -> impl Iterator<Item = UserId> {
        let (first, last) = (UserId::from_uuid(Uuid::nil()), UserId::from_uuid(Uuid::max()));
        let keys = Key::Membership(tenant, first)..=Key::Membership(tenant, last);
        self.rows.range(keys).filter_map(|(key, _)| match key {
            Key::Membership(_, user) => Some(*user),
            _ => None,
        })
    }
}
