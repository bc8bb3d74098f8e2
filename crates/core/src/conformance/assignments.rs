use std::collections::BTreeSet;

use super::Harness;
use super::proof::{Outcome, Proof, Stop, failed_guards, refused, there};
use super::world::{DAY, World, Write, role, user_id};
use crate::store::{Guard, Key, Record};
use crate::{
    AccessRefusal, ApiKey, ApiKeyId, Assignee, Assignment, Caller, Cursor, Kind, NewApiKey, Page,
    PageRequest, Reach, Readable, RequestFacts, Resource, ResourceId, ResourceRef, Role, RoleKey, Scope,
    ServiceAccount, ServiceAccountId, Target, Team, TeamId, TeamMember, Unavailable, Value,
};

/// Something that roles are assigned on.
struct Listing(i64);

impl Resource for Listing {
    const TYPE: &'static str = "listing";
    const ID: Kind = Kind::Integer;

    fn id(&self) -> Value<'_> {
        self.0.into()
    }

    fn attribute(&self, _: &str) -> Option<Value<'_>> {
        None
    }
}

impl Readable for Listing {
    type Read = super::world::Read;
}

fn listing(n: i64) -> Outcome<Target> {
    Ok(Target::Resource(ResourceRef::new("listing", ResourceId::Integer(n))?))
}

pub(super) async fn on_resources(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let anna = world.register("anna", "seller@1").await?;
    let bela = world.member(&anna, "bela").await?;
    let tenant = anna.tenant().id();
    let new = role("editor", &["listing:read", "listing:write"])?;
    app.roles(&world.again(&anna).await?).define(new).await?;
    let editor: RoleKey = "editor".parse()?;
    let on = |n| {
        let assignment = Assignment::of_member(tenant, bela.id, editor.clone());
        Ok::<_, Stop>(Assignment { on: listing(n)?, ..assignment })
    };
    app.roles(&world.again(&anna).await?).assign(on(7)?).await?;
    app.roles(&world.again(&anna).await?).assign(on(8)?).await?;
    let caller = world.admit_to(tenant, &bela).await?;
    let request = RequestFacts::new(app.now(), None);
    let may = |caller: &Caller, n| caller.check::<Write, _>(&Listing(n), &request).is_ok();
    proof.same("on 6, 7, 8", [6, 7, 8].map(|n| may(&caller, n)), [false, true, true])?;
    proof.holds(!caller.principal().authority().has::<Write>(), "nor on all of them")?;
    proof.same("roles on the whole tenant", caller.principal().roles().len(), 0)?;

    let widened = Assignment::of_member(tenant, bela.id, editor.clone());
    let widened = refused(app.roles(&caller).assign(widened).await)?;
    proof
        .holds(matches!(widened, AccessRefusal::Escalation(_)), "what is held on one isn't granted on all")?;
    let carl = world.member(&anna, "carl").await?;
    let caller = world.admit_to(tenant, &bela).await?;
    let shared = |n| Ok::<_, Stop>(Assignment { assignee: Assignee::User(carl.id), ..on(n)? });
    let beyond = refused(app.roles(&caller).assign(shared(6)?).await)?;
    proof.holds(matches!(beyond, AccessRefusal::Escalation(_)), "nor on another")?;
    app.roles(&caller).assign(shared(7)?).await?;
    let other = world.admit_to(tenant, &carl).await?;
    proof.same("who was shared with", [6, 7, 8].map(|n| may(&other, n)), [false, true, false])?;

    let twice = refused(app.roles(&world.again(&anna).await?).assign(on(7)?).await)?;
    proof.same("the same again", twice, AccessRefusal::Exists)?;
    app.roles(&world.again(&anna).await?).unassign(on(7)?).await?;
    proof.holds(!caller.is_current(), "what is taken is over at once")?;
    let caller = world.admit_to(tenant, &bela).await?;
    proof.same("on 6, 7, 8 then", [6, 7, 8].map(|n| may(&caller, n)), [false, false, true])?;
    let gone = refused(app.roles(&world.again(&anna).await?).unassign(on(7)?).await)?;
    proof.same("what isn't there", gone, AccessRefusal::NotFound)?;
    let anna = world.again(&anna).await?;
    for assignee in [
        Assignee::Team(TeamId::generate()),
        Assignee::ServiceAccount(ServiceAccountId::generate()),
        Assignee::ApiKey(ApiKeyId::generate()),
        Assignee::User(world.operator.user().unwrap_or(bela.id)),
    ] {
        let nobody = Assignment { assignee, ..on(9)? };
        let nobody = refused(app.roles(&anna).assign(nobody).await)?;
        proof.same("to nobody of the tenant", nobody, AccessRefusal::NotFound)?;
    }
    let owner = Assignment { role: RoleKey::owner(), ..on(9)? };
    app.roles(&anna).assign(owner.clone()).await?;
    let anna = world.again(&anna).await?;
    let stays = refused(app.members(&anna).unassign(user_id(&anna)?, RoleKey::owner()).await)?;
    proof.same("the owner of one listing is no owner of the tenant", stays, AccessRefusal::LastOwner)?;
    app.roles(&anna).unassign(owner).await?;
    app.members(&world.again(&anna).await?).remove(bela.id).await?;
    let left = world.store().assigned(anna.scope(), Assignee::User(bela.id)).await?;
    proof.same("what is left of who was removed", left.len(), 0)
}

pub(super) async fn deleted_roles(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let bela = world.member(&anna, "bela").await?;
    let tenant = anna.tenant().id();
    let clerk: RoleKey = "clerk".parse()?;
    app.roles(&world.again(&anna).await?).define(role("clerk", &["listing:read"])?).await?;
    app.members(&world.again(&anna).await?).assign(bela.id, clerk.clone()).await?;

    let in_use = refused(app.roles(&world.again(&anna).await?).delete(clerk.clone()).await)?;
    proof.same("a role that somebody has", in_use, AccessRefusal::InUse { by: "assignments" })?;
    let owner = refused(app.roles(&world.again(&anna).await?).delete(RoleKey::owner()).await)?;
    proof.same("the owner's role", owner, AccessRefusal::OwnerRole)?;
    let own = world.admit_to(tenant, &bela).await?;
    let boss = role("boss", &["*"])?;
    app.roles(&world.again(&anna).await?).define(boss).await?;
    let own = world.again(&own).await?;
    let deposed = refused(app.roles(&own).delete("boss".parse()?).await)?;
    proof.holds(matches!(deposed, AccessRefusal::Escalation(_)), "nobody deletes what he couldn't grant")?;

    app.members(&world.again(&anna).await?).unassign(bela.id, clerk.clone()).await?;
    let anna = world.again(&anna).await?;
    let (assigned, given) = app.members(&anna).assign(bela.id, clerk.clone()).unsent().await?.into_parts();
    let (deleted, taken) = app.roles(&anna).delete(clerk.clone()).unsent().await?.into_parts();
    taken.settle(store.commit(there(deleted, "a batch")?).await)?;
    let failures = failed_guards(store.commit(there(assigned, "a batch")?).await)?;
    let key = Key::Role(tenant, clerk.clone());
    let misses_it = failures.iter().any(|failure| {
        matches!(&failure.guard, Guard::Version { key: at, .. } if *at == key) && failure.found.is_none()
    });
    proof.holds(misses_it, "a role that was deleted meanwhile isn't given")?;
    proof.holds(given.settle(Err(crate::CommitError::Refused(failures))).is_err(), "and says so")?;

    app.roles(&world.again(&anna).await?).define(role("clerk", &["listing:*"])?).await?;
    let again = world.admit_to(tenant, &bela).await?;
    let authority = again.principal().authority();
    proof.holds(!authority.has::<Write>(), "made again under its name it is nobody's")?;
    let roles: Vec<_> = store.roles(anna.scope(), &PageRequest::first()).await?.items.into_iter().collect();
    let keys: Vec<_> = roles.iter().map(|role| role.key().as_str()).collect();
    proof.same("the roles, by key", keys, vec!["boss", "clerk", "owner", "reader"])
}

pub(super) async fn bounds(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let tenant = anna.tenant().id();
    let now = app.now();
    let mut batch = world.batch();
    for n in 2..Role::MAX {
        let role = Role::new(tenant, format!("role-{n}").parse()?, "Many", vec![], 1)?;
        batch.insert(Record::Role(role));
    }
    store.commit(batch).await?;
    let mut batch = world.batch();
    for _ in 0..Team::MAX {
        batch.insert(Record::Team(Team::new(tenant, TeamId::generate(), "Many", None, now)?));
    }
    store.commit(batch).await?;
    let mut batch = world.batch();
    for _ in 0..ServiceAccount::MAX {
        let account = ServiceAccount::new(tenant, ServiceAccountId::generate(), "Many", now)?;
        batch.insert(Record::ServiceAccount(account));
    }
    store.commit(batch).await?;
    let mut batch = world.batch();
    let owner = user_id(&anna)?;
    for n in 1..Assignment::MAX_PER_ASSIGNEE {
        let assignment = Assignment::of_member(tenant, owner, "reader".parse()?);
        let on = listing(i64::try_from(n)?)?;
        batch.insert(Record::Assignment(Assignment { on, ..assignment }));
    }
    store.commit(batch).await?;
    let mut batch = world.batch();
    let scopes: Vec<Scope> = vec![Scope::all()];
    for _ in 0..ApiKey::MAX {
        let (id, name) = (ApiKeyId::generate(), "Many".to_owned());
        let expires_at = now.after(DAY);
        batch.insert(Record::ApiKey(ApiKey {
            tenant,
            id,
            name,
            scopes: scopes.clone(),
            expires_at,
            created_at: now,
        }));
    }
    store.commit(batch).await?;

    let too_many = |what, most| AccessRefusal::TooMany { what, most };
    let refusal = refused(app.roles(&anna).define(role("one-more", &[])?).await)?;
    proof.same("roles", refusal, too_many("roles", Role::MAX))?;
    let refusal = refused(app.teams(&anna).create("More", None).await)?;
    proof.same("teams", refusal, too_many("teams", Team::MAX))?;
    let refusal = refused(app.programs(&anna).create_service_account("More").await)?;
    proof.same("service accounts", refusal, too_many("service accounts", ServiceAccount::MAX))?;
    let more = NewApiKey { name: "More".to_owned(), scopes, expires_at: now.after(DAY) };
    let refusal = refused(app.programs(&anna).create_api_key(more).await)?;
    proof.same("keys", refusal, too_many("keys", ApiKey::MAX))?;
    let one_more = Assignment { on: listing(0)?, ..Assignment::of_member(tenant, owner, "reader".parse()?) };
    let refusal = refused(app.roles(&anna).assign(one_more).await)?;
    let most = Assignment::MAX_PER_ASSIGNEE;
    proof.same("assignments", refusal, too_many("assignments to one assignee", most))?;
    let held = there(store.principal(anna.scope(), anna.id()).await?, "the owner")?;
    proof.same("all of which are held", held.holdings.len(), most)?;

    let second = super::members::second_owner(&world, &anna, "second").await?;
    app.members(&second).remove(owner).await?;
    let left = store.assigned(second.scope(), Assignee::User(owner)).await?;
    proof.same("and end at once with who is removed", left.len(), 0)?;
    let lines = role("any", &["*"])?.grants;
    let may = second.principal().authority().may_grant(&lines, &Target::Tenant, Reach::Below);
    proof.holds(may.is_err(), "who holds nothing that reaches below grants nothing that does")
}

pub(super) async fn lists(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let zoe = world.register("zoe", "seller@1").await?;
    for (caller, n) in [(&anna, 7_u8), (&zoe, 2)] {
        let tenant = caller.tenant().id();
        let team = app.teams(&world.again(caller).await?).create("Team", None).await?;
        for n in 0..n {
            let account = app.programs(&world.again(caller).await?).create_service_account("One").await?;
            let member = crate::PrincipalId::ServiceAccount(account);
            app.teams(&world.again(caller).await?).add(team, member).await?;
            let on = ResourceRef::new("folder", format!("it's ~ {n}").as_str().try_into()?)?;
            let assignment = Assignment {
                tenant,
                assignee: if n % 2 == 0 { Assignee::ServiceAccount(account) } else { Assignee::Team(team) },
                role: "reader".parse()?,
                on: Target::Resource(on),
                descends: n % 3 == 0,
            };
            app.roles(&world.again(caller).await?).assign(assignment).await?;
        }
    }
    let scope = anna.scope();
    let assignments = walk(proof, |page| async move { store.assignments(scope, &page).await }).await?;
    let distinct: BTreeSet<String> = assignments.iter().map(ToString::to_string).collect();
    proof.same("assignments, the owner's included", (assignments.len(), distinct.len()), (8, 8))?;
    let own = assignments.iter().filter(|found| found.tenant == anna.tenant().id()).count();
    proof.same("all of the tenant", own, 8)?;
    let descending = assignments.iter().filter(|found| found.descends).count();
    proof.same("that reach below", descending, 3)?;
    let members = walk(proof, |page| async move { store.team_members(scope, &page).await }).await?;
    let distinct: BTreeSet<_> = members.iter().map(|TeamMember { member, .. }| *member).collect();
    proof.same("who is in teams", (members.len(), distinct.len()), (7, 7))?;
    let team = there(members.first().map(|found| found.team), "a team")?;
    let of_team = walk(proof, |page| async move { store.members_of(scope, team, &page).await }).await?;
    proof.same("who is in one", of_team.len(), 7)?;
    let accounts = walk(proof, |page| async move { store.service_accounts(scope, &page).await }).await?;
    proof.same("service accounts", accounts.len(), 7)?;
    let teams = walk(proof, |page| async move { store.teams(scope, &page).await }).await?;
    proof.same("teams", teams.len(), 1)?;
    let people = walk(proof, |page| async move { store.members(scope, &page).await }).await?;
    proof.same("members", people.len(), 1)?;
    let roles = walk(proof, |page| async move { store.roles(scope, &page).await }).await?;
    proof.same("roles", roles.len(), 2)?;
    let of_role = store.assignments_of(scope, &"reader".parse()?, Reach::Here, 4).await?;
    proof.same("some who have a role", of_role.len(), 4)?;
    let of_role = store.assignments_of(scope, &"reader".parse()?, Reach::Below, 4).await?;
    proof.same(
        "who have it below too",
        (of_role.len(), of_role.iter().all(|found| found.descends)),
        (3, true),
    )?;
    let foreign = there(store.assignments(scope, &PageRequest::new(1, None)?).await?.next, "a cursor")?;
    let seen = store.assignments(zoe.scope(), &PageRequest::new(200, Some(foreign))?).await?;
    let others = seen.items.iter().filter(|found| found.tenant != zoe.tenant().id()).count();
    proof.same("of another tenant, by a cursor of another's", others, 0)?;
    let odd = PageRequest::new(5, Some(Cursor::parse("x~y")?))?;
    let found = store.team_members(scope, &odd).await?.items.len();
    proof.holds(found == 0 || found == 5, "a cursor that nobody gave is no failure")
}

/// A list to its end, two rows at a time.
async fn walk<T, F>(proof: &mut Proof, mut read: impl FnMut(PageRequest) -> F) -> Outcome<Vec<T>>
where
    F: Future<Output = Result<Page<T>, Unavailable>>,
{
    let (mut page, mut items) = (PageRequest::new(2, None)?, Vec::new());
    for _ in 0..100 {
        let found = read(page.clone()).await?;
        proof.holds(found.items.len() <= 2, "a page is as large as was asked")?;
        items.extend(found.items);
        match found.next {
            Some(next) => page = page.following(Cursor::parse(next.as_str())?),
            None => return Ok(items),
        }
    }
    Err(Stop::because("the pages of a list never end"))
}
