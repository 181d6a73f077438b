//! Tunes: motifs that climb the scale, agree with the chord where it counts, and end open or closed.

use super::{Chord, Note, Piece};

impl Piece {
    /// A melody. Each motif lasts as long as its notes: `step:beats`, `r:beats` rests, steps of the scale counted from
    /// a chord tone near `centre`; it ends open after `?` (not on the tonic) and closed after `.`. Notes on strong
    /// beats and long ones move to the nearest tone of the chord that stands there.
    pub fn sing(&self, from: usize, motifs: &[&str], centre: i32) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut at = from as f64 * self.meter;
        let mut home = centre;
        for motif in motifs {
            let (body, end) = match motif.chars().last() {
                Some(c @ ('?' | '.')) => (&motif[..motif.len() - 1], Some(c)),
                _ => (*motif, None),
            };
            let anchor = self.chord_at(at).nearest(home);
            let words: Vec<&str> = body.split_whitespace().collect();
            let last = words.iter().rposition(|w| !w.starts_with('r'));
            for (i, word) in words.iter().enumerate() {
                let (step, len) = word.split_once(':').unwrap_or((word, "1"));
                let len: f64 = len.parse().unwrap_or(1.0);
                if let Ok(step) = step.parse::<i32>() {
                    let chord = self.chord_at(at);
                    let mut pitch = climb(&self.scale_over(chord), anchor, step);
                    if is_strong(at, len) {
                        pitch = chord.nearest(pitch);
                    }
                    if Some(i) == last {
                        match end {
                            Some('.') => pitch = self.close(chord, pitch),
                            Some('?') if (pitch - self.key.tonic).rem_euclid(12) == 0 => {
                                pitch = chord.nearest(pitch + 3);
                            }
                            _ => {}
                        }
                    }
                    let strong = if at.fract() < 1e-6 { 0.1 } else { 0.0 };
                    let arch = 0.12 * (i as f32 / words.len() as f32 * std::f32::consts::PI).sin();
                    notes.push(Note {
                        at,
                        len: len * 0.96,
                        pitch: pitch as f32,
                        force: 0.66 + strong + arch,
                    });
                }
                at += len;
            }
            home = (anchor + centre) / 2;
        }
        notes
    }

    /// The tonic if the chord has it, else its nearest tone.
    fn close(&self, chord: &Chord, pitch: i32) -> i32 {
        let tonic = (pitch - 6..=pitch + 6).find(|p| (p - self.key.tonic).rem_euclid(12) == 0);
        tonic.filter(|t| chord.holds(*t)).unwrap_or_else(|| chord.nearest(pitch))
    }

    /// The scale's pitch classes, bent where a chord bends them (the raised seventh over a major dominant).
    fn scale_over(&self, chord: &Chord) -> Vec<i32> {
        let mut scale: Vec<i32> =
            self.key.steps().iter().map(|s| (self.key.tonic + s).rem_euclid(12)).collect();
        for tone in &chord.tones {
            let class = (chord.root + tone).rem_euclid(12);
            if scale.contains(&class) {
                continue;
            }
            let free = |c: &i32| !chord.holds(*c);
            let near = scale.iter().position(|c| {
                free(c) && ((c - class).rem_euclid(12) == 1 || (class - c).rem_euclid(12) == 1)
            });
            if let Some(i) = near {
                scale[i] = class;
            }
        }
        scale.sort_unstable();
        scale.dedup();
        scale
    }
}

/// Whether a note there should agree with the harmony.
pub fn is_strong(at: f64, len: f64) -> bool {
    let beat = at.round();
    (at - beat).abs() < 1e-6 && (len >= 1.0 || (beat as i64) % 2 == 0)
}

/// So many steps of a scale above a pitch that need not be in it.
fn climb(scale: &[i32], from: i32, steps: i32) -> i32 {
    let mut pitch = from;
    let way = steps.signum();
    for _ in 0..steps.abs() {
        pitch += way;
        let mut guard = 0;
        while !scale.contains(&pitch.rem_euclid(12)) && guard < 12 {
            pitch += way;
            guard += 1;
        }
    }
    pitch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::score::tests::piece;

    #[test]
    fn a_melody_agrees_with_its_chords_on_strong_beats_and_closes_on_the_tonic() {
        let piece = piece("dm", "i iv V i", 4);
        let notes =
            piece.sing(0, &["0:1 1:.5 2:.5 3:1 2:1", "4:1 3:1 1:2?", "0:1 1:1 2:2", "2:1 1:1 0:2."], 69);
        for note in notes.iter().filter(|n| is_strong(n.at, n.len / 0.96)) {
            assert!(piece.chord_at(note.at).holds(note.pitch as i32), "{note:?}");
        }
        assert_eq!((notes[notes.len() - 1].pitch as i32 - 2).rem_euclid(12), 0);
        assert!(notes.windows(2).all(|p| (p[0].pitch - p[1].pitch).abs() <= 12.0));
    }
}
