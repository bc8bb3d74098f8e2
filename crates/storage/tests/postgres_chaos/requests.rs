//! What a tenant does by itself: writes and reads its rows, uses its quotas, reads what the library keeps of it; and
//! tries to reach another's.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use sqlx::Row as _;
use tenantry_core::{
    Answer, Done, Failure, Fingerprint, Idempotent, Note, PageRequest, Predicate, UsageRefusal,
};
use uuid::Uuid;

use super::dice::Dice;
use super::journal::{Entry, Fate, Trouble, explained};
use super::stage::{ENTRIES, Process, Resident, Stage};
use super::watch::impatient;

/// How often a keyed request is sent again.
const TRIES: usize = 40;

/// One request of somebody's.
pub(crate) async fn request(stage: &Stage, dice: &mut Dice, who: &str) {
    let resident = dice.pick(&stage.residents);
    let watch = &stage.watch;
    match dice.below(20) {
        0..=5 => watch.step(who, "an entry is added", add(stage, resident, dice)).await,
        6..=7 => watch.step(who, "an entry is removed", remove(stage, resident, dice)).await,
        8..=10 => watch.step(who, "rows are read", read(stage, resident, dice)).await,
        11 => watch.step(who, "another's rows are tried", trespass(stage, resident, dice)).await,
        12..=14 => watch.step(who, "a plain commit", call(stage, resident, dice)).await,
        15..=16 => keyed_call(stage, resident, dice, who).await,
        17..=18 => watch.step(who, "the library's tables are read", look(stage, resident, dice)).await,
        _ => {
            let sealing = stage.process(dice).app.work();
            let sealed = watch.step(who, "sealing", impatient(dice, &stage.tally, sealing.seal(6, 40))).await;
            if let Some(Ok(rows)) = sealed {
                stage.tally.count_all("rows sealed under load", u64::try_from(rows).unwrap());
            }
        }
    }
}

/// What became of a transaction: what its last step was told, and whether its commit was sent.
fn fate_of(stage: &Stage, what: &str, outcome: Option<&Result<(), Trouble>>, sent: &AtomicBool) -> Fate {
    let tally = &stage.tally;
    let unless_sent = if sent.load(Ordering::Relaxed) { Fate::Unknown } else { Fate::GivenUp };
    match outcome {
        Some(Ok(())) => {
            tally.count(format!("{what}: acknowledged"));
            return Fate::Acknowledged;
        }
        None => {}
        Some(Err(Trouble::Unsure)) => tally.count("answers: unavailable"),
        Some(Err(Trouble::Expected(kind))) => {
            tally.count(format!("answers: {kind}"));
            return Fate::GivenUp;
        }
        Some(Err(Trouble::Exceeded)) => {
            tally.count("answers: quota exceeded");
            return Fate::GivenUp;
        }
        Some(Err(Trouble::Gone)) => return Fate::GivenUp,
        Some(Err(Trouble::Unexpected(error))) => tally.breach(format!("{what}: unexpected {error}")),
    }
    tally.count(format!("{what}: {unless_sent:?}"));
    unless_sent
}

/// A tenant that is suspended beyond doubt writes nothing.
pub(crate) fn stands(stage: &Stage, resident: &Resident, before: u64, fate: Fate) {
    let after = resident.standing.load(Ordering::SeqCst);
    if before == after && !before.is_multiple_of(2) {
        stage.tally.holds(fate != Fate::Acknowledged, "checked: the suspended write nothing", || {
            format!("{} wrote", resident.slug)
        });
    }
}

/// A row, a use of the quota, a note and an event: all or none.
async fn add(stage: &Stage, resident: &Resident, dice: &mut Dice) {
    let (id, amount, before) = (Uuid::now_v7(), dice.amount(3), resident.standing.load(Ordering::SeqCst));
    resident.journal().entries.insert(id, Entry { amount, added: Fate::Asked, removals: [].into() });
    let (caller, sent) = (resident.caller(), AtomicBool::new(false));
    let Process { store, app } = stage.process(dice);
    let adding = async {
        let mut tx = store.begin(&caller).await?;
        sqlx::query("INSERT INTO entries (tenant_id, entry, mark, amount) VALUES ($1, $2, $3, $4)")
            .bind(tx.tenant().as_uuid())
            .bind(id)
            .bind(&resident.mark)
            .bind(amount)
            .execute(tx.connection())
            .await?;
        let consume = app.usage(&caller).consume("entries".parse().unwrap(), amount);
        tx.commit_in(consume.audited_as("entry.add", id.to_string()).unsent().await?).await?;
        let note = Note {
            action: "entry.note".to_owned(),
            target: id.to_string(),
            detail: json!({ "amount": amount }),
            event: Some((id, 1)),
        };
        tx.commit_in(app.trail(&caller).note(note).unsent().await?).await?;
        sent.store(true, Ordering::Relaxed);
        tx.commit().await?;
        Ok(())
    };
    let outcome = impatient(dice, &stage.tally, adding).await;
    let fate = fate_of(stage, "entries added", outcome.as_ref(), &sent);
    resident.journal().entries.get_mut(&id).unwrap().added = fate;
    stands(stage, resident, before, fate);
}

/// The row goes, and its use is given back.
async fn remove(stage: &Stage, resident: &Resident, dice: &mut Dice) {
    let id = {
        let mut journal = resident.journal();
        let sure = journal.sure();
        if sure.is_empty() {
            return;
        }
        let id = *dice.pick(&sure);
        let removal = Uuid::now_v7();
        journal.entries.get_mut(&id).unwrap().removals.insert(removal, Fate::Asked);
        (id, removal)
    };
    let ((id, removal), before) = (id, resident.standing.load(Ordering::SeqCst));
    let (caller, sent) = (resident.caller(), AtomicBool::new(false));
    let Process { store, app } = stage.process(dice);
    let removing = async {
        let mut tx = store.begin(&caller).await?;
        let deleted = sqlx::query_scalar("DELETE FROM entries WHERE entry = $1 RETURNING amount")
            .bind(id)
            .fetch_optional(tx.connection())
            .await?;
        let amount: i64 = deleted.ok_or(Trouble::Gone)?;
        let given_back = app.usage(&caller).give_back("entries".parse().unwrap(), amount);
        tx.commit_in(given_back.audited_as("entry.remove", removal.to_string()).unsent().await?).await?;
        sent.store(true, Ordering::Relaxed);
        tx.commit().await?;
        Ok(())
    };
    let outcome = impatient(dice, &stage.tally, removing).await;
    let fate = fate_of(stage, "entries removed", outcome.as_ref(), &sent);
    if matches!(outcome, Some(Err(Trouble::Gone))) {
        stage
            .tally
            .breach(format!("{}: an acknowledged row {id} can't be removed: it is gone", resident.slug));
    }
    resident.journal().entries.get_mut(&id).unwrap().removals.insert(removal, fate);
    stands(stage, resident, before, fate);
}

/// Every row is the reader's own; what was acknowledged is there, what was given up isn't; sums add up.
async fn read(stage: &Stage, resident: &Resident, dice: &mut Dice) {
    let (sure, caller) = (resident.journal().sure(), resident.caller());
    let store = &stage.process(dice).store;
    let reading = async {
        let mut tx = store.read(&caller).await?;
        let rows = sqlx::query(
            "SELECT tenant_id, entry, mark, amount, count(*) OVER () AS rows, (sum(amount) OVER ())::bigint AS sum, \
             current_setting('app.tenant_id') AS setting FROM entries",
        )
        .fetch_all(tx.connection())
        .await?;
        Ok::<_, Trouble>(rows)
    };
    let rows = match impatient(dice, &stage.tally, reading).await {
        Some(Ok(rows)) => rows,
        other => {
            fate_of(stage, "reads", other.map(|read| read.map(drop)).as_ref(), &AtomicBool::new(false));
            return;
        }
    };
    let tally = &stage.tally;
    tally.count("reads: acknowledged");
    let (mut seen, mut sum) = (vec![], 0);
    for row in &rows {
        let (of, mark): (Uuid, String) = (row.get("tenant_id"), row.get("mark"));
        tally.holds(
            of == resident.id() && mark == resident.mark,
            "checked: rows are the reader's own",
            || format!("{} reads a row of {of} with {mark}", resident.slug),
        );
        seen.push(row.get::<Uuid, _>("entry"));
        sum += row.get::<i64, _>("amount");
    }
    if let Some(row) = rows.first() {
        let told: (i64, i64) = (row.get("rows"), row.get("sum"));
        tally.holds(told == (i64::try_from(rows.len()).unwrap(), sum), "checked: aggregates", || {
            format!("{} counts {told:?}, but its rows are {} of {sum}", resident.slug, rows.len())
        });
        tally.holds(sum <= ENTRIES, "checked: quotas while they are used", || format!("{sum} of {ENTRIES}"));
    }
    let journal = resident.journal();
    for id in sure {
        let is_there = seen.contains(&id) || !journal.entries[&id].is_sure();
        tally.holds(is_there, "checked: acknowledged rows are read", || {
            format!("{} misses its acknowledged row {id}", resident.slug)
        });
    }
    for id in seen {
        let fate = journal.entries.get(&id).map(|entry| entry.added);
        tally.holds(fate.is_some_and(|fate| fate != Fate::GivenUp), "checked: no row was given up", || {
            format!("{} sees {id}, which is {fate:?}", resident.slug)
        });
    }
}

/// Another tenant's rows can be named, and that is all.
async fn trespass(stage: &Stage, resident: &Resident, dice: &mut Dice) {
    let (caller, other) = (resident.caller(), dice.pick(&stage.residents).id());
    let tally = &stage.tally;
    if other == resident.id() {
        return;
    }
    let store = &stage.process(dice).store;
    let trying = async {
        let mut tx = store.begin(&caller).await?;
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM entries WHERE tenant_id = $1")
            .bind(other)
            .fetch_one(tx.connection())
            .await?;
        tally.holds(seen == 0, "checked: others' rows can't be read", || format!("{seen} rows"));
        let changed = sqlx::query("UPDATE entries SET mark = 'stolen' WHERE tenant_id = $1 OR mark <> $2")
            .bind(other)
            .bind(&resident.mark)
            .execute(tx.connection())
            .await?
            .rows_affected();
        tally.holds(changed == 0, "checked: others' rows can't be changed", || format!("{changed} rows"));
        let put =
            sqlx::query("INSERT INTO entries (tenant_id, entry, mark, amount) VALUES ($1, $2, 'forged', 1)")
                .bind(other)
                .bind(Uuid::now_v7())
                .execute(tx.connection())
                .await;
        let is_refused = put.as_ref().is_err_and(|error| {
            let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
            code.is_some_and(|code| code == "42501")
        });
        match put {
            Err(error) if !is_refused => return Err(error.into()),
            _ => {
                tally.holds(is_refused, "checked: no row is put under another", || resident.slug.to_string());
            }
        }
        let refused = tx.commit().await;
        tally.holds(refused.is_err(), "checked: a failed transaction isn't committed", || {
            format!("{refused:?}")
        });
        Ok(())
    };
    let outcome = impatient(dice, tally, trying).await;
    fate_of(stage, "trespasses", outcome.as_ref(), &AtomicBool::new(false));
}

async fn call(stage: &Stage, resident: &Resident, dice: &mut Dice) {
    let (id, amount, before) = (Uuid::now_v7(), dice.amount(2), resident.standing.load(Ordering::SeqCst));
    resident.journal().calls.insert(id, (amount, Fate::Asked));
    let caller = resident.caller();
    let app = &stage.process(dice).app;
    let calling = async {
        let consume = app.usage(&caller).consume("calls".parse().unwrap(), amount);
        consume.audited_as("call", id.to_string()).await
    };
    let answer = impatient(dice, &stage.tally, calling).await;
    let fate = told(stage, "calls", answer.as_ref());
    count_exceeded(stage, answer.as_ref());
    resident.journal().calls.insert(id, (amount, fate));
    stands(stage, resident, before, fate);
}

/// Sent again under its key until somebody says what became of it.
async fn keyed_call(stage: &Stage, resident: &Resident, dice: &mut Dice, who: &str) {
    let (id, amount) = (Uuid::now_v7(), dice.amount(2));
    resident.journal().calls.insert(id, (amount, Fate::Asked));
    let idempotent = Idempotent {
        operation: "call",
        key: id.to_string().parse().unwrap(),
        fingerprint: Fingerprint::of(&[id.as_bytes()]),
    };
    let (mut fate, mut is_open) = (Fate::GivenUp, false);
    for _ in 0..TRIES {
        let (caller, app) = (resident.caller(), &stage.process(dice).app);
        let calling = async {
            let consume = app.usage(&caller).consume("calls".parse().unwrap(), amount);
            let answer = move |_: &()| Answer { status: 201, body: id.as_bytes().to_vec() };
            consume.audited_as("call", id.to_string()).idempotent(idempotent.clone(), answer).await
        };
        let calling = impatient(dice, &stage.tally, calling);
        let answer = stage.watch.step(who, "a keyed commit", calling).await;
        if let Some(Ok(Done::Before(answer))) = &answer {
            stage
                .tally
                .holds(answer.body == id.as_bytes(), "checked: stored answers", || format!("{answer:?}"));
            stage.tally.holds(is_open, "checked: answered before", || "nobody had asked before".to_owned());
        }
        fate = told(stage, "keyed calls", answer.as_ref());
        count_exceeded(stage, answer.as_ref());
        is_open |= fate == Fate::Unknown;
        let is_refused = matches!(answer, Some(Err(Failure::Refused(_) | Failure::AuthorityChanged)));
        if fate == Fate::Acknowledged || is_refused {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10 + dice.below(60))).await;
    }
    if is_open && fate != Fate::Acknowledged {
        fate = Fate::Unknown;
    }
    resident.journal().calls.insert(id, (amount, fate));
}

fn count_exceeded<T>(stage: &Stage, answer: Option<&Result<T, Failure<UsageRefusal>>>) {
    if let Some(Err(Failure::Refused(UsageRefusal::Exceeded(_)))) = answer {
        stage.tally.count("answers: quota exceeded");
    }
}

/// The fate of an operation by its answer, which is counted.
pub(crate) fn told<T, R: std::fmt::Debug>(
    stage: &Stage,
    what: &str,
    answer: Option<&Result<T, Failure<R>>>,
) -> Fate {
    let fate = Fate::told(answer);
    if let Some(Err(failure)) = answer {
        match explained(failure) {
            Some(kind) => stage.tally.count(format!("answers: {kind}")),
            None => stage.tally.breach(format!("{what}: unexpected {failure:?}")),
        }
    }
    let word = if fate == Fate::Acknowledged { "acknowledged".to_owned() } else { format!("{fate:?}") };
    stage.tally.count(format!("{what}: {word}"));
    fate
}

/// What the library keeps of a tenant is that tenant's.
async fn look(stage: &Stage, resident: &Resident, dice: &mut Dice) {
    let (tally, app) = (&stage.tally, &stage.process(dice).app);
    let (caller, id) = (resident.caller(), resident.caller().tenant().id());
    let page = PageRequest::largest();
    let looking = async {
        for sealed in app.trail(&caller).audit(&page).await?.items {
            tally.holds(sealed.entry.tenant == id, "checked: trails are the reader's own", || {
                resident.mark.clone()
            });
        }
        for seen in app.orders(&caller).page(&Predicate::EVERYTHING, &page).await?.items {
            let is_party = seen.order.buyer == id || seen.order.seller == id;
            tally.holds(is_party, "checked: orders are the reader's own", || resident.mark.clone());
        }
        for usage in app.usage(&caller).all().await? {
            let limit = if usage.meter.as_str() == "calls" { resident.calls } else { ENTRIES };
            tally.holds((0..=limit).contains(&usage.used), "checked: quotas while they are used", || {
                format!("{} used {} of {limit}", resident.slug, usage.used)
            });
        }
        app.ledger(&caller).balances().await?;
        app.ledger(&caller).statement(&page).await?;
        let now = app.resolve(&resident.slug).await.ok();
        if let Some(tenant) = now {
            tally.holds(tenant.id() == id, "checked: tenants by name", || resident.mark.clone());
            if let Ok(caller) = app.admit(&tenant, caller.principal().realm(), caller.user().unwrap()).await {
                tally.holds(caller.scope().tenant() == id, "checked: members", || resident.mark.clone());
                resident.readmit(caller);
            }
        }
        Ok::<_, tenantry_core::Unavailable>(())
    };
    match impatient(dice, tally, looking).await {
        Some(Ok(())) => tally.count("library reads: acknowledged"),
        Some(Err(_)) => tally.count("answers: unavailable"),
        None => {}
    }
}
