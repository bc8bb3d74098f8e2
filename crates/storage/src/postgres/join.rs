//! How a batch joins a transaction of the application's: as a document for the database's own door, which the
//! application's login may knock at but not step through.

use serde_json::{Value as Json, json};
use tenantry_core::{Answer, Batch, Change, CommitError, Guard, GuardFailure, Keyed, Timestamp, Unavailable};

use super::seal::{hex, unhex};

const JOINING: &str = "apply a batch inside a transaction";

/// The batch as `tenantry.join_batch` reads it.
pub(super) fn document(batch: &Batch, now: Timestamp) -> Result<String, CommitError> {
    let guards = batch.guards().iter().map(guard).collect::<Result<Vec<_>, _>>()?;
    let given_back = batch.changes().iter().map(change).collect::<Result<Vec<_>, _>>()?;
    let audit: Vec<_> = batch
        .audit()
        .iter()
        .map(|entry| {
            json!({
                "id": entry.id.as_uuid(), "at": entry.at.as_micros(), "actor": entry.actor.to_string(),
                "action": entry.action, "target": entry.target, "detail": entry.detail.to_string(),
            })
        })
        .collect();
    let events: Vec<_> = batch
        .events()
        .iter()
        .map(|event| {
            json!({
                "id": event.id.as_uuid(), "aggregate_kind": event.aggregate.kind,
                "aggregate_id": event.aggregate.id, "version": event.version, "kind": event.kind,
                "payload": event.payload.to_string(), "at": event.at.as_micros(),
            })
        })
        .collect();
    let document = json!({
        "tenant": batch.home().as_uuid(), "now": now.as_micros(), "keyed": batch.keyed().map(keyed),
        "guards": guards, "given_back": given_back, "audit": audit, "events": events,
    });
    Ok(document.to_string())
}

fn guard(guard: &Guard) -> Result<Json, CommitError> {
    match guard {
        Guard::Epoch { epoch, .. } => Ok(json!({ "epoch": epoch.number() })),
        Guard::Consume { meter, period, amount, ceiling, .. } => Ok(json!({
            "meter": meter.as_str(), "period": period.start().as_micros(), "amount": amount, "ceiling": ceiling,
        })),
        _ => Err(CommitError::NotJoinable),
    }
}

fn change(change: &Change) -> Result<Json, CommitError> {
    match change {
        Change::GiveBack { meter, period, amount, .. } => Ok(json!({
            "meter": meter.as_str(), "period": period.start().as_micros(), "amount": amount,
        })),
        _ => Err(CommitError::NotJoinable),
    }
}

fn keyed(keyed: &Keyed) -> Json {
    json!({
        "principal": keyed.owner.principal.as_uuid(), "operation": keyed.owner.operation,
        "key": keyed.owner.key.as_str(), "fingerprint": hex(keyed.fingerprint.as_bytes()),
        "status": keyed.answer.status, "body": hex(&keyed.answer.body),
        "expires_at": keyed.expires_at.as_micros(),
    })
}

/// What the door's answer means: each guard is judged by what the door found for it, as on every other store.
pub(super) fn outcome(batch: &Batch, answer: &Json) -> Result<(), CommitError> {
    if answer.get("busy").is_some() {
        return Err(CommitError::Busy);
    }
    if let Some(known) = answer.get("answer") {
        return Err(answered(batch, known).unwrap_or_else(|| unreadable().into()));
    }
    let found = answer.get("found").and_then(Json::as_array).ok_or_else(unreadable)?;
    if found.len() != batch.guards().len() {
        return Err(unreadable().into());
    }
    let failures: Vec<GuardFailure> =
        batch.guards().iter().zip(found).filter_map(|(guard, found)| guard.judge(found.as_i64())).collect();
    let was_applied = answer.get("applied").and_then(Json::as_bool).ok_or_else(unreadable)?;
    match (was_applied, failures.is_empty()) {
        (true, true) => Ok(()),
        (false, false) => Err(CommitError::Refused(failures)),
        _ => Err(Unavailable::new(JOINING, "the database and the library judge a guard differently").into()),
    }
}

fn answered(batch: &Batch, known: &Json) -> Option<CommitError> {
    let fingerprint = unhex(known.get("fingerprint")?.as_str()?)?;
    if batch.keyed()?.fingerprint.as_bytes().as_slice() != fingerprint {
        return Some(CommitError::KeyMismatch);
    }
    let status = known.get("status")?.as_u64()?.try_into().ok()?;
    let body = unhex(known.get("body")?.as_str()?)?;
    Some(CommitError::Answered(Answer { status, body }))
}

fn unreadable() -> Unavailable {
    Unavailable::new(JOINING, "the door's answer can't be read by this version")
}
