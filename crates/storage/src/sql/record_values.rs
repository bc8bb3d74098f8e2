//! The values of rows that say who belongs to a tenant and what is assigned to them.

use tenantry_core::{
    ApiKey, Assignee, Assignment, RoleKey, ServiceAccount, Target, Team, TeamId, Tenant, TenantId,
};

use super::assignment_rows::target_values;
use super::statement::{SqlError, Value, to_json};

/// The tenants above, as one text.
pub(crate) fn above(tenant: &Tenant) -> String {
    tenant.above.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

pub(super) fn team_values(team: &Team) -> Vec<Value> {
    vec![
        team.tenant.into(),
        team.id.as_uuid().into(),
        Value::text(&team.name),
        Value::MaybeId(team.parent.as_ref().map(TeamId::as_uuid)),
        Value::count(team.version),
        team.created_at.into(),
    ]
}

pub(super) fn account_values(account: &ServiceAccount) -> Vec<Value> {
    let ServiceAccount { tenant, id, name, created_at } = account;
    vec![(*tenant).into(), id.as_uuid().into(), Value::text(name), (*created_at).into()]
}

pub(super) fn api_key_values(key: &ApiKey) -> Result<Vec<Value>, SqlError> {
    Ok(vec![
        key.tenant.into(),
        key.id.as_uuid().into(),
        Value::text(&key.name),
        Value::Text(to_json(&key.scopes)?),
        key.expires_at.into(),
        key.created_at.into(),
    ])
}

/// The columns of an assignment's key.
pub(super) fn assignment_key(
    tenant: TenantId,
    assignee: Assignee,
    role: &RoleKey,
    on: &Target,
) -> Vec<Value> {
    let [on_type, on_id] = target_values(on);
    let kind = Value::text(assignee.kind());
    vec![tenant.into(), kind, assignee.as_uuid().into(), Value::text(role.as_str()), on_type, on_id]
}

pub(super) fn assignment_values(assignment: &Assignment) -> Vec<Value> {
    let Assignment { tenant, assignee, role, on, descends } = assignment;
    let mut values = assignment_key(*tenant, *assignee, role, on);
    values.push(Value::Number(i64::from(*descends)));
    values
}
