//! What is counted.

use serde::{Deserialize, Serialize};

use super::key::key;

/// Something that an application counts for each tenant.
///
/// ```
/// use tenantry_core::{Meter, MeterKind};
///
/// let listings = Meter::gauge("listings".parse()?);
/// assert_eq!(listings.kind, MeterKind::Gauge);
/// # Ok::<(), tenantry_core::InvalidKey>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Meter {
    /// Its name.
    pub key: MeterKey,
    /// How it is counted.
    pub kind: MeterKind,
}

impl Meter {
    /// A meter of what is used up in a billing period.
    #[must_use]
    pub const fn counter(key: MeterKey) -> Self {
        Self { key, kind: MeterKind::Counter }
    }

    /// A meter of what is held and given back.
    #[must_use]
    pub const fn gauge(key: MeterKey) -> Self {
        Self { key, kind: MeterKind::Gauge }
    }
}

/// How a meter is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeterKind {
    /// Used up in a billing period and starting again at zero with the next: calls, messages, minutes.
    Counter,
    /// Held until it is given back, whatever the period: listings, domains, seats.
    Gauge,
}

key! {
    /// The name of a meter, such as `listings` or `ai.calls`.
    MeterKey
}
