//! Listening: who hears what, and every way of asking for a part of it.

use cuehouse::catalogue::track::days_of;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::shelf::{RATE, Shelved, drafted, piece, shelve, sounds, withdraw};

async fn shop() -> (TestApp, Browser, Shelved) {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await;
    let track = shelve(&app.app, ines.user.as_ref().unwrap(), piece("Copper Weather")).await;
    (app, ines, track)
}

/// S3-53: exploring and samples need no account.
#[tokio::test(flavor = "multi_thread")]
async fn anyone_hears_the_sample_and_whoever_signed_in_hears_all() {
    let (app, _ines, track) = shop().await;
    let mut stranger = app.visitor();
    let sample = stranger.get(&track.at("sample.mp3")).await.is(200);
    assert!(sample.bytes == sounds().sample);
    assert_eq!(sample.header("content-type"), Some("audio/mpeg"));
    assert_eq!(sample.header("accept-ranges"), Some("bytes"));
    let refused = stranger.get(&track.at("preview.mp3")).await.is(403);
    assert!(refused.has("Sign in") && refused.header("location").is_none());
    let mut buyer = app.buyer("Ada Field").await;
    assert!(buyer.get(&track.at("preview.mp3")).await.is(200).bytes == sounds().preview);
    stranger.get("/tracks/no-such-track/sample.mp3").await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_let_anyone_hear_all() {
    let app = TestApp::with(&[("CUEHOUSE_PREVIEW_ANONYMOUS", "full")]).await;
    let ines = app.uploader("Ines Morrow").await;
    let track = shelve(&app.app, ines.user.as_ref().unwrap(), piece("Copper Weather")).await;
    let mut stranger = app.visitor();
    assert!(stranger.get(&track.at("preview.mp3")).await.is(200).bytes == sounds().preview);
    assert!(stranger.get(&track.href()).await.has("data-whole=\"yes\""));
}

/// S3-04: an anonymous range request past the end of the sample is refused.
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_behind_the_sample_is_refused() {
    let (app, _ines, track) = shop().await;
    let mut stranger = app.visitor();
    let (sample, preview) = (sounds().sample.len(), sounds().preview.len());
    assert!(preview > sample * 2);
    for first in [sample, sample + 1, preview - 1, preview] {
        let range = format!("bytes={first}-");
        let refused = stranger.get_with(&track.at("sample.mp3"), &[("Range", &range)]).await.is(416);
        assert_eq!(refused.header("content-range"), Some(format!("bytes */{sample}").as_str()));
        // The refusal is an error page, never a piece of the sound.
        assert!(!refused.header("content-type").unwrap_or_default().starts_with("audio/"));
        stranger.get_with(&track.at("preview.mp3"), &[("Range", &range)]).await.is(403);
    }
    let last = format!("bytes={}-{}", sample - 10, preview);
    let part = stranger.get_with(&track.at("sample.mp3"), &[("Range", &last)]).await.is(206);
    assert!(part.bytes == sounds().sample[sample - 10..]);
}

#[derive(Clone, Debug)]
enum Asked {
    From(usize),
    Between(usize, usize),
    Last(usize),
}

impl Asked {
    fn words(&self) -> String {
        match self {
            Asked::From(a) => format!("{a}-"),
            Asked::Between(a, b) => format!("{a}-{b}"),
            Asked::Last(n) => format!("-{n}"),
        }
    }

    fn of(&self, len: usize) -> Option<std::ops::Range<usize>> {
        let (a, b) = match *self {
            Asked::From(a) => (a, len),
            Asked::Between(a, b) => (a, (b + 1).min(len)),
            Asked::Last(n) => (len.saturating_sub(n), len),
        };
        (a < b).then_some(a..b)
    }
}

fn asked(len: usize) -> impl Strategy<Value = Asked> {
    let at = prop_oneof![0..len, len - 5..len + 5, 0..len * 2];
    prop_oneof![
        at.clone().prop_map(Asked::From),
        (at.clone(), 0..len).prop_map(|(a, n)| Asked::Between(a, a + n)),
        at.prop_map(Asked::Last),
    ]
}

/// Whatever single range is asked for, the bytes are those of the file, or it is refused with the file's length.
#[tokio::test(flavor = "multi_thread")]
async fn every_range_holds_the_right_bytes() {
    let (app, _ines, track) = shop().await;
    let mut buyer = app.buyer("Ada Field").await;
    let mut runner = TestRunner::deterministic();
    for (name, sound) in [("sample.mp3", &sounds().sample), ("preview.mp3", &sounds().preview)] {
        let tag = buyer.head(&track.at(name)).await.is(200).header("etag").unwrap().to_owned();
        for _ in 0..60 {
            let one = asked(sound.len()).new_tree(&mut runner).unwrap().current();
            let range = format!("bytes={}", one.words());
            // The same with the right and with a stale If-Range.
            let seen = buyer.get_with(&track.at(name), &[("Range", &range)]).await;
            let fresh = buyer.get_with(&track.at(name), &[("Range", &range), ("If-Range", &tag)]).await;
            assert_eq!((seen.status, &seen.bytes), (fresh.status, &fresh.bytes), "{range}");
            match one.of(sound.len()) {
                Some(span) => {
                    let says = format!("bytes {}-{}/{}", span.start, span.end - 1, sound.len());
                    let seen = seen.is(206);
                    assert_eq!(seen.header("content-range"), Some(says.as_str()));
                    assert!(seen.bytes == sound[span], "{range}");
                }
                None => {
                    let says = format!("bytes */{}", sound.len());
                    assert_eq!(seen.is(416).header("content-range"), Some(says.as_str()), "{range}");
                }
            }
            let stale = buyer.get_with(&track.at(name), &[("Range", &range), ("If-Range", "\"old\"")]).await;
            assert!(stale.is(200).bytes == *sound);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_tags_and_several_ranges_are_right() {
    let (app, _ines, track) = shop().await;
    let mut visitor = app.visitor();
    let at = track.at("sample.mp3");
    let head = visitor.head(&at).await.is(200);
    assert!(head.bytes.is_empty());
    assert_eq!(head.header("content-length"), Some(sounds().sample.len().to_string().as_str()));
    let (tag, date) =
        (head.header("etag").unwrap().to_owned(), head.header("last-modified").unwrap().to_owned());
    let same = visitor.get_with(&at, &[("If-None-Match", &tag)]).await.is(304);
    assert!(same.bytes.is_empty() && same.header("etag") == Some(tag.as_str()));
    visitor.get_with(&at, &[("If-Modified-Since", &date)]).await.is(304);
    visitor.get_with(&at, &[("If-Match", "\"other\"")]).await.is(412);
    let several = visitor.get_with(&at, &[("Range", "bytes=0-9, 100-119")]).await.is(206);
    assert!(several.header("content-type").unwrap().starts_with("multipart/byteranges; boundary="));
    for part in [&sounds().sample[..10], &sounds().sample[100..120]] {
        assert!(several.bytes.windows(part.len()).any(|bytes| bytes == part));
    }
    assert!(visitor.get_with(&at, &[("Range", "seconds=1-2")]).await.is(200).bytes == sounds().sample);
}

/// Promise 1: a master is never readable from here, and an unpublished track not by strangers.
#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_heard_by_their_uploader_and_reviewers_alone() {
    let app = TestApp::new().await;
    let mut ines = app.uploader("Ines Morrow").await;
    let draft = drafted(&app.app, ines.user.as_ref().unwrap(), piece("Not yet")).await;
    let gone = shelve(&app.app, ines.user.as_ref().unwrap(), piece("No longer")).await;
    withdraw(&app.app.db, ines.user.as_ref().unwrap(), &gone).await;
    let (mut stranger, mut buyer) = (app.visitor(), app.buyer("Ada Field").await);
    let mut other = app.uploader("Otto Other").await;
    let mut reviewer = app.reviewer().await;
    for track in [&draft, &gone] {
        for path in [
            track.href(),
            track.at("sample.mp3"),
            track.at("preview.mp3"),
            track.at("peaks.json"),
            track.at("peaks.dat"),
            track.at("artwork.svg"),
        ] {
            for person in [&mut stranger, &mut buyer, &mut other] {
                person.get(&path).await.is(404);
            }
            for person in [&mut ines, &mut reviewer] {
                let seen = person.get(&path).await.is(200);
                assert!(seen.header("cache-control").unwrap().starts_with("private, no-"), "{path}");
                assert!(!seen.bytes.windows(16).any(|bytes| sounds().master.starts_with(bytes)), "{path}");
            }
        }
    }
    for path in [draft.at("master.wav"), draft.at("master"), format!("/masters/{}", draft.upload)] {
        ines.get(&path).await.is(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_waveform_is_that_of_the_sound_in_the_common_shape() {
    let (app, _ines, track) = shop().await;
    let mut visitor = app.visitor();
    let seen = visitor.get(&track.at("peaks.json")).await.is(200);
    let json: serde_json::Value = serde_json::from_slice(&seen.bytes).unwrap();
    let pairs = &sounds().peaks;
    for (name, value) in [
        ("version", 2),
        ("channels", 1),
        ("sample_rate", i64::from(RATE)),
        ("samples_per_pixel", 256),
        ("bits", 8),
        ("length", pairs.len() as i64 / 2),
    ] {
        assert_eq!(json[name], value, "{name}");
    }
    let data: Vec<i64> = json["data"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
    assert_eq!(data, pairs.iter().map(|byte| i64::from(*byte as i8)).collect::<Vec<_>>());
    let tag = seen.header("etag").unwrap().to_owned();
    visitor.get_with(&track.at("peaks.json"), &[("If-None-Match", &tag)]).await.is(304);
    let dat = visitor.get(&track.at("peaks.dat")).await.is(200);
    assert_eq!(dat.header("content-type"), Some("application/octet-stream"));
    let head = [2, 1, RATE as i32, 256, pairs.len() as i32 / 2, 1].map(i32::to_le_bytes);
    assert!(dat.bytes == [head.as_flattened(), pairs.as_slice()].concat());
    let other = dat.header("etag").unwrap().to_owned();
    assert_ne!(other, tag);
    let head = visitor.head(&track.at("peaks.dat")).await.is(200);
    assert!(head.bytes.is_empty() && head.header("etag") == Some(other.as_str()));
    visitor.get_with(&track.at("peaks.dat"), &[("If-None-Match", &other)]).await.is(304);
    visitor.get_with(&track.at("peaks.dat"), &[("If-None-Match", &tag)]).await.is(200);
    let art = visitor.get(&track.at("artwork.svg")).await.is(200);
    assert_eq!(art.text(), sounds().artwork);
    assert_eq!(art.header("content-type"), Some("image/svg+xml"));
    assert!(art.header("content-security-policy").unwrap().contains("default-src 'none'"));
    let same = visitor
        .get_with(&track.at("artwork.svg"), &[("If-None-Match", art.header("etag").unwrap())])
        .await
        .is(304);
    assert_eq!(same.header("etag"), art.header("etag"));
    // One of the usual size goes packed.
    let usual =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{}</svg>", "<path d=\"M0 0h9\"/>".repeat(90));
    let kept = app.app.storage.list("").await.unwrap();
    let (key, _) =
        kept.iter().find(|(key, _)| key.contains(track.upload.as_str()) && key.contains("artwork")).unwrap();
    app.app.storage.put(key, usual.clone(), "image/svg+xml").await.unwrap();
    let packed = visitor.get_with(&track.at("artwork.svg"), &[("Accept-Encoding", "gzip")]).await.is(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.bytes.len() < usual.len() / 4);
    assert_eq!(visitor.get(&track.at("artwork.svg")).await.is(200).text(), usual);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_play_is_a_whole_number_of_the_day_and_needs_a_page_of_ours() {
    let (app, mut ines, track) = shop().await;
    let me = ines.user.clone().unwrap();
    let plays = async || {
        let ines = me.clone();
        let days = app.app.db.read(move |conn| days_of(conn, &ines, "2000-01-01")).await.unwrap();
        days.iter().map(|(_, _, plays, _)| plays).sum::<i64>()
    };
    let mut visitor = app.visitor();
    let at = track.at("plays");
    visitor.post(&at, &[]).await.is(403);
    assert_eq!(plays().await, 0);
    let token = visitor.get(&track.href()).await.csrf().unwrap();
    let said = [("X-CSRF-Token", token.as_str())];
    for _ in 0..2 {
        visitor.ask(reqwest::Method::POST, &at, &said, None).await.is(204);
    }
    assert_eq!(plays().await, 2);
    // The uploader's own are not counted, nor those of a machine that never stops.
    let token = ines.get(&track.href()).await.csrf().unwrap();
    ines.ask(reqwest::Method::POST, &at, &[("X-CSRF-Token", &token)], None).await.is(204);
    assert_eq!(plays().await, 2);
    for _ in 0..30 {
        visitor.ask(reqwest::Method::POST, &at, &said, None).await.is(204);
    }
    assert!(plays().await < 15);
}
