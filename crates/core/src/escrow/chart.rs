use crate::escrow::command::{OrderCommand, OrderRefusal};
use crate::escrow::order::{Hold, HoldKind, Order, OrderState, PaymentRef, Refund, RefundState, Review};
use crate::escrow::{Fulfilment, TransferKind};
use crate::{Money, RefundId, Timestamp, WorkKind};

/// The most refunds that an order can have.
const MAX_REFUNDS: usize = 32;

/// What a command does to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderDecision {
    /// The command was carried out before, or comes too late to matter: nothing is to be written.
    Unchanged,
    /// The order takes a step.
    Moved(Box<OrderTransition>),
}

/// One step of an order, with everything that has to be written with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTransition {
    /// The order after the step; its version is one higher.
    pub next: Order,
    /// The money that moves, in this order.
    pub movements: Vec<(TransferKind, Money)>,
    /// The timers and effects that are set, with when they are due.
    pub set: Vec<(WorkKind, Timestamp)>,
    /// The timers that are cleared.
    pub cleared: Vec<WorkKind>,
}

/// What `command` does to `order` at `now`.
///
/// Every pair of state and command has its row in the golden table `tests/golden/chart.txt`. Reports of the
/// payment provider may come twice, late and out of order; they converge.
///
/// # Errors
/// [`OrderRefusal`] when the order doesn't take the command.
///
/// ```
/// # use std::time::Duration;
/// # use tenantry_core::{BasisPoints, Currency, Fulfilment, Money, Order, OrderCommand, OrderDecision,
/// #     OrderId, OrderRefusal, OrderState, Subject, TenantId, Terms, Timestamp, UserId, decide_order};
/// # let terms = Terms { gross: Money::new(4900, Currency::USD), fee: BasisPoints::new(800)?,
/// #     review: Duration::from_secs(72 * 3600), payment_window: Duration::from_secs(1800),
/// #     fulfilment: Fulfilment::Immediate };
/// # let order = Order { id: OrderId::generate(), operator: TenantId::generate(), buyer: TenantId::generate(),
/// #     seller: TenantId::generate(), placed_by: UserId::generate(),
/// #     subject: Subject { reference: "shop".into(), snapshot: serde_json::Value::Null }, terms,
/// #     state: OrderState::Created, holds: vec![], payment_due: None, payment: None, review: None,
/// #     refunds: vec![], version: 1, created_at: Timestamp::EPOCH };
/// let now = Timestamp::EPOCH;
/// let OrderDecision::Moved(step) = decide_order(&order, &OrderCommand::RequestPayment, now)? else {
///     unreachable!("a created order waits for its payment to be asked for");
/// };
/// assert_eq!(step.next.state, OrderState::AwaitingPayment);
/// assert_eq!(decide_order(&step.next, &OrderCommand::Accept, now), Err(OrderRefusal::State));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decide_order(
    order: &Order,
    command: &OrderCommand,
    now: Timestamp,
) -> Result<OrderDecision, OrderRefusal> {
    let step = Step::from(order, now);
    match command {
        OrderCommand::RequestPayment => step.request_payment(),
        OrderCommand::Pay { payment, paid } => step.pay(payment, *paid),
        OrderCommand::PaymentFailed => step.payment_failed(),
        OrderCommand::WindowEnds => step.window_ends(),
        OrderCommand::StartReview => step.start_review(),
        OrderCommand::Accept => step.accept(),
        OrderCommand::ReviewEnds => step.review_ends(),
        OrderCommand::Cancel => step.cancel(),
        OrderCommand::Dispute { reason } => step.dispute(reason),
        OrderCommand::ResolveRelease => step.resolve_release(),
        OrderCommand::ResolveRefund => step.resolve_refund(),
        OrderCommand::Hold { reason } => step.hold(HoldKind::Operator, reason),
        OrderCommand::LiftHold => step.lift_hold(HoldKind::Operator),
        OrderCommand::SellerSuspended => step.hold(HoldKind::Suspension, "the seller is suspended"),
        OrderCommand::SellerReactivated => step.lift_hold(HoldKind::Suspension),
        OrderCommand::Refund { amount } => step.refund(*amount),
        OrderCommand::RetryRefund { refund } => step.retry_refund(*refund),
        OrderCommand::RefundSent { refund } => step.refund_moves(*refund, RefundState::Sent),
        OrderCommand::RefundSettled { refund } => step.refund_moves(*refund, RefundState::Settled),
        OrderCommand::RefundFailed { refund } => step.refund_moves(*refund, RefundState::Failed),
    }
}

type Decided = Result<OrderDecision, OrderRefusal>;

struct Step {
    order: Order,
    now: Timestamp,
    movements: Vec<(TransferKind, Money)>,
    set: Vec<(WorkKind, Timestamp)>,
    cleared: Vec<WorkKind>,
}

impl Step {
    fn from(order: &Order, now: Timestamp) -> Self {
        Self { order: order.clone(), now, movements: vec![], set: vec![], cleared: vec![] }
    }

    fn request_payment(mut self) -> Decided {
        self.expect_state(&[OrderState::Created])?;
        let due = self.now.after(self.order.terms.payment_window);
        self.order.state = OrderState::AwaitingPayment;
        self.order.payment_due = Some(due);
        self.set.push((WorkKind::PaymentWindow, due));
        self.moved()
    }

    fn pay(mut self, payment: &PaymentRef, paid: Money) -> Decided {
        match &self.order.payment {
            Some(known) if known == payment => return Ok(OrderDecision::Unchanged),
            Some(_) => return Err(OrderRefusal::AlreadyPaid),
            None => {}
        }
        if paid != self.order.terms.gross {
            return Err(OrderRefusal::WrongAmount);
        }
        let comes_late = matches!(self.order.state, OrderState::Cancelled | OrderState::Expired);
        if !comes_late {
            self.expect_state(&[OrderState::AwaitingPayment])?;
            self.end_payment_window();
        }
        self.order.payment = Some(payment.clone());
        self.order.state = OrderState::Funded;
        self.movements.push((TransferKind::Fund, paid));
        if comes_late {
            self.refund_rest()?;
        } else if self.order.terms.fulfilment == Fulfilment::Immediate {
            self.begin_review();
        }
        self.moved()
    }

    /// The order goes on waiting: nothing of it changes, however often a payer tries.
    fn payment_failed(self) -> Decided {
        match self.order.state {
            OrderState::Created => Err(OrderRefusal::State),
            _ => Ok(OrderDecision::Unchanged),
        }
    }

    fn window_ends(mut self) -> Decided {
        let (OrderState::AwaitingPayment, Some(due)) = (self.order.state, self.order.payment_due) else {
            return Ok(OrderDecision::Unchanged);
        };
        self.expect_time(due)?;
        self.end_payment_window();
        self.order.state = OrderState::Expired;
        self.order.holds.clear();
        self.moved()
    }

    fn start_review(mut self) -> Decided {
        match self.order.state {
            OrderState::Funded => {
                self.begin_review();
                self.moved()
            }
            OrderState::InReview => Ok(OrderDecision::Unchanged),
            _ => Err(OrderRefusal::State),
        }
    }

    fn accept(mut self) -> Decided {
        self.expect_state(&[OrderState::InReview])?;
        self.release()?;
        self.moved()
    }

    fn review_ends(mut self) -> Decided {
        let (OrderState::InReview, Some(ends_at)) = (self.order.state, self.order.review_ends_at()) else {
            return Ok(OrderDecision::Unchanged);
        };
        self.expect_time(ends_at)?;
        self.release()?;
        self.moved()
    }

    fn cancel(mut self) -> Decided {
        self.expect_state(&[OrderState::Created, OrderState::AwaitingPayment])?;
        self.end_payment_window();
        self.order.state = OrderState::Cancelled;
        self.order.holds.clear();
        self.moved()
    }

    fn dispute(mut self, reason: &str) -> Decided {
        self.expect_state(&[OrderState::Funded, OrderState::InReview])?;
        if self.order.is_held_by(HoldKind::Dispute) {
            return Err(OrderRefusal::AlreadyDisputed);
        }
        self.lay_hold(HoldKind::Dispute, reason);
        self.moved()
    }

    fn resolve_release(mut self) -> Decided {
        self.end_dispute()?;
        self.release()?;
        self.moved()
    }

    fn resolve_refund(mut self) -> Decided {
        self.end_dispute()?;
        self.refund_rest()?;
        self.moved()
    }

    fn hold(mut self, kind: HoldKind, reason: &str) -> Decided {
        if !self.order.state.is_open() {
            return Err(OrderRefusal::State);
        }
        if self.order.is_held_by(kind) {
            return Ok(OrderDecision::Unchanged);
        }
        self.lay_hold(kind, reason);
        self.moved()
    }

    fn lift_hold(mut self, kind: HoldKind) -> Decided {
        if !self.order.is_held_by(kind) {
            return Ok(OrderDecision::Unchanged);
        }
        self.order.holds.retain(|hold| hold.kind != kind);
        if let (true, Some(Review::Paused { remaining })) = (self.order.holds.is_empty(), self.order.review) {
            self.run_review_until(self.now.after(remaining));
        }
        self.moved()
    }

    fn refund(mut self, amount: Money) -> Decided {
        self.expect_state(&[OrderState::Funded, OrderState::InReview])?;
        let left = self.order.terms.gross.checked_sub(self.order.refunded()?)?;
        if amount.currency() != left.currency() || !(1..=left.amount()).contains(&amount.amount()) {
            return Err(OrderRefusal::RefundAmount);
        }
        if amount == left {
            self.refund_rest()?;
        } else {
            self.request_refund(amount)?;
        }
        self.moved()
    }

    fn refund_moves(mut self, id: RefundId, to: RefundState) -> Decided {
        let refund = self
            .order
            .refunds
            .iter_mut()
            .find(|refund| refund.id == id)
            .ok_or(OrderRefusal::UnknownRefund)?;
        let is_news = match (refund.state, to) {
            (RefundState::Settled, _) => false,
            (from, to) if from == to => false,
            (RefundState::Sent | RefundState::Failed, RefundState::Requested) => false,
            _ => true,
        };
        if !is_news {
            return Ok(OrderDecision::Unchanged);
        }
        refund.state = to;
        let amount = refund.amount;
        if to == RefundState::Settled {
            self.movements.push((TransferKind::RefundSettled, amount));
        }
        self.moved()
    }

    fn retry_refund(mut self, id: RefundId) -> Decided {
        let refund = self
            .order
            .refunds
            .iter_mut()
            .find(|refund| refund.id == id)
            .ok_or(OrderRefusal::UnknownRefund)?;
        match refund.state {
            RefundState::Failed => {
                refund.state = RefundState::Requested;
                self.set.push((WorkKind::Refund, self.now));
                self.moved()
            }
            RefundState::Requested | RefundState::Sent => Ok(OrderDecision::Unchanged),
            RefundState::Settled => Err(OrderRefusal::State),
        }
    }

    fn begin_review(&mut self) {
        self.order.state = OrderState::InReview;
        if self.order.holds.is_empty() {
            self.run_review_until(self.now.after(self.order.terms.review));
        } else {
            self.order.review = Some(Review::Paused { remaining: self.order.terms.review });
        }
    }

    fn run_review_until(&mut self, ends_at: Timestamp) {
        self.order.review = Some(Review::Running { ends_at });
        self.set.push((WorkKind::Review, ends_at));
    }

    fn lay_hold(&mut self, kind: HoldKind, reason: &str) {
        let reason = reason.chars().take(OrderCommand::MAX_REASON).collect();
        self.order.holds.push(Hold { kind, reason, since: self.now });
        self.order.holds.sort_by_key(|hold| hold.kind);
        if let Some(Review::Running { ends_at }) = self.order.review {
            self.order.review = Some(Review::Paused { remaining: ends_at.since(self.now) });
            self.cleared.push(WorkKind::Review);
        }
    }

    fn end_dispute(&mut self) -> Result<(), OrderRefusal> {
        self.expect_state(&[OrderState::Funded, OrderState::InReview])?;
        if !self.order.is_held_by(HoldKind::Dispute) {
            return Err(OrderRefusal::NotDisputed);
        }
        self.order.holds.retain(|hold| hold.kind != HoldKind::Dispute);
        Ok(())
    }

    fn release(&mut self) -> Result<(), OrderRefusal> {
        if !self.order.holds.is_empty() {
            return Err(OrderRefusal::Held);
        }
        let left = self.order.terms.gross.checked_sub(self.order.refunded()?)?;
        self.movements.push((TransferKind::Release, left));
        self.order.state = OrderState::Released;
        self.end_review();
        Ok(())
    }

    fn refund_rest(&mut self) -> Result<(), OrderRefusal> {
        let left = self.order.terms.gross.checked_sub(self.order.refunded()?)?;
        self.request_refund(left)?;
        self.order.state = OrderState::Refunded;
        self.order.holds.clear();
        self.end_review();
        Ok(())
    }

    fn request_refund(&mut self, amount: Money) -> Result<(), OrderRefusal> {
        let is_the_rest = amount == self.order.terms.gross.checked_sub(self.order.refunded()?)?;
        if self.order.refunds.len() + usize::from(!is_the_rest) >= MAX_REFUNDS {
            return Err(OrderRefusal::TooManyRefunds);
        }
        let nth = u32::try_from(self.order.refunds.len()).unwrap_or(u32::MAX);
        let id = RefundId::of_order(self.order.id, nth);
        self.order.refunds.push(Refund { id, amount, state: RefundState::Requested });
        self.movements.push((TransferKind::Refund, amount));
        self.set.push((WorkKind::Refund, self.now));
        Ok(())
    }

    fn end_payment_window(&mut self) {
        if self.order.payment_due.take().is_some() {
            self.cleared.push(WorkKind::PaymentWindow);
        }
    }

    fn end_review(&mut self) {
        if self.order.review_ends_at().is_some() {
            self.cleared.push(WorkKind::Review);
        }
        self.order.review = None;
    }

    fn expect_state(&self, states: &[OrderState]) -> Result<(), OrderRefusal> {
        if states.contains(&self.order.state) { Ok(()) } else { Err(OrderRefusal::State) }
    }

    fn expect_time(&self, due: Timestamp) -> Result<(), OrderRefusal> {
        if due <= self.now { Ok(()) } else { Err(OrderRefusal::TooEarly) }
    }

    fn moved(mut self) -> Decided {
        self.order.version += 1;
        Ok(OrderDecision::Moved(Box::new(OrderTransition {
            next: self.order,
            movements: self.movements,
            set: self.set,
            cleared: self.cleared,
        })))
    }
}
