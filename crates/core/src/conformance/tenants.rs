use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::Harness;
use super::proof::{Outcome, Proof, failed_guards, refused, there};
use super::race::step_aside;
use super::world::{World, registration, role, scope, user_id};
use crate::{
    AdmitError, Command, CommitError, Enrolment, Epoch, Failure, Founded, Founding, Freshness, Guard,
    InvalidRole, Key, NewRole, Operation, PrincipalId, RealmId, Registration, RegistrationRefusal,
    ResolveError, Role, StoredSecret, TenantId, TenantInactive, TenantRefusal, TenantStatus, User, UserId,
};

pub(super) async fn registers(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let at = app.resolve(&"market".parse()?).await?;
    let wanted = registration("anna", "seller@1")?;
    let made = app.register(&at, wanted.clone()).await?;

    let by_slug = there(store.tenant_by_slug(&wanted.slug).await?, "a tenant by its slug")?;
    proof.same("by slug", &by_slug, &made.tenant)?;
    proof.same("by id", store.tenant(made.tenant.id).await?.as_ref(), Some(&made.tenant))?;
    proof.same("parent", by_slug.parent(), Some(at.id()))?;
    proof.same("first epoch", by_slug.epoch, Epoch::FIRST)?;
    let user = there(store.user_by_email(by_slug.realm, &wanted.email).await?, "a user by address")?;
    proof.same("user", &user, &made.user)?;
    let secret = user.secret.as_ref().map(StoredSecret::expose);
    proof.same("secret", secret, Some(wanted.secret.expose()))?;
    let own = User { secret: None, ..user.clone() };
    proof.same(
        "a member's own record, without the secret",
        store.user(scope(by_slug.id), user.id).await?,
        Some(own),
    )?;
    let elsewhere = store.user(world.operator.scope(), user.id).await?;
    proof.same("to a tenant that the user is no member of", elsewhere, None)?;

    let member = there(
        store.principal(scope(by_slug.id), PrincipalId::User(user.id)).await?,
        "the owner's membership",
    )?;
    let held: Vec<_> = member.holdings.iter().map(|held| held.role.key().as_str()).collect();
    proof.same("roles", held, vec!["owner"])?;
    proof.same("the member's tenant", &member.tenant, &made.tenant)?;
    let enrolment = Enrolment::Member { realm: user.realm, joined_at: app.now() };
    proof.same("since", member.enrolment, Some(enrolment))?;
    let reader = there(store.role(scope(by_slug.id), &"reader".parse()?).await?, "a role")?;
    proof.same("grants", reader.grants(), &["listing:read".parse()?][..])?;

    let tenant = app.resolve(&wanted.slug).await?;
    let caller = app.admit(&tenant, user.realm, user.id).await?;
    let write = there(app.catalog().index::<super::world::Write>(), "a permission")?;
    proof.holds(caller.holds(write), "the owner may do everything")?;
    for (roles, refusal) in unfit_roles()? {
        let unfit = Registration { roles, ..registration("bela", "seller@1")? };
        let unfit = refused(app.register(&at, unfit).await)?;
        proof.same("roles that no tenant begins with", unfit, RegistrationRefusal::Role(refusal))?;
    }
    let nobody = store.tenant_by_slug(&"bela".parse()?).await?;
    proof.holds(nobody.is_none(), "and nothing is left of who was refused")?;
    let stranger = app.admit(&tenant, user.realm, UserId::generate()).await;
    proof.holds(matches!(stranger, Err(AdmitError::NotMember)), "a stranger is no member")?;
    let elsewhere = app.admit(&tenant, RealmId::generate(), user.id).await;
    proof.holds(matches!(elsewhere, Err(AdmitError::NotMember)), "a token of another realm is refused")?;

    let unknown = app.resolve(&"nobody".parse()?).await;
    proof.holds(matches!(unknown, Err(ResolveError::Unknown)), "an unknown slug is unknown")?;
    let unknown = app.resolve_id(TenantId::generate()).await;
    proof.holds(matches!(unknown, Err(ResolveError::Unknown)), "an unknown id is unknown")?;
    let founding = Founding {
        slug: "market".parse()?,
        name: "Another".to_owned(),
        kind: "platform".parse()?,
        plan: "market@1".parse()?,
        roles: vec![],
        email: "second@example.com".parse()?,
        user_name: "Second".to_owned(),
        secret: StoredSecret::new(String::new()),
        reach: crate::Reach::Here,
    };
    let again = app.found(&founding).await?;
    proof.holds(matches!(again, Founded::Before(_)), "founding again changes nothing")?;
    proof.same("who was there", again.tenant(), world.operator.tenant().tenant())
}

fn unfit_roles() -> Outcome<[(Vec<NewRole>, InvalidRole); 3]> {
    let mut many = vec![NewRole::owner()];
    for n in 0..Role::MAX {
        many.push(role(&format!("role-{n}"), &[])?);
    }
    Ok([
        (vec![role("reader", &["listing:read"])?], InvalidRole::NoOwner),
        (vec![NewRole::owner(), role("reader", &[])?, role("reader", &["*"])?], InvalidRole::SameKey),
        (many, InvalidRole::Roles { count: Role::MAX + 1 }),
    ])
}

pub(super) async fn names(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let at = app.resolve(&"market".parse()?).await?;
    world.register("anna", "seller@1").await?;

    let mut same_slug = registration("anna", "seller@1")?;
    same_slug.email = "other@example.com".parse()?;
    let refusal = refused(app.register(&at, same_slug).await)?;
    proof.same("a slug that is taken", refusal, RegistrationRefusal::SlugTaken)?;
    let mut same_email = registration("bela", "seller@1")?;
    same_email.email = " Anna@EXAMPLE.com ".parse()?;
    let refusal = refused(app.register(&at, same_email).await)?;
    proof.same("an address that is taken", refusal, RegistrationRefusal::EmailTaken)?;

    let first = app.register(&at, registration("carl", "seller@1")?);
    let (batch, pending) = first.unsent().await?.into_parts();
    let second = app.register(&at, registration("carl", "seller@1")?);
    let (late, late_pending) = second.unsent().await?.into_parts();
    pending.settle(world.store().commit(there(batch, "a batch")?).await)?;
    let failures = failed_guards(world.store().commit(there(late, "a batch")?).await)?;
    let has = |wanted: fn(&Key) -> bool| {
        failures.iter().any(|failure| matches!(&failure.guard, Guard::Absent(key) if wanted(key)))
    };
    proof.holds(has(|key| matches!(key, Key::Slug(_))), "the commit finds the slug taken")?;
    proof.holds(has(|key| matches!(key, Key::Email(_, _))), "the commit finds the address taken, too")?;
    let settled = late_pending.settle(Err(CommitError::Refused(failures)));
    proof.same("the loser is told", refused(settled)?, RegistrationRefusal::SlugTaken)?;

    let market = world.found("bazaar").await?;
    let mut elsewhere = registration("dora", "seller@1")?;
    elsewhere.email = "anna@example.com".parse()?;
    let bazaar = app.resolve_id(market.tenant().id()).await?;
    let made = app.register(&bazaar, elsewhere.clone()).await?;
    let found = world.store().user_by_email(made.user.realm, &elsewhere.email).await?;
    proof.same("one address in two realms", found.map(|user| user.id), Some(made.user.id))
}

pub(super) async fn status(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let anna = world.register("anna", "seller@1").await?;
    let slug = anna.tenant().tenant().slug.clone();
    let (batch, pending) = app.usage(&anna).consume("calls".parse()?, 1).unsent().await?.into_parts();

    let suspended = app.tenants(&world.operator).suspend(slug.clone()).await?;
    proof.same("status", suspended.status, TenantStatus::Suspended)?;
    let resolved = app.resolve(&slug).await;
    let is_suspended = matches!(resolved, Err(ResolveError::Inactive(TenantInactive::Suspended)));
    proof.holds(is_suspended, "a suspended tenant isn't resolved")?;
    let admitted = app.admit(anna.tenant(), anna.principal().realm(), user_id(&anna)?).await;
    proof.holds(matches!(admitted, Err(AdmitError::Inactive(_))), "nor are its members admitted")?;
    proof.holds(!anna.is_current(), "what was admitted before is stale in this process")?;
    let failures = failed_guards(world.store().commit(there(batch, "a batch")?).await)?;
    let is_epoch = |guard: &Guard| matches!(guard, Guard::Epoch { .. });
    proof.holds(
        failures.iter().all(|failure| is_epoch(&failure.guard)),
        "the epoch refuses what is in flight",
    )?;
    let settled = pending.settle(Err(CommitError::Refused(failures)));
    proof.holds(settled.is_err(), "and its caller is told")?;
    let late = app.usage(&anna).consume("calls".parse()?, 1).await;
    proof.holds(matches!(late, Err(Failure::AuthorityChanged)), "an old caller can do nothing")?;

    let stored = there(world.store().tenant(anna.tenant().id()).await?, "the tenant")?;
    let before = anna.tenant().tenant();
    proof.same("epoch", stored.epoch.number(), before.epoch.number() + 1)?;
    proof.same("version", stored.version, before.version + 1)?;
    app.tenants(&world.operator).suspend(slug.clone()).await?;
    proof.same("suspending twice", world.store().tenant(stored.id).await?, Some(stored))?;

    app.tenants(&world.operator).reactivate(slug.clone()).await?;
    let anna = world.again(&anna).await?;
    app.usage(&anna).consume("calls".parse()?, 1).await?;
    app.tenants(&world.operator).close(slug.clone()).await?;
    let closed = app.resolve(&slug).await;
    let is_closed = matches!(closed, Err(ResolveError::Inactive(TenantInactive::Closed)));
    proof.holds(is_closed, "a closed tenant isn't resolved")?;
    let reopened = app.tenants(&world.operator).reactivate(slug).await;
    proof.same("a closed tenant stays closed", refused(reopened)?, TenantRefusal::Closed)?;

    let bela = world.register("bela", "seller@1").await?;
    let own = app.tenants(&bela).suspend("bela".parse()?).await;
    proof.same("one's own", refused(own)?, TenantRefusal::Own)?;
    let parent = app.tenants(&bela).suspend("market".parse()?).await;
    proof.same("the one above", refused(parent)?, TenantRefusal::NotFound)
}

pub(super) async fn epochs(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let id = anna.tenant().id();
    let bystander = store.epochs().stamp(world.operator.tenant().id());

    let stamp = store.epochs().stamp(id);
    app.usage(&anna).consume("calls".parse()?, 1).await?;
    proof.holds(stamp.is_current(), "an ordinary write leaves the epoch alone")?;
    let plan = app.tenants(&world.operator).subscribe("anna".parse()?, "buyer@1".parse()?);
    let (plan, pending) = plan.unsent().await?.into_parts();
    proof.holds(stamp.is_current(), "what isn't committed moves nothing")?;
    let new_role = role("clerk", &["listing:read"])?;
    app.roles(&anna).define(new_role).await?;
    proof.holds(!stamp.is_current(), "a new role moves the epoch")?;

    let stamp = store.epochs().stamp(id);
    pending.settle(store.commit(there(plan, "a batch")?).await)?;
    proof.holds(!stamp.is_current(), "so does another plan")?;
    let tenant = there(store.tenant(id).await?, "the tenant")?;
    proof.same("the plan", tenant.plan.to_string().as_str(), "buyer@1")?;
    proof.same("two moves, one of them before the row was written", tenant.epoch.number(), 3)?;
    proof.holds(bystander.is_current(), "the epoch of the tenant above hasn't moved")
}

/// Where a store has no second handle, the same holds of the one that it has.
pub(super) async fn elsewhere(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const IN_TIME: Duration = Duration::from_secs(3);
    let world = World::open(harness).await?;
    let (app, elsewhere) = (world.app(), world.app_of(1));
    let epochs = elsewhere.store().epochs();
    let mut longest = Duration::ZERO;
    world.register("bystander", "seller@1").await?;
    let bystander = elsewhere.resolve(&"bystander".parse()?).await?;
    for slug in ["anna", "bela", "carl", "dora"] {
        world.register(slug, "seller@1").await?;
        let tenant = elsewhere.resolve(&slug.parse()?).await?;
        proof.same("before", epochs.freshness(), Freshness::Fresh)?;
        proof.holds(tenant.is_current(), "what was just resolved is current")?;
        app.tenants(&world.operator).suspend(slug.parse()?).await?;
        let committed = Instant::now();
        while tenant.is_current() && committed.elapsed() < IN_TIME {
            harness.pause().await;
        }
        longest = longest.max(committed.elapsed());
        proof.holds(!tenant.is_current(), "the other handle hears of the change in time")?;
        proof.same("after", epochs.freshness(), Freshness::Fresh)?;
        proof.holds(bystander.is_current(), "a tenant that hasn't changed stays as it is")?;
        let resolved = elsewhere.resolve(&slug.parse()?).await;
        let is_suspended = matches!(resolved, Err(ResolveError::Inactive(TenantInactive::Suspended)));
        proof.holds(is_suspended, "what is read then is the change")?;
    }
    proof.count("milliseconds at the longest", usize::try_from(longest.as_millis())?);
    Ok(())
}

pub(super) async fn abandoned_commit(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const PATIENCE: usize = 20_000;
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let mut polled_to_the_end = 0;
    for slug in ["anna", "bela", "carl", "dora"] {
        let caller = world.register(slug, "seller@1").await?;
        let id = caller.tenant().id();
        let stamp = store.epochs().stamp(id);
        let batch = batch_of(app.tenants(&world.operator).suspend(slug.parse()?)).await?;
        {
            let mut commit = pin!(store.commit(batch));
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(done) = commit.as_mut().poll(&mut context) {
                done?;
                polled_to_the_end += 1;
            }
        }
        let mut patience = PATIENCE;
        while stamp.is_current() && patience > 0 {
            store.tenant(id).await?;
            step_aside().await;
            patience -= 1;
        }
        proof.holds(!stamp.is_current(), "the epoch moves though nobody waits for the commit")?;
        let status = store.tenant(id).await?.map(|tenant| tenant.status);
        proof.same("what was written", status, Some(TenantStatus::Suspended))?;
    }
    proof.count("abandoned", 4 - polled_to_the_end);
    proof.count("done within one poll", polled_to_the_end);
    Ok(())
}

async fn batch_of<O: Operation>(command: Command<'_, O>) -> Outcome<crate::Batch> {
    let (batch, _) = command.unsent().await?.into_parts();
    there(batch, "a batch")
}
