//! One segment of a state of the index: what of it is alive, its sets of documents, its counts and its order.

use std::sync::{Arc, OnceLock};

use super::bits::Bits;
use super::codes::Wanted;
use super::find::Way;
use super::lexicon::{Lexicon, Meaning, Word};
use super::query::Sort;
use super::segment::Sides;
use super::top::Top;

/// Words that fewer documents have than this part of all are read faster than remembered.
const RARE: u32 = 256;
/// Slots of words that more documents have than this part of all are remembered whole.
const OFTEN: u64 = 64;

/// One segment: its documents, which of them are alive, and their counts once somebody asked for them.
pub struct Part {
    pub sides: Arc<Sides>,
    /// None: nothing was deleted from it.
    pub alive: Option<Arc<Bits>>,
    living: u64,
    /// How many of what is alive have each value.
    whole: OnceLock<Vec<u64>>,
}

impl Part {
    /// A segment, of which the documents in `alive` were not deleted; without, none was.
    pub fn new(sides: Arc<Sides>, alive: Option<Arc<Bits>>) -> Part {
        let living = alive.as_ref().map_or(u64::from(sides.docs), |alive| alive.count());
        Part { sides, alive, living, whole: OnceLock::new() }
    }

    /// The documents that were not deleted.
    pub fn alive(&self) -> Bits {
        self.alive.as_ref().map_or_else(|| Bits::all(self.sides.docs), |alive| Bits::clone(alive))
    }

    fn without(&self, docs: &Bits) -> Bits {
        let mut others = self.alive();
        others.leave(docs);
        others
    }

    /// How many of what is alive have each value.
    pub fn whole(&self) -> &[u64] {
        self.whole.get_or_init(|| {
            let mut whole = self.sides.whole.clone();
            if let Some(alive) = &self.alive {
                let mut dead = Bits::all(self.sides.docs);
                dead.leave(alive);
                let gone = self.sides.codes.count(&dead, dead.count(), Wanted::All, Way::Cheaper);
                subtract(&mut whole, &gone);
            }
            whole
        })
    }

    /// How many of these documents, all of them alive, have each value.
    pub fn count(&self, docs: &Bits, found: u64, wanted: Wanted, way: Way) -> Vec<u64> {
        let codes = &self.sides.codes;
        if found == 0 {
            return vec![0; self.sides.len()];
        }
        if way == Way::Narrow || found <= self.living / 2 {
            return codes.count(docs, found, wanted, way);
        }
        // Most of what there is: the others are fewer.
        let mut counts = self.whole().to_vec();
        if found < self.living {
            let others = codes.count(&self.without(docs), self.living - found, wanted, way);
            subtract(&mut counts, &others);
        }
        counts
    }

    /// Offers documents by an order that is not by words. From behind, for there is what is newest.
    pub fn order(&self, docs: &Bits, sort: Sort, way: Way, top: &mut Top) {
        let sides = &*self.sides;
        for (at, word) in docs.words().iter().enumerate().rev() {
            let mut word = *word;
            let highest = u64::from(sides.highest(sort, at));
            if way != Way::Narrow && top.least().is_some_and(|least| highest < least) {
                continue;
            }
            while word != 0 {
                let bit = 63 - word.leading_zeros();
                word &= !(1 << bit);
                let doc = at as u32 * 64 + bit;
                top.offer(u64::from(sides.placed(sort, doc)), sides, doc);
            }
        }
    }

    /// The documents that have one of these meanings, deleted ones too.
    pub fn having(
        &self,
        lexicon: &Lexicon,
        segment: usize,
        meanings: &[Meaning],
    ) -> tantivy::Result<Arc<Bits>> {
        if let [Meaning { all, .. }] = meanings
            && let [word] = all.as_slice()
        {
            return self.with_word(lexicon, segment, word);
        }
        let names = meanings.iter().map(|meaning| meaning.texts().join(" "));
        let name = names.collect::<Vec<_>>().join("|");
        if let Some(known) = self.sides.known.get(&name) {
            return Ok(known);
        }
        let mut any = Bits::none(self.sides.docs);
        let mut documents = 0;
        for meaning in meanings {
            documents +=
                meaning.all.iter().map(|word| u64::from(word.documents_in(segment))).min().unwrap_or(0);
            match meaning.all.as_slice() {
                [word] if self.is_rare(word, segment) => lexicon.read(word, segment, &mut any)?,
                [word] => any.join(&*self.with_word(lexicon, segment, word)?),
                [first, others @ ..] => {
                    let mut together = Bits::clone(&*self.with_word(lexicon, segment, first)?);
                    for word in others {
                        together.meet(&*self.with_word(lexicon, segment, word)?);
                    }
                    any.join(&together);
                }
                [] => {}
            }
        }
        let any = Arc::new(any);
        if documents * OFTEN > u64::from(self.sides.docs) {
            self.remember(&name, &any);
        }
        Ok(any)
    }

    fn is_rare(&self, word: &Word, segment: usize) -> bool {
        word.documents_in(segment) < self.sides.docs / RARE
    }

    /// The documents that have a word, deleted ones too.
    pub fn with_word(&self, lexicon: &Lexicon, segment: usize, word: &Word) -> tantivy::Result<Arc<Bits>> {
        let is_rare = self.is_rare(word, segment);
        if !is_rare && let Some(known) = self.sides.known.get(&word.text) {
            return Ok(known);
        }
        let mut with = Bits::none(self.sides.docs);
        lexicon.read(word, segment, &mut with)?;
        let with = Arc::new(with);
        if !is_rare {
            self.remember(&word.text, &with);
        }
        Ok(with)
    }

    fn remember(&self, name: &str, bits: &Arc<Bits>) {
        self.sides.known.put(name, Arc::clone(bits), size_of_val(bits.words()) + name.len());
    }
}

fn subtract(from: &mut [u64], counts: &[u64]) {
    for (all, some) in from.iter_mut().zip(counts) {
        *all = all.saturating_sub(*some);
    }
}
