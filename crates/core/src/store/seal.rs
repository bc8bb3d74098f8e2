use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Aggregate, AuditEntry, Event};

/// Where a tenant's chain of sealed rows ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// The sequence number of the last sealed audit entry; 0 before the first.
    pub audit_seq: u64,
    /// Its hash; zeros before the first.
    pub audit_hash: [u8; 32],
    /// The sequence number of the last sealed event; 0 before the first.
    pub event_seq: u64,
}

impl ChainHead {
    /// Before anything was sealed.
    pub const START: Self = Self { audit_seq: 0, audit_hash: [0; 32], event_seq: 0 };
}

/// An audit entry with its place in the tenant's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealedAudit {
    /// 1 for the tenant's first entry, without gaps.
    pub seq: u64,
    /// The entry.
    pub entry: AuditEntry,
    /// SHA-256 over the hash before and the length-prefixed fields of this entry.
    pub hash: [u8; 32],
}

/// An event with its place in the tenant's sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealedEvent {
    /// 1 for the tenant's first event, without gaps.
    pub seq: u64,
    /// The event.
    pub event: Event,
}

/// Gives committed audit entries of one tenant, in the order of their commits, their numbers and hashes.
#[must_use]
pub fn seal_audit(head: ChainHead, entries: Vec<AuditEntry>) -> Vec<SealedAudit> {
    let mut hash = head.audit_hash;
    entries
        .into_iter()
        .zip(head.audit_seq + 1..)
        .map(|(entry, seq)| {
            hash = link(&hash, seq, &entry);
            SealedAudit { seq, entry, hash }
        })
        .collect()
}

/// Gives committed events of one tenant their numbers: in the order of their commits, but those of one
/// aggregate in the order of its versions.
#[must_use]
pub fn seal_events(head: ChainHead, events: Vec<Event>) -> Vec<SealedEvent> {
    let mut of_aggregate: BTreeMap<Aggregate, Vec<Event>> = BTreeMap::new();
    let places: Vec<Aggregate> = events.iter().map(|event| event.aggregate.clone()).collect();
    for event in events {
        of_aggregate.entry(event.aggregate.clone()).or_default().push(event);
    }
    for events in of_aggregate.values_mut() {
        events.reverse();
        events.sort_by_key(|event| std::cmp::Reverse(event.version));
    }
    places
        .iter()
        .filter_map(|aggregate| of_aggregate.get_mut(aggregate).and_then(Vec::pop))
        .zip(head.event_seq + 1..)
        .map(|(event, seq)| SealedEvent { seq, event })
        .collect()
}

/// Checks a tenant's exported trail, from its first entry on, with nothing but the trail itself.
///
/// # Errors
/// [`ChainBroken`] names the first entry that isn't what was sealed.
pub fn verify_chain(entries: &[SealedAudit]) -> Result<(), ChainBroken> {
    let mut hash = ChainHead::START.audit_hash;
    for (sealed, seq) in entries.iter().zip(1..) {
        hash = link(&hash, seq, &sealed.entry);
        if sealed.seq != seq || sealed.hash != hash {
            return Err(ChainBroken { seq });
        }
    }
    Ok(())
}

/// An entry was altered, removed or put in after it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit chain is broken at entry {seq}")]
pub struct ChainBroken {
    /// The first entry that isn't what was sealed.
    pub seq: u64,
}

fn link(before: &[u8; 32], seq: u64, entry: &AuditEntry) -> [u8; 32] {
    let (id, tenant) = (entry.id.as_uuid(), entry.tenant.as_uuid());
    let (actor, detail) = (entry.actor.to_string(), entry.detail.to_string());
    let (seq, at) = (seq.to_be_bytes(), entry.at.as_micros().to_be_bytes());
    let parts: [&[u8]; 8] = [
        &seq,
        id.as_bytes(),
        tenant.as_bytes(),
        &at,
        actor.as_bytes(),
        entry.action.as_bytes(),
        entry.target.as_bytes(),
        detail.as_bytes(),
    ];
    let mut hash = Sha256::new();
    hash.update(before);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuditActor, AuditId, EventId, TenantId, Timestamp};

    fn entry(action: &str) -> AuditEntry {
        AuditEntry {
            id: AuditId::generate(),
            tenant: TenantId::generate(),
            at: Timestamp::EPOCH,
            actor: AuditActor::Visitor,
            action: action.to_owned(),
            target: String::new(),
            detail: serde_json::json!({"b": 1, "a": 2}),
        }
    }

    #[test]
    fn an_altered_trail_is_found_out() {
        let first = seal_audit(ChainHead::START, vec![entry("a"), entry("b")]);
        let last = first.last().unwrap();
        let head = ChainHead { audit_seq: last.seq, audit_hash: last.hash, event_seq: 0 };
        let mut trail = first.clone();
        trail.extend(seal_audit(head, vec![entry("c")]));
        assert_eq!(verify_chain(&trail), Ok(()));
        let mut altered = trail.clone();
        altered[1].entry.action.push('!');
        assert_eq!(verify_chain(&altered), Err(ChainBroken { seq: 2 }));
        trail.remove(0);
        assert_eq!(verify_chain(&trail), Err(ChainBroken { seq: 1 }));
    }

    #[test]
    fn events_of_an_aggregate_come_out_by_version() {
        let (one, two) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
        let event = |id, version| Event {
            id: EventId::generate(),
            tenant: TenantId::generate(),
            aggregate: Aggregate { kind: "order".to_owned(), id },
            version,
            kind: String::new(),
            payload: serde_json::Value::Null,
            at: Timestamp::EPOCH,
        };
        let sealed =
            seal_events(ChainHead::START, vec![event(one, 2), event(two, 7), event(one, 1), event(one, 3)]);
        let order: Vec<_> = sealed.iter().map(|e| (e.seq, e.event.aggregate.id, e.event.version)).collect();
        assert_eq!(order, [(1, one, 1), (2, two, 7), (3, one, 2), (4, one, 3)]);
        let (first, second) = (event(one, 1), event(one, 1));
        let sealed = seal_events(ChainHead::START, vec![first.clone(), second.clone()]);
        let kept: Vec<_> = sealed.into_iter().map(|sealed| sealed.event).collect();
        assert_eq!(kept, [first, second], "of one version, the one committed first comes first");
    }
}
