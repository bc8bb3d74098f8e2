//! Who holds which role, where, and on what.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::resource::ResourceRef;
use super::role::Role;
use crate::id::{ApiKeyId, InvalidId, ServiceAccountId, TeamId, TenantId, UserId};

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum PrincipalId {
    /// A person.
    User(UserId),
    /// A program that a tenant runs.
    ServiceAccount(ServiceAccountId),
    /// A key that a tenant made for a program of somebody else's.
    ApiKey(ApiKeyId),
}

/// To whom a role is assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Assignee {
    /// A person.
    User(UserId),
    /// A team: everybody in it, and in the teams below it.
    Team(TeamId),
    /// A program that the tenant runs.
    ServiceAccount(ServiceAccountId),
    /// A key that the tenant made.
    ApiKey(ApiKeyId),
}

impl PrincipalId {
    /// Every [kind](Self::kind).
    pub const KINDS: [&'static str; 3] = ["user", "service_account", "api_key"];

    /// What it is, as conditions write it: `user`, `service_account` or `api_key`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ServiceAccount(_) => "service_account",
            Self::ApiKey(_) => "api_key",
        }
    }

    /// The bare id.
    #[must_use]
    #[inline]
    pub const fn as_uuid(&self) -> Uuid {
        match self {
            Self::User(id) => id.as_uuid(),
            Self::ServiceAccount(id) => id.as_uuid(),
            Self::ApiKey(id) => id.as_uuid(),
        }
    }
}

impl Assignee {
    /// Every [kind](Self::kind).
    pub const KINDS: [&'static str; 4] = ["user", "team", "service_account", "api_key"];

    /// The assignee of this kind with this id; `None` for a kind that there isn't.
    #[must_use]
    pub fn of_kind(kind: &str, id: Uuid) -> Option<Self> {
        match kind {
            "user" => Some(Self::User(UserId::from_uuid(id))),
            "team" => Some(Self::Team(TeamId::from_uuid(id))),
            "service_account" => Some(Self::ServiceAccount(ServiceAccountId::from_uuid(id))),
            "api_key" => Some(Self::ApiKey(ApiKeyId::from_uuid(id))),
            _ => None,
        }
    }

    /// What it is, as it is written: `user`, `team`, `service_account` or `api_key`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Team(_) => "team",
            Self::ServiceAccount(_) => "service_account",
            Self::ApiKey(_) => "api_key",
        }
    }

    /// The bare id.
    #[must_use]
    pub const fn as_uuid(&self) -> Uuid {
        match self {
            Self::User(id) => id.as_uuid(),
            Self::Team(id) => id.as_uuid(),
            Self::ServiceAccount(id) => id.as_uuid(),
            Self::ApiKey(id) => id.as_uuid(),
        }
    }

    /// Who acts, if it is no team.
    #[must_use]
    pub const fn principal(self) -> Option<PrincipalId> {
        match self {
            Self::User(user) => Some(PrincipalId::User(user)),
            Self::ServiceAccount(account) => Some(PrincipalId::ServiceAccount(account)),
            Self::ApiKey(key) => Some(PrincipalId::ApiKey(key)),
            Self::Team(_) => None,
        }
    }
}

impl FromStr for Assignee {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (kind, id) = text.split_once(':').ok_or(InvalidId)?;
        Self::of_kind(kind, Uuid::try_parse(id).map_err(|_| InvalidId)?).ok_or(InvalidId)
    }
}

impl FromStr for PrincipalId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse::<Assignee>()?.principal().ok_or(InvalidId)
    }
}

impl From<PrincipalId> for Assignee {
    fn from(principal: PrincipalId) -> Self {
        match principal {
            PrincipalId::User(user) => Self::User(user),
            PrincipalId::ServiceAccount(account) => Self::ServiceAccount(account),
            PrincipalId::ApiKey(key) => Self::ApiKey(key),
        }
    }
}

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.as_uuid())
    }
}

impl fmt::Display for Assignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.as_uuid())
    }
}

/// What a role is assigned on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Everything in the tenant.
    Tenant,
    /// One resource.
    Resource(ResourceRef),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str("tenant"),
            Self::Resource(resource) => resource.fmt(f),
        }
    }
}

/// A role that a principal holds, and how it came to it: an assignment that was found for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The role, as it is now.
    pub role: Arc<Role>,
    /// To whom it is assigned: the principal, or a team that it is in.
    pub assignee: Assignee,
    /// The tenant in which it is assigned: that of the request, or one above it.
    pub tenant: TenantId,
    /// On what.
    pub on: Target,
    /// Whether it reaches what lies below: the tenants under a tenant, what a container holds.
    pub descends: bool,
}

impl Holding {
    /// The role on the whole tenant that defines it, and not below.
    #[must_use]
    pub fn of(role: impl Into<Arc<Role>>, assignee: Assignee) -> Self {
        let role = role.into();
        let tenant = role.tenant();
        Self { role, assignee, tenant, on: Target::Tenant, descends: false }
    }

    /// The same on one resource only.
    #[must_use]
    pub fn on(self, resource: ResourceRef) -> Self {
        Self { on: Target::Resource(resource), ..self }
    }

    /// The same, and below.
    #[must_use]
    pub fn descending(self) -> Self {
        Self { descends: true, ..self }
    }
}
