//! The first sweep: everything that listens to the decoded sound while it goes by.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::artwork::Look;
use super::decode::{Block, Source, Spec};
use super::loudness::{Meter, TruePeak, highest};
use super::resample::Resampler;
use super::{Refusal, fingerprint, key, tempo};

/// What is known of a master. Numbers are as measured, never as the file declares them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// `WAV`, `AIFF`, `FLAC`, `CAF`, `M4A`, `Ogg` or `MP3`.
    pub container: String,
    /// `PCM`, `PCM float`, `FLAC`, `ALAC`, `AAC`, `Vorbis`, `MP3`, `ADPCM`, `A-law`, `µ-law`.
    pub codec: String,
    /// Frames of sound, counted.
    pub frames: i64,
    pub duration_ms: i64,
    /// Hertz.
    pub sample_rate: i32,
    pub channels: i32,
    /// Bits of a stored sample; None for lossy codings.
    pub bits: Option<i32>,
    /// EBU R128 integrated loudness; None when every stretch lies under the gate.
    pub loudness_lufs: Option<f64>,
    /// The sound was under 3 s, and the loudness is that of the sound repeated.
    pub loudness_repeated: bool,
    /// EBU Tech 3342, in LU; from 60 s on.
    pub loudness_range: Option<f64>,
    /// None for digital silence.
    pub true_peak_dbtp: Option<f64>,
    /// In hexadecimals, of the file's bytes.
    pub file_sha256: String,
    /// In hexadecimals, of the samples as little-endian 32-bit integers, interleaved: the same for one
    /// recording in every lossless format of the same depth or a greater one.
    pub samples_sha256: String,
    /// Beats a minute, when there is a beat at all.
    pub bpm: Option<f64>,
    /// 0 to 1: plain from 0.25, a question below.
    pub bpm_sure: f64,
    /// `c` to `b` with `s` for sharp and `m` for minor.
    pub key: Option<String>,
    /// 0 to 1: the lead over the second best key.
    pub key_sure: f64,
    pub file_bytes: i64,
    /// Chromaprint words, one per 0.1238 s; empty under about 3 s.
    pub fingerprint: Vec<u32>,
    pub oddities: Oddities,
}

/// What was wrong with a master that was taken all the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Oddities {
    /// Samples that were no numbers and became zero.
    pub not_numbers: i64,
    /// Packets that could not be decoded, of how many.
    pub damaged_packets: i64,
    pub packets: i64,
    /// Frames the file says it holds, where that differs by more than a tenth of a second.
    pub declared_frames: Option<i64>,
}

/// Rate of the signal that tempo, key and fingerprint share.
const LOW: u32 = fingerprint::RATE;
/// Samples of one pair of peaks.
const PIXEL: usize = 256;
/// Bars of the small waveform.
const BARS: usize = 200;

/// All that the first sweep found, for the second and for the answer.
pub struct Heard {
    pub facts: Facts,
    pub peaks: Vec<u8>,
    pub bars: Vec<u8>,
    pub look: Look,
    /// Loudness of each tenth of a second, as power that 0 LUFS would have as 1.
    pub tenths: Vec<f32>,
    /// How much starts in each tenth of a second.
    pub onsets: Vec<f32>,
}

/// Those who listen.
pub struct Analysts {
    rate: u32,
    channels: usize,
    meter: Meter,
    true_peak: TruePeak,
    sha: Sha256,
    bytes: Vec<u8>,
    mono: Vec<f32>,
    low: Vec<f32>,
    resampler: Resampler,
    peaks: Peaks,
    tempo: tempo::Listener,
    key: key::Listener,
    print: fingerprint::Listener,
    sample_peak: f32,
    /// The first three seconds, as long as there are no more.
    short: Option<Vec<f32>>,
}

impl Analysts {
    /// Listeners for sound of this shape; fails where one of them cannot be made for it.
    pub fn new(spec: &Spec) -> Result<Analysts, Refusal> {
        Ok(Analysts {
            rate: spec.rate,
            channels: spec.channels,
            meter: Meter::new(spec.channels, spec.rate),
            true_peak: TruePeak::new(spec.channels, spec.rate),
            sha: Sha256::new(),
            bytes: Vec::new(),
            mono: Vec::new(),
            low: Vec::new(),
            resampler: Resampler::new(spec.rate, LOW, 1, 10),
            peaks: Peaks::default(),
            tempo: tempo::Listener::new(LOW),
            key: key::Listener::new(LOW),
            print: fingerprint::Listener::new()
                .ok_or_else(|| Refusal::ours("no fingerprint at this rate"))?,
            sample_peak: 0.0,
            short: Some(Vec::new()),
        })
    }

    /// Everyone hears one block.
    pub fn hear(&mut self, block: &Block) -> Result<(), Refusal> {
        self.meter.hear(&block.floats);
        self.true_peak.hear(&block.floats);
        self.bytes.resize(block.ints.len() * 4, 0);
        for (bytes, sample) in self.bytes.as_chunks_mut::<4>().0.iter_mut().zip(&block.ints) {
            *bytes = sample.to_le_bytes();
        }
        self.sha.update(&self.bytes);
        if let Some(short) = &mut self.short {
            short.extend_from_slice(&block.floats);
            if short.len() >= 3 * self.rate as usize * self.channels {
                self.short = None;
            }
        }
        self.sample_peak = self.sample_peak.max(highest(&block.floats));
        mix(&block.floats, self.channels, &mut self.mono);
        self.peaks.hear(&self.mono);
        self.low.clear();
        self.resampler.push(&self.mono, &mut self.low);
        self.hear_low();
        Ok(())
    }

    fn hear_low(&mut self) {
        self.tempo.hear(&self.low);
        self.key.hear(&self.low);
        self.print.hear(&self.low);
    }

    /// What they say, or that it was silence.
    pub fn finish(mut self, source: &Source) -> Result<Heard, Refusal> {
        self.low.clear();
        let mut rest = std::mem::take(&mut self.low);
        self.resampler.finish(&mut rest);
        self.low = rest;
        self.hear_low();
        let (rate, frames) = (f64::from(self.rate), source.frames);
        let secs = frames as f64 / rate;
        let (loudness, repeated) = self.loudness();
        let peak = self.true_peak.finish();
        if loudness.is_none_or(|l| l < -70.0) && self.sample_peak < 1e-3 {
            return Err(Refusal::Silent);
        }
        let range = self.meter.range().filter(|_| secs >= 60.0);
        let onsets: Vec<f32> = self.tempo.onsets().chunks(10).map(|part| part.iter().sum()).collect();
        let tempo = self.tempo.finish(secs);
        let key = self.key.finish();
        let look = Look::of(&key, &tempo, loudness.unwrap_or(-30.0));
        let tenths = self.meter.finish();
        let (peaks, bars) = self.peaks.finish();
        let file_sha256 = source.file.sha256().map_err(Refusal::ours)?;
        let spec = &source.spec;
        let facts = Facts {
            container: spec.container.to_owned(),
            codec: spec.codec.clone(),
            frames: frames as i64,
            duration_ms: (secs * 1000.0).round() as i64,
            sample_rate: spec.rate as i32,
            channels: spec.channels as i32,
            bits: spec.bits.map(|bits| bits as i32),
            loudness_lufs: loudness.map(hundredths),
            loudness_repeated: repeated,
            loudness_range: range.map(hundredths),
            true_peak_dbtp: (peak > 0.0).then(|| hundredths(20.0 * peak.log10())),
            file_sha256,
            samples_sha256: hex::encode(self.sha.finalize()),
            bpm: tempo.bpm,
            bpm_sure: hundredths(tempo.sure),
            key: key.name.clone(),
            key_sure: hundredths(key.sure),
            file_bytes: spec.bytes as i64,
            fingerprint: self.print.finish(),
            oddities: oddities(source),
        };
        Ok(Heard { facts, peaks, bars, look, tenths, onsets })
    }

    /// Integrated loudness, and whether the sound had to be repeated for it.
    fn loudness(&self) -> (Option<f64>, bool) {
        let Some(short) = self.short.as_ref().filter(|short| !short.is_empty()) else {
            return (self.meter.integrated(), false);
        };
        let mut meter = Meter::new(self.channels, self.rate);
        for _ in 0..(3 * self.rate as usize * self.channels).div_ceil(short.len()) {
            meter.hear(short);
        }
        (meter.integrated(), true)
    }
}

fn oddities(source: &Source) -> Oddities {
    let tenth = u64::from(source.spec.rate) / 10;
    let declared = source.spec.declared.filter(|d| d.abs_diff(source.frames) > tenth);
    Oddities {
        not_numbers: source.not_numbers as i64,
        damaged_packets: source.bad_packets as i64,
        packets: source.packets as i64,
        declared_frames: declared.and_then(|d| i64::try_from(d).ok()),
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The mean of all channels.
fn mix(samples: &[f32], channels: usize, mono: &mut Vec<f32>) {
    mono.clear();
    match channels {
        1 => mono.extend_from_slice(samples),
        2 => mono.extend(samples.as_chunks::<2>().0.iter().map(|[l, r]| 0.5 * (l + r))),
        n => {
            let by = 1.0 / n as f32;
            mono.extend(samples.chunks_exact(n).map(|frame| frame.iter().sum::<f32>() * by));
        }
    }
}

/// Least and most of every 256 samples of the mono mix.
#[derive(Default)]
struct Peaks {
    pairs: Vec<u8>,
    least: f32,
    most: f32,
    held: usize,
}

impl Peaks {
    fn hear(&mut self, mut mono: &[f32]) {
        while !mono.is_empty() {
            let (part, rest) = mono.split_at(mono.len().min(PIXEL - self.held));
            if self.held == 0 {
                (self.least, self.most) = (part[0], part[0]);
            }
            let (least, most) = extremes(part);
            (self.least, self.most) = (self.least.min(least), self.most.max(most));
            self.held += part.len();
            if self.held == PIXEL {
                self.keep();
            }
            mono = rest;
        }
    }

    fn keep(&mut self) {
        let byte = |v: f32| (v * 128.0).floor().clamp(-128.0, 127.0) as i8 as u8;
        self.pairs.extend([byte(self.least), byte(self.most)]);
        self.held = 0;
    }

    /// The pairs, and the bars of the small waveform.
    fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        if self.held > 0 {
            self.keep();
        }
        let heights: Vec<f64> = self
            .pairs
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[least, most]| f64::from(i16::from(*most as i8) - i16::from(*least as i8)))
            .collect();
        let bars: Vec<f64> = (0..BARS)
            .map(|bar| {
                let from = bar * heights.len() / BARS;
                let to = ((bar + 1) * heights.len() / BARS).max(from + 1).min(heights.len());
                let part = &heights[from..to];
                // Between the mean and the peak: a mean hides strokes, a peak hides everything else.
                let mean = part.iter().sum::<f64>() / part.len() as f64;
                0.5 * (mean + part.iter().fold(0.0, |most: f64, h| most.max(*h)))
            })
            .collect();
        let most = bars.iter().fold(1.0, |most: f64, bar| most.max(*bar));
        let bars = bars.iter().map(|bar| (255.0 * bar / most).round() as u8).collect();
        (self.pairs, bars)
    }
}

fn extremes(part: &[f32]) -> (f32, f32) {
    let (mut least, mut most) = ([f32::MAX; 8], [f32::MIN; 8]);
    let (eights, rest) = part.as_chunks::<8>();
    for eight in eights {
        for i in 0..8 {
            least[i] = least[i].min(eight[i]);
            most[i] = most[i].max(eight[i]);
        }
    }
    let all = least.iter().chain(rest).fold(f32::MAX, |a, b| a.min(*b));
    (all, most.iter().chain(rest).fold(f32::MIN, |a, b| a.max(*b)))
}

/// The peaks as the version-2 JSON of BBC audiowaveform. `peaks` are pairs of least and most per 256 samples.
pub fn peaks_json(peaks: &[u8], sample_rate: i32) -> String {
    coarse_peaks_json(peaks, sample_rate, 0)
}

/// The same with `halvings` times half as many pairs, exact without the sound.
pub fn coarse_peaks_json(peaks: &[u8], sample_rate: i32, halvings: u32) -> String {
    let pairs = coarse(peaks, halvings);
    let mut json = String::with_capacity(pairs.len() * 9 + 128);
    let _ = write!(
        json,
        r#"{{"version":2,"channels":1,"sample_rate":{sample_rate},"samples_per_pixel":{},"bits":8,"length":{},"data":["#,
        PIXEL << halvings,
        pairs.len()
    );
    for (i, (least, most)) in pairs.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let _ = write!(json, "{comma}{least},{most}");
    }
    json.push_str("]}");
    json
}

/// What `coarse_peaks_json` says, as the version-2 binary of BBC audiowaveform: a head of six little-endian numbers of
/// four bytes, then least and most of each pair as a signed byte.
pub fn coarse_peaks_dat(peaks: &[u8], sample_rate: i32, halvings: u32) -> Vec<u8> {
    const VERSION: i32 = 2;
    const EIGHT_BITS: i32 = 1;
    const CHANNELS: i32 = 1;
    let pairs = coarse(peaks, halvings);
    let mut dat = Vec::with_capacity(24 + 2 * pairs.len());
    let per_pixel = (PIXEL << halvings) as i32;
    for number in [VERSION, EIGHT_BITS, sample_rate, per_pixel, pairs.len() as i32, CHANNELS] {
        dat.extend_from_slice(&number.to_le_bytes());
    }
    for (least, most) in pairs {
        dat.extend([least as u8, most as u8]);
    }
    dat
}

fn coarse(peaks: &[u8], halvings: u32) -> Vec<(i8, i8)> {
    let mut pairs: Vec<(i8, i8)> =
        peaks.as_chunks::<2>().0.iter().map(|[a, b]| (*a as i8, *b as i8)).collect();
    for _ in 0..halvings {
        pairs = pairs
            .chunks(2)
            .map(|two| {
                (two.iter().map(|p| p.0).min().unwrap_or(0), two.iter().map(|p| p.1).max().unwrap_or(0))
            })
            .collect();
    }
    pairs
}
