//! The request with which the provider reports: verified over the raw bytes, stored, then acted on.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tenantry::http::{Problem, Public, RawBody};
use tenantry::{ReceiveRefusal, ResolveError};

use super::signature::SignedHeaders;
use crate::model;
use crate::state::Marketplace;
use crate::wire::{Refusal, broken};

/// Takes an event of the payment provider's. Twice or out of order does no harm.
#[utoipa::path(
    post,
    path = "/api/payments/events",
    tag = "payments",
    params(
        ("webhook-id" = String, Header),
        ("webhook-timestamp" = String, Header),
        ("webhook-signature" = String, Header),
    ),
    request_body(content = Value, description = "signed by the provider, over the raw bytes"),
    responses(
        (status = 204, description = "stored, now or before"),
        (status = 400, body = Refusal, content_type = "application/problem+json", description = "unsigned, stale or altered"),
    )
)]
pub(crate) async fn events(
    State(market): State<Marketplace>,
    _: Public,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<StatusCode, Problem> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let (Some(id), Some(timestamp), Some(signature)) = signed else {
        return Err(Problem::malformed("the report isn't signed"));
    };
    let signed = SignedHeaders { id, timestamp, signature };
    if !market.provider.secret().admits(&signed, &body, market.app.now()) {
        return Err(Problem::malformed("the report is altered, stale, or somebody else's"));
    }
    let report: Value =
        serde_json::from_slice(&body).map_err(|_| Problem::malformed("the report is no JSON"))?;
    let slug = model::platform_slug().map_err(|error| broken("name the platform", &error))?;
    let platform = market.app.resolve(&slug).await.map_err(|error| match error {
        ResolveError::Unavailable(unavailable) => unavailable.into(),
        other => broken("find the platform", &other),
    })?;
    let received = market.app.work().receive(&platform, "provider", id.to_owned(), report).await;
    received.map_err(|failure| {
        Problem::from_failure(failure, |refusal: ReceiveRefusal| Problem::malformed(refusal.to_string()))
    })?;
    market.settle().await;
    Ok(StatusCode::NO_CONTENT)
}
