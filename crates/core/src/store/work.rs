use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::{TenantId, Timestamp};

/// A piece of pending work: at most one for each tenant, kind and subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkItem {
    /// The tenant that it is done for.
    pub tenant: TenantId,
    /// What has to be done.
    pub kind: WorkKind,
    /// What it is about: the order, the report, the seller.
    pub subject: Uuid,
    /// When it can begin.
    pub due: Timestamp,
}

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WorkKind {
    /// An order's payment window ends. Subject: the order.
    PaymentWindow,
    /// An order's review ends. Subject: the order.
    Review,
    /// The provider is to be asked for an order's refunds. Subject: the order.
    Refund,
    /// A report in the inbox is to be acted on. Subject: the report.
    Inbox,
    /// A seller's open orders are to be held or let go, as its status says. Subject: the seller.
    SellerHolds,
}

impl WorkKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::PaymentWindow, Self::Review, Self::Refund, Self::Inbox, Self::SellerHolds];

    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentWindow => "payment_window",
            Self::Review => "review",
            Self::Refund => "refund",
            Self::Inbox => "inbox",
            Self::SellerHolds => "seller_holds",
        }
    }
}

impl fmt::Display for WorkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for WorkKind {
    type Err = UnknownWorkKind;

    fn from_str(text: &str) -> Result<Self, UnknownWorkKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownWorkKind)
    }
}

/// The text names no kind of work that this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of work that this version knows")]
pub struct UnknownWorkKind;
