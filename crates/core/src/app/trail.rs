use async_trait::async_trait;
use uuid::Uuid;

use super::operation::{emit, sealed::Sealed};
use super::{Actor, Attempt, Command, Failure, Operation, Tenantry};
use crate::{Aggregate, Batch, Caller, Page, PageRequest, SealedAudit, SealedEvent, Unavailable};

/// How many rows are sealed at a time before a page of the trail is read.
const SEAL_AT_ONCE: u16 = 500;
/// The longest action and target, in bytes, and the largest detail as JSON text.
const MAX_WORD: usize = 200;
const MAX_DETAIL: usize = 16 * 1024;

impl Tenantry {
    /// What happened in the caller's tenant.
    #[must_use]
    pub fn trail<'a>(&'a self, caller: &'a Caller) -> Trail<'a> {
        Trail { app: self, caller }
    }
}

/// A tenant's audit trail and events.
#[derive(Debug, Clone, Copy)]
pub struct Trail<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

impl<'a> Trail<'a> {
    /// The audit entries, the newest first. What was committed before the call is in it: a first page seals all
    /// that was committed before it reads.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn audit(&self, page: &PageRequest) -> Result<Page<SealedAudit>, Unavailable> {
        let store = self.app.store();
        if page.after().is_none() {
            let id = self.caller.tenant().id();
            while store.seal(id, SEAL_AT_ONCE).await? >= usize::from(SEAL_AT_ONCE) {}
        }
        store.audit(self.caller.scope(), page).await
    }

    /// The sealed events with a number above `after`, in their order.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn events(&self, after: u64, limit: u16) -> Result<Vec<SealedEvent>, Unavailable> {
        self.app.store().events(self.caller.scope(), after, limit).await
    }

    /// Writes down what the application itself did: most often [`unsent`](Command::unsent), in the transaction
    /// that does it.
    pub fn note(
        &self,
        note: Note,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = NoteRefusal> + use<>> {
        Command::new(self.app, self.caller.into(), WriteNote { note })
    }
}

/// What the application did, for the audit trail and the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What was done, such as `listing.publish`: 1 to 200 bytes.
    pub action: String,
    /// What it was done to, such as `listing:corner-shop`: 1 to 200 bytes.
    pub target: String,
    /// What a reader needs, at most 16 KiB as text; the event's payload too.
    pub detail: serde_json::Value,
    /// The aggregate and its version after it, when an event is to say so.
    pub event: Option<(Uuid, u64)>,
}

/// The note can't be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a note has an action and a target of 1 to 200 bytes and a detail of at most 16 KiB")]
pub struct NoteRefusal;

struct WriteNote {
    note: Note,
}

impl Sealed for WriteNote {}

#[async_trait]
impl Operation for WriteNote {
    type Outcome = ();
    type Refusal = NoteRefusal;

    async fn attempt(
        &self,
        _app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<()>, Failure<NoteRefusal>> {
        let Note { action, target, detail, event } = &self.note;
        let words_fit = [action, target].iter().all(|word| (1..=MAX_WORD).contains(&word.len()));
        if !words_fit || detail.to_string().len() > MAX_DETAIL {
            return Err(Failure::Refused(NoteRefusal));
        }
        by.audit(batch, action, target.clone(), detail.clone());
        if let Some((id, version)) = event {
            let kind = action.split('.').next().unwrap_or_default().to_owned();
            let aggregate = Aggregate { kind, id: *id };
            emit(batch, by.tenant(), aggregate, *version, action, detail.clone());
        }
        Ok(Attempt::Write(()))
    }
}
