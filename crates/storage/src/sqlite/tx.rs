use std::fmt;
use std::sync::Arc;

use sqlx::SqliteConnection;
use tenantry_core::{Batch, CommitError, Failure, InTenant, Operation, TenantId, Unavailable, Unsent};
use tokio::runtime::Handle;

use super::apply::apply;
use super::writer::{Turn, Writer};
use super::{Inner, SqliteStore};
use crate::holder::Mark;

/// A write transaction of the application's own, for one tenant: the application's rows and the uses, notes and
/// keys that belong to them stand or fall together.
///
/// [`commit`](TenantTx::commit) is the one way to commit it; dropped, it leaves nothing. A `COMMIT` among the
/// application's own statements rolls the transaction back instead. While it is open nobody else writes, so keep
/// it short. In the task that holds it, everything else that would write is refused with
/// [`CommitError::Nested`].
///
/// Plain sqlx works on its [`connection`](TenantTx::connection): `query`, `query_as`, and the macros `query!` and
/// `query_as!`. For a nested transaction, execute `SAVEPOINT name` and `RELEASE name`.
///
/// ```
/// # use tenantry_core::{Caller, Failure, Tenantry, UsageRefusal};
/// # use tenantry_storage::SqliteStore;
/// async fn publish(
///     store: &SqliteStore,
///     app: &Tenantry,
///     caller: &Caller,
/// ) -> Result<(), Box<dyn std::error::Error>> {
///     let consume = app.usage(caller).consume("listings".parse()?, 1).unsent().await?;
///     let mut tx = store.begin(caller.tenant()).await?;
///     sqlx::query("INSERT INTO listings (tenant_id, slug) VALUES ($1, $2)")
///         .bind(tx.tenant().as_uuid())
///         .bind("corner-shop")
///         .execute(tx.connection())
///         .await?;
///     tx.commit_in(consume).await?;
///     tx.commit().await?;
///     Ok(())
/// }
/// ```
#[must_use = "a transaction that is dropped leaves nothing"]
pub struct TenantTx {
    tenant: TenantId,
    store: Arc<Inner>,
    joined: Vec<Batch>,
    /// Whether a batch may have been applied in part: its future was dropped.
    is_half_joined: bool,
    mark: Mark,
    open: Open,
}

impl SqliteStore {
    /// Begins a write transaction for a tenant, at once (`BEGIN IMMEDIATE`): what it reads nobody changes until
    /// it ends.
    ///
    /// # Errors
    /// [`CommitError::Nested`] when this task holds one already, [`CommitError::Busy`] when the wait for the
    /// turn took too long, [`CommitError::Unavailable`].
    pub async fn begin(&self, tenant: &impl InTenant) -> Result<TenantTx, CommitError> {
        self.inner.holders.refuse_nested()?;
        let writer = self.inner.writer.clone();
        let begun = tokio::spawn(async move {
            let mut turn = writer.take().await?;
            turn.begin().await.map_err(|error| error.while_doing("begin a transaction"))?;
            Ok::<_, CommitError>(Open { turn, tidy: Tidy(Some((writer, Handle::current()))) })
        });
        let open = begun.await.map_err(|error| Unavailable::new("begin a transaction", error))??;
        Ok(TenantTx {
            tenant: tenant.scope().tenant(),
            store: Arc::clone(&self.inner),
            joined: vec![],
            is_half_joined: false,
            mark: self.inner.holders.mark(),
            open,
        })
    }
}

impl TenantTx {
    /// The tenant that the transaction was begun for.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The connection, for the application's own statements.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        self.open.turn.connection()
    }

    /// Commits an operation inside this transaction, under a savepoint: when it is refused, what the
    /// application did so far stays, and the transaction can go on.
    ///
    /// # Errors
    /// [`Failure::OtherTenant`] for an operation of another tenant, [`Failure::NotJoinable`] for one that writes
    /// more than uses, notes and keys; otherwise what the operation itself fails with.
    pub async fn commit_in<O: Operation>(
        &mut self,
        unsent: Unsent<O>,
    ) -> Result<O::Outcome, Failure<O::Refusal>> {
        let (batch, pending) = unsent.into_parts();
        let joined = match batch {
            Some(batch) => self.join(batch).await,
            None => Ok(()),
        };
        pending.settle(joined)
    }

    /// Commits. It runs to its end, whether or not the caller still waits.
    ///
    /// # Errors
    /// [`CommitError::Unavailable`]; nothing was written, except that when the disk failed nobody can say.
    pub async fn commit(self) -> Result<(), CommitError> {
        let Self { store, joined, is_half_joined, mark, open, .. } = self;
        drop(mark);
        if is_half_joined {
            let why = "a commit_in was given up halfway: begin the transaction again";
            return Err(Unavailable::new("commit a transaction", why).into());
        }
        let detached = tokio::spawn(async move {
            let Open { mut turn, mut tidy } = open;
            turn.commit().await.map_err(|error| error.while_doing("commit a transaction"))?;
            tidy.is_done();
            let moved = joined.iter().flat_map(Batch::moved_epochs);
            moved.for_each(|tenant| store.epochs.moved(tenant));
            Ok(())
        });
        detached.await.map_err(|error| Unavailable::new("commit a transaction", error))?
    }

    /// Gives up what was done, and waits until it is gone.
    ///
    /// # Errors
    /// [`CommitError::Unavailable`] when the connection can't be brought back; nothing was written all the same.
    pub async fn rollback(self) -> Result<(), CommitError> {
        let Self { mark, open, .. } = self;
        drop(mark);
        let Open { mut turn, mut tidy } = open;
        turn.leave().await.map_err(|error| error.while_doing("roll a transaction back"))?;
        tidy.is_done();
        Ok(())
    }

    async fn join(&mut self, batch: Batch) -> Result<(), CommitError> {
        batch.check_joins(self.tenant)?;
        let doing = "apply a batch inside a transaction";
        let turn = &mut self.open.turn;
        if self.is_half_joined {
            turn.undo().await.map_err(|error| error.while_doing(doing))?;
        }
        self.is_half_joined = true;
        turn.mark().await.map_err(|error| error.while_doing(doing))?;
        let applied = apply(turn.connection(), &batch, self.store.options.clock.now()).await;
        match &applied {
            Ok(()) => turn.keep().await,
            Err(_) => turn.undo().await,
        }
        .map_err(|error| error.while_doing(doing))?;
        self.is_half_joined = false;
        if applied.is_ok() {
            self.joined.push(batch);
        }
        applied
    }
}

impl fmt::Debug for TenantTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantTx").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// A transaction that is open.
struct Open {
    turn: Turn,
    tidy: Tidy,
}

/// Sees to it that an abandoned transaction ends now, and not when the next writer comes.
struct Tidy(Option<(Writer, Handle)>);

impl Tidy {
    fn is_done(&mut self) {
        self.0 = None;
    }
}

impl Drop for Tidy {
    fn drop(&mut self) {
        if let Some((writer, runtime)) = self.0.take() {
            drop(runtime.spawn(writer.tidy()));
        }
    }
}
