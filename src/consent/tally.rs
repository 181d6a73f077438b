//! Counts that are kept in memory until somebody writes them down, so that looking at a page writes nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Kinds counted at once: beyond what any registry could make.
const MOST: usize = 10_000;

/// How often what happened.
pub struct Tally<K>(Mutex<BTreeMap<K, i64>>);

impl<K: Ord> Default for Tally<K> {
    fn default() -> Tally<K> {
        Tally(Mutex::default())
    }
}

impl<K: Ord> Tally<K> {
    /// Counts one.
    pub fn note(&self, what: K) {
        self.add(what, 1);
    }

    fn add(&self, what: K, count: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST || all.contains_key(&what) {
            *all.entry(what).or_default() += count;
        }
    }

    /// Takes what was counted, to be written.
    pub fn take(&self) -> BTreeMap<K, i64> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be written.
    pub fn put_back(&self, counted: BTreeMap<K, i64>) {
        counted.into_iter().for_each(|(what, count)| self.add(what, count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_back_is_counted_on() {
        let tally = Tally::default();
        tally.note("a");
        tally.note("b");
        let taken = tally.take();
        tally.note("a");
        assert!(!taken.is_empty());
        tally.put_back(taken);
        assert_eq!(tally.take(), BTreeMap::from([("a", 2), ("b", 1)]));
        assert!(tally.take().is_empty());
    }
}
