//! The permissions that an application knows.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::condition::{Declared, Kind};
use super::permission::{Danger, Permission};
use super::permission_key::PermissionKey;
use super::permission_set::{PermissionIndex, PermissionSet};
use super::resource::Resource;
use super::scope::Scope;

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

/// Collects the permissions of a [`Catalog`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct CatalogBuilder {
    permissions: Vec<Declaration>,
    types: BTreeMap<&'static str, ResourceType>,
    declared: Declared,
}

#[derive(Debug)]
struct Declaration {
    of: TypeId,
    key: &'static str,
    description: &'static str,
    danger: Danger,
    implies: &'static [&'static str],
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
        Ok(Catalog(Arc::new(Entries { sorted, types: self.types, declared: self.declared, by_type })))
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
    /// A permission implies one that isn't declared.
    #[error(
        "the permission {key} implies {implied}, which the catalog doesn't have: add it, or correct the key"
    )]
    UnknownImplied {
        /// The permission.
        key: &'static str,
        /// What it implies.
        implied: &'static str,
    },
    /// A permission implies itself, through others or at once.
    #[error(
        "the permission {key} implies itself: break the circle, or declare one permission instead of both"
    )]
    Circular {
        /// The permission.
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
        let keys: Vec<&str> = catalog.iter().map(|known| known.key.as_str()).collect();
        assert_eq!(keys, ["billing:invoice:read", "billing:read", "listing:read", "listing:write"]);
        assert_eq!(catalog.len(), 4);
        let index = catalog.index::<ListingWrite>();
        assert_eq!(index, catalog.by_key("listing:write"));
        assert_eq!(catalog.key(index.unwrap()).unwrap().as_str(), ListingWrite::KEY);
        assert_eq!(catalog.iter().nth(3).unwrap().description, "Change listings.");
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

    crate::permissions! {
        fn stacked;

        /// See a repository.
        RepoRead = "repo:read";
        /// Push to a repository.
        RepoWrite = "repo:write", implies ["repo:read"];
        /// Change a repository's settings.
        RepoAdmin = "repo:admin", danger Critical, implies ["repo:write", "hook:manage"];
        /// Manage webhooks.
        HookManage = "hook:manage", danger Sensitive;
    }

    #[test]
    fn what_is_implied_comes_with_it_and_a_deny_takes_only_what_it_names() {
        let catalog = Catalog::builder().with(stacked).build().unwrap();
        let names =
            |set: &PermissionSet| catalog.names(set).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&catalog.resolve(&scopes(&["repo:write"]))), ["repo:read", "repo:write"]);
        assert_eq!(catalog.resolve(&scopes(&["repo:admin"])).len(), 4);
        assert_eq!(names(&catalog.matched(&scopes(&["repo:admin"]))), ["repo:admin"]);
        let admin = catalog.iter().find(|known| known.key.as_str() == "repo:admin").unwrap();
        assert_eq!((admin.danger, admin.implied.len()), (Danger::Critical, 4));
    }

    #[test]
    fn circles_and_unknown_names_are_refused() {
        let declared = |key, implies: &'static [&'static str]| Declaration {
            of: TypeId::of::<ListingRead>(),
            key,
            description: "",
            danger: Danger::Ordinary,
            implies,
        };
        let build = |permissions: Vec<Declaration>| {
            CatalogBuilder { permissions, ..CatalogBuilder::default() }.build().map(|catalog| catalog.len())
        };
        let itself = build(vec![declared("a", &["a"])]);
        assert_eq!(itself, Err(CatalogError::Circular { key: "a" }));
        let round = build(vec![declared("a", &["b"]), declared("b", &["c"]), declared("c", &["a"])]);
        assert_eq!(round, Err(CatalogError::Circular { key: "a" }));
        let unknown = build(vec![declared("a", &["b"])]);
        assert_eq!(unknown, Err(CatalogError::UnknownImplied { key: "a", implied: "b" }));
        let diamond = [("a", &["b", "c"][..]), ("b", &["d"][..]), ("c", &["d"][..]), ("d", &[][..])];
        assert_eq!(build(diamond.map(|(key, implies)| declared(key, implies)).into()), Ok(4));
    }

    #[test]
    fn two_hundred_and_fifty_six_fit() {
        let many = |count: usize| {
            let mut builder = Catalog::builder();
            for n in 0..count {
                let key: &'static str = Box::leak(format!("many:p{n}").into_boxed_str());
                let (of, description, danger) = (TypeId::of::<ListingRead>(), "", Danger::Ordinary);
                builder.permissions.push(Declaration { of, key, description, danger, implies: &[] });
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
            for known in catalog.iter() {
                let index = catalog.by_key(known.key.as_str()).unwrap();
                prop_assert_eq!(set.contains(index), scopes.iter().any(|scope| scope.matches(known.key)));
            }
            let names = catalog.names(&set);
            prop_assert!(names.is_sorted());
            prop_assert_eq!(names.len(), set.len());
        }
    }
}
