//! The routes.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Query, Request, State as Shared};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use tokio::sync::Notify;

use crate::body::{self, Body, Named};
use crate::page;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::state::{Made, State};
use crate::values::EventId;
use crate::wire::{
    Checkout, Controls, ControlsChange, DeliveryState, EventList, NewCheckout, NewRefund, Redelivery, Refund,
    Requeued,
};

const LONGEST_DELAY_MS: u32 = 600_000;
const MOST_DUPLICATES: u32 = 20;
const LONGEST_DESCRIPTION: usize = 500;
const LONGEST_RETURN_URL: usize = 2_000;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Provider(Arc<Inner>);

struct Inner {
    state: State,
    secret: Secret,
    base: String,
    wake: Arc<Notify>,
}

impl Provider {
    pub(crate) fn new(state: State, secret: Secret, base: String, wake: Arc<Notify>) -> Self {
        Self(Arc::new(Inner { state, secret, base, wake }))
    }

    pub(crate) fn state(&self) -> &State {
        &self.0.state
    }

    /// Where this process is reached, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.0.base
    }

    /// Tells delivery that the queue or its controls changed.
    pub(crate) fn queue_changed(&self) {
        self.0.wake.notify_one();
    }
}

pub(crate) fn router(provider: Provider) -> Router {
    let guarded = Router::new()
        .route("/v1/checkouts/{reference}", put(open_checkout).get(read_checkout))
        .route("/v1/refunds/{reference}", put(refund).post(refund).get(read_refund))
        .route("/v1/controls", get(read_controls).post(change_controls))
        .route("/v1/events", get(read_events))
        .route("/v1/redeliver", post(redeliver))
        .method_not_allowed_fallback(wrong_method)
        .route_layer(from_fn_with_state(provider.clone(), require_key));
    Router::new()
        .merge(guarded)
        .route("/pay/{id}", get(page::show).post(page::pay))
        .route("/healthz", get(healthz))
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_route)
        .layer(DefaultBodyLimit::max(body::LONGEST))
        .with_state(provider)
}

async fn require_key(Shared(provider): Shared<Provider>, request: Request, next: Next) -> Response {
    let presented = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = presented
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match key {
        Some((_, key)) if provider.0.secret.admits(key.trim()) => next.run(request).await,
        _ => Refusal::Unauthenticated.into_response(),
    }
}

async fn open_checkout(
    Shared(provider): Shared<Provider>,
    Named(reference): Named,
    Body(new): Body<NewCheckout>,
) -> Result<(StatusCode, Json<Checkout>), Refusal> {
    check_checkout(&new)?;
    let id = provider.0.secret.checkout_id(&reference);
    let (made, row) = provider.state().open_checkout(&id, &reference, &new).await?;
    Ok((status(made), Json(row.at(provider.base()))))
}

fn check_checkout(new: &NewCheckout) -> Result<(), Refusal> {
    if new.description.as_ref().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
        return Err(Refusal::field("description", "at most 500 characters"));
    }
    let web = |text: &String| {
        text.len() <= LONGEST_RETURN_URL
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    };
    if new.return_url.as_ref().is_some_and(|text| !web(text)) {
        return Err(Refusal::field(
            "return_url",
            "an absolute http or https URL of at most 2000 ASCII characters",
        ));
    }
    Ok(())
}

async fn read_checkout(
    Shared(provider): Shared<Provider>,
    Named(reference): Named,
) -> Result<Json<Checkout>, Refusal> {
    Ok(Json(provider.state().checkout(&reference).await?.at(provider.base())))
}

async fn refund(
    Shared(provider): Shared<Provider>,
    Named(reference): Named,
    Body(new): Body<NewRefund>,
) -> Result<(StatusCode, Json<Refund>), Refusal> {
    let (made, refund) = provider.state().refund(reference, &new).await?;
    provider.queue_changed();
    Ok((status(made), Json(refund)))
}

async fn read_refund(
    Shared(provider): Shared<Provider>,
    Named(reference): Named,
) -> Result<Json<Refund>, Refusal> {
    Ok(Json(provider.state().refund_of(reference).await?))
}

async fn read_controls(Shared(provider): Shared<Provider>) -> Result<Json<Controls>, Refusal> {
    Ok(Json(provider.state().controls().await?))
}

async fn change_controls(
    Shared(provider): Shared<Provider>,
    Body(change): Body<ControlsChange>,
) -> Result<Json<Controls>, Refusal> {
    if change.delay_ms.is_some_and(|delay| delay > LONGEST_DELAY_MS) {
        return Err(Refusal::field("delay_ms", "at most 600000"));
    }
    if change.duplicate.is_some_and(|times| times > MOST_DUPLICATES) {
        return Err(Refusal::field("duplicate", "at most 20"));
    }
    let controls = provider.state().change_controls(change).await?;
    provider.queue_changed();
    Ok(Json(controls))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventQuery {
    state: Option<DeliveryState>,
    after: Option<EventId>,
}

async fn read_events(
    Shared(provider): Shared<Provider>,
    query: Result<Query<EventQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<EventList>, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::field("query", error.body_text()))?;
    Ok(Json(provider.state().events(query.state, query.after.as_ref()).await?))
}

async fn redeliver(
    Shared(provider): Shared<Provider>,
    Body(which): Body<Redelivery>,
) -> Result<Json<Requeued>, Refusal> {
    if which.event.is_some() == (which.all == Some(true)) {
        return Err(Refusal::field("event", r#"give either {"event": "evt_…"} or {"all": true}"#));
    }
    let requeued = provider.state().redeliver(&which).await?;
    provider.queue_changed();
    Ok(Json(requeued))
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn no_route() -> Refusal {
    Refusal::NoRoute
}

async fn wrong_method() -> Refusal {
    Refusal::Method
}

fn status(made: Made) -> StatusCode {
    match made {
        Made::Now => StatusCode::CREATED,
        Made::Before => StatusCode::OK,
    }
}
