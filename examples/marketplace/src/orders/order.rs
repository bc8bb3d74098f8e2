use tenantry::http::Problem;
use tenantry::{Caller, Kind, OrderFailure, OrderId, Readable, Resource, SeenOrder, Unchecked, Value};

use super::requests::step_problem;
use crate::model::OrderRead;
use crate::state::Marketplace;

/// An order as one of its parties is shown it, for roles that go by who placed it, by its state or by its amount.
#[derive(Debug)]
pub(crate) struct PartyOrder(pub(super) SeenOrder);

impl PartyOrder {
    /// The order with this name in which the caller's tenant has a part; a name that isn't an id names none.
    pub(super) async fn load(
        market: &Marketplace,
        caller: &Caller,
        name: &str,
    ) -> Result<Option<Unchecked<Self>>, Problem> {
        let Ok(id) = name.parse::<OrderId>() else { return Ok(None) };
        match market.app.orders(caller).get(id).await {
            Ok(seen) => Ok(Some(Unchecked::new(Self(seen)))),
            Err(tenantry::Failure::Refused(OrderFailure::NotFound)) => Ok(None),
            Err(failure) => Err(step_problem(failure)),
        }
    }
}

impl Resource for PartyOrder {
    const TYPE: &'static str = "order";
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("placed_by", Kind::Id), ("state", Kind::Text), ("amount", Kind::Integer)];

    fn id(&self) -> Value<'_> {
        self.0.order.id.as_uuid().into()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        let order = &self.0.order;
        match name {
            "placed_by" => Some(order.placed_by.as_uuid()).filter(|user| !user.is_nil()).map(Value::from),
            "state" => Some(Value::Text(order.state.as_str())),
            "amount" => Some(order.terms.gross.amount().into()),
            _ => None,
        }
    }
}

impl Readable for PartyOrder {
    type Read = OrderRead;
}
