use super::Harness;
use super::proof::{Outcome, Proof, refused, there};
use super::trail::note;
use super::world::{DAY, HOUR, Read, World, Write, role};
use crate::{
    AccessRefusal, AdmitError, Assignee, Assignment, AuditActor, Caller, InvalidApiKey, NewApiKey,
    PageRequest, PrincipalId, Reach, Scope, ServiceAccountId, Target, Timestamp,
};

/// Gives a program a role on the whole tenant.
async fn assign(world: &World, by: &Caller, to: PrincipalId, role: &str) -> Outcome {
    let by = world.again(by).await?;
    let assignment = Assignment {
        tenant: by.tenant().id(),
        assignee: Assignee::from(to),
        role: role.parse()?,
        on: Target::Tenant,
        descends: false,
    };
    Ok(world.app().roles(&by).assign(assignment).await?)
}

fn key(scopes: &[&str], expires_at: Timestamp) -> Outcome<NewApiKey> {
    let scopes: Result<Vec<Scope>, _> = scopes.iter().map(|scope| scope.parse()).collect();
    Ok(NewApiKey { name: "Deploy".to_owned(), scopes: scopes?, expires_at })
}

pub(super) async fn keys(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let anna = world.register("anna", "seller@1").await?;
    let end = app.now().after(DAY);
    let id = app.programs(&anna).create_api_key(key(&["listing:read"], end)?).await?;
    let tenant = app.resolve_id(anna.tenant().id()).await?;
    let bare = app.admit_api_key(&tenant, id).await?;
    proof.holds(!bare.principal().authority().has::<Read>(), "a key without roles may do nothing")?;
    proof.same("when it ends", bare.expires_at(), Some(end))?;
    proof.same("who it is", (bare.id(), bare.user()), (PrincipalId::ApiKey(id), None))?;

    assign(&world, &anna, bare.id(), "owner").await?;
    proof.holds(!bare.is_current(), "what a key was is over with what it is given")?;
    let narrow = app.admit_api_key(&tenant, id).await?;
    let authority = narrow.principal().authority();
    let held = (authority.has::<Read>(), authority.has::<Write>());
    proof.same("within what it carries", held, (true, false))?;
    let lines = role("boss", &["*"])?.grants;
    let beyond = authority.may_grant(&lines, &Target::Tenant, Reach::Here);
    proof.holds(beyond.is_err(), "a key grants nothing beyond what it carries either")?;
    let new = app.roles(&narrow).define(role("boss", &["*"])?).await;
    proof.holds(matches!(refused(new)?, AccessRefusal::Escalation(_)), "nor makes a role of it")?;

    let anna = world.again(&anna).await?;
    let odd = app.programs(&anna).create_api_key(key(&["nothing:here"], end)?).await;
    proof.holds(matches!(refused(odd)?, AccessRefusal::Scope(_)), "what it carries means something")?;
    let none = refused(app.programs(&anna).create_api_key(key(&[], end)?).await)?;
    proof.same("carrying nothing", none, AccessRefusal::ApiKey(InvalidApiKey::Scopes { count: 0 }))?;
    let over = key(&["*"], app.now())?;
    let over = refused(app.programs(&anna).create_api_key(over).await)?;
    proof.same("expired before it is made", over, AccessRefusal::ApiKey(InvalidApiKey::Expired))?;

    let elsewhere = world.register("zoe", "seller@1").await?;
    let other = app.admit_api_key(elsewhere.tenant(), id).await;
    proof.holds(matches!(other, Err(AdmitError::NotMember)), "a key is nobody in another tenant")?;
    let narrow = app.admit_api_key(&tenant, id).await?;
    world.clock.advance(DAY);
    let late = app.admit_api_key(&tenant, id).await;
    proof.holds(matches!(late, Err(AdmitError::NotMember)), "a key that has expired is nobody")?;
    let late = app.teams(&narrow).create("Late", None).await;
    proof.holds(late.is_err(), "and what it had in hand is refused")?;

    let anna = world.again(&anna).await?;
    let next = app.programs(&anna).create_api_key(key(&["*"], app.now().after(HOUR))?).await?;
    assign(&world, &anna, PrincipalId::ApiKey(next), "reader").await?;
    let reader = app.admit_api_key(&tenant, next).await?;
    app.programs(&world.again(&anna).await?).revoke_api_key(next).await?;
    proof.holds(!reader.is_current(), "a key that is revoked is over at once")?;
    let revoked = app.admit_api_key(&tenant, next).await;
    proof.holds(matches!(revoked, Err(AdmitError::NotMember)), "and nobody from then on")?;
    let left = world.store().assigned(anna.scope(), Assignee::ApiKey(next)).await?;
    proof.same("and nothing is left of what it had", left.len(), 0)
}

pub(super) async fn accounts(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let (app, store) = (world.app(), world.store());
    let anna = world.register("anna", "seller@1").await?;
    let id = app.programs(&anna).create_service_account("Importer").await?;
    let crew = app.teams(&world.again(&anna).await?).create("Importers", None).await?;
    super::teams::assign(&world, &anna, crew, "reader").await?;
    app.teams(&world.again(&anna).await?).add(crew, PrincipalId::ServiceAccount(id)).await?;
    let tenant = app.resolve_id(anna.tenant().id()).await?;
    let importer = app.admit_service_account(&tenant, id).await?;
    proof.holds(importer.principal().authority().has::<Read>(), "it holds what its team holds")?;

    app.trail(&importer).note(note("import")).await?;
    world.seal().await?;
    let trail = store.audit(importer.scope(), &PageRequest::first()).await?;
    let entry = there(trail.items.first(), "an entry")?;
    let actor = AuditActor::Principal(PrincipalId::ServiceAccount(id));
    proof.same("who it was", &entry.entry.actor, &actor)?;

    let own = app.programs(&importer).delete_service_account(ServiceAccountId::generate()).await;
    proof.same("one that isn't there", refused(own)?, AccessRefusal::NotFound)?;
    let boss = app.programs(&world.again(&anna).await?).create_service_account("Boss").await?;
    assign(&world, &anna, PrincipalId::ServiceAccount(boss), "owner").await?;
    let importer = app.admit_service_account(&tenant, id).await?;
    let deposed = app.programs(&importer).delete_service_account(boss).await;
    proof.holds(matches!(refused(deposed)?, AccessRefusal::Escalation(_)), "nobody ends who holds more")?;
    let anna = world.again(&anna).await?;
    app.programs(&anna).delete_service_account(id).await?;
    let gone = app.admit_service_account(&tenant, id).await;
    proof.holds(matches!(gone, Err(AdmitError::NotMember)), "a service account that is deleted is nobody")?;
    let members = store.team_members(anna.scope(), &PageRequest::first()).await?;
    proof.same("and in no team", members.items.len(), 0)
}
