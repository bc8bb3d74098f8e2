use async_trait::async_trait;

use super::operation::sealed::Sealed;
use super::orders_write::{OrderStep, place};
use super::{Actor, Attempt, Command, Failure, Operation, Tenantry};
use crate::{
    Batch, Caller, GuardFailure, InvalidTerms, Order, OrderCommand, OrderId, OrderRefusal, Page, PageRequest,
    Party, Predicate, SeenOrder, Subject, SystemCtx, TenantId, TenantStatus, Terms, Unavailable,
};

impl Tenantry {
    /// The orders in which the caller's tenant is buyer, seller or operator.
    #[must_use]
    pub fn orders<'a>(&'a self, caller: &'a Caller) -> Orders<'a> {
        Orders { app: self, caller }
    }

    /// The steps that orders take on behalf of claimed work: payments, refunds and timers.
    #[must_use]
    pub fn order_steps<'a>(&'a self, ctx: &'a SystemCtx) -> OrderSteps<'a> {
        OrderSteps { app: self, ctx }
    }
}

/// The orders of a tenant.
#[derive(Debug, Clone, Copy)]
pub struct Orders<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

/// An order that is to be made.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Its id: [`OrderId::of_request`] for a keyed request.
    pub id: OrderId,
    /// The tenant that is to be paid. It and the buyer have the same operator: their parent.
    pub seller: TenantId,
    /// What is bought.
    pub subject: Subject,
    /// What is agreed.
    pub terms: Terms,
}

/// Why an order isn't made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceRefusal {
    /// A program can't place one.
    #[error("an order is placed by a person, not by a program")]
    NotAUser,
    /// The buyer has no operator above it.
    #[error("the buyer has no marketplace above it")]
    NoOperator,
    /// The seller isn't there, isn't active, or has another operator.
    #[error("the seller can't sell now")]
    Seller,
    /// Buyer and seller are the same.
    #[error("a tenant can't buy from itself")]
    Own,
    /// The subject is out of range.
    #[error("what is bought has a name of 1 to 200 characters and a copy of at most 16 KiB")]
    Subject,
    /// The terms are out of range.
    #[error(transparent)]
    Terms(#[from] InvalidTerms),
    /// An order with this id is there.
    #[error("there is an order with this id")]
    Exists,
    /// The money is out of range.
    #[error(transparent)]
    Order(#[from] OrderRefusal),
}

/// Why an order doesn't take a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderFailure {
    /// The tenant has no such order, or another part in it than the step takes.
    #[error("there is no such order")]
    NotFound,
    /// The order doesn't take it.
    #[error(transparent)]
    Refused(#[from] OrderRefusal),
}

impl<'a> Orders<'a> {
    /// Makes an order and asks for its payment.
    pub fn place(
        &self,
        placement: Placement,
    ) -> Command<'a, impl Operation<Outcome = Order, Refusal = PlaceRefusal> + use<>> {
        Command::new(self.app, self.caller.into(), Place { placement })
    }

    /// An order in which the caller's tenant has a part.
    ///
    /// # Errors
    /// [`Failure::Refused`] with [`OrderFailure::NotFound`] when it has none, whether or not the order exists.
    pub async fn get(&self, id: OrderId) -> Result<SeenOrder, Failure<OrderFailure>> {
        let store = self.app.store();
        if let Some(side) = store.order_side(self.caller.scope(), id).await? {
            return Ok(side.into());
        }
        let order = store.order(self.caller.scope(), id).await?;
        let order = order.ok_or(Failure::Refused(OrderFailure::NotFound))?;
        Ok(SeenOrder { order, party: Party::Operator })
    }

    /// The orders in which the caller's tenant is buyer or seller and that `filter` keeps, the newest first.
    ///
    /// The filter is what the caller may see: what [`Authority::filter`](crate::Authority::filter) answers for
    /// [`SeenOrder`]. [`Predicate::EVERYTHING`] is for a caller who may see them all.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer, or can't ask for so large a filter.
    pub async fn page(&self, filter: &Predicate, page: &PageRequest) -> Result<Page<SeenOrder>, Unavailable> {
        let sides = self.app.store().order_sides(self.caller.scope(), filter, page).await?;
        Ok(sides.map(SeenOrder::from))
    }

    /// The orders that the caller's tenant operates and that `filter` keeps, the newest first.
    ///
    /// # Errors
    /// As [`Orders::page`].
    pub async fn operated(
        &self,
        filter: &Predicate,
        page: &PageRequest,
    ) -> Result<Page<SeenOrder>, Unavailable> {
        let orders = self.app.store().orders(self.caller.scope(), filter, page).await?;
        Ok(orders.map(|order| SeenOrder { order, party: Party::Operator }))
    }

    /// The buyer releases the money early.
    pub fn accept(
        &self,
        id: OrderId,
    ) -> Command<'a, impl Operation<Outcome = SeenOrder, Refusal = OrderFailure> + use<>> {
        self.step(Party::Buyer, id, OrderCommand::Accept)
    }

    /// The buyer gives up before payment.
    pub fn cancel(
        &self,
        id: OrderId,
    ) -> Command<'a, impl Operation<Outcome = SeenOrder, Refusal = OrderFailure> + use<>> {
        self.step(Party::Buyer, id, OrderCommand::Cancel)
    }

    /// The buyer objects: the review's clock stops until the operator resolves it.
    pub fn dispute(
        &self,
        id: OrderId,
        reason: String,
    ) -> Command<'a, impl Operation<Outcome = SeenOrder, Refusal = OrderFailure> + use<>> {
        self.step(Party::Buyer, id, OrderCommand::Dispute { reason })
    }

    /// The operator takes a step: resolves a dispute, lays or lifts its hold, refunds, starts the review.
    ///
    /// What only a timer or the provider may say is refused with [`OrderRefusal::State`].
    pub fn operate(
        &self,
        id: OrderId,
        command: OrderCommand,
    ) -> Command<'a, impl Operation<Outcome = SeenOrder, Refusal = OrderFailure> + use<>> {
        self.step(Party::Operator, id, command)
    }

    fn step(&self, party: Party, id: OrderId, command: OrderCommand) -> Command<'a, OrderStep> {
        Command::new(self.app, self.caller.into(), OrderStep::new(party, id, command))
    }
}

/// The steps that orders take on behalf of claimed work. Each ends the work.
#[derive(Debug, Clone, Copy)]
pub struct OrderSteps<'a> {
    app: &'a Tenantry,
    ctx: &'a SystemCtx,
}

impl<'a> OrderSteps<'a> {
    /// An order that the work's tenant operates.
    ///
    /// # Errors
    /// [`Failure::Refused`] with [`OrderFailure::NotFound`].
    pub async fn get(&self, id: OrderId) -> Result<Order, Failure<OrderFailure>> {
        let order = self.app.store().order(self.ctx.scope(), id).await?;
        order.ok_or(Failure::Refused(OrderFailure::NotFound))
    }

    /// Takes a step and ends the claimed work in the same batch. A step that comes too late to matter ends the
    /// work all the same.
    pub fn take(
        &self,
        id: OrderId,
        command: OrderCommand,
    ) -> Command<'a, impl Operation<Outcome = SeenOrder, Refusal = OrderFailure> + use<>> {
        self.step(id, command, true)
    }

    /// Takes a step and leaves the claimed work open, for work that consists of several.
    pub fn take_one(
        &self,
        id: OrderId,
        command: OrderCommand,
    ) -> Command<'a, impl Operation<Outcome = SeenOrder, Refusal = OrderFailure> + use<>> {
        self.step(id, command, false)
    }

    fn step(&self, id: OrderId, command: OrderCommand, ends: bool) -> Command<'a, OrderStep> {
        let step = OrderStep::new(Party::Operator, id, command);
        Command::new(self.app, self.ctx.into(), if ends { step.ending_its_work() } else { step })
    }
}

struct Place {
    placement: Placement,
}

impl Sealed for Place {}

#[async_trait]
impl Operation for Place {
    type Outcome = Order;
    type Refusal = PlaceRefusal;

    async fn attempt(
        &self,
        app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<Order>, Failure<PlaceRefusal>> {
        let Actor::Caller(caller) = by else {
            return Err(Failure::AuthorityChanged);
        };
        let seller = app.store().tenant(self.placement.seller).await?;
        let operator = caller.tenant().tenant().parent();
        let refuse = |refusal| Err(Failure::Refused(refusal));
        let Some(operator) = operator else { return refuse(PlaceRefusal::NoOperator) };
        let Some(seller) = seller else { return refuse(PlaceRefusal::Seller) };
        if seller.id == caller.tenant().id() {
            return refuse(PlaceRefusal::Own);
        }
        if seller.status != TenantStatus::Active || seller.parent() != Some(operator) {
            return refuse(PlaceRefusal::Seller);
        }
        let order = place(by, caller, operator, &seller, &self.placement, batch);
        order.map(Attempt::Write).map_err(Failure::Refused)
    }

    fn refusal(&self, _by: &Actor, failures: &[GuardFailure]) -> Option<PlaceRefusal> {
        let exists = failures.iter().any(|failure| matches!(failure.guard, crate::Guard::Absent(_)));
        exists.then_some(PlaceRefusal::Exists)
    }
}
