//! What stands beside the words of one segment of the index: the facets of its documents as bit sets and as short
//! lists, and the figures that results are narrowed and ordered by.
//!
//! A segment never changes, so this is made once for it. Deletions do change; they are a mask of their own.

use std::ops::Range;

use tantivy::SegmentReader;

use super::bits::Bits;
use super::query::Field;

/// Bars of the tempo histogram: so many, from here, so wide; slower and faster ones stand in the outermost.
pub const TEMPO_BARS: usize = 24;
pub const TEMPO_FROM: u32 = 40;
pub const TEMPO_STEP: u32 = 7;

/// What may be counted: a field's values, or the bars of the tempos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Field(Field),
    Tempo,
}

impl Side {
    pub const COUNT: usize = Field::ALL.len() + 1;

    pub fn all() -> impl Iterator<Item = Side> {
        Field::ALL.into_iter().map(Side::Field).chain([Side::Tempo])
    }

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
    offsets: Vec<u32>,
    ids: Vec<u16>,
    /// Tenths of a beat a minute; 0 is none.
    pub bpm: Vec<u16>,
    /// Milliseconds.
    pub length: Vec<u32>,
    /// Seconds since 1970.
    pub published: Vec<u32>,
    pub licensed: Vec<u32>,
    pub kept: Vec<u32>,
    /// The upper half of the id, which rises with time.
    pub high: Vec<u64>,
    pub low: Vec<u64>,
}

impl Sides {
    /// Reads the columns of a segment.
    pub fn load(reader: &SegmentReader) -> tantivy::Result<Sides> {
        let docs = reader.max_doc();
        let fast = reader.fast_fields();
        let column = |name: &str| -> tantivy::Result<Vec<u64>> {
            let mut values = vec![0; docs as usize];
            if docs > 0 {
                fast.column_first_or_default::<u64>(name)?.get_range(0, &mut values);
            }
            Ok(values)
        };
        let narrow = |name: &str| -> tantivy::Result<Vec<u32>> {
            Ok(column(name)?.into_iter().map(|v| v.min(u64::from(u32::MAX)) as u32).collect())
        };
        let bpm: Vec<u16> = column("bpm")?.into_iter().map(|v| v.min(65_535) as u16).collect();
        let mut names = vec![];
        let (mut offsets, mut ids) = (vec![0u32], vec![]);
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
        let mut sets = vec![Bits::none(docs); names.len() + TEMPO_BARS];
        for doc in 0..docs {
            if let Some(facets) = &facets {
                for ord in facets.term_ords(doc).filter(|ord| (*ord as usize) < names.len()) {
                    ids.push(ord as u16);
                    sets[ord as usize].insert(doc);
                }
            }
            if let Some(bar) = tempo_bar(bpm[doc as usize]) {
                let id = names.len() + bar;
                ids.push(id as u16);
                sets[id].insert(doc);
            }
            offsets.push(ids.len() as u32);
        }
        let mut ranges: [Range<usize>; Side::COUNT] = std::array::from_fn(|_| 0..0);
        for field in Field::ALL {
            let prefix = format!("{}=", field.name());
            let from = names.partition_point(|name| *name < prefix);
            let to = from + names[from..].iter().take_while(|name| name.starts_with(&prefix)).count();
            ranges[field as usize] = from..to;
        }
        ranges[Side::Tempo.place()] = names.len()..names.len() + TEMPO_BARS;
        Ok(Sides {
            docs,
            names,
            ranges,
            sets,
            offsets,
            ids,
            bpm,
            length: narrow("length")?,
            published: narrow("published")?,
            licensed: narrow("licensed")?,
            kept: narrow("kept")?,
            high: column("high")?,
            low: column("low")?,
        })
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

    /// The values of a document.
    pub fn values(&self, doc: u32) -> &[u16] {
        let (from, to) = (self.offsets[doc as usize], self.offsets[doc as usize + 1]);
        &self.ids[from as usize..to as usize]
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

    /// Counts the hits of each value of a side, the cheaper way.
    pub fn count(&self, side: Side, hits: &Bits, found: u64, into: &mut [u64]) {
        let pass = (hits.words().len() * self.range(side).len()) as u64;
        if found * 12 < pass / 8 {
            self.count_by_walking(side, hits, into);
        } else {
            self.count_by_meeting(side, hits, into);
        }
    }

    /// Looks at each hit's values: the time of narrow results.
    pub fn count_by_walking(&self, side: Side, hits: &Bits, into: &mut [u64]) {
        let range = self.range(side);
        for doc in hits.iter() {
            for id in self.values(doc) {
                if range.contains(&usize::from(*id)) {
                    into[usize::from(*id)] += 1;
                }
            }
        }
    }

    /// Meets the hits with each value's set: the time of wide results.
    pub fn count_by_meeting(&self, side: Side, hits: &Bits, into: &mut [u64]) {
        for id in self.range(side) {
            into[id] += self.sets[id].count_both(hits);
        }
    }
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
