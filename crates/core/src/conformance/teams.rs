use super::Harness;
use super::proof::{Outcome, Proof, refused, there};
use super::world::{Read, World, Write, role};
use crate::{
    AccessRefusal, Assignee, Assignment, Caller, Failure, PrincipalId, RoleKey, Target, TeamId, User,
};

/// Gives a team a role on the whole tenant.
pub(super) async fn assign(world: &World, by: &Caller, team: TeamId, role: &str) -> Outcome {
    let by = world.again(by).await?;
    let assignment = Assignment {
        tenant: by.tenant().id(),
        assignee: Assignee::Team(team),
        role: role.parse()?,
        on: Target::Tenant,
        descends: false,
    };
    Ok(world.app().roles(&by).assign(assignment).await?)
}

/// Whether a member may read, and write, everything in the caller's tenant now.
async fn holds(world: &World, of: &Caller, user: &User) -> Outcome<(bool, bool)> {
    let caller = world.admit_to(of.tenant().id(), user).await?;
    let authority = caller.principal().authority();
    Ok((authority.has::<Read>(), authority.has::<Write>()))
}

async fn made(world: &World, by: &Caller, parent: Option<TeamId>) -> Outcome<TeamId> {
    Ok(world.app().teams(&world.again(by).await?).create("Team", parent).await?)
}

pub(super) async fn nested(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let anna = world.register("anna", "seller@1").await?;
    let bela = world.member(&anna, "bela").await?;
    let anna = world.again(&anna).await?;
    app.roles(&anna).define(role("writer", &["listing:write"])?).await?;
    let company = made(&world, &anna, None).await?;
    let unit = made(&world, &anna, Some(company)).await?;
    let crew = made(&world, &anna, Some(unit)).await?;
    let other = made(&world, &anna, None).await?;
    assign(&world, &anna, company, "reader").await?;
    assign(&world, &anna, other, "writer").await?;
    proof.same("before", holds(&world, &anna, &bela).await?, (false, false))?;

    let member = PrincipalId::User(bela.id);
    app.teams(&world.again(&anna).await?).add(crew, member).await?;
    proof.same("two teams up", holds(&world, &anna, &bela).await?, (true, false))?;
    let facts = app.members(&world.again(&anna).await?).get(bela.id).await?;
    proof.same("the teams that one is in", facts.teams, vec![crew])?;
    let seen = world.admit_to(anna.tenant().id(), &bela).await?;
    app.teams(&world.again(&anna).await?).place(unit, Some(other)).await?;
    proof.holds(!seen.is_current(), "a team that moves takes the callers in it along")?;
    proof.same("the unit moved", holds(&world, &anna, &bela).await?, (false, true))?;
    app.teams(&world.again(&anna).await?).place(unit, None).await?;
    proof.same("by itself", holds(&world, &anna, &bela).await?, (false, false))?;
    app.teams(&world.again(&anna).await?).place(unit, Some(company)).await?;

    let anna = world.again(&anna).await?;
    for (team, parent) in [(company, company), (company, crew), (unit, crew)] {
        let circle = refused(app.teams(&anna).place(team, Some(parent)).await)?;
        proof.same("a team below itself", circle, AccessRefusal::Circular)?;
    }
    let nowhere = refused(app.teams(&anna).place(unit, Some(TeamId::generate())).await)?;
    proof.same("a team that isn't there", nowhere, AccessRefusal::NotFound)?;
    for (team, by) in [(company, "teams below it"), (crew, "members"), (other, "assignments")] {
        let in_use = refused(app.teams(&anna).delete(team).await)?;
        proof.same("a team in use", in_use, AccessRefusal::InUse { by })?;
    }

    let mut lowest = crew;
    for _ in 0..5 {
        lowest = made(&world, &anna, Some(lowest)).await?;
    }
    let anna = world.again(&anna).await?;
    let ninth = refused(app.teams(&anna).create("Ninth", Some(lowest)).await)?;
    proof.same("nine above one another", ninth, AccessRefusal::TooDeep)?;
    let moved = refused(app.teams(&anna).place(company, Some(other)).await)?;
    proof.same("nine by moving", moved, AccessRefusal::TooDeep)?;

    app.teams(&anna).remove(crew, member).await?;
    proof.same("out again", holds(&world, &anna, &bela).await?, (false, false))?;
    let again = refused(app.teams(&world.again(&anna).await?).remove(crew, member).await)?;
    proof.same("who isn't in it", again, AccessRefusal::NotFound)?;
    app.teams(&world.again(&anna).await?).delete(lowest).await?;
    app.teams(&world.again(&anna).await?).rename(crew, "The crew").await?;
    let blank = app.teams(&world.again(&anna).await?).rename(crew, " ").await;
    proof.holds(matches!(refused(blank)?, AccessRefusal::Name(_)), "a team has a name")?;

    app.teams(&world.again(&anna).await?).add(crew, member).await?;
    app.members(&world.again(&anna).await?).remove(bela.id).await?;
    app.members(&world.again(&anna).await?).add(&bela).await?;
    proof.same("who comes back is in no team", holds(&world, &anna, &bela).await?, (false, false))
}

pub(super) async fn escalation(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let anna = world.register("anna", "seller@1").await?;
    let bela = world.member(&anna, "bela").await?;
    let carl = world.member(&anna, "carl").await?;
    for new in
        [role("writer", &["listing:write"])?, role("watched", &["listing:read", "deny listing:write"])?]
    {
        app.roles(&world.again(&anna).await?).define(new).await?;
    }
    let writers = made(&world, &anna, None).await?;
    let readers = made(&world, &anna, None).await?;
    let watched = made(&world, &anna, None).await?;
    for (team, role) in [(writers, "writer"), (readers, "reader"), (watched, "watched")] {
        assign(&world, &anna, team, role).await?;
    }
    let reader: RoleKey = "reader".parse()?;
    app.members(&world.again(&anna).await?).assign(bela.id, reader).await?;
    let me = PrincipalId::User(bela.id);
    let tenant = anna.tenant().id();
    let clerk = world.admit_to(tenant, &bela).await?;
    let escalates = |result: Result<(), Failure<AccessRefusal>>| {
        Ok::<_, super::proof::Stop>(matches!(refused(result)?, AccessRefusal::Escalation(_)))
    };

    proof
        .holds(escalates(app.teams(&clerk).add(writers, me).await)?, "nobody joins a team that holds more")?;
    let other = PrincipalId::User(carl.id);
    proof.holds(escalates(app.teams(&clerk).add(writers, other).await)?, "nor puts somebody else there")?;
    app.teams(&clerk).add(readers, me).await?;
    let clerk = world.admit_to(tenant, &bela).await?;
    let moved = app.teams(&clerk).place(readers, Some(writers)).await;
    proof.holds(escalates(moved)?, "nobody moves his team below one that holds more")?;
    let moved = app.teams(&clerk).place(writers, Some(readers)).await;
    proof.holds(moved.is_ok(), "but who could grant what the team then holds may move it")?;
    let clerk = world.admit_to(tenant, &bela).await?;
    let below = app.teams(&clerk).create("Below", Some(writers)).await?;
    let clerk = world.admit_to(tenant, &bela).await?;
    proof.holds(escalates(app.teams(&clerk).add(below, me).await)?, "nor by way of a team below it")?;
    let clerk = world.admit_to(tenant, &bela).await?;
    let given = Assignment {
        tenant,
        assignee: Assignee::Team(readers),
        role: "writer".parse()?,
        on: Target::Tenant,
        descends: false,
    };
    proof.holds(escalates(app.roles(&clerk).assign(given).await)?, "nobody gives his own team more")?;
    app.teams(&world.again(&anna).await?).add(writers, other).await?;
    let clerk = world.admit_to(tenant, &bela).await?;
    let out = app.teams(&clerk).remove(writers, other).await;
    proof.holds(escalates(out)?, "nobody takes from another what he couldn't grant")?;

    app.teams(&world.again(&anna).await?).add(watched, other).await?;
    let carl_now = world.admit_to(tenant, &carl).await?;
    let authority = carl_now.principal().authority();
    proof.same("denied by a team", (authority.has::<Read>(), authority.has::<Write>()), (true, false))?;
    let out = app.teams(&carl_now).remove(watched, other).await;
    proof.holds(escalates(out)?, "nobody leaves a team that denies him something")?;
    let unit = made(&world, &anna, Some(watched)).await?;
    app.teams(&world.again(&anna).await?).add(unit, other).await?;
    app.teams(&world.again(&anna).await?).remove(watched, other).await?;
    let carl_now = world.admit_to(tenant, &carl).await?;
    let away = app.teams(&carl_now).place(unit, None).await;
    proof.holds(escalates(away)?, "nor moves it away from what denies him something")?;

    let mut narrow = super::world::registration("narrow", "seller@1")?;
    narrow.roles = vec![role("owner", &["listing:read"])?, role("reader", &["listing:read"])?];
    narrow.roles.push(role("watched", &["listing:read", "deny listing:write"])?);
    let at = app.resolve_id(world.operator.tenant().id()).await?;
    let narrow = world.admit(&app.register(&at, narrow).await?).await?;
    let dora = world.member(&narrow, "dora").await?;
    let mut batch = world.batch();
    for key in ["reader", "watched"] {
        let held = Assignment::of_member(narrow.tenant().id(), dora.id, key.parse()?);
        batch.insert(crate::store::Record::Assignment(held));
    }
    batch.change(crate::store::Change::MoveEpoch(narrow.tenant().id()));
    world.store().commit(batch).await?;
    let dora_now = world.admit_to(narrow.tenant().id(), &dora).await?;
    let freed = app.members(&dora_now).assign(dora.id, RoleKey::owner()).await;
    proof.holds(escalates(freed)?, "nobody becomes an owner to be rid of what denies him something")?;

    let stranger = world.register("zoe", "seller@1").await?;
    let foreign = app.teams(&stranger).add(writers, stranger.id()).await;
    proof.same("another tenant's team", refused(foreign)?, AccessRefusal::NotFound)?;
    let own = app.teams(&stranger).create("Own", None).await?;
    let stranger = world.again(&stranger).await?;
    let foreign = app.teams(&stranger).add(own, other).await;
    let refusal = there(refused(foreign).ok(), "a refusal")?;
    proof.same("another tenant's member", refusal, AccessRefusal::NotFound)?;
    let below = app.teams(&stranger).create("Below", Some(writers)).await;
    proof.same("below another tenant's team", refused(below)?, AccessRefusal::NotFound)
}
