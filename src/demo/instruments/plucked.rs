//! Plucked strings as a loop of delay and damping, after Karplus and Strong (1983).

use super::{Filter, Tone};
use crate::demo::chance::Chance;

/// A plucked string.
pub(super) struct Pluck {
    /// Seconds to a thousandth at middle C, and how much faster high strings die.
    die: f32,
    shrink: f32,
    /// 0.3 dull to 0.97 steel: what the bridge gives back of the highs.
    bright: f32,
    /// Where the finger is, as part of the string.
    place: f32,
    /// How soft the finger is: corner of the noise it starts with, times the frequency.
    finger: f32,
    damp: f32,
    body: [(f32, f32); 2],
    gain: f32,
}

pub(super) static NYLON: Pluck = Pluck {
    die: 2.6,
    shrink: 0.5,
    bright: 0.62,
    place: 0.22,
    finger: 9.0,
    damp: 0.12,
    body: [(110.0, 0.5), (220.0, 0.4)],
    gain: 0.75,
};
pub(super) static STEEL: Pluck = Pluck {
    die: 3.6,
    shrink: 0.5,
    bright: 0.84,
    place: 0.13,
    finger: 20.0,
    damp: 0.12,
    body: [(105.0, 0.35), (210.0, 0.35)],
    gain: 0.6,
};
pub(super) static MUTED: Pluck = Pluck {
    die: 0.35,
    shrink: 0.3,
    bright: 0.7,
    place: 0.1,
    finger: 14.0,
    damp: 0.05,
    body: [(180.0, 0.4), (420.0, 0.3)],
    gain: 0.8,
};
pub(super) static HARP: Pluck = Pluck {
    die: 4.2,
    shrink: 0.6,
    bright: 0.66,
    place: 0.35,
    finger: 8.0,
    damp: 0.8,
    body: [(160.0, 0.3), (320.0, 0.3)],
    gain: 0.75,
};
pub(super) static UKULELE: Pluck = Pluck {
    die: 1.1,
    shrink: 0.4,
    bright: 0.68,
    place: 0.2,
    finger: 9.0,
    damp: 0.1,
    body: [(280.0, 0.6), (520.0, 0.4)],
    gain: 0.75,
};
pub(super) static PIZZICATO: Pluck = Pluck {
    die: 0.55,
    shrink: 0.4,
    bright: 0.5,
    place: 0.3,
    finger: 7.0,
    damp: 0.2,
    body: [(290.0, 0.6), (460.0, 0.5)],
    gain: 0.95,
};
pub(super) static UPRIGHT: Pluck = Pluck {
    die: 1.3,
    shrink: 0.3,
    bright: 0.42,
    place: 0.3,
    finger: 7.0,
    damp: 0.09,
    body: [(62.0, 0.7), (115.0, 0.7)],
    gain: 1.25,
};
pub(super) static FINGERED: Pluck = Pluck {
    die: 2.4,
    shrink: 0.3,
    bright: 0.55,
    place: 0.2,
    finger: 10.0,
    damp: 0.07,
    body: [(80.0, 0.4), (160.0, 0.3)],
    gain: 1.0,
};

pub(super) fn pluck(tone: Tone, chance: &mut Chance, what: &Pluck, put: &mut impl FnMut(usize, f32, f32)) {
    let Tone { rate, hz, secs, force } = tone;
    let bright = (what.bright * (0.75 + 0.25 * force)).clamp(0.2, 0.98);
    let period = rate / hz;
    // What the low-pass in the loop delays belongs to the string's length.
    let delay = (period - (1.0 - bright) / bright).max(4.0);
    let whole = (delay - 0.5) as usize;
    let rest = delay - whole as f32;
    let tune = (1.0 - rest) / (1.0 + rest);
    let mut string = vec![0f32; whole];
    let mut finger = Filter::new(rate, (hz * what.finger * (0.4 + 0.6 * force)).min(rate * 0.4), 0.6);
    for slot in string.iter_mut() {
        *slot = finger.low(chance.noise());
    }
    let mean = string.iter().sum::<f32>() / whole as f32;
    let shift = ((what.place * whole as f32) as usize).clamp(1, whole - 1);
    let plucked: Vec<f32> =
        (0..whole).map(|i| (string[i] - mean) - 0.9 * (string[(i + whole - shift) % whole] - mean)).collect();
    let power = (plucked.iter().map(|v| v * v).sum::<f32>() / whole as f32).sqrt().max(1e-6);
    for (slot, v) in string.iter_mut().zip(&plucked) {
        *slot = v / power * 0.3;
    }
    let die = what.die * (261.6 / hz).powf(what.shrink);
    let hold = 10f32.powf(-3.0 / (hz * die));
    let damped = 10f32.powf(-3.0 / (hz * what.damp));
    let gate = (secs * rate) as usize;
    let end = gate.min((die * 1.1 * rate) as usize) + ((what.damp * 1.2).min(die) * rate) as usize + 1500;
    let mut body = [Filter::new(rate, what.body[0].0, 2.0), Filter::new(rate, what.body[1].0, 2.0)];
    let (mut at, mut low, mut before, mut tuned) = (0usize, 0f32, 0f32, 0f32);
    let level = what.gain * (0.3 + 0.7 * force);
    let attack = 0.0015 * rate;
    for i in 0..end {
        let x = string[at];
        low += bright * (x - low);
        let fed = low * if i < gate { hold } else { damped };
        tuned = tune * (fed - tuned) + before;
        before = fed;
        string[at] = tuned;
        at = if at + 1 == whole { 0 } else { at + 1 };
        let mut v = x + body[0].band(x) * what.body[0].1 * 1.5 + body[1].band(x) * what.body[1].1 * 1.5;
        v *= level * (i as f32 / attack).min(1.0);
        let left = end - i;
        if left < 1500 {
            v *= left as f32 / 1500.0;
        }
        put(i, v, v);
    }
}
