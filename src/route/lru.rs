//! A bounded memory. When it is full, it drops the value that was put in longest ago. It has no clock, and does not look at its values.

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::{HashMap, VecDeque};

use super::Key;

/// Up to `capacity` values by their keys. Each call of `put` is a turn, and each value has the number of its turn.
#[derive(Debug)]
pub(super) struct Lru<V> {
    values: Values<V>,
    /// The turns, the oldest first. A turn does not count any more if its value was put in again or was dropped.
    order: VecDeque<(u64, Key)>,
    turn: u64,
    capacity: usize,
}

type Values<V> = HashMap<Key, (u64, V), BuildHasherDefault<AsItIs>>;

/// The hasher of keys. A key is a seeded hash already, so this only combines its halves.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.chunks(8).filter_map(<[u8]>::first_chunk).fold(0, |hash, &half| hash ^ u64::from_le_bytes(half));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<V> Lru<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { values: Values::default(), order: VecDeque::new(), turn: 0, capacity }
    }

    /// Puts a value in under its key, as the newest one.
    pub(super) fn put(&mut self, key: Key, value: V) {
        self.turn += 1;
        self.values.insert(key, (self.turn, value));
        self.order.push_back((self.turn, key));
        while self.values.len() > self.capacity && self.drop_front() {}
        if self.order.len() > 2 * self.capacity {
            let values = &self.values;
            self.order.retain(|&(turn, key)| is_current(values, turn, key));
        }
    }

    /// Looks at a value. That does not make it newer.
    pub(super) fn peek(&self, key: Key) -> Option<&V> {
        self.values.get(&key).map(|(_, value)| value)
    }

    /// Drops a value.
    pub(super) fn forget(&mut self, key: Key) {
        self.values.remove(&key);
    }

    /// Drops the oldest values as long as `is_done` is true for them.
    pub(super) fn drop_while(&mut self, is_done: impl Fn(&V) -> bool) {
        while let Some(&(turn, key)) = self.order.front()
            && self.values.get(&key).is_none_or(|(newest, value)| *newest != turn || is_done(value))
        {
            self.drop_front();
        }
    }

    /// Drops the oldest turn, and its value if the turn counts. Returns whether there was a turn.
    fn drop_front(&mut self) -> bool {
        let Some((turn, key)) = self.order.pop_front() else { return false };
        if is_current(&self.values, turn, key) {
            self.values.remove(&key);
        }
        true
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let current = self.order.iter().filter(|&&(turn, key)| is_current(&self.values, turn, key));
        assert_eq!(self.values.len(), current.count());
        assert!(self.order.len() <= 2 * self.capacity);
        self.values.len()
    }
}

fn is_current<V>(values: &Values<V>, turn: u64, key: Key) -> bool {
    values.get(&key).is_some_and(|(newest, _)| *newest == turn)
}

#[cfg(test)]
mod tests {
    use core::hash::BuildHasher;

    use super::*;

    #[test]
    fn a_key_is_found_by_both_of_its_halves() {
        let hash = |key: Key| BuildHasherDefault::<AsItIs>::default().hash_one(key);
        assert_eq!([0, 5, 5 << 64, 5 + (6 << 64)].map(hash), [0, 5, 5, 3]);
    }

    #[test]
    fn a_value_that_is_put_in_again_is_the_newest_and_the_turns_are_bounded() {
        let mut lru = Lru::new(3);
        for at in 0..1000 {
            lru.put(1, at);
            lru.put(2, at);
        }
        assert_eq!((lru.peek(1), lru.peek(2), lru.len()), (Some(&999), Some(&999), 2));
        for key in [3, 1, 4] {
            lru.put(key, 0);
        }
        assert_eq!((lru.peek(2), lru.peek(1), lru.len()), (None, Some(&0), 3));
        lru.drop_while(|_| true);
        assert_eq!(lru.len(), 0);
        // Here the oldest turn does not count any more.
        for key in [1, 1, 2, 3, 4] {
            lru.put(key, 0);
        }
        assert_eq!((lru.peek(1), lru.peek(2), lru.len()), (None, Some(&0), 3));
    }
}
