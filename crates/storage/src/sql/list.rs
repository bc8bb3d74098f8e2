//! The statements that list who may do what.

use tenantry_core::{Assignee, Assignment, Reach, RoleKey, TeamId, TenantId};
use uuid::Uuid;

use super::assignment_rows::{AssignmentPlace, PrincipalPlace, TeamMemberPlace};
use super::read::Listing;
use super::statement::{Statement, Value};

pub(crate) fn role(tenant: TenantId, key: &RoleKey) -> Statement {
    Statement::new(
        "SELECT tenant_id, key, name, grants, version FROM tenantry_roles \
         WHERE tenant_id = $1 AND key = $2",
        [tenant.into(), Value::text(key.as_str())],
    )
}

pub(crate) fn roles(tenant: TenantId, listing: &Listing<String>) -> Statement {
    Statement::new(
        "SELECT tenant_id, key, name, grants, version FROM tenantry_roles \
         WHERE tenant_id = $1 AND key > $2 ORDER BY key LIMIT $3",
        [tenant.into(), Value::text(&listing.after), listing.limit()],
    )
}

pub(crate) fn assigned(tenant: TenantId, assignee: Assignee) -> Statement {
    Statement::new(
        "SELECT assigned.tenant_id, assigned.assignee_kind, assigned.assignee_id, assigned.role, \
           assigned.on_type, assigned.on_id, assigned.descends, role.name AS role_name, \
           role.grants AS role_grants, role.version AS role_version \
         FROM tenantry_assignments AS assigned \
         JOIN tenantry_roles AS role ON role.tenant_id = assigned.tenant_id AND role.key = assigned.role \
         WHERE assigned.tenant_id = $1 AND assigned.assignee_kind = $2 AND assigned.assignee_id = $3 \
         ORDER BY assigned.role, assigned.on_type, assigned.on_id LIMIT $4",
        [
            tenant.into(),
            Value::text(assignee.kind()),
            assignee.as_uuid().into(),
            Value::Number(i64::try_from(Assignment::MAX_PER_ASSIGNEE).unwrap_or(i64::MAX)),
        ],
    )
}

pub(crate) fn assignments_of(tenant: TenantId, role: &RoleKey, reach: Reach, limit: u16) -> Statement {
    let descends = i64::from(reach == Reach::Below);
    Statement::new(
        "SELECT tenant_id, assignee_kind, assignee_id, role, on_type, on_id, descends \
         FROM tenantry_assignments WHERE tenant_id = $1 AND role = $2 AND descends >= $3 \
         ORDER BY assignee_kind, assignee_id, on_type, on_id LIMIT $4",
        [tenant.into(), Value::text(role.as_str()), Value::Number(descends), Value::Number(i64::from(limit))],
    )
}

pub(crate) fn assignments(tenant: TenantId, listing: &Listing<AssignmentPlace>) -> Statement {
    let AssignmentPlace { kind, id, role, on_type, on_id } = listing.after.clone();
    Statement::new(
        "SELECT tenant_id, assignee_kind, assignee_id, role, on_type, on_id, descends \
         FROM tenantry_assignments WHERE tenant_id = $1 \
           AND (assignee_kind, assignee_id, role, on_type, on_id) > ($2, $3, $4, $5, $6) \
         ORDER BY assignee_kind, assignee_id, role, on_type, on_id LIMIT $7",
        [
            tenant.into(),
            Value::Text(kind),
            id.into(),
            Value::Text(role),
            Value::Text(on_type),
            Value::Text(on_id),
            listing.limit(),
        ],
    )
}

pub(crate) fn members(tenant: TenantId, listing: &Listing<Uuid>) -> Statement {
    Statement::new(
        "SELECT tenant_id, user_id, realm_id, joined_at FROM tenantry_memberships \
         WHERE tenant_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3",
        [tenant.into(), listing.after.into(), listing.limit()],
    )
}

pub(crate) fn teams(tenant: TenantId, listing: &Listing<Uuid>) -> Statement {
    Statement::new(
        "SELECT tenant_id, team_id, name, parent_id, version, created_at FROM tenantry_teams \
         WHERE tenant_id = $1 AND team_id > $2 ORDER BY team_id LIMIT $3",
        [tenant.into(), listing.after.into(), listing.limit()],
    )
}

pub(crate) fn team_members(tenant: TenantId, listing: &Listing<TeamMemberPlace>) -> Statement {
    let TeamMemberPlace { team, kind, member } = listing.after.clone();
    Statement::new(
        "SELECT tenant_id, team_id, member_kind, member_id FROM tenantry_team_members \
         WHERE tenant_id = $1 AND (team_id, member_kind, member_id) > ($2, $3, $4) \
         ORDER BY team_id, member_kind, member_id LIMIT $5",
        [tenant.into(), team.into(), Value::Text(kind), member.into(), listing.limit()],
    )
}

pub(crate) fn members_of(tenant: TenantId, team: TeamId, listing: &Listing<TeamMemberPlace>) -> Statement {
    let TeamMemberPlace { kind, member, .. } = listing.after.clone();
    Statement::new(
        "SELECT tenant_id, team_id, member_kind, member_id FROM tenantry_team_members \
         WHERE tenant_id = $1 AND team_id = $2 AND (member_kind, member_id) > ($3, $4) \
         ORDER BY member_kind, member_id LIMIT $5",
        [tenant.into(), team.as_uuid().into(), Value::Text(kind), member.into(), listing.limit()],
    )
}

pub(crate) fn service_accounts(tenant: TenantId, listing: &Listing<Uuid>) -> Statement {
    Statement::new(
        "SELECT tenant_id, account_id, name, created_at FROM tenantry_service_accounts \
         WHERE tenant_id = $1 AND account_id > $2 ORDER BY account_id LIMIT $3",
        [tenant.into(), listing.after.into(), listing.limit()],
    )
}

pub(crate) fn api_keys(tenant: TenantId, listing: &Listing<Uuid>) -> Statement {
    Statement::new(
        "SELECT tenant_id, key_id, name, scopes, expires_at, created_at FROM tenantry_api_keys \
         WHERE tenant_id = $1 AND key_id > $2 ORDER BY key_id LIMIT $3",
        [tenant.into(), listing.after.into(), listing.limit()],
    )
}

/// To whom something is assigned above that descends: the tenants above are walked up, and the teams down.
#[cfg(feature = "sqlite")]
pub(crate) fn principals_above(tenant: TenantId, listing: &Listing<PrincipalPlace>) -> Statement {
    Statement::new(
        "WITH RECURSIVE chain (depth, tenant_id, parent_id) AS (\
           SELECT 0, tenant_id, parent_id FROM tenantry_tenants WHERE tenant_id = $1 \
           UNION ALL \
           SELECT chain.depth + 1, above.tenant_id, above.parent_id \
           FROM chain JOIN tenantry_tenants AS above ON above.tenant_id = chain.parent_id WHERE chain.depth < 8), \
         held (tenant_id, kind, id) AS (\
           SELECT assigned.tenant_id, assigned.assignee_kind, assigned.assignee_id FROM chain \
           JOIN tenantry_assignments AS assigned ON assigned.tenant_id = chain.tenant_id \
             AND assigned.descends = 1 AND assigned.on_type = '' WHERE chain.depth > 0), \
         team (tenant_id, team_id) AS (\
           SELECT held.tenant_id, held.id FROM held WHERE held.kind = 'team' \
           UNION \
           SELECT part.tenant_id, part.team_id FROM team JOIN tenantry_teams AS part \
             ON part.tenant_id = team.tenant_id AND part.parent_id = team.team_id), \
         principal (kind, id) AS (\
           SELECT held.kind, held.id FROM held WHERE held.kind <> 'team' \
           UNION \
           SELECT member.member_kind, member.member_id FROM team JOIN tenantry_team_members AS member \
             ON member.tenant_id = team.tenant_id AND member.team_id = team.team_id) \
         SELECT kind, id FROM principal WHERE (kind, id) > ($2, $3) ORDER BY kind, id LIMIT $4",
        after(tenant, listing),
    )
}

/// The same by PostgreSQL's door for it.
#[cfg(feature = "postgres")]
pub(crate) fn principals_above_transaction(tenant: TenantId, listing: &Listing<PrincipalPlace>) -> Statement {
    Statement::new(
        "SELECT above.kind, above.id FROM tenantry_tenants AS tenant \
         CROSS JOIN LATERAL tenantry.principals_above($2, $3, $4) AS above \
         WHERE tenant.tenant_id = $1 AND tenant.parent_id IS NOT NULL ORDER BY above.kind, above.id",
        after(tenant, listing),
    )
}

fn after(tenant: TenantId, listing: &Listing<PrincipalPlace>) -> [Value; 4] {
    let PrincipalPlace { kind, id } = listing.after.clone();
    [tenant.into(), Value::Text(kind), id.into(), listing.limit()]
}
