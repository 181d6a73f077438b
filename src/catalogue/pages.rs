//! What the front page, a track's page and a profile show: plain values for their templates.

use serde::Serialize;

use super::row::TrackRow;
use crate::money::Cents;
use crate::web::View;

/// Where words lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    pub words: String,
    pub href: String,
}

impl Link {
    /// A link with these words to this address.
    pub fn new(words: impl Into<String>, href: impl Into<String>) -> Link {
        Link { words: words.into(), href: href.into() }
    }
}

/// A row, and one sentence on why it is here.
#[derive(Clone, Debug, Serialize)]
pub struct Reasoned {
    pub row: TrackRow,
    /// `Same mood, similar tempo.`; empty when there is nothing to say.
    pub why: String,
}

/// The pages of a list. Absent from a list of one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paging {
    pub page: u64,
    pub last: u64,
    pub previous: Option<String>,
    pub next: Option<String>,
    /// The first, the last and those around this one; a gap between them is a link without `href`.
    pub numbers: Vec<PageLink>,
}

/// One number of the pager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageLink {
    pub number: u64,
    pub href: Option<String>,
    pub here: bool,
    /// Pages are left out here: shown as an ellipsis.
    pub gap: bool,
}

impl Paging {
    /// The pager of `last` pages at `page`; `address` says where a page is. None when there is one page only.
    pub fn new(page: u64, last: u64, address: impl Fn(u64) -> String) -> Option<Paging> {
        if last < 2 {
            return None;
        }
        let mut numbers: Vec<PageLink> = vec![];
        for number in 1..=last {
            let near = number.abs_diff(page) <= 2;
            if near || number == 1 || number == last {
                let here = number == page;
                let href = (!here).then(|| address(number));
                numbers.push(PageLink { number, href, here, gap: false });
            } else if numbers.last().is_some_and(|l| !l.gap) {
                numbers.push(PageLink { number, href: None, here: false, gap: true });
            }
        }
        Some(Paging {
            page,
            last,
            previous: (page > 1).then(|| address((page - 1).min(last))),
            next: (page < last).then(|| address(page + 1)),
            numbers,
        })
    }
}

/// A way into the catalogue: a kind, a mood, a genre with how many there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doorway {
    pub slug: String,
    pub name: String,
    pub count: u64,
    pub href: String,
}

/// `/`: template `catalogue/home.html`.
#[derive(Clone, Debug, Serialize)]
pub struct HomePage {
    /// What the shop is, in one sentence.
    pub sentence: String,
    /// Published tracks in all.
    pub whole: u64,
    /// What is new, newest first.
    pub fresh: Vec<TrackRow>,
    /// What is licensed and kept most. Empty while nothing is.
    pub loved: Vec<TrackRow>,
    pub kinds: Vec<Doorway>,
    /// The dozen with most tracks.
    pub moods: Vec<Doorway>,
    pub genres: Vec<Doorway>,
    /// The index is being built: counts are missing for a moment.
    pub building: bool,
    /// About the site, as JSON-LD safe inside a script element.
    pub json_ld: String,
}

/// A place on the time line under the large waveform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// `0:30`.
    pub words: String,
    /// Thousandths of the whole length.
    pub per_mille: i64,
}

/// One line of the fact sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    pub name: String,
    pub words: String,
    /// Where others like it are.
    pub href: Option<String>,
}

/// One row of the table of tiers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TierRow {
    pub slug: String,
    pub name: String,
    /// The full text.
    pub href: String,
    pub may_use_in: String,
    pub up_to: String,
    /// None: on request.
    pub price: Option<Cents>,
    /// The one most people take; at most one row.
    pub suggested: bool,
    pub in_basket: bool,
    /// The visitor holds this licence already.
    pub owned: bool,
}

/// `/tracks/<slug>`: template `catalogue/show.html`.
#[derive(Clone, Debug, Serialize)]
pub struct TrackPage {
    pub slug: String,
    pub title: String,
    pub kind: String,
    pub kind_name: String,
    pub kind_href: String,
    pub genre: Option<Link>,
    pub uploader: String,
    pub uploader_href: Option<String>,
    /// Where one says that the uploader is too young: for anybody else who signed in, and the same whether the uploader has a
    /// profile or not.
    pub report_href: Option<String>,
    /// `14 March 2026`, and for machines `2026-03-14`; none while it is not published.
    pub published: Option<String>,
    pub published_iso: Option<String>,
    /// The description, by paragraph.
    pub paragraphs: Vec<String>,
    pub moods: Vec<Link>,
    pub instruments: Vec<Link>,
    pub tags: Vec<Link>,
    pub duration_ms: i64,
    pub bars: String,
    pub ticks: Vec<Tick>,
    pub artwork_href: String,
    pub peaks_href: String,
    /// The sample, its place in the whole and its length.
    pub sample_href: String,
    pub sample_start_ms: i64,
    pub sample_ms: i64,
    /// The whole preview, if this visitor may hear it.
    pub preview_href: Option<String>,
    pub facts: Vec<Fact>,
    /// Tiers at a price, in the shop's order.
    pub tiers: Vec<TierRow>,
    /// Tiers that are asked for, not sold here.
    pub on_request: Vec<TierRow>,
    /// It is here to be heard, and no licence to it is given.
    pub only_heard: bool,
    pub similar: Vec<Reasoned>,
    /// schema.org's words for this, as JSON-LD that is safe inside a script element.
    pub json_ld: String,
    pub canonical: String,
    pub kept: bool,
    pub kept_count: i64,
    /// The visitor holds a licence to it.
    pub owned: bool,
    /// The visitor is its uploader: where to edit it.
    pub edit_href: Option<String>,
    /// Why only some can see this page: `This track is a draft.`
    pub hidden_because: Option<String>,
    /// It is off sale and the visitor licensed it: to see and to hear, not to keep.
    pub is_held: bool,
    /// For the player: the row of this very track.
    pub row: TrackRow,
}

/// `/@<handle>`: template `catalogue/profile.html`.
#[derive(Clone, Debug, Serialize)]
pub struct ProfilePage {
    pub name: String,
    pub handle: String,
    pub picture_href: Option<String>,
    /// Words about oneself, by paragraph.
    pub about: Vec<String>,
    /// Links a person gave: shown with `rel="ugc nofollow noopener"`.
    pub links: Vec<Link>,
    pub rows: Vec<TrackRow>,
    /// Published tracks in all.
    pub total: u64,
    /// `March 2026`, when they came.
    pub since: String,
    /// They chose to show that they are of age.
    pub of_age: bool,
    pub paging: Option<Paging>,
    /// Where to search within this uploader's tracks.
    pub search_href: String,
    /// The visitor looks at their own profile.
    pub mine: bool,
    pub canonical: String,
    pub json_ld: String,
}

/// JSON for a script element: `<` cannot end it.
pub fn json_ld(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn doorways(of: &[(&str, &str, u64)], field: &str) -> Vec<Doorway> {
    of.iter()
        .map(|(slug, name, count)| Doorway {
            slug: (*slug).into(),
            name: (*name).into(),
            count: *count,
            href: format!("/search?{field}={slug}"),
        })
        .collect()
}

impl View for HomePage {
    const TEMPLATE: &'static str = "catalogue/home.html";

    /// A full shop, and one that is being filled.
    fn samples() -> Vec<HomePage> {
        let full = HomePage {
            sentence: "Music, loops and sounds by people, each with a licence that anyone can check.".into(),
            whole: 2503,
            fresh: vec![TrackRow::sample(); 8],
            loved: vec![TrackRow::sample(); 4],
            kinds: doorways(
                &[("music", "Music", 1204), ("loop", "Loop", 388), ("effect", "Sound effect", 911)],
                "kind",
            ),
            moods: doorways(&[("brooding", "Brooding", 212), ("hopeful", "Hopeful", 187)], "mood"),
            genres: doorways(&[("ambient", "Ambient", 340), ("cinematic", "Cinematic", 311)], "genre"),
            building: false,
            json_ld: json_ld(&serde_json::json!({"@type": "WebSite", "name": "Cuehouse"})),
        };
        let empty = HomePage {
            whole: 0,
            fresh: vec![],
            loved: vec![],
            kinds: vec![],
            moods: vec![],
            genres: vec![],
            building: true,
            ..full.clone()
        };
        vec![full, empty]
    }
}

impl View for TrackPage {
    const TEMPLATE: &'static str = "catalogue/show.html";

    /// A published track that a stranger sees, and a bare draft its uploader sees.
    fn samples() -> Vec<TrackPage> {
        let fact = |name: &str, words: &str| Fact { name: name.into(), words: words.into(), href: None };
        let tier = |slug: &str, name: &str, price: Option<i64>| TierRow {
            slug: slug.into(),
            name: name.into(),
            href: format!("/licences/{slug}"),
            may_use_in: "Your own channels, podcasts, student work".into(),
            up_to: "One series of 52 episodes".into(),
            price: price.map(Cents),
            suggested: slug == "creator",
            in_basket: false,
            owned: slug == "listen",
        };
        let full = TrackPage {
            slug: "copper-weather".into(),
            title: "Copper Weather".into(),
            kind: "music".into(),
            kind_name: "Music".into(),
            kind_href: "/search?kind=music".into(),
            genre: Some(Link::new("Cinematic", "/search?genre=cinematic")),
            uploader: "Ines Morrow".into(),
            uploader_href: Some("/@ines-morrow".into()),
            report_href: Some("/reports/age/@ines-morrow".into()),
            published: Some("14 March 2026".into()),
            published_iso: Some("2026-03-14".into()),
            paragraphs: vec![
                "Low strings that gather for two minutes & never <quite> break.".into(),
                "A bell at 1:12, rain under the last bars.".into(),
            ],
            moods: vec![Link::new("Brooding", "/search?mood=brooding")],
            instruments: vec![Link::new("Strings", "/search?instrument=strings")],
            tags: vec![Link::new("slow build", "/search?q=slow+build")],
            duration_ms: 154_000,
            bars: TrackRow::sample().bars,
            ticks: [("0:00", 0), ("0:30", 195), ("1:00", 390), ("1:30", 584), ("2:00", 779), ("2:34", 1000)]
                .map(|(words, per_mille)| Tick { words: words.into(), per_mille })
                .to_vec(),
            artwork_href: "/tracks/copper-weather/artwork.svg".into(),
            peaks_href: "/tracks/copper-weather/peaks.json".into(),
            sample_href: "/tracks/copper-weather/sample.mp3".into(),
            sample_start_ms: 62_000,
            sample_ms: 60_000,
            preview_href: Some("/tracks/copper-weather/preview.mp3".into()),
            facts: vec![
                fact("Tempo", "92 bpm"),
                fact("Key", "A minor"),
                fact("Length", "2:34"),
                fact("Loudness", "−14.2 LUFS"),
                fact("Master", "WAV, 48 kHz, 24 bit, stereo"),
                fact("Voices", "No vocals"),
            ],
            tiers: vec![tier("listen", "Listen", Some(300)), tier("creator", "Creator", Some(2900))],
            on_request: vec![tier("exclusive", "Exclusive buy-out", None)],
            only_heard: false,
            similar: vec![Reasoned {
                row: TrackRow::sample(),
                why: "Also brooding, with strings, near 92 bpm.".into(),
            }],
            json_ld: json_ld(&serde_json::json!({"@type": "MusicRecording", "name": "</script>"})),
            canonical: "/tracks/copper-weather".into(),
            kept: true,
            kept_count: 12,
            owned: true,
            edit_href: None,
            hidden_because: None,
            is_held: false,
            row: TrackRow::sample(),
        };
        let draft = TrackPage {
            genre: None,
            published: None,
            published_iso: None,
            paragraphs: vec![],
            moods: vec![],
            instruments: vec![],
            tags: vec![],
            preview_href: None,
            tiers: vec![],
            on_request: vec![],
            only_heard: true,
            similar: vec![],
            kept: false,
            kept_count: 0,
            owned: false,
            report_href: None,
            edit_href: Some("/studio/tracks/copper-weather/edit".into()),
            hidden_because: Some("This track is a draft; only you and reviewers see it.".into()),
            ..full.clone()
        };
        let held = TrackPage {
            edit_href: None,
            hidden_because: Some("This track was taken off sale; you see it because you licensed it.".into()),
            is_held: true,
            ..draft.clone()
        };
        vec![full, draft, held]
    }
}

impl View for ProfilePage {
    const TEMPLATE: &'static str = "catalogue/profile.html";

    /// A profile with everything, and a bare one.
    fn samples() -> Vec<ProfilePage> {
        let full = ProfilePage {
            name: "Ines Morrow".into(),
            handle: "ines-morrow".into(),
            picture_href: Some("/@ines-morrow/picture".into()),
            about: vec!["Cellist. I record in an old grain store.".into()],
            links: vec![Link::new("ines.example", "https://ines.example/")],
            rows: vec![TrackRow::sample(); 3],
            total: 60,
            since: "March 2026".into(),
            of_age: true,
            paging: Paging::new(1, 3, |n| format!("/@ines-morrow?page={n}")),
            search_href: "/search?uploader=ines-morrow".into(),
            mine: false,
            canonical: "/@ines-morrow".into(),
            json_ld: json_ld(&serde_json::json!({"@type": "ProfilePage"})),
        };
        let bare = ProfilePage {
            picture_href: None,
            about: vec![],
            links: vec![],
            rows: vec![],
            total: 0,
            of_age: false,
            paging: None,
            mine: true,
            ..full.clone()
        };
        vec![full, bare]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: u64, last: u64) -> String {
        let Some(paging) = Paging::new(page, last, |n| n.to_string()) else { return String::new() };
        let words = paging.numbers.iter().map(|l| match l {
            l if l.gap => "…".to_owned(),
            l if l.here => format!("[{}]", l.number),
            l => l.number.to_string(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_pager_shows_both_ends_and_the_neighbourhood() {
        assert_eq!(shown(1, 1), "");
        assert_eq!(shown(1, 3), "[1] 2 3");
        assert_eq!(shown(1, 9), "[1] 2 3 … 9");
        assert_eq!(shown(5, 9), "1 … 3 4 [5] 6 7 … 9");
        assert_eq!(shown(9, 9), "1 … 7 8 [9]");
        assert_eq!(Paging::new(99, 4, |n| n.to_string()).and_then(|p| p.previous), Some("4".into()));
    }

    #[test]
    fn json_cannot_end_its_script_element() {
        let text = json_ld(&serde_json::json!({ "name": "</script><script>alert(1)" }));
        assert!(!text.contains('<'));
        let back: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["name"], "</script><script>alert(1)");
    }
}
