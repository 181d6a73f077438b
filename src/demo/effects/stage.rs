//! What effects are put on: a dry sound and what of it goes to a room, and the rooms.

use std::f32::consts::TAU;

use super::RATE;
use crate::demo::chance::Chance;
use crate::demo::instruments::{Filter, Tone, Voice, hertz};
use crate::demo::mix::{Frame, end_quietly, limit, loudness, reverberate};
use crate::demo::score::Room;

/// `RATE`, to reckon with.
pub const R: f32 = RATE as f32;

/// A stage that sounds are put on.
pub struct Stage {
    pub dry: Vec<Frame>,
    /// What the room hears of it.
    pub wet: Vec<Frame>,
    pub chance: Chance,
}

impl Stage {
    /// An empty stage for so many seconds.
    pub fn new(seed: u64, secs: f32) -> Stage {
        let n = (secs * R) as usize;
        Stage { dry: vec![[0.0; 2]; n], wet: vec![[0.0; 2]; n], chance: Chance::new(seed) }
    }

    /// Frames, sounding or not.
    pub fn len(&self) -> usize {
        self.dry.len()
    }

    /// Adds one sample at a place from -1 to 1, with so much of it into the room.
    pub fn put(&mut self, at: usize, v: f32, pan: f32, wet: f32) {
        if at < self.dry.len() {
            let (l, r) = ((1.0 - pan).min(1.0) * v, (1.0 + pan).min(1.0) * v);
            self.dry[at][0] += l;
            self.dry[at][1] += r;
            self.wet[at][0] += l * wet;
            self.wet[at][1] += r * wet;
        }
    }

    /// Adds a sum of dying sines: frequency, level, seconds.
    pub fn ring(&mut self, secs_at: f32, modes: &[(f32, f32, f32)], level: f32, pan: f32, wet: f32) {
        let from = (secs_at * R) as usize;
        for (hz, amp, die) in modes {
            let n = ((die * 1.2) * R) as usize;
            let shrink = (-6.9 / (die * R)).exp();
            let (s, c) = (TAU * hz / R).sin_cos();
            let (mut x, mut y) = (amp * level, 0f32);
            for i in 0..n {
                (x, y) = ((x * c - y * s) * shrink, (x * s + y * c) * shrink);
                let fade = ((n - i) as f32 / 600.0).min(1.0);
                self.put(from + i, y * fade * (i as f32 / 40.0).min(1.0), pan, wet);
            }
        }
    }

    /// Adds filtered noise that rises and falls.
    pub fn puff(&mut self, at: f32, rise: f32, fall: f32, hz: f32, q: f32, level: f32, pan: f32, wet: f32) {
        let from = (at * R) as usize;
        let n = ((rise + fall * 6.0) * R) as usize;
        let mut band = Filter::new(R, hz, q);
        for i in 0..n {
            let t = i as f32 / R;
            let e = if t < rise { t / rise } else { (-(t - rise) / fall).exp() };
            let v = band.band(self.chance.noise()) * e * level * ((n - i) as f32 / 200.0).min(1.0);
            self.put(from + i, v, pan, wet);
        }
    }

    /// Adds a note of an instrument.
    pub fn note(&mut self, voice: Voice, at: f32, pitch: f32, secs: f32, force: f32, level: f32, wet: f32) {
        let from = (at * R) as usize;
        let tone = Tone { rate: R, hz: hertz(pitch), secs, force };
        let (dry, room) = (&mut self.dry, &mut self.wet);
        voice.sound(tone, &mut self.chance, &mut |i, l, r| {
            if let (Some(d), Some(w)) = (dry.get_mut(from + i), room.get_mut(from + i)) {
                d[0] += l * level;
                d[1] += r * level;
                w[0] += l * level * wet;
                w[1] += r * level * wet;
            }
        });
    }

    /// Puts the room behind it and brings it to a loudness. `steady` sounds begin and end in the middle of themselves
    /// and only get short fades.
    pub fn done(mut self, room: Room, lufs: f32, steady: bool) -> Vec<Frame> {
        reverberate(R, room, &mut self.wet);
        let mut out = self.dry;
        let mut floor = [Filter::new(R, 22.0, 0.7); 2];
        for (frame, wet) in out.iter_mut().zip(&self.wet) {
            for side in 0..2 {
                frame[side] = floor[side].high(frame[side] + wet[side]);
            }
        }
        let gain = 10f32.powf((lufs - loudness(R, &out)) / 20.0);
        // A single stroke is all peak: loud as its peak allows, not as its mean asks.
        let peak = out.iter().flatten().fold(1e-6f32, |m, v| m.max(v.abs()));
        let gain = gain.min(1.9 / peak);
        for frame in &mut out {
            frame[0] *= gain;
            frame[1] *= gain;
        }
        limit(R, &mut out);
        if steady {
            let n = out.len();
            let edge = (0.4 * R) as usize;
            for i in 0..edge.min(n / 2) {
                let g = i as f32 / edge as f32;
                for side in 0..2 {
                    out[i][side] *= g;
                    out[n - 1 - i][side] *= g;
                }
            }
        } else {
            end_quietly(R, &mut out);
        }
        out
    }
}

/// A small room, or none to speak of.
pub const CLOSE: Room = Room { secs: 0.35, damp: 5000.0, size: 0.3 };
/// A stone hall.
pub const HALL: Room = Room { secs: 2.2, damp: 3500.0, size: 1.1 };
/// A cave, or a very large place.
pub const CAVE: Room = Room { secs: 4.5, damp: 3000.0, size: 1.5 };
/// Outdoors: far walls, and little comes back.
pub const OPEN: Room = Room { secs: 1.2, damp: 2200.0, size: 1.5 };

/// Noise that wanders slowly between 0 and 1.
pub struct Wander {
    now: f32,
    goal: f32,
    left: usize,
    pace: f32,
}

impl Wander {
    /// Goes to another place about every so many seconds.
    pub fn new(pace_secs: f32) -> Wander {
        Wander { now: 0.5, goal: 0.5, left: 0, pace: pace_secs }
    }

    /// Where it is, a frame later.
    pub fn next(&mut self, chance: &mut Chance) -> f32 {
        if self.left == 0 {
            self.goal = chance.unit();
            self.left = (self.pace * chance.between(0.5, 1.5) * R) as usize;
        }
        self.left -= 1;
        self.now += (self.goal - self.now) * (2.5 / (self.pace * R));
        self.now
    }
}
