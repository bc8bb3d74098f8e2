//! Every route in one place: who may use it, and the OpenAPI document that is made from them.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::MethodFilter;
use tenantry::http::axum::{Guarded, Methods, Routes, get, on};
use tenantry::http::{Problem, Public, RouteTable, Tenant, UnguardedRoutes};
use tenantry::{Catalog, TenantCtx};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::document::{add_shared_refusals, operations, say_who_may};
use crate::state::Marketplace;
use crate::{account, admin, auth, health, investors, listings, model, orders, output, payments};

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

/// Routes, and what the document says of them.
struct Documented {
    routes: Routes<Marketplace>,
    document: OpenApiRouter<Marketplace>,
}

/// Adds handlers as their `#[utoipa::path]` says, each with the declaration that its arguments make.
macro_rules! documented {
    ($($handler:path),* $(,)?) => {{
        let mut all = Documented::new();
        $(all.add(routes!($handler), |method| on(method, $handler));)*
        all
    }};
}

impl Documented {
    fn new() -> Self {
        Self { routes: Routes::new(), document: OpenApiRouter::with_openapi(Document::openapi()) }
    }

    /// `described` has one path with one method, at which `answer` answers.
    fn add(
        &mut self,
        described: UtoipaMethodRouter<Marketplace>,
        answer: impl Fn(MethodFilter) -> Methods<Marketplace>,
    ) {
        let mut routes = std::mem::take(&mut self.routes);
        for (path, item) in &described.1.paths {
            for (method, _) in operations(item) {
                routes = routes.route(path, answer(method));
            }
        }
        self.routes = routes;
        self.document = std::mem::take(&mut self.document).routes(described);
    }

    /// Every route of the marketplace but that of the document itself.
    fn all() -> Self {
        documented![
            auth::register,
            auth::login,
            account::me,
            account::balance,
            account::usage,
            listings::create,
            listings::list,
            listings::show,
            listings::replace,
            listings::delete,
            listings::publish,
            listings::unpublish,
            orders::place,
            orders::list,
            orders::show,
            orders::accept,
            orders::cancel,
            orders::dispute,
            orders::resolve,
            investors::performance,
            admin::tenants,
            admin::suspend,
            admin::reactivate,
            admin::approve,
            admin::audit,
            admin::ledger,
            health::alive,
            health::ready,
            payments::events,
        ]
    }

    /// Every route there is; the document is finished and served with them.
    fn served(catalog: &Catalog) -> Result<Routes<Marketplace>, UnguardedRoutes> {
        let Self { routes, document } = Self::all();
        let table = routes.table(catalog)?;
        let mut document = document.into_openapi();
        say_who_may(&mut document, &table);
        add_shared_refusals(&mut document, &table);
        let document = Json(document);
        let served = move |_: Public| std::future::ready(document.clone());
        Ok(routes.route("/openapi.json", get(served)).fallback(nothing_here))
    }
}

/// The marketplace as a service.
///
/// # Errors
/// [`UnguardedRoutes`], which names each route for which nobody has said who may use it.
pub fn service(market: Marketplace) -> Result<Guarded, UnguardedRoutes> {
    let routes = Documented::served(market.app.catalog())?;
    Ok(routes.behind(&market.gate)?.with_state(market))
}

/// Every route and who may use it.
///
/// # Errors
/// What keeps the marketplace from starting: its permissions, or [`UnguardedRoutes`].
pub fn route_table() -> Result<RouteTable, Box<dyn std::error::Error>> {
    let catalog = model::catalog()?;
    Ok(Documented::served(&catalog)?.table(&catalog)?)
}

/// Prints [`route_table`]: the command `routes`.
///
/// # Errors
/// Those of the table, and what keeps it from being printed.
pub fn print_routes() -> Result<(), Box<dyn std::error::Error>> {
    Ok(output::print(&route_table()?)?)
}

/// Every route that is documented, as method and path, taken from the routes themselves.
#[must_use]
pub fn documented_routes() -> Vec<(String, String)> {
    let table = route_table().map(|table| table.iter().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let documented = table.into_iter().filter(|route| !["*", "/openapi.json"].contains(&route.path()));
    documented.map(|route| (route.method().to_owned(), route.path().to_owned())).collect()
}

async fn nothing_here(_: Public, tenant: Result<Tenant, Problem>) -> Response {
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
        let is_platform = tenant.tenant().parent().is_none();
        if is_platform { Ok(Self(tenant.0)) } else { Err(Problem::not_found()) }
    }
}
