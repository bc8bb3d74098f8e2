use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{BasisPoints, Money};

/// What buyer, seller and operator agreed on when the order was made: copied onto it, so that a later change of
/// settings touches no open order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What the buyer pays: above zero.
    pub gross: Money,
    /// The operator's part of it.
    pub fee: BasisPoints,
    /// How long the buyer may review before the money is released.
    pub review: Duration,
    /// How long the buyer has to pay.
    pub payment_window: Duration,
    /// What happens between payment and review.
    pub fulfilment: Fulfilment,
}

/// What happens between payment and review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fulfilment {
    /// Nothing: the review begins with the payment.
    Immediate,
    /// A deployment: the review begins when it is reported done.
    Deployed,
}

impl Terms {
    /// The longest review and the longest payment window: 90 days.
    pub const MAX_SPAN: Duration = Duration::from_secs(90 * 24 * 3600);
    /// The highest gross, in minor units: a million million, far below what 64 bits hold, so that sums over many
    /// orders stay in range too.
    pub const MAX_GROSS: i64 = 1_000_000_000_000;

    /// These terms, if an order can have them.
    ///
    /// # Errors
    /// [`InvalidTerms`] names what is out of range.
    pub fn checked(self) -> Result<Self, InvalidTerms> {
        if !(1..=Self::MAX_GROSS).contains(&self.gross.amount()) {
            return Err(InvalidTerms::Gross);
        }
        let spans_fit =
            [self.review, self.payment_window].iter().all(|span| !span.is_zero() && *span <= Self::MAX_SPAN);
        if spans_fit { Ok(self) } else { Err(InvalidTerms::Span) }
    }
}

/// Terms that no order can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTerms {
    /// The gross is not positive, or too high.
    #[error("an order's amount lies between 1 and 1000000000000 minor units")]
    Gross,
    /// A review or a payment window of no time, or of more than 90 days.
    #[error("a review and a payment window last more than nothing and at most 90 days")]
    Span,
}
