use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use bytes::Bytes;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use tenantry_core::{Caller, Permission};

use super::turnstile::Turnstile;
use crate::extract::{
    Deferred, collect, idempotency_key, if_match, is_json, json, no_address, no_gate, paging, query,
    undeclared,
};
use crate::gate::Passage;
use crate::routes::Ruling;
use crate::{
    Body, ClientAddress, FieldError, Gate, IdempotencyKeyHeader, IfMatch, Paging, Principal, Problem, Public,
    Query, RawBody, Refusal, RequestId, RequestView, Require, RequireOn, Tenant, Validate,
};

/// A check under way: what [`Tenant`], [`Principal`], [`Require`] and [`RequireOn`] come from.
///
/// A request that is refused ends here: the middleware answers it, and the future never completes, so that
/// nothing around it can take the refusal for an answer.
pub struct Checked<T> {
    request: HttpRequest,
    turnstile: Option<Rc<Turnstile>>,
    stage: Stage<T>,
}

enum Stage<T> {
    Decided(Result<T, Problem>),
    Deciding(LocalBoxFuture<'static, Result<T, Problem>>),
    Passed,
    Refused,
}

impl<T: 'static> Checked<T> {
    fn begin(
        request: &HttpRequest,
        asked: &'static str,
        at_once: impl FnOnce(&Passage, &HttpRequest) -> Option<Result<T, Problem>>,
        later: impl AsyncFnOnce(&Passage, &HttpRequest) -> Result<T, Problem> + 'static,
    ) -> Self {
        let turnstile = turnstile(request);
        let stage = match &turnstile {
            None => Stage::Decided(Err(no_gate(asked))),
            Some(turnstile) => {
                turnstile.enter();
                match at_once(turnstile.passage(), request) {
                    Some(decided) => Stage::Decided(decided),
                    None => {
                        let (turnstile, request) = (Rc::clone(turnstile), request.clone());
                        Stage::Deciding(Box::pin(async move { later(turnstile.passage(), &request).await }))
                    }
                }
            }
        };
        Self { request: request.clone(), turnstile, stage }
    }
}

impl<T: Unpin> Future for Checked<T> {
    type Output = Result<T, Problem>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let decided = match std::mem::replace(&mut this.stage, Stage::Refused) {
            Stage::Decided(decided) => decided,
            Stage::Deciding(mut deciding) => match deciding.as_mut().poll(cx) {
                Poll::Ready(decided) => decided,
                Poll::Pending => {
                    this.stage = Stage::Deciding(deciding);
                    return Poll::Pending;
                }
            },
            done @ (Stage::Passed | Stage::Refused) => {
                this.stage = done;
                return Poll::Pending;
            }
        };
        match (decided, &this.turnstile) {
            (Ok(value), turnstile) => {
                this.stage = Stage::Passed;
                turnstile.iter().for_each(|turnstile| turnstile.leave());
                Poll::Ready(Ok(value))
            }
            (Err(problem), None) => Poll::Ready(Err(problem)),
            (Err(problem), Some(turnstile)) => {
                turnstile.refuse(this.request.clone(), problem);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Checked<T> {
    fn drop(&mut self) {
        let Some(turnstile) = &self.turnstile else { return };
        match self.stage {
            Stage::Passed => {}
            Stage::Refused => drop(turnstile.take_refused()),
            Stage::Decided(_) | Stage::Deciding(_) => turnstile.leave(),
        }
    }
}

impl<T> std::fmt::Debug for Checked<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checked").finish_non_exhaustive()
    }
}

impl FromRequest for Public {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let turnstile = turnstile(request).ok_or_else(|| no_gate("Public"));
        ready(turnstile.and_then(|turnstile| turnstile.passage().agree(Ruling::Public)).map(|()| Self))
    }
}

impl FromRequest for Tenant {
    type Error = Problem;
    type Future = Checked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Checked::begin(
            request,
            "Tenant",
            |passage, request| passage.try_tenant(request).map(|found| Ok(Self(found?))),
            async |passage: &Passage, request: &HttpRequest| Ok(Self(passage.tenant(request).await?)),
        )
    }
}

impl FromRequest for Principal {
    type Error = Problem;
    type Future = Checked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Checked::begin(
            request,
            "Principal",
            |passage, request| match passage.agree(Ruling::Member) {
                Ok(()) => passage.try_caller(request).map(|decided| Ok(Self::new(decided?))),
                Err(contradicted) => Some(Err(contradicted)),
            },
            async |passage: &Passage, request: &HttpRequest| Ok(Self::new(passage.caller(request).await?)),
        )
    }
}

impl<P: Permission> FromRequest for Require<P> {
    type Error = Problem;
    type Future = Checked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let declared = |passage: &Passage| passage.gate().tenantry().catalog().index::<P>();
        let pass = move |passage: &Passage, decided: Result<Caller, Refusal>| {
            let permission = declared(passage).ok_or_else(|| undeclared(P::KEY))?;
            let caller = decided?;
            if caller.holds(permission) { Ok(Self::new(caller)) } else { Err(Problem::forbidden()) }
        };
        Checked::begin(
            request,
            "Require",
            move |passage, request| match declared(passage) {
                Some(permission) => match passage.agree(Ruling::Holds(permission)) {
                    Ok(()) => passage.try_caller(request).map(|decided| pass(passage, decided)),
                    Err(contradicted) => Some(Err(contradicted)),
                },
                None => Some(Err(undeclared(P::KEY))),
            },
            async move |passage: &Passage, request: &HttpRequest| {
                pass(passage, passage.caller(request).await)
            },
        )
    }
}

impl<P: Permission> FromRequest for RequireOn<P> {
    type Error = Problem;
    type Future = Checked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Checked::begin(
            request,
            "RequireOn",
            |passage, request| match passage.ruling_on::<P>() {
                Ok(_) => passage.try_admission(request).map(|decided| passage.require_on(request, decided)),
                Err(mistake) => Some(Err(mistake)),
            },
            async |passage: &Passage, request: &HttpRequest| {
                passage.require_on(request, passage.admission(request).await)
            },
        )
    }
}

/// A look into a request, once the checks have let it pass: what [`Body`], [`Query`] and the like come from.
pub struct Looked<T> {
    turnstile: Option<Rc<Turnstile>>,
    look: LocalBoxFuture<'static, Result<T, Problem>>,
}

impl<T> Looked<T> {
    fn after_checks(request: &HttpRequest, look: impl Future<Output = Result<T, Problem>> + 'static) -> Self {
        Self { turnstile: turnstile(request), look: Box::pin(look) }
    }
}

impl<T> Future for Looked<T> {
    type Output = Result<T, Problem>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.turnstile.as_ref().is_some_and(|turnstile| turnstile.must_wait(cx.waker())) {
            return Poll::Pending;
        }
        self.look.as_mut().poll(cx)
    }
}

impl<T> std::fmt::Debug for Looked<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Looked").finish_non_exhaustive()
    }
}

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = Looked<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request.clone(), payload.take());
        Looked::after_checks(request, async move { body.await.map(Self) })
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Looked<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (asked, body) = (request.clone(), read(request.clone(), payload.take()));
        Looked::after_checks(request, async move {
            let body = body.await?;
            if !is_json(RequestView::field(&asked, "content-type")) {
                return Err(Problem::malformed("send JSON, with `Content-Type: application/json`"));
            }
            let deferred = asked.extensions_mut().remove::<Deferred>().unwrap_or_default();
            json(&body, deferred.0).map(Self)
        })
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Looked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = request.clone();
        Looked::after_checks(request, async move { query(asked.uri().query()).map(Self) })
    }
}

impl FromRequest for Paging {
    type Error = Problem;
    type Future = Looked<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asked = request.clone();
        Looked::after_checks(request, async move { paging(asked.uri().query()).map(Self) })
    }
}

impl FromRequest for IdempotencyKeyHeader {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (key, error) = idempotency_key(RequestView::field(request, "idempotency-key"));
        defer(request, error);
        ready(Ok(key))
    }
}

impl FromRequest for IfMatch {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (version, error) = if_match(RequestView::field(request, "if-match"));
        defer(request, error);
        ready(Ok(version))
    }
}

impl FromRequest for RequestId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let turnstile = turnstile(request);
        ready(turnstile.map(|turnstile| *turnstile.passage().id()).ok_or_else(|| no_gate("RequestId")))
    }
}

impl FromRequest for ClientAddress {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.peer().map(Self).ok_or_else(no_address))
    }
}

pub(super) fn turnstile(request: &HttpRequest) -> Option<Rc<Turnstile>> {
    request.extensions().get::<Rc<Turnstile>>().cloned()
}

fn defer(request: &HttpRequest, error: Option<FieldError>) {
    let Some(error) = error else { return };
    let mut extensions = request.extensions_mut();
    let mut deferred = extensions.remove::<Deferred>().unwrap_or_default();
    deferred.0.push(error);
    extensions.insert(deferred);
}

async fn read(request: HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let gate = turnstile(&request).map(|turnstile| turnstile.passage().gate().clone());
    let limit = gate.map_or(Gate::BODY_LIMIT, |gate| gate.body_limit());
    if request.content_length().is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    collect(payload, limit).await
}
