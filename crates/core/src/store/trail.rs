use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AuditId, EventId, InvalidId, TenantId, Timestamp, UserId};

/// An entry of a tenant's audit trail, written in the transaction that it describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// The tenant whose trail it is in.
    pub tenant: TenantId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// What was done, such as `order.accept`.
    pub action: String,
    /// What it was done to, such as `order:0190…`.
    pub target: String,
    /// What else a reader needs.
    pub detail: serde_json::Value,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum AuditActor {
    /// A user.
    User(UserId),
    /// Somebody who isn't signed in.
    Visitor,
    /// The library, for a timer or another piece of work, or a system outside such as a payment provider.
    System(String),
}

impl fmt::Display for AuditActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user:{user}"),
            Self::Visitor => f.write_str("visitor"),
            Self::System(name) => write!(f, "system:{name}"),
        }
    }
}

impl FromStr for AuditActor {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.split_once(':') {
            Some(("user", id)) => id.parse().map(Self::User),
            Some(("system", name)) => Ok(Self::System(name.to_owned())),
            None if text == "visitor" => Ok(Self::Visitor),
            _ => Err(InvalidId),
        }
    }
}

impl From<AuditActor> for String {
    fn from(actor: AuditActor) -> Self {
        actor.to_string()
    }
}

impl TryFrom<String> for AuditActor {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

/// Something that happened to an aggregate, for the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The tenant whose event it is.
    pub tenant: TenantId,
    /// What it happened to.
    pub aggregate: Aggregate,
    /// The aggregate's version after it.
    pub version: u64,
    /// What happened, such as `order.released`.
    pub kind: String,
    /// What a reader needs to know.
    pub payload: serde_json::Value,
    /// When.
    pub at: Timestamp,
}

/// What an event happened to. Its events are delivered in the order of its versions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Aggregate {
    /// What it is, such as `order`.
    pub kind: String,
    /// Which.
    pub id: Uuid,
}
