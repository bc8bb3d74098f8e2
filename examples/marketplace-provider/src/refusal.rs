//! Why something was not done.

use crate::values::{Currency, Reference};
use crate::wire::FieldError;

/// A refusal, keyed by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Refusal {
    /// No or a wrong api key.
    #[error("send the api key as Authorization: Bearer <key>")]
    Unauthenticated,
    /// No such path.
    #[error("there is nothing at this address")]
    NoRoute,
    /// The path exists, the method does not.
    #[error("this address does not answer that method")]
    Method,
    /// Nothing of that name.
    #[error("no {0} of that name")]
    Unknown(&'static str),
    /// The reference is in use with other terms.
    #[error("{0} exists with other terms: use another reference")]
    OtherTerms(Reference),
    /// A paid checkout takes no failed payment.
    #[error("this checkout has been paid")]
    AlreadyPaid,
    /// Only what was paid can go back.
    #[error("this checkout has not been paid: nothing can go back")]
    NotPaid,
    /// More than is left of the payment.
    #[error("only {left} of the payment is left to refund")]
    MoreThanPaid {
        /// Paid less refunded, in minor units.
        left: i64,
    },
    /// A refund is in the currency of its checkout.
    #[error("the checkout was paid in {0}: refund it in that")]
    OtherCurrency(Currency),
    /// The body was too long to read.
    #[error("a body has at most {} bytes", crate::body::LONGEST)]
    TooLarge,
    /// The body is not in a form that can be read.
    #[error("{0}")]
    Malformed(String),
    /// The body can be read, but says what may not be said.
    #[error("some fields are wrong")]
    Invalid(Vec<FieldError>),
    /// Too many events wait.
    #[error("too many events wait to be delivered: try again when the webhook has caught up")]
    QueueFull,
    /// The state file does not answer.
    #[error("the state could not be read or written: try again")]
    State(#[from] sqlx::Error),
}

impl Refusal {
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }
}
