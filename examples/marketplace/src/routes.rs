//! Every route in one place, and the OpenAPI document that is made from them.

use axum::Router;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::get;
use tenantry::TenantCtx;
use tenantry::http::{Problem, Tenant};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::document::add_shared_refusals;
use crate::state::Marketplace;
use crate::{account, admin, auth, health, investors, listings, orders, payments};

#[derive(OpenApi)]
#[openapi(
    info(title = "Marketplace", description = "Ready-made businesses, bought and sold through escrow."),
    modifiers(&BearerToken),
    security(("bearer" = []))
)]
struct Document;

struct BearerToken;

impl utoipa::Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// Every route behind the gate: what `documented_routes` lists and what is served are one list.
fn guarded() -> OpenApiRouter<Marketplace> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(auth::register))
        .routes(routes!(auth::login))
        .routes(routes!(account::me))
        .routes(routes!(account::balance))
        .routes(routes!(account::usage))
        .routes(routes!(listings::create))
        .routes(routes!(listings::list))
        .routes(routes!(listings::show, listings::replace, listings::delete))
        .routes(routes!(listings::publish))
        .routes(routes!(listings::unpublish))
        .routes(routes!(orders::place, orders::list))
        .routes(routes!(orders::show))
        .routes(routes!(orders::accept))
        .routes(routes!(orders::cancel))
        .routes(routes!(orders::dispute))
        .routes(routes!(orders::resolve))
        .routes(routes!(investors::performance))
        .routes(routes!(admin::tenants))
        .routes(routes!(admin::suspend))
        .routes(routes!(admin::reactivate))
        .routes(routes!(admin::approve))
        .routes(routes!(admin::audit))
        .routes(routes!(admin::ledger))
}

/// The routes that answer on any host.
fn open() -> OpenApiRouter<Marketplace> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(payments::events))
}

/// The marketplace as a service.
pub fn router(market: Marketplace) -> Router {
    let (guarded, mut document) = guarded().split_for_parts();
    let (open, open_document) = open().split_for_parts();
    document.merge(open_document);
    add_shared_refusals(&mut document);
    let document = Json(document);
    let gate = market.gate.clone();
    guarded
        .method_not_allowed_fallback(tenantry::http::axum::method_not_allowed)
        .fallback(nothing_here)
        .merge(open.route("/openapi.json", get(move || async move { document.clone() })))
        .layer(gate.layer())
        .with_state(market)
}

/// Every route that is served, as method and path, taken from the router itself.
#[must_use]
pub fn documented_routes() -> Vec<(String, String)> {
    let mut document = guarded().into_openapi();
    document.merge(open().into_openapi());
    let document = serde_json::to_value(&document).unwrap_or_default();
    let paths = document.get("paths").and_then(|paths| paths.as_object()).cloned().unwrap_or_default();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().cloned().unwrap_or_default();
            methods.into_iter().map(|(method, _)| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
        })
        .collect()
}

async fn nothing_here(tenant: Result<Tenant, Problem>) -> Response {
    match tenant {
        Ok(_) => Problem::not_found().into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// That the request is at the platform's own address: elsewhere the route doesn't exist.
pub(crate) struct AtPlatform(TenantCtx);

impl AtPlatform {
    pub(crate) fn tenant(&self) -> &TenantCtx {
        &self.0
    }
}

impl<S> FromRequestParts<S> for AtPlatform
where
    S: Send + Sync,
    Marketplace: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let tenant = Tenant::from_request_parts(parts, state).await?;
        let is_platform = tenant.tenant().parent.is_none();
        if is_platform { Ok(Self(tenant.0)) } else { Err(Problem::not_found()) }
    }
}
