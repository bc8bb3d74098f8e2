use serde_json::json;

use super::escalation::{Whose, may_take};
use super::roles::RoleChange;
use super::{AccessChange, AccessRefusal, Draft, Refused, command, refuse};
use crate::app::{Command, Failure, Operation, Tenantry};
use crate::store::{Change, Guard, Key, Record};
use crate::{
    Assignee, Assignment, Caller, Membership, Page, PageRequest, PrincipalFacts, PrincipalId, RoleKey,
    Unavailable, User, UserId,
};

impl Tenantry {
    /// The members of the caller's tenant.
    #[must_use]
    pub fn members<'a>(&'a self, caller: &'a Caller) -> Members<'a> {
        Members { app: self, caller }
    }
}

/// The members of a tenant and their roles.
///
/// Nobody grants what they don't hold or takes it from another, and the last owner stays: checked inside the
/// commit too.
///
/// ```
/// use tenantry_core::{AccessRefusal, Caller, Failure, Tenantry, UserId};
///
/// /// Ends a membership, and says to the last owner why not.
/// async fn leave(app: &Tenantry, caller: &Caller, user: UserId) -> Result<&'static str, Failure<AccessRefusal>> {
///     match app.members(caller).remove(user).await {
///         Ok(()) => Ok("gone"),
///         Err(Failure::Refused(AccessRefusal::LastOwner)) => Ok("name another owner first"),
///         Err(other) => Err(other),
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Members<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

impl<'a> Members<'a> {
    /// A member of the tenant, with its teams and all that it holds.
    ///
    /// # Errors
    /// [`Failure::Refused`] with [`AccessRefusal::NotFound`] when there is none.
    pub async fn get(&self, user: UserId) -> Result<PrincipalFacts, Failure<AccessRefusal>> {
        let found = self.app.store().principal(self.caller.scope(), PrincipalId::User(user)).await?;
        match found.filter(|found| found.enrolment.is_some()) {
            Some(found) => Ok(found),
            None => refuse(AccessRefusal::NotFound),
        }
    }

    /// A page of them, by user.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn page(&self, page: &PageRequest) -> Result<Page<Membership>, Unavailable> {
        self.app.store().members(self.caller.scope(), page).await
    }

    /// Makes a user of the tenant's realm a member, with no role.
    pub fn add(
        &self,
        user: &User,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(MemberChange::Add(user.clone()))
    }

    /// Gives a member a role on the whole tenant that the caller could grant: [`TenantRoles::assign`](super::TenantRoles::assign) for the usual case.
    pub fn assign(
        &self,
        user: UserId,
        role: RoleKey,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        let assignment = Assignment::of_member(self.caller.tenant().id(), user, role);
        command(self.app, self.caller, AccessChange::Role(RoleChange::Assign(assignment)))
    }

    /// Takes such a role from a member; never `owner` from the last one.
    pub fn unassign(
        &self,
        user: UserId,
        role: RoleKey,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        let assignment = Assignment::of_member(self.caller.tenant().id(), user, role);
        command(self.app, self.caller, AccessChange::Role(RoleChange::Unassign(assignment)))
    }

    /// Ends a membership, one's own included, and all that hangs on it; never the last owner's.
    pub fn remove(
        &self,
        user: UserId,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(MemberChange::Remove(user))
    }

    fn change(
        &self,
        change: MemberChange,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        command(self.app, self.caller, AccessChange::Member(change))
    }
}

#[derive(Debug, Clone)]
pub(super) enum MemberChange {
    Add(User),
    Remove(UserId),
}

impl MemberChange {
    pub(super) async fn write(&self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        match self {
            Self::Add(user) => add(draft, user),
            Self::Remove(user) => remove(draft, *user).await,
        }
    }
}

fn add(draft: &mut Draft<'_>, user: &User) -> Result<(), Refused> {
    let tenant = draft.caller.tenant().tenant();
    if user.realm != tenant.realm {
        return refuse(AccessRefusal::OtherRealm);
    }
    let joined_at = draft.batch.at();
    let membership = Membership { tenant: tenant.id, user: user.id, realm: user.realm, joined_at };
    draft.batch.insert(Record::Membership(membership));
    draft.note("member.add", format!("user:{}", user.id), json!({}));
    Ok(())
}

async fn remove(draft: &mut Draft<'_>, user: UserId) -> Result<(), Refused> {
    let tenant = draft.caller.tenant().id();
    let facts = draft.principal(PrincipalId::User(user)).await?;
    if draft.whose(facts.id) == Whose::Others {
        may_take(draft.caller, Whose::Others, facts.holdings.iter().filter(|held| held.tenant == tenant))?;
    }
    draft.strip(Assignee::User(user), &facts).await?;
    let key = Key::Membership(tenant, user);
    draft.batch.guard(Guard::Present(key.clone()));
    draft.batch.change(Change::Delete(key));
    draft.note("member.remove", format!("user:{user}"), json!({}));
    Ok(())
}
