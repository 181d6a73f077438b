//! A track as one row of a list, whatever the list.

use serde::Serialize;

use super::track::{Listed, split};
use crate::money::Cents;

/// What the track row part lays out.
#[derive(Clone, Debug, Serialize)]
pub struct TrackRow {
    pub slug: String,
    pub title: String,
    pub uploader: String,
    pub handle: Option<String>,
    pub kind: String,
    /// Whole beats a minute.
    pub bpm: Option<i64>,
    pub key: Option<String>,
    pub duration_ms: i64,
    /// 200 heights of the waveform in hexadecimal.
    pub bars: String,
    /// At most three, the uploader's first.
    pub tags: Vec<String>,
    pub price_from: Option<Cents>,
    /// Whether the one who looks keeps it.
    pub kept: bool,
}

impl TrackRow {
    /// The row of a track for one who keeps it, or does not.
    pub fn new(listed: &Listed, kept: bool) -> TrackRow {
        let track = &listed.track;
        TrackRow {
            slug: track.slug.to_string(),
            title: track.title.clone(),
            uploader: listed.uploader_name.clone(),
            handle: listed.uploader_handle.as_ref().map(|h| h.to_string()),
            kind: track.kind.as_str().to_owned(),
            bpm: track.bpm.map(|bpm| bpm.round() as i64),
            key: track.musical_key.clone(),
            duration_ms: track.duration_ms,
            bars: track.bars.clone(),
            tags: split(&track.tags).into_iter().take(3).collect(),
            price_from: track.price_from,
            kept,
        }
    }

    /// A row for the test that renders every page.
    pub fn sample() -> TrackRow {
        TrackRow {
            slug: "copper-weather".into(),
            title: "Copper Weather".into(),
            uploader: "Ines Morrow".into(),
            handle: Some("ines-morrow".into()),
            kind: "music".into(),
            bpm: Some(92),
            key: Some("am".into()),
            duration_ms: 154_000,
            bars: "10407fb0e0ffd0a0703010".repeat(10).chars().take(400).collect(),
            tags: vec!["brooding".into(), "strings".into(), "slow build".into()],
            price_from: Some(Cents(2900)),
            kept: false,
        }
    }
}
