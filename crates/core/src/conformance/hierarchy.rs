use std::collections::BTreeSet;

use super::Harness;
use super::proof::{Outcome, Patience, Proof, refused, there};
use super::world::{DAY, Impersonate, Read, World, Write, registration, role, user_id};
use crate::{
    AccessRefusal, AdmitError, Assignee, Assignment, Caller, Cursor, NewApiKey, PageRequest, PrincipalId,
    Reach, Reason, RegistrationRefusal, RequestFacts, Resource, RoleKey, Target, TenantCtx, User, Value,
};

/// A group of tenants: one above, two below it, and one below the first of those.
struct Group {
    world: World,
    top: Caller,
    north: Caller,
    south: Caller,
    shop: Caller,
}

async fn group(harness: &dyn Harness) -> Outcome<Group> {
    let world = World::open(harness).await?;
    let top = world.found_group("group").await?;
    let north = world.register_at(&top, "north", "seller@1").await?;
    let south = world.register_at(&top, "south", "seller@1").await?;
    let shop = world.register_at(&north, "shop", "seller@1").await?;
    Ok(Group { world, top, north, south, shop })
}

impl Group {
    /// A member of the tenant above, with a role there that reaches so far.
    async fn officer(&self, name: &str, key: &str, reach: Reach) -> Outcome<User> {
        let user = self.world.member(&self.top, name).await?;
        let by = self.world.again(&self.top).await?;
        let assignment = Assignment::of_member(by.tenant().id(), user.id, key.parse()?);
        let descends = reach == Reach::Below;
        self.world.app().roles(&by).assign(Assignment { descends, ..assignment }).await?;
        Ok(user)
    }

    async fn at(&self, caller: &Caller) -> Outcome<TenantCtx> {
        Ok(self.world.app().resolve_id(caller.tenant().id()).await?)
    }

    /// What a user may do in a tenant, if anything: read, write.
    async fn may(&self, user: &User, at: &Caller) -> Outcome<Option<(bool, bool)>> {
        let at = self.at(at).await?;
        match self.world.app().admit(&at, user.realm, user.id).await {
            Ok(caller) => {
                let authority = caller.principal().authority();
                Ok(Some((authority.has::<Read>(), authority.has::<Write>())))
            }
            Err(AdmitError::NotMember) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }
}

pub(super) async fn descends(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let group = group(harness).await?;
    let (world, app) = (&group.world, group.world.app());
    proof.same(
        "what lies above",
        &group.shop.tenant().tenant().above,
        &vec![group.north.tenant().id(), group.top.tenant().id()],
    )?;
    let auditor = group.officer("auditor", "reader", Reach::Below).await?;
    let local = group.officer("local", "reader", Reach::Here).await?;
    for place in [&group.top, &group.north, &group.south, &group.shop] {
        proof.same("what descends", group.may(&auditor, place).await?, Some((true, false)))?;
    }
    proof.same("here", group.may(&local, &group.top).await?, Some((true, false)))?;
    proof.same("and not below", group.may(&local, &group.shop).await?, None)?;
    let seller = world.register("anna", "seller@1").await?;
    proof.same("nor beside", group.may(&auditor, &seller).await?, None)?;
    let top = group.at(&group.top).await?;
    let north_owner = app.admit(&top, group.north.principal().realm(), user_id(&group.north)?).await;
    proof.holds(matches!(north_owner, Err(AdmitError::NotMember)), "and nothing ascends")?;

    let in_shop = world.admit_to(group.shop.tenant().id(), &auditor).await?;
    proof.same("no role of the shop's own", in_shop.principal().roles().len(), 0)?;
    let made = app.roles(&in_shop).define(role("boss", &["*"])?).await;
    proof.holds(
        matches!(refused(made)?, AccessRefusal::Escalation(_)),
        "it grants there what it holds there",
    )?;
    app.roles(&in_shop).define(role("viewer", &["listing:read"])?).await?;
    let below = Assignment::of_member(group.top.tenant().id(), auditor.id, "reader".parse()?);
    let below = Assignment { assignee: Assignee::User(local.id), descends: true, ..below };
    let local_now = world.admit_to(group.top.tenant().id(), &local).await?;
    let own = Assignment { assignee: Assignee::User(auditor.id), ..below.clone() };
    let widened = refused(
        app.roles(&local_now).assign(Assignment { assignee: Assignee::User(local.id), ..own }).await,
    )?;
    let is_refused = matches!(widened, AccessRefusal::Escalation(_) | AccessRefusal::Exists);
    proof.holds(is_refused, "who holds it here doesn't grant it below")?;

    let boss = group.officer("boss", "owner", Reach::Here).await?;
    let boss = world.admit_to(group.top.tenant().id(), &boss).await?;
    for lines in [&["*"][..], &[], &["listing:read", "deny listing:read"]] {
        let edited = refused(app.roles(&boss).redefine(role("reader", lines)?).await)?;
        let is_refused = matches!(edited, AccessRefusal::Escalation(_));
        proof.holds(is_refused, "who owns here only edits no role that is held below")?;
    }
    app.roles(&boss).define(role("local", &["*"])?).await?;
    app.roles(&world.again(&boss).await?).redefine(role("local", &["listing:*"])?).await?;

    let folder = world.member(&group.top, "folder").await?;
    let one = Assignment::of_member(group.top.tenant().id(), folder.id, RoleKey::owner());
    let on = Target::Resource("listing/0197a1f0-0000-7000-8000-000000000001".parse()?);
    app.roles(&world.again(&group.top).await?).assign(Assignment { on, descends: true, ..one }).await?;
    proof.same("what descends on a resource stays", group.may(&folder, &group.shop).await?, None)?;

    let top = world.again(&group.top).await?;
    let crew = app.teams(&top).create("Crew", None).await?;
    let top = world.again(&top).await?;
    let writers = Assignment {
        tenant: top.tenant().id(),
        assignee: Assignee::Team(crew),
        role: RoleKey::owner(),
        on: Target::Tenant,
        descends: true,
    };
    app.roles(&top).assign(writers).await?;
    app.teams(&world.again(&top).await?).add(crew, PrincipalId::User(local.id)).await?;
    proof.same("by way of a team above", group.may(&local, &group.shop).await?, Some((true, true)))?;

    let robot = app.programs(&world.again(&top).await?).create_service_account("Robot").await?;
    let over_all = Assignment {
        tenant: group.top.tenant().id(),
        assignee: Assignee::ServiceAccount(robot),
        role: RoleKey::owner(),
        on: Target::Tenant,
        descends: true,
    };
    app.roles(&world.again(&top).await?).assign(over_all).await?;
    let shop = group.at(&group.shop).await?;
    let robot = app.admit_service_account(&shop, robot).await?;
    proof.holds(robot.principal().authority().has::<Write>(), "a program above reaches below")?;
    let own = app.programs(&world.again(&group.shop).await?).create_service_account("Robot").await?;
    let own = app.admit_service_account(&group.at(&group.shop).await?, own).await?;
    proof.holds(own.id() != robot.id(), "no program below is made under its id")?;
    proof.holds(!own.principal().authority().has::<Read>(), "nor under its name holds anything")
}

pub(super) async fn takes_effect(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let group = group(harness).await?;
    let (world, app) = (&group.world, group.world.app());
    let auditor = group.officer("auditor", "reader", Reach::Below).await?;
    let shop = group.shop.tenant().id();
    let elsewhere = world.app_of(1);
    let at = elsewhere.resolve_id(shop).await?;
    let here = world.admit_to(shop, &auditor).await?;
    let remote = elsewhere.admit(&at, auditor.realm, auditor.id).await?;
    let bystander = world.again(&world.operator).await?;
    let top = world.again(&group.top).await?;
    app.members(&top).unassign(auditor.id, "reader".parse()?).await?;
    proof.holds(!here.is_current(), "the next request in this process knows")?;
    proof.holds(bystander.is_current(), "and nobody else has to read anew")?;
    let mut patience = Patience::new();
    while remote.is_current() {
        patience.wears()?;
        harness.pause().await;
    }
    proof.same("what is left", group.may(&auditor, &group.shop).await?, None)?;

    let auditor = group.officer("second", "reader", Reach::Below).await?;
    let stale = world.admit_to(shop, &auditor).await?;
    let (batch, pending) =
        app.roles(&stale).define(role("viewer", &["listing:read"])?).unsent().await?.into_parts();
    app.members(&world.again(&group.top).await?).remove(auditor.id).await?;
    let batch = there(batch, "a batch")?;
    let failures = super::proof::failed_guards(world.store().commit(batch).await)?;
    let is_above = |guard: &crate::Guard| guard.tenant() == Some(group.top.tenant().id());
    proof.holds(
        failures.iter().any(|failure| is_above(&failure.guard)),
        "what it held above is looked at again",
    )?;
    proof.holds(
        pending.settle(Err(crate::CommitError::Refused(failures))).is_err(),
        "inside the commit too",
    )?;
    let again = app.roles(&stale).define(role("viewer", &["listing:read"])?).await;
    proof.holds(again.is_err(), "and nothing is written on authority that has gone")
}

pub(super) async fn suspended(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let group = group(harness).await?;
    let (world, app) = (&group.world, group.world.app());
    let auditor = group.officer("auditor", "reader", Reach::Below).await?;
    let keeper = world.member(&group.north, "keeper").await?;
    let by = world.again(&group.north).await?;
    let descending = Assignment::of_member(by.tenant().id(), keeper.id, "reader".parse()?);
    let refusal = refused(app.roles(&by).assign(Assignment { descends: true, ..descending.clone() }).await)?;
    proof.holds(matches!(refusal, AccessRefusal::Escalation(_)), "an owner here isn't one below")?;
    let owner = user_id(&group.top)?;
    let realm = group.top.principal().realm();
    let from_above = app.admit(&group.at(&group.north).await?, realm, owner).await?;
    app.roles(&from_above).assign(Assignment { descends: true, ..descending }).await?;
    proof.same("before", group.may(&keeper, &group.shop).await?, Some((true, false)))?;
    let seen = world.admit_to(group.shop.tenant().id(), &keeper).await?;

    let top = world.again(&group.top).await?;
    app.tenants(&top).suspend("north".parse()?).await?;
    proof.holds(!seen.is_current(), "a tenant that is suspended takes the callers below along")?;
    proof.same("of the suspended", group.may(&keeper, &group.shop).await?, None)?;
    proof.same("from further above", group.may(&auditor, &group.shop).await?, Some((true, false)))?;
    proof.holds(app.resolve(&"shop".parse()?).await.is_ok(), "what lies below it is active")?;
    app.tenants(&world.again(&top).await?).reactivate("north".parse()?).await?;
    proof.same("after", group.may(&keeper, &group.shop).await?, Some((true, false)))
}

pub(super) async fn reviewed(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let group = group(harness).await?;
    let (world, app, store) = (&group.world, group.world.app(), group.world.store());
    let auditor = group.officer("auditor", "reader", Reach::Below).await?;
    let near = group.officer("near", "reader", Reach::Here).await?;
    let beside = world.member(&group.south, "beside").await?;
    let top = world.again(&group.top).await?;
    let company = app.teams(&top).create("Company", None).await?;
    let crew = app.teams(&world.again(&top).await?).create("Crew", Some(company)).await?;
    let robot = app.programs(&world.again(&top).await?).create_service_account("Robot").await?;
    let robot = PrincipalId::ServiceAccount(robot);
    app.teams(&world.again(&top).await?).add(crew, robot).await?;
    let tenant = top.tenant().id();
    let (assignee, role, on) = (Assignee::Team(company), "reader".parse()?, Target::Tenant);
    let to_all = Assignment { tenant, assignee, role, on, descends: true };
    app.roles(&world.again(&top).await?).assign(to_all).await?;
    let carried = NewApiKey {
        name: "Export".to_owned(),
        scopes: vec!["listing:read".parse()?],
        expires_at: app.now().after(DAY),
    };
    let key = app.programs(&world.again(&group.shop).await?).create_api_key(carried).await?;
    let owner = Assignment { assignee: Assignee::ApiKey(key), ..own(&group.shop, RoleKey::owner()) };
    app.roles(&world.again(&group.shop).await?).assign(owner).await?;

    let shop = world.again(&group.shop).await?;
    let on = Target::Resource("listing/0197a1f0-0000-7000-8000-000000000001".parse()?);
    let on_one = Assignment { on, ..Assignment::of_member(tenant, near.id, "reader".parse()?) };
    app.roles(&world.again(&group.top).await?).assign(Assignment { descends: true, ..on_one }).await?;
    let keeper = world.member(&group.north, "keeper").await?;
    let from_above =
        app.admit(&group.at(&group.north).await?, shop.principal().realm(), user_id(&top)?).await?;
    let to_keeper =
        Assignment { assignee: Assignee::User(keeper.id), ..own(&group.north, "reader".parse()?) };
    app.roles(&from_above).assign(Assignment { descends: true, ..to_keeper }).await?;
    let (auditor_id, keeper) = (PrincipalId::User(auditor.id), PrincipalId::User(keeper.id));
    let above: BTreeSet<PrincipalId> = [group.top.id(), auditor_id, keeper, robot].into();
    let (mut page, mut listed) = (PageRequest::new(1, None)?, vec![]);
    loop {
        let found = store.principals_above(shop.scope(), &page).await?;
        listed.extend(found.items);
        let Some(next) = found.next else { break };
        page = page.following(Cursor::parse(next.as_str())?);
    }
    proof.same("let in from above", (listed.len(), listed.into_iter().collect()), (4, above.clone()))?;
    let first = PageRequest::first();
    let over_top = store.principals_above(top.scope(), &first).await?;
    proof.same("from above the top", over_top.items.len(), 0)?;

    let key = PrincipalId::ApiKey(key);
    let request = RequestFacts::new(app.now(), None);
    let review = app.review::<Impersonate>(&shop, &request)?;
    let mut readers = BTreeSet::new();
    let mut page = PageRequest::new(2, None)?;
    loop {
        let found = review.who_can_here::<Read>(&page).await?;
        proof.holds(found.items.len() <= 2, "a page is as large as was asked")?;
        readers.extend(found.items.iter().map(|holder| holder.principal));
        let Some(next) = found.next else { break };
        page = page.following(Cursor::parse(next.as_str())?);
    }
    let mut expected: BTreeSet<PrincipalId> = above;
    expected.extend([shop.id(), key]);
    proof.same("who can read", &readers, &expected)?;
    let writers = review.who_can_here::<Write>(&first).await?.items;
    let through = there(writers.iter().find(|holder| holder.principal == group.top.id()), "the owner above")?;
    let from: BTreeSet<_> = through.through.iter().map(|path| path.tenant).collect();
    proof.same("by what is held above", from, [top.tenant().id()].into())?;
    let writers: BTreeSet<_> = writers.iter().map(|holder| holder.principal).collect();
    proof.same("a key is never wider than what it carries", writers, [shop.id(), group.top.id()].into())?;
    for principal in [PrincipalId::User(near.id), PrincipalId::User(beside.id), group.north.id()] {
        proof.holds(!readers.contains(&principal), "nobody is named who isn't let in")?;
    }
    let why = review.explain::<Read, _>(robot, &Anything).await?;
    proof.same("why a program above may", why.reason, Reason::Granted)?;

    world.clock.advance(DAY);
    app.members(&world.again(&group.top).await?).remove(auditor.id).await?;
    app.tenants(&world.again(&group.top).await?).suspend("north".parse()?).await?;
    let shop = world.again(&shop).await?;
    let request = RequestFacts::new(app.now(), None);
    let left = app.review::<Impersonate>(&shop, &request)?.who_can_here::<Read>(&first).await?.items;
    let left: BTreeSet<_> = left.iter().map(|holder| holder.principal).collect();
    let expected = [shop.id(), group.top.id(), robot].into();
    proof.same("an expired key, who was removed, and whom a suspended tenant let in", left, expected)
}

/// An assignment of a role on the whole of a tenant to its owner.
fn own(caller: &Caller, role: RoleKey) -> Assignment {
    let (tenant, assignee) = (caller.tenant().id(), Assignee::from(caller.id()));
    Assignment { tenant, assignee, role, on: Target::Tenant, descends: false }
}

/// A listing of which nothing is known.
struct Anything;

impl Resource for Anything {
    const TYPE: &'static str = "listing";

    fn id(&self) -> Value<'_> {
        uuid::Uuid::nil().into()
    }

    fn attribute(&self, _: &str) -> Option<Value<'_>> {
        None
    }
}

pub(super) async fn depth(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let mut lowest = world.found_group("level-zero").await?;
    let top = lowest.clone();
    for n in 1..=8 {
        lowest = world.register_at(&lowest, &format!("level-{n}"), "seller@1").await?;
    }
    let above = lowest.tenant().tenant().above.clone();
    proof.same("above the lowest", (above.len(), above.last().copied()), (8, Some(top.tenant().id())))?;
    let at = app.resolve_id(lowest.tenant().id()).await?;
    let ninth = refused(app.register(&at, registration("level-9", "seller@1")?).await)?;
    proof.same("one more", ninth, RegistrationRefusal::TooDeep)?;
    let owner = app.admit(&at, top.principal().realm(), user_id(&top)?).await?;
    proof.holds(owner.principal().authority().has::<Write>(), "what descends reaches the lowest")
}
