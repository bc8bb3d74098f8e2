use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tenantry_core::{
    AccessReader, Ancestor, ApiKey, ApiKeyId, Assignee, Assignment, Cursor, Enrolment, Holding, Key,
    Membership, Page, PageRequest, PrincipalFacts, PrincipalId, Reach, ReadScope, Record, Role, RoleKey,
    ServiceAccount, ServiceAccountId, Target, Team, TeamId, TeamMember, Tenant, TenantId, Unavailable,
    UserId,
};
use uuid::Uuid;

use super::MemoryStore;
use super::data::Data;

#[async_trait]
impl AccessReader for MemoryStore {
    async fn role(&self, scope: ReadScope, key: &RoleKey) -> Result<Option<Role>, Unavailable> {
        Ok(self.data().role(scope.tenant(), key).cloned())
    }

    async fn roles(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Role>, Unavailable> {
        let role = |record: &Record| if let Record::Role(role) = record { Some(role.clone()) } else { None };
        let first = Key::Role(scope.tenant(), first_role());
        Ok(self.listed(first, page, role, |role| Cursor::after_key(&[role.key()])))
    }

    async fn assigned(&self, scope: ReadScope, assignee: Assignee) -> Result<Vec<Holding>, Unavailable> {
        Ok(self.data().holdings(scope.tenant(), assignee).take(Assignment::MAX_PER_ASSIGNEE).collect())
    }

    async fn assignments_of(
        &self,
        scope: ReadScope,
        role: &RoleKey,
        reach: Reach,
        limit: u16,
    ) -> Result<Vec<Assignment>, Unavailable> {
        let data = self.data();
        let of_role = data.from(first_assignment(scope.tenant())).map_while(assignment);
        let of_role = of_role.filter(|found| found.role == *role && (reach == Reach::Here || found.descends));
        Ok(of_role.take(usize::from(limit)).cloned().collect())
    }

    async fn assignments(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<Assignment>, Unavailable> {
        let cursor = |found: &Assignment| {
            let on: String = found.on.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
            Cursor::after_key(&[&found.assignee.kind(), &found.assignee.as_uuid(), &found.role, &on])
        };
        Ok(self.listed(first_assignment(scope.tenant()), page, |record| assignment(record).cloned(), cursor))
    }

    async fn members(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Membership>, Unavailable> {
        let member = |record: &Record| match record {
            Record::Membership(membership) => Some(membership.clone()),
            _ => None,
        };
        let first = Key::Membership(scope.tenant(), UserId::from_uuid(Uuid::nil()));
        Ok(self.listed(first, page, member, |member| Cursor::after_key(&[&member.user])))
    }

    async fn teams(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Team>, Unavailable> {
        let team = |record: &Record| if let Record::Team(team) = record { Some(team.clone()) } else { None };
        let first = Key::Team(scope.tenant(), TeamId::from_uuid(Uuid::nil()));
        Ok(self.listed(first, page, team, |team| Cursor::after_key(&[&team.id])))
    }

    async fn members_of(
        &self,
        scope: ReadScope,
        team: TeamId,
        page: &PageRequest,
    ) -> Result<Page<TeamMember>, Unavailable> {
        let nobody = PrincipalId::User(UserId::from_uuid(Uuid::nil()));
        let of_team = |record: &Record| team_member(record).filter(|found| found.team == team);
        Ok(self.listed(Key::TeamMember(scope.tenant(), team, nobody), page, of_team, member_cursor))
    }

    async fn team_members(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<TeamMember>, Unavailable> {
        Ok(self.listed(first_in_teams(scope.tenant()), page, team_member, member_cursor))
    }

    async fn service_accounts(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<ServiceAccount>, Unavailable> {
        let account = |record: &Record| match record {
            Record::ServiceAccount(account) => Some(account.clone()),
            _ => None,
        };
        let first = Key::ServiceAccount(scope.tenant(), ServiceAccountId::from_uuid(Uuid::nil()));
        Ok(self.listed(first, page, account, |account| Cursor::after_key(&[&account.id])))
    }

    async fn api_keys(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<ApiKey>, Unavailable> {
        let key = |record: &Record| if let Record::ApiKey(key) = record { Some(key.clone()) } else { None };
        let first = Key::ApiKey(scope.tenant(), ApiKeyId::from_uuid(Uuid::nil()));
        Ok(self.listed(first, page, key, |key| Cursor::after_key(&[&key.id])))
    }

    async fn principals_above(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<PrincipalId>, Unavailable> {
        let cursor = |principal: &PrincipalId| Cursor::after_key(&[&principal.kind(), &principal.as_uuid()]);
        Ok(paged(self.data().principals_above(scope.tenant()).into_iter(), page, cursor))
    }
}

impl MemoryStore {
    /// A page of a tenant's rows of one kind, which begin at `first`, in the order of their cursors.
    fn listed<T>(
        &self,
        first: Key,
        page: &PageRequest,
        of: impl Fn(&Record) -> Option<T>,
        cursor: impl Fn(&T) -> Cursor,
    ) -> Page<T> {
        paged(self.data().from(first).map_while(of), page, cursor)
    }
}

fn paged<T>(rows: impl Iterator<Item = T>, page: &PageRequest, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
    let is_after = |place: &Cursor| page.after().is_none_or(|after| place.as_str() > after.as_str());
    let mut following: Vec<(Cursor, T)> =
        rows.map(|row| (cursor(&row), row)).filter(|(place, _)| is_after(place)).collect();
    following.sort_by(|(one, _), (two, _)| one.as_str().cmp(two.as_str()));
    following.truncate(usize::from(page.limit()) + 1);
    Page::of(following.into_iter().map(|(_, row)| row).collect(), page.limit(), cursor)
}

fn first_assignment(tenant: TenantId) -> Key {
    let nobody = Assignee::User(UserId::from_uuid(Uuid::nil()));
    Key::Assignment(tenant, nobody, first_role(), Target::Tenant)
}

fn first_in_teams(tenant: TenantId) -> Key {
    let nobody = PrincipalId::User(UserId::from_uuid(Uuid::nil()));
    Key::TeamMember(tenant, TeamId::from_uuid(Uuid::nil()), nobody)
}

fn member_cursor(found: &TeamMember) -> Cursor {
    Cursor::after_key(&[&found.team, &found.member.kind(), &found.member.as_uuid()])
}

fn team_member(record: &Record) -> Option<TeamMember> {
    if let Record::TeamMember(member) = record { Some(*member) } else { None }
}

fn assignment(record: &Record) -> Option<&Assignment> {
    if let Record::Assignment(assignment) = record { Some(assignment) } else { None }
}

impl Data {
    /// The rows of the tenant of `first` from there on; those of one kind lie together.
    fn from(&self, first: Key) -> impl Iterator<Item = &Record> {
        let tenant = first.tenant();
        self.rows.range(first..).take_while(move |(key, _)| key.tenant() == tenant).map(|(_, record)| record)
    }

    fn role(&self, tenant: TenantId, key: &RoleKey) -> Option<&Role> {
        match self.rows.get(&Key::Role(tenant, key.clone())) {
            Some(Record::Role(role)) => Some(role),
            _ => None,
        }
    }

    /// What is assigned to an assignee itself.
    fn holdings(&self, tenant: TenantId, assignee: Assignee) -> impl Iterator<Item = Holding> {
        let of_assignee = self.rows.range(Key::Assignment(tenant, assignee, first_role(), Target::Tenant)..);
        let of_assignee = of_assignee.map_while(move |(key, record)| match key {
            Key::Assignment(at, to, _, _) if (*at, *to) == (tenant, assignee) => assignment(record),
            _ => None,
        });
        of_assignee.filter_map(|assigned| {
            let role = Arc::new(self.role(assigned.tenant, &assigned.role)?.clone());
            let Assignment { tenant, assignee, on, descends, .. } = assigned.clone();
            Some(Holding { role, assignee, tenant, on, descends })
        })
    }

    pub(super) fn facts(&self, at: TenantId, principal: PrincipalId) -> Option<PrincipalFacts> {
        let Some(Record::Tenant(tenant)) = self.rows.get(&Key::Tenant(at)) else { return None };
        let above = tenant.above.iter().filter_map(|above| self.ancestor(*above, principal)).collect();
        let teams: Vec<TeamId> = self.teams_of(at, principal).collect();
        let mut holdings = Vec::new();
        for place in std::iter::once(&at).chain(&tenant.above) {
            let held = self.reached(*place, principal).into_iter().flat_map(|to| self.holdings(*place, to));
            holdings.extend(held.filter(|held| *place == at || held.descends));
        }
        PrincipalFacts::of_found(PrincipalFacts {
            id: principal,
            tenant: tenant.clone(),
            above,
            enrolment: self.enrolment(at, principal),
            teams,
            holdings,
        })
    }

    /// To whom something is assigned above that descends, themselves or by way of a team.
    fn principals_above(&self, at: TenantId) -> BTreeSet<PrincipalId> {
        let Some(Record::Tenant(tenant)) = self.rows.get(&Key::Tenant(at)) else { return BTreeSet::new() };
        let mut found = BTreeSet::new();
        for place in &tenant.above {
            let assigned = self.from(first_assignment(*place)).map_while(assignment);
            let below = assigned.filter(|found| found.descends && found.on == Target::Tenant);
            let holders: BTreeSet<Assignee> = below.map(|found| found.assignee).collect();
            let members = self.from(first_in_teams(*place)).map_while(team_member).map(|found| found.member);
            let by_team = |member: &PrincipalId| {
                self.reached(*place, *member).iter().any(|assignee| holders.contains(assignee))
            };
            found.extend(members.filter(by_team));
            found.extend(holders.iter().filter_map(|assignee| assignee.principal()));
        }
        found
    }

    fn ancestor(&self, tenant: TenantId, principal: PrincipalId) -> Option<Ancestor> {
        let Some(Record::Tenant(Tenant { id, status, epoch, .. })) = self.rows.get(&Key::Tenant(tenant))
        else {
            return None;
        };
        let enrolment = self.enrolment(tenant, principal);
        Some(Ancestor { id: *id, status: *status, epoch: *epoch, enrolment })
    }

    fn enrolment(&self, tenant: TenantId, principal: PrincipalId) -> Option<Enrolment> {
        let key = match principal {
            PrincipalId::User(user) => Key::Membership(tenant, user),
            PrincipalId::ServiceAccount(account) => Key::ServiceAccount(tenant, account),
            PrincipalId::ApiKey(key) => Key::ApiKey(tenant, key),
        };
        match self.rows.get(&key)? {
            Record::Membership(member) => {
                Some(Enrolment::Member { realm: member.realm, joined_at: member.joined_at })
            }
            Record::ServiceAccount(_) => Some(Enrolment::ServiceAccount),
            Record::ApiKey(key) => {
                Some(Enrolment::ApiKey { scopes: key.scopes.clone(), expires_at: key.expires_at })
            }
            _ => None,
        }
    }

    /// The teams that a principal is in, those above them not counted.
    fn teams_of(&self, tenant: TenantId, principal: PrincipalId) -> impl Iterator<Item = TeamId> {
        let members = self.from(first_in_teams(tenant)).map_while(team_member);
        members.filter(move |found| found.member == principal).map(|found| found.team)
    }

    /// All to whom something may be assigned that the principal then holds: itself, its teams and those above them.
    fn reached(&self, tenant: TenantId, principal: PrincipalId) -> Vec<Assignee> {
        let parent = |team: &TeamId| match self.rows.get(&Key::Team(tenant, *team)) {
            Some(Record::Team(team)) => team.parent,
            _ => None,
        };
        let lines = self.teams_of(tenant, principal).flat_map(|team| {
            std::iter::successors(Some(team), parent).take(Team::MAX_DEPTH).map(Assignee::Team)
        });
        let mut reached: Vec<Assignee> = lines.collect();
        reached.push(principal.into());
        reached.sort();
        reached.dedup();
        reached
    }
}

/// The role key that sorts before every other.
fn first_role() -> RoleKey {
    "a".parse().unwrap_or(RoleKey::owner())
}
