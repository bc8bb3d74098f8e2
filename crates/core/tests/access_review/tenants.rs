//! Random tenants.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tenantry_core::{AccessDocument, Assignee, AssignmentEntry, PrincipalId, RoleEntry, Target, TeamEntry};

use crate::world::{grants, team, user};

pub(crate) const LINES: [&str; 16] = [
    "*",
    "document:*",
    "*:read",
    "document:read",
    "document:share",
    "folder:read",
    "document:edit when resource.owner = caller.id",
    "document:share when resource.size < 5",
    "document:read when request.mfa_age <= 900",
    "billing:*:read",
    "member:manage",
    "deny document:delete",
    "deny document:read",
    "deny document:edit when resource.size > 6",
    "deny * when resource.owner != caller.id",
    "deny billing:*",
];

const ROLES: [&str; 4] = ["owner", "editor", "viewer", "auditor"];
const TARGETS: [&str; 4] = ["document/1", "document/2", "folder/1", "folder/'1'"];

/// A name: mostly plain, now and then one that's hard to write down.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Z][a-z ]{0,11}",
        1 => "\\PC{1,100}".prop_filter("blank", |name| !name.trim().is_empty() && !name.chars().any(char::is_control)),
    ]
}

fn role() -> impl Strategy<Value = (String, Vec<&'static str>)> {
    (name(), prop::collection::btree_set(prop::sample::select(&LINES[..]), 0..4))
        .prop_map(|(name, lines)| (name, lines.into_iter().collect()))
}

fn principal() -> impl Strategy<Value = PrincipalId> {
    prop_oneof![
        4 => (1..5_u128).prop_map(|number| PrincipalId::User(user(number))),
        1 => Just(PrincipalId::ServiceAccount(tenantry_core::ServiceAccountId::from_uuid(uuid::Uuid::from_u128(50)))),
    ]
}

fn members() -> impl Strategy<Value = BTreeSet<PrincipalId>> {
    prop::collection::btree_set(principal(), 0..3)
}

/// Teams 10, 11, …, each under an earlier one or none.
fn teams() -> impl Strategy<Value = Vec<TeamEntry>> {
    prop::collection::vec((name(), prop::option::of(any::<prop::sample::Index>()), members()), 0..4).prop_map(
        |teams| {
            let entry = |(number, (name, parent, members)): (
                u128,
                (String, Option<prop::sample::Index>, BTreeSet<_>),
            )| {
                let parent = parent
                    .filter(|_| number > 10)
                    .map(|of| team(10 + of.index(usize::try_from(number - 10).unwrap()) as u128));
                TeamEntry { id: team(number), name, parent, members: members.into_iter().collect() }
            };
            (10..).zip(teams).map(entry).collect()
        },
    )
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        1 => Just(Target::Tenant),
        1 => prop::sample::select(&TARGETS[..]).prop_map(|text| Target::Resource(text.parse().unwrap())),
    ]
}

type Assigned = (prop::sample::Index, bool, PrincipalId, prop::sample::Index, Target, bool);

fn assigned() -> impl Strategy<Value = Vec<Assigned>> {
    let one = (
        any::<prop::sample::Index>(),
        prop::bool::weighted(0.3),
        principal(),
        any::<prop::sample::Index>(),
        target(),
        any::<bool>(),
    );
    prop::collection::vec(one, 0..6)
}

/// A document of a few roles, teams and assignments.
pub(crate) fn document() -> impl Strategy<Value = AccessDocument> {
    let roles = prop::collection::btree_map(prop::sample::select(&ROLES[..]), role(), 0..4);
    (roles, teams(), assigned()).prop_map(|(roles, teams, assigned)| {
        let keys: Vec<&str> = roles.keys().copied().collect();
        let mut assignments = BTreeMap::new();
        for (role, to_team, principal, which, on, descends) in assigned {
            if keys.is_empty() {
                break;
            }
            let role: tenantry_core::RoleKey = keys[role.index(keys.len())].parse().unwrap();
            let assignee = match to_team && !teams.is_empty() {
                true => Assignee::Team(teams[which.index(teams.len())].id),
                false => principal.into(),
            };
            let entry = AssignmentEntry { role: role.clone(), assignee, on: on.clone(), descends };
            assignments.insert((role, assignee, on), entry);
        }
        let role = |(key, (name, lines)): (&str, (String, Vec<&str>))| RoleEntry {
            key: key.parse().unwrap(),
            name,
            grants: grants(&lines),
        };
        let roles = roles.into_iter().map(role).rev().collect();
        AccessDocument::new(roles, teams, assignments.into_values().rev().collect()).unwrap()
    })
}

/// A document in which user 1 owns the tenant.
pub(crate) fn owned() -> impl Strategy<Value = AccessDocument> {
    document().prop_map(|document| {
        let owner: tenantry_core::RoleKey = "owner".parse().unwrap();
        let mut roles: Vec<RoleEntry> =
            document.roles().iter().filter(|role| role.key != owner).cloned().collect();
        roles.push(RoleEntry { key: owner.clone(), name: "Owner".to_owned(), grants: grants(&["*"]) });
        let held = AssignmentEntry {
            role: owner,
            assignee: Assignee::User(user(1)),
            on: Target::Tenant,
            descends: false,
        };
        let is_other = |other: &&AssignmentEntry| {
            (&other.role, other.assignee, &other.on) != (&held.role, held.assignee, &held.on)
        };
        let mut assignments: Vec<AssignmentEntry> =
            document.assignments().iter().filter(is_other).cloned().collect();
        assignments.push(held.clone());
        AccessDocument::new(roles, document.teams().to_vec(), assignments).unwrap()
    })
}

/// One edit of an owned document, by numbers that choose.
pub(crate) fn edited(
    document: &AccessDocument,
    what: u8,
    which: &prop::sample::Index,
    line: &str,
) -> AccessDocument {
    let (mut roles, mut teams, mut assignments) =
        (document.roles().to_vec(), document.teams().to_vec(), document.assignments().to_vec());
    let others: Vec<usize> = (0..roles.len()).filter(|at| roles[*at].key.as_str() != "owner").collect();
    match what {
        0 if !others.is_empty() => roles[others[which.index(others.len())]].grants = grants(&[line]),
        1 if !others.is_empty() => roles[others[which.index(others.len())]].grants.clear(),
        2 if !teams.is_empty() => {
            let at = which.index(teams.len());
            let newcomer = PrincipalId::User(user(4));
            match teams[at].members.iter().position(|member| *member == newcomer) {
                Some(place) => drop(teams[at].members.remove(place)),
                None => teams[at].members.push(newcomer),
            }
        }
        3 if teams.len() > 1 => {
            let at = teams.len() - 1;
            teams[at].parent = if teams[at].parent.is_some() { None } else { Some(teams[0].id) };
        }
        4 => {
            let at = which.index(assignments.len());
            let is_owner =
                assignments[at].assignee == Assignee::User(user(1)) && assignments[at].on == Target::Tenant;
            if !is_owner {
                assignments.remove(at);
            }
        }
        5 => {
            let at = which.index(assignments.len());
            assignments[at].descends = !assignments[at].descends;
        }
        _ => {
            let entry = AssignmentEntry {
                role: roles[which.index(roles.len())].key.clone(),
                assignee: Assignee::User(user(9)),
                on: Target::Resource("folder/1".parse().unwrap()),
                descends: true,
            };
            assignments.push(entry);
        }
    }
    AccessDocument::new(roles, teams, assignments).unwrap()
}
