//! Machines: an engine and a train.

use super::stage::{OPEN, R, Stage, Wander};
use crate::demo::instruments::{Filter, sine, soft};
use crate::demo::mix::Frame;

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
