//! The key, from how strongly each pitch class sounds, harmonics taken into account.
//!
//! Spectral peaks vote for the pitch they are and for those they are an overtone of; the sum is compared
//! with the mean of two published profiles, Krumhansl and Kessler 1982 and Albrecht and Shanahan 2013, each
//! made comparable first, in all twenty-four keys.

use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

const SIZE: usize = 4096;
const HOP: usize = 2048;
/// Fineness of the pitch class circle: ten cents.
const CELLS: usize = 120;
/// Bands of the spectrum kept for the artwork.
pub const BANDS: usize = 24;

/// What there is to say about pitch.
#[derive(Clone, Debug, Default)]
pub struct Key {
    /// `c` to `b` with `s` for sharp and `m` for minor: `fsm`.
    pub name: Option<String>,
    /// 0 to 1: how far the best key is ahead of the second.
    pub sure: f64,
    /// The spectrum in bands of equal width on a logarithmic scale, 0 to 1.
    pub bands: [f32; BANDS],
}

/// Listens to the 11,025 Hz signal.
pub struct Listener {
    rate: f32,
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    waiting: Vec<f32>,
    work: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f32>,
    /// Votes per cell of the circle.
    circle: Vec<f64>,
    bands: [f64; BANDS],
    edges: [usize; BANDS + 1],
    frames: u64,
}

impl Listener {
    /// A listener that has heard nothing, for samples at this rate.
    pub fn new(rate: u32) -> Listener {
        let fft = FftPlanner::new().plan_fft_forward(SIZE);
        let window =
            (0..SIZE).map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / SIZE as f32).cos()).collect();
        let scratch = vec![Complex32::default(); fft.get_inplace_scratch_len()];
        // 50 Hz to 5 kHz.
        let edges = std::array::from_fn(|b| {
            let hertz = 50.0 * 100f32.powf(b as f32 / BANDS as f32);
            ((hertz * SIZE as f32 / rate as f32) as usize).clamp(1, SIZE / 2 - 1) + b / 12
        });
        Listener {
            rate: rate as f32,
            fft,
            window,
            waiting: Vec::new(),
            work: vec![Complex32::default(); SIZE],
            scratch,
            power: vec![0.0; SIZE / 2],
            circle: vec![0.0; CELLS],
            bands: [0.0; BANDS],
            edges,
            frames: 0,
        }
    }

    /// Takes in the next samples.
    pub fn hear(&mut self, mono: &[f32]) {
        self.waiting.extend_from_slice(mono);
        let mut at = 0;
        // Two real frames share one complex transform.
        while at + SIZE + HOP <= self.waiting.len() {
            self.pair(at);
            at += 2 * HOP;
        }
        self.waiting.drain(..at);
    }

    /// The key of all that was heard.
    pub fn finish(&mut self) -> Key {
        if !self.waiting.is_empty() {
            self.waiting.resize(self.waiting.len().max(SIZE + HOP), 0.0);
            self.pair(0);
        }
        let most = self.bands.iter().fold(f64::MIN_POSITIVE, |most, b| most.max(*b));
        // 48 dB from the quietest shown to the loudest.
        let bands = self.bands.map(|b| (1.0 + (b / most).max(1e-9).log10() / 4.8).clamp(0.0, 1.0) as f32);
        let (name, sure) = self.judge();
        Key { name, sure, bands }
    }

    fn pair(&mut self, at: usize) {
        for (i, slot) in self.work.iter_mut().enumerate() {
            let w = self.window[i];
            *slot = Complex32::new(self.waiting[at + i] * w, self.waiting[at + HOP + i] * w);
        }
        self.fft.process_with_scratch(&mut self.work, &mut self.scratch);
        for second in [false, true] {
            self.power[0] = 0.0;
            for k in 1..SIZE / 2 {
                let (x, y) = (self.work[k], self.work[SIZE - k].conj());
                let part = if second { x - y } else { x + y };
                self.power[k] = part.norm_sqr();
            }
            self.vote();
        }
    }

    /// One frame's spectrum votes.
    fn vote(&mut self) {
        for (band, sum) in self.bands.iter_mut().enumerate() {
            let (from, to) = (self.edges[band], self.edges[band + 1].max(self.edges[band] + 1));
            *sum += f64::from(self.power[from..to].iter().sum::<f32>());
        }
        let bin = self.rate / SIZE as f32;
        let (low, high) = ((80.0 / bin) as usize, ((2500.0 / bin) as usize).min(SIZE / 2 - 2));
        let most = self.power[low..high].iter().fold(0f32, |most, p| most.max(*p));
        // Four times the power of a sine at -100 dB: silence has no pitch.
        if most < 1e-4 {
            return;
        }
        const HARMONICS: [f64; 5] = [1.0, 0.6, 0.36, 0.22, 0.13];
        let mut frame = [0f64; CELLS];
        for k in low..high {
            let (left, here, right) = (self.power[k - 1], self.power[k], self.power[k + 1]);
            if here < most * 1e-4 || here < left || here <= right {
                continue;
            }
            let (a, b, c) = (left.max(1e-20).ln(), here.ln(), right.max(1e-20).ln());
            let lean = (0.5 * (a - c) / (a - 2.0 * b + c)).clamp(-0.5, 0.5);
            let hertz = f64::from((k as f32 + lean) * bin);
            let weight = f64::from(here / most).sqrt();
            for (n, by) in HARMONICS.iter().enumerate() {
                // Octaves above A; the circle begins at C, three semitones higher.
                let octave = (hertz / (n as f64 + 1.0) / 440.0).log2() + 9.0 / 12.0;
                let cell = (octave.rem_euclid(1.0) * CELLS as f64).round() as usize % CELLS;
                frame[cell] += weight * by;
            }
        }
        let most = frame.iter().fold(f64::MIN_POSITIVE, |most, v| most.max(*v));
        for (sum, v) in self.circle.iter_mut().zip(frame) {
            *sum += v / most;
        }
        self.frames += 1;
    }

    fn judge(&self) -> (Option<String>, f64) {
        if self.frames < 4 {
            return (None, 0.0);
        }
        let per = CELLS / 12;
        // Where this recording's semitones lie: the circular mean of the votes' places between them.
        let (mut x, mut y) = (0f64, 0f64);
        for (cell, votes) in self.circle.iter().enumerate() {
            let angle = std::f64::consts::TAU * (cell % per) as f64 / per as f64;
            x += votes * angle.cos();
            y += votes * angle.sin();
        }
        let tuning = y.atan2(x) / std::f64::consts::TAU * per as f64;
        let mut chroma = [0f64; 12];
        for (cell, votes) in self.circle.iter().enumerate() {
            let place = (cell as f64 - tuning) / per as f64;
            let near = place.round();
            let window = ((place - near) * std::f64::consts::PI).cos().powi(2);
            chroma[near.rem_euclid(12.0) as usize % 12] += votes * window;
        }
        let chroma = standard(chroma);
        let mut fits: Vec<(f64, usize, bool)> = [false, true]
            .into_iter()
            .flat_map(|minor| {
                let profile = profile(minor);
                (0..12).map(move |tonic| {
                    let fit = (0..12).map(|i| profile[i] * chroma[(i + tonic) % 12]).sum::<f64>() / 12.0;
                    (fit, tonic, minor)
                })
            })
            .collect();
        fits.sort_by(|a, b| b.0.total_cmp(&a.0));
        let ((best, tonic, minor), second) = (fits[0], fits[1].0);
        // Noise and drums look like no profile; a tone alone looks a little like several.
        if best < 0.45 {
            return (None, 0.0);
        }
        const NAMES: [&str; 12] = ["c", "cs", "d", "ds", "e", "f", "fs", "g", "gs", "a", "as", "b"];
        let name = format!("{}{}", NAMES[tonic], if minor { "m" } else { "" });
        // A lead of a quarter is as clear as music gets.
        (Some(name), ((best - second) * 4.0).clamp(0.0, 1.0))
    }
}

/// The mean of both profiles, standardised.
fn profile(minor: bool) -> [f64; 12] {
    const KK_MAJOR: [f64; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
    const KK_MINOR: [f64; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];
    const AS_MAJOR: [f64; 12] =
        [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081];
    const AS_MINOR: [f64; 12] =
        [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052];
    let (a, b) = if minor { (KK_MINOR, AS_MINOR) } else { (KK_MAJOR, AS_MAJOR) };
    let (a, b) = (standard(a), standard(b));
    standard(std::array::from_fn(|i| a[i] + b[i]))
}

/// Mean 0 and variance 1.
fn standard(v: [f64; 12]) -> [f64; 12] {
    let mean = v.iter().sum::<f64>() / 12.0;
    let spread = (v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 12.0).sqrt().max(1e-12);
    v.map(|x| (x - mean) / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Triads of a key, each a second long, with four harmonics; `cents` off the usual pitch.
    fn song(tonic: i32, minor: bool, cents: f64) -> Vec<f32> {
        let chords: [[i32; 3]; 4] = if minor {
            [[0, 3, 7], [5, 8, 12], [7, 10, 14], [0, 3, 7]]
        } else {
            [[0, 4, 7], [5, 9, 12], [7, 11, 14], [0, 4, 7]]
        };
        let rate = 11_025;
        (0..rate * 4)
            .map(|i| {
                let t = i as f64 / f64::from(rate);
                let chord = chords[(t as usize).min(3)];
                let mut sum = 0.0;
                for note in chord {
                    let hertz = 261.6256 * 2f64.powf((f64::from(tonic + note) + cents / 100.0) / 12.0);
                    for n in 1..5 {
                        sum += (std::f64::consts::TAU * hertz * f64::from(n) * t).sin() / f64::from(n * n);
                    }
                }
                (sum * 0.1) as f32
            })
            .collect()
    }

    fn check(tonic: i32, minor: bool, cents: f64, want: &str) {
        let mut listener = Listener::new(11_025);
        for part in song(tonic, minor, cents).chunks(3000) {
            listener.hear(part);
        }
        let key = listener.finish();
        assert_eq!(key.name.as_deref(), Some(want), "sure {}", key.sure);
        assert!(key.sure > 0.0);
    }

    #[test]
    fn chords_tell_their_key() {
        check(0, false, 0.0, "c");
        check(6, true, 0.0, "fsm");
        check(-3, true, 0.0, "am");
        check(7, false, 0.0, "g");
        check(10, false, 0.0, "as");
    }

    #[test]
    fn a_piano_out_of_tune_keeps_its_key() {
        check(2, false, 30.0, "d");
        check(4, true, -35.0, "em");
    }

    #[test]
    fn silence_and_hiss_have_none() {
        let mut listener = Listener::new(11_025);
        listener.hear(&vec![0.0; 40_000]);
        assert_eq!(listener.finish().name, None);
        let mut state = 7u32;
        let hiss: Vec<f32> = (0..60_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 8) as f32 / 8_388_608.0 - 1.0) * 0.3
            })
            .collect();
        let mut listener = Listener::new(11_025);
        listener.hear(&hiss);
        let key = listener.finish();
        assert!(key.name.is_none() || key.sure < 0.3, "{key:?}");
    }
}
