use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;

use tenantry_core::CommitError;

/// Who holds the write transaction: there is one at most.
#[derive(Debug, Default)]
pub(super) struct Holder {
    who: Arc<Mutex<Option<Who>>>,
}

/// A task; or, at the root of `block_on`, a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Task(tokio::task::Id),
    Thread(ThreadId),
}

impl Who {
    fn asks() -> Self {
        tokio::task::try_id().map_or_else(|| Self::Thread(std::thread::current().id()), Self::Task)
    }
}

impl Holder {
    /// Refuses who holds the transaction already: it would wait for itself.
    pub(super) fn refuse_nested(&self) -> Result<(), CommitError> {
        let who = self.who.lock().unwrap_or_else(PoisonError::into_inner);
        if *who == Some(Who::asks()) { Err(CommitError::Nested) } else { Ok(()) }
    }

    /// Remembers who asks until the mark is dropped.
    pub(super) fn mark(&self) -> Mark {
        *self.who.lock().unwrap_or_else(PoisonError::into_inner) = Some(Who::asks());
        Mark { who: Arc::clone(&self.who) }
    }
}

/// That somebody holds the write transaction. It is dropped before the transaction is handed on.
#[derive(Debug)]
pub(super) struct Mark {
    who: Arc<Mutex<Option<Who>>>,
}

impl Drop for Mark {
    fn drop(&mut self) {
        *self.who.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
