//! Whether the server lives, and whether it can serve.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tenantry::http::{Problem, Public};
use utoipa::ToSchema;

use crate::state::Marketplace;
use crate::wire::Refusal;

/// That it is so.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Health)))]
pub(crate) async fn alive(_: Public) -> Json<Health> {
    Json(Health { status: "alive" })
}

/// Whether the store answers.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses(
        (status = 200, body = Health),
        (status = 503, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ready(_: Public, State(market): State<Marketplace>) -> Result<Json<Health>, Problem> {
    market.app.store().ping().await?;
    Ok(Json(Health { status: "ready" }))
}
