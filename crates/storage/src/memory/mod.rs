//! The store in this process's memory.

mod data;
mod draft;
mod layer;
mod read;
mod roster;
mod work;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tenantry_core::{
    Answer, Batch, Clock, CommitError, Epochs, Fingerprint, KeyOwner, Timestamp, Unavailable, WriteDoor,
};

use self::data::Data;
use self::draft::Draft;
use crate::SystemClock;

/// A store that keeps everything in this process's memory: for tests, examples and trying things out.
///
/// It is volatile: what was committed is gone when the store is dropped or the process ends, money included.
/// While it lives it keeps every promise that a store makes, under one lock: a batch is applied whole or not at
/// all, to its end within the first poll of [`commit`](WriteDoor::commit), whether or not the caller still waits.
/// A page of orders or of a statement sorts all that the tenant has.
///
/// ```
/// use std::sync::Arc;
/// use tenantry_core::{ManualClock, Timestamp, WriteDoor};
/// use tenantry_storage::MemoryStore;
///
/// let store = MemoryStore::new(Arc::new(ManualClock::at(Timestamp::EPOCH)));
/// assert_eq!(store.now(), Timestamp::EPOCH);
/// ```
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    epochs: Epochs,
    data: Mutex<Data>,
}

impl MemoryStore {
    /// An empty store whose time is the clock's.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, epochs: Epochs::default(), data: Mutex::default() }
    }

    /// Nothing that holds the lock can leave half a batch behind: it is applied to a draft first.
    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, batch: &Batch) -> Result<(), CommitError> {
        batch.check_size()?;
        let mut data = self.data();
        let now = self.clock.now();
        if let Some(keyed) = batch.keyed()
            && let Some(answer) = data.answer(&keyed.owner, &keyed.fingerprint, now)?
        {
            return Err(CommitError::Answered(answer));
        }
        let mut draft = Draft::over(&data);
        draft.judge(batch)?;
        for change in batch.changes() {
            draft.change(change)?;
        }
        let written = draft.finish();
        data.write(written);
        data.record(batch, now);
        for tenant in batch.moved_epochs() {
            self.epochs.moved(tenant);
        }
        Ok(())
    }
}

impl Default for MemoryStore {
    /// An empty store whose time is the machine's.
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl WriteDoor for MemoryStore {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        self.apply(&batch)
    }

    async fn answer(
        &self,
        owner: &KeyOwner,
        fingerprint: &Fingerprint,
    ) -> Result<Option<Answer>, CommitError> {
        self.data().answer(owner, fingerprint, self.clock.now())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }
}
