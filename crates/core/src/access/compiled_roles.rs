//! The roles on a whole tenant, compiled together for everybody who holds the same ones.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use super::compiled_role::{CompiledRole, Sort};
use super::grant::{Effect, Grant};
use super::interned::Compiled;
use super::permission_set::{PermissionIndex, PermissionSet};

/// Some roles, in an order, and the lines of all of them by permission: a check looks at those that name it, and at no
/// role in vain.
///
/// It depends on the roles alone: [`Catalog::together`](super::Catalog::together) gives the same roles one form. Few
/// combinations of roles are held by many, so a check finds it where the last one left it: in the cache.
#[derive(Debug)]
pub(super) struct CompiledRoles {
    allows: Named,
    denies: Named,
    /// For each permission, up to the last that is named, where the lines that deny it begin and where those that allow it
    /// do; then where the last end.
    begins: Box<[[usize; 2]]>,
    /// Of each effect first those without a condition.
    lines: Box<[Line]>,
    roles: Box<[Shared]>,
}

/// What the lines of one effect name.
#[derive(Debug)]
struct Named {
    plain: PermissionSet,
    conditional: PermissionSet,
}

/// A line, by the place of its role and its place in that.
#[derive(Debug, Clone, Copy)]
struct Line {
    role: usize,
    place: usize,
}

/// A compiled role, told from others by where it is: equal lines are compiled once.
#[derive(Debug, Clone)]
pub(super) struct Shared(pub(super) Arc<CompiledRole>);

impl CompiledRoles {
    pub(super) fn of(roles: &[Shared]) -> Self {
        let all = |effect, sort| {
            roles.iter().fold(PermissionSet::EMPTY, |all, role| all.union(role.named(effect, sort)))
        };
        let named =
            |effect| Named { plain: all(effect, Sort::Plain), conditional: all(effect, Sort::Conditional) };
        let (mut begins, mut lines) = (Vec::new(), Vec::new());
        let (allows, denies) = (named(Effect::Allow), named(Effect::Deny));
        let last = allows.at_all().union(&denies.at_all()).iter().last();
        for permission in (0..=u8::MAX).map(PermissionIndex::new).take_while(|place| Some(*place) <= last) {
            let begin = lines.len();
            lines.extend(naming(roles, Effect::Deny, permission));
            begins.push([begin, lines.len()]);
            lines.extend(naming(roles, Effect::Allow, permission));
        }
        begins.push([lines.len(); 2]);
        Self { allows, denies, begins: begins.into(), lines: lines.into(), roles: roles.into() }
    }

    /// The roles, in their order.
    pub(super) const fn roles(&self) -> &[Shared] {
        &self.roles
    }

    /// What lines of this effect and sort name.
    pub(super) const fn named(&self, effect: Effect, sort: Sort) -> &PermissionSet {
        let named = match effect {
            Effect::Allow => &self.allows,
            Effect::Deny => &self.denies,
        };
        match sort {
            Sort::Plain => &named.plain,
            Sort::Conditional => &named.conditional,
        }
    }

    /// The lines of this effect that name the permission, with the places of their roles: first those without a condition,
    /// then those with one.
    #[inline]
    pub(super) fn naming(
        &self,
        effect: Effect,
        permission: PermissionIndex,
    ) -> impl Iterator<Item = (usize, &Grant)> {
        let lines = self.lines(effect, permission).unwrap_or_default();
        lines.iter().filter_map(|line| Some((line.role, self.roles.get(line.role)?.line(line.place)?)))
    }

    #[inline]
    fn lines(&self, effect: Effect, permission: PermissionIndex) -> Option<&[Line]> {
        let [[denying, allowing], [end, _]] = self.begins.get(permission.place()..)?.first_chunk::<2>()?;
        self.lines.get(match effect {
            Effect::Deny => *denying..*allowing,
            Effect::Allow => *allowing..*end,
        })
    }
}

/// The lines of an effect that name the permission, first those without a condition.
fn naming(roles: &[Shared], effect: Effect, permission: PermissionIndex) -> impl Iterator<Item = Line> {
    [Sort::Plain, Sort::Conditional].into_iter().flat_map(move |sort| {
        roles.iter().enumerate().flat_map(move |(role, compiled)| {
            compiled.places(effect, sort, permission).map(move |place| Line { role, place })
        })
    })
}

impl Named {
    const fn at_all(&self) -> PermissionSet {
        self.plain.union(&self.conditional)
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
        fn the_lines_of_all_roles_are_found_in_the_order_of_the_roles(
            written in prop::collection::vec(prop::collection::vec(line(), 0..6), 0..6),
        ) {
            let catalog = catalog();
            let roles: Vec<Shared> =
                written.iter().map(|lines| Shared(catalog.compiled(&lines.clone().into()))).collect();
            let together = catalog.together(&roles);
            prop_assert!(Arc::ptr_eq(&together, &catalog.together(&roles)));
            for (effect, index) in [Effect::Allow, Effect::Deny].into_iter().flat_map(|effect| {
                (0..=u8::MAX).map(move |place| (effect, PermissionIndex::new(place)))
            }) {
                let mut expected = Vec::new();
                for sort in [Sort::Plain, Sort::Conditional] {
                    let before = expected.len();
                    for (role, compiled) in roles.iter().enumerate() {
                        expected.extend(compiled.naming(effect, sort, index).map(|grant| (role, grant)));
                    }
                    prop_assert_eq!(together.named(effect, sort).contains(index), expected.len() > before);
                }
                prop_assert_eq!(together.naming(effect, index).collect::<Vec<_>>(), expected);
            }
        }
    }
}
