//! Keys and chords as they are written down, the harmony of a piece, and how voices go from one chord to the next.

use super::Piece;

/// A key: its tonic in semitones above C, and its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub tonic: i32,
    pub minor: bool,
}

const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
const MINOR: [i32; 7] = [0, 2, 3, 5, 7, 8, 10];

impl Key {
    /// Reads the shop's own spelling: `fsm` is F sharp minor.
    pub fn read(slug: &str) -> Key {
        let tonic = match slug.as_bytes().first() {
            Some(b'd') => 2,
            Some(b'e') => 4,
            Some(b'f') => 5,
            Some(b'g') => 7,
            Some(b'a') => 9,
            Some(b'b') => 11,
            _ => 0,
        };
        let sharp = slug[1..].starts_with('s') as i32;
        Key { tonic: (tonic + sharp) % 12, minor: slug.len() > 1 && slug.ends_with('m') }
    }

    /// The seven steps of the scale, in semitones above the tonic.
    pub fn steps(self) -> [i32; 7] {
        if self.minor { MINOR } else { MAJOR }
    }
}

/// A chord: its root as pitch class, its tones above the root, and the pitch class in the bass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chord {
    pub root: i32,
    pub tones: Vec<i32>,
    pub bass: i32,
}

impl Chord {
    /// Reads a chord as harmony books write it: `ii9`, `V7`, `bVImaj7`, `I/3` (the third step in the bass).
    pub fn read(key: Key, text: &str) -> Chord {
        let (text, under) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let (shift, rest) = match text.as_bytes().first() {
            Some(b'b') => (-1, &text[1..]),
            Some(b'#') => (1, &text[1..]),
            _ => (0, text),
        };
        let roman = rest.len() - rest.trim_start_matches(['I', 'V', 'i', 'v']).len();
        let (numeral, kind) = rest.split_at(roman);
        let degree = match numeral.to_ascii_uppercase().as_str() {
            "II" => 1,
            "III" => 2,
            "IV" => 3,
            "V" => 4,
            "VI" => 5,
            "VII" => 6,
            _ => 0,
        };
        let small = numeral.starts_with(['i', 'v']);
        let root = (key.tonic + key.steps()[degree] + shift).rem_euclid(12);
        let tones: &[i32] = match (small, kind) {
            (true, "7") => &[0, 3, 7, 10],
            (true, "9") => &[0, 3, 7, 10, 14],
            (true, "11") => &[0, 3, 7, 10, 17],
            (true, "6") => &[0, 3, 7, 9],
            (true, "add9") => &[0, 3, 7, 14],
            (true, _) => &[0, 3, 7],
            (false, "7") => &[0, 4, 7, 10],
            (false, "9") => &[0, 4, 7, 10, 14],
            (false, "13") => &[0, 4, 10, 14, 21],
            (false, "7b9") => &[0, 4, 7, 10, 13],
            (false, "maj7") => &[0, 4, 7, 11],
            (false, "maj9") => &[0, 4, 7, 11, 14],
            (false, "6") => &[0, 4, 7, 9],
            (false, "69") => &[0, 4, 7, 9, 14],
            (false, "add9") => &[0, 4, 7, 14],
            (false, "sus2") => &[0, 2, 7],
            (false, "sus4") => &[0, 5, 7],
            (false, "5") => &[0, 7, 12],
            (false, _) => &[0, 4, 7],
        };
        let tones = match kind {
            "m7b5" => vec![0, 3, 6, 10],
            "dim" => vec![0, 3, 6],
            "dim7" => vec![0, 3, 6, 9],
            _ => tones.to_vec(),
        };
        let step = under.and_then(|u| u.parse::<usize>().ok()).filter(|n| (1..=7).contains(n));
        let bass = step.map_or(root, |n| (key.tonic + key.steps()[n - 1]).rem_euclid(12));
        Chord { root, tones, bass }
    }

    /// Whether this pitch is one of its tones.
    pub fn holds(&self, pitch: i32) -> bool {
        self.tones.iter().any(|t| (pitch - self.root - t).rem_euclid(12) == 0)
    }

    /// The tone nearest to a pitch.
    pub fn nearest(&self, pitch: i32) -> i32 {
        let near = |p: &i32| (p - pitch).abs();
        (pitch - 6..=pitch + 6).filter(|p| self.holds(*p)).min_by_key(near).unwrap_or(pitch)
    }
}

/// A chord for a while.
#[derive(Clone, Debug)]
pub struct Span {
    pub at: f64,
    pub len: f64,
    pub chord: Chord,
}

/// A chord for a while, as its voices have it: a pitch each, the lowest first.
#[derive(Clone, Debug)]
pub struct Voicing {
    pub span: Span,
    pub pitches: Vec<i32>,
}

impl Voicing {
    /// The pitches that stand at a beat; none before the first.
    pub fn at(led: &[Voicing], beat: f64) -> Option<&[i32]> {
        led.iter().rev().find(|v| v.span.at <= beat + 1e-6).map(|v| v.pitches.as_slice())
    }
}

impl Piece {
    /// Continues the harmony: chords of a bar each, or as long as `:2`, `:0.5` say, repeated until `bars` are full.
    pub fn harmony(&mut self, bars: usize, text: &str) {
        let mut at = self.harmony.last().map_or(0.0, |s| s.at + s.len);
        let end = at + bars as f64 * self.meter;
        'fill: loop {
            for word in text.split_whitespace() {
                let (name, len) = word.split_once(':').unwrap_or((word, "1"));
                let len = len.parse::<f64>().unwrap_or(1.0) * self.meter;
                if at > end - 1e-6 {
                    break 'fill;
                }
                let len = len.min(end - at);
                self.harmony.push(Span { at, len, chord: Chord::read(self.key, name) });
                at += len;
            }
        }
    }

    /// The chord that stands at a beat.
    pub fn chord_at(&self, beat: f64) -> &Chord {
        let beat = beat + 1e-6;
        let found = self.harmony.iter().rev().find(|s| s.at <= beat);
        &found.unwrap_or(&self.harmony[0]).chord
    }

    fn spans(&self, from: usize, to: usize) -> Vec<Span> {
        let (from, to) = (from as f64 * self.meter, to as f64 * self.meter);
        let inside = self.harmony.iter().filter(|s| s.at + s.len > from + 1e-6 && s.at < to - 1e-6);
        inside
            .map(|s| {
                let at = s.at.max(from);
                Span { at, len: (s.at + s.len).min(to) - at, chord: s.chord.clone() }
            })
            .collect()
    }

    /// The chords of some bars for so many voices around a pitch, each led to the next by the shortest way.
    pub fn voices(&self, from: usize, to: usize, centre: i32, count: usize) -> Vec<Voicing> {
        let mut before: Option<Vec<i32>> = None;
        let mut led = Vec::new();
        for span in self.spans(from, to) {
            let pitches = lead(&span.chord, before.as_deref(), centre, count);
            before = Some(pitches.clone());
            led.push(Voicing { span, pitches });
        }
        led
    }
}

/// The voicing of a chord that moves least from the one before, near a centre, without mud at the bottom.
fn lead(chord: &Chord, before: Option<&[i32]>, centre: i32, count: usize) -> Vec<i32> {
    let mut classes: Vec<i32> = chord.tones.iter().map(|t| (chord.root + t).rem_euclid(12)).collect();
    classes.dedup();
    // What the bass has already is the first to be left out, then the fifth.
    let fifth = (chord.root + 7).rem_euclid(12);
    while classes.len() > count {
        let drop = classes.iter().position(|c| *c == chord.root).filter(|_| classes.len() > 3);
        let drop = drop.or_else(|| classes.iter().position(|c| *c == fifth)).unwrap_or(0);
        classes.remove(drop);
    }
    let base = classes.len();
    for i in 0..count.saturating_sub(base) {
        classes.push(classes[i % base]);
    }
    let mut best: Option<(f64, Vec<i32>)> = None;
    let mut sorted = classes.clone();
    sorted.sort_unstable();
    for turn in 0..count {
        for octave in -3..3 {
            let mut pitch: i32 = 60 + octave * 12;
            let mut close = Vec::with_capacity(count);
            for i in 0..count {
                let class = sorted[(turn + i) % count];
                while pitch.rem_euclid(12) != class || close.contains(&pitch) {
                    pitch += 1;
                }
                close.push(pitch);
            }
            let mut open = close.clone();
            if count >= 4 {
                open[count - 2] -= 12;
                open.sort_unstable();
            }
            for voicing in [close, open] {
                let mean = voicing.iter().sum::<i32>() as f64 / count as f64;
                let mut cost = (mean - f64::from(centre)).abs() * 0.9;
                if let Some(before) = before {
                    let moved = voicing.iter().zip(before).map(|(a, b)| f64::from((a - b).abs()));
                    cost += moved.sum::<f64>();
                }
                for pair in voicing.windows(2) {
                    let gap = pair[1] - pair[0];
                    if gap == 0 || (pair[0] < 50 && gap < 5) {
                        cost += 12.0;
                    }
                    if gap == 1 {
                        cost += 2.0;
                    }
                }
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, voicing));
                }
            }
        }
    }
    best.map(|(_, voicing)| voicing).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::score::tests::piece;

    #[test]
    fn chords_are_read_as_harmony_books_write_them() {
        let check = |key: &str, text: &str, root: i32, tones: &[i32], bass: i32| {
            let chord = Chord::read(Key::read(key), text);
            assert_eq!((chord.root, &chord.tones[..], chord.bass), (root, tones, bass), "{text} in {key}");
        };
        check("c", "ii9", 2, &[0, 3, 7, 10, 14], 2);
        check("c", "V7", 7, &[0, 4, 7, 10], 7);
        check("am", "VI", 5, &[0, 4, 7], 5);
        check("am", "V", 4, &[0, 4, 7], 4);
        check("fsm", "i", 6, &[0, 3, 7], 6);
        check("c", "bVIImaj7", 10, &[0, 4, 7, 11], 10);
        check("g", "I/3", 7, &[0, 4, 7], 11);
        check("d", "iim7b5", 4, &[0, 3, 6, 10], 4);
    }

    #[test]
    fn voices_move_little_from_chord_to_chord() {
        for (key, chords) in [("c", "I vi IV V"), ("am", "i VI III VII"), ("f", "Imaj9 vi9 ii9 V13")] {
            let led = piece(key, chords, 8).voices(0, 8, 62, 4);
            for pair in led.windows(2) {
                let (before, after) = (&pair[0].pitches, &pair[1].pitches);
                let steps: Vec<i32> = before.iter().zip(after).map(|(a, b)| (a - b).abs()).collect();
                assert!(steps.iter().all(|s| *s <= 7), "{key}: {before:?} to {after:?}");
                assert!(steps.iter().sum::<i32>() <= 16, "{key}: {before:?} to {after:?}");
                assert!(after.iter().all(|p| pair[1].span.chord.holds(*p)));
            }
        }
    }
}
