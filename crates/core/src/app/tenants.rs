use async_trait::async_trait;
use serde_json::json;

use super::founding::{NewTenant, interval, new_user};
use super::operation::{emit, sealed::Sealed};
use super::{Actor, Attempt, Command, Failure, NewRole, Operation, Tenantry};
use crate::store::{Change, Key, Record};
use crate::{
    Aggregate, Batch, Caller, Email, GuardFailure, InvalidRole, Page, PageRequest, PlanRef, Reach, Slug,
    StoredSecret, Tenant, TenantCtx, TenantId, TenantKind, TenantStatus, Unavailable, User, UserId, WorkItem,
    WorkKind,
};

impl Tenantry {
    /// Makes a tenant below the one at whose address a visitor is, with a new user of that tenant's realm as
    /// its owner.
    ///
    /// Refused with [`RegistrationRefusal`] when the slug or the address is taken.
    pub fn register<'a>(
        &'a self,
        at: &TenantCtx,
        registration: Registration,
    ) -> Command<'a, impl Operation<Outcome = Registered, Refusal = RegistrationRefusal> + use<>> {
        let ids = (TenantId::generate(), UserId::generate());
        Command::new(self, Actor::Visitor(at.clone()), Register { at: at.clone(), registration, ids })
    }

    /// The tenants below the caller's.
    #[must_use]
    pub fn tenants<'a>(&'a self, caller: &'a Caller) -> Tenants<'a> {
        Tenants { app: self, caller }
    }
}

/// A new tenant and its owner.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The slug that it wants.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: TenantKind,
    /// The plan that it begins with.
    pub plan: PlanRef,
    /// The roles that it begins with, `owner` among them.
    pub roles: Vec<NewRole>,
    /// Its owner's address.
    pub email: Email,
    /// Its owner's name.
    pub user_name: String,
    /// Its owner's hashed password.
    pub secret: StoredSecret,
    /// Whether its owner owns the tenants below it too. Who holds nothing that reaches below can't grant anything that
    /// does.
    pub reach: Reach,
}

/// What registration made.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The tenant.
    pub tenant: Tenant,
    /// Its owner.
    pub user: User,
}

/// Why a tenant isn't registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationRefusal {
    /// Another tenant has the slug.
    #[error("the name is taken: choose another")]
    SlugTaken,
    /// Another user of the realm has the address.
    #[error("the e-mail address is taken: sign in, or use another")]
    EmailTaken,
    /// No plan of the application's has this key and version.
    #[error("there is no such plan")]
    UnknownPlan,
    /// There are as many tenants above it as there may be.
    #[error("at most 8 tenants lie above one: register it further up")]
    TooDeep,
    /// A role can't be stored, or no tenant begins with these.
    #[error(transparent)]
    Role(#[from] InvalidRole),
}

struct Register {
    at: TenantCtx,
    registration: Registration,
    ids: (TenantId, UserId),
}

impl Sealed for Register {}

#[async_trait]
impl Operation for Register {
    type Outcome = Registered;
    type Refusal = RegistrationRefusal;

    async fn attempt(
        &self,
        app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<Registered>, Failure<RegistrationRefusal>> {
        let Registration { slug, name, kind, plan, roles, email, user_name, secret, reach } =
            &self.registration;
        let refuse = |refusal| Err(Failure::Refused(refusal));
        if app.plans().plan(plan).is_none() {
            return refuse(RegistrationRefusal::UnknownPlan);
        }
        let realm = self.at.tenant().realm;
        if app.store().tenant_by_slug(slug).await?.is_some() {
            return refuse(RegistrationRefusal::SlugTaken);
        }
        if app.store().user_by_email(realm, email).await?.is_some() {
            return refuse(RegistrationRefusal::EmailTaken);
        }
        let (id, owner) = self.ids;
        let above = self.at.tenant().above_child();
        let above = above.ok_or(Failure::Refused(RegistrationRefusal::TooDeep))?;
        let interval = interval(app, plan);
        let new =
            NewTenant { id, slug, name, kind, plan, interval, roles, realm, above, owner, reach: *reach };
        let tenant = new.write(batch).map_err(|invalid| Failure::Refused(invalid.into()))?;
        let user = new_user(batch, self.at.id(), realm, owner, email, user_name, secret);
        let (target, detail) = (format!("tenant:{id}"), json!({ "slug": slug, "kind": kind }));
        by.audit(batch, "tenant.register", target.clone(), detail.clone());
        by.audit_elsewhere(batch, id, "tenant.register", target, detail.clone());
        emit(batch, id, tenant_aggregate(id), 1, "tenant.registered", detail);
        Ok(Attempt::Write(Registered { tenant, user }))
    }

    fn refusal(&self, _by: &Actor, failures: &[GuardFailure]) -> Option<RegistrationRefusal> {
        failures.iter().find_map(|failure| match &failure.guard {
            crate::Guard::Absent(Key::Slug(_)) => Some(RegistrationRefusal::SlugTaken),
            crate::Guard::Absent(Key::Email(_, _)) => Some(RegistrationRefusal::EmailTaken),
            _ => None,
        })
    }
}

/// The tenants below a caller's, and what their parent may do to them.
#[derive(Debug, Clone, Copy)]
pub struct Tenants<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

impl<'a> Tenants<'a> {
    /// A page of them, by slug.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn page(&self, page: &PageRequest) -> Result<Page<Tenant>, Unavailable> {
        self.app.store().children(self.caller.scope(), page).await
    }

    /// Suspends one: its requests are refused from now on, and its open orders get the operator's hold.
    pub fn suspend(
        &self,
        slug: Slug,
    ) -> Command<'a, impl Operation<Outcome = Tenant, Refusal = TenantRefusal> + use<>> {
        self.change(slug, TenantChange::Status(TenantStatus::Suspended))
    }

    /// Lets a suspended one act again, and lifts the operator's hold from its orders.
    pub fn reactivate(
        &self,
        slug: Slug,
    ) -> Command<'a, impl Operation<Outcome = Tenant, Refusal = TenantRefusal> + use<>> {
        self.change(slug, TenantChange::Status(TenantStatus::Active))
    }

    /// Closes one for good.
    pub fn close(
        &self,
        slug: Slug,
    ) -> Command<'a, impl Operation<Outcome = Tenant, Refusal = TenantRefusal> + use<>> {
        self.change(slug, TenantChange::Status(TenantStatus::Closed))
    }

    /// Subscribes one to another plan. What was used in the period stays used.
    pub fn subscribe(
        &self,
        slug: Slug,
        plan: PlanRef,
    ) -> Command<'a, impl Operation<Outcome = Tenant, Refusal = TenantRefusal> + use<>> {
        self.change(slug, TenantChange::Plan(plan))
    }

    fn change(&self, slug: Slug, change: TenantChange) -> Command<'a, ChangeTenant> {
        Command::new(self.app, self.caller.into(), ChangeTenant { slug, change })
    }
}

/// Why a tenant isn't changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TenantRefusal {
    /// No tenant with this slug is below the caller's.
    #[error("there is no such tenant")]
    NotFound,
    /// A tenant can't do this to itself.
    #[error("a tenant can't do this to itself")]
    Own,
    /// A closed tenant stays closed.
    #[error("the tenant is closed")]
    Closed,
    /// No plan of the application's has this key and version.
    #[error("there is no such plan")]
    UnknownPlan,
}

#[derive(Debug, Clone)]
enum TenantChange {
    Status(TenantStatus),
    Plan(PlanRef),
}

struct ChangeTenant {
    slug: Slug,
    change: TenantChange,
}

impl Sealed for ChangeTenant {}

#[async_trait]
impl Operation for ChangeTenant {
    type Outcome = Tenant;
    type Refusal = TenantRefusal;

    async fn attempt(
        &self,
        app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<Tenant>, Failure<TenantRefusal>> {
        let refuse = |refusal| Err(Failure::Refused(refusal));
        let Some(found) = app.store().tenant_by_slug(&self.slug).await? else {
            return refuse(TenantRefusal::NotFound);
        };
        if found.id == by.tenant() {
            return refuse(TenantRefusal::Own);
        }
        if found.parent() != Some(by.tenant()) {
            return refuse(TenantRefusal::NotFound);
        }
        if let TenantChange::Plan(plan) = &self.change
            && app.plans().plan(plan).is_none()
        {
            return refuse(TenantRefusal::UnknownPlan);
        }
        let next = match changed(&found, &self.change) {
            Ok(Some(next)) => next,
            Ok(None) => return Ok(Attempt::Settled(found)),
            Err(refusal) => return refuse(refusal),
        };
        let (action, detail) = match &self.change {
            TenantChange::Status(status) => ("tenant.status", json!({ "status": status })),
            TenantChange::Plan(plan) => ("tenant.plan", json!({ "plan": plan })),
        };
        batch.update(Record::Tenant(next.clone()), found.version);
        batch.change(Change::MoveEpoch(found.id));
        if let TenantChange::Status(_) = self.change {
            batch.change(Change::Schedule(WorkItem {
                tenant: by.tenant(),
                kind: WorkKind::SellerHolds,
                subject: found.id.as_uuid(),
                due: batch.at(),
            }));
        }
        let target = format!("tenant:{}", found.id);
        by.audit(batch, action, target.clone(), detail.clone());
        by.audit_elsewhere(batch, found.id, action, target, detail.clone());
        emit(batch, found.id, tenant_aggregate(found.id), next.version, action, detail);
        Ok(Attempt::Write(next))
    }
}

/// The tenant after a change; `None` when it is so already.
fn changed(tenant: &Tenant, change: &TenantChange) -> Result<Option<Tenant>, TenantRefusal> {
    let is_so = match change {
        TenantChange::Status(status) => tenant.status == *status,
        TenantChange::Plan(plan) => tenant.plan == *plan,
    };
    if is_so {
        return Ok(None);
    }
    if tenant.status == TenantStatus::Closed {
        return Err(TenantRefusal::Closed);
    }
    let mut next = tenant.clone();
    match change {
        TenantChange::Status(status) => next.status = *status,
        TenantChange::Plan(plan) => next.plan = plan.clone(),
    }
    next.version += 1;
    Ok(Some(next))
}

fn tenant_aggregate(id: TenantId) -> Aggregate {
    Aggregate { kind: "tenant".to_owned(), id: id.as_uuid() }
}
