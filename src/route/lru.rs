//! A bounded memory: what was put in longest ago goes first. It has no clock and knows nothing of what it holds.

use std::collections::BTreeMap;

/// So many values at most, each by its key.
#[derive(Debug)]
pub(super) struct Lru<V> {
    values: BTreeMap<u128, (u64, V)>,
    order: BTreeMap<u64, u128>,
    turn: u64,
    capacity: usize,
}

impl<V> Lru<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { values: BTreeMap::new(), order: BTreeMap::new(), turn: 0, capacity }
    }

    /// Puts a value in the place of its key, as the newest one.
    pub(super) fn put(&mut self, key: u128, value: V) {
        self.turn += 1;
        if let Some((turn, _)) = self.values.insert(key, (self.turn, value)) {
            self.order.remove(&turn);
        }
        self.order.insert(self.turn, key);
        if self.values.len() > self.capacity {
            self.drop_oldest();
        }
    }

    /// Looks at a value, which does not make it newer.
    pub(super) fn peek(&self, key: u128) -> Option<&V> {
        self.values.get(&key).map(|(_, value)| value)
    }

    /// Drops the oldest values as long as they are done with.
    pub(super) fn drop_while(&mut self, is_done: impl Fn(&V) -> bool) {
        while let Some(key) = self.order.values().next()
            && self.peek(*key).is_none_or(&is_done)
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_first() {
            self.values.remove(&key);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.values.len(), self.order.len());
        self.values.len()
    }
}
