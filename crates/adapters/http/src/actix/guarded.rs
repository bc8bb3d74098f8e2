use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::{Resource, web};

use super::routes::Entry;
use super::{GateMiddleware, Routes};
use crate::{Gate, RouteTable, UnguardedRoutes};

/// Routes behind the gate: to be given to each worker's `App`, together with the middleware that keeps everything
/// else out. Cheap to clone.
///
/// ```no_run
/// use actix_web::{App, HttpServer};
/// use tenantry_http::actix::{Guarded, Routes, get};
/// use tenantry_http::{Gate, Public};
///
/// async fn alive(_: Public) -> &'static str {
///     "alive"
/// }
///
/// fn routes() -> Routes {
///     Routes::new().route("/healthz", get(alive))
/// }
///
/// async fn serve(gate: &Gate) -> Result<(), Box<dyn std::error::Error>> {
///     let guarded = Guarded::behind(gate, routes)?;
///     print!("{}", guarded.table());
///     let app = move || App::new().wrap(guarded.middleware()).service(guarded.clone());
///     HttpServer::new(app).bind(("127.0.0.1", 3000))?.run().await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
#[must_use = "it has to be served"]
pub struct Guarded {
    gate: Gate,
    routes: Arc<dyn Fn() -> Routes + Send + Sync>,
    table: RouteTable,
}

impl Guarded {
    /// What `routes` makes, behind the gate. It is called once here and once for each worker, and is expected to make
    /// the same each time.
    ///
    /// # Errors
    /// [`UnguardedRoutes`], as of [`Routes::table`].
    pub fn behind(
        gate: &Gate,
        routes: impl Fn() -> Routes + Send + Sync + 'static,
    ) -> Result<Self, UnguardedRoutes> {
        let table = routes().table(gate.tenantry().catalog())?;
        Ok(Self { gate: gate.clone(), routes: Arc::new(routes), table })
    }

    /// Every route and who may use it.
    #[must_use]
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    /// The gate, to be put around the `App`: see [`GateMiddleware`]. Without it these routes answer 500 `no_gate`.
    #[must_use]
    pub fn middleware(&self) -> GateMiddleware {
        GateMiddleware::new(&self.gate, Arc::clone(&self.routes))
    }
}

/// One resource a path, under a name that the middleware knows; and for a path that has guards only, one that takes
/// what none of them lets through, so that nothing else in the `App` does.
impl HttpServiceFactory for Guarded {
    fn register(self, config: &mut AppService) {
        let place = if config.is_root() { Place::Root } else { Place::Scope };
        let mut routes = (self.routes)();
        let entries = std::mem::take(&mut routes.entries);
        let sure: HashSet<String> =
            entries.iter().filter(|e| e.methods.is_sure()).map(|e| e.path.clone()).collect();
        let unsure: Vec<String> =
            entries.iter().map(|e| e.path.clone()).filter(|path| !sure.contains(path)).collect();
        for Entry { path, mut methods } in entries {
            let resource = web::resource(path.as_str()).name(&place.name(&path));
            let resource = methods.take_guards().into_iter().fold(resource, Resource::guard);
            let resource = methods.gated(&self.gate).fold(resource, Resource::route);
            resource.default_service(routes.wrong_method_route()).register(config);
        }
        for path in unsure {
            let resource = web::resource(path.as_str()).name(&place.name(&path));
            resource.default_service(routes.fallback_route()).register(config);
        }
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("gate", &self.gate)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// Where guarded routes stand in an `App`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the `App` itself: the first resource that matches a path is the one that is asked.
    Root,
    /// In a scope, whose guards may let a request by that matches.
    Scope,
}

impl Place {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Root => "tenantry: ",
            Self::Scope => "tenantry, in a scope: ",
        }
    }

    fn name(self, path: &str) -> String {
        format!("{}{path}", self.prefix())
    }

    /// Where the resource of this name stands, and its path; `None` for a resource that isn't of guarded routes.
    pub(super) fn of(name: &str) -> Option<(Self, &str)> {
        let in_place = |place: Self| Some((place, name.strip_prefix(place.prefix())?));
        in_place(Self::Root).or_else(|| in_place(Self::Scope))
    }
}
