//! The second sweep: levelled, marked, limited, encoded.

use std::io::Write;

use ebur128::{EbuR128, Mode};
use mp3lame_encoder::{
    Bitrate, Builder, Encoder, FlushGap, InterleavedPcm, MonoPcm, Quality, max_required_buffer_size,
};

use super::Refusal;
use super::facts::Heard;
use super::mark::{Marker, Motif};
use super::resample::Resampler;
use super::spool::Spool;
use super::wire::{Part, Wire};

/// Loudness every preview is brought to, LUFS.
const TARGET: f64 = -16.0;
/// Highest sample before the encoder, dBFS: what lies between samples and what the coding adds stay under
/// -1 dBTP with this.
const CEILING_DB: f64 = -3.6;
/// How far peaks may be held down to reach the target: music bears more than a single stroke.
const HOLD_MUSIC_DB: f64 = 12.0;
const HOLD_STROKE_DB: f64 = 3.0;
/// No sound is raised by more.
const MOST_GAIN_DB: f64 = 40.0;

/// Brings what was decoded into the spool: at most two channels, at a rate MP3 knows.
pub struct Intake {
    channels: usize,
    resampler: Option<Resampler>,
    mixed: Vec<f32>,
    ready: Vec<f32>,
    pub spool: Spool,
    pub peak: f32,
}

impl Intake {
    pub fn new(file: std::fs::File, rate: u32, channels: usize) -> Intake {
        let (to, kept) = (mp3_rate(rate), channels.min(2));
        Intake {
            channels,
            resampler: (to != rate).then(|| Resampler::new(rate, to, kept, 24)),
            mixed: Vec::new(),
            ready: Vec::new(),
            spool: Spool::new(file, to, kept),
            peak: 0.0,
        }
    }

    /// Takes one block of interleaved samples.
    pub fn take(&mut self, samples: &[f32]) -> Result<(), Refusal> {
        let samples = down_mix(samples, self.channels, &mut self.mixed);
        let samples = match &mut self.resampler {
            Some(resampler) => {
                self.ready.clear();
                resampler.push(samples, &mut self.ready);
                &self.ready
            }
            None => samples,
        };
        self.peak = samples.iter().fold(self.peak, |most, s| most.max(s.abs()));
        self.spool.write(samples).map_err(Refusal::ours)
    }

    pub fn finish(&mut self) -> Result<(), Refusal> {
        if let Some(resampler) = &mut self.resampler {
            self.ready.clear();
            resampler.finish(&mut self.ready);
            self.peak = self.ready.iter().fold(self.peak, |most, s| most.max(s.abs()));
            self.spool.write(&self.ready).map_err(Refusal::ours)?;
        }
        Ok(())
    }
}

/// The rate a preview has: the master's own where MP3 knows it at 128 kb/s, else 44.1 or 48 kHz.
pub fn mp3_rate(rate: u32) -> u32 {
    match rate {
        16_000 | 22_050 | 24_000 | 32_000 | 44_100 | 48_000 => rate,
        _ if rate.is_multiple_of(11_025) => 44_100,
        _ => 48_000,
    }
}

/// At most two channels; more are taken in the order of WAV (L R C LFE and pairs) and folded in.
pub fn down_mix<'a>(samples: &'a [f32], channels: usize, mixed: &'a mut Vec<f32>) -> &'a [f32] {
    if channels <= 2 {
        return samples;
    }
    const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    mixed.clear();
    for frame in samples.chunks_exact(channels) {
        let (mut left, mut right) = (frame[0], frame[1]);
        match channels {
            4 => {
                left += HALF * frame[2];
                right += HALF * frame[3];
            }
            _ => {
                left += HALF * frame[2];
                right += HALF * frame[2];
                let pairs = if channels >= 6 { &frame[4..] } else { &frame[3..] };
                for (i, sample) in pairs.iter().enumerate() {
                    *if i % 2 == 0 { &mut left } else { &mut right } += HALF * sample;
                }
            }
        }
        mixed.extend([left, right]);
    }
    mixed
}

/// What the second sweep is told.
pub struct Plan<'a> {
    pub motif: &'a [u8; 32],
    pub preview: &'a [u8; 32],
    pub sample: &'a [u8; 32],
    pub sample_secs: u32,
}

/// Makes preview and sample; gives where the sample begins, in milliseconds of the master.
pub fn second_sweep<W: Write>(
    intake: &mut Intake,
    heard: &Heard,
    plan: &Plan<'_>,
    out: &mut Wire<W>,
) -> Result<i64, Refusal> {
    let gain_db = settle(intake, heard)?;
    let spool = &mut intake.spool;
    let (rate, channels, frames) = (spool.rate, spool.channels, spool.frames);
    let level = heard.facts.loudness_lufs.map_or(TARGET, |l| (l + gain_db).min(TARGET));
    let around = |secs: f64| short_term(&heard.tenths, secs) + gain_db;
    let motif = Motif::new(plan.motif, rate)?;
    let wanted = u64::from(plan.sample_secs) * u64::from(rate);
    // A sample that leaves out less than a second would only look like a mistake.
    let (from, to) = if frames <= wanted + u64::from(rate) {
        (0, frames)
    } else {
        let secs = frames as f64 / f64::from(rate);
        let begin = (liveliest(heard, secs, f64::from(plan.sample_secs)) * f64::from(rate)) as u64;
        let begin = begin.min(frames - wanted);
        (begin, begin + wanted)
    };
    let from_secs = from as f64 / f64::from(rate);
    let marker = |seed, frames, at: f64| {
        Marker::new(motif.clone(), seed, rate, channels, frames, level, |secs| around(secs + at))
    };
    let mut chains = [
        Chain::new(Part::Preview, rate, channels, 0..frames, frames, marker(plan.preview, frames, 0.0))?,
        Chain::new(
            Part::Sample,
            rate,
            channels,
            from..to,
            frames,
            marker(plan.sample, to - from, from_secs),
        )?,
    ];
    let gain = 10f32.powf(gain_db as f32 / 20.0);
    let mut block = Vec::new();
    let mut at = 0;
    spool.rewind().map_err(Refusal::ours)?;
    while spool.read(&mut block).map_err(Refusal::ours)? {
        block.iter_mut().for_each(|s| *s *= gain);
        for chain in &mut chains {
            chain.take(&block, at, out)?;
        }
        at += (block.len() / channels) as u64;
    }
    for chain in chains {
        chain.finish(out)?;
    }
    Ok((from_secs * 1000.0).round() as i64)
}

/// The gain in dB that brings the whole to the target behind the limiter.
fn settle(intake: &mut Intake, heard: &Heard) -> Result<f64, Refusal> {
    let peak_db = 20.0 * f64::from(intake.peak.max(1e-6)).log10();
    let Some(lufs) = heard.facts.loudness_lufs else {
        return Ok((CEILING_DB - peak_db).min(MOST_GAIN_DB));
    };
    let hold = if heard.facts.loudness_repeated { HOLD_STROKE_DB } else { HOLD_MUSIC_DB };
    let most = (CEILING_DB + hold - peak_db).min(MOST_GAIN_DB);
    let mut gain_db = (TARGET - lufs).min(most);
    // The limiter takes loudness only where it works hard, and a fold-down has another than its master.
    let hard = peak_db + gain_db > CEILING_DB + 1.0;
    if heard.facts.loudness_repeated || !(hard || heard.facts.channels > 2) {
        return Ok(gain_db);
    }
    for _ in 0..3 {
        let behind = measure(&mut intake.spool, gain_db)?;
        let missing = TARGET - behind;
        if !behind.is_finite() || missing.abs() < 0.1 {
            break;
        }
        let next = (gain_db + missing).min(most);
        let moved = (next - gain_db).abs();
        gain_db = next;
        if moved < 0.05 {
            break;
        }
    }
    Ok(gain_db)
}

fn measure(spool: &mut Spool, gain_db: f64) -> Result<f64, Refusal> {
    let gain = 10f32.powf(gain_db as f32 / 20.0);
    let mut meter = EbuR128::new(spool.channels as u32, spool.rate, Mode::I).map_err(Refusal::ours)?;
    let mut limiter = Limiter::new(spool.rate, spool.channels);
    let mut block = Vec::new();
    spool.rewind().map_err(Refusal::ours)?;
    while spool.read(&mut block).map_err(Refusal::ours)? {
        block.iter_mut().for_each(|s| *s *= gain);
        meter.add_frames_f32(limiter.push(&block)).map_err(Refusal::ours)?;
    }
    meter.add_frames_f32(limiter.finish()).map_err(Refusal::ours)?;
    meter.loudness_global().map_err(Refusal::ours)
}

/// Loudness over the three seconds around a second, LUFS.
fn short_term(tenths: &[f32], secs: f64) -> f64 {
    let middle = (secs * 10.0) as usize;
    let part = &tenths[middle.saturating_sub(15).min(tenths.len())..(middle + 15).min(tenths.len())];
    let mean = part.iter().map(|p| f64::from(*p)).sum::<f64>() / part.len().max(1) as f64;
    10.0 * mean.max(1e-12).log10()
}

/// Where `long` seconds begin in which most happens: loud, and much that starts.
fn liveliest(heard: &Heard, secs: f64, long: f64) -> f64 {
    let mean = heard.onsets.iter().sum::<f32>() / heard.onsets.len().max(1) as f32;
    let mut sums = vec![0f64];
    for (i, power) in heard.tenths.iter().enumerate() {
        let loud = 10.0 * f64::from(power.max(1e-6)).log10();
        let lively = heard.onsets.get(i).map_or(0.0, |onset| f64::from((onset / mean.max(1e-6)).min(3.0)));
        sums.push(sums[i] + loud + 3.0 * lively);
    }
    let long = (long * 10.0) as usize;
    let last = ((secs * 10.0) as usize).min(sums.len() - 1).saturating_sub(long);
    // Of two as good the earlier, so that a steady track begins at its beginning.
    let score = |at: usize| sums[at + long] - sums[at];
    let best =
        (0..=last).step_by(5).fold(0, |best, at| if score(at) > score(best) + 1e-6 { at } else { best });
    best as f64 / 10.0
}

/// One stretch on its way to an MP3.
struct Chain {
    part: Part,
    range: std::ops::Range<u64>,
    channels: usize,
    rate: u32,
    /// Frames of the fades at a cut edge; none where the track itself begins or ends.
    fade_in: u64,
    fade_out: u64,
    marker: Marker,
    limiter: Limiter,
    mp3: Mp3,
    work: Vec<f32>,
}

impl Chain {
    fn new(
        part: Part,
        rate: u32,
        channels: usize,
        range: std::ops::Range<u64>,
        all: u64,
        marker: Marker,
    ) -> Result<Chain, Refusal> {
        Ok(Chain {
            part,
            channels,
            rate,
            fade_in: if range.start > 0 { u64::from(rate) / 2 } else { 0 },
            fade_out: if range.end < all { u64::from(rate) * 2 } else { 0 },
            range,
            marker,
            limiter: Limiter::new(rate, channels),
            mp3: Mp3::new(rate, channels, Bitrate::Kbps128, Quality::Ok)?,
            work: Vec::new(),
        })
    }

    fn take<W: Write>(&mut self, block: &[f32], at: u64, out: &mut Wire<W>) -> Result<(), Refusal> {
        let end = at + (block.len() / self.channels) as u64;
        let (from, to) = (self.range.start.max(at), self.range.end.min(end));
        if from >= to {
            return Ok(());
        }
        self.work.clear();
        self.work.extend_from_slice(
            &block[(from - at) as usize * self.channels..(to - at) as usize * self.channels],
        );
        self.fade(from);
        self.marker.lay(&mut self.work);
        let ready = self.limiter.push(&self.work);
        out.part(self.part, self.mp3.push(ready)?)
    }

    fn fade(&mut self, from: u64) {
        let to = from + (self.work.len() / self.channels) as u64;
        if from >= self.range.start + self.fade_in && to + self.fade_out <= self.range.end {
            return;
        }
        for (i, frame) in self.work.chunks_exact_mut(self.channels).enumerate() {
            let at = from + i as u64;
            let rising = ((at - self.range.start) as f32 / self.fade_in.max(1) as f32).min(1.0);
            let falling = ((self.range.end - at) as f32 / self.fade_out.max(1) as f32).min(1.0);
            // A sine's quarter is heard as even.
            let by = (rising * falling * std::f32::consts::FRAC_PI_2).sin();
            if by < 1.0 && (self.fade_in > 0 && rising < 1.0 || self.fade_out > 0 && falling < 1.0) {
                frame.iter_mut().for_each(|s| *s *= by);
            }
        }
    }

    fn finish<W: Write>(mut self, out: &mut Wire<W>) -> Result<(), Refusal> {
        let ready = self.limiter.finish();
        out.part(self.part, self.mp3.push(ready)?)?;
        let (tail, tag) = self.mp3.finish()?;
        out.part(self.part, &tail)?;
        debug_assert!(self.rate > 0);
        out.patch(self.part, 0, &tag)
    }
}

/// Holds peaks under the ceiling, looking 3 ms ahead; both channels together.
pub struct Limiter {
    channels: usize,
    ceiling: f32,
    ahead: usize,
    back: f32,
    /// Frames not given yet, and the gain each asks for.
    line: Vec<f32>,
    need: Vec<f32>,
    /// The gain as it comes back, and its last `ahead + 1` values.
    gain: f32,
    recent: std::collections::VecDeque<f32>,
    ready: Vec<f32>,
    fresh: bool,
    queue: std::collections::VecDeque<usize>,
}

impl Limiter {
    pub fn new(rate: u32, channels: usize) -> Limiter {
        let ahead = (rate as usize * 3 / 1000).max(8);
        Limiter {
            channels,
            ceiling: 10f32.powf(CEILING_DB as f32 / 20.0),
            ahead,
            back: 1.0 - (-1.0 / (0.080 * rate as f32)).exp(),
            line: Vec::new(),
            need: Vec::new(),
            gain: 1.0,
            recent: std::iter::repeat_n(1.0, ahead + 1).collect(),
            ready: Vec::new(),
            fresh: true,
            queue: Default::default(),
        }
    }

    /// Takes frames and gives those that are ready; in all, as many come out as went in.
    pub fn push(&mut self, frames: &[f32]) -> &[f32] {
        let (channels, ceiling) = (self.channels, self.ceiling);
        let peak = frames.iter().fold(0f32, |most, s| most.max(s.abs()));
        self.line.extend_from_slice(frames);
        if peak <= ceiling {
            self.need.resize(self.line.len() / channels, 1.0);
        } else {
            self.need.extend(frames.chunks_exact(channels).map(|frame| {
                let peak = frame.iter().fold(0f32, |most, s| most.max(s.abs()));
                if peak > ceiling { ceiling / peak } else { 1.0 }
            }));
        }
        let ready = self.need.len().saturating_sub(self.ahead);
        self.give(ready)
    }

    pub fn finish(&mut self) -> &[f32] {
        let ready = self.need.len();
        self.give(ready)
    }

    fn give(&mut self, ready: usize) -> &[f32] {
        let channels = self.channels;
        self.ready.clear();
        self.ready.extend_from_slice(&self.line[..ready * channels]);
        let idle = self.gain > 0.9999 && self.recent.iter().all(|g| *g > 0.9999);
        if !(idle && self.need.iter().all(|need| *need >= 1.0)) {
            self.hold(ready);
        } else {
            self.gain = 1.0;
            self.fresh &= ready == 0;
        }
        self.line.drain(..ready * channels);
        self.need.drain(..ready);
        &self.ready
    }

    /// The gain of a frame is the mean of the last values of a gain that falls at once to the least needed
    /// within reach and comes back slowly: no peak passes, and nothing jumps.
    fn hold(&mut self, ready: usize) {
        let mut sum: f64 = self.recent.iter().map(|g| f64::from(*g)).sum();
        let span = self.recent.len() as f64;
        self.queue.clear();
        let mut seen = 0;
        for frame in 0..ready {
            let reach = (frame + self.ahead + 1).min(self.need.len());
            while seen < reach {
                while self.queue.back().is_some_and(|last| self.need[*last] >= self.need[seen]) {
                    self.queue.pop_back();
                }
                self.queue.push_back(seen);
                seen += 1;
            }
            while self.queue.front().is_some_and(|first| *first < frame) {
                self.queue.pop_front();
            }
            let least = self.queue.front().map_or(1.0, |first| self.need[*first]);
            // Before the first frame there was no time to fall in.
            if std::mem::take(&mut self.fresh) {
                self.recent.iter_mut().for_each(|g| *g = least);
                sum = f64::from(least) * span;
            }
            self.gain = (self.gain + (1.0 - self.gain) * self.back).min(least);
            sum += f64::from(self.gain) - f64::from(self.recent.pop_front().unwrap_or(1.0));
            self.recent.push_back(self.gain);
            let by = (sum / span) as f32;
            self.ready[frame * self.channels..(frame + 1) * self.channels].iter_mut().for_each(|s| *s *= by);
        }
    }
}

/// LAME with its length told to the frame.
pub struct Mp3 {
    lame: Encoder,
    channels: usize,
    bytes: Vec<u8>,
    fed: bool,
}

impl Mp3 {
    /// One or two channels; nothing resamples in here.
    pub fn new(rate: u32, channels: usize, kbps: Bitrate, quality: Quality) -> Result<Mp3, Refusal> {
        let builder = Builder::new().ok_or(Refusal::TooLarge)?;
        let lame = builder
            .with_num_channels(channels as u8)
            .and_then(|b| b.with_sample_rate(rate))
            .and_then(|b| b.with_output_sample_rate(std::num::NonZeroU32::new(rate)))
            .and_then(|b| b.with_brate(kbps))
            .and_then(|b| b.with_quality(quality))
            .and_then(|b| b.with_to_write_vbr_tag(true))
            .and_then(|b| b.build())
            .map_err(|error| Refusal::ours(format!("LAME at {rate} Hz: {error}")))?;
        Ok(Mp3 { lame, channels, bytes: Vec::new(), fed: false })
    }

    /// Encodes interleaved samples within full scale; gives the bytes that are done.
    pub fn push(&mut self, samples: &[f32]) -> Result<&[u8], Refusal> {
        self.bytes.clear();
        if samples.is_empty() {
            return Ok(&self.bytes);
        }
        self.fed = true;
        // The encoder writes into what is reserved and never grows it.
        self.bytes.reserve(max_required_buffer_size(samples.len() / self.channels));
        let result = if self.channels == 1 {
            self.lame.encode_to_vec(MonoPcm(samples), &mut self.bytes)
        } else {
            self.lame.encode_to_vec(InterleavedPcm(samples), &mut self.bytes)
        };
        result.map_err(Refusal::ours)?;
        Ok(&self.bytes)
    }

    /// The last bytes, and the first frame as it must be at last: with the exact length in it.
    pub fn finish(mut self) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
        // LAME complains on standard output when it is flushed without having been fed.
        if !self.fed {
            return Err(Refusal::Empty);
        }
        let mut tail = Vec::with_capacity(7200);
        self.lame.flush_to_vec::<FlushGap>(&mut tail).map_err(Refusal::ours)?;
        let mut tag = Vec::with_capacity(self.lame.lame_tag_size());
        self.lame.lame_tag_encode_to_vec(&mut tag);
        Ok((tail, tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limiter_holds_every_peak_and_loses_no_frame() {
        let rate = 44_100;
        let sound: Vec<f32> = (0..rate * 2)
            .flat_map(|i| {
                let t = i as f32 / rate as f32;
                let burst = if (i / 9000) % 2 == 0 { 1.9 } else { 0.3 };
                [burst * (t * 700.0).sin(), burst * (t * 1234.0).cos()]
            })
            .collect();
        let mut limiter = Limiter::new(rate, 2);
        let mut out = Vec::new();
        for part in sound.chunks(3334) {
            out.extend_from_slice(limiter.push(part));
        }
        out.extend_from_slice(limiter.finish());
        assert_eq!(out.len(), sound.len());
        let most = out.iter().fold(0f32, |most, s| most.max(s.abs()));
        assert!(most <= 10f32.powf(CEILING_DB as f32 / 20.0) * 1.0001, "{most}");
        // Soft passages come back to their level.
        assert!((out[2 * 17_900] / sound[2 * 17_900] - 1.0).abs() < 0.2);
    }

    #[test]
    fn what_is_soft_passes_untouched() {
        let sound: Vec<f32> = (0..50_000).map(|i| (i as f32 * 0.01).sin() * 0.5).collect();
        let mut limiter = Limiter::new(48_000, 1);
        let mut out = limiter.push(&sound[..20_000]).to_vec();
        out.extend_from_slice(limiter.push(&sound[20_000..]));
        out.extend_from_slice(limiter.finish());
        assert_eq!(out, sound);
    }

    #[test]
    fn rates_stay_where_mp3_knows_them() {
        for (rate, want) in [
            (44_100, 44_100),
            (22_050, 22_050),
            (96_000, 48_000),
            (88_200, 44_100),
            (8_000, 48_000),
            (11_025, 44_100),
        ] {
            assert_eq!(mp3_rate(rate), want);
        }
    }
}
