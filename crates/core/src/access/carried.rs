//! Scopes that limit an authority from outside.

use super::catalog::Catalog;
use super::interned::Compiled;
use super::permission_set::PermissionSet;
use super::scope::Scope;

/// Scopes that limit an authority from outside, and the permissions that they come to: those of a plan, a token or a
/// key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) scopes: Box<[Scope]>,
    pub(super) set: PermissionSet,
}

impl Carried {
    /// [`Catalog::carried`] shares what this makes.
    pub(super) fn of(catalog: &Catalog, scopes: &[Scope]) -> Self {
        Self { scopes: scopes.into(), set: catalog.resolve(scopes) }
    }

    pub(super) fn within(&self, other: &Self) -> Self {
        let both =
            self.scopes.iter().flat_map(|one| other.scopes.iter().filter_map(|two| one.intersection(two)));
        Self { scopes: Scope::widest(both).into(), set: self.set.intersection(&other.set) }
    }
}

impl Compiled for Carried {
    type Part = Scope;

    fn source(&self) -> &[Scope] {
        &self.scopes
    }
}
