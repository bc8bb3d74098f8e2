//! The steps that an order takes at somebody's request.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use tenantry::http::{Body, FieldErrors, Problem, Require, RequireOn, Validate};
use tenantry::{
    Answer, Command, Done, Fingerprint, Idempotent, Operation, OrderCommand, OrderFailure, OrderId, SeenOrder,
};
use utoipa::ToSchema;

use super::PartyOrder;
use super::requests::{again, answer, step_problem};
use super::view::OrderView;
use crate::model::{OrderResolve, OrderReview};
use crate::state::Marketplace;
use crate::wire::{Named, Refusal};

/// Releases the money before the review ends.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/accept",
    tag = "orders",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = OrderView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
        (status = 409, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn accept(
    State(market): State<Marketplace>,
    buyer: RequireOn<OrderReview>,
    Named(name): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match Review::begin(&market, &buyer, &name, &headers, "order.accept", &[]).await? {
        Review::Now(id, key) => take(&market, key, market.app.orders(buyer.caller()).accept(id)).await,
        Review::Before(answer) => Ok(again(answer)),
    }
}

/// Gives an order up before it is paid.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/cancel",
    tag = "orders",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = OrderView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
        (status = 409, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    State(market): State<Marketplace>,
    buyer: RequireOn<OrderReview>,
    Named(name): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match Review::begin(&market, &buyer, &name, &headers, "order.cancel", &[]).await? {
        Review::Now(id, key) => take(&market, key, market.app.orders(buyer.caller()).cancel(id)).await,
        Review::Before(answer) => Ok(again(answer)),
    }
}

/// Why a buyer objects.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dispute {
    /// 1 to 2000 characters.
    reason: String,
}

impl Validate for Dispute {
    fn validate(&self, errors: &mut FieldErrors) {
        let fits = (1..=OrderCommand::MAX_REASON).contains(&self.reason.trim().chars().count());
        errors.check("reason", fits, "1 to 2000 characters");
    }
}

/// Objects: the money stays where it is until the platform resolves it.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/dispute",
    tag = "orders",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Dispute,
    responses(
        (status = 200, body = OrderView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
        (status = 409, body = Refusal, content_type = "application/problem+json"),
        (status = 422, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn dispute(
    State(market): State<Marketplace>,
    buyer: RequireOn<OrderReview>,
    Named(name): Named,
    headers: HeaderMap,
    Body(dispute): Body<Dispute>,
) -> Result<Response, Problem> {
    let (reason, said) = (dispute.reason.trim().to_owned(), dispute.reason.as_bytes());
    match Review::begin(&market, &buyer, &name, &headers, "order.dispute", &[said]).await? {
        Review::Now(id, key) => {
            take(&market, key, market.app.orders(buyer.caller()).dispute(id, reason)).await
        }
        Review::Before(answer) => Ok(again(answer)),
    }
}

/// Who is right.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Release,
    Refund,
}

/// How a dispute ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolution {
    outcome: Outcome,
}

impl Validate for Resolution {}

/// Ends a dispute, at once.
#[utoipa::path(
    post,
    path = "/api/orders/{id}/resolve",
    tag = "orders",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = Resolution,
    responses(
        (status = 200, body = OrderView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
        (status = 409, body = Refusal, content_type = "application/problem+json"),
        (status = 422, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resolve(
    State(market): State<Marketplace>,
    admin: Require<OrderResolve>,
    Named(id): Named,
    headers: HeaderMap,
    Body(resolution): Body<Resolution>,
) -> Result<Response, Problem> {
    let (caller, id) = (admin.caller(), order_id(&id)?);
    let (command, word) = match resolution.outcome {
        Outcome::Release => (OrderCommand::ResolveRelease, "release"),
        Outcome::Refund => (OrderCommand::ResolveRefund, "refund"),
    };
    let key = idempotent(&headers, "order.resolve", &[id.as_uuid().as_bytes(), word.as_bytes()])?;
    take(&market, key, market.app.orders(caller).operate(id, command)).await
}

/// What a buyer asks to be done with an order: allowed, or done before by the same request.
enum Review {
    Now(OrderId, Option<Idempotent>),
    Before(Answer),
}

impl Review {
    /// The id of the order with this name, if the caller may review it. A request that was answered before is answered
    /// alike, and a key that was used for another is refused, before the order is looked up.
    async fn begin(
        market: &Marketplace,
        buyer: &RequireOn<OrderReview>,
        name: &str,
        headers: &HeaderMap,
        operation: &'static str,
        said: &[&[u8]],
    ) -> Result<Self, Problem> {
        let (caller, id) = (buyer.caller(), order_id(name)?);
        let uuid = id.as_uuid();
        let parts: Vec<&[u8]> = [&uuid.as_bytes()[..]].into_iter().chain(said.iter().copied()).collect();
        let key = idempotent(headers, operation, &parts)?;
        if let Some(key) = &key
            && let Some(answer) = market.app.answered(caller, key).await.map_err(step_problem)?
        {
            return Ok(Self::Before(answer));
        }
        let order = buyer.authorize(PartyOrder::load(market, caller, name).await?)?;
        Ok(Self::Now(order.0.order.id, key))
    }
}

/// Does a step of an order, once for each key where there is one, and answers with the order.
async fn take<O>(
    market: &Marketplace,
    idempotent: Option<Idempotent>,
    step: Command<'_, O>,
) -> Result<Response, Problem>
where
    O: Operation<Outcome = SeenOrder, Refusal = OrderFailure>,
{
    let now = market.app.now();
    let answer_of = |seen: &SeenOrder| answer(StatusCode::OK, &OrderView::of(seen, now));
    let response = match idempotent {
        None => again(answer_of(&step.await.map_err(step_problem)?)),
        Some(key) => match step.idempotent(key, answer_of).await.map_err(step_problem)? {
            Done::Now(seen) => again(answer_of(&seen)),
            Done::Before(answer) => again(answer),
        },
    };
    market.nudge.nudge();
    Ok(response)
}

fn idempotent(
    headers: &HeaderMap,
    operation: &'static str,
    parts: &[&[u8]],
) -> Result<Option<Idempotent>, Problem> {
    let Some(sent) = headers.get("idempotency-key") else { return Ok(None) };
    let key = sent
        .to_str()
        .ok()
        .and_then(|key| key.parse().ok())
        .ok_or_else(|| Problem::invalid_field("Idempotency-Key", "1 to 200 visible ASCII characters"))?;
    Ok(Some(Idempotent { operation, key, fingerprint: Fingerprint::of(parts) }))
}

fn order_id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
