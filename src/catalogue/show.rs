//! The page of one track, from its rows.

use serde_json::json;

use super::lists;
use super::pages::{Fact, Link, Reasoned, Tick, TierRow, TrackPage, json_ld};
use super::row::TrackRow;
use super::sheet::Sheet;
use super::track::{Kind, Recording, State, Track, split};
use crate::accounts::user::Visitor;
use crate::config::Config;
use crate::sales::table::Stand;
use crate::web::templates::clock;

/// What stands above a track that is off sale, for whoever licensed it.
const HELD: &str = "This track was taken off sale; you see it because you licensed it. Your licence and its files stay in your library.";

/// Marks under the large waveform, at most so many beside both ends.
const MOST_TICKS: i64 = 6;

impl TrackPage {
    /// The page as this visitor sees it.
    pub fn of(
        sheet: Sheet,
        stands: Vec<Stand>,
        similar: Vec<Reasoned>,
        visitor: Option<&Visitor>,
        config: &Config,
    ) -> TrackPage {
        let (track, recording) = (&sheet.listed.track, &sheet.recording);
        let href = format!("/tracks/{}", track.slug);
        let is_open = track.state == State::Published && !sheet.is_closed;
        let is_mine = visitor.is_some_and(|v| v.id == track.uploader_id);
        let others = visitor.is_some() && !is_mine && is_open;
        let handle = sheet.listed.uploader_handle.as_ref();
        let hears_all = visitor.is_some() || config.preview_anonymous;
        let named = |field: &str, slugs: Vec<String>, name: lists::Lookup| {
            let link = |slug: String| Some(Link::new(name(&slug)?, format!("/search?{field}={slug}")));
            slugs.into_iter().filter_map(link).collect::<Vec<_>>()
        };
        let (tiers, on_request) = if is_open && !sheet.is_of_child { rows(stands) } else { (vec![], vec![]) };
        let moods = named("mood", split(&track.moods), lists::mood_name);
        let genre = named("genre", track.genre.iter().cloned().collect(), lists::genre_name).pop();
        let tag = |tag: String| {
            let q: String = url::form_urlencoded::byte_serialize(tag.as_bytes()).collect();
            Link::new(tag, format!("/search?q={q}"))
        };
        TrackPage {
            slug: track.slug.to_string(),
            title: track.title.clone(),
            kind: track.kind.as_str().to_owned(),
            kind_name: lists::kind_name(track.kind.as_str()).unwrap_or_default().to_owned(),
            kind_href: format!("/search?kind={}", track.kind.as_str()),
            uploader: sheet.listed.uploader_name.clone(),
            uploader_href: handle.map(|handle| format!("/@{handle}")),
            report_href: handle.filter(|_| others).map(|handle| format!("/reports/age/@{handle}")),
            published: track.published_at.filter(|_| is_open).map(|at| at.long_day()),
            published_iso: track.published_at.filter(|_| is_open).map(|at| at.day()),
            paragraphs: paragraphs(&track.description),
            instruments: named("instrument", split(&track.instruments), lists::instrument_name),
            tags: split(&track.tags).into_iter().map(tag).collect(),
            duration_ms: track.duration_ms,
            bars: track.bars.clone(),
            ticks: ticks(track.duration_ms),
            artwork_href: format!("{href}/artwork.svg"),
            peaks_href: format!("{href}/peaks.json"),
            sample_href: format!("{href}/sample.mp3"),
            sample_start_ms: track.sample_start_ms,
            sample_ms: sample_ms(recording),
            preview_href: hears_all.then(|| format!("{href}/preview.mp3")),
            facts: facts(track, recording),
            json_ld: json_ld(&said(&sheet, &tiers, genre.as_ref(), config)),
            canonical: config.absolute(&href),
            kept: sheet.kept,
            kept_count: track.kept,
            owned: tiers.iter().any(|tier| tier.owned),
            edit_href: is_mine.then(|| format!("/studio/tracks/{}/edit", track.slug)),
            hidden_because: match (sheet.is_held, sheet.is_closed) {
                (true, _) => Some(HELD.to_owned()),
                (_, true) => Some("Its uploader's account is closed; only reviewers see it.".into()),
                _ => hidden_because(track.state, is_mine),
            },
            is_held: sheet.is_held,
            row: TrackRow::new(&sheet.listed, sheet.kept),
            genre,
            moods,
            tiers,
            on_request,
            only_heard: sheet.is_of_child,
            similar,
        }
    }
}

/// A text in paragraphs, as it was typed.
pub fn paragraphs(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The sample's length from its bytes: sixteen of them are a millisecond.
fn sample_ms(recording: &Recording) -> i64 {
    (recording.sample_bytes / 16).min(recording.duration_ms)
}

fn hidden_because(state: State, is_mine: bool) -> Option<String> {
    let who =
        if is_mine { "only you and reviewers see it" } else { "only its uploader and reviewers see it" };
    let what = match state {
        State::Published => return None,
        State::Draft => "This track is a draft",
        State::Submitted => "This track waits for review",
        State::Refused => "This track was not taken into the shop",
        State::Withdrawn => "This track was taken off sale",
    };
    Some(format!("{what}; {who}."))
}

/// The tiers at a price, and those on request.
fn rows(stands: Vec<Stand>) -> (Vec<TierRow>, Vec<TierRow>) {
    let (offered, rest): (Vec<Stand>, Vec<Stand>) = stands.into_iter().partition(|s| s.price.is_some());
    let suggested = (offered.len() > 2).then_some(1);
    let row = |(place, stand): (Option<usize>, Stand)| TierRow {
        href: format!("/licences/{}", stand.tier.slug),
        may_use_in: stand.tier.scope.may_use_in(),
        up_to: stand.tier.scope.up_to(),
        price: stand.price,
        suggested: place.is_some() && place == suggested,
        in_basket: stand.in_basket,
        owned: stand.held,
        slug: stand.tier.slug,
        name: stand.tier.name,
    };
    let tiers = offered.into_iter().enumerate().map(|(n, stand)| row((Some(n), stand))).collect();
    let asked = rest.into_iter().filter(|stand| stand.tier.on_request).map(|stand| row((None, stand)));
    (tiers, asked.collect())
}

/// Marks at even times, the last at the very end.
fn ticks(duration_ms: i64) -> Vec<Tick> {
    let whole = duration_ms.max(1);
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200].map(|secs| secs * 1000);
    let step = steps.into_iter().find(|step| whole / step <= MOST_TICKS).unwrap_or(whole);
    let tick = |at: i64| Tick { words: clock(at), per_mille: at * 1000 / whole };
    // A mark close before the end would stand in the words of the end.
    let even = (0..).map(|n| n * step).take_while(|at| *at == 0 || at + step * 2 / 3 <= whole);
    even.map(tick).chain([tick(whole)]).collect()
}

fn facts(track: &Track, recording: &Recording) -> Vec<Fact> {
    let mut facts = vec![];
    let mut fact = |name: &str, words: String, href: Option<String>| {
        facts.push(Fact { name: name.into(), words, href });
    };
    if let Some(bpm) = track.bpm {
        let bpm = bpm.round() as i64;
        let near = format!("/search?bpm_min={}&bpm_max={}", (bpm - 2).max(1), bpm + 2);
        fact("Tempo", format!("{bpm} bpm"), Some(near));
    }
    if let Some(key) = track.musical_key.as_deref().and_then(lists::key) {
        fact("Key", key.name.into(), Some(format!("/search?key={}", key.slug)));
    }
    fact("Length", clock(track.duration_ms), None);
    if let (Kind::Music, Some(voices)) = (track.kind, lists::vocals_name(&track.vocals)) {
        fact("Voices", voices.into(), Some(format!("/search?vocals={}", track.vocals)));
    }
    let figure = |value: f64| format!("{value:.1}").replace('-', "−");
    if let Some(lufs) = recording.loudness_lufs {
        let how = if recording.is_repeated() { " when repeated" } else { "" };
        fact("Loudness", format!("{} LUFS{how}", figure(lufs)), None);
    }
    if let Some(peak) = recording.true_peak_dbtp {
        fact("True peak", format!("{} dBTP", figure(peak)), None);
    }
    fact("Master", master(recording), None);
    facts
}

/// `WAV, 48 kHz, 24 bit, stereo`.
fn master(recording: &Recording) -> String {
    let is_said = recording.codec.eq_ignore_ascii_case(&recording.container)
        || recording.codec.to_ascii_uppercase().starts_with("PCM");
    let mut words = vec![match is_said {
        true => recording.container.clone(),
        false => format!("{} ({})", recording.container, recording.codec),
    }];
    let khz = format!("{:.3}", f64::from(recording.sample_rate) / 1000.0);
    words.push(format!("{} kHz", khz.trim_end_matches('0').trim_end_matches('.')));
    words.extend(recording.bits.map(|bits| format!("{bits} bit")));
    words.push(match recording.channels {
        1 => "mono".into(),
        2 => "stereo".into(),
        n => format!("{n} channels"),
    });
    words.join(", ")
}

/// The same in schema.org's words.
fn said(sheet: &Sheet, tiers: &[TierRow], genre: Option<&Link>, config: &Config) -> serde_json::Value {
    let track = &sheet.listed.track;
    let url = config.absolute(&format!("/tracks/{}", track.slug));
    let at = |name: &str| format!("{url}/{name}");
    let mut artist = json!({"@type": "Person", "name": sheet.listed.uploader_name});
    if let Some(handle) = &sheet.listed.uploader_handle {
        artist["url"] = json!(config.absolute(&format!("/@{handle}")));
    }
    let secs = (track.duration_ms + 500) / 1000;
    let offers = tiers.iter().filter_map(|tier| {
        let price = tier.price?;
        Some(json!({
            "@type": "Offer",
            "name": tier.name,
            "price": format!("{}.{:02}", price.0 / 100, price.0 % 100),
            "priceCurrency": config.currency.to_uppercase(),
            "url": format!("{url}#licences"),
            "license": config.absolute(&tier.href),
            "availability": "https://schema.org/InStock",
        }))
    });
    json!({
        "@context": "https://schema.org",
        "@type": if track.kind == Kind::Music { "MusicRecording" } else { "AudioObject" },
        "name": track.title,
        "description": track.description,
        "url": url,
        "image": at("artwork.svg"),
        "byArtist": artist,
        "duration": format!("PT{}M{}S", secs / 60, secs % 60),
        "datePublished": track.published_at.map(|at| at.day()),
        "genre": genre.map(|genre| genre.words.as_str()),
        "keywords": track.tags,
        "audio": {"@type": "AudioObject", "contentUrl": at("sample.mp3"), "encodingFormat": "audio/mpeg"},
        "acquireLicensePage": format!("{url}#licences"),
        "offers": offers.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_at_even_times_and_at_the_end() {
        for (ms, words) in [
            (154_000, "0:00 0:30 1:00 1:30 2:00 2:34"),
            (4_000, "0:00 0:01 0:02 0:03 0:04"),
            (600, "0:00 0:01"),
            (3_600_000, "0:00 10:00 20:00 30:00 40:00 50:00 1:00:00"),
        ] {
            let ticks = ticks(ms);
            assert_eq!(ticks.iter().map(|t| t.words.as_str()).collect::<Vec<_>>().join(" "), words);
            assert!(ticks.windows(2).all(|two| two[0].per_mille < two[1].per_mille));
            assert_eq!(ticks.last().map(|t| t.per_mille), Some(1000));
        }
    }

    #[test]
    fn a_text_keeps_its_paragraphs() {
        assert_eq!(paragraphs("One.\n\n  Two.\nThree.\n"), ["One.", "Two.", "Three."]);
        assert!(paragraphs(" \n").is_empty());
    }
}
