use super::Harness;
use super::proof::{Outcome, Proof, failed_guards, refused};
use super::world::{DAY, World, meter};
use crate::store::Change;
use crate::{Caller, Guard, GuardFailure, QuotaError, QuotaExceeded, Timestamp, UsagePeriod, UsageRefusal};

pub(super) async fn counters(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let (anna, bela) = (world.register("anna", "buyer@1").await?, world.register("bela", "buyer@1").await?);
    let calls = meter("calls")?;
    app.usage(&anna).consume(calls.clone(), 3).await?;
    let resets_at = anna.tenant().tenant().cycle.period_at(app.now())?.end;
    let refusal = |requested| {
        let exceeded =
            QuotaExceeded { meter: calls.clone(), limit: 5, used: 3, requested, resets_at: Some(resets_at) };
        UsageRefusal::Exceeded(exceeded)
    };
    for requested in [3, 6, i64::MAX] {
        let refused = refused(app.usage(&anna).consume(calls.clone(), requested).await)?;
        proof.same("one too many", refused, refusal(requested))?;
    }
    app.usage(&anna).consume(calls.clone(), 2).await?;
    proof.same("exactly the limit", used(&world, &anna).await?, vec![5, 0])?;
    proof.same("another tenant's", used(&world, &bela).await?, vec![0, 0])?;
    for amount in [0, -1, i64::MIN] {
        let refused = refused(app.usage(&anna).consume(calls.clone(), amount).await)?;
        proof.same("no amount", refused, UsageRefusal::Invalid(QuotaError::Amount(amount)))?;
    }
    let back = refused(app.usage(&anna).give_back(calls.clone(), 1).await)?;
    proof.same("used up", back, UsageRefusal::Invalid(QuotaError::NotHeld(calls.clone())))?;

    world.clock.advance(resets_at.since(app.now()) - std::time::Duration::from_micros(1));
    let last = refused(app.usage(&anna).consume(calls.clone(), 1).await)?;
    proof.holds(matches!(last, UsageRefusal::Exceeded(_)), "the period's last instant belongs to it")?;
    world.clock.advance(std::time::Duration::from_micros(1));
    app.usage(&anna).consume(calls.clone(), 5).await?;
    proof.same("a new period", used(&world, &anna).await?, vec![5, 0])?;
    world.clock.advance(40 * DAY);
    proof.same("nothing yet in the next", used(&world, &anna).await?, vec![0, 0])?;

    let late = world.register("late", "buyer@1").await?;
    let registered_at = app.now();
    world.clock.set(Timestamp::from_micros(registered_at.as_micros() - 1));
    app.usage(&late).consume(calls.clone(), 5).await?;
    world.clock.set(registered_at);
    let twice = refused(app.usage(&late).consume(calls, 1).await)?;
    let is_full = matches!(twice, UsageRefusal::Exceeded(QuotaExceeded { used: 5, .. }));
    proof.holds(is_full, "a clock that is behind the one that registered has no period of its own")
}

pub(super) async fn gauges(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let anna = world.register("anna", "seller@1").await?;
    let listings = meter("listings")?;
    app.usage(&anna).consume(listings.clone(), 10).await?;
    let full = refused(app.usage(&anna).consume(listings.clone(), 1).await)?;
    let is_full = matches!(full, UsageRefusal::Exceeded(QuotaExceeded { used: 10, resets_at: None, .. }));
    proof.holds(is_full, "ten of ten listings are held, and no time gives them back")?;
    app.usage(&anna).give_back(listings.clone(), 4).await?;
    app.usage(&anna).consume(listings.clone(), 4).await?;
    proof.same("given back and held again", used(&world, &anna).await?, vec![0, 10])?;
    world.clock.advance(400 * DAY);
    proof.same("a year later", used(&world, &anna).await?, vec![0, 10])?;

    app.tenants(&world.operator).subscribe("anna".parse()?, "buyer@1".parse()?).await?;
    let anna = world.again(&anna).await?;
    proof.same("what is held stays, above the new limit too", used(&world, &anna).await?, vec![0, 10])?;
    app.usage(&anna).give_back(listings.clone(), 9).await?;
    app.usage(&anna).consume(listings.clone(), 1).await?;
    app.usage(&anna).give_back(listings.clone(), 1_000).await?;
    proof.same("never below zero", used(&world, &anna).await?, vec![0, 0])?;
    app.usage(&anna).give_back(listings.clone(), i64::MAX).await?;
    app.usage(&anna).consume(listings, 2).await?;
    proof.same("and from there up", used(&world, &anna).await?, vec![0, 2])
}

pub(super) async fn one_batch(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (tenant, store) = (world.operator.tenant().id(), world.store());
    let (meter, period) = (meter("listings")?, UsagePeriod::HELD);
    let uses = |amount, ceiling| Guard::Consume { tenant, meter: meter.clone(), period, amount, ceiling };
    let used = [(meter.clone(), period)];

    let mut batch = world.batch();
    batch.guard(uses(6, 10));
    batch.guard(uses(5, 10));
    let failures = failed_guards(store.commit(batch).await)?;
    proof.same("eleven of ten", failures, vec![GuardFailure { guard: uses(6, 10), found: Some(5) }])?;
    proof.same("nothing used", store.used(world.operator.scope(), &used).await?, vec![0])?;

    let mut batch = world.batch();
    batch.guard(uses(6, 10));
    batch.guard(uses(4, 10));
    store.commit(batch).await?;
    proof.same("ten of ten", store.used(world.operator.scope(), &used).await?, vec![10])?;

    let mut batch = world.batch();
    batch.guard(uses(3, 13));
    batch.change(Change::GiveBack { tenant, meter: meter.clone(), period, amount: 5 });
    store.commit(batch).await?;
    proof.same("used before it is given back", store.used(world.operator.scope(), &used).await?, vec![8])?;

    let mut batch = world.batch();
    batch.guard(uses(1, 8));
    let failures = failed_guards(store.commit(batch).await)?;
    proof.same("full", failures, vec![GuardFailure { guard: uses(1, 8), found: Some(8) }])?;
    let mut batch = world.batch();
    batch.guard(uses(i64::MAX, i64::MAX));
    let failures = failed_guards(store.commit(batch).await)?;
    proof.same("more than a number holds", failures.len(), 1)
}

/// What is used of calls and listings, in this order.
async fn used(world: &World, caller: &Caller) -> Outcome<Vec<i64>> {
    Ok(world.app().usage(caller).all().await?.into_iter().map(|usage| usage.used).collect())
}
