//! The search page from an answer of the index and the rows it led to.

use std::collections::BTreeMap;

use super::found::{Found, Sought};
use super::page::{Carried, Empty, Facet, FacetValue, Length, Preset, SearchPage, Tempo, TempoBar};
use super::query::{Field, MOST_PAGES, Query, ROWS, Sort};
use super::segment::{TEMPO_FROM, TEMPO_STEP};
use super::words::{self, tokens};
use crate::catalogue::pages::{Link, Paging, Reasoned};
use crate::catalogue::row::TrackRow;
use crate::catalogue::track::{Listed, split};
use crate::money::grouped;

/// Values shown of one field: what is beyond is better found with a word.
const MOST_VALUES: usize = 24;
/// The box of the histogram.
const HIGH: u64 = 24;
/// Lengths to choose at once: words, from, to.
const LENGTHS: [(&str, Option<u32>, Option<u32>); 5] = [
    ("Up to 10 seconds", None, Some(10)),
    ("10 to 30 seconds", Some(10), Some(30)),
    ("30 seconds to 1 minute", Some(30), Some(60)),
    ("1 to 3 minutes", Some(60), Some(180)),
    ("Over 3 minutes", Some(180), None),
];

/// Everything a search came to.
pub struct Results<'a> {
    pub query: &'a Query,
    pub found: &'a Found,
    pub rows: Vec<(Listed, bool)>,
    /// Names of tiers by slug.
    pub tiers: BTreeMap<String, String>,
    /// The last page there is.
    pub last: u64,
    pub building: bool,
}

impl SearchPage {
    /// The page of these results.
    pub fn of(results: Results<'_>) -> SearchPage {
        let Results { query, found, rows, tiers, last, building } = results;
        let name_of = |field: Field, slug: &str| -> String {
            let known = field.value_name(slug).map(str::to_owned);
            known.or_else(|| tiers.get(slug).cloned()).unwrap_or_else(|| slug.to_owned())
        };
        let read = query.read();
        let mut understood = read.understood;
        if found.plain {
            understood.push("Nothing has that, so these have the words as they were typed.".into());
        }
        if found.loosened {
            understood.push("Nothing has all of these words, so these have some of them.".into());
        }
        let uploader = query.uploader.as_ref().map(|handle| {
            let shown = rows.first().filter(|(row, _)| row.uploader_handle.as_ref() == Some(handle));
            shown.map_or_else(|| format!("@{handle}"), |(row, _)| row.uploader_name.clone())
        });
        let whole = found.whole.max(found.total);
        SearchPage {
            heading: heading(query),
            q: query.q.clone(),
            summary: summary(found.total, whole),
            total: found.total,
            whole,
            facets: facets(query, found, name_of),
            tempo: tempo(query, found),
            length: length(query),
            chips: chips(query, name_of, uploader.as_deref()),
            clear: query.is_filtered().then(|| query.words_only().address()),
            sorts: sorts(query),
            sort: query.sort.name().to_owned(),
            carried: query
                .pairs()
                .into_iter()
                .filter(|(name, _)| !matches!(*name, "q" | "page"))
                .map(|(name, value)| Carried { name: name.to_owned(), value })
                .collect(),
            uploader,
            paging: Paging::new(query.page, last, |n| query.at_page(n).address()),
            narrow: (query.page == MOST_PAGES && found.total > MOST_PAGES * ROWS as u64).then(|| {
                format!(
                    "Only the first {MOST_PAGES} pages can be leafed through; narrow it down to see more."
                )
            }),
            ignored: query.ignored.clone(),
            understood,
            spelling: found
                .spelling
                .as_ref()
                .map(|words| Link::new(words.clone(), query.with(|q| q.q = words.clone()).address())),
            empty: (found.total == 0).then(|| empty(query, found, building)),
            building,
            here: query.address(),
            rows: {
                let sought: Vec<Looked<'_>> = found.sought.iter().map(Looked::of).collect();
                let row = |(row, kept): &(Listed, bool)| Reasoned {
                    row: TrackRow::new(row, *kept),
                    why: why(&sought, row),
                };
                rows.iter().map(row).collect()
            },
        }
    }
}

fn heading(query: &Query) -> String {
    let mut letters = query.q.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "All sounds".into(),
    }
}

fn summary(total: u64, whole: u64) -> String {
    let sounds = if whole == 1 { "sound" } else { "sounds" };
    match total == whole {
        true => format!("{} {sounds}", grouped(whole)),
        false => format!("{} of {} {sounds}", grouped(total), grouped(whole)),
    }
}

fn facets(query: &Query, found: &Found, name_of: impl Fn(Field, &str) -> String) -> Vec<Facet> {
    let facet = |field: Field| {
        let (chosen, toggles) = (query.chosen(field), query.toggles(field));
        let none = vec![];
        let counts = found.counts.get(field.name()).unwrap_or(&none);
        let missing = chosen.iter().filter(|slug| counts.iter().all(|(other, _)| other != *slug));
        let missing = missing.map(|slug| (slug.clone(), 0));
        let shown = |(n, (slug, _)): &(usize, (String, u64))| *n < MOST_VALUES || chosen.contains(slug);
        let values = counts.iter().cloned().chain(missing).enumerate().filter(shown);
        let values: Vec<FacetValue> = values
            .map(|(_, (slug, count))| FacetValue {
                name: name_of(field, &slug),
                count,
                chosen: chosen.contains(&slug),
                href: toggles.address(&slug),
                slug,
            })
            .collect();
        Facet {
            name: field.name().to_owned(),
            title: field.title().to_owned(),
            open: matches!(field, Field::Kind | Field::Genre | Field::Mood) || !chosen.is_empty(),
            values,
            chosen: chosen.len(),
            clear: (!chosen.is_empty()).then(|| query.without(field).address()),
        }
    };
    // The first is followed by tempo and length, so it stands even when it is empty.
    Field::ALL
        .into_iter()
        .map(facet)
        .filter(|facet| facet.name == Field::Kind.name() || !facet.values.is_empty())
        .collect()
}

fn tempo(query: &Query, found: &Found) -> Tempo {
    let tallest = found.tempos.iter().copied().max().unwrap_or(0).max(1);
    let bpm = query.bpm;
    let bars: Vec<TempoBar> = (0u32..)
        .zip(&found.tempos)
        .map(|(n, count)| {
            let from = TEMPO_FROM + n * TEMPO_STEP;
            let to = from + TEMPO_STEP - 1;
            TempoBar {
                from: i64::from(from),
                to: i64::from(to),
                count: *count,
                height: count * 100 / tallest,
                chosen: !bpm.is_open()
                    && bpm.min.is_none_or(|min| to >= min)
                    && bpm.max.is_none_or(|max| from <= max),
            }
        })
        .collect();
    let path = |chosen: bool| {
        let shown = bars.iter().enumerate().filter(|(_, bar)| bar.count > 0 && (!chosen || bar.chosen));
        let stroke = |(n, bar): (usize, &TempoBar)| {
            let top = HIGH as f64 * (1.0 - bar.count as f64 / tallest as f64);
            format!("M{n}.5 {HIGH}V{:.1}", top.min(HIGH as f64 - 0.5))
        };
        shown.map(stroke).collect::<String>()
    };
    let without = || query.with(|q| (q.bpm, q.bpm_double) = (Default::default(), false)).address();
    Tempo {
        min: bpm.min.map(i64::from),
        max: bpm.max.map(i64::from),
        double: query.bpm_double,
        path: path(false),
        chosen_path: path(true),
        clear: (!bpm.is_open()).then(without),
        bars,
    }
}

fn length(query: &Query) -> Length {
    let now = (query.duration.min, query.duration.max);
    let set = |min, max| query.with(|q| (q.duration.min, q.duration.max) = (min, max)).address();
    let preset = |(words, min, max): (&str, Option<u32>, Option<u32>)| {
        let chosen = now == (min, max);
        let href = if chosen { set(None, None) } else { set(min, max) };
        Preset { words: words.to_owned(), href, chosen }
    };
    Length {
        min: query.duration.min.map(i64::from),
        max: query.duration.max.map(i64::from),
        presets: LENGTHS.map(preset).into(),
        clear: (!query.duration.is_open()).then(|| set(None, None)),
    }
}

fn sorts(query: &Query) -> Vec<Preset> {
    let sort = |sort: Sort| Preset {
        words: sort.title().to_owned(),
        href: query.with(|q| q.sort = sort).address(),
        chosen: sort == query.sort,
    };
    Sort::ALL.map(sort).into()
}

fn chips(query: &Query, name_of: impl Fn(Field, &str) -> String, uploader: Option<&str>) -> Vec<Link> {
    let mut chips = vec![];
    for field in Field::ALL {
        for slug in query.chosen(field) {
            chips.push(Link::new(name_of(field, slug), query.toggled(field, slug).address()));
        }
    }
    if let Some(words) = range(query.bpm.min, query.bpm.max, |n| n.to_string()) {
        let also = if query.bpm_double { ", half and double too" } else { "" };
        let without = query.with(|q| (q.bpm, q.bpm_double) = (Default::default(), false));
        chips.push(Link::new(format!("{words} bpm{also}"), without.address()));
    }
    if let Some(words) = range(query.duration.min, query.duration.max, words::clock) {
        chips.push(Link::new(words, query.with(|q| q.duration = Default::default()).address()));
    }
    if let Some(name) = uploader {
        chips.push(Link::new(format!("by {name}"), query.with(|q| q.uploader = None).address()));
    }
    chips
}

/// `70–110`, `from 70`, `up to 110`.
fn range(min: Option<u32>, max: Option<u32>, say: impl Fn(u32) -> String) -> Option<String> {
    Some(match (min, max) {
        (None, None) => return None,
        (Some(min), None) => format!("from {}", say(min)),
        (None, Some(max)) => format!("up to {}", say(max)),
        (Some(min), Some(max)) if min == max => say(min),
        (Some(min), Some(max)) => format!("{}–{}", say(min), say(max)),
    })
}

fn empty(query: &Query, found: &Found, building: bool) -> Empty {
    let mut suggestions = vec![];
    if let Some(words) = &found.spelling {
        suggestions.push(Link::new(words.clone(), query.with(|q| q.q = words.clone()).address()));
    }
    if query.is_filtered() && !query.q.is_empty() {
        suggestions.push(Link::new("The same words without the filters", query.words_only().address()));
        suggestions
            .push(Link::new("The same filters without the words", query.with(|q| q.q.clear()).address()));
    }
    if query.is_filtered() || !query.q.is_empty() {
        suggestions.push(Link::new("All sounds", "/search"));
    }
    let sentence = match (building, query.q.is_empty(), query.is_filtered()) {
        (true, ..) => "The shelves are being filled; nothing is found just yet.",
        (_, true, false) => "There is no sound in the shop yet.",
        (_, true, true) => "Nothing has all of this at once.",
        (_, false, true) => "Nothing with these filters has these words.",
        (_, false, false) => "Nothing has these words.",
    };
    Empty { sentence: sentence.into(), suggestions }
}

/// What was sought, with the words of what was typed: read once for all rows.
struct Looked<'a> {
    sought: &'a Sought,
    said: Vec<String>,
}

impl Looked<'_> {
    fn of(sought: &Sought) -> Looked<'_> {
        Looked { sought, said: tokens(&sought.said) }
    }

    /// Whether these words say something else than what was typed.
    fn is_other(&self, meant: &[String]) -> bool {
        let said = &self.said;
        said != meant && *said != [meant.concat()] && !meant.iter().all(|word| said.contains(word))
    }
}

/// Where the words were found, in one sentence: `In its title and tags; “film” as “cinematic”.`
fn why(sought: &[Looked<'_>], row: &Listed) -> String {
    if sought.is_empty() {
        return String::new();
    }
    let track = &row.track;
    // In the order in which they count. The description is the longest, so it is read last and only when needed.
    let handle = row.uploader_handle.as_ref().map_or("", |handle| handle.as_str());
    let lists = || {
        let list = |field: Field, slugs: Vec<String>| -> Vec<String> {
            slugs.iter().filter_map(|slug| field.value_name(slug)).map(str::to_owned).collect()
        };
        let mut names = list(Field::Kind, vec![track.kind.as_str().to_owned()]);
        names.extend(list(Field::Genre, track.genre.iter().cloned().collect()));
        names.extend(list(Field::Mood, split(&track.moods)));
        names.extend(list(Field::Instrument, split(&track.instruments)));
        names.join(" ")
    };
    let places: [(&str, &dyn Fn() -> String); 5] = [
        ("title", &|| track.title.clone()),
        ("tags", &|| track.tags.clone()),
        ("facts", &lists),
        ("uploader", &|| format!("{} {handle}", row.uploader_name)),
        ("description", &|| track.description.clone()),
    ];
    let mut open: Vec<&Looked<'_>> = sought.iter().collect();
    let (mut found, mut others) = (vec![], vec![]);
    for (name, text) in places {
        if open.is_empty() {
            break;
        }
        let here = tokens(&text());
        let before = open.len();
        open.retain(|looked| {
            let mut all = looked.sought.words.iter();
            let Some(meant) = all.find(|all| all.iter().all(|word| here.contains(word))) else { return true };
            if looked.is_other(meant) {
                others.push(format!("“{}” as “{}”", looked.sought.said, meant.join(" ")));
            }
            false
        });
        if open.len() < before {
            found.push(name);
        }
    }
    let places = match found.as_slice() {
        [] => return String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    };
    others.insert(0, format!("In its {places}"));
    format!("{}.", others.join("; "))
}
