//! What handlers ask for: one type each, the same in axum and in actix-web.

mod caller;
mod content;
mod decode;
mod header;
#[cfg(any(feature = "axum", feature = "actix"))]
mod mistake;

pub use caller::{ClientAddress, Principal, Require, Tenant};
pub use content::{Body, Paging, Query, RawBody};
pub use header::{IdempotencyKeyHeader, IfMatch};

#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use {
    decode::{collect, is_json, json, paging, query},
    header::{Deferred, idempotency_key, if_match},
    mistake::{no_address, no_gate, undeclared},
};
#[cfg(feature = "axum")]
pub(crate) use mistake::misordered;
