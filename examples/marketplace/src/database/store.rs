use std::sync::Arc;

use tenantry::{Bypass, CommitError, InTenant, PostgresStore, SqliteStore, TenantCtx, TenantId, Unavailable};

use super::transaction::{AcrossTx, ReadTx, Tx};

/// The store, on one of the two databases. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Store {
    /// As the library takes it.
    pub(crate) fn shared(&self) -> Arc<dyn tenantry::Store> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// Begins a transaction for reading and writing one tenant's rows.
    pub(crate) async fn begin(&self, tenant: &impl InTenant) -> Result<Tx, CommitError> {
        match self {
            Self::Sqlite(store) => store.begin(tenant).await.map(Tx::Sqlite),
            Self::Postgres(store) => store.begin(tenant).await.map(Box::new).map(Tx::Postgres),
        }
    }

    /// Reads one tenant's rows, and what is public.
    pub(crate) async fn read(&self, tenant: &impl InTenant) -> Result<ReadTx, CommitError> {
        match self {
            Self::Sqlite(store) => store.read(tenant).await.map(ReadTx::Sqlite),
            Self::Postgres(store) => store.read(tenant).await.map(Box::new).map(ReadTx::Postgres),
        }
    }

    /// Begins a transaction on more than one tenant's rows, for a piece of work of the service's own. Who asks for
    /// the same `turn` waits until the one before is done. On PostgreSQL it is the bypass, in `home`'s audit trail.
    pub(crate) async fn across(
        &self,
        home: &TenantCtx,
        work: &'static str,
        bypass: Bypass,
        turn: TenantId,
    ) -> Result<AcrossTx, CommitError> {
        let store = match self {
            Self::Sqlite(store) => return store.begin(home).await.map(AcrossTx::Sqlite),
            Self::Postgres(store) => store,
        };
        let mut tx = store.bypass_for_work(home, work, bypass).await?;
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(turn.to_string())
            .execute(tx.connection())
            .await
            .map_err(|error| Unavailable::new("wait for its turn", error))?;
        Ok(AcrossTx::Postgres(Box::new(tx)))
    }

    /// Whether it can reach more than one tenant's rows: for the workers, and for [`Store::across`].
    pub(crate) fn reaches_across(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(store) => store.has_admin(),
        }
    }
}
