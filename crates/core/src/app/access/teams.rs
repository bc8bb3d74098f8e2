use std::collections::BTreeMap;

use serde_json::json;

use super::escalation::{Whose, may_give, may_take};
use super::{AccessChange, AccessRefusal, Draft, Refused, all, command, command_of, refuse};
use crate::app::{Command, Operation, Tenantry};
use crate::store::{Guard, Key, Record};
use crate::{
    Assignee, Caller, Holding, Page, PageRequest, PrincipalId, Team, TeamId, TeamMember, Unavailable,
};

impl Tenantry {
    /// The teams of the caller's tenant.
    #[must_use]
    pub fn teams<'a>(&'a self, caller: &'a Caller) -> Teams<'a> {
        Teams { app: self, caller }
    }
}

/// The teams of a tenant, and who is in them.
///
/// Who is put in a team receives what is assigned to it and to the teams above it, and who makes a team part of another
/// hands that one's roles to everybody in it: both only as far as the caller could grant it.
///
/// ```
/// use tenantry_core::{AccessRefusal, Caller, Failure, TeamId, Tenantry};
///
/// /// A team below another one. What that holds, whoever is in this one holds too.
/// async fn split(app: &Tenantry, caller: &Caller, above: TeamId) -> Result<TeamId, Failure<AccessRefusal>> {
///     app.teams(caller).create("Platform", Some(above)).await
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Teams<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

impl<'a> Teams<'a> {
    /// A page of them, by id.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn page(&self, page: &PageRequest) -> Result<Page<Team>, Unavailable> {
        self.app.store().teams(self.caller.scope(), page).await
    }

    /// A page of who is in one of them; not of who is in the teams below it.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn members(&self, team: TeamId, page: &PageRequest) -> Result<Page<TeamMember>, Unavailable> {
        self.app.store().members_of(self.caller.scope(), team, page).await
    }

    /// Makes a team with nobody in it, and answers its id; at most [`Team::MAX`].
    pub fn create(
        &self,
        name: &str,
        parent: Option<TeamId>,
    ) -> Command<'a, impl Operation<Outcome = TeamId, Refusal = AccessRefusal> + use<>> {
        let team = TeamId::generate();
        let change = TeamChange::Create { team, name: name.to_owned(), parent };
        command_of(self.app, self.caller, AccessChange::Team(change), team)
    }

    /// Gives a team another name.
    pub fn rename(
        &self,
        team: TeamId,
        name: &str,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(TeamChange::Rename { team, name: name.to_owned() })
    }

    /// Makes a team part of another, or of none: from then on everybody in it and below it holds what is assigned to
    /// the teams above, and no longer what was.
    pub fn place(
        &self,
        team: TeamId,
        parent: Option<TeamId>,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(TeamChange::Move { team, parent })
    }

    /// Deletes a team that is empty: nobody in it, no team below it, nothing assigned to it.
    pub fn delete(
        &self,
        team: TeamId,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(TeamChange::Delete(team))
    }

    /// Puts a member or a program of the tenant into a team; at most [`Team::MAX_PER_MEMBER`] of one principal.
    pub fn add(
        &self,
        team: TeamId,
        member: PrincipalId,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(TeamChange::Add(team, member))
    }

    /// Takes somebody out of a team. One's own leaving is refused where the team's roles deny one something.
    pub fn remove(
        &self,
        team: TeamId,
        member: PrincipalId,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(TeamChange::Remove(team, member))
    }

    fn change(
        &self,
        change: TeamChange,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        command(self.app, self.caller, AccessChange::Team(change))
    }
}

#[derive(Debug, Clone)]
pub(super) enum TeamChange {
    Create { team: TeamId, name: String, parent: Option<TeamId> },
    Rename { team: TeamId, name: String },
    Move { team: TeamId, parent: Option<TeamId> },
    Delete(TeamId),
    Add(TeamId, PrincipalId),
    Remove(TeamId, PrincipalId),
}

impl TeamChange {
    pub(super) async fn write(&self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        let teams = Tree::read(draft).await?;
        match self {
            Self::Create { team, name, parent } => create(draft, &teams, *team, name, *parent),
            Self::Rename { team, name } => rename(draft, &teams, *team, name),
            Self::Move { team, parent } => place(draft, &teams, *team, *parent).await,
            Self::Delete(team) => delete(draft, &teams, *team).await,
            Self::Add(team, member) => add(draft, &teams, *team, *member).await,
            Self::Remove(team, member) => remove(draft, &teams, *team, *member).await,
        }
    }
}

fn create(
    draft: &mut Draft<'_>,
    teams: &Tree,
    id: TeamId,
    name: &str,
    parent: Option<TeamId>,
) -> Result<(), Refused> {
    if teams.teams.len() >= Team::MAX {
        return refuse(AccessRefusal::TooMany { what: "teams", most: Team::MAX });
    }
    if let Some(parent) = parent {
        teams.get(parent)?;
    }
    if teams.line(parent).len() >= Team::MAX_DEPTH {
        return refuse(AccessRefusal::TooDeep);
    }
    let tenant = draft.caller.tenant().id();
    let team = match Team::new(tenant, id, name, parent, draft.batch.at()) {
        Ok(team) => team,
        Err(invalid) => return refuse(invalid),
    };
    draft.batch.insert(Record::Team(team));
    draft.note("team.create", format!("team:{id}"), json!({ "name": name, "parent": parent }));
    Ok(())
}

fn rename(draft: &mut Draft<'_>, teams: &Tree, id: TeamId, name: &str) -> Result<(), Refused> {
    let before = teams.get(id)?;
    let named = match Team::new(before.tenant, id, name, before.parent, before.created_at) {
        Ok(named) => named,
        Err(invalid) => return refuse(invalid),
    };
    draft.batch.update(Record::Team(Team { version: before.version + 1, ..named }), before.version);
    draft.note("team.rename", format!("team:{id}"), json!({ "name": name }));
    Ok(())
}

async fn place(
    draft: &mut Draft<'_>,
    teams: &Tree,
    id: TeamId,
    parent: Option<TeamId>,
) -> Result<(), Refused> {
    let before = teams.get(id)?;
    if let Some(parent) = parent {
        teams.get(parent)?;
    }
    let (old, new) = (teams.line(before.parent), teams.line(parent));
    if new.contains(&id) {
        return refuse(AccessRefusal::Circular);
    }
    if new.len() + teams.height(id) > Team::MAX_DEPTH {
        return refuse(AccessRefusal::TooDeep);
    }
    let gained: Vec<TeamId> = new.iter().filter(|team| !old.contains(team)).copied().collect();
    let lost: Vec<TeamId> = old.iter().filter(|team| !new.contains(team)).copied().collect();
    may_give(draft.caller, &assigned(draft, &gained).await?)?;
    may_take(draft.caller, Whose::Others, &assigned(draft, &lost).await?)?;
    let moved = Team { parent, version: before.version + 1, ..before.clone() };
    draft.batch.update(Record::Team(moved), before.version);
    draft.note("team.move", format!("team:{id}"), json!({ "parent": parent }));
    Ok(())
}

async fn delete(draft: &mut Draft<'_>, teams: &Tree, id: TeamId) -> Result<(), Refused> {
    let before = teams.get(id)?;
    if teams.teams.values().any(|team| team.parent == Some(id)) {
        return refuse(AccessRefusal::InUse { by: "teams below it" });
    }
    if !assigned(draft, &[id]).await?.is_empty() {
        return refuse(AccessRefusal::InUse { by: "assignments" });
    }
    let members = draft.app.store().members_of(draft.caller.scope(), id, &PageRequest::first()).await?;
    if !members.items.is_empty() {
        return refuse(AccessRefusal::InUse { by: "members" });
    }
    let key = Key::Team(before.tenant, id);
    draft.batch.guard(Guard::Version { key: key.clone(), version: before.version });
    draft.delete(key);
    draft.note_change("team.delete", format!("team:{id}"));
    Ok(())
}

async fn add(draft: &mut Draft<'_>, teams: &Tree, team: TeamId, member: PrincipalId) -> Result<(), Refused> {
    teams.get(team)?;
    let facts = draft.principal(member).await?;
    if facts.teams.len() >= Team::MAX_PER_MEMBER {
        return refuse(AccessRefusal::TooMany { what: "teams of one member", most: Team::MAX_PER_MEMBER });
    }
    may_give(draft.caller, &assigned(draft, &teams.line(Some(team))).await?)?;
    let tenant = draft.caller.tenant().id();
    draft.batch.guard(Guard::Present(Key::Team(tenant, team)));
    draft.batch.guard(Guard::Present(Key::of_assignee(tenant, member.into())));
    draft.batch.insert(Record::TeamMember(TeamMember { tenant, team, member }));
    draft.note("team.add", format!("team:{team}"), json!({ "member": member.to_string() }));
    Ok(())
}

async fn remove(
    draft: &mut Draft<'_>,
    teams: &Tree,
    team: TeamId,
    member: PrincipalId,
) -> Result<(), Refused> {
    teams.get(team)?;
    may_take(draft.caller, draft.whose(member), &assigned(draft, &teams.line(Some(team))).await?)?;
    draft.delete(Key::TeamMember(draft.caller.tenant().id(), team, member));
    draft.note("team.remove", format!("team:{team}"), json!({ "member": member.to_string() }));
    Ok(())
}

/// What is assigned to any of these teams.
async fn assigned(draft: &Draft<'_>, teams: &[TeamId]) -> Result<Vec<Holding>, Refused> {
    let mut held = Vec::new();
    for team in teams {
        held.extend(draft.app.store().assigned(draft.caller.scope(), Assignee::Team(*team)).await?);
    }
    Ok(held)
}

/// All teams of a tenant.
struct Tree {
    teams: BTreeMap<TeamId, Team>,
}

impl Tree {
    async fn read(draft: &Draft<'_>) -> Result<Self, Refused> {
        let (store, scope) = (draft.app.store(), draft.caller.scope());
        let teams = all("teams", Team::MAX, |page| async move { store.teams(scope, &page).await }).await?;
        Ok(Self { teams: teams.into_iter().map(|team| (team.id, team)).collect() })
    }

    fn get(&self, team: TeamId) -> Result<&Team, Refused> {
        self.teams.get(&team).map_or_else(|| refuse(AccessRefusal::NotFound), Ok)
    }

    /// A team and those above it, the lowest first; nothing for none.
    fn line(&self, from: Option<TeamId>) -> Vec<TeamId> {
        let parent = |team: &TeamId| self.teams.get(team).and_then(|team| team.parent);
        std::iter::successors(from, parent).take(Team::MAX_DEPTH).collect()
    }

    /// How many teams stand above one another from this one down, itself counted.
    fn height(&self, top: TeamId) -> usize {
        let place = |team: &Team| self.line(Some(team.id)).iter().position(|above| *above == top);
        self.teams.values().filter_map(place).max().map_or(1, |depth| depth + 1)
    }
}
