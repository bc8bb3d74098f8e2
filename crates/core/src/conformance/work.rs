use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::Harness;
use super::proof::{Outcome, Proof, failed_guards, refused, there};
use super::world::{HOUR, LEASE, REVIEW, World, paid};
use crate::store::Change;
use crate::{Claim, Failure, Guard, OrderCommand, OrderState, Receipt, Timestamp, WorkItem, WorkKind};

const TICK: Duration = Duration::from_micros(1);

async fn schedule(world: &World, subject: Uuid, due: Timestamp) -> Outcome<WorkItem> {
    let (tenant, kind) = (world.operator.tenant().id(), WorkKind::Refund);
    let item = WorkItem { tenant, kind, subject, due };
    let mut batch = world.batch();
    batch.change(Change::Schedule(item));
    world.store().commit(batch).await?;
    Ok(item)
}

async fn claim_one(world: &World) -> Outcome<Claim> {
    there(world.store().claim(1, LEASE).await?.pop(), "due work")
}

pub(super) async fn claims(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let store = world.store();
    let start = world.app().now();
    proof.same("nothing is due in an empty store", store.next_due().await?, None)?;
    let mut items = vec![];
    for minutes in [3, 1, 2] {
        items.push(schedule(&world, Uuid::now_v7(), start.after(Duration::from_secs(60 * minutes))).await?);
    }
    items.sort_by_key(|item| item.due);
    proof.same("the next", store.next_due().await?, items.first().map(|item| item.due))?;
    proof.same("too early", store.claim(10, LEASE).await?.len(), 0)?;
    world.clock.advance(Duration::from_secs(60) - TICK);
    proof.same("a moment too early", store.claim(10, LEASE).await?.len(), 0)?;
    world.clock.advance(TICK + Duration::from_secs(120));

    let first = store.claim(2, LEASE).await?;
    let claimed: Vec<_> = first.iter().map(|claim| claim.item).collect();
    proof.same(
        "the longest due first, two of three",
        claimed.iter().collect::<Vec<_>>(),
        items.iter().take(2).collect(),
    )?;
    proof.holds(first.iter().all(|claim| claim.attempts == 0), "it is the first attempt")?;
    let rest = store.claim(10, LEASE).await?;
    proof.same(
        "the third",
        rest.iter().map(|claim| &claim.item).collect::<Vec<_>>(),
        items.iter().skip(2).collect(),
    )?;
    proof.same("all is claimed", store.claim(10, LEASE).await?.len(), 0)?;
    let lease_ends = world.app().now().after(LEASE);
    proof.same("next when the lease runs out", store.next_due().await?, Some(lease_ends))?;

    world.clock.advance(LEASE - TICK);
    proof.same("a lease that runs", store.claim(10, LEASE).await?.len(), 0)?;
    world.clock.advance(TICK);
    let second = store.claim(10, LEASE).await?;
    proof.same("a lease that ran out", second.len(), 3)?;
    for claim in &second {
        let before = first.iter().chain(&rest).find(|before| before.item == claim.item);
        let before = there(before, "the claim before")?;
        proof.holds(claim.fence > before.fence, "each claim has a higher fence")?;
        proof.same("attempts", claim.attempts, 1)?;
    }

    let [one, two, ..] = second.as_slice() else { return Err(super::proof::Stop::because("three claims")) };
    store.postpone(one, HOUR).await?;
    proof.same("put off", store.claim(10, LEASE).await?.len(), 0)?;
    let outdated = there(first.iter().find(|claim| claim.item == two.item), "an old claim")?;
    store.postpone(outdated, Duration::ZERO).await?;
    proof.same("an old claim puts nothing off", store.claim(10, LEASE).await?.len(), 0)?;
    world.clock.advance(HOUR - TICK);
    let others = store.claim(10, 2 * HOUR).await?;
    proof.holds(
        others.iter().all(|claim| claim.item.subject != one.item.subject),
        "not before its pause ends",
    )?;
    world.clock.advance(TICK);
    let back = claim_one(&world).await?;
    proof.same("after its pause", back.item.subject, one.item.subject)?;
    proof.same("attempts are counted on", back.attempts, 2)
}

pub(super) async fn fences(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let order = world.place(&buyer, &seller).await?;
    let paused = world.report(order.operator, "paid").await?;
    world.clock.advance(LEASE);
    let successor = there(world.claim_kind(WorkKind::Inbox).await?.pop(), "the work, once more")?;
    let command = paid(&order, "payment-1")?;
    let late = app.order_steps(&paused).take(order.id, command.clone()).await;
    proof.holds(matches!(late, Err(Failure::Superseded)), "a paused worker writes nothing")?;
    let late = app.work().end(&paused, "done".to_owned()).await;
    proof.holds(matches!(late, Err(Failure::Superseded)), "nor ends the work")?;
    app.work().postpone(&paused, HOUR).await?;
    let done = app.order_steps(&successor).take(order.id, command.clone()).await?;
    proof.same("its successor does it", done.order.state, OrderState::InReview)?;
    let twice = app.order_steps(&successor).take(order.id, command).await;
    proof.holds(matches!(twice, Err(Failure::Superseded)), "once")?;

    world.clock.advance(REVIEW);
    let slow = there(world.claim_kind(WorkKind::Review).await?.pop(), "the review")?;
    world.clock.advance(100 * LEASE);
    let done = app.order_steps(&slow).take(order.id, OrderCommand::ReviewEnds).await?;
    proof.same("a slow worker that nobody followed goes on", done.order.state, OrderState::Released)
}

pub(super) async fn rescheduled(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let store = world.store();
    let (subject, now) = (Uuid::now_v7(), world.app().now());
    let item = schedule(&world, subject, now).await?;
    let old = claim_one(&world).await?;
    let guarded = |claim: &Claim| {
        let WorkItem { tenant, kind, subject, .. } = claim.item;
        let mut batch = world.batch();
        batch.guard(Guard::Claimed { tenant, kind, subject, fence: claim.fence });
        batch.change(Change::Unschedule { tenant, kind, subject });
        batch
    };

    schedule(&world, subject, now.after(HOUR)).await?;
    proof.same("put in its place", store.next_due().await?, Some(now.after(HOUR)))?;
    let failures = failed_guards(store.commit(guarded(&old)).await)?;
    proof.same("the worker who had it no longer has", failures.len(), 1)?;
    proof.same("so it isn't lost", store.next_due().await?, Some(now.after(HOUR)))?;
    world.clock.advance(HOUR);
    let new = claim_one(&world).await?;
    proof.holds(new.fence > old.fence, "a higher fence")?;
    proof.same("one piece of work", store.claim(10, LEASE).await?.len(), 0)?;
    store.commit(guarded(&new)).await?;
    proof.same("ended", store.next_due().await?, None)?;

    let mut highest = new.fence;
    let mut rounds = 0;
    for _ in 0..5 {
        schedule(&world, subject, world.app().now()).await?;
        let claim = claim_one(&world).await?;
        proof.same("the same work", (claim.item.kind, claim.item.subject), (item.kind, subject))?;
        proof.holds(claim.fence > highest, "fences never repeat, not even once the work was gone")?;
        for outdated in [&old, &new] {
            proof.same("outdated", failed_guards(store.commit(guarded(outdated)).await)?.len(), 1)?;
        }
        highest = claim.fence;
        store.commit(guarded(&claim)).await?;
        rounds += 1;
    }
    proof.count("times scheduled anew", rounds);
    Ok(())
}

pub(super) async fn reports(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let at = app.resolve_id(world.operator.tenant().id()).await?;
    let payload = json!({ "b": 1, "a": ["ü", null, 1_234_567_890_123_i64], "nested": { "x": true } });
    let receive = |event: &str| app.work().receive(&at, "provider", event.to_owned(), payload.clone());
    proof.same("the first time", receive("evt-1").await?, Receipt::New)?;
    proof.same("again", receive("evt-1").await?, Receipt::Known)?;
    proof.same("another", receive("evt-2").await?, Receipt::New)?;
    let nameless = refused(receive("").await);
    proof.holds(nameless.is_ok(), "a report has a name")?;
    let claimed = world.claim().await?;
    proof.same("each is due now", claimed.len(), 2)?;
    for ctx in &claimed {
        let report = there(app.work().report(ctx).await?, "the report")?;
        proof.same("payload", &report.payload, &payload)?;
        proof.same("source", report.source.as_str(), "provider")?;
        proof.same("when", report.received_at, app.now())?;
        app.work().end(ctx, "read".to_owned()).await?;
    }
    proof.same("ended", world.store().next_due().await?, None)?;
    proof.same("known for good", receive("evt-1").await?, Receipt::Known)?;

    let (first, pending) = receive("evt-3").unsent().await?.into_parts();
    let (twin, twin_pending) = receive("evt-3").unsent().await?.into_parts();
    pending.settle(world.store().commit(there(first, "a batch")?).await)?;
    let failures = failed_guards(world.store().commit(there(twin, "a batch")?).await)?;
    proof.same("stored once, whoever was first", failures.len(), 1)?;
    drop(twin_pending);
    proof.same("as one piece of work", world.claim().await?.len(), 1)
}
