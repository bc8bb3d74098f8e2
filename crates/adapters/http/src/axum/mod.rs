//! The routes, the extractors and the answers in axum, and what stands in for axum's own plain refusals.
//!
//! ```no_run
//! use axum::Json;
//! use tenantry_core::permissions;
//! use tenantry_http::axum::{Guarded, Routes, get};
//! use tenantry_http::{Gate, Paging, Problem, Public, Require, UnguardedRoutes};
//!
//! permissions! {
//!     /// Read listings.
//!     pub ListingRead = "listing:read";
//! }
//!
//! async fn listings(caller: Require<ListingRead>, Paging(page): Paging) -> Result<Json<String>, Problem> {
//!     Ok(Json(format!("{} of {}", page.limit(), caller.tenant().tenant().name)))
//! }
//!
//! async fn alive(_: Public) -> &'static str {
//!     "alive"
//! }
//!
//! fn service(gate: &Gate) -> Result<Guarded, UnguardedRoutes> {
//!     Routes::new().route("/listings", get(listings)).route("/healthz", get(alive)).behind(gate)
//! }
//! ```
//!
//! # No route without a guard
//! Each route says who may use it: the arguments of its handler do ([`Public`],
//! [`Principal`](crate::Principal), [`Require<P>`](crate::Require), [`RequireOn<P>`](crate::RequireOn)), or
//! [`Methods::declared`] does. The gate stands on
//! the route itself, so that it is always the matched one that is decided about.
//!
//! | what is added | without a declaration |
//! | --- | --- |
//! | a handler: [`get`], [`post`], [`on`], …, [`Routes::fallback`] | doesn't compile |
//! | a `MethodRouter` of axum: [`Methods::plain`] | [`Routes::behind`] refuses: the service doesn't start |
//! | routes nested or merged: [`Routes::nest`], [`Routes::merge`] | as above, with their whole paths |
//! | a service or a `Router` of axum: [`Routes::service`], [`Routes::nest_service`] | doesn't compile |
//! | a route added late, to what [`Routes::behind`] gives | doesn't compile: [`Guarded`] is no `Router` |
//!
//! Such a handler doesn't compile:
//!
//! ```compile_fail,E0277
//! use tenantry_http::axum::get;
//!
//! async fn forgotten() {}
//!
//! let _: tenantry_http::axum::Methods = get(forgotten);
//! ```
//!
//! Nor does one that says two things, since only one of them would be in the list:
//!
//! ```compile_fail,E0283
//! use tenantry_http::{Principal, Public, axum::get};
//!
//! async fn torn(_: Public, _: Principal) {}
//!
//! let _: tenantry_http::axum::Methods = get(torn);
//! ```
//!
//! And there is nothing to add a route to afterwards:
//!
//! ```compile_fail,E0599
//! # fn late(guarded: tenantry_http::axum::Guarded) {
//! guarded.route("/late", axum::routing::get(|| async { "too late" }));
//! # }
//! ```
//!
//! # What is decided first
//! axum runs the extractors of a handler one after the other, and the gate decides where the one that
//! declares stands. An extractor of yours before it can hide a route from whoever shouldn't learn of it, and
//! a `Path` of axum's can answer 400 to somebody who isn't signed in. Put the one that declares first, or let
//! [`Methods::declared`] say the same, which is decided before any extractor runs.
//!
//! # What stands outside
//! What isn't given to [`Routes`] stands outside the gate: another `Router` around a [`Guarded`], or beside it on
//! another socket. A handler there that asks for the tenant, the caller or a permission answers 500 `no_gate` before
//! it runs, and the log says so; one that asks for nothing runs, and has no tenant to read anything of. Whether there
//! is such a router is seen in one line, where the server is started: it has to be a [`Guarded`] that is served.

mod extract;
mod guarded;
mod methods;
mod routes;

pub use guarded::Guarded;
pub use methods::{Methods, any, delete, get, head, on, options, patch, post, put};
pub use routes::Routes;

use crate::{Problem, Public};

/// Answers what no route is for: 404 `not_found`.
pub async fn not_found(_: Public) -> Problem {
    Problem::not_found()
}

/// Answers what a route is for, but not with this method: 405 `method_not_allowed`.
pub async fn method_not_allowed(_: Public) -> Problem {
    Problem::method_not_allowed()
}
