//! `Tenantry`: load, decide, commit. The only async code in core.

mod access;
mod admission;
mod command;
mod founding;
mod ledger;
mod operation;
mod orders;
mod orders_write;
mod tenants;
mod trail;
mod usage;
mod work;

use std::fmt;
use std::sync::Arc;

use crate::{Catalog, Plans, Store, Timestamp};

pub use access::{
    AccessRefusal, AccessReview, ImpersonationRefusal, Members, NewApiKey, Programs, Teams, TenantRoles,
};
pub use admission::{AdmitError, ResolveError};
pub use command::{Command, Done, Failure, Idempotent, Pending, Unsent};
pub use founding::{Founded, Founding, NewRole};
pub use ledger::{Books, Ledger};
pub use operation::{Actor, Attempt, Operation};
pub use orders::{OrderFailure, OrderSteps, Orders, PlaceRefusal, Placement};
pub use tenants::{Registered, Registration, RegistrationRefusal, TenantRefusal, Tenants};
pub use trail::{Note, NoteRefusal, Trail};
pub use usage::{UsageAccount, UsageRefusal};
pub use work::{Receipt, ReceiveRefusal, Work};

/// The library over one store: what a service keeps, clones into its handlers and asks for everything.
///
/// It loads what a decision needs, takes the decision as a pure function, and commits the batch that came out;
/// when somebody else was faster it does so again, at most [`Tenantry::ATTEMPTS`] times.
#[derive(Clone)]
pub struct Tenantry {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    catalog: Catalog,
    plans: Plans,
}

impl Tenantry {
    /// How often an operation is decided anew when somebody else changed what it was decided on.
    pub const ATTEMPTS: usize = 8;

    /// The library over `store`, with the permissions and the plans that the application declares.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, catalog: Catalog, plans: Plans) -> Self {
        Self { inner: Arc::new(Inner { store, catalog, plans }) }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The permissions that the application declared.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// The plans that the application declared.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.inner.plans
    }

    /// The store's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.store.now()
    }
}

impl fmt::Debug for Tenantry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenantry").finish_non_exhaustive()
    }
}
