use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;

use tenantry_core::CommitError;

/// Who holds a write transaction of the application's.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    held: Arc<Mutex<HashMap<Who, usize>>>,
}

/// A task; or, at the root of `block_on`, a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Task(tokio::task::Id),
    Thread(ThreadId),
}

impl Who {
    fn asks() -> Self {
        tokio::task::try_id().map_or_else(|| Self::Thread(std::thread::current().id()), Self::Task)
    }
}

impl Holders {
    /// Refuses who holds a transaction already: it could wait for itself.
    pub(crate) fn refuse_nested(&self) -> Result<(), CommitError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains_key(&Who::asks()) { Err(CommitError::Nested) } else { Ok(()) }
    }

    /// Remembers who asks until the mark is dropped.
    pub(crate) fn mark(&self) -> Mark {
        let who = Who::asks();
        *self.held.lock().unwrap_or_else(PoisonError::into_inner).entry(who).or_default() += 1;
        Mark { who, held: Arc::clone(&self.held) }
    }
}

/// That somebody holds a write transaction. It is dropped before the transaction is handed on.
#[derive(Debug)]
pub(crate) struct Mark {
    who: Who,
    held: Arc<Mutex<HashMap<Who, usize>>>,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let left = held.get(&self.who).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            held.remove(&self.who);
        } else {
            held.insert(self.who, left);
        }
    }
}
