//! What is compiled from a list, kept once for each content.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

/// What is compiled from a list, and from nothing else.
pub(super) trait Compiled {
    /// What the list is of.
    type Part: Eq + Hash;

    /// The list.
    fn source(&self) -> &[Self::Part];
}

/// The forms that lists were compiled into lately, found by the lists themselves.
///
/// A form is found by all of its content and by no name, number or version: two lists share one if, and only if, they
/// are equal. So nothing has to be told when a role changes, is deleted or is made again under its old name.
///
/// Bounded: it holds forms of lists with [`MAX_PARTS`](Self::MAX_PARTS) parts in all. Where one more has no room it forgets
/// the forms that nobody uses, and all of them where that leaves it more than half full. What is forgotten stays good for
/// whoever has it; it is only compiled anew for the next who asks.
pub(super) struct Interned<T: Compiled>(RwLock<Forms<T>>);

struct Forms<T> {
    by_source: HashSet<Form<T>>,
    parts: usize,
}

struct Form<T>(Arc<T>);

impl<T: Compiled> Interned<T> {
    /// The most parts of all the lists whose forms are kept, where an empty list counts for one.
    pub(super) const MAX_PARTS: usize = 16_384;

    /// The most parts of a list whose form is kept.
    const MAX_LENGTH: usize = 256;

    /// The form of `source`, made by `compile` where it isn't known.
    pub(super) fn of(&self, source: &[T::Part], compile: impl FnOnce() -> T) -> Arc<T> {
        if source.len() > Self::MAX_LENGTH {
            return Arc::new(compile());
        }
        if let Some(form) = self.0.read().unwrap_or_else(PoisonError::into_inner).by_source.get(source) {
            return Arc::clone(&form.0);
        }
        let made = Arc::new(compile());
        let mut forms = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (kept, forgotten) = forms.keep(made);
        drop(forms);
        drop(forgotten);
        kept
    }

    /// Whether the form of `source` still finds room.
    pub(super) fn has_room(&self, source: &[T::Part]) -> bool {
        let parts = self.0.read().unwrap_or_else(PoisonError::into_inner).parts;
        parts.saturating_add(weight(source)) <= Self::MAX_PARTS
    }

    /// Forgets what nobody uses, with all that it keeps alive.
    pub(super) fn forget_unused(&self) {
        let mut forms = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let forgotten = forms.forget_unused();
        drop(forms);
        drop(forgotten);
    }
}

impl<T: Compiled> Forms<T> {
    fn forget_unused(&mut self) -> Vec<Form<T>> {
        let is_unused = |form: &Form<T>| Arc::strong_count(&form.0) == 1;
        let forgotten = self.by_source.extract_if(is_unused).collect();
        self.parts = self.by_source.iter().map(|form| weight(form.0.source())).sum();
        forgotten
    }

    /// Keeps the form, unless somebody else was faster, whose form it is then. What is forgotten for it is given back, to
    /// be dropped once others may go on.
    fn keep(&mut self, made: Arc<T>) -> (Arc<T>, Vec<Form<T>>) {
        if let Some(form) = self.by_source.get(made.source()) {
            return (Arc::clone(&form.0), Vec::new());
        }
        let weight = weight(made.source());
        let is_full = self.parts.saturating_add(weight) > Interned::<T>::MAX_PARTS;
        let forgotten = if is_full { self.forget() } else { Vec::new() };
        self.by_source.insert(Form(Arc::clone(&made)));
        self.parts = self.parts.saturating_add(weight);
        (made, forgotten)
    }

    /// Forgets what nobody uses; if that leaves less than half of the room, all.
    fn forget(&mut self) -> Vec<Form<T>> {
        let mut forgotten = self.forget_unused();
        if self.parts > Interned::<T>::MAX_PARTS / 2 {
            self.parts = 0;
            forgotten.extend(self.by_source.drain());
        }
        forgotten
    }
}

/// What a list counts for.
const fn weight<P>(source: &[P]) -> usize {
    if source.is_empty() { 1 } else { source.len() }
}

impl<T: Compiled> Default for Interned<T> {
    fn default() -> Self {
        Self(RwLock::new(Forms { by_source: HashSet::new(), parts: 0 }))
    }
}

/// How much is kept.
impl<T: Compiled> fmt::Debug for Interned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forms = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Interned")
            .field("forms", &forms.by_source.len())
            .field("parts", &forms.parts)
            .finish()
    }
}

impl<T: Compiled> Borrow<[T::Part]> for Form<T> {
    fn borrow(&self) -> &[T::Part] {
        self.0.source()
    }
}

impl<T: Compiled> PartialEq for Form<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.source() == other.0.source()
    }
}

impl<T: Compiled> Eq for Form<T> {}

impl<T: Compiled> Hash for Form<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.source().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers(Vec<u32>);

    impl Compiled for Numbers {
        type Part = u32;

        fn source(&self) -> &[u32] {
            &self.0
        }
    }

    fn get(table: &Interned<Numbers>, numbers: &[u32]) -> Arc<Numbers> {
        table.of(numbers, || Numbers(numbers.to_vec()))
    }

    fn held(table: &Interned<Numbers>) -> (usize, usize) {
        let forms = table.0.read().unwrap();
        assert_eq!(forms.parts, forms.by_source.iter().map(|form| weight(form.0.source())).sum::<usize>());
        (forms.by_source.len(), forms.parts)
    }

    #[test]
    fn equal_lists_share_a_form_and_others_do_not() {
        let table = Interned::default();
        let one = get(&table, &[1, 2]);
        assert!(Arc::ptr_eq(&one, &get(&table, &[1, 2])));
        for other in [&[2, 1][..], &[1], &[1, 2, 3], &[]] {
            let form = get(&table, other);
            assert_eq!(form.source(), other);
            assert!(!Arc::ptr_eq(&one, &form));
        }
        assert_eq!(held(&table), (5, 9));
    }

    #[test]
    fn what_nobody_uses_is_forgotten_first() {
        let table = Interned::default();
        let half = u32::try_from(Interned::<Numbers>::MAX_PARTS / 2 / 256).unwrap();
        let used: Vec<_> = (0..half).map(|number| get(&table, &[number; 256])).collect();
        for number in half..1_000 {
            drop(get(&table, &[number; 256]));
            assert!(held(&table).1 <= Interned::<Numbers>::MAX_PARTS);
        }
        for (form, number) in used.iter().zip(0..) {
            assert!(Arc::ptr_eq(form, &get(&table, &[number; 256])), "{number}");
        }
    }

    #[test]
    fn it_stays_bounded_where_all_is_used() {
        let table = Interned::default();
        let mut used = Vec::new();
        for number in 0..1_000 {
            used.push(get(&table, &[number; 100]));
            assert!(held(&table).1 <= Interned::<Numbers>::MAX_PARTS, "{number}");
        }
        assert!(used.iter().zip(0..).all(|(form, number)| form.source() == [number; 100]));
        let empty: Vec<_> = (0..3).map(|_| get(&table, &[])).collect();
        assert!(Arc::ptr_eq(&empty[0], &empty[2]));
    }

    #[test]
    fn nothing_is_forgotten_before_the_room_is_full() {
        let most = u32::try_from(Interned::<Numbers>::MAX_PARTS / 256).unwrap();
        let table = Interned::default();
        for number in 0..most {
            drop(get(&table, &[number; 256]));
        }
        assert_eq!(format!("{table:?}"), format!("Interned {{ forms: {most}, parts: {} }}", most * 256));
        drop(get(&table, &[]));
        assert_eq!(format!("{table:?}"), "Interned { forms: 1, parts: 1 }");
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let table = Interned::default();
        let long = vec![7; 257];
        assert_eq!(get(&table, &long).source(), long);
        assert_eq!(held(&table), (0, 0));
    }
}
