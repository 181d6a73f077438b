//! Drums and what is hit beside them: noise and falling sines.

use super::ringing::Ringing;
use super::{Drum, Filter, Tone, sine, soft, turn};
use crate::demo::chance::Chance;

impl Drum {
    pub(super) fn sound(self, tone: Tone, chance: &mut Chance, put: &mut impl FnMut(usize, f32, f32)) {
        let Tone { rate, force, .. } = tone;
        // Drums are tuned in semitones around 60.
        let tune = tone.hz / 261.6;
        let mut mono = |at: usize, v: f32| put(at, v, v);
        match self {
            Drum::Kick => kick(rate, chance, [48.0, 170.0, 0.035, 0.32], 0.35, force, &mut mono),
            Drum::DeepKick => kick(rate, chance, [43.0, 120.0, 0.06, 0.75], 0.12, force, &mut mono),
            Drum::ClubKick => kick(rate, chance, [49.0, 260.0, 0.03, 0.30], 0.5, force, &mut mono),
            Drum::SoftKick => kick(rate, chance, [56.0, 95.0, 0.03, 0.22], 0.10, force * 0.8, &mut mono),
            Drum::Snare => snare(rate, chance, [186.0, 0.13, 0.20, 3300.0], force, &mut mono),
            Drum::TightSnare => snare(rate, chance, [228.0, 0.07, 0.11, 4600.0], force, &mut mono),
            Drum::Brush => {
                let mut band = Filter::new(rate, 3800.0, 0.7);
                burst(rate, 0.02, 0.16, chance, &mut |at, e, n| mono(at, band.band(n) * e * force * 0.55));
            }
            Drum::Rim => {
                let mut band = Filter::new(rate, 1750.0 * tune, 4.0);
                let mut phase = 0f32;
                burst(rate, 0.0005, 0.035, chance, &mut |at, e, n| {
                    phase = turn(phase + 820.0 * tune / rate);
                    mono(at, (band.band(n) * 1.2 + sine(phase) * 0.5) * e * force * 0.6);
                });
            }
            Drum::Clap => {
                let mut band = Filter::new(rate, 1300.0, 1.4);
                let mut air = Filter::new(rate, 700.0, 0.7);
                let starts = [0.0, 0.011, 0.021, 0.029].map(|s| (s * rate) as usize);
                let length = (0.26 * rate) as usize;
                for at in 0..length {
                    let mut e = 0f32;
                    for (i, start) in starts.iter().enumerate() {
                        if at >= *start {
                            let t = (at - start) as f32 / rate;
                            e = e.max((-t / if i == 3 { 0.055 } else { 0.006 }).exp());
                        }
                    }
                    let v = air.high(band.band(chance.noise())) * e * force * 1.1;
                    mono(at, v * ((length - at) as f32 / 400.0).min(1.0));
                }
            }
            Drum::Hat => metal(rate, chance, 0.035, 7800.0, force * 0.42, tune, &mut mono),
            Drum::OpenHat => metal(rate, chance, 0.24, 7200.0, force * 0.40, tune, &mut mono),
            Drum::Ride => {
                let mut ring = Ringing::<8>::new();
                for i in 0..8 {
                    let hz = [412.0, 997.0, 1543.0, 2280.0, 3170.0, 4420.0, 5610.0, 7300.0][i] * tune;
                    ring.add(i, rate, hz * chance.between(0.995, 1.005), 0.05, 1.1 - 0.08 * i as f32);
                }
                let mut high = Filter::new(rate, 6000.0, 0.7);
                burst(rate, 0.001, 0.5, chance, &mut |at, e, n| {
                    let tick = (-(at as f32) / (0.004 * rate)).exp();
                    mono(at, (ring.next() * 0.8 + high.high(n) * (0.10 * e + 0.5 * tick)) * force * 0.5);
                });
            }
            Drum::Crash => {
                let mut high = Filter::new(rate, 4200.0, 0.6);
                let mut side = Filter::new(rate, 4600.0, 0.6);
                let length = (2.0 * rate) as usize;
                for at in 0..length {
                    let t = at as f32 / rate;
                    let e =
                        (-t / 0.55).exp() * (t / 0.002).min(1.0) * ((length - at) as f32 / 2000.0).min(1.0);
                    let n = chance.noise();
                    let l = high.high(n) * e * force * 0.34;
                    let r = side.high(n * 0.5 + chance.noise() * 0.7) * e * force * 0.34;
                    put(at, l, r);
                }
            }
            Drum::Shaker => {
                let mut band = Filter::new(rate, 6200.0 * tune, 1.2);
                burst(rate, 0.022, 0.05, chance, &mut |at, e, n| mono(at, band.band(n) * e * force * 0.5));
            }
            Drum::Tambourine => {
                let mut ring = Ringing::<8>::new();
                for i in 0..8 {
                    ring.add(i, rate, 5200.0 + 780.0 * i as f32 + chance.between(0.0, 300.0), 0.05, 0.16);
                }
                let mut high = Filter::new(rate, 5500.0, 0.8);
                burst(rate, 0.004, 0.09, chance, &mut |at, e, n| {
                    mono(at, (ring.next() + high.high(n) * e * 0.35) * force * 0.5);
                });
            }
            Drum::Tom => {
                let base = 96.0 * tune;
                let mut phase = 0f32;
                let mut skin = Filter::new(rate, base * 4.0, 0.8);
                burst(rate, 0.001, 0.24, chance, &mut |at, e, n| {
                    let t = at as f32 / rate;
                    phase = turn(phase + base * (1.0 + 0.7 * (-t / 0.03).exp()) / rate);
                    mono(at, (sine(phase) * e + skin.band(n) * (-t / 0.02).exp() * 0.5) * force * 0.7);
                });
            }
            Drum::Conga => {
                let base = 205.0 * tune;
                let mut ring = Ringing::<4>::new();
                for (i, (ratio, level, die)) in
                    [(1.0, 0.6, 0.4), (1.6, 0.25, 0.16), (2.2, 0.14, 0.1), (2.8, 0.1, 0.07)]
                        .iter()
                        .enumerate()
                {
                    ring.add(i, rate, base * ratio, *level, *die);
                }
                let mut slap = Filter::new(rate, 1400.0, 1.0);
                burst(rate, 0.0008, 0.22, chance, &mut |at, _, n| {
                    let t = at as f32 / rate;
                    mono(at, (ring.next() + slap.band(n) * (-t / 0.008).exp() * 0.5) * force * 0.6);
                });
            }
            Drum::Block => {
                let mut ring = Ringing::<4>::new();
                ring.add(0, rate, 930.0 * tune, 0.5, 0.12);
                ring.add(1, rate, 2110.0 * tune, 0.3, 0.06);
                burst(rate, 0.0005, 0.1, chance, &mut |at, _, n| {
                    let tick = (-(at as f32) / (0.002 * rate)).exp();
                    mono(at, (ring.next() + n * tick * 0.3) * force * 0.6);
                });
            }
            Drum::Timpani => {
                // Written in octaves around 60: sounds two below.
                let base = tone.hz * 0.25;
                let mut ring = Ringing::<8>::new();
                for (i, (ratio, level, die)) in
                    [(1.0, 0.7, 2.6), (1.5, 0.4, 1.8), (1.98, 0.25, 1.3), (2.44, 0.15, 0.9), (0.5, 0.12, 0.6)]
                        .iter()
                        .enumerate()
                {
                    ring.add(i, rate, base * ratio, *level, *die);
                }
                let mut skin = Filter::new(rate, 260.0, 0.8);
                let length = (2.4 * rate) as usize;
                for at in 0..length {
                    let t = at as f32 / rate;
                    let v = ring.next() + skin.low(chance.noise()) * (-t / 0.03).exp() * 0.8;
                    let v = v * (t / 0.002).min(1.0) * ((length - at) as f32 / 2000.0).min(1.0);
                    mono(at, v * force * 0.7);
                }
            }
        }
    }
}

/// Noise under an envelope that rises over `attack` and falls over `fall`: gives frame, envelope, noise.
fn burst(rate: f32, attack: f32, fall: f32, chance: &mut Chance, f: &mut impl FnMut(usize, f32, f32)) {
    let length = ((attack + fall * 6.0) * rate) as usize;
    for at in 0..length {
        let t = at as f32 / rate;
        let e = if t < attack { t / attack } else { (-(t - attack) / fall).exp() };
        f(at, e * ((length - at) as f32 / 300.0).min(1.0), chance.noise());
    }
}

/// A sine that falls from high to low, and the beater's click. `shape`: low, high, how fast it falls, how long it is.
fn kick(
    rate: f32,
    chance: &mut Chance,
    shape: [f32; 4],
    click: f32,
    force: f32,
    put: &mut impl FnMut(usize, f32),
) {
    let [low, high, fall, long] = shape;
    let mut phase = 0f32;
    let length = (long * 2.2 * rate) as usize;
    let mut beater = Filter::new(rate, 2400.0, 0.8);
    for at in 0..length {
        let t = at as f32 / rate;
        let hz = low + (high - low) * (-t / fall).exp();
        phase = turn(phase + hz / rate);
        let body = sine(phase) * (-t / (long * 0.55)).exp() * (t / 0.001).min(1.0);
        let tick = beater.band(chance.noise()) * (-t / 0.004).exp() * click;
        let v = soft((body * 1.5 + tick) * force) * 0.85;
        put(at, v * ((length - at) as f32 / 800.0).min(1.0));
    }
}

/// Two skins and the wires under them. `shape`: pitch, how long the skin and the wires sound, where the wires are.
fn snare(rate: f32, chance: &mut Chance, shape: [f32; 4], force: f32, put: &mut impl FnMut(usize, f32)) {
    let [hz, skin, wires, at_hz] = shape;
    let (mut a, mut b) = (0f32, 0f32);
    let mut band = Filter::new(rate, at_hz, 0.6);
    let mut floor = Filter::new(rate, 900.0, 0.7);
    let length = (wires * 4.0 * rate) as usize;
    for at in 0..length {
        let t = at as f32 / rate;
        let drop = 1.0 + 0.35 * (-t / 0.012).exp();
        a = turn(a + hz * drop / rate);
        b = turn(b + hz * 1.77 * drop / rate);
        let body = (sine(a) * 0.8 + sine(b) * 0.4) * (-t / (skin * 0.5)).exp();
        let n = chance.noise();
        let hiss = (band.band(n) * 0.9 + floor.high(n) * 0.25) * (-t / (wires * 0.55)).exp();
        let v = soft((body * 0.7 + hiss * 0.9) * force * 1.2) * 0.75;
        put(at, v * (t / 0.0006).min(1.0) * ((length - at) as f32 / 400.0).min(1.0));
    }
}

/// Six squares that do not agree, through a high-pass: a hat.
fn metal(
    rate: f32,
    chance: &mut Chance,
    fall: f32,
    corner: f32,
    force: f32,
    tune: f32,
    put: &mut impl FnMut(usize, f32),
) {
    let hz = [2050.0, 3070.0, 3690.0, 4560.0, 5430.0, 7310.0];
    let mut phase = [0f32; 6];
    let mut high = Filter::new(rate, corner, 0.8);
    let mut again = Filter::new(rate, corner * 0.8, 0.7);
    let fall = fall * chance.between(0.9, 1.1);
    let length = (fall * 6.0 * rate) as usize;
    for at in 0..length {
        let t = at as f32 / rate;
        let mut sum = 0f32;
        for i in 0..6 {
            phase[i] = turn(phase[i] + hz[i] * tune / rate);
            sum += if phase[i] < 0.5 { 1.0 } else { -1.0 };
        }
        let v = again.high(high.high(sum * 0.12 + chance.noise() * 0.8));
        let e = (-t / fall).exp() * (t / 0.0006).min(1.0) * ((length - at) as f32 / 300.0).min(1.0);
        put(at, v * e * force);
    }
}
