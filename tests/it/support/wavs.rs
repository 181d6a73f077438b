//! Sounds for tests, synthesised.

use cuehouse::audio::wav;

/// A WAV of so many seconds, 16 bit stereo at 44,100 Hz: a chord over a beat, another one for every seed.
pub fn music(seed: u64, secs: f64) -> Vec<u8> {
    let root = 196.0 * 2f64.powf((seed % 12) as f64 / 12.0) * (1.0 + seed as f64 * 1e-4);
    let samples: Vec<f32> = (0..(secs * 44_100.0) as usize)
        .flat_map(|i| {
            let t = i as f64 / 44_100.0;
            let since = t % 0.5;
            let chord: f64 =
                [1.0, 1.25, 1.5].iter().map(|r| (std::f64::consts::TAU * root * r * t).sin()).sum();
            let drum = 0.35 * (since * 800.0).sin() * (-since * 30.0).exp();
            let sound = (0.12 * chord + drum) as f32;
            [sound, sound * 0.9]
        })
        .collect();
    wav::bytes(44_100, 2, 16, &samples)
}
