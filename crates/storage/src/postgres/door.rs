use async_trait::async_trait;
use tenantry_core::{
    Answer, Batch, CommitError, Epochs, Fingerprint, KeyOwner, Timestamp, Unavailable, WriteDoor,
};

use super::PostgresStore;
use crate::sql::{KeyRow, ask};

#[async_trait]
impl WriteDoor for PostgresStore {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        self.inner.holders.refuse_nested()?;
        self.inner.lanes.commit(batch).await
    }

    async fn answer(
        &self,
        owner: &KeyOwner,
        fingerprint: &Fingerprint,
    ) -> Result<Option<Answer>, CommitError> {
        let ask = ask::unexpired_key(owner, self.now());
        let found: Vec<KeyRow> = self.inner.rows_of(owner.tenant, ask, "read an idempotency key").await?;
        let Some(found) = found.into_iter().next() else { return Ok(None) };
        match found.answer_to(fingerprint).map_err(Unavailable::from)? {
            Some(answer) => Ok(Some(answer)),
            None => Err(CommitError::KeyMismatch),
        }
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn epochs(&self) -> &Epochs {
        &self.inner.epochs
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.inner.ping().await
    }
}
