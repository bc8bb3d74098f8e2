use tenantry::http::Problem;
use tenantry::{Caller, Kind, OrderFailure, OrderId, Readable, Resource, SeenOrder, Unchecked, Value};

use super::requests::step_problem;
use crate::model::OrderRead;
use crate::state::Marketplace;

/// An order as one of its parties is shown it, for roles that go by who placed it, by its state or by its amount. It is
/// guarded: only with [`OrderRead`] is it told from one that isn't there.
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
    const TYPE: &'static str = SeenOrder::TYPE;
    const ATTRIBUTES: &'static [(&'static str, Kind)] = SeenOrder::ATTRIBUTES;

    fn id(&self) -> Value<'_> {
        self.0.id()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.0.attribute(name)
    }
}

impl Readable for PartyOrder {
    type Read = OrderRead;
}
