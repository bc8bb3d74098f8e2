//! What has changed since an authority was made, and what a role that is about to be stored may say.

use proptest::prelude::*;
use tenantry_core::{Authority, Catalog, Denied, Readable, Scope, Unchecked, UnfitGrant};
use uuid::Uuid;

use crate::model::{
    Document, DocumentEdit, DocumentRead, caller, catalog, document, grants, held, holder, holdings, request,
    scopes, some_request, some_scopes,
};

impl Readable for Document {
    type Read = DocumentRead;
}

fn numbered(id: u128) -> Document {
    Document { id: Uuid::from_u128(id), owner: None, folder: None, size: None, state: None }
}

#[test]
fn only_what_is_certain_is_called_within() {
    let small = || held(&["document:read when resource.size < 5"]);
    let folder = || held(&["document:read"]).on("folder/1".parse().unwrap()).descending();
    let table = [
        (vec![held(&["document:read"])], vec![held(&["*"])], true),
        (vec![held(&["*"])], vec![held(&["document:read"])], false),
        (vec![small()], vec![small()], true),
        (vec![small()], vec![], false),
        (vec![small()], vec![held(&["document:read when resource.size < 4"])], false),
        (vec![folder()], vec![folder()], true),
        (vec![folder()], vec![small()], false),
        (vec![], vec![], true),
    ];
    for (was, is, expected) in table {
        assert_eq!(holder(was.clone()).is_within(&holder(is.clone())), expected, "{was:?} within {is:?}");
    }
    let conditional = holder(vec![small()]);
    let narrowed = conditional.narrowed_to(&scopes(&["folder:*"]));
    assert!(!conditional.is_within(&narrowed) && conditional.is_within(&conditional));
    let limited = conditional.limited_to(&holder(vec![held(&["folder:read"])]));
    assert!(!conditional.is_within(&limited) && limited.is_within(&limited));
    let [both, differently] =
        [&conditional, &holder(vec![held(&["*"])])].map(|actor| conditional.limited_to(actor));
    assert!(both.is_within(&both) && !both.is_within(&differently), "the one who acts is another");
    let other = Authority::of(&catalog(), caller(2), vec![small()], &[Scope::all()]);
    assert!(!conditional.is_within(&other), "a condition may look at who asks");
    let less = Authority::of(&catalog(), caller(1), vec![small()], &scopes(&["folder:*"]));
    assert!(!conditional.is_within(&less), "the plan may have changed");
}

proptest! {
    #[test]
    fn what_is_within_another_does_no_more(
        one in holdings(), two in holdings(), plan in some_scopes(), document in document(), request in some_request(),
    ) {
        let catalog = catalog();
        let [one, two] = [one, two].map(|held| Authority::of(&catalog, caller(1), held, &plan));
        let of = |authority: &Authority, key: &str| {
            authority.check(catalog.by_key(key).unwrap(), &document, &request).is_allowed()
        };
        for known in catalog.iter() {
            let key = known.key.as_str();
            prop_assert!(!(one.is_within(&two) && of(&one, key)) || of(&two, key), "{key}");
        }
    }
}

#[test]
fn a_line_that_means_nothing_is_refused_with_the_reason() {
    let catalog = catalog();
    let unfit = |text: &str| catalog.check_grants(&grants(&[text])).err();
    for fits in [
        "*",
        "document:* when resource.size < 5 and resource.id != id('00000000-0000-0000-0000-000000000001')",
        "deny document:delete when resource.owner != caller.id",
        "folder:read when request.mfa_age <= 900",
    ] {
        assert_eq!(unfit(fits), None, "{fits}");
    }
    assert!(matches!(unfit("document:raed"), Some(UnfitGrant::Scope(_))));
    for (line, permission) in [
        ("document:read when resource.colour = 'red'", "document:read"),
        ("document:read when resource.size = 'large'", "document:read"),
        ("document:read when resource.state < 'z'", "document:read"),
        ("document:read when caller.department = 'sales'", "document:read"),
        ("folder:read when resource.size < 5", "folder:read"),
        ("deny *:read when resource.size < 5", "billing:read"),
    ] {
        match unfit(line) {
            Some(UnfitGrant::Condition { permission: named, .. }) => assert_eq!(named, permission, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn a_resource_comes_with_the_decision_or_not_at_all() {
    let ask = |authority: &Authority| {
        Unchecked::new(numbered(1))
            .authorize::<DocumentEdit>(authority, &request())
            .map(|document| document.id)
    };
    assert_eq!(ask(&holder(vec![held(&["document:edit"])])), Ok(Uuid::from_u128(1)));
    let owner = holder(vec![held(&["document:*"])]);
    let edited = Unchecked::new(numbered(1)).authorize::<DocumentEdit>(&owner, &request()).unwrap();
    let shown = format!("{edited:?}");
    assert!(shown.starts_with("Authorized {") && shown.contains("document:edit"), "{shown}");
    assert_eq!(ask(&holder(vec![held(&["document:read"])])), Err(Denied::Forbidden));
    assert_eq!(ask(&holder(vec![held(&["folder:read"])])), Err(Denied::Hidden));
    let small = Catalog::builder().permission::<DocumentRead>().build().unwrap();
    let stranger = Authority::of(&small, caller(1), vec![held(&["*"])], &[Scope::all()]);
    assert_eq!(ask(&stranger), Err(Denied::NotInCatalog));
    assert_eq!(
        format!("{:?}", Unchecked::new(numbered(7))),
        "Unchecked<document>",
        "nothing of what it holds"
    );
}
