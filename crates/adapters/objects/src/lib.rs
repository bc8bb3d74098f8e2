//! Object stores under tenancy: a tenant's objects lie under a prefix of its own, and a path can't be written without
//! a tenant.
//!
//! ```
//! use std::sync::Arc;
//! use object_store::memory::InMemory;
//! use object_store::path::Path;
//! use object_store::{ObjectStore, ObjectStoreExt as _};
//! use tenantry_core::InTenant;
//! use tenantry_objects::TenantObjects;
//!
//! async fn keep(objects: &TenantObjects, who: &impl InTenant) -> object_store::Result<()> {
//!     objects.of(who).put(&Path::from("plans/q3.pdf"), "…".into()).await?;
//!     Ok(())
//! }
//! # let objects = TenantObjects::new(Arc::new(InMemory::new()));
//! # drop(objects);
//! ```

use std::fmt;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use tenantry_core::InTenant;

/// An object store that is divided among tenants. Clones share it.
///
/// What lies under `tenants/ID/` is one tenant's. There is no way to the store itself from here: who needs to see
/// more than one tenant (a back-up, an erasure) keeps the store it was made of.
#[derive(Clone)]
pub struct TenantObjects {
    store: Arc<dyn ObjectStore>,
}

impl TenantObjects {
    /// Divides a store.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    /// The objects of the tenant of whoever acts. Paths that are given to it and that it answers are relative to the
    /// tenant's prefix; `..` in a path doesn't lead out of it, since [`Path`] admits none.
    #[must_use]
    pub fn of(&self, who: &impl InTenant) -> PrefixStore<Arc<dyn ObjectStore>> {
        let prefix = Path::from_iter(["tenants".to_owned(), who.scope().tenant().to_string()]);
        PrefixStore::new(Arc::clone(&self.store), prefix)
    }
}

impl fmt::Debug for TenantObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantObjects").finish_non_exhaustive()
    }
}
