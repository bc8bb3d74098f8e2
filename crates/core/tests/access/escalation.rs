//! Nobody hands out more than they hold: attack by attack, then for whatever proptest makes.

use proptest::prelude::*;
use tenantry_core::{Authority, Catalog, Holding, PermissionIndex, Reach, RequestFacts, Scope, Target};

use crate::model::{
    Document, caller, catalog, document, grant, grants, held, holder, holdings, role, scopes, some_request,
    user,
};

fn lacking(authority: &Authority, asked: &[&str]) -> Vec<String> {
    let refused = authority.may_grant(&grants(asked), &Target::Tenant, Reach::Here);
    refused.err().map(|refused| refused.grants.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn nobody_grants_what_they_do_not_hold() {
    let table: &[(&[&str], &[&str], &[&str])] = &[
        (&["*"], &["*", "document:*", "*:read", "document:read"], &[]),
        (&["document:*"], &["document:*", "document:read", "document:*:read"], &[]),
        (
            &["document:*"],
            &["*", "*:read", "folder:read", "document"],
            &["*", "*:read", "folder:read", "document"],
        ),
        (&["*:read"], &["*:read", "document:read", "document:*"], &["document:*"]),
        (&["*:read"], &["billing:invoice:read"], &["billing:invoice:read"]),
        (&["document:*", "folder:*"], &["*:read"], &["*:read"]),
        (&["document:share"], &["document:edit", "document:read"], &[]),
        (&["document:share"], &["document:delete", "document:*"], &["document:delete", "document:*"]),
        (&["document:read when resource.size < 5"], &["document:read"], &["document:read"]),
        (
            &["document:read when resource.size < 5"],
            &[
                "document:read when resource.size < 5 and resource.state = 'draft'",
                "document:read when resource.size < 6",
            ],
            &["document:read when resource.size < 6"],
        ),
        (
            &["document:edit when resource.owner = caller.id"],
            &["document:edit when resource.owner = caller.id"],
            &["document:edit when resource.owner = caller.id"],
        ),
        (
            &["*", "deny document:delete"],
            &["document:read", "document:delete", "*", "document:*"],
            &["document:delete", "*", "document:*"],
        ),
        (&["*", "deny document:read"], &["document:edit"], &["document:edit"]),
        (&["*", "deny document:delete when resource.size > 5"], &["document:delete"], &["document:delete"]),
        (&["document:read"], &["deny document:read"], &[]),
        (&["document:read"], &["deny document:delete", "deny *"], &["deny document:delete", "deny *"]),
        (
            &["document:read when resource.size < 5"],
            &["deny document:read when resource.size < 5"],
            &["deny document:read when resource.size < 5"],
        ),
        (&["deny document:read"], &["document:read"], &["document:read"]),
        (&[], &["document:read"], &["document:read"]),
        (&[], &[], &[]),
    ];
    for (has, asked, expected) in table {
        assert_eq!(&lacking(&holder(vec![held(has)]), asked), expected, "{has:?} grants {asked:?}");
    }
}

#[test]
fn what_is_held_on_one_thing_is_granted_there_and_what_stays_is_not_sent_below() {
    let folder = || "folder/1".parse().unwrap();
    let on_folder = holder(vec![held(&["*"]).on(folder())]);
    let may = |authority: &Authority, on: Target, reach| {
        authority.may_grant(&grants(&["document:read"]), &on, reach)
    };
    assert!(may(&on_folder, Target::Resource(folder()), Reach::Here).is_ok());
    assert!(may(&on_folder, Target::Resource(folder()), Reach::Below).is_err());
    assert!(may(&on_folder, Target::Resource("folder/2".parse().unwrap()), Reach::Here).is_err());
    assert!(may(&on_folder, Target::Tenant, Reach::Here).is_err());
    let below = holder(vec![held(&["*"]).on(folder()).descending()]);
    assert!(may(&below, Target::Resource(folder()), Reach::Below).is_ok());
    let here = holder(vec![held(&["*"])]);
    assert!(may(&here, Target::Resource(folder()), Reach::Here).is_ok());
    assert!(
        may(&here, Target::Resource(folder()), Reach::Below).is_ok(),
        "what a folder holds is in the tenant"
    );
    assert!(may(&here, Target::Tenant, Reach::Below).is_err());
    assert!(may(&holder(vec![held(&["*"]).descending()]), Target::Tenant, Reach::Below).is_ok());
}

#[test]
fn a_narrow_key_of_an_owner_grants_no_more_than_itself() {
    let key = holder(vec![held(&["*"])]).narrowed_to(&scopes(&["document:*", "*:read"]));
    assert!(lacking(&key, &["document:edit", "billing:read"]).is_empty());
    assert!(lacking(&key, &["document:*", "*:read", "deny document:*"]).is_empty(), "its own patterns");
    assert_eq!(lacking(&key, &["*", "billing:invoice:read"]), ["*", "billing:invoice:read"]);
    let editor = holder(vec![held(&["*"])]).narrowed_to(&scopes(&["document:edit"]));
    assert!(lacking(&editor, &["document:read"]).is_empty(), "what it implies");
    let again = key.narrowed_to(&scopes(&["*"]));
    assert_eq!(lacking(&again, &["*"]), ["*"]);
    let demoted = holder(vec![held(&["document:read"])]).narrowed_to(&scopes(&["*"]));
    assert_eq!(lacking(&demoted, &["document:edit"]), ["document:edit"]);
}

#[test]
fn whoever_acts_as_another_grants_only_what_both_could() {
    let owner = holder(vec![held(&["*"])]);
    let support = Authority::of(&catalog(), caller(2), vec![held(&["document:read"])], &[Scope::all()]);
    for both in [owner.limited_to(&support), support.limited_to(&owner)] {
        assert!(lacking(&both, &["document:read"]).is_empty());
        assert_eq!(lacking(&both, &["document:delete"]), ["document:delete"]);
    }
}

#[test]
fn the_plan_limits_what_is_done_and_not_what_is_granted() {
    let owner = Authority::of(&catalog(), caller(1), vec![held(&["*"])], &scopes(&["document:*"]));
    assert!(!owner.has::<crate::model::BillingRead>());
    assert_eq!(owner.ceiling(), scopes(&["document:*"]));
    assert!(lacking(&owner, &["billing:read", "*"]).is_empty());
}

#[test]
fn a_role_of_the_same_name_made_anew_gives_nothing_of_the_old_one() {
    let old = Holding::of(role("editor", &["*"]), tenantry_core::Assignee::User(user(1)));
    let new = Holding::of(role("editor", &["document:read"]), tenantry_core::Assignee::User(user(1)));
    assert!(holder(vec![old]).has::<crate::model::BillingRead>());
    assert!(!holder(vec![new]).has::<crate::model::BillingRead>());
}

/// May somebody who was given the lines do what whoever gave them can't?
fn gains(
    catalog: &Catalog,
    giver: &Authority,
    receiver: &Authority,
    document: &Document,
    request: &RequestFacts,
) -> Vec<PermissionIndex> {
    let every = catalog.iter().filter_map(|known| catalog.by_key(known.key.as_str()));
    let of = |authority: &Authority, index| authority.check(index, document, request).is_allowed();
    every.filter(|index| of(receiver, *index) && !of(giver, *index)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn whoever_receives_a_grant_can_do_no_more_than_who_gave_it(
        has in holdings(), asked in prop::collection::vec(grant(), 1..4), document in document(), request in some_request(),
    ) {
        let catalog = catalog();
        let whole = [Scope::all()];
        let giver = Authority::of(&catalog, caller(1), has, &whole);
        for grant in asked {
            if giver.may_grant(std::slice::from_ref(&grant), &Target::Tenant, Reach::Here).is_ok() {
                let given = tenantry_core::Role::new(crate::model::HOME, "given".parse().unwrap(), "Given", vec![grant.clone()], 1);
                let given = Holding::of(given.unwrap(), tenantry_core::Assignee::User(user(1)));
                let receiver = Authority::of(&catalog, caller(1), vec![given], &whole);
                let more = gains(&catalog, &giver, &receiver, &document, &request);
                prop_assert!(more.is_empty(), "{grant} gives {:?}", more);
            }
        }
    }
}

#[test]
fn an_owner_is_denied_nothing_by_its_own_tenant_and_what_is_said_above() {
    use crate::model::{HOME, PARENT, team};
    use tenantry_core::{Assignee, ResourceRef, Role};

    let role = |tenant, key: &str, lines: &[&str]| {
        Role::new(tenant, key.parse().unwrap(), "Some", grants(lines), 1).unwrap()
    };
    let me = Assignee::User(user(1));
    let owner = || Holding::of(role(HOME, "owner", &["*"]), me);
    let nothing = |to| Holding::of(role(HOME, "nothing", &["deny *"]), to);
    let of = |held: Vec<Holding>| {
        Authority::of(&catalog(), caller(1), held, &[Scope::all()]).has::<crate::model::DocumentRead>()
    };
    let folder: ResourceRef = "folder/1".parse().unwrap();

    assert!(of(vec![owner(), nothing(me)]), "by itself");
    assert!(of(vec![nothing(Assignee::Team(team(7))), owner()]), "by its team");
    assert!(of(vec![owner(), nothing(me).on(folder.clone())]), "on something");
    let above = Holding::of(role(PARENT, "nothing", &["deny document:read"]), me).descending();
    assert!(!of(vec![owner(), above]), "what descends from above counts");
    let by_team = Holding::of(role(HOME, "owner", &["*"]), Assignee::Team(team(7)));
    assert!(!of(vec![by_team, nothing(me)]), "who owns by a team is no owner");
    assert!(!of(vec![owner().on(folder), nothing(me)]), "nor who owns one thing");
    let elsewhere = Holding::of(role(PARENT, "owner", &["*"]), me).descending();
    assert!(!of(vec![elsewhere, nothing(me)]), "nor who owns the tenant above");
}
