use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use ::axum::body::{Body, HttpBody};
use ::axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use ::axum::response::{IntoResponse, Response};
use ::axum::routing::{IntoMakeService, Route, Router, future::RouteFuture};
use ::axum::{BoxError, ServiceExt};
use bytes::Bytes;
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::tower::{Decides, GateService};
use crate::{Access, Gate, RouteTable};

/// Routes behind the gate, to be served: what [`Routes::behind`](super::Routes::behind) gives. It is no `Router`, so
/// that no route is added to it any more; it is a service of tower that can be served, put into another router by
/// `nest_service` or `fallback_service`, and asked in tests.
#[derive(Clone)]
#[must_use = "it has to be served"]
pub struct Guarded<S = ()> {
    router: Router<S>,
    table: RouteTable,
}

impl<S: Clone + Send + Sync + 'static> Guarded<S> {
    pub(super) fn new(router: Router<S>, table: RouteTable) -> Self {
        Self { router, table }
    }

    /// Every route and who may use it.
    #[must_use]
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    /// With the state that the handlers ask for. As with axum's own `Router`, a service that is called without having
    /// been served makes the routes of its handlers anew for each request unless it was given its state, be it `()`.
    pub fn with_state<S2>(self, state: S) -> Guarded<S2> {
        Guarded { router: self.router.with_state(state), table: self.table }
    }

    /// With a layer around the gate of each route, as by axum's own `Router::layer`: a request comes to it once its
    /// route is known, and before anybody has been let in.
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request<Body>> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request<Body>>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request<Body>>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    {
        Self { router: self.router.layer(layer), table: self.table }
    }
}

impl Guarded {
    /// To be given to `axum::serve`.
    #[must_use]
    pub fn into_make_service(self) -> IntoMakeService<Self> {
        ServiceExt::<Request<Body>>::into_make_service(self.settled())
    }

    /// To be given to `axum::serve`, where a handler asks for the address at the other end of the connection, as
    /// [`ClientAddress`](crate::ClientAddress) does: `C` is `std::net::SocketAddr` there.
    #[must_use]
    pub fn into_make_service_with_connect_info<C>(self) -> IntoMakeServiceWithConnectInfo<Self, C> {
        ServiceExt::<Request<Body>>::into_make_service_with_connect_info(self.settled())
    }

    /// With the routes of its handlers made, rather than one for each request.
    fn settled(self) -> Self {
        self.with_state(())
    }
}

impl<B> Service<Request<B>> for Guarded
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.router.call(request)
    }
}

impl<S> fmt::Debug for Guarded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("table", &self.table).finish_non_exhaustive()
    }
}

/// The gate, put on one route.
#[derive(Debug, Clone)]
pub(super) struct Gated {
    gate: Gate,
    decides: Decides,
}

impl Gated {
    /// For a handler whose own arguments decide.
    pub(super) fn by_handler(gate: &Gate) -> Self {
        Self { gate: gate.clone(), decides: Decides::Handler }
    }

    /// For whatever stands behind a route that declares this. Nobody passes where it declares nothing, or a permission
    /// that nobody knows.
    pub(super) fn by_route(gate: &Gate, declared: Option<Access>) -> Self {
        let ruling = declared.and_then(|declared| gate.ruling(declared));
        Self { gate: gate.clone(), decides: ruling.map_or(Decides::Nobody, Decides::Route) }
    }
}

impl<T> Layer<T> for Gated {
    type Service = GateService<T>;

    fn layer(&self, inner: T) -> GateService<T> {
        GateService::new(&self.gate, self.decides, inner)
    }
}
