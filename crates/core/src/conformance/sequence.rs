use super::Harness;
use super::proof::{Outcome, Proof};
use super::world::{HOUR, World};
use crate::store::{Change, Record};
use crate::{
    Batch, CommitError, Email, Epoch, Key, Role, RoleKey, Tenant, TenantId, User, UserId, WorkItem, WorkKind,
};

pub(super) async fn one_row(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let store = world.store();
    let anna = world.register("anna", "seller@1").await?;
    let tenant = anna.tenant().id();
    let key: RoleKey = "clerk".parse()?;
    let (first, second, third) =
        (clerk(tenant, "First", 1)?, clerk(tenant, "Second", 2)?, clerk(tenant, "Third", 3)?);

    let mut batch = world.batch();
    batch.insert(Record::Role(first.clone()));
    batch.change(Change::Update(Record::Role(second.clone())));
    store.commit(batch).await?;
    proof.same("added and changed", store.role(anna.scope(), &key).await?, Some(second))?;
    let mut batch = world.batch();
    batch.change(Change::Delete(Key::Role(tenant, key.clone())));
    batch.change(Change::Insert(Record::Role(first)));
    batch.change(Change::Update(Record::Role(third.clone())));
    store.commit(batch).await?;
    proof.same("replaced and changed", store.role(anna.scope(), &key).await?, Some(third.clone()))?;
    let mut batch = world.batch();
    batch.change(Change::Update(Record::Role(third)));
    batch.change(Change::Delete(Key::Role(tenant, key.clone())));
    store.commit(batch).await?;
    proof.same("changed and deleted", store.role(anna.scope(), &key).await?, None)?;

    let mut renamed = anna.tenant().tenant().clone();
    renamed.name = "Anna & Co".to_owned();
    renamed.version += 1;
    let moves = Change::MoveEpoch(tenant);
    let mut batch = world.batch();
    for change in [moves.clone(), Change::Update(Record::Tenant(renamed.clone())), moves.clone(), moves] {
        batch.change(change);
    }
    store.commit(batch).await?;
    let epoch = Epoch::from_number(renamed.epoch.number() + 3);
    let expected = Tenant { epoch, ..renamed };
    proof.same("a tenant, and its epoch", store.tenant(tenant).await?, Some(expected))?;
    work(&world, proof).await
}

/// Of the changes of one piece of work the last counts.
async fn work(world: &World, proof: &mut Proof) -> Outcome {
    let (store, tenant, now) = (world.store(), world.operator.tenant().id(), world.app().now());
    let (kind, subject) = (WorkKind::Refund, uuid::Uuid::now_v7());
    let at = |hours| Change::Schedule(WorkItem { tenant, kind, subject, due: now.after(HOUR * hours) });
    let none = Change::Unschedule { tenant, kind, subject };
    let rounds = [
        (vec![at(1), at(2)], Some(now.after(HOUR * 2))),
        (vec![none.clone(), at(3)], Some(now.after(HOUR * 3))),
        (vec![at(4), none], None),
    ];
    for (changes, due) in rounds {
        let mut batch = world.batch();
        changes.into_iter().for_each(|change| batch.change(change));
        store.commit(batch).await?;
        proof.same("when work is due", store.next_due().await?, due)?;
    }
    Ok(())
}

pub(super) async fn names(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (anna, bela, carl) = (user(&world, "anna")?, user(&world, "bela")?, user(&world, "carl")?);
    let mut batch = world.batch();
    [&anna, &bela].into_iter().for_each(|user| batch.insert(Record::User(user.clone())));
    world.store().commit(batch).await?;

    let moved = renamed(&anna, "anna.new@people.example")?;
    let heir = User { email: anna.email.clone(), ..carl.clone() };
    let mut batch = world.batch();
    batch.change(Change::Update(Record::User(moved.clone())));
    batch.change(Change::Insert(Record::User(heir.clone())));
    world.store().commit(batch).await?;
    whose(&world, proof, &moved.email, Some(&moved)).await?;
    whose(&world, proof, &anna.email, Some(&heir)).await?;

    let back = renamed(&moved, anna.email.as_str())?;
    let mut batch = world.batch();
    batch.change(Change::Delete(Key::User(heir.owner, heir.id)));
    batch.change(Change::Update(Record::User(back.clone())));
    world.store().commit(batch).await?;
    whose(&world, proof, &moved.email, None).await?;
    whose(&world, proof, &anna.email, Some(&back)).await?;

    let (taker, giver) = (renamed(&back, bela.email.as_str())?, renamed(&bela, "bela.new@people.example")?);
    let batch = |changes: [&User; 2]| {
        let mut batch: Batch = world.batch();
        changes.into_iter().for_each(|user| batch.change(Change::Update(Record::User(user.clone()))));
        batch
    };
    let early = world.store().commit(batch([&taker, &giver])).await;
    proof.holds(matches!(early, Err(CommitError::Unavailable(_))), "a name isn't taken before it is free")?;
    whose(&world, proof, &bela.email, Some(&bela)).await?;
    world.store().commit(batch([&giver, &taker])).await?;
    whose(&world, proof, &bela.email, Some(&taker)).await?;
    whose(&world, proof, &giver.email, Some(&giver)).await
}

async fn whose(world: &World, proof: &mut Proof, email: &Email, expected: Option<&User>) -> Outcome {
    let realm = world.operator.principal().realm();
    proof.same("whose address it is", world.store().user_by_email(realm, email).await?, expected.cloned())
}

fn user(world: &World, name: &str) -> Outcome<User> {
    let operator = world.operator.tenant().tenant();
    Ok(User {
        id: UserId::generate(),
        realm: operator.realm,
        owner: operator.id,
        email: format!("{name}@people.example").parse()?,
        name: name.to_owned(),
        secret: None,
        version: 1,
        created_at: world.app().now(),
    })
}

fn renamed(user: &User, email: &str) -> Outcome<User> {
    Ok(User { email: email.parse()?, version: user.version + 1, ..user.clone() })
}

fn clerk(tenant: TenantId, name: &str, version: u64) -> Outcome<Role> {
    Ok(Role::new(tenant, "clerk".parse()?, name, vec!["listing:read".parse()?], version)?)
}
