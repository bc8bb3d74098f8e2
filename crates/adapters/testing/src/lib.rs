//! A test that walks over every route of your service, as callers of several tenants, and tells whether one tenant
//! learns of another.
//!
//! Give it the app, the tenants (what belongs to each, and texts that nobody else may ever read), a caller of each,
//! and the routes. It names every other tenant's things in every place that a request has for a name, and compares
//! each answer (status, headers, body) with the answer about a thing of the same shape that doesn't exist. A
//! difference is a leak. A *mark* of another tenant in any answer is a leak.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{Json, Router, extract::Path, http::{HeaderMap, StatusCode}, routing::get};
//! use serde_json::{Value, json};
//! use tenantry_testing::{App, Caller, Route, Tenant, Walk};
//!
//! struct Note { id: u32, tenant: &'static str, text: &'static str }
//! const NOTES: [Note; 2] = [
//!     Note { id: 1, tenant: "acme", text: "Acme buys Bolt" },
//!     Note { id: 2, tenant: "bolt", text: "Bolt sells itself" },
//! ];
//!
//! /// Reads one note of the caller's tenant. (`if note.id == id` alone would be the leak of the day.)
//! async fn note(Path(id): Path<u32>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
//!     let caller = headers.get("authorization").and_then(|value| value.to_str().ok());
//!     let tenant = caller.and_then(|token| token.strip_prefix("Bearer ")).ok_or(StatusCode::UNAUTHORIZED)?;
//!     let mut own = NOTES.iter().filter(|note| note.tenant == tenant);
//!     let note = own.find(|note| note.id == id).ok_or(StatusCode::NOT_FOUND)?;
//!     Ok(Json(json!({ "id": note.id, "text": note.text })))
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let app = Router::new().route("/notes/{note}", get(note));
//! let report = Walk::of(App::axum(app))
//!     .routes([Route::get("/notes/{note}")])
//!     .tenant(Tenant::new("acme").has("note", 1).mark("Acme buys Bolt"))
//!     .tenant(Tenant::new("bolt").has("note", 2).mark("Bolt sells itself"))
//!     .caller(Caller::of("acme").bearer("acme"))
//!     .caller(Caller::of("bolt").bearer("bolt"))
//!     .caller(Caller::nobody())
//!     .run()
//!     .await?;
//! report.assert_clean();
//! assert!(report.pairs() > 50);
//! # Ok::<(), tenantry_testing::WalkError>(())
//! # }).unwrap();
//! ```
//!
//! # What it tries
//!
//! In this order, so that what ends things comes after all that needs them:
//!
//! 1. Every caller reads its own things, twice: what differs is noise; entity tags and cursors are kept.
//! 2. On routes that read, every caller at its own host, and with the same credentials at every other tenant's, names
//!    every other tenant's things: in the path, the query, headers, the body and the cursor, one place at a time and
//!    all at once; in capitals, in small letters, percent-encoded once and twice, with a trailing slash, between
//!    spaces, without hyphens, in a list beside an own one, with the owner's entity tag, with headers that name the
//!    owner, and with headers that ask for another method. A guarded route that answers with success at another
//!    tenant's host is a finding.
//! 3. Callers name other tenants where nobody asked for one: `X-Tenant`, `X-Tenant-Id`, `X-Forwarded-Host`, `Forwarded`
//!    and their like, `?tenant_id=`; and send other tenants' entity tags.
//! 4. Two tenants ask for the same address in turn, in both orders: an answer kept without its tenant shows.
//! 5. The second step on routes that write. Then every tenant reads its own things again: they must be as they were.
//! 6. Owners do with their own what each route does, to prove that it works at all. Other tenants use their
//!    idempotency keys, and names that are taken: both must be answered as fresh ones are. Bodies get members that
//!    name another tenant (`tenant_id`, `owner`, …).
//! 7. Many connections ask at once, for several tenants, reading and then writing. Lists are read to their end.
//! 8. Owners delete, and do what [`Route::last`] puts last. [Probes](Walk::probe) look at mails, files and jobs.
//!
//! # What it doesn't prove
//!
//! - A route that always fails proves nothing. A route counts as exercised only when somebody got a 2xx or 3xx for
//!   their own, and somebody else's request was not refused before the thing was looked at. Whatever isn't exercised
//!   fails the walk, unless [`Route::unproved`] gives a reason. So does a walk that compared nothing.
//! - **Timing** is not compared: a service that answers about a thing that exists 2 ms later tells that it exists.
//! - Aggregates without marks (a count over all tenants) look like the tenant's own, unless they change with who
//!   asked before.
//! - Files, web sockets and bodies that are neither JSON nor forms are not made.
//!
//! # Making it prove more
//!
//! - Give each tenant several things of each kind, in several states, and each thing a mark.
//! - Run the service without rate limits: an answer 429 is compared with nothing.
//! - What two tenants share (an order between buyer and seller) is declared by both.
//! - What may be told although another owns it is an [`Exception`] with a reason. One that nothing needs fails.

mod app;
mod client;
mod draw;
mod exception;
mod marks;
mod place;
mod report;
mod route;
mod shape;
mod tenant;
mod told;
mod walk;

pub use app::App;
pub use exception::Exception;
pub use place::{Form, Place};
pub use report::{Finding, Leak, Report, RouteOutcome, Unproved};
pub use route::{Route, RouteError, Routes};
pub use tenant::{Caller, Tenant};
pub use walk::{Effect, IntoRoutes, Walk, WalkError};
