//! The refusal to hand out more than one holds.

use super::scope::Scope;

/// Somebody would hand out more than they hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "you can't grant {}: leave out what your own roles don't cover, or ask somebody who holds it",
    Scope::list(scopes)
)]
#[non_exhaustive]
pub struct Escalation {
    /// The scopes that the holder lacks, in the order in which they were asked for.
    pub scopes: Vec<Scope>,
}

#[cfg(test)]
mod tests {
    use crate::{Authority, Catalog, Role, Scope, TenantId};

    crate::permissions! {
        fn declared;

        /// Read listings.
        ListingRead = "listing:read";
        /// Manage members.
        MemberManage = "member:manage";
    }

    fn role(key: &str, texts: &[&str]) -> Role {
        let scopes = texts.iter().map(|text| text.parse().unwrap()).collect();
        Role::new(TenantId::generate(), key.parse().unwrap(), key, scopes, 1).unwrap()
    }

    #[test]
    fn roles_add_up_and_the_plan_cuts_off() {
        let catalog = Catalog::builder().with(declared).build().unwrap();
        let roles = [role("reader", &["listing:read"]), role("manager", &["member:*"])];
        let names = |plan: &str| {
            let authority = Authority::of(&catalog, &roles, &[plan.parse().unwrap()]);
            catalog.names(authority.permissions()).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("*"), ["listing:read", "member:manage"]);
        assert_eq!(names("listing:*"), ["listing:read"]);
        assert!(Authority::of(&catalog, &[], &[Scope::all()]).permissions().is_empty());
    }

    #[test]
    fn a_manager_makes_no_owner() {
        let catalog = Catalog::builder().with(declared).build().unwrap();
        let (manager, owner) = (role("manager", &["member:*"]), role("owner", &["*"]));
        let holder = Authority::of(&catalog, std::slice::from_ref(&manager), &[Scope::all()]);
        assert_eq!(holder.may_grant(manager.scopes()), Ok(()));
        let refusal = holder.may_grant(owner.scopes()).unwrap_err();
        assert_eq!(refusal.scopes, [Scope::all()]);
        assert!(refusal.to_string().starts_with("you can't grant *: "), "{refusal}");
    }
}
