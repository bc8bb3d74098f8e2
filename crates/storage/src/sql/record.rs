use tenantry_core::{Key, Order, Record, StoredSecret, TeamMember, TenantId};

use super::order_rows;
use super::record_values::{
    above, account_values, api_key_values, assignment_key, assignment_values, team_values,
};
use super::statement::{SqlError, Statement, Value, to_json};

/// A tenant's row in place of the one that is there, all but its epoch and where it lies.
pub(crate) const UPDATE_TENANT: &str = "UPDATE tenantry_tenants SET slug = $2, name = $3, kind = $4, \
    status = $5, plan = $6, cycle = $7, realm_id = $8, version = $9, created_at = $10 \
    WHERE tenant_id = $1";

/// The statements that write a new row, and the name that it claims.
pub(crate) fn insert(record: &Record) -> Result<Vec<Statement>, SqlError> {
    Ok(match record {
        Record::Realm(realm) => vec![Statement::new(
            "INSERT INTO tenantry_realms (tenant_id, realm_id) VALUES ($1, $2)",
            [realm.owner.into(), realm.id.into()],
        )],
        Record::Tenant(tenant) => vec![
            Statement::new(
                "INSERT INTO tenantry_tenants (tenant_id, slug, name, kind, status, plan, cycle, realm_id, \
                 parent_id, above, epoch, version, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                [
                    tenant.id.into(),
                    Value::text(tenant.slug.as_str()),
                    Value::text(&tenant.name),
                    Value::text(tenant.kind.as_str()),
                    Value::text(tenant.status.as_str()),
                    Value::Text(tenant.plan.to_string()),
                    Value::Text(to_json(&tenant.cycle)?),
                    tenant.realm.into(),
                    Value::MaybeId(tenant.parent().as_ref().map(TenantId::as_uuid)),
                    Value::Text(above(tenant)),
                    Value::count(tenant.epoch.number()),
                    Value::count(tenant.version),
                    tenant.created_at.into(),
                ],
            ),
            Statement::new(
                "INSERT INTO tenantry_slugs (slug, tenant_id) VALUES ($1, $2)",
                [Value::text(tenant.slug.as_str()), tenant.id.into()],
            ),
        ],
        Record::User(user) => vec![
            Statement::new(
                "INSERT INTO tenantry_users (tenant_id, user_id, realm_id, email, name, secret, version, \
                 created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                [
                    user.owner.into(),
                    user.id.into(),
                    user.realm.into(),
                    Value::text(user.email.as_str()),
                    Value::text(&user.name),
                    secret(user.secret.as_ref()),
                    Value::count(user.version),
                    user.created_at.into(),
                ],
            ),
            Statement::new(
                "INSERT INTO tenantry_emails (realm_id, email, tenant_id, user_id) VALUES ($1, $2, $3, $4)",
                [user.realm.into(), Value::text(user.email.as_str()), user.owner.into(), user.id.into()],
            ),
        ],
        Record::Membership(membership) => vec![Statement::new(
            "INSERT INTO tenantry_memberships (tenant_id, user_id, realm_id, joined_at) \
             VALUES ($1, $2, $3, $4)",
            [
                membership.tenant.into(),
                membership.user.into(),
                membership.realm.into(),
                membership.joined_at.into(),
            ],
        )],
        Record::Role(role) => vec![Statement::new(
            "INSERT INTO tenantry_roles (tenant_id, key, name, grants, version) VALUES ($1, $2, $3, $4, $5)",
            [
                role.tenant().into(),
                Value::text(role.key().as_str()),
                Value::text(role.name()),
                Value::Text(to_json(&role.grants())?),
                Value::count(role.version()),
            ],
        )],
        Record::Team(team) => vec![Statement::new(
            "INSERT INTO tenantry_teams (tenant_id, team_id, name, parent_id, version, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            team_values(team),
        )],
        Record::TeamMember(TeamMember { tenant, team, member }) => vec![Statement::new(
            "INSERT INTO tenantry_team_members (tenant_id, team_id, member_kind, member_id) \
             VALUES ($1, $2, $3, $4)",
            [(*tenant).into(), team.as_uuid().into(), Value::text(member.kind()), member.as_uuid().into()],
        )],
        Record::ServiceAccount(account) => vec![Statement::new(
            "INSERT INTO tenantry_service_accounts (tenant_id, account_id, name, created_at) \
             VALUES ($1, $2, $3, $4)",
            account_values(account),
        )],
        Record::ApiKey(key) => vec![Statement::new(
            "INSERT INTO tenantry_api_keys (tenant_id, key_id, name, scopes, expires_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            api_key_values(key)?,
        )],
        Record::Assignment(assignment) => vec![Statement::new(
            "INSERT INTO tenantry_assignments (tenant_id, assignee_kind, assignee_id, role, on_type, on_id, \
             descends) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            assignment_values(assignment),
        )],
        Record::Order(order) => vec![Statement::new(
            "INSERT INTO tenantry_orders (tenant_id, order_id, buyer_id, seller_id, placed_by, reference, \
             snapshot, terms, state, holds, payment_due, payment, review, refunds, version, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            order_values(vec![order.operator.into(), order.id.into()], order)?,
        )],
        Record::OrderSide(side) => vec![Statement::new(
            "INSERT INTO tenantry_order_sides (tenant_id, order_id, party, operator_id, buyer_id, seller_id, \
             placed_by, reference, snapshot, terms, state, holds, payment_due, payment, review, refunds, \
             version, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            order_values(
                vec![
                    side.tenant.into(),
                    side.order.id.into(),
                    Value::text(side.party.as_str()),
                    side.order.operator.into(),
                ],
                &side.order,
            )?,
        )],
        Record::Inbox(inbox) => vec![Statement::new(
            "INSERT INTO tenantry_inbox (tenant_id, inbox_id, source, event, payload, received_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            [
                inbox.tenant.into(),
                inbox.id.into(),
                Value::text(&inbox.source),
                Value::text(&inbox.event),
                Value::Text(inbox.payload.to_string()),
                inbox.received_at.into(),
            ],
        )],
    })
}

/// The statements that write a row in place of the one with its key. Each hits exactly one row. A tenant's
/// epoch stays: it is moved by its own change.
pub(crate) fn update(record: &Record) -> Result<Vec<Statement>, SqlError> {
    Ok(match record {
        Record::Realm(realm) => vec![Statement::new(
            "UPDATE tenantry_realms SET realm_id = $2 WHERE tenant_id = $1 AND realm_id = $2",
            [realm.owner.into(), realm.id.into()],
        )],
        Record::Tenant(tenant) => vec![
            Statement::new(
                UPDATE_TENANT,
                [
                    tenant.id.into(),
                    Value::text(tenant.slug.as_str()),
                    Value::text(&tenant.name),
                    Value::text(tenant.kind.as_str()),
                    Value::text(tenant.status.as_str()),
                    Value::Text(tenant.plan.to_string()),
                    Value::Text(to_json(&tenant.cycle)?),
                    tenant.realm.into(),
                    Value::count(tenant.version),
                    tenant.created_at.into(),
                ],
            ),
            Statement::new(
                "UPDATE tenantry_slugs SET slug = $1 WHERE tenant_id = $2",
                [Value::text(tenant.slug.as_str()), tenant.id.into()],
            ),
        ],
        Record::User(user) => vec![
            Statement::new(
                "UPDATE tenantry_users SET realm_id = $3, email = $4, name = $5, secret = $6, version = $7, \
                 created_at = $8 WHERE tenant_id = $1 AND user_id = $2",
                [
                    user.owner.into(),
                    user.id.into(),
                    user.realm.into(),
                    Value::text(user.email.as_str()),
                    Value::text(&user.name),
                    secret(user.secret.as_ref()),
                    Value::count(user.version),
                    user.created_at.into(),
                ],
            ),
            Statement::new(
                "UPDATE tenantry_emails SET realm_id = $1, email = $2 WHERE tenant_id = $3 AND user_id = $4",
                [user.realm.into(), Value::text(user.email.as_str()), user.owner.into(), user.id.into()],
            ),
        ],
        Record::Membership(membership) => vec![Statement::new(
            "UPDATE tenantry_memberships SET realm_id = $3, joined_at = $4 \
             WHERE tenant_id = $1 AND user_id = $2",
            [
                membership.tenant.into(),
                membership.user.into(),
                membership.realm.into(),
                membership.joined_at.into(),
            ],
        )],
        Record::Role(role) => vec![Statement::new(
            "UPDATE tenantry_roles SET name = $3, grants = $4, version = $5 WHERE tenant_id = $1 AND key = $2",
            [
                role.tenant().into(),
                Value::text(role.key().as_str()),
                Value::text(role.name()),
                Value::Text(to_json(&role.grants())?),
                Value::count(role.version()),
            ],
        )],
        Record::Team(team) => vec![Statement::new(
            "UPDATE tenantry_teams SET name = $3, parent_id = $4, version = $5, created_at = $6 \
             WHERE tenant_id = $1 AND team_id = $2",
            team_values(team),
        )],
        Record::TeamMember(TeamMember { tenant, team, member }) => vec![Statement::new(
            "UPDATE tenantry_team_members SET member_kind = $3 \
             WHERE tenant_id = $1 AND team_id = $2 AND member_kind = $3 AND member_id = $4",
            [(*tenant).into(), team.as_uuid().into(), Value::text(member.kind()), member.as_uuid().into()],
        )],
        Record::ServiceAccount(account) => vec![Statement::new(
            "UPDATE tenantry_service_accounts SET name = $3, created_at = $4 \
             WHERE tenant_id = $1 AND account_id = $2",
            account_values(account),
        )],
        Record::ApiKey(key) => vec![Statement::new(
            "UPDATE tenantry_api_keys SET name = $3, scopes = $4, expires_at = $5, created_at = $6 \
             WHERE tenant_id = $1 AND key_id = $2",
            api_key_values(key)?,
        )],
        Record::Assignment(assignment) => vec![Statement::new(
            "UPDATE tenantry_assignments SET descends = $7 WHERE tenant_id = $1 AND assignee_kind = $2 \
             AND assignee_id = $3 AND role = $4 AND on_type = $5 AND on_id = $6",
            assignment_values(assignment),
        )],
        Record::Order(order) => vec![Statement::new(
            "UPDATE tenantry_orders SET buyer_id = $3, seller_id = $4, placed_by = $5, reference = $6, \
             snapshot = $7, terms = $8, state = $9, holds = $10, payment_due = $11, payment = $12, \
             review = $13, refunds = $14, version = $15, created_at = $16 \
             WHERE tenant_id = $1 AND order_id = $2",
            order_values(vec![order.operator.into(), order.id.into()], order)?,
        )],
        Record::OrderSide(side) => vec![Statement::new(
            "UPDATE tenantry_order_sides SET operator_id = $4, buyer_id = $5, seller_id = $6, \
             placed_by = $7, reference = $8, snapshot = $9, terms = $10, state = $11, holds = $12, \
             payment_due = $13, payment = $14, review = $15, refunds = $16, version = $17, \
             created_at = $18 WHERE tenant_id = $1 AND order_id = $2 AND party = $3",
            order_values(
                vec![
                    side.tenant.into(),
                    side.order.id.into(),
                    Value::text(side.party.as_str()),
                    side.order.operator.into(),
                ],
                &side.order,
            )?,
        )],
        Record::Inbox(inbox) => vec![Statement::new(
            "UPDATE tenantry_inbox SET source = $3, event = $4, payload = $5, received_at = $6 \
             WHERE tenant_id = $1 AND inbox_id = $2",
            [
                inbox.tenant.into(),
                inbox.id.into(),
                Value::text(&inbox.source),
                Value::text(&inbox.event),
                Value::Text(inbox.payload.to_string()),
                inbox.received_at.into(),
            ],
        )],
    })
}

/// The statements that delete a row and give up the name that it claims. Each hits exactly one row. A name
/// alone isn't deleted.
pub(crate) fn delete(key: &Key) -> Vec<Statement> {
    let by_id = |sql, tenant: &TenantId, id: Value| vec![Statement::new(sql, [(*tenant).into(), id])];
    match key {
        Key::Slug(_) | Key::Email(_, _) => vec![],
        Key::Realm(owner, realm) => by_id(
            "DELETE FROM tenantry_realms WHERE tenant_id = $1 AND realm_id = $2",
            owner,
            (*realm).into(),
        ),
        Key::Tenant(tenant) => vec![
            Statement::new("DELETE FROM tenantry_slugs WHERE tenant_id = $1", [(*tenant).into()]),
            Statement::new("DELETE FROM tenantry_tenants WHERE tenant_id = $1", [(*tenant).into()]),
        ],
        Key::User(owner, user) => [
            "DELETE FROM tenantry_emails WHERE tenant_id = $1 AND user_id = $2",
            "DELETE FROM tenantry_users WHERE tenant_id = $1 AND user_id = $2",
        ]
        .into_iter()
        .flat_map(|sql| by_id(sql, owner, (*user).into()))
        .collect(),
        Key::Membership(tenant, user) => by_id(
            "DELETE FROM tenantry_memberships WHERE tenant_id = $1 AND user_id = $2",
            tenant,
            (*user).into(),
        ),
        Key::Role(tenant, role) => by_id(
            "DELETE FROM tenantry_roles WHERE tenant_id = $1 AND key = $2",
            tenant,
            Value::text(role.as_str()),
        ),
        Key::Team(tenant, team) => by_id(
            "DELETE FROM tenantry_teams WHERE tenant_id = $1 AND team_id = $2",
            tenant,
            team.as_uuid().into(),
        ),
        Key::TeamMember(tenant, team, member) => vec![Statement::new(
            "DELETE FROM tenantry_team_members \
             WHERE tenant_id = $1 AND team_id = $2 AND member_kind = $3 AND member_id = $4",
            [(*tenant).into(), team.as_uuid().into(), Value::text(member.kind()), member.as_uuid().into()],
        )],
        Key::ServiceAccount(tenant, account) => by_id(
            "DELETE FROM tenantry_service_accounts WHERE tenant_id = $1 AND account_id = $2",
            tenant,
            account.as_uuid().into(),
        ),
        Key::ApiKey(tenant, key) => by_id(
            "DELETE FROM tenantry_api_keys WHERE tenant_id = $1 AND key_id = $2",
            tenant,
            key.as_uuid().into(),
        ),
        Key::Assignment(tenant, assignee, role, on) => vec![Statement::new(
            "DELETE FROM tenantry_assignments WHERE tenant_id = $1 AND assignee_kind = $2 \
             AND assignee_id = $3 AND role = $4 AND on_type = $5 AND on_id = $6",
            assignment_key(*tenant, *assignee, role, on),
        )],
        Key::Order(operator, order) => by_id(
            "DELETE FROM tenantry_orders WHERE tenant_id = $1 AND order_id = $2",
            operator,
            (*order).into(),
        ),
        Key::OrderSide(tenant, party, order) => vec![Statement::new(
            "DELETE FROM tenantry_order_sides WHERE tenant_id = $1 AND order_id = $2 AND party = $3",
            [(*tenant).into(), (*order).into(), Value::text(party.as_str())],
        )],
        Key::Inbox(tenant, inbox) => by_id(
            "DELETE FROM tenantry_inbox WHERE tenant_id = $1 AND inbox_id = $2",
            tenant,
            (*inbox).into(),
        ),
    }
}

fn order_values(mut values: Vec<Value>, order: &Order) -> Result<Vec<Value>, SqlError> {
    values.extend(order_rows::values(order)?);
    Ok(values)
}

fn secret(secret: Option<&StoredSecret>) -> Value {
    Value::MaybeText(secret.map(|secret| secret.expose().to_owned()))
}
