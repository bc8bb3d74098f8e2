//! The gate as a middleware of actix-web, and what stands in for its plain refusals.
//!
//! ```no_run
//! use actix_web::{App, web};
//! use tenantry_core::permissions;
//! use tenantry_http::{Gate, Paging, Problem, Require};
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
//! fn routes(gate: &Gate, config: &mut web::ServiceConfig) {
//!     config.service(
//!         web::scope("")
//!             .wrap(gate.middleware())
//!             .service(
//!                 web::resource("/listings")
//!                     .get(listings)
//!                     .default_service(web::to(tenantry_http::actix::method_not_allowed)),
//!             )
//!             .default_service(web::to(tenantry_http::actix::not_found)),
//!     );
//! }
//! ```
//!
//! # What is decided first
//! actix-web runs the extractors of a handler side by side. Here those that look into the request
//! ([`Body`](crate::Body), [`Paging`](crate::Paging), …) wait until the gate's have let it pass, whatever their
//! order, so that the first refusal that applies is answered, as in axum.
//!
//! # No anonymous callers by accident
//! `Option<Principal>` and `Result<Principal, _>` compile in actix-web and would swallow a refusal. Behind the
//! gate they can't: a refused request is answered before its handler runs, whatever the handler asks for. Only a
//! handler that has *no gate* around it and asks for an `Option` sees `None`; that it has none is in the log
//! each time.

mod extract;
mod middleware;
mod turnstile;
mod view;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, Responder, ResponseError};

pub use extract::{Checked, Looked};
pub use middleware::{GateMiddleware, GateMiddlewareFuture, GateMiddlewareService};

use crate::{Problem, Refusal};

/// Answers what no route is for: 404 `not_found`.
pub async fn not_found() -> Problem {
    Problem::not_found()
}

/// Answers what a resource is for, but not with this method: 405 `method_not_allowed`.
pub async fn method_not_allowed() -> Problem {
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
