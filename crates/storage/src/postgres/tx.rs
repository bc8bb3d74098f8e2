use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;
use sqlx::PgConnection;
use tenantry_core::{Batch, CommitError, Failure, InTenant, Operation, TenantId, Unavailable, Unsent};

use super::connect::{Begun, refused};
use super::place::Mode;
use super::{Inner, PostgresStore, join};
use crate::holder::Mark;

/// A transaction of the application's own, in which the database knows the tenant: every statement in it sees and
/// writes that tenant's rows only, whatever it forgot to say.
///
/// [`commit`](PgTenantTx::commit) is the one way to commit it; dropped, it leaves nothing, wherever it was dropped.
/// Beginning and ending are its only round trips. In a task that holds one, plain commits of the library's are
/// refused with [`CommitError::Nested`]: they could wait for it for ever.
///
/// Plain sqlx works on its [`connection`](PgTenantTx::connection): `query`, `query_as`, and the macros `query!` and
/// `query_as!`. For a nested transaction, `sqlx::Connection::begin` on it.
///
/// ```no_run
/// # use tenantry_core::{Caller, Tenantry};
/// # use tenantry_storage::PostgresStore;
/// async fn publish(
///     store: &PostgresStore,
///     app: &Tenantry,
///     caller: &Caller,
/// ) -> Result<(), Box<dyn std::error::Error>> {
///     let consume = app.usage(caller).consume("listings".parse()?, 1).unsent().await?;
///     let mut tx = store.begin(caller).await?;
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
pub struct PgTenantTx {
    tenant: TenantId,
    store: Arc<Inner>,
    joined: Vec<Batch>,
    /// Whether a batch may have been applied or not: its future was dropped.
    is_half_joined: bool,
    mark: Mark,
    begun: Begun,
}

impl PostgresStore {
    /// Begins a transaction for reading and writing one tenant's rows.
    ///
    /// # Errors
    /// [`CommitError::Nested`] when this task holds one already, [`CommitError::Busy`] when no connection came free in
    /// time, [`CommitError::Unavailable`].
    pub async fn begin(&self, tenant: &impl InTenant) -> Result<PgTenantTx, CommitError> {
        self.inner.holders.refuse_nested()?;
        let tenant = tenant.scope().tenant();
        let begun = self.begin_in(tenant, Mode::ReadWrite).await?;
        Ok(PgTenantTx {
            tenant,
            store: Arc::clone(&self.inner),
            joined: vec![],
            is_half_joined: false,
            mark: self.inner.holders.mark(),
            begun,
        })
    }

    pub(super) async fn begin_in(&self, tenant: TenantId, mode: Mode) -> Result<Begun, CommitError> {
        let place = self.inner.place(tenant);
        let command = || place.begin(tenant, mode, self.inner.now());
        Begun::begin_with(&place.lent, command).await
    }
}

impl PgTenantTx {
    /// The tenant that the transaction was begun for.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The connection, for the application's own statements.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.begun
    }

    /// Commits an operation inside this transaction: when it is refused, what the application did so far stays, and
    /// the transaction can go on. One round trip.
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

    /// Commits. It runs to its end, whether or not the caller still waits. A transaction in which a statement has
    /// failed can't be committed.
    ///
    /// # Errors
    /// [`CommitError::Unavailable`]; nothing was written, except that when the connection failed nobody can say.
    pub async fn commit(self) -> Result<(), CommitError> {
        let Self { store, joined, is_half_joined, mark, begun, .. } = self;
        drop(mark);
        if is_half_joined {
            let why = "a commit_in was given up halfway: begin the transaction again";
            return Err(Unavailable::new("commit a transaction", why).into());
        }
        let moved = joined.iter().flat_map(Batch::moved_epochs).collect::<Vec<_>>();
        begun.commit(move || moved.into_iter().for_each(|tenant| store.epochs.moved(tenant))).await
    }

    /// Gives up what was done, and waits until it is gone.
    ///
    /// # Errors
    /// [`CommitError::Unavailable`] when the connection is gone; nothing was written all the same.
    pub async fn rollback(self) -> Result<(), CommitError> {
        let Self { mark, begun, .. } = self;
        drop(mark);
        begun.rollback().await
    }

    async fn join(&mut self, batch: Batch) -> Result<(), CommitError> {
        batch.check_joins(self.tenant)?;
        if self.is_half_joined {
            let why = "an earlier commit_in was given up halfway: begin the transaction again";
            return Err(Unavailable::new("apply a batch inside a transaction", why).into());
        }
        let document = join::document(&batch, self.store.now())?;
        let mac = self.store.place(self.tenant).key.as_ref().map(|key| key.batch_mac(&document).to_vec());
        self.is_half_joined = true;
        let answer: String = sqlx::query_scalar("SELECT tenantry.join_batch($1, $2)::text")
            .bind(document)
            .bind(mac)
            .fetch_one(&mut *self.begun)
            .await
            .map_err(|error| refused(error, "apply a batch inside a transaction"))?;
        self.is_half_joined = false;
        let answer: Json = serde_json::from_str(&answer)
            .map_err(|error| Unavailable::new("apply a batch inside a transaction", error))?;
        join::outcome(&batch, &answer)?;
        self.joined.push(batch);
        Ok(())
    }
}

impl fmt::Debug for PgTenantTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgTenantTx").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
