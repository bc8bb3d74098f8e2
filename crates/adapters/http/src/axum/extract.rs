use std::convert::Infallible;

use ::axum::response::{IntoResponse, Response};
use axum_core::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::request::Parts;
use serde::de::DeserializeOwned;
use tenantry_core::Permission;

use crate::extract::{
    Deferred, collect, idempotency_key, if_match, is_json, json, misordered, no_address, paging, query,
};
use crate::gate::Passage;
use crate::routes::Ruling;
use crate::{
    Body, ClientAddress, FieldError, Gate, IdempotencyKeyHeader, IfMatch, Paging, Principal, Problem, Public,
    Query, RawBody, Refusal, RequestId, RequestView as _, Require, RequireOn, Tenant, Validate, tower,
};

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        tower::response(&self)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Public {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        tower::passage(parts, "Public")?.agree(Ruling::Public).map(|()| Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        in_order(parts, "Tenant")?;
        tower::tenant(parts).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        in_order(parts, "Principal")?;
        tower::principal(parts).await
    }
}

impl<S: Send + Sync, P: Permission> FromRequestParts<S> for Require<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        in_order(parts, "Require")?;
        tower::require(parts).await
    }
}

impl<S: Send + Sync, P: Permission> FromRequestParts<S> for RequireOn<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        in_order(parts, "RequireOn")?;
        tower::require_on(parts).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        tower::passage(parts, "RequestId").map(|passage| *passage.id())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.peer().map(Self).ok_or_else(no_address)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Validate> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.insert(Looked);
        query(parts.uri.query()).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.insert(Looked);
        paging(parts.uri.query()).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKeyHeader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let (key, error) = idempotency_key(parts.field("idempotency-key"));
        defer(parts, error);
        Ok(key)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let (version, error) = if_match(parts.field("if-match"));
        defer(parts, error);
        Ok(version)
    }
}

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        bytes(request).await.map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Validate> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, Problem> {
        let deferred = request.extensions_mut().remove::<Deferred>().unwrap_or_default();
        let named_json = is_json(request.field("content-type"));
        let body = bytes(request).await?;
        if !named_json {
            return Err(Problem::malformed("send JSON, with `Content-Type: application/json`"));
        }
        json(&body, deferred.0).map(Self)
    }
}

/// Whether the gate is asked before anything looks into the request.
fn in_order(parts: &Parts, asked: &'static str) -> Result<(), Problem> {
    match parts.extensions.get::<Looked>() {
        Some(Looked) => Err(misordered(asked)),
        None => Ok(()),
    }
}

/// Left beside a request when an extractor has looked into it: axum runs them one after the other.
#[derive(Clone)]
struct Looked;

fn defer(parts: &mut Parts, error: Option<FieldError>) {
    if let Some(error) = error {
        parts.extensions.get_or_insert_default::<Deferred>().0.push(error);
    }
}

async fn bytes(request: Request) -> Result<Bytes, Problem> {
    let limit = request.extensions().get::<Passage>().map_or(Gate::BODY_LIMIT, |p| p.gate().body_limit());
    if request.content_length().is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    collect(request.into_body().into_data_stream(), limit).await
}
