use async_trait::async_trait;
use serde_json::json;

use super::operation::sealed::Sealed;
use super::{Actor, Attempt, Command, Failure, NewRole, Operation, Tenantry};
use crate::store::{Change, Guard, Key, Record};
use crate::{
    Assignment, Batch, Caller, Effect, Escalation, Grant, GuardFailure, InvalidRole, Member, Membership,
    Reach, Role, RoleKey, Target, UnfitGrant, User, UserId,
};

impl Tenantry {
    /// The members and roles of the caller's tenant.
    #[must_use]
    pub fn members<'a>(&'a self, caller: &'a Caller) -> Members<'a> {
        Members { app: self, caller }
    }
}

/// The members of a tenant and their roles.
///
/// Nobody grants what they don't hold or takes it from another, and the last owner stays: checked inside the
/// commit too.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

impl<'a> Members<'a> {
    /// A member of the tenant, with its roles.
    ///
    /// # Errors
    /// [`Failure::Refused`] with [`MemberRefusal::NotFound`] when there is none.
    pub async fn get(&self, user: UserId) -> Result<Member, Failure<MemberRefusal>> {
        let member = self.app.store().member(self.caller.scope(), user).await?;
        member.ok_or(Failure::Refused(MemberRefusal::NotFound))
    }

    /// Makes a user of the tenant's realm a member, with no role.
    pub fn add(
        &self,
        user: &User,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = MemberRefusal> + use<>> {
        self.change(MemberChange::Add(user.clone()))
    }

    /// Gives a member a role that the caller could grant.
    pub fn assign(
        &self,
        user: UserId,
        role: RoleKey,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = MemberRefusal> + use<>> {
        self.change(MemberChange::Assign(user, role))
    }

    /// Takes a role from a member; never `owner` from the last one.
    pub fn unassign(
        &self,
        user: UserId,
        role: RoleKey,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = MemberRefusal> + use<>> {
        self.change(MemberChange::Unassign(user, role))
    }

    /// Ends a membership, one's own included; never the last owner's.
    pub fn remove(
        &self,
        user: UserId,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = MemberRefusal> + use<>> {
        self.change(MemberChange::Remove(user))
    }

    /// Makes a role that the caller could grant.
    pub fn define(
        &self,
        role: NewRole,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = MemberRefusal> + use<>> {
        self.change(MemberChange::Define(role))
    }

    /// Gives a role other lines and another name, for everybody who has it: only who could grant both what it said and
    /// what it says then. Never `owner`.
    pub fn redefine(
        &self,
        role: NewRole,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = MemberRefusal> + use<>> {
        self.change(MemberChange::Redefine(role))
    }

    fn change(&self, change: MemberChange) -> Command<'a, ChangeMember> {
        Command::new(self.app, self.caller.into(), ChangeMember { change })
    }
}

/// Why members or roles aren't changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberRefusal {
    /// There is no such member, or no such role.
    #[error("there is no such member or role")]
    NotFound,
    /// The role `owner` stays as the tenant was founded with it.
    #[error("the role owner can't be redefined: define another role")]
    OwnerRole,
    /// There is one already.
    #[error("there is one already")]
    Exists,
    /// The user belongs to another realm than the tenant's members.
    #[error("the user belongs to another realm")]
    OtherRealm,
    /// The caller doesn't hold what it would grant.
    #[error(transparent)]
    Escalation(#[from] Escalation),
    /// It would leave the tenant without an owner.
    #[error("a tenant keeps at least one owner")]
    LastOwner,
    /// A line of the role means nothing in this application.
    #[error(transparent)]
    Grant(#[from] UnfitGrant),
    /// The role can't be stored.
    #[error(transparent)]
    Role(#[from] InvalidRole),
}

#[derive(Debug, Clone)]
enum MemberChange {
    Add(User),
    Assign(UserId, RoleKey),
    Unassign(UserId, RoleKey),
    Remove(UserId),
    Define(NewRole),
    Redefine(NewRole),
}

struct ChangeMember {
    change: MemberChange,
}

impl Sealed for ChangeMember {}

type Refused = Failure<MemberRefusal>;

#[async_trait]
impl Operation for ChangeMember {
    type Outcome = ();
    type Refusal = MemberRefusal;

    async fn attempt(&self, app: &Tenantry, by: &Actor, batch: &mut Batch) -> Result<Attempt<()>, Refused> {
        let Actor::Caller(caller) = by else {
            return Err(Failure::AuthorityChanged);
        };
        match &self.change {
            MemberChange::Add(user) => self.add(by, caller, user, batch)?,
            MemberChange::Define(role) => {
                let record = grantable(app, caller, role, 1)?;
                batch.insert(Record::Role(record));
                note_role(by, batch, "role.define", role);
            }
            MemberChange::Redefine(role) => {
                let before = app.store().role(caller.scope(), &role.key).await?;
                self.redefine(app, by, caller, role, before, batch)?;
            }
            MemberChange::Assign(user, key) => {
                let role = app.store().role(caller.scope(), key).await?;
                self.assign(by, caller, *user, role, batch)?;
            }
            MemberChange::Unassign(user, role) => {
                let member = member(app, caller, *user).await?;
                let taken = member.roles.iter().filter(|held| held.key() == role);
                may_take(caller, &member, taken)?;
                self.unassign(by, &member, role, batch)?;
            }
            MemberChange::Remove(user) => {
                let member = member(app, caller, *user).await?;
                if *user != caller.user() {
                    may_take(caller, &member, member.roles.iter())?;
                }
                self.remove(by, &member, batch)?;
            }
        }
        batch.change(Change::MoveEpoch(caller.tenant().id()));
        Ok(Attempt::Write(()))
    }

    fn refusal(&self, _by: &Actor, failures: &[GuardFailure]) -> Option<MemberRefusal> {
        failures.iter().find_map(|failure| match &failure.guard {
            Guard::Remain { .. } => Some(MemberRefusal::LastOwner),
            Guard::Absent(_) => Some(MemberRefusal::Exists),
            Guard::Present(_) => Some(MemberRefusal::NotFound),
            _ => None,
        })
    }
}

impl ChangeMember {
    fn add(&self, by: &Actor, caller: &Caller, user: &User, batch: &mut Batch) -> Result<(), Refused> {
        let tenant = caller.tenant().tenant();
        if user.realm != tenant.realm {
            return Err(Failure::Refused(MemberRefusal::OtherRealm));
        }
        let joined_at = batch.at();
        batch.insert(Record::Membership(Membership {
            tenant: tenant.id,
            user: user.id,
            realm: user.realm,
            joined_at,
        }));
        note(by, batch, "member.add", user.id, json!({}));
        Ok(())
    }

    fn redefine(
        &self,
        app: &Tenantry,
        by: &Actor,
        caller: &Caller,
        role: &NewRole,
        before: Option<Role>,
        batch: &mut Batch,
    ) -> Result<(), Refused> {
        let before = before.ok_or(Failure::Refused(MemberRefusal::NotFound))?;
        if before.key().is_owner() {
            return Err(Failure::Refused(MemberRefusal::OwnerRole));
        }
        may_grant(caller, before.grants())?;
        let after = grantable(app, caller, role, before.version() + 1)?;
        batch.update(Record::Role(after), before.version());
        note_role(by, batch, "role.redefine", role);
        Ok(())
    }

    fn assign(
        &self,
        by: &Actor,
        caller: &Caller,
        user: UserId,
        role: Option<Role>,
        batch: &mut Batch,
    ) -> Result<(), Refused> {
        let role = role.ok_or(Failure::Refused(MemberRefusal::NotFound))?;
        may_grant(caller, role.grants())?;
        let tenant = caller.tenant().id();
        batch.guard(Guard::Present(Key::Membership(tenant, user)));
        let key = Key::Role(tenant, role.key().clone());
        batch.guard(Guard::Version { key, version: role.version() });
        note(by, batch, "member.assign", user, json!({ "role": role.key() }));
        batch.insert(Record::Assignment(Assignment { tenant, user, role: role.key().clone() }));
        Ok(())
    }

    fn unassign(
        &self,
        by: &Actor,
        member: &Member,
        role: &RoleKey,
        batch: &mut Batch,
    ) -> Result<(), Refused> {
        if !member.roles.iter().any(|held| held.key() == role) {
            return Err(Failure::Refused(MemberRefusal::NotFound));
        }
        take_role(batch, member, role);
        note(by, batch, "member.unassign", member.membership.user, json!({ "role": role }));
        Ok(())
    }

    fn remove(&self, by: &Actor, member: &Member, batch: &mut Batch) -> Result<(), Refused> {
        for role in &member.roles {
            take_role(batch, member, role.key());
        }
        let key = Key::Membership(member.membership.tenant, member.membership.user);
        batch.guard(Guard::Present(key.clone()));
        batch.change(Change::Delete(key));
        note(by, batch, "member.remove", member.membership.user, json!({}));
        Ok(())
    }
}

fn note(by: &Actor, batch: &mut Batch, action: &str, user: UserId, detail: serde_json::Value) {
    by.audit(batch, action, format!("user:{user}"), detail);
}

fn note_role(by: &Actor, batch: &mut Batch, action: &str, role: &NewRole) {
    by.audit(batch, action, format!("role:{}", role.key), json!({ "grants": role.grants }));
}

/// The role at a version, if it means something and the caller could grant it.
fn grantable(app: &Tenantry, caller: &Caller, role: &NewRole, version: u64) -> Result<Role, Refused> {
    app.catalog().check_grants(&role.grants).map_err(|unfit| Failure::Refused(unfit.into()))?;
    may_grant(caller, &role.grants)?;
    role.of(caller.tenant().id(), version).map_err(|invalid| Failure::Refused(invalid.into()))
}

fn may_grant(caller: &Caller, grants: &[Grant]) -> Result<(), Refused> {
    let allowed = caller.principal().authority().may_grant(grants, &Target::Tenant, Reach::Here);
    allowed.map_err(|escalation| Failure::Refused(escalation.into()))
}

/// Nobody takes from another what they couldn't grant. One's own roles anybody may lay down, except for what they deny:
/// without it one could do more.
fn may_take<'a>(
    caller: &Caller,
    from: &Member,
    mut taken: impl Iterator<Item = &'a Role>,
) -> Result<(), Refused> {
    let is_own = from.membership.user == caller.user();
    taken.try_for_each(|role| {
        let lines = role.grants().iter().filter(|line| !is_own || line.effect() == Effect::Deny);
        may_grant(caller, &lines.cloned().collect::<Vec<_>>())
    })
}

fn take_role(batch: &mut Batch, member: &Member, role: &RoleKey) {
    let (tenant, user) = (member.membership.tenant, member.membership.user);
    let key = Key::Assignment(tenant, user, role.clone());
    batch.guard(Guard::Present(key.clone()));
    if role.is_owner() {
        batch.guard(Guard::Remain { tenant, role: role.clone(), least: 1, leaving: user });
    }
    batch.change(Change::Delete(key));
}

async fn member(app: &Tenantry, caller: &Caller, user: UserId) -> Result<Member, Refused> {
    app.members(caller).get(user).await
}
