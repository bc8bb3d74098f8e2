use sqlx::FromRow;
use tenantry_core::{Order, OrderId, OrderSide, OrderState, Party, Subject, TenantId, Timestamp, UserId};
use uuid::Uuid;

use super::rows::{Stored, Unreadable, counted, from_json, parsed};
use super::statement::{SqlError, Value, to_json};

/// An order, in the operator's rows or in a party's.
#[derive(Debug, FromRow)]
pub(crate) struct OrderRow {
    order_id: Uuid,
    operator_id: Uuid,
    buyer_id: Uuid,
    seller_id: Uuid,
    placed_by: Uuid,
    reference: String,
    snapshot: String,
    terms: String,
    state: String,
    holds: String,
    payment_due: Option<i64>,
    payment: Option<String>,
    review: Option<String>,
    refunds: String,
    version: i64,
    created_at: i64,
}

impl Stored for OrderRow {
    type Model = Order;

    fn read(self) -> Result<Order, Unreadable> {
        let state = OrderState::ALL.into_iter().find(|state| state.as_str() == self.state);
        Ok(Order {
            id: OrderId::from_uuid(self.order_id),
            operator: TenantId::from_uuid(self.operator_id),
            buyer: TenantId::from_uuid(self.buyer_id),
            seller: TenantId::from_uuid(self.seller_id),
            placed_by: UserId::from_uuid(self.placed_by),
            subject: Subject {
                reference: self.reference,
                snapshot: from_json("copy of what is bought", &self.snapshot)?,
            },
            terms: from_json("terms", &self.terms)?,
            state: state.ok_or(Unreadable { what: "state of an order" })?,
            holds: from_json("holds", &self.holds)?,
            payment_due: self.payment_due.map(Timestamp::from_micros),
            payment: self.payment.as_deref().map(|text| parsed("payment", text)).transpose()?,
            review: self.review.as_deref().map(|text| from_json("review", text)).transpose()?,
            refunds: from_json("refunds", &self.refunds)?,
            version: counted("version", self.version)?,
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

/// An order in the rows of a party.
#[derive(Debug, FromRow)]
pub(crate) struct SideRow {
    tenant_id: Uuid,
    party: String,
    #[sqlx(flatten)]
    order: OrderRow,
}

impl Stored for SideRow {
    type Model = OrderSide;

    fn read(self) -> Result<OrderSide, Unreadable> {
        let party = [Party::Buyer, Party::Seller].into_iter().find(|party| party.as_str() == self.party);
        Ok(OrderSide {
            tenant: TenantId::from_uuid(self.tenant_id),
            party: party.ok_or(Unreadable { what: "party of an order" })?,
            order: self.order.read()?,
        })
    }
}

/// The values that both kinds of row have in common, from `buyer_id` on.
pub(super) fn values(order: &Order) -> Result<[Value; 14], SqlError> {
    Ok([
        order.buyer.into(),
        order.seller.into(),
        order.placed_by.into(),
        Value::text(&order.subject.reference),
        Value::Text(order.subject.snapshot.to_string()),
        Value::Text(to_json(&order.terms)?),
        Value::text(order.state.as_str()),
        Value::Text(to_json(&order.holds)?),
        Value::MaybeNumber(order.payment_due.map(Timestamp::as_micros)),
        Value::MaybeText(order.payment.as_ref().map(|payment| payment.as_str().to_owned())),
        Value::MaybeText(order.review.as_ref().map(to_json).transpose()?),
        Value::Text(to_json(&order.refunds)?),
        Value::count(order.version),
        order.created_at.into(),
    ])
}
