//! Who a principal is and what it holds: one statement, so that it is read at one instant.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::FromRow;
use tenantry_core::{
    Ancestor, Assignee, Enrolment, Epoch, Holding, PrincipalFacts, PrincipalId, RealmId, Role, TeamId,
    TenantId, Timestamp,
};
use uuid::Uuid;

use super::assignment_rows::target;
use super::read::tenant_columns;
use super::rows::{RoleRow, Stored, TenantRow, Unreadable, counted, from_json, parsed};
use super::statement::{Statement, Value};

/// The facts of the tenants `chain`, whose teams are `team` and whose assignees are `assignee`: a row for each tenant
/// (part 0), for each team of the own one (1), and for each assignment that counts (2).
macro_rules! facts {
    () => {
        "SELECT CAST(0 AS BIGINT) AS part, chain.depth, chain.tenant_id AS of_tenant, chain.status AS of_status, \
            chain.epoch AS of_epoch, \
            CASE WHEN COALESCE(member.user_id, account.account_id, api_key.key_id) IS NULL THEN CAST(0 AS BIGINT) ELSE 1 END \
              AS is_enrolled, \
            member.realm_id AS of_realm, COALESCE(member.joined_at, api_key.expires_at) AS of_at, \
            api_key.scopes AS of_scopes, CAST(NULL AS TEXT) AS assignee_kind, CAST(NULL AS UUID) AS assignee_id, \
            CAST(NULL AS TEXT) AS on_type, CAST(NULL AS TEXT) AS on_id, CAST(NULL AS BIGINT) AS descends, \
            CAST(NULL AS TEXT) AS role_key, CAST(NULL AS TEXT) AS role_name, CAST(NULL AS TEXT) AS role_grants, \
            CAST(NULL AS BIGINT) AS role_version \
         FROM chain \
         LEFT JOIN tenantry_memberships AS member \
           ON $2 = 'user' AND member.tenant_id = chain.tenant_id AND member.user_id = $3 \
         LEFT JOIN tenantry_service_accounts AS account \
           ON $2 = 'service_account' AND account.tenant_id = chain.tenant_id AND account.account_id = $3 \
         LEFT JOIN tenantry_api_keys AS api_key \
           ON $2 = 'api_key' AND api_key.tenant_id = chain.tenant_id AND api_key.key_id = $3 \
         UNION ALL \
         SELECT CAST(1 AS BIGINT), team.depth, team.tenant_id, NULL, NULL, NULL, NULL, NULL, NULL, 'team', \
            team.team_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
         FROM team WHERE team.depth = 0 AND team.height = 0 \
         UNION ALL \
         SELECT CAST(2 AS BIGINT), assignee.depth, assigned.tenant_id, NULL, NULL, NULL, NULL, NULL, NULL, \
            assigned.assignee_kind, assigned.assignee_id, assigned.on_type, assigned.on_id, assigned.descends, \
            role.key, role.name, role.grants, role.version \
         FROM assignee \
         JOIN tenantry_assignments AS assigned \
           ON assigned.tenant_id = assignee.tenant_id AND assigned.assignee_kind = assignee.kind \
           AND assigned.assignee_id = assignee.id \
         JOIN tenantry_roles AS role ON role.tenant_id = assigned.tenant_id AND role.key = assigned.role \
         WHERE assignee.depth = 0 OR (assigned.descends = 1 AND assigned.on_type = '')"
    };
}

/// The principal's teams in the tenants `chain` with those above them, and all to whom something could be assigned that
/// it then holds.
macro_rules! teams_and_assignees {
    () => {
        "team (depth, tenant_id, team_id, parent_id, height) AS (\
           SELECT chain.depth, part.tenant_id, part.team_id, part.parent_id, CAST(0 AS BIGINT) \
           FROM chain JOIN tenantry_team_members AS member ON member.tenant_id = chain.tenant_id \
             AND member.member_kind = $2 AND member.member_id = $3 \
           JOIN tenantry_teams AS part ON part.tenant_id = member.tenant_id AND part.team_id = member.team_id \
           UNION \
           SELECT team.depth, above.tenant_id, above.team_id, above.parent_id, team.height + 1 \
           FROM team JOIN tenantry_teams AS above ON above.tenant_id = team.tenant_id \
             AND above.team_id = team.parent_id WHERE team.height < 8), \
         assignee (depth, tenant_id, kind, id) AS (\
           SELECT chain.depth, chain.tenant_id, $2, $3 FROM chain \
           UNION SELECT team.depth, team.tenant_id, 'team', team.team_id FROM team) "
    };
}

/// The tenants above are walked up.
#[cfg(feature = "sqlite")]
pub(crate) fn principal(tenant: TenantId, principal: PrincipalId) -> Statement {
    Statement::new(
        concat!(
            "WITH RECURSIVE chain (depth, tenant_id, parent_id, status, epoch) AS (\
               SELECT 0, tenant_id, parent_id, status, epoch FROM tenantry_tenants WHERE tenant_id = $1 \
               UNION ALL \
               SELECT chain.depth + 1, above.tenant_id, above.parent_id, above.status, above.epoch \
               FROM chain JOIN tenantry_tenants AS above ON above.tenant_id = chain.parent_id \
               WHERE chain.depth < 8), ",
            teams_and_assignees!(),
            "SELECT ",
            tenant_columns!(),
            ", fact.* FROM tenantry_tenants AS tenant JOIN (",
            facts!(),
            ") AS fact ON true WHERE tenant.tenant_id = $1"
        ),
        values(tenant, principal),
    )
}

/// What the tenants above say comes through PostgreSQL's door for it, in the same snapshot.
#[cfg(feature = "postgres")]
pub(crate) fn principal_of_transaction(tenant: TenantId, principal: PrincipalId) -> Statement {
    Statement::new(
        concat!(
            "WITH RECURSIVE chain (depth, tenant_id, status, epoch) AS (\
               SELECT CAST(0 AS BIGINT), tenant_id, status, epoch FROM tenantry_tenants WHERE tenant_id = $1), ",
            teams_and_assignees!(),
            "SELECT ",
            tenant_columns!(),
            ", fact.* FROM tenantry_tenants AS tenant JOIN LATERAL (",
            facts!(),
            " UNION ALL SELECT above.* FROM tenantry.facts_above($2, $3) AS above WHERE tenant.parent_id IS NOT NULL\
             ) AS fact ON true WHERE tenant.tenant_id = $1"
        ),
        values(tenant, principal),
    )
}

fn values(tenant: TenantId, principal: PrincipalId) -> [Value; 3] {
    [tenant.into(), Value::text(principal.kind()), principal.as_uuid().into()]
}

/// One fact, with the tenant that they are all about.
#[derive(Debug, FromRow)]
pub(crate) struct FactRow {
    #[sqlx(flatten)]
    tenant: TenantRow,
    part: i64,
    depth: i64,
    of_tenant: Uuid,
    of_status: Option<String>,
    of_epoch: Option<i64>,
    is_enrolled: Option<i64>,
    of_realm: Option<Uuid>,
    of_at: Option<i64>,
    of_scopes: Option<String>,
    assignee_kind: Option<String>,
    assignee_id: Option<Uuid>,
    on_type: Option<String>,
    on_id: Option<String>,
    descends: Option<i64>,
    role_key: Option<String>,
    role_name: Option<String>,
    role_grants: Option<String>,
    role_version: Option<i64>,
}

impl FactRow {
    /// What all the rows say of a principal.
    pub(crate) fn facts(
        principal: PrincipalId,
        rows: Vec<Self>,
    ) -> Result<Option<PrincipalFacts>, Unreadable> {
        let mut tenant = None;
        let (mut enrolment, mut above) = (None, Vec::new());
        let (mut teams, mut holdings) = (Vec::new(), Vec::new());
        let mut roles = HashMap::new();
        for mut row in rows {
            match row.part {
                0 if row.depth == 0 => enrolment = row.enrolment(principal)?,
                0 => above.push((row.depth, row.ancestor(principal)?)),
                1 => teams.extend(row.assignee_id.map(TeamId::from_uuid)),
                _ => holdings.push(row.holding(&mut roles)?),
            }
            if tenant.is_none() {
                tenant = Some(row.tenant.read()?);
            }
        }
        let Some(tenant) = tenant else { return Ok(None) };
        above.sort_by_key(|(depth, _)| *depth);
        let above = above.into_iter().map(|(_, ancestor)| ancestor).collect();
        Ok(PrincipalFacts::of_found(PrincipalFacts {
            id: principal,
            tenant,
            above,
            enrolment,
            teams,
            holdings,
        }))
    }

    fn enrolment(&self, principal: PrincipalId) -> Result<Option<Enrolment>, Unreadable> {
        let missing = || Unreadable { what: "enrolment" };
        if self.is_enrolled != Some(1) {
            return Ok(None);
        }
        let at = || self.of_at.map(Timestamp::from_micros).ok_or_else(missing);
        Ok(Some(match principal {
            PrincipalId::User(_) => Enrolment::Member {
                realm: RealmId::from_uuid(self.of_realm.ok_or_else(missing)?),
                joined_at: at()?,
            },
            PrincipalId::ServiceAccount(_) => Enrolment::ServiceAccount,
            PrincipalId::ApiKey(_) => Enrolment::ApiKey {
                scopes: from_json("scopes", self.of_scopes.as_deref().ok_or_else(missing)?)?,
                expires_at: at()?,
            },
        }))
    }

    fn ancestor(&self, principal: PrincipalId) -> Result<Ancestor, Unreadable> {
        let missing = || Unreadable { what: "tenant above" };
        Ok(Ancestor {
            id: TenantId::from_uuid(self.of_tenant),
            status: parsed("status", self.of_status.as_deref().ok_or_else(missing)?)?,
            epoch: Epoch::from_number(counted("epoch", self.of_epoch.ok_or_else(missing)?)?),
            enrolment: self.enrolment(principal)?,
        })
    }

    /// The holding, with a role that others may share.
    fn holding(&mut self, roles: &mut HashMap<(Uuid, String), Arc<Role>>) -> Result<Holding, Unreadable> {
        let missing = || Unreadable { what: "assignment" };
        let key = self.role_key.take().ok_or_else(missing)?;
        let assignee = Assignee::of_kind(
            self.assignee_kind.as_deref().ok_or_else(missing)?,
            self.assignee_id.ok_or_else(missing)?,
        );
        let on =
            target(self.on_type.as_deref().ok_or_else(missing)?, self.on_id.as_deref().ok_or_else(missing)?)?;
        let shared = roles.get(&(self.of_tenant, key.clone())).map(Arc::clone);
        let role = match shared {
            Some(role) => role,
            None => {
                let row = RoleRow {
                    tenant_id: self.of_tenant,
                    key: key.clone(),
                    name: self.role_name.take().ok_or_else(missing)?,
                    grants: self.role_grants.take().ok_or_else(missing)?,
                    version: self.role_version.ok_or_else(missing)?,
                };
                let role = Arc::new(row.read()?);
                roles.insert((self.of_tenant, key), Arc::clone(&role));
                role
            }
        };
        Ok(Holding {
            role,
            assignee: assignee.ok_or_else(missing)?,
            tenant: TenantId::from_uuid(self.of_tenant),
            on,
            descends: self.descends == Some(1),
        })
    }
}
