//! The document: what is written reads back, and what is out of bounds is refused.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use tenantry_core::{AccessDocument, InvalidAccess, InvalidRole, RoleEntry};

use crate::tenants::document;
use crate::world::{catalog, grants, role, scopes};

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    jsonschema::validator_for(&serde_json::from_str(AccessDocument::SCHEMA).unwrap()).unwrap()
});

fn id(number: u128) -> String {
    uuid::Uuid::from_u128(number).to_string()
}

fn sample() -> Value {
    json!({
        "version": 1,
        "roles": [
            { "key": "owner", "name": "Owner", "grants": ["*"] },
            { "key": "editor", "name": "Éditeur", "grants": [
                "deny document:delete", "document:share", "document:edit when resource.owner=caller.id",
            ] },
        ],
        "teams": [
            { "id": id(10), "name": "Staff", "members": [format!("user:{}", id(1)), format!("service_account:{}", id(50))] },
            { "id": id(11), "name": "Writers", "parent": id(10), "members": [] },
        ],
        "assignments": [
            { "role": "owner", "assignee": format!("user:{}", id(1)), "on": "tenant", "descends": true },
            { "role": "editor", "assignee": format!("team:{}", id(10)), "on": "folder/'plans'", "descends": true },
            { "role": "editor", "assignee": format!("team:{}", id(10)), "on": "folder/1", "descends": false },
            { "role": "editor", "assignee": format!("api_key:{}", id(60)), "on": format!("document/{}", id(7)), "descends": false },
        ],
    })
}

fn read(json: &Value) -> Result<AccessDocument, InvalidAccess> {
    json.to_string().parse()
}

#[test]
fn the_text_is_canonical() {
    let document = read(&sample()).unwrap();
    let mut shuffled = sample();
    for list in ["roles", "teams", "assignments"] {
        shuffled[list].as_array_mut().unwrap().reverse();
    }
    shuffled["roles"][0]["grants"].as_array_mut().unwrap().reverse();
    assert_eq!(read(&shuffled).unwrap().to_string(), document.to_string());
    let written: Value = serde_json::from_str(&document.to_string()).unwrap();
    assert_eq!(written["roles"][0]["key"], "editor");
    assert_eq!(
        written["roles"][0]["grants"],
        json!(["deny document:delete", "document:edit when resource.owner = caller.id", "document:share"])
    );
    assert_eq!(written["assignments"][3]["on"], "tenant");
    assert_eq!(document.to_string().parse::<AccessDocument>().unwrap(), document);
}

#[test]
fn a_stored_role_with_a_line_twice_can_be_exported() {
    let twice = RoleEntry::from(&role("editor", "Editor", &["folder:read", "document:read", "folder:read"]));
    assert_eq!(twice.grants, grants(&["document:read", "folder:read"]));
}

/// A change that makes the sample worse; whether the schema sees it too.
type Slip = (&'static str, fn(&mut Value), bool);

const SLIPS: [Slip; 33] = [
    ("another version", |it| it["version"] = json!(2), true),
    ("no version", |it| drop(it.as_object_mut().unwrap().remove("version")), true),
    ("no teams", |it| drop(it.as_object_mut().unwrap().remove("teams")), true),
    ("a field of its own", |it| it["tenant"] = json!("x"), true),
    ("a field of a role's own", |it| it["roles"][0]["version"] = json!(1), true),
    ("a field of a team's own", |it| it["teams"][0]["roles"] = json!([]), true),
    ("a field of an assignment's own", |it| it["assignments"][0]["until"] = json!("x"), true),
    ("a role's key in capitals", |it| it["roles"][0]["key"] = json!("Owner"), true),
    ("a role's key too long", |it| it["roles"][1]["key"] = json!("a".repeat(49)), true),
    ("a blank name", |it| it["roles"][0]["name"] = json!(" \u{2003} "), true),
    ("a name with a line break", |it| it["roles"][0]["name"] = json!("a\nb"), true),
    ("a name too long", |it| it["teams"][0]["name"] = json!("é".repeat(101)), true),
    ("a team without a name", |it| it["teams"][0]["name"] = json!(""), true),
    ("a scope that is none", |it| it["roles"][0]["grants"] = json!(["Document:read"]), true),
    ("a scope too deep", |it| it["roles"][0]["grants"] = json!(["a:b:c:d:e:f:g:h:i"]), true),
    ("a line twice", |it| it["roles"][0]["grants"] = json!(["*", "*"]), true),
    (
        "too many lines",
        |it| it["roles"][0]["grants"] = (0..65).map(|n| json!(format!("a:{n}"))).collect(),
        true,
    ),
    ("an id in capitals", |it| it["teams"][1]["id"] = json!("0000000A-0000-0000-0000-000000000000"), true),
    ("an id without hyphens", |it| it["teams"][1]["id"] = json!("0".repeat(32)), true),
    ("a team in a team", |it| it["teams"][0]["members"] = json!([format!("team:{}", id(11))]), true),
    ("a member twice", |it| it["teams"][0]["members"] = json!(vec![format!("user:{}", id(1)); 2]), true),
    ("nobody's kind", |it| it["assignments"][0]["assignee"] = json!(format!("robot:{}", id(1))), true),
    ("a resource without an id", |it| it["assignments"][0]["on"] = json!("folder"), true),
    ("a resource's id with a zero before it", |it| it["assignments"][0]["on"] = json!("folder/01"), true),
    (
        "no word on whether it descends",
        |it| drop(it["assignments"][0].as_object_mut().unwrap().remove("descends")),
        true,
    ),
    ("a condition that is none", |it| it["roles"][0]["grants"] = json!(["* when resource.size <"]), false),
    (
        "a line twice, written otherwise",
        |it| it["roles"][0]["grants"] = json!(["a when resource.b=1", "a when resource.b = 1"]),
        false,
    ),
    ("a role twice", |it| it["roles"][1]["key"] = json!("owner"), false),
    ("a team twice", |it| it["teams"][1]["id"] = json!(id(10)), false),
    ("an assignment twice", |it| it["assignments"][2]["on"] = json!("folder/'plans'"), false),
    ("a role from nowhere", |it| it["assignments"][0]["role"] = json!("viewer"), false),
    ("a team from nowhere", |it| it["assignments"][1]["assignee"] = json!(format!("team:{}", id(12))), false),
    ("a parent from nowhere", |it| it["teams"][1]["parent"] = json!(id(12)), false),
];

#[test]
fn every_slip_is_refused_and_the_schema_sees_what_a_schema_can() {
    assert!(SCHEMA.is_valid(&sample()) && read(&sample()).is_ok());
    for (slip, make, is_seen) in SLIPS {
        let mut worse = sample();
        make(&mut worse);
        assert_ne!(worse, sample(), "{slip}");
        assert!(read(&worse).is_err(), "{slip} is read");
        assert_eq!(SCHEMA.is_valid(&worse), !is_seen, "{slip} and the schema");
    }
}

#[test]
fn a_key_of_an_object_comes_once_and_nothing_follows_the_document() {
    let text = sample().to_string();
    let twice = text.replacen("\"version\":1", "\"version\":1,\"version\":1", 1);
    assert_ne!(twice, text);
    assert!(matches!(twice.parse::<AccessDocument>(), Err(InvalidAccess::Json(_))));
    assert!(format!("{text} x").parse::<AccessDocument>().is_err());
    assert!("".parse::<AccessDocument>().is_err());
}

fn team_chain(teams: u128, first_parent: Option<u128>) -> Value {
    let chain = (0..teams).map(|number| {
        let parent = if number == 0 { first_parent.map(id) } else { Some(id(number - 1)) };
        json!({ "id": id(number), "name": "T", "parent": parent, "members": [] })
    });
    json!({ "version": 1, "roles": [], "teams": chain.collect::<Vec<_>>(), "assignments": [] })
}

#[test]
fn teams_neither_go_in_circles_nor_too_deep() {
    assert!(read(&team_chain(8, None)).is_ok());
    assert!(matches!(read(&team_chain(9, None)), Err(InvalidAccess::TooDeep { .. })));
    for (teams, first) in [(1, 0), (2, 1), (3, 1), (8, 7), (30, 29)] {
        let refused = read(&team_chain(teams, Some(first)));
        assert!(matches!(refused, Err(InvalidAccess::Circular { .. })), "{teams}: {refused:?}");
    }
}

#[test]
fn there_is_a_most_of_everything() {
    let document = |roles: usize, teams: usize, members: u128, assignments: u128| {
        let role = |number| json!({ "key": format!("r{number}"), "name": "R", "grants": [] });
        let team = |number: usize| json!({ "id": id(number as u128), "name": "T", "members": [] });
        let mut teams: Vec<Value> = (0..teams).map(team).collect();
        if let Some(first) = teams.first_mut() {
            first["members"] = (0..members).map(|number| json!(format!("user:{}", id(number)))).collect();
        }
        let assignment = |number| json!({ "role": "r0", "assignee": format!("user:{}", id(number)), "on": "tenant", "descends": false });
        let assignments: Vec<Value> = (0..assignments).map(assignment).collect();
        let roles: Vec<Value> = (0..roles).map(role).collect();
        json!({ "version": 1, "roles": roles, "teams": teams, "assignments": assignments })
    };
    assert!(read(&document(500, 1_000, 20_000, 20_000)).is_ok());
    for (bound, over) in [
        ("roles", document(501, 0, 0, 0)),
        ("teams", document(0, 1_001, 0, 0)),
        ("members of teams", document(0, 1, 20_001, 0)),
        ("assignments", document(1, 0, 0, 20_001)),
    ] {
        let refused = read(&over).unwrap_err();
        assert!(
            matches!(refused, InvalidAccess::TooMany { what, .. } if what == bound),
            "{bound}: {refused}"
        );
        assert!(!SCHEMA.is_valid(&over), "{bound}");
    }
    let lines = (0..65).map(|number| format!("a:{number}").parse().unwrap()).collect();
    let crowded = RoleEntry { key: "r".parse().unwrap(), name: "R".to_owned(), grants: lines };
    let refused = AccessDocument::new(vec![crowded], vec![], vec![]).unwrap_err();
    assert!(matches!(refused, InvalidAccess::Role { why: InvalidRole::Grants { count: 65 }, .. }));
}

#[test]
fn a_refusal_says_what_to_do() {
    let mut slip = sample();
    slip["assignments"][0]["role"] = json!("viewer");
    assert_eq!(
        read(&slip).unwrap_err().to_string(),
        "the role viewer is assigned, but isn't among the roles: add it, or leave the assignment out"
    );
    let mut slip = sample();
    slip["version"] = json!(2);
    assert!(read(&slip).unwrap_err().to_string().contains("expected version 1"));
}

#[test]
fn a_member_of_a_team_holds_the_roles_of_the_teams_above_it() {
    let mut nested = sample();
    nested["teams"][1]["members"] = json!([format!("user:{}", id(3))]);
    let everybody = read(&nested).unwrap().authorities(&catalog(), crate::world::HOME, &scopes(&["*"]));
    let third =
        everybody.iter().find(|authority| authority.caller().principal().to_string().ends_with(&id(3)));
    let held = third.unwrap().holdings();
    assert_eq!(held.len(), 2);
    assert!(held.iter().all(|holding| holding.assignee.to_string() == format!("team:{}", id(10))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_exported_is_imported_as_it_was(document in document()) {
        let text = document.to_string();
        prop_assert_eq!(&text.parse::<AccessDocument>().unwrap(), &document);
        let json = serde_json::to_value(&document).unwrap();
        prop_assert!(SCHEMA.is_valid(&json), "{:?}", SCHEMA.iter_errors(&json).map(|e| e.to_string()).collect::<Vec<_>>());
        prop_assert_eq!(&serde_json::from_value::<AccessDocument>(json).unwrap(), &document);
    }
}
