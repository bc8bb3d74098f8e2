//! What handlers ask for: one type each, the same in axum and in actix-web.

mod caller;
mod content;
#[cfg(any(feature = "axum", feature = "actix", test))]
mod decode;
mod header;
#[cfg(any(feature = "tower", feature = "actix"))]
mod mistake;
mod require_on;

pub use caller::{ClientAddress, Principal, Public, Require, Tenant};
pub use content::{Body, Paging, Query, RawBody};
pub use header::{IdempotencyKeyHeader, IfMatch};
pub use require_on::RequireOn;

#[cfg(feature = "axum")]
pub(crate) use mistake::misordered;
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use mistake::undeclared_route;
#[cfg(feature = "actix")]
pub(crate) use mistake::unmountable;
#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) use mistake::{contradicted, no_gate, undeclared};
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use {
    decode::{collect, is_json, json, paging, query},
    header::{Deferred, idempotency_key, if_match},
    mistake::no_address,
};
