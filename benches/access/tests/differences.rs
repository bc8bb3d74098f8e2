//! Where the three don't agree, and why: each difference is held to, so that a change of either side shows.

#[cfg(test)]
mod pinned {
    use std::collections::{HashMap, HashSet};

    use cedar_policy::{Entity, RestrictedExpression};
    use tenantry_bench_access::{
        Document, Line, Membership, Model, Ours, Question, Role, catalog,
        peers::{Casbin, Cedar, Effect, Told},
    };
    use tenantry_core::{
        Assignee, Authority, CallerFacts, Grant, Holding, PermissionIndex, PrincipalId, RequestFacts, Scope,
        TenantId, Timestamp, UserId,
    };
    use uuid::Uuid;

    const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(1));

    /// Somebody whose one role has these lines.
    fn holder(lines: &[&str]) -> Authority {
        let user = UserId::from_uuid(Uuid::from_u128(2));
        let grants: Vec<Grant> = lines.iter().map(|line| line.parse().unwrap()).collect();
        let role = tenantry_core::Role::new(TENANT, "admin".parse().unwrap(), "Admin", grants, 1).unwrap();
        let caller = CallerFacts::of(PrincipalId::User(user), TENANT);
        Authority::of(
            &catalog().unwrap(),
            caller,
            vec![Holding::of(role, Assignee::User(user))],
            &[Scope::all()],
        )
    }

    fn index(key: &str) -> PermissionIndex {
        catalog().unwrap().by_key(key).unwrap()
    }

    fn request() -> RequestFacts {
        RequestFacts::new(Timestamp::EPOCH, None)
    }

    fn allows(lines: &[&str], key: &str, document: &Document) -> bool {
        holder(lines).check(index(key), document, &request()).is_allowed()
    }

    /// What Cedar says of a document without an amount, that user 2 owns, to user 2.
    fn cedar(policies: &str) -> Told {
        let owner =
            HashMap::from([("owner".to_owned(), r#"User::"2""#.parse::<RestrictedExpression>().unwrap())]);
        let document = Entity::new(r#"Document::"1""#.parse().unwrap(), owner, HashSet::new()).unwrap();
        let user = Entity::with_uid(r#"User::"2""#.parse().unwrap());
        let cedar = Cedar::of(policies, vec![document.clone(), user.clone()]).unwrap();
        cedar.ask(user.uid(), "listing:edit", document.uid()).unwrap()
    }

    /// A document without an amount, that user 2 owns.
    fn unpriced() -> Document {
        Document { owner_id: Uuid::from_u128(2), ..Document::new(1, 0, 0, None) }
    }

    /// casbin keeps users and roles in one namespace. Here a role is assigned, whatever a user is called.
    #[test]
    fn in_casbin_a_user_who_is_named_admin_holds_the_role_admin() {
        let mut casbin = Casbin::empty().unwrap();
        casbin.rule(["admin", "shop", "listing", "edit"], Effect::Allow).unwrap();
        casbin.link(["alice", "admin", "shop"]).unwrap();
        assert!(casbin.enforce(["alice", "shop", "listing", "edit"]).unwrap());
        assert!(casbin.enforce(["admin", "shop", "listing", "edit"]).unwrap());

        let role = Role {
            tenant: Some(0),
            lines: vec![Line { permission: 3, denies: false, when: None }],
            juniors: vec![],
        };
        let memberships = vec![
            Membership { tenant: 0, user: 0, roles: vec![0] },
            Membership { tenant: 0, user: 1, roles: vec![] },
        ];
        let model = Model { tenants: 1, roles: vec![role], memberships, documents: vec![] };
        let ours = Ours::new(&model).unwrap();
        let asked = |membership| ours.allows(&model, &Question { membership, permission: 3, document: None });
        assert!(asked(0) && !asked(1));
    }

    /// casbin follows ten names that include each other, the user's own the first. Here roles don't include roles: what an application's roles
    /// come to is worked out when they are assigned, to any depth.
    #[test]
    fn casbin_follows_nine_roles_and_no_more() {
        let role = |place: usize| Role {
            tenant: Some(0),
            lines: vec![Line { permission: place, denies: false, when: None }],
            juniors: if place < 14 { vec![place + 1] } else { vec![] },
        };
        let memberships = vec![Membership { tenant: 0, user: 0, roles: vec![0] }];
        let model = Model { tenants: 1, roles: (0..15).map(role).collect(), memberships, documents: vec![] };
        let (ours, casbin, cedar) = (
            Ours::new(&model).unwrap(),
            Casbin::of_tenants(&model).unwrap(),
            Cedar::of_tenants(&model).unwrap(),
        );
        for permission in 0..15 {
            let question = Question { membership: 0, permission, document: None };
            assert!(ours.allows(&model, &question));
            assert!(cedar.answer(&model, &question).unwrap().is_allowed);
            assert_eq!(casbin.allows(&model, &question).unwrap(), permission < 9, "{permission}");
        }
    }

    /// Cedar skips a policy whose evaluation fails, also one that forbids. Here a line that denies and can't be told
    /// denies.
    #[test]
    fn a_denial_that_cant_be_told_denies_here_and_is_skipped_in_cedar() {
        let told = cedar(
            "permit(principal, action, resource); forbid(principal, action, resource) when { resource.amount > 5 };",
        );
        assert_eq!(told, Told { is_allowed: true, skipped: 1 });
        assert!(!allows(&["*", "deny listing:edit when resource.amount > 5"], "listing:edit", &unpriced()));
        assert!(allows(&["*"], "listing:edit", &unpriced()));
    }

    /// Cedar evaluates from left to right, and a part that fails fails the whole. Here what is unknown stays unknown
    /// only as long as it matters (Kleene), as in SQL.
    #[test]
    fn an_unknown_part_before_or_fails_all_of_it_in_cedar() {
        let first = "permit(principal, action, resource) when { resource.amount <= 5 || resource.owner == principal };";
        let last = "permit(principal, action, resource) when { resource.owner == principal || resource.amount <= 5 };";
        assert_eq!(cedar(first), Told { is_allowed: false, skipped: 1 });
        assert_eq!(cedar(last), Told { is_allowed: true, skipped: 0 });
        let first = "listing:edit when resource.amount <= 5 or resource.owner = caller.id";
        let last = "listing:edit when resource.owner = caller.id or resource.amount <= 5";
        assert!(allows(&[first], "listing:edit", &unpriced()));
        assert!(allows(&[last], "listing:edit", &unpriced()));
    }

    /// casbin's `keyMatch` compares what stands before the first `*`, and nothing after it.
    #[test]
    fn in_casbin_a_pattern_that_begins_with_a_star_matches_everything() {
        let matches = |key: &str| casbin::function_map::key_match(key, "*:read");
        assert!(matches("listing:read") && matches("listing:delete"));
        let held = holder(&["*:read"]);
        assert!(held.holds(index("listing:read")) && !held.holds(index("listing:delete")));
    }
}
