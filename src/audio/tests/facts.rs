//! What is said of a master.

use std::f64::consts::TAU;

use super::{RATE, band, examined, heard, steps};
use crate::audio::facts::{coarse_peaks_dat, coarse_peaks_json, peaks_json};
use crate::audio::{Tags, wav};

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
    let coarse = coarse_peaks_json(&found.peaks[..4], 22_050, 1);
    assert!(coarse.contains(r#""samples_per_pixel":512,"bits":8,"length":1,"data":[-128,127]"#), "{coarse}");
    // The binary shape says the same, at whatever coarseness.
    for halvings in 0..3 {
        let json = coarse_peaks_json(&found.peaks, 22_050, halvings);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let dat = coarse_peaks_dat(&found.peaks, 22_050, halvings);
        let head: Vec<i64> =
            dat[..24].as_chunks::<4>().0.iter().map(|four| i64::from(i32::from_le_bytes(*four))).collect();
        let says = |name: &str| json[name].as_i64().unwrap();
        // The flag of the second number is that of eight bits.
        let wanted = ["version", "sample_rate", "samples_per_pixel", "length", "channels"].map(says);
        assert_eq!([head[0], head[2], head[3], head[4], head[5]], wanted);
        assert_eq!((head[1], says("bits")), (1, 8));
        let pairs: Vec<i64> = dat[24..].iter().map(|byte| i64::from(*byte as i8)).collect();
        let data = json["data"].as_array().unwrap();
        assert_eq!(pairs, data.iter().map(|n| n.as_i64().unwrap()).collect::<Vec<_>>());
    }
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
