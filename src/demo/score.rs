//! What is played: keys, chords and their voices, bass lines, rhythms, melodies. Times are beats; nothing sounds here.

use super::chance::Chance;
use super::instruments::Voice;

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

/// One note.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note {
    pub at: f64,
    pub len: f64,
    pub pitch: f32,
    pub force: f32,
}

/// A voice with what it plays and where it stands in the mix.
#[derive(Clone, Debug)]
pub struct Part {
    pub voice: Voice,
    pub notes: Vec<Note>,
    /// Decibels.
    pub level: f32,
    /// -1 left to 1 right.
    pub pan: f32,
    /// How much goes to the room and to the echo.
    pub room: f32,
    pub echo: f32,
    /// How many milliseconds its player is off the beat.
    pub loose: f32,
    /// How far it ducks under the kick, 0 to 1.
    pub duck: f32,
    /// Level over time: beat and factor, straight lines between.
    pub curve: Vec<(f64, f32)>,
    /// A low-pass over time: beat and frequency.
    pub lid: Vec<(f64, f32)>,
    /// A high-pass that keeps the bottom free.
    pub floor: f32,
}

impl Part {
    pub fn new(voice: Voice, level: f32, pan: f32, room: f32) -> Part {
        Part {
            voice,
            notes: Vec::new(),
            level,
            pan,
            room,
            echo: 0.0,
            loose: 5.0,
            duck: 0.0,
            curve: Vec::new(),
            lid: Vec::new(),
            floor: 0.0,
        }
    }

    pub fn echo(mut self, echo: f32) -> Part {
        self.echo = echo;
        self
    }

    pub fn loose(mut self, ms: f32) -> Part {
        self.loose = ms;
        self
    }

    pub fn duck(mut self, duck: f32) -> Part {
        self.duck = duck;
        self
    }

    pub fn floor(mut self, hz: f32) -> Part {
        self.floor = hz;
        self
    }

    /// Level by bars: `(bar, factor)`.
    pub fn curve(mut self, meter: f64, bars: &[(f64, f32)]) -> Part {
        self.curve = bars.iter().map(|(bar, v)| (bar * meter, *v)).collect();
        self
    }

    /// Low-pass by bars: `(bar, frequency)`.
    pub fn lid(mut self, meter: f64, bars: &[(f64, f32)]) -> Part {
        self.lid = bars.iter().map(|(bar, v)| (bar * meter, *v)).collect();
        self
    }
}

/// The room everything stands in.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Seconds to a thousandth.
    pub secs: f32,
    /// Corner of what the walls give back.
    pub damp: f32,
    /// Metres, roughly: 0.5 a chamber, 1 a hall.
    pub size: f32,
}

/// An echo that crosses from side to side.
#[derive(Clone, Copy, Debug)]
pub struct Echo {
    pub beats: f64,
    pub feedback: f32,
    pub damp: f32,
}

/// A piece of music, or a loop, before it sounds.
#[derive(Clone, Debug)]
pub struct Piece {
    pub key: Key,
    pub bpm: f64,
    /// Beats in a bar.
    pub meter: f64,
    pub bars: usize,
    /// Where the second half of a pair falls: 0.5 straight, 0.667 triplets; and how long a half is.
    pub swing: f64,
    pub swing_unit: f64,
    pub rate: u32,
    pub harmony: Vec<Span>,
    pub parts: Vec<Part>,
    pub room: Room,
    pub echo: Echo,
    /// Saturation of the whole, 0 to 1.
    pub warmth: f32,
    /// Crackle and a slight waver, as from a worn record.
    pub dust: f32,
    pub lufs: f32,
    /// Seconds after the last bar in which the sound dies away; a loop wraps them round instead.
    pub tail: f32,
    /// Bars over which the whole fades at the end.
    pub fade: f64,
    pub is_loop: bool,
    pub chance: Chance,
}

impl Piece {
    pub fn new(seed: u64, key: &str, bpm: f64, meter: usize, bars: usize) -> Piece {
        Piece {
            key: Key::read(key),
            bpm,
            meter: meter as f64,
            bars,
            swing: 0.5,
            swing_unit: 0.5,
            rate: 44_100,
            harmony: Vec::new(),
            parts: Vec::new(),
            room: Room { secs: 1.8, damp: 5200.0, size: 0.8 },
            echo: Echo { beats: 0.75, feedback: 0.38, damp: 3200.0 },
            warmth: 0.2,
            dust: 0.0,
            lufs: -16.0,
            tail: 3.0,
            fade: 0.0,
            is_loop: false,
            chance: Chance::new(seed),
        }
    }

    /// Adds a part that plays these notes.
    pub fn play(&mut self, mut part: Part, notes: impl IntoIterator<Item = Note>) {
        part.notes = notes.into_iter().filter(|n| n.at >= 0.0).collect();
        self.parts.push(part);
    }

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
    pub fn voices(&self, from: usize, to: usize, centre: i32, count: usize) -> Vec<(Span, Vec<i32>)> {
        let mut before: Option<Vec<i32>> = None;
        let mut led = Vec::new();
        for span in self.spans(from, to) {
            let voicing = lead(&span.chord, before.as_deref(), centre, count);
            before = Some(voicing.clone());
            led.push((span, voicing));
        }
        led
    }

    /// Held chords.
    pub fn pads(&self, from: usize, to: usize, centre: i32, count: usize, force: f32) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        for (span, voicing) in self.voices(from, to, centre, count) {
            for pitch in voicing {
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
            let Some((_, voicing)) = led.iter().rev().find(|(s, _)| s.at <= hit.at + 1e-6) else { continue };
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
            let Some((_, voicing)) = led.iter().rev().find(|(s, _)| s.at <= hit.at + 1e-6) else { continue };
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
                && let Some((_, voicing)) = led.iter().rev().find(|(s, _)| s.at <= at + 1e-6)
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

    /// Seconds of a beat, swing included.
    pub fn secs(&self, beat: f64) -> f64 {
        let pair = 2.0 * self.swing_unit;
        let whole = (beat / pair).floor() * pair;
        let inside = (beat - whole) / pair;
        let bent = if inside < 0.5 {
            inside * 2.0 * self.swing
        } else {
            self.swing + (inside - 0.5) * 2.0 * (1.0 - self.swing)
        };
        (whole + bent * pair) * 60.0 / self.bpm
    }

    /// Frames of all bars.
    pub fn frames(&self) -> usize {
        (self.bars as f64 * self.meter * 60.0 / self.bpm * f64::from(self.rate)).round() as usize
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

/// The same notes with their force multiplied along a straight line from the first to the last.
pub fn grow(mut notes: Vec<Note>, from: f32, to: f32) -> Vec<Note> {
    let start = notes.iter().map(|n| n.at).fold(f64::MAX, f64::min);
    let end = notes.iter().map(|n| n.at).fold(0.0, f64::max);
    for note in &mut notes {
        let t = ((note.at - start) / (end - start).max(1e-6)) as f32;
        note.force = (note.force * (from + (to - from) * t)).min(1.0);
    }
    notes
}

/// The same notes so many semitones higher.
pub fn raise(mut notes: Vec<Note>, semitones: f32) -> Vec<Note> {
    for note in &mut notes {
        note.pitch += semitones;
    }
    notes
}

/// Several lines as one.
pub fn all(lines: impl IntoIterator<Item = Vec<Note>>) -> Vec<Note> {
    let mut notes: Vec<Note> = lines.into_iter().flatten().collect();
    notes.sort_by(|a, b| a.at.total_cmp(&b.at));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(key: &str, chords: &str, bars: usize) -> Piece {
        let mut piece = Piece::new(1, key, 120.0, 4, bars);
        piece.harmony(bars, chords);
        piece
    }

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
                let steps: Vec<i32> = pair[0].1.iter().zip(&pair[1].1).map(|(a, b)| (a - b).abs()).collect();
                assert!(steps.iter().all(|s| *s <= 7), "{key}: {:?} to {:?}", pair[0].1, pair[1].1);
                assert!(steps.iter().sum::<i32>() <= 16, "{key}: {:?} to {:?}", pair[0].1, pair[1].1);
                assert!(pair[1].1.iter().all(|p| pair[1].0.chord.holds(*p)));
            }
        }
    }

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

    #[test]
    fn swing_delays_only_the_second_half() {
        let mut piece = piece("c", "I", 1);
        piece.swing = 2.0 / 3.0;
        let beat = 60.0 / piece.bpm;
        for (at, want) in [(0.0, 0.0), (0.5, 2.0 / 3.0), (1.0, 1.0), (1.5, 1.0 + 2.0 / 3.0), (3.0, 3.0)] {
            assert!((piece.secs(at) - want * beat).abs() < 1e-9, "{at}");
        }
    }
}
