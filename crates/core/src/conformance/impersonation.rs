use super::Harness;
use super::proof::{Outcome, Proof, refused, there};
use super::trail::note;
use super::world::{HOUR, Impersonate, Read, World, Write, role, user_id};
use crate::{
    AccessRefusal, AuditActor, Caller, ImpersonationRefusal, PageRequest, PrincipalId, Reach, RequestFacts,
    RoleKey, Target, UserId,
};

pub(super) async fn both(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let support = world.member(&anna, "support").await?;
    let clerk = world.member(&anna, "clerk").await?;
    let tenant = anna.tenant().id();
    for new in [
        role("support", &["member:impersonate", "listing:read"])?,
        role("clerk", &["listing:read", "listing:write"])?,
    ] {
        app.roles(&world.again(&anna).await?).define(new).await?;
    }
    for (user, role) in [(&support, "support"), (&clerk, "clerk")] {
        app.members(&world.again(&anna).await?).assign(user.id, role.parse()?).await?;
    }
    let request = RequestFacts::new(app.now(), None);
    let as_whom = |by: Caller, whom: UserId, lasts| {
        let request = request.clone();
        async move { app.impersonate::<Impersonate>(&by, whom, lasts, &request).await }
    };
    let helper = world.admit_to(tenant, &support).await?;
    let acting = as_whom(helper.clone(), clerk.id, HOUR).await?;
    let (whom, who) = (PrincipalId::User(clerk.id), PrincipalId::User(support.id));
    proof.same("both", (acting.id(), acting.principal().actor()), (whom, Some(who)))?;
    let authority = acting.principal().authority();
    let held = (authority.has::<Read>(), authority.has::<Write>(), authority.has::<Impersonate>());
    proof.same("what both may do", held, (true, false, false))?;
    let lines = role("any", &["listing:write"])?.grants;
    let beyond = authority.may_grant(&lines, &Target::Tenant, Reach::Here);
    proof.holds(beyond.is_err(), "nor does it grant what only one of them holds")?;
    proof.same("for how long", acting.expires_at(), Some(app.now().after(HOUR)))?;

    let owner = as_whom(helper.clone(), user_id(&anna)?, HOUR).await?;
    let taken = app.members(&owner).assign(support.id, RoleKey::owner()).await;
    proof.holds(matches!(refused(taken)?, AccessRefusal::Escalation(_)), "who acts as an owner is none")?;
    let ended = app.members(&acting).remove(clerk.id).await;
    proof.holds(
        matches!(refused(ended)?, AccessRefusal::Escalation(_)),
        "nor ends the membership of whom it acts as",
    )?;
    let taken = app.members(&acting).unassign(clerk.id, "clerk".parse()?).await;
    proof.holds(matches!(refused(taken)?, AccessRefusal::Escalation(_)), "nor lays down its roles")?;
    app.trail(&acting).note(note("looked")).await?;
    world.seal().await?;
    let trail = store.audit(acting.scope(), &PageRequest::first()).await?.items;
    let both = AuditActor::Impersonation { actor: who, subject: whom };
    let noted = there(trail.iter().find(|found| found.entry.actor == both), "an entry of both")?;
    proof.same("what was done", noted.entry.action.as_str(), "suite.note")?;
    let begun = |found: &&crate::SealedAudit| found.entry.action == "principal.impersonate";
    proof.same("that it began", trail.iter().filter(begun).count(), 2)?;

    let nested = refused(as_whom(acting.clone(), user_id(&anna)?, HOUR).await)?;
    proof.same("as a third", nested, ImpersonationRefusal::Nested)?;
    let own = refused(as_whom(helper.clone(), support.id, HOUR).await)?;
    proof.same("as oneself", own, ImpersonationRefusal::Nested)?;
    let long = refused(as_whom(helper.clone(), clerk.id, HOUR * 2).await)?;
    proof.same("for two hours", long, ImpersonationRefusal::TooLong)?;
    let nobody = refused(as_whom(helper.clone(), UserId::generate(), HOUR).await)?;
    proof.same("as nobody", nobody, ImpersonationRefusal::NotFound)?;
    let stranger = world.register("zoe", "seller@1").await?;
    let foreign = refused(as_whom(helper.clone(), user_id(&stranger)?, HOUR).await)?;
    proof.same("as another tenant's member", foreign, ImpersonationRefusal::NotFound)?;
    let plain = world.admit_to(tenant, &clerk).await?;
    let denied = refused(as_whom(plain, support.id, HOUR).await)?;
    proof.same("without the permission", denied, ImpersonationRefusal::Denied)?;

    let late = as_whom(helper.clone(), clerk.id, HOUR).await?;
    world.clock.advance(HOUR);
    let after = app.trail(&late).note(note("late")).await;
    proof.holds(after.is_err(), "once it is over nothing is written")?;
    let again = as_whom(world.admit_to(tenant, &support).await?, clerk.id, HOUR).await?;
    app.members(&world.again(&anna).await?).unassign(support.id, "support".parse()?).await?;
    proof.holds(!again.is_current(), "who is demoted acts as nobody")?;
    let after = app.members(&again).remove(clerk.id).await;
    proof.holds(after.is_err(), "nor is anything written on what it was")
}
