use serde_json::json;
use uuid::Uuid;

use super::Harness;
use super::proof::{Outcome, Patience, Proof, Stop};
use super::world::{World, scope};
use crate::{
    Aggregate, AuditActor, AuditEntry, AuditId, Event, EventId, Note, PageRequest, SealedAudit, TenantId,
    verify_chain,
};

pub(super) async fn sealing(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let bela = world.register("bela", "seller@1").await?;
    let details =
        [json!({ "b": 1, "a": 2 }), json!({ "text": "ü\n\"", "n": 9_007_199_254_740_993_i64 }), json!(null)];
    for n in 0..10_u32 {
        let detail = details.get(usize::try_from(n % 3)?).cloned().unwrap_or_default();
        let note = Note {
            action: "listing.create".to_owned(),
            target: format!("listing:{n}"),
            detail,
            event: Some((Uuid::now_v7(), 1)),
        };
        app.trail(&anna).note(note).await?;
    }
    let id = anna.tenant().id();
    let audit = async || {
        let page = store.audit(scope(id), &PageRequest::largest()).await?;
        Ok::<_, Stop>(page.items.into_iter().rev().collect::<Vec<SealedAudit>>())
    };
    proof.same("nothing is shown before it is sealed", audit().await?.len(), 0)?;
    proof.same("nor an event", store.events(scope(id), 0, 100).await?.len(), 0)?;
    let mut waiting = store.unsealed(100).await?;
    waiting.sort_unstable();
    let mut expected = vec![world.operator.tenant().id(), id, bela.tenant().id()];
    expected.sort_unstable();
    proof.same("who has rows to be sealed", waiting, expected)?;
    proof.same("as many as were asked for", store.unsealed(2).await?.len(), 2)?;

    proof.holds(store.seal(id, 3).await? <= 6, "three rows of each kind at most")?;
    proof.same("three entries", audit().await?.len(), 3)?;
    let mut patience = Patience::new();
    while store.seal(id, 3).await? > 0 {
        patience.wears()?;
    }
    proof.same("sealed to the end", store.seal(id, 100).await?, 0)?;
    proof.holds(!store.unsealed(100).await?.contains(&id), "nothing more is waiting")?;
    let sealed = audit().await?;
    let told: Vec<_> = sealed.iter().map(|sealed| sealed.entry.target.clone()).collect();
    let mut expected = vec![format!("tenant:{id}")];
    expected.extend((0..10).map(|n| format!("listing:{n}")));
    proof.same("in the order of the commits", told, expected)?;
    verify_chain(&sealed)?;

    let before = sealed.clone();
    app.trail(&anna).note(note("one more")).await?;
    let newest = app.trail(&anna).audit(&PageRequest::new(1, None)?).await?.items;
    let newest = newest.first().map(|sealed| sealed.entry.target.as_str());
    proof.same("a reader sees what was committed before it asked", newest, Some("one more"))?;
    let after = audit().await?;
    proof.same("what was sealed stays as it was", after.get(..before.len()), Some(before.as_slice()))?;
    verify_chain(&after)?;
    let mut altered = after.clone();
    if let Some(entry) = altered.get_mut(4) {
        entry.entry.target.push('!');
    }
    proof.holds(verify_chain(&altered).is_err(), "an altered chain doesn't verify")?;

    let events = store.events(scope(id), 0, 100).await?;
    let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
    proof.same("events have gapless numbers", numbers, (1..=11).collect())?;
    let some: Vec<_> = store.events(scope(id), 4, 3).await?.iter().map(|event| event.seq).collect();
    proof.same("those after a number", some, vec![5, 6, 7])?;
    proof.same("after the last", store.events(scope(id), 11, 3).await?.len(), 0)?;
    proof.count("entries sealed", after.len());
    proof.count("events sealed", events.len());
    Ok(())
}

pub(super) async fn versions(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let store = world.store();
    let id = world.operator.tenant().id();
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    for (aggregate, version) in [(one, 2), (two, 1), (one, 1), (one, 3), (two, 2)] {
        event(&world, id, aggregate, version).await?;
    }
    world.seal().await?;
    let events = store.events(scope(id), 0, 100).await?;
    let order: Vec<_> = events
        .iter()
        .filter(|sealed| sealed.event.aggregate.kind == "listing")
        .map(|sealed| (sealed.event.aggregate.id, sealed.event.version))
        .collect();
    proof.same(
        "by version within an aggregate",
        order,
        vec![(one, 1), (two, 1), (one, 2), (one, 3), (two, 2)],
    )?;

    let seller = world.register("anna", "seller@1").await?;
    let buyer = world.register("bela", "buyer@1").await?;
    let bought = world.buy(&buyer, &seller).await?;
    world.app().orders(&buyer).dispute(bought.id, "no".to_owned()).await?;
    world.app().orders(&world.operator).operate(bought.id, crate::OrderCommand::ResolveRefund).await?;
    world.seal().await?;
    let events = store.events(scope(id), 0, 100).await?;
    let steps: Vec<_> = events
        .iter()
        .filter(|sealed| sealed.event.aggregate.id == bought.id.as_uuid())
        .map(|sealed| (sealed.event.version, sealed.event.kind.as_str()))
        .collect();
    let expected =
        vec![(1, "order.place"), (2, "order.pay"), (3, "order.dispute"), (4, "order.resolve_refund")];
    proof.same("an order's life", steps, expected)
}

async fn event(world: &World, tenant: TenantId, aggregate: Uuid, version: u64) -> Outcome {
    let mut batch = world.batch();
    let at = batch.at();
    let (entry, event) = (batch.next_id(), batch.next_id());
    batch.audit_entry(AuditEntry {
        id: AuditId::from_uuid(entry),
        tenant,
        at,
        actor: AuditActor::Visitor,
        action: "listing.change".to_owned(),
        target: format!("listing:{aggregate}"),
        detail: json!({}),
    });
    batch.event(Event {
        id: EventId::from_uuid(event),
        tenant,
        aggregate: Aggregate { kind: "listing".to_owned(), id: aggregate },
        version,
        kind: "listing.change".to_owned(),
        payload: json!({ "version": version }),
        at,
    });
    Ok(world.store().commit(batch).await?)
}

pub(super) fn note(target: &str) -> Note {
    Note { action: "suite.note".to_owned(), target: target.to_owned(), detail: json!({}), event: None }
}
