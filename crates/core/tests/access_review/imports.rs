//! Imports: nobody imports more than they could hand out, and the tenant keeps an owner.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tenantry_core::{
    AccessDocument, Assignee, AssignmentEntry, Authority, CallerFacts, Holding, ImportRefusal, PrincipalId,
    RoleEntry, Scope, Target, TeamEntry,
};

use crate::dry_run::{
    Asked, Authorities, assigned, entry, everybody, member_of, places, role_of, run, tenant, with,
};
use crate::tenants::{LINES, edited, owned};
use crate::world::{Document, HOME, catalog, grants, index, request, role, team, user};

fn importer(lines: &[&str]) -> Authority {
    let held = vec![Holding::of(role("importer", "Importer", lines), Assignee::User(user(5)))];
    Authority::of(&catalog(), CallerFacts::of(PrincipalId::User(user(5)), HOME), held, &[Scope::all()])
}

fn refused(lines: &[&str], before: &AccessDocument, after: &AccessDocument) -> Option<ImportRefusal> {
    run(before, after).may_import(&importer(lines)).err()
}

fn is_escalation(refusal: Option<&ImportRefusal>) -> bool {
    matches!(refusal, Some(ImportRefusal::Escalation { .. }))
}

type Change = fn(&mut Vec<RoleEntry>, &mut Vec<TeamEntry>, &mut Vec<AssignmentEntry>);

#[test]
fn nobody_imports_what_they_could_not_grant() {
    let table: [(&str, &[&str], Change); 14] = [
        ("a new role", &["billing:*"], |roles, _, _| roles.push(entry("auditor", &["billing:*"]))),
        ("a line more", &["billing:read"], |roles, _, _| {
            role_of(roles, "viewer").grants.push(grants(&["billing:read"])[0].clone());
        }),
        ("a line less", &["folder:read", "document:edit"], |roles, _, _| {
            role_of(roles, "editor").grants.clear();
        }),
        ("a denial", &["document:*"], |roles, _, _| {
            role_of(roles, "viewer").grants.extend(grants(&["deny document:delete"]));
        }),
        ("a role dropped", &["document:read"], |roles, _, held| {
            roles.retain(|role| role.key.as_str() != "viewer");
            held.retain(|held| held.role.as_str() != "viewer");
        }),
        ("another owner", &["*"], |_, _, held| held.push(assigned("owner", Assignee::User(user(5)), None))),
        ("an assignment", &["document:edit", "folder:read"], |_, _, held| {
            held.push(assigned("editor", Assignee::User(user(5)), None));
        }),
        ("a demotion", &["document:edit", "folder:read"], |_, _, held| {
            held.retain(|held| held.role.as_str() != "editor");
        }),
        ("an assignment to nobody's team", &["document:edit", "folder:read"], |_, _, held| {
            held.push(assigned("editor", Assignee::Team(team(11)), None));
        }),
        ("a role made anew", &["*"], |roles, _, _| role_of(roles, "editor").grants = grants(&["*"])),
        ("a name that is free again", &["document:*", "folder:read"], |roles, _, _| {
            let was = role_of(roles, "editor").grants.clone();
            role_of(roles, "editor").grants = grants(&["document:delete"]);
            roles.push(RoleEntry { grants: was, ..entry("editor-2", &[]) });
        }),
        ("a key", &["document:edit", "folder:read"], |_, _, held| {
            held.push(assigned(
                "editor",
                Assignee::ApiKey(tenantry_core::ApiKeyId::generate()),
                Some("document/1"),
            ));
        }),
        ("a swap of two roles", &["document:*", "folder:read"], |roles, _, _| {
            let viewer = role_of(roles, "viewer").grants.clone();
            let editor = std::mem::replace(&mut role_of(roles, "editor").grants, viewer);
            role_of(roles, "viewer").grants = editor;
        }),
        ("another name for a thing", &[], |roles, _, _| role_of(roles, "viewer").name = "Reader".to_owned()),
    ];
    for (what, needs, change) in table {
        let after = with(change);
        assert_ne!(after, tenant(), "{what}");
        for able in [importer_below(&["*"]), importer_below(needs)] {
            assert_eq!(run(&tenant(), &after).may_import(&able), Ok(()), "{what}");
        }
        for missing in 0..needs.len() {
            let mut fewer = needs.to_vec();
            fewer.remove(missing);
            let refusal = run(&tenant(), &after).may_import(&importer_below(&fewer)).err();
            assert!(is_escalation(refusal.as_ref()), "{what} without {}: {refusal:?}", needs[missing]);
        }
    }
}

fn importer_below(lines: &[&str]) -> Authority {
    let held = vec![Holding::of(role("importer", "Importer", lines), Assignee::User(user(5))).descending()];
    Authority::of(&catalog(), CallerFacts::of(PrincipalId::User(user(5)), HOME), held, &[Scope::all()])
}

#[test]
fn nobody_is_put_in_a_team_nor_a_team_moved_by_who_lacks_its_roles() {
    let staffed = with(|_, _, held| held.push(assigned("editor", Assignee::Team(team(11)), None)));
    let change = |teams: Vec<TeamEntry>| {
        AccessDocument::new(staffed.roles().to_vec(), teams, staffed.assignments().to_vec()).unwrap()
    };
    let (viewers, editors) =
        (|members: &[u128]| member_of(10, None, members), |members: &[u128]| member_of(11, None, members));
    let attacks = [
        ("joining the editors", change(vec![viewers(&[3]), editors(&[5])])),
        ("putting the viewers under the editors", change(vec![member_of(10, Some(11), &[3]), editors(&[])])),
        (
            "putting an empty team under the editors",
            change(vec![viewers(&[3]), editors(&[]), member_of(12, Some(11), &[])]),
        ),
    ];
    for (attack, after) in attacks {
        assert!(is_escalation(refused(&["document:read"], &staffed, &after).as_ref()), "{attack}");
        assert_eq!(refused(&["document:edit", "folder:read"], &staffed, &after), None, "{attack}");
        assert!(is_escalation(refused(&["document:read"], &after, &staffed).as_ref()), "{attack}, undone");
    }
}

#[test]
fn what_is_handed_on_below_must_be_held_below() {
    let after = with(|_, _, held| {
        for held in held.iter_mut().filter(|held| held.role.as_str() == "editor") {
            held.descends = true;
        }
    });
    assert!(is_escalation(refused(&["*"], &tenant(), &after).as_ref()));
    assert_eq!(run(&tenant(), &after).may_import(&importer_below(&["*"])), Ok(()));
}

#[test]
fn nobody_lifts_a_denial_of_their_own() {
    let (before, after) = (entry("held", &["*", "deny document:delete"]), entry("held", &["*"]));
    let document = |role: RoleEntry| {
        let roles = vec![entry("owner", &["*"]), role];
        let held = vec![
            assigned("owner", Assignee::User(user(1)), None),
            assigned("held", Assignee::User(user(5)), None),
        ];
        AccessDocument::new(roles, vec![], held).unwrap()
    };
    let refusal = refused(&["*", "deny document:delete"], &document(before), &document(after));
    assert!(is_escalation(refusal.as_ref()), "{refusal:?}");
}

/// An owner is denied nothing, so who makes one lifts all that its roles deny it.
#[test]
fn nobody_lifts_a_denial_by_making_an_owner() {
    let document = |is_owner: bool| {
        let roles = vec![
            entry("owner", &["folder:read"]),
            entry("writer", &["document:*", "folder:read"]),
            entry("careful", &["deny document:delete"]),
        ];
        let mut held = vec![assigned("owner", Assignee::User(user(1)), None)];
        held.extend(["writer", "careful"].map(|role| assigned(role, Assignee::User(user(5)), None)));
        held.extend(is_owner.then(|| assigned("owner", Assignee::User(user(5)), None)));
        AccessDocument::new(roles, vec![], held).unwrap()
    };
    let (before, after) = (document(false), document(true));
    let itself: &[&str] = &["document:*", "folder:read", "deny document:delete"];
    for lines in [itself, &["folder:read"], &["folder:read", "document:read"]] {
        assert!(is_escalation(refused(lines, &before, &after).as_ref()), "{lines:?} makes an owner");
        assert!(is_escalation(refused(lines, &after, &before).as_ref()), "{lines:?} unmakes one");
    }
    for (one, two) in [(&before, &after), (&after, &before)] {
        assert_eq!(refused(&["folder:read", "document:delete"], one, two), None);
    }
}

#[test]
fn an_import_keeps_an_owner() {
    let orphaned: [(&str, Change); 6] = [
        ("nobody owns it", |_, _, held| held.retain(|held| !held.role.is_owner())),
        ("a team owns it", |_, _, held| held[1].assignee = Assignee::Team(team(10))),
        ("a key owns it", |_, _, held| {
            let key = Assignee::ApiKey(tenantry_core::ApiKeyId::generate());
            held.iter_mut().filter(|held| held.role.is_owner()).for_each(|held| held.assignee = key);
        }),
        ("somebody owns a folder", |_, _, held| {
            let on: Target = Target::Resource("folder/1".parse().unwrap());
            held.iter_mut().filter(|held| held.role.is_owner()).for_each(|held| held.on = on.clone());
            held.push(assigned("editor", Assignee::User(user(1)), None));
        }),
        ("owning is nothing", |roles, _, _| role_of(roles, "owner").grants.clear()),
        ("owning is denied", |roles, _, _| role_of(roles, "owner").grants = grants(&["deny *"])),
    ];
    for (what, change) in orphaned {
        let after = with(change);
        assert_eq!(
            run(&tenant(), &after).may_import(&importer_below(&["*"])),
            Err(ImportRefusal::LastOwner),
            "{what}"
        );
    }
    let handed_over = with(|_, _, held| {
        held.iter_mut()
            .filter(|held| held.role.is_owner())
            .for_each(|held| held.assignee = Assignee::User(user(4)));
    });
    assert_eq!(refused(&["*"], &tenant(), &handed_over), None);
    let empty = AccessDocument::default();
    assert_eq!(run(&empty, &empty).may_import(&importer(&["*"])), Err(ImportRefusal::LastOwner));
}

#[test]
fn a_new_line_must_mean_something_and_an_old_one_may_have_lost_its_meaning() {
    let stale = with(|roles, _, _| role_of(roles, "viewer").grants = grants(&["video:watch"]));
    assert!(matches!(refused(&["*"], &tenant(), &stale), Some(ImportRefusal::Grant(_))));
    assert_eq!(refused(&["*"], &stale, &stale), None);
    let unfit = with(|roles, _, _| {
        role_of(roles, "viewer").grants = grants(&["document:read when resource.colour = 'red'"]);
    });
    assert!(matches!(refused(&["*"], &tenant(), &unfit), Some(ImportRefusal::Grant(_))));
}

/// An owned document, an edit of it, what the importer holds, and a document to ask about.
type Attempt = (AccessDocument, AccessDocument, Vec<&'static str>, Document);

fn attempt() -> impl Strategy<Value = Attempt> {
    let edit = (0..8_u8, any::<prop::sample::Index>(), prop::sample::select(&LINES[..]));
    let holds = prop::collection::vec(prop::sample::select(&LINES[..11]), 1..4);
    let seen = (prop::option::of(1..3_u128), prop::option::of(0..9_i64));
    (owned(), edit, holds, seen).prop_map(|(before, (what, which, line), holds, (owner, size))| {
        let after = edited(&before, what, &which, line);
        let owner = owner.map(uuid::Uuid::from_u128);
        (before, after, holds, Document { owner, size, ..Document::numbered(0) })
    })
}

/// Somebody for whom a permission changes that the importer doesn't hold.
fn who_moves_further(
    before: &AccessDocument,
    after: &AccessDocument,
    importer: &Authority,
    seen: &Document,
) -> Option<String> {
    let (whole, catalog, request) = ([Scope::all()], catalog(), request());
    for principal in everybody() {
        let of = |document| Authorities::of(document, principal, &whole);
        let (before, after) = (of(before), of(after));
        for (place, document) in places(seen) {
            let (old, new) = (before.at(&place), after.at(&place));
            for key in catalog.iter().map(|known| known.key.as_str()) {
                let asked = Asked { place: &place, document: &document, request: &request };
                let answer = |authority| asked.answer(authority, index(key), None).0;
                if answer(old) != answer(new) && !answer(importer) {
                    return Some(format!("{principal} {key} {place}"));
                }
            }
        }
    }
    None
}

#[test]
fn nobody_gains_or_loses_what_the_importer_does_not_hold() {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) });
    let (allowed, refused) = (Cell::new(0), Cell::new(0));
    let outcome = runner.run(&attempt(), |(before, after, holds, seen)| {
        let (run, importer) = (run(&before, &after), importer_below(&holds));
        if run.may_import(&importer).is_err() || run.is_empty() {
            refused.set(refused.get() + 1);
            return Ok(());
        }
        allowed.set(allowed.get() + 1);
        let further = who_moves_further(&before, &after, &importer, &seen);
        prop_assert!(further.is_none(), "{:?} by {:?}\n{}", further, holds, run);
        Ok(())
    });
    println!("{} imports allowed, {} refused or empty", allowed.get(), refused.get());
    outcome.unwrap();
    assert!(
        allowed.get() >= 200 && refused.get() >= 200,
        "{} allowed, {} refused",
        allowed.get(),
        refused.get()
    );
}
