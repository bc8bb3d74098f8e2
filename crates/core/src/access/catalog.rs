//! The permissions that an application knows.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::permission_key::PermissionKey;
use super::permission_set::{PermissionIndex, PermissionSet};
use super::scope::Scope;

/// A permission that an application declares, as a type, so that a check names it without text.
///
/// Mostly declared by [`permissions!`](crate::permissions).
///
/// ```
/// use tenantry_core::Permission;
///
/// struct ListingRead;
///
/// impl Permission for ListingRead {
///     const KEY: &'static str = "listing:read";
///     const DESCRIPTION: &'static str = "Read listings.";
/// }
/// ```
pub trait Permission: Send + Sync + 'static {
    /// Its name, a [`PermissionKey`].
    const KEY: &'static str;
    /// What it allows, for whoever puts a role together.
    const DESCRIPTION: &'static str;
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
    sorted: Box<[(PermissionKey, &'static str)]>,
    by_type: HashMap<TypeId, PermissionIndex, BuildHasherDefault<TypeIdHasher>>,
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
        let place = self.0.sorted.binary_search_by(|(known, _)| known.as_str().cmp(key)).ok()?;
        u8::try_from(place).ok().map(PermissionIndex::new)
    }

    /// The name of the permission at `index`.
    #[must_use]
    pub fn key(&self, index: PermissionIndex) -> Option<&PermissionKey> {
        self.0.sorted.get(index.place()).map(|(key, _)| key)
    }

    /// Every permission with its description, ordered by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&PermissionKey, &'static str)> {
        self.0.sorted.iter().map(|(key, description)| (key, *description))
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

    /// The permissions that at least one of the scopes matches.
    #[must_use]
    pub fn resolve(&self, scopes: &[Scope]) -> PermissionSet {
        self.indexed()
            .filter(|(_, key)| scopes.iter().any(|scope| scope.matches(key)))
            .map(|(index, _)| index)
            .collect()
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
        let known = |scope: &Scope| self.iter().any(|(key, _)| scope.matches(key));
        let unknown: Vec<Scope> = scopes.iter().filter(|scope| !known(scope)).cloned().collect();
        if unknown.is_empty() { Ok(()) } else { Err(UnknownScope { scopes: unknown }) }
    }

    fn indexed(&self) -> impl Iterator<Item = (PermissionIndex, &PermissionKey)> {
        (0..=u8::MAX).map(PermissionIndex::new).zip(self.0.sorted.iter().map(|(key, _)| key))
    }
}

/// Collects the permissions of a [`Catalog`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct CatalogBuilder {
    declared: Vec<Declared>,
}

#[derive(Debug)]
struct Declared {
    of: TypeId,
    key: &'static str,
    description: &'static str,
}

impl CatalogBuilder {
    /// Adds one permission.
    pub fn permission<P: Permission>(mut self) -> Self {
        self.declared.push(Declared { of: TypeId::of::<P>(), key: P::KEY, description: P::DESCRIPTION });
        self
    }

    /// Adds what `declare` adds, such as a function that [`permissions!`](crate::permissions) declared.
    pub fn with(self, declare: impl FnOnce(Self) -> Self) -> Self {
        declare(self)
    }

    /// The catalog.
    ///
    /// # Errors
    /// [`CatalogError`] when a key is no [`PermissionKey`], is declared twice, or is the 257th.
    pub fn build(self) -> Result<Catalog, CatalogError> {
        let mut sorted = BTreeMap::new();
        for declared in self.declared {
            let key: PermissionKey =
                declared.key.parse().map_err(|_| CatalogError::InvalidKey { key: declared.key })?;
            if sorted.insert(key, (declared.of, declared.description)).is_some() {
                return Err(CatalogError::Duplicate { key: declared.key });
            }
        }
        let by_type = sorted
            .values()
            .enumerate()
            .map(|(place, (of, _))| {
                u8::try_from(place)
                    .map(|place| (*of, PermissionIndex::new(place)))
                    .map_err(|_| CatalogError::TooMany { declared: sorted.len() })
            })
            .collect::<Result<_, _>>()?;
        let sorted = sorted.into_iter().map(|(key, (_, description))| (key, description)).collect();
        Ok(Catalog(Arc::new(Entries { sorted, by_type })))
    }
}

/// A catalog that can't be built: a mistake in the application, found when it starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A key is malformed.
    #[error(
        "{key:?} is no permission: write 1 to 8 segments separated by ':', each 1 to 32 of a-z, 0-9, '_' and '-'"
    )]
    InvalidKey {
        /// What was declared.
        key: &'static str,
    },
    /// A key was declared twice.
    #[error("the permission {key} is declared twice: add each permission once, under a key of its own")]
    Duplicate {
        /// The key.
        key: &'static str,
    },
    /// More permissions than a set holds.
    #[error("{declared} permissions are declared, but a catalog holds 256: merge some of them")]
    TooMany {
        /// How many were declared.
        declared: usize,
    },
}

/// Scopes that match no permission of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no permission is matched by {}: correct or remove what isn't in the catalog", Scope::list(scopes))]
#[non_exhaustive]
pub struct UnknownScope {
    /// Which ones, in the order given.
    pub scopes: Vec<Scope>,
}

/// Takes the 64 bits that a [`TypeId`] feeds it as they are: they are a hash already.
#[derive(Debug, Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    crate::permissions! {
        fn declared;

        /// Read listings.
        ListingRead = "listing:read";
        /// Change
        /// listings.
        ListingWrite = "listing:write";
        /// Read invoices.
        InvoiceRead = "billing:invoice:read";
        /// See what is owed.
        BillingRead = "billing:read";
    }

    struct Other<const N: usize>;

    impl<const N: usize> Permission for Other<N> {
        const KEY: &'static str = match N {
            0 => "listing:read",
            1 => "listing:*",
            _ => "",
        };
        const DESCRIPTION: &'static str = "";
    }

    fn catalog() -> Catalog {
        Catalog::builder().with(declared).build().unwrap()
    }

    fn scopes(texts: &[&str]) -> Vec<Scope> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn resolved(texts: &[&str]) -> Vec<String> {
        let catalog = catalog();
        catalog.names(&catalog.resolve(&scopes(texts))).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn types_keys_and_places_agree() {
        let catalog = catalog();
        let keys: Vec<&str> = catalog.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["billing:invoice:read", "billing:read", "listing:read", "listing:write"]);
        assert_eq!(catalog.len(), 4);
        let index = catalog.index::<ListingWrite>();
        assert_eq!(index, catalog.by_key("listing:write"));
        assert_eq!(catalog.key(index.unwrap()).unwrap().as_str(), ListingWrite::KEY);
        assert_eq!(catalog.iter().nth(3).unwrap().1, "Change listings.");
        assert_eq!(catalog.index::<Other<0>>(), None);
        assert_eq!(catalog.by_key("listing"), None);
        assert!(Catalog::builder().build().unwrap().is_empty());
    }

    #[test]
    fn scopes_resolve_to_what_they_match() {
        assert_eq!(resolved(&["*:read"]), ["billing:read", "listing:read"]);
        assert_eq!(resolved(&["billing:*"]), ["billing:invoice:read", "billing:read"]);
        assert_eq!(resolved(&["billing:read"]), ["billing:read"]);
        assert_eq!(resolved(&["*"]).len(), 4);
        assert_eq!(resolved(&["listing:write", "*:read"]).len(), 3);
        assert!(resolved(&[]).is_empty());
    }

    #[test]
    fn mistakes_are_found_when_it_is_built() {
        let twice = Catalog::builder().permission::<ListingRead>().permission::<ListingRead>();
        assert_eq!(twice.build().unwrap_err(), CatalogError::Duplicate { key: "listing:read" });
        let namesake = Catalog::builder().permission::<ListingRead>().permission::<Other<0>>();
        assert_eq!(namesake.build().unwrap_err(), CatalogError::Duplicate { key: "listing:read" });
        let pattern = Catalog::builder().permission::<Other<1>>();
        assert_eq!(pattern.build().unwrap_err(), CatalogError::InvalidKey { key: "listing:*" });
        assert!(Catalog::builder().permission::<Other<2>>().build().is_err());
    }

    #[test]
    fn two_hundred_and_fifty_six_fit() {
        let many = |count: usize| {
            let mut builder = Catalog::builder();
            for n in 0..count {
                let key: &'static str = Box::leak(format!("many:p{n}").into_boxed_str());
                builder.declared.push(Declared { of: TypeId::of::<ListingRead>(), key, description: "" });
            }
            builder.build()
        };
        let full = many(256).unwrap();
        assert_eq!(full.resolve(&[Scope::all()]).len(), 256);
        assert_eq!(full.names(&full.resolve(&[Scope::all()])).len(), 256);
        assert_eq!(many(257).unwrap_err(), CatalogError::TooMany { declared: 257 });
    }

    #[test]
    fn scopes_that_match_nothing_are_named() {
        let catalog = catalog();
        assert_eq!(catalog.check_scopes(&scopes(&["*", "*:read", "billing:*", "listing:read"])), Ok(()));
        let refusal = catalog.check_scopes(&scopes(&["listing:raed", "*", "api:*"])).unwrap_err();
        assert_eq!(refusal.scopes, scopes(&["listing:raed", "api:*"]));
        assert!(refusal.to_string().contains("listing:raed, api:*"), "{refusal}");
    }

    proptest! {
        #[test]
        fn resolving_is_matching_one_by_one(
            texts in prop::collection::vec("(\\*|listing|billing)(:(\\*|read|write|invoice)){0,2}", 0..5),
        ) {
            let catalog = catalog();
            let scopes: Vec<Scope> = texts.iter().map(|text| text.parse().unwrap()).collect();
            let set = catalog.resolve(&scopes);
            for (key, _) in catalog.iter() {
                let index = catalog.by_key(key.as_str()).unwrap();
                prop_assert_eq!(set.contains(index), scopes.iter().any(|scope| scope.matches(key)));
            }
            let names = catalog.names(&set);
            prop_assert!(names.is_sorted());
            prop_assert_eq!(names.len(), set.len());
        }
    }
}
