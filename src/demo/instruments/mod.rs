//! Voices: one note in, samples out. Nothing here knows a key, a bar or a mix.
//!
//! Four engines carry nearly all of them: detuned oscillators through a filter (`Synth`), struck bars, strings and
//! bells as sums of dying sines (`Modal`), plucked strings as a loop of delay and damping (`Pluck`, after Karplus and
//! Strong), two sines of which one bends the other (`keys`). Drums are noise and falling sines.

use std::f32::consts::TAU;

use super::chance::Chance;
use blown::{flute, organ};
use plucked::{FINGERED, HARP, MUTED, NYLON, PIZZICATO, STEEL, UKULELE, UPRIGHT, pluck};
use struck::{BELL, GLOCKENSPIEL, KALIMBA, MARIMBA, MUSIC_BOX, VIBRAPHONE, keys, modal, piano};

mod blown;
mod drums;
mod filter;
mod plucked;
mod ringing;
mod struck;
mod synth;

pub use filter::Filter;
pub use synth::*;

/// One note as a voice hears it.
#[derive(Clone, Copy, Debug)]
pub struct Tone {
    pub rate: f32,
    pub hz: f32,
    /// How long the key is held.
    pub secs: f32,
    /// 0 to 1: how hard.
    pub force: f32,
}

/// What plays a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Voice {
    Piano,
    FeltPiano,
    ElectricPiano,
    Bell,
    Glockenspiel,
    MusicBox,
    Marimba,
    Kalimba,
    Vibraphone,
    Nylon,
    Steel,
    Muted,
    Harp,
    Ukulele,
    Pizzicato,
    Upright,
    Fingered,
    Organ,
    Flute,
    Whistle,
    Synth(&'static Synth),
    Drum(Drum),
}

/// Things that are hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drum {
    Kick,
    DeepKick,
    ClubKick,
    SoftKick,
    Snare,
    TightSnare,
    Brush,
    Rim,
    Clap,
    Hat,
    OpenHat,
    Ride,
    Crash,
    Shaker,
    Tambourine,
    Tom,
    Conga,
    Block,
    Timpani,
}

/// Samples between two settings of what moves slowly.
const SLOW: usize = 32;

/// Sine of a phase counted in turns, 0 to 1.
#[inline(always)]
pub fn sine(phase: f32) -> f32 {
    let t = phase - 0.5;
    let t = if t > 0.25 {
        0.5 - t
    } else if t < -0.25 {
        -0.5 - t
    } else {
        t
    };
    let x = t * t;
    -t * (TAU + x * (-41.341_55 + x * (81.601_2 - x * 74.575_6)))
}

/// The part of a turn, for phases that were bent beyond it.
#[inline(always)]
fn turn(phase: f32) -> f32 {
    let up = phase + 64.0;
    up - (up as i32) as f32
}

/// Louder gently: never beyond 1.
#[inline(always)]
pub fn soft(x: f32) -> f32 {
    let x = x.clamp(-3.0, 3.0);
    x * (27.0 + x * x) / (27.0 + 9.0 * x * x)
}

/// Frequency of a MIDI pitch.
pub fn hertz(pitch: f32) -> f32 {
    440.0 * 2f32.powf((pitch - 69.0) / 12.0)
}

impl Voice {
    /// Plays one note: `put` takes the frame's number and what is left and right.
    pub fn sound(self, tone: Tone, chance: &mut Chance, put: &mut impl FnMut(usize, f32, f32)) {
        match self {
            Voice::Piano => piano(tone, chance, 1.0, put),
            Voice::FeltPiano => piano(tone, chance, 0.45, put),
            Voice::ElectricPiano => keys(tone, put),
            Voice::Bell => modal::<8>(tone, chance, &BELL, put),
            Voice::Glockenspiel => modal::<8>(tone, chance, &GLOCKENSPIEL, put),
            Voice::MusicBox => modal::<8>(tone, chance, &MUSIC_BOX, put),
            Voice::Marimba => modal::<8>(tone, chance, &MARIMBA, put),
            Voice::Kalimba => modal::<8>(tone, chance, &KALIMBA, put),
            Voice::Vibraphone => modal::<8>(tone, chance, &VIBRAPHONE, put),
            Voice::Nylon => pluck(tone, chance, &NYLON, put),
            Voice::Steel => pluck(tone, chance, &STEEL, put),
            Voice::Muted => pluck(tone, chance, &MUTED, put),
            Voice::Harp => pluck(tone, chance, &HARP, put),
            Voice::Ukulele => pluck(tone, chance, &UKULELE, put),
            Voice::Pizzicato => pluck(tone, chance, &PIZZICATO, put),
            Voice::Upright => pluck(tone, chance, &UPRIGHT, put),
            Voice::Fingered => pluck(tone, chance, &FINGERED, put),
            Voice::Organ => organ(tone, chance, put),
            Voice::Flute => flute(tone, chance, 0.35, put),
            Voice::Whistle => flute(tone, chance, 0.12, put),
            Voice::Synth(synth) => synth.sound(tone, chance, put),
            Voice::Drum(drum) => drum.sound(tone, chance, put),
        }
    }
}
