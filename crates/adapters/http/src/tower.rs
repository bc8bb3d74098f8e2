//! The gate around a service of tower: [`Gate::guard`].
//!
//! It takes one declaration for the whole service and decides by it before the service is called, so there is no
//! service behind the gate for which nobody has said who may use it. A service of many routes has many
//! declarations: with axum, see [`Routes`](crate::axum::Routes). What the service needs to know of the caller it
//! asks [`tenant`], [`principal`] and [`require`].
//!
//! It is no `tower::Layer` on purpose: around a `Router` of axum a layer takes in the routes that are there, and
//! whatever is added afterwards stands outside of it, unseen.
//!
//! ```no_run
//! use http::{Request, Response};
//! use tenantry_http::{Access, Gate, Problem, UnguardedRoutes, tower};
//! use tower_service::Service;
//!
//! async fn greet(request: Request<String>) -> Result<Response<Vec<u8>>, Problem> {
//!     let (parts, _) = request.into_parts();
//!     let caller = tower::principal(&parts).await?;
//!     Ok(Response::new(format!("hello, {}", caller.tenant().tenant().name).into_bytes()))
//! }
//!
//! fn behind<S>(gate: &Gate, inner: S) -> Result<impl Service<Request<String>>, UnguardedRoutes>
//! where
//!     S: Service<Request<String>, Response = Response<Vec<u8>>> + Clone + Send + 'static,
//!     S::Future: Send,
//! {
//!     gate.guard(Access::Member, inner)
//! }
//! ```

use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header, request::Parts};
use pin_project_lite::pin_project;
use tower_service::Service;
use tracing::{Instrument as _, instrument::Instrumented};

use tenantry_core::{Caller, Permission};

#[cfg(feature = "axum")]
use crate::RequireOn;
#[cfg(feature = "axum")]
use crate::extract::undeclared_route;
use crate::extract::{no_gate, undeclared};
use crate::gate::{Passage, one_host, only};
use crate::routes::Ruling;
use crate::{Access, Gate, Principal, Problem, RequestView, Require, RouteFault, Tenant, UnguardedRoutes};

impl Gate {
    /// `service` behind the gate, for those whom `access` lets pass.
    ///
    /// # Errors
    /// [`UnguardedRoutes`], when the catalog doesn't have the permission, and for [`Access::PermissionOn`], since nobody
    /// can see whether the service checks what it loads.
    pub fn guard<S>(&self, access: Access, service: S) -> Result<GateService<S>, UnguardedRoutes> {
        let (method, path) = ("*".to_owned(), "*".to_owned());
        let key = access.asked().map(crate::DeclaredPermission::key).unwrap_or_default();
        let fault = match (self.ruling(access), access) {
            (None, _) => RouteFault::UnknownPermission { method, path, key },
            (_, Access::PermissionOn(_)) => RouteFault::Unchecked { method, path, key },
            (Some(ruling), _) => return Ok(GateService::new(self, Decides::Route(ruling), service)),
        };
        Err(UnguardedRoutes { faults: vec![fault] })
    }
}

/// Who asks whether the caller may pass.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decides {
    /// An argument of the handler: nothing is looked at before.
    #[cfg(feature = "axum")]
    Handler,
    /// What the route declares, before anything behind it is called.
    Route(Ruling),
    /// Nobody said: nothing behind it is ever called.
    #[cfg(feature = "axum")]
    Nobody,
}

/// A service behind the gate: see [`Gate::guard`].
///
/// It gives each request an id and a span, and puts the gate beside it; it adds to each answer the request's id, and
/// where the request was counted, what is left of its rate.
#[derive(Debug, Clone)]
pub struct GateService<S> {
    gate: Gate,
    decides: Decides,
    inner: S,
}

impl<S> GateService<S> {
    pub(crate) fn new(gate: &Gate, decides: Decides, inner: S) -> Self {
        Self { gate: gate.clone(), decides, inner }
    }
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<Vec<u8>> + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = GateFuture<S::Future, Response<R>, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let passage =
            Passage::begin(&self.gate, &request, request.method().as_str(), pattern(request.extensions()));
        request.extensions_mut().insert(passage.clone());
        limit_body(&mut request, self.gate.body_limit());
        let span = passage.span().clone();
        let (passed, ruling) = match self.decides {
            #[cfg(feature = "axum")]
            Decides::Handler => (Some(Ok(())), Ruling::Public),
            #[cfg(feature = "axum")]
            Decides::Nobody => {
                let refused = || undeclared_route(request.method().as_str(), pattern(request.extensions()));
                (Some(Err(span.in_scope(refused))), Ruling::Public)
            }
            Decides::Route(ruling) => {
                passage.declare(ruling);
                (span.in_scope(|| passage.try_pass(&request, ruling)), ruling)
            }
        };
        let answer = match passed {
            Some(Ok(())) => {
                let inner = span.in_scope(|| self.inner.call(request)).instrument(span);
                Answer::Called { inner }
            }
            Some(Err(problem)) => Answer::Refused { problem: Some(problem) },
            None => {
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                let deciding = decide(ruling, passage.clone(), request, ready);
                Answer::Deciding { answer: Box::pin(deciding.instrument(span)) }
            }
        };
        GateFuture { answer, passage }
    }
}

async fn decide<S, B, R>(
    ruling: Ruling,
    passage: Passage,
    request: Request<B>,
    mut ready: S,
) -> Result<Response<R>, S::Error>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<Vec<u8>>,
{
    let (parts, body) = request.into_parts();
    match passage.pass(&parts, ruling).await {
        Ok(()) => ready.call(Request::from_parts(parts, body)).await,
        Err(problem) => Ok(response(&problem)),
    }
}

/// A problem as an answer, with whatever body.
pub(crate) fn response<R: From<Vec<u8>>>(problem: &Problem) -> Response<R> {
    let mut response = Response::new(R::from(problem.body()));
    *response.status_mut() =
        StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let media = HeaderValue::from_static(Problem::MEDIA_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    for (name, value) in problem.fields() {
        let value = match value {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        if let Ok(value) = HeaderValue::from_maybe_shared(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

pin_project! {
    /// The answer of a [`GateService`].
    pub struct GateFuture<F, R, E> {
        #[pin]
        answer: Answer<F, R, E>,
        passage: Passage,
    }
}

pin_project! {
    #[project = AnswerProjection]
    enum Answer<F, R, E> {
        Called { #[pin] inner: Instrumented<F> },
        Refused { problem: Option<Problem> },
        Deciding { answer: BoxFuture<'static, Result<R, E>> },
    }
}

impl<F, R, E> Future for GateFuture<F, Response<R>, E>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: From<Vec<u8>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = match this.answer.project() {
            AnswerProjection::Called { inner } => inner.poll(cx),
            AnswerProjection::Deciding { answer } => answer.as_mut().poll(cx),
            AnswerProjection::Refused { problem } => match problem.take() {
                Some(problem) => Poll::Ready(Ok(response(&problem))),
                None => Poll::Pending,
            },
        };
        answer.map_ok(|mut response| {
            this.passage.span().record("status", response.status().as_u16());
            for (name, value) in this.passage.answer_fields() {
                if let Ok(value) = HeaderValue::try_from(value) {
                    // A name that is given as a text is copied.
                    response.headers_mut().insert(HeaderName::from_static(name), value);
                }
            }
            response
        })
    }
}

impl<F, R, E> std::fmt::Debug for GateFuture<F, R, E> {
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
/// The first refusal that applies; 500 `no_gate` where no gate is, and `route_contradicted` where the route is declared
/// public.
pub async fn principal(parts: &Parts) -> Result<Principal, Problem> {
    let passage = passage(parts, "Principal")?;
    passage.agree(Ruling::Member)?;
    caller(passage, parts).await.map(Principal::new)
}

/// Who makes a request behind the gate and holds `P`: see [`Require`].
///
/// # Errors
/// The first refusal that applies; 500 `no_gate` where no gate is, and `route_contradicted` where the route declares
/// something else than `P`.
pub async fn require<P: Permission>(parts: &Parts) -> Result<Require<P>, Problem> {
    let passage = passage(parts, "Require")?;
    let permission = passage.gate().tenantry().catalog().index::<P>().ok_or_else(|| undeclared(P::KEY))?;
    passage.agree(Ruling::Holds(permission))?;
    let caller = caller(passage, parts).await?;
    if caller.holds(permission) { Ok(Require::new(caller)) } else { Err(Problem::forbidden()) }
}

/// Who makes a request behind the gate and may do `P` to something: see [`RequireOn`].
#[cfg(feature = "axum")]
pub(crate) async fn require_on<P: Permission>(parts: &Parts) -> Result<RequireOn<P>, Problem> {
    let passage = passage(parts, "RequireOn")?;
    passage.ruling_on::<P>()?;
    let decided = match passage.try_admission(parts) {
        Some(decided) => decided,
        None => passage.admission(parts).await,
    };
    passage.require_on(parts, decided)
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
