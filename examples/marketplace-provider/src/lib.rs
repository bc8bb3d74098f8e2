//! A payment provider to run the marketplace against: small, honest about failure, and spoken to over
//! HTTP only.
//!
//! It keeps checkouts and refunds in one SQLite file, and tells the marketplace about them with signed
//! events. A payment and its event are written in one transaction, synced to disk before the answer
//! leaves, so that a process that is killed at any moment forgets nothing that it said.
//!
//! # Running it
//!
//! ```text
//! marketplace-provider --secret-file marketplace.secret \
//!     --webhook-url http://127.0.0.1:3000/api/payments/events
//! ```
//!
//! When it is ready it prints one line, `listening http://127.0.0.1:PORT`. [`Args`] has every flag.
//!
//! # What it answers
//!
//! | request | who | does |
//! | --- | --- | --- |
//! | `PUT /v1/checkouts/{reference}` [`NewCheckout`] | key | opens a checkout: 201, the same again 200, other terms 409 |
//! | `GET /v1/checkouts/{reference}` | key | the [`Checkout`] as it is now |
//! | `GET /pay/{id}` | anyone | a page with two buttons |
//! | `POST /pay/{id}` `{"outcome": "paid" or "failed"}`, as JSON or as a form | anyone | 200; `failed` leaves it open, `paid` again is 200, `failed` after `paid` 409 |
//! | `PUT` or `POST /v1/refunds/{reference}` [`NewRefund`] | key | 201, the same again 200; more than is left of the payment, or not paid: 409 |
//! | `GET /v1/refunds/{reference}` | key | the [`Refund`] |
//! | `GET /v1/controls`, `POST /v1/controls` [`ControlsChange`] | key | how events are delivered: [`Controls`] |
//! | `GET /v1/events` `?state=`, `?after=` | key | the events and how their delivery stands: [`EventList`] |
//! | `POST /v1/redeliver` `{"event": id}` or `{"all": true}` | key | queues events again, acknowledged and dead ones too |
//! | `GET /healthz` | anyone | alive |
//!
//! *key* is `Authorization: Bearer <api key>`; the key is the hex form of HMAC-SHA256 of the bytes
//! `api-key` under the shared secret ([`Secret::api_key`]). Refusals are `application/problem+json` with
//! a `code`: `unauthenticated` (401), `not_found` (404), `method_not_allowed` (405), `conflict` (409),
//! `too_large` (413, over 16 KiB), `malformed` (400), `invalid` (422, with `errors`), `unavailable`
//! (503, also when 10,000 events wait to be delivered).
//!
//! # What it sends
//!
//! [`Event`]s, as a `POST` to the webhook URL with the three headers of
//! [Standard Webhooks](https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp` (Unix seconds
//! of this attempt) and `webhook-signature`, which is `v1,` and the base64 form of HMAC-SHA256 over
//! `{id}.{timestamp}.{body}`, keyed with the bytes that the hex in the secret file stands for.
//!
//! Delivery is at least once and, within a checkout, in order. Only a 2xx within 5 s acknowledges. What
//! was not acknowledged is sent again after 200 ms, then twice as long each time up to 5 s, and at once
//! after a restart; after `--max-attempts` failures in a row it is a dead letter until it is redelivered.
//! Up to 16 checkouts are delivered at a time. [`Controls`] make it late, repetitive or out of order.

mod api;
mod args;
mod body;
mod courier;
mod page;
mod problem;
mod refusal;
mod secret;
mod serve;
mod state;
mod tether;
mod values;
mod wire;

pub use args::{Args, WebhookUrl, WebhookUrlError};
pub use courier::pause_after;
pub use secret::{Secret, SecretError};
pub use serve::{StartError, run};
pub use values::{Amount, CheckoutId, Currency, EventId, Reference};
pub use wire::{
    Attempt, Checkout, CheckoutStatus, Controls, ControlsChange, DeliveryState, Event, EventData, EventKind,
    EventList, EventSummary, FieldError, NewCheckout, NewRefund, Outcome, Redelivery, Refund, RefundStatus,
    Requeued,
};
