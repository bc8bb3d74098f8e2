//! The permissions that an application knows.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use super::carried::Carried;
use super::compiled_role::CompiledRole;
use super::compiled_roles::{CompiledRoles, Shared};
use super::condition::{Declared, Kind};
use super::grant::Grant;
use super::interned::Interned;
use super::permission::{Danger, Permission};
use super::permission_key::PermissionKey;
use super::permission_set::{PermissionIndex, PermissionSet};
use super::scope::Scope;

mod builder;
mod error;
#[cfg(test)]
mod tests;
mod type_id_hasher;

pub use builder::CatalogBuilder;
pub use error::{CatalogError, UnknownScope};
use type_id_hasher::TypeIdHasher;

/// What a catalog says of one permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name.
    pub key: &'a PermissionKey,
    /// What it allows.
    pub description: &'static str,
    /// What harm it can do.
    pub danger: Danger,
    /// It and all that it implies.
    pub implied: &'a PermissionSet,
}

/// Every permission of an application: built once, then shared by clones.
///
/// Scopes are resolved against it into [`PermissionSet`]s, whose members are numbered in the order of the
/// keys. Sets and indexes of one catalog mean nothing in another: what is stored is scopes.
///
/// ```
/// use tenantry_core::{Catalog, permissions};
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
///     /// Change listings.
///     pub ListingWrite = "listing:write";
/// }
///
/// let catalog = Catalog::builder().permission::<ListingRead>().permission::<ListingWrite>().build()?;
/// let readers = catalog.resolve(&["*:read".parse()?]);
/// let read = catalog.index::<ListingRead>().ok_or("not in the catalog")?;
/// let write = catalog.index::<ListingWrite>().ok_or("not in the catalog")?;
/// assert!(readers.contains(read) && !readers.contains(write));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Catalog(Arc<Entries>);

#[derive(Debug)]
struct Entries {
    sorted: Box<[Known]>,
    types: BTreeMap<&'static str, ResourceType>,
    declared: Declared,
    by_type: HashMap<TypeId, PermissionIndex, BuildHasherDefault<TypeIdHasher>>,
    roles: Interned<CompiledRole>,
    combinations: Interned<CompiledRoles>,
    scopes: Interned<Carried>,
}

/// What a [`Resource`] declares of its type, kept.
#[derive(Debug, Clone)]
struct ResourceType {
    attributes: Box<[(&'static str, Kind)]>,
}

#[derive(Debug)]
struct Known {
    key: PermissionKey,
    description: &'static str,
    danger: Danger,
    implied: PermissionSet,
}

impl Catalog {
    /// The most permissions that a catalog has.
    pub const MAX_PERMISSIONS: usize = 256;

    /// An empty catalog, to be filled.
    pub fn builder() -> CatalogBuilder {
        CatalogBuilder::default()
    }

    /// The place of a permission; `None` when the builder wasn't given it.
    #[inline]
    #[must_use]
    pub fn index<P: Permission>(&self) -> Option<PermissionIndex> {
        self.0.by_type.get(&TypeId::of::<P>()).copied()
    }

    /// The place of the permission that is named `key`.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<PermissionIndex> {
        let place = self.0.sorted.binary_search_by(|known| known.key.as_str().cmp(key)).ok()?;
        u8::try_from(place).ok().map(PermissionIndex::new)
    }

    /// The name of the permission at `index`.
    #[must_use]
    pub fn key(&self, index: PermissionIndex) -> Option<&PermissionKey> {
        self.0.sorted.get(index.place()).map(|known| &known.key)
    }

    /// Every permission, ordered by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        self.0.sorted.iter().map(|known| Entry {
            key: &known.key,
            description: known.description,
            danger: known.danger,
            implied: &known.implied,
        })
    }

    /// How many permissions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.sorted.len()
    }

    /// Whether there is no permission.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.sorted.is_empty()
    }

    /// The permissions that at least one of the scopes matches, and what they imply.
    #[must_use]
    pub fn resolve(&self, scopes: &[Scope]) -> PermissionSet {
        self.closed(&self.matched(scopes))
    }

    /// The permissions that at least one of the scopes matches, without what they imply: what a deny takes.
    #[must_use]
    pub fn matched(&self, scopes: &[Scope]) -> PermissionSet {
        scopes.iter().fold(PermissionSet::EMPTY, |all, scope| all.union(&self.matched_by(scope)))
    }

    /// Only keys that begin as the scope does can match, and they stand side by side.
    fn matched_by(&self, scope: &Scope) -> PermissionSet {
        let begins = scope.begins();
        let first = self.0.sorted.partition_point(|known| known.key.as_str() < begins);
        let places =
            u8::try_from(first).into_iter().flat_map(|first| first..=u8::MAX).map(PermissionIndex::new);
        let known = places.zip(self.0.sorted.get(first..).unwrap_or_default());
        let begun = known.take_while(|(_, known)| known.key.as_str().starts_with(begins));
        begun.filter(|(_, known)| scope.matches(&known.key)).map(|(index, _)| index).collect()
    }

    /// The set with all that its members imply.
    #[must_use]
    pub fn closed(&self, set: &PermissionSet) -> PermissionSet {
        let known = set.iter().filter_map(|index| self.0.sorted.get(index.place()));
        known.fold(*set, |all, known| all.union(&known.implied))
    }

    /// The names of the permissions in a set, sorted.
    #[must_use]
    pub fn names(&self, set: &PermissionSet) -> Vec<&PermissionKey> {
        set.iter().filter_map(|index| self.key(index)).collect()
    }

    /// Refuses scopes that match nothing: for when a role or a plan is about to be stored, where such a scope
    /// is a slip of the pen. One that was stored earlier and matches nothing any more is harmless.
    ///
    /// # Errors
    /// [`UnknownScope`] with all of them.
    pub fn check_scopes(&self, scopes: &[Scope]) -> Result<(), UnknownScope> {
        let known = |scope: &Scope| self.iter().any(|known| scope.matches(known.key));
        let unknown: Vec<Scope> = scopes.iter().filter(|scope| !known(scope)).cloned().collect();
        if unknown.is_empty() { Ok(()) } else { Err(UnknownScope { scopes: unknown }) }
    }

    /// These lines of a role, compiled: the same form for the same lines, whoever holds them. A role that only
    /// a combination keeps, which nobody holds any more, takes no room from those that are held.
    pub(super) fn compiled(&self, lines: &Arc<[Grant]>) -> Arc<CompiledRole> {
        self.0.roles.of(lines, || {
            if !self.0.roles.has_room(lines) {
                self.0.combinations.forget_unused();
            }
            CompiledRole::of(self, Arc::clone(lines))
        })
    }

    /// These roles, compiled together: the same form for the same roles.
    pub(super) fn together(&self, roles: &[Shared]) -> Arc<CompiledRoles> {
        self.0.combinations.of(roles, || CompiledRoles::of(roles))
    }

    /// These scopes, compiled: the same form for the same scopes.
    pub(super) fn carried(&self, scopes: &[Scope]) -> Arc<Carried> {
        self.0.scopes.of(scopes, || Carried::of(self, scopes))
    }

    /// The attributes of the resources that the permission is about, `id` among them; none where no resource of that
    /// type was added.
    pub(super) fn attributes(&self, permission: &PermissionKey) -> &[(&'static str, Kind)] {
        let of = permission.as_str().rsplit_once(':').map_or("", |(of, _)| of);
        self.0.types.get(of).map_or(&[], |known| &known.attributes)
    }

    /// What the application says of its callers and requests.
    pub(super) fn declared(&self) -> &Declared {
        &self.0.declared
    }
}
