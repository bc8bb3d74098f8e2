use super::Harness;
use super::proof::{Outcome, Proof, refused, there};
use super::world::{PRICE, REVIEW, WINDOW, World, paid};
use crate::{
    Account, AccountBalance, Balance, Caller, Currency, HoldKind, Money, Order, OrderCommand, OrderFailure,
    OrderRefusal, OrderState, PageRequest, Party, RefundState, Review, Shares, StatementKind, WorkKind,
};

pub(super) async fn purchase(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let order = world.place(&buyer, &seller).await?;
    proof.same("state", order.state, OrderState::AwaitingPayment)?;
    proof.same(
        "in the operator's rows",
        store.order(world.operator.scope(), order.id).await?,
        Some(order.clone()),
    )?;
    proof.same("the window", order.payment_due, Some(app.now().after(WINDOW)))?;
    proof.same("the timer", store.next_due().await?, order.payment_due)?;
    let books = world.books().await?;
    proof.holds(books.accounts.is_empty(), "no money has moved")?;
    let refusal = refused(app.orders(&buyer).accept(order.id).await)?;
    proof.same("too early", refusal, OrderRefusal::State.into())?;
    let forged = refused(app.orders(&world.operator).operate(order.id, paid(&order, "x")?).await)?;
    proof.same("only the provider says that it was paid", forged, OrderRefusal::State.into())?;

    let order = world.pay(&order).await?;
    let shares = Shares::of(PRICE, order.terms.fee)?;
    let (net, fee) = (shares.net.amount(), shares.fee.amount());
    proof.same("state", order.state, OrderState::InReview)?;
    proof.same("the review", order.review_ends_at(), Some(app.now().after(REVIEW)))?;
    proof.same("only the review is due", store.next_due().await?, order.review_ends_at())?;
    let held = [(Account::Provider, PRICE.amount()), (Account::Escrow(order.id), -PRICE.amount())];
    books_are(&world, proof, &held).await?;
    balance_is(&world, proof, &seller, 0, net).await?;
    for (caller, party) in
        [(&seller, Party::Seller), (&buyer, Party::Buyer), (&world.operator, Party::Operator)]
    {
        let seen = app.orders(caller).get(order.id).await?;
        proof.same("the part", seen.party, party)?;
        proof.same("what each sees", seen.order.state, OrderState::InReview)?;
        proof.same("at one version", seen.order.version, order.version)?;
        proof.same("what is bought", &seen.order.subject, &order.subject)?;
    }

    let seen = app.orders(&buyer).accept(order.id).await?;
    proof.same("state", seen.order.state, OrderState::Released)?;
    proof.same("nothing is due", store.next_due().await?, None)?;
    let payable = (Account::Payable(seller.tenant().id()), -net);
    let paid_out = [(Account::Provider, PRICE.amount()), payable, (Account::Fees, -fee)];
    books_are(&world, proof, &paid_out).await?;
    balance_is(&world, proof, &seller, net, 0).await?;
    let operator = app.ledger(&world.operator).balances().await?;
    let fees = Balance { currency: Currency::USD, available: fee, held: 0 };
    proof.same("the operator's fees", operator, vec![fees])?;
    proof.same("the buyer has no balance", app.ledger(&buyer).balances().await?, vec![])?;
    let lines = app.ledger(&seller).statement(&PageRequest::first()).await?.items;
    let mut told: Vec<_> = lines.iter().map(|line| (line.kind, line.available, line.held)).collect();
    told.sort_by_key(|(kind, _, _)| kind.as_str());
    let expected = vec![(StatementKind::Held, 0, net), (StatementKind::Released, net, -net)];
    proof.same("the statement", told, expected)?;
    let again = refused(app.orders(&buyer).accept(order.id).await)?;
    proof.same("once", again, OrderRefusal::State.into())
}

pub(super) async fn review_ends(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let order = world.buy(&buyer, &seller).await?;
    world.clock.advance(REVIEW - std::time::Duration::from_micros(1));
    proof.same("not yet", world.perform().await?, 0)?;
    proof.same("under review", state(&world, &order).await?, OrderState::InReview)?;
    world.clock.advance(std::time::Duration::from_micros(1));
    proof.same("now", world.perform().await?, 1)?;
    proof.same("released", state(&world, &order).await?, OrderState::Released)?;
    proof.same("nothing more is due", world.store().next_due().await?, None)?;
    let net = Shares::of(PRICE, order.terms.fee)?.net.amount();
    balance_is(&world, proof, &seller, net, 0).await?;
    proof.holds(world.books().await?.is_balanced(), "the books balance")
}

pub(super) async fn unpaid(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let forgotten = world.place(&buyer, &seller).await?;
    let given_up = world.place(&buyer, &seller).await?;
    let stranger = refused(app.orders(&seller).cancel(given_up.id).await)?;
    proof.same("the seller can't cancel", stranger, OrderFailure::NotFound)?;
    app.orders(&buyer).cancel(given_up.id).await?;
    world.clock.advance(WINDOW);
    proof.same("one window ends", world.perform().await?, 1)?;
    proof.same("expired", state(&world, &forgotten).await?, OrderState::Expired)?;
    proof.same("cancelled", state(&world, &given_up).await?, OrderState::Cancelled)?;
    proof.same("nothing is due", store.next_due().await?, None)?;

    for order in [&forgotten, &given_up] {
        let late = world.pay(order).await?;
        proof.same("paid too late", late.state, OrderState::Refunded)?;
        proof.same("in full", late.refunded()?, PRICE)?;
        let again = world.report(order.operator, &format!("again-{}", order.id)).await?;
        let same = app.order_steps(&again).take(order.id, paid(order, "payment-1")?).await?;
        proof.same("the same payment again changes nothing", same.order.version, late.version)?;
        balance_is(&world, proof, &seller, 0, 0).await?;
        proof.same("one refund is asked for", world.settle_refunds(order.id).await?, 1)?;
    }
    books_are(&world, proof, &[]).await?;
    proof.same("no work is left", world.store().next_due().await?, None)
}

pub(super) async fn partial_refunds(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let order = world.buy(&buyer, &seller).await?;
    let refund = |amount| OrderCommand::Refund { amount: Money::new(amount, Currency::USD) };
    let operator = app.orders(&world.operator);
    for amount in [0, -1, PRICE.amount() + 1] {
        let refusal = refused(operator.operate(order.id, refund(amount)).await)?;
        proof.same("no such refund", refusal, OrderRefusal::RefundAmount.into())?;
    }
    let mut parts = 0;
    for amount in [1, 333, 1_000] {
        let seen = operator.operate(order.id, refund(amount)).await?;
        proof.same("still under review", seen.order.state, OrderState::InReview)?;
        let books = world.books().await?;
        proof.holds(books.is_balanced(), "the books balance after each part")?;
        balance_is(&world, proof, &seller, 0, seen.order.shares()?.net.amount()).await?;
        parts += 1;
    }
    let too_much = refused(operator.operate(order.id, refund(PRICE.amount() - 1_333)).await)?;
    proof.same("more than is left", too_much, OrderRefusal::RefundAmount.into())?;
    proof.same("each part settles once", world.settle_refunds(order.id).await?, parts)?;
    let stored = there(world.store().order(world.operator.scope(), order.id).await?, "the order")?;
    let settled = stored.refunds.iter().filter(|refund| refund.state == RefundState::Settled);
    proof.same("settled", settled.count(), parts)?;

    let released = app.orders(&buyer).accept(order.id).await?.order;
    let shares = released.shares()?;
    let sum = shares.net.amount() + shares.fee.amount() + 1_334;
    proof.same("no unit is left over", sum, PRICE.amount())?;
    balance_is(&world, proof, &seller, shares.net.amount(), 0).await?;
    let payable = (Account::Payable(seller.tenant().id()), -shares.net.amount());
    let left = [(Account::Provider, PRICE.amount() - 1_334), payable, (Account::Fees, -shares.fee.amount())];
    books_are(&world, proof, &left).await?;
    let late = refused(operator.operate(order.id, refund(1)).await)?;
    proof.same("what is released isn't refunded", late, OrderRefusal::State.into())
}

/// The order's state as its operator has it, which is also what both parties see.
pub(super) async fn state(world: &World, order: &Order) -> Outcome<OrderState> {
    let store = world.store();
    let kept = there(store.order(super::world::scope(order.operator), order.id).await?, "the order")?;
    for party in [order.buyer, order.seller] {
        let side = there(store.order_side(super::world::scope(party), order.id).await?, "a side")?;
        if (side.order.state, side.order.version) != (kept.state, kept.version) {
            return Err(super::proof::Stop::because("a party's side differs from the operator's order"));
        }
    }
    Ok(kept.state)
}

/// Checks that the books balance and hold exactly these accounts, those with nothing in them left out.
pub(super) async fn books_are(world: &World, proof: &mut Proof, expected: &[(Account, i64)]) -> Outcome {
    let books = world.books().await?;
    proof.holds(books.is_balanced(), "the books balance")?;
    let is_sorted = |accounts: &[AccountBalance]| {
        accounts.windows(2).all(|pair| match pair {
            [one, next] => (one.account, one.currency) != (next.account, next.currency),
            _ => true,
        })
    };
    proof.holds(is_sorted(&books.accounts), "each account is listed once")?;
    let mut found: Vec<_> = books.accounts.iter().map(|account| (account.account, account.balance)).collect();
    found.retain(|(_, balance)| *balance != 0);
    found.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    proof.same("the books", found, expected)
}

/// Checks what a seller has, and that it is what the lines of its statement add up to.
pub(super) async fn balance_is(
    world: &World,
    proof: &mut Proof,
    seller: &Caller,
    available: i64,
    held: i64,
) -> Outcome {
    let store = world.store();
    let balances = store.balances(seller.scope()).await?;
    let total = |of: fn(&Balance) -> i64| balances.iter().map(of).sum::<i64>();
    proof.same("available", total(|balance| balance.available), available)?;
    proof.same("held", total(|balance| balance.held), held)?;
    let lines = store.statement(seller.scope(), &PageRequest::largest()).await?.items;
    proof.same("available by the lines", lines.iter().map(|line| line.available).sum(), available)?;
    proof.same("held by the lines", lines.iter().map(|line| line.held).sum(), held)
}

/// Checks who holds the order and whether its review stands.
pub(super) fn holds_are(proof: &mut Proof, order: &Order, kinds: &[HoldKind]) -> Outcome {
    let held: Vec<_> = order.holds.iter().map(|hold| hold.kind).collect();
    proof.same("holds", held.as_slice(), kinds)?;
    let stands = matches!(order.review, Some(Review::Paused { .. }));
    let expected = !kinds.is_empty() && order.state == OrderState::InReview;
    proof.same("whether the review stands", stands, expected)
}

/// Whether the order's review is among what is due some time.
pub(super) async fn review_is_due(world: &World) -> Outcome<bool> {
    Ok(!world.claim_kind(WorkKind::Review).await?.is_empty())
}
