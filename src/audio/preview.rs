//! The second sweep: levelled, marked, limited, encoded.

use std::io::Write;

use mp3lame_encoder::{
    Bitrate, Builder, Encoder, FlushGap, InterleavedPcm, MonoPcm, Quality, max_required_buffer_size,
};

use super::Refusal;
use super::facts::Heard;
use super::limiter::Limiter;
use super::loudness::{Meter, highest, integrated};
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
    /// An intake of sound of this shape, kept in this file at the rate of the MP3, in at most two channels.
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
        self.peak = self.peak.max(highest(samples));
        self.spool.write(samples).map_err(Refusal::ours)
    }

    /// Takes in what the resampler still holds. Nothing is heard afterwards.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        if let Some(resampler) = &mut self.resampler {
            self.ready.clear();
            resampler.finish(&mut self.ready);
            self.peak = self.peak.max(highest(&self.ready));
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
            limiter: Limiter::new(self.rate, self.channels, 10f32.powf(CEILING_DB as f32 / 20.0)),
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
            let Some(lufs) = self.measure(&mut intake.spool, gain_db)? else { break };
            let missing = TARGET - lufs;
            if missing.abs() < 0.1 {
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
        match (integrated(&part), integrated(&whole)) {
            (Some(part), Some(whole)) => lufs + part - whole,
            _ => lufs,
        }
    }

    /// Its integrated loudness in LUFS as it would be at this gain.
    fn measure(&self, spool: &mut Spool, gain_db: f64) -> Result<Option<f64>, Refusal> {
        let mut meter = Meter::new(self.channels, self.rate);
        let mut treatment = self.treatment(gain_db);
        let mut block = Vec::new();
        let mut at = spool.rewind_to(self.range.start).map_err(Refusal::ours)?;
        while at < self.range.end && spool.read(&mut block).map_err(Refusal::ours)? {
            meter.hear(treatment.take(&block, at));
            at += (block.len() / self.channels) as u64;
        }
        meter.hear(treatment.finish());
        Ok(meter.integrated())
    }
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
