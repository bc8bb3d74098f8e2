use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, Route};
use futures::future::LocalBoxFuture;
use pin_project_lite::pin_project;
use tracing::{Instrument as _, instrument::Instrumented};

use super::Routes;
use super::guarded::Place;
use super::turnstile::Turnstile;
use crate::extract::{undeclared_route, unmountable};
use crate::gate::Passage;
use crate::{Gate, Problem};

/// The gate around an `App`: what [`Guarded::middleware`](super::Guarded::middleware) gives.
///
/// It gives each request an id and a span, and puts the gate beside it; it adds to each answer the request's id, and
/// where the request was counted, what is left of its rate. It calls the `App` only for a request that one of the
/// guarded routes will take: whatever else the `App` has, however and whenever it was added, answers 500
/// `route_undeclared` and isn't called. What nothing in the `App` is for is answered by the fallback of the guarded
/// routes, so the `App`'s own `default_service` is never asked.
///
/// Give it to the first `wrap` of the `App`, so that no other middleware stands between it and the routes:
/// one that changes the path there would lead a request elsewhere than the gate has looked. And give the
/// `App` the guarded routes before any other service: an `HttpServiceFactory` written by hand is seen only
/// where its pattern begins with `/`, and one without, such as `{all:.*}`, would take what comes after it
/// unseen.
#[derive(Clone)]
pub struct GateMiddleware {
    gate: Gate,
    routes: Arc<dyn Fn() -> Routes + Send + Sync>,
}

impl GateMiddleware {
    pub(super) fn new(gate: &Gate, routes: Arc<dyn Fn() -> Routes + Send + Sync>) -> Self {
        Self { gate: gate.clone(), routes }
    }
}

impl fmt::Debug for GateMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateMiddleware").field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl<S, B> Transform<S, ServiceRequest> for GateMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = GateMiddlewareService<S>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<GateMiddlewareService<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        let (gate, fallback) = (self.gate.clone(), (self.routes)().fallback_route());
        Box::pin(async move {
            let fallback = fallback.new_service(()).await?;
            Ok(GateMiddlewareService { gate, inner, fallback })
        })
    }
}

/// A service behind the gate: see [`GateMiddleware`].
pub struct GateMiddlewareService<S> {
    gate: Gate,
    inner: S,
    fallback: <Route as ServiceFactory<ServiceRequest>>::Service,
}

impl<S> fmt::Debug for GateMiddlewareService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateMiddlewareService").field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl<S, B> Service<ServiceRequest> for GateMiddlewareService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = GateMiddlewareFuture<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (pattern, ahead) = ahead(&request);
        let passage = Passage::begin(&self.gate, &request, request.method().as_str(), pattern);
        let span = passage.span().clone();
        let turnstile = Turnstile::new(passage);
        request.extensions_mut().insert(Rc::clone(&turnstile));
        let answer = span.in_scope(|| match ahead {
            Ahead::Guarded => Answer::Called { inner: self.inner.call(request).instrument(span.clone()) },
            Ahead::Nothing => {
                Answer::Fallback { answer: Box::pin(self.fallback.call(request).instrument(span.clone())) }
            }
            Ahead::Refused(problem) => Answer::Refused { refused: Some((request.into_parts().0, problem)) },
        });
        GateMiddlewareFuture { answer, turnstile }
    }
}

/// What a request will come to behind the gate.
enum Ahead {
    /// One of the guarded routes.
    Guarded,
    /// No resource: at most a default service.
    Nothing,
    /// Something that may not be called.
    Refused(Problem),
}

/// What a request will come to, and the pattern of its path.
///
/// actix-web asks the first resource whose path matches and whose guards let the request through; the resource map
/// finds the first whose path matches, whatever its guards. Those of guarded routes stand in the `App` itself, and
/// those that have guards are followed by one of the same path that has none. So where the first that matches is one
/// of them, nothing else can be asked. The path is taken as the router sees it, with its percent-encoding undone.
fn ahead(request: &ServiceRequest) -> (Option<&str>, Ahead) {
    let (resources, path) = (request.resource_map(), request.match_info().as_str());
    match resources.match_name(path).and_then(Place::of) {
        Some((Place::Root, pattern)) => (Some(pattern), Ahead::Guarded),
        Some((Place::Scope, pattern)) => (Some(pattern), Ahead::Refused(unmountable(pattern))),
        None if resources.has_resource(path) => {
            let pattern = resources.match_pattern(path);
            (None, Ahead::Refused(undeclared_route(request.method().as_str(), pattern.as_deref())))
        }
        None => (None, Ahead::Nothing),
    }
}

pin_project! {
    /// The answer of a [`GateMiddlewareService`].
    pub struct GateMiddlewareFuture<F> {
        #[pin]
        answer: Answer<F>,
        turnstile: Rc<Turnstile>,
    }
}

pin_project! {
    #[project = AnswerProjection]
    enum Answer<F> {
        Called { #[pin] inner: Instrumented<F> },
        Fallback { answer: LocalBoxFuture<'static, Result<ServiceResponse, Error>> },
        Refused { refused: Option<(HttpRequest, Problem)> },
    }
}

impl<F, B> Future for GateMiddlewareFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let passage = this.turnstile.passage();
        let polled = match this.answer.project() {
            AnswerProjection::Called { inner } => inner.poll(cx).map_ok(ServiceResponse::map_into_left_body),
            AnswerProjection::Fallback { answer } => {
                answer.as_mut().poll(cx).map_ok(ServiceResponse::map_into_right_body)
            }
            AnswerProjection::Refused { refused } => match refused.take() {
                Some((request, problem)) => Poll::Ready(Ok(refuse(request, &problem))),
                None => Poll::Pending,
            },
        };
        match polled {
            Poll::Ready(Ok(mut response)) => {
                mark(passage, response.response_mut());
                Poll::Ready(Ok(response))
            }
            Poll::Ready(Err(error)) => {
                let mut response = error.error_response();
                mark(passage, &mut response);
                Poll::Ready(Err(InternalError::from_response(error, response).into()))
            }
            Poll::Pending => match this.turnstile.take_refused() {
                Some((request, problem)) => {
                    let mut response = refuse(request, &problem);
                    mark(passage, response.response_mut());
                    Poll::Ready(Ok(response))
                }
                None => Poll::Pending,
            },
        }
    }
}

fn refuse<B: MessageBody>(request: HttpRequest, problem: &Problem) -> ServiceResponse<EitherBody<B>> {
    let response: HttpResponse<BoxBody> = problem.error_response();
    ServiceResponse::new(request, response).map_into_right_body()
}

impl<F> fmt::Debug for GateMiddlewareFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateMiddlewareFuture").finish_non_exhaustive()
    }
}

fn mark<B>(passage: &Passage, response: &mut HttpResponse<B>) {
    passage.span().record("status", response.status().as_u16());
    for (name, value) in passage.answer_fields() {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}
