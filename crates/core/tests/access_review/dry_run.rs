//! The dry run: what it says of everybody is what checks answer before and after.

use proptest::prelude::*;
use tenantry_core::{
    AccessDocument, Assignee, AssignmentEntry, Authority, CallerFacts, Direction, DryRun, Extent, Facts,
    PermissionChange, PermissionIndex, Place, PrincipalId, RequestFacts, Resource, RoleEntry, RoleKey, Scope,
    Target, TeamEntry, TenantId,
};

use crate::tenants::document;
use crate::world::{Document, Folder, HOME, catalog, grants, index, request, scopes, team, user};

pub(crate) fn entry(key: &str, lines: &[&str]) -> RoleEntry {
    RoleEntry { key: key.parse().unwrap(), name: key.to_owned(), grants: grants(lines) }
}

pub(crate) fn assigned(role: &str, assignee: Assignee, on: Option<&str>) -> AssignmentEntry {
    let on = on.map_or(Target::Tenant, |on| Target::Resource(on.parse().unwrap()));
    AssignmentEntry { role: role.parse().unwrap(), assignee, on, descends: false }
}

pub(crate) fn member_of(number: u128, parent: Option<u128>, members: &[u128]) -> TeamEntry {
    let members = members.iter().map(|number| PrincipalId::User(user(*number))).collect();
    TeamEntry { id: team(number), name: format!("Team {number}"), parent: parent.map(team), members }
}

/// User 1 owns it, user 2 edits, team 10 (user 3) views folder 1, team 11 has nobody.
pub(crate) fn tenant() -> AccessDocument {
    let roles = vec![
        entry("owner", &["*"]),
        entry("editor", &["document:edit", "folder:read"]),
        entry("viewer", &["document:read when resource.size < 5"]),
    ];
    let assignments = vec![
        assigned("owner", Assignee::User(user(1)), None),
        assigned("editor", Assignee::User(user(2)), None),
        AssignmentEntry { descends: true, ..assigned("viewer", Assignee::Team(team(10)), Some("folder/1")) },
    ];
    AccessDocument::new(roles, vec![member_of(10, None, &[3]), member_of(11, None, &[])], assignments)
        .unwrap()
}

pub(crate) fn with(
    change: impl FnOnce(&mut Vec<RoleEntry>, &mut Vec<TeamEntry>, &mut Vec<AssignmentEntry>),
) -> AccessDocument {
    let before = tenant();
    let (mut roles, mut teams, mut held) =
        (before.roles().to_vec(), before.teams().to_vec(), before.assignments().to_vec());
    change(&mut roles, &mut teams, &mut held);
    AccessDocument::new(roles, teams, held).unwrap()
}

pub(crate) fn run(before: &AccessDocument, after: &AccessDocument) -> DryRun {
    DryRun::of(&catalog(), HOME, &[Scope::all()], before, after)
}

pub(crate) fn role_of<'a>(roles: &'a mut [RoleEntry], key: &str) -> &'a mut RoleEntry {
    roles.iter_mut().find(|role| role.key.as_str() == key).unwrap()
}

#[test]
fn the_report_says_who_gains_and_who_loses_what() {
    let after = with(|roles, teams, held| {
        role_of(roles, "editor").grants =
            grants(&["document:read", "document:edit when resource.owner = caller.id", "folder:read"]);
        roles.push(entry("auditor", &["billing:*"]));
        roles.retain(|role| role.key.as_str() != "viewer");
        teams[1] = member_of(11, Some(10), &[4]);
        held.retain(|held| held.role.as_str() != "viewer");
        held.push(assigned("auditor", Assignee::Team(team(10)), None));
    });
    let (one, two, three, four) = (user(1), user(2), user(3), user(4));
    let (ten, eleven) = (team(10), team(11));
    let expected = format!(
        "roles
  + auditor \"auditor\": billing:*
  ~ editor: + document:edit when resource.owner = caller.id; + document:read; - document:edit
  - viewer \"viewer\": document:read when resource.size < 5
teams
  ~ {eleven} \"Team 11\": moves under {ten}; + user:{four}
assignments
  + auditor to team:{ten} in the tenant
  - viewer to team:{ten} on folder/1 and below
who gains and loses
  user:{two}
    has it less widely, when resource.owner = caller.id instead of always, in the tenant: document:edit
  user:{three}
    gains always, in the tenant: billing:invoice:read, billing:read
    loses what it had when resource.size < 5, on folder/1: document:read
    loses what it had when resource.size < 5, on what folder/1 contains: document:read
  user:{four}
    gains always, in the tenant: billing:invoice:read, billing:read
"
    );
    let run = run(&tenant(), &after);
    assert_eq!(run.to_string(), expected);
    assert!(!run.to_string().contains(&one.to_string()));
}

#[test]
fn what_stays_on_one_resource_is_told_beside_what_goes_from_the_tenant() {
    let before = with(|_, _, held| held.push(assigned("editor", Assignee::User(user(2)), Some("folder/1"))));
    let after = with(|_, _, held| {
        held.retain(|held| held.assignee != Assignee::User(user(2)));
        held.push(assigned("editor", Assignee::User(user(2)), Some("folder/1")));
    });
    let text = run(&before, &after).to_string();
    assert!(text.contains("loses all, in the tenant: document:edit, document:read, folder:read\n"), "{text}");
    assert!(
        text.contains("keeps it always, on folder/1: document:edit, document:read, folder:read\n"),
        "{text}"
    );
    let back = run(&after, &before);
    assert!(back.principals()[0].changes.iter().any(|change| change.direction == Direction::Gained));
}

#[test]
fn what_is_denied_in_the_tenant_alone_is_told_of_the_tenants_below() {
    let after = with(|roles, _, held| {
        roles.push(entry("barred", &["deny document:delete"]));
        roles.push(entry("regional", &["document:delete"]));
        held.push(assigned("barred", Assignee::User(user(4)), None));
        held.push(AssignmentEntry { descends: true, ..assigned("regional", Assignee::User(user(4)), None) });
    });
    let text = run(&tenant(), &after).to_string();
    assert!(text.contains("gains always, in the tenants below: document:delete\n"), "{text}");
    assert!(!text.contains("gains always, in the tenant: "), "{text}");
}

#[test]
fn what_an_owner_is_denied_below_is_told() {
    let owner = || AssignmentEntry { descends: true, ..assigned("owner", Assignee::User(user(4)), None) };
    let before = with(|roles, _, held| {
        roles.push(entry("barred", &["deny document:delete"]));
        held.push(owner());
    });
    let after = with(|roles, _, held| {
        roles.push(entry("barred", &["deny document:delete"]));
        held.push(owner());
        held.push(AssignmentEntry { descends: true, ..assigned("barred", Assignee::User(user(4)), None) });
    });
    let text = run(&before, &after).to_string();
    assert!(text.ends_with("loses all, in the tenants below: document:delete\n"), "{text}");
}

#[test]
fn a_change_of_conditions_is_wider_or_narrower_where_their_text_shows_it() {
    const SMALL: &str = "document:read when resource.size < 5";
    const SMALL_AND_OWN: &str = "document:read when resource.size < 5 and resource.owner = caller.id";
    const OWN: &str = "document:read when resource.owner = caller.id";
    const NOT_SMALL: &[&str] = &["document:read", "deny document:read when resource.size < 5"];
    const NEITHER: &[&str] = &[
        "document:read",
        "deny document:read when resource.size < 5",
        "deny document:read when resource.owner = caller.id",
    ];
    let table: [(&[&str], &[&str], Direction, Direction); 7] = [
        (&[SMALL], &["document:read"], Direction::Widened, Direction::Narrowed),
        (&[SMALL], &[SMALL, OWN], Direction::Widened, Direction::Narrowed),
        (&[SMALL_AND_OWN], &[SMALL], Direction::Widened, Direction::Narrowed),
        (NEITHER, NOT_SMALL, Direction::Widened, Direction::Narrowed),
        (
            &[SMALL, "deny document:read when resource.size < 5"],
            NOT_SMALL,
            Direction::Widened,
            Direction::Narrowed,
        ),
        (NOT_SMALL, &[OWN], Direction::Altered, Direction::Altered),
        (&[SMALL], &[OWN], Direction::Altered, Direction::Altered),
    ];
    for (less, more, there, back) in table {
        let of = |lines: &[&str]| with(|roles, _, _| role_of(roles, "editor").grants = grants(lines));
        let direction = |before: &[&str], after: &[&str]| {
            run(&of(before), &of(after)).principals()[0].changes[0].direction
        };
        assert_eq!((direction(less, more), direction(more, less)), (there, back), "{less:?} and {more:?}");
    }
}

#[test]
fn it_is_json_too() {
    let after = with(|_, _, held| held.retain(|held| held.role.as_str() != "editor"));
    let json = serde_json::to_value(run(&tenant(), &after)).unwrap();
    assert_eq!(json["assignments"][0]["edit"], "removed");
    assert_eq!(json["assignments"][0]["before"]["assignee"], format!("user:{}", user(2)));
    assert_eq!(json["principals"][0]["principal"], format!("user:{}", user(2)));
    assert_eq!(
        json["principals"][0]["changes"][0],
        serde_json::json!({
            "permission": "document:edit", "place": "tenant", "direction": "lost",
            "before": { "extent": "always" }, "after": { "extent": "never" },
        })
    );
    assert!(json.get("import").is_none());
}

#[test]
fn the_plan_is_the_ceiling_of_the_report_too() {
    let after = with(|_, _, held| held.push(assigned("owner", Assignee::User(user(4)), None)));
    let run = DryRun::of(&catalog(), HOME, &scopes(&["billing:*"]), &tenant(), &after);
    let gained: Vec<_> =
        run.principals()[0].changes.iter().map(|change| change.permission.as_str()).collect();
    assert_eq!(gained, ["billing:invoice:read", "billing:read"]);
}

/// What a principal may do somewhere, asked of the evaluator: with a resource of that place.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) place: &'a Place,
    pub(crate) document: &'a Document,
    pub(crate) request: &'a RequestFacts,
}

impl Asked<'_> {
    /// Whether it may, and, of a change, whether it says so.
    pub(crate) fn answer(
        &self,
        authority: &Authority,
        permission: PermissionIndex,
        extent: Option<&Extent>,
    ) -> (bool, Option<bool>) {
        let facts = Facts { caller: authority.caller(), request: self.request };
        fn of<R: Resource>(
            authority: &Authority,
            permission: PermissionIndex,
            resource: &R,
            facts: &Facts<'_>,
            extent: Option<&Extent>,
        ) -> (bool, Option<bool>) {
            let told = extent.map(|extent| extent.holds(Some(resource), facts));
            (authority.check(permission, resource, facts.request).is_allowed(), told)
        }
        match self.place {
            Place::Resource(name) if name.to_string() == "folder/1" => {
                of(authority, permission, &Folder { id: 1 }, &facts, extent)
            }
            Place::TenantsBelow => {
                let caller = CallerFacts::of(
                    authority.caller().principal(),
                    TenantId::from_uuid(uuid::Uuid::from_u128(200)),
                );
                let below = Authority::of(
                    &catalog(),
                    caller.clone(),
                    authority.holdings().to_vec(),
                    authority.ceiling(),
                );
                let facts = Facts { caller: &caller, request: self.request };
                of(&below, permission, self.document, &facts, extent)
            }
            _ => of(authority, permission, self.document, &facts, extent),
        }
    }
}

/// The places that there are, each with a document that is there and nowhere else.
pub(crate) fn places(document: &Document) -> Vec<(Place, Document)> {
    let at = |id, folder| Document { id, folder, ..document.clone() };
    vec![
        (Place::Tenant, at(99, None)),
        (Place::TenantsBelow, at(99, None)),
        (Place::Resource("document/1".parse().unwrap()), at(1, None)),
        (Place::Resource("document/2".parse().unwrap()), at(2, None)),
        (Place::Resource("folder/1".parse().unwrap()), at(99, None)),
        (Place::Within("folder/1".parse().unwrap()), at(99, Some(1))),
    ]
}

fn authority_of(document: &AccessDocument, principal: PrincipalId, plan: &[Scope]) -> Authority {
    let everybody = document.authorities(&catalog(), HOME, plan);
    let found = everybody.into_iter().find(|authority| authority.caller().principal() == principal);
    found.unwrap_or_else(|| Authority::of(&catalog(), CallerFacts::of(principal, HOME), vec![], plan))
}

/// The authorities of one principal under one document: in the tenant, and for the tenants below.
pub(crate) struct Authorities {
    here: Authority,
    for_below: Authority,
}

impl Authorities {
    pub(crate) fn of(document: &AccessDocument, principal: PrincipalId, plan: &[Scope]) -> Self {
        let here = authority_of(document, principal, plan);
        Self { here, for_below: authority_of(&unowned(document), principal, plan) }
    }

    pub(crate) fn at(&self, place: &Place) -> &Authority {
        if *place == Place::TenantsBelow { &self.for_below } else { &self.here }
    }
}

/// The same with the role of owners under another name: so it is held in the tenants below, where nobody owns anything by it
/// and nobody is spared what is denied.
fn unowned(document: &AccessDocument) -> AccessDocument {
    let named = |key: &RoleKey| if key.is_owner() { "lord".parse().unwrap() } else { key.clone() };
    let roles = document.roles().iter().map(|role| RoleEntry { key: named(&role.key), ..role.clone() });
    let held = document.assignments().iter();
    let held = held.map(|held| AssignmentEntry { role: named(&held.role), ..held.clone() });
    AccessDocument::new(roles.collect(), document.teams().to_vec(), held.collect()).unwrap()
}

/// The change that a report tells for a place: one for it, or the tenant's.
fn told<'a>(
    run: &'a DryRun,
    principal: PrincipalId,
    key: &str,
    place: &Place,
) -> Option<&'a PermissionChange> {
    let changes = &run.principals().iter().find(|change| change.principal == principal)?.changes;
    let at = |place: &Place| {
        changes.iter().find(|change| change.permission.as_str() == key && change.place == *place)
    };
    let in_tenant = if *place == Place::TenantsBelow { None } else { at(&Place::Tenant) };
    at(place).or(in_tenant)
}

pub(crate) fn everybody() -> Vec<PrincipalId> {
    let service =
        PrincipalId::ServiceAccount(tenantry_core::ServiceAccountId::from_uuid(uuid::Uuid::from_u128(50)));
    [1, 2, 3, 4, 9].into_iter().map(|number| PrincipalId::User(user(number))).chain([service]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_document_against_itself_changes_nothing(document in document()) {
        let run = run(&document, &document);
        prop_assert!(run.is_empty() && run.principals().is_empty());
        prop_assert_eq!(run.to_string(), "nothing changes\n");
    }

    #[test]
    fn what_is_told_is_what_checks_answer_before_and_after(
        before in document(), after in document(), plan in prop::sample::select(vec!["*", "document:*", "*:read"]),
        owner in prop::option::of(1..3_u128), size in prop::option::of(0..9_i64),
    ) {
        let plan = scopes(&[plan]);
        let (catalog, request) = (catalog(), request());
        let run = DryRun::of(&catalog, HOME, &plan, &before, &after);
        let seen = Document { owner: owner.map(uuid::Uuid::from_u128), size, ..Document::numbered(0) };
        for principal in everybody() {
            let of = |document| Authorities::of(document, principal, &plan);
            let (before, after) = (of(&before), of(&after));
            for (place, document) in places(&seen) {
                let (old, new) = (before.at(&place), after.at(&place));
                for key in catalog.iter().map(|known| known.key.as_str()) {
                    let change = told(&run, principal, key, &place);
                    let asked = Asked { place: &place, document: &document, request: &request };
                    let (was, told_was) = asked.answer(old, index(key), change.map(|change| &change.before));
                    let (is, told_is) = asked.answer(new, index(key), change.map(|change| &change.after));
                    let Some(change) = change else {
                        prop_assert_eq!(was, is, "{} {} {}: untold\n{}", principal, key, place, run);
                        continue;
                    };
                    prop_assert_eq!(Some(was), told_was, "{} {} {:?} before\n{}", principal, place, change, run);
                    prop_assert_eq!(Some(is), told_is, "{} {} {:?} after\n{}", principal, place, change, run);
                    match change.direction {
                        Direction::Gained => prop_assert!(!was),
                        Direction::Widened => prop_assert!(!was || is),
                        Direction::Narrowed => prop_assert!(was || !is),
                        Direction::Lost => prop_assert!(!is),
                        _ => {}
                    }
                }
            }
        }
    }
}
