//! Sets of permissions, as bits.

use std::fmt;

/// The place of a permission in the [`Catalog`](crate::Catalog) that gave it.
///
/// Good for that catalog only, in this process: never stored, never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionIndex(u8);

impl PermissionIndex {
    pub(super) const fn new(place: u8) -> Self {
        Self(place)
    }

    pub(super) const fn place(self) -> usize {
        self.0 as usize
    }

    #[inline]
    pub(super) const fn word(self) -> usize {
        (self.0 >> 6) as usize
    }

    #[inline]
    pub(super) const fn bit(self) -> u64 {
        1 << (self.0 & 63)
    }
}

/// A set of permissions of one [`Catalog`](crate::Catalog): 256 bits, copied freely.
///
/// ```
/// use tenantry_core::{Catalog, PermissionSet, permissions};
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
/// }
///
/// let catalog = Catalog::builder().permission::<ListingRead>().build()?;
/// let read = catalog.index::<ListingRead>().ok_or("not in the catalog")?;
/// let all = catalog.resolve(&["*".parse()?]);
/// assert!(all.contains(read));
/// assert!(PermissionSet::EMPTY.is_subset(&all));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PermissionSet([u64; Self::WORDS]);

impl PermissionSet {
    /// No permission.
    pub const EMPTY: Self = Self([0; Self::WORDS]);

    pub(super) const WORDS: usize = 4;

    pub(super) const fn from_words(words: [u64; Self::WORDS]) -> Self {
        Self(words)
    }

    pub(super) const fn words(&self) -> [u64; Self::WORDS] {
        self.0
    }

    /// Whether the permission is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, index: PermissionIndex) -> bool {
        self.0.get(index.word()).is_some_and(|word| word & index.bit() != 0)
    }

    /// Adds the permission; tells whether it is new.
    pub fn insert(&mut self, index: PermissionIndex) -> bool {
        let new = !self.contains(index);
        if let Some(word) = self.0.get_mut(index.word()) {
            *word |= index.bit();
        }
        new
    }

    /// What is in either.
    #[must_use]
    pub const fn union(&self, other: &Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a | e, b | f, c | g, d | h])
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(&self, other: &Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a & e, b & f, c & g, d & h])
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn difference(&self, other: &Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a & !e, b & !f, c & !g, d & !h])
    }

    /// Whether `other` has all that is in this set.
    #[must_use]
    pub const fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let [a, b, c, d] = self.0;
        a | b | c | d == 0
    }

    /// How many permissions are in the set, 0 to 256.
    #[must_use]
    pub const fn len(&self) -> usize {
        let [a, b, c, d] = self.0;
        (a.count_ones() + b.count_ones() + c.count_ones() + d.count_ones()) as usize
    }

    /// The permissions, in the order of the catalog, which is that of their keys.
    pub fn iter(&self) -> impl Iterator<Item = PermissionIndex> + use<> {
        let members = |(word, bits): (u8, u64)| {
            let rest = |bits: u64| Some(bits).filter(|bits| *bits != 0);
            let each = std::iter::successors(rest(bits), move |bits| rest(bits & bits.wrapping_sub(1)));
            let place = move |bit: u32| u8::try_from(bit).ok().map(|bit| PermissionIndex((word << 6) | bit));
            each.filter_map(move |bits| place(bits.trailing_zeros()))
        };
        (0..4).zip(self.0).flat_map(members)
    }
}

impl FromIterator<PermissionIndex> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = PermissionIndex>>(indexes: I) -> Self {
        let mut set = Self::EMPTY;
        set.extend(indexes);
        set
    }
}

impl Extend<PermissionIndex> for PermissionSet {
    fn extend<I: IntoIterator<Item = PermissionIndex>>(&mut self, indexes: I) {
        for index in indexes {
            self.insert(index);
        }
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(PermissionIndex::place)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(places: &BTreeSet<u8>) -> PermissionSet {
        places.iter().copied().map(PermissionIndex::new).collect()
    }

    fn places() -> impl Strategy<Value = BTreeSet<u8>> {
        prop_oneof![
            prop::collection::btree_set(any::<u8>(), 0..40),
            prop::collection::btree_set(
                prop::sample::select(vec![0, 1, 63, 64, 127, 128, 191, 192, 255]),
                0..9
            ),
        ]
    }

    #[test]
    fn each_place_is_a_bit_of_its_own() {
        let mut all = PermissionSet::EMPTY;
        for place in 0..=u8::MAX {
            let index = PermissionIndex::new(place);
            assert!(!all.contains(index), "{place}");
            assert!(all.insert(index));
            assert!(!all.insert(index));
            assert_eq!(all.len(), usize::from(place) + 1);
        }
        assert!(PermissionSet::EMPTY.is_empty() && !all.is_empty());
        assert_eq!(all.difference(&all), PermissionSet::EMPTY);
    }

    #[test]
    fn equal_bits_of_two_words_are_not_nothing() {
        for (one, other) in [(0, 64), (64, 128), (128, 192), (0, 192)] {
            assert!(!set(&BTreeSet::from([one, other])).is_empty(), "{one} and {other}");
        }
        assert_eq!(format!("{:?}", set(&BTreeSet::from([3, 200]))), "{3, 200}");
    }

    proptest! {
        #[test]
        fn it_is_a_set(a in places(), b in places(), place in any::<u8>()) {
            let (one, two) = (set(&a), set(&b));
            prop_assert_eq!(one.contains(PermissionIndex::new(place)), a.contains(&place));
            prop_assert_eq!(one.union(&two), set(&(&a | &b)));
            prop_assert_eq!(one.intersection(&two), set(&(&a & &b)));
            prop_assert_eq!(one.difference(&two), set(&(&a - &b)));
            prop_assert_eq!(one.is_subset(&two), a.is_subset(&b));
            prop_assert_eq!(one == two, a == b);
            prop_assert_eq!(one.len(), a.len());
            prop_assert_eq!(one.is_empty(), a.is_empty());
            prop_assert_eq!(one.iter().map(PermissionIndex::place).collect::<Vec<_>>(), a.iter().copied().map(usize::from).collect::<Vec<_>>());
        }

        #[test]
        fn the_laws_hold(a in places(), b in places(), c in places()) {
            let (a, b, c) = (set(&a), set(&b), set(&c));
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
            prop_assert_eq!(a.intersection(&b.union(&c)), a.intersection(&b).union(&a.intersection(&c)));
            prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a);
            prop_assert!(a.intersection(&b).is_subset(&a) && a.is_subset(&a.union(&b)));
            prop_assert_eq!(a.union(&PermissionSet::EMPTY), a);
        }
    }
}
