//! The gate of tenantry, and the answers that a service gives over HTTP.
//!
//! The [`Gate`] knows no framework: it reads what it needs through [`RequestView`] and decides. The layer of
//! `tower`, the middleware of `actix` and the extractors around it behave alike, so that a handler moves from
//! one framework to the other by its `use` lines.
//!
//! # Who decides what
//! The layer (or the middleware) gives each request an id and a span and puts the gate beside it; it refuses
//! nothing. The extractors decide, where the matched route is certain:
//!
//! | extractor | for | refuses with |
//! | --- | --- | --- |
//! | [`Tenant`] | public routes at a tenant's host | 404, 403 suspended, 413 |
//! | [`Principal`] | any member who signed in | 404, 401, 403 mismatch, 403 suspended, 413, 429 |
//! | [`Require<P>`] | members who hold the permission `P` | the same, then 403 forbidden |
//! | [`Body<T>`], [`RawBody`] | what was sent | 413, 400, 422 |
//! | [`Query<T>`], [`Paging`] | what the query says | 422 |
//! | [`IdempotencyKeyHeader`], [`IfMatch`] | what a header says | 422, together with the body's fields |
//!
//! The first refusal that applies is answered, in the order 404 `tenant_unknown`, 401, 403 `tenant_mismatch`, 403
//! `tenant_suspended`, 413, 429, 403 `forbidden`, 400, 422. A handler whose request passed no gate answers 500
//! `no_gate`, and says so in the log.

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
mod extract;
mod gate;
mod problem;
#[cfg(feature = "tower")]
pub mod tower;

pub use extract::{
    Body, ClientAddress, IdempotencyKeyHeader, IfMatch, Paging, Principal, Query, RawBody, Require, Tenant,
};
pub use gate::{
    Admission, BadToken, Counted, Credentials, Gate, GateBuilder, InvalidToken, Refusal, RequestId,
    RequestView, TokenVerifier, VerifiedToken,
};
pub use problem::{FieldError, FieldErrors, Problem, Validate};
