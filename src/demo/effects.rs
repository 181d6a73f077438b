//! Sound effects from nothing: weather, doors, machines, creatures, clicks. Each is a few seconds of physics, roughly.

use std::f32::consts::TAU;

use super::chance::Chance;
use super::instruments::{Drum, Filter, Tone, Voice, hertz, sine, soft};
use super::mix::{Frame, end_quietly, limit, loudness, reverberate};
use super::score::Room;

/// All effects are made at this rate.
pub const RATE: u32 = 48_000;
const R: f32 = RATE as f32;

/// A stage that sounds are put on.
struct Stage {
    dry: Vec<Frame>,
    wet: Vec<Frame>,
    chance: Chance,
}

impl Stage {
    fn new(seed: u64, secs: f32) -> Stage {
        let n = (secs * R) as usize;
        Stage { dry: vec![[0.0; 2]; n], wet: vec![[0.0; 2]; n], chance: Chance::new(seed) }
    }

    fn len(&self) -> usize {
        self.dry.len()
    }

    /// Adds one sample at a place from -1 to 1, with so much of it into the room.
    fn put(&mut self, at: usize, v: f32, pan: f32, wet: f32) {
        if at < self.dry.len() {
            let (l, r) = ((1.0 - pan).min(1.0) * v, (1.0 + pan).min(1.0) * v);
            self.dry[at][0] += l;
            self.dry[at][1] += r;
            self.wet[at][0] += l * wet;
            self.wet[at][1] += r * wet;
        }
    }

    /// Adds a sum of dying sines: frequency, level, seconds.
    fn ring(&mut self, secs_at: f32, modes: &[(f32, f32, f32)], level: f32, pan: f32, wet: f32) {
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
    fn puff(&mut self, at: f32, rise: f32, fall: f32, hz: f32, q: f32, level: f32, pan: f32, wet: f32) {
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
    fn note(&mut self, voice: Voice, at: f32, pitch: f32, secs: f32, force: f32, level: f32, wet: f32) {
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
    fn done(mut self, room: Room, lufs: f32, steady: bool) -> Vec<Frame> {
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

const CLOSE: Room = Room { secs: 0.35, damp: 5000.0, size: 0.3 };
const HALL: Room = Room { secs: 2.2, damp: 3500.0, size: 1.1 };
const CAVE: Room = Room { secs: 4.5, damp: 3000.0, size: 1.5 };
const OPEN: Room = Room { secs: 1.2, damp: 2200.0, size: 1.5 };

/// Noise that wanders slowly between 0 and 1.
struct Wander {
    now: f32,
    goal: f32,
    left: usize,
    pace: f32,
}

impl Wander {
    fn new(pace_secs: f32) -> Wander {
        Wander { now: 0.5, goal: 0.5, left: 0, pace: pace_secs }
    }

    fn next(&mut self, chance: &mut Chance) -> f32 {
        if self.left == 0 {
            self.goal = chance.unit();
            self.left = (self.pace * chance.between(0.5, 1.5) * R) as usize;
        }
        self.left -= 1;
        self.now += (self.goal - self.now) * (2.5 / (self.pace * R));
        self.now
    }
}

/// Rain on a tin roof: a hiss of far drops, and near ones that ring the sheet.
pub fn rain_on_tin(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 14.0);
    let n = s.len();
    let mut far = [Filter::new(R, 5200.0, 0.5), Filter::new(R, 5600.0, 0.5)];
    let mut low = [Filter::new(R, 900.0, 0.5), Filter::new(R, 820.0, 0.5)];
    let mut gust = Wander::new(2.5);
    for i in 0..n {
        let g = 0.7 + 0.6 * gust.next(&mut s.chance);
        for side in 0..2 {
            let hiss = far[side].band(s.chance.noise()) * 0.05 + low[side].band(s.chance.noise()) * 0.035;
            s.dry[i][side] += hiss * g;
        }
    }
    let drops = 14 * 70;
    for _ in 0..drops {
        let at = s.chance.between(0.0, 13.9);
        let near = s.chance.unit().powi(4);
        let pan = s.chance.between(-0.9, 0.9);
        let base = s.chance.between(900.0, 3600.0);
        let level = 0.03 + 0.35 * near;
        let die = s.chance.between(0.02, 0.09);
        s.ring(
            at,
            &[(base, 0.5, die), (base * 1.52, 0.35, die * 0.7), (base * 2.31, 0.2, die * 0.5)],
            level,
            pan,
            0.25,
        );
        s.puff(at, 0.0004, 0.003, 4500.0, 0.8, level * 1.4, pan, 0.15);
    }
    s.done(CLOSE, -20.0, true)
}

/// A heavy door: latch, hinge, the blow, and what rattles after.
pub fn oak_door(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 5.5);
    // The latch lifts.
    for (at, level) in [(0.05, 0.35), (0.13, 0.2)] {
        s.ring(at, &[(1850.0, 0.5, 0.08), (3120.0, 0.4, 0.06), (4700.0, 0.3, 0.04)], level, 0.1, 0.3);
        s.puff(at, 0.0005, 0.008, 3000.0, 0.9, level, 0.1, 0.3);
    }
    // The hinge: stick and slip, faster as the door moves.
    let mut t = 0.45;
    while t < 1.75 {
        let p = (t - 0.45) / 1.3;
        let gap = 0.017 - 0.010 * (p * std::f32::consts::PI).sin() + s.chance.between(-0.001, 0.001);
        let hz = 480.0 + 260.0 * p + s.chance.between(-25.0, 25.0);
        let level = 0.10 * (p * std::f32::consts::PI).sin();
        s.ring(t, &[(hz, 0.5, 0.03), (hz * 2.03, 0.4, 0.02), (hz * 3.4, 0.3, 0.012)], level, -0.15, 0.5);
        t += gap;
    }
    // It falls shut.
    let shut = 2.05;
    s.ring(
        shut,
        &[
            (62.0, 1.0, 0.55),
            (97.0, 0.8, 0.40),
            (148.0, 0.6, 0.30),
            (231.0, 0.4, 0.2),
            (340.0, 0.3, 0.15),
            (512.0, 0.2, 0.1),
        ],
        0.9,
        0.0,
        0.5,
    );
    s.puff(shut, 0.001, 0.035, 420.0, 0.6, 1.4, 0.0, 0.5);
    s.puff(shut, 0.0005, 0.012, 2400.0, 0.7, 0.5, 0.0, 0.4);
    for (late, level) in [(0.055, 0.30), (0.10, 0.16), (0.135, 0.09)] {
        s.ring(shut + late, &[(1420.0, 0.5, 0.07), (2650.0, 0.4, 0.05)], level, 0.1, 0.4);
        s.puff(shut + late, 0.0005, 0.006, 1800.0, 0.9, level, 0.1, 0.3);
    }
    s.done(HALL, -20.0, false)
}

/// Steps on gravel: heel, then the ball of the foot, each a crowd of small stones.
pub fn footsteps_on_gravel(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 9.0);
    let mut at = 0.2;
    let mut foot = -0.18;
    while at < 8.2 {
        let force = s.chance.between(0.75, 1.0);
        for (late, stones, level, spread) in [(0.0, 26, 0.5, 0.05), (0.13, 44, 0.75, 0.13)] {
            for _ in 0..stones {
                let when = at + late + s.chance.unit().powf(1.6) * spread;
                let hz = s.chance.between(1600.0, 6800.0);
                let l = level * force * s.chance.between(0.1, 0.6);
                let fall = s.chance.between(0.002, 0.010);
                let pan = foot + s.chance.between(-0.15, 0.15);
                s.puff(when, 0.0006, fall, hz, 1.8, l, pan, 0.12);
            }
            s.puff(at + late, 0.006, 0.03, 170.0, 0.8, level * force * 0.7, foot, 0.1);
        }
        at += s.chance.between(0.56, 0.62);
        foot = -foot;
    }
    s.done(OPEN, -22.0, false)
}

/// Wind that finds the wires.
pub fn wind_in_wires(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 16.0);
    let n = s.len();
    let mut body = [Filter::new(R, 280.0, 0.6), Filter::new(R, 310.0, 0.6)];
    let hz = [412.0, 548.0, 617.0, 826.0, 1094.0];
    let mut wires: Vec<(Filter, Wander, f32)> = (0..hz.len())
        .map(|i| (Filter::new(R, hz[i], 30.0), Wander::new(1.2 + 0.4 * i as f32), i as f32 / 2.0 - 1.0))
        .collect();
    let mut gust = Wander::new(2.2);
    for i in 0..n {
        let g = gust.next(&mut s.chance);
        let push = 0.15 + g * g;
        if i % 64 == 0 {
            for (k, (filter, _, _)) in wires.iter_mut().enumerate() {
                filter.turn(R, hz[k] * (0.96 + 0.10 * g), 30.0);
            }
            for (k, filter) in body.iter_mut().enumerate() {
                filter.turn(R, 200.0 + 420.0 * g + 20.0 * k as f32, 0.6);
            }
        }
        let breath = s.chance.noise();
        s.dry[i][0] += body[0].band(breath) * push * 0.5;
        s.dry[i][1] += body[1].band(breath * 0.6 + s.chance.noise() * 0.5) * push * 0.5;
        for (filter, own, pan) in &mut wires {
            let e = own.next(&mut s.chance);
            let v = filter.band(s.chance.noise()) * e * e * push * 1.1;
            let (l, r) = ((1.0 - *pan).min(1.0) * v, (1.0 + *pan).min(1.0) * v);
            s.dry[i][0] += l;
            s.dry[i][1] += r;
            s.wet[i][0] += l * 0.4;
            s.wet[i][1] += r * 0.4;
        }
    }
    s.done(OPEN, -21.0, true)
}

/// A cold engine: the starter turns, it coughs, catches, and settles.
pub fn engine_start(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 8.0);
    let n = s.len();
    let (mut gear, mut fire) = (0f32, 0f32);
    let mut last = 0f32;
    let mut box_ = Filter::new(R, 140.0, 0.9);
    let mut pipe = Filter::new(R, 420.0, 1.1);
    let mut whine = Filter::new(R, 1500.0, 1.4);
    let mut cough = 0f32;
    let mut rough = Wander::new(0.12);
    for i in 0..n {
        let t = i as f32 / R;
        // The starter, until it catches.
        let cranking = (t / 0.08).min(1.0) * (1.0 - ((t - 1.75) / 0.12).clamp(0.0, 1.0));
        let labour = 1.0 - 0.35 * (sine((t * 3.4).fract())).max(0.0);
        gear = (gear + 96.0 * labour / R).fract();
        let crank = whine.band((gear * 2.0 - 1.0) * 0.5 + s.chance.noise() * 0.15) * cranking * 0.4;
        let thump = sine((t * 3.4).fract()).max(0.0).powi(3) * cranking * 0.10;
        // Firing: irregular, then 62 a second, then idle at 26.
        let rate = if t < 1.55 {
            0.0
        } else if t < 2.6 {
            20.0 + 62.0 * ((t - 1.55) / 0.6).min(1.0)
        } else {
            28.0 + 54.0 * (-(t - 2.6) / 0.9).exp()
        };
        let wobble = 1.0 + 0.10 * (rough.next(&mut s.chance) - 0.5);
        fire += rate * wobble / R;
        if fire >= 1.0 {
            fire -= 1.0;
            last = t;
            let missing = t < 2.0 && s.chance.unit() < 0.35;
            cough = if missing { 0.15 } else { s.chance.between(0.75, 1.0) };
        }
        let since = t - last;
        let bang = if rate > 0.0 { (-since / 0.008).exp() * cough } else { 0.0 };
        let burst = soft((bang * 1.6) + s.chance.noise() * bang * 0.8);
        let out = box_.low(burst) * 1.3 + pipe.band(burst) * 0.6;
        let stop = (1.0 - (t - 7.2) / 0.8).clamp(0.0, 1.0);
        s.put(i, (crank + thump + out * 0.7) * stop, 0.0, 0.18);
    }
    s.done(OPEN, -18.0, false)
}

/// Five clicks for buttons, half a second apart.
pub fn interface_clicks(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 3.2);
    for (i, (hz, die)) in
        [(2100.0, 0.025), (1500.0, 0.035), (2900.0, 0.02), (1200.0, 0.05), (1800.0, 0.03)].iter().enumerate()
    {
        let at = 0.05 + 0.5 * i as f32;
        s.ring(
            at,
            &[(*hz, 0.6, *die), (hz * 2.76, 0.3, die * 0.6), (hz * 0.5, 0.2, die * 1.3)],
            0.5,
            0.0,
            0.05,
        );
        s.puff(at, 0.0003, 0.0016, 5200.0, 0.8, 0.5, 0.0, 0.05);
        if i % 2 == 1 {
            s.ring(at + 0.045, &[(hz * 1.5, 0.5, *die)], 0.3, 0.0, 0.05);
        }
    }
    s.done(CLOSE, -20.0, false)
}

/// Three notes that say it worked.
pub fn chime_done(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 3.5);
    for (i, pitch) in [76.0, 83.0, 88.0].iter().enumerate() {
        let at = 0.02 + 0.11 * i as f32;
        s.note(Voice::Glockenspiel, at, *pitch, 1.0, 0.7, 0.8, 0.3);
        s.note(Voice::MusicBox, at, pitch - 12.0, 1.0, 0.6, 0.6, 0.3);
    }
    s.done(Room { secs: 1.4, damp: 6000.0, size: 0.7 }, -20.0, false)
}

/// Air that goes by, from left to right.
pub fn whoosh(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 2.4);
    let n = (1.5 * R) as usize;
    let mut band = Filter::new(R, 500.0, 1.2);
    let mut low = Filter::new(R, 200.0, 0.8);
    for i in 0..n {
        let t = i as f32 / n as f32;
        let e = if t < 0.55 { (t / 0.55).powi(3) } else { ((1.0 - t) / 0.45).powi(2) };
        if i % 16 == 0 {
            let hz = 300.0 * 2f32.powf(4.2 * (1.0 - (t - 0.55).abs() / 0.55));
            band.turn(R, hz, 1.2);
        }
        let noise = s.chance.noise();
        let v = (band.band(noise) + low.band(noise) * 0.6) * e;
        s.put(i, v, t * 1.8 - 0.9, 0.2);
    }
    s.done(HALL, -18.0, false)
}

/// Eight seconds up to a stop: noise, a rising cluster, a pulse that quickens.
pub fn riser(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 9.5);
    let n = (8.0 * R) as usize;
    let mut band = [Filter::new(R, 300.0, 1.5), Filter::new(R, 300.0, 1.5)];
    let mut phase = [0f32; 5];
    let mut pulse = 0f32;
    let mut lid = Filter::new(R, 400.0, 0.9);
    for i in 0..n {
        let t = i as f32 / n as f32;
        if i % 32 == 0 {
            band[0].turn(R, 240.0 * 2f32.powf(5.0 * t), 1.5);
            band[1].turn(R, 260.0 * 2f32.powf(5.0 * t), 1.5);
            lid.turn(R, 300.0 * 2f32.powf(4.6 * t), 0.9);
        }
        pulse = (pulse + (2.0 + 14.0 * t * t) / R).fract();
        let gate = 0.65 + 0.35 * sine(pulse);
        let mut saw = 0f32;
        for (k, p) in phase.iter_mut().enumerate() {
            let hz = 110.0
                * 2f32.powf(1.0 * t * t)
                * (1.0 + 0.006 * (k as f32 - 2.0))
                * if k % 2 == 0 { 1.0 } else { 1.4983 };
            *p = (*p + hz / R).fract();
            saw += *p * 2.0 - 1.0;
        }
        let tone = lid.low(saw * 0.14) * t.powf(1.2);
        let e = t.powf(1.8) * gate;
        for side in 0..2 {
            let v = band[side].band(s.chance.noise()) * e * 0.7 + tone * gate;
            s.dry[i][side] += v;
            s.wet[i][side] += v * 0.4;
        }
    }
    s.done(HALL, -17.0, false)
}

/// Thunder far off: a crack dulled by miles, then hills that answer.
pub fn thunder(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 13.0);
    for k in 0..26 {
        let at = 0.3 + 8.0 * (k as f32 / 26.0).powf(1.5) + s.chance.between(0.0, 0.25);
        let far = at / 9.0;
        let level = (1.0 - far) * s.chance.between(0.35, 1.0);
        let hz = 170.0 * (1.0 - 0.6 * far) * s.chance.between(0.6, 1.2);
        let pan = s.chance.between(-0.7, 0.7);
        let (rise, fall) = (0.01 + 0.12 * far, s.chance.between(0.12, 0.45));
        s.puff(at, rise, fall, hz, 0.6, level * 1.6, pan, 0.6);
        s.puff(at, 0.02 + 0.1 * far, 0.5, 55.0, 0.7, level * 1.8, pan * 0.3, 0.4);
    }
    s.puff(0.28, 0.004, 0.09, 700.0, 0.5, 0.5, 0.1, 0.8);
    s.done(CAVE, -19.0, false)
}

/// Birds at first light: three callers with songs of their own.
pub fn dawn_birds(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 14.0);
    let n = s.len();
    let mut air = [Filter::new(R, 600.0, 0.5), Filter::new(R, 640.0, 0.5)];
    let mut leaves = [Filter::new(R, 4200.0, 0.5), Filter::new(R, 4000.0, 0.5)];
    let mut sway = Wander::new(3.0);
    for i in 0..n {
        let g = 0.4 + 0.6 * sway.next(&mut s.chance);
        for side in 0..2 {
            s.dry[i][side] +=
                (air[side].band(s.chance.noise()) * 0.010 + leaves[side].band(s.chance.noise()) * 0.006) * g;
        }
    }
    /// A chirp: from, to, seconds, gap.
    type Chirp = (f32, f32, f32, f32);
    let songs: [(&[Chirp], f32, f32); 3] = [
        (
            &[
                (3900.0, 5200.0, 0.07, 0.05),
                (5200.0, 3600.0, 0.11, 0.06),
                (3600.0, 4700.0, 0.06, 0.04),
                (4700.0, 4100.0, 0.14, 0.2),
            ],
            -0.5,
            0.5,
        ),
        (&[(2600.0, 2500.0, 0.22, 0.10), (2100.0, 2050.0, 0.30, 0.4)], 0.6, 0.32),
        (
            &[
                (6200.0, 5600.0, 0.03, 0.03),
                (6200.0, 5600.0, 0.03, 0.03),
                (6200.0, 5600.0, 0.03, 0.03),
                (6400.0, 5800.0, 0.03, 0.03),
                (6400.0, 5800.0, 0.03, 0.3),
            ],
            0.1,
            0.3,
        ),
    ];
    for (song, pan, level) in songs {
        let mut at = s.chance.between(0.1, 0.8);
        while at < 13.0 {
            for (from, to, secs, gap) in song {
                let n = (secs * R) as usize;
                let bend = s.chance.between(0.97, 1.03);
                let (mut phase, mut trill) = (0f32, 0f32);
                for i in 0..n {
                    let t = i as f32 / n as f32;
                    trill = (trill + 34.0 / R).fract();
                    let hz = (from + (to - from) * t) * bend * (1.0 + 0.012 * sine(trill));
                    phase = (phase + hz / R).fract();
                    let e = (t * std::f32::consts::PI).sin();
                    let v = (sine(phase) + 0.12 * sine((phase * 2.0).fract())) * e * level * 0.4;
                    s.put((at * R) as usize + i, v, pan, 0.5);
                }
                at += secs + gap;
            }
            at += s.chance.between(0.5, 1.9);
        }
    }
    s.done(OPEN, -22.0, true)
}

/// Drops in a cave: each a bubble that rises in pitch, and a long answer.
pub fn cave_drips(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 15.0);
    let mut trickle = Filter::new(R, 1400.0, 0.6);
    let mut flow = Wander::new(0.7);
    for i in 0..s.len() {
        let v = trickle.band(s.chance.noise()) * 0.010 * (0.4 + flow.next(&mut s.chance));
        s.put(i, v, -0.4, 0.5);
    }
    let mut at = 0.25;
    while at < 13.5 {
        let base = *s.chance.pick(&[620.0, 810.0, 980.0, 1240.0, 1560.0]);
        let pan = s.chance.between(-0.7, 0.7);
        let level = s.chance.between(0.3, 0.9);
        let n = (0.12 * R) as usize;
        let mut phase = 0f32;
        for i in 0..n {
            let t = i as f32 / R;
            let hz = base * (1.0 + 5.5 * t + 30.0 * t * t);
            phase = (phase + hz / R).fract();
            let v = sine(phase) * (-t / 0.028).exp() * (t / 0.001).min(1.0) * level;
            s.put((at * R) as usize + i, v, pan, 0.8);
        }
        s.puff(at - 0.004, 0.0004, 0.002, 3800.0, 0.9, level * 0.5, pan, 0.6);
        at += s.chance.between(0.28, 1.15);
    }
    s.done(CAVE, -22.0, false)
}

/// People talking in a large room; nobody says a word that exists.
pub fn crowd_murmur(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 14.0);
    const VOWELS: [[f32; 3]; 6] = [
        [730.0, 1090.0, 2440.0],
        [530.0, 1840.0, 2480.0],
        [270.0, 2290.0, 3010.0],
        [570.0, 840.0, 2410.0],
        [300.0, 870.0, 2240.0],
        [490.0, 1350.0, 1690.0],
    ];
    for voice in 0..26 {
        let low = voice % 2 == 0;
        let pitch = if low { s.chance.between(95.0, 135.0) } else { s.chance.between(170.0, 235.0) };
        let size = if low { 1.0 } else { 1.14 };
        let pan = s.chance.between(-0.9, 0.9);
        let level = s.chance.between(0.10, 0.30);
        let mut at = -s.chance.between(0.0, 1.5);
        let mut phase = 0f32;
        let mut mouth =
            [Filter::new(R, 500.0, 6.0), Filter::new(R, 1500.0, 8.0), Filter::new(R, 2500.0, 8.0)];
        let mut left = 0;
        while at < 13.9 {
            if left == 0 {
                // A breath, or listening to someone else.
                at += s.chance.between(0.3, 1.6);
                left = 4 + s.chance.below(10);
            }
            left -= 1;
            let secs = s.chance.between(0.10, 0.24);
            let n = (secs * R) as usize;
            let vowel = VOWELS[s.chance.below(6)];
            let (from, to) = (s.chance.between(0.92, 1.18), s.chance.between(0.85, 1.08));
            for (filter, hz) in mouth.iter_mut().zip(vowel) {
                filter.turn(R, hz * size, 7.0);
            }
            let consonant = s.chance.unit() < 0.4;
            for i in 0..n {
                let t = i as f32 / n as f32;
                let hz = pitch * (from + (to - from) * t);
                phase = (phase + hz / R).fract();
                let glottis = (1.0 - phase).powi(3) * 2.0 - 0.5 + s.chance.noise() * 0.08;
                let e = (t * std::f32::consts::PI).sin().sqrt();
                let mut v =
                    mouth[0].band(glottis) + mouth[1].band(glottis) * 0.5 + mouth[2].band(glottis) * 0.25;
                if consonant && t < 0.25 {
                    v += s.chance.noise() * 0.12 * (1.0 - t * 4.0);
                }
                let place = at + i as f32 / R;
                if place >= 0.0 {
                    s.put((place * R) as usize, v * e * level, pan, 0.5);
                }
            }
            at += secs + s.chance.between(0.0, 0.05);
        }
    }
    s.done(HALL, -21.0, true)
}

/// One line on a typewriter, the bell, the carriage.
pub fn typewriter(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 8.5);
    let mut at = 0.1;
    let mut letters = 0;
    while at < 5.3 {
        let force = s.chance.between(0.65, 1.0);
        let pan = -0.4 + 0.8 * at / 5.3;
        let tune = s.chance.between(0.92, 1.08);
        s.puff(at - 0.03, 0.002, 0.006, 900.0, 0.8, 0.16 * force, pan, 0.1);
        s.ring(
            at,
            &[
                (1180.0 * tune, 0.5, 0.04),
                (2320.0 * tune, 0.4, 0.03),
                (4100.0 * tune, 0.3, 0.02),
                (310.0, 0.5, 0.05),
            ],
            0.5 * force,
            pan,
            0.15,
        );
        s.puff(at, 0.0004, 0.006, 2800.0, 0.7, 0.8 * force, pan, 0.15);
        s.ring(at + 0.045, &[(820.0, 0.3, 0.04), (1660.0, 0.2, 0.03)], 0.14, pan, 0.1);
        letters += 1;
        let word_ends = letters % (4 + s.chance.below(4)) == 0;
        at += if word_ends { s.chance.between(0.22, 0.38) } else { s.chance.between(0.10, 0.19) };
    }
    s.ring(5.45, &[(2093.0, 0.6, 1.4), (5420.0, 0.25, 0.7), (8200.0, 0.1, 0.3)], 0.35, 0.3, 0.3);
    let mut back = 5.95;
    let mut gap = 0.030;
    while back < 6.9 {
        let p = 0.5 - (back - 5.95);
        s.ring(back, &[(1500.0, 0.3, 0.02), (3300.0, 0.3, 0.012)], 0.16, p, 0.1);
        s.puff(back, 0.0005, 0.006, 2000.0, 0.7, 0.20, p, 0.1);
        gap *= 0.975;
        back += gap;
    }
    s.ring(6.95, &[(240.0, 0.6, 0.09), (610.0, 0.4, 0.06), (1400.0, 0.3, 0.05)], 0.7, -0.4, 0.3);
    s.puff(6.95, 0.0005, 0.015, 1200.0, 0.6, 0.8, -0.4, 0.2);
    s.done(CLOSE, -21.0, false)
}

/// A mantel clock: tick, tock, and the half hour.
pub fn mantel_clock(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 12.0);
    for i in 0..18 {
        let at = 0.1 + 0.5 * i as f32;
        let tick = i % 2 == 0;
        let hz = if tick { 2450.0 } else { 1980.0 };
        s.ring(at, &[(hz, 0.5, 0.03), (hz * 1.83, 0.35, 0.02), (420.0, 0.3, 0.05)], 0.5, 0.05, 0.2);
        s.puff(at, 0.0003, 0.002, 4200.0, 0.9, 0.5, 0.05, 0.1);
        s.puff(at + 0.022, 0.0003, 0.002, 3000.0, 0.9, 0.16, 0.05, 0.1);
    }
    for (at, level) in [(4.25, 0.55), (5.75, 0.5)] {
        s.ring(
            at,
            &[
                (392.0, 0.8, 4.5),
                (393.2, 0.4, 4.5),
                (784.0, 0.4, 3.0),
                (1082.0, 0.25, 2.0),
                (2118.0, 0.15, 1.0),
            ],
            level,
            -0.1,
            0.4,
        );
    }
    s.done(Room { secs: 1.0, damp: 3800.0, size: 0.6 }, -22.0, false)
}

/// A mechanical shutter: mirror, curtain, mirror; then the film goes on.
pub fn camera_shutter(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 2.2);
    for (at, level, hz) in
        [(0.03, 0.6, 1300.0), (0.075, 0.9, 2700.0), (0.145, 0.8, 2300.0), (0.185, 0.55, 1100.0)]
    {
        s.ring(at, &[(hz, 0.5, 0.03), (hz * 1.9, 0.3, 0.02), (hz * 0.31, 0.4, 0.05)], level, 0.0, 0.1);
        s.puff(at, 0.0003, 0.007, hz * 1.4, 0.6, level, 0.0, 0.1);
    }
    let mut t = 0.55;
    while t < 1.05 {
        s.ring(t, &[(3400.0, 0.3, 0.012), (1250.0, 0.25, 0.015)], 0.16, 0.1, 0.1);
        s.puff(t, 0.0005, 0.004, 2600.0, 0.9, 0.14, 0.1, 0.1);
        t += 0.019;
    }
    s.done(CLOSE, -20.0, false)
}

/// A fingernail on the rim of a wine glass.
pub fn glass_ping(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 4.5);
    s.ring(
        0.02,
        &[
            (1318.5, 0.7, 3.0),
            (1320.4, 0.4, 2.8),
            (3020.0, 0.4, 1.8),
            (5240.0, 0.25, 1.0),
            (7900.0, 0.12, 0.5),
        ],
        0.6,
        0.05,
        0.3,
    );
    s.puff(0.02, 0.0002, 0.002, 6000.0, 0.9, 0.4, 0.05, 0.1);
    s.done(Room { secs: 1.2, damp: 6500.0, size: 0.6 }, -20.0, false)
}

/// A train that passes close by; the horn falls by a third as it does.
pub fn train_passing(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 14.0);
    let n = s.len();
    const SPEED: f32 = 27.0;
    const ASIDE: f32 = 9.0;
    const SOUND: f32 = 343.0;
    let mut body = [Filter::new(R, 160.0, 0.6), Filter::new(R, 170.0, 0.6)];
    let mut rails = [Filter::new(R, 2300.0, 0.7), Filter::new(R, 2500.0, 0.7)];
    let mut horn = [0f32; 3];
    let mut lid = Filter::new(R, 2600.0, 0.7);
    let mut clack = 0f32;
    let mut wheels = 0f32;
    let mut rumble = Wander::new(0.3);
    for i in 0..n {
        let t = i as f32 / R;
        // The front passes at 5.5 s; the rest of the train takes three seconds more.
        let front = (t - 5.5) * SPEED;
        let back = front - 80.0;
        let near = if front < 0.0 {
            -front
        } else if back > 0.0 {
            back
        } else {
            0.0
        };
        let away = (near * near + ASIDE * ASIDE).sqrt();
        let level = ASIDE / away;
        let pan = ((front + back) * 0.5 / 60.0).clamp(-0.85, 0.85);
        let g = 0.8 + 0.4 * rumble.next(&mut s.chance);
        if i % 64 == 0 {
            // Far sounds have lost their highs.
            for (k, rail) in rails.iter_mut().enumerate() {
                rail.turn(R, 900.0 + 2600.0 * level + 200.0 * k as f32, 0.7);
            }
            lid.turn(R, 900.0 + 2600.0 * level, 0.7);
        }
        let v = body[0].band(s.chance.noise()) * 1.3 * level.powf(0.8) * g
            + rails[0].band(s.chance.noise()) * 0.55 * level * g;
        // A joint in the rail under each bogie.
        wheels += SPEED / 18.0 / R;
        if wheels >= 1.0 {
            wheels -= 1.0;
            clack = 1.0;
        }
        if (wheels - 0.16).abs() < 0.5 / R * SPEED / 18.0 {
            clack = 0.8;
        }
        clack *= 0.9982;
        let joint = body[1].band(s.chance.noise()) * clack * level * 1.4
            + rails[1].band(s.chance.noise()) * clack * level * 0.6;
        // The horn, twice, heard higher while it comes and lower when it goes.
        let closing = -front / (front * front + ASIDE * ASIDE).sqrt() * SPEED;
        let shift = SOUND / (SOUND - closing);
        let blown = ((t - 3.0) / 0.15).clamp(0.0, 1.0) * (1.0 - ((t - 4.1) / 0.2).clamp(0.0, 1.0))
            + ((t - 4.8) / 0.15).clamp(0.0, 1.0) * (1.0 - ((t - 7.0) / 0.25).clamp(0.0, 1.0));
        let reach = ASIDE / (front * front + ASIDE * ASIDE).sqrt();
        let mut tone = 0f32;
        for (k, hz) in [311.1f32, 370.0, 466.2].iter().enumerate() {
            horn[k] = (horn[k] + hz * shift / R).fract();
            tone += horn[k] * 2.0 - 1.0;
        }
        let blast = lid.low(soft(tone * 0.6)) * blown * (0.05 + 0.5 * reach.powf(0.7));
        s.put(i, (v + joint) * 0.6, pan, 0.15);
        s.put(i, blast * 0.5, (front / 40.0).clamp(-0.8, 0.8), 0.4);
    }
    s.done(OPEN, -18.0, true)
}

/// A subway of drums for a game's menu: a heavy hit with a long room.
pub fn heavy_hit(seed: u64) -> Vec<Frame> {
    let mut s = Stage::new(seed, 5.0);
    s.note(Voice::Drum(Drum::DeepKick), 0.02, 55.0, 1.0, 1.0, 1.0, 0.5);
    s.note(Voice::Drum(Drum::Timpani), 0.02, 50.0, 1.0, 1.0, 0.9, 0.6);
    s.note(Voice::Drum(Drum::Tom), 0.03, 50.0, 1.0, 1.0, 0.7, 0.6);
    s.puff(0.02, 0.001, 0.10, 350.0, 0.5, 0.9, 0.0, 0.7);
    s.puff(0.02, 0.001, 0.25, 3200.0, 0.5, 0.25, 0.0, 0.9);
    s.ring(0.02, &[(36.0, 1.0, 1.6), (71.0, 0.5, 0.9)], 0.8, 0.0, 0.2);
    s.done(CAVE, -18.0, false)
}
