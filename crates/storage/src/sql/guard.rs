use tenantry_core::{Account, Currency, Key, KeyOwner, MeterKey, TenantId, Timestamp, UsagePeriod, WorkKind};
use uuid::Uuid;

use super::record_values::assignment_key;
use super::statement::{Statement, Value};

/// The version of the row or the name with this key; 1 where it has none.
pub(crate) fn key(key: &Key) -> Statement {
    let by_id = |sql, tenant: &TenantId, id: Value| Statement::new(sql, [(*tenant).into(), id]);
    match key {
        Key::Slug(slug) => Statement::new(
            "SELECT CAST(1 AS BIGINT) FROM tenantry_slugs WHERE slug = $1",
            [Value::text(slug.as_str())],
        ),
        Key::Email(realm, email) => Statement::new(
            "SELECT CAST(1 AS BIGINT) FROM tenantry_emails WHERE realm_id = $1 AND email = $2",
            [(*realm).into(), Value::text(email.as_str())],
        ),
        Key::Realm(owner, realm) => by_id(
            "SELECT CAST(1 AS BIGINT) FROM tenantry_realms WHERE tenant_id = $1 AND realm_id = $2",
            owner,
            (*realm).into(),
        ),
        Key::Tenant(tenant) => {
            Statement::new("SELECT version FROM tenantry_tenants WHERE tenant_id = $1", [(*tenant).into()])
        }
        Key::User(owner, user) => by_id(
            "SELECT version FROM tenantry_users WHERE tenant_id = $1 AND user_id = $2",
            owner,
            (*user).into(),
        ),
        Key::Membership(tenant, user) => by_id(
            "SELECT CAST(1 AS BIGINT) FROM tenantry_memberships WHERE tenant_id = $1 AND user_id = $2",
            tenant,
            (*user).into(),
        ),
        Key::Role(tenant, role) => by_id(
            "SELECT version FROM tenantry_roles WHERE tenant_id = $1 AND key = $2",
            tenant,
            Value::text(role.as_str()),
        ),
        Key::Team(tenant, team) => by_id(
            "SELECT version FROM tenantry_teams WHERE tenant_id = $1 AND team_id = $2",
            tenant,
            team.as_uuid().into(),
        ),
        Key::TeamMember(tenant, team, member) => Statement::new(
            "SELECT CAST(1 AS BIGINT) FROM tenantry_team_members \
             WHERE tenant_id = $1 AND team_id = $2 AND member_kind = $3 AND member_id = $4",
            [(*tenant).into(), team.as_uuid().into(), Value::text(member.kind()), member.as_uuid().into()],
        ),
        Key::ServiceAccount(tenant, account) => by_id(
            "SELECT CAST(1 AS BIGINT) FROM tenantry_service_accounts WHERE tenant_id = $1 AND account_id = $2",
            tenant,
            account.as_uuid().into(),
        ),
        Key::ApiKey(tenant, key) => by_id(
            "SELECT CAST(1 AS BIGINT) FROM tenantry_api_keys WHERE tenant_id = $1 AND key_id = $2",
            tenant,
            key.as_uuid().into(),
        ),
        Key::Assignment(tenant, assignee, role, on) => Statement::new(
            "SELECT CAST(1 AS BIGINT) FROM tenantry_assignments WHERE tenant_id = $1 AND assignee_kind = $2 \
             AND assignee_id = $3 AND role = $4 AND on_type = $5 AND on_id = $6",
            assignment_key(*tenant, *assignee, role, on),
        ),
        Key::Order(operator, order) => by_id(
            "SELECT version FROM tenantry_orders WHERE tenant_id = $1 AND order_id = $2",
            operator,
            (*order).into(),
        ),
        Key::OrderSide(tenant, party, order) => Statement::new(
            "SELECT version FROM tenantry_order_sides \
             WHERE tenant_id = $1 AND order_id = $2 AND party = $3",
            [(*tenant).into(), (*order).into(), Value::text(party.as_str())],
        ),
        Key::Inbox(tenant, inbox) => by_id(
            "SELECT CAST(1 AS BIGINT) FROM tenantry_inbox WHERE tenant_id = $1 AND inbox_id = $2",
            tenant,
            (*inbox).into(),
        ),
    }
}

pub(crate) fn fence(tenant: TenantId, kind: WorkKind, subject: Uuid) -> Statement {
    Statement::new(
        "SELECT fence FROM tenantry_work WHERE tenant_id = $1 AND kind = $2 AND subject = $3",
        [tenant.into(), Value::text(kind.as_str()), subject.into()],
    )
}

pub(crate) fn used(tenant: TenantId, meter: &MeterKey, period: UsagePeriod) -> Statement {
    Statement::new(
        "SELECT used FROM tenantry_usage WHERE tenant_id = $1 AND meter = $2 AND period = $3",
        [tenant.into(), Value::text(meter.as_str()), period.start().into()],
    )
}

pub(crate) fn balance(operator: TenantId, account: Account, currency: Currency) -> Statement {
    Statement::new(
        "SELECT balance FROM tenantry_account_balances \
         WHERE tenant_id = $1 AND account = $2 AND currency = $3",
        [operator.into(), Value::Text(account.to_string()), Value::text(currency.as_str())],
    )
}

/// What is stored under an idempotency key that hasn't expired at `now`.
pub(crate) fn unexpired_key(owner: &KeyOwner, now: Timestamp) -> Statement {
    Statement::new(
        "SELECT fingerprint, status, body FROM tenantry_keys \
         WHERE tenant_id = $1 AND principal_id = $2 AND operation = $3 AND key = $4 AND expires_at > $5",
        [
            owner.tenant.into(),
            owner.principal.as_uuid().into(),
            Value::text(owner.operation),
            Value::text(owner.key.as_str()),
            now.into(),
        ],
    )
}
