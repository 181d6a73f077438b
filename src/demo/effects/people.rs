//! People, heard but not understood: steps, and a crowd that talks.

use super::stage::{HALL, OPEN, R, Stage};
use crate::demo::instruments::Filter;
use crate::demo::mix::Frame;

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
