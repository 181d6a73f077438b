//! One question to one state of the index: which documents, in which order, and how many there are beside every
//! filter.
//!
//! Counts beside a field are those one would get by choosing a value of it, so its own choices are left out there.
//! There are two ways through a segment: a narrow question looks at each document it meets, a wide one works with
//! sets. They count the same, and a test holds them to it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::{Arc, OnceLock};

use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, EnableScoring, Occur, TermQuery, Weight,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Searcher, TERMINATED, Term};

use super::bits::Bits;
use super::index::Fields;
use super::query::{Field, Query, ROWS, Range, Sort};
use super::segment::{Side, Sides, TEMPO_BARS};
use super::words::{self, Slot};
use crate::ids::TrackId;

/// Below this part of the documents a question is narrow.
const NARROW: u64 = 64;
/// Words that an unfinished or a wrongly spelled one may stand for.
const MOST_OPEN: usize = 24;
const MOST_NEAR: usize = 8;
/// Words of the dictionary looked at for either.
const MOST_SEEN: usize = 100_000;
/// What they weigh beside a word that is exactly there.
const OPEN: f32 = 0.6;
const NEAR: f32 = 0.5;

type Found1 = tantivy::Result<Found>;

/// The answer to a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The tracks of the page that was asked for.
    pub ids: Vec<TrackId>,
    pub total: u64,
    /// Everything there is to find.
    pub whole: u64,
    /// Per field, its values with how many would be found, most first.
    pub counts: BTreeMap<&'static str, Vec<(String, u64)>>,
    /// The same for the bars of the tempo histogram.
    pub tempos: Vec<u64>,
    /// The words as the catalogue spells them, where it knows others than were typed.
    pub spelling: Option<String>,
    /// Nothing has all of the words, so these have some.
    pub loosened: bool,
    /// What was looked for, for saying why a track was found.
    pub sought: Vec<Sought>,
}

/// A word that was typed, and those it was looked for as, each with whether it is the word itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Sought {
    pub said: String,
    pub words: Vec<Vec<String>>,
}

impl Found {
    /// How many there are with a value.
    pub fn count(&self, field: Field, slug: &str) -> u64 {
        let counts = self.counts.get(field.name()).into_iter().flatten();
        counts.into_iter().find(|(name, _)| name == slug).map_or(0, |(_, n)| *n)
    }
}

/// Which way to go through a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    #[default]
    Cheaper,
    Narrow,
    Wide,
}

/// A state of the index that questions can be put to.
pub struct View {
    pub searcher: Searcher,
    pub fields: Fields,
    pub parts: Vec<Part>,
    overview: OnceLock<Arc<Found>>,
    front: OnceLock<Arc<Front>>,
}

/// What a front page shows of a state.
pub struct Front {
    /// How many there are beside every filter.
    pub overview: Arc<Found>,
    /// What is newest, and what most people keep.
    pub fresh: Vec<TrackId>,
    pub loved: Vec<TrackId>,
}

/// One segment of it.
#[derive(Clone)]
pub struct Part {
    pub sides: Arc<Sides>,
    /// None: nothing was deleted from it.
    pub alive: Option<Arc<Bits>>,
}

impl Part {
    fn is_alive(&self, doc: u32) -> bool {
        self.alive.as_ref().is_none_or(|alive| alive.has(doc))
    }

    fn alive(&self) -> Bits {
        self.alive.as_ref().map_or_else(|| Bits::all(self.sides.docs), |alive| Bits::clone(alive))
    }
}

/// What narrows a question down, beside words.
struct Filters {
    chosen: [Vec<String>; Field::ALL.len()],
    /// Tenths of a beat; any of these.
    tempos: Vec<(u16, u16)>,
    /// Milliseconds.
    length: Option<(u32, u32)>,
}

impl Filters {
    fn of(query: &Query, read: &words::Read) -> Filters {
        let chosen = Field::ALL.map(|field| {
            let chosen = query.chosen(field);
            let meant: &[&str] = match field {
                Field::Key => &read.keys,
                Field::Vocals => &read.vocals,
                _ => &[],
            };
            // What was chosen stands above what a word was read as.
            if chosen.is_empty() {
                meant.iter().map(|slug| (*slug).to_owned()).collect()
            } else {
                chosen.iter().cloned().collect()
            }
        });
        let bpm = match (query.bpm.is_open(), read.tempo) {
            (true, Some((min, max))) => Range { min: Some(min), max: Some(max) },
            _ => query.bpm,
        };
        let mut tempos = vec![];
        if !bpm.is_open() {
            let (min, max) = (f64::from(bpm.min.unwrap_or(1)), f64::from(bpm.max.unwrap_or(6000)));
            let factors: &[f64] = if query.bpm_double { &[1.0, 0.5, 2.0] } else { &[1.0] };
            // Rows show whole beats, so a beat begins half a beat below.
            let tenths = |beats: f64| (beats * 10.0).clamp(1.0, 65_535.0) as u16;
            tempos.extend(factors.iter().map(|f| (tenths((min - 0.5) * f), tenths((max + 0.49) * f))));
        }
        let length = match (query.duration.is_open(), read.length) {
            (true, Some((min, max))) => Range { min, max },
            _ => query.duration,
        };
        let length = (!length.is_open()).then(|| {
            let max = length.max.map_or(u32::MAX, |secs| secs.saturating_mul(1000).saturating_add(999));
            (length.min.unwrap_or(0).saturating_mul(1000), max)
        });
        Filters { chosen, tempos, length }
    }

    fn is_active(&self, side: Side) -> bool {
        match side {
            Side::Field(field) => !self.chosen[field as usize].is_empty(),
            Side::Tempo => !self.tempos.is_empty(),
        }
    }

    fn has_tempo(&self, tenths: u16) -> bool {
        self.tempos.iter().any(|(from, to)| (*from..=*to).contains(&tenths))
    }

    fn has_length(&self, millis: u32) -> bool {
        self.length.is_none_or(|(from, to)| (from..=to).contains(&millis))
    }

    fn is_none(&self) -> bool {
        self.length.is_none() && Side::all().all(|side| !self.is_active(side))
    }
}

/// The best so many.
struct Top {
    most: usize,
    heap: BinaryHeap<Reverse<Placed>>,
}

/// By what is asked for, then the newest, so that the order is the same everywhere.
type Placed = (u64, u64, u64);

impl Top {
    fn new(most: usize) -> Top {
        Top { most, heap: BinaryHeap::with_capacity(most + 1) }
    }

    #[inline]
    fn offer(&mut self, first: u64, sides: &Sides, doc: u32) {
        if self.heap.len() >= self.most && self.heap.peek().is_some_and(|least| first < least.0.0) {
            return;
        }
        self.heap.push(Reverse((first, sides.high[doc as usize], sides.low[doc as usize])));
        if self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    fn ids(self, skip: usize) -> Vec<TrackId> {
        let mut all: Vec<Placed> = self.heap.into_iter().map(|Reverse(placed)| placed).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.into_iter().skip(skip).filter_map(|(_, high, low)| id(high, low)).collect()
    }
}

/// The id of these two halves.
pub fn id(high: u64, low: u64) -> Option<TrackId> {
    TrackId::parse(&format!("{high:016x}{low:016x}"))
}

/// What came of one pass: counts of values by name.
#[derive(Default)]
struct Tally {
    total: u64,
    values: [HashMap<String, u64>; Field::ALL.len()],
    tempos: [u64; TEMPO_BARS],
}

impl Tally {
    fn add(&mut self, sides: &Sides, counts: &[u64]) {
        for field in Field::ALL {
            for id in sides.range(Side::Field(field)) {
                if let (1.., Some(slug)) = (counts[id], sides.slug(id)) {
                    match self.values[field as usize].get_mut(slug) {
                        Some(n) => *n += counts[id],
                        None => {
                            self.values[field as usize].insert(slug.to_owned(), counts[id]);
                        }
                    }
                }
            }
        }
        for (bar, id) in sides.range(Side::Tempo).enumerate() {
            self.tempos[bar] += counts[id];
        }
    }

    fn into_found(self) -> Found {
        let mut counts = BTreeMap::new();
        for (field, values) in Field::ALL.into_iter().zip(self.values) {
            let mut values: Vec<(String, u64)> = values.into_iter().collect();
            values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            counts.insert(field.name(), values);
        }
        Found { total: self.total, counts, tempos: self.tempos.to_vec(), ..Found::default() }
    }
}

/// The words of a question as the index takes them.
struct Text {
    weight: Box<dyn Weight>,
    /// No more documents than this have them.
    at_most: u64,
    scored: bool,
}

impl View {
    pub fn new(searcher: Searcher, fields: Fields, parts: Vec<Part>) -> View {
        View { searcher, fields, parts, overview: OnceLock::new(), front: OnceLock::new() }
    }

    /// How many tracks there are to find.
    pub fn count(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Everything, counted once a state.
    pub fn overview(&self) -> Arc<Found> {
        let count = || {
            let mut tally = Tally::default();
            let filters = Filters::of(&Query::everything(), &words::Read::default());
            for part in &self.parts {
                self.wide(part, &filters, None, Sort::New, &mut tally, None);
            }
            Arc::new(Found { whole: self.count(), ..tally.into_found() })
        };
        Arc::clone(self.overview.get_or_init(count))
    }

    /// What a front page shows, looked up once a state.
    pub fn front(&self) -> Arc<Front> {
        let first = |sort| {
            let mut top = Top::new(ROWS);
            self.parts.iter().for_each(|part| order_all(part, sort, &mut top));
            top.ids(0)
        };
        let look = || {
            Arc::new(Front { overview: self.overview(), fresh: first(Sort::New), loved: first(Sort::Kept) })
        };
        Arc::clone(self.front.get_or_init(look))
    }

    /// The same where it was looked up already.
    pub fn known_front(&self) -> Option<Arc<Front>> {
        self.front.get().map(Arc::clone)
    }

    /// The answer to a search.
    pub fn find(&self, query: &Query, way: Way) -> Found1 {
        let read = query.read();
        let sought: Vec<(Slot, Vec<(Vec<String>, f32)>)> = read
            .slots
            .iter()
            .map(|slot| Ok((slot.clone(), self.meanings(slot)?)))
            .collect::<tantivy::Result<_>>()?;
        let mut found = self.found(query, &read, &sought, false, way)?;
        let wanted = sought.iter().filter(|(slot, _)| !slot.not).count();
        if found.total == 0 && wanted > 1 {
            found = self.found(query, &read, &sought, true, way)?;
            found.loosened = found.total > 0;
        }
        found.whole = self.count();
        found.spelling = spelling(&sought);
        let looked_for = sought.into_iter().filter(|(slot, _)| !slot.not);
        found.sought = looked_for
            .map(|(slot, any)| Sought {
                said: slot.said,
                words: any.into_iter().map(|(all, _)| all).collect(),
            })
            .collect();
        Ok(found)
    }

    fn found(
        &self,
        query: &Query,
        read: &words::Read,
        sought: &[(Slot, Vec<(Vec<String>, f32)>)],
        any: bool,
        way: Way,
    ) -> Found1 {
        let filters = Filters::of(query, read);
        let has_words = sought.iter().any(|(slot, _)| !slot.not);
        let sort = if query.sort == Sort::Best && !has_words { Sort::New } else { query.sort };
        let text = self.text(query, sought, any, sort == Sort::Best)?;
        let skip = (query.page.max(1) - 1) as usize * ROWS;
        let mut top = Top::new(skip + ROWS);
        let mut tally = Tally::default();
        let is_everything = text.is_none() && filters.is_none() && way == Way::Cheaper;
        for (at, part) in self.parts.iter().enumerate() {
            let text = match &text {
                Some(text) => Some((text.weight.scorer(self.searcher.segment_reader(at as u32), 1.0)?, text)),
                None => None,
            };
            let share = text.as_ref().map_or(u64::MAX, |(_, text)| {
                text.at_most * u64::from(part.sides.docs) / self.searcher.num_docs().max(1)
            });
            let narrow = match way {
                Way::Narrow => true,
                Way::Wide => false,
                Way::Cheaper => share.saturating_mul(NARROW) < u64::from(part.sides.docs),
            };
            let scorer = text.map(|(scorer, text)| (scorer, text.scored));
            if is_everything {
                order_all(part, sort, &mut top);
            } else if narrow {
                narrowly(part, &filters, scorer, sort, &mut tally, &mut top);
            } else {
                self.wide(part, &filters, scorer, sort, &mut tally, Some(&mut top));
            }
        }
        let mut found = if is_everything { Found::clone(&self.overview()) } else { tally.into_found() };
        found.ids = top.ids(skip);
        Ok(found)
    }

    fn text(
        &self,
        query: &Query,
        sought: &[(Slot, Vec<(Vec<String>, f32)>)],
        any: bool,
        scored: bool,
    ) -> tantivy::Result<Option<Text>> {
        let mut clauses: Vec<(Occur, Box<dyn tantivy::query::Query>)> = vec![];
        let mut at_most = self.searcher.num_docs();
        let mut some = 0;
        let mut alternatives: Vec<Box<dyn tantivy::query::Query>> = vec![];
        for (slot, words) in sought {
            let freqs = words.iter().map(|(all, _)| self.rarest(all));
            let documents = freqs.sum::<tantivy::Result<u64>>()?;
            let clause = self.any_of(words, scored);
            if slot.not {
                clauses.push((Occur::MustNot, clause));
            } else if any {
                some += documents;
                alternatives.push(clause);
            } else {
                at_most = at_most.min(documents);
                clauses.push((Occur::Must, clause));
            }
        }
        if !alternatives.is_empty() {
            at_most = at_most.min(some);
            clauses.push((Occur::Must, Box::new(BooleanQuery::union(alternatives))));
        }
        if let Some(handle) = &query.uploader {
            let term = Term::from_field_text(self.fields.uploader, handle.as_str());
            at_most = at_most.min(self.searcher.doc_freq(&term)?);
            let theirs = Box::new(TermQuery::new(term, IndexRecordOption::Basic));
            clauses.push((Occur::Must, Box::new(ConstScoreQuery::new(theirs, 0.0))));
        }
        if clauses.is_empty() {
            return Ok(None);
        }
        if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
            clauses.push((Occur::Must, Box::new(tantivy::query::AllQuery)));
        }
        let enable = if scored {
            EnableScoring::enabled_from_searcher(&self.searcher)
        } else {
            EnableScoring::disabled_from_searcher(&self.searcher)
        };
        let question: Box<dyn tantivy::query::Query> = match (clauses.len(), clauses.pop()) {
            (1, Some((Occur::Must, only))) => only,
            (_, last) => Box::new(BooleanQuery::new(clauses.into_iter().chain(last).collect())),
        };
        Ok(Some(Text { weight: question.weight(enable)?, at_most, scored }))
    }

    fn any_of(&self, words: &[(Vec<String>, f32)], scored: bool) -> Box<dyn tantivy::query::Query> {
        let option = if scored { IndexRecordOption::WithFreqs } else { IndexRecordOption::Basic };
        let one = |word: &String| -> Box<dyn tantivy::query::Query> {
            Box::new(TermQuery::new(Term::from_field_text(self.fields.words, word), option))
        };
        let mut alternatives: Vec<Box<dyn tantivy::query::Query>> = words
            .iter()
            .map(|(all, weight)| {
                let together = match all.as_slice() {
                    [only] => one(only),
                    all => Box::new(BooleanQuery::intersection(all.iter().map(one).collect())),
                };
                if *weight == 1.0 { together } else { Box::new(BoostQuery::new(together, *weight)) }
            })
            .collect();
        match (alternatives.len(), alternatives.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                alternatives.push(last);
                if scored {
                    Box::new(DisjunctionMaxQuery::new(alternatives))
                } else {
                    Box::new(BooleanQuery::union(alternatives))
                }
            }
            (_, None) => Box::new(tantivy::query::EmptyQuery),
        }
    }

    /// The words of the dictionary that a slot stands for: itself and its synonyms where they occur, everything that
    /// begins like an unfinished word, and what is spelled almost like a word that nobody wrote.
    fn meanings(&self, slot: &Slot) -> tantivy::Result<Vec<(Vec<String>, f32)>> {
        let mut out: Vec<(Vec<String>, f32)> = vec![];
        for alternative in &slot.any {
            if self.rarest(&alternative.all)? > 0 {
                out.push((alternative.all.clone(), alternative.weight));
            }
        }
        let [word] = slot.any[0].all.as_slice() else { return Ok(out) };
        let is_known = out.first().is_some_and(|(all, _)| *all == slot.any[0].all);
        if slot.open && word.chars().count() >= 2 {
            for (longer, _) in self.beginning_with(word)? {
                if out.iter().all(|(all, _)| all.as_slice() != [longer.as_str()]) {
                    out.push((vec![longer], OPEN));
                }
            }
        }
        if !is_known && out.is_empty() && !slot.not {
            out.extend(self.near(word)?.into_iter().map(|near| (vec![near], NEAR)));
        }
        Ok(out)
    }

    /// In how many documents these words can be together, at most.
    fn rarest(&self, all: &[String]) -> tantivy::Result<u64> {
        let mut least = u64::MAX;
        for word in all {
            least = least.min(self.searcher.doc_freq(&Term::from_field_text(self.fields.words, word))?);
        }
        Ok(least)
    }

    /// The most frequent words that begin like this.
    fn beginning_with(&self, start: &str) -> tantivy::Result<Vec<(String, u64)>> {
        let mut seen: HashMap<String, u64> = HashMap::new();
        self.walk(start, |word, documents| *seen.entry(word.to_owned()).or_default() += documents)?;
        seen.remove(start);
        let mut all: Vec<(String, u64)> = seen.into_iter().collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all.truncate(MOST_OPEN);
        Ok(all)
    }

    /// Words that are spelled almost like this, the nearest and then the most frequent first. The first letter is
    /// taken to be right where that finds any.
    fn near(&self, word: &str) -> tantivy::Result<Vec<String>> {
        let most = words::forgiven(word);
        if most == 0 {
            return Ok(vec![]);
        }
        let letters: Vec<char> = word.chars().collect();
        let first: String = letters.iter().take(1).collect();
        for start in [first.as_str(), ""] {
            let mut seen: HashMap<String, (usize, u64)> = HashMap::new();
            self.walk(start, |other, documents| {
                if other.len().abs_diff(word.len()) <= most * 4
                    && let Some(n) = words::distance(&letters, &other.chars().collect::<Vec<_>>(), most)
                {
                    seen.entry(other.to_owned()).or_insert((n, 0)).1 += documents;
                }
            })?;
            if !seen.is_empty() {
                let mut all: Vec<_> = seen.into_iter().collect();
                all.sort_unstable_by(|a, b| {
                    (a.1.0, Reverse(a.1.1), &a.0).cmp(&(b.1.0, Reverse(b.1.1), &b.0))
                });
                return Ok(all.into_iter().take(MOST_NEAR).map(|(other, _)| other).collect());
            }
        }
        Ok(vec![])
    }

    fn walk(&self, start: &str, mut see: impl FnMut(&str, u64)) -> tantivy::Result<()> {
        for reader in self.searcher.segment_readers() {
            let words = reader.inverted_index(self.fields.words)?;
            let mut stream = words.terms().range().ge(start.as_bytes()).into_stream()?;
            let mut seen = 0;
            while seen < MOST_SEEN && stream.advance() {
                if !stream.key().starts_with(start.as_bytes()) {
                    break;
                }
                seen += 1;
                if let Ok(word) = std::str::from_utf8(stream.key()) {
                    see(word, u64::from(stream.value().doc_freq));
                }
            }
        }
        Ok(())
    }

    /// Sets all the way; the scorer is asked once.
    fn wide(
        &self,
        part: &Part,
        filters: &Filters,
        scorer: Option<(Box<dyn tantivy::query::Scorer>, bool)>,
        sort: Sort,
        tally: &mut Tally,
        mut top: Option<&mut Top>,
    ) {
        let sides = &*part.sides;
        let mut allowed = part.alive();
        if filters.length.is_some() {
            allowed.meet(&Bits::of(&sides.length, |millis| filters.has_length(millis)));
        }
        let active: Vec<(Side, Bits)> = Side::all()
            .filter(|side| filters.is_active(*side))
            .map(|side| (side, chosen(sides, filters, side)))
            .collect();
        let narrowed = |mut hits: Bits, but: Option<Side>| {
            for (side, bits) in &active {
                if Some(*side) != but {
                    hits.meet(bits);
                }
            }
            hits
        };
        let mut ordered = false;
        let base = match scorer {
            None => allowed,
            Some((mut scorer, scored)) => {
                let hits = narrowed(allowed.clone(), None);
                let mut met = Bits::none(sides.docs);
                let mut doc = scorer.doc();
                while doc != TERMINATED {
                    met.insert(doc);
                    if scored
                        && let Some(top) = top.as_deref_mut()
                        && hits.has(doc)
                    {
                        top.offer(loved(scorer.score(), sides, doc), sides, doc);
                    }
                    doc = scorer.advance();
                }
                ordered = scored;
                met.meet(&allowed);
                met
            }
        };
        let hits = narrowed(base.clone(), None);
        let found = hits.count();
        tally.total += found;
        if !ordered && let Some(top) = top {
            for doc in hits.iter() {
                top.offer(placed(sort, sides, doc), sides, doc);
            }
        }
        let mut counts = vec![0; sides.len()];
        for side in Side::all() {
            if filters.is_active(side) {
                let others = narrowed(base.clone(), Some(side));
                let found = others.count();
                sides.count(side, &others, found, &mut counts);
            } else {
                sides.count(side, &hits, found, &mut counts);
            }
        }
        tally.add(sides, &counts);
    }
}

/// Document by document: what fails one side only still counts beside that side.
fn narrowly(
    part: &Part,
    filters: &Filters,
    scorer: Option<(Box<dyn tantivy::query::Scorer>, bool)>,
    sort: Sort,
    tally: &mut Tally,
    top: &mut Top,
) {
    let sides = &*part.sides;
    let active: Vec<(Side, Vec<&Bits>)> = Side::all()
        .filter(|side| filters.is_active(*side))
        .map(|side| (side, sets(sides, filters, side)))
        .collect();
    let mut counts = vec![0; sides.len()];
    let mut look = |doc: u32, first: &mut dyn FnMut() -> u64| {
        if !part.is_alive(doc) || !filters.has_length(sides.length[doc as usize]) {
            return;
        }
        let mut failed = active.iter().filter(|(side, sets)| match side {
            Side::Tempo => !filters.has_tempo(sides.bpm[doc as usize]),
            Side::Field(_) => !sets.iter().any(|set| set.has(doc)),
        });
        match (failed.next(), failed.next()) {
            (None, _) => {
                tally.total += 1;
                for id in sides.values(doc) {
                    counts[usize::from(*id)] += 1;
                }
                top.offer(first(), sides, doc);
            }
            (Some((side, _)), None) => {
                let range = sides.range(*side);
                for id in sides.values(doc).iter().filter(|id| range.contains(&usize::from(**id))) {
                    counts[usize::from(*id)] += 1;
                }
            }
            _ => {}
        }
    };
    match scorer {
        Some((mut scorer, scored)) => {
            let mut doc = scorer.doc();
            while doc != TERMINATED {
                if scored {
                    look(doc, &mut || loved(scorer.score(), sides, doc));
                } else {
                    look(doc, &mut || placed(sort, sides, doc));
                }
                doc = scorer.advance();
            }
        }
        None => (0..sides.docs).for_each(|doc| look(doc, &mut || placed(sort, sides, doc))),
    }
    tally.add(sides, &counts);
}

/// The order of everything.
fn order_all(part: &Part, sort: Sort, top: &mut Top) {
    for doc in (0..part.sides.docs).filter(|doc| part.is_alive(*doc)) {
        top.offer(placed(sort, &part.sides, doc), &part.sides, doc);
    }
}

fn sets<'a>(sides: &'a Sides, filters: &Filters, side: Side) -> Vec<&'a Bits> {
    match side {
        Side::Field(field) => {
            filters.chosen[field as usize].iter().filter_map(|slug| sides.set(field, slug)).collect()
        }
        Side::Tempo => vec![],
    }
}

fn chosen(sides: &Sides, filters: &Filters, side: Side) -> Bits {
    if side == Side::Tempo {
        return Bits::of(&sides.bpm, |tenths| filters.has_tempo(tenths));
    }
    let mut bits = Bits::none(sides.docs);
    for set in sets(sides, filters, side) {
        bits.join(set);
    }
    bits
}

/// Where a document stands in an order that is not by its words.
#[inline]
fn placed(sort: Sort, sides: &Sides, doc: u32) -> u64 {
    let doc = doc as usize;
    u64::from(match sort {
        Sort::Best | Sort::New => sides.published[doc],
        Sort::Licensed => sides.licensed[doc],
        Sort::Kept => sides.kept[doc],
        Sort::Shortest => u32::MAX - sides.length[doc],
        Sort::Longest => sides.length[doc],
    })
}

/// A score, raised a little for what many people license and keep: words decide, and love breaks ties.
#[inline]
fn loved(score: f32, sides: &Sides, doc: u32) -> u64 {
    let doc = doc as usize;
    let love = u64::from(sides.licensed[doc]) * 3 + u64::from(sides.kept[doc]) + 1;
    let raised = score.max(0.0) * (1.0 + 0.02 * love.ilog2() as f32);
    // The bits of positive floats rise as the floats do.
    u64::from(raised.to_bits())
}

/// The words as the catalogue spells them, if one of them had to be corrected.
fn spelling(sought: &[(Slot, Vec<(Vec<String>, f32)>)]) -> Option<String> {
    let mut changed = false;
    let words: Vec<String> = sought
        .iter()
        .map(|(slot, words)| {
            let corrected = match (&slot.any[..], words.first()) {
                ([only], Some((all, weight))) if *weight == NEAR && only.all != *all => Some(all.join(" ")),
                _ => None,
            };
            changed |= corrected.is_some();
            let said = corrected.unwrap_or_else(|| slot.said.clone());
            if slot.not { format!("-{said}") } else { said }
        })
        .collect();
    changed.then(|| words.join(" "))
}
