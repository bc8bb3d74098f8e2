use tenantry_core::{
    AuditEntry, Currency, Event, Keyed, Posting, StatementLine, TenantId, Timestamp, Transfer, WorkItem,
    WorkKind,
};
use uuid::Uuid;

use super::statement::{Statement, Value};

/// How many expired keys of a tenant are forgotten with each new one: more than one, so that they run out.
const FORGOTTEN_AT_ONCE: i64 = 16;

/// The entries of a transfer.
pub(crate) fn entries(transfer: &Transfer) -> Vec<Statement> {
    let entry = |posting: &Posting| {
        Statement::new(
            "INSERT INTO tenantry_entries (tenant_id, transfer_id, account, currency, amount, kind, \
             order_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                transfer.operator().into(),
                transfer.id().into(),
                Value::Text(posting.account.to_string()),
                Value::text(transfer.currency().as_str()),
                Value::Number(posting.amount),
                Value::text(transfer.kind().as_str()),
                transfer.order().into(),
                transfer.at().into(),
            ],
        )
    };
    transfer.postings().iter().map(entry).collect()
}

/// A line of a statement.
pub(crate) fn statement_line(line: &StatementLine) -> Statement {
    Statement::new(
        "INSERT INTO tenantry_statement_lines (tenant_id, transfer_id, order_id, at, kind, currency, \
         available, held) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            line.tenant.into(),
            line.transfer.into(),
            line.order.into(),
            line.at.into(),
            Value::text(line.kind.as_str()),
            Value::text(line.currency.as_str()),
            Value::Number(line.available),
            Value::Number(line.held),
        ],
    )
}

/// What a party's balance becomes more by.
pub(crate) fn party_balance(tenant: TenantId, currency: Currency, available: i64, held: i64) -> Statement {
    Statement::new(
        "INSERT INTO tenantry_party_balances (tenant_id, currency, available, held) \
         VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant_id, currency) \
         DO UPDATE SET available = tenantry_party_balances.available + excluded.available, \
         held = tenantry_party_balances.held + excluded.held",
        [tenant.into(), Value::text(currency.as_str()), Value::Number(available), Value::Number(held)],
    )
}

/// Work in place of what had its key. A claim of that is over: `fence` is higher than the claim's.
pub(crate) fn schedule(item: &WorkItem, fence: i64) -> Statement {
    Statement::new(
        "INSERT INTO tenantry_work (tenant_id, kind, subject, due, ready, fence, attempts) \
         VALUES ($1, $2, $3, $4, $4, $5, 0) \
         ON CONFLICT (tenant_id, kind, subject) \
         DO UPDATE SET due = excluded.due, ready = excluded.ready, fence = excluded.fence, attempts = 0",
        [
            item.tenant.into(),
            Value::text(item.kind.as_str()),
            item.subject.into(),
            item.due.into(),
            Value::Number(fence),
        ],
    )
}

pub(crate) fn unschedule(tenant: TenantId, kind: WorkKind, subject: Uuid) -> Statement {
    Statement::new(
        "DELETE FROM tenantry_work WHERE tenant_id = $1 AND kind = $2 AND subject = $3",
        [tenant.into(), Value::text(kind.as_str()), subject.into()],
    )
}

/// An audit entry in the next place of its tenant's trail, not sealed yet.
pub(crate) fn audit(entry: &AuditEntry) -> Statement {
    Statement::new(
        "INSERT INTO tenantry_audit (tenant_id, place, audit_id, at, actor, action, target, detail) \
         VALUES ($1, (SELECT COALESCE(MAX(place), 0) + 1 FROM tenantry_audit WHERE tenant_id = $1), \
         $2, $3, $4, $5, $6, $7)",
        [
            entry.tenant.into(),
            entry.id.into(),
            entry.at.into(),
            Value::Text(entry.actor.to_string()),
            Value::text(&entry.action),
            Value::text(&entry.target),
            Value::Text(entry.detail.to_string()),
        ],
    )
}

/// An event in the next place of its tenant's outbox, not sealed yet.
pub(crate) fn event(event: &Event) -> Statement {
    Statement::new(
        "INSERT INTO tenantry_events (tenant_id, place, event_id, aggregate_kind, aggregate_id, version, \
         kind, payload, at) \
         VALUES ($1, (SELECT COALESCE(MAX(place), 0) + 1 FROM tenantry_events WHERE tenant_id = $1), \
         $2, $3, $4, $5, $6, $7, $8)",
        [
            event.tenant.into(),
            event.id.into(),
            Value::text(&event.aggregate.kind),
            event.aggregate.id.into(),
            Value::count(event.version),
            Value::text(&event.kind),
            Value::Text(event.payload.to_string()),
            event.at.into(),
        ],
    )
}

/// An idempotency key with its answer, in place of an expired one; some of the tenant's expired keys go.
pub(crate) fn key(keyed: &Keyed, now: Timestamp) -> [Statement; 2] {
    let owner = &keyed.owner;
    [
        Statement::new(
            "DELETE FROM tenantry_keys WHERE (tenant_id, principal_id, operation, key) IN \
             (SELECT tenant_id, principal_id, operation, key FROM tenantry_keys \
             WHERE tenant_id = $1 AND expires_at <= $2 ORDER BY expires_at LIMIT $3)",
            [owner.tenant.into(), now.into(), Value::Number(FORGOTTEN_AT_ONCE)],
        ),
        Statement::new(
            "INSERT INTO tenantry_keys (tenant_id, principal_id, operation, key, fingerprint, status, body, \
             expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (tenant_id, principal_id, operation, key) \
             DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status, \
             body = excluded.body, expires_at = excluded.expires_at",
            [
                owner.tenant.into(),
                owner.principal.as_uuid().into(),
                Value::text(owner.operation),
                Value::text(owner.key.as_str()),
                Value::Bytes(keyed.fingerprint.as_bytes().to_vec()),
                Value::Number(i64::from(keyed.answer.status)),
                Value::Bytes(keyed.answer.body.clone()),
                keyed.expires_at.into(),
            ],
        ),
    ]
}
