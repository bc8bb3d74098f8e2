use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::snapshot::Snapshot;
use super::{AccessRefusal, Draft, Refused, refuse};
use crate::store::{Change, Guard, Key, Record};
use crate::{
    AccessDocument, Assignee, Assignment, AssignmentEntry, DryRun, Edit, PrincipalId, Role, RoleEntry, Team,
    TeamEntry, TeamId, TeamMember, TenantId,
};

/// Makes the tenant's roles, teams and assignments what the document says, as far as the caller may.
pub(super) async fn import(draft: &mut Draft<'_>, after: &AccessDocument) -> Result<(), Refused> {
    let (app, caller) = (draft.app, draft.caller);
    let before = Snapshot::read(app, caller.scope()).await?;
    let tenant = caller.tenant().tenant();
    let plan = app.plans().plan(&tenant.plan).map(|plan| plan.allows.clone()).unwrap_or_default();
    let run = DryRun::of(app.catalog(), tenant.id, &plan, &before.document, after);
    if let Err(refusal) = run.may_import(caller.principal().authority()) {
        return refuse(refusal);
    }
    check_bounds(after)?;
    let mut import = Import { draft, before: &before, tenant: tenant.id };
    run.roles().iter().try_for_each(|edit| import.role(edit))?;
    run.teams().iter().try_for_each(|edit| import.team(edit))?;
    run.assignments().iter().try_for_each(|edit| import.assignment(edit))?;
    let detail = json!({
        "roles": run.roles().len(),
        "teams": run.teams().len(),
        "assignments": run.assignments().len(),
    });
    draft.note("access.import", format!("tenant:{}", tenant.id), detail);
    Ok(())
}

/// What a document may hold in all, but not of one.
fn check_bounds(document: &AccessDocument) -> Result<(), Refused> {
    let mut assigned: BTreeMap<Assignee, usize> = BTreeMap::new();
    let mut teams: BTreeMap<PrincipalId, usize> = BTreeMap::new();
    for assignment in document.assignments() {
        *assigned.entry(assignment.assignee).or_default() += 1;
    }
    for member in document.teams().iter().flat_map(|team| &team.members) {
        *teams.entry(*member).or_default() += 1;
    }
    let most = Assignment::MAX_PER_ASSIGNEE;
    if assigned.values().any(|count| *count > most) {
        return refuse(AccessRefusal::TooMany { what: "assignments to one assignee", most });
    }
    let most = Team::MAX_PER_MEMBER;
    if teams.values().any(|count| *count > most) {
        return refuse(AccessRefusal::TooMany { what: "teams of one member", most });
    }
    Ok(())
}

struct Import<'i, 'd> {
    draft: &'i mut Draft<'d>,
    before: &'i Snapshot,
    tenant: TenantId,
}

impl Import<'_, '_> {
    fn role(&mut self, edit: &Edit<RoleEntry>) -> Result<(), Refused> {
        let (Edit::Added { after: entry }
        | Edit::Changed { before: entry, .. }
        | Edit::Removed { before: entry }) = edit;
        let before = self.before.roles.get(&entry.key).map(Role::version);
        if before.is_some() && entry.key.is_owner() {
            return refuse(AccessRefusal::OwnerRole);
        }
        match (edit, before) {
            (Edit::Removed { .. }, Some(version)) => {
                self.delete_at(Key::Role(self.tenant, entry.key.clone()), version);
            }
            (Edit::Changed { after, .. }, Some(version)) => {
                let role = self.made(after, version + 1)?;
                self.draft.batch.update(Record::Role(role), version);
            }
            (Edit::Added { after }, _) => {
                let role = self.made(after, 1)?;
                self.draft.batch.insert(Record::Role(role));
            }
            (_, None) => {}
        }
        Ok(())
    }

    fn made(&self, entry: &RoleEntry, version: u64) -> Result<Role, Refused> {
        let RoleEntry { key, name, grants } = entry.clone();
        match Role::new(self.tenant, key, name, grants, version) {
            Ok(role) => Ok(role),
            Err(invalid) => refuse(invalid),
        }
    }

    fn team(&mut self, edit: &Edit<TeamEntry>) -> Result<(), Refused> {
        match edit {
            Edit::Added { after } => {
                let at = self.draft.batch.at();
                match Team::new(self.tenant, after.id, after.name.as_str(), after.parent, at) {
                    Ok(team) => self.draft.batch.insert(Record::Team(team)),
                    Err(invalid) => return refuse(invalid),
                }
                self.members(after.id, &[], &after.members);
            }
            Edit::Changed { before, after } => {
                let known = self.before.teams.get(&after.id);
                let is_moved = (&before.name, before.parent) != (&after.name, after.parent);
                if let Some(known) = known.filter(|_| is_moved) {
                    let (name, parent) = (after.name.clone(), after.parent);
                    let team = Team { name, parent, version: known.version + 1, ..known.clone() };
                    self.draft.batch.update(Record::Team(team), known.version);
                }
                self.members(after.id, &before.members, &after.members);
            }
            Edit::Removed { before } => {
                self.members(before.id, &before.members, &[]);
                if let Some(known) = self.before.teams.get(&before.id) {
                    self.delete_at(Key::Team(self.tenant, before.id), known.version);
                }
            }
        }
        Ok(())
    }

    fn members(&mut self, team: TeamId, before: &[PrincipalId], after: &[PrincipalId]) {
        let (was, is): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), after.iter().collect());
        let tenant = self.tenant;
        for member in was.difference(&is) {
            self.delete(Key::TeamMember(tenant, team, **member));
        }
        for member in is.difference(&was) {
            self.draft.batch.guard(Guard::Present(Key::of_assignee(tenant, (**member).into())));
            self.draft.batch.insert(Record::TeamMember(TeamMember { tenant, team, member: **member }));
        }
    }

    /// Owners come and go at once here: that one remains was seen in the document.
    fn assignment(&mut self, edit: &Edit<AssignmentEntry>) -> Result<(), Refused> {
        match edit {
            Edit::Added { after } => {
                let assignee = Key::of_assignee(self.tenant, after.assignee);
                if !matches!(after.assignee, Assignee::Team(_)) {
                    self.draft.batch.guard(Guard::Present(assignee));
                }
                self.draft.batch.insert(Record::Assignment(self.assigned(after)));
            }
            Edit::Changed { after, .. } => {
                self.draft.batch.update(Record::Assignment(self.assigned(after)), 1);
            }
            Edit::Removed { before } => {
                let key = Key::of_assignment(&self.assigned(before));
                self.delete(key);
            }
        }
        Ok(())
    }

    fn assigned(&self, entry: &AssignmentEntry) -> Assignment {
        let AssignmentEntry { role, assignee, on, descends } = entry.clone();
        Assignment { tenant: self.tenant, assignee, role, on, descends }
    }

    fn delete_at(&mut self, key: Key, version: u64) {
        self.draft.batch.guard(Guard::Version { key: key.clone(), version });
        self.draft.batch.change(Change::Delete(key));
    }

    fn delete(&mut self, key: Key) {
        self.draft.batch.guard(Guard::Present(key.clone()));
        self.draft.batch.change(Change::Delete(key));
    }
}
