//! What a role's lines mean is compiled once for all who hold equal lines, and never taken for what other lines mean.

use std::sync::LazyLock;

use proptest::prelude::*;
use tenantry_core::{
    Assignee, Authority, CallerFacts, Catalog, Decision, Holding, PrincipalId, Role, Scope, TenantId,
};
use uuid::Uuid;

use crate::model::{
    BillingRead, Document, DocumentDelete, DocumentEdit, DocumentRead, HOME, caller, catalog, document,
    grants, holdings, request, role, some_request, some_scopes, user,
};

/// The one catalog of all these tests, as a process has one.
static SHARED: LazyLock<Catalog> = LazyLock::new(catalog);

fn holder_of(role: Role) -> Authority {
    let held = vec![Holding::of(role, Assignee::User(user(1)))];
    Authority::of(&SHARED, caller(1), held, &[Scope::all()])
}

fn allows<P: tenantry_core::Permission>(authority: &Authority, size: i64) -> bool {
    let document =
        Document { id: Uuid::from_u128(1), owner: None, folder: None, size: Some(size), state: None };
    authority.check(SHARED.index::<P>().unwrap(), &document, &request()).is_allowed()
}

#[test]
fn a_role_deleted_and_made_again_at_the_same_version_has_its_new_lines_only() {
    let old = holder_of(role("editor", &["*"]));
    let new = holder_of(role("editor", &["document:read"]));
    let of = |authority: &Authority| {
        let held = authority.holdings()[0].role.clone();
        (held.tenant(), held.key().clone(), held.version())
    };
    assert_eq!(of(&old), of(&new), "what names them is the same");
    assert!(old.has::<BillingRead>() && old.has::<DocumentDelete>());
    assert!(new.has::<DocumentRead>() && !new.has::<BillingRead>() && !new.has::<DocumentDelete>());
    drop(old);
    let again = holder_of(role("editor", &["document:read", "deny document:read"]));
    assert!(!again.has::<DocumentRead>() && new.has::<DocumentRead>());
    assert_eq!(new.holdings()[0].role.grants(), grants(&["document:read"]));
}

#[test]
fn what_is_used_is_kept_and_what_nobody_uses_is_forgotten_first() {
    let catalog = catalog();
    let of = |lines: &[&str]| {
        let held = vec![Holding::of(role("some", lines), Assignee::User(user(1)))];
        Authority::of(&catalog, caller(1), held, &[Scope::all()])
    };
    let lines = |authority: &Authority| authority.holdings()[0].role.grants().as_ptr();
    let used = of(&["document:read"]);
    for size in 0..400 {
        let line = format!("document:read when resource.size = {size}");
        drop(of(&[&*line; 60]));
    }
    assert_eq!(lines(&used), lines(&of(&["document:read"])));
}

#[test]
fn lines_that_differ_in_one_place_are_other_lines() {
    for (lines, may) in [
        (&["document:edit when resource.size < 5"][..], [true, false, false]),
        (&["document:edit when resource.size < 6"], [true, true, false]),
        (&["document:edit when resource.size <= 6"], [true, true, true]),
        (&["document:edit"], [true, true, true]),
        (&["document:edit", "deny document:edit when resource.size < 5"], [false, true, true]),
        (&["document:edit", "deny document:edit when resource.size < 6"], [false, false, true]),
        (&["deny document:edit", "document:edit"], [false, false, false]),
        (&["deny document:edit"], [false, false, false]),
        (
            &["document:edit when resource.size < 5", "document:edit when resource.size > 5"],
            [true, false, true],
        ),
        (&[], [false, false, false]),
    ] {
        let authority = holder_of(role("author", lines));
        assert_eq!([4, 5, 6].map(|size| allows::<DocumentEdit>(&authority, size)), may, "{lines:?}");
    }
}

#[test]
fn who_holds_equal_lines_elsewhere_is_told_of_its_own_role() {
    let other = TenantId::from_uuid(Uuid::from_u128(7));
    let lines = ["document:read", "document:edit when resource.owner = caller.id"];
    let here = holder_of(role("reader", &lines));
    let there = Role::new(other, "leser".parse().unwrap(), "Leser", grants(&lines), 4).unwrap();
    let held = vec![Holding::of(there, Assignee::User(user(2)))];
    let caller = CallerFacts::of(PrincipalId::User(user(2)), other);
    let there = Authority::of(&SHARED, caller, held, &[Scope::all()]);
    let told = |authority: &Authority| {
        let index = SHARED.index::<DocumentRead>().unwrap();
        let path = authority.explain_tenant(index, &request()).unwrap().path.unwrap();
        (path.tenant, path.role.to_string(), path.assignee, path.grant.to_string())
    };
    let line = "document:read".to_owned();
    assert_eq!(told(&here), (HOME, "reader".to_owned(), Assignee::User(user(1)), line.clone()));
    assert_eq!(told(&there), (other, "leser".to_owned(), Assignee::User(user(2)), line));
    let of_owner = |owner: u128| {
        let document = Document {
            id: Uuid::nil(),
            owner: Some(Uuid::from_u128(owner)),
            folder: None,
            size: None,
            state: None,
        };
        let edit = SHARED.index::<DocumentEdit>().unwrap();
        [&here, &there].map(|authority| authority.check(edit, &document, &request()).is_allowed())
    };
    assert_eq!((of_owner(1), of_owner(2)), ([true, false], [false, true]));
}

#[test]
fn more_roles_than_are_kept_are_compiled_all_the_same() {
    let sized = |size: i64| {
        let line = format!("document:read when resource.size = {size}");
        holder_of(role("sized", &vec![&*line; 60]))
    };
    let kept: Vec<(i64, Authority)> = (0..400).map(|size| (size, sized(size))).collect();
    for (size, authority) in kept {
        assert!(allows::<DocumentRead>(&authority, size) && !allows::<DocumentRead>(&authority, size + 1));
        assert!(allows::<DocumentRead>(&sized(size), size));
    }
}

#[test]
fn many_who_come_at_once_get_what_they_hold() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for size in 0..200 {
                    let line = format!("document:read when resource.size = {size}");
                    let authority = holder_of(role("at-once", &[&line]));
                    assert!(allows::<DocumentRead>(&authority, size));
                    assert!(!allows::<DocumentRead>(&authority, size + 1));
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_others_had_compiled_before_changes_nothing(
        held in holdings(), plan in some_scopes(), carried in prop::option::of(some_scopes()), document in document(),
        request in some_request(),
    ) {
        let apart = catalog();
        let decisions = |catalog: &Catalog| -> Vec<Decision> {
            let authority = Authority::of(catalog, caller(1), held.clone(), &plan);
            let authority = carried.as_ref().map_or(authority.clone(), |scopes| authority.narrowed_to(scopes));
            let every = catalog.iter().filter_map(|known| catalog.by_key(known.key.as_str()));
            every.map(|index| authority.check(index, &document, &request)).collect()
        };
        prop_assert_eq!(decisions(&SHARED), decisions(&apart));
    }
}
