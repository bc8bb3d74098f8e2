use async_trait::async_trait;
use serde_json::json;

use super::operation::{emit, sealed::Sealed};
use super::{Actor, Attempt, Failure, Operation, OrderFailure, PlaceRefusal, Placement, Tenantry};
use crate::store::{Change, Guard, Record};
use crate::{
    Account, Aggregate, Batch, Caller, Money, Order, OrderCommand, OrderDecision, OrderId, OrderRefusal,
    OrderSide, OrderState, OrderTransition, Party, Posting, SeenOrder, Shares, StatementKind, StatementLine,
    SystemCtx, Tenant, TenantId, TenantStatus, Transfer, TransferId, TransferKind, WorkItem, decide_order,
};

/// The longest name of what is bought, in characters.
const MAX_REFERENCE: usize = 200;
/// The largest copy of what is bought, as JSON text.
const MAX_SNAPSHOT: usize = 16 * 1024;

/// Decides a new order, with its payment asked for.
pub(super) fn place(
    actor: &Actor,
    caller: &Caller,
    operator: TenantId,
    seller: &Tenant,
    placement: &Placement,
    batch: &mut Batch,
) -> Result<Order, PlaceRefusal> {
    let Placement { id, subject, terms, .. } = placement;
    let reference_fits = (1..=MAX_REFERENCE).contains(&subject.reference.chars().count());
    if !reference_fits || subject.snapshot.to_string().len() > MAX_SNAPSHOT {
        return Err(PlaceRefusal::Subject);
    }
    let created = Order {
        id: *id,
        operator,
        buyer: caller.tenant().id(),
        seller: seller.id,
        placed_by: caller.user().ok_or(PlaceRefusal::NotAUser)?,
        subject: subject.clone(),
        terms: terms.checked()?,
        state: OrderState::Created,
        holds: vec![],
        payment_due: None,
        payment: None,
        review: None,
        refunds: vec![],
        version: 0,
        created_at: batch.at(),
    };
    let decided = decide_order(&created, &OrderCommand::RequestPayment, batch.at())?;
    let OrderDecision::Moved(step) = decided else {
        return Err(PlaceRefusal::Order(OrderRefusal::State));
    };
    batch.guard(Guard::Epoch { tenant: seller.id, epoch: seller.epoch });
    batch.insert(Record::Order(Box::new(step.next.clone())));
    for party in [Party::Buyer, Party::Seller] {
        if let Some(side) = OrderSide::of(&step.next, party) {
            batch.insert(Record::OrderSide(Box::new(side)));
        }
    }
    write_effects(batch, &step);
    trail(actor, batch, &step.next, "order.place", json!({ "amount": terms.gross }));
    Ok(step.next)
}

/// A step of an order: loads it, decides, and writes what follows.
pub(super) struct OrderStep {
    party: Party,
    id: OrderId,
    command: OrderCommand,
    ends_work: bool,
}

impl OrderStep {
    pub(super) fn new(party: Party, id: OrderId, command: OrderCommand) -> Self {
        Self { party, id, command, ends_work: false }
    }

    /// The same step, at whose end the claimed work is done.
    pub(super) fn ending_its_work(self) -> Self {
        Self { ends_work: true, ..self }
    }

    async fn load(&self, app: &Tenantry, by: &Actor) -> Result<Option<Order>, Failure<OrderFailure>> {
        let store = app.store();
        let scope = match by {
            Actor::Caller(caller) if self.party == Party::Operator => caller.scope(),
            Actor::Caller(caller) => {
                let Some(side) = store.order_side(caller.scope(), self.id).await? else {
                    return Ok(None);
                };
                if side.party != self.party {
                    return Ok(None);
                }
                SystemCtx::for_operator(side.order.operator).scope()
            }
            Actor::System(ctx) => ctx.scope(),
            Actor::Visitor(_) | Actor::External(_, _) => return Ok(None),
        };
        let order = store.order(scope, self.id).await?;
        Ok(order.filter(|order| self.is_party(by, order)))
    }

    /// The second lock: the order itself says that the caller's tenant has the part that the step is taken in.
    fn is_party(&self, by: &Actor, order: &Order) -> bool {
        let Actor::Caller(caller) = by else { return order.operator == by.tenant() };
        let part = match self.party {
            Party::Buyer => order.buyer,
            Party::Seller => order.seller,
            Party::Operator => order.operator,
        };
        part == caller.tenant().id()
    }

    /// Whether the actor may give the command at all: what timers and the provider say is theirs to say, and a
    /// party takes its own steps only.
    fn may_command(&self, by: &Actor) -> bool {
        match (by, self.party) {
            (Actor::System(_), _) => true,
            (Actor::Caller(_), Party::Buyer) => matches!(
                self.command,
                OrderCommand::Accept | OrderCommand::Cancel | OrderCommand::Dispute { .. }
            ),
            (Actor::Caller(_), Party::Operator) => matches!(
                self.command,
                OrderCommand::StartReview
                    | OrderCommand::ResolveRelease
                    | OrderCommand::ResolveRefund
                    | OrderCommand::Hold { .. }
                    | OrderCommand::LiftHold
                    | OrderCommand::Refund { .. }
                    | OrderCommand::RetryRefund { .. }
            ),
            _ => false,
        }
    }

    fn seen(&self, order: Order) -> SeenOrder {
        let order = match OrderSide::of(&order, self.party) {
            Some(side) => side.order,
            None => order,
        };
        SeenOrder { order, party: self.party }
    }

    fn end_work(&self, by: &Actor, batch: &mut Batch) -> bool {
        let Actor::System(ctx) = by else { return false };
        match ctx.claim() {
            Some(claim) if self.ends_work => {
                let item = claim.item;
                batch.change(Change::Unschedule {
                    tenant: item.tenant,
                    kind: item.kind,
                    subject: item.subject,
                });
                true
            }
            _ => false,
        }
    }
}

impl Sealed for OrderStep {}

#[async_trait]
impl Operation for OrderStep {
    type Outcome = SeenOrder;
    type Refusal = OrderFailure;

    async fn attempt(
        &self,
        app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<SeenOrder>, Failure<OrderFailure>> {
        let Some(order) = self.load(app, by).await? else {
            return Err(Failure::Refused(OrderFailure::NotFound));
        };
        if !self.may_command(by) {
            return Err(Failure::Refused(OrderRefusal::State.into()));
        }
        let seller = app.store().tenant(order.seller).await?;
        let command = as_the_seller_stands(&order, &self.command, seller.as_ref())
            .map_err(|refusal| Failure::Refused(refusal.into()))?;
        let ended_work = self.end_work(by, batch);
        let decided = decide_order(&order, &command, batch.at());
        let step = match decided.map_err(|refusal| Failure::Refused(refusal.into()))? {
            OrderDecision::Unchanged => {
                let seen = self.seen(order);
                return Ok(if ended_work {
                    let target = format!("order:{}", self.id);
                    by.audit(batch, "work.end", target, json!({ "command": command.name() }));
                    Attempt::Write(seen)
                } else {
                    Attempt::Settled(seen)
                });
            }
            OrderDecision::Moved(step) => step,
        };
        let depends_on_the_seller = moves_to_the_seller(&step) || command != self.command;
        if let (true, Some(seller)) = (depends_on_the_seller, &seller) {
            batch.guard(Guard::Epoch { tenant: seller.id, epoch: seller.epoch });
        }
        batch.update(Record::Order(Box::new(step.next.clone())), order.version);
        for party in [Party::Buyer, Party::Seller] {
            if let Some(side) = OrderSide::of(&step.next, party) {
                batch.change(Change::Update(Record::OrderSide(Box::new(side))));
            }
        }
        write_money(batch, &order, &step).map_err(|refusal| Failure::Refused(refusal.into()))?;
        write_effects(batch, &step);
        let action = format!("order.{}", command.name());
        trail(by, batch, &step.next, &action, json!({ "state": step.next.state }));
        Ok(Attempt::Write(self.seen(step.next)))
    }
}

/// A seller that isn't active is paid nothing: the end of the review lays the suspension's hold, and whoever else
/// would release finds the order held.
fn as_the_seller_stands(
    order: &Order,
    command: &OrderCommand,
    seller: Option<&Tenant>,
) -> Result<OrderCommand, OrderRefusal> {
    let is_active = seller.is_some_and(|seller| seller.status == TenantStatus::Active);
    match command {
        OrderCommand::ReviewEnds if !is_active && order.state == OrderState::InReview => {
            Ok(OrderCommand::SellerSuspended)
        }
        OrderCommand::Accept | OrderCommand::ResolveRelease if !is_active && order.state.is_open() => {
            decide_order(order, command, order.created_at).and(Err(OrderRefusal::Held))
        }
        command => Ok(command.clone()),
    }
}

fn moves_to_the_seller(step: &OrderTransition) -> bool {
    step.movements.iter().any(|(kind, _)| *kind == TransferKind::Release)
}

/// The transfers of a step and the lines that they make in the seller's statement.
fn write_money(batch: &mut Batch, before: &Order, step: &OrderTransition) -> Result<(), OrderRefusal> {
    let order = &step.next;
    let mut held = before.payment.as_ref().map_or(Ok(0), |_| net(before))?;
    for (kind, amount) in &step.movements {
        let shares = order.shares()?;
        let postings = postings(order, *kind, *amount, shares);
        let id = TransferId::from_uuid(batch.next_id());
        let (operator, currency, at) = (order.operator, amount.currency(), batch.at());
        let transfer = Transfer::new(id, operator, order.id, *kind, currency, at, postings)
            .map_err(|_| OrderRefusal::Money(crate::MoneyError::Overflow))?;
        batch.change(Change::Post(transfer));
        let (kind, available, held_after) = match kind {
            TransferKind::Fund => {
                (StatementKind::Held, 0, Shares::of(*amount, order.terms.fee)?.net.amount())
            }
            TransferKind::Release => (StatementKind::Released, shares.net.amount(), 0),
            TransferKind::Refund => (StatementKind::Refunded, 0, net(order)?),
            TransferKind::RefundSettled => continue,
        };
        let line = StatementLine {
            transfer: id,
            tenant: order.seller,
            order: order.id,
            at,
            kind,
            currency,
            available,
            held: held_after - held,
        };
        held = held_after;
        batch.change(Change::Statement(line));
    }
    Ok(())
}

fn net(order: &Order) -> Result<i64, OrderRefusal> {
    Ok(order.shares()?.net.amount())
}

fn postings(order: &Order, kind: TransferKind, amount: Money, shares: Shares) -> Vec<Posting> {
    let escrow = Account::Escrow(order.id);
    let post = |account, amount: i64| Posting { account, amount };
    let amount = amount.amount();
    match kind {
        TransferKind::Fund => vec![post(Account::Provider, amount), post(escrow, -amount)],
        TransferKind::Release => vec![
            post(escrow, amount),
            post(Account::Payable(order.seller), -shares.net.amount()),
            post(Account::Fees, -shares.fee.amount()),
        ],
        TransferKind::Refund => vec![post(escrow, amount), post(Account::Refunds, -amount)],
        TransferKind::RefundSettled => {
            vec![post(Account::Refunds, amount), post(Account::Provider, -amount)]
        }
    }
}

fn write_effects(batch: &mut Batch, step: &OrderTransition) {
    let order = &step.next;
    let (tenant, subject) = (order.operator, order.id.as_uuid());
    for kind in &step.cleared {
        batch.change(Change::Unschedule { tenant, kind: *kind, subject });
    }
    for (kind, due) in &step.set {
        batch.change(Change::Schedule(WorkItem { tenant, kind: *kind, subject, due: *due }));
    }
}

/// The audit entries and the event of a step.
fn trail(actor: &Actor, batch: &mut Batch, order: &Order, action: &str, detail: serde_json::Value) {
    let target = format!("order:{}", order.id);
    actor.audit(batch, action, target.clone(), detail.clone());
    actor.audit_elsewhere(batch, order.operator, action, target, detail);
    let aggregate = Aggregate { kind: "order".to_owned(), id: order.id.as_uuid() };
    let payload = json!({
        "order": order.id,
        "state": order.state,
        "buyer": order.buyer,
        "seller": order.seller,
        "amount": order.terms.gross,
        "fee": order.shares().map(|shares| shares.fee).ok(),
    });
    emit(batch, order.operator, aggregate, order.version, action, payload);
}
