//! The routes, the gate and the extractors in actix-web, and what stands in for its plain refusals.
//!
//! ```no_run
//! use actix_web::{App, HttpServer};
//! use tenantry_core::permissions;
//! use tenantry_http::actix::{Guarded, Routes, get};
//! use tenantry_http::{Gate, Paging, Problem, Public, Require};
//!
//! permissions! {
//!     /// Read listings.
//!     pub ListingRead = "listing:read";
//! }
//!
//! async fn listings(caller: Require<ListingRead>, page: Paging) -> Result<String, Problem> {
//!     Ok(format!("{} of {}", page.0.limit(), caller.tenant().tenant().name))
//! }
//!
//! async fn alive(_: Public) -> &'static str {
//!     "alive"
//! }
//!
//! fn routes() -> Routes {
//!     Routes::new().route("/listings", get(listings)).route("/healthz", get(alive))
//! }
//!
//! async fn serve(gate: &Gate) -> Result<(), Box<dyn std::error::Error>> {
//!     let guarded = Guarded::behind(gate, routes)?;
//!     let app = move || App::new().wrap(guarded.middleware()).service(guarded.clone());
//!     Ok(HttpServer::new(app).bind(("127.0.0.1", 3000))?.run().await?)
//! }
//! ```
//!
//! # No route without a guard
//! Each route says who may use it: the arguments of its handler do ([`Public`],
//! [`Principal`](crate::Principal), [`Require<P>`](crate::Require), [`RequireOn<P>`](crate::RequireOn)), or
//! [`Methods::declared`] does. It is decided in
//! the handler's extractors or on the route itself, where guards have been asked and the matched route is certain.
//!
//! | what is added | without a declaration |
//! | --- | --- |
//! | a handler: [`get`], [`post`], [`on`], …, [`Routes::fallback`] | doesn't compile |
//! | a `Route` of actix-web: [`Methods::plain`] | [`Guarded::behind`] refuses: the service doesn't start |
//! | routes nested, merged or under guards: [`Routes::nest`], [`Routes::merge`], [`Routes::guard`] | as above |
//! | anything that the `App` gets besides: `route`, `service`, `configure`, scopes, `#[get]`, earlier or later | answers 500 `route_undeclared` before it runs |
//! | an `HttpServiceFactory` written by hand, before [`Guarded`] and with a pattern that doesn't begin with `/` | isn't seen: give the `App` the [`Guarded`] first |
//! | the `App`'s `default_service`, or a scope's | is never asked: [`Routes::fallback`] is |
//! | the guarded routes in a scope | answer 500 `route_undeclared`: a scope's guards could lead past them |
//!
//! Such a handler doesn't compile:
//!
//! ```compile_fail,E0277
//! use tenantry_http::actix::get;
//!
//! async fn forgotten() -> &'static str {
//!     "for whom?"
//! }
//!
//! let _ = get(forgotten);
//! ```
//!
//! # What stands outside
//! An `App` without [`Guarded::middleware`] has no gate: guarded routes in it answer 500 `no_gate`, each of them, with
//! the first request. Wrap the `App` with the gate first and with others afterwards: these stand around the gate
//! then, and answer by themselves or change the path before it looks.
//!
//! # What is decided first
//! actix-web runs the extractors of a handler side by side. Here those that look into the request
//! ([`Body`](crate::Body), [`Paging`](crate::Paging), …) wait until the gate's have let it pass, whatever their
//! order, so that the first refusal that applies is answered, as in axum.
//!
//! actix-web's own wait for nobody: a `web::Path` can answer 404 to somebody who isn't signed in. What
//! [`Methods::declared`] says is decided before any extractor runs.
//!
//! # No anonymous callers by accident
//! `Option<Principal>` and `Result<Principal, _>` compile in actix-web and would swallow a refusal. Behind the
//! gate they can't: a refused request is answered before its handler runs, whatever the handler asks for. Only a
//! handler that has *no gate* around it and asks for an `Option` sees `None`; that it has none is in the log
//! each time.

mod declared;
mod extract;
mod guarded;
mod methods;
mod middleware;
mod routes;
mod turnstile;
mod view;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, Responder, ResponseError};

pub use extract::{Checked, Looked};
pub use guarded::Guarded;
pub use methods::{Methods, any, delete, get, head, on, options, patch, post, put};
pub use middleware::{GateMiddleware, GateMiddlewareFuture, GateMiddlewareService};
pub use routes::Routes;

use crate::{Problem, Public, Refusal};

/// Answers what no route is for: 404 `not_found`.
pub async fn not_found(_: Public) -> Problem {
    Problem::not_found()
}

/// Answers what a resource is for, but not with this method: 405 `method_not_allowed`.
pub async fn method_not_allowed(_: Public) -> Problem {
    Problem::method_not_allowed()
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code()).body(self.body());
        let media = HeaderValue::from_static(Self::MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        for (name, value) in self.fields() {
            if let Ok(value) = HeaderValue::try_from(&*value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

impl Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &actix_web::HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        Problem::from(self.clone()).status_code()
    }

    fn error_response(&self) -> HttpResponse {
        Problem::from(self.clone()).error_response()
    }
}
