//! The gate as a layer of tower.
//!
//! It refuses nothing: axum's extractors do, where the matched route is certain. Put it around the routes
//! (`Router::layer`), so that it knows their patterns for the log. A service without a framework asks
//! [`tenant`], [`principal`] and [`require`] instead.
//!
//! ```no_run
//! use http::{Request, Response};
//! use tenantry_http::{Gate, Problem, tower};
//! use tower_layer::Layer as _;
//! use tower_service::Service;
//!
//! async fn greet(request: Request<String>) -> Result<Response<String>, Problem> {
//!     let (parts, _) = request.into_parts();
//!     let caller = tower::principal(&parts).await?;
//!     Ok(Response::new(format!("hello, {}", caller.tenant().tenant().name)))
//! }
//!
//! fn behind<S: Service<Request<String>, Response = Response<String>>>(
//!     gate: &Gate,
//!     inner: S,
//! ) -> impl Service<Request<String>> {
//!     gate.layer().layer(inner)
//! }
//! ```

use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderValue, Request, Response, header, request::Parts};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tracing::{Instrument as _, instrument::Instrumented};

use tenantry_core::{Caller, Permission};

use crate::extract::{no_gate, undeclared};
use crate::gate::{Passage, one_host, only};
use crate::{Gate, Principal, Problem, RequestView, Require, Tenant};

impl Gate {
    /// The gate as a layer.
    #[must_use]
    pub fn layer(&self) -> GateLayer {
        GateLayer { gate: self.clone() }
    }
}

/// Gives each request an id and a span, and puts the gate beside it for the extractors; adds to each answer the
/// request's id, and where the request was counted, what is left of its rate.
#[derive(Debug, Clone)]
pub struct GateLayer {
    gate: Gate,
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> GateService<S> {
        GateService { gate: self.gate.clone(), inner }
    }
}

/// A service behind the gate: see [`GateLayer`].
#[derive(Debug, Clone)]
pub struct GateService<S> {
    gate: Gate,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = GateFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> GateFuture<S::Future> {
        let passage =
            Passage::begin(&self.gate, &request, request.method().as_str(), pattern(request.extensions()));
        request.extensions_mut().insert(passage.clone());
        limit_body(&mut request, self.gate.body_limit());
        let span = passage.span().clone();
        GateFuture { inner: span.in_scope(|| self.inner.call(request)).instrument(span), passage }
    }
}

pin_project! {
    /// The answer of a [`GateService`].
    pub struct GateFuture<F> {
        #[pin]
        inner: Instrumented<F>,
        passage: Passage,
    }
}

impl<F, R, E> Future for GateFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.inner.poll(cx).map_ok(|mut response| {
            this.passage.span().record("status", response.status().as_u16());
            for (name, value) in this.passage.answer_fields() {
                if let Ok(value) = HeaderValue::try_from(value) {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        })
    }
}

impl<F> std::fmt::Debug for GateFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GateFuture").finish_non_exhaustive()
    }
}

/// The active tenant at whose host a request behind the gate is: see [`Tenant`].
///
/// # Errors
/// The first refusal that applies; 500 `no_gate` where no gate is.
pub async fn tenant(parts: &Parts) -> Result<Tenant, Problem> {
    let passage = passage(parts, "Tenant")?;
    let tenant = match passage.try_tenant(parts) {
        Some(decided) => decided,
        None => passage.tenant(parts).await,
    };
    Ok(Tenant(tenant?))
}

/// Who makes a request behind the gate: see [`Principal`].
///
/// # Errors
/// The first refusal that applies; 500 `no_gate` where no gate is.
pub async fn principal(parts: &Parts) -> Result<Principal, Problem> {
    caller(passage(parts, "Principal")?, parts).await.map(Principal::new)
}

/// Who makes a request behind the gate and holds `P`: see [`Require`].
///
/// # Errors
/// The first refusal that applies; 500 `no_gate` where no gate is.
pub async fn require<P: Permission>(parts: &Parts) -> Result<Require<P>, Problem> {
    let passage = passage(parts, "Require")?;
    let permission = passage.gate().tenantry().catalog().index::<P>().ok_or_else(|| undeclared(P::KEY))?;
    let caller = caller(passage, parts).await?;
    if caller.holds(permission) { Ok(Require::new(caller)) } else { Err(Problem::forbidden()) }
}

async fn caller(passage: &Passage, parts: &Parts) -> Result<Caller, Problem> {
    let caller = match passage.try_caller(parts) {
        Some(decided) => decided,
        None => passage.caller(parts).await,
    };
    Ok(caller?)
}

pub(crate) fn passage<'a>(parts: &'a Parts, asked: &'static str) -> Result<&'a Passage, Problem> {
    parts.extensions.get::<Passage>().ok_or_else(|| no_gate(asked))
}

#[cfg(feature = "axum")]
fn pattern(extensions: &http::Extensions) -> Option<&str> {
    extensions.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
fn pattern(_: &http::Extensions) -> Option<&str> {
    None
}

/// axum's own extractors of bodies keep to the gate's limit too.
#[cfg(feature = "axum")]
fn limit_body<B>(request: &mut Request<B>, limit: u64) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    axum_core::extract::DefaultBodyLimit::max(limit).apply(request);
}

#[cfg(not(feature = "axum"))]
fn limit_body<B>(_: &mut Request<B>, _: u64) {}

impl RequestView for Parts {
    fn host(&self) -> Option<&str> {
        host(&self.uri, &self.headers)
    }

    fn path(&self) -> &str {
        self.uri.path()
    }

    fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    fn authorization(&self) -> Option<&str> {
        self.field("authorization")
    }

    fn content_length(&self) -> Option<u64> {
        self.field("content-length").and_then(|length| length.parse().ok())
    }

    fn peer(&self) -> Option<IpAddr> {
        peer(&self.extensions)
    }

    fn field(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }
}

impl<B> RequestView for Request<B> {
    fn host(&self) -> Option<&str> {
        host(self.uri(), self.headers())
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn authorization(&self) -> Option<&str> {
        self.field("authorization")
    }

    fn content_length(&self) -> Option<u64> {
        self.field("content-length").and_then(|length| length.parse().ok())
    }

    fn peer(&self) -> Option<IpAddr> {
        peer(self.extensions())
    }

    fn field(&self, name: &str) -> Option<&str> {
        field(self.headers(), name)
    }
}

fn host<'a>(uri: &'a http::Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let fields = headers.get_all(header::HOST).iter().map(|value| value.to_str().ok());
    one_host(uri.authority().map(http::uri::Authority::as_str), fields)
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    only(headers.get_all(name).iter().map(|value| value.to_str().ok()))
}

#[cfg(feature = "axum")]
fn peer(extensions: &http::Extensions) -> Option<IpAddr> {
    let info = extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
    info.map(|axum::extract::ConnectInfo(address)| address.ip())
}

#[cfg(not(feature = "axum"))]
fn peer(extensions: &http::Extensions) -> Option<IpAddr> {
    extensions.get::<std::net::SocketAddr>().map(std::net::SocketAddr::ip)
}
