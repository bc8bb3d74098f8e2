use std::fmt::Debug;

use uuid::Uuid;

use super::Harness;
use super::members::second_owner;
use super::proof::{Outcome, Proof, Stop, there};
use super::trail::note;
use super::world::{EVERYTHING, HOUR, PRICE, World, placement, scope, user_id};
use crate::{
    Caller, CallerFacts, Condition, Currency, Cursor, Facts, Literal, Money, OrderId, Page, PageRequest,
    Party, Predicate, PrincipalId, RequestFacts, SeenOrder, Timestamp,
};

/// How many orders there are, and how many of them are on a page: the last page is not full.
const ROWS: usize = 10;
const SIZE: u16 = 3;

/// Reads a list to its end by a loop over its pages, and checks that none is larger than was asked.
macro_rules! walk {
    ($proof:expr, |$page:ident| $read:expr, then $meanwhile:expr) => {{
        let mut $page = PageRequest::new(SIZE, None)?;
        let mut items = vec![];
        let mut pages = 0_usize;
        loop {
            let found = $read?;
            pages += 1;
            $proof.holds(found.items.len() <= usize::from(SIZE), "a page is as large as was asked")?;
            let is_full = found.items.len() == usize::from(SIZE);
            items.extend(found.items);
            if pages == 1 {
                $meanwhile;
            }
            match found.next {
                Some(next) => {
                    $proof.holds(is_full, "a page that isn't the last is full")?;
                    $page = $page.following(Cursor::parse(next.as_str())?);
                }
                None => break,
            }
            if pages > 100 {
                return Err(Stop::because("the pages of a list never end"));
            }
        }
        items
    }};
}

struct Shop {
    world: World,
    seller: Caller,
    buyer: Caller,
    ids: Vec<OrderId>,
}

/// A seller and a buyer with ten orders, some of them of the same instant.
async fn shop(harness: &dyn Harness) -> Outcome<Shop> {
    let world = World::open(harness).await?;
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let mut ids = vec![];
    for n in 0..ROWS {
        if n % 4 == 0 {
            world.clock.advance(HOUR / 100);
        }
        ids.push(world.buy(&buyer, &seller).await?.id);
    }
    Ok(Shop { world, seller, buyer, ids })
}

pub(super) async fn complete(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let Shop { world, seller, buyer, mut ids } = shop(harness).await?;
    let (app, store) = (world.app(), world.store());
    let operator = world.operator.scope();
    ids.sort_unstable();

    let orders = walk!(proof, |page| store.orders(operator, EVERYTHING, &page).await, then {});
    newest_first(proof, &orders.iter().map(|order| (order.created_at, order.id)).collect::<Vec<_>>())?;
    same_set(proof, orders.iter().map(|order| order.id).collect(), &ids)?;
    for party in [&seller, &buyer] {
        let sides = walk!(proof, |page| store.order_sides(party.scope(), EVERYTHING, &page).await, then {});
        newest_first(
            proof,
            &sides.iter().map(|side| (side.order.created_at, side.order.id)).collect::<Vec<_>>(),
        )?;
        same_set(proof, sides.iter().map(|side| side.order.id).collect(), &ids)?;
    }
    let id = seller.tenant().id();
    let open = walk!(proof, |page| store.open_orders_of_seller(operator, id, &page).await, then {});
    proof.same("open orders, by id", open.clone(), ids.clone())?;
    let lines = walk!(proof, |page| store.statement(seller.scope(), &page).await, then {});
    newest_first(proof, &lines.iter().map(|line| (line.at, line.transfer)).collect::<Vec<_>>())?;
    same_set(proof, lines.iter().map(|line| line.order).collect(), &ids)?;
    world.seal().await?;
    let entries = walk!(proof, |page| store.audit(operator, &page).await, then {});
    let numbers: Vec<_> = entries.iter().map(|entry| entry.seq).collect();
    let last = u64::try_from(numbers.len())?;
    proof.same("every entry, the newest first", numbers, (1..=last).rev().collect())?;
    for slug in ["zoe", "carl", "dora", "emil-2", "emil"] {
        world.register(slug, "seller@1").await?;
    }
    let below = walk!(proof, |page| store.children(operator, &page).await, then {});
    let slugs: Vec<_> = below.iter().map(|tenant| tenant.slug.as_str()).collect();
    proof.same("tenants, by slug", slugs, vec!["anna", "bela", "carl", "dora", "emil", "emil-2", "zoe"])?;

    let during = walk!(proof, |page| store.orders(operator, EVERYTHING, &page).await, then {
        world.clock.advance(HOUR / 100);
        world.buy(&buyer, &seller).await?
    });
    same_set(proof, during.iter().map(|order| order.id).collect(), &ids)?;
    let during = walk!(proof, |page| store.statement(seller.scope(), &page).await, then {
        world.clock.advance(HOUR / 100);
        world.buy(&buyer, &seller).await?
    });
    proof.same("lines, while one is added", during.len(), ROWS + 1)?;
    world.seal().await?;
    let known = store.audit(operator, &PageRequest::largest()).await?.items;
    let during = walk!(proof, |page| store.audit(operator, &page).await, then {
        app.trail(&world.operator).note(note("meanwhile")).await?;
        world.seal().await?
    });
    proof.same("entries, while one is added", during, known)?;
    app.orders(&buyer).accept(there(ids.first().copied(), "an order")?).await?;
    let open = walk!(proof, |page| store.open_orders_of_seller(operator, id, &page).await, then {});
    proof.same("what was released isn't open", open.len(), ROWS + 1)?;
    proof.count("rows paged", orders.len() + lines.len() + entries.len() + below.len());
    Ok(())
}

/// Filters over orders, as conditions of whoever lists them: what is told and what isn't, several ways to one row,
/// and what no order has.
const CONDITIONS: &[&str] = &[
    "resource.placed_by = caller.id",
    "not resource.placed_by = caller.id",
    "resource.placed_by = caller.id or resource.state = 'released'",
    "resource.placed_by = caller.id or resource.amount > 5000 or resource.state in ('cancelled', 'released')",
    "(resource.placed_by = caller.id or resource.state = 'in_review') and not resource.amount > 5000",
    "resource.state in ('cancelled', 'released')",
    "not resource.state = 'in_review'",
    "resource.amount < 5000",
    "resource.amount >= 5000 and resource.currency = 'USD'",
    "resource.currency = 'EUR'",
    "resource.party = 'buyer'",
    "resource.party in ('seller', 'operator')",
    "resource.buyer = caller.tenant or resource.seller = caller.tenant",
    "not resource.seller = caller.tenant",
    "resource.buyer = resource.seller",
    "resource.amount = 'much'",
    "not resource.weight > 3",
    "resource.state < 'released'",
    "resource.created_at < request.time",
    "resource.created_at = request.time and resource.party = 'operator'",
    "caller.kind = 'user'",
    "caller.kind = 'api_key'",
];

pub(super) async fn filtered(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let Shop { world, seller, buyer, ids } = shop(harness).await?;
    let (app, store) = (world.app(), world.store());
    let colleague = second_owner(&world, &buyer, "bert").await?;
    for price in [4_999, 5_000, 70_000] {
        world.clock.advance(HOUR / 100);
        let mut placement = placement(OrderId::generate(), &seller, PRICE)?;
        placement.terms.gross = Money::new(price, Currency::USD);
        let order = app.orders(&colleague).place(placement).await?;
        if price == 5_000 {
            app.orders(&colleague).cancel(order.id).await?;
        }
    }
    for id in ids.iter().take(2) {
        app.orders(&buyer).accept(*id).await?;
    }
    let chosen = there(ids.first(), "an order")?.as_uuid();
    let (mut filters, mut kept, mut left_out) = (0, 0, 0);
    for caller in [&world.operator, &buyer, &colleague, &seller] {
        let facts = CallerFacts::of(PrincipalId::User(user_id(caller)?), caller.tenant().id());
        let request = RequestFacts::new(app.now(), None);
        let asked = |text: &&str| -> Outcome<Predicate> {
            let condition: Condition = text.parse()?;
            Ok(condition.predicate(&Facts { caller: &facts, request: &request }))
        };
        let mut asked = CONDITIONS.iter().map(asked).collect::<Outcome<Vec<_>>>()?;
        asked.extend([None, Some(false), Some(true)].map(Predicate::Constant));
        asked.push(Predicate::Present { attribute: "placed_by".into() });
        asked.push(!Predicate::Present { attribute: "placed_by".into() });
        asked.push(Predicate::is_in("id", vec![Literal::Id(chosen), Literal::Id(Uuid::nil())]));
        for filter in &asked {
            let scope = caller.scope();
            let (all, found) = if caller.tenant().id() == world.operator.tenant().id() {
                let seen = |order| SeenOrder { order, party: Party::Operator };
                let all = store.orders(scope, EVERYTHING, &PageRequest::largest()).await?.map(seen).items;
                let found = walk!(proof, |page| store.orders(scope, filter, &page).await, then {});
                (all, found.into_iter().map(seen).collect::<Vec<_>>())
            } else {
                let all = store.order_sides(scope, EVERYTHING, &PageRequest::largest()).await?;
                let found = walk!(proof, |page| store.order_sides(scope, filter, &page).await, then {});
                (all.map(SeenOrder::from).items, found.into_iter().map(SeenOrder::from).collect())
            };
            proof.same("every order", all.len(), ROWS + 3)?;
            left_out += all.len() - found.len();
            kept += found.len();
            filters += 1;
            let expected: Vec<_> =
                all.into_iter().filter(|seen| filter.evaluate(seen) == Some(true)).collect();
            let ids = |seen: &[SeenOrder]| seen.iter().map(|seen| seen.order.id).collect::<Vec<_>>();
            proof.same(format_args!("what is kept by {filter:?}"), ids(&found), ids(&expected))?;
            proof.holds(found == expected, "an order is listed as it is seen")?;
        }
    }
    proof.holds(kept > 100 && left_out > 100, "filters keep some orders and not others")?;
    proof.count("filters", filters);
    proof.count("orders kept", kept);
    proof.count("orders left out", left_out);
    Ok(())
}

pub(super) async fn cursors(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let Shop { world, seller, buyer, .. } = shop(harness).await?;
    let store = world.store();
    let stranger = world.register("carl", "seller@1").await?;
    world.buy(&buyer, &stranger).await?;
    world.seal().await?;
    let small = PageRequest::new(SIZE, None)?;
    let own = store.order_sides(seller.scope(), EVERYTHING, &small).await?;
    let foreign = small.following(there(own.next, "a next page")?);
    let seen = store.order_sides(stranger.scope(), EVERYTHING, &foreign).await?.items;
    proof.holds(
        seen.iter().all(|side| side.tenant == stranger.tenant().id()),
        "another tenant's cursor shows one's own rows",
    )?;
    let own = store.statement(seller.scope(), &small).await?;
    let foreign = small.following(there(own.next, "a next page")?);
    let seen = store.statement(stranger.scope(), &foreign).await?.items;
    proof.holds(
        seen.iter().all(|line| line.tenant == stranger.tenant().id()),
        "another tenant's cursor shows one's own lines",
    )?;

    let operator = scope(world.operator.tenant().id());
    let mut nonsense = 0;
    for text in ["~", "x", "x~y", "1~2~3", "-~-", "999999999999999999999~x", "not-a-number~", ".:_"] {
        let page = small.following(Cursor::parse(text)?);
        empty(proof, text, &store.orders(operator, EVERYTHING, &page).await?)?;
        empty(proof, text, &store.order_sides(seller.scope(), EVERYTHING, &page).await?)?;
        empty(proof, text, &store.statement(seller.scope(), &page).await?)?;
        empty(proof, text, &store.audit(operator, &page).await?)?;
        let id = seller.tenant().id();
        empty(proof, text, &store.open_orders_of_seller(operator, id, &page).await?)?;
        nonsense += 1;
    }
    for text in ["~", "-", ".:_", "UPPER"] {
        empty(proof, text, &store.children(operator, &small.following(Cursor::parse(text)?)).await?)?;
    }
    proof.count("cursors that can't be read", nonsense);
    Ok(())
}

fn empty<T: Debug>(proof: &mut Proof, cursor: &str, page: &Page<T>) -> Outcome {
    let is_empty = page.items.is_empty() && page.next.is_none();
    proof.holds(is_empty, format_args!("nothing follows the cursor {cursor:?}"))
}

fn newest_first<I: Ord + Copy>(proof: &mut Proof, keys: &[(Timestamp, I)]) -> Outcome {
    let descends = keys.iter().zip(keys.iter().skip(1)).all(|(newer, older)| newer > older);
    proof.holds(descends, "the newest come first, none twice")
}

fn same_set(proof: &mut Proof, mut found: Vec<OrderId>, expected: &[OrderId]) -> Outcome {
    found.sort_unstable();
    proof.same("every row once", found.as_slice(), expected)
}
