//! What changes in the lists of a document.

use std::cmp::Ordering;

use serde::Serialize;

/// An entry that comes, changes or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit<T> {
    /// It comes.
    Added {
        /// The entry.
        after: T,
    },
    /// It stays, and changes.
    Changed {
        /// As it was.
        before: T,
        /// As it would be.
        after: T,
    },
    /// It goes.
    Removed {
        /// The entry.
        before: T,
    },
}

impl<T: Clone + PartialEq> Edit<T> {
    /// From one list to another, both ordered by `key`.
    pub(super) fn between<'a, K: Ord>(
        before: &'a [T],
        after: &'a [T],
        key: impl Fn(&'a T) -> K,
    ) -> Vec<Self> {
        let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
        let mut edits = Vec::new();
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return edits,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(two)) => key(one).cmp(&key(two)),
            };
            let gone = if order.is_le() { old.next() } else { None };
            let come = if order.is_ge() { new.next() } else { None };
            match (gone, come) {
                (Some(one), Some(two)) if one == two => {}
                (Some(one), Some(two)) => {
                    edits.push(Self::Changed { before: one.clone(), after: two.clone() });
                }
                (Some(one), None) => edits.push(Self::Removed { before: one.clone() }),
                (None, two) => edits.extend(two.map(|two| Self::Added { after: two.clone() })),
            }
        }
    }
}
