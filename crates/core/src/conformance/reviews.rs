use super::Harness;
use super::proof::{Outcome, Proof, refused, there};
use super::world::{Impersonate, Read, World, Write, role, user_id};
use crate::{
    AccessDocument, AccessRefusal, AssignmentEntry, Caller, Denied, ImportRefusal, PageRequest, PrincipalId,
    Reason, RequestFacts, Resource, RoleEntry, Target, TeamEntry, TeamId, Value,
};

crate::permissions! {
    /// In no catalog.
    Unlisted = "listing:burn";
}

struct Listing(uuid::Uuid);

impl Resource for Listing {
    const TYPE: &'static str = "listing";

    fn id(&self) -> Value<'_> {
        self.0.into()
    }

    fn attribute(&self, _: &str) -> Option<Value<'_>> {
        None
    }
}

/// The same document with these teams and assignments besides.
fn with(
    document: &AccessDocument,
    roles: Vec<RoleEntry>,
    teams: Vec<TeamEntry>,
    assignments: Vec<AssignmentEntry>,
) -> Outcome<AccessDocument> {
    let roles = document.roles().iter().cloned().chain(roles).collect();
    let teams = document.teams().iter().cloned().chain(teams).collect();
    let assignments = document.assignments().iter().cloned().chain(assignments).collect();
    Ok(AccessDocument::new(roles, teams, assignments)?)
}

pub(super) async fn documents(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    let world = World::open(harness).await?;
    let app = world.app();
    let anna = world.register("anna", "seller@1").await?;
    let bela = world.member(&anna, "bela").await?;
    let request = RequestFacts::new(app.now(), None);
    let anna = world.again(&anna).await?;
    let review = app.review::<Impersonate>(&anna, &request)?;
    let before = review.export().await?;
    proof.same("roles and assignments", (before.roles().len(), before.assignments().len()), (2, 1))?;

    let crew = TeamId::generate();
    let (member, owner) = (PrincipalId::User(bela.id), user_id(&anna)?);
    let clerk = RoleEntry {
        key: "clerk".parse()?,
        name: "Clerk".into(),
        grants: role("clerk", &["listing:*"])?.grants,
    };
    let team = TeamEntry { id: crew, name: "Crew".to_owned(), parent: None, members: vec![member] };
    let to_crew = AssignmentEntry {
        role: "clerk".parse()?,
        assignee: crate::Assignee::Team(crew),
        on: Target::Tenant,
        descends: false,
    };
    let after = with(&before, vec![clerk], vec![team], vec![to_crew])?;
    let run = review.dry_run(&after).await?;
    let gains: Vec<_> = run.principals().iter().map(|change| change.principal).collect();
    proof.same("who would gain by it", gains, vec![member])?;
    let tenant = anna.tenant().id();
    let holds = |caller: &Caller| caller.principal().authority().has::<Write>();
    proof.holds(!holds(&world.admit_to(tenant, &bela).await?), "a dry run changes nothing")?;

    let plain = world.admit_to(tenant, &bela).await?;
    let may_see = app.review::<Impersonate>(&plain, &request);
    proof.holds(matches!(may_see, Err(Denied::Forbidden)), "who may not see it doesn't")?;
    let own = refused(app.roles(&plain).import(after.clone()).await)?;
    let is_escalation = matches!(own, AccessRefusal::Import(ImportRefusal::Escalation { .. }));
    proof.holds(is_escalation, "nobody imports what he couldn't grant")?;

    app.roles(&anna).import(after.clone()).await?;
    let anna = world.again(&anna).await?;
    let review = app.review::<Impersonate>(&anna, &request)?;
    proof.same("what was imported is what is exported", review.export().await?, after.clone())?;
    let clerk_now = world.admit_to(tenant, &bela).await?;
    proof.holds(holds(&clerk_now), "and what is held")?;
    let page = PageRequest::first();
    let who = review.who_can::<Write, _>(&Listing(uuid::Uuid::nil()), &page).await?.items;
    let mut found: Vec<_> = who.iter().map(|holder| holder.principal).collect();
    found.sort();
    let mut expected = vec![PrincipalId::User(owner), member];
    expected.sort();
    proof.same("who can write", found, expected)?;
    let through = there(who.iter().find(|holder| holder.principal == member), "the member")?.to_string();
    proof.holds(through.contains(&crew.to_string()), "through the team")?;
    let here = review.who_can_here::<Impersonate>(&page).await?.items.len();
    proof.same("who can do what the owner alone may", here, 1)?;
    let why = review.explain::<Read, _>(member, &Listing(uuid::Uuid::nil())).await?;
    proof.same("why", why.reason, Reason::Granted)?;
    let nil = Listing(uuid::Uuid::nil());
    let unlisted = [
        refused(review.who_can::<Unlisted, _>(&nil, &page).await)?,
        refused(review.who_can_here::<Unlisted>(&page).await)?,
        refused(review.explain::<Unlisted, _>(member, &nil).await)?,
    ];
    proof.same("a permission of no catalog", unlisted, [(); 3].map(|()| AccessRefusal::NotInCatalog))?;
    let unknown = PrincipalId::User(crate::UserId::generate());
    let nobody = refused(review.explain::<Read, _>(unknown, &Listing(uuid::Uuid::nil())).await)?;
    proof.same("why nobody may", nobody, AccessRefusal::NotFound)?;

    let orphaned = AccessDocument::new(before.roles().to_vec(), vec![], vec![])?;
    let orphaned = refused(app.roles(&anna).import(orphaned).await)?;
    proof.same("without an owner", orphaned, AccessRefusal::Import(ImportRefusal::LastOwner))?;
    let mut powerless = before.roles().to_vec();
    for role in powerless.iter_mut().filter(|role| role.key.is_owner()) {
        role.grants = super::world::role("owner", &["listing:*"])?.grants;
    }
    let powerless = AccessDocument::new(powerless, vec![], before.assignments().to_vec())?;
    let powerless = refused(app.roles(&anna).import(powerless).await)?;
    proof.same("with another owner's role", powerless, AccessRefusal::OwnerRole)?;
    let stranger = AssignmentEntry {
        role: "reader".parse()?,
        assignee: crate::Assignee::from(unknown),
        on: Target::Tenant,
        descends: false,
    };
    let foreign = with(&after, vec![], vec![], vec![stranger])?;
    let foreign = refused(app.roles(&anna).import(foreign).await)?;
    proof.same("for somebody who is no member", foreign, AccessRefusal::NotFound)?;

    app.roles(&anna).import(before.clone()).await?;
    let anna = world.again(&anna).await?;
    let back = app.review::<Impersonate>(&anna, &request)?.export().await?;
    proof.same("and back again", back, before.clone())?;
    proof.holds(!holds(&world.admit_to(tenant, &bela).await?), "what was imported is gone")?;
    let other = AssignmentEntry {
        role: crate::RoleKey::owner(),
        assignee: crate::Assignee::User(bela.id),
        on: Target::Tenant,
        descends: false,
    };
    let handed = AccessDocument::new(before.roles().to_vec(), vec![], vec![other])?;
    app.roles(&anna).import(handed).await?;
    let handed = world.admit_to(tenant, &bela).await?;
    proof.holds(holds(&handed) && !holds(&world.again(&anna).await?), "an import may hand a tenant over")
}
