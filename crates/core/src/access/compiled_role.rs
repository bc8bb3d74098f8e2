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
    named: Named,
    /// Where in `lines` those about a permission begin: four entries for each permission, one for each effect and sort, up
    /// to the last permission that is named. The next entry is where they end.
    begins: Box<[u16]>,
    /// The places of the lines.
    lines: Box<[u8]>,
    grants: Arc<[Grant]>,
}

/// What lines name, by their effect and sort.
#[derive(Debug, Default)]
pub(super) struct Named([PermissionSet; Named::KINDS]);

/// Which lines are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Those without a condition.
    Plain,
    /// Those with one.
    Conditional,
}

const _: () = assert!(
    Role::MAX_GRANTS <= u8::MAX as usize && Role::MAX_GRANTS * (u8::MAX as usize + 1) <= u16::MAX as usize,
    "a line's place is a byte, and where a permission's lines begin are two"
);

impl CompiledRole {
    pub(super) fn of(catalog: &Catalog, grants: Arc<[Grant]>) -> Self {
        let mut naming = BTreeMap::<(PermissionIndex, usize), Vec<u8>>::new();
        let mut named = Named::default();
        for (grant, place) in grants.iter().zip(0_u8..) {
            let scope = std::slice::from_ref(grant.scope());
            let matched = match grant.effect() {
                Effect::Allow => catalog.resolve(scope),
                Effect::Deny => catalog.matched(scope),
            };
            let sort = if grant.condition().is_some() { Sort::Conditional } else { Sort::Plain };
            let kind = Named::kind(grant.effect(), sort);
            for permission in matched.iter() {
                naming.entry((permission, kind)).or_default().push(place);
            }
            named.insert(kind, &matched);
        }
        let last = naming.last_key_value().map(|((permission, _), _)| *permission);
        let all = (0..=u8::MAX).map(PermissionIndex::new).take_while(|permission| Some(*permission) <= last);
        let (mut begins, mut lines) = (vec![0], Vec::new());
        for asked in all.flat_map(|permission| (0..Named::KINDS).map(move |kind| (permission, kind))) {
            lines.extend(naming.remove(&asked).unwrap_or_default());
            begins.extend(u16::try_from(lines.len()));
        }
        Self { named, begins: begins.into(), lines: lines.into(), grants }
    }

    /// What the lines name.
    pub(super) const fn named(&self) -> &Named {
        &self.named
    }

    /// The lines of this effect and sort that name the permission, in their order.
    #[inline]
    pub(super) fn naming(
        &self,
        effect: Effect,
        sort: Sort,
        permission: PermissionIndex,
    ) -> impl Iterator<Item = &Grant> {
        let lines = self.places(effect, sort, permission).unwrap_or_default();
        lines.iter().filter_map(|line| self.grants.get(usize::from(*line)))
    }

    /// All lines, in their order.
    pub(super) const fn grants(&self) -> &Arc<[Grant]> {
        &self.grants
    }

    #[inline]
    fn places(&self, effect: Effect, sort: Sort, permission: PermissionIndex) -> Option<&[u8]> {
        let kind = permission.place() * Named::KINDS + Named::kind(effect, sort);
        let [begin, end] = self.begins.get(kind..)?.first_chunk::<2>()?;
        self.lines.get(usize::from(*begin)..usize::from(*end))
    }
}

impl Compiled for CompiledRole {
    type Part = Grant;

    fn source(&self) -> &[Grant] {
        &self.grants
    }
}

impl Named {
    const KINDS: usize = 4;

    #[inline]
    const fn kind(effect: Effect, sort: Sort) -> usize {
        match (effect, sort) {
            (Effect::Deny, Sort::Plain) => 0,
            (Effect::Deny, Sort::Conditional) => 1,
            (Effect::Allow, Sort::Plain) => 2,
            (Effect::Allow, Sort::Conditional) => 3,
        }
    }

    fn insert(&mut self, kind: usize, more: &PermissionSet) {
        if let Some(set) = self.0.get_mut(kind) {
            *set = set.union(more);
        }
    }

    /// What is named by either.
    pub(super) fn union(mut self, other: &Self) -> Self {
        for (kind, more) in other.0.iter().enumerate() {
            self.insert(kind, more);
        }
        self
    }

    /// What lines of this effect and sort name.
    #[inline]
    pub(super) fn by(&self, effect: Effect, sort: Sort) -> PermissionSet {
        self.0.get(Self::kind(effect, sort)).copied().unwrap_or_default()
    }

    /// What lines of this effect name.
    pub(super) fn by_any(&self, effect: Effect) -> PermissionSet {
        self.by(effect, Sort::Plain).union(&self.by(effect, Sort::Conditional))
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
                    prop_assert_eq!(role.named().by(effect, sort).contains(index), !expected.is_empty());
                    let is_named = [Sort::Plain, Sort::Conditional]
                        .into_iter()
                        .any(|sort| role.naming(effect, sort, index).next().is_some());
                    prop_assert_eq!(role.named().by_any(effect).contains(index), is_named);
                }
            }
        }
    }
}
