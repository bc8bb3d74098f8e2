use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Epoch, Slug};
use crate::{BillingCycle, PlanRef, RealmId, TenantId, Timestamp};

/// A tenant as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name in addresses, unique among all tenants.
    pub slug: Slug,
    /// Its name for people.
    pub name: String,
    /// What sort of tenant it is, in the application's words.
    pub kind: TenantKind,
    /// Whether it may act.
    pub status: TenantStatus,
    /// The version of the plan that it has subscribed to.
    pub plan: PlanRef,
    /// The periods that its counters are counted in, fixed when it subscribed.
    pub cycle: BillingCycle,
    /// The realm that its members are users of.
    pub realm: RealmId,
    /// The tenants above it, its parent first; at most [`Tenant::MAX_ABOVE`]. Fixed when it is made.
    pub above: Vec<TenantId>,
    /// Moves when what may be cached of it changes.
    pub epoch: Epoch,
    /// Moves with each write of this row.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Tenant {
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 200;
    /// The most tenants above one.
    pub const MAX_ABOVE: usize = 8;

    /// The tenant above it, if any.
    #[must_use]
    pub fn parent(&self) -> Option<TenantId> {
        self.above.first().copied()
    }

    /// What lies above a tenant that is made below this one; `None` when that would be too deep.
    pub(crate) fn above_child(&self) -> Option<Vec<TenantId>> {
        let fits = self.above.len() < Self::MAX_ABOVE;
        fits.then(|| std::iter::once(self.id).chain(self.above.iter().copied()).collect())
    }

    /// `name` without surrounding space, if it can be a tenant's.
    ///
    /// # Errors
    /// [`InvalidTenant::Name`] when it is empty, longer than [`Tenant::MAX_NAME`] or has control characters.
    pub fn valid_name(name: &str) -> Result<String, InvalidTenant> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > Self::MAX_NAME || name.chars().any(char::is_control) {
            return Err(InvalidTenant::Name);
        }
        Ok(name.to_owned())
    }
}

/// Whether a tenant may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// It may.
    Active,
    /// Not for now: its requests are refused, its timers and refunds go on.
    Suspended,
    /// Never again: its requests are refused.
    Closed,
}

impl TenantStatus {
    /// The word that is stored: `active`, `suspended` or `closed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
}

impl FromStr for TenantStatus {
    type Err = InvalidTenant;

    fn from_str(text: &str) -> Result<Self, InvalidTenant> {
        match text {
            "active" => Ok(Self::Active),
            "suspended" => Ok(Self::Suspended),
            "closed" => Ok(Self::Closed),
            _ => Err(InvalidTenant::Status),
        }
    }
}

/// What sort of tenant: a word of the application's such as `seller`; 1 to 48 characters of `a-z`, `0-9`, `_`
/// and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantKind(Arc<str>);

impl TenantKind {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantKind {
    type Err = InvalidTenant;

    fn from_str(text: &str) -> Result<Self, InvalidTenant> {
        let fits = (1..=48).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if fits { Ok(Self(Arc::from(text))) } else { Err(InvalidTenant::Kind) }
    }
}

impl TryFrom<String> for TenantKind {
    type Error = InvalidTenant;

    fn try_from(text: String) -> Result<Self, InvalidTenant> {
        text.parse()
    }
}

impl From<TenantKind> for String {
    fn from(kind: TenantKind) -> Self {
        kind.as_str().to_owned()
    }
}

impl fmt::Display for TenantKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TenantKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantKind({})", self.as_str())
    }
}

/// A value that no tenant can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTenant {
    /// Bad name.
    #[error("a tenant's name has 1 to 200 characters and no control characters")]
    Name,
    /// Bad kind.
    #[error("a tenant's kind has 1 to 48 characters of a-z, 0-9, _ and -")]
    Kind,
    /// Unknown status.
    #[error("a tenant's status is active, suspended or closed")]
    Status,
}
