//! How a catalog is put together.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Catalog, CatalogError, Entries, Known, ResourceType};
use crate::access::condition::Declared;
use crate::access::interned::Interned;
use crate::access::permission::{Danger, Permission};
use crate::access::permission_key::PermissionKey;
use crate::access::permission_set::{PermissionIndex, PermissionSet};
use crate::access::resource::{Resource, expect_containers};

/// Collects the permissions of a [`Catalog`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct CatalogBuilder {
    pub(super) permissions: Vec<Declaration>,
    types: BTreeMap<&'static str, ResourceType>,
    declared: Declared,
}

#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) of: TypeId,
    pub(super) key: &'static str,
    pub(super) description: &'static str,
    pub(super) danger: Danger,
    pub(super) implies: &'static [&'static str],
}

impl CatalogBuilder {
    /// Adds one permission.
    pub fn permission<P: Permission>(mut self) -> Self {
        self.permissions.push(Declaration {
            of: TypeId::of::<P>(),
            key: P::KEY,
            description: P::DESCRIPTION,
            danger: P::DANGER,
            implies: P::IMPLIES,
        });
        self
    }

    /// Adds a type of resource, so that conditions on its attributes can be checked when a role is stored.
    pub fn resource<R: Resource>(mut self) -> Self {
        expect_containers::<R>();
        let attributes = R::ATTRIBUTES.iter().copied().chain([("id", R::ID)]).collect();
        self.types.insert(R::TYPE, ResourceType { attributes });
        self
    }

    /// The attributes that the application gives its callers and requests, besides those built in; in place of what
    /// was declared before.
    pub fn attributes(mut self, declared: Declared) -> Self {
        self.declared = declared;
        self
    }

    /// Adds what `declare` adds, such as a function that [`permissions!`](crate::permissions) declared.
    pub fn with(self, declare: impl FnOnce(Self) -> Self) -> Self {
        declare(self)
    }

    /// The catalog.
    ///
    /// # Errors
    /// [`CatalogError`] when a key is no [`PermissionKey`], is declared twice or is the 257th, or when a permission
    /// implies one that isn't declared, or itself.
    pub fn build(self) -> Result<Catalog, CatalogError> {
        let mut sorted = BTreeMap::new();
        for declared in self.permissions {
            let key: PermissionKey =
                declared.key.parse().map_err(|_| CatalogError::InvalidKey { key: declared.key })?;
            let key_text = declared.key;
            if sorted.insert(key, declared).is_some() {
                return Err(CatalogError::Duplicate { key: key_text });
            }
        }
        let places = sorted
            .values()
            .enumerate()
            .map(|(place, declared)| {
                u8::try_from(place)
                    .map(|place| (declared.key, PermissionIndex::new(place)))
                    .map_err(|_| CatalogError::TooMany { declared: sorted.len() })
            })
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let implied = implied(sorted.values(), &places)?;
        let by_type =
            sorted.values().filter_map(|declared| Some((declared.of, *places.get(declared.key)?))).collect();
        let known = |((key, declared), implied): ((PermissionKey, Declaration), PermissionSet)| Known {
            key,
            description: declared.description,
            danger: declared.danger,
            implied,
        };
        let sorted = sorted.into_iter().zip(implied).map(known).collect();
        Ok(Catalog(Arc::new(Entries {
            sorted,
            types: self.types,
            declared: self.declared,
            by_type,
            roles: Interned::default(),
            combinations: Interned::default(),
            scopes: Interned::default(),
        })))
    }
}

/// What each permission gives, itself included, in the order of the keys: what is implied is added until nothing is
/// new, at most once for each permission.
fn implied<'a>(
    sorted: impl ExactSizeIterator<Item = &'a Declaration> + Clone,
    places: &BTreeMap<&str, PermissionIndex>,
) -> Result<Vec<PermissionSet>, CatalogError> {
    let direct = sorted.clone().map(|declared| {
        let named = declared.implies.iter().map(|implied| {
            let unknown = CatalogError::UnknownImplied { key: declared.key, implied };
            places.get(implied).copied().ok_or(unknown)
        });
        named.collect::<Result<PermissionSet, _>>()
    });
    let mut implied = direct.collect::<Result<Vec<_>, _>>()?;
    for _ in 0..sorted.len() {
        let more = implied.iter().map(|set| {
            let further = set.iter().filter_map(|index| implied.get(index.place()));
            further.fold(*set, |all, set| all.union(set))
        });
        let more: Vec<PermissionSet> = more.collect();
        if more == implied {
            break;
        }
        implied = more;
    }
    for (declared, set) in sorted.zip(&mut implied) {
        let own = places.get(declared.key).copied();
        if own.is_some_and(|own| !set.insert(own)) {
            return Err(CatalogError::Circular { key: declared.key });
        }
    }
    Ok(implied)
}
