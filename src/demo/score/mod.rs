//! What is played: a piece, its parts and their notes. Times are beats; nothing sounds here.
//!
//! `harmony` reads keys and chords and leads their voices, `figures` accompanies (held chords, rhythms, bass lines),
//! `melody` sings over them.

mod figures;
mod harmony;
pub mod melody;

use super::chance::Chance;
use super::instruments::Voice;

pub use harmony::{Chord, Key, Span};

/// One note: when and for how many beats, which MIDI pitch, and how hard, 0 to 1.
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
    /// A part with nothing to play yet, this loud (in decibels), at this place, with so much of it in the room.
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

    /// So much of it goes to the echo.
    pub fn echo(mut self, echo: f32) -> Part {
        self.echo = echo;
        self
    }

    /// Its player is off the beat by about so many milliseconds.
    pub fn loose(mut self, ms: f32) -> Part {
        self.loose = ms;
        self
    }

    /// It ducks this far under the kick, 0 to 1.
    pub fn duck(mut self, duck: f32) -> Part {
        self.duck = duck;
        self
    }

    /// Nothing below this frequency.
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
    /// Corner of what comes back.
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
    /// A silent piece of so many bars of `meter` beats; the same seed always gives the same bytes.
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

    /// A piece of these chords and nothing else.
    pub fn piece(key: &str, chords: &str, bars: usize) -> Piece {
        let mut piece = Piece::new(1, key, 120.0, 4, bars);
        piece.harmony(bars, chords);
        piece
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
