use std::future::IntoFuture as _;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::Harness;
use super::proof::{Outcome, Patience, Proof, there};
use super::race::{Race, Runner, persistent, step_aside};
use super::trail::note;
use super::world::{LEASE, World};
use crate::{Caller, PageRequest, SealedAudit, Store, Tenantry, verify_chain};

const ROUNDS: usize = 6;

pub(super) async fn seal_at_once(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const NOTES: usize = 40;
    const LATE: usize = 20;
    let world = World::open(harness).await?;
    let race = Race::on(harness);
    let mut rounds = 0;
    while race.goes_on(rounds, ROUNDS) {
        rounds += 1;
        let caller = world.register(&format!("shop-{rounds}"), "seller@1").await?;
        for n in 0..NOTES {
            world.app().trail(&caller).note(note(&format!("note:{n}"))).await?;
        }
        let tasks = (0..6).map(|n| {
            if n < 4 { seal(world.app_of(n), &caller) } else { write(world.app_of(n), &caller, n, LATE) }
        });
        let by_each = race.run(tasks.collect()).await?;
        let mut sealed: usize = by_each.iter().sum();
        let mut patience = Patience::new();
        loop {
            patience.wears()?;
            match world.store().seal(caller.tenant().id(), 7).await? {
                0 => break,
                more => sealed += more,
            }
        }
        let entries = whole_trail(world.store(), &caller).await?;
        verify_chain(&entries)?;
        proof.same("every entry once", entries.len(), 1 + NOTES + 2 * LATE)?;
        let mut ids: Vec<_> = entries.iter().map(|sealed| sealed.entry.id).collect();
        ids.sort_unstable();
        ids.dedup();
        proof.same("none twice", ids.len(), entries.len())?;
        for n in [4, 5] {
            let prefix = format!("late:{n}:");
            let of_one = entries.iter().filter_map(|sealed| sealed.entry.target.strip_prefix(&prefix));
            let of_one: Result<Vec<usize>, _> = of_one.map(str::parse).collect();
            proof.same("in the order of the commits", of_one?, (0..LATE).collect())?;
        }
        let events = world.store().events(caller.scope(), 0, 500).await?.len();
        proof.same("no row is sealed by two", sealed, entries.len() + events)?;
        proof.count("entries", entries.len());
        proof.count("sealers that sealed", by_each.iter().filter(|sealed| **sealed > 0).count());
    }
    race.finish(proof)
}

/// Seals until there is nothing to seal, a few times over.
fn seal(app: Tenantry, caller: &Caller) -> Runner<usize> {
    let tenant = caller.tenant().id();
    Box::pin(async move {
        let (mut sealed, mut idle, mut patience) = (0, 0, Patience::new());
        while idle < 3 {
            patience.wears()?;
            match app.store().seal(tenant, 7).await? {
                0 => idle += 1,
                more => sealed += more,
            }
            step_aside().await;
        }
        Ok(sealed)
    })
}

/// Commits entries meanwhile.
fn write(app: Tenantry, caller: &Caller, n: usize, entries: usize) -> Runner<usize> {
    let caller = caller.clone();
    Box::pin(async move {
        for at in 0..entries {
            let note = note(&format!("late:{n}:{at}"));
            persistent(|| app.trail(&caller).note(note.clone()).into_future()).await?;
        }
        Ok(0)
    })
}

/// A tenant's sealed entries, the oldest first.
async fn whole_trail(store: &Arc<dyn Store>, caller: &Caller) -> Outcome<Vec<SealedAudit>> {
    let mut entries = vec![];
    let (mut page, mut patience) = (PageRequest::largest(), Patience::new());
    loop {
        patience.wears()?;
        let found = store.audit(caller.scope(), &page).await?;
        entries.extend(found.items);
        match found.next {
            Some(next) => page = page.following(next),
            None => break,
        }
    }
    entries.reverse();
    Ok(entries)
}

pub(super) async fn claim_at_once(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const WORK: usize = 40;
    const WORKERS: usize = 8;
    let world = World::open(harness).await?;
    let race = Race::on(harness);
    let at = world.app().resolve_id(world.operator.tenant().id()).await?;
    let mut rounds = 0;
    let mut highest = 0;
    while race.goes_on(rounds, ROUNDS) {
        rounds += 1;
        for n in 0..WORK {
            let event = format!("evt-{rounds}-{n}");
            world.app().work().receive(&at, "provider", event, json!({ "n": n })).await?;
        }
        let shares = race.run((0..WORKERS).map(|n| work_off(world.app_of(n))).collect()).await?;
        let busy = shares.iter().filter(|share| !share.is_empty()).count();
        let mut all: Vec<_> = shares.into_iter().flatten().collect();
        proof.same("each piece was claimed once", all.len(), WORK)?;
        all.sort_unstable();
        all.dedup_by_key(|(subject, _)| *subject);
        proof.same("and every one of them", all.len(), WORK)?;
        let mut fences: Vec<_> = all.iter().map(|(_, fence)| *fence).collect();
        fences.sort_unstable();
        fences.dedup();
        proof.same("no two under one fence", fences.len(), WORK)?;
        proof.holds(fences.first().is_some_and(|lowest| *lowest > highest), "nor under an earlier one")?;
        highest = fences.last().copied().unwrap_or(highest);
        proof.same("none is left", world.store().next_due().await?, None)?;
        proof.count("pieces", WORK);
        proof.count("workers that had some", busy);
    }
    race.finish(proof)
}

/// Claims and ends work until there is none; answers what it had, under which fence.
fn work_off(app: Tenantry) -> Runner<Vec<(Uuid, u64)>> {
    Box::pin(async move {
        let (mut mine, mut patience) = (vec![], Patience::new());
        loop {
            patience.wears()?;
            let claimed = app.work().claim(2, LEASE).await?;
            if claimed.is_empty() {
                return Ok(mine);
            }
            for ctx in claimed {
                let claim = there(ctx.claim(), "the claim")?;
                mine.push((claim.item.subject, claim.fence));
                step_aside().await;
                persistent(|| app.work().end(&ctx, "done".to_owned()).into_future()).await?;
            }
        }
    })
}
