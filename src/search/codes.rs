//! The values of each document in a few numbers: values that stand together often have one number together, a code.
//!
//! Counting the values of many documents is then a few additions a document, and one for each value of each code at
//! the end, in place of a look at every value of every document or a pass over every value's set.

use std::collections::HashMap;

use super::bits::Bits;
use super::find::Way;
use super::query::Field;
use super::segment::Side;

/// Codes of a document.
const COLUMNS: usize = 4;

/// Whose values are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    All,
    /// At least those of this side.
    Of(Side),
}

/// The column in which a side's values stand: such as have few combinations share one.
pub fn column(side: Side) -> usize {
    match side {
        Side::Field(Field::Kind | Field::Genre | Field::Vocals | Field::Tier) => 0,
        Side::Field(Field::Key) | Side::Tempo => 1,
        Side::Field(Field::Mood) => 2,
        Side::Field(Field::Instrument) => 3,
    }
}

/// The codes of a segment's documents.
pub struct Codes {
    rows: Rows,
    /// The values that each code stands for, one after the other.
    offsets: Vec<u32>,
    values: Vec<u16>,
    sizes: [usize; COLUMNS],
    /// How many values there are in all.
    most: usize,
}

/// Short numbers as long as they suffice: how many documents are counted a second is how fast memory brings them.
enum Rows {
    Short(Vec<[u16; COLUMNS]>),
    Long(Vec<[u32; COLUMNS]>),
}

/// Codes in the making.
pub struct Coding {
    rows: Vec<[u32; COLUMNS]>,
    known: [HashMap<Box<[u16]>, u32>; COLUMNS],
    columns: Vec<usize>,
    /// The values of the document at hand, by column.
    here: [Vec<u16>; COLUMNS],
}

impl Coding {
    /// For values of these columns, by number.
    pub fn new(columns: Vec<usize>, docs: u32) -> Coding {
        let rows = Vec::with_capacity(docs as usize);
        Coding { rows, known: Default::default(), columns, here: Default::default() }
    }

    /// The next document's values, rising.
    pub fn push(&mut self, values: &[u16]) {
        for value in values {
            self.here[self.columns[usize::from(*value)]].push(*value);
        }
        let mut row = [0; COLUMNS];
        for (column, values) in self.here.iter_mut().enumerate() {
            let known = &mut self.known[column];
            row[column] = match known.get(values.as_slice()) {
                Some(code) => *code,
                None => {
                    let code = known.len() as u32;
                    known.insert(values.as_slice().into(), code);
                    code
                }
            };
            values.clear();
        }
        self.rows.push(row);
    }

    /// The codes of everything that was taken in.
    pub fn finish(mut self) -> Codes {
        let sizes = std::array::from_fn(|column| self.known[column].len());
        let (mut offsets, mut values) = (vec![0], vec![]);
        let mut first = 0;
        for (column, known) in self.known.into_iter().enumerate() {
            let mut meanings: Vec<(u32, Box<[u16]>)> =
                known.into_iter().map(|(meaning, code)| (code, meaning)).collect();
            meanings.sort_unstable();
            for (_, meaning) in &meanings {
                values.extend_from_slice(meaning);
                offsets.push(values.len() as u32);
            }
            // The codes of all columns count through.
            self.rows.iter_mut().for_each(|row| row[column] += first);
            first += meanings.len() as u32;
        }
        let rows = if first <= u32::from(u16::MAX) {
            Rows::Short(self.rows.into_iter().map(|row| row.map(|code| code as u16)).collect())
        } else {
            Rows::Long(self.rows)
        };
        Codes { rows, offsets, values, sizes, most: self.columns.len() }
    }
}

impl Codes {
    fn meaning(&self, code: usize) -> &[u16] {
        &self.values[self.offsets[code] as usize..self.offsets[code + 1] as usize]
    }

    /// How many of these documents have each value, by number. Values that are not wanted may be left out.
    pub fn count(&self, docs: &Bits, found: u64, wanted: Wanted, way: Way) -> Vec<u64> {
        let codes: usize = match wanted {
            Wanted::All => self.sizes.iter().sum(),
            Wanted::Of(side) => self.sizes[column(side)],
        };
        let each = match way {
            Way::Narrow => true,
            Way::Wide => false,
            // A few documents are done before the codes are gone through.
            Way::Cheaper => found * 16 < codes as u64,
        };
        match (each, wanted) {
            (true, Wanted::All) => self.by_value(docs, &std::array::from_fn::<_, COLUMNS, _>(|n| n)),
            (true, Wanted::Of(side)) => self.by_value(docs, &[column(side)]),
            (false, Wanted::All) => self.by_code(docs, None),
            (false, Wanted::Of(side)) => self.by_code(docs, Some(column(side))),
        }
    }

    fn by_value(&self, docs: &Bits, columns: &[usize]) -> Vec<u64> {
        let mut counts = vec![0; self.most];
        docs.each(|doc| {
            let row = match &self.rows {
                Rows::Short(rows) => rows[doc as usize].map(u32::from),
                Rows::Long(rows) => rows[doc as usize],
            };
            for value in columns.iter().flat_map(|column| self.meaning(row[*column] as usize)) {
                counts[usize::from(*value)] += 1;
            }
        });
        counts
    }

    fn by_code(&self, docs: &Bits, column: Option<usize>) -> Vec<u64> {
        let mut met = vec![0u32; self.offsets.len() - 1];
        match &self.rows {
            Rows::Short(rows) => meet(rows, docs, column, &mut met),
            Rows::Long(rows) => meet(rows, docs, column, &mut met),
        }
        let mut counts = vec![0; self.most];
        for (code, n) in met.into_iter().enumerate().filter(|(_, n)| *n > 0) {
            for value in self.meaning(code) {
                counts[usize::from(*value)] += u64::from(n);
            }
        }
        counts
    }
}

/// Counts the codes of documents, of one column or of all.
fn meet<T: Copy + Into<u32>>(rows: &[[T; COLUMNS]], docs: &Bits, column: Option<usize>, met: &mut [u32]) {
    match column {
        Some(column) => docs.bunches(|some| {
            for doc in some {
                met[rows[*doc as usize][column].into() as usize] += 1;
            }
        }),
        None => docs.bunches(|some| {
            for doc in some {
                for code in rows[*doc as usize] {
                    met[code.into() as usize] += 1;
                }
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn both_ways_count_each_value(
            rows in prop::collection::vec(prop::collection::btree_set(0u16..12, 0..6), 1..150),
            every in 1usize..5,
        ) {
            let mut coding = Coding::new((0..12).map(|value| value % COLUMNS).collect(), rows.len() as u32);
            rows.iter().for_each(|row| coding.push(&row.iter().copied().collect::<Vec<_>>()));
            let mut codes = coding.finish();
            let mut docs = Bits::none(rows.len() as u32);
            let chosen: BTreeSet<usize> = (0..rows.len()).step_by(every).collect();
            chosen.iter().for_each(|doc| docs.insert(*doc as u32));
            let plain: Vec<u64> = (0..12).map(|value| {
                chosen.iter().filter(|doc| rows[**doc].contains(&value)).count() as u64
            }).collect();
            for way in [Way::Narrow, Way::Wide, Way::Cheaper, Way::Wide] {
                prop_assert_eq!(codes.count(&docs, docs.count(), Wanted::All, way), plain.clone());
                let keys = codes.count(&docs, docs.count(), Wanted::Of(Side::Tempo), way);
                prop_assert!((0..12).filter(|value| value % COLUMNS == 1).all(|value| keys[value] == plain[value]));
                if let Rows::Short(rows) = &codes.rows {
                    codes.rows = Rows::Long(rows.iter().map(|row| row.map(u32::from)).collect());
                }
            }
        }
    }
}
