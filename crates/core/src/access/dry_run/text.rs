//! The dry run as a report.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use super::super::document::{AssignmentEntry, RoleEntry, TeamEntry};
use super::super::extent::Extent;
use super::super::grant::Grant;
use super::super::holding::Target;
use super::{Direction, DryRun, Edit, PermissionChange, PrincipalChange};

/// A report for people: the roles, teams and assignments that come (`+`), change (`~`) or go (`-`), then who gains and
/// who loses what.
impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing changes\n");
        }
        write_part(f, "roles", &self.roles)?;
        write_part(f, "teams", &self.teams)?;
        write_part(f, "assignments", &self.assignments)?;
        if self.principals.is_empty() {
            return f.write_str("nobody gains or loses anything\n");
        }
        f.write_str("who gains and loses\n")?;
        self.principals.iter().try_for_each(|principal| write!(f, "{principal}"))
    }
}

fn write_part<T: Told>(f: &mut fmt::Formatter<'_>, title: &str, edits: &[Edit<T>]) -> fmt::Result {
    if edits.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}")?;
    edits.iter().try_for_each(|edit| match edit {
        Edit::Added { after } => writeln!(f, "  + {}", after.told()),
        Edit::Changed { before, after } => writeln!(f, "  ~ {}", before.told_change(after)),
        Edit::Removed { before } => writeln!(f, "  - {}", before.told()),
    })
}

/// An entry of a document, in a line.
trait Told {
    fn told(&self) -> String;
    fn told_change(&self, after: &Self) -> String;
}

impl Told for RoleEntry {
    fn told(&self) -> String {
        let lines = if self.grants.is_empty() { "nothing".to_owned() } else { Grant::list(&self.grants) };
        format!("{} {:?}: {lines}", self.key, self.name)
    }

    fn told_change(&self, after: &Self) -> String {
        let lines = differences(&self.grants, &after.grants);
        format!("{}{}", self.key, list(renamed(&self.name, &after.name).into_iter().chain(lines)))
    }
}

impl Told for TeamEntry {
    fn told(&self) -> String {
        let parent = self.parent.map(|parent| format!(" under {parent}")).unwrap_or_default();
        format!("{} {:?}{parent}: {} members", self.id, self.name, self.members.len())
    }

    fn told_change(&self, after: &Self) -> String {
        let moved = (self.parent != after.parent).then(|| match after.parent {
            Some(parent) => format!("moves under {parent}"),
            None => "moves to the top".to_owned(),
        });
        let members = differences(&self.members, &after.members);
        let all = renamed(&self.name, &after.name).into_iter().chain(moved).chain(members);
        format!("{} {:?}{}", self.id, self.name, list(all))
    }
}

impl Told for AssignmentEntry {
    fn told(&self) -> String {
        let Self { role, assignee, on, descends } = self;
        let below = if *descends { " and below" } else { "" };
        match on {
            Target::Tenant => format!("{role} to {assignee} in the tenant{below}"),
            Target::Resource(resource) => format!("{role} to {assignee} on {resource}{below}"),
        }
    }

    fn told_change(&self, after: &Self) -> String {
        format!("{}, no longer {}", after.told(), if self.descends { "below" } else { "there only" })
    }
}

fn renamed(before: &str, after: &str) -> Option<String> {
    (before != after).then(|| format!("named {after:?}"))
}

/// What is only in one of two lists.
fn differences<T: fmt::Display + Eq + Hash>(before: &[T], after: &[T]) -> Vec<String> {
    let (was, is): (HashSet<&T>, HashSet<&T>) = (before.iter().collect(), after.iter().collect());
    let gone = before.iter().filter(|one| !is.contains(one)).map(|one| format!("- {one}"));
    let come = after.iter().filter(|one| !was.contains(one)).map(|one| format!("+ {one}"));
    come.chain(gone).collect()
}

fn list(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join("; ")) }
}

/// What changes in one place in one way, together.
impl fmt::Display for PrincipalChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}", self.principal)?;
        let mut places = self.changes.chunk_by(|one, two| one.place == two.place);
        places.try_for_each(|changes| write_place(f, changes))
    }
}

/// The changes in one place.
fn write_place(f: &mut fmt::Formatter<'_>, changes: &[PermissionChange]) -> fmt::Result {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for change in changes {
        let told = change.told();
        match groups.iter_mut().find(|(known, _)| *known == told) {
            Some((_, permissions)) => permissions.push(change.permission.as_str()),
            None => groups.push((told, vec![change.permission.as_str()])),
        }
    }
    groups.iter().try_for_each(|(told, permissions)| writeln!(f, "    {told}: {}", permissions.join(", ")))
}

impl PermissionChange {
    fn told(&self) -> String {
        let Self { place, direction, before, after, .. } = self;
        match direction {
            Direction::Gained => format!("gains {after}, {place}"),
            Direction::Lost if *before == Extent::Always => format!("loses all, {place}"),
            Direction::Lost => format!("loses what it had {before}, {place}"),
            Direction::Widened => format!("has it more widely, {after} instead of {before}, {place}"),
            Direction::Narrowed => format!("has it less widely, {after} instead of {before}, {place}"),
            Direction::Kept if *after == Extent::Never => format!("still has nothing, {place}"),
            Direction::Kept => format!("keeps it {after}, {place}"),
            Direction::Altered => format!("has it otherwise, {after} instead of {before}, {place}"),
        }
    }
}
