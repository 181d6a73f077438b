//! What the sound room promises, proven on sounds made here: the worker's own work without its jail.

mod facts;
mod listeners;
mod refusals;

use std::collections::HashMap;
use std::f64::consts::TAU;
use std::fs::File;
use std::sync::atomic::{AtomicU32, Ordering};

use ebur128::{EbuR128, Mode};

use super::decode::{self, Block, Source};
use super::facts::{Analysts, Facts, Heard};
use super::wire::{self, Order, Task, Told, Wire};
use super::{Refusal, front, mark, spool, wav, worker};

const RATE: u32 = 22_050;

// --- sounds ----------------------------------------------------------------------------------------------------------

/// A hundred thousand numbers a second that nobody can tell from chance, each between -1 and 1.
fn hiss(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / 8_388_608.0 - 1.0
    }
}

/// A small band, interleaved stereo: drums and bass on the beat, chords of the key a bar each, a melody.
fn band(rate: u32, bpm: f64, tonic: i32, minor: bool, secs: f64) -> Vec<f32> {
    let bars: [[i32; 3]; 4] = match minor {
        false => [[0, 4, 7], [9, 12, 16], [5, 9, 12], [7, 11, 14]],
        true => [[0, 3, 7], [8, 12, 15], [5, 8, 12], [7, 11, 14]],
    };
    let tune = [2, 1, 0, 1, 2, 2, 0, 2];
    let hertz = |note: i32| 261.6256 * 2f64.powf(f64::from(tonic + note) / 12.0);
    let beat = 60.0 / bpm;
    let mut noise = hiss(5);
    let mut out = Vec::with_capacity((secs * f64::from(rate)) as usize * 2);
    for i in 0..(secs * f64::from(rate)) as usize {
        let t = i as f64 / f64::from(rate);
        let (whole, since) = ((t / beat) as usize, t % beat);
        let chord = bars[whole / 4 % 4];
        let [low, middle, high] = chord.map(|note| (TAU * hertz(note) * t).sin());
        let fall = (-since * 6.0).exp();
        let bass = (TAU * hertz(chord[0] - 24) * t).sin() * fall * 0.22;
        let half = (t / beat * 2.0) as usize;
        let tone = hertz(chord[tune[half % 8]] + 12);
        let melody = ((TAU * tone * t).sin() + 0.4 * (2.0 * TAU * tone * t).sin())
            * (-(t % (beat / 2.0)) * 5.0).exp()
            * 0.12;
        let kick = (since * 330.0).sin() * (-since * 25.0).exp() * 0.4;
        let snare = if whole % 2 == 1 { noise() * (-since * 30.0).exp() * 0.2 } else { 0.0 };
        let middle_of_all = bass + melody + kick + snare;
        out.push((middle_of_all + 0.08 * (low + 0.6 * middle)) as f32);
        out.push((middle_of_all + 0.08 * (high + 0.6 * middle)) as f32);
    }
    out
}

fn scaled(sound: &[f32], by: f32) -> Vec<f32> {
    sound.iter().map(|s| s * by).collect()
}

/// Places `parts` of (dBFS, seconds) of a 1 kHz sine one after the other, in two channels.
fn steps(rate: u32, parts: &[(f64, f64)]) -> Vec<f32> {
    let mut out = Vec::new();
    for (db, secs) in parts {
        let amplitude = 10f64.powf(db / 20.0);
        for _ in 0..(secs * f64::from(rate)).round() as usize {
            let t = (out.len() / 2) as f64 / f64::from(rate);
            let sample = (amplitude * (TAU * 1000.0 * t).sin()) as f32;
            out.extend([sample, sample]);
        }
    }
    out
}

// --- the worker without its jail -------------------------------------------------------------------------------------

/// `bytes` as an open file without a name.
fn file(bytes: &[u8]) -> File {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("cuehouse-unit-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, bytes).unwrap();
    let file = File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file
}

fn nameless() -> File {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("cuehouse-spool-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder).unwrap();
    let file = spool::nameless(&folder).unwrap();
    std::fs::remove_dir(&folder).unwrap();
    file
}

/// What a worker sent.
struct Sent {
    told: Option<Told>,
    peaks: Vec<u8>,
    bars: Vec<u8>,
    files: HashMap<char, Vec<u8>>,
}

impl Sent {
    fn facts(&self) -> &Facts {
        &self.told.as_ref().unwrap().facts
    }

    fn preview(&self) -> &[u8] {
        &self.files[&'P']
    }

    fn sample(&self) -> &[u8] {
        &self.files[&'S']
    }
}

fn received(mut bytes: &[u8]) -> Result<Sent, Refusal> {
    let mut sent = Sent { told: None, peaks: Vec::new(), bars: Vec::new(), files: HashMap::new() };
    loop {
        let len = u32::from_le_bytes(bytes[1..5].try_into().unwrap()) as usize;
        let (letter, body) = (bytes[0], &bytes[5..5 + len]);
        bytes = &bytes[5 + len..];
        match letter {
            wire::DONE => return Ok(sent),
            wire::REFUSED => return Err(serde_json::from_slice(body).unwrap()),
            wire::TOLD => sent.told = Some(serde_json::from_slice(body).unwrap()),
            wire::PEAKS => sent.peaks.extend_from_slice(body),
            wire::BARS => sent.bars.extend_from_slice(body),
            wire::ALIVE => {}
            letter if letter.is_ascii_uppercase() => {
                sent.files.entry(char::from(letter)).or_default().extend_from_slice(body)
            }
            letter => {
                let file = sent.files.get_mut(&char::from(letter.to_ascii_uppercase())).unwrap();
                let place = u64::from_le_bytes(body[..8].try_into().unwrap()) as usize;
                file[place..place + body.len() - 8].copy_from_slice(&body[8..]);
            }
        }
    }
}

fn worked(bytes: &[u8], task: Task, max_secs: u64) -> Result<Sent, Refusal> {
    let order = Order { max_secs, cpu_secs: 60, spool: std::env::temp_dir(), task };
    let mut out = Vec::new();
    worker::run(file(bytes), nameless(), &order, &mut Wire::new(&mut out))?;
    received(&out)
}

const KEY: [u8; 32] = [7; 32];

fn examined(bytes: &[u8], sample_secs: u32) -> Result<Sent, Refusal> {
    let task = Task::Examine {
        motif: mark::seed(&KEY, "motif", ""),
        preview: mark::seed(&KEY, "preview", "a track"),
        sample: mark::seed(&KEY, "sample", "a track"),
        sample_secs,
    };
    worked(bytes, task, 600)
}

/// All samples of a file, by our own front door and decoder.
fn decoded(bytes: &[u8]) -> Result<(Source, Vec<f32>), Refusal> {
    let mut source = decode::source(front::open(file(bytes))?, 600)?;
    let (mut block, mut all) = (Block::default(), Vec::new());
    loop {
        source.fill(&mut block)?;
        if block.frames == 0 {
            break;
        }
        all.extend_from_slice(&block.floats);
    }
    source.verdict()?;
    Ok((source, all))
}

/// The first sweep alone, over samples that come from no file.
fn heard(rate: u32, channels: usize, sound: &[f32]) -> Result<Heard, Refusal> {
    let small = wav::bytes(rate, channels as u16, 16, &sound[..channels]);
    let mut source = decode::source(front::open(file(&small))?, 60)?;
    let mut analysts = Analysts::new(&source.spec)?;
    let mut block = Block::default();
    for part in sound.chunks(decode::BLOCK * channels) {
        block.frames = part.len() / channels;
        block.floats = part.to_vec();
        block.ints = part.iter().map(|s| (s * 2_147_483_647.0) as i32).collect();
        analysts.hear(&block)?;
    }
    source.frames = (sound.len() / channels) as u64;
    analysts.finish(&source)
}

/// Integrated loudness and true peak of interleaved samples.
fn measured(rate: u32, channels: u32, sound: &[f32]) -> (f64, f64) {
    let mut meter = EbuR128::new(channels, rate, Mode::I | Mode::TRUE_PEAK).unwrap();
    meter.add_frames_f32(sound).unwrap();
    let peak = (0..channels).map(|c| meter.true_peak(c).unwrap()).fold(0.0, f64::max);
    (meter.loudness_global().unwrap(), 20.0 * peak.log10())
}
