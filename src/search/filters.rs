//! What narrows a search down beside its words.

use std::borrow::Cow;

use super::bits::Bits;
use super::query::{Field, Query, Range};
use super::segment::{Side, Sides};
use super::words::Read;

/// What narrows a question down, beside words.
pub struct Filters {
    chosen: [Vec<String>; Field::ALL.len()],
    /// Tenths of a beat; any of these.
    tempos: Vec<(u16, u16)>,
    /// Milliseconds.
    length: Option<(u32, u32)>,
}

impl Filters {
    /// What was chosen, and what words were read as where nothing was.
    pub fn of(query: &Query, read: &Read) -> Filters {
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

    /// Whether something is chosen on this side.
    pub fn is_active(&self, side: Side) -> bool {
        match side {
            Side::Field(field) => !self.chosen[field as usize].is_empty(),
            Side::Tempo => !self.tempos.is_empty(),
        }
    }

    /// Whether they let everything through.
    pub fn is_none(&self) -> bool {
        self.length.is_none() && Side::all().all(|side| !self.is_active(side))
    }

    /// Those documents of a segment that are as long as was asked for.
    pub fn fitting(&self, sides: &Sides, docs: Bits) -> Bits {
        match self.length {
            Some((from, to)) => docs.those(&sides.length, |millis| (from <= millis) & (millis <= to)),
            None => docs,
        }
    }

    /// The documents of a segment that have what was chosen of a side: at least those of them that are among these.
    pub fn chosen<'a>(&self, sides: &'a Sides, side: Side, among: &Bits) -> Cow<'a, Bits> {
        let mut sets: Vec<Cow<'a, Bits>> = match side {
            Side::Field(field) => {
                let chosen = self.chosen[field as usize].iter();
                chosen.filter_map(|slug| sides.set(field, slug)).map(Cow::Borrowed).collect()
            }
            Side::Tempo => {
                let within = |(from, to): &(u16, u16)| {
                    let (from, to) = (*from, *to);
                    Cow::Owned(among.those(&sides.bpm, |tenths| (from <= tenths) & (tenths <= to)))
                };
                self.tempos.iter().map(within).collect()
            }
        };
        let Some(mut any) = sets.pop() else { return Cow::Owned(Bits::none(sides.docs)) };
        sets.iter().for_each(|set| any.to_mut().join(set));
        any
    }
}
