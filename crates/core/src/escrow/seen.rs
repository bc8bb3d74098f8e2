use super::{Order, OrderSide, Party};
use crate::{Kind, Resource, Value};

/// An order with the part that the asking tenant has in it.
///
/// As a [`Resource`] it is an `order`, of which conditions may ask:
///
/// | attribute | kind | |
/// | --- | --- | --- |
/// | `id` | id | the order's |
/// | `placed_by` | id | the user who placed it; the seller isn't told, so there it has none |
/// | `buyer`, `seller` | id | the tenants |
/// | `party` | text | `buyer`, `seller` or `operator`: what the asking tenant is |
/// | `state` | text | as in [`OrderState::as_str`](crate::OrderState::as_str) |
/// | `amount` | integer | what the buyer pays, in minor units of the currency |
/// | `currency` | text | its three letters |
/// | `created_at` | time | when it was made |
///
/// ```
/// use tenantry_core::{Condition, Declared, Resource, SeenOrder};
///
/// let small: Condition = "resource.currency = 'EUR' and resource.amount < 10000".parse()?;
/// assert!(small.fits(SeenOrder::ATTRIBUTES, &Declared::default()).is_ok());
/// # Ok::<(), tenantry_core::InvalidCondition>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenOrder {
    /// The order as that tenant may see it.
    pub order: Order,
    /// Its part.
    pub party: Party,
}

impl From<OrderSide> for SeenOrder {
    fn from(side: OrderSide) -> Self {
        Self { order: side.order, party: side.party }
    }
}

impl Resource for SeenOrder {
    const TYPE: &'static str = "order";
    const ATTRIBUTES: &'static [(&'static str, Kind)] = &[
        ("placed_by", Kind::Id),
        ("buyer", Kind::Id),
        ("seller", Kind::Id),
        ("party", Kind::Text),
        ("state", Kind::Text),
        ("amount", Kind::Integer),
        ("currency", Kind::Text),
        ("created_at", Kind::Time),
    ];

    fn id(&self) -> Value<'_> {
        self.order.id.as_uuid().into()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        let order = &self.order;
        match name {
            "placed_by" => Some(order.placed_by.as_uuid()).filter(|user| !user.is_nil()).map(Value::Id),
            "buyer" => Some(order.buyer.as_uuid().into()),
            "seller" => Some(order.seller.as_uuid().into()),
            "party" => Some(Value::Text(self.party.as_str())),
            "state" => Some(Value::Text(order.state.as_str())),
            "amount" => Some(order.terms.gross.amount().into()),
            "currency" => Some(Value::Text(order.terms.gross.currency_code())),
            "created_at" => Some(Value::Time(order.created_at)),
            _ => None,
        }
    }
}
