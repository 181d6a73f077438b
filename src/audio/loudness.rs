//! Loudness after ITU-R BS.1770-4 (2015) and EBU Tech 3341 and 3342 (2016), and true peak after annex 2 of the former.
//!
//! Every tenth of a second is kept as one power, and all else is sums over these: an hour is 36,000 numbers. The same
//! tenths tell the second sweep where it is loud.

use std::f64::consts::PI;

/// Absolute gate of -70 LUFS, as power.
const ABSOLUTE: f64 = 1e-7;
/// What BS.1770 takes off, 0.691 dB, as a factor of power: with it a power of 1 is 0 LUFS.
const OFFSET: f64 = 0.852_904;

/// Hears interleaved frames and keeps the power of each tenth of a second behind the K filter.
pub struct Meter {
    channels: usize,
    rate: u64,
    /// One for each two channels.
    pairs: Vec<Pair>,
    heard: u64,
    held: u64,
    power: f64,
    tenths: Vec<f64>,
}

/// Two channels side by side: what each stage remembers, how much each channel counts, what was heard of them.
struct Pair {
    stages: [Stage; 2],
    weight: [f64; 2],
}

#[derive(Clone)]
struct Stage {
    b: [f64; 3],
    a: [f64; 2],
    z: [[f64; 2]; 2],
}

impl Stage {
    #[inline(always)]
    fn step(&mut self, x: [f64; 2]) -> [f64; 2] {
        let mut y = [0.0; 2];
        for i in 0..2 {
            y[i] = self.b[0] * x[i] + self.z[0][i];
            self.z[0][i] = self.b[1] * x[i] - self.a[0] * y[i] + self.z[1][i];
            self.z[1][i] = self.b[2] * x[i] - self.a[1] * y[i];
        }
        y
    }

    /// Numbers too small for the processor's fast path would make silence dear.
    fn settle(&mut self) {
        self.z.as_flattened_mut().iter_mut().filter(|z| z.abs() < 1e-30).for_each(|z| *z = 0.0);
    }
}

impl Meter {
    /// A meter that has heard nothing.
    pub fn new(channels: usize, rate: u32) -> Meter {
        let stages = k_filter(f64::from(rate));
        let pair = |first: usize| Pair {
            stages: stages.clone(),
            weight: [first, first + 1].map(|channel| weight(channel, channels)),
        };
        Meter {
            channels,
            rate: u64::from(rate),
            pairs: (0..channels).step_by(2).map(pair).collect(),
            heard: 0,
            held: 0,
            power: 0.0,
            tenths: Vec::new(),
        }
    }

    /// Takes interleaved frames, in blocks of any length.
    pub fn hear(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            // Frames that are still missing to the tenth, which at odd rates differ by one.
            let end = ((self.tenths.len() as u64 + 1) * self.rate).div_ceil(10);
            let missing = (end - self.heard) as usize * self.channels;
            let (part, rest) = samples.split_at(missing.min(samples.len()));
            self.filter(part);
            if self.heard == end {
                self.keep();
            }
            samples = rest;
        }
    }

    fn filter(&mut self, samples: &[f32]) {
        for (i, pair) in self.pairs.iter_mut().enumerate() {
            let mut sums = [0.0; 2];
            let [shelf, high_pass] = &mut pair.stages;
            let mut hear = |x: [f64; 2]| {
                let y = high_pass.step(shelf.step(x));
                sums[0] += y[0] * y[0];
                sums[1] += y[1] * y[1];
            };
            match self.channels {
                1 => samples.iter().for_each(|s| hear([f64::from(*s), 0.0])),
                2 => samples.as_chunks::<2>().0.iter().for_each(|two| hear(two.map(f64::from))),
                n => samples.chunks_exact(n).for_each(|frame| {
                    hear([f64::from(frame[2 * i]), frame.get(2 * i + 1).map_or(0.0, |s| f64::from(*s))]);
                }),
            }
            self.power += pair.weight[0] * sums[0] + pair.weight[1] * sums[1];
        }
        let frames = (samples.len() / self.channels) as u64;
        (self.heard, self.held) = (self.heard + frames, self.held + frames);
    }

    fn keep(&mut self) {
        self.tenths.push(OFFSET * self.power / self.held.max(1) as f64);
        (self.power, self.held) = (0.0, 0);
        self.pairs.iter_mut().flat_map(|pair| &mut pair.stages).for_each(Stage::settle);
    }

    /// Integrated loudness in LUFS; `None` where nothing of 400 ms is louder than -70.
    pub fn integrated(&self) -> Option<f64> {
        integrated(&self.tenths)
    }

    /// Loudness range in LU (EBU Tech 3342): from the tenth to the ninety-fifth hundredth of what is heard in three
    /// seconds each, without what lies 20 LU under their mean.
    pub fn range(&self) -> Option<f64> {
        let mut blocks: Vec<f64> = means(&self.tenths, 30).filter(|power| *power > ABSOLUTE).collect();
        let floor = blocks.iter().sum::<f64>() / blocks.len().max(1) as f64 * 0.01;
        blocks.retain(|power| *power > floor);
        blocks.sort_by(f64::total_cmp);
        let at = |part: f64| blocks.get(((blocks.len().max(1) - 1) as f64 * part).round() as usize);
        Some(10.0 * (at(0.95)? / at(0.10)?).log10())
    }

    /// The power of each tenth, 0 LUFS being 1; the last may be shorter.
    pub fn finish(mut self) -> Vec<f32> {
        if self.held > 0 {
            self.keep();
        }
        self.tenths.iter().map(|power| *power as f32).collect()
    }
}

/// Integrated loudness of whole tenths of a second by their power, gated as BS.1770-4 has it.
pub fn integrated(tenths: &[f64]) -> Option<f64> {
    let mean = |floor: f64| {
        let (sum, n) =
            means(tenths, 4).filter(|p| *p > floor).fold((0.0, 0u32), |(sum, n), p| (sum + p, n + 1));
        (n > 0).then(|| sum / f64::from(n))
    };
    Some(10.0 * mean((mean(ABSOLUTE)? * 0.1).max(ABSOLUTE))?.log10())
}

/// The mean of every so many tenths that follow each other.
fn means(tenths: &[f64], long: usize) -> impl Iterator<Item = f64> {
    tenths.windows(long).map(move |part| part.iter().sum::<f64>() / long as f64)
}

/// How much a channel counts, in the order of WAV: those behind by 1.41, the one for low effects not at all.
fn weight(channel: usize, channels: usize) -> f64 {
    match (channels, channel) {
        (4, 2 | 3) | (5, 3 | 4) | (6.., 4 | 5) => 1.41,
        (_, 0..=2) => 1.0,
        _ => 0.0,
    }
}

/// Both stages of the K filter at any rate: the analogue prototypes of BS.1770-4, bilinear.
fn k_filter(rate: f64) -> [Stage; 2] {
    let k = (PI * 1681.974450955533 / rate).tan();
    let (q, vh) = (0.7071752369554196, 10f64.powf(3.999843853973347 / 20.0));
    let vb = vh.powf(0.4996667741545416);
    let a0 = 1.0 + k / q + k * k;
    let shelf = Stage {
        b: [(vh + vb * k / q + k * k) / a0, 2.0 * (k * k - vh) / a0, (vh - vb * k / q + k * k) / a0],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
        z: [[0.0; 2]; 2],
    };
    let k = (PI * 38.13547087602444 / rate).tan();
    let q = 0.5003270373238773;
    let a0 = 1.0 + k / q + k * k;
    let high_pass = Stage {
        b: [1.0, -2.0, 1.0],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
        z: [[0.0; 2]; 2],
    };
    [shelf, high_pass]
}

/// Samples looked at together: where none is near the highest peak so far, nothing between them can be above it.
const STRETCH: usize = 64;

/// The highest peak of all channels, between samples too: four times as many below 96 kHz, twice below 192.
pub struct TruePeak {
    /// A filter for each place between two samples, all of so many taps.
    phases: Vec<Vec<f32>>,
    taps: usize,
    /// No filter gives more than this times the highest sample it sees.
    most: f32,
    /// The last samples of each channel, and those that came.
    rows: Vec<Vec<f32>>,
    peak: f32,
}

impl TruePeak {
    /// A meter that has heard nothing; it looks between samples only as finely as the rate asks for.
    pub fn new(channels: usize, rate: u32) -> TruePeak {
        let factor = match rate {
            ..96_000 => 4,
            96_000..192_000 => 2,
            _ => 1,
        };
        let taps = 48 / factor;
        let phases: Vec<Vec<f32>> =
            (1..factor).map(|phase| between(phase as f64 / factor as f64, taps)).collect();
        let most = phases.iter().map(|taps| taps.iter().map(|tap| tap.abs()).sum()).fold(1.0, f32::max);
        TruePeak { phases, taps, most, rows: vec![vec![0.0; taps - 1]; channels], peak: 0.0 }
    }

    /// Takes interleaved frames, in blocks of any length.
    pub fn hear(&mut self, samples: &[f32]) {
        let channels = self.rows.len();
        for channel in 0..channels {
            let mut row = std::mem::take(&mut self.rows[channel]);
            row.extend(samples[channel..].iter().step_by(channels));
            self.scan(&row);
            row.drain(..row.len() - (self.taps - 1));
            self.rows[channel] = row;
        }
    }

    fn scan(&mut self, row: &[f32]) {
        let places = row.len() - (self.taps - 1);
        for begin in (0..places).step_by(STRETCH) {
            let end = (begin + STRETCH).min(places);
            let seen = &row[begin..end + self.taps - 1];
            let near = highest(seen);
            self.peak = self.peak.max(near);
            if near * self.most <= self.peak {
                continue;
            }
            for phase in &self.phases {
                let mut sums = [0f32; STRETCH];
                for (tap, by) in phase.iter().enumerate() {
                    sums.iter_mut().zip(&seen[tap..]).for_each(|(sum, s)| *sum += by * s);
                }
                self.peak = self.peak.max(highest(&sums[..end - begin]));
            }
        }
    }

    /// The highest peak; full scale is 1. A sound that breaks off is heard out.
    pub fn finish(mut self) -> f64 {
        let silence = vec![0.0; self.rows.len() * self.taps];
        self.hear(&silence);
        f64::from(self.peak)
    }
}

/// The filter for what lies `part` of the way from the middle sample to the next: a sinc under a Hann window.
fn between(part: f64, taps: usize) -> Vec<f32> {
    let half = taps as f64 / 2.0;
    let at = |tap: usize| {
        let t = tap as f64 - (half - 1.0) - part;
        (PI * t).sin() / (PI * t) * 0.5 * (1.0 + (PI * t / half).cos())
    };
    let sum: f64 = (0..taps).map(at).sum();
    (0..taps).map(|tap| (at(tap) / sum) as f32).collect()
}

/// The highest of all samples, whatever its sign.
pub fn highest(samples: &[f32]) -> f32 {
    let (eights, rest) = samples.as_chunks::<8>();
    let mut most = [0f32; 8];
    for eight in eights {
        for i in 0..8 {
            most[i] = most[i].max(eight[i].abs());
        }
    }
    most.iter().chain(rest).fold(0.0, |most, s| most.max(s.abs()))
}

#[cfg(test)]
mod tests {
    use ebur128::{EbuR128, Mode};

    use super::*;

    /// Noise and tones that come and go, the same in every run.
    fn sound(rate: u32, channels: usize, secs: u32) -> Vec<f32> {
        let mut state = 7u32;
        (0..rate * secs)
            .flat_map(|i| {
                let t = f64::from(i) / f64::from(rate);
                let swell =
                    0.05 + 0.4 * (0.5 + 0.5 * (t * 0.7).sin()) * f64::from(u8::from(t as u32 % 7 != 3));
                (0..channels)
                    .map(|channel| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let noise = f64::from(state >> 8) / 8_388_608.0 - 1.0;
                        let tone = (2.0 * PI * (220.0 + 170.0 * channel as f64) * t).sin();
                        (swell * (0.7 * tone + 0.3 * noise)) as f32
                    })
                    .collect::<Vec<f32>>()
            })
            .collect()
    }

    /// Another program's meter says the same of rates and channels of all kinds.
    #[test]
    fn the_meter_agrees_with_another_one() {
        for (rate, channels) in
            [(44_100, 2), (48_000, 1), (8000, 4), (22_050, 5), (96_000, 2), (11_025, 6), (44_100, 3)]
        {
            let sound = sound(rate, channels, 64);
            let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
            let mut other = EbuR128::new(channels as u32, rate, mode).unwrap();
            other.add_frames_f32(&sound).unwrap();
            let (mut meter, mut true_peak) = (Meter::new(channels, rate), TruePeak::new(channels, rate));
            for part in sound.chunks(channels * 1013) {
                meter.hear(part);
                true_peak.hear(part);
            }
            let name = format!("{rate} Hz, {channels} channels");
            let (ours, theirs) = (meter.integrated().unwrap(), other.loudness_global().unwrap());
            assert!((ours - theirs).abs() < 0.05, "{name}: {ours} for {theirs} LUFS");
            let (ours, theirs) = (meter.range().unwrap(), other.loudness_range().unwrap());
            assert!((ours - theirs).abs() < 0.5, "{name}: {ours} for {theirs} LU");
            let theirs = (0..channels as u32).map(|c| other.true_peak(c).unwrap()).fold(0.0, f64::max);
            let off = 20.0 * (true_peak.finish() / theirs).log10();
            assert!(off.abs() < 0.1, "{name}: the peak is off by {off} dB");
        }
    }

    #[test]
    fn silence_has_no_loudness() {
        let mut meter = Meter::new(2, 48_000);
        meter.hear(&vec![0.0; 96_000 * 5]);
        assert_eq!((meter.integrated(), meter.range()), (None, None));
        assert_eq!(TruePeak::new(2, 48_000).finish(), 0.0);
    }

    /// How the sound is cut into blocks makes no difference, at a rate whose tenths are not whole either.
    #[test]
    fn blocks_of_any_length_say_the_same() {
        let sound = sound(11_025, 2, 12);
        let said = |long: usize| {
            let (mut meter, mut peak) = (Meter::new(2, 11_025), TruePeak::new(2, 11_025));
            for part in sound.chunks(2 * long) {
                meter.hear(part);
                peak.hear(part);
            }
            (meter.integrated().unwrap(), peak.finish(), meter.finish())
        };
        let whole = said(sound.len());
        assert_eq!(whole.2.len(), 120);
        for long in [1, 7, 1102, 1103, 4096] {
            let cut = said(long);
            assert!((cut.0 - whole.0).abs() < 1e-9 && (cut.1 - whole.1).abs() < 1e-6, "{long}");
            assert_eq!(cut.2.len(), 120);
        }
    }
}
