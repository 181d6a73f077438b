//! What breath or wind keeps going: organ and flute.

use super::ringing::Ringing;
use super::synth::Envelope;
use super::{Filter, SLOW, Tone, sine, turn};
use crate::demo::chance::Chance;

/// Nine drawbars, a click of the contact, a horn that turns.
pub(super) fn organ(tone: Tone, chance: &mut Chance, put: &mut impl FnMut(usize, f32, f32)) {
    const BARS: [(f32, f32); 8] = [
        (0.5, 0.55),
        (1.0, 1.0),
        (1.4983, 0.5),
        (2.0, 0.65),
        (2.9966, 0.28),
        (4.0, 0.22),
        (5.0397, 0.1),
        (8.0, 0.1),
    ];
    let Tone { rate, hz, secs, force } = tone;
    let mut ring = Ringing::<8>::new();
    for (i, (ratio, level)) in BARS.iter().enumerate() {
        ring.add(i, rate, hz * ratio, level * 0.3, 1000.0);
    }
    let mut amp = Envelope::new(rate, secs, 0.006, 0.1, 0.95, 0.05);
    let mut click = Filter::new(rate, 2600.0, 1.0);
    let mut snap = 0.25 * force;
    let mut horn = chance.unit();
    let mut at = 0;
    while !amp.is_over() {
        let mut v = ring.next() * amp.next() * (0.3 + 0.25 * force);
        if snap > 1e-4 {
            v += click.band(chance.noise()) * snap * 0.4;
            snap *= 0.996;
        }
        let t = sine(horn) * 0.24;
        horn = turn(horn + 6.1 / rate);
        put(at, v * (1.0 + t), v * (1.0 - t));
        at += 1;
    }
}

/// A flute: few partials, breath, a vibrato that comes late.
pub(super) fn flute(tone: Tone, chance: &mut Chance, breath: f32, put: &mut impl FnMut(usize, f32, f32)) {
    let Tone { rate, hz, secs, force } = tone;
    let mut amp = Envelope::new(rate, secs, 0.06, 0.4, 0.85, 0.12);
    let mut air = Filter::new(rate, (hz * 2.0).min(6000.0), 1.6);
    let (mut phase, mut wave) = (0f32, chance.unit());
    let mut at = 0;
    let mut chiff = 1.0f32;
    let mut step = hz / rate;
    while !amp.is_over() {
        if at % SLOW == 0 {
            let time = at as f32 / rate;
            wave = turn(wave + 4.9 * SLOW as f32 / rate);
            let depth = ((time - 0.25) * 2.0).clamp(0.0, 1.0) * 0.006;
            let scoop = -0.012 * (-time * 30.0).exp();
            step = hz / rate * (1.0 + depth * sine(wave) + scoop);
        }
        phase = turn(phase + step);
        let tone =
            sine(phase) + 0.28 * force * sine(turn(phase * 2.0)) + 0.1 * force * sine(turn(phase * 3.0));
        let noise = air.band(chance.noise()) * breath * (0.25 + chiff * 0.9);
        chiff *= 0.9994;
        let swell = 1.0 + 0.12 * sine(turn(wave + 0.2));
        let v = (tone * 0.33 * swell + noise) * amp.next() * (0.35 + 0.65 * force);
        put(at, v, v);
        at += 1;
    }
}
