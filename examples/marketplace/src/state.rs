//! What every handler has.

use std::sync::Arc;
use std::time::Duration;

use tenantry::http::{Gate, Problem};
use tenantry::{BasisPoints, Counters, MemoryCounters, Nudge, Tenantry, Worker};
use tenantry_identity::{AccessTokens, Passwords};

use crate::database::Store;
use crate::payments::Provider;

/// What every handler has. Cheap to clone.
#[derive(Clone)]
pub struct Marketplace {
    pub(crate) app: Tenantry,
    pub(crate) store: Store,
    pub(crate) gate: Gate,
    pub(crate) counters: Arc<MemoryCounters>,
    pub(crate) passwords: Passwords,
    pub(crate) tokens: AccessTokens,
    pub(crate) provider: Provider,
    /// Does pending work; there is none where the store reaches one tenant at a time only.
    pub(crate) worker: Option<Worker>,
    pub(crate) nudge: Nudge,
    pub(crate) terms: OrderTerms,
}

/// What is agreed on every new order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderTerms {
    pub(crate) fee: BasisPoints,
    pub(crate) review: Duration,
    pub(crate) payment_window: Duration,
}

impl Marketplace {
    /// Does what is due now, so that the answer that follows already shows it. What fails stays pending.
    pub(crate) async fn settle(&self) {
        if let Some(worker) = &self.worker
            && let Err(unavailable) = worker.run_due().await
        {
            tracing::warn!(error = %unavailable, "due work stays pending");
        }
        self.nudge.nudge();
    }

    /// Refuses what would be followed by work on other tenants' rows where nobody can do it.
    pub(crate) fn check_across(&self) -> Result<(), Problem> {
        if self.store.reaches_across() { Ok(()) } else { Err(Problem::unavailable()) }
    }

    pub(crate) fn counters(&self) -> &dyn Counters {
        self.counters.as_ref()
    }
}

impl std::fmt::Debug for Marketplace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Marketplace").finish_non_exhaustive()
    }
}
