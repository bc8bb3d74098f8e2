//! Who can: everybody who may, nobody else, and every way in which they may.

use proptest::prelude::*;
use tenantry_core::{
    AccessDocument, Assignee, AssignmentEntry, Authority, Cursor, Holder, Page, PageRequest, PrincipalId,
    RoleEntry, Scope, Target, TeamEntry, review, review_tenant,
};

use crate::tenants::document;
use crate::world::{Document, HOME, catalog, grants, index, request, team, user};

fn everybody(document: &AccessDocument) -> Vec<Authority> {
    document.authorities(&catalog(), HOME, &[Scope::all()])
}

fn tenant() -> AccessDocument {
    let role = |key: &str, lines: &[&str]| RoleEntry {
        key: key.parse().unwrap(),
        name: key.to_owned(),
        grants: grants(lines),
    };
    let roles = vec![
        role("owner", &["*"]),
        role("editor", &["document:share", "document:read"]),
        role("author", &["document:edit when resource.owner = caller.id"]),
        role("barred", &["deny document:*"]),
    ];
    let held = |role: &str, assignee, on: Option<&str>, descends| AssignmentEntry {
        role: role.parse().unwrap(),
        assignee,
        on: on.map_or(Target::Tenant, |on| Target::Resource(on.parse().unwrap())),
        descends,
    };
    let members = |numbers: &[u128]| numbers.iter().map(|number| PrincipalId::User(user(*number))).collect();
    let staff =
        TeamEntry { id: team(10), name: "Staff".to_owned(), parent: None, members: members(&[2, 3, 5]) };
    let assignments = vec![
        held("owner", Assignee::User(user(1)), None, false),
        held("editor", Assignee::Team(team(10)), Some("folder/1"), true),
        held("editor", Assignee::User(user(2)), Some("document/7"), false),
        held("author", Assignee::User(user(4)), None, false),
        held("barred", Assignee::User(user(5)), None, false),
    ];
    AccessDocument::new(roles, vec![staff], assignments).unwrap()
}

fn ask(key: &str, document: &Document, page: &PageRequest) -> Page<Holder> {
    review(&everybody(&tenant()), index(key), document, &request(), page)
}

#[test]
fn each_holder_is_named_with_every_way() {
    let document = Document { folder: Some(1), owner: Some(user(4).as_uuid()), ..Document::numbered(7) };
    let page = ask("document:read", &document, &PageRequest::first());
    let told: Vec<String> = page.items.iter().map(ToString::to_string).collect();
    let (one, two, three, four, ten) = (user(1), user(2), user(3), user(4), team(10));
    assert_eq!(
        told,
        [
            format!("user:{one}\n  role owner of user:{one} on tenant in {HOME}: *"),
            format!(
                "user:{two}
  role editor of user:{two} on document/7 in {HOME}: document:read
  role editor of user:{two} on document/7 in {HOME}: document:share, by document:share
  role editor of team:{ten} on folder/1 in {HOME}: document:read
  role editor of team:{ten} on folder/1 in {HOME}: document:share, by document:share"
            ),
            format!(
                "user:{three}
  role editor of team:{ten} on folder/1 in {HOME}: document:read
  role editor of team:{ten} on folder/1 in {HOME}: document:share, by document:share"
            ),
            format!(
                "user:{four}\n  role author of user:{four} on tenant in {HOME}: \
                 document:edit when resource.owner = caller.id, by document:edit"
            ),
        ]
    );
    assert_eq!(page.next, None);
    let json = serde_json::to_value(&page.items[2]).unwrap();
    assert_eq!(json["through"][0]["role"], "editor");
    assert!(json.get("actor").is_none());
}

#[test]
fn without_a_resource_only_what_holds_in_the_whole_tenant_counts() {
    let page =
        review_tenant(&everybody(&tenant()), index("document:read"), &request(), &PageRequest::first());
    let who: Vec<_> = page.items.iter().map(|holder| holder.principal).collect();
    assert_eq!(who, [PrincipalId::User(user(1))]);
}

#[test]
fn pages_follow_one_another_and_lose_nobody() {
    let document = Document { folder: Some(1), ..Document::numbered(7) };
    let (mut page, mut seen) = (PageRequest::new(1, None).unwrap(), Vec::new());
    for _ in 0..9 {
        let found = ask("document:read", &document, &page);
        assert!(found.items.len() <= 1);
        seen.extend(found.items.iter().map(|holder| holder.principal));
        let Some(next) = found.next else { break };
        page = page.following(Cursor::parse(next.as_str()).unwrap());
    }
    assert_eq!(seen, [1, 2, 3].map(|number| PrincipalId::User(user(number))));
}

#[test]
fn whoever_is_acted_for_is_named_with_who_acts() {
    let all = everybody(&tenant());
    let (owner, author) =
        (&all[0], all.iter().find(|one| one.caller().principal() == PrincipalId::User(user(4))).unwrap());
    let own = Document { owner: Some(user(4).as_uuid()), ..Document::numbered(7) };
    let page = PageRequest::first();
    let held = review([&author.limited_to(owner)], index("document:edit"), &own, &request(), &page);
    assert_eq!(held.items[0].actor, Some(PrincipalId::User(user(1))));
    assert!(
        review([&owner.limited_to(author)], index("billing:read"), &own, &request(), &page).items.is_empty()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whoever_is_on_the_list_may_and_whoever_is_not_may_not(
        document in document(), id in 1..3_i64, folder in prop::option::of(1..3_i64),
        owner in prop::option::of(1..3_u128), size in prop::option::of(0..9_i64),
    ) {
        let all = everybody(&document);
        let asked = Document { id, folder, owner: owner.map(uuid::Uuid::from_u128), size };
        for known in catalog().iter() {
            let permission = index(known.key.as_str());
            let listed = review(&all, permission, &asked, &request(), &PageRequest::largest()).items;
            let may = all.iter().filter(|one| one.check(permission, &asked, &request()).is_allowed());
            let mut may: Vec<_> = may.map(|one| one.caller().principal()).collect();
            may.sort_by_key(ToString::to_string);
            prop_assert_eq!(listed.iter().map(|holder| holder.principal).collect::<Vec<_>>(), may);
            for holder in &listed {
                let one = all.iter().find(|one| one.caller().principal() == holder.principal).unwrap();
                let told = one.explain(permission, &asked, &request()).unwrap();
                prop_assert_eq!(holder.through.first(), told.path.as_ref());
                prop_assert_eq!(holder.more, 0);
            }
        }
    }
}
