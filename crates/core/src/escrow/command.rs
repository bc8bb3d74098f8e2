use crate::{Money, MoneyError, PaymentRef, RefundId};

/// What can happen to an order once it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderCommand {
    /// The payment is asked for: the payment window begins.
    RequestPayment,
    /// The provider reports a payment.
    Pay {
        /// Which.
        payment: PaymentRef,
        /// How much: the gross, to the unit.
        paid: Money,
    },
    /// The provider reports an attempt that failed: the order goes on waiting.
    PaymentFailed,
    /// The payment window ends.
    WindowEnds,
    /// What had to happen before the review has happened.
    StartReview,
    /// The buyer releases early.
    Accept,
    /// The review ends.
    ReviewEnds,
    /// The buyer gives up before payment.
    Cancel,
    /// The buyer objects: a hold until the operator resolves it.
    Dispute {
        /// Why, at most 2,000 characters.
        reason: String,
    },
    /// The operator ends a dispute in the seller's favour.
    ResolveRelease,
    /// The operator ends a dispute in the buyer's favour.
    ResolveRefund,
    /// The operator lays its own hold.
    Hold {
        /// Why, at most 2,000 characters.
        reason: String,
    },
    /// The operator lifts its own hold.
    LiftHold,
    /// The seller was suspended: a hold of its own kind, which the operator's own doesn't touch.
    SellerSuspended,
    /// The seller may act again: the suspension's hold is lifted, and no other.
    SellerReactivated,
    /// The operator pays a part or the whole back.
    Refund {
        /// How much of what is left.
        amount: Money,
    },
    /// The operator has the provider asked again for a refund that it refused.
    RetryRefund {
        /// Which.
        refund: RefundId,
    },
    /// The provider was asked for a refund.
    RefundSent {
        /// Which.
        refund: RefundId,
    },
    /// The provider reports that the buyer has a refund.
    RefundSettled {
        /// Which.
        refund: RefundId,
    },
    /// The provider reports that it refused a refund.
    RefundFailed {
        /// Which.
        refund: RefundId,
    },
}

impl OrderCommand {
    /// The longest reason, in characters.
    pub const MAX_REASON: usize = 2_000;

    /// The word for it in audit entries and events: `payment_requested`, `paid`, `released`, …
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RequestPayment => "request_payment",
            Self::Pay { .. } => "pay",
            Self::PaymentFailed => "payment_failed",
            Self::WindowEnds => "window_ends",
            Self::StartReview => "start_review",
            Self::Accept => "accept",
            Self::ReviewEnds => "review_ends",
            Self::Cancel => "cancel",
            Self::Dispute { .. } => "dispute",
            Self::ResolveRelease => "resolve_release",
            Self::ResolveRefund => "resolve_refund",
            Self::Hold { .. } => "hold",
            Self::LiftHold => "lift_hold",
            Self::SellerSuspended => "seller_suspended",
            Self::SellerReactivated => "seller_reactivated",
            Self::Refund { .. } => "refund",
            Self::RetryRefund { .. } => "retry_refund",
            Self::RefundSent { .. } => "refund_sent",
            Self::RefundSettled { .. } => "refund_settled",
            Self::RefundFailed { .. } => "refund_failed",
        }
    }
}

/// Why an order doesn't take a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderRefusal {
    /// The state doesn't know the command.
    #[error("this is not possible in the order's state")]
    State,
    /// A timer says that time is up, and it isn't: the timer has to stay, or the order would wait for ever.
    #[error("the time for this has not come: try again when it is due")]
    TooEarly,
    /// A hold keeps the order from being released.
    #[error("a hold keeps the order from being released: wait until it is lifted or resolved")]
    Held,
    /// There is no dispute to resolve.
    #[error("the order is not disputed")]
    NotDisputed,
    /// The order is disputed already.
    #[error("the order is disputed already")]
    AlreadyDisputed,
    /// Another amount, or another currency, than the order's gross.
    #[error("the payment is not the order's amount")]
    WrongAmount,
    /// Another payment funded the order.
    #[error("another payment has funded the order")]
    AlreadyPaid,
    /// More than what is left, or nothing.
    #[error("a refund is more than nothing and at most what is left of the order")]
    RefundAmount,
    /// No refund has this id.
    #[error("the order has no such refund")]
    UnknownRefund,
    /// As many refunds as an order can have.
    #[error("an order has at most 32 refunds")]
    TooManyRefunds,
    /// The money is out of range.
    #[error(transparent)]
    Money(#[from] MoneyError),
}
