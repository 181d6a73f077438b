//! Weather and nature: rain, wind, thunder, birds, a cave.

use super::stage::{CAVE, CLOSE, OPEN, R, Stage, Wander};
use crate::demo::instruments::{Filter, sine};
use crate::demo::mix::Frame;

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
