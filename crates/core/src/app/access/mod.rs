//! Who may do what in a tenant: its members, roles, teams and programs, changed.
//!
//! Each change is decided on what was read, and committed only if the tenant's epoch hasn't moved since: two changes of
//! one tenant never happen at once, so that what was counted and what was found absent is still so.

mod escalation;
mod impersonation;
mod import;
mod members;
mod programs;
mod review;
mod roles;
mod snapshot;
mod teams;

use async_trait::async_trait;
use serde_json::json;

use super::operation::sealed::Sealed;
use super::{Actor, Attempt, Command, Failure, Operation, Tenantry};
use crate::store::{Change, Guard, Key};
use crate::{
    Assignee, Batch, Caller, Escalation, GuardFailure, ImportRefusal, InvalidAccess, InvalidApiKey,
    InvalidName, InvalidRole, Page, PageRequest, PrincipalFacts, PrincipalId, Unavailable, UnfitGrant,
    UnknownScope,
};

pub use impersonation::ImpersonationRefusal;
pub use members::Members;
pub use programs::{NewApiKey, Programs};
pub use review::AccessReview;
pub use roles::TenantRoles;
pub use teams::Teams;

use escalation::Whose;
use members::MemberChange;
use programs::ProgramChange;
use roles::RoleChange;
use teams::TeamChange;

/// Why who may do what isn't changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessRefusal {
    /// The application's catalog lacks the permission that was asked about.
    #[error("the catalog has no such permission: list it where the catalog is built")]
    NotInCatalog,
    /// The tenant has no such member, role, team or program.
    #[error("there is no such member, role, team or program")]
    NotFound,
    /// The role `owner` stays as the tenant was founded with it.
    #[error("the role owner can't be redefined or deleted: define another role")]
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
    /// What the key would carry means nothing in this application.
    #[error(transparent)]
    Scope(#[from] UnknownScope),
    /// The role can't be stored.
    #[error(transparent)]
    Role(#[from] InvalidRole),
    /// Nobody could read the name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The key can't be stored.
    #[error(transparent)]
    ApiKey(#[from] InvalidApiKey),
    /// The document can't be imported.
    #[error(transparent)]
    Import(#[from] ImportRefusal),
    /// What is stored doesn't fit a document.
    #[error(transparent)]
    Document(#[from] InvalidAccess),
    /// There are as many as there may be.
    #[error("there may be at most {most} {what}: take some away first")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// Something still hangs on what would be deleted.
    #[error("it is still in use: first take away its {by}")]
    InUse {
        /// What hangs on it.
        by: &'static str,
    },
    /// A team would be above itself.
    #[error("a team can't be a part of itself, or of a team below it")]
    Circular,
    /// Too many teams would stand above one another.
    #[error("at most 8 teams stand above one another")]
    TooDeep,
}

type Refused = Failure<AccessRefusal>;

fn refuse<T>(refusal: impl Into<AccessRefusal>) -> Result<T, Refused> {
    Err(Failure::Refused(refusal.into()))
}

/// A change of who may do what.
#[derive(Debug, Clone)]
enum AccessChange {
    Member(MemberChange),
    Role(RoleChange),
    Team(TeamChange),
    Program(ProgramChange),
}

struct ChangeAccess<T> {
    change: AccessChange,
    /// What the caller gets to know: the id of what was made, or nothing.
    made: T,
}

fn command<'a>(app: &'a Tenantry, caller: &Caller, change: AccessChange) -> Command<'a, ChangeAccess<()>> {
    command_of(app, caller, change, ())
}

/// A command that makes something under an id that nobody chose: under an id of somebody in a tenant above, it would
/// hold here what that one does.
fn command_of<'a, T: Copy + Send + Sync>(
    app: &'a Tenantry,
    caller: &Caller,
    change: AccessChange,
    made: T,
) -> Command<'a, ChangeAccess<T>> {
    Command::new(app, caller.into(), ChangeAccess { change, made })
}

impl<T> Sealed for ChangeAccess<T> {}

#[async_trait]
impl<T: Copy + Send + Sync> Operation for ChangeAccess<T> {
    type Outcome = T;
    type Refusal = AccessRefusal;

    async fn attempt(&self, app: &Tenantry, by: &Actor, batch: &mut Batch) -> Result<Attempt<T>, Refused> {
        let Actor::Caller(caller) = by else {
            return Err(Failure::AuthorityChanged);
        };
        let mut draft = Draft { app, by, caller, batch };
        match &self.change {
            AccessChange::Member(change) => change.write(&mut draft).await?,
            AccessChange::Role(change) => change.write(&mut draft).await?,
            AccessChange::Team(change) => change.write(&mut draft).await?,
            AccessChange::Program(change) => change.write(&mut draft).await?,
        }
        for (tenant, epoch) in &caller.principal().sources {
            batch.guard(Guard::Epoch { tenant: *tenant, epoch: *epoch });
        }
        batch.change(Change::MoveEpoch(caller.tenant().id()));
        Ok(Attempt::Write(self.made))
    }

    fn refusal(&self, _by: &Actor, failures: &[GuardFailure]) -> Option<AccessRefusal> {
        failures.iter().find_map(|failure| match &failure.guard {
            Guard::Remain { .. } => Some(AccessRefusal::LastOwner),
            Guard::Absent(_) => Some(AccessRefusal::Exists),
            Guard::Present(_) => Some(AccessRefusal::NotFound),
            _ => None,
        })
    }
}

/// A change while it is written: who makes it, and where it goes.
struct Draft<'a> {
    app: &'a Tenantry,
    by: &'a Actor,
    caller: &'a Caller,
    batch: &'a mut Batch,
}

impl Draft<'_> {
    fn note(&mut self, action: &str, target: String, detail: serde_json::Value) {
        self.by.audit(self.batch, action, target, detail);
    }

    /// Whose a change of this principal's is: somebody who acts as another changes nothing of its own.
    fn whose(&self, principal: PrincipalId) -> Whose {
        let is_itself = self.caller.principal().actor().is_none() && self.caller.id() == principal;
        if is_itself { Whose::Own } else { Whose::Others }
    }

    async fn principal(&self, principal: PrincipalId) -> Result<PrincipalFacts, Refused> {
        let found = self.app.store().principal(self.caller.scope(), principal).await?;
        match found.filter(|found| found.enrolment.is_some()) {
            Some(found) => Ok(found),
            None => refuse(AccessRefusal::NotFound),
        }
    }

    /// Ends what is assigned to an assignee itself, and its being in teams: nothing of it is left.
    async fn strip(&mut self, assignee: Assignee, facts: &PrincipalFacts) -> Result<(), Refused> {
        let tenant = self.caller.tenant().id();
        for held in self.app.store().assigned(self.caller.scope(), assignee).await? {
            let key = Key::Assignment(tenant, assignee, held.role.key().clone(), held.on);
            self.delete(key);
        }
        for team in &facts.teams {
            self.delete(Key::TeamMember(tenant, *team, facts.id));
        }
        Ok(())
    }

    /// Deletes a row that was seen; never the last owner's role.
    fn delete(&mut self, key: Key) {
        if let Key::Assignment(tenant, Assignee::User(leaving), role, crate::Target::Tenant) = &key
            && role.is_owner()
        {
            let guard = Guard::Remain { tenant: *tenant, role: role.clone(), least: 1, leaving: *leaving };
            self.batch.guard(guard);
        }
        self.batch.guard(Guard::Present(key.clone()));
        self.batch.change(Change::Delete(key));
    }

    fn note_change(&mut self, action: &str, target: impl std::fmt::Display) {
        self.note(action, target.to_string(), json!({}));
    }
}

/// Every item of a list, page by page; a list of more than `most` is refused.
async fn all<T, F>(
    what: &'static str,
    most: usize,
    mut page: impl FnMut(PageRequest) -> F,
) -> Result<Vec<T>, Refused>
where
    F: Future<Output = Result<Page<T>, Unavailable>>,
{
    let (mut items, mut request) = (Vec::new(), PageRequest::largest());
    loop {
        let found = page(request.clone()).await?;
        items.extend(found.items);
        if items.len() > most {
            return refuse(AccessRefusal::TooMany { what, most });
        }
        match found.next {
            Some(next) => request = request.following(next),
            None => return Ok(items),
        }
    }
}
