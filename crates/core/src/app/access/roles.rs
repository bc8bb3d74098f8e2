use serde_json::json;

use super::escalation::{Whose, may_give, may_grant, may_take};
use super::import::import;
use super::{AccessChange, AccessRefusal, Draft, Refused, all, command, refuse};
use crate::app::{Command, NewRole, Operation, Tenantry};
use crate::store::{Guard, Key, Record};
use crate::{
    AccessDocument, Assignee, Assignment, Caller, Holding, Page, PageRequest, PrincipalId, Reach, Role,
    RoleKey, Target, Unavailable,
};

impl Tenantry {
    /// The roles of the caller's tenant, and who has them.
    #[must_use]
    pub fn roles<'a>(&'a self, caller: &'a Caller) -> TenantRoles<'a> {
        TenantRoles { app: self, caller }
    }
}

/// The roles that a tenant makes for itself, and who has them on what.
///
/// Nobody defines, edits or hands out a role beyond what they hold themselves ([`Authority::may_grant`]).
///
/// ```
/// use tenantry_core::{AccessRefusal, Assignee, Assignment, Caller, Failure, ResourceRef, RoleKey, Target, TeamId, Tenantry};
///
/// /// Gives a team a role on one resource and what it contains.
/// async fn share(
///     app: &Tenantry,
///     caller: &Caller,
///     (team, role, on): (TeamId, RoleKey, ResourceRef),
/// ) -> Result<(), Failure<AccessRefusal>> {
///     let tenant = caller.tenant().id();
///     let (assignee, on) = (Assignee::Team(team), Target::Resource(on));
///     app.roles(caller).assign(Assignment { tenant, assignee, role, on, descends: true }).await
/// }
/// ```
///
/// [`Authority::may_grant`]: crate::Authority::may_grant
#[derive(Debug, Clone, Copy)]
pub struct TenantRoles<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

impl<'a> TenantRoles<'a> {
    /// A page of them, by key.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn page(&self, page: &PageRequest) -> Result<Page<Role>, Unavailable> {
        self.app.store().roles(self.caller.scope(), page).await
    }

    /// A page of who has them on what, each assignee's together.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn assignments(&self, page: &PageRequest) -> Result<Page<Assignment>, Unavailable> {
        self.app.store().assignments(self.caller.scope(), page).await
    }

    /// Makes a role that the caller could grant; at most [`Role::MAX`].
    pub fn define(
        &self,
        role: NewRole,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(RoleChange::Define(role))
    }

    /// Gives a role other lines and another name, for everybody who has it: only who could grant both what it said and
    /// what it says then, and below, too, where somebody has it with all below. Never `owner`.
    pub fn redefine(
        &self,
        role: NewRole,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(RoleChange::Redefine(role))
    }

    /// Deletes a role that nobody has, so that one that is made later under the same key is nobody's. Never `owner`.
    pub fn delete(
        &self,
        role: RoleKey,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(RoleChange::Delete(role))
    }

    /// Gives somebody, or a team, a role that the caller could grant there; at most
    /// [`Assignment::MAX_PER_ASSIGNEE`] of one assignee. What it is assigned on isn't looked up: a resource is the
    /// application's.
    pub fn assign(
        &self,
        assignment: Assignment,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(RoleChange::Assign(assignment))
    }

    /// Takes it again: whose it is, which role and on what; never `owner` from the last one.
    pub fn unassign(
        &self,
        assignment: Assignment,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(RoleChange::Unassign(assignment))
    }

    /// Makes the tenant's roles, teams and assignments what the document says, all at once: as far as the caller could
    /// grant and take each of them ([`DryRun::may_import`](crate::DryRun::may_import)). The role `owner` stays as it is,
    /// and whoever is named is a member or a program already. One import writes at most
    /// [`Batch::MAX_CHANGES`](crate::Batch::MAX_CHANGES) rows.
    pub fn import(
        &self,
        document: AccessDocument,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(RoleChange::Import(document))
    }

    fn change(
        &self,
        change: RoleChange,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        command(self.app, self.caller, AccessChange::Role(change))
    }
}

#[derive(Debug, Clone)]
pub(super) enum RoleChange {
    Define(NewRole),
    Redefine(NewRole),
    Delete(RoleKey),
    Assign(Assignment),
    Unassign(Assignment),
    Import(AccessDocument),
}

impl RoleChange {
    pub(super) async fn write(&self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        match self {
            Self::Define(role) => define(draft, role).await,
            Self::Redefine(role) => redefine(draft, role).await,
            Self::Delete(role) => delete(draft, role).await,
            Self::Assign(assignment) => assign(draft, assignment).await,
            Self::Unassign(assignment) => unassign(draft, assignment).await,
            Self::Import(document) => import(draft, document).await,
        }
    }
}

async fn define(draft: &mut Draft<'_>, role: &NewRole) -> Result<(), Refused> {
    let record = grantable(draft, role, Reach::Here, 1)?;
    let (store, scope) = (draft.app.store(), draft.caller.scope());
    let roles = all("roles", Role::MAX, |page| async move { store.roles(scope, &page).await }).await?;
    if roles.len() == Role::MAX {
        return refuse(AccessRefusal::TooMany { what: "roles", most: Role::MAX });
    }
    draft.batch.insert(Record::Role(record));
    note(draft, "role.define", role);
    Ok(())
}

async fn redefine(draft: &mut Draft<'_>, role: &NewRole) -> Result<(), Refused> {
    let before = editable(draft, &role.key).await?;
    let reach = reach_of(draft, &role.key).await?;
    may_grant(draft.caller, before.grants(), &Target::Tenant, reach)?;
    let after = grantable(draft, role, reach, before.version() + 1)?;
    draft.batch.update(Record::Role(after), before.version());
    note(draft, "role.redefine", role);
    Ok(())
}

async fn delete(draft: &mut Draft<'_>, role: &RoleKey) -> Result<(), Refused> {
    let before = editable(draft, role).await?;
    may_grant(draft.caller, before.grants(), &Target::Tenant, Reach::Here)?;
    if !draft.app.store().assignments_of(draft.caller.scope(), role, Reach::Here, 1).await?.is_empty() {
        return refuse(AccessRefusal::InUse { by: "assignments" });
    }
    let key = Key::Role(draft.caller.tenant().id(), role.clone());
    draft.batch.guard(Guard::Version { key: key.clone(), version: before.version() });
    draft.delete(key);
    draft.note_change("role.delete", format!("role:{role}"));
    Ok(())
}

async fn assign(draft: &mut Draft<'_>, assignment: &Assignment) -> Result<(), Refused> {
    let tenant = draft.caller.tenant().id();
    let assignment = Assignment { tenant, ..assignment.clone() };
    let held = holding(draft, &assignment).await?;
    may_give(draft.caller, [&held])?;
    may_lift_denials(draft, &assignment).await?;
    let assignee = assignment.assignee;
    let most = Assignment::MAX_PER_ASSIGNEE;
    if draft.app.store().assigned(draft.caller.scope(), assignee).await?.len() >= most {
        return refuse(AccessRefusal::TooMany { what: "assignments to one assignee", most });
    }
    draft.batch.guard(Guard::Present(Key::of_assignee(tenant, assignee)));
    let role = Key::Role(tenant, assignment.role.clone());
    draft.batch.guard(Guard::Version { key: role, version: held.role.version() });
    note_assignment(draft, "role.assign", &assignment);
    draft.batch.insert(Record::Assignment(assignment));
    Ok(())
}

/// Who becomes an owner is denied nothing any more: only who could lift each of those denials makes one.
async fn may_lift_denials(draft: &Draft<'_>, assignment: &Assignment) -> Result<(), Refused> {
    let Assignee::User(user) = assignment.assignee else { return Ok(()) };
    if !assignment.role.is_owner() || assignment.on != Target::Tenant {
        return Ok(());
    }
    let facts = draft.principal(PrincipalId::User(user)).await?;
    may_take(draft.caller, Whose::Own, facts.holdings.iter().filter(|held| held.tenant == facts.tenant.id))
}

async fn unassign(draft: &mut Draft<'_>, assignment: &Assignment) -> Result<(), Refused> {
    let store = draft.app.store();
    let of_assignee = store.assigned(draft.caller.scope(), assignment.assignee).await?;
    let is_it = |held: &&Holding| *held.role.key() == assignment.role && held.on == assignment.on;
    let Some(held) = of_assignee.iter().find(is_it) else {
        return refuse(AccessRefusal::NotFound);
    };
    let whose = assignment.assignee.principal().map_or(Whose::Others, |principal| draft.whose(principal));
    may_take(draft.caller, whose, [held])?;
    let tenant = draft.caller.tenant().id();
    let assignment = Assignment { tenant, descends: held.descends, ..assignment.clone() };
    draft.delete(Key::of_assignment(&assignment));
    note_assignment(draft, "role.unassign", &assignment);
    Ok(())
}

/// The role as it is, if anybody may change it.
async fn editable(draft: &Draft<'_>, key: &RoleKey) -> Result<Role, Refused> {
    let Some(before) = draft.app.store().role(draft.caller.scope(), key).await? else {
        return refuse(AccessRefusal::NotFound);
    };
    if before.key().is_owner() {
        return refuse(AccessRefusal::OwnerRole);
    }
    Ok(before)
}

/// How far somebody holds a role: whoever edits it changes what they may do below, too.
async fn reach_of(draft: &Draft<'_>, role: &RoleKey) -> Result<Reach, Refused> {
    let below = draft.app.store().assignments_of(draft.caller.scope(), role, Reach::Below, 1).await?;
    Ok(if below.is_empty() { Reach::Here } else { Reach::Below })
}

/// The role at a version, if it means something and the caller could grant it so far.
fn grantable(draft: &Draft<'_>, role: &NewRole, reach: Reach, version: u64) -> Result<Role, Refused> {
    if let Err(unfit) = draft.app.catalog().check_grants(&role.grants) {
        return refuse(unfit);
    }
    may_grant(draft.caller, &role.grants, &Target::Tenant, reach)?;
    match role.of(draft.caller.tenant().id(), version) {
        Ok(role) => Ok(role),
        Err(invalid) => refuse(invalid),
    }
}

/// What somebody would hold by it.
async fn holding(draft: &Draft<'_>, assignment: &Assignment) -> Result<Holding, Refused> {
    let Some(role) = draft.app.store().role(draft.caller.scope(), &assignment.role).await? else {
        return refuse(AccessRefusal::NotFound);
    };
    let Assignment { tenant, assignee, on, descends, .. } = assignment.clone();
    Ok(Holding { role: role.into(), assignee, tenant, on, descends })
}

fn note(draft: &mut Draft<'_>, action: &str, role: &NewRole) {
    draft.note(action, format!("role:{}", role.key), json!({ "grants": role.grants }));
}

fn note_assignment(draft: &mut Draft<'_>, action: &str, assignment: &Assignment) {
    let Assignment { assignee, role, on, descends, .. } = assignment;
    let detail = json!({ "role": role, "on": on.to_string(), "descends": descends });
    draft.note(action, assignee.to_string(), detail);
}
