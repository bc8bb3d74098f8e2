use std::error::Error;
use std::fmt;

use super::{Answer, Guard};

/// The store can't say: it is away, too busy, or what it holds can't be read. Never a yes and never a no.
///
/// Over HTTP it is 503, never 403 and never 429.
#[derive(Debug)]
pub struct Unavailable {
    doing: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Unavailable {
    /// The store could not do `doing` (such as "read an order") because of `source`.
    pub fn new(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing, source: Some(source.into()) }
    }

    /// The store could not do `doing`, with nothing more to say.
    #[must_use]
    pub fn bare(doing: &'static str) -> Self {
        Self { doing, source: None }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store could not {}", self.doing)
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// Why a batch was not applied. None of it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Guards failed: all of them are listed, each with what the store found instead.
    #[error("{} of the batch's guards failed", .0.len())]
    Refused(Vec<GuardFailure>),
    /// The same request under the same key was committed before: this was its answer.
    #[error("the request was answered before")]
    Answered(Answer),
    /// Another request was committed under the same key.
    #[error("the idempotency key was used for another request")]
    KeyMismatch,
    /// The batch's tenant is not the one whose transaction it was to join.
    #[error("the batch names another tenant than the transaction's")]
    OtherTenant,
    /// The batch writes more than usage, trail and keys: it can't join a transaction of the application's.
    #[error("only uses of meters and notes can join a transaction: commit this by itself")]
    NotJoinable,
    /// A plain commit in a task that holds a transaction of the application's: it would wait for itself.
    #[error("this task holds a transaction: use commit_in, or end the transaction first")]
    Nested,
    /// More than [`Batch::MAX_CHANGES`](super::Batch::MAX_CHANGES) changes and guards.
    #[error("a batch has at most 1000 changes and 1000 guards")]
    TooLarge,
    /// The wait for a lock took too long: try again.
    #[error("the store is busy: try again")]
    Busy,
    /// The store can't say whether the batch was applied; a keyed batch can be sent again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A guard that failed, and what the store found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardFailure {
    /// The guard.
    pub guard: Guard,
    /// What was found in the units of the guard: the version, the amount used, the number that remain, the
    /// epoch, the fence, the balance; `None` where there was nothing.
    pub found: Option<i64>,
}
