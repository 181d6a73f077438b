//! What was asked: read from an address, written back as one.
//!
//! The same search has one address: values sorted, what is said anyway left out. What is not understood is ignored
//! and said.

use std::collections::BTreeSet;
use std::iter::{once, repeat};

use url::form_urlencoded::{Serializer, parse};

use super::synonyms::Synonyms;
use super::words::{self, MOST_WORDS, Read, Reading};
use crate::catalogue::lists;
use crate::ids::{Handle, Slug};
use crate::web::window::is_mark;

/// Tracks on one page.
pub const ROWS: usize = 24;
/// Pages of one search; deeper ones cost more than they give.
pub const MOST_PAGES: u64 = 200;
/// Letters of the words asked for.
const MOST_LETTERS: usize = 400;
/// Fields of one address, and values of one of them.
const MOST_FIELDS: usize = 200;
const MOST_VALUES: usize = 32;
/// Reasons worth reading.
const MOST_IGNORED: usize = 8;

/// A field with values that one can choose several of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    Kind,
    Genre,
    Mood,
    Instrument,
    Vocals,
    Key,
    Tier,
}

impl Field {
    /// Every field, in the order of the page.
    pub const ALL: [Field; 7] =
        [Field::Kind, Field::Genre, Field::Mood, Field::Instrument, Field::Vocals, Field::Key, Field::Tier];

    /// As it stands in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Field::Kind => "kind",
            Field::Genre => "genre",
            Field::Mood => "mood",
            Field::Instrument => "instrument",
            Field::Vocals => "vocals",
            Field::Key => "key",
            Field::Tier => "tier",
        }
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Field::Kind => "Kind",
            Field::Genre => "Genre",
            Field::Mood => "Mood",
            Field::Instrument => "Instruments",
            Field::Vocals => "Voices",
            Field::Key => "Key",
            Field::Tier => "Allowed use",
        }
    }

    /// How one of its values is shown; None for a value the shop does not know.
    pub fn value_name(self, slug: &str) -> Option<&'static str> {
        match self {
            Field::Kind => lists::kind_name(slug),
            Field::Genre => lists::genre_name(slug),
            Field::Mood => lists::mood_name(slug),
            Field::Instrument => lists::instrument_name(slug),
            Field::Vocals => lists::vocals_name(slug),
            Field::Key => lists::key_name(slug),
            Field::Tier => None,
        }
    }

    fn parse(self, text: &str) -> Option<String> {
        let slug = match self {
            Field::Kind => lists::parse_kind(text)?,
            Field::Genre => lists::parse_genre(text)?,
            Field::Mood => lists::parse_mood(text)?,
            Field::Instrument => lists::parse_instrument(text)?,
            Field::Vocals => lists::parse_vocals(text)?,
            Field::Key => lists::parse_key(text)?,
            // Tiers are the operator's; which there are is not known here.
            Field::Tier => return Slug::parse(&text.trim().to_lowercase()).map(|slug| slug.to_string()),
        };
        Some(slug.to_owned())
    }
}

/// The order of the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// What fits the words best; without words, what is newest.
    #[default]
    Best,
    New,
    Licensed,
    Kept,
    Shortest,
    Longest,
}

impl Sort {
    /// Every order, in the order of the page.
    pub const ALL: [Sort; 6] =
        [Sort::Best, Sort::New, Sort::Licensed, Sort::Kept, Sort::Shortest, Sort::Longest];

    /// As it stands in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Best => "best",
            Sort::New => "new",
            Sort::Licensed => "licensed",
            Sort::Kept => "kept",
            Sort::Shortest => "shortest",
            Sort::Longest => "longest",
        }
    }

    /// As people read it.
    pub fn title(self) -> &'static str {
        match self {
            Sort::Best => "Best match",
            Sort::New => "Newest",
            Sort::Licensed => "Most licensed",
            Sort::Kept => "Most kept",
            Sort::Shortest => "Shortest",
            Sort::Longest => "Longest",
        }
    }
}

/// From and to, both included; either may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub min: Option<u32>,
    pub max: Option<u32>,
}

impl Range {
    /// Whether neither end is set.
    pub fn is_open(self) -> bool {
        self.min.is_none() && self.max.is_none()
    }
}

/// A search, as an address says it: words, what was chosen of each field, in which order, and which page of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// The words as typed.
    pub q: String,
    chosen: [BTreeSet<String>; 7],
    /// Beats a minute.
    pub bpm: Range,
    /// Half and double the tempo count as well.
    pub bpm_double: bool,
    /// Seconds.
    pub duration: Range,
    pub uploader: Option<Handle>,
    pub sort: Sort,
    /// From 1.
    pub page: u64,
    /// What was not understood, a sentence each.
    pub ignored: Vec<String>,
}

impl Query {
    /// Everything, best first.
    pub fn everything() -> Query {
        Query { page: 1, ..Query::default() }
    }

    /// Reads the part of an address behind its question mark.
    pub fn parse(text: &str) -> Query {
        let mut query = Query::everything();
        // Marks that other sites put on links to us ask for nothing. They are not counted either: with any number of them an
        // address asks for the same.
        let asked = parse(text.as_bytes()).filter(|(name, _)| !is_mark(name));
        for (name, value) in asked.take(MOST_FIELDS) {
            let value = value.trim();
            if !value.is_empty() {
                query.take(&name, value);
            }
        }
        // A range that was typed the wrong way round is meant the right way.
        for range in [&mut query.bpm, &mut query.duration] {
            if let (Some(min), Some(max)) = (range.min, range.max)
                && min > max
            {
                *range = Range { min: Some(max), max: Some(min) };
            }
        }
        query.ignored.truncate(MOST_IGNORED);
        query
    }

    fn take(&mut self, name: &str, value: &str) {
        if let Some(field) = Field::ALL.into_iter().find(|field| field.name() == name) {
            let chosen = &mut self.chosen[field as usize];
            match field.parse(value) {
                Some(slug) if chosen.len() < MOST_VALUES || chosen.contains(&slug) => {
                    chosen.insert(slug);
                }
                Some(_) => self.ignore(format!("More than {MOST_VALUES} values of one kind were left out.")),
                None => {
                    let what = match field {
                        Field::Vocals => "a way of singing",
                        Field::Instrument => "an instrument",
                        Field::Kind => "a kind of sound",
                        Field::Genre => "a genre",
                        Field::Mood => "a mood",
                        Field::Key => "a key",
                        Field::Tier => "a licence",
                    };
                    self.ignore(format!("“{}” is not {what} here, so it was left out.", shown(value)));
                }
            }
            return;
        }
        match name {
            "q" => self.words(value),
            "bpm_min" | "bpm_max" => match value.parse::<f64>() {
                Ok(bpm) if (1.0..=999.0).contains(&bpm) => {
                    let end = if name == "bpm_min" { &mut self.bpm.min } else { &mut self.bpm.max };
                    *end = Some(bpm.round() as u32);
                }
                _ => self.ignore(format!("“{}” is not a tempo, so it was left out.", shown(value))),
            },
            "duration_min" | "duration_max" => match secs(value) {
                Some(secs) => {
                    let end =
                        if name == "duration_min" { &mut self.duration.min } else { &mut self.duration.max };
                    *end = Some(secs);
                }
                None => self.ignore(format!("“{}” is not a length, so it was left out.", shown(value))),
            },
            "bpm_double" => self.bpm_double = matches!(value, "on" | "yes" | "1" | "true"),
            "uploader" => match Handle::parse(&value.to_lowercase()) {
                Some(handle) => self.uploader = Some(handle),
                None => {
                    self.ignore(format!("“{}” is not an uploader’s name, so it was left out.", shown(value)))
                }
            },
            "sort" => match Sort::ALL.into_iter().find(|sort| sort.name() == value) {
                Some(sort) => self.sort = sort,
                None => self
                    .ignore(format!("“{}” is not an order, so the best matches come first.", shown(value))),
            },
            "page" => match value.parse::<u64>() {
                Ok(page @ 1..=MOST_PAGES) => self.page = page,
                Ok(1..) => {
                    self.page = MOST_PAGES;
                    self.ignore(format!("There are at most {MOST_PAGES} pages; narrow it down to see more."));
                }
                _ => self.ignore(format!("“{}” is not a page, so this is the first.", shown(value))),
            },
            _ => self.ignore(format!("“{}” is nothing that a search can be narrowed by.", shown(name))),
        }
    }

    fn words(&mut self, value: &str) {
        let clean: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let cut = clean.chars().count() > MOST_LETTERS || clean.split_whitespace().count() > MOST_WORDS;
        let letters: String = clean.chars().take(MOST_LETTERS).collect();
        let words: Vec<&str> = letters.split_whitespace().take(MOST_WORDS).collect();
        self.q = words.join(" ");
        if cut {
            self.ignore(format!("Only the first {MOST_WORDS} words were looked for."));
        }
    }

    fn ignore(&mut self, sentence: String) {
        if !self.ignored.contains(&sentence) {
            self.ignored.push(sentence);
        }
    }

    /// Leaves out tiers that the shop does not know, and says so.
    pub fn keep_tiers(&mut self, is_known: impl Fn(&str) -> bool) {
        let chosen = &mut self.chosen[Field::Tier as usize];
        let unknown: Vec<String> = chosen.iter().filter(|slug| !is_known(slug)).cloned().collect();
        chosen.retain(|slug| is_known(slug));
        for slug in unknown {
            self.ignore(format!("“{}” is not a licence here, so it was left out.", shown(&slug)));
        }
    }

    /// Goes to the last page there is when it is beyond, and says so.
    pub fn stay_within(&mut self, last: u64) {
        if self.page > last {
            self.page = last;
            self.ignore(match last {
                1 => "There is only one page.".into(),
                last => format!("There are only {last} pages; this is the last."),
            });
        }
    }

    /// The values chosen of a field.
    pub fn chosen(&self, field: Field) -> &BTreeSet<String> {
        &self.chosen[field as usize]
    }

    /// Whether anything but words narrows it down.
    pub fn is_filtered(&self) -> bool {
        self.chosen.iter().any(|values| !values.is_empty())
            || !self.bpm.is_open()
            || !self.duration.is_open()
            || self.uploader.is_some()
    }

    /// What its words mean by the built-in synonyms. What an explicit filter says stands above what words were read as.
    pub fn read(&self) -> Read {
        words::read(&self.q, &Synonyms::built_in())
    }

    /// Whether something was chosen of what a word would be read as: that stands above it.
    pub fn chooses(&self, reading: Reading) -> bool {
        match reading {
            Reading::Tempo => !self.bpm.is_open(),
            Reading::Length => !self.duration.is_open(),
            Reading::Key => !self.chosen(Field::Key).is_empty(),
            Reading::Vocals => !self.chosen(Field::Vocals).is_empty(),
        }
    }

    /// The pairs of its address, in the one order.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        self.pairs_up_to(None)
    }

    /// The pairs that stand before the values of a field, or all.
    fn pairs_up_to(&self, end: Option<Field>) -> Vec<(&'static str, String)> {
        let mut pairs = vec![];
        if !self.q.is_empty() {
            pairs.push(("q", self.q.clone()));
        }
        for field in Field::ALL {
            if field == Field::Key {
                self.push_tempo(&mut pairs);
            }
            if end == Some(field) {
                return pairs;
            }
            pairs.extend(self.chosen(field).iter().map(|slug| (field.name(), slug.clone())));
            if field == Field::Key {
                pairs.extend(self.duration.min.map(|n| ("duration_min", n.to_string())));
                pairs.extend(self.duration.max.map(|n| ("duration_max", n.to_string())));
            }
        }
        pairs.extend(self.uploader.as_ref().map(|handle| ("uploader", handle.to_string())));
        if self.sort != Sort::Best {
            pairs.push(("sort", self.sort.name().to_owned()));
        }
        if self.page > 1 {
            pairs.push(("page", self.page.to_string()));
        }
        pairs
    }

    fn push_tempo(&self, pairs: &mut Vec<(&'static str, String)>) {
        pairs.extend(self.bpm.min.map(|n| ("bpm_min", n.to_string())));
        pairs.extend(self.bpm.max.map(|n| ("bpm_max", n.to_string())));
        if self.bpm_double {
            pairs.push(("bpm_double", "on".to_owned()));
        }
    }

    /// Its one address.
    pub fn address(&self) -> String {
        address(&[&encoded(self.pairs())])
    }

    /// The same search with other settings, from its first page.
    pub fn with(&self, change: impl FnOnce(&mut Query)) -> Query {
        let mut query = Query { page: 1, ignored: vec![], ..self.clone() };
        change(&mut query);
        query
    }

    /// The same search with a value more, or without it when it was chosen.
    pub fn toggled(&self, field: Field, slug: &str) -> Query {
        self.with(|query| {
            let chosen = &mut query.chosen[field as usize];
            if !chosen.remove(slug) {
                chosen.insert(slug.to_owned());
            }
        })
    }

    /// The same search with each value of a field in turn.
    pub fn toggles(&self, field: Field) -> Toggles<'_> {
        let without = self.without(field);
        let mut before = without.pairs();
        let after = before.split_off(without.pairs_up_to(Some(field)).len());
        Toggles { field, chosen: self.chosen(field), before: encoded(before), after: encoded(after) }
    }

    /// The same search without what was chosen of a field.
    pub fn without(&self, field: Field) -> Query {
        self.with(|query| query.chosen[field as usize].clear())
    }

    /// The words alone.
    pub fn words_only(&self) -> Query {
        Query { q: self.q.clone(), sort: self.sort, ..Query::everything() }
    }

    /// The same search at another page.
    pub fn at_page(&self, page: u64) -> Query {
        self.with(|query| query.page = page.clamp(1, MOST_PAGES))
    }
}

/// A search over and over with another value of one field: what is alike in all their addresses is written once.
pub struct Toggles<'a> {
    field: Field,
    chosen: &'a BTreeSet<String>,
    before: String,
    after: String,
}

impl Toggles<'_> {
    /// The address of [`Query::toggled`].
    pub fn address(&self, slug: &str) -> String {
        let mut values: Vec<&str> =
            self.chosen.iter().map(String::as_str).filter(|one| *one != slug).collect();
        if values.len() == self.chosen.len() {
            values.insert(values.partition_point(|one| *one < slug), slug);
        }
        let values = encoded(values.into_iter().map(|one| (self.field.name(), one)));
        address(&[&self.before, &values, &self.after])
    }
}

fn encoded<V: AsRef<str>>(pairs: impl IntoIterator<Item = (&'static str, V)>) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The address of a search whose pairs stand in these parts.
fn address(parts: &[&str]) -> String {
    let mut address = String::from("/search");
    for (part, mark) in parts.iter().filter(|part| !part.is_empty()).zip(once('?').chain(repeat('&'))) {
        address.push(mark);
        address.push_str(part);
    }
    address
}

/// Seconds, as a figure or as `3:20`.
fn secs(value: &str) -> Option<u32> {
    let secs = match value.split_once(':') {
        Some((minutes, secs)) => {
            let secs = secs.parse::<u32>().ok().filter(|secs| *secs < 60)?;
            minutes.parse::<u32>().ok()?.checked_mul(60)?.checked_add(secs)?
        }
        None => {
            let secs = value.parse::<f64>().ok().filter(|secs| (0.0..=864_000.0).contains(secs))?;
            secs.round() as u32
        }
    };
    (secs <= 864_000).then_some(secs)
}

/// Somebody else's words inside a sentence of ours: not too many of them.
fn shown(value: &str) -> String {
    let clean: String = value.chars().filter(|c| !c.is_control()).take(40).collect();
    if value.chars().count() > 40 { format!("{clean}…") } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::window::place;
    use proptest::prelude::*;

    fn check(asked: &str, address: &str) -> Query {
        let query = Query::parse(asked);
        assert_eq!(query.address(), address, "{asked}");
        query
    }

    #[test]
    fn an_address_is_read_and_written_in_one_way() {
        check("", "/search");
        check("q=&kind=&page=1&sort=best", "/search");
        check(
            "mood=tense&mood=calm&mood=tense&q=+slow++strings+",
            "/search?q=slow+strings&mood=calm&mood=tense",
        );
        check("key=F%23+minor&kind=Loop", "/search?kind=loop&key=fsm");
        check("bpm_max=90&bpm_min=110", "/search?bpm_min=90&bpm_max=110");
        check(
            "duration_max=3:20&bpm_double=on&bpm_min=91.6",
            "/search?bpm_min=92&bpm_double=on&duration_max=200",
        );
        check(
            "uploader=@Ines&sort=new&page=3&tier=creator",
            "/search?tier=creator&uploader=ines&sort=new&page=3",
        );
        check("q=<script>%26%00", "/search?q=%3Cscript%3E%26");
    }

    #[test]
    fn what_is_not_understood_is_ignored_and_said() {
        for (asked, said) in [
            ("genre=polka-metal", "“polka-metal” is not a genre here, so it was left out."),
            ("bpm_min=fast", "“fast” is not a tempo, so it was left out."),
            ("bpm_min=NaN", "“NaN” is not a tempo, so it was left out."),
            ("duration_max=-1", "“-1” is not a length, so it was left out."),
            ("sort=price", "“price” is not an order, so the best matches come first."),
            ("page=0", "“0” is not a page, so this is the first."),
            ("page=201", "There are at most 200 pages; narrow it down to see more."),
            ("colour=red", "“colour” is nothing that a search can be narrowed by."),
            ("uploader=--", "“--” is not an uploader’s name, so it was left out."),
        ] {
            assert_eq!(Query::parse(asked).ignored, [said], "{asked}");
        }
        assert!(Query::parse("utm_source=x&fbclid=y&q=").ignored.is_empty());
        let long = Query::parse(&format!("q={}", "rain+".repeat(100)));
        assert_eq!(long.ignored, ["Only the first 64 words were looked for."]);
        assert_eq!(long.read().slots.len(), 64);
    }

    #[test]
    fn one_filter_goes_and_comes() {
        let query = Query::parse("q=rain&mood=calm&page=4&foo=1");
        assert_eq!(query.toggled(Field::Mood, "calm").address(), "/search?q=rain");
        assert_eq!(query.toggled(Field::Mood, "tense").address(), "/search?q=rain&mood=calm&mood=tense");
        assert_eq!(query.without(Field::Mood).address(), "/search?q=rain");
        assert_eq!(query.at_page(999).page, MOST_PAGES);
    }

    #[test]
    fn every_value_of_a_field_has_the_same_address_in_a_row_as_alone() {
        for asked in [
            "",
            "q=rain+%26+wind",
            "q=rain&kind=loop&genre=pop&genre=dub&mood=calm&instrument=harp&key=am&vocals=none&tier=creator\
             &bpm_min=80&bpm_double=on&duration_max=60&uploader=ines&sort=new&page=3",
        ] {
            let query = Query::parse(asked);
            for field in Field::ALL {
                let toggles = query.toggles(field);
                for slug in ["a", "calm", "creator", "dub", "loop", "pop", "zither"] {
                    assert_eq!(toggles.address(slug), query.toggled(field, slug).address(), "{asked}");
                }
            }
        }
    }

    /// Marks, and what looks like one.
    const FIELDS: &str =
        "|?q=a|utm_a=1|utm_%41=1|gclid=1|gclid|x%2clid=1|x%63lid=1|+clid=1|q=rain|q=clid|mood=calm";

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,20}",
            "[a-z0-9:.-]{0,12}",
            Just("calm".into()),
            Just("fsm".into()),
            Just("120".into())
        ]
    }

    proptest! {
        /// Reading what was written gives the same search, whatever was asked.
        #[test]
        fn addresses_are_canonical(pairs in prop::collection::vec((prop_oneof!["q|kind|genre|mood|instrument|vocals|key|tier", "bpm_min|bpm_max|duration_min|duration_max|uploader|sort|page|bpm_double", "\\PC{0,8}"], value()), 0..20)) {
            let asked = Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let query = Query::parse(&asked);
            let address = query.address();
            let again = Query::parse(address.split_once('?').map_or("", |(_, q)| q));
            prop_assert!(again.ignored.is_empty(), "{:?}", again.ignored);
            prop_assert_eq!(&Query { ignored: vec![], ..query.clone() }, &again);
            prop_assert_eq!(again.address(), address);
        }

        /// What the window leaves out of an address changes nothing that is asked or said.
        #[test]
        fn pages_with_one_place_in_the_window_are_one_page(
            fields in prop::collection::vec(prop::sample::select(FIELDS.split('|').collect::<Vec<_>>()), 0..12),
            marks in 0_usize..250
        ) {
            let asked = format!("{}{}", "utm_b=2&".repeat(marks), fields.join("&"));
            let place = place("", &format!("?{asked}"));
            let there = Query::parse(place.strip_prefix('?').unwrap_or_default());
            prop_assert_eq!(there, Query::parse(&asked), "{}", asked);
        }

        #[test]
        fn any_bytes_are_a_search(asked in "\\PC{0,300}") {
            Query::parse(&asked);
        }
    }
}
