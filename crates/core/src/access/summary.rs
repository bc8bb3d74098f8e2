//! What is decided whatever the resource and the request.

use super::authority::Decision;
use super::permission_set::{PermissionIndex, PermissionSet};

/// For each permission, whether it is held always, never, or as it depends.
///
/// The bits of one permission lie side by side, so that a check which nothing depends on reads one line of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(align(16))]
pub(super) struct Summary([[u64; 2]; PermissionSet::WORDS]);

impl Summary {
    /// Of what is held `always`, and of what is `possible`: held always, or as it depends.
    pub(super) fn of(always: &PermissionSet, possible: &PermissionSet) -> Self {
        let mut words = [[0; 2]; PermissionSet::WORDS];
        let depends = possible.difference(always);
        for (word, (always, depends)) in words.iter_mut().zip(always.words().into_iter().zip(depends.words()))
        {
            *word = [always, depends];
        }
        Self(words)
    }

    /// The decision; `None` where it depends.
    #[inline]
    pub(super) fn decision(&self, permission: PermissionIndex) -> Option<Decision> {
        let [always, depends] = self.at(permission);
        if depends { None } else { Some(always.into()) }
    }

    /// Whether it is held always.
    #[inline]
    pub(super) fn is_certain(&self, permission: PermissionIndex) -> bool {
        let [always, _] = self.at(permission);
        always
    }

    /// Whether it is held always, or as it depends.
    #[inline]
    pub(super) fn is_possible(&self, permission: PermissionIndex) -> bool {
        self.at(permission).contains(&true)
    }

    /// What is held always.
    pub(super) fn always(&self) -> PermissionSet {
        PermissionSet::from_words(self.0.map(|[always, _]| always))
    }

    /// What is held as it depends.
    pub(super) fn depends(&self) -> PermissionSet {
        PermissionSet::from_words(self.0.map(|[_, depends]| depends))
    }

    #[inline]
    fn at(&self, permission: PermissionIndex) -> [bool; 2] {
        let words = self.0.get(permission.word()).copied().unwrap_or_default();
        words.map(|word| word & permission.bit() != 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_says_what_the_sets_say(always in any::<[u64; 4]>(), more in any::<[u64; 4]>()) {
            let always = PermissionSet::from_words(always);
            let possible = always.union(&PermissionSet::from_words(more));
            let summary = Summary::of(&always, &possible);
            for place in 0..=u8::MAX {
                let index = PermissionIndex::new(place);
                let expected = match (always.contains(index), possible.contains(index)) {
                    (true, _) => Some(Decision::Allowed),
                    (false, true) => None,
                    (false, false) => Some(Decision::Denied),
                };
                prop_assert_eq!(summary.decision(index), expected);
                prop_assert_eq!(summary.is_certain(index), always.contains(index));
                prop_assert_eq!(summary.is_possible(index), possible.contains(index));
            }
            prop_assert_eq!(summary.always(), always);
            prop_assert_eq!(summary.depends(), possible.difference(&always));
        }
    }

    #[test]
    fn the_bits_of_a_permission_share_a_line() {
        assert_eq!((align_of::<Summary>(), size_of::<Summary>()), (16, 64));
    }
}
