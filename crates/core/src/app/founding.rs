use std::collections::BTreeSet;

use super::{Failure, Tenantry};
use crate::store::{AuditActor, AuditEntry, Key, Record};
use crate::{
    Assignment, AuditId, Batch, BatchId, BillingCycle, CommitError, Email, Epoch, Grant, Interval,
    InvalidRole, Membership, PlanRef, Reach, Realm, RealmId, Role, RoleKey, Scope, Slug, StoredSecret,
    Tenant, TenantId, TenantKind, TenantStatus, Timestamp, User, UserId,
};

/// The first tenant of an installation, its realm and its first owner.
#[derive(Debug, Clone)]
pub struct Founding {
    /// The tenant's slug, which may be a reserved one.
    pub slug: Slug,
    /// The tenant's name.
    pub name: String,
    /// The tenant's kind.
    pub kind: TenantKind,
    /// The tenant's plan.
    pub plan: PlanRef,
    /// The tenant's roles, `owner` among them.
    pub roles: Vec<NewRole>,
    /// The address of its first owner.
    pub email: Email,
    /// The name of its first owner.
    pub user_name: String,
    /// The hashed password of its first owner.
    pub secret: StoredSecret,
    /// Whether its first owner owns the tenants below it too. Who holds nothing that reaches below can't grant anything
    /// that does.
    pub reach: Reach,
}

/// What came of founding.
#[derive(Debug, Clone)]
pub enum Founded {
    /// The tenant was made now.
    Now(Tenant),
    /// It was there: nothing has changed.
    Before(Tenant),
}

impl Founded {
    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        match self {
            Self::Now(tenant) | Self::Before(tenant) => tenant,
        }
    }
}

/// A role that a new tenant begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    /// Its key.
    pub key: RoleKey,
    /// Its name for people.
    pub name: String,
    /// What it allows and denies.
    pub grants: Vec<Grant>,
}

impl NewRole {
    /// The role `owner`, which allows everything.
    #[must_use]
    pub fn owner() -> Self {
        Self { key: RoleKey::owner(), name: "Owner".to_owned(), grants: vec![Scope::all().into()] }
    }

    pub(crate) fn of(&self, tenant: TenantId, version: u64) -> Result<Role, InvalidRole> {
        Role::new(tenant, self.key.clone(), self.name.clone(), self.grants.clone(), version)
    }
}

impl Tenantry {
    /// Makes the first tenant of an installation, once: starting again with the same slug changes nothing.
    ///
    /// It takes no caller, since there is none yet: whoever can call it has the process.
    ///
    /// # Errors
    /// [`Failure::Refused`] with [`InvalidRole`] for a role that can't be stored, or roles that no tenant begins with.
    pub async fn found(&self, founding: &Founding) -> Result<Founded, Failure<InvalidRole>> {
        if let Some(tenant) = self.store().tenant_by_slug(&founding.slug).await? {
            return Ok(Founded::Before(tenant));
        }
        let (id, realm, now) = (TenantId::generate(), RealmId::generate(), self.now());
        let mut batch = Batch::new(BatchId::generate(), id, now);
        batch.insert(Record::Realm(Realm { id: realm, owner: id }));
        let new = NewTenant {
            id,
            slug: &founding.slug,
            name: &founding.name,
            kind: &founding.kind,
            plan: &founding.plan,
            interval: interval(self, &founding.plan),
            roles: &founding.roles,
            realm,
            above: vec![],
            owner: UserId::generate(),
            reach: founding.reach,
        };
        let tenant = new.write(&mut batch).map_err(Failure::Refused)?;
        new_user(&mut batch, id, realm, new.owner, &founding.email, &founding.user_name, &founding.secret);
        let entry = AuditEntry {
            id: AuditId::from_uuid(batch.next_id()),
            tenant: id,
            at: now,
            actor: AuditActor::System("founding".to_owned()),
            action: "tenant.found".to_owned(),
            target: format!("tenant:{id}"),
            detail: serde_json::json!({ "slug": founding.slug }),
        };
        batch.audit_entry(entry);
        match self.store().commit(batch).await {
            Ok(()) => Ok(Founded::Now(tenant)),
            Err(CommitError::Refused(_)) => match self.store().tenant_by_slug(&founding.slug).await? {
                Some(tenant) => Ok(Founded::Before(tenant)),
                None => Err(Failure::Contended),
            },
            Err(CommitError::Unavailable(unavailable)) => Err(Failure::Unavailable(unavailable)),
            Err(_) => Err(Failure::Busy),
        }
    }
}

/// What a new tenant is made of, whether founded or registered.
pub(crate) struct NewTenant<'a> {
    pub(crate) id: TenantId,
    pub(crate) slug: &'a Slug,
    pub(crate) name: &'a str,
    pub(crate) kind: &'a TenantKind,
    pub(crate) plan: &'a PlanRef,
    pub(crate) interval: Interval,
    pub(crate) roles: &'a [NewRole],
    pub(crate) realm: RealmId,
    pub(crate) above: Vec<TenantId>,
    pub(crate) owner: UserId,
    pub(crate) reach: Reach,
}

impl NewTenant<'_> {
    /// Puts the tenant, its roles and its owner's membership into the batch.
    pub(crate) fn write(&self, batch: &mut Batch) -> Result<Tenant, InvalidRole> {
        check_together(self.roles)?;
        let now = batch.at();
        let tenant = Tenant {
            id: self.id,
            slug: self.slug.clone(),
            name: self.name.to_owned(),
            kind: self.kind.clone(),
            status: TenantStatus::Active,
            plan: self.plan.clone(),
            cycle: BillingCycle::utc(now, self.interval),
            realm: self.realm,
            above: self.above.clone(),
            epoch: Epoch::FIRST,
            version: 1,
            created_at: now,
        };
        batch.guard(crate::Guard::Absent(Key::Slug(self.slug.clone())));
        batch.insert(Record::Tenant(tenant.clone()));
        for role in self.roles {
            batch.insert(Record::Role(role.of(self.id, 1)?));
        }
        let membership = Membership { tenant: self.id, user: self.owner, realm: self.realm, joined_at: now };
        batch.insert(Record::Membership(membership));
        let role = RoleKey::owner();
        let assignment = Assignment::of_member(self.id, self.owner, role);
        batch.insert(Record::Assignment(Assignment { descends: self.reach == Reach::Below, ..assignment }));
        Ok(tenant)
    }
}

/// Whether a tenant can begin with these roles.
fn check_together(roles: &[NewRole]) -> Result<(), InvalidRole> {
    let count = roles.len();
    if count > Role::MAX {
        return Err(InvalidRole::Roles { count });
    }
    let keys: BTreeSet<&RoleKey> = roles.iter().map(|role| &role.key).collect();
    if keys.len() < count {
        return Err(InvalidRole::SameKey);
    }
    if keys.iter().any(|key| key.is_owner()) { Ok(()) } else { Err(InvalidRole::NoOwner) }
}

pub(crate) fn new_user(
    batch: &mut Batch,
    owner: TenantId,
    realm: RealmId,
    id: UserId,
    email: &Email,
    name: &str,
    secret: &StoredSecret,
) -> User {
    let created_at: Timestamp = batch.at();
    let user = User {
        id,
        realm,
        owner,
        email: email.clone(),
        name: name.to_owned(),
        secret: Some(secret.clone()),
        version: 1,
        created_at,
    };
    batch.guard(crate::Guard::Absent(Key::Email(realm, email.clone())));
    batch.insert(Record::User(user.clone()));
    user
}

/// The billing interval of a plan; a month when the plan isn't known.
pub(crate) fn interval(app: &Tenantry, plan: &PlanRef) -> Interval {
    app.plans().plan(plan).map_or(Interval::Month, |plan| plan.interval)
}
