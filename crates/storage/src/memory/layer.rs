use std::collections::BTreeMap;

/// What a batch writes into a map, seen over what is there: dropped, it leaves nothing behind.
pub(super) struct Layer<'a, K, V> {
    under: &'a BTreeMap<K, V>,
    over: Written<K, V>,
}

/// The values that were written; `None` where one was removed.
pub(super) type Written<K, V> = BTreeMap<K, Option<V>>;

impl<'a, K: Ord + Clone, V> Layer<'a, K, V> {
    pub(super) fn over(under: &'a BTreeMap<K, V>) -> Self {
        Self { under, over: BTreeMap::new() }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        match self.over.get(key) {
            Some(written) => written.as_ref(),
            None => self.under.get(key),
        }
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        self.over.insert(key, Some(value));
    }

    /// Whether there was something to remove.
    pub(super) fn remove(&mut self, key: &K) -> bool {
        let was_there = self.get(key).is_some();
        self.over.insert(key.clone(), None);
        was_there
    }

    pub(super) fn finish(self) -> Written<K, V> {
        self.over
    }
}

/// Takes over into `map` what was written above it.
pub(super) fn settle<K: Ord, V>(map: &mut BTreeMap<K, V>, written: Written<K, V>) {
    for (key, value) in written {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}
