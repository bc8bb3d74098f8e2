use std::future::{Ready, ready};
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error, ResponseError as _};
use futures::future::LocalBoxFuture;

use super::extract::turnstile;
use crate::Problem;
use crate::extract::{no_gate, undeclared_route};
use crate::routes::Ruling;

/// What a route declares by itself, put on the route: decided before what stands behind it is called.
pub(super) struct Declared {
    ruling: Option<Ruling>,
}

impl Declared {
    /// Nobody passes without a ruling.
    pub(super) fn new(ruling: Option<Ruling>) -> Self {
        Self { ruling }
    }
}

impl<S> Transform<S, ServiceRequest> for Declared
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = DeclaredService<S>;
    type InitError = ();
    type Future = Ready<Result<DeclaredService<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(DeclaredService { ruling: self.ruling, inner: Rc::new(inner) }))
    }
}

pub(super) struct DeclaredService<S> {
    ruling: Option<Ruling>,
    inner: Rc<S>,
}

impl<S> Service<ServiceRequest> for DeclaredService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<ServiceResponse, Error>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (ruling, inner) = (self.ruling, Rc::clone(&self.inner));
        Box::pin(async move {
            match pass(ruling, &request).await {
                Ok(()) => inner.call(request).await,
                Err(problem) => Ok(request.into_response::<BoxBody, _>(problem.error_response())),
            }
        })
    }
}

async fn pass(ruling: Option<Ruling>, request: &ServiceRequest) -> Result<(), Problem> {
    let turnstile = turnstile(request.request()).ok_or_else(|| no_gate("declared"))?;
    let Some(ruling) = ruling else {
        return Err(undeclared_route(request.method().as_str(), request.match_pattern().as_deref()));
    };
    turnstile.passage().declare(ruling);
    turnstile.passage().pass(request, ruling).await
}
