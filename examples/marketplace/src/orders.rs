//! The requests about orders.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenantry::http::{Body, FieldErrors, IdempotencyKeyHeader, Paging, Problem, Require, Validate};
use tenantry::{
    Answer, Caller, Command, Done, Fingerprint, HoldKind, Idempotent, Operation, OrderCommand, OrderFailure,
    OrderId, OrderState, PlaceRefusal, Placement, SeenOrder, Subject, Terms, Timestamp,
};
use utoipa::ToSchema;

use crate::listings;
use crate::model::{OrderPlace, OrderRead, OrderResolve, OrderReview};
use crate::payments::ProviderError;
use crate::state::Marketplace;
use crate::wire::{Listed, Money, Named, Refusal, broken};

/// An order as one of its parties sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderView {
    #[schema(value_type = String, format = Uuid)]
    id: OrderId,
    #[schema(value_type = String, example = "in_review")]
    state: OrderState,
    holds: Vec<HoldView>,
    /// The listing's slug.
    listing: String,
    /// The buyer's slug.
    buyer: String,
    /// The seller's slug.
    seller: String,
    amount: Money,
    fee: Money,
    /// When the money is released, while the review's clock runs.
    #[schema(value_type = Option<String>, format = DateTime)]
    review_ends_at: Option<Timestamp>,
    /// What the reader can do now.
    actions: Vec<ActionView>,
}

/// What keeps an order from being released.
#[derive(Debug, Serialize, ToSchema)]
struct HoldView {
    /// `dispute`, or `operator`: the platform's, also while the seller is suspended.
    #[schema(example = "dispute")]
    kind: &'static str,
    reason: String,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// What the reader of an order can do with it.
#[derive(Debug, Serialize, ToSchema)]
struct ActionView {
    #[schema(example = "accept")]
    name: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl OrderView {
    fn of(seen: &SeenOrder, now: Timestamp) -> Self {
        let order = &seen.order;
        let copied = |what: &str| {
            order.subject.snapshot.get(what).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        let fee = order.terms.fee.of(order.terms.gross).unwrap_or(order.terms.gross);
        Self {
            id: order.id,
            state: order.state,
            holds: order
                .holds
                .iter()
                .map(|hold| HoldView {
                    kind: hold_word(hold.kind),
                    reason: hold.reason.clone(),
                    since: hold.since,
                })
                .collect(),
            listing: order.subject.reference.clone(),
            buyer: copied("buyer"),
            seller: copied("seller"),
            amount: order.terms.gross.into(),
            fee: fee.into(),
            review_ends_at: order.review_ends_at(),
            actions: order
                .actions(seen.party, now)
                .into_iter()
                .map(|action| ActionView { name: action.name, until: action.until })
                .collect(),
        }
    }
}

fn hold_word(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::Dispute => "dispute",
        HoldKind::Operator | HoldKind::Suspension => "operator",
    }
}

/// What is to be bought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceOrder {
    /// The slug of a published listing.
    listing: String,
}

impl Validate for PlaceOrder {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("listing", !self.listing.is_empty(), "the slug of a published listing");
    }
}

/// An order and where to pay it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Placed {
    order: OrderView,
    /// Where the buyer pays.
    checkout_url: String,
}

/// Buys a published listing.
#[utoipa::path(
    post,
    path = "/api/orders",
    tag = "orders",
    params(("Idempotency-Key" = String, Header, description = "names the request: sent again, it is done once")),
    request_body = PlaceOrder,
    responses(
        (status = 201, body = Placed, description = "made, or made before by the same request"),
        (status = 404, body = Refusal, content_type = "application/problem+json", description = "no such published listing"),
        (status = 409, body = Refusal, content_type = "application/problem+json", description = "the key was used for another request"),
        (status = 422, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn place(
    State(market): State<Marketplace>,
    buyer: Require<OrderPlace>,
    key: IdempotencyKeyHeader,
    Body(wanted): Body<PlaceOrder>,
) -> Result<Response, Problem> {
    let caller = buyer.caller();
    let fingerprint = Fingerprint::of(&[wanted.listing.as_bytes()]);
    let idempotent = Idempotent { operation: "order.place", key: key.key()?, fingerprint };
    if let Some(answer) = market.app.answered(caller, &idempotent).await.map_err(place_problem)? {
        return Ok(again(answer));
    }
    let placement = placement(&market, caller, &idempotent, &wanted.listing).await?;
    let gross = placement.terms.gross;
    let checkout = market.provider.open_checkout(placement.id, gross).await;
    let checkout_url = checkout.map_err(|error| match error {
        ProviderError::Refused(StatusCode::CONFLICT) => Problem::conflict(
            "the price has changed since this request was first sent: send it under a new key",
        ),
        error => broken("open a checkout", &error),
    })?;
    let now = market.app.now();
    let placing = market.app.orders(caller).place(placement).idempotent(idempotent, |order| {
        let seen = SeenOrder { order: order.clone(), party: tenantry::Party::Buyer };
        let placed = Placed { order: OrderView::of(&seen, now), checkout_url: checkout_url.clone() };
        answer(StatusCode::CREATED, &placed)
    });
    match placing.await.map_err(place_problem)? {
        Done::Before(answer) => Ok(again(answer)),
        Done::Now(order) => {
            let seen = SeenOrder { order, party: tenantry::Party::Buyer };
            let placed = Placed { order: OrderView::of(&seen, now), checkout_url };
            Ok(again(answer(StatusCode::CREATED, &placed)))
        }
    }
}

/// Lists the orders in which the reader has a part, the newest first.
#[utoipa::path(
    get,
    path = "/api/orders",
    tag = "orders",
    params(("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Listed<OrderView>))
)]
pub(crate) async fn list(
    State(market): State<Marketplace>,
    reader: Require<OrderRead>,
    Paging(page): Paging,
) -> Result<Json<Listed<OrderView>>, Problem> {
    let caller = reader.caller();
    let orders = market.app.orders(caller);
    let operates = caller.tenant().tenant().parent().is_none();
    let page = if operates { orders.operated(&page).await? } else { orders.page(&page).await? };
    let now = market.app.now();
    Ok(Json(Listed::of(page, |seen| OrderView::of(&seen, now))))
}

/// Shows an order in which the reader has a part.
#[utoipa::path(
    get,
    path = "/api/orders/{id}",
    tag = "orders",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = OrderView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(market): State<Marketplace>,
    reader: Require<OrderRead>,
    Named(id): Named,
) -> Result<Json<OrderView>, Problem> {
    let seen = market.app.orders(reader.caller()).get(order_id(&id)?).await.map_err(step_problem)?;
    Ok(Json(OrderView::of(&seen, market.app.now())))
}

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
    buyer: Require<OrderReview>,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (caller, id) = (buyer.caller(), order_id(&id)?);
    let key = idempotent(&headers, "order.accept", &[id.as_uuid().as_bytes()])?;
    take(&market, key, market.app.orders(caller).accept(id)).await
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
    buyer: Require<OrderReview>,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (caller, id) = (buyer.caller(), order_id(&id)?);
    let key = idempotent(&headers, "order.cancel", &[id.as_uuid().as_bytes()])?;
    take(&market, key, market.app.orders(caller).cancel(id)).await
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
    buyer: Require<OrderReview>,
    Named(id): Named,
    headers: HeaderMap,
    Body(dispute): Body<Dispute>,
) -> Result<Response, Problem> {
    let (caller, id) = (buyer.caller(), order_id(&id)?);
    let key = idempotent(&headers, "order.dispute", &[id.as_uuid().as_bytes(), dispute.reason.as_bytes()])?;
    take(&market, key, market.app.orders(caller).dispute(id, dispute.reason.trim().to_owned())).await
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

/// What is agreed on an order of a published listing.
async fn placement(
    market: &Marketplace,
    caller: &Caller,
    idempotent: &Idempotent,
    slug: &str,
) -> Result<Placement, Problem> {
    let failed = |error: &dyn std::fmt::Display| broken("read a listing", error);
    let mut tx = market.store.read(caller).await.map_err(|error| failed(&error))?;
    let found = listings::published(slug, tx.connection()).await.map_err(|error| failed(&error))?;
    drop(tx);
    let listing = found.ok_or_else(Problem::not_found)?;
    let price = listing.price().map_err(|error| broken("read a price", &error))?;
    let seller = listing.seller.parse().map_err(|error| broken("read a seller", &error))?;
    let seller = match market.app.resolve(&seller).await {
        Ok(seller) => seller,
        Err(tenantry::ResolveError::Unavailable(unavailable)) => return Err(unavailable.into()),
        Err(_) => return Err(Problem::not_found()),
    };
    Ok(Placement {
        id: OrderId::of_request(
            caller.tenant().id(),
            caller.id(),
            idempotent.key.as_str(),
            &idempotent.fingerprint,
        ),
        seller: seller.id(),
        subject: Subject {
            reference: listing.slug.clone(),
            snapshot: json!({
                "name": listing.name,
                "version": listing.version,
                "seller": listing.seller,
                "buyer": caller.tenant().tenant().slug,
            }),
        },
        terms: Terms {
            gross: price.into(),
            fee: market.terms.fee,
            review: market.terms.review,
            payment_window: market.terms.payment_window,
            fulfilment: tenantry::Fulfilment::Immediate,
        },
    })
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

fn answer<T: Serialize>(status: StatusCode, body: &T) -> Answer {
    Answer { status: status.as_u16(), body: serde_json::to_vec(body).unwrap_or_default() }
}

/// An answer as it was given the first time.
fn again(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], answer.body).into_response()
}

fn order_id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

fn place_problem(failure: tenantry::Failure<PlaceRefusal>) -> Problem {
    Problem::from_failure(failure, |refusal| match refusal {
        PlaceRefusal::Seller => Problem::not_found(),
        PlaceRefusal::NoOperator => Problem::forbidden(),
        other => Problem::conflict(other.to_string()),
    })
}

fn step_problem(failure: tenantry::Failure<OrderFailure>) -> Problem {
    Problem::from_failure(failure, |refusal| match refusal {
        OrderFailure::NotFound => Problem::not_found(),
        other => Problem::conflict(other.to_string()),
    })
}
