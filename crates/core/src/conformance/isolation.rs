use serde_json::json;

use super::Harness;
use super::proof::{Outcome, Proof, refused, there};
use super::world::{EVERYTHING, World, meter, placement, scope, this_month, user_id};
use crate::{
    Caller, Cursor, OrderCommand, OrderFailure, OrderId, Page, PageRequest, PlaceRefusal, PrincipalId,
    RoleKey, TenantRefusal, UsagePeriod, WorkKind,
};

pub(super) async fn reads(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let seller = world.register("anna", "seller@1").await?;
    let buyer = world.register("bela", "buyer@1").await?;
    let stranger = world.register("carl", "seller@1").await?;
    let order = world.buy(&buyer, &seller).await?;
    app.usage(&seller).consume("calls".parse()?, 3).await?;
    app.usage(&seller).consume("listings".parse()?, 2).await?;
    let clerk: RoleKey = "clerk".parse()?;
    app.roles(&seller).define(super::world::role("clerk", &["listing:read"])?).await?;
    let at = app.resolve_id(world.operator.tenant().id()).await?;
    app.work().receive(&at, "provider", "secret".to_owned(), json!({ "secret": true })).await?;
    let ctx = there(world.claim_kind(WorkKind::Inbox).await?.pop(), "claimed work")?;
    let inbox = there(app.work().report(&ctx).await?, "the report")?;
    world.seal().await?;

    let page = PageRequest::largest();
    let own = scope(seller.tenant().id());
    proof.same("the seller's usage", store.used(own, &meters(&seller)?).await?, vec![3, 2])?;
    proof.holds(store.role(own, &clerk).await?.is_some(), "the seller has its role")?;
    proof.holds(store.order_side(own, order.id).await?.is_some(), "the seller has its side")?;
    proof.holds(!store.statement(own, &page).await?.items.is_empty(), "the seller has a statement")?;

    let mut reads = 0;
    let third = stranger.scope();
    let seller_id = seller.tenant().id();
    let mut hidden = |what: &str, is_hidden: bool| {
        reads += 1;
        proof.holds(is_hidden, format_args!("{what} is hidden from another tenant"))
    };
    hidden("a user", store.user(third, user_id(&seller)?).await?.is_none())?;
    hidden("a membership", store.principal(third, PrincipalId::User(user_id(&seller)?)).await?.is_none())?;
    hidden("a role", store.role(third, &clerk).await?.is_none())?;
    hidden("usage", store.used(third, &meters(&seller)?).await? == [0, 0])?;
    hidden("an order", store.order(third, order.id).await?.is_none())?;
    hidden("a list of orders", is_empty(&store.orders(third, EVERYTHING, &page).await?))?;
    let open = store.open_orders_of_seller(third, seller_id, &page).await?;
    hidden("a list of open orders", is_empty(&open))?;
    hidden("a side of an order", store.order_side(third, order.id).await?.is_none())?;
    hidden("a list of sides", is_empty(&store.order_sides(third, EVERYTHING, &page).await?))?;
    hidden("a statement", is_empty(&store.statement(third, &page).await?))?;
    hidden("a balance", store.balances(third).await?.is_empty())?;
    hidden("the books", store.account_balances(third).await?.is_empty())?;
    hidden("a report", store.inbox(third, inbox.id).await?.is_none())?;
    hidden("a list of tenants", is_empty(&store.children(third, &page).await?))?;
    let trail = store.audit(third, &page).await?.items;
    let is_own = trail.iter().all(|sealed| sealed.entry.tenant == stranger.tenant().id());
    hidden("an audit entry", !trail.is_empty() && is_own)?;
    let events = store.events(third, 0, 500).await?;
    let is_own = events.iter().all(|sealed| sealed.event.tenant == stranger.tenant().id());
    hidden("an event", !events.is_empty() && is_own)?;

    for party in [&seller, &buyer] {
        let party = party.scope();
        hidden("the operator's order", store.order(party, order.id).await?.is_none())?;
        hidden("the operator's list", is_empty(&store.orders(party, EVERYTHING, &page).await?))?;
        hidden("the operator's books", store.account_balances(party).await?.is_empty())?;
        hidden("the operator's report", store.inbox(party, inbox.id).await?.is_none())?;
    }
    hidden("the seller's money", store.balances(buyer.scope()).await?.is_empty())?;
    let side = there(store.order_side(seller.scope(), order.id).await?, "the seller's side")?;
    hidden("who placed the order", side.order.placed_by != user_id(&buyer)?)?;
    let side = there(store.order_side(buyer.scope(), order.id).await?, "the buyer's side")?;
    there(
        (side.order.placed_by == user_id(&buyer)?).then_some(()),
        "who placed the order, on the buyer's side",
    )?;
    proof.count("reads", reads);
    Ok(())
}

pub(super) async fn operators(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let bazaar = world.found("bazaar").await?;
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let far_seller = world.register_at(&bazaar, "carl", "seller@1").await?;
    let far_buyer = world.register_at(&bazaar, "dora", "buyer@1").await?;
    let order = world.buy(&buyer, &seller).await?;
    let far_order = world.buy(&far_buyer, &far_seller).await?;
    app.orders(&far_buyer).accept(far_order.id).await?;

    let across = placement(OrderId::generate(), &far_seller, super::world::PRICE)?;
    let refusal = refused(app.orders(&buyer).place(across).await)?;
    proof.same("a seller of another marketplace", refusal, PlaceRefusal::Seller)?;
    let command = OrderCommand::Hold { reason: "none of its business".to_owned() };
    let refusal = refused(app.orders(&bazaar).operate(order.id, command).await)?;
    proof.same("an order of another operator", refusal, OrderFailure::NotFound)?;
    let refusal = refused(app.orders(&far_buyer).accept(order.id).await)?;
    proof.same("an order of another buyer", refusal, OrderFailure::NotFound)?;
    let refusal = refused(app.orders(&seller).accept(order.id).await)?;
    proof.same("the buyer's step, asked by the seller", refusal, OrderFailure::NotFound)?;
    let refusal = refused(app.tenants(&bazaar).suspend("anna".parse()?).await)?;
    proof.same("a tenant below another", refusal, TenantRefusal::NotFound)?;
    let refusal = refused(app.tenants(&seller).suspend("bela".parse()?).await)?;
    proof.same("a tenant beside it", refusal, TenantRefusal::NotFound)?;

    let page = PageRequest::largest();
    for (operator, seller, order) in [(&world.operator, &seller, &order), (&bazaar, &far_seller, &far_order)]
    {
        let operated: Vec<_> = store.orders(operator.scope(), EVERYTHING, &page).await?.items;
        proof.same("operated", operated.iter().map(|order| order.id).collect(), vec![order.id])?;
        let books = app.ledger(operator).books().await?;
        proof.holds(books.is_balanced() && !books.accounts.is_empty(), "each has books that balance")?;
        let below = app.tenants(operator).page(&page).await?.items;
        proof.same("below", below.len(), 2)?;
        proof.holds(below.iter().any(|tenant| tenant.id == seller.tenant().id()), "each has its sellers")?;
    }
    Ok(())
}

fn meters(caller: &Caller) -> Outcome<Vec<(crate::MeterKey, UsagePeriod)>> {
    Ok(vec![(meter("calls")?, this_month(caller)?), (meter("listings")?, UsagePeriod::HELD)])
}

fn is_empty<T>(page: &Page<T>) -> bool {
    let next: Option<&Cursor> = page.next.as_ref();
    page.items.is_empty() && next.is_none()
}
