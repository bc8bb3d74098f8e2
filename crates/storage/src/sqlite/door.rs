use std::sync::Arc;

use async_trait::async_trait;
use tenantry_core::{
    Answer, Batch, CommitError, Epochs, Fingerprint, KeyOwner, Timestamp, Unavailable, WriteDoor,
};

use super::SqliteStore;
use super::queue::commit_waiting;
use super::statement::rows;
use crate::sql::{KeyRow, ask};

#[async_trait]
impl WriteDoor for SqliteStore {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        self.inner.holders.refuse_nested()?;
        batch.check_size()?;
        let answered = self.inner.queue.push(batch)?;
        drop(tokio::spawn(commit_waiting(Arc::clone(&self.inner))));
        answered.await.map_err(|_| Unavailable::bare("say whether a batch was applied"))?
    }

    async fn answer(
        &self,
        owner: &KeyOwner,
        fingerprint: &Fingerprint,
    ) -> Result<Option<Answer>, CommitError> {
        let ask = ask::unexpired_key(owner, self.now());
        let found: Vec<KeyRow> = rows(&self.inner.reads, ask, "read an idempotency key").await?;
        let Some(found) = found.into_iter().next() else { return Ok(None) };
        match found.answer_to(fingerprint).map_err(Unavailable::from)? {
            Some(answer) => Ok(Some(answer)),
            None => Err(CommitError::KeyMismatch),
        }
    }

    fn now(&self) -> Timestamp {
        self.inner.options.clock.now()
    }

    fn epochs(&self) -> &Epochs {
        &self.inner.epochs
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.inner.ping().await
    }
}
