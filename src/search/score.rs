//! The best of many documents by their words (BM25), without a look at all of them.
//!
//! Documents are gone through in stretches. The weightiest slot of the words is added up first; where a document could
//! not come among the best any more even if the other slots gave all that they can, they are not read for it. A word
//! of a slot that cannot lift any document that far is not read at all from then on. What is left is the same as if
//! every document had been added up in full, to the last bit.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::BlockSegmentPostings;
use tantivy::schema::{Field as Column, IndexRecordOption};
use tantivy::{Searcher, TERMINATED};

use std::sync::Arc;

use super::bits::{Bits, each_bit};
use super::lexicon::{Lexicon, Meaning};
use super::segment::Sides;
use super::top::Top;

/// The constants of BM25, as Tantivy has them.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// Documents of a stretch: its sums stay in the nearest cache. Tests have few documents and want many stretches.
const STRETCH: usize = if cfg!(test) { 128 } else { 4096 };
/// Words of bits of a stretch.
const WORDS: usize = STRETCH / 64;
/// Sums are rounded; what could be must not be thought too small for that.
const SLACK: f32 = 1.000_01;

/// How words weigh in one state of the index.
pub struct Scale {
    documents: u64,
    /// By the length of a document as the index keeps it.
    norms: Box<[f32; 256]>,
}

impl Scale {
    /// The scale of this column, with its texts as long as they are in this state.
    pub fn of(searcher: &Searcher, column: Column) -> tantivy::Result<Scale> {
        let (mut tokens, mut documents) = (0, 0);
        for reader in searcher.segment_readers() {
            tokens += reader.inverted_index(column)?.total_num_tokens();
            documents += u64::from(reader.max_doc());
        }
        let mean = tokens as f32 / documents as f32;
        let norm = |id: usize| {
            let length = FieldNormReader::id_to_fieldnorm(id as u8) as f32;
            K1 * (1.0 - B + B * length / mean)
        };
        Ok(Scale { documents, norms: Box::new(std::array::from_fn(norm)) })
    }

    /// What a word in so many documents can give to one, at most.
    pub fn weight(&self, documents: u64, boost: f32) -> f32 {
        let rest = self.documents.saturating_sub(documents) as f32 + 0.5;
        let idf = (1.0 + rest / (documents as f32 + 0.5)).ln();
        let weight = idf * (1.0 + K1);
        if boost == 1.0 { weight } else { weight * boost }
    }

    #[inline]
    fn part(&self, norm: u8, times: u32) -> f32 {
        let times = times as f32;
        times / (times + self.norms[usize::from(norm)])
    }

    /// What the words of a slot can give together, at most.
    fn most(&self, meanings: &[Meaning]) -> f32 {
        let most = |meaning: &Meaning| -> f32 {
            meaning.all.iter().map(|word| self.weight(word.documents, meaning.weight)).sum()
        };
        meanings.iter().map(most).fold(0.0, f32::max)
    }

    /// Puts the weightiest slot first: the order in which they are added up.
    pub fn sort(&self, slots: &mut [&[Meaning]]) {
        slots.sort_by(|a, b| self.most(b).total_cmp(&self.most(a)));
    }
}

/// A score, raised a little for what many people license and keep: words decide, and love breaks ties.
#[inline]
fn raised(score: f32, love: u8) -> f32 {
    score.max(0.0) * (1.0 + 0.02 * f32::from(love))
}

/// What offers its documents to the best.
pub struct Offer<'a> {
    pub sides: &'a Sides,
    pub lexicon: &'a Lexicon,
    pub segment: usize,
    /// Slots of words as `Scale::sort` puts them.
    pub slots: &'a [&'a [Meaning]],
    /// Whether what cannot come among the best may be left out.
    pub shorten: bool,
}

impl Offer<'_> {
    /// Offers those of these documents that may be among the best.
    pub fn make(&self, norms: &FieldNormReader, hits: &Bits, top: &mut Top) -> tantivy::Result<()> {
        let scale = self.lexicon.scale()?;
        let mut slots: Vec<Slot> = vec![];
        for meanings in self.slots {
            slots.push(Slot::open(self, scale, meanings)?);
        }
        let mut sums = [0f32; STRETCH];
        let mut least = None;
        for (stretch, words) in hits.words().chunks(WORDS).enumerate() {
            if words.iter().all(|word| *word == 0) {
                continue;
            }
            let now = self.shorten.then(|| top.least()).flatten().map(|first| f32::from_bits(first as u32));
            if now > least {
                least = now;
                Slot::drop_hopeless(&mut slots, least, self.sides.most_love);
            }
            let mut live = Stretch { from: (stretch * STRETCH) as u32, bits: [0; WORDS] };
            live.bits[..words.len()].copy_from_slice(words);
            live.each(|at, _| sums[at] = 0.0);
            for n in 0..slots.len() {
                let rest: f32 = slots[n + 1..].iter().map(|slot| slot.most).sum();
                slots[n].add(&live, scale, norms, &mut sums);
                if let Some(least) = least {
                    live.keep(|at, doc| {
                        let could = (sums[at] + rest) * SLACK;
                        raised(could, self.sides.love[doc as usize]) >= least
                    });
                }
                if live.is_empty() {
                    break;
                }
            }
            live.each(|at, doc| {
                let first = raised(sums[at], self.sides.love[doc as usize]);
                // The bits of positive floats rise as the floats do.
                top.offer(u64::from(first.to_bits()), self.sides, doc);
            });
        }
        Ok(())
    }
}

/// Documents of a stretch that are still in question.
struct Stretch {
    from: u32,
    bits: [u64; WORDS],
}

impl Stretch {
    /// Those that are in a set too.
    fn among(&self, set: &Bits) -> Stretch {
        let mut among = Stretch { from: self.from, bits: [0; WORDS] };
        let words = set.words()[self.from as usize / 64..].iter();
        for ((into, mine), theirs) in among.bits.iter_mut().zip(&self.bits).zip(words) {
            *into = mine & theirs;
        }
        among
    }

    fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| *word == 0)
    }

    fn count(&self) -> u32 {
        self.bits.iter().map(|word| word.count_ones()).sum()
    }

    #[inline]
    fn has(&self, at: usize) -> bool {
        self.bits[at / 64] >> (at % 64) & 1 == 1
    }

    /// Looks at each, by its place in the stretch and its number.
    #[inline]
    fn each(&self, mut look: impl FnMut(usize, u32)) {
        for (n, word) in self.bits.iter().enumerate() {
            each_bit(*word, |bit| {
                let at = n * 64 + bit as usize;
                look(at, self.from + at as u32);
            });
        }
    }

    #[inline]
    fn keep(&mut self, mut stays: impl FnMut(usize, u32) -> bool) {
        for n in 0..WORDS {
            let mut kept = self.bits[n];
            each_bit(self.bits[n], |bit| {
                let at = n * 64 + bit as usize;
                if !stays(at, self.from + at as u32) {
                    kept &= !(1 << bit);
                }
            });
            self.bits[n] = kept;
        }
    }
}

/// A slot of words in one segment: what a document has of it is the most that one of its meanings gives.
struct Slot {
    choices: Vec<Choice>,
    most: f32,
    /// All 0 between two stretches.
    gains: Box<[f32; STRETCH]>,
}

/// All of these words together.
struct Choice {
    cursors: Vec<Cursor>,
    most: f32,
}

impl Slot {
    fn open(offer: &Offer<'_>, scale: &Scale, meanings: &[Meaning]) -> tantivy::Result<Slot> {
        let mut choices = vec![];
        for meaning in meanings {
            let mut cursors = vec![];
            for word in &meaning.all {
                let postings = offer.lexicon.postings(word, offer.segment, IndexRecordOption::WithFreqs)?;
                cursors.extend(postings.map(|postings| Cursor {
                    known: offer.sides.known.get(&word.text),
                    often: word.documents_in(offer.segment) as f32 / offer.sides.docs.max(1) as f32,
                    weight: scale.weight(word.documents, meaning.weight),
                    postings,
                    at: 0,
                }));
            }
            if cursors.len() == meaning.all.len() {
                let most = cursors.iter().map(|cursor| cursor.weight).sum();
                choices.push(Choice { cursors, most });
            }
        }
        let most = choices.iter().map(|choice| choice.most).fold(0.0, f32::max);
        Ok(Slot { choices, most, gains: Box::new([0.0; STRETCH]) })
    }

    /// Lets go of the choices that cannot lift a document to the least, whatever the other slots give.
    fn drop_hopeless(slots: &mut [Slot], least: Option<f32>, most_love: u8) {
        let Some(least) = least else { return };
        let all: f32 = slots.iter().map(|slot| slot.most).sum();
        for slot in slots {
            let others = (all - slot.most).max(0.0);
            slot.choices.retain(|choice| raised((choice.most + others) * SLACK, most_love) >= least);
            slot.most = slot.choices.iter().map(|choice| choice.most).fold(0.0, f32::max);
        }
    }

    /// Adds what each document in question has of it.
    fn add(&mut self, live: &Stretch, scale: &Scale, norms: &FieldNormReader, sums: &mut [f32; STRETCH]) {
        let count = live.count();
        for choice in &mut self.choices {
            match choice.cursors.as_mut_slice() {
                [only] => only.each(live, count, |at, doc, times, weight| {
                    let gain = weight * scale.part(norms.fieldnorm_id(doc), times);
                    self.gains[at] = self.gains[at].max(gain);
                }),
                cursors => {
                    let mut together = vec![(0f32, 0u32); STRETCH];
                    for (n, cursor) in (0..).zip(cursors.iter_mut()) {
                        cursor.each(live, count, |at, doc, times, weight| {
                            if together[at].1 == n {
                                let gain = weight * scale.part(norms.fieldnorm_id(doc), times);
                                together[at] = (together[at].0 + gain, n + 1);
                            }
                        });
                    }
                    for (gain, (sum, words)) in self.gains.iter_mut().zip(together) {
                        if words as usize == cursors.len() {
                            *gain = gain.max(sum);
                        }
                    }
                }
            }
        }
        if count as usize > STRETCH / 16 {
            sums.iter_mut().zip(self.gains.iter()).for_each(|(sum, gain)| *sum += gain);
            self.gains.fill(0.0);
        } else {
            live.each(|at, _| sums[at] += std::mem::take(&mut self.gains[at]));
        }
    }
}

/// A walk over the documents of one word.
struct Cursor {
    postings: BlockSegmentPostings,
    /// The documents that have it, where they are remembered.
    known: Option<Arc<Bits>>,
    /// The place in the block.
    at: usize,
    weight: f32,
    /// The part of the documents that have it.
    often: f32,
}

impl Cursor {
    /// Looks at each document in question that has the word: its place in the stretch, its number, how often it has
    /// it, and what the word weighs.
    #[inline]
    fn each(&mut self, live: &Stretch, count: u32, mut look: impl FnMut(usize, u32, u32, f32)) {
        let theirs = self.known.as_ref().map(|known| live.among(known));
        let (live, count) = match &theirs {
            Some(theirs) => (theirs, theirs.count()),
            None => (live, count),
        };
        if count == 0 {
            return;
        }
        // To look for single documents costs about as much as going through a dozen.
        if (count * 12) as f32 <= self.often * STRETCH as f32 {
            live.each(|at, doc| {
                self.seek(doc);
                if self.doc() == doc {
                    look(at, doc, self.postings.freq(self.at), self.weight);
                }
            });
            return;
        }
        self.seek(live.from);
        let end = live.from + STRETCH as u32;
        while self.doc() < end {
            let (docs, times) = (self.postings.docs(), self.postings.freqs());
            let to = self.at + docs[self.at..].partition_point(|doc| *doc < end);
            for (doc, times) in docs[self.at..to].iter().zip(&times[self.at..to]) {
                let at = (doc - live.from) as usize;
                if live.has(at) {
                    look(at, *doc, *times, self.weight);
                }
            }
            if to < docs.len() {
                self.at = to;
                return;
            }
            self.postings.advance();
            self.at = 0;
        }
    }

    fn doc(&self) -> u32 {
        self.postings.docs().get(self.at).copied().unwrap_or(TERMINATED)
    }

    /// Goes to the first document that is not before this one.
    fn seek(&mut self, doc: u32) {
        if self.doc() < doc {
            self.at = self.postings.seek(doc);
        }
    }
}
