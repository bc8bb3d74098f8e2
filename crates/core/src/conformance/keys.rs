use std::time::Duration;

use super::Harness;
use super::members::second_owner;
use super::proof::{Outcome, Proof, Stop, refused, there};
use super::world::{EVERYTHING, World, meter, placement};
use crate::{
    Answer, Caller, Done, Failure, Fingerprint, IdempotencyKey, Idempotent, Order, OrderId, PageRequest,
    PlaceRefusal, UsageRefusal,
};

/// A body that is neither text nor empty.
const BODY: &[u8] = b"{\"caf\xc3\xa9\":\"\x00\xff\"}\n";

pub(super) async fn replay(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let anna = world.register("anna", "seller@1").await?;
    let asked = |key: &str, body: &[u8]| -> Outcome<Idempotent> {
        let key: IdempotencyKey = key.parse()?;
        Ok(Idempotent { operation: "listing.create", key, fingerprint: Fingerprint::of(&[body]) })
    };
    let once = async |key: &str, body: &[u8]| {
        let command = app.usage(&anna).consume(meter("listings")?, 1);
        let done = command.idempotent(asked(key, body)?, |()| Answer { status: 201, body: BODY.to_vec() });
        Ok::<_, Stop>(done.await)
    };
    let used = async || {
        let used = app.usage(&anna).all().await?.into_iter().map(|usage| usage.used);
        Ok::<_, Stop>(used.collect::<Vec<_>>())
    };
    let unknown = app.answered::<UsageRefusal>(&anna, &asked("k-1", b"one")?).await?;
    proof.same("before it was asked", unknown, None)?;
    let first = once("k-1", b"one").await??;
    proof.holds(matches!(first, Done::Now(())), "the first time it is done")?;
    for _ in 0..3 {
        let Done::Before(answer) = once("k-1", b"one").await?? else {
            return Err(Stop::because("a request that was sent again was done again"));
        };
        proof.same("the answer, to the byte", answer, Answer { status: 201, body: BODY.to_vec() })?;
    }
    proof.same("used once", used().await?, vec![0, 1])?;
    let other = once("k-1", b"two").await?;
    proof.holds(matches!(other, Err(Failure::KeyMismatch)), "another request under the key is refused")?;
    let stored = app.answered::<UsageRefusal>(&anna, &asked("k-1", b"one")?).await?;
    proof.holds(stored.is_some_and(|answer| answer.body == BODY), "the answer can be asked for")?;
    let other = app.answered::<UsageRefusal>(&anna, &asked("k-1", b"two")?).await;
    proof.holds(matches!(other, Err(Failure::KeyMismatch)), "and the other request is refused there, too")?;

    world.clock.advance(IdempotencyKey::LIFETIME - Duration::from_micros(1));
    let late = once("k-1", b"one").await??;
    proof.holds(matches!(late, Done::Before(_)), "it is remembered for 24 hours")?;
    world.clock.advance(Duration::from_micros(1));
    let expired = app.answered::<UsageRefusal>(&anna, &asked("k-1", b"one")?).await?;
    proof.same("and forgotten then", expired, None)?;
    let anew = once("k-1", b"two").await??;
    proof.holds(matches!(anew, Done::Now(())), "the key is free for another request")?;
    let again = once("k-1", b"two").await??;
    proof.holds(matches!(again, Done::Before(_)), "which has it now")?;
    proof.same("used twice", used().await?, vec![0, 2])?;

    let command = app.usage(&anna).consume(meter("listings")?, 100);
    let keyed = command.idempotent(asked("k-2", b"much")?, |()| Answer { status: 201, body: vec![] });
    proof.holds(matches!(refused(keyed.await)?, UsageRefusal::Exceeded(_)), "a refusal is given")?;
    let after = once("k-2", b"little").await??;
    proof.holds(matches!(after, Done::Now(())), "and not stored: the key is free")
}

pub(super) async fn owners(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let anna = world.register("anna", "seller@1").await?;
    let bela = world.register("bela", "seller@1").await?;
    let colleague = second_owner(&world, &anna, "carl").await?;
    let anna = world.again(&anna).await?;
    let mut done = 0;
    let asked: [(&Caller, &'static str, &[u8]); 4] = [
        (&anna, "listing.create", b"a"),
        (&bela, "listing.create", b"b"),
        (&colleague, "listing.create", b"c"),
        (&anna, "listing.delete", b"d"),
    ];
    for (caller, operation, body) in asked {
        let idempotent =
            Idempotent { operation, key: "same-key".parse()?, fingerprint: Fingerprint::of(&[body]) };
        let command = app.usage(caller).consume(meter("listings")?, 1);
        let keyed = command.idempotent(idempotent, |()| Answer { status: 200, body: body.to_vec() });
        proof.holds(matches!(keyed.await?, Done::Now(())), "each has the key for itself")?;
        done += 1;
    }
    for (caller, operation, body) in asked {
        let idempotent =
            Idempotent { operation, key: "same-key".parse()?, fingerprint: Fingerprint::of(&[body]) };
        let answer = there(app.answered::<UsageRefusal>(caller, &idempotent).await?, "the answer")?;
        proof.same("each has its own answer", answer.body.as_slice(), body)?;
    }
    proof.count("owners of one key", done);
    Ok(())
}

pub(super) async fn before_guards(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let id = OrderId::of_request(buyer.tenant().id(), buyer.id(), "k-1", &Fingerprint::of(&[b"one"]));
    let ask = |key: &str, body: &[u8]| {
        let key = key.parse::<IdempotencyKey>()?;
        let idempotent = Idempotent { operation: "order.place", key, fingerprint: Fingerprint::of(&[body]) };
        let command = app.orders(&buyer).place(placement(id, &seller, super::world::PRICE)?);
        Ok::<_, Stop>(command.idempotent(idempotent, answer_of))
    };
    let (first, pending) = ask("k-1", b"one")?.unsent().await?.into_parts();
    let (twin, twin_pending) = ask("k-1", b"one")?.unsent().await?.into_parts();
    let (other, other_pending) = ask("k-1", b"two")?.unsent().await?.into_parts();
    let (unkeyed, unkeyed_pending) = ask("k-2", b"one")?.unsent().await?.into_parts();

    let done = pending.settle(store.commit(there(first, "a batch")?).await)?;
    proof.holds(matches!(done, Done::Now(_)), "the first is done")?;
    let done = twin_pending.settle(store.commit(there(twin, "a batch")?).await)?;
    let Done::Before(answer) = done else {
        return Err(Stop::because("the same request was committed twice"));
    };
    proof.same("its twin gets the answer", answer.body, id.to_string().into_bytes())?;
    let mismatch = other_pending.settle(store.commit(there(other, "a batch")?).await);
    proof.holds(matches!(mismatch, Err(Failure::KeyMismatch)), "another request is refused for its key")?;
    let taken = unkeyed_pending.settle(store.commit(there(unkeyed, "a batch")?).await);
    proof.same("and without that key, for its guard", refused(taken)?, PlaceRefusal::Exists)?;
    let orders = store.orders(world.operator.scope(), EVERYTHING, &PageRequest::largest()).await?;
    proof.same("one order", orders.items.len(), 1)
}

fn answer_of(order: &Order) -> Answer {
    Answer { status: 201, body: order.id.to_string().into_bytes() }
}
