//! Bars, bells and strings that are struck, as sums of dying sines; and an electric piano.

use std::f32::consts::PI;

use super::ringing::Ringing;
use super::{Filter, Tone, sine, turn};
use crate::demo::chance::Chance;

/// A struck thing: its partials as ratio, level and seconds to die away (to a thousandth), at middle C.
pub(super) struct Modal {
    partials: &'static [(f32, f32, f32)],
    /// How much faster high notes die: the power of the ratio of frequencies.
    shrink: f32,
    /// The mallet's own noise and how bright it is.
    knock: f32,
    knock_hz: f32,
    /// Seconds until a let-go note is gone; nothing: it rings.
    damp: Option<f32>,
    /// How much of the upper partials a soft stroke loses.
    touch: f32,
    tremolo: f32,
    gain: f32,
}

pub(super) static MARIMBA: Modal = Modal {
    partials: &[(1.0, 1.0, 1.1), (3.93, 0.32, 0.35), (9.5, 0.14, 0.12), (2.0, 0.03, 0.5)],
    shrink: 0.6,
    knock: 0.16,
    knock_hz: 900.0,
    damp: None,
    touch: 0.7,
    tremolo: 0.0,
    gain: 0.5,
};
pub(super) static KALIMBA: Modal = Modal {
    partials: &[(1.0, 1.0, 1.8), (2.01, 0.10, 0.8), (5.4, 0.24, 0.25), (8.9, 0.10, 0.12)],
    shrink: 0.4,
    knock: 0.22,
    knock_hz: 2200.0,
    damp: None,
    touch: 0.5,
    tremolo: 0.0,
    gain: 0.45,
};
pub(super) static VIBRAPHONE: Modal = Modal {
    partials: &[(1.0, 1.0, 4.0), (4.0, 0.30, 1.6), (10.1, 0.10, 0.5), (1.001, 0.2, 4.0)],
    shrink: 0.3,
    knock: 0.05,
    knock_hz: 1200.0,
    damp: Some(0.35),
    touch: 0.8,
    tremolo: 0.35,
    gain: 0.42,
};
pub(super) static GLOCKENSPIEL: Modal = Modal {
    partials: &[(1.0, 1.0, 2.2), (2.76, 0.4, 1.2), (5.4, 0.25, 0.6), (8.93, 0.12, 0.3)],
    shrink: 0.3,
    knock: 0.08,
    knock_hz: 5000.0,
    damp: None,
    touch: 0.5,
    tremolo: 0.0,
    gain: 0.32,
};
pub(super) static MUSIC_BOX: Modal = Modal {
    partials: &[(1.0, 1.0, 2.4), (2.0, 0.28, 1.4), (3.01, 0.16, 0.9), (6.2, 0.22, 0.35), (11.0, 0.08, 0.15)],
    shrink: 0.35,
    knock: 0.1,
    knock_hz: 4200.0,
    damp: None,
    touch: 0.4,
    tremolo: 0.0,
    gain: 0.36,
};
pub(super) static BELL: Modal = Modal {
    partials: &[
        (0.5, 0.35, 7.0),
        (1.0, 1.0, 5.5),
        (1.003, 0.4, 5.5),
        (1.19, 0.10, 3.5),
        (2.0, 0.55, 3.6),
        (3.01, 0.28, 2.2),
        (4.17, 0.16, 1.4),
        (6.3, 0.08, 0.8),
    ],
    shrink: 0.25,
    knock: 0.03,
    knock_hz: 3500.0,
    damp: None,
    touch: 0.6,
    tremolo: 0.0,
    gain: 0.32,
};

pub(super) fn modal<const N: usize>(
    tone: Tone,
    chance: &mut Chance,
    what: &Modal,
    put: &mut impl FnMut(usize, f32, f32),
) {
    let Tone { rate, hz, secs, force } = tone;
    let mut ring = Ringing::<N>::new();
    let shrink = (261.6 / hz).powf(what.shrink);
    let mut longest = 0f32;
    for (i, (ratio, level, die)) in what.partials.iter().enumerate() {
        let die = die * shrink * chance.between(0.95, 1.05);
        let bright = force.powf(what.touch * (ratio - 1.0).max(0.0).sqrt());
        ring.add(i, rate, hz * ratio, level * bright, die);
        longest = longest.max(die);
    }
    let mut damp = 1.0f32;
    let release = what.damp.map(|d| (-5.0 / (d * rate)).exp());
    let gate = (secs * rate) as usize;
    let mut knock = Filter::new(rate, what.knock_hz, 1.0);
    let mut thud = what.knock * force;
    let thud_fall = (-1.0 / (0.006 * rate)).exp();
    let level = what.gain * (0.25 + 0.75 * force);
    let end = ((longest * 0.9).min(7.0) * rate) as usize;
    let mut pulse = 0f32;
    for at in 0..end {
        if at > gate
            && let Some(release) = release
        {
            damp *= release;
            if damp < 3e-4 {
                break;
            }
        }
        let rise = (at as f32 / (0.0012 * rate)).min(1.0);
        let mut v = ring.next() * damp * rise;
        if thud > 1e-4 {
            v += knock.band(chance.noise()) * thud * 4.0;
            thud *= thud_fall;
        }
        // The last tenth fades, so that nothing clicks.
        let left = end - at;
        if left < 2000 {
            v *= left as f32 / 2000.0;
        }
        v *= level;
        if what.tremolo > 0.0 {
            let t = what.tremolo * sine(pulse);
            pulse = turn(pulse + 5.2 / rate);
            put(at, v * (1.0 + t), v * (1.0 - t));
        } else {
            put(at, v, v);
        }
    }
}

/// A piano: slightly stretched partials, two strings a note, a hammer of felt. `bright` 1 is a concert grand's lid.
pub(super) fn piano(tone: Tone, chance: &mut Chance, bright: f32, put: &mut impl FnMut(usize, f32, f32)) {
    let Tone { rate, hz, secs, force } = tone;
    let mut ring = Ringing::<16>::new();
    let stiff = 0.0004 * (hz / 261.6).powf(1.2);
    let long = 7.0 * (261.6 / hz).powf(0.55);
    let dark = (0.9 - 0.55 * force * bright).max(0.2);
    let mut level_sum = 0.0;
    let mut levels = [0f32; 14];
    for (i, slot) in levels.iter_mut().enumerate() {
        let n = (i + 1) as f32;
        // A hammer at an eighth of the string leaves out every eighth partial.
        let strike = (PI * n / 8.2).sin().abs() + 0.05;
        *slot = strike * (-dark * (n - 1.0) * 0.55).exp() / n.powf(0.35);
        level_sum += *slot;
    }
    for (i, level) in levels.iter().enumerate() {
        let n = (i + 1) as f32;
        let f = hz * n * (1.0 + stiff * n * n).sqrt();
        let die = long / (1.0 + 0.35 * (n - 1.0)) * chance.between(0.9, 1.1);
        ring.add(i, rate, f, level / level_sum * 1.6, die);
    }
    // The second string of the two strongest partials beats against the first.
    ring.add(14, rate, hz * 1.0009, levels[0] / level_sum * 0.6, long * 1.4);
    ring.add(15, rate, hz * 2.0 * 1.0011, levels[1] / level_sum * 0.4, long);
    let release = (-5.0 / ((0.14 + 20.0 / hz) * rate)).exp();
    let gate = (secs * rate) as usize;
    let end = (((secs + 0.5).min(long)) * rate) as usize + 2000;
    let mut damp = 1.0f32;
    let mut felt = Filter::new(rate, 500.0 + 1800.0 * force * bright, 0.8);
    let mut thud = (0.10 + 0.16 * force) * if bright < 0.6 { 1.5 } else { 1.0 };
    let thud_fall = (-1.0 / (0.012 * rate)).exp();
    let level = 0.55 * (0.15 + 0.85 * force);
    let attack = (0.001 + 0.004 * (1.0 - force) + if bright < 0.6 { 0.004 } else { 0.0 }) * rate;
    // Low strings stand left, high ones right.
    let place = ((hz / 261.6).log2() * 0.12).clamp(-0.3, 0.3);
    for at in 0..end {
        if at > gate {
            damp *= release;
            if damp < 3e-4 {
                break;
            }
        }
        let mut v = ring.next() * damp * (at as f32 / attack).min(1.0);
        if thud > 1e-4 {
            v += felt.low(chance.noise()) * thud;
            thud *= thud_fall;
        }
        let left = end - at;
        if left < 2000 {
            v *= left as f32 / 2000.0;
        }
        v *= level;
        put(at, v * (1.0 - place), v * (1.0 + place));
    }
}

/// An electric piano: a sine that bends a sine, with a tine fourteen times as high at the start.
pub(super) fn keys(tone: Tone, put: &mut impl FnMut(usize, f32, f32)) {
    let Tone { rate, hz, secs, force } = tone;
    let gate = (secs * rate) as usize;
    let die = (-1.0 / (2.2 * (261.6 / hz).powf(0.4) * rate)).exp();
    let bend_die = (-1.0 / (0.9 * (261.6 / hz).powf(0.3) * rate)).exp();
    let tine_die = (-1.0 / (0.11 * rate)).exp();
    let release = (-5.0 / (0.22 * rate)).exp();
    let (mut a, mut b, mut c) = (0f32, 0f32, 0f32);
    let step = hz / rate;
    let tine_step = (hz * 14.0).min(rate * 0.4) / rate;
    let (mut level, mut bend) = (0.4 * (0.3 + 0.7 * force), 0.02 + 0.20 * force * force);
    let mut tine = 0.06 * force * if hz > 900.0 { 0.3 } else { 1.0 };
    let mut sway = 0f32;
    for at in 0..gate + (0.5 * rate) as usize {
        if at > gate {
            level *= release;
        }
        let v =
            sine(turn(a + bend * sine(b) + tine * sine(c))) * level * (at as f32 / (0.0015 * rate)).min(1.0);
        a = turn(a + step);
        b = turn(b + step * 1.0005);
        c = turn(c + tine_step);
        level *= die;
        bend *= bend_die;
        tine *= tine_die;
        let t = 0.22 * sine(sway);
        sway = turn(sway + 4.1 / rate);
        put(at, v * (1.0 + t), v * (1.0 - t));
        if level < 2e-4 {
            break;
        }
    }
}
