use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError as _};
use pin_project_lite::pin_project;
use tracing::{Instrument as _, instrument::Instrumented};

use super::turnstile::Turnstile;
use crate::Gate;
use crate::gate::Passage;

impl Gate {
    /// The gate as a middleware of actix-web.
    #[must_use]
    pub fn middleware(&self) -> GateMiddleware {
        GateMiddleware { gate: self.clone() }
    }
}

/// Gives each request an id and a span, and puts the gate beside it for the extractors; adds to each answer the
/// request's id, and where the request was counted, what is left of its rate.
#[derive(Debug, Clone)]
pub struct GateMiddleware {
    gate: Gate,
}

impl<S, B> Transform<S, ServiceRequest> for GateMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = GateMiddlewareService<S>;
    type InitError = ();
    type Future = Ready<Result<GateMiddlewareService<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(GateMiddlewareService { gate: self.gate.clone(), inner }))
    }
}

/// A service behind the gate: see [`GateMiddleware`].
#[derive(Debug)]
pub struct GateMiddlewareService<S> {
    gate: Gate,
    inner: S,
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
        let pattern = request.match_pattern();
        let passage = Passage::begin(&self.gate, &request, request.method().as_str(), pattern.as_deref());
        let turnstile = Turnstile::new(passage);
        request.extensions_mut().insert(Rc::clone(&turnstile));
        let span = turnstile.passage().span().clone();
        let inner = span.in_scope(|| self.inner.call(request)).instrument(span);
        GateMiddlewareFuture { inner, turnstile }
    }
}

pin_project! {
    /// The answer of a [`GateMiddlewareService`].
    pub struct GateMiddlewareFuture<F> {
        #[pin]
        inner: Instrumented<F>,
        turnstile: Rc<Turnstile>,
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
        match this.inner.poll(cx) {
            Poll::Ready(Ok(mut response)) => {
                mark(passage, response.response_mut());
                Poll::Ready(Ok(response.map_into_left_body()))
            }
            Poll::Ready(Err(error)) => {
                let mut response = error.error_response();
                mark(passage, &mut response);
                Poll::Ready(Err(InternalError::from_response(error, response).into()))
            }
            Poll::Pending => match this.turnstile.take_refused() {
                Some((request, problem)) => {
                    let mut response: HttpResponse<BoxBody> = problem.error_response();
                    mark(passage, &mut response);
                    Poll::Ready(Ok(ServiceResponse::new(request, response).map_into_right_body()))
                }
                None => Poll::Pending,
            },
        }
    }
}

impl<F> std::fmt::Debug for GateMiddlewareFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
