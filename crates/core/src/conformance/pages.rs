use std::fmt::Debug;

use super::Harness;
use super::proof::{Outcome, Proof, Stop, there};
use super::trail::note;
use super::world::{HOUR, World, scope};
use crate::{Caller, Cursor, OrderId, Page, PageRequest, Timestamp};

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

    let orders = walk!(proof, |page| store.orders(operator, &page).await, then {});
    newest_first(proof, &orders.iter().map(|order| (order.created_at, order.id)).collect::<Vec<_>>())?;
    same_set(proof, orders.iter().map(|order| order.id).collect(), &ids)?;
    for party in [&seller, &buyer] {
        let sides = walk!(proof, |page| store.order_sides(party.scope(), &page).await, then {});
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

    let during = walk!(proof, |page| store.orders(operator, &page).await, then {
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

pub(super) async fn cursors(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let Shop { world, seller, buyer, .. } = shop(harness).await?;
    let store = world.store();
    let stranger = world.register("carl", "seller@1").await?;
    world.buy(&buyer, &stranger).await?;
    world.seal().await?;
    let small = PageRequest::new(SIZE, None)?;
    let own = store.order_sides(seller.scope(), &small).await?;
    let foreign = small.following(there(own.next, "a next page")?);
    let seen = store.order_sides(stranger.scope(), &foreign).await?.items;
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
        empty(proof, text, &store.orders(operator, &page).await?)?;
        empty(proof, text, &store.order_sides(seller.scope(), &page).await?)?;
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
