use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{OrderCommand, OrderDecision, Shares, Terms, decide_order};
use crate::{Money, MoneyError, OrderId, RefundId, TenantId, Timestamp, UserId};

/// An order as its operator keeps it: the one truth about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The tenant that runs the marketplace and holds the money.
    pub operator: TenantId,
    /// The tenant that pays.
    pub buyer: TenantId,
    /// The tenant that is paid.
    pub seller: TenantId,
    /// The user who placed it.
    pub placed_by: UserId,
    /// What is bought, as it was when the order was made.
    pub subject: Subject,
    /// What was agreed.
    pub terms: Terms,
    /// Where it is in the chart.
    pub state: OrderState,
    /// What keeps it from being released.
    pub holds: Vec<Hold>,
    /// When the buyer has to have paid, while payment is awaited.
    pub payment_due: Option<Timestamp>,
    /// The payment that funded it.
    pub payment: Option<PaymentRef>,
    /// The review, once it has begun and until the order ends.
    pub review: Option<Review>,
    /// What went back to the buyer.
    pub refunds: Vec<Refund>,
    /// Moves with each step.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Order {
    /// What was or is being paid back, in the order's currency.
    ///
    /// # Errors
    /// [`MoneyError`] when the sum is out of range.
    pub fn refunded(&self) -> Result<Money, MoneyError> {
        let nothing = Money::zero(self.terms.gross.currency());
        self.refunds.iter().try_fold(nothing, |sum, refund| sum.checked_add(refund.amount))
    }

    /// The shares of what is left after refunds.
    ///
    /// # Errors
    /// [`MoneyError`] when an amount is out of range.
    pub fn shares(&self) -> Result<Shares, MoneyError> {
        Shares::after_refund(self.terms.gross, self.terms.fee, self.refunded()?)
    }

    /// Whether a hold of this kind lies on it.
    #[must_use]
    pub fn is_held_by(&self, kind: HoldKind) -> bool {
        self.holds.iter().any(|hold| hold.kind == kind)
    }

    /// When the review ends, while its clock runs.
    #[must_use]
    pub fn review_ends_at(&self) -> Option<Timestamp> {
        match self.review {
            Some(Review::Running { ends_at }) => Some(ends_at),
            Some(Review::Paused { .. }) | None => None,
        }
    }

    /// What `party` can do with it at `now`, and until when: exactly what [`decide_order`] would let it.
    #[must_use]
    pub fn actions(&self, party: Party, now: Timestamp) -> Vec<OrderAction> {
        let candidates: &[(&'static str, OrderCommand)] = match party {
            Party::Buyer => &[
                ("cancel", OrderCommand::Cancel),
                ("accept", OrderCommand::Accept),
                ("dispute", OrderCommand::Dispute { reason: String::new() }),
            ],
            Party::Seller => &[],
            Party::Operator => &[("resolve", OrderCommand::ResolveRefund)],
        };
        let until = self.payment_due.or_else(|| self.review_ends_at());
        candidates
            .iter()
            .filter(|(_, command)| matches!(decide_order(self, command, now), Ok(OrderDecision::Moved(_))))
            .map(|(name, _)| OrderAction { name, until })
            .collect()
    }
}

/// Something that a party can do with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OrderAction {
    /// `cancel`, `accept`, `dispute` or `resolve`.
    pub name: &'static str,
    /// Until when, if time ends it.
    pub until: Option<Timestamp>,
}

/// Where an order is in its chart.
///
/// ```text
/// Created → AwaitingPayment → Funded → InReview → Released | Refunded
///     └──────────┴→ Cancelled | Expired  (a payment that comes after is refunded in full)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Made, payment not asked for yet.
    Created,
    /// Payment asked for; expires after the payment window.
    AwaitingPayment,
    /// Paid; what is to happen before the review hasn't yet.
    Funded,
    /// Paid; the buyer may accept or dispute until the review ends.
    InReview,
    /// The seller has its share, the operator its fee. Final.
    Released,
    /// The buyer has, or will get, everything that was left. Final.
    Refunded,
    /// Given up by the buyer before payment. Final, but for a payment that comes late.
    Cancelled,
    /// Not paid in time. Final, but for a payment that comes late.
    Expired,
}

impl OrderState {
    /// Every state, in the order of the chart.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::AwaitingPayment,
        Self::Funded,
        Self::InReview,
        Self::Released,
        Self::Refunded,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The word that is stored and shown: `awaiting_payment`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Funded => "funded",
            Self::InReview => "in_review",
            Self::Released => "released",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether the order can still be paid, released or refunded in the ordinary way.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::AwaitingPayment | Self::Funded | Self::InReview)
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The clock of a review. It stands still while a hold lies on the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// It runs.
    Running {
        /// When the order is released.
        ends_at: Timestamp,
    },
    /// It stands.
    Paused {
        /// What is left once the last hold is lifted.
        remaining: Duration,
    },
}

/// What keeps an order from being released, whatever its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Whose it is. At most one of each kind lies on an order.
    pub kind: HoldKind,
    /// Why, in the words of whoever laid it.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Whose hold it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// The buyer's, until the operator resolves the dispute.
    Dispute,
    /// The operator's own.
    Operator,
    /// The operator's too, for as long as the seller is suspended.
    Suspension,
}

impl HoldKind {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dispute => "dispute",
            Self::Operator => "operator",
            Self::Suspension => "suspension",
        }
    }
}

/// A part or the whole of an order on its way back to the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id, which is also the key under which the provider is asked for it.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// How far it has come.
    pub state: RefundState,
}

/// How far a refund has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// Decided, the provider not asked yet.
    Requested,
    /// The provider was asked and hasn't said that it is done.
    Sent,
    /// The buyer has it.
    Settled,
    /// The provider refused it; it can be asked again.
    Failed,
}

/// What is bought: the application's reference and a copy of what it promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The application's name for it, such as a listing's slug: 1 to 200 characters.
    pub reference: String,
    /// A copy of it, at most 16 KiB as text.
    pub snapshot: serde_json::Value,
}

/// The payment that funded an order, in the provider's words. 1 to 200 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaymentRef(String);

impl PaymentRef {
    /// The provider's name for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PaymentRef {
    type Err = InvalidPaymentRef;

    fn from_str(text: &str) -> Result<Self, InvalidPaymentRef> {
        let fits = (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidPaymentRef) }
    }
}

/// The text is no reference of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payment's reference has 1 to 200 visible ASCII characters")]
pub struct InvalidPaymentRef;

/// What a party of an order sees of it: its own row, written in the same batch as the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSide {
    /// The tenant whose row it is: the buyer or the seller.
    pub tenant: TenantId,
    /// Which of them.
    pub party: Party,
    /// The order as the party may see it: without the user who placed it where that is another tenant's.
    pub order: Order,
}

impl OrderSide {
    /// The side of `order` that `party` keeps; the operator has none, since it keeps the order.
    #[must_use]
    pub fn of(order: &Order, party: Party) -> Option<Self> {
        let (tenant, placed_by) = match party {
            Party::Buyer => (order.buyer, order.placed_by),
            Party::Seller => (order.seller, UserId::from_uuid(uuid::Uuid::nil())),
            Party::Operator => return None,
        };
        Some(Self { tenant, party, order: Order { placed_by, ..order.clone() } })
    }
}

/// A tenant's part in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// It pays.
    Buyer,
    /// It is paid.
    Seller,
    /// It runs the marketplace.
    Operator,
}

impl Party {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Seller => "seller",
            Self::Operator => "operator",
        }
    }
}
