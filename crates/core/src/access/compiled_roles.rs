//! The roles on a whole tenant, compiled together for everybody who holds the same ones.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use super::compiled_role::{CompiledRole, Named, Sort};
use super::grant::Effect;
use super::interned::Compiled;
use super::permission_set::PermissionIndex;

/// Some roles, in an order, and what they name together: whether one of them has a line about a permission is known
/// before any of them is looked at.
///
/// It depends on the roles alone: [`Catalog::together`](super::Catalog::together) gives the same roles one form. Most
/// people hold one of a few combinations, so a check finds it where the last one left it: in the cache.
#[derive(Debug)]
pub(super) struct CompiledRoles {
    named: Named,
    roles: Box<[Shared]>,
}

/// A compiled role, told from others by where it is: equal lines are compiled once.
#[derive(Debug, Clone)]
pub(super) struct Shared(pub(super) Arc<CompiledRole>);

impl CompiledRoles {
    pub(super) fn of(roles: &[Shared]) -> Self {
        let named = roles.iter().fold(Named::default(), |all, role| all.union(role.named()));
        Self { named, roles: roles.into() }
    }

    /// The roles, in their order.
    pub(super) const fn roles(&self) -> &[Shared] {
        &self.roles
    }

    /// What their lines name.
    pub(super) const fn named(&self) -> &Named {
        &self.named
    }

    /// The roles, if one of them has a line of this effect and sort that names the permission; else none.
    #[inline]
    pub(super) fn naming(&self, effect: Effect, sort: Sort, permission: PermissionIndex) -> &[Shared] {
        if self.named.by(effect, sort).contains(permission) { &self.roles } else { &[] }
    }
}

impl Compiled for CompiledRoles {
    type Part = Shared;

    fn source(&self) -> &[Shared] {
        &self.roles
    }
}

impl Deref for Shared {
    type Target = CompiledRole;

    fn deref(&self) -> &CompiledRole {
        &self.0
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Shared {}

impl Hash for Shared {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::compiled_role::tests::{catalog, line};
    use super::*;

    proptest! {
        #[test]
        fn the_roles_are_asked_if_one_of_them_names_it(
            written in prop::collection::vec(prop::collection::vec(line(), 0..6), 0..6),
        ) {
            let catalog = catalog();
            let roles: Vec<Shared> =
                written.iter().map(|lines| Shared(catalog.compiled(&lines.clone().into()))).collect();
            let together = catalog.together(&roles);
            prop_assert!(Arc::ptr_eq(&together, &catalog.together(&roles)));
            prop_assert_eq!(together.roles(), roles.as_slice());
            for index in (0..=u8::MAX).map(PermissionIndex::new) {
                for effect in [Effect::Allow, Effect::Deny] {
                    for sort in [Sort::Plain, Sort::Conditional] {
                        let names = |role: &Shared| role.naming(effect, sort, index).next().is_some();
                        let expected = if roles.iter().any(names) { roles.as_slice() } else { &[] };
                        prop_assert_eq!(together.naming(effect, sort, index), expected);
                    }
                }
            }
        }
    }
}
