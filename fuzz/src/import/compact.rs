//! Documents in a short form, which reaches far more of them than mutated JSON does.

use tenantry_core::{
    AccessDocument, Assignee, AssignmentEntry, Grant, PrincipalId, RoleEntry, Target, TeamEntry, TeamId,
};
use uuid::Uuid;

/// The document that these lines say, if there can be such a one; a line that says nothing is passed over.
///
/// | line | says |
/// | --- | --- |
/// | `role editor document:edit; deny document:delete` | there is this role, with these lines |
/// | `team 7 in 6 u1 s2` | team 7 stands below team 6; user 1 and service account 2 are in it |
/// | `hold editor t7 folder/1 below` | team 7 holds the role on folder 1 and what it contains |
pub(super) fn document(text: &str) -> Option<AccessDocument> {
    let (mut roles, mut teams, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("role", said)) => roles.extend(role(said)),
            Some(("team", said)) => teams.extend(team(said)),
            Some(("hold", said)) => held.extend(assignment(said)),
            _ => {}
        }
    }
    match AccessDocument::new(roles, teams, held) {
        Ok(document) => Some(document),
        Err(refused) => {
            assert!(!refused.to_string().is_empty());
            None
        }
    }
}

fn role(said: &str) -> Option<RoleEntry> {
    let (key, lines) = said.split_once(' ').unwrap_or((said, ""));
    let lines = lines.split(';').map(str::trim).filter(|line| !line.is_empty());
    let grants = lines.map(str::parse).collect::<Result<Vec<Grant>, _>>().ok()?;
    Some(RoleEntry { key: key.parse().ok()?, name: key.to_owned(), grants })
}

fn team(said: &str) -> Option<TeamEntry> {
    let mut words = said.split(' ').peekable();
    let id = team_id(words.next()?)?;
    let parent = if words.next_if_eq(&"in").is_some() { Some(team_id(words.next()?)?) } else { None };
    let members = words.map(|word| assignee(word)?.principal()).collect::<Option<Vec<PrincipalId>>>()?;
    Some(TeamEntry { id, name: "Team".to_owned(), parent, members })
}

fn assignment(said: &str) -> Option<AssignmentEntry> {
    let mut words = said.split(' ');
    let role = words.next()?.parse().ok()?;
    let assignee = assignee(words.next()?)?;
    let on = match words.next()? {
        "tenant" => Target::Tenant,
        resource => Target::Resource(resource.parse().ok()?),
    };
    Some(AssignmentEntry { role, assignee, on, descends: words.next() == Some("below") })
}

fn assignee(word: &str) -> Option<Assignee> {
    let (kind, number) = word.split_at_checked(1)?;
    let kind = match kind {
        "u" => "user",
        "t" => "team",
        "s" => "service_account",
        "k" => "api_key",
        _ => return None,
    };
    Assignee::of_kind(kind, uuid(number)?)
}

fn team_id(word: &str) -> Option<TeamId> {
    uuid(word).map(TeamId::from_uuid)
}

fn uuid(number: &str) -> Option<Uuid> {
    number.parse::<u8>().ok().map(|number| Uuid::from_u128(number.into()))
}
