//! What the search page shows: plain values for its template.

use serde::Serialize;

use crate::catalogue::pages::{Link, Paging, Reasoned};
use crate::catalogue::row::TrackRow;
use crate::web::View;

/// A field one can narrow down by, with its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facet {
    /// The name in addresses: `genre`.
    pub name: String,
    /// For people: `Genre`.
    pub title: String,
    /// Shown unfolded.
    pub open: bool,
    pub values: Vec<FacetValue>,
    /// How many of its values are chosen.
    pub chosen: usize,
    /// The same search without this facet's choices; none when nothing is chosen.
    pub clear: Option<String>,
}

/// One value of a facet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FacetValue {
    pub slug: String,
    pub name: String,
    /// How many sounds one would find with it.
    pub count: u64,
    pub chosen: bool,
    /// The same search with it, or without it when it is chosen.
    pub href: String,
}

/// One bar of the histogram of tempos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TempoBar {
    pub from: i64,
    pub to: i64,
    pub count: u64,
    /// 0 to 100, the tallest bar 100.
    pub height: u64,
    /// Inside the chosen range.
    pub chosen: bool,
}

/// The tempo filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tempo {
    pub min: Option<i64>,
    pub max: Option<i64>,
    /// Half and double count as well.
    pub double: bool,
    pub bars: Vec<TempoBar>,
    /// All bars, and the chosen ones, as SVG path data in a box of 24 by 24.
    pub path: String,
    pub chosen_path: String,
    pub clear: Option<String>,
}

/// The length filter: seconds as they stand in addresses, and a few lengths to choose at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Length {
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub presets: Vec<Preset>,
    pub clear: Option<String>,
}

/// A choice without a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preset {
    pub words: String,
    pub href: String,
    pub chosen: bool,
}

/// A field of the search that a form carries along unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Carried {
    pub name: String,
    pub value: String,
}

/// What to try when nothing was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Empty {
    pub sentence: String,
    pub suggestions: Vec<Link>,
}

/// `/search`: template `search/index.html`.
#[derive(Clone, Debug, Serialize)]
pub struct SearchPage {
    /// `Slow strings`, or `All sounds`.
    pub heading: String,
    /// The words as typed, for the box.
    pub q: String,
    /// `86 of 2,503 sounds`.
    pub summary: String,
    pub total: u64,
    /// Published tracks in all.
    pub whole: u64,
    /// Rows with why they were found.
    pub rows: Vec<Reasoned>,
    pub facets: Vec<Facet>,
    pub tempo: Tempo,
    pub length: Length,
    /// Every chosen filter; its address is the same search without it.
    pub chips: Vec<Link>,
    /// The words alone, without any filter; none when there is no filter.
    pub clear: Option<String>,
    pub sorts: Vec<Preset>,
    pub sort: String,
    /// Everything but `q` and `page`: for the form of the search box.
    pub carried: Vec<Carried>,
    /// The uploader whose tracks are searched: shown name or handle.
    pub uploader: Option<String>,
    pub paging: Option<Paging>,
    /// There is more than can be paged through.
    pub narrow: Option<String>,
    /// What was not understood, a sentence each.
    pub ignored: Vec<String>,
    /// What words were read as, a sentence each.
    pub understood: Vec<String>,
    /// Words spelled as the catalogue spells them; results already include them.
    pub spelling: Option<Link>,
    pub empty: Option<Empty>,
    /// The index is being built: some sounds are not found yet.
    pub building: bool,
    /// This search's canonical address.
    pub here: String,
}

impl View for SearchPage {
    const TEMPLATE: &'static str = "search/index.html";

    /// A rich page, and one that found nothing.
    fn samples() -> Vec<SearchPage> {
        let value = |field: &str, slug: &str, name: &str, count, chosen| FacetValue {
            slug: slug.into(),
            name: name.into(),
            count,
            chosen,
            href: format!("/search?q=slow+strings&{field}={slug}"),
        };
        let full = SearchPage {
            heading: "Slow strings".into(),
            q: "slow strings".into(),
            summary: "86 of 2,503 sounds".into(),
            total: 86,
            whole: 2503,
            rows: vec![Reasoned { row: TrackRow::sample(), why: "In its title and tags.".into() }; 3],
            facets: vec![
                Facet {
                    name: "kind".into(),
                    title: "Kind".into(),
                    open: true,
                    values: vec![
                        value("kind", "music", "Music", 1204, true),
                        value("kind", "loop", "Loop", 388, false),
                    ],
                    chosen: 1,
                    clear: Some("/search?q=slow+strings".into()),
                },
                Facet {
                    name: "mood".into(),
                    title: "Mood".into(),
                    open: false,
                    values: vec![value("mood", "brooding", "Brooding", 212, false)],
                    chosen: 0,
                    clear: None,
                },
            ],
            tempo: Tempo {
                min: Some(70),
                max: Some(110),
                double: true,
                bars: vec![
                    TempoBar { from: 60, to: 69, count: 4, height: 40, chosen: false },
                    TempoBar { from: 70, to: 79, count: 10, height: 100, chosen: true },
                ],
                path: "M0.5 24V14.4M1.5 24V0".into(),
                chosen_path: "M1.5 24V0".into(),
                clear: Some("/search?q=slow+strings&kind=music".into()),
            },
            length: Length {
                min: None,
                max: Some(60),
                presets: vec![Preset {
                    words: "Up to 1 minute".into(),
                    href: "/search?q=slow+strings&duration_max=60".into(),
                    chosen: true,
                }],
                clear: Some("/search?q=slow+strings".into()),
            },
            chips: vec![
                Link::new("Music", "/search?q=slow+strings"),
                Link::new("70–110 bpm", "/search?kind=music"),
            ],
            clear: Some("/search?q=slow+strings".into()),
            sorts: vec![
                Preset { words: "Best match".into(), href: "/search?q=slow+strings".into(), chosen: true },
                Preset {
                    words: "Newest".into(),
                    href: "/search?q=slow+strings&sort=new".into(),
                    chosen: false,
                },
            ],
            sort: "best".into(),
            carried: vec![Carried { name: "kind".into(), value: "music".into() }],
            uploader: Some("Ines Morrow".into()),
            paging: Paging::new(2, 4, |n| format!("/search?q=slow+strings&page={n}")),
            narrow: None,
            ignored: vec!["“polka-metal” is not a genre here, so it was left out.".into()],
            understood: vec!["“92 bpm” was read as a tempo.".into()],
            spelling: Some(Link::new("slow strings", "/search?q=slow+strings")),
            empty: None,
            building: false,
            here: "/search?q=slow+strings&kind=music".into(),
        };
        let empty = SearchPage {
            heading: "<b>nothing</b>".into(),
            q: "<b>nothing</b>".into(),
            summary: "0 of 2,503 sounds".into(),
            total: 0,
            rows: vec![],
            facets: vec![],
            chips: vec![],
            clear: None,
            carried: vec![],
            uploader: None,
            paging: None,
            ignored: vec![],
            understood: vec![],
            spelling: None,
            empty: Some(Empty {
                sentence: "Nothing has all of these words.".into(),
                suggestions: vec![Link::new("Search without the filters", "/search?q=nothing")],
            }),
            building: true,
            ..full.clone()
        };
        vec![full, empty]
    }
}
