//! The gate of tenantry, and the answers that a service gives over HTTP.
//!
//! The [`Gate`] knows no framework: it reads what it needs through [`RequestView`] and decides. The routes, the
//! extractors and the answers around it behave alike in axum and in actix-web, so that a handler moves from one
//! framework to the other by its `use` lines.
//!
//! # No route without a guard
//! Each route of a service declares who may use it: a permission, any member, or [`Public`]. Mostly an argument of its
//! handler does (see [`Declares`]), so that nothing is said twice; a handler without one doesn't compile. Where that
//! can't be read, the route says it by an [`Access`], or the service doesn't start ([`UnguardedRoutes`]). The list of
//! the routes with their declarations is a [`RouteTable`]: to be printed, to be kept where a change of it shows, and to
//! be written into an OpenAPI document. How each framework keeps out what isn't in that list is told in its module:
//! `axum` and `actix`; a bare service of `tower` has one declaration for all of it.
//!
//! # Who decides what
//! Around each route the gate gives the request an id and a span and puts itself beside it. Who may pass is decided
//! where the matched route is certain: by the extractors of its handler, or by what the route itself declares.
//!
//! | extractor | for | refuses with |
//! | --- | --- | --- |
//! | [`Public`] | anybody | nothing |
//! | [`Tenant`] | besides [`Public`]: the tenant at whose host the request is | 404, 403 suspended, 413 |
//! | [`Principal`] | any member who signed in | 404, 401, 403 mismatch, 403 suspended, 413, 429 |
//! | [`Require<P>`] | members who hold the permission `P` on everything | the same, then 403 forbidden |
//! | [`RequireOn<P>`] | members who hold `P` on something: on what, it decides once that is loaded | the same, then 404 or 403 |
//! | [`Body<T>`], [`RawBody`] | what was sent | 413, 400, 422 |
//! | [`Query<T>`], [`Paging`] | what the query says | 422 |
//! | [`IdempotencyKeyHeader`], [`IfMatch`] | what a header says | 422, together with the body's fields |
//!
//! The first refusal that applies is answered, in the order 404 `tenant_unknown`, 401, 403 `tenant_mismatch`, 403
//! `tenant_suspended`, 413, 429, 403 `forbidden`, 400, 422. A handler whose request passed no gate answers 500
//! `no_gate`, one that asks for something else than its route declares 500 `route_contradicted`, and the log says so.

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
mod extract;
mod gate;
mod problem;
mod routes;
#[cfg(feature = "tower")]
pub mod tower;

pub use extract::{
    Body, ClientAddress, IdempotencyKeyHeader, IfMatch, Paging, Principal, Public, Query, RawBody, Require,
    RequireOn, Tenant,
};
pub use gate::{
    Admission, BadToken, Counted, Credentials, Gate, GateBuilder, InvalidToken, Refusal, RequestId,
    RequestView, TokenVerifier, VerifiedToken,
};
pub use problem::{FieldError, FieldErrors, Problem, Validate};
pub use routes::{
    Access, At, DeclaredPermission, DeclaredRoute, Declares, DeclaringArguments, RouteFault, RouteTable,
    UnguardedRoutes,
};
