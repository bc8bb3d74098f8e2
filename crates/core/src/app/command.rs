use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use async_trait::async_trait;

use super::operation::sealed::Sealed;
use super::{Actor, AdmitError, Attempt, Operation, Tenantry};
use crate::{
    Answer, Batch, CommitError, Fingerprint, Guard, GuardFailure, IdempotencyKey, KeyOwner, Keyed,
    Unavailable,
};

/// An operation that hasn't been done yet. Await it to do it; or take it [`unsent`](Command::unsent), to commit
/// it inside a transaction of the application's own.
#[must_use = "a command does nothing until it is awaited"]
pub struct Command<'a, O> {
    app: &'a Tenantry,
    by: Actor,
    operation: O,
    action: Option<Renamed>,
}

#[derive(Clone)]
struct Renamed {
    action: String,
    target: String,
}

impl<'a, O: Operation> Command<'a, O> {
    pub(crate) fn new(app: &'a Tenantry, by: Actor, operation: O) -> Self {
        Self { app, by, operation, action: None }
    }

    /// Says in the audit trail what the application did with it, such as `listing.create` on
    /// `listing:corner-shop`, in place of the library's own words.
    pub fn audited_as(mut self, action: impl Into<String>, target: impl Into<String>) -> Self {
        self.action = Some(Renamed { action: action.into(), target: target.into() });
        self
    }

    /// Does it once for each key: the same request again gets the stored answer, to the byte; another request
    /// under the same key is refused. `answer` says what to store.
    pub fn idempotent<F>(
        self,
        idempotent: Idempotent,
        answer: F,
    ) -> Command<'a, impl Operation<Outcome = Done<O::Outcome>, Refusal = O::Refusal>>
    where
        F: Fn(&O::Outcome) -> Answer + Send + Sync,
    {
        let operation = KeyedOperation { operation: self.operation, idempotent, answer };
        Command { app: self.app, by: self.by, operation, action: self.action }
    }

    /// Decides it without committing it: for `TenantTx::commit_in`, inside a transaction of the application's own.
    ///
    /// # Errors
    /// [`Failure`], as awaiting it would.
    pub async fn unsent(self) -> Result<Unsent<O>, Failure<O::Refusal>> {
        let (batch, attempt) = self.attempt().await?;
        let (batch, outcome) = match attempt {
            Attempt::Write(outcome) => (Some(batch), outcome),
            Attempt::Settled(outcome) => (None, outcome),
        };
        Ok(Unsent { batch, pending: Pending { by: self.by, operation: self.operation, outcome } })
    }

    async fn attempt(&self) -> Result<(Batch, Attempt<O::Outcome>), Failure<O::Refusal>> {
        let mut batch = self.by.begin(self.app);
        if let Actor::Caller(caller) = &self.by
            && caller.is_expired_at(batch.at())
        {
            return Err(Failure::AuthorityChanged);
        }
        let attempt = self.operation.attempt(self.app, &self.by, &mut batch).await?;
        if let (Some(renamed), Some(entry)) = (&self.action, batch.audit_mut().first_mut()) {
            entry.action.clone_from(&renamed.action);
            entry.target.clone_from(&renamed.target);
        }
        Ok((batch, attempt))
    }

    async fn run(mut self) -> Result<O::Outcome, Failure<O::Refusal>> {
        for _ in 0..Tenantry::ATTEMPTS {
            let (batch, attempt) = self.attempt().await?;
            let outcome = match attempt {
                Attempt::Settled(outcome) => return Ok(outcome),
                Attempt::Write(outcome) => outcome,
            };
            match self.app.store().commit(batch).await {
                Ok(()) => return Ok(outcome),
                Err(CommitError::Refused(failures)) => {
                    if let Some(refusal) = self.operation.refusal(&self.by, &failures) {
                        return Err(Failure::Refused(refusal));
                    }
                    if failures.iter().any(|failure| matches!(failure.guard, Guard::Claimed { .. })) {
                        return Err(Failure::Superseded);
                    }
                    self.refresh_authority(&failures).await?;
                }
                Err(other) => return settle(&self.operation, &self.by, outcome, Err(other)),
            }
        }
        Err(Failure::Contended)
    }

    /// When the caller's tenant has moved on: goes on only with an authority that is at least what it was.
    async fn refresh_authority(&mut self, failures: &[GuardFailure]) -> Result<(), Failure<O::Refusal>> {
        let moved = failures.iter().any(|failure| matches!(failure.guard, Guard::Epoch { .. }));
        if !moved {
            return Ok(());
        }
        let renewed = match &self.by {
            Actor::Caller(caller) => {
                let renewed = self.app.admit_again(caller).await?;
                let before = caller.principal().authority();
                if !before.is_within(renewed.principal().authority()) {
                    return Err(Failure::AuthorityChanged);
                }
                Actor::Caller(renewed)
            }
            Actor::Visitor(tenant) => {
                let resolved = self.app.resolve_id(tenant.id()).await;
                Actor::Visitor(resolved.map_err(|error| match error {
                    super::ResolveError::Unavailable(unavailable) => Failure::Unavailable(unavailable),
                    _ => Failure::AuthorityChanged,
                })?)
            }
            Actor::External(_, _) | Actor::System(_) => return Ok(()),
        };
        self.by = renewed;
        Ok(())
    }
}

impl<'a, O: Operation + 'a> IntoFuture for Command<'a, O> {
    type Output = Result<O::Outcome, Failure<O::Refusal>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<O> fmt::Debug for Command<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").finish_non_exhaustive()
    }
}

/// An operation that is decided but not committed.
#[must_use = "nothing is written until it is committed"]
pub struct Unsent<O: Operation> {
    batch: Option<Batch>,
    pending: Pending<O>,
}

impl<O: Operation> Unsent<O> {
    /// The batch to commit (`None` when there is nothing to write), and what to tell the outcome to.
    pub fn into_parts(self) -> (Option<Batch>, Pending<O>) {
        (self.batch, self.pending)
    }
}

impl<O: Operation> fmt::Debug for Unsent<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsent").field("batch", &self.batch).finish_non_exhaustive()
    }
}

/// What waits for its batch to be committed.
pub struct Pending<O: Operation> {
    by: Actor,
    operation: O,
    outcome: O::Outcome,
}

impl<O: Operation> Pending<O> {
    /// The outcome, now that the store has answered.
    ///
    /// # Errors
    /// What the store's answer means for the operation.
    pub fn settle(self, committed: Result<(), CommitError>) -> Result<O::Outcome, Failure<O::Refusal>> {
        settle(&self.operation, &self.by, self.outcome, committed)
    }
}

impl<O: Operation> fmt::Debug for Pending<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

fn settle<O: Operation>(
    operation: &O,
    by: &Actor,
    outcome: O::Outcome,
    committed: Result<(), CommitError>,
) -> Result<O::Outcome, Failure<O::Refusal>> {
    match committed {
        Ok(()) => Ok(outcome),
        Err(CommitError::Answered(answer)) => operation.answered(answer).ok_or(Failure::KeyMismatch),
        Err(CommitError::Refused(failures)) => {
            Err(operation.refusal(by, &failures).map_or(Failure::Contended, Failure::Refused))
        }
        Err(CommitError::KeyMismatch) => Err(Failure::KeyMismatch),
        Err(CommitError::OtherTenant) => Err(Failure::OtherTenant),
        Err(CommitError::NotJoinable) => Err(Failure::NotJoinable),
        Err(CommitError::Nested) => Err(Failure::Nested),
        Err(CommitError::TooLarge) => Err(Failure::TooLarge),
        Err(CommitError::Busy) => Err(Failure::Busy),
        Err(CommitError::Unavailable(unavailable)) => Err(Failure::Unavailable(unavailable)),
    }
}

/// Why an operation was not done. Nothing was written, except that after [`Failure::Unavailable`] nobody can
/// say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure<R> {
    /// The operation's own refusal.
    #[error(transparent)]
    Refused(R),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request: choose another key")]
    KeyMismatch,
    /// The caller may no longer do what it could when the request began.
    #[error("the caller's rights have changed: sign in again")]
    AuthorityChanged,
    /// Somebody else was faster, each time.
    #[error("others changed the same thing at the same time: try again")]
    Contended,
    /// The work has passed to another worker.
    #[error("the work has passed to another worker")]
    Superseded,
    /// A plain commit in a task that holds a transaction.
    #[error("this task holds a transaction: use commit_in, or end the transaction first")]
    Nested,
    /// The operation is another tenant's than the transaction.
    #[error("the operation belongs to another tenant than the transaction")]
    OtherTenant,
    /// The operation writes more than usage, trail and keys.
    #[error("only uses of meters and notes can join a transaction: do this by itself")]
    NotJoinable,
    /// More than one batch can hold.
    #[error("this is more than one batch can hold: do it in parts")]
    TooLarge,
    /// The store is busy: the same request can be sent again.
    #[error("the store is busy: try again")]
    Busy,
    /// The store can't say.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl<R> Failure<R> {
    /// The same failure with its refusal made into another.
    pub fn map_refusal<S>(self, refusal: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Self::Refused(refused) => Failure::Refused(refusal(refused)),
            Self::KeyMismatch => Failure::KeyMismatch,
            Self::AuthorityChanged => Failure::AuthorityChanged,
            Self::Contended => Failure::Contended,
            Self::Superseded => Failure::Superseded,
            Self::Nested => Failure::Nested,
            Self::OtherTenant => Failure::OtherTenant,
            Self::NotJoinable => Failure::NotJoinable,
            Self::TooLarge => Failure::TooLarge,
            Self::Busy => Failure::Busy,
            Self::Unavailable(unavailable) => Failure::Unavailable(unavailable),
        }
    }
}

impl<R> From<AdmitError> for Failure<R> {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            AdmitError::NotMember | AdmitError::Inactive(_) => Self::AuthorityChanged,
        }
    }
}

/// Which request an operation is done for.
#[derive(Debug, Clone)]
pub struct Idempotent {
    /// What is asked, such as `order.place`.
    pub operation: &'static str,
    /// The client's name for the request.
    pub key: IdempotencyKey,
    /// What makes two requests the same.
    pub fingerprint: Fingerprint,
}

impl Idempotent {
    fn owner(&self, caller: &crate::Caller) -> KeyOwner {
        KeyOwner {
            tenant: caller.tenant().id(),
            principal: caller.id(),
            operation: self.operation,
            key: self.key.clone(),
        }
    }
}

/// What came of an idempotent operation.
#[derive(Debug)]
pub enum Done<T> {
    /// It was done now.
    Now(T),
    /// It had been done: this was the answer.
    Before(Answer),
}

/// An operation that is done once for each key.
struct KeyedOperation<O, F> {
    operation: O,
    idempotent: Idempotent,
    answer: F,
}

impl<O, F> Sealed for KeyedOperation<O, F> {}

#[async_trait]
impl<O, F> Operation for KeyedOperation<O, F>
where
    O: Operation,
    F: Fn(&O::Outcome) -> Answer + Send + Sync,
{
    type Outcome = Done<O::Outcome>;
    type Refusal = O::Refusal;

    async fn attempt(
        &self,
        app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<Self::Outcome>, Failure<O::Refusal>> {
        let Actor::Caller(caller) = by else {
            return Err(Failure::AuthorityChanged);
        };
        let owner = self.idempotent.owner(caller);
        if let Some(answer) = stored_answer(app, &owner, &self.idempotent.fingerprint).await? {
            return Ok(Attempt::Settled(Done::Before(answer)));
        }
        let outcome = match self.operation.attempt(app, by, batch).await? {
            Attempt::Write(outcome) | Attempt::Settled(outcome) => outcome,
        };
        batch.key(Keyed {
            owner,
            fingerprint: self.idempotent.fingerprint,
            answer: (self.answer)(&outcome),
            expires_at: batch.at().after(IdempotencyKey::LIFETIME),
        });
        Ok(Attempt::Write(Done::Now(outcome)))
    }

    fn refusal(&self, by: &Actor, failures: &[GuardFailure]) -> Option<O::Refusal> {
        self.operation.refusal(by, failures)
    }

    fn answered(&self, answer: Answer) -> Option<Self::Outcome> {
        Some(Done::Before(answer))
    }
}

/// What was answered before, for handlers that have to know before they look anything up.
impl Tenantry {
    /// The answer to an equal request of the caller's under the same key, if there was one.
    ///
    /// # Errors
    /// [`Failure::KeyMismatch`] when the key was used for another request.
    pub async fn answered<R>(
        &self,
        caller: &crate::Caller,
        idempotent: &Idempotent,
    ) -> Result<Option<Answer>, Failure<R>> {
        stored_answer(self, &idempotent.owner(caller), &idempotent.fingerprint).await
    }
}

async fn stored_answer<R>(
    app: &Tenantry,
    owner: &KeyOwner,
    fingerprint: &Fingerprint,
) -> Result<Option<Answer>, Failure<R>> {
    app.store().answer(owner, fingerprint).await.map_err(|error| match error {
        CommitError::KeyMismatch => Failure::KeyMismatch,
        CommitError::Unavailable(unavailable) => Failure::Unavailable(unavailable),
        _ => Failure::Busy,
    })
}
