//! What was measured in a recording, as its uploader reads it: facts, and questions where we are not sure.

use serde::Serialize;

use crate::catalogue::lists;
use crate::catalogue::pages::Fact;
use crate::catalogue::track::{Recording, SURE};
use crate::money::grouped;
use crate::studio::describing::shown_bpm;
use crate::studio::upload::Upload;
use crate::web::templates::clock;

/// Below this we say nothing; from here to `SURE` it is a question.
const GUESS: f64 = 0.10;

/// A fact we are not sure of, or that has two readings: one tap takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// `bpm=92`.
    pub take: String,
    /// `92 bpm?`
    pub words: String,
}

/// The tempo that was heard, its half and its double, without the one that is typed.
pub fn tempos(rec: &Recording, typed: &str) -> Vec<Suggestion> {
    let Some(bpm) = rec.bpm.filter(|_| rec.bpm_sure >= GUESS) else { return vec![] };
    let mark = if rec.bpm_sure < SURE { "?" } else { "" };
    let mut all: Vec<Suggestion> = vec![];
    for tempo in [bpm, bpm / 2.0, bpm * 2.0] {
        let shown = shown_bpm(tempo);
        if (40.0..=240.0).contains(&tempo) && shown != typed.trim() {
            all.push(Suggestion { take: format!("bpm={shown}"), words: format!("{shown} bpm{mark}") });
        }
    }
    all
}

/// The key that was heard, unless it is the one that is typed.
pub fn keys(rec: &Recording, typed: &str) -> Vec<Suggestion> {
    let Some(key) = rec.musical_key.as_deref().filter(|_| rec.key_sure >= GUESS) else { return vec![] };
    let Some(found) = lists::key(key).filter(|found| lists::parse_key(typed) != Some(found.slug)) else {
        return vec![];
    };
    let mark = if rec.key_sure < SURE { "?" } else { "" };
    vec![Suggestion { take: format!("key={}", found.slug), words: format!("{}{mark}", found.name) }]
}

/// What was measured, as people say it.
pub fn facts(rec: &Recording, upload: &Upload) -> Vec<Fact> {
    let fact = |name: &str, words: String| Fact { name: name.into(), words, href: None };
    let channels = match rec.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        n => format!("{n} channels"),
    };
    let coded = if rec.codec == rec.container {
        rec.codec.clone()
    } else {
        format!("{}, {}", rec.container, rec.codec)
    };
    let bits = rec.bits.map(|bits| format!(", {bits} bit")).unwrap_or_default();
    let sure = |sure: f64| if sure < SURE { ", not sure" } else { "" };
    let signed = |n: f64, unit: &str| format!("{n:.1} {unit}").replace('-', "−");
    let loud = if rec.is_repeated() { "LUFS when repeated" } else { "LUFS" };
    let mut all = vec![
        fact("Length", clock(rec.duration_ms)),
        fact("File", format!("{coded}{bits}")),
        fact("Sound", format!("{} kHz, {channels}", f64::from(rec.sample_rate) / 1000.0)),
        fact("Frames", grouped(rec.frames.unsigned_abs())),
        fact("Loudness", rec.loudness_lufs.map_or("too quiet to say".into(), |n| signed(n, loud))),
        fact("True peak", rec.true_peak_dbtp.map_or("none".into(), |n| signed(n, "dBTP"))),
    ];
    if rec.codec == "AAC" && rec.sample_rate <= 24_000 {
        // Where only its packets say that there is an upper half, nothing tells it from plain AAC.
        let words =
            "AAC at so low a rate may be HE-AAC, of which we read the lower half. Hear its preview first.";
        all.push(fact("Take care", words.into()));
    }
    if let Some(range) = rec.loudness_range {
        all.push(fact("Loudness range", format!("{range:.1} LU")));
    }
    if let Some(bpm) = rec.bpm.filter(|_| rec.bpm_sure >= GUESS) {
        all.push(fact("Tempo heard", format!("{} bpm{}", shown_bpm(bpm), sure(rec.bpm_sure))));
    }
    if let Some(key) = rec.musical_key.as_deref().and_then(lists::key_name).filter(|_| rec.key_sure >= GUESS)
    {
        all.push(fact("Key heard", format!("{key}{}", sure(rec.key_sure))));
    }
    all.push(fact("Size", size(upload.bytes)));
    all.push(fact("SHA-256 of the file", upload.file_sha256.clone()));
    all.push(fact("SHA-256 of the samples", rec.samples_sha256.clone()));
    all
}

/// `12.3 MB`.
pub fn size(bytes: i64) -> String {
    match bytes {
        ..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{} kB", (bytes + 500) / 1000),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::ids::{UploadId, UserId};
    use crate::studio::upload::State;

    fn heard(sure: f64, frames: i64) -> Recording {
        Recording {
            upload_id: UploadId::new(),
            container: "WAV".into(),
            codec: "PCM".into(),
            frames,
            duration_ms: frames * 1000 / 44_100,
            sample_rate: 44_100,
            channels: 2,
            bits: Some(24),
            loudness_lufs: Some(-14.2),
            loudness_range: None,
            true_peak_dbtp: Some(-1.0),
            samples_sha256: "00".repeat(32),
            bpm: Some(92.0),
            bpm_sure: sure,
            musical_key: Some("fsm".into()),
            key_sure: sure,
            bars: "40".repeat(200),
            peaks_key: String::new(),
            artwork_key: String::new(),
            preview_key: String::new(),
            preview_bytes: 1,
            sample_key: String::new(),
            sample_bytes: 1,
            sample_start_ms: 0,
            fingerprint_key: None,
            created_at: Timestamp(0),
        }
    }

    fn upload() -> Upload {
        Upload {
            id: UploadId::new(),
            uploader_id: UserId::new(),
            filename: "slam.wav".into(),
            bytes: 1,
            file_sha256: "00".repeat(32),
            master_key: String::new(),
            state: State::Ready,
            reason: None,
            twin_of: None,
            twin_kind: None,
            created_at: Timestamp(0),
            changed_at: Timestamp(0),
        }
    }

    #[test]
    fn what_was_heard_is_a_fact_a_question_or_nothing() {
        for (sure, words) in [(0.09, None), (0.10, Some("F♯ minor?")), (0.24, Some("F♯ minor?"))] {
            let rec = heard(sure, 44_100 * 60);
            assert_eq!(keys(&rec, "").first().map(|key| key.words.as_str()), words, "{sure}");
            assert_eq!(tempos(&rec, "").first().is_some_and(|t| t.words == "92 bpm?"), words.is_some());
        }
        let rec = heard(0.25, 44_100 * 60);
        assert_eq!(keys(&rec, "")[0].words, "F♯ minor");
        assert_eq!(tempos(&rec, "")[0].words, "92 bpm");
    }

    #[test]
    fn aac_at_a_low_rate_is_to_be_listened_to() {
        let warns = |codec: &str, sample_rate: i32| {
            let rec = Recording { codec: codec.into(), sample_rate, ..heard(0.9, 44_100 * 60) };
            facts(&rec, &upload()).iter().any(|fact| fact.words.contains("may be HE-AAC"))
        };
        assert!(warns("AAC", 22_050) && warns("AAC", 24_000));
        assert!(!warns("AAC", 44_100) && !warns("ALAC", 22_050));
    }

    #[test]
    fn the_loudness_of_a_short_sound_says_how_it_came_about() {
        let said = |frames: i64| {
            let all = facts(&heard(0.9, frames), &upload());
            all.into_iter().find(|fact| fact.name == "Loudness").map(|fact| fact.words)
        };
        assert_eq!(said(3 * 44_100).as_deref(), Some("−14.2 LUFS"));
        assert_eq!(said(3 * 44_100 - 1).as_deref(), Some("−14.2 LUFS when repeated"));
    }
}
