//! Decisions about authority: functions of values.

use super::authority::Authority;
use super::catalog::Catalog;
use super::permission_set::PermissionSet;
use super::role::Role;
use super::scope::Scope;

/// What `roles` allow under a plan that allows `allowed_by_plan`: the union of the roles, then what is in both.
#[must_use]
pub fn authority(catalog: &Catalog, roles: &[Role], allowed_by_plan: &[Scope]) -> PermissionSet {
    roles
        .iter()
        .map(|role| catalog.resolve(role.scopes()))
        .fold(PermissionSet::EMPTY, |all, role| all.union(&role))
        .intersection(&catalog.resolve(allowed_by_plan))
}

/// Whether `holder` may define a role, or change one, so that it lists `scopes`.
///
/// ```
/// use tenantry_core::{Authority, Catalog, Role, TenantId, may_define_role};
///
/// let catalog = Catalog::builder().build()?;
/// let role = Role::new(TenantId::generate(), "clerk".parse()?, "Clerk", vec!["listing:*".parse()?], 1)?;
/// let clerk = Authority::of(&catalog, &[role], &["*".parse()?]);
///
/// assert!(may_define_role(&clerk, &["listing:read".parse()?]).is_ok());
/// let refusal = may_define_role(&clerk, &["listing:read".parse()?, "*:read".parse()?]).err();
/// assert_eq!(refusal.map(|refusal| refusal.scopes), Some(vec!["*:read".parse()?]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Escalation`] with the scopes that the holder lacks; see [`Authority::may_grant`].
pub fn may_define_role(holder: &Authority, scopes: &[Scope]) -> Result<(), Escalation> {
    holder.may_grant(scopes)
}

/// Whether `holder` may give `role` to somebody, by assignment or by invitation.
///
/// Ask with the role as it is stored now, in the same version that the write is guarded by: one that is
/// widened in between would be handed out unseen.
///
/// # Errors
/// [`Escalation`] with the scopes that the holder lacks; see [`Authority::may_grant`].
pub fn may_assign(holder: &Authority, role: &Role) -> Result<(), Escalation> {
    holder.may_grant(role.scopes())
}

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
    use super::*;
    use crate::id::TenantId;

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
            let set = authority(&catalog, &roles, &[plan.parse().unwrap()]);
            catalog.names(&set).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("*"), ["listing:read", "member:manage"]);
        assert_eq!(names("listing:*"), ["listing:read"]);
        assert!(authority(&catalog, &[], &[Scope::all()]).is_empty());
    }

    #[test]
    fn a_manager_makes_no_owner() {
        let catalog = Catalog::builder().with(declared).build().unwrap();
        let (manager, owner) = (role("manager", &["member:*"]), role("owner", &["*"]));
        let holder = Authority::of(&catalog, std::slice::from_ref(&manager), &[Scope::all()]);
        assert_eq!(may_assign(&holder, &manager), Ok(()));
        let refusal = may_assign(&holder, &owner).unwrap_err();
        assert_eq!(refusal.scopes, [Scope::all()]);
        assert!(refusal.to_string().starts_with("you can't grant *: "), "{refusal}");
        assert_eq!(may_define_role(&holder, owner.scopes()), Err(refusal));
    }
}
