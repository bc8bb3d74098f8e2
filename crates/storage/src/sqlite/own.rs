//! The statements by which SQLite judges and counts in one: nobody else writes while a transaction does.

use tenantry_core::{MeterKey, RoleKey, TenantId, Timestamp, Transfer, UsagePeriod, UserId};

use crate::sql::{Statement, Value, write};

pub(super) fn epoch(tenant: TenantId) -> Statement {
    Statement::new("SELECT epoch FROM tenantry_tenants WHERE tenant_id = $1", [tenant.into()])
}

/// Counts `amount` where at most `most` was used before, in one conditional write; answers a row when it did.
pub(super) fn consume(
    tenant: TenantId,
    meter: &MeterKey,
    period: UsagePeriod,
    amount: i64,
    most: i64,
) -> Statement {
    Statement::new(
        "INSERT INTO tenantry_usage (tenant_id, meter, period, used) SELECT $1, $2, $3, $4 WHERE $5 >= 0 \
         ON CONFLICT (tenant_id, meter, period) DO UPDATE SET used = tenantry_usage.used + $4 \
         WHERE tenantry_usage.used <= $5 \
         RETURNING used",
        [
            tenant.into(),
            Value::text(meter.as_str()),
            period.start().into(),
            Value::Number(amount),
            Value::Number(most),
        ],
    )
}

/// How many members hold a role themselves, on the whole tenant.
pub(super) fn holders(tenant: TenantId, role: &RoleKey) -> Statement {
    Statement::new(
        "SELECT count(*) FROM tenantry_assignments AS assigned \
         JOIN tenantry_memberships AS member \
           ON member.tenant_id = assigned.tenant_id AND member.user_id = assigned.assignee_id \
         WHERE assigned.tenant_id = $1 AND assigned.role = $2 AND assigned.assignee_kind = 'user' \
           AND assigned.on_type = ''",
        [tenant.into(), Value::text(role.as_str())],
    )
}

/// 1 if this member does so, else 0.
pub(super) fn holds(tenant: TenantId, role: &RoleKey, user: UserId) -> Statement {
    Statement::new(
        "SELECT count(*) FROM tenantry_assignments AS assigned \
         JOIN tenantry_memberships AS member \
           ON member.tenant_id = assigned.tenant_id AND member.user_id = assigned.assignee_id \
         WHERE assigned.tenant_id = $1 AND assigned.role = $2 AND assigned.assignee_kind = 'user' \
           AND assigned.on_type = '' AND assigned.assignee_id = $3",
        [tenant.into(), Value::text(role.as_str()), user.into()],
    )
}

/// Moves an epoch: this hits one row, and locks it.
pub(super) fn move_epoch(tenant: TenantId) -> Statement {
    Statement::new("UPDATE tenantry_tenants SET epoch = epoch + 1 WHERE tenant_id = $1", [tenant.into()])
}

/// Tells other processes that an epoch moved, in place of what told them so before. The tenant's row is locked by
/// [`move_epoch`], so that a later change of the tenant has a higher place; the new row is there before the old one
/// goes, so that on SQLite no place is given twice.
pub(super) fn tell(tenant: TenantId, now: Timestamp) -> [Statement; 2] {
    [
        Statement::new(
            "INSERT INTO tenantry_changes (tenant_id, at) VALUES ($1, $2)",
            [tenant.into(), now.into()],
        ),
        Statement::new(
            "DELETE FROM tenantry_changes WHERE tenant_id = $1 AND place < \
             (SELECT MAX(place) FROM tenantry_changes WHERE tenant_id = $1)",
            [tenant.into()],
        ),
    ]
}

pub(super) fn give_back(tenant: TenantId, meter: &MeterKey, period: UsagePeriod, amount: i64) -> Statement {
    Statement::new(
        "UPDATE tenantry_usage SET used = CASE WHEN used > $4 THEN used - $4 ELSE 0 END \
         WHERE tenant_id = $1 AND meter = $2 AND period = $3",
        [tenant.into(), Value::text(meter.as_str()), period.start().into(), Value::Number(amount)],
    )
}

/// The entries of a transfer, and the balances of the accounts that have a floor.
pub(super) fn post(transfer: &Transfer) -> Vec<Statement> {
    let mut statements = write::entries(transfer);
    for posting in transfer.postings().iter().filter(|posting| posting.account.has_floor()) {
        statements.push(Statement::new(
            "INSERT INTO tenantry_account_balances (tenant_id, account, currency, balance) \
             VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant_id, account, currency) \
             DO UPDATE SET balance = tenantry_account_balances.balance + excluded.balance",
            [
                transfer.operator().into(),
                Value::Text(posting.account.to_string()),
                Value::text(transfer.currency().as_str()),
                Value::Number(posting.amount),
            ],
        ));
    }
    statements
}
