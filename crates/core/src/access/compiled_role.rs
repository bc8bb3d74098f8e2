//! The lines of a role, compiled once for everybody who holds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalog::Catalog;
use super::grant::{Effect, Grant};
use super::interned::Compiled;
use super::permission_set::{PermissionIndex, PermissionSet};
use super::role::Role;

/// The lines of a role as a decision looks at them: by permission.
///
/// It depends on the lines and on the catalog alone, not on the role's tenant, key or version, nor on who holds it
/// where: [`Catalog::compiled`] gives equal lines one form.
#[derive(Debug)]
pub(super) struct CompiledRole {
    allows: Lines,
    denies: Lines,
    grants: Arc<[Grant]>,
}

/// The lines of one effect.
#[derive(Debug)]
struct Lines {
    plain: Naming,
    conditional: Naming,
}

/// Which lines are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Those without a condition.
    Plain,
    /// Those with one.
    Conditional,
}

impl CompiledRole {
    pub(super) fn of(catalog: &Catalog, grants: Arc<[Grant]>) -> Self {
        let lines = |effect| Lines {
            plain: Naming::of(catalog, &grants, effect, Sort::Plain),
            conditional: Naming::of(catalog, &grants, effect, Sort::Conditional),
        };
        Self { allows: lines(Effect::Allow), denies: lines(Effect::Deny), grants }
    }

    /// What the lines of an effect and sort name.
    pub(super) const fn named(&self, effect: Effect, sort: Sort) -> &PermissionSet {
        &self.naming_of(effect, sort).named
    }

    /// What the lines of an effect name.
    pub(super) const fn named_at_all(&self, effect: Effect) -> PermissionSet {
        self.named(effect, Sort::Plain).union(self.named(effect, Sort::Conditional))
    }

    /// The lines of this effect and sort that name the permission, in their order.
    #[inline]
    pub(super) fn naming(
        &self,
        effect: Effect,
        sort: Sort,
        permission: PermissionIndex,
    ) -> impl Iterator<Item = &Grant> {
        let lines = self.naming_of(effect, sort).lines(permission);
        lines.iter().filter_map(|line| self.grants.get(line))
    }

    /// The places of the lines of this effect and sort that name the permission, in order.
    pub(super) fn places(
        &self,
        effect: Effect,
        sort: Sort,
        permission: PermissionIndex,
    ) -> impl Iterator<Item = usize> + use<> {
        self.naming_of(effect, sort).lines(permission).iter()
    }

    /// The line at this place.
    #[inline]
    pub(super) fn line(&self, place: usize) -> Option<&Grant> {
        self.grants.get(place)
    }

    /// All lines, in their order.
    pub(super) const fn grants(&self) -> &Arc<[Grant]> {
        &self.grants
    }

    #[inline]
    const fn naming_of(&self, effect: Effect, sort: Sort) -> &Naming {
        let lines = match effect {
            Effect::Allow => &self.allows,
            Effect::Deny => &self.denies,
        };
        match sort {
            Sort::Plain => &lines.plain,
            Sort::Conditional => &lines.conditional,
        }
    }
}

impl Compiled for CompiledRole {
    type Part = Grant;

    fn source(&self) -> &[Grant] {
        &self.grants
    }
}

/// The lines of one effect and sort, by the permissions that they name.
#[derive(Debug)]
struct Naming {
    named: PermissionSet,
    /// For each word of `named`, how many permissions are in the words before it.
    before: [u8; PermissionSet::WORDS],
    /// For each permission that is named, in order, by which lines.
    lines: Box<[LineSet]>,
}

impl Naming {
    fn of(catalog: &Catalog, grants: &[Grant], effect: Effect, sort: Sort) -> Self {
        let mut lines = BTreeMap::<PermissionIndex, LineSet>::new();
        for (line, grant) in grants.iter().enumerate().filter(|(_, grant)| grant.effect() == effect) {
            let is_conditional = grant.condition().is_some();
            if is_conditional != (sort == Sort::Conditional) {
                continue;
            }
            let scope = std::slice::from_ref(grant.scope());
            let matched = match effect {
                Effect::Allow => catalog.resolve(scope),
                Effect::Deny => catalog.matched(scope),
            };
            for permission in matched.iter() {
                lines.entry(permission).or_default().insert(line);
            }
        }
        let named: PermissionSet = lines.keys().copied().collect();
        Self { named, before: named.before_each_word(), lines: lines.into_values().collect() }
    }

    #[inline]
    fn lines(&self, permission: PermissionIndex) -> LineSet {
        if !self.named.contains(permission) {
            return LineSet::default();
        }
        let place = self.named.rank(permission, &self.before);
        self.lines.get(place).copied().unwrap_or_default()
    }
}

/// A set of lines of a role, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct LineSet(u64);

const _: () = assert!(Role::MAX_GRANTS <= 64, "a line is a bit of 64");

impl LineSet {
    const fn insert(&mut self, line: usize) {
        self.0 |= 1 << line;
    }

    /// The places of the lines, in order.
    #[inline]
    fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let line = rest.trailing_zeros();
            rest &= rest.checked_sub(1)?;
            Some(line as usize)
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    crate::permissions! {
        fn declared;

        /// Read documents.
        DocumentRead = "document:read";
        /// Change documents.
        DocumentEdit = "document:edit", implies ["document:read"];
        /// Read folders.
        FolderRead = "folder:read";
    }

    pub(in crate::access) fn catalog() -> Catalog {
        Catalog::builder().with(declared).build().unwrap()
    }

    pub(in crate::access) fn line() -> impl Strategy<Value = Grant> {
        let texts = [
            "*",
            "document:*",
            "document:edit",
            "*:read when resource.size < 5",
            "folder:read",
            "deny document:edit",
            "deny *:read when resource.size < 5",
            "deny *",
        ];
        prop::sample::select(texts.to_vec()).prop_map(|text| text.parse().unwrap())
    }

    proptest! {
        #[test]
        fn each_line_is_found_by_what_it_names(grants in prop::collection::vec(line(), 0..=64)) {
            let catalog = catalog();
            let role = CompiledRole::of(&catalog, grants.clone().into());
            for (effect, sort) in [Effect::Allow, Effect::Deny].into_iter().flat_map(|effect| {
                [Sort::Plain, Sort::Conditional].map(|sort| (effect, sort))
            }) {
                for known in catalog.iter() {
                    let index = catalog.by_key(known.key.as_str()).unwrap();
                    let names = |grant: &&Grant| {
                        let scope = std::slice::from_ref(grant.scope());
                        let set = if effect == Effect::Deny { catalog.matched(scope) } else { catalog.resolve(scope) };
                        let is_conditional = sort == Sort::Conditional;
                        grant.effect() == effect && grant.condition().is_some() == is_conditional && set.contains(index)
                    };
                    let expected: Vec<&Grant> = grants.iter().filter(names).collect();
                    prop_assert_eq!(role.naming(effect, sort, index).collect::<Vec<_>>(), expected.clone());
                    prop_assert_eq!(role.named(effect, sort).contains(index), !expected.is_empty());
                    let is_named = [Sort::Plain, Sort::Conditional]
                        .into_iter()
                        .any(|sort| role.naming(effect, sort, index).next().is_some());
                    prop_assert_eq!(role.named_at_all(effect).contains(index), is_named);
                }
            }
        }
    }
}
