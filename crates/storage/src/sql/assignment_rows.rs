//! Assignments, teams and programs as rows.

use sqlx::FromRow;
use tenantry_core::{
    ApiKey, ApiKeyId, Assignee, Assignment, Cursor, Holding, Membership, PrincipalId, RealmId, ResourceRef,
    ServiceAccount, ServiceAccountId, Target, Team, TeamId, TeamMember, TenantId, Timestamp, UserId,
};
use uuid::Uuid;

use super::rows::{RoleRow, Stored, Unreadable, counted, from_json, parsed};
use super::statement::Value;

/// What an assignment is on, as two columns: a resource's type and its id as text, or twice nothing.
pub(super) fn target_values(on: &Target) -> [Value; 2] {
    let (of, id) = target_texts(on);
    [Value::Text(of), Value::Text(id)]
}

/// The same as texts.
pub(crate) fn target_texts(on: &Target) -> (String, String) {
    match on {
        Target::Tenant => (String::new(), String::new()),
        Target::Resource(resource) => {
            let text = resource.to_string();
            let id = text.strip_prefix(resource.of()).and_then(|rest| rest.strip_prefix('/'));
            (resource.of().to_owned(), id.unwrap_or_default().to_owned())
        }
    }
}

/// What two columns say that an assignment is on.
pub(super) fn target(of: &str, id: &str) -> Result<Target, Unreadable> {
    if of.is_empty() && id.is_empty() {
        return Ok(Target::Tenant);
    }
    parsed::<ResourceRef>("resource", &format!("{of}/{id}")).map(Target::Resource)
}

/// The place of an assignment in the list of all: its key, with what may hold anything as hexadecimal digits.
#[derive(Debug, Clone, Default)]
pub(crate) struct AssignmentPlace {
    pub(super) kind: String,
    pub(super) id: Uuid,
    pub(super) role: String,
    pub(super) on_type: String,
    pub(super) on_id: String,
}

impl AssignmentPlace {
    pub(crate) fn cursor(assignment: &Assignment) -> Cursor {
        let (of, id) = target_texts(&assignment.on);
        let id: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
        let assignee = assignment.assignee;
        Cursor::after_key(&[&assignee.kind(), &assignee.as_uuid(), &assignment.role, &of, &id])
    }

    pub(crate) fn read(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.parts();
        let mut next = || parts.next().map(str::to_owned);
        let (kind, id, role, on_type, on_id) = (next()?, next()?, next()?, next()?, next()?);
        let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let bytes = on_id.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>()?;
        let on_id = String::from_utf8(bytes).ok()?;
        Some(Self { kind, id: Uuid::try_parse(&id).ok()?, role, on_type, on_id })
    }
}

/// The place of somebody in a team, in the list of all.
#[derive(Debug, Clone, Default)]
pub(crate) struct TeamMemberPlace {
    pub(super) team: Uuid,
    pub(super) kind: String,
    pub(super) member: Uuid,
}

impl TeamMemberPlace {
    pub(crate) fn cursor(member: &TeamMember) -> Cursor {
        let TeamMember { team, member, .. } = member;
        Cursor::after_key(&[team, &member.kind(), &member.as_uuid()])
    }

    pub(crate) fn read(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.parts();
        let team = Uuid::try_parse(parts.next()?).ok()?;
        let kind = parts.next()?.to_owned();
        Some(Self { team, kind, member: Uuid::try_parse(parts.next()?).ok()? })
    }
}

/// The place of a principal in a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct PrincipalPlace {
    pub(super) kind: String,
    pub(super) id: Uuid,
}

impl PrincipalPlace {
    pub(crate) fn cursor(principal: &PrincipalId) -> Cursor {
        Cursor::after_key(&[&principal.kind(), &principal.as_uuid()])
    }

    pub(crate) fn read(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.parts();
        let kind = parts.next()?.to_owned();
        Some(Self { kind, id: Uuid::try_parse(parts.next()?).ok()? })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct PrincipalRow {
    kind: String,
    id: Uuid,
}

impl Stored for PrincipalRow {
    type Model = PrincipalId;

    fn read(self) -> Result<PrincipalId, Unreadable> {
        let principal = Assignee::of_kind(&self.kind, self.id).and_then(Assignee::principal);
        principal.ok_or(Unreadable { what: "principal" })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct AssignmentRow {
    tenant_id: Uuid,
    assignee_kind: String,
    assignee_id: Uuid,
    role: String,
    on_type: String,
    on_id: String,
    descends: i64,
}

impl Stored for AssignmentRow {
    type Model = Assignment;

    fn read(self) -> Result<Assignment, Unreadable> {
        let assignee = Assignee::of_kind(&self.assignee_kind, self.assignee_id);
        Ok(Assignment {
            tenant: TenantId::from_uuid(self.tenant_id),
            assignee: assignee.ok_or(Unreadable { what: "assignee" })?,
            role: parsed("role", &self.role)?,
            on: target(&self.on_type, &self.on_id)?,
            descends: self.descends == 1,
        })
    }
}

/// An assignment with its role.
#[derive(Debug, FromRow)]
pub(crate) struct HoldingRow {
    #[sqlx(flatten)]
    assignment: AssignmentRow,
    role_name: String,
    role_grants: String,
    role_version: i64,
}

impl Stored for HoldingRow {
    type Model = Holding;

    fn read(self) -> Result<Holding, Unreadable> {
        let role = RoleRow {
            tenant_id: self.assignment.tenant_id,
            key: self.assignment.role.clone(),
            name: self.role_name,
            grants: self.role_grants,
            version: self.role_version,
        };
        let Assignment { tenant, assignee, on, descends, .. } = self.assignment.read()?;
        Ok(Holding { role: role.read()?.into(), assignee, tenant, on, descends })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct MembershipRow {
    tenant_id: Uuid,
    user_id: Uuid,
    realm_id: Uuid,
    joined_at: i64,
}

impl Stored for MembershipRow {
    type Model = Membership;

    fn read(self) -> Result<Membership, Unreadable> {
        Ok(Membership {
            tenant: TenantId::from_uuid(self.tenant_id),
            user: UserId::from_uuid(self.user_id),
            realm: RealmId::from_uuid(self.realm_id),
            joined_at: Timestamp::from_micros(self.joined_at),
        })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct TeamRow {
    tenant_id: Uuid,
    team_id: Uuid,
    name: String,
    parent_id: Option<Uuid>,
    version: i64,
    created_at: i64,
}

impl Stored for TeamRow {
    type Model = Team;

    fn read(self) -> Result<Team, Unreadable> {
        Ok(Team {
            tenant: TenantId::from_uuid(self.tenant_id),
            id: TeamId::from_uuid(self.team_id),
            name: self.name,
            parent: self.parent_id.map(TeamId::from_uuid),
            version: counted("version", self.version)?,
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct TeamMemberRow {
    tenant_id: Uuid,
    team_id: Uuid,
    member_kind: String,
    member_id: Uuid,
}

impl Stored for TeamMemberRow {
    type Model = TeamMember;

    fn read(self) -> Result<TeamMember, Unreadable> {
        let member = Assignee::of_kind(&self.member_kind, self.member_id).and_then(Assignee::principal);
        Ok(TeamMember {
            tenant: TenantId::from_uuid(self.tenant_id),
            team: TeamId::from_uuid(self.team_id),
            member: member.ok_or(Unreadable { what: "member of a team" })?,
        })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct ServiceAccountRow {
    tenant_id: Uuid,
    account_id: Uuid,
    name: String,
    created_at: i64,
}

impl Stored for ServiceAccountRow {
    type Model = ServiceAccount;

    fn read(self) -> Result<ServiceAccount, Unreadable> {
        Ok(ServiceAccount {
            tenant: TenantId::from_uuid(self.tenant_id),
            id: ServiceAccountId::from_uuid(self.account_id),
            name: self.name,
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

#[derive(Debug, FromRow)]
pub(crate) struct ApiKeyRow {
    tenant_id: Uuid,
    key_id: Uuid,
    name: String,
    scopes: String,
    expires_at: i64,
    created_at: i64,
}

impl Stored for ApiKeyRow {
    type Model = ApiKey;

    fn read(self) -> Result<ApiKey, Unreadable> {
        Ok(ApiKey {
            tenant: TenantId::from_uuid(self.tenant_id),
            id: ApiKeyId::from_uuid(self.key_id),
            name: self.name,
            scopes: from_json("scopes", &self.scopes)?,
            expires_at: Timestamp::from_micros(self.expires_at),
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_assignment_is_on_reads_back_from_its_columns_and_its_cursor() {
        let named = [
            "listing/42",
            "folder/'it's a ~/plan'",
            "folder/'42'",
            "a:b/0197a1f0-0000-7000-8000-000000000001",
        ];
        let named = named.map(|name| Target::Resource(name.parse().unwrap()));
        for on in named.into_iter().chain([Target::Tenant]) {
            let (of, id) = target_texts(&on);
            assert_eq!(target(&of, &id).unwrap(), on);
            let mut assignment =
                Assignment::of_member(TenantId::generate(), UserId::generate(), "clerk".parse().unwrap());
            assignment.on = on;
            let cursor = AssignmentPlace::cursor(&assignment);
            let place = AssignmentPlace::read(&Cursor::parse(cursor.as_str()).unwrap()).unwrap();
            assert_eq!((place.on_type, place.on_id), (of, id));
            assert_eq!(place.id, assignment.assignee.as_uuid());
        }
        assert!(AssignmentPlace::read(&Cursor::parse("user~x").unwrap()).is_none());
    }
}
