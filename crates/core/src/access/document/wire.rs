//! The document's JSON.

use std::fmt::Display;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::grant::Grant;
use super::super::holding::{Assignee, PrincipalId, Target};
use super::super::role::RoleKey;
use super::{AccessDocument, AssignmentEntry, InvalidAccess, RoleEntry, TeamEntry};
use crate::id::TeamId;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    version: Version,
    roles: Vec<RoleWire>,
    teams: Vec<TeamWire>,
    assignments: Vec<AssignmentWire>,
}

/// [`AccessDocument::VERSION`].
struct Version;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleWire {
    key: RoleKey,
    name: String,
    grants: Vec<Grant>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamWire {
    id: Exact<TeamId>,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<Exact<TeamId>>,
    members: Vec<Exact<PrincipalId>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignmentWire {
    role: RoleKey,
    assignee: Exact<Assignee>,
    on: Exact<Target>,
    descends: bool,
}

/// Text that is read in the one form in which it is written.
struct Exact<T>(T);

impl<T: Display> Serialize for Exact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: Named> Deserialize<'de> for Exact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = T::named(&text).filter(|read| read.to_string() == text);
        read.map(Self).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &T::EXPECTED))
    }
}

/// What text names.
trait Named: Display + Sized {
    const EXPECTED: &'static str;

    fn named(text: &str) -> Option<Self>;
}

impl Named for TeamId {
    const EXPECTED: &'static str = "a hyphenated lower-case UUID";

    fn named(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Named for Assignee {
    const EXPECTED: &'static str =
        "user:UUID, team:UUID, service_account:UUID or api_key:UUID, in lower case";

    fn named(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Named for PrincipalId {
    const EXPECTED: &'static str = "user:UUID, service_account:UUID or api_key:UUID, in lower case";

    fn named(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Named for Target {
    const EXPECTED: &'static str = "tenant, or a resource like listing/42, listing/UUID or folder/'plans'";

    fn named(text: &str) -> Option<Self> {
        if text == "tenant" { Some(Self::Tenant) } else { text.parse().ok().map(Self::Resource) }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(AccessDocument::VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version = u32::deserialize(deserializer)?;
        let unexpected = Unexpected::Unsigned(u64::from(version));
        let is_known = version == AccessDocument::VERSION;
        if is_known { Ok(Self) } else { Err(D::Error::invalid_value(unexpected, &"version 1")) }
    }
}

impl From<AccessDocument> for Wire {
    fn from(document: AccessDocument) -> Self {
        let role = |RoleEntry { key, name, grants }| RoleWire { key, name, grants };
        Self {
            version: Version,
            roles: document.roles.into_iter().map(role).collect(),
            teams: document.teams.into_iter().map(TeamWire::from).collect(),
            assignments: document.assignments.into_iter().map(AssignmentWire::from).collect(),
        }
    }
}

impl From<TeamEntry> for TeamWire {
    fn from(TeamEntry { id, name, parent, members }: TeamEntry) -> Self {
        let members = members.into_iter().map(Exact).collect();
        Self { id: Exact(id), name, parent: parent.map(Exact), members }
    }
}

impl From<AssignmentEntry> for AssignmentWire {
    fn from(AssignmentEntry { role, assignee, on, descends }: AssignmentEntry) -> Self {
        Self { role, assignee: Exact(assignee), on: Exact(on), descends }
    }
}

impl TryFrom<Wire> for AccessDocument {
    type Error = InvalidAccess;

    fn try_from(wire: Wire) -> Result<Self, InvalidAccess> {
        let role = |RoleWire { key, name, grants }| RoleEntry { key, name, grants };
        let team = |TeamWire { id, name, parent, members }| TeamEntry {
            id: id.0,
            name,
            parent: parent.map(|parent| parent.0),
            members: members.into_iter().map(|member| member.0).collect(),
        };
        let assignment = |AssignmentWire { role, assignee, on, descends }| AssignmentEntry {
            role,
            assignee: assignee.0,
            on: on.0,
            descends,
        };
        Self::new(
            wire.roles.into_iter().map(role).collect(),
            wire.teams.into_iter().map(team).collect(),
            wire.assignments.into_iter().map(assignment).collect(),
        )
    }
}
