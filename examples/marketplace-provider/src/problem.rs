//! Refusals over HTTP: `application/problem+json`, RFC 9457.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::refusal::Refusal;
use crate::wire::FieldError;

#[derive(Serialize)]
struct Problem<'a> {
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = kind(&self);
        if let Self::State(error) = &self {
            tracing::error!(%error, "the state did not answer");
        }
        let errors: &[FieldError] = if let Self::Invalid(errors) = &self { errors } else { &[] };
        let problem = Problem {
            title: status.canonical_reason().unwrap_or("Refused"),
            status: status.as_u16(),
            code,
            detail: self.to_string(),
            errors,
        };
        let media = [(CONTENT_TYPE, "application/problem+json")];
        match status {
            StatusCode::UNAUTHORIZED => {
                (status, media, [(WWW_AUTHENTICATE, "Bearer")], Json(problem)).into_response()
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                (status, media, [(RETRY_AFTER, "1")], Json(problem)).into_response()
            }
            _ => (status, media, Json(problem)).into_response(),
        }
    }
}

fn kind(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        Refusal::NoRoute | Refusal::Unknown(_) => (StatusCode::NOT_FOUND, "not_found"),
        Refusal::Method => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        Refusal::OtherTerms(_)
        | Refusal::AlreadyPaid
        | Refusal::NotPaid
        | Refusal::MoreThanPaid { .. }
        | Refusal::OtherCurrency(_) => (StatusCode::CONFLICT, "conflict"),
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        Refusal::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
        Refusal::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        Refusal::QueueFull | Refusal::State(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}
