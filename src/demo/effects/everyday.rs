//! Things in a house: a door, a typewriter, a clock, a camera, a glass.

use super::stage::{CLOSE, HALL, Stage};
use crate::demo::mix::Frame;
use crate::demo::score::Room;

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
