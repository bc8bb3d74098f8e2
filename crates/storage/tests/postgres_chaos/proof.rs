//! What has to be true at the end, looked at by a superuser past the store, and through the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;
use sqlx::{Connection as _, PgConnection};
use tenantry_core::{Caller, PageRequest, SealedAudit, verify_chain};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::journal::Fate;
use super::stage::{ENTRIES, Resident, Stage};

/// What the database holds of one tenant.
#[derive(Default)]
struct Held {
    rows: BTreeMap<Uuid, (String, i64)>,
    /// By action and target, with the amount: each is there once at most.
    audit: BTreeMap<(String, Uuid), i64>,
    events: BTreeMap<Uuid, u64>,
    history: BTreeMap<(String, Uuid), u64>,
    used: BTreeMap<String, i64>,
}

/// Everything that tenants wrote by themselves.
pub(crate) async fn prove_writes(stage: &Stage) {
    let mut connection = PgConnection::connect(&stage.superuser()).await.unwrap();
    let mut held = load(stage, &mut connection).await;
    for resident in &stage.residents {
        let held = held.remove(&resident.id()).unwrap_or_default();
        entries(stage, resident, &held);
        calls(stage, resident, &held);
    }
    for (tenant, held) in held {
        stage.tally.holds(held.rows.is_empty(), "proved: only tenants have rows", || tenant.to_string());
    }
}

async fn load(stage: &Stage, connection: &mut PgConnection) -> BTreeMap<Uuid, Held> {
    let tally = &stage.tally;
    let mut all: BTreeMap<Uuid, Held> = BTreeMap::new();
    let rows: Vec<(Uuid, Uuid, String, i64)> =
        sqlx::query_as("SELECT tenant_id, entry, mark, amount FROM public.entries")
            .fetch_all(&mut *connection)
            .await
            .unwrap();
    for (tenant, entry, mark, amount) in rows {
        all.entry(tenant).or_default().rows.insert(entry, (mark, amount));
    }
    let audit: Vec<(Uuid, String, String, String)> = sqlx::query_as(
        "SELECT tenant_id, action, target, detail FROM tenantry.tenantry_audit \
         WHERE action IN ('entry.add', 'entry.remove', 'entry.note', 'call')",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    for (tenant, action, target, detail) in audit {
        let detail: Json = serde_json::from_str(&detail).unwrap();
        let key = (action, target.parse().unwrap());
        let before =
            all.entry(tenant).or_default().audit.insert(key.clone(), detail["amount"].as_i64().unwrap());
        tally.holds(before.is_none(), "proved: nothing was applied twice", || format!("{tenant}: {key:?}"));
    }
    let events: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT tenant_id, aggregate_id FROM tenantry.tenantry_events WHERE kind = 'entry.note'",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    for (tenant, entry) in events {
        *all.entry(tenant).or_default().events.entry(entry).or_default() += 1;
    }
    let history: Vec<(Uuid, String, Uuid)> = sqlx::query_as(
        "SELECT tenant_id, operation, (COALESCE(after, before) ->> 'entry')::uuid FROM tenantry.tenantry_history",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    for (tenant, operation, entry) in history {
        *all.entry(tenant).or_default().history.entry((operation, entry)).or_default() += 1;
    }
    let used: Vec<(Uuid, String, i64)> = sqlx::query_as(
        "SELECT tenant_id, meter, sum(used)::bigint FROM tenantry.tenantry_usage GROUP BY tenant_id, meter",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    for (tenant, meter, used) in used {
        all.entry(tenant).or_default().used.insert(meter, used);
    }
    all
}

/// Row, use, note, event and history stand or fall together, as was told.
fn entries(stage: &Stage, resident: &Resident, held: &Held) {
    let (tally, slug, journal) = (&stage.tally, &resident.slug, resident.journal());
    let audited = |action: &str, id: &Uuid| held.audit.get(&(action.to_owned(), *id)).copied();
    let mut sum = 0;
    for (id, entry) in &journal.entries {
        let added = audited("entry.add", id).is_some();
        let removals: Vec<_> =
            entry.removals.iter().map(|(id, fate)| (audited("entry.remove", id), fate)).collect();
        let removed = u64::try_from(removals.iter().filter(|(amount, _)| amount.is_some()).count()).unwrap();
        tally.holds(entry.added.agrees(added), "proved: entries are as they were told", || {
            format!("{slug}: {id} is {:?}, there: {added}", entry.added)
        });
        for (amount, fate) in &removals {
            tally.holds(fate.agrees(amount.is_some()), "proved: removals are as they were told", || {
                format!("{slug}: the removal of {id} is {fate:?}, there: {amount:?}")
            });
        }
        let row = held.rows.get(id);
        let whole = (
            row.is_some() == (added && removed == 0) && removed <= u64::from(added),
            audited("entry.note", id).is_some() == added,
            held.events.get(id).copied().unwrap_or(0) == u64::from(added),
            held.history.get(&("INSERT".to_owned(), *id)).copied().unwrap_or(0) == u64::from(added),
            held.history.get(&("DELETE".to_owned(), *id)).copied().unwrap_or(0) == removed,
        );
        tally.holds(
            whole == (true, true, true, true, true),
            "proved: row, use, note, event, history",
            || format!("{slug}: {id} is half there: {whole:?}"),
        );
        if let Some((mark, amount)) = row {
            tally.holds(*mark == resident.mark, "proved: rows carry their tenant's mark", || {
                format!("{slug}: {mark}")
            });
            tally.holds(*amount == entry.amount, "proved: rows are whole", || format!("{slug}: {amount}"));
            sum += amount;
        }
    }
    for id in held.rows.keys() {
        tally
            .holds(journal.entries.contains_key(id), "proved: nobody else wrote", || format!("{slug}: {id}"));
    }
    let used = held.used.get("entries").copied().unwrap_or(0);
    tally.holds(used == sum && used <= ENTRIES, "proved: quotas", || {
        format!("{slug}: {used} of {ENTRIES} entries used, {sum} there")
    });
}

fn calls(stage: &Stage, resident: &Resident, held: &Held) {
    let (tally, slug, journal) = (&stage.tally, &resident.slug, resident.journal());
    let mut sum = 0;
    for (id, (amount, fate)) in &journal.calls {
        let there = held.audit.get(&("call".to_owned(), *id));
        tally.holds(fate.agrees(there.is_some()), "proved: calls are as they were told", || {
            format!("{slug}: {id} is {fate:?}, there: {there:?}")
        });
        tally.holds(there.is_none_or(|there| there == amount), "proved: calls are whole", || {
            format!("{slug}: {id}")
        });
        sum += there.copied().unwrap_or(0);
        if *fate == Fate::Unknown {
            tally.count(if there.is_some() {
                "unknown calls that were applied"
            } else {
                "unknown calls that weren't"
            });
        }
    }
    let used = held.used.get("calls").copied().unwrap_or(0);
    tally.holds(used == sum && used <= resident.calls, "proved: quotas", || {
        format!("{slug}: {used} of {} calls used, {sum} audited", resident.calls)
    });
}

/// Every tenant's trail is whole, in one chain, and its own. Reading it seals all there is.
pub(crate) async fn prove_trails(stage: &Arc<Stage>) {
    let callers = stage.residents.iter().map(Resident::caller).chain(stage.operators.iter().cloned());
    let (mut reading, at_once) = (JoinSet::new(), Arc::new(Semaphore::new(8)));
    for caller in callers {
        let (stage, at_once) = (Arc::clone(stage), Arc::clone(&at_once));
        reading.spawn(async move {
            let _turn = at_once.acquire().await.unwrap();
            (caller.tenant().id(), trail(&stage, &caller).await)
        });
    }
    let trails = reading.join_all().await;
    let mut connection = PgConnection::connect(&stage.superuser()).await.unwrap();
    let written: Vec<(Uuid, i64)> =
        sqlx::query_as("SELECT tenant_id, count(*) FROM tenantry.tenantry_audit GROUP BY tenant_id")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let written: BTreeMap<Uuid, i64> = written.into_iter().collect();
    let open: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM tenantry.tenantry_audit WHERE seq IS NULL) \
         + (SELECT count(*) FROM tenantry.tenantry_events WHERE seq IS NULL)",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    stage.tally.holds(open == 0, "proved: everything is sealed", || format!("{open} rows aren't"));
    for (id, trail) in trails {
        let is_own = trail.iter().all(|sealed| sealed.entry.tenant == id);
        stage.tally.holds(is_own, "proved: trails are their tenant's own", || id.to_string());
        let (found, there) =
            (i64::try_from(trail.len()).unwrap(), written.get(&id.as_uuid()).copied().unwrap_or(0));
        stage.tally.holds(found == there, "proved: trails are whole", || format!("{id}: {found} of {there}"));
        let ids: BTreeSet<_> = trail.iter().map(|sealed| sealed.entry.id.as_uuid()).collect();
        stage.tally.holds(ids.len() == trail.len(), "proved: trails name nothing twice", || id.to_string());
        let chain = verify_chain(&trail);
        stage.tally.holds(chain.is_ok(), "proved: chains", || format!("{id}: {chain:?}"));
        stage.tally.count_all("audit entries in verified chains", u64::try_from(trail.len()).unwrap());
    }
}

/// The oldest first.
async fn trail(stage: &Stage, caller: &Caller) -> Vec<SealedAudit> {
    let (mut trail, mut page) = (vec![], PageRequest::largest());
    loop {
        let found = stage.processes[0].app.trail(caller).audit(&page).await.unwrap();
        trail.extend(found.items);
        match found.next {
            Some(next) => page = page.following(next),
            None => break,
        }
    }
    trail.reverse();
    trail
}
