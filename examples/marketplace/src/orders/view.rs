//! What an order is on the wire.

use serde::Serialize;
use tenantry::{HoldKind, OrderId, OrderState, SeenOrder, Timestamp};
use utoipa::ToSchema;

use crate::wire::Money;

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
    pub(super) fn of(seen: &SeenOrder, now: Timestamp) -> Self {
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
