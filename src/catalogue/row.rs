//! A track as one row of a list, whatever the list: the search, a profile, the library, the studio, the review.

use serde::Serialize;

use super::lists::mood_name;
use super::track::{Listed, Track, split};
use crate::money::Cents;

/// How many words a row has room for.
const WORDS: usize = 3;

/// What the track row part (`templates/parts/row.html`) lays out. Addresses of its sounds and pictures are
/// `href` with `/sample.mp3`, `/preview.mp3`, `/artwork.svg` or `/peaks.json` behind it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackRow {
    pub slug: String,
    /// The track's page.
    pub href: String,
    pub title: String,
    pub uploader: String,
    pub handle: Option<String>,
    pub kind: String,
    /// Whole beats a minute.
    pub bpm: Option<i64>,
    /// The slug of its key.
    pub key: Option<String>,
    pub duration_ms: i64,
    /// Where in it the sample begins, so that the playhead stands where the sound is.
    pub sample_start_ms: i64,
    /// 200 heights of the waveform in hexadecimal.
    pub bars: String,
    /// At most three words for it: its tags, the uploader's first, filled up with its moods.
    pub tags: Vec<String>,
    pub price_from: Option<Cents>,
    /// `published`, or where else it is on its way.
    pub state: String,
    /// Whether the one who looks keeps it.
    pub kept: bool,
}

impl TrackRow {
    /// The row of a track for one who keeps it, or does not.
    pub fn new(listed: &Listed, kept: bool) -> TrackRow {
        let handle = listed.uploader_handle.as_ref().map(|h| h.as_str());
        TrackRow { kept, ..TrackRow::of(&listed.track, &listed.uploader_name, handle) }
    }

    /// The row of a track whose uploader is known already, such as in the studio.
    pub fn of(track: &Track, uploader: &str, handle: Option<&str>) -> TrackRow {
        TrackRow {
            slug: track.slug.to_string(),
            href: format!("/tracks/{}", track.slug),
            title: track.title.clone(),
            uploader: uploader.to_owned(),
            handle: handle.map(str::to_owned),
            kind: track.kind.as_str().to_owned(),
            bpm: track.bpm.map(|bpm| bpm.round() as i64),
            key: track.musical_key.clone(),
            duration_ms: track.duration_ms,
            sample_start_ms: track.sample_start_ms,
            bars: track.bars.clone(),
            tags: words(&track.tags, &track.moods),
            price_from: track.price_from,
            state: track.state.as_str().to_owned(),
            kept: false,
        }
    }

    /// A row for the test that renders every page.
    pub fn sample() -> TrackRow {
        TrackRow {
            slug: "copper-weather".into(),
            href: "/tracks/copper-weather".into(),
            title: "Copper Weather".into(),
            uploader: "Ines Morrow".into(),
            handle: Some("ines-morrow".into()),
            kind: "music".into(),
            bpm: Some(92),
            key: Some("am".into()),
            duration_ms: 154_000,
            sample_start_ms: 62_000,
            bars: "10407fb0e0ffd0a07030".repeat(20),
            tags: vec!["brooding".into(), "strings".into(), "slow build".into()],
            price_from: Some(Cents(2900)),
            state: "published".into(),
            kept: false,
        }
    }
}

/// Tags first, then moods as people read them, each word once.
fn words(tags: &str, moods: &str) -> Vec<String> {
    let mut words = split(tags);
    for mood in split(moods) {
        let name = mood_name(&mood).map(str::to_lowercase).unwrap_or(mood);
        if !words.iter().any(|word| word.eq_ignore_ascii_case(&name)) {
            words.push(name);
        }
    }
    words.truncate(WORDS);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_three_words_each_once() {
        for (tags, moods, wanted) in [
            ("slow build,rain", "brooding,tense", "slow build rain brooding"),
            ("Tense", "tense,hopeful", "Tense hopeful"),
            ("a,b,c,d", "", "a b c"),
            ("", "", ""),
        ] {
            assert_eq!(words(tags, moods).join(" "), wanted);
        }
    }

    #[test]
    fn the_sample_row_has_a_whole_waveform() {
        assert_eq!(TrackRow::sample().bars.len(), 400);
    }
}
