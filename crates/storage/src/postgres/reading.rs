use std::fmt;

use sqlx::PgConnection;
use tenantry_core::{CommitError, InTenant, TenantId};

use super::PostgresStore;
use super::connect::Begun;
use super::place::Mode;

/// A read-only transaction of the application's own, in which the database knows the tenant: every statement in it
/// sees that tenant's rows only, whatever it forgot to say, and the server itself refuses to write. There is nothing to
/// commit: end it by dropping it, wherever.
///
/// Beginning it is its only round trip. Statements and row types that name the [`tenant`](PgTenantRead::tenant) mean
/// the same in `SqliteStore::read`.
///
/// ```no_run
/// # use tenantry_core::Caller;
/// # use tenantry_storage::PostgresStore;
/// #[derive(sqlx::FromRow)]
/// struct Listing {
///     slug: String,
///     title: String,
/// }
///
/// async fn listings(
///     store: &PostgresStore,
///     caller: &Caller,
/// ) -> Result<Vec<Listing>, Box<dyn std::error::Error>> {
///     let mut tx = store.read(caller).await?;
///     let listings = sqlx::query_as::<_, Listing>("SELECT slug, title FROM listings ORDER BY slug")
///         .fetch_all(tx.connection())
///         .await?;
///     Ok(listings)
/// }
/// ```
#[must_use = "a transaction that is dropped is over"]
pub struct PgTenantRead {
    tenant: TenantId,
    begun: Begun,
}

impl PostgresStore {
    /// Begins a transaction for reading one tenant's rows.
    ///
    /// # Errors
    /// [`CommitError::Busy`] when no connection came free in time, [`CommitError::Unavailable`].
    pub async fn read(&self, tenant: &impl InTenant) -> Result<PgTenantRead, CommitError> {
        let tenant = tenant.scope().tenant();
        Ok(PgTenantRead { tenant, begun: self.begin_in(tenant, Mode::ReadOnly).await? })
    }
}

impl PgTenantRead {
    /// The tenant that the transaction was begun for.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The connection, for the application's own statements.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.begun
    }
}

impl fmt::Debug for PgTenantRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgTenantRead").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
