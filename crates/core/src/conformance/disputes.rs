use std::time::Duration;

use super::Harness;
use super::orders::{balance_is, books_are, holds_are, review_is_due, state};
use super::proof::{Outcome, Proof, failed_guards, refused, there};
use super::world::{DAY, HOUR, PRICE, REVIEW, World};
use crate::{
    Account, CommitError, Guard, HoldKind, OrderCommand, OrderRefusal, OrderState, Review, Shares,
    TenantStatus,
};

pub(super) async fn resolved(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let (kept, returned) = (world.buy(&buyer, &seller).await?, world.buy(&buyer, &seller).await?);
    let operator = app.orders(&world.operator);
    let refusal = refused(operator.operate(kept.id, OrderCommand::ResolveRelease).await)?;
    proof.same("nothing to resolve", refusal, OrderRefusal::NotDisputed.into())?;
    world.clock.advance(HOUR);
    for order in [&kept, &returned] {
        let disputed = app.orders(&buyer).dispute(order.id, "not as described".to_owned()).await?.order;
        holds_are(proof, &disputed, &[HoldKind::Dispute])?;
        let left = Some(Review::Paused { remaining: REVIEW - HOUR });
        proof.same("what is left of the review", disputed.review, left)?;
    }
    let twice = refused(app.orders(&buyer).dispute(kept.id, "again".to_owned()).await)?;
    proof.same("disputed once", twice, OrderRefusal::AlreadyDisputed.into())?;
    let accept = refused(app.orders(&buyer).accept(kept.id).await)?;
    proof.same("held", accept, OrderRefusal::Held.into())?;
    world.clock.advance(10 * DAY);
    proof.holds(!review_is_due(&world).await?, "no timer releases what is disputed")?;
    proof.same("under review", state(&world, &kept).await?, OrderState::InReview)?;

    operator.operate(kept.id, OrderCommand::ResolveRelease).await?;
    operator.operate(returned.id, OrderCommand::ResolveRefund).await?;
    proof.same("released", state(&world, &kept).await?, OrderState::Released)?;
    proof.same("refunded", state(&world, &returned).await?, OrderState::Refunded)?;
    let shares = Shares::of(PRICE, kept.terms.fee)?;
    balance_is(&world, proof, &seller, shares.net.amount(), 0).await?;
    let payable = (Account::Payable(seller.tenant().id()), -shares.net.amount());
    let fees = (Account::Fees, -shares.fee.amount());
    let provider = PRICE.amount();
    let refunds = (Account::Refunds, -provider);
    books_are(&world, proof, &[(Account::Provider, 2 * provider), payable, fees, refunds]).await?;
    proof.same("one refund settles", world.settle_refunds(returned.id).await?, 1)?;
    books_are(&world, proof, &[(Account::Provider, provider), payable, fees]).await
}

pub(super) async fn suspended_seller(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let (first, second) = (world.buy(&buyer, &seller).await?, world.buy(&buyer, &seller).await?);
    let third = world.buy(&buyer, &seller).await?;
    app.orders(&buyer).accept(third.id).await?;
    world.clock.advance(DAY);
    let get = async |id| there(store.order(world.operator.scope(), id).await?, "the order");

    app.tenants(&world.operator).suspend("anna".parse()?).await?;
    let accept = refused(app.orders(&buyer).accept(first.id).await)?;
    proof.same("not even the buyer can release", accept, OrderRefusal::Held.into())?;
    proof.same("the money stays", state(&world, &first).await?, OrderState::InReview)?;
    proof.same("the seller's open orders are looked through", world.perform().await?, 1)?;
    for order in [&first, &second] {
        holds_are(proof, &get(order.id).await?, &[HoldKind::Suspension])?;
    }
    let own = OrderCommand::Hold { reason: "looked into".to_owned() };
    let lifts = OrderCommand::LiftHold;
    app.orders(&world.operator).operate(first.id, own).await?;
    holds_are(proof, &get(first.id).await?, &[HoldKind::Operator, HoldKind::Suspension])?;
    app.orders(&world.operator).operate(first.id, lifts).await?;
    holds_are(proof, &get(first.id).await?, &[HoldKind::Suspension])?;
    proof.same("what was released stays so", state(&world, &third).await?, OrderState::Released)?;
    world.clock.advance(10 * DAY);
    proof.holds(!review_is_due(&world).await?, "no timer pays a suspended seller")?;

    app.tenants(&world.operator).reactivate("anna".parse()?).await?;
    proof.same("looked through again", world.perform().await?, 1)?;
    for order in [&first, &second] {
        let order = get(order.id).await?;
        holds_are(proof, &order, &[])?;
        let left = app.now().after(REVIEW - DAY);
        proof.same("the review goes on where it stood", order.review_ends_at(), Some(left))?;
    }
    world.clock.advance(REVIEW - DAY);
    proof.same("both are released", world.perform().await?, 2)?;
    let net = Shares::of(PRICE, first.terms.fee)?.net.amount();
    balance_is(&world, proof, &seller, 3 * net, 0).await?;
    proof.same("no work is left", store.next_due().await?, None)
}

pub(super) async fn seller_suspended_in_flight(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let order = world.buy(&buyer, &seller).await?;
    let (accept, pending) = app.orders(&buyer).accept(order.id).unsent().await?.into_parts();
    app.tenants(&world.operator).suspend("anna".parse()?).await?;
    let failures = failed_guards(store.commit(there(accept, "a batch")?).await)?;
    let of_seller = |guard: &Guard| matches!(guard, Guard::Epoch { tenant, .. } if *tenant == order.seller);
    proof.holds(failures.iter().any(|failure| of_seller(&failure.guard)), "the seller's epoch refuses it")?;
    proof.holds(pending.settle(Err(CommitError::Refused(failures))).is_err(), "and the buyer is told")?;
    proof.same("no money moved", state(&world, &order).await?, OrderState::InReview)?;

    let status = store.tenant(order.seller).await?.map(|tenant| tenant.status);
    proof.same("the seller", status, Some(TenantStatus::Suspended))?;
    world.clock.advance(REVIEW + Duration::from_secs(1));
    world.perform().await?;
    let held = there(store.order(world.operator.scope(), order.id).await?, "the order")?;
    holds_are(proof, &held, &[HoldKind::Suspension])?;
    let net = Shares::of(PRICE, order.terms.fee)?.net.amount();
    balance_is(&world, proof, &seller, 0, net).await
}
