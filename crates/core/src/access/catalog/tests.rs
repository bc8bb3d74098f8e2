//! Catalogs that are built, and those that can't be.

use std::any::TypeId;

use proptest::prelude::*;

use super::builder::Declaration;
use super::*;
use crate::Danger;

crate::permissions! {
    fn declared;

    /// Read listings.
    ListingRead = "listing:read";
    /// Change
    /// listings.
    ListingWrite = "listing:write";
    /// Read invoices.
    InvoiceRead = "billing:invoice:read";
    /// See what is owed.
    BillingRead = "billing:read";
}

struct Other<const N: usize>;

impl<const N: usize> Permission for Other<N> {
    const KEY: &'static str = match N {
        0 => "listing:read",
        1 => "listing:*",
        _ => "",
    };
    const DESCRIPTION: &'static str = "";
}

fn catalog() -> Catalog {
    Catalog::builder().with(declared).build().unwrap()
}

fn scopes(texts: &[&str]) -> Vec<Scope> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn resolved(texts: &[&str]) -> Vec<String> {
    let catalog = catalog();
    catalog.names(&catalog.resolve(&scopes(texts))).iter().map(ToString::to_string).collect()
}

#[test]
fn types_keys_and_places_agree() {
    let catalog = catalog();
    let keys: Vec<&str> = catalog.iter().map(|known| known.key.as_str()).collect();
    assert_eq!(keys, ["billing:invoice:read", "billing:read", "listing:read", "listing:write"]);
    assert_eq!(catalog.len(), 4);
    let index = catalog.index::<ListingWrite>();
    assert_eq!(index, catalog.by_key("listing:write"));
    assert_eq!(catalog.key(index.unwrap()).unwrap().as_str(), ListingWrite::KEY);
    assert_eq!(catalog.iter().nth(3).unwrap().description, "Change listings.");
    assert_eq!(catalog.index::<Other<0>>(), None);
    assert_eq!(catalog.by_key("listing"), None);
    assert!(Catalog::builder().build().unwrap().is_empty());
}

#[test]
fn scopes_resolve_to_what_they_match() {
    assert_eq!(resolved(&["*:read"]), ["billing:read", "listing:read"]);
    assert_eq!(resolved(&["billing:*"]), ["billing:invoice:read", "billing:read"]);
    assert_eq!(resolved(&["billing:read"]), ["billing:read"]);
    assert_eq!(resolved(&["*"]).len(), 4);
    assert_eq!(resolved(&["listing:write", "*:read"]).len(), 3);
    assert!(resolved(&[]).is_empty());
}

#[test]
fn mistakes_are_found_when_it_is_built() {
    let twice = Catalog::builder().permission::<ListingRead>().permission::<ListingRead>();
    assert_eq!(twice.build().unwrap_err(), CatalogError::Duplicate { key: "listing:read" });
    let namesake = Catalog::builder().permission::<ListingRead>().permission::<Other<0>>();
    assert_eq!(namesake.build().unwrap_err(), CatalogError::Duplicate { key: "listing:read" });
    let pattern = Catalog::builder().permission::<Other<1>>();
    assert_eq!(pattern.build().unwrap_err(), CatalogError::InvalidKey { key: "listing:*" });
    assert!(Catalog::builder().permission::<Other<2>>().build().is_err());
}

crate::permissions! {
    fn stacked;

    /// See a repository.
    RepoRead = "repo:read";
    /// Push to a repository.
    RepoWrite = "repo:write", implies ["repo:read"];
    /// Change a repository's settings.
    RepoAdmin = "repo:admin", danger Critical, implies ["repo:write", "hook:manage"];
    /// Manage webhooks.
    HookManage = "hook:manage", danger Sensitive;
}

#[test]
fn what_is_implied_comes_with_it_and_a_deny_takes_only_what_it_names() {
    let catalog = Catalog::builder().with(stacked).build().unwrap();
    let names = |set: &PermissionSet| catalog.names(set).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&catalog.resolve(&scopes(&["repo:write"]))), ["repo:read", "repo:write"]);
    assert_eq!(catalog.resolve(&scopes(&["repo:admin"])).len(), 4);
    assert_eq!(names(&catalog.matched(&scopes(&["repo:admin"]))), ["repo:admin"]);
    let admin = catalog.iter().find(|known| known.key.as_str() == "repo:admin").unwrap();
    assert_eq!((admin.danger, admin.implied.len()), (Danger::Critical, 4));
}

#[test]
fn circles_and_unknown_names_are_refused() {
    let declared = |key, implies: &'static [&'static str]| Declaration {
        of: TypeId::of::<ListingRead>(),
        key,
        description: "",
        danger: Danger::Ordinary,
        implies,
    };
    let build = |permissions: Vec<Declaration>| {
        let mut builder = Catalog::builder();
        builder.permissions = permissions;
        builder.build().map(|catalog| catalog.len())
    };
    let itself = build(vec![declared("a", &["a"])]);
    assert_eq!(itself, Err(CatalogError::Circular { key: "a" }));
    let round = build(vec![declared("a", &["b"]), declared("b", &["c"]), declared("c", &["a"])]);
    assert_eq!(round, Err(CatalogError::Circular { key: "a" }));
    let unknown = build(vec![declared("a", &["b"])]);
    assert_eq!(unknown, Err(CatalogError::UnknownImplied { key: "a", implied: "b" }));
    let diamond = [("a", &["b", "c"][..]), ("b", &["d"][..]), ("c", &["d"][..]), ("d", &[][..])];
    assert_eq!(build(diamond.map(|(key, implies)| declared(key, implies)).into()), Ok(4));
}

#[test]
fn two_hundred_and_fifty_six_fit() {
    let many = |count: usize| {
        let mut builder = Catalog::builder();
        for n in 0..count {
            let key: &'static str = Box::leak(format!("many:p{n}").into_boxed_str());
            let (of, description, danger) = (TypeId::of::<ListingRead>(), "", Danger::Ordinary);
            builder.permissions.push(Declaration { of, key, description, danger, implies: &[] });
        }
        builder.build()
    };
    let full = many(256).unwrap();
    assert_eq!(full.resolve(&[Scope::all()]).len(), 256);
    assert_eq!(full.names(&full.resolve(&[Scope::all()])).len(), 256);
    assert_eq!(many(257).unwrap_err(), CatalogError::TooMany { declared: 257 });
}

#[test]
fn scopes_that_match_nothing_are_named() {
    let catalog = catalog();
    assert_eq!(catalog.check_scopes(&scopes(&["*", "*:read", "billing:*", "listing:read"])), Ok(()));
    let refusal = catalog.check_scopes(&scopes(&["listing:raed", "*", "api:*"])).unwrap_err();
    assert_eq!(refusal.scopes, scopes(&["listing:raed", "api:*"]));
    assert!(refusal.to_string().contains("listing:raed, api:*"), "{refusal}");
}

proptest! {
    #[test]
    fn resolving_is_matching_one_by_one(
        texts in prop::collection::vec("(\\*|listing|billing)(:(\\*|read|write|invoice)){0,2}", 0..5),
    ) {
        let catalog = catalog();
        let scopes: Vec<Scope> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let set = catalog.resolve(&scopes);
        for known in catalog.iter() {
            let index = catalog.by_key(known.key.as_str()).unwrap();
            prop_assert_eq!(set.contains(index), scopes.iter().any(|scope| scope.matches(known.key)));
        }
        let names = catalog.names(&set);
        prop_assert!(names.is_sorted());
        prop_assert_eq!(names.len(), set.len());
    }
}
