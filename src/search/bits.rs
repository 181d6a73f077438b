//! Sets of documents as bits: sixty-four to a word, so that two sets meet at the speed of memory.

/// Numbers of a bunch, or a few more.
const BUNCH: usize = 256;

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

    /// Those of its numbers at which `holds` is true of the value.
    pub fn those<T: Copy>(&self, values: &[T], holds: impl Fn(T) -> bool) -> Bits {
        let some = |(word, chunk): (&u64, &[T])| match word.count_ones() {
            0 => 0,
            1..=6 => {
                let mut kept = 0;
                each_bit(*word, |bit| kept |= u64::from(holds(chunk[bit as usize])) << bit);
                kept
            }
            _ => word & all_of(chunk, &holds),
        };
        Bits { words: self.words.iter().zip(values.chunks(64)).map(some).collect() }
    }

    /// Takes in one number. It must be below the size.
    #[inline]
    pub fn insert(&mut self, n: u32) {
        self.words[n as usize / 64] |= 1 << (n % 64);
    }

    /// Takes in numbers that rise.
    pub fn insert_rising(&mut self, numbers: &[u32]) {
        let Some(first) = numbers.first() else { return };
        let (mut at, mut word) = (*first as usize / 64, 0u64);
        for n in numbers {
            let here = *n as usize / 64;
            if here != at {
                self.words[at] |= word;
                (at, word) = (here, 0);
            }
            word |= 1 << (n % 64);
        }
        self.words[at] |= word;
    }

    /// Whether a number is in it. It must be below the size.
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

    /// Lets go of what is in the other set.
    pub fn leave(&mut self, other: &Bits) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a &= !b;
        }
    }

    /// Whether no number is in it.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Words of sixty-four, for the cost of a pass.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Looks at each number, rising.
    #[inline]
    pub fn each(&self, mut look: impl FnMut(u32)) {
        for (at, word) in self.words.iter().enumerate() {
            each_bit(*word, |bit| look(at as u32 * 64 + bit));
        }
    }

    /// Looks at some numbers at a time, rising: what is read for one does not wait for where the next one is.
    #[inline]
    pub fn bunches(&self, mut look: impl FnMut(&[u32])) {
        let (mut some, mut len) = ([0u32; BUNCH + 64], 0);
        for (at, word) in self.words.iter().enumerate() {
            each_bit(*word, |bit| {
                some[len] = at as u32 * 64 + bit;
                len += 1;
            });
            if len >= BUNCH {
                look(&some[..len]);
                len = 0;
            }
        }
        look(&some[..len]);
    }
}

/// Looks at each bit of a word that is set, rising.
#[inline]
pub fn each_bit(mut word: u64, mut look: impl FnMut(u32)) {
    while word != 0 {
        look(word.trailing_zeros());
        word &= word - 1;
    }
}

/// At which of up to sixty-four values it holds.
fn all_of<T: Copy>(values: &[T], holds: impl Fn(T) -> bool) -> u64 {
    let mut flags = [0u8; 64];
    // Two plain steps over a known number, so that both are done for many values at once.
    match <&[T; 64]>::try_from(values) {
        Ok(values) => (0..64).for_each(|n| flags[n] = u8::from(holds(values[n]))),
        Err(_) => flags.iter_mut().zip(values).for_each(|(flag, value)| *flag = u8::from(holds(*value))),
    }
    // The factor moves the lowest bit of each of eight bytes to its place in the uppermost byte, and no two of its
    // products meet.
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0, |word, eight| {
        word << 8 | u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn numbers(bits: &Bits) -> Vec<u32> {
        let mut out = vec![];
        bits.each(|n| out.push(n));
        out
    }

    proptest! {
        #[test]
        fn bits_are_sets(a in prop::collection::btree_set(0u32..300, 0..80), b in prop::collection::btree_set(0u32..300, 0..80)) {
            let set = |of: &BTreeSet<u32>| { let mut bits = Bits::none(300); of.iter().for_each(|n| bits.insert(*n)); bits };
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(numbers(&x).into_iter().collect::<BTreeSet<_>>(), a.clone());
            prop_assert_eq!((x.count(), x.is_empty()), (a.len() as u64, a.is_empty()));
            let (mut meet, mut join, mut leave) = (x.clone(), x.clone(), x.clone());
            meet.meet(&y);
            join.join(&y);
            leave.leave(&y);
            prop_assert_eq!(numbers(&meet), a.intersection(&b).copied().collect::<Vec<_>>());
            prop_assert_eq!(numbers(&join), a.union(&b).copied().collect::<Vec<_>>());
            prop_assert_eq!(numbers(&leave), a.difference(&b).copied().collect::<Vec<_>>());
            prop_assert!((0..300).all(|n| x.has(n) == a.contains(&n)));
            let mut rising = y.clone();
            rising.insert_rising(&a.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(rising, join);
        }

        #[test]
        fn those_are_where_it_holds(values in prop::collection::vec(0u16..9, 0..400), least in 0u16..9, part in 1u32..20) {
            let mut some = Bits::none(values.len() as u32);
            (0..values.len() as u32).filter(|n| n % part == 0).for_each(|n| some.insert(n));
            let there = (0u32..).zip(&values).filter(|(n, value)| n % part == 0 && **value >= least);
            let there: Vec<u32> = there.map(|(n, _)| n).collect();
            prop_assert_eq!(numbers(&some.those(&values, |value| value >= least)), there);
            let mut bunches = vec![];
            some.bunches(|bunch| bunches.extend_from_slice(bunch));
            prop_assert_eq!(bunches, numbers(&some));
        }
    }

    #[test]
    fn all_is_exactly_all() {
        for n in [0, 1, 63, 64, 65, 128] {
            assert_eq!(Bits::all(n).count(), u64::from(n));
        }
    }
}
