//! What the sound room promises, proven on sounds made here: the worker's own work without its jail.

use std::collections::{HashMap, HashSet};
use std::f64::consts::TAU;
use std::fs::File;
use std::sync::atomic::{AtomicU32, Ordering};

use ebur128::{EbuR128, Mode};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex32;

use super::decode::{self, Block, Source};
use super::facts::{Analysts, Facts, Heard};
use super::mark::{self, MOTIF_SECS, Motif};
use super::preview::{Intake, Plan, sweep};
use super::wire::{self, Order, Task, Told, Wire};
use super::{Refusal, Rendering, Tags, front, peaks_json, spool, wav, worker};

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

// --- facts -----------------------------------------------------------------------------------------------------------

/// The signals of EBU Tech 3341 (1 to 6) as they stand there, at a rate that costs less.
#[test]
fn loudness_is_what_the_ebu_signals_say() {
    let check = |name: &str, sound: Vec<f32>, rate: u32, channels: usize, want: f64| {
        let found = heard(rate, channels, &sound).unwrap().facts;
        let lufs = found.loudness_lufs.unwrap();
        assert!((lufs - want).abs() <= 0.1, "{name}: {lufs} LUFS for {want}");
        assert!(!found.loudness_repeated);
    };
    check("1", steps(48_000, &[(-23.0, 20.0)]), 48_000, 2, -23.0);
    check("2", steps(8000, &[(-33.0, 20.0)]), 8000, 2, -33.0);
    check("3", steps(8000, &[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)]), 8000, 2, -23.0);
    let four = [(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)];
    check("4", steps(8000, &four), 8000, 2, -23.0);
    check("5", steps(8000, &[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)]), 8000, 2, -23.0);
    // Left, right, middle, and two behind.
    let six: Vec<f32> = (0..8000 * 20)
        .flat_map(|i| {
            let sine = (TAU * 1000.0 * f64::from(i) / 8000.0).sin();
            [-28.0, -28.0, -24.0, -30.0, -30.0].map(|db| (10f64.powf(db / 20.0) * sine) as f32)
        })
        .collect();
    check("6", six, 8000, 5, -23.0);
}

/// The signals of EBU Tech 3342 (1 to 4), given twice where once would be under a minute.
#[test]
fn range_is_what_the_ebu_signals_say_and_only_from_a_minute_on() {
    let check = |name: &str, parts: &[(f64, f64)], want: f64| {
        let found = heard(8000, 2, &steps(8000, parts)).unwrap().facts;
        let range = found.loudness_range.unwrap();
        assert!((range - want).abs() <= 1.0, "{name}: {range} LU for {want}");
    };
    let twice = |a: f64, b: f64| [(a, 20.0), (b, 20.0), (a, 20.0), (b, 20.0)];
    check("1", &twice(-20.0, -30.0), 10.0);
    check("2", &twice(-20.0, -15.0), 5.0);
    check("3", &twice(-40.0, -20.0), 20.0);
    check("4", &[(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0);
    let short = steps(8000, &[(-20.0, 30.0), (-30.0, 29.9)]);
    assert_eq!(heard(8000, 2, &short).unwrap().facts.loudness_range, None);
}

/// The signals of EBU Tech 3341 (15 to 19).
#[test]
fn true_peaks_are_what_the_ebu_signals_say() {
    for (name, part, degrees, amplitude, want) in [
        ("15", 4.0, 0.0, 0.50, -6.0),
        ("16", 4.0, 45.0, 0.50, -6.0),
        ("17", 6.0, 60.0, 0.50, -6.0),
        ("18", 8.0, 67.5, 0.50, -6.0),
        ("19", 4.0, 45.0, 1.41, 3.0),
    ] {
        let sound: Vec<f32> = (0..48_000)
            .flat_map(|i| {
                // In and out slowly: a tone that jumps in peaks higher than it is.
                let ramp = (f64::from(i.min(47_999 - i)) / 2400.0).min(1.0);
                let sine = (TAU * f64::from(i) / part + f64::to_radians(degrees)).sin();
                [(amplitude * ramp * sine) as f32; 2]
            })
            .collect();
        let peak = heard(48_000, 2, &sound).unwrap().facts.true_peak_dbtp.unwrap();
        assert!((-0.4..=0.2).contains(&(peak - want)), "{name}: {peak} dBTP for {want}");
    }
}

#[test]
fn a_short_sound_is_as_loud_as_it_is_again_and_again() {
    let second = steps(RATE, &[(-20.0, 0.5)]);
    let found = heard(RATE, 2, &second).unwrap().facts;
    assert!(found.loudness_repeated);
    assert!((found.loudness_lufs.unwrap() + 20.0).abs() < 0.2, "{:?}", found.loudness_lufs);
}

#[test]
fn peaks_are_those_of_every_256_samples_to_the_byte() {
    // 256 samples from -0.5 to 0.25, then 100 of full scale, the other way round on the right where 0 remains.
    let mut sound = vec![0f32; 256 * 2];
    (sound[20], sound[21]) = (-0.5, -0.5);
    (sound[400], sound[401]) = (0.5, 0.0);
    sound.extend([1.0f32; 100]);
    sound.extend([-1.0f32; 100]);
    let found = heard(RATE, 2, &sound.repeat(12)).unwrap();
    let json = peaks_json(&found.peaks[..4], 22_050);
    assert_eq!(
        json,
        r#"{"version":2,"channels":1,"sample_rate":22050,"samples_per_pixel":256,"bits":8,"length":2,"data":[-64,32,-128,127]}"#
    );
    let read: serde_json::Value = serde_json::from_str(&peaks_json(&found.peaks, 22_050)).unwrap();
    let frames = 12 * 356;
    assert_eq!(read["length"], (frames + 255) / 256);
    assert_eq!(read["data"].as_array().unwrap().len(), found.peaks.len());
    let coarse = super::facts::coarse_peaks_json(&found.peaks[..4], 22_050, 1);
    assert!(coarse.contains(r#""samples_per_pixel":512,"bits":8,"length":1,"data":[-128,127]"#), "{coarse}");
    assert_eq!(found.bars.len(), 200);
    assert_eq!(found.bars.iter().max(), Some(&255));
}

#[test]
fn the_same_samples_have_the_same_hash_in_another_file() {
    use sha2::{Digest, Sha256};
    let sound = band(RATE, 120.0, 0, false, 1.0);
    let plain = wav::bytes(RATE, 2, 24, &sound);
    let mut tagged = plain.clone();
    tagged.extend(wav::info(&Tags { title: "Other".into(), ..Tags::default() }));
    let facts = |bytes: &[u8]| examined(bytes, 60).unwrap().told.unwrap().facts;
    let (a, b) = (facts(&plain), facts(&tagged));
    assert_eq!(a.samples_sha256, b.samples_sha256);
    assert_ne!(a.file_sha256, b.file_sha256);
    assert_eq!(a.file_sha256, hex::encode(Sha256::digest(&plain)));
    assert_eq!(b.file_sha256, hex::encode(Sha256::digest(&tagged)));
    // What is hashed: 32 bits a sample, little endian.
    let mut ints = Vec::new();
    for sample in plain[wav::HEADER..].chunks(3) {
        ints.extend([0, sample[0], sample[1], sample[2]]);
    }
    assert_eq!(a.samples_sha256, hex::encode(Sha256::digest(&ints)));
    let mut louder = sound.clone();
    louder[777] += 0.001;
    assert_ne!(facts(&wav::bytes(RATE, 2, 24, &louder)).samples_sha256, a.samples_sha256);
}

#[test]
fn a_band_is_heard_in_its_tempo_and_key() {
    for (bpm, tonic, minor, key) in [
        (120.0, 0, false, "c"),
        (97.0, 9, true, "am"),
        (140.0, 6, true, "fsm"),
        (84.0, 10, false, "as"),
        (110.0, 3, false, "ds"),
    ] {
        let found = heard(RATE, 2, &band(RATE, bpm, tonic, minor, 24.0)).unwrap().facts;
        assert_eq!(found.key.as_deref(), Some(key), "sure {}", found.key_sure);
        let read = found.bpm.unwrap();
        let near = [0.5, 1.0, 2.0].iter().any(|by| (read * by / bpm - 1.0).abs() < 0.02);
        assert!(near && found.bpm_sure >= 0.25, "{bpm} read as {read}, sure {}", found.bpm_sure);
    }
}

#[test]
fn the_picture_is_the_tracks_own_and_its_colour_the_keys() {
    let picture = |bpm, tonic, minor| heard(RATE, 2, &band(RATE, bpm, tonic, minor, 8.0)).unwrap().look.svg();
    let hue = |svg: &str| {
        let at = svg.find("fill=\"#").unwrap() + 7;
        let [r, g, b] =
            [0, 2, 4].map(|i| f64::from(u8::from_str_radix(&svg[at + i..at + i + 2], 16).unwrap()));
        let (most, least) = (r.max(g).max(b), r.min(g).min(b));
        let turn = match most {
            m if m == r => (g - b) / (most - least),
            m if m == g => 2.0 + (b - r) / (most - least),
            _ => 4.0 + (r - g) / (most - least),
        };
        (turn * 60.0).rem_euclid(360.0)
    };
    let (c, c_fast, f_sharp) = (picture(120.0, 0, false), picture(140.0, 0, false), picture(120.0, 6, false));
    for svg in [&c, &c_fast, &f_sharp] {
        assert!(svg.len() <= 2048, "{}", svg.len());
    }
    assert_ne!(c, c_fast);
    let apart = |a: f64, b: f64| (a - b).abs().min(360.0 - (a - b).abs());
    assert!(apart(hue(&c), hue(&c_fast)) < 8.0, "{} {}", hue(&c), hue(&c_fast));
    // The other side of the circle of fifths.
    assert!(apart(hue(&c), hue(&f_sharp)) > 150.0, "{} {}", hue(&c), hue(&f_sharp));
}

// --- what listeners get ----------------------------------------------------------------------------------------------

/// Normalised correlation of `motif` with `sound` at every place, both of one channel.
fn clearness(sound: &[f32], motif: &[f32]) -> Vec<f64> {
    let size = (sound.len() + motif.len()).next_power_of_two();
    let mut planner = FftPlanner::new();
    let spectrum = |signal: &[f32], planner: &mut FftPlanner<f32>| {
        let mut work: Vec<Complex32> = signal.iter().map(|s| Complex32::new(*s, 0.0)).collect();
        work.resize(size, Complex32::default());
        planner.plan_fft_forward(size).process(&mut work);
        work
    };
    let (mut a, b) = (spectrum(sound, &mut planner), spectrum(motif, &mut planner));
    a.iter_mut().zip(&b).for_each(|(a, b)| *a *= b.conj());
    planner.plan_fft_inverse(size).process(&mut a);
    let mut energy = vec![0f64];
    for sample in sound {
        energy.push(energy[energy.len() - 1] + f64::from(*sample).powi(2));
    }
    let own: f64 = motif.iter().map(|s| f64::from(*s).powi(2)).sum();
    (0..=sound.len() - motif.len())
        .map(|at| {
            let there = (energy[at + motif.len()] - energy[at]).max(1e-9);
            f64::from(a[at].re) / size as f64 / (there * own).sqrt()
        })
        .collect()
}

/// Seconds at which `motif` is heard in `sound`, and how clearly. Every second sample is plenty for tones
/// below 4 kHz.
fn hits(sound: &[f32], motif: &[f32], rate: u32, threshold: f64) -> Vec<(f64, f64)> {
    let half = |signal: &[f32]| signal.as_chunks::<2>().0.iter().map(|[a, b]| a + b).collect::<Vec<f32>>();
    let clear = clearness(&half(sound), &half(motif));
    let mut found: Vec<(f64, f64)> = Vec::new();
    for (at, value) in clear.iter().enumerate().filter(|(_, value)| **value >= threshold) {
        let secs = at as f64 * 2.0 / f64::from(rate);
        match found.last_mut() {
            Some((last, best)) if secs - *last < 2.0 => {
                if *value > *best {
                    (*last, *best) = (secs, *value);
                }
            }
            _ => found.push((secs, *value)),
        }
    }
    found
}

fn one_side(sound: &[f32], mix: fn(f32, f32) -> f32) -> Vec<f32> {
    sound.as_chunks::<2>().0.iter().map(|[l, r]| mix(*l, *r)).collect()
}

/// The mark is looked for by its sound alone, in preview and sample as a listener gets them.
#[test]
fn fifteen_seconds_of_preview_or_sample_are_never_free_of_the_mark() {
    let sound = band(RATE, 112.0, 2, true, 40.0);
    let sent = examined(&wav::bytes(RATE, 2, 24, &sound), 24).unwrap();
    let motif = Motif::new(&mark::seed(&KEY, "motif", ""), RATE).unwrap();
    let other = Motif::new(&mark::seed(&[8; 32], "motif", ""), RATE).unwrap();
    for (name, bytes, secs) in [("preview", sent.preview(), 40.0), ("sample", sent.sample(), 24.0)] {
        let (source, heard) = decoded(bytes).unwrap();
        assert_eq!((source.spec.rate, source.spec.channels), (RATE, 2));
        assert_eq!(source.frames, (secs * f64::from(RATE)) as u64, "{name}");
        // Left, right, what stays when the middle is taken away, and the middle alone: the mark is in each.
        let sides: [(&str, fn(f32, f32) -> f32); 4] =
            [("left", |l, _| l), ("right", |_, r| r), ("side", |l, r| l - r), ("middle", |l, r| l + r)];
        for (side, mix) in sides {
            let signal = one_side(&heard, mix);
            let places = hits(&signal, &one_side(motif.samples(), mix), RATE, 0.4);
            let wanted = mark::places(&mark::seed(&KEY, name, "a track"), secs);
            assert_eq!(places.len(), wanted.len(), "{name}, {side}: {places:?} for {wanted:?}");
            for ((found, _), wanted) in places.iter().zip(&wanted) {
                assert!((found - wanted).abs() < 0.01, "{name}, {side}: {found} for {wanted}");
            }
            // No stretch of 15 s without a whole one.
            let mut edges = vec![-MOTIF_SECS];
            edges.extend(places.iter().map(|(at, _)| *at));
            edges.push(secs);
            assert!(edges.windows(2).all(|pair| pair[1] - pair[0] <= 15.0 - MOTIF_SECS), "{name}: {edges:?}");
            if side == "left" {
                let strange = hits(&signal, &one_side(other.samples(), mix), RATE, 0.4);
                assert!(strange.is_empty(), "another shop's mark in {name}: {strange:?}");
            }
        }
    }
    // The master itself has none.
    let places = hits(&one_side(&sound, |l, _| l), &one_side(motif.samples(), |l, _| l), RATE, 0.4);
    assert!(places.is_empty(), "{places:?}");
}

#[test]
fn marks_are_eight_to_twelve_seconds_apart_wherever_they_lie() {
    let mut first = HashSet::new();
    for track in 0..60 {
        let seed = mark::seed(&KEY, "preview", &track.to_string());
        let places = mark::places(&seed, 300.0);
        assert!(places.windows(2).all(|pair| (8.0..=12.0).contains(&(pair[1] - pair[0]))), "{places:?}");
        assert!(places[0] <= 4.0 && places[places.len() - 1] >= 300.0 - 12.6);
        first.insert((places[0] * 1000.0) as u64);
        assert_ne!(places, mark::places(&mark::seed(&[8; 32], "preview", &track.to_string()), 300.0));
        assert_ne!(places, mark::places(&mark::seed(&KEY, "sample", &track.to_string()), 300.0));
    }
    // Not at a few places only that a gate could learn.
    assert!(first.len() > 50);
}

/// Loudness of two channels over a stretch.
fn loudness_of(sound: &[f32], from: f64, secs: f64) -> f64 {
    let at = |secs: f64| (secs.max(0.0) * f64::from(RATE)) as usize * 2;
    let part = &sound[at(from)..at(from + secs).min(sound.len())];
    let power = part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / (part.len() / 2) as f64;
    10.0 * power.max(1e-12).log10()
}

#[test]
fn the_mark_is_as_loud_as_the_music_there_allows_and_the_music_bows_to_it() {
    // Twenty seconds loud, fifteen soft, ten nearly nothing; without strokes that the limiter would hold.
    let mut sound: Vec<f32> =
        band(RATE, 100.0, 5, false, 45.0).iter().map(|s| (s * 6.0).tanh() * 0.3).collect();
    for (i, sample) in sound.iter_mut().enumerate() {
        let secs = i / 2 / RATE as usize;
        *sample *= match secs {
            0..20 => 1.0,
            20..35 => 0.25,
            _ => 0.0005,
        };
    }
    let found = heard(RATE, 2, &sound).unwrap();
    let seed = mark::seed(&KEY, "preview", "b");
    let motif = Motif::new(&mark::seed(&KEY, "motif", ""), RATE).unwrap();
    let plan = Plan { motif: &KEY, preview: &seed, sample: &seed, sample_secs: 600 };
    let made = |motif: &Motif| {
        let mut intake = Intake::new(nameless(), RATE, 2);
        sound.chunks(40_000).for_each(|part| intake.take(part).unwrap());
        intake.finish().unwrap();
        let mut out = Vec::new();
        let mut wire = Wire::new(&mut out);
        sweep(&mut intake, &found, &plan, motif, &mut wire).unwrap();
        wire.frame(wire::DONE, &[]).unwrap();
        decoded(received(&out).unwrap().preview()).unwrap().1
    };
    let (with, without) = (made(&motif), made(&motif.muted()));
    let tones: Vec<f32> = with.iter().zip(&without).map(|(a, b)| a - b).collect();
    let whole = measured(RATE, 2, &with).0;
    let places = mark::places(&seed, 45.0);
    assert!(places.len() >= 4);
    for at in places {
        let tone = loudness_of(&tones, at + 0.02, 0.55);
        // The music as it is around, away from where it bows.
        let music = 10.0
            * ((10f64.powf(loudness_of(&without, at - 1.3, 1.2) / 10.0)
                + 10f64.powf(loudness_of(&without, at + 0.9, 1.2) / 10.0))
                / 2.0)
                .log10();
        if at < 19.0 || (22.0..33.0).contains(&at) {
            assert!((tone - music + 4.0).abs() < 3.5, "{at}: mark {tone}, music {music}");
            // 5 dB under it, measured against the same stretch unbowed: the master's own ups and downs cancel.
            let bowed = loudness_of(&without, at + 0.02, 0.55) - loudness_of(&sound, at + 0.02, 0.55);
            let around = loudness_of(&without, at - 1.3, 1.2) - loudness_of(&sound, at - 1.3, 1.2);
            assert!((around - bowed - 5.0).abs() < 1.0, "{at}: bows by {}", around - bowed);
        } else if at > 37.0 {
            // In a pause it does not sink with the music.
            assert!(tone > whole - 20.0 && music < tone - 10.0, "{at}: mark {tone}, all {whole}");
        }
    }
}

#[test]
fn previews_and_samples_are_levelled_and_do_not_clip() {
    let music = band(RATE, 120.0, 0, false, 12.0);
    let loud: Vec<f32> = music.iter().map(|s| (s * 12.0).clamp(-1.0, 1.0)).collect();
    let mono: Vec<f32> = music.iter().step_by(2).copied().collect();
    let halves = [scaled(&music, 0.15), music.clone()].concat();
    let six: Vec<f32> = music
        .as_chunks::<2>()
        .0
        .iter()
        .flat_map(|[l, r]| [*l, *r, 0.5 * (l + r), 0.1 * l, 0.7 * r, 0.7 * l])
        .collect();
    // A quiet tone with a stroke of full scale twice: more gain than the limiter may take.
    let strokes: Vec<f32> = (0..RATE * 12)
        .flat_map(|i| {
            let stroke = if i % (RATE * 6) == 4000 { 1.0 } else { 0.0 };
            [(0.001 * (TAU * 300.0 * f64::from(i) / f64::from(RATE)).sin()) as f32 + stroke; 2]
        })
        .collect();
    let cases: [(&str, u16, &[f32], bool); 7] = [
        ("as mixed", 2, &music, true),
        ("quiet", 2, &scaled(&music, 0.02), true),
        ("of two halves", 2, &halves, true),
        ("crushed", 2, &loud, true),
        ("mono", 1, &mono, true),
        ("surround", 6, &six, true),
        ("strokes", 2, &strokes, false),
    ];
    for (name, channels, sound, reaches) in cases {
        let sent = examined(&wav::bytes(RATE, channels, 24, sound), 8).unwrap();
        for (what, bytes) in [("preview", sent.preview()), ("sample", sent.sample())] {
            let (source, heard) = decoded(bytes).unwrap();
            let (lufs, peak) = measured(RATE, source.spec.channels as u32, &heard);
            dbg!((what, lufs, peak));
            assert!(peak <= -1.0 + 0.2, "{name}, {what}: {peak} dBTP");
            assert!(lufs <= -15.5, "{name}, {what}: {lufs} LUFS");
            assert!(!reaches || (lufs + 16.0).abs() <= 0.5, "{name}, {what}: {lufs} LUFS");
        }
    }
}

#[test]
fn a_preview_lasts_as_long_as_its_master_to_the_frame() {
    for (rate, channels, frames) in [
        (44_100, 2, 44_100),
        (44_100, 1, 30_001),
        (48_000, 2, 25_919),
        (22_050, 2, 12_347),
        (32_000, 1, 4799),
        (24_000, 2, 1201),
    ] {
        let sound: Vec<f32> = band(rate, 120.0, 0, false, 1.1)[..frames * channels as usize].to_vec();
        let sent = examined(&wav::bytes(rate, channels, 16, &sound), 60).unwrap();
        for bytes in [sent.preview(), sent.sample()] {
            let (source, heard) = decoded(bytes).unwrap();
            assert_eq!(
                (source.spec.rate, source.frames),
                (rate, frames as u64),
                "{rate} {channels} {frames}"
            );
            assert_eq!(heard.len(), frames * usize::from(channels));
        }
    }
    // A rate MP3 does not know: as long as it lasts, rounded up.
    let sound = band(96_000, 120.0, 0, false, 0.5);
    let sent = examined(&wav::bytes(96_000, 2, 24, &sound[..95_998]), 60).unwrap();
    let (source, _) = decoded(sent.preview()).unwrap();
    assert_eq!((source.spec.rate, source.frames), (48_000, 24_000));
    assert_eq!(sent.facts().frames, 47_999);
}

#[test]
fn previews_and_samples_carry_nothing_of_the_masters_tags() {
    let sound = band(RATE, 120.0, 0, false, 3.0);
    let mut master = wav::bytes(RATE, 2, 16, &sound);
    let tags =
        Tags { title: "Secret working title".into(), artist: "Somebody".into(), licence: "CUE-1".into() };
    master.extend(wav::info(&tags));
    master.extend(wav::id3(&tags));
    let sent = examined(&master, 2).unwrap();
    for bytes in [sent.preview(), sent.sample()] {
        // A first frame and nothing before it; no tag behind.
        assert_eq!(&bytes[..1], [0xff]);
        assert!(!bytes[bytes.len() - 128..].starts_with(b"TAG"));
        for word in [&b"Secret"[..], b"Somebody", b"CUE-1", b"TIT2", b"TPE1", b"APETAGEX", b"ID3"] {
            assert!(!bytes.windows(word.len()).any(|part| part == word), "{}", String::from_utf8_lossy(word));
        }
    }
}

#[test]
fn the_sample_is_the_liveliest_place_softly_cut_out() {
    // A minute of which the third quarter is the refrain.
    let mut sound = band(RATE, 120.0, 0, false, 60.0);
    for (i, sample) in sound.iter_mut().enumerate() {
        if !(30..45).contains(&(i / 2 / RATE as usize)) {
            *sample *= 0.2;
        }
    }
    let sent = examined(&wav::bytes(RATE, 2, 16, &sound), 15).unwrap();
    let start = sent.told.as_ref().unwrap().sample_start_ms;
    assert!((28_500..=31_500).contains(&start), "{start}");
    let (source, heard) = decoded(sent.sample()).unwrap();
    assert_eq!(source.frames, u64::from(RATE) * 15);
    assert!(loudness_of(&heard, 0.0, 0.05) < loudness_of(&heard, 1.0, 0.5) - 10.0, "no fade in");
    assert!(loudness_of(&heard, 14.9, 0.1) < loudness_of(&heard, 12.0, 0.5) - 15.0, "no fade out");
}

// --- deliveries ------------------------------------------------------------------------------------------------------

#[test]
fn deliveries_are_the_master_at_its_own_level_with_the_licence_in_them() {
    let sound = band(RATE, 120.0, 0, false, 2.0);
    let master = wav::bytes(RATE, 2, 24, &sound);
    let tags = Tags { title: "Rain".into(), artist: "Ada".into(), licence: "CUE-2026-1".into() };
    let rendered = |what| worked(&master, Task::Render(what), 600).unwrap().files.remove(&'D').unwrap();
    let whole = rendered(Rendering::Wav { bits: 24, tags: tags.clone() });
    // The same samples, byte for byte.
    assert_eq!(whole[wav::HEADER..master.len()], master[wav::HEADER..]);
    assert!(whole.windows(10).any(|part| part == b"CUE-2026-1"));
    let half = rendered(Rendering::Wav { bits: 16, tags: tags.clone() });
    let (a, b) = (decoded(&master).unwrap().1, decoded(&half).unwrap().1);
    assert_eq!(a.len(), b.len());
    let off = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Dithered: never more than a step and a half away, and not merely cut.
    assert!(off <= 1.6 / 32_768.0, "{off}");
    let mean = a.iter().zip(&b).map(|(a, b)| f64::from(a - b)).sum::<f64>() / a.len() as f64;
    assert!(mean.abs() < 0.05 / 32_768.0, "{mean}");
    let mp3 = rendered(Rendering::Mp3 { tags });
    assert!(mp3.starts_with(b"ID3") && mp3.windows(10).any(|part| part == b"CUE-2026-1"));
    let (source, heard) = decoded(&mp3).unwrap();
    assert_eq!((source.spec.rate, source.frames), (44_100, 88_200));
    assert!((measured(44_100, 2, &heard).0 - measured(RATE, 2, &sound).0).abs() < 0.2);
}

// --- refusals --------------------------------------------------------------------------------------------------------

#[test]
fn every_refusal_is_a_sentence_for_the_one_who_uploaded() {
    let all = [
        Refusal::NotSound { looks_like: "a web page".into() },
        Refusal::Unsupported { what: "Opus".into() },
        Refusal::Damaged,
        Refusal::CutOff { declared_secs: 62.0, found_secs: 9.96 },
        Refusal::CutOff { declared_secs: 1.5e6, found_secs: 3.0 },
        Refusal::CutOff { declared_secs: 0.0, found_secs: 12.0 },
        Refusal::Empty,
        Refusal::Silent,
        Refusal::TooShort,
        Refusal::TooLong { max_secs: 14_400 },
        Refusal::TooLarge,
        Refusal::TooSlow,
        Refusal::OddRate { hertz: 1 },
        Refusal::OddChannels { channels: 12 },
        Refusal::OddBits { bits: 4 },
        Refusal::Changes,
        Refusal::NotNumbers { count: 12 },
        Refusal::Ours { why: "no space left on device (os error 28)".into() },
    ];
    let (mut slugs, mut sentences) = (HashSet::new(), HashSet::new());
    for refusal in &all {
        // A new variant must be written above: this match fails to compile without it.
        match refusal {
            Refusal::NotSound { .. } | Refusal::Unsupported { .. } | Refusal::Damaged => {}
            Refusal::CutOff { .. } | Refusal::Empty | Refusal::Silent | Refusal::TooShort => {}
            Refusal::TooLong { .. } | Refusal::TooLarge | Refusal::TooSlow | Refusal::OddRate { .. } => {}
            Refusal::OddChannels { .. } | Refusal::OddBits { .. } | Refusal::Changes => {}
            Refusal::NotNumbers { .. } | Refusal::Ours { .. } => {}
        }
        let text = refusal.to_string();
        assert!(
            text.ends_with('.') && text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()),
            "{text}"
        );
        assert!((25..300).contains(&text.len()), "{text}");
        for word in ["os error", "Error", "{", "  ", "NaN", "inf", "None", "Some(", "..", "packet"] {
            assert!(!text.contains(word), "{word} in: {text}");
        }
        slugs.insert(refusal.slug());
        sentences.insert(text);
    }
    assert_eq!((slugs.len(), sentences.len()), (all.len() - 2, all.len()));
    assert_eq!(
        Refusal::CutOff { declared_secs: 62.0, found_secs: 9.96 }.to_string(),
        "This file says that it lasts 1:02, but only 0:10 of sound is in it: it was cut off, or says something \
         untrue about itself. Please export it again and upload the new file."
    );
    assert!(all.iter().filter(|refusal| refusal.is_ours()).count() == 1);
}

#[test]
fn hollow_sounds_are_refused_by_name() {
    let music = band(RATE, 120.0, 0, false, 1.0);
    let refused = |bytes: &[u8]| match examined(bytes, 60) {
        Err(refusal) => refusal.slug(),
        Ok(_) => "taken",
    };
    let wav = |sound: &[f32]| wav::bytes(RATE, 2, 16, sound);
    assert_eq!(refused(&wav(&music)), "taken");
    assert_eq!(refused(b""), "empty");
    assert_eq!(refused(&wav(&[])), "empty");
    assert_eq!(refused(&wav(&music[..2000])), "too_short");
    assert_eq!(refused(&wav(&vec![0.0; 44_100])), "silent");
    assert_eq!(refused(&wav(&scaled(&music, 1e-4))), "silent");
    assert_eq!(refused(&wav(&scaled(&music, 0.005))), "taken");
    let task = || Task::Examine { motif: KEY, preview: KEY, sample: KEY, sample_secs: 60 };
    let long = worked(&wav(&music.repeat(3)), task(), 2).err();
    assert_eq!(long, Some(Refusal::TooLong { max_secs: 2 }));
}
