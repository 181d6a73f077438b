//! What listeners and licensees get.

use std::collections::HashSet;
use std::f64::consts::TAU;

use rustfft::FftPlanner;
use rustfft::num_complex::Complex32;

use super::{KEY, RATE, band, decoded, examined, heard, measured, nameless, received, scaled, worked};
use crate::audio::mark::{self, MOTIF_SECS, Motif};
use crate::audio::preview::{Intake, Plan, sweep};
use crate::audio::wire::{self, Task, Wire};
use crate::audio::{Rendering, Tags, wav};

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
        type Side = fn(f32, f32) -> f32;
        let sides: [(&str, Side); 4] =
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
