use super::Harness;
use super::orders::balance_is;
use super::proof::{Outcome, Proof};
use super::world::{EVERYTHING, World, scope};
use crate::{Account, Currency, Money, OrderCommand, PageRequest};

pub(super) async fn sums(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let buyer = world.register("bela", "buyer@1").await?;
    let sellers = [world.register("anna", "seller@1").await?, world.register("carl", "seller@1").await?];
    let mut orders = 0;
    for n in 0_i64..12 {
        let [anna, carl] = &sellers;
        let seller = if n % 3 == 0 { carl } else { anna };
        let currency = if n % 2 == 0 { Currency::USD } else { Currency::EUR };
        let order = world.place_for(&buyer, seller, Money::new(1_001 + 37 * n, currency)).await?;
        world.pay(&order).await?;
        let part = OrderCommand::Refund { amount: Money::new(n + 1, currency) };
        match n % 4 {
            0 => drop(app.orders(&buyer).accept(order.id).await?),
            1 => drop(app.orders(&world.operator).operate(order.id, part).await?),
            2 => drop(app.orders(&buyer).dispute(order.id, "no".to_owned()).await?),
            _ => {
                app.orders(&world.operator).operate(order.id, part).await?;
                app.orders(&buyer).accept(order.id).await?;
            }
        }
        orders += 1;
        let books = world.books().await?;
        proof.holds(books.is_balanced(), "the books balance after each order")?;
    }
    let books = world.books().await?;
    let page = PageRequest::largest();
    for seller in &sellers {
        let (mut available, mut held) = (0, 0);
        let lines = store.statement(seller.scope(), &page).await?.items;
        for balance in store.balances(seller.scope()).await? {
            let payable = books.accounts.iter().find(|found| {
                found.account == Account::Payable(seller.tenant().id()) && found.currency == balance.currency
            });
            let payable = payable.map_or(0, |found| -found.balance);
            proof.same("what can be paid out, by the books", balance.available, payable)?;
            let of = lines.iter().filter(|line| line.currency == balance.currency);
            let sum: (i64, i64) = of.fold((0, 0), |(a, h), line| (a + line.available, h + line.held));
            proof.same("by the lines of its currency", (balance.available, balance.held), sum)?;
            available += balance.available;
            held += balance.held;
        }
        balance_is(&world, proof, seller, available, held).await?;
    }
    let mut in_escrow = 0;
    for order in store.orders(scope(world.operator.tenant().id()), EVERYTHING, &page).await?.items {
        let escrow = books.accounts.iter().find(|found| found.account == Account::Escrow(order.id));
        let escrow = escrow.map_or(0, |found| -found.balance);
        let left = order.terms.gross.checked_sub(order.refunded()?)?.amount();
        proof.same("escrow", escrow, if order.state.is_open() { left } else { 0 })?;
        in_escrow += usize::from(escrow > 0);
    }
    proof.count("orders", orders);
    proof.count("accounts", books.accounts.len());
    proof.count("in escrow", in_escrow);
    Ok(())
}
