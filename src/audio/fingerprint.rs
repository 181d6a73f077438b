//! Likeness of recordings: Chromaprint's words, and how two rows of them compare.

use std::collections::HashMap;

use rusty_chromaprint::{Configuration, Fingerprinter};

/// The rate the words are made at; every signal is brought to it by our own filter, so that words of
/// different masters compare.
pub const RATE: u32 = 11_025;

/// Listens to the 11,025 Hz signal.
pub struct Listener {
    printer: Fingerprinter,
    ints: Vec<i16>,
}

impl Listener {
    /// A listener that has heard nothing; none when the algorithm refuses its own settings.
    pub fn new() -> Option<Listener> {
        let mut printer = Fingerprinter::new(&Configuration::preset_test2());
        printer.start(RATE, 1).ok()?;
        Some(Listener { printer, ints: Vec::new() })
    }

    /// Takes in the next samples, at `RATE`.
    pub fn hear(&mut self, mono: &[f32]) {
        self.ints.clear();
        self.ints.extend(mono.iter().map(|s| (s * 32_767.0) as i16));
        self.printer.consume(&self.ints);
    }

    /// One word per 0.1238 s; none for sounds under about 3 s.
    pub fn finish(&mut self) -> Vec<u32> {
        self.printer.finish();
        self.printer.fingerprint().to_vec()
    }
}

/// The words by which candidates are found: one in eight, chosen by what they are, so that both sides
/// choose the same. Words of silence and held notes, which come more than twenty times, are left out.
pub fn sampled(words: &[u32]) -> Vec<u32> {
    let counts = counts(words);
    let mut chosen: Vec<u32> = counts
        .into_iter()
        .filter(|(word, n)| *n <= COMMON && scatter(*word).is_multiple_of(8))
        .map(|(word, _)| word)
        .collect();
    chosen.sort_unstable();
    chosen
}

/// How alike two recordings are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alike {
    /// They are the same recording; else only perhaps.
    pub is_same: bool,
    /// The share of bits that differ where they lie side by side.
    pub differ: f64,
}

/// Whether two recordings are the same, coded or cut another way, wherever they line up best. None: they are not.
pub fn alike(a: &[u32], b: &[u32]) -> Option<Alike> {
    alignments(a, b)
        .into_iter()
        .filter_map(|(differ, shared)| judged(differ, shared))
        .min_by(|a, b| b.is_same.cmp(&a.is_same).then(a.differ.total_cmp(&b.differ)))
}

/// Words of 30 s: the first takes 2.7 s, and then there is one every 0.1238 s.
const WHOLE: usize = 220;
/// Fewer words side by side prove nothing; they are some 7 s of sound.
const LEAST: usize = 40;

/// What so small a difference over so many words means. Excerpts agree by chance more often than whole tracks, so they
/// must agree better, and say nothing else; what shares 30 s is 30 s long itself.
fn judged(differ: f64, shared: usize) -> Option<Alike> {
    let (same, perhaps) = if shared >= WHOLE { (0.20, 0.33) } else { (0.15, 0.15) };
    (differ <= perhaps).then_some(Alike { is_same: differ <= same, differ })
}

/// The places where most words of both are equal: the share of bits that differ there, and over how many words.
fn alignments(a: &[u32], b: &[u32]) -> Vec<(f64, usize)> {
    let (in_a, in_b) = (counts(a), counts(b));
    let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
    for (i, word) in b.iter().enumerate().filter(|(_, word)| in_b[word] <= COMMON) {
        places.entry(*word).or_default().push(i);
    }
    let mut votes: HashMap<i64, u32> = HashMap::new();
    for (i, word) in a.iter().enumerate().filter(|(_, word)| in_a[word] <= COMMON) {
        for j in places.get(word).into_iter().flatten() {
            *votes.entry(i as i64 - *j as i64).or_default() += 1;
        }
    }
    let mut offsets: Vec<(i64, u32)> = votes.into_iter().collect();
    offsets.sort_by_key(|(offset, votes)| (std::cmp::Reverse(*votes), *offset));
    offsets
        .iter()
        .take(8)
        .filter_map(|(offset, _)| {
            let (a, b) =
                if *offset >= 0 { (a.get(*offset as usize..)?, b) } else { (a, b.get(-*offset as usize..)?) };
            let shared = a.len().min(b.len());
            let differ: u32 = a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones()).sum();
            (shared >= LEAST).then(|| (f64::from(differ) / (32.0 * shared as f64), shared))
        })
        .collect()
}

const COMMON: u32 = 20;

fn counts(words: &[u32]) -> HashMap<u32, u32> {
    let mut counts = HashMap::new();
    for word in words {
        *counts.entry(*word).or_default() += 1;
    }
    counts
}

/// Neighbouring words must not fall into the sample together.
fn scatter(word: u32) -> u32 {
    let mut x = word.wrapping_mul(0x9e37_79b1);
    x ^= x >> 15;
    x.wrapping_mul(0x85eb_ca77) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn melody(seed: u32, secs: usize, gain: f32) -> Vec<f32> {
        let mut state = seed;
        let mut notes = Vec::new();
        for _ in 0..secs * 4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            notes.push(220.0 * 2f32.powf((state >> 24) as f32 % 24.0 / 12.0));
        }
        (0..secs * RATE as usize)
            .map(|i| {
                let t = i as f32 / RATE as f32;
                let hertz = notes[(t * 4.0) as usize];
                gain * ((t * hertz * std::f32::consts::TAU).sin()
                    + (t * hertz * 2.0 * std::f32::consts::TAU).sin() * 0.4)
            })
            .collect()
    }

    fn words(sound: &[f32]) -> Vec<u32> {
        let mut listener = Listener::new().unwrap();
        sound.chunks(4000).for_each(|part| listener.hear(part));
        listener.finish()
    }

    #[test]
    fn the_same_is_found_softer_and_cut_and_others_are_not() {
        let song = words(&melody(1, 40, 0.5));
        assert!(song.len() > 300);
        let softer = words(&melody(1, 40, 0.2));
        assert!(alike(&song, &softer).is_some_and(|alike| alike.is_same && alike.differ < 0.05));
        let cut = words(&melody(1, 40, 0.5)[RATE as usize * 7..]);
        assert!(alike(&song, &cut).is_some_and(|alike| alike.is_same));
        let other = words(&melody(99, 40, 0.5));
        assert_eq!(alike(&song, &other), None);
        let shared = sampled(&song).iter().filter(|w| sampled(&softer).contains(w)).count();
        assert!(shared * 2 > sampled(&song).len());
    }

    /// Words by chance.
    fn chance(seed: u32, words: usize) -> Vec<u32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        (0..words).map(|_| next() << 16 | next()).collect()
    }

    /// The same with so many bits of each word turned, but for every twentieth.
    fn turned(words: &[u32], bits: u32) -> Vec<u32> {
        let turn = |(i, word): (usize, &u32)| {
            if i.is_multiple_of(20) { *word } else { *word ^ ((1u32 << bits) - 1) }
        };
        words.iter().enumerate().map(turn).collect()
    }

    #[test]
    fn excerpts_must_agree_better_than_whole_tracks() {
        let track = chance(1, 290);
        let judged = |other: &[u32]| alike(&track, other).map(|alike| alike.is_same);
        // Of 32 bits four are an eighth, six are 0.18, nine are 0.27.
        assert_eq!(judged(&turned(&track, 4)), Some(true));
        assert_eq!(judged(&turned(&track, 6)), Some(true));
        assert_eq!(judged(&turned(&track, 9)), Some(false));
        assert_eq!(judged(&turned(&track, 13)), None);
        // A loop of 10 s against a track of 35 s, and two tracks that overlap for 10 s alone.
        let tail = |bits: u32| [turned(&track[200..], bits), chance(7, 200)].concat();
        for (bits, found) in [(4, Some(true)), (6, None), (9, None)] {
            assert_eq!(judged(&turned(&track[100..165], bits)), found, "{bits} bits of a loop");
            assert_eq!(judged(&tail(bits)), found, "{bits} bits of an overlap");
        }
        assert_eq!(judged(&track[100..139]), None, "too short to say");
        assert_eq!(judged(&chance(2, 290)), None);
    }
}
