//! The second sweep: levelled, marked, limited, encoded.

use std::io::Write;

use ebur128::{EbuR128, Mode};
use mp3lame_encoder::{
    Bitrate, Builder, Encoder, FlushGap, InterleavedPcm, MonoPcm, Quality, max_required_buffer_size,
};

use super::Refusal;
use super::facts::Heard;
use super::mark::{self, Marker, Motif};
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
    let motif = Motif::new(plan.motif, intake.spool.rate)?;
    sweep(intake, heard, plan, &motif, out)
}

/// The same with a motif that is there already.
pub(super) fn sweep<W: Write>(
    intake: &mut Intake,
    heard: &Heard,
    plan: &Plan<'_>,
    motif: &Motif,
    out: &mut Wire<W>,
) -> Result<i64, Refusal> {
    let (rate, channels, frames) = (intake.spool.rate, intake.spool.channels, intake.spool.frames);
    let wanted = u64::from(plan.sample_secs) * u64::from(rate);
    // A sample that leaves out less than a second would only look like a mistake.
    let cut = if frames <= wanted + u64::from(rate) {
        0..frames
    } else {
        let secs = frames as f64 / f64::from(rate);
        let begin = (liveliest(heard, secs, f64::from(plan.sample_secs)) * f64::from(rate)) as u64;
        let begin = begin.min(frames - wanted);
        begin..begin + wanted
    };
    let begin_ms = (cut.start as f64 * 1000.0 / f64::from(rate)).round() as i64;
    let mut chains = Vec::new();
    for (part, seed, range) in [(Part::Preview, plan.preview, 0..frames), (Part::Sample, plan.sample, cut)] {
        let stretch = Stretch { part, seed, range, all: frames, rate, channels, motif, heard };
        let gain_db = stretch.settle(intake)?;
        let mp3 = Mp3::new(rate, channels, Bitrate::Kbps128, Quality::Ok)?;
        chains.push((part, stretch.treatment(gain_db), mp3));
    }
    let spool = &mut intake.spool;
    let (mut block, mut at) = (Vec::new(), 0);
    spool.rewind().map_err(Refusal::ours)?;
    while spool.read(&mut block).map_err(Refusal::ours)? {
        for (part, treatment, mp3) in &mut chains {
            out.part(*part, mp3.push(treatment.take(&block, at))?)?;
        }
        at += (block.len() / channels) as u64;
    }
    for (part, mut treatment, mut mp3) in chains {
        out.part(part, mp3.push(treatment.finish())?)?;
        let (tail, tag) = mp3.finish()?;
        out.part(part, &tail)?;
        out.patch(part, 0, &tag)?;
    }
    Ok(begin_ms)
}

/// A part of the track that becomes an MP3.
struct Stretch<'a> {
    part: Part,
    seed: &'a [u8; 32],
    /// Its frames, of all there are.
    range: std::ops::Range<u64>,
    all: u64,
    rate: u32,
    channels: usize,
    motif: &'a Motif,
    heard: &'a Heard,
}

impl Stretch<'_> {
    /// What is done to it at this gain.
    fn treatment(&self, gain_db: f64) -> Treatment {
        let level = self.heard.facts.loudness_lufs.map_or(TARGET, |l| (l + gain_db).min(TARGET));
        let from = self.range.start as f64 / f64::from(self.rate);
        let frames = self.range.end - self.range.start;
        let marker =
            Marker::new(self.motif.clone(), self.seed, self.rate, self.channels, frames, level, |at| {
                short_term(&self.heard.tenths, from + at) + gain_db
            });
        Treatment {
            range: self.range.clone(),
            channels: self.channels,
            gain: 10f32.powf(gain_db as f32 / 20.0),
            fade_in: self.fade_in(),
            fade_out: self.fade_out(),
            marker,
            limiter: Limiter::new(self.rate, self.channels),
            work: Vec::new(),
        }
    }

    /// Frames of the fades at a cut edge; none where the track itself begins or ends.
    fn fade_in(&self) -> u64 {
        if self.range.start > 0 { u64::from(self.rate) / 2 } else { 0 }
    }

    fn fade_out(&self) -> u64 {
        if self.range.end < self.all { u64::from(self.rate) * 2 } else { 0 }
    }

    /// The gain in dB that brings it to the target, faded, marked and behind the limiter.
    fn settle(&self, intake: &mut Intake) -> Result<f64, Refusal> {
        let peak_db = 20.0 * f64::from(intake.peak.max(1e-6)).log10();
        let facts = &self.heard.facts;
        let Some(lufs) = facts.loudness_lufs else {
            return Ok((CEILING_DB - peak_db).min(MOST_GAIN_DB));
        };
        let hold = if facts.loudness_repeated { HOLD_STROKE_DB } else { HOLD_MUSIC_DB };
        let most = (CEILING_DB + hold - peak_db).min(MOST_GAIN_DB);
        if facts.loudness_repeated {
            return Ok((TARGET - lufs).min(most));
        }
        let mut gain_db = (TARGET - self.expected(lufs)).min(most);
        // The limiter takes loudness only where it works hard, a fold-down has another than its master, and
        // what is expected of a part is only near: those are measured. A whole is not, which saves a sweep.
        let hard = peak_db + gain_db > CEILING_DB + 1.0;
        if !hard && facts.channels <= 2 && self.part == Part::Preview {
            return Ok(gain_db);
        }
        for _ in 0..3 {
            let missing = TARGET - self.measure(&mut intake.spool, gain_db)?;
            if !missing.is_finite() || missing.abs() < 0.1 {
                break;
            }
            let next = (gain_db + missing).clamp(-MOST_GAIN_DB, most);
            let moved = (next - gain_db).abs();
            gain_db = next;
            if moved < 0.05 {
                break;
            }
        }
        Ok(gain_db)
    }

    /// Loudness without gain that follows from the tenths of the whole, which has `lufs`: fades and marks
    /// taken into account, the limiter not.
    fn expected(&self, lufs: f64) -> f64 {
        let tenths = &self.heard.tenths;
        let tenth = |frames: u64| (frames as f64 * 10.0 / f64::from(self.rate)) as usize;
        let (from, to) = (tenth(self.range.start).min(tenths.len()), tenth(self.range.end).min(tenths.len()));
        let mut part: Vec<f64> = tenths[from..to].iter().map(|p| f64::from(*p)).collect();
        let long = (self.range.end - self.range.start) as f64 / f64::from(self.rate);
        let (fade_in, fade_out) = (self.fade_in(), self.fade_out());
        for (i, power) in part.iter_mut().enumerate() {
            let at = self.range.start + ((i as f64 + 0.5) * f64::from(self.rate) / 10.0) as u64;
            *power *= f64::from(fade(at.min(self.range.end), &self.range, fade_in, fade_out)).powi(2);
        }
        let begin = self.range.start as f64 / f64::from(self.rate);
        mark::expected(self.seed, long, lufs, |at| short_term(tenths, begin + at), &mut part);
        let whole: Vec<f64> = tenths.iter().map(|p| f64::from(*p)).collect();
        match (gated(&part), gated(&whole)) {
            (Some(part), Some(whole)) => lufs + part - whole,
            _ => lufs,
        }
    }

    fn measure(&self, spool: &mut Spool, gain_db: f64) -> Result<f64, Refusal> {
        let mut meter = EbuR128::new(self.channels as u32, self.rate, Mode::I).map_err(Refusal::ours)?;
        let mut treatment = self.treatment(gain_db);
        let mut block = Vec::new();
        let mut at = spool.rewind_to(self.range.start).map_err(Refusal::ours)?;
        while at < self.range.end && spool.read(&mut block).map_err(Refusal::ours)? {
            meter.add_frames_f32(treatment.take(&block, at)).map_err(Refusal::ours)?;
            at += (block.len() / self.channels) as u64;
        }
        meter.add_frames_f32(treatment.finish()).map_err(Refusal::ours)?;
        meter.loudness_global().map_err(Refusal::ours)
    }
}

/// Integrated loudness of tenths of a second by their power, gated as BS.1770-4 has it.
fn gated(tenths: &[f64]) -> Option<f64> {
    let blocks = || tenths.windows(4).map(|four| four.iter().sum::<f64>() / 4.0);
    let mean = |floor: f64| {
        let (sum, n) = blocks().filter(|p| *p > floor).fold((0.0, 0u32), |(sum, n), p| (sum + p, n + 1));
        (n > 0).then(|| sum / f64::from(n))
    };
    Some(10.0 * mean(mean(1e-7)? * 0.1)?.log10())
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

/// What is done to a stretch before it is encoded: gain, fades, mark, limiter.
struct Treatment {
    range: std::ops::Range<u64>,
    channels: usize,
    gain: f32,
    fade_in: u64,
    fade_out: u64,
    marker: Marker,
    limiter: Limiter,
    work: Vec<f32>,
}

impl Treatment {
    /// Takes a block of the track that begins at frame `at`; gives what is ready of the stretch.
    fn take(&mut self, block: &[f32], at: u64) -> &[f32] {
        let end = at + (block.len() / self.channels) as u64;
        let (from, to) = (self.range.start.max(at), self.range.end.min(end));
        if from >= to {
            return &[];
        }
        let gain = self.gain;
        let part = &block[(from - at) as usize * self.channels..(to - at) as usize * self.channels];
        self.work.clear();
        self.work.extend(part.iter().map(|s| s * gain));
        self.fade(from);
        self.marker.lay(&mut self.work);
        self.limiter.push(&self.work)
    }

    fn finish(&mut self) -> &[f32] {
        self.limiter.finish()
    }

    fn fade(&mut self, from: u64) {
        let to = from + (self.work.len() / self.channels) as u64;
        if from >= self.range.start + self.fade_in && to + self.fade_out <= self.range.end {
            return;
        }
        for (i, frame) in self.work.chunks_exact_mut(self.channels).enumerate() {
            let by = fade(from + i as u64, &self.range, self.fade_in, self.fade_out);
            frame.iter_mut().for_each(|s| *s *= by);
        }
    }
}

/// How much of frame `at` is left by the fades at the ends of `range`; a sine's quarter is heard as even.
fn fade(at: u64, range: &std::ops::Range<u64>, fade_in: u64, fade_out: u64) -> f32 {
    let part = |done: u64, long: u64| if long == 0 { 1.0 } else { (done as f32 / long as f32).min(1.0) };
    let by = part(at - range.start, fade_in) * part(range.end - at, fade_out);
    if by < 1.0 { (by * std::f32::consts::FRAC_PI_2).sin() } else { 1.0 }
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
    /// LAME takes up to half a decibel off at lower bit rates, against clipping that we see to ourselves.
    back: f32,
    louder: Vec<f32>,
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
        let back = if matches!(kbps, Bitrate::Kbps128) { 1.0 / 0.95 } else { 1.0 };
        Ok(Mp3 { lame, channels, bytes: Vec::new(), fed: false, back, louder: Vec::new() })
    }

    /// Encodes interleaved samples within full scale; gives the bytes that are done.
    pub fn push(&mut self, samples: &[f32]) -> Result<&[u8], Refusal> {
        self.bytes.clear();
        if samples.is_empty() {
            return Ok(&self.bytes);
        }
        self.fed = true;
        self.louder.clear();
        self.louder.extend(samples.iter().map(|s| s * self.back));
        let samples = self.louder.as_slice();
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
