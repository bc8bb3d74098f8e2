use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AuditId, Caller, EventId, InvalidId, PrincipalId, TenantId, Timestamp};

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
    /// A user, a service account or a key.
    Principal(PrincipalId),
    /// Somebody who acts as somebody else.
    Impersonation {
        /// Who acts.
        actor: PrincipalId,
        /// As whom.
        subject: PrincipalId,
    },
    /// Somebody who isn't signed in.
    Visitor,
    /// The library, for a timer or another piece of work, or a system outside such as a payment provider.
    System(String),
}

impl fmt::Display for AuditActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(principal) => principal.fmt(f),
            Self::Impersonation { actor, subject } => write!(f, "{actor} as {subject}"),
            Self::Visitor => f.write_str("visitor"),
            Self::System(name) => write!(f, "system:{name}"),
        }
    }
}

impl FromStr for AuditActor {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match (text, text.strip_prefix("system:")) {
            ("visitor", _) => Ok(Self::Visitor),
            (_, Some(name)) => Ok(Self::System(name.to_owned())),
            (_, None) => match text.split_once(" as ") {
                Some((actor, subject)) => {
                    Ok(Self::Impersonation { actor: actor.parse()?, subject: subject.parse()? })
                }
                None => text.parse().map(Self::Principal),
            },
        }
    }
}

impl From<&Caller> for AuditActor {
    fn from(caller: &Caller) -> Self {
        let subject = caller.id();
        match caller.principal().actor() {
            Some(actor) => Self::Impersonation { actor, subject },
            None => Self::Principal(subject),
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
