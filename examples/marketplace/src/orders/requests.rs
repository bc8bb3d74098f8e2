//! Placing an order, and reading orders.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenantry::http::{
    Body, FieldErrors, IdempotencyKeyHeader, Paging, Problem, Require, RequireOn, Validate,
};
use tenantry::{
    Answer, Caller, Done, Fingerprint, Idempotent, OrderFailure, OrderId, PlaceRefusal, Placement, SeenOrder,
    Subject, Terms,
};
use utoipa::ToSchema;

use super::PartyOrder;
use super::view::OrderView;
use crate::listings;
use crate::model::{OrderPlace, OrderRead};
use crate::payments::ProviderError;
use crate::state::Marketplace;
use crate::wire::{Listed, Named, Refusal, broken};

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

/// Lists the orders in which the reader has a part and that it may see, the newest first.
#[utoipa::path(
    get,
    path = "/api/orders",
    tag = "orders",
    params(("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Listed<OrderView>))
)]
pub(crate) async fn list(
    State(market): State<Marketplace>,
    reader: RequireOn<OrderRead>,
    Paging(page): Paging,
) -> Result<Json<Listed<OrderView>>, Problem> {
    let (orders, filter) = (market.app.orders(reader.caller()), reader.filter::<SeenOrder>());
    let operates = reader.caller().tenant().tenant().parent().is_none();
    let page =
        if operates { orders.operated(&filter, &page).await? } else { orders.page(&filter, &page).await? };
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
    reader: RequireOn<OrderRead>,
    Named(name): Named,
) -> Result<Json<OrderView>, Problem> {
    let order = reader.authorize(PartyOrder::load(&market, reader.caller(), &name).await?)?;
    Ok(Json(OrderView::of(&order.0, market.app.now())))
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

pub(super) fn answer<T: Serialize>(status: StatusCode, body: &T) -> Answer {
    Answer { status: status.as_u16(), body: serde_json::to_vec(body).unwrap_or_default() }
}

/// An answer as it was given the first time.
pub(super) fn again(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], answer.body).into_response()
}

fn place_problem(failure: tenantry::Failure<PlaceRefusal>) -> Problem {
    Problem::from_failure(failure, |refusal| match refusal {
        PlaceRefusal::Seller => Problem::not_found(),
        PlaceRefusal::NoOperator => Problem::forbidden(),
        other => Problem::conflict(other.to_string()),
    })
}

pub(super) fn step_problem(failure: tenantry::Failure<OrderFailure>) -> Problem {
    Problem::from_failure(failure, |refusal| match refusal {
        OrderFailure::NotFound => Problem::not_found(),
        other => Problem::conflict(other.to_string()),
    })
}
