use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tenantry_core::{Clock, Timestamp};

/// The clock of the machine, for stores that have no server of their own to ask.
///
/// It goes where the machine's clock goes, also backwards: nothing in the library takes an instant for an order.
///
/// ```
/// use tenantry_core::{Clock, Timestamp};
/// use tenantry_storage::SystemClock;
///
/// assert!(SystemClock.now() > "2026-01-01T00:00:00Z".parse::<Timestamp>()?);
/// # Ok::<(), tenantry_core::InvalidTimestamp>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::EPOCH.after(since),
            Err(before) => {
                Timestamp::EPOCH.before(Duration::max(before.duration(), Duration::from_micros(1)))
            }
        }
    }
}
