//! The answer to a search, and how it is added up over the segments.

use std::collections::BTreeMap;

use super::query::Field;
use super::segment::{Side, Sides, TEMPO_BARS};
use crate::ids::TrackId;

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
    /// Nothing is as the words were read, so these have all of them as words.
    pub plain: bool,
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

/// The values of all segments of a state, each under one number.
#[derive(Default)]
pub struct Values {
    slugs: [Vec<String>; Field::ALL.len()],
    /// Per segment and side, the number in all of its values.
    numbers: Vec<[Vec<usize>; Field::ALL.len()]>,
}

impl Values {
    /// The values that stand in these segments, each once.
    pub fn of<'a>(segments: impl Iterator<Item = &'a Sides>) -> Values {
        let mut values = Values::default();
        for sides in segments {
            let numbers = Field::ALL.map(|field| {
                let slugs = &mut values.slugs[field as usize];
                let here = sides.range(Side::Field(field)).map(|id| sides.slug(id).unwrap_or_default());
                let number = |slug: &str| {
                    slugs.iter().position(|known| known == slug).unwrap_or_else(|| {
                        slugs.push(slug.to_owned());
                        slugs.len() - 1
                    })
                };
                here.map(number).collect()
            });
            values.numbers.push(numbers);
        }
        values
    }
}

/// What came of a pass over the segments.
pub struct Tally<'a> {
    values: &'a Values,
    pub total: u64,
    counts: [Vec<u64>; Field::ALL.len()],
    tempos: [u64; TEMPO_BARS],
}

impl<'a> Tally<'a> {
    /// A tally of nothing.
    pub fn new(values: &'a Values) -> Tally<'a> {
        let counts = Field::ALL.map(|field| vec![0; values.slugs[field as usize].len()]);
        Tally { values, total: 0, counts, tempos: [0; TEMPO_BARS] }
    }

    /// Takes in how many of a segment's documents have each value.
    pub fn add(&mut self, segment: usize, sides: &Sides, counts: &[u64]) {
        for field in Field::ALL {
            let numbers = &self.values.numbers[segment][field as usize];
            for (number, id) in numbers.iter().zip(sides.range(Side::Field(field))) {
                self.counts[field as usize][*number] += counts[id];
            }
        }
        for (bar, id) in sides.range(Side::Tempo).enumerate() {
            self.tempos[bar] += counts[id];
        }
    }

    /// Takes in what was counted over other segments of the same state.
    pub fn join(&mut self, other: Tally<'_>) {
        self.total += other.total;
        let mine = self.counts.iter_mut().flatten().chain(&mut self.tempos);
        let theirs = other.counts.iter().flatten().chain(&other.tempos);
        mine.zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// What was counted, the most frequent value of each side first.
    pub fn into_found(self) -> Found {
        let mut counts = BTreeMap::new();
        for (field, numbers) in Field::ALL.into_iter().zip(self.counts) {
            let slugs = self.values.slugs[field as usize].iter();
            let mut values: Vec<(&String, u64)> = slugs.zip(numbers).filter(|(_, n)| *n > 0).collect();
            values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            counts.insert(field.name(), values.into_iter().map(|(slug, n)| (slug.clone(), n)).collect());
        }
        Found { total: self.total, counts, tempos: self.tempos.to_vec(), ..Found::default() }
    }
}
