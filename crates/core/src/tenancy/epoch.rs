use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::{Deserialize, Serialize};

use crate::TenantId;

/// How often what may be cached of a tenant has changed: its status, plan, domains, members, roles, keys or
/// placement. Ordinary writes don't move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(u64);

impl Epoch {
    /// A new tenant's.
    pub const FIRST: Self = Self(1);

    /// The epoch that a store holds as a number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number, for storing it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What this process knows of epochs that moved: each store has one, and moves it as soon as a commit that
/// moved an epoch is durable, before the commit is answered.
///
/// A cache takes a [`Stamp`] *before* it reads the facts that it will keep, and asks on each hit whether the
/// stamp is still current: a change during the read makes it stale, so a fill that began before a change is
/// never served.
///
/// ```
/// use tenantry_core::{Epochs, TenantId};
///
/// let (epochs, tenant) = (Epochs::default(), TenantId::generate());
/// let stamp = epochs.stamp(tenant);
/// assert!(stamp.is_current());
/// epochs.moved(tenant);
/// assert!(!stamp.is_current());
/// ```
///
/// Memory: one entry for each tenant that a live stamp is about; dead ones are dropped as the table grows.
#[derive(Debug, Default)]
pub struct Epochs {
    cells: Mutex<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    of_tenant: HashMap<TenantId, Weak<AtomicU64>>,
    prune_at: usize,
}

impl Epochs {
    /// A mark of now, for facts about `tenant` that are read after this call.
    #[must_use]
    pub fn stamp(&self, tenant: TenantId) -> Stamp {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cells.of_tenant.get(&tenant).and_then(Weak::upgrade);
        let cell = known.unwrap_or_else(|| {
            if cells.of_tenant.len() >= cells.prune_at {
                cells.of_tenant.retain(|_, cell| cell.strong_count() > 0);
                cells.prune_at = (cells.of_tenant.len() * 2).max(64);
            }
            let cell = Arc::new(AtomicU64::new(0));
            cells.of_tenant.insert(tenant, Arc::downgrade(&cell));
            cell
        });
        let seen = cell.load(Ordering::Acquire);
        Stamp { cell, seen }
    }

    /// Makes every stamp about `tenant` stale. A store calls it after each commit that moved its epoch.
    pub fn moved(&self, tenant: TenantId) {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.of_tenant.get(&tenant).and_then(Weak::upgrade) {
            cell.fetch_add(1, Ordering::Release);
        }
    }
}

/// A mark that goes stale when a tenant's epoch moves. Asking costs one atomic load.
#[derive(Debug, Clone)]
pub struct Stamp {
    cell: Arc<AtomicU64>,
    seen: u64,
}

impl Stamp {
    /// Whether the tenant's epoch is still the one at which the mark was made.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.cell.load(Ordering::Acquire) == self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_stamps_do_not_pile_up() {
        let epochs = Epochs::default();
        for _ in 0..10_000 {
            drop(epochs.stamp(TenantId::generate()));
        }
        assert!(epochs.cells.lock().unwrap().of_tenant.len() <= 64);
    }

    #[test]
    fn stamps_of_other_tenants_stay_current() {
        let epochs = Epochs::default();
        let (one, two) = (epochs.stamp(TenantId::generate()), epochs.stamp(TenantId::generate()));
        let moved = TenantId::generate();
        let stale = epochs.stamp(moved);
        epochs.moved(moved);
        assert!(one.is_current() && two.is_current() && !stale.is_current());
        assert!(epochs.stamp(moved).is_current());
    }
}
