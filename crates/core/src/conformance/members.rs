use super::Harness;
use super::proof::{Outcome, Proof, failed_guards, refused, there};
use super::world::{Read, World, Write, role, scope, user_id};
use crate::store::{Change, Record};
use crate::{
    AccessRefusal, AdmitError, Assignment, Caller, Guard, GuardFailure, Key, Membership, PrincipalId,
    RoleKey, StoredSecret, User, UserId,
};

pub(super) async fn roles(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let bela = there(user_of(&world, "bela").await?, "another user of the realm")?;
    app.members(&anna).add(&bela).await?;
    let anna = world.again(&anna).await?;
    let refusal = refused(app.members(&anna).add(&bela).await)?;
    proof.same("a member that is one", refusal, AccessRefusal::Exists)?;
    let joined = there(store.principal(anna.scope(), PrincipalId::User(bela.id)).await?, "the new member")?;
    proof.same("roles at first", joined.holdings.len(), 0)?;

    let reader: RoleKey = "reader".parse()?;
    app.members(&anna).assign(bela.id, reader.clone()).await?;
    app.roles(&world.again(&anna).await?).define(role("clerk", &["listing:*"])?).await?;
    let anna = world.again(&anna).await?;
    let clerk = there(store.role(anna.scope(), &"clerk".parse()?).await?, "a role that was defined")?;
    proof.same("grants", clerk.grants(), &["listing:*".parse()?][..])?;
    let held = there(store.principal(anna.scope(), PrincipalId::User(bela.id)).await?, "the member")?;
    proof.same(
        "one role",
        held.holdings.iter().map(|held| held.role.key().clone()).collect(),
        vec![reader.clone()],
    )?;
    let twice = refused(app.members(&anna).assign(bela.id, reader.clone()).await)?;
    proof.same("a role that it has", twice, AccessRefusal::Exists)?;
    let twice = refused(app.roles(&anna).define(role("clerk", &[])?).await)?;
    proof.same("a role that is there", twice, AccessRefusal::Exists)?;
    let nobody = refused(app.members(&anna).assign(UserId::generate(), reader.clone()).await)?;
    proof.same("a role for nobody", nobody, AccessRefusal::NotFound)?;
    let nothing = refused(app.members(&anna).assign(bela.id, "ghost".parse()?).await)?;
    proof.same("no such role", nothing, AccessRefusal::NotFound)?;

    let (read, write) = (app.catalog().index::<Read>(), app.catalog().index::<Write>());
    let (read, write) = (there(read, "a permission")?, there(write, "a permission")?);
    let tenant = app.resolve_id(anna.tenant().id()).await?;
    let clerk = app.admit(&tenant, bela.realm, bela.id).await?;
    proof.holds(clerk.holds(read) && !clerk.holds(write), "a reader reads and doesn't write")?;
    let escalates =
        |result| Ok::<_, super::proof::Stop>(matches!(refused(result)?, AccessRefusal::Escalation(_)));
    let own = app.members(&clerk).assign(bela.id, RoleKey::owner()).await;
    proof.holds(escalates(own)?, "nobody makes himself an owner")?;
    let new = app.roles(&clerk).define(role("boss", &["*"])?).await;
    proof.holds(escalates(new)?, "nobody defines a role beyond his own")?;
    let stripped = app.members(&clerk).unassign(user_id(&anna)?, RoleKey::owner()).await;
    proof.holds(escalates(stripped)?, "nobody takes from another what he couldn't grant")?;
    let removed = app.members(&clerk).remove(user_id(&anna)?).await;
    proof.holds(escalates(removed)?, "nobody removes who holds more than he does")?;
    let unknown = refused(app.roles(&anna).define(role("odd", &["nothing:here"])?).await)?;
    proof.holds(matches!(unknown, AccessRefusal::Grant(_)), "a scope that means nothing is refused")?;

    app.members(&anna).unassign(bela.id, reader.clone()).await?;
    let anna = world.again(&anna).await?;
    let again = refused(app.members(&anna).unassign(bela.id, reader.clone()).await)?;
    proof.same("a role that it no longer has", again, AccessRefusal::NotFound)?;
    app.members(&anna).assign(bela.id, reader).await?;
    app.members(&world.again(&anna).await?).remove(bela.id).await?;
    proof.holds(
        store.principal(anna.scope(), PrincipalId::User(bela.id)).await?.is_none(),
        "who is removed is no member",
    )?;
    let refused_now = app.admit(&tenant, bela.realm, bela.id).await;
    proof.holds(matches!(refused_now, Err(AdmitError::NotMember)), "and isn't admitted")?;
    app.members(&world.again(&anna).await?).add(&bela).await?;
    let back = there(store.principal(anna.scope(), PrincipalId::User(bela.id)).await?, "the member")?;
    proof.same("who comes back has no role left", back.holdings.len(), 0)?;

    let bazaar = world.found("bazaar").await?;
    let stranger = there(
        store.user_by_email(bazaar.principal().realm(), &"root@example.com".parse()?).await?,
        "a user of another realm",
    )?;
    let other_realm = refused(app.members(&world.again(&anna).await?).add(&stranger).await)?;
    proof.same("a user of another realm", other_realm, AccessRefusal::OtherRealm)
}

/// Editing a role reaches whoever has it, and is no way around what one may grant.
pub(super) async fn edited_roles(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let bela = there(user_of(&world, "bela").await?, "another user of the realm")?;
    app.members(&anna).add(&bela).await?;
    let clerk: RoleKey = "clerk".parse()?;
    app.roles(&world.again(&anna).await?).define(role("clerk", &["listing:read"])?).await?;
    app.members(&world.again(&anna).await?).assign(bela.id, clerk.clone()).await?;
    let anna = world.again(&anna).await?;
    let tenant = app.resolve_id(anna.tenant().id()).await?;
    let (read, write) = (app.catalog().index::<Read>(), app.catalog().index::<Write>());
    let (read, write) = (there(read, "a permission")?, there(write, "a permission")?);

    let before = app.admit(&tenant, bela.realm, bela.id).await?;
    let escalates =
        |result| Ok::<_, super::proof::Stop>(matches!(refused(result)?, AccessRefusal::Escalation(_)));
    let widened = app.roles(&before).redefine(role("clerk", &["listing:*"])?).await;
    proof.holds(escalates(widened)?, "nobody edits his own role to hold more")?;
    let ghost = refused(app.roles(&anna).redefine(role("ghost", &[])?).await)?;
    proof.same("a role that isn't there", ghost, AccessRefusal::NotFound)?;
    let owner = refused(app.roles(&anna).redefine(role("owner", &[])?).await)?;
    proof.same("the owner's role", owner, AccessRefusal::OwnerRole)?;

    app.roles(&anna).redefine(role("clerk", &["listing:*", "deny listing:read"])?).await?;
    let edited = there(store.role(anna.scope(), &clerk).await?, "the role")?;
    proof.same("its version", edited.version(), 2)?;
    let after = app.admit(&tenant, bela.realm, bela.id).await?;
    proof.holds(!after.holds(read) && after.holds(write), "whoever has the role has what it says now")?;
    proof.holds(!before.is_current(), "and nothing that it said before")?;
    let shaken_off = app.members(&after).unassign(bela.id, clerk.clone()).await;
    proof.holds(escalates(shaken_off)?, "nobody lays down a role that denies him something")?;
    let struck_out = app.roles(&after).redefine(role("clerk", &["listing:*"])?).await;
    proof.holds(escalates(struck_out)?, "nor strikes out the line")?;

    let (first, pending) =
        app.roles(&world.again(&anna).await?).redefine(role("clerk", &[])?).unsent().await?.into_parts();
    let late = app.roles(&world.again(&anna).await?).redefine(role("clerk", &["*"])?).unsent().await?;
    let (second, late) = late.into_parts();
    pending.settle(store.commit(there(first, "a batch")?).await)?;
    let failures = failed_guards(store.commit(there(second, "a batch")?).await)?;
    let at = Key::Role(anna.tenant().id(), clerk);
    let is_version = |failure: &GuardFailure| failure.guard == Guard::Version { key: at.clone(), version: 2 };
    proof.holds(failures.iter().any(is_version), "of two edits of one version one is refused")?;
    proof.holds(late.settle(Err(crate::CommitError::Refused(failures))).is_err(), "and says so")
}

pub(super) async fn last_owner(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let owner = RoleKey::owner();
    let refusal = refused(app.members(&anna).remove(user_id(&anna)?).await)?;
    proof.same("the last owner leaves", refusal, AccessRefusal::LastOwner)?;
    let refusal = refused(app.members(&anna).unassign(user_id(&anna)?, owner.clone()).await)?;
    proof.same("the last owner steps down", refusal, AccessRefusal::LastOwner)?;

    let bela = second_owner(&world, &anna, "bela").await?;
    app.roles(&bela).define(role("nothing", &["deny *"])?).await?;
    app.members(&world.again(&bela).await?).assign(user_id(&anna)?, "nothing".parse()?).await?;
    let anna = world.again(&anna).await?;
    let write = anna.principal().authority().has::<Write>();
    proof.holds(write, "no owner is made powerless by another")?;
    let (first, pending) = app.members(&anna).remove(user_id(&anna)?).unsent().await?.into_parts();
    let (second, late) = app.members(&bela).remove(user_id(&bela)?).unsent().await?.into_parts();
    pending.settle(store.commit(there(first, "a batch")?).await)?;
    let failures = failed_guards(store.commit(there(second, "a batch")?).await)?;
    proof.holds(late.settle(Err(crate::CommitError::Refused(failures))).is_err(), "the second one stays")?;
    let bela = world.again(&bela).await?;
    let refusal = refused(app.members(&bela).remove(user_id(&bela)?).await)?;
    proof.same("now she is the last", refusal, AccessRefusal::LastOwner)?;

    let carl = second_owner(&world, &bela, "carl").await?;
    let tenant = carl.tenant().id();
    let remain = |least, leaving| Guard::Remain { tenant, role: RoleKey::owner(), least, leaving };
    for (least, found) in [(2, Some(1)), (3, Some(1))] {
        let mut batch = world.batch();
        batch.guard(remain(least, user_id(&carl)?));
        batch.change(Change::Delete(Key::of_assignment(&Assignment::of_member(
            tenant,
            user_id(&carl)?,
            owner.clone(),
        ))));
        let failures = failed_guards(store.commit(batch).await)?;
        let expected = vec![GuardFailure { guard: remain(least, user_id(&carl)?), found }];
        proof.same("how many would remain", failures, expected)?;
    }
    let mut batch = world.batch();
    batch.guard(remain(1, user_id(&carl)?));
    batch.change(Change::Delete(Key::of_assignment(&Assignment::of_member(tenant, user_id(&carl)?, owner))));
    store.commit(batch).await?;
    let held =
        there(store.principal(scope(tenant), PrincipalId::User(user_id(&carl)?)).await?, "the member")?;
    proof.same("exactly as many as must remain", held.holdings.len(), 0)
}

/// A user of the operator's realm who is a member of nothing yet.
async fn user_of(world: &World, name: &str) -> Outcome<Option<User>> {
    let (app, operator) = (world.app(), world.operator.tenant().tenant());
    let email = format!("{name}@people.example").parse()?;
    let mut batch = world.batch();
    let id = UserId::from_uuid(batch.next_id());
    batch.insert(Record::User(User {
        id,
        realm: operator.realm,
        owner: operator.id,
        email,
        name: name.to_owned(),
        secret: Some(StoredSecret::new(String::new())),
        version: 1,
        created_at: app.now(),
    }));
    world.store().commit(batch).await?;
    let email = format!("{name}@people.example").parse()?;
    Ok(world.store().user_by_email(operator.realm, &email).await?)
}

/// Another owner of the caller's tenant, admitted.
pub(super) async fn second_owner(world: &World, caller: &Caller, name: &str) -> Outcome<Caller> {
    let user = there(user_of(world, name).await?, "a new user")?;
    let tenant = caller.tenant().id();
    let joined_at = world.app().now();
    let mut batch = world.batch();
    let membership = Membership { tenant, user: user.id, realm: user.realm, joined_at };
    batch.insert(Record::Membership(membership));
    batch.insert(Record::Assignment(Assignment::of_member(tenant, user.id, RoleKey::owner())));
    batch.change(Change::MoveEpoch(tenant));
    world.store().commit(batch).await?;
    let tenant = world.app().resolve_id(tenant).await?;
    Ok(world.app().admit(&tenant, user.realm, user.id).await?)
}
