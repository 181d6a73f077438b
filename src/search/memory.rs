//! What was worked out once and may be asked for again: kept as long as there is room.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Values by name. When there are too many, those that were not asked for longest go.
pub struct Memory<V> {
    most: usize,
    kept: Mutex<Kept<V>>,
}

struct Kept<V> {
    values: HashMap<String, Entry<V>>,
    weight: usize,
    /// Rises with every question.
    now: u64,
}

struct Entry<V> {
    value: V,
    weight: usize,
    asked: u64,
}

impl<V: Clone> Memory<V> {
    /// Keeps values of this weight together, at most.
    pub fn new(most: usize) -> Memory<V> {
        Memory { most, kept: Mutex::new(Kept { values: HashMap::new(), weight: 0, now: 0 }) }
    }

    /// What was kept under a name, if it is still there.
    pub fn get(&self, name: &str) -> Option<V> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.now += 1;
        let now = kept.now;
        let entry = kept.values.get_mut(name)?;
        entry.asked = now;
        Some(entry.value.clone())
    }

    /// Keeps a value. One that is heavier than all may be together is not kept.
    pub fn put(&self, name: &str, value: V, weight: usize) {
        if weight > self.most {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.weight + weight > self.most {
            kept.halve(self.most / 2);
        }
        if kept.weight + weight > self.most {
            kept.values.clear();
            kept.weight = 0;
        }
        kept.now += 1;
        let entry = Entry { value, weight, asked: kept.now };
        let old = kept.values.insert(name.to_owned(), entry);
        kept.weight = kept.weight + weight - old.map_or(0, |old| old.weight);
    }
}

impl<V> Kept<V> {
    /// Lets go of the oldest until no more than this is left.
    fn halve(&mut self, most: usize) {
        let mut ages: Vec<(u64, usize)> =
            self.values.values().map(|entry| (entry.asked, entry.weight)).collect();
        ages.sort_unstable();
        let mut before = 0;
        for (asked, weight) in ages {
            if self.weight <= most {
                break;
            }
            self.weight -= weight;
            before = asked;
        }
        self.values.retain(|_, entry| entry.asked > before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let memory = Memory::new(10);
        for n in 0..100 {
            memory.put(&n.to_string(), n, 2);
            assert_eq!(memory.get("0"), Some(0), "after {n}");
            assert_eq!(memory.get(&n.to_string()), Some(n));
            let kept = memory.kept.lock().unwrap();
            assert_eq!(kept.weight, kept.values.len() * 2);
            assert!(kept.weight <= 10);
        }
        assert_eq!(memory.get("50"), None);
        memory.put("0", 7, 4);
        assert_eq!(memory.get("0"), Some(7));
        memory.put("heavy", 1, 11);
        assert_eq!(memory.get("heavy"), None);
    }
}
