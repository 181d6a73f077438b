//! Another sample rate: a polyphase filter with a Kaiser window, the same on every machine.

/// Changes the rate of one or two channels, block by block.
pub struct Resampler {
    up: u64,
    down: u64,
    half: usize,
    /// One filter of `2 * half` taps per phase.
    phases: Vec<f32>,
    /// What is still needed of the input, a row per channel.
    rows: Vec<Vec<f32>>,
    /// Index (in input frames) of the first frame of the rows; `half - 1` zeros stand before the sound.
    first: i64,
    heard: u64,
    given: u64,
}

impl Resampler {
    /// From `from` to `to` hertz; `crossings` zero crossings on each side say how steep it is.
    pub fn new(from: u32, to: u32, channels: usize, crossings: usize) -> Resampler {
        let shared = gcd(from, to);
        let (up, down) = (u64::from(to / shared), u64::from(from / shared));
        // Cut off below the lower of the two Nyquist frequencies, in cycles per input frame.
        let steep = 1.0 - 1.6 / crossings as f64;
        let cut = 0.5 * (f64::from(to) / f64::from(from)).min(1.0) * steep.max(0.8);
        let half = ((crossings as f64 / (2.0 * cut)).ceil() as usize).next_multiple_of(4);
        // A rate that shares nothing with the other asks for millions of taps: their window is read from a table,
        // straight between 4,096 places, which is 126 dB near.
        let table: Vec<f64> = (0..=4097).map(|i| kaiser(f64::from(i) / 4096.0)).collect();
        let window = |x: f64| {
            let at = x.abs().min(1.0) * 4096.0;
            let (i, part) = (at as usize, at.fract());
            table[i] + part * (table[i + 1] - table[i])
        };
        let mut phases = Vec::with_capacity(up as usize * 2 * half);
        for phase in 0..up {
            let begin = phases.len();
            for tap in 0..2 * half {
                let t = tap as f64 - (half as f64 - 1.0) - phase as f64 / up as f64;
                phases.push((sinc(2.0 * cut * t) * window(t / half as f64)) as f32);
            }
            let sum: f32 = phases[begin..].iter().sum();
            phases[begin..].iter_mut().for_each(|tap| *tap /= sum);
        }
        let rows = vec![vec![0.0; half - 1]; channels];
        Resampler { up, down, half, phases, rows, first: 1 - half as i64, heard: 0, given: 0 }
    }

    /// Takes interleaved frames and appends what they give.
    pub fn push(&mut self, frames: &[f32], out: &mut Vec<f32>) {
        let channels = self.rows.len();
        for (channel, row) in self.rows.iter_mut().enumerate() {
            row.extend(frames[channel..].iter().step_by(channels));
        }
        self.heard += (frames.len() / channels) as u64;
        self.turn(u64::MAX, out);
    }

    /// Appends the rest; in all, as many frames as last as long as the input, rounded up.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let all = (self.heard * self.up).div_ceil(self.down);
        for row in &mut self.rows {
            row.resize(row.len() + self.half + 1, 0.0);
        }
        self.turn(all, out);
    }

    fn turn(&mut self, all: u64, out: &mut Vec<f32>) {
        let taps = 2 * self.half;
        let there = self.rows[0].len();
        let mut begin = 0;
        while self.given < all {
            let at = self.given * self.down;
            begin = ((at / self.up) as i64 - (self.half as i64 - 1) - self.first) as usize;
            if begin + taps > there {
                break;
            }
            let phase = (at % self.up) as usize * taps;
            let filter = &self.phases[phase..phase + taps];
            for row in &self.rows {
                out.push(dot(filter, &row[begin..begin + taps]));
            }
            self.given += 1;
        }
        let done = begin.min(there);
        for row in &mut self.rows {
            row.drain(..done);
        }
        self.first += done as i64;
    }
}

/// The sum of products, eight side by side.
#[inline]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (x, y) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f32>()
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// The Kaiser window of beta 8 (side lobes 80 dB down) at `x` between -1 and 1.
fn kaiser(x: f64) -> f64 {
    const BETA: f64 = 8.0;
    if x.abs() >= 1.0 { 0.0 } else { bessel(BETA * (1.0 - x * x).sqrt()) / bessel(BETA) }
}

fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..32 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: u32, to: u32, hertz: f64) {
        let frames = from as usize / 4;
        let tone: Vec<f32> = (0..frames)
            .map(|i| (std::f64::consts::TAU * hertz * i as f64 / f64::from(from)).sin() as f32)
            .collect();
        let mut out = Vec::new();
        let mut resampler = Resampler::new(from, to, 1, 24);
        for part in tone.chunks(1000) {
            resampler.push(part, &mut out);
        }
        resampler.finish(&mut out);
        let want = (frames as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
        assert_eq!(out.len(), want, "{from} to {to}");
        // Away from the ends the tone is the tone.
        let worst = (200..want - 200)
            .map(|i| {
                (f64::from(out[i]) - (std::f64::consts::TAU * hertz * i as f64 / f64::from(to)).sin()).abs()
            })
            .fold(0.0, f64::max);
        assert!(worst < 2e-3, "{from} to {to}: off by {worst}");
    }

    #[test]
    fn a_tone_stays_in_its_place_and_length() {
        check(96_000, 48_000, 1000.0);
        check(88_200, 44_100, 3000.0);
        check(44_100, 11_025, 440.0);
        check(8_000, 48_000, 700.0);
        check(37_800, 44_100, 5000.0);
        check(48_000, 11_025, 2000.0);
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_gone() {
        let tone: Vec<f32> = (0..48_000)
            .map(|i| (std::f64::consts::TAU * f64::from(i * 30 % 96) / 96.0).sin() as f32)
            .collect();
        let mut out = Vec::new();
        let mut resampler = Resampler::new(96_000, 48_000, 1, 24);
        resampler.push(&tone, &mut out);
        resampler.finish(&mut out);
        let loudest = out[500..out.len() - 500].iter().fold(0f32, |most, s| most.max(s.abs()));
        assert!(loudest < 1e-3, "{loudest}");
    }
}
