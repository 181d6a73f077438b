//! What stands beside the words of one segment of the index: the facets of its documents as bit sets and as codes, and
//! the figures that results are narrowed and ordered by.
//!
//! A segment never changes, so this is made once for it. Deletions do change; they are a mask of their own.

use std::ops::Range;
use std::sync::Arc;

use tantivy::SegmentReader;

use super::bits::Bits;
use super::codes::{Codes, Coding, column};
use super::memory::Memory;
use super::query::{Field, Sort};
use super::words::Reading;

/// Bars of the tempo histogram; slower and faster tempos stand in the outermost.
pub const TEMPO_BARS: usize = 24;
/// Beats a minute at which the first bar begins.
pub const TEMPO_FROM: u32 = 40;
/// Beats a minute of one bar.
pub const TEMPO_STEP: u32 = 7;

/// Sets of words that are kept, in bytes a document: about as much as the facets take.
const REMEMBERED: usize = 32;
/// Segments of less than this remember as much.
const SMALL: usize = 16_384;

/// What may be counted: a field's values, or the bars of the tempos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Field(Field),
    Tempo,
}

impl Side {
    /// How many sides there are.
    pub const COUNT: usize = Field::ALL.len() + 1;

    /// Every side, each at its place.
    pub fn all() -> impl Iterator<Item = Side> {
        Field::ALL.into_iter().map(Side::Field).chain([Side::Tempo])
    }

    /// What words may be read as that narrows this side.
    pub fn reading(self) -> Option<Reading> {
        match self {
            Side::Tempo => Some(Reading::Tempo),
            Side::Field(Field::Key) => Some(Reading::Key),
            Side::Field(Field::Vocals) => Some(Reading::Vocals),
            Side::Field(_) => None,
        }
    }

    /// Where it stands among all.
    pub fn place(self) -> usize {
        match self {
            Side::Field(field) => field as usize,
            Side::Tempo => Field::ALL.len(),
        }
    }
}

/// The documents of a segment, seen from the side.
pub struct Sides {
    pub docs: u32,
    /// `mood=calm`, sorted; the tempo bars come behind them without names.
    names: Vec<String>,
    /// Which values belong to which side.
    ranges: [Range<usize>; Side::COUNT],
    sets: Vec<Bits>,
    pub codes: Codes,
    /// How many documents have each value, deleted ones too.
    pub whole: Vec<u64>,
    /// Sets of documents by words, deleted ones too.
    pub known: Memory<Arc<Bits>>,
    /// Tenths of a beat a minute; 0 is none.
    pub bpm: Vec<u16>,
    /// Milliseconds.
    pub length: Vec<u32>,
    /// Seconds since 1970.
    published: Vec<u32>,
    licensed: Vec<u32>,
    kept: Vec<u32>,
    /// How far people's love raises a document, in steps.
    pub love: Vec<u8>,
    pub most_love: u8,
    /// The upper half of the id, which rises with time.
    pub high: Vec<u64>,
    pub low: Vec<u64>,
    /// Per order, the highest place of every sixty-four documents.
    highest: Vec<Vec<u32>>,
}

impl Sides {
    /// Reads the columns of a segment.
    pub fn load(reader: &SegmentReader) -> tantivy::Result<Sides> {
        let docs = reader.max_doc();
        let fast = reader.fast_fields();
        let column_of = |name: &str| -> tantivy::Result<Vec<u64>> {
            let mut values = vec![0; docs as usize];
            if docs > 0 {
                fast.column_first_or_default::<u64>(name)?.get_range(0, &mut values);
            }
            Ok(values)
        };
        let narrow = |name: &str| -> tantivy::Result<Vec<u32>> {
            Ok(column_of(name)?.into_iter().map(|v| v.min(u64::from(u32::MAX)) as u32).collect())
        };
        let bpm: Vec<u16> = column_of("bpm")?.into_iter().map(|v| v.min(65_535) as u16).collect();
        let mut names = vec![];
        let facets = fast.str("facets")?;
        if let Some(facets) = &facets {
            for ord in 0..facets.num_terms() as u64 {
                let mut name = String::new();
                facets.ord_to_str(ord, &mut name)?;
                names.push(name);
            }
        }
        // Ids are sixteen bits; a shop with more values than that keeps the first.
        names.truncate(usize::from(u16::MAX) - TEMPO_BARS);
        let mut ranges: [Range<usize>; Side::COUNT] = std::array::from_fn(|_| 0..0);
        for field in Field::ALL {
            let prefix = format!("{}=", field.name());
            let from = names.partition_point(|name| *name < prefix);
            let to = from + names[from..].iter().take_while(|name| name.starts_with(&prefix)).count();
            ranges[field as usize] = from..to;
        }
        ranges[Side::Tempo.place()] = names.len()..names.len() + TEMPO_BARS;
        let mut sets = vec![Bits::none(docs); names.len() + TEMPO_BARS];
        let mut columns = vec![0; sets.len()];
        for side in Side::all() {
            columns[ranges[side.place()].clone()].fill(column(side));
        }
        let mut coding = Coding::new(columns, docs);
        let mut ids: Vec<u16> = vec![];
        for doc in 0..docs {
            ids.clear();
            if let Some(facets) = &facets {
                ids.extend(
                    facets.term_ords(doc).filter(|ord| (*ord as usize) < names.len()).map(|ord| ord as u16),
                );
            }
            ids.extend(tempo_bar(bpm[doc as usize]).map(|bar| (names.len() + bar) as u16));
            ids.sort_unstable();
            ids.dedup();
            ids.iter().for_each(|id| sets[usize::from(*id)].insert(doc));
            coding.push(&ids);
        }
        let (licensed, kept) = (narrow("licensed")?, narrow("kept")?);
        let love: Vec<u8> =
            licensed.iter().zip(&kept).map(|(licensed, kept)| love(*licensed, *kept)).collect();
        let mut loaded = Sides {
            docs,
            whole: sets.iter().map(Bits::count).collect(),
            known: Memory::new((docs as usize).max(SMALL) * REMEMBERED),
            codes: coding.finish(),
            names,
            ranges,
            sets,
            bpm,
            length: narrow("length")?,
            published: narrow("published")?,
            licensed,
            kept,
            most_love: love.iter().copied().max().unwrap_or(0),
            love,
            high: column_of("high")?,
            low: column_of("low")?,
            highest: vec![],
        };
        let highest = |sort| {
            let words = 0..docs.div_ceil(64);
            let within = |at: u32| at * 64..docs.min(at * 64 + 64);
            words.map(|at| within(at).map(|doc| loaded.placed(sort, doc)).max().unwrap_or(0)).collect()
        };
        loaded.highest = Sort::ALL.map(highest).into();
        Ok(loaded)
    }

    /// Where a document stands in an order that is not by its words: higher is before.
    #[inline]
    pub fn placed(&self, sort: Sort, doc: u32) -> u32 {
        let doc = doc as usize;
        match sort {
            Sort::Best | Sort::New => self.published[doc],
            Sort::Licensed => self.licensed[doc],
            Sort::Kept => self.kept[doc],
            Sort::Shortest => u32::MAX - self.length[doc],
            Sort::Longest => self.length[doc],
        }
    }

    /// The highest place that one of the sixty-four documents of a word of bits has in such an order.
    #[inline]
    pub fn highest(&self, sort: Sort, word: usize) -> u32 {
        self.highest[sort as usize][word]
    }

    /// The documents with a value, if there are any.
    pub fn set(&self, field: Field, slug: &str) -> Option<&Bits> {
        Some(&self.sets[self.value(field, slug)?])
    }

    /// The id of a value in this segment.
    pub fn value(&self, field: Field, slug: &str) -> Option<usize> {
        let name = format!("{}={slug}", field.name());
        self.names.binary_search(&name).ok()
    }

    /// The values of one side, by id.
    pub fn range(&self, side: Side) -> Range<usize> {
        self.ranges[side.place()].clone()
    }

    /// The slug of a value of a field; none for a tempo bar.
    pub fn slug(&self, id: usize) -> Option<&str> {
        self.names.get(id)?.split_once('=').map(|(_, slug)| slug)
    }

    /// How many values there are in all.
    pub fn len(&self) -> usize {
        self.sets.len()
    }
}

/// Steps by which a track rises that people license and keep: one for each doubling.
fn love(licensed: u32, kept: u32) -> u8 {
    (u64::from(licensed) * 3 + u64::from(kept) + 1).ilog2() as u8
}

/// The bar of a tempo in tenths.
fn tempo_bar(tenths: u16) -> Option<usize> {
    let bpm = (u32::from(tenths) + 5) / 10;
    (tenths > 0).then(|| (bpm.saturating_sub(TEMPO_FROM) / TEMPO_STEP).min(TEMPO_BARS as u32 - 1) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tempo_has_its_bar() {
        for (tenths, bar) in
            [(0, None), (10, Some(0)), (465, Some(1)), (464, Some(0)), (920, Some(7)), (60_000, Some(23))]
        {
            assert_eq!(tempo_bar(tenths), bar, "{tenths}");
        }
    }
}
