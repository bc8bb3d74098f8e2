//! Each reason, with the path that led there and its text.

use tenantry_core::{Assignee, Authority, Catalog, Explanation, Holding, PrincipalId, Reason, Scope};
use uuid::Uuid;

use crate::model::{
    Document, DocumentDelete, DocumentEdit, DocumentRead, FolderRead, caller, catalog, held, holder, index,
    request, role, scopes, team, user,
};

fn numbered(id: u128) -> Document {
    Document { id: Uuid::from_u128(id), owner: None, folder: None, size: None, state: None }
}

fn told(authority: &Authority, document: &Document) -> Explanation {
    authority.explain(index::<DocumentRead>(), document, &request()).unwrap()
}

#[test]
fn after_a_denial_the_same_resource_is_no_other_one() {
    for denial in ["deny document:read", "deny document:read when resource.size > 5"] {
        let on_it = "document/00000000-0000-0000-0000-000000000001".parse().unwrap();
        let told = told(&holder(vec![held(&["document:read"]).on(on_it), held(&[denial])]), &numbered(1));
        assert!(!told.is_allowed && told.misses.is_empty(), "{told}");
    }
}

#[test]
fn an_actor_of_a_smaller_catalog_lacks_what_that_does_not_have() {
    let small = Catalog::builder().permission::<FolderRead>().build().unwrap();
    let actor = Authority::of(&small, caller(2), vec![held(&["*"])], &[Scope::all()]);
    let both = holder(vec![held(&["*"])]).limited_to(&actor);
    assert!(!both.check(index::<DocumentRead>(), &numbered(1), &request()).is_allowed());
    let told = told(&both, &numbered(1));
    assert_eq!((told.is_allowed, told.reason), (false, Reason::DeniedToActor), "{told}");
}

#[test]
fn every_reason_has_its_code() {
    let one = numbered(1);
    let sized = Document { size: Some(9), ..numbered(1) };
    let on_two = || "document/00000000-0000-0000-0000-000000000002".parse().unwrap();
    let everything = || holder(vec![held(&["*"])]);
    let nothing = || Authority::of(&catalog(), caller(2), vec![], &[Scope::all()]);
    let table = [
        (Reason::Granted, everything(), &one),
        (Reason::DeniedByRole, holder(vec![held(&["*", "deny document:read"])]), &one),
        (
            Reason::DenialUnknown,
            holder(vec![held(&["*", "deny document:read when resource.size > 5"])]),
            &one,
        ),
        (
            Reason::DeniedByRole,
            holder(vec![held(&["*", "deny document:read when resource.size > 5"])]),
            &sized,
        ),
        (Reason::DeniedToActor, everything().limited_to(&nothing()), &one),
        (Reason::ConditionUnknown, holder(vec![held(&["document:read when resource.size < 5"])]), &one),
        (Reason::ConditionNotMet, holder(vec![held(&["document:read when resource.size < 5"])]), &sized),
        (Reason::OtherResource, holder(vec![held(&["document:read"]).on(on_two())]), &one),
        (Reason::NotCarried, everything().narrowed_to(&scopes(&["folder:*"])), &one),
        (Reason::AbovePlan, Authority::of(&catalog(), caller(1), vec![held(&["*"])], &[]), &one),
        (Reason::NotGranted, holder(vec![held(&["folder:read"])]), &one),
        (Reason::NotGranted, holder(vec![]), &one),
    ];
    for (reason, authority, document) in table {
        let told = told(&authority, document);
        assert_eq!(told.reason, reason, "{told}");
        assert_eq!(told.is_allowed, reason == Reason::Granted, "{told}");
        let json = serde_json::to_value(&told).unwrap();
        assert_eq!(json["reason"], reason.as_str());
        assert_eq!(json["is_allowed"], told.is_allowed);
    }
}

#[test]
fn the_path_names_team_assignment_role_line_and_what_implies_it() {
    let editors = Holding::of(role("editor", &["document:edit"]), Assignee::Team(team(7)));
    let document = Document { folder: Some(1), ..numbered(1) };
    let authority = holder(vec![editors.on("folder/1".parse().unwrap()).descending()]);
    let told = told(&authority, &document);
    let path = told.path.as_ref().unwrap();
    assert_eq!(path.assignee, Assignee::Team(team(7)));
    assert_eq!(path.role.as_str(), "editor");
    assert_eq!(path.implied_by.as_ref().unwrap().as_str(), "document:edit");
    assert_eq!(path.on.to_string(), "folder/1");
    let expected = "user:00000000-0000-0000-0000-000000000001 may document:read on \
        document/00000000-0000-0000-0000-000000000001: a role allows it: role editor of \
        team:00000000-0000-0000-0000-000000000007 on folder/1 in 00000000-0000-0000-0000-000000000064: document:edit, \
        by document:edit";
    assert_eq!(told.to_string(), expected);
}

#[test]
fn the_nearest_miss_comes_first() {
    let own = Holding::of(
        role("author", &["document:edit when resource.owner = caller.id"]),
        Assignee::User(user(1)),
    );
    let sized =
        Holding::of(role("intern", &["document:edit when resource.size < 5"]), Assignee::User(user(1)));
    let document = Document { owner: Some(Uuid::from_u128(9)), ..numbered(1) };
    let authority = holder(vec![own, sized]);
    let told = authority.explain(index::<DocumentEdit>(), &document, &request()).unwrap();
    let reasons: Vec<Reason> = told.misses.iter().map(|miss| miss.reason).collect();
    assert_eq!(reasons, [Reason::ConditionUnknown, Reason::ConditionNotMet]);
    assert_eq!((told.reason, told.misses[0].path.role.as_str()), (Reason::ConditionUnknown, "intern"));
    assert!(authority.explain(index::<DocumentDelete>(), &document, &request()).unwrap().misses.is_empty());
}

#[test]
fn what_has_no_condition_is_named_before_what_has_one() {
    let sized = |deny: &str| held(&[&format!("{deny}document:read when resource.size < 5")]);
    let named = |name: &str, lines| Holding::of(role(name, lines), Assignee::User(user(1)));
    let small = Document { size: Some(1), ..numbered(1) };
    let allowed = holder(vec![sized(""), named("reader", &["document:read"]), sized("")]);
    let path = told(&allowed, &small).path.unwrap();
    assert_eq!((path.role.as_str(), path.grant.to_string()), ("reader", "document:read".to_owned()));
    let denied = holder(vec![sized("deny "), named("banned", &["*", "deny document:read"])]);
    let told = told(&denied, &numbered(1));
    assert_eq!((told.reason, told.path.unwrap().role.as_str()), (Reason::DeniedByRole, "banned"));
}

#[test]
fn the_line_that_is_told_is_the_one_that_applies() {
    let sized = |name: &str, size: &str| {
        Holding::of(
            role(name, &[&format!("document:read when resource.size {size}")]),
            Assignee::User(user(1)),
        )
    };
    let document = Document { size: Some(9), ..numbered(1) };
    let told =
        told(&holder(vec![sized("small", "< 5"), sized("large", "> 5"), sized("huge", "> 7")]), &document);
    assert_eq!((told.reason, told.path.unwrap().role.as_str()), (Reason::Granted, "large"));
}

#[test]
fn what_somebody_does_for_another_is_told_with_both_paths() {
    let (helper, customer) = (Assignee::User(user(2)), Assignee::User(user(1)));
    let actor = |lines: &[&str]| {
        let held = vec![Holding::of(role("support", lines), helper)];
        Authority::of(&catalog(), caller(2), held, &[Scope::all()])
    };
    let reader = || holder(vec![Holding::of(role("reader", &["document:read"]), customer)]);
    for (lines, reason, path) in [
        (&["document:*"][..], Reason::Granted, Some("support")),
        (&["folder:read"], Reason::DeniedToActor, None),
    ] {
        let told = told(&reader().limited_to(&actor(lines)), &numbered(1));
        assert_eq!((told.reason, told.path.unwrap().role.as_str()), (reason, "reader"));
        let actor = told.actor.unwrap();
        assert_eq!(actor.principal, PrincipalId::User(user(2)));
        assert_eq!(actor.path.as_ref().map(|path| path.role.as_str()), path);
    }
}

#[test]
fn as_many_misses_as_are_said_and_no_more() {
    let many = (0..40).map(|_| held(&["document:read when resource.size < 5"])).collect();
    assert_eq!(told(&holder(many), &numbered(1)).misses.len(), Explanation::MAX_MISSES);
    let elsewhere = (10..60).map(|id: u128| {
        let on = format!("document/{}", Uuid::from_u128(id)).parse().unwrap();
        held(&["document:read"]).on(on)
    });
    let told = told(&holder(elsewhere.collect()), &numbered(1));
    assert_eq!((told.reason, told.misses.len()), (Reason::OtherResource, Explanation::MAX_MISSES));
}
