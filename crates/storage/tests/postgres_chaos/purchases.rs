//! Purchases between two tenants: placed, paid, accepted, disputed, resolved and refunded; and the workers that do what
//! follows by itself.

use std::time::Duration;

use serde_json::json;
use tenantry_core::{
    BasisPoints, Currency, Failure, Fulfilment, Money, OrderCommand, OrderFailure, OrderId, Placement,
    RefundState, SeenOrder, Subject, SystemCtx, Tenantry, Terms, WorkKind,
};

use super::dice::Dice;
use super::journal::Fate;
use super::requests::told;
use super::stage::Stage;
use super::watch::impatient;

/// How long a claim lasts whose worker was dropped.
const LEASE: Duration = Duration::from_secs(2);

/// What its parties were told of an order.
#[derive(Clone)]
pub(crate) struct Deal {
    pub(crate) buyer: usize,
    pub(crate) seller: usize,
    pub(crate) gross: Money,
    pub(crate) placed: Fate,
    pub(crate) paid: Fate,
    /// The latest version that somebody was shown.
    pub(crate) version: u64,
}

/// One step of a purchase, new or begun.
pub(crate) async fn trade(stage: &Stage, dice: &mut Dice, who: &str) {
    let begun: Vec<OrderId> = stage.deals.lock().unwrap().keys().copied().collect();
    if begun.len() < 6 || dice.once_in(5) {
        return stage.watch.step(who, "an order is placed", place(stage, dice)).await;
    }
    let latest = begun.len().saturating_sub(40);
    let id = *dice.pick(&begun[latest..]);
    let deal = stage.deals.lock().unwrap()[&id].clone();
    if dice.once_in(2) && deal.paid != Fate::Acknowledged && deal.placed == Fate::Acknowledged {
        return stage.watch.step(who, "a payment is reported", pay(stage, dice, id, &deal)).await;
    }
    stage.watch.step(who, "an order takes a step", act(stage, dice, id, &deal)).await;
}

async fn place(stage: &Stage, dice: &mut Dice) {
    let number =
        |dice: &mut Dice| usize::try_from(dice.below(u64::try_from(stage.residents.len()).unwrap())).unwrap();
    let (buyer, seller) = (number(dice), number(dice));
    if buyer == seller || stage.residents[buyer].operator != stage.residents[seller].operator {
        return;
    }
    let currency = if dice.once_in(3) { Currency::EUR } else { Currency::USD };
    let (id, gross) = (OrderId::generate(), Money::new(dice.amount(100_000), currency));
    let deal = Deal { buyer, seller, gross, placed: Fate::Asked, paid: Fate::GivenUp, version: 0 };
    stage.deals.lock().unwrap().insert(id, deal);
    let caller = stage.residents[buyer].caller();
    let before = stage.residents[buyer].standing.load(std::sync::atomic::Ordering::SeqCst);
    let app = &stage.process(dice).app;
    let placement = Placement {
        id,
        seller: stage.residents[seller].caller().tenant().id(),
        subject: Subject { reference: "corner-shop".to_owned(), snapshot: json!({ "title": "Ecke ☕" }) },
        terms: Terms {
            gross,
            fee: BasisPoints::new(800).unwrap(),
            review: Duration::from_millis(500 + dice.below(3_000)),
            payment_window: Duration::from_secs(3 + dice.below(300)),
            fulfilment: Fulfilment::Immediate,
        },
    };
    let placing = async { app.orders(&caller).place(placement).await };
    let answer = impatient(dice, &stage.tally, placing).await;
    let placed = told(stage, "orders placed", answer.as_ref());
    super::requests::stands(stage, &stage.residents[buyer], before, placed);
    let version = answer.and_then(Result::ok).map_or(0, |order| order.version);
    let mut deals = stage.deals.lock().unwrap();
    let deal = deals.get_mut(&id).unwrap();
    deal.placed = placed;
    deal.version = version;
}

/// The provider's report, sent again until it is acknowledged.
async fn pay(stage: &Stage, dice: &mut Dice, id: OrderId, deal: &Deal) {
    let market = stage.operators[stage.residents[deal.buyer].operator].tenant().clone();
    let app = &stage.process(dice).app;
    let payload = json!({ "order": id.to_string() });
    let reporting = async { app.work().receive(&market, "provider", format!("paid-{id}"), payload).await };
    let answer = impatient(dice, &stage.tally, reporting).await;
    let fate = told(stage, "payments reported", answer.as_ref());
    let mut deals = stage.deals.lock().unwrap();
    let paid = &mut deals.get_mut(&id).unwrap().paid;
    *paid = match (*paid, fate) {
        (Fate::Acknowledged, _) | (_, Fate::Acknowledged) => Fate::Acknowledged,
        (Fate::Unknown, _) | (_, Fate::Unknown) => Fate::Unknown,
        (_, fate) => fate,
    };
}

async fn act(stage: &Stage, dice: &mut Dice, id: OrderId, deal: &Deal) {
    let (buyer, operator) =
        (stage.residents[deal.buyer].caller(), &stage.operators[stage.residents[deal.buyer].operator]);
    let part = Money::new(dice.amount(deal.gross.amount()), deal.gross.currency());
    let app = &stage.process(dice).app;
    let step = dice.below(9);
    let stepping = async {
        let (orders, operated) = (app.orders(&buyer), app.orders(operator));
        match step {
            0..=1 => orders.accept(id).await,
            2..=3 => orders.dispute(id, "not what was shown".to_owned()).await,
            4 => orders.cancel(id).await,
            5 => operated.operate(id, OrderCommand::ResolveRelease).await,
            6 => operated.operate(id, OrderCommand::ResolveRefund).await,
            7 => operated.operate(id, OrderCommand::Refund { amount: part }).await,
            _ => operated.operate(id, OrderCommand::LiftHold).await,
        }
    };
    let answer = impatient(dice, &stage.tally, stepping).await;
    let fate = told(stage, "order steps", answer.as_ref());
    if let (Some(Ok(seen)), Fate::Acknowledged) = (answer, fate) {
        remember(stage, &seen);
    }
}

fn remember(stage: &Stage, seen: &SeenOrder) {
    let mut deals = stage.deals.lock().unwrap();
    let deal = deals.get_mut(&seen.order.id).unwrap();
    deal.version = deal.version.max(seen.order.version);
    let (buyer, seller) = (stage.residents[deal.buyer].id(), stage.residents[deal.seller].id());
    let is_same = seen.order.buyer.as_uuid() == buyer && seen.order.seller.as_uuid() == seller;
    drop(deals);
    stage.tally.holds(is_same, "checked: orders have their parties", || format!("{}", seen.order.id));
}

/// Claims what is due and does it. Answers how much was claimed.
pub(crate) async fn work(stage: &Stage, dice: &mut Dice, who: &str) -> usize {
    let app = &stage.process(dice).app;
    let work = app.work();
    let claiming =
        stage.watch.step(who, "work is claimed", impatient(dice, &stage.tally, work.claim(8, LEASE)));
    let claimed = match claiming.await {
        Some(Ok(claimed)) => claimed,
        Some(Err(_)) => {
            stage.tally.count("answers: unavailable");
            return 0;
        }
        None => return 0,
    };
    for ctx in &claimed {
        let doing = impatient(dice, &stage.tally, perform(stage, app, ctx));
        let done = stage.watch.step(who, "work is done", doing).await;
        told(stage, "work", done.as_ref());
    }
    claimed.len()
}

async fn perform(stage: &Stage, app: &Tenantry, ctx: &SystemCtx) -> Result<(), Failure<OrderFailure>> {
    let Some(claim) = ctx.claim() else { return Ok(()) };
    let done = match claim.item.kind {
        WorkKind::Inbox => {
            let Some(report) = app.work().report(ctx).await? else {
                stage.tally.breach("claimed work names a report that isn't there");
                return Ok(());
            };
            let id: OrderId = report.payload["order"].as_str().unwrap().parse().unwrap();
            let paid = stage.deals.lock().unwrap()[&id].gross;
            let pay = OrderCommand::Pay { payment: format!("p-{id}").parse().unwrap(), paid };
            app.order_steps(ctx).take(id, pay).await.map(drop)
        }
        WorkKind::Refund => refund(app, ctx, OrderId::from_uuid(claim.item.subject)).await,
        _ => app.work().perform(ctx).await.map(drop),
    };
    match done {
        Err(Failure::Refused(OrderFailure::Refused(_))) => {
            app.work().postpone(ctx, Duration::from_millis(300)).await?;
            stage.tally.count("work postponed");
            Ok(())
        }
        other => other,
    }
}

async fn refund(app: &Tenantry, ctx: &SystemCtx, id: OrderId) -> Result<(), Failure<OrderFailure>> {
    let steps = app.order_steps(ctx);
    for refund in steps.get(id).await?.refunds {
        if matches!(refund.state, RefundState::Requested | RefundState::Failed) {
            steps.take_one(id, OrderCommand::RefundSent { refund: refund.id }).await?;
        }
        if refund.state != RefundState::Settled {
            steps.take_one(id, OrderCommand::RefundSettled { refund: refund.id }).await?;
        }
    }
    let ended = app.work().end(ctx, "refunds settled".to_owned()).await;
    ended.map_err(|failure| failure.map_refusal(|never| match never {}))
}
