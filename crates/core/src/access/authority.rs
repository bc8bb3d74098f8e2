//! What a principal may do, and what it may hand on.

use super::catalog::Catalog;
use super::escalation::Escalation;
use super::permission_set::{PermissionIndex, PermissionSet};
use super::role::Role;
use super::scope::Scope;

/// What a principal may do in one tenant: the union of its roles, within what the tenant's plan allows.
///
/// Computed when roles are loaded, then asked on every request. It is a snapshot, as old as the roles, the
/// ceiling and the catalog that it was made from: a change to any of them makes it worthless.
///
/// ```
/// use tenantry_core::{Authority, Catalog, Role, Scope, TenantId, permissions};
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
///     /// Call the API.
///     pub ApiCall = "api:call";
/// }
///
/// let catalog = Catalog::builder().permission::<ListingRead>().permission::<ApiCall>().build()?;
/// let role = Role::new(TenantId::generate(), "staff".parse()?, "Staff", vec![Scope::all()], 1)?;
/// let plan = ["listing:*".parse()?];
///
/// let authority = Authority::of(&catalog, &[role], &plan);
/// assert!(authority.holds(catalog.index::<ListingRead>().ok_or("unknown")?));
/// assert!(!authority.holds(catalog.index::<ApiCall>().ok_or("unknown")?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    permissions: PermissionSet,
    scopes: Vec<Scope>,
    ceiling: Vec<Scope>,
}

impl Authority {
    /// The authority of a member who has `roles`, all of one tenant, under the `ceiling` of that tenant's plan.
    ///
    /// An empty ceiling allows nothing; a plan without limits has `*`.
    #[must_use]
    pub fn of(catalog: &Catalog, roles: &[Role], ceiling: &[Scope]) -> Self {
        let granted = roles
            .iter()
            .map(|role| catalog.resolve(role.scopes()))
            .fold(PermissionSet::EMPTY, |all, role| all.union(&role));
        Self {
            permissions: granted.intersection(&catalog.resolve(ceiling)),
            scopes: Scope::widest(roles.iter().flat_map(Role::scopes).cloned()),
            ceiling: ceiling.to_vec(),
        }
    }

    /// This authority within `scopes`: that of an API key or a token made by this principal, or of somebody
    /// who acts as it. Never wider than either, also in what it may grant.
    #[must_use]
    pub fn narrowed_to(&self, catalog: &Catalog, scopes: &[Scope]) -> Self {
        let both = self.scopes.iter().flat_map(|held| scopes.iter().filter_map(|s| held.intersection(s)));
        Self {
            permissions: self.permissions.intersection(&catalog.resolve(scopes)),
            scopes: Scope::widest(both),
            ceiling: self.ceiling.clone(),
        }
    }

    /// Whether the principal may do this: the check of every request.
    #[inline]
    #[must_use]
    pub fn holds(&self, index: PermissionIndex) -> bool {
        self.permissions.contains(index)
    }

    /// All that the principal may do.
    #[must_use]
    pub const fn permissions(&self) -> &PermissionSet {
        &self.permissions
    }

    /// The scopes that its roles give, before the ceiling; those that another of them covers are left out.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The scopes that the plan allows.
    #[must_use]
    pub fn ceiling(&self) -> &[Scope] {
        &self.ceiling
    }

    /// Why the principal may or may not do this.
    ///
    /// `catalog` is the one that this authority was made with.
    #[must_use]
    pub fn standing(&self, catalog: &Catalog, index: PermissionIndex) -> Standing {
        let granted = || catalog.key(index).is_some_and(|key| self.scopes.iter().any(|s| s.matches(key)));
        if self.holds(index) {
            Standing::Held
        } else if granted() {
            Standing::AboveCeiling
        } else {
            Standing::NotGranted
        }
    }

    /// Whether the principal may grant these scopes to anybody, itself included: by a role's definition, an
    /// assignment, an invitation or an API key.
    ///
    /// Nobody grants what they don't hold: each scope must be covered by a scope held. Patterns are compared,
    /// not today's permissions, because a wildcard also takes in what a later version of the application
    /// adds: whoever holds every permission of today one by one can't grant `*`.
    ///
    /// The ceiling plays no part. It belongs to the tenant, so whoever receives the grant is under the same
    /// one; and an owner can prepare roles before the plan is upgraded.
    ///
    /// # Errors
    /// [`Escalation`] with the scopes that aren't covered.
    pub fn may_grant(&self, scopes: &[Scope]) -> Result<(), Escalation> {
        let held = |scope: &Scope| self.scopes.iter().any(|held| held.covers(scope));
        let lacking: Vec<Scope> = scopes.iter().filter(|scope| !held(scope)).cloned().collect();
        if lacking.is_empty() { Ok(()) } else { Err(Escalation { scopes: lacking }) }
    }
}

/// How a principal stands to a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It may.
    Held,
    /// A role grants it, but the tenant's plan doesn't allow it: a larger plan would.
    AboveCeiling,
    /// No role grants it.
    NotGranted,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::access::role::RoleKey;
    use crate::id::TenantId;

    crate::permissions! {
        fn declared;

        /// a:read
        ARead = "a:read";
        /// a:write
        AWrite = "a:write";
        /// a:b:read
        ABRead = "a:b:read";
        /// b:read
        BRead = "b:read";
    }

    fn catalog() -> Catalog {
        Catalog::builder().with(declared).build().unwrap()
    }

    fn scopes(texts: &[&str]) -> Vec<Scope> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn role(scopes: Vec<Scope>) -> Role {
        Role::new(TenantId::generate(), RoleKey::owner(), "A role", scopes, 1).unwrap()
    }

    fn authority(held: &[&str], ceiling: &[&str]) -> Authority {
        Authority::of(&catalog(), &[role(scopes(held))], &scopes(ceiling))
    }

    #[test]
    fn nobody_grants_what_they_do_not_hold() {
        let table: &[(&[&str], &[&str], &[&str])] = &[
            (&["*"], &["*", "a:*", "*:read", "a:read"], &[]),
            (&["a:*"], &["a:*", "a:read", "a:*:read"], &[]),
            (&["a:*"], &["*", "*:read", "b:read", "a"], &["*", "*:read", "b:read", "a"]),
            (&["*:read"], &["*:read", "a:read", "a:*"], &["a:*"]),
            (&["*:read"], &["a:b:read"], &["a:b:read"]),
            (&["a:*", "b:*"], &["*:read"], &["*:read"]),
            (&["a:read", "a:write", "a:b:read", "b:read"], &["*"], &["*"]),
            (&["a:read", "a:write", "a:b:read"], &["a:read", "a:*"], &["a:*"]),
            (&[], &["a:read"], &["a:read"]),
            (&[], &[], &[]),
        ];
        for (held, asked, lacking) in table {
            let refused = authority(held, &["*"]).may_grant(&scopes(asked)).err();
            let expected = (!lacking.is_empty()).then(|| Escalation { scopes: scopes(lacking) });
            assert_eq!(refused, expected, "{held:?} grants {asked:?}");
        }
    }

    #[test]
    fn the_ceiling_limits_what_is_done_and_not_what_is_granted() {
        let catalog = catalog();
        let owner = authority(&["*"], &["a:*"]);
        let (write, b) = (catalog.index::<AWrite>().unwrap(), catalog.index::<BRead>().unwrap());
        assert_eq!(owner.standing(&catalog, write), Standing::Held);
        assert_eq!(owner.standing(&catalog, b), Standing::AboveCeiling);
        assert_eq!(authority(&["a:*"], &["*"]).standing(&catalog, b), Standing::NotGranted);
        assert_eq!(owner.may_grant(&scopes(&["*"])), Ok(()));
        assert!(authority(&["*"], &[]).permissions().is_empty());
    }

    #[test]
    fn a_narrow_key_of_an_owner_grants_no_more_than_itself() {
        let catalog = catalog();
        let key = authority(&["*"], &["*"]).narrowed_to(&catalog, &scopes(&["a:*", "*:read"]));
        assert!(key.holds(catalog.index::<BRead>().unwrap()));
        assert_eq!(key.may_grant(&scopes(&["a:write", "b:read"])), Ok(()));
        assert_eq!(key.may_grant(&scopes(&["*"])).unwrap_err().scopes, scopes(&["*"]));
        let demoted = authority(&["a:read"], &["*"]).narrowed_to(&catalog, &scopes(&["*"]));
        assert_eq!(demoted.scopes(), scopes(&["a:read"]));
    }

    fn some_scopes() -> impl Strategy<Value = Vec<Scope>> {
        prop::collection::vec("(\\*|a|b)(:(\\*|read|write|b)){0,2}", 0..5)
            .prop_map(|texts| texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    proptest! {
        #[test]
        fn it_is_the_union_of_the_roles_within_every_limit(
            one in some_scopes(), two in some_scopes(), ceiling in some_scopes(), limit in some_scopes(),
        ) {
            let catalog = catalog();
            let whole = Authority::of(&catalog, &[role(one.clone()), role(two.clone())], &ceiling);
            let narrow = whole.narrowed_to(&catalog, &limit);
            for (key, _) in catalog.iter() {
                let index = catalog.by_key(key.as_str()).unwrap();
                let within = |scopes: &[Scope]| scopes.iter().any(|scope| scope.matches(key));
                let granted = within(&one) || within(&two);
                prop_assert_eq!(whole.holds(index), granted && within(&ceiling));
                prop_assert_eq!(narrow.holds(index), granted && within(&ceiling) && within(&limit));
                prop_assert_eq!(within(whole.scopes()), granted);
                let standing = match (granted, within(&ceiling)) {
                    (true, true) => Standing::Held,
                    (true, false) => Standing::AboveCeiling,
                    (false, _) => Standing::NotGranted,
                };
                prop_assert_eq!(whole.standing(&catalog, index), standing);
            }
        }

        #[test]
        fn whoever_receives_a_grant_can_do_no_more_than_who_gave_it(
            held in some_scopes(), granted in some_scopes(), ceiling in some_scopes(),
        ) {
            let catalog = catalog();
            let giver = Authority::of(&catalog, &[role(held)], &ceiling);
            if giver.may_grant(&granted).is_ok() {
                let receiver = Authority::of(&catalog, &[role(granted)], &ceiling);
                prop_assert!(receiver.permissions().is_subset(giver.permissions()));
                prop_assert_eq!(giver.may_grant(receiver.scopes()), Ok(()));
            }
        }

        #[test]
        fn a_narrowed_authority_grants_what_both_sides_may(
            held in some_scopes(), limit in some_scopes(), granted in some_scopes(),
        ) {
            let catalog = catalog();
            let of = |scopes: &[Scope]| Authority::of(&catalog, &[role(scopes.to_vec())], &[Scope::all()]);
            let narrowed = of(&held).narrowed_to(&catalog, &limit);
            let by_both = of(&held).may_grant(&granted).is_ok() && of(&limit).may_grant(&granted).is_ok();
            prop_assert_eq!(narrowed.may_grant(&granted).is_ok(), by_both);
        }
    }
}
