//! What accompanies: chords held, in a rhythm, strummed or broken, bass lines, and rhythms alone.

use super::harmony::Voicing;
use super::{Note, Piece};

impl Piece {
    /// Chords held for some bars in so many voices around a pitch; a tone that stays is struck again after three bars.
    pub fn pads(&self, from: usize, to: usize, centre: i32, count: usize, force: f32) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        for Voicing { span, pitches } in self.voices(from, to, centre, count) {
            for pitch in pitches {
                // A tone that stays is held rather than struck again, but not for ever.
                let held = notes.iter_mut().rev().take(count * 2).find(|n| {
                    n.pitch == pitch as f32
                        && (n.at + n.len - span.at).abs() < 1e-6
                        && n.len < 3.0 * self.meter
                });
                match held {
                    Some(note) => note.len += span.len,
                    None => notes.push(Note { at: span.at, len: span.len, pitch: pitch as f32, force }),
                }
            }
        }
        notes
    }

    /// Chords in a rhythm: `X` loud, `x` usual, `o` soft, `.` nothing, `-` holds on; `per` steps a beat.
    pub fn comp(
        &self,
        from: usize,
        to: usize,
        centre: i32,
        count: usize,
        rhythm: &str,
        per: f64,
    ) -> Vec<Note> {
        let led = self.voices(from, to, centre, count);
        let mut notes = Vec::new();
        for hit in self.beat(from, to, rhythm, per) {
            let Some(voicing) = Voicing::at(&led, hit.at) else { continue };
            for pitch in voicing {
                notes.push(Note { pitch: *pitch as f32, ..hit });
            }
        }
        notes
    }

    /// The same, struck string by string over `spread` beats, down and up in turn.
    pub fn strum(
        &self,
        from: usize,
        to: usize,
        centre: i32,
        count: usize,
        rhythm: &str,
        per: f64,
        spread: f64,
    ) -> Vec<Note> {
        let led = self.voices(from, to, centre, count);
        let mut notes = Vec::new();
        for hit in self.beat(from, to, rhythm, per) {
            let Some(voicing) = Voicing::at(&led, hit.at) else { continue };
            let up = ((hit.at * per).round() as i64) % 2 == 1;
            let n = voicing.len();
            for i in 0..n {
                let pitch = voicing[if up { n - 1 - i } else { i }] as f32;
                let late = spread * i as f64 / n as f64;
                let force = hit.force * (1.0 - 0.06 * i as f32);
                notes.push(Note { at: hit.at + late, len: (hit.len - late).max(0.1), pitch, force });
            }
        }
        notes
    }

    /// Chords broken into single notes. `order` names the voices from the lowest (`0`); `.` rests, `+` before a
    /// digit is an octave higher; `per` steps a beat, each held for `len` beats.
    pub fn arp(
        &self,
        from: usize,
        to: usize,
        centre: i32,
        count: usize,
        order: &str,
        per: f64,
        len: f64,
    ) -> Vec<Note> {
        let led = self.voices(from, to, centre, count);
        let mut steps: Vec<Option<(usize, f32)>> = Vec::new();
        let mut up = 0.0;
        for c in order.chars() {
            match c {
                '+' => up = 12.0,
                '.' => steps.push(None),
                c => {
                    if let Some(d) = c.to_digit(10) {
                        steps.push(Some((d as usize, up)));
                        up = 0.0;
                    }
                }
            }
        }
        let mut notes = Vec::new();
        let (mut at, end) = (from as f64 * self.meter, to as f64 * self.meter);
        let mut i = 0;
        while at < end - 1e-6 {
            if let Some((voice, up)) = steps[i % steps.len()]
                && let Some(voicing) = Voicing::at(&led, at)
            {
                let pitch = voicing[voice % voicing.len()] as f32 + up;
                let strong = (at.fract() < 1e-6) as i32 as f32;
                notes.push(Note { at, len, pitch, force: 0.6 + 0.16 * strong });
            }
            i += 1;
            at += 1.0 / per;
        }
        notes
    }

    /// A bass line: `r` root, `5` fifth, `3` third, `7` seventh, `8` octave, `l` the fifth below, `a` a step that leads
    /// to the next root; capitals are louder, `-` holds, `.` rests. `low` is the lowest pitch it may take.
    pub fn bass(&self, from: usize, to: usize, low: i32, line: &str, per: f64) -> Vec<Note> {
        let line: Vec<char> = line.chars().filter(|c| !c.is_whitespace() && *c != '|').collect();
        let mut notes: Vec<Note> = Vec::new();
        let (mut at, end) = (from as f64 * self.meter, to as f64 * self.meter);
        let mut i = 0;
        while at < end - 1e-6 {
            let c = line[i % line.len()];
            let chord = self.chord_at(at);
            let root = low + (chord.bass - low).rem_euclid(12);
            let third = chord.tones.iter().find(|t| (3..=5).contains(*t)).copied().unwrap_or(7);
            let fifth = chord.tones.iter().find(|t| (6..=8).contains(*t)).copied().unwrap_or(7);
            let seventh = chord.tones.iter().find(|t| (9..=11).contains(*t)).copied().unwrap_or(12);
            let above = chord.root - chord.bass;
            let pitch = match c.to_ascii_lowercase() {
                'r' => Some(root),
                '8' => Some(root + 12),
                '5' => Some(root + (above + fifth).rem_euclid(12)),
                '3' => Some(root + (above + third).rem_euclid(12)),
                '7' => Some(root + (above + seventh - 1).rem_euclid(12) + 1),
                'l' => Some(root + (above + fifth).rem_euclid(12) - 12),
                'a' => {
                    let next = self.chord_at(at + 1.0 / per).bass;
                    let target = low + (next - low).rem_euclid(12);
                    Some(if target >= root { target - 1 } else { target + 1 })
                }
                _ => None,
            };
            match (c, pitch) {
                ('-', _) => {
                    if let Some(note) = notes.last_mut() {
                        note.len += 1.0 / per;
                    }
                }
                (_, Some(pitch)) => {
                    let force = if c.is_uppercase() { 0.95 } else { 0.75 };
                    notes.push(Note { at, len: 0.94 / per, pitch: pitch as f32, force });
                }
                _ => {}
            }
            i += 1;
            at += 1.0 / per;
        }
        notes
    }

    /// A walking bass: the root on one, chord tones between, a half-step into the next chord.
    pub fn walk(&mut self, from: usize, to: usize, low: i32) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut at = from as f64 * self.meter;
        let mut last = low + 7;
        while at < to as f64 * self.meter - 1e-6 {
            let chord = self.chord_at(at).clone();
            let next = self.chord_at(at + 1.0).clone();
            let first = self.harmony.iter().any(|s| (s.at - at).abs() < 1e-6);
            let fold = |p: i32| {
                if p < low {
                    p + 12
                } else if p > low + 16 {
                    p - 12
                } else {
                    p
                }
            };
            let pitch = if first {
                let root = low + (chord.bass - low).rem_euclid(12);
                if root + 12 - last < last - root && root + 12 <= low + 14 { root + 12 } else { root }
            } else if next != chord {
                let target = low + (next.bass - low).rem_euclid(12);
                fold(target + if self.chance.below(2) == 0 { 1 } else { -1 })
            } else {
                let up = self.chance.below(3) > 0;
                let wish = if up { last + 3 } else { last - 4 };
                let near = chord.nearest(wish);
                fold(if near == last { near + 12 } else { near })
            };
            let force = 0.72 + self.chance.between(0.0, 0.2);
            notes.push(Note { at, len: 0.92, pitch: pitch as f32, force });
            last = pitch;
            at += 1.0;
        }
        notes
    }

    /// Strokes in a rhythm, repeated over some bars: `X` loud, `x` usual, `o` soft, `,` a ghost; `-` holds.
    pub fn beat(&self, from: usize, to: usize, rhythm: &str, per: f64) -> Vec<Note> {
        let steps: Vec<char> = rhythm.chars().filter(|c| !c.is_whitespace() && *c != '|').collect();
        let mut notes: Vec<Note> = Vec::new();
        let (start, end) = (from as f64 * self.meter, to as f64 * self.meter);
        let total = ((end - start) * per).round() as usize;
        for i in 0..total {
            let force = match steps[i % steps.len()] {
                'X' => 1.0,
                'x' => 0.78,
                'o' => 0.55,
                ',' => 0.3,
                '-' => {
                    if let Some(note) = notes.last_mut() {
                        note.len += 1.0 / per;
                    }
                    continue;
                }
                _ => continue,
            };
            notes.push(Note { at: start + i as f64 / per, len: 0.92 / per, pitch: 60.0, force });
        }
        notes
    }
}
