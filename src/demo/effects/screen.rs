//! What pictures and programs ask for: clicks, a chime, transitions, a hit.

use super::stage::{CAVE, CLOSE, HALL, R, Stage};
use crate::demo::instruments::{Drum, Filter, Voice, sine};
use crate::demo::mix::Frame;
use crate::demo::score::Room;

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

/// Three drums struck as one in a very large place.
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
