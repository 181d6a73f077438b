//! One question to one state of the index: which documents, in which order, and how many there are beside every
//! filter.
//!
//! Counts beside a field are those one would get by choosing a value of it, so its own choices are left out there.
//! Documents are found as sets. From there on there are two ways: one looks at every document that was found, the
//! other leaves out what cannot matter and counts what stands together at once. Both give the same, and tests hold
//! them to it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use tantivy::Searcher;

use super::bits::Bits;
use super::codes::Wanted;
use super::filters::Filters;
use super::found::{Found, Sought, Tally, Values};
use super::helpers::Helpers;
use super::index::Fields;
use super::lexicon::{Lexicon, Meaning, Word, spelling};
use super::memory::Memory;
use super::part::Part;
use super::query::{Query, ROWS, Sort};
use super::score::Offer;
use super::segment::{Side, Sides};
use super::synonyms::Synonyms;
use super::top::Top;
use super::words::{self, Read, Reading, Slot};
use crate::ids::TrackId;

/// Answers that are remembered, and the part of all tracks that one must have found to be worth it.
const REMEMBERED: usize = 200;
const WIDE: u64 = 200;

/// Documents of a segment from which on going through it is worth a thread, which costs some hundredths of a millisecond.
const LARGE: u32 = if cfg!(test) { 8 } else { 100_000 };

/// Which way to go through what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The one that costs less, and what is remembered.
    #[default]
    Cheaper,
    /// Document by document.
    Narrow,
    /// Leaving out what cannot matter.
    Wide,
}

/// A state of the index that questions can be put to.
pub struct View {
    pub searcher: Searcher,
    pub parts: Vec<Part>,
    pub fields: Fields,
    pub lexicon: Lexicon,
    /// What words also find: the built-in ones until the shop gives its own.
    pub synonyms: Arc<Synonyms>,
    values: Values,
    /// The segments, as several threads go through them: what is large has one of its own.
    shares: Vec<Vec<usize>>,
    overview: OnceLock<Arc<Found>>,
    front: OnceLock<Arc<Front>>,
    answers: Memory<Arc<Found>>,
}

/// What a front page shows of a state.
pub struct Front {
    /// How many there are beside every filter.
    pub overview: Arc<Found>,
    /// What is newest, and what most people keep.
    pub fresh: Vec<TrackId>,
    pub loved: Vec<TrackId>,
}

/// A question as the index takes it.
struct Asked<'a> {
    filters: Filters,
    /// Slots of words, the weightiest first; documents have all of them, or any.
    slots: Vec<&'a [Meaning]>,
    any: bool,
    /// What they must not have.
    nots: Vec<&'a [Meaning]>,
    uploader: Option<Word>,
    /// Where a piece of the words was read as something, the tracks whose title holds it count as well.
    titled: Vec<(Reading, Word)>,
    sort: Sort,
    way: Way,
}

impl View {
    /// The view of these segments, with nothing remembered yet.
    pub fn new(searcher: Searcher, fields: Fields, parts: Vec<Part>) -> View {
        View {
            lexicon: Lexicon::new(searcher.clone(), fields),
            values: Values::of(parts.iter().map(|part| &*part.sides)),
            synonyms: Synonyms::built_in(),
            shares: shares(&parts),
            searcher,
            parts,
            fields,
            overview: OnceLock::new(),
            front: OnceLock::new(),
            answers: Memory::new(REMEMBERED),
        }
    }

    /// How many tracks there are to find.
    pub fn count(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Everything, counted once a state.
    pub fn overview(&self) -> Arc<Found> {
        let count = || {
            let mut tally = Tally::new(&self.values);
            for (segment, part) in self.parts.iter().enumerate() {
                tally.add(segment, &part.sides, part.whole());
            }
            Arc::new(Found { total: self.count(), whole: self.count(), ..tally.into_found() })
        };
        Arc::clone(self.overview.get_or_init(count))
    }

    /// What a front page shows, looked up once a state.
    pub fn front(&self) -> Arc<Front> {
        let first = |sort| {
            let mut top = Top::new(ROWS);
            self.parts.iter().for_each(|part| part.order(&part.alive(), sort, Way::Cheaper, &mut top));
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

    /// The answer to a search where it is remembered.
    pub fn known(&self, query: &Query) -> Option<Arc<Found>> {
        self.answers.get(&query.address())
    }

    /// The answer to a search. What found much is remembered as long as this state answers.
    pub fn find(&self, query: &Query, way: Way) -> tantivy::Result<Arc<Found>> {
        if way != Way::Cheaper {
            return Ok(Arc::new(self.look(query, way)?));
        }
        let address = query.address();
        if let Some(known) = self.answers.get(&address) {
            return Ok(known);
        }
        let found = Arc::new(self.look(query, way)?);
        if found.total * WIDE > found.whole {
            self.answers.put(&address, Arc::clone(&found), 1);
        }
        Ok(found)
    }

    fn look(&self, query: &Query, way: Way) -> tantivy::Result<Found> {
        let read = words::read(&query.q, &self.synonyms);
        let sought = self.sought(&read)?;
        let found = self.answer(query, &read, &sought, false, way)?;
        if found.total > 0 {
            return Ok(found);
        }
        // What was read as a tempo may be the name of a track. Looked for only where nothing was found, so that nobody
        // waits for it who found something.
        if !read.pieces.is_empty() {
            let plain = words::plain(&query.q, &self.synonyms);
            let again = self.answer(query, &plain, &self.sought(&plain)?, false, way)?;
            if again.total > 0 {
                return Ok(Found { plain: true, ..again });
            }
        }
        if sought.iter().filter(|(slot, _)| !slot.not).count() > 1 {
            let found = self.answer(query, &read, &sought, true, way)?;
            return Ok(Found { loosened: found.total > 0, ..found });
        }
        Ok(found)
    }

    /// What the words of a question stand for here.
    fn sought(&self, read: &Read) -> tantivy::Result<Vec<(Slot, Vec<Meaning>)>> {
        read.slots.iter().map(|slot| Ok((slot.clone(), self.lexicon.meanings(slot)?))).collect()
    }

    /// What has all of the words, or `any` of them.
    fn answer(
        &self,
        query: &Query,
        read: &Read,
        sought: &[(Slot, Vec<Meaning>)],
        any: bool,
        way: Way,
    ) -> tantivy::Result<Found> {
        let of = |not: bool| sought.iter().filter(move |(slot, _)| slot.not == not);
        let mut slots: Vec<&[Meaning]> = of(false).map(|(_, meanings)| meanings.as_slice()).collect();
        let mut sort = query.sort;
        if sort == Sort::Best {
            if slots.is_empty() {
                sort = Sort::New;
            } else {
                self.lexicon.scale()?.sort(&mut slots);
            }
        }
        let uploader = query.uploader.as_ref().map(|handle| self.lexicon.uploader(handle.as_str()));
        let titled = read.pieces.iter().filter(|(reading, _)| !query.chooses(*reading));
        let titled =
            titled.map(|(reading, piece)| tantivy::Result::Ok((*reading, self.lexicon.titled(piece)?)));
        let asked = Asked {
            filters: Filters::of(query, read),
            slots,
            any,
            nots: of(true).map(|(_, meanings)| meanings.as_slice()).collect(),
            uploader: uploader.transpose()?,
            titled: titled.collect::<tantivy::Result<_>>()?,
            sort,
            way,
        };
        let page = query.page.max(1) as usize;
        let mut found = self.found(&asked, page)?;
        found.whole = self.count();
        found.spelling = spelling(sought);
        let said = |(slot, meanings): &(Slot, Vec<Meaning>)| Sought {
            said: slot.said.clone(),
            words: meanings.iter().map(Meaning::texts).collect(),
        };
        found.sought = of(false).map(said).collect();
        Ok(found)
    }

    fn found<'a>(&'a self, asked: &'a Asked<'_>, page: usize) -> tantivy::Result<Found> {
        let skip = (page - 1) * ROWS;
        let mut top = Top::new(skip + ROWS);
        if asked.is_everything() && asked.way == Way::Cheaper {
            self.parts.iter().for_each(|part| part.order(&part.alive(), asked.sort, asked.way, &mut top));
            return Ok(Found { ids: top.ids(skip), ..Found::clone(&self.overview()) });
        }
        let mut tally = Tally::new(&self.values);
        let [mine, others @ ..] = self.shares.as_slice() else { return Ok(tally.into_found()) };
        std::thread::scope(|scope| {
            let begin = |share: &'a [usize]| {
                let place = Helpers::here().free()?;
                let begun = std::thread::Builder::new().spawn_scoped(scope, move || {
                    let _place = place;
                    let (mut tally, mut top) = (Tally::new(&self.values), Top::new(skip + ROWS));
                    self.share(share, asked, &mut tally, &mut top).map(|()| (tally, top))
                });
                begun.ok()
            };
            let others: Vec<_> = others.iter().map(|share| (share, begin(share))).collect();
            self.share(mine, asked, &mut tally, &mut top)?;
            for (share, begun) in others {
                match begun.map(|begun| begun.join()) {
                    Some(Ok(done)) => {
                        let (counts, best) = done?;
                        tally.join(counts);
                        top.join(best);
                    }
                    // Nobody was free, or no thread could be had.
                    None => self.share(share, asked, &mut tally, &mut top)?,
                    Some(Err(panic)) => std::panic::resume_unwind(panic),
                }
            }
            tantivy::Result::Ok(())
        })?;
        Ok(Found { ids: top.ids(skip), ..tally.into_found() })
    }

    fn share(
        &self,
        segments: &[usize],
        asked: &Asked<'_>,
        tally: &mut Tally<'_>,
        top: &mut Top,
    ) -> tantivy::Result<()> {
        segments.iter().try_for_each(|segment| self.part(*segment, asked, tally, top))
    }

    fn part(
        &self,
        segment: usize,
        asked: &Asked<'_>,
        tally: &mut Tally<'_>,
        top: &mut Top,
    ) -> tantivy::Result<()> {
        let part = &self.parts[segment];
        let sides = &*part.sides;
        let base = self.base(segment, asked)?;
        if base.is_empty() {
            return Ok(());
        }
        let active = Side::all().filter(|side| asked.filters.is_active(*side)).map(|side| {
            let mut chosen = asked.filters.chosen(sides, side, &base);
            for word in asked.titled(side.reading()) {
                self.lexicon.read(word, segment, chosen.to_mut())?;
            }
            tantivy::Result::Ok((side, chosen))
        });
        let active: Vec<(Side, Cow<'_, Bits>)> = active.collect::<tantivy::Result<_>>()?;
        let narrowed = |but: Option<Side>| {
            let mut hits = base.clone();
            active.iter().filter(|(side, _)| Some(*side) != but).for_each(|(_, bits)| hits.meet(bits));
            hits
        };
        let hits = narrowed(None);
        let found = hits.count();
        tally.total += found;
        if asked.sort == Sort::Best {
            self.offer(segment, asked, &hits, top)?;
        } else {
            part.order(&hits, asked.sort, asked.way, top);
        }
        let mut counts = part.count(&hits, found, Wanted::All, asked.way);
        for (side, _) in &active {
            let others = narrowed(Some(*side));
            let without = part.count(&others, others.count(), Wanted::Of(*side), asked.way);
            counts[sides.range(*side)].copy_from_slice(&without[sides.range(*side)]);
        }
        tally.add(segment, sides, &counts);
        Ok(())
    }

    /// What has the words and the length, and is alive.
    fn base(&self, segment: usize, asked: &Asked<'_>) -> tantivy::Result<Bits> {
        let part = &self.parts[segment];
        let mut base = part.alive();
        if let Some(uploader) = &asked.uploader {
            let mut theirs = Bits::none(part.sides.docs);
            self.lexicon.read(uploader, segment, &mut theirs)?;
            base.meet(&theirs);
        }
        let mut some = Bits::default();
        for (n, slot) in asked.slots.iter().enumerate() {
            let having = part.having(&self.lexicon, segment, slot)?;
            match (asked.any, n) {
                (false, _) => base.meet(&having),
                (true, 0) => some = Bits::clone(&having),
                (true, _) => some.join(&having),
            }
        }
        if asked.any {
            base.meet(&some);
        }
        for slot in &asked.nots {
            base.leave(&*part.having(&self.lexicon, segment, slot)?);
        }
        let mut titled = asked.titled(Some(Reading::Length)).peekable();
        if titled.peek().is_none() {
            return Ok(asked.filters.fitting(&part.sides, base));
        }
        let mut also = Bits::none(part.sides.docs);
        for word in titled {
            self.lexicon.read(word, segment, &mut also)?;
        }
        also.meet(&base);
        let mut fitting = asked.filters.fitting(&part.sides, base);
        fitting.join(&also);
        Ok(fitting)
    }

    fn offer(&self, segment: usize, asked: &Asked<'_>, hits: &Bits, top: &mut Top) -> tantivy::Result<()> {
        let reader = self.searcher.segment_reader(segment as u32);
        let norms = reader.get_fieldnorms_reader(self.fields.words)?;
        let sides: &Sides = &self.parts[segment].sides;
        let shorten = asked.way != Way::Narrow;
        Offer { sides, lexicon: &self.lexicon, segment, slots: &asked.slots, shorten }.make(&norms, hits, top)
    }
}

/// The segments in as many lots as there are processors, each about as large as the others. What is small is not worth a
/// thread: together it is the lot of whoever asks.
fn shares(parts: &[Part]) -> Vec<Vec<usize>> {
    let most = std::thread::available_parallelism().map_or(1, usize::from);
    let docs = |segment: &usize| parts[*segment].sides.docs;
    let (mut large, small): (Vec<usize>, Vec<usize>) =
        (0..parts.len()).partition(|segment| docs(segment) >= LARGE);
    large.sort_by_key(|segment| std::cmp::Reverse(docs(segment)));
    let mut shares = vec![vec![]; large.len().clamp(1, most)];
    shares[0] = small;
    for segment in large {
        let load = |share: &Vec<usize>| share.iter().map(|segment| u64::from(docs(segment))).sum::<u64>();
        if let Some(least) = shares.iter_mut().min_by_key(|share| load(share)) {
            least.push(segment);
        }
    }
    shares
}

impl Asked<'_> {
    /// What titles may hold instead of what was read so.
    fn titled(&self, reading: Option<Reading>) -> impl Iterator<Item = &Word> {
        let here = self.titled.iter().filter(move |(of, word)| Some(*of) == reading && word.documents > 0);
        here.map(|(_, word)| word)
    }

    fn is_everything(&self) -> bool {
        self.slots.is_empty() && self.nots.is_empty() && self.uploader.is_none() && self.filters.is_none()
    }
}
