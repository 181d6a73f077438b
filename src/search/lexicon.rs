//! The words that the catalogue has: how often each occurs and where, what begins like an unfinished one, and what is
//! spelled almost like a wrong one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tantivy::postings::{BlockSegmentPostings, TermInfo};
use tantivy::schema::{Field as Column, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::bits::Bits;
use super::index::Fields;
use super::memory::Memory;
use super::score::Scale;
use super::words::{self, Slot};

/// Words that an unfinished or a wrongly spelled one may stand for.
const MOST_OPEN: usize = 24;
const MOST_NEAR: usize = 8;
/// Words of the dictionary looked at for either.
const MOST_SEEN: usize = 100_000;
/// What an unfinished word weighs beside one that is exactly there.
const OPEN: f32 = 0.6;
/// And what a wrongly spelled one weighs.
pub const NEAR: f32 = 0.5;
/// Words, beginnings and misspellings that are remembered.
const REMEMBERED: usize = 4000;

/// A word, and where it is in each segment.
pub struct Word {
    pub text: String,
    /// How many documents have it, deleted ones too.
    pub documents: u64,
    column: Column,
    places: Vec<Option<TermInfo>>,
}

impl Word {
    /// How many documents of a segment have it, deleted ones too.
    pub fn documents_in(&self, segment: usize) -> u32 {
        self.places[segment].as_ref().map_or(0, |place| place.doc_freq)
    }
}

/// All of these words together, and what they weigh.
#[derive(Clone)]
pub struct Meaning {
    pub all: Vec<Arc<Word>>,
    pub weight: f32,
}

impl Meaning {
    /// The words themselves.
    pub fn texts(&self) -> Vec<String> {
        self.all.iter().map(|word| word.text.clone()).collect()
    }

    fn is(&self, all: &[String]) -> bool {
        self.all.len() == all.len() && self.all.iter().zip(all).all(|(word, text)| word.text == *text)
    }
}

/// The words of one state of the index.
pub struct Lexicon {
    searcher: Searcher,
    fields: Fields,
    known: Memory<Arc<Word>>,
    begun: Memory<Arc<[Arc<Word>]>>,
    misspelled: Memory<Arc<[Arc<Word>]>>,
    scale: OnceLock<Scale>,
}

impl Lexicon {
    /// The lexicon of this index, with nothing remembered yet.
    pub fn new(searcher: Searcher, fields: Fields) -> Lexicon {
        Lexicon {
            searcher,
            fields,
            known: Memory::new(REMEMBERED),
            begun: Memory::new(REMEMBERED),
            misspelled: Memory::new(REMEMBERED),
            scale: OnceLock::new(),
        }
    }

    /// How words are weighed.
    pub fn scale(&self) -> tantivy::Result<&Scale> {
        if self.scale.get().is_none() {
            let _ = self.scale.set(Scale::of(&self.searcher, self.fields.words)?);
        }
        self.scale.get().ok_or_else(|| tantivy::TantivyError::InternalError("no scale".into()))
    }

    /// A word of what is searched for words.
    pub fn word(&self, text: &str) -> tantivy::Result<Arc<Word>> {
        if let Some(known) = self.known.get(text) {
            return Ok(known);
        }
        let word = Arc::new(self.look_up(self.fields.words, text)?);
        self.known.put(text, Arc::clone(&word), 1);
        Ok(word)
    }

    /// The tracks of an uploader, as if their handle were a word.
    pub fn uploader(&self, handle: &str) -> tantivy::Result<Word> {
        self.look_up(self.fields.uploader, handle)
    }

    /// The tracks whose title holds a piece that was read as something else, as if the piece were a word.
    pub fn titled(&self, piece: &str) -> tantivy::Result<Word> {
        self.look_up(self.fields.titled, piece)
    }

    fn look_up(&self, column: Column, text: &str) -> tantivy::Result<Word> {
        let term = Term::from_field_text(column, text);
        let mut places = vec![];
        for reader in self.searcher.segment_readers() {
            places.push(reader.inverted_index(column)?.get_term_info(&term)?);
        }
        let documents = places.iter().flatten().map(|place| u64::from(place.doc_freq)).sum();
        Ok(Word { text: text.to_owned(), documents, column, places })
    }

    /// The documents of a word in a segment, block by block; none when it has none.
    pub fn postings(
        &self,
        word: &Word,
        segment: usize,
        option: IndexRecordOption,
    ) -> tantivy::Result<Option<BlockSegmentPostings>> {
        let Some(place) = &word.places[segment] else { return Ok(None) };
        let reader = self.searcher.segment_reader(segment as u32).inverted_index(word.column)?;
        Ok(Some(reader.read_block_postings_from_terminfo(place, option)?))
    }

    /// Puts the documents of a word in a segment into a set, deleted ones too.
    pub fn read(&self, word: &Word, segment: usize, into: &mut Bits) -> tantivy::Result<()> {
        let Some(mut postings) = self.postings(word, segment, IndexRecordOption::Basic)? else {
            return Ok(());
        };
        while !postings.docs().is_empty() {
            into.insert_rising(postings.docs());
            postings.advance();
        }
        Ok(())
    }

    /// What a slot stands for: itself and its synonyms where they occur, everything that begins like an unfinished
    /// word, and what is spelled almost like a word that nobody wrote.
    pub fn meanings(&self, slot: &Slot) -> tantivy::Result<Vec<Meaning>> {
        let mut out: Vec<Meaning> = vec![];
        for alternative in &slot.any {
            let all: Vec<Arc<Word>> =
                alternative.all.iter().map(|text| self.word(text)).collect::<tantivy::Result<_>>()?;
            if all.iter().all(|word| word.documents > 0) {
                out.push(Meaning { all, weight: alternative.weight });
            }
        }
        let typed = &slot.any[0].all;
        let [word] = typed.as_slice() else { return Ok(out) };
        let is_known = out.first().is_some_and(|first| first.is(typed));
        if slot.open && word.chars().count() >= 2 {
            for longer in self.beginning_with(word)?.iter() {
                if !out.iter().any(|meaning| meaning.is(std::slice::from_ref(&longer.text))) {
                    out.push(Meaning { all: vec![Arc::clone(longer)], weight: OPEN });
                }
            }
        }
        if !is_known && out.is_empty() && !slot.not {
            let near = self.near(word)?;
            out.extend(near.iter().map(|near| Meaning { all: vec![Arc::clone(near)], weight: NEAR }));
        }
        Ok(out)
    }

    /// The most frequent words that begin like this.
    fn beginning_with(&self, start: &str) -> tantivy::Result<Arc<[Arc<Word>]>> {
        if let Some(known) = self.begun.get(start) {
            return Ok(known);
        }
        let mut seen: HashMap<String, u64> = HashMap::new();
        self.walk(start, |word, documents| match seen.get_mut(word) {
            Some(n) => *n += documents,
            None => {
                seen.insert(word.to_owned(), documents);
            }
        })?;
        seen.remove(start);
        let mut all: Vec<(Reverse<u64>, String)> =
            seen.into_iter().map(|(word, n)| (Reverse(n), word)).collect();
        if all.len() > MOST_OPEN {
            all.select_nth_unstable(MOST_OPEN);
            all.truncate(MOST_OPEN);
        }
        all.sort_unstable();
        let words = all.iter().map(|(_, word)| self.word(word)).collect::<tantivy::Result<Arc<[_]>>>()?;
        self.begun.put(start, Arc::clone(&words), MOST_OPEN);
        Ok(words)
    }

    /// Words that are spelled almost like this, the nearest and then the most frequent first. The first letter is
    /// taken to be right where that finds any.
    fn near(&self, word: &str) -> tantivy::Result<Arc<[Arc<Word>]>> {
        let most = words::forgiven(word);
        if most == 0 {
            return Ok(Arc::default());
        }
        if let Some(known) = self.misspelled.get(word) {
            return Ok(known);
        }
        let letters: Vec<char> = word.chars().collect();
        let first: String = letters.iter().take(1).collect();
        let mut all: Vec<(usize, Reverse<u64>, String)> = vec![];
        for start in [first.as_str(), ""] {
            let mut seen: HashMap<String, (usize, u64)> = HashMap::new();
            let mut other_letters = vec![];
            self.walk(start, |other, documents| {
                if other.chars().count().abs_diff(letters.len()) > most {
                    return;
                }
                other_letters.clear();
                other_letters.extend(other.chars());
                if let Some(n) = words::distance(&letters, &other_letters, most) {
                    seen.entry(other.to_owned()).or_insert((n, 0)).1 += documents;
                }
            })?;
            if !seen.is_empty() {
                all.extend(seen.into_iter().map(|(other, (n, documents))| (n, Reverse(documents), other)));
                break;
            }
        }
        all.sort_unstable();
        let nearest = all.iter().take(MOST_NEAR).map(|(_, _, other)| self.word(other));
        let words = nearest.collect::<tantivy::Result<Arc<[_]>>>()?;
        self.misspelled.put(word, Arc::clone(&words), MOST_NEAR);
        Ok(words)
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
}

/// The words as the catalogue spells them, if one of them had to be corrected.
pub fn spelling(sought: &[(Slot, Vec<Meaning>)]) -> Option<String> {
    let mut changed = false;
    let words: Vec<String> = sought
        .iter()
        .map(|(slot, meanings)| {
            let corrected = match (&slot.any[..], meanings.first()) {
                ([only], Some(first)) if first.weight == NEAR && !first.is(&only.all) => {
                    Some(first.texts().join(" "))
                }
                _ => None,
            };
            changed |= corrected.is_some();
            let said = corrected.unwrap_or_else(|| slot.said.clone());
            if slot.not { format!("-{said}") } else { said }
        })
        .collect();
    changed.then(|| words.join(" "))
}
