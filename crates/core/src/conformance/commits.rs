use serde_json::json;
use uuid::Uuid;

use super::Harness;
use super::proof::{Outcome, Patience, Proof, failed_guards, there};
use super::world::{World, meter, scope, user_id};
use crate::store::{Change, Inbox, Record};
use crate::{
    Account, AuditActor, AuditEntry, AuditId, Batch, CommitError, Currency, Epoch, Event, Guard,
    GuardFailure, Key, OrderId, Posting, RoleKey, StatementKind, StatementLine, TenantId, Transfer,
    TransferId, TransferKind, UsagePeriod, UserId, WorkItem, WorkKind,
};

pub(super) async fn every_guard_is_listed(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let store = world.store();
    let seller = world.register("anna", "seller@1").await?;
    let buyer = world.register("bela", "buyer@1").await?;
    let order = world.buy(&buyer, &seller).await?;
    let operator = world.operator.tenant().id();
    let (tenant, user) = (seller.tenant().id(), user_id(&seller)?);
    let claim = there(claimed_review(&world).await?, "claimed work")?;
    let (kind, subject, fence) = (claim.item.kind, claim.item.subject, claim.fence);
    let nobody = UserId::generate();
    let free = Uuid::now_v7();
    let uses = |amount| {
        let (meter, period) = (meter("listings")?, UsagePeriod::HELD);
        Ok::<_, super::proof::Stop>(Guard::Consume { tenant, meter, period, amount, ceiling: 10 })
    };

    let fine = [
        Guard::Epoch { tenant, epoch: Epoch::FIRST },
        Guard::Claimed { tenant: operator, kind, subject, fence },
        Guard::Absent(Key::Membership(tenant, nobody)),
        Guard::Present(Key::Role(tenant, RoleKey::owner())),
        Guard::Version { key: Key::Order(operator, order.id), version: order.version },
        uses(10)?,
        Guard::Remain { tenant, role: RoleKey::owner(), least: 0, leaving: user },
    ];
    let lower = |fence: u64| fence.saturating_sub(1);
    let found = |number: u64| i64::try_from(number).ok();
    let failing = [
        (Guard::Epoch { tenant, epoch: Epoch::from_number(7) }, Some(1)),
        (Guard::Epoch { tenant: TenantId::generate(), epoch: Epoch::FIRST }, None),
        (Guard::Claimed { tenant: operator, kind, subject, fence: lower(fence) }, found(fence)),
        (Guard::Claimed { tenant: operator, kind, subject: free, fence }, None),
        (Guard::Absent(Key::Slug("anna".parse()?)), Some(1)),
        (Guard::Absent(Key::Email(seller.principal().realm(), "anna@example.com".parse()?)), Some(1)),
        (Guard::Absent(Key::Membership(tenant, user)), Some(1)),
        (Guard::Present(Key::Membership(tenant, nobody)), None),
        (Guard::Present(Key::Inbox(operator, free)), None),
        (Guard::Version { key: Key::Order(operator, order.id), version: 1 }, found(order.version)),
        (Guard::Version { key: Key::Order(operator, OrderId::generate()), version: 1 }, None),
        (Guard::Version { key: Key::Tenant(tenant), version: 9 }, Some(1)),
        (uses(11)?, None),
    ];
    let mut batch = world.batch();
    for guard in fine.iter().chain(failing.iter().map(|(guard, _)| guard)) {
        batch.guard(guard.clone());
    }
    let mut failures = failed_guards(store.commit(batch).await)?;
    failures.sort_by(|one, two| one.guard.cmp(&two.guard));
    let mut expected: Vec<_> =
        failing.into_iter().map(|(guard, found)| GuardFailure { guard, found }).collect();
    expected.sort_by(|one, two| one.guard.cmp(&two.guard));
    proof.count("guards failed", failures.len());
    let of =
        |failures: &[GuardFailure]| failures.iter().map(|failure| failure.guard.clone()).collect::<Vec<_>>();
    proof.same("the guards that failed", of(&failures), of(&expected))?;
    for (found, expected) in failures.iter().zip(&expected) {
        let versionless = matches!(&found.guard, Guard::Absent(_)) && found.found.is_some();
        if !versionless && !matches!(&found.guard, Guard::Consume { .. }) {
            proof.same("what was found", found, expected)?;
        }
    }
    let mut batch = world.batch();
    for guard in fine {
        batch.guard(guard);
    }
    store.commit(batch).await?;
    Ok(())
}

async fn claimed_review(world: &World) -> Outcome<Option<crate::Claim>> {
    world.clock.advance(super::world::REVIEW);
    let ctx = world.claim_kind(WorkKind::Review).await?.pop();
    Ok(ctx.and_then(|ctx| ctx.claim().cloned()))
}

pub(super) async fn nothing_is_left(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let store = world.store();
    let seller = world.register("anna", "seller@1").await?;
    let buyer = world.register("bela", "buyer@1").await?;
    let order = world.buy(&buyer, &seller).await?;
    let callers = [&world.operator, &seller, &buyer];
    let report = Uuid::now_v7();
    let stamp = store.epochs().stamp(seller.tenant().id());

    let mut full = everything(&world, &seller, &order, report)?;
    full.guard(Guard::Present(Key::Membership(seller.tenant().id(), UserId::generate())));
    let before = world.photograph(&callers).await?;
    let failures = failed_guards(store.commit(full).await)?;
    proof.same("guards failed", failures.len(), 1)?;
    unchanged(&world, proof, &before, &callers).await?;
    let hidden = store.inbox(world.operator.scope(), report).await?;
    proof.holds(hidden.is_none(), "no report was stored")?;
    proof.holds(stamp.is_current(), "no epoch was moved")?;

    let mut full = everything(&world, &seller, &order, report)?;
    full.change(Change::Delete(Key::Membership(seller.tenant().id(), UserId::generate())));
    let broken = store.commit(full).await;
    proof.holds(matches!(broken, Err(CommitError::Unavailable(_))), "a broken batch is unavailable")?;
    unchanged(&world, proof, &before, &callers).await?;

    let full = everything(&world, &seller, &order, report)?;
    let (changes, guards) = (full.changes().len(), full.guards().len());
    store.commit(full).await?;
    let after = world.photograph(&callers).await?;
    let moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    proof.count("changes", changes);
    proof.count("guards", guards);
    proof.count("reads that the whole batch changes", moved);
    proof.holds(moved >= 9, "the same batch, whole, shows in what is read")?;
    proof.holds(store.inbox(world.operator.scope(), report).await?.is_some(), "the report too")?;
    proof.holds(!stamp.is_current(), "the epoch too")
}

/// A batch that writes to everything there is.
fn everything(world: &World, seller: &crate::Caller, order: &crate::Order, report: Uuid) -> Outcome<Batch> {
    let mut batch = world.batch();
    let (operator, tenant, at) = (world.operator.tenant().id(), seller.tenant().id(), batch.at());
    let mut next = order.clone();
    next.version += 1;
    batch.update(Record::Order(Box::new(next)), order.version);
    let payload = json!({ "n": 1 });
    batch.insert(Record::Inbox(Inbox {
        tenant: operator,
        id: report,
        source: "provider".to_owned(),
        event: "left".to_owned(),
        payload: payload.clone(),
        received_at: at,
    }));
    let (meter, period) = (meter("listings")?, UsagePeriod::HELD);
    batch.guard(Guard::Consume { tenant, meter, period, amount: 2, ceiling: 10 });
    batch.change(Change::MoveEpoch(tenant));
    let transfer = TransferId::from_uuid(batch.next_id());
    let escrow = (Account::Escrow(order.id), 7);
    batch.change(Change::Post(posted(world, order.id, transfer, &[escrow, (Account::Fees, -7)])?));
    batch.change(Change::Statement(StatementLine {
        transfer,
        tenant,
        order: order.id,
        at,
        kind: StatementKind::Released,
        currency: Currency::USD,
        available: 7,
        held: -7,
    }));
    let item = WorkItem { tenant: operator, kind: WorkKind::Refund, subject: report, due: at };
    batch.change(Change::Schedule(item));
    let order_work = order.id.as_uuid();
    batch.change(Change::Unschedule { tenant: operator, kind: WorkKind::Review, subject: order_work });
    for tenant in [operator, tenant] {
        let (entry, event) = (batch.next_id(), batch.next_id());
        batch.audit_entry(AuditEntry {
            id: AuditId::from_uuid(entry),
            tenant,
            at,
            actor: AuditActor::System("suite".to_owned()),
            action: "suite.everything".to_owned(),
            target: "everything".to_owned(),
            detail: payload.clone(),
        });
        batch.event(Event {
            id: crate::EventId::from_uuid(event),
            tenant,
            aggregate: crate::Aggregate { kind: "suite".to_owned(), id: report },
            version: 1,
            kind: "suite.everything".to_owned(),
            payload: payload.clone(),
            at,
        });
    }
    Ok(batch)
}

async fn unchanged(
    world: &World,
    proof: &mut Proof,
    before: &[String],
    callers: &[&crate::Caller],
) -> Outcome {
    let after = world.photograph(callers).await?;
    before.iter().zip(&after).try_for_each(|(before, after)| proof.same("after a refusal", after, before))
}

fn posted(world: &World, order: OrderId, id: TransferId, postings: &[(Account, i64)]) -> Outcome<Transfer> {
    let postings = postings.iter().map(|(account, amount)| Posting { account: *account, amount: *amount });
    let (operator, at) = (world.operator.tenant().id(), world.app().now());
    let (kind, currency) = (TransferKind::Release, Currency::USD);
    Ok(Transfer::new(id, operator, order, kind, currency, at, postings.collect())?)
}

pub(super) async fn floors(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let store = world.store();
    let (operator, seller) = (world.operator.tenant().id(), TenantId::generate());
    let (order, other) = (OrderId::generate(), OrderId::generate());
    let (escrow, payable) = (Account::Escrow(order), Account::Payable(seller));
    let floor = |account| Guard::Floor { operator, account, currency: Currency::USD };
    let post = |transfers: &[&[(Account, i64)]]| {
        let mut batch = world.batch();
        for postings in transfers {
            let id = TransferId::from_uuid(batch.next_id());
            batch.change(Change::Post(posted(&world, order, id, postings)?));
        }
        Ok::<_, super::proof::Stop>(batch)
    };
    store.commit(post(&[&[(Account::Provider, 100), (escrow, -100)]])?).await?;

    let failures = failed_guards(store.commit(post(&[&[(escrow, 101), (Account::Fees, -101)]])?).await)?;
    proof.same("one too many", failures, vec![GuardFailure { guard: floor(escrow), found: Some(1) }])?;
    let twice: &[&[(Account, i64)]] =
        &[&[(escrow, 60), (payable, -60)], &[(escrow, 60), (Account::Escrow(other), -60)]];
    let failures = failed_guards(store.commit(post(twice)?).await)?;
    proof.same("in two steps", failures, vec![GuardFailure { guard: floor(escrow), found: Some(20) }])?;

    let mut both = post(&[&[(escrow, 101), (payable, -1), (Account::Fees, -100)]])?;
    let tenant = operator;
    let owners = Guard::Remain { tenant, role: RoleKey::owner(), least: 5, leaving: UserId::generate() };
    both.guard(owners.clone());
    let mut failures = failed_guards(store.commit(both).await)?;
    failures.sort_by(|one, two| one.guard.cmp(&two.guard));
    let guards: Vec<_> = failures.into_iter().map(|failure| failure.guard).collect();
    proof.same("both are listed", guards, vec![floor(escrow), owners])?;

    let passing: &[&[(Account, i64)]] =
        &[&[(escrow, 150), (Account::Refunds, -150)], &[(Account::Provider, 50), (escrow, -50)]];
    store.commit(post(passing)?).await?;
    store.commit(post(&[&[(Account::Fees, 9), (Account::Refunds, 1), (Account::Provider, -10)]])?).await?;
    let balances = store.account_balances(scope(operator)).await?;
    let of = |account| balances.iter().find(|found| found.account == account).map(|found| found.balance);
    proof.same("down to nothing, whatever lay between", of(escrow), Some(0))?;
    proof.same("fees have no floor", of(Account::Fees), Some(9))?;
    proof.same("provider", of(Account::Provider), Some(140))?;
    proof.same("refunds", of(Account::Refunds), Some(-149))?;
    proof.same("a refused account", of(payable), None)?;
    let failures = failed_guards(store.commit(post(&[&[(escrow, 1), (Account::Fees, -1)]])?).await)?;
    proof.same("nothing left", failures.len(), 1)
}

pub(super) async fn broken(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let store = world.store();
    let seller = world.register("anna", "seller@1").await?;
    let (tenant, nobody) = (seller.tenant().id(), UserId::generate());
    let mut ghost = seller.tenant().tenant().clone();
    ghost.id = TenantId::generate();
    ghost.slug = "ghost".parse()?;
    let mut double = seller.tenant().tenant().clone();
    double.id = TenantId::generate();
    let before = world.photograph(&[&world.operator, &seller]).await?;
    let changes = [
        ("an update of nothing", Change::Update(Record::Tenant(ghost.clone()))),
        ("a deletion of nothing", Change::Delete(Key::Membership(tenant, nobody))),
        ("an epoch of nobody", Change::MoveEpoch(ghost.id)),
        ("a row that is there", Change::Insert(Record::Tenant(seller.tenant().tenant().clone()))),
        ("a slug that is taken", Change::Insert(Record::Tenant(double))),
    ];
    for (what, change) in changes {
        let mut batch = world.batch();
        batch.change(Change::MoveEpoch(tenant));
        batch.change(change);
        let found = store.commit(batch).await;
        let is_unavailable = matches!(found, Err(CommitError::Unavailable(_)));
        proof.holds(is_unavailable, format_args!("{what} is unavailable, found {found:?}"))?;
    }
    unchanged(&world, proof, &before, &[&world.operator, &seller]).await?;
    let mut batch = world.batch();
    batch.change(Change::Unschedule { tenant, kind: WorkKind::Review, subject: Uuid::now_v7() });
    store.commit(batch).await?;
    Ok(())
}

pub(super) async fn size(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let store = world.store();
    let (tenant, due) = (world.operator.tenant().id(), world.app().now());
    let of = |changes: usize| {
        let mut batch = world.batch();
        for _ in 0..changes {
            let subject = batch.next_id();
            batch.change(Change::Schedule(WorkItem { tenant, kind: WorkKind::Refund, subject, due }));
        }
        batch
    };
    let too_large = store.commit(of(Batch::MAX_CHANGES + 1)).await;
    proof.holds(matches!(too_large, Err(CommitError::TooLarge)), "1001 changes are too many")?;
    let mut too_large = world.batch();
    for _ in 0..=Batch::MAX_CHANGES {
        too_large.guard(Guard::Absent(Key::Membership(tenant, UserId::generate())));
    }
    let too_large = store.commit(too_large).await;
    proof.holds(matches!(too_large, Err(CommitError::TooLarge)), "so are 1001 guards")?;
    proof.same("nothing was scheduled", store.next_due().await?, None)?;
    store.commit(of(Batch::MAX_CHANGES)).await?;
    let (mut claimed, mut patience) = (0, Patience::new());
    loop {
        patience.wears()?;
        match world.claim().await?.len() {
            0 => break,
            more => claimed += more,
        }
    }
    proof.count("changes in one batch", claimed);
    proof.same("all of it was scheduled", claimed, Batch::MAX_CHANGES)
}
