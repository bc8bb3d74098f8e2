//! What goes over the wire: requests, answers and events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::values::{Amount, CheckoutId, Currency, EventId, Reference};

/// The body of `PUT /v1/checkouts/{reference}`.
///
/// ```
/// use marketplace_provider::NewCheckout;
///
/// let new: NewCheckout = serde_json::from_str(r#"{"amount": 4900, "currency": "USD"}"#)?;
/// assert_eq!(new.amount.get(), 4900);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCheckout {
    /// What is to be paid, in minor units.
    pub amount: Amount,
    /// The currency of the amount.
    pub currency: Currency,
    /// Shown to whoever pays; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the payer's browser goes after paying: an absolute `http` or `https` URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

/// A checkout as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// The provider's id for it, unguessable.
    pub id: CheckoutId,
    /// The caller's name for it.
    pub reference: Reference,
    /// Where it is paid; absolute.
    pub checkout_url: String,
    /// Whether it has been paid.
    pub status: CheckoutStatus,
    /// What is to be paid, in minor units.
    pub amount: Amount,
    /// The currency of every amount here.
    pub currency: Currency,
    /// What has gone back so far, in minor units.
    pub refunded: i64,
    /// Shown to whoever pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the payer's browser goes after paying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

/// Whether a checkout has been paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum CheckoutStatus {
    /// It waits for a payment; attempts may have failed.
    Open,
    /// It has been paid.
    Paid,
}

/// The body of `POST /pay/{id}`: one attempt to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// How the attempt is to end.
    pub outcome: Outcome,
}

/// How an attempt to pay ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The money arrives and the checkout is closed.
    Paid,
    /// The money does not arrive; another attempt may be made.
    Failed,
}

/// The body of `PUT` and `POST /v1/refunds/{reference}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// The checkout whose payment goes back, in whole or in part.
    pub checkout_reference: Reference,
    /// How much goes back, in minor units.
    pub amount: Amount,
    /// The currency of the checkout.
    pub currency: Currency,
}

/// A refund as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The caller's name for it.
    pub reference: Reference,
    /// The checkout whose payment went back.
    pub checkout_reference: Reference,
    /// How much went back, in minor units.
    pub amount: Amount,
    /// The currency of the amount.
    pub currency: Currency,
    /// How it ended.
    pub status: RefundStatus,
}

/// How a refund ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefundStatus {
    /// The money went back.
    Succeeded,
}

/// How events are delivered. It is kept in the state, so a restart changes nothing about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controls {
    /// Milliseconds that every event waits before its first attempt.
    pub delay_ms: u32,
    /// How many times more an event is sent after it was acknowledged.
    pub duplicate: u32,
    /// Within a checkout the newest event goes first, instead of the oldest.
    pub reorder: bool,
    /// Nothing is delivered until this is false again.
    pub hold: bool,
}

/// The body of `POST /v1/controls`: what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlsChange {
    /// New [`Controls::delay_ms`], at most 600,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u32>,
    /// New [`Controls::duplicate`], at most 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<u32>,
    /// New [`Controls::reorder`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reorder: Option<bool>,
    /// New [`Controls::hold`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<bool>,
}

impl ControlsChange {
    /// The controls after this change.
    #[must_use]
    pub fn applied_to(self, before: Controls) -> Controls {
        Controls {
            delay_ms: self.delay_ms.unwrap_or(before.delay_ms),
            duplicate: self.duplicate.unwrap_or(before.duplicate),
            reorder: self.reorder.unwrap_or(before.reorder),
            hold: self.hold.unwrap_or(before.hold),
        }
    }
}

/// The body of `POST /v1/redeliver`: `{"event": "evt_…"}` or `{"all": true}`, one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redelivery {
    /// The one event to queue again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// Queue every event again that is acknowledged or dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
}

/// The answer of `POST /v1/redeliver`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requeued {
    /// How many events wait again because of this request.
    pub queued: u64,
    /// How many did not fit into the queue: ask again once it is shorter.
    pub left: u64,
}

/// One event, as it is sent to the webhook URL.
///
/// ```
/// use marketplace_provider::{Event, EventKind};
///
/// let event: Event = serde_json::from_str(r#"{
///     "id": "evt_1", "type": "checkout.paid", "created": "2026-03-01T12:00:00Z",
///     "data": {"reference": "order-1", "checkout": "co_1", "amount": 4900, "currency": "USD"}
/// }"#)?;
/// assert_eq!(event.kind, EventKind::CheckoutPaid);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The same in every delivery of this event, and in `webhook-id`.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When it happened.
    pub created: Timestamp,
    /// What it happened to.
    pub data: EventData,
}

/// What an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[non_exhaustive]
pub enum EventKind {
    /// A checkout has been paid.
    #[serde(rename = "checkout.paid")]
    #[sqlx(rename = "checkout.paid")]
    CheckoutPaid,
    /// An attempt to pay a checkout has failed; it stays open.
    #[serde(rename = "checkout.failed")]
    #[sqlx(rename = "checkout.failed")]
    CheckoutFailed,
    /// Money of a paid checkout went back.
    #[serde(rename = "refund.succeeded")]
    #[sqlx(rename = "refund.succeeded")]
    RefundSucceeded,
}

/// What an event happened to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventData {
    /// The caller's name for the checkout.
    pub reference: Reference,
    /// The provider's id for the checkout.
    pub checkout: CheckoutId,
    /// What was or was to be paid, or what went back; minor units.
    pub amount: Amount,
    /// The currency of the amount.
    pub currency: Currency,
    /// The caller's name for the refund, where the event tells of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<Reference>,
}

/// The answer of `GET /v1/events`: oldest first, at most 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventList {
    /// The events.
    pub items: Vec<EventSummary>,
    /// What to pass as `after` for those that follow; null at the end.
    pub next: Option<EventId>,
}

/// An event and how its delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSummary {
    /// The event's id.
    pub id: EventId,
    /// What it tells of.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The checkout it belongs to.
    pub reference: Reference,
    /// Whether it waits, was acknowledged or was given up.
    pub state: DeliveryState,
    /// Failed attempts since it was last acknowledged or queued.
    pub failures: u32,
}

/// How the delivery of an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for an attempt.
    Pending,
    /// It was acknowledged as often as it was to be.
    Delivered,
    /// It failed too often and is sent no more until somebody redelivers it.
    Dead,
}

/// One field of a refused body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field, as a path.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let before = Controls { delay_ms: 5, duplicate: 1, reorder: true, hold: true };
        let change = ControlsChange { hold: Some(false), ..ControlsChange::default() };
        assert_eq!(change.applied_to(before), Controls { hold: false, ..before });
    }
}
