//! Sets of documents as bits: sixty-four to a word, so that two sets meet at the speed of memory.

/// A set of numbers below a bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// The empty set of numbers below `bound`.
    pub fn none(bound: u32) -> Bits {
        Bits { words: vec![0; (bound as usize).div_ceil(64)] }
    }

    /// Every number below `bound`.
    pub fn all(bound: u32) -> Bits {
        let mut bits = Bits { words: vec![u64::MAX; (bound as usize).div_ceil(64)] };
        if !bound.is_multiple_of(64)
            && let Some(last) = bits.words.last_mut()
        {
            *last = (1 << (bound % 64)) - 1;
        }
        bits
    }

    /// The numbers at which `holds` is true of the value.
    pub fn of<T: Copy>(values: &[T], holds: impl Fn(T) -> bool) -> Bits {
        let word = |chunk: &[T]| {
            chunk.iter().enumerate().fold(0u64, |word, (i, value)| word | (u64::from(holds(*value)) << i))
        };
        Bits { words: values.chunks(64).map(word).collect() }
    }

    #[inline]
    pub fn insert(&mut self, n: u32) {
        self.words[n as usize / 64] |= 1 << (n % 64);
    }

    #[inline]
    pub fn has(&self, n: u32) -> bool {
        self.words[n as usize / 64] >> (n % 64) & 1 == 1
    }

    /// Keeps what is in the other set too.
    pub fn meet(&mut self, other: &Bits) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a &= b;
        }
    }

    /// Takes in what is in the other set.
    pub fn join(&mut self, other: &Bits) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a |= b;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// How many are in both.
    pub fn count_both(&self, other: &Bits) -> u64 {
        self.words.iter().zip(&other.words).map(|(a, b)| u64::from((a & b).count_ones())).sum()
    }

    /// Words of sixty-four, for the cost of a pass.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The numbers, rising.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(i, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                (word != 0).then(|| {
                    let bit = word.trailing_zeros();
                    word &= word - 1;
                    i as u32 * 64 + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn bits_are_sets(a in prop::collection::btree_set(0u32..300, 0..80), b in prop::collection::btree_set(0u32..300, 0..80)) {
            let set = |of: &BTreeSet<u32>| { let mut bits = Bits::none(300); of.iter().for_each(|n| bits.insert(*n)); bits };
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(x.iter().collect::<BTreeSet<_>>(), a.clone());
            prop_assert_eq!(x.count_both(&y), a.intersection(&b).count() as u64);
            let (mut meet, mut join) = (x.clone(), x.clone());
            meet.meet(&y);
            join.join(&y);
            prop_assert_eq!(meet.iter().collect::<Vec<_>>(), a.intersection(&b).copied().collect::<Vec<_>>());
            prop_assert_eq!(join.count(), a.union(&b).count() as u64);
            prop_assert!((0..300).all(|n| x.has(n) == a.contains(&n)));
        }
    }

    #[test]
    fn all_is_exactly_all() {
        for n in [0, 1, 63, 64, 65, 128] {
            assert_eq!(Bits::all(n).count(), u64::from(n));
        }
        assert_eq!(Bits::of(&[3, 9, 4], |v| v > 3).iter().collect::<Vec<_>>(), [1, 2]);
    }
}
