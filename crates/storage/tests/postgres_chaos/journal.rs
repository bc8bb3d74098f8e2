//! What a tenant was told, in memory: what has to be in the database, may be there, or must not.

use std::collections::BTreeMap;
use std::fmt::Debug;

use tenantry_core::{CommitError, Failure};
use uuid::Uuid;

/// What is known of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Under way.
    Asked,
    /// It has to be there.
    Acknowledged,
    /// Nobody was told: it is there whole, or not at all.
    Unknown,
    /// It must not be there.
    GivenUp,
}

impl Fate {
    /// Whether this can be what became of it, given whether it is there.
    pub(crate) fn agrees(self, is_there: bool) -> bool {
        match self {
            Self::Acknowledged => is_there,
            Self::GivenUp => !is_there,
            Self::Unknown => true,
            Self::Asked => false,
        }
    }

    /// What the answer of an operation says; `None` for one that was dropped.
    pub(crate) fn told<T, R>(answer: Option<&Result<T, Failure<R>>>) -> Self {
        match answer {
            Some(Ok(_)) => Self::Acknowledged,
            None | Some(Err(Failure::Unavailable(_))) => Self::Unknown,
            Some(Err(_)) => Self::GivenUp,
        }
    }
}

/// Why a request came to nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The quota is used up.
    Exceeded,
    /// What it was about isn't there.
    Gone,
    /// What chaos explains.
    Expected(&'static str),
    /// Nobody can say whether it was written, if it was sent.
    Unsure,
    /// What nothing explains.
    Unexpected(String),
}

/// What a failure is called that chaos explains; `None` for one that it doesn't.
pub(crate) fn explained<R>(failure: &Failure<R>) -> Option<&'static str> {
    match failure {
        Failure::Busy => Some("busy"),
        Failure::Unavailable(_) => Some("unavailable"),
        Failure::Contended => Some("contended"),
        Failure::AuthorityChanged => Some("no longer admitted"),
        Failure::Superseded => Some("superseded"),
        Failure::Refused(_) => Some("refused"),
        _ => None,
    }
}

impl<R: Debug> From<Failure<R>> for Trouble {
    fn from(failure: Failure<R>) -> Self {
        match explained(&failure) {
            _ if matches!(failure, Failure::Unavailable(_)) => Self::Unsure,
            Some("refused") => Self::Exceeded,
            Some(expected) => Self::Expected(expected),
            None => Self::Unexpected(format!("{failure:?}")),
        }
    }
}

impl From<CommitError> for Trouble {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Busy => Self::Expected("busy"),
            CommitError::Unavailable(_) => Self::Unsure,
            other => Self::Unexpected(format!("{other:?}")),
        }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        match (code.as_deref(), &error) {
            (Some("40P01" | "55P03"), _) => Self::Expected("busy"),
            (Some(code), _) if code.starts_with("57P") || code.starts_with("08") => Self::Unsure,
            (None, sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => Self::Unsure,
            _ => Self::Unexpected(format!("{error:?}")),
        }
    }
}

#[derive(Default)]
pub(crate) struct Journal {
    pub(crate) entries: BTreeMap<Uuid, Entry>,
    /// Each use of the counter, with its amount.
    pub(crate) calls: BTreeMap<Uuid, (i64, Fate)>,
}

/// A row of the application's, which stands and falls with a use of a quota, two audit entries and an event.
pub(crate) struct Entry {
    pub(crate) amount: i64,
    pub(crate) added: Fate,
    pub(crate) removals: BTreeMap<Uuid, Fate>,
}

impl Entry {
    /// Whether it is there now, beyond doubt.
    pub(crate) fn is_sure(&self) -> bool {
        self.added == Fate::Acknowledged && self.removals.values().all(|fate| *fate == Fate::GivenUp)
    }
}

impl Journal {
    pub(crate) fn sure(&self) -> Vec<Uuid> {
        self.entries.iter().filter(|(_, entry)| entry.is_sure()).map(|(id, _)| *id).collect()
    }
}
