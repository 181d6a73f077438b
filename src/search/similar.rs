//! What is like a track, and why.

use super::bits::{Bits, each_bit};
use super::find::View;
use super::part::Part;
use super::query::Field;
use super::segment::Sides;
use super::top::id;
use crate::catalogue::lists;
use crate::catalogue::track::{Track, split};
use crate::ids::TrackId;

/// How many are shown.
pub const MOST_SIMILAR: usize = 6;
/// Candidates looked at closely; more would not change the first six much.
const CLOSELY: usize = 400;
/// Words of a track that others may share; more than four bits can count are left out.
const MOST_WORDS: usize = 15;

/// What of a track others can be like.
#[derive(Clone, Debug)]
pub struct Likeness {
    pub id: TrackId,
    pub kind: String,
    pub genre: Option<String>,
    pub moods: Vec<String>,
    pub instruments: Vec<String>,
    pub bpm: Option<f64>,
    pub key: Option<String>,
}

impl From<&Track> for Likeness {
    fn from(track: &Track) -> Likeness {
        Likeness {
            id: track.id.clone(),
            kind: track.kind.as_str().to_owned(),
            genre: track.genre.clone(),
            moods: split(&track.moods),
            instruments: split(&track.instruments),
            bpm: track.bpm,
            key: track.musical_key.clone(),
        }
    }
}

impl View {
    /// The tracks most like this one, each with one sentence on why.
    pub fn similar(&self, of: &Likeness) -> Vec<(TrackId, String)> {
        let all: Vec<Traits<'_>> = self.parts.iter().map(|part| Traits::of(&part.sides, of)).collect();
        let near: Vec<Vec<(usize, u32)>> =
            self.parts.iter().zip(&all).map(|(part, traits)| candidates(part, traits)).collect();
        let least = least(near.iter().flatten().map(|(shared, _)| *shared));
        let mut best: Vec<(f64, u64, u64, &Traits<'_>, u32)> = vec![];
        for (traits, near) in all.iter().zip(near) {
            for (shared, doc) in near.into_iter().filter(|(shared, _)| *shared >= least) {
                let (high, low) = (traits.sides.high[doc as usize], traits.sides.low[doc as usize]);
                best.push((traits.score(shared, doc), high, low, traits, doc));
            }
        }
        best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (b.1, b.2).cmp(&(a.1, a.2))));
        let others = best.into_iter().filter_map(|(_, high, low, traits, doc)| {
            let id = id(high, low).filter(|id| *id != of.id)?;
            Some((id, traits.why(doc)))
        });
        others.take(MOST_SIMILAR).collect()
    }
}

/// What a candidate must share: tempo and key together weigh less than two words, so whoever shares two less than so
/// many others is not shown.
fn least(shared: impl Iterator<Item = usize>) -> usize {
    let mut levels = [0; MOST_WORDS + 1];
    shared.for_each(|n| levels[n] += 1);
    let mut others = 0;
    for (shared, there) in levels.into_iter().enumerate().rev() {
        others += there;
        // One of them is the track itself.
        if others > MOST_SIMILAR {
            return shared.saturating_sub(1);
        }
    }
    0
}

/// Documents of the same kind that share most words with it, and how many they share, those that share most first. Bits
/// are added up in columns, so that a million tracks cost a few passes over some thousand words and not a look at each.
fn candidates(part: &Part, traits: &Traits<'_>) -> Vec<(usize, u32)> {
    let Some(kind) = traits.kind else { return vec![] };
    let sets: Vec<&Bits> = traits.words().map(|(set, _)| *set).take(MOST_WORDS).collect();
    let mut levels: Vec<Vec<u32>> = vec![vec![]; sets.len() + 1];
    // Once enough share so many words, those that share no more need no look.
    let mut enough = 0;
    for (at, kind) in kind.words().iter().enumerate() {
        let alive = part.alive.as_ref().map_or(u64::MAX, |alive| alive.words()[at]);
        let allowed = kind & alive;
        if allowed == 0 {
            continue;
        }
        let mut planes = [0u64; 4];
        for set in &sets {
            let mut carry = set.words()[at];
            for plane in &mut planes {
                (*plane, carry) = (*plane ^ carry, *plane & carry);
            }
        }
        each_bit(allowed & above(&planes, enough), |bit| {
            let shared = planes.iter().rev().fold(0, |n, plane| n << 1 | (plane >> bit & 1) as usize);
            if levels[shared].len() < CLOSELY {
                levels[shared].push(at as u32 * 64 + bit);
                if levels[shared].len() == CLOSELY {
                    enough = enough.max(shared);
                }
            }
        });
    }
    let mut out = vec![];
    for (shared, level) in levels.into_iter().enumerate().rev() {
        if out.len() >= CLOSELY {
            break;
        }
        out.extend(level.into_iter().map(|doc| (shared, doc)));
    }
    out
}

/// Where the numbers that stand in the columns of these planes, the lowest first, are above this one.
fn above(planes: &[u64; 4], least: usize) -> u64 {
    let (mut above, mut same) = (0, u64::MAX);
    for (n, plane) in planes.iter().enumerate().rev() {
        if least >> n & 1 == 1 {
            same &= plane;
        } else {
            above |= same & plane;
            same &= !plane;
        }
    }
    above
}

/// What a track is like, as the documents of one segment have it.
struct Traits<'a> {
    sides: &'a Sides,
    kind: Option<&'a Bits>,
    genre: Vec<(&'a Bits, &'static str)>,
    moods: Vec<(&'a Bits, &'static str)>,
    instruments: Vec<(&'a Bits, &'static str)>,
    bpm: Option<f64>,
    key: Option<&'a Bits>,
    related: Vec<&'a Bits>,
}

impl<'a> Traits<'a> {
    fn of(sides: &'a Sides, of: &Likeness) -> Traits<'a> {
        let named = |field: Field, slugs: &[String]| -> Vec<(&'a Bits, &'static str)> {
            let named = |slug: &String| Some((sides.set(field, slug)?, field.value_name(slug)?));
            slugs.iter().filter_map(named).collect()
        };
        let key = of.key.as_deref().and_then(lists::key);
        let related = key.map(related).into_iter().flatten();
        Traits {
            sides,
            kind: sides.set(Field::Kind, &of.kind),
            genre: named(Field::Genre, of.genre.as_slice()),
            moods: named(Field::Mood, &of.moods),
            instruments: named(Field::Instrument, &of.instruments),
            bpm: of.bpm,
            key: key.and_then(|key| sides.set(Field::Key, key.slug)),
            related: related.filter_map(|slug| sides.set(Field::Key, slug)).collect(),
        }
    }

    fn words(&self) -> impl Iterator<Item = &(&'a Bits, &'static str)> {
        [&self.genre, &self.moods, &self.instruments].into_iter().flatten()
    }

    /// How alike a document is that shares so many words.
    fn score(&self, shared: usize, doc: u32) -> f64 {
        2.0 * shared as f64 + self.tempo(doc).map_or(0.0, |(n, _)| n) + self.key(doc).map_or(0.0, |(n, _)| n)
    }

    /// The sentence.
    fn why(&self, doc: u32) -> String {
        let shared = |of: &[(&Bits, &'static str)]| -> Vec<String> {
            of.iter().filter(|(set, _)| set.has(doc)).map(|(_, name)| name.to_lowercase()).collect()
        };
        let (moods, instruments) = (shared(&self.moods), shared(&self.instruments));
        let alike = if moods.is_empty() { shared(&self.genre) } else { moods };
        let mut said = vec![];
        if !alike.is_empty() {
            said.push(format!("also {}", and(&alike)));
        }
        if !instruments.is_empty() {
            said.push(format!("with {}", and(&instruments)));
        }
        said.extend(self.tempo(doc).map(|(_, words)| words.to_owned()));
        said.extend(self.key(doc).map(|(_, words)| words.to_owned()));
        let mut why = said.join(", ");
        if let Some(first) = why.get(..1) {
            why = format!("{}{}.", first.to_uppercase(), &why[1..]);
        }
        why
    }

    fn tempo(&self, doc: u32) -> Option<(f64, &'static str)> {
        let tempo = f64::from(self.sides.bpm[doc as usize]) / 10.0;
        let bpm = self.bpm.filter(|_| tempo > 0.0)?;
        let near = |factor: f64| ((tempo / (bpm * factor)) - 1.0).abs();
        if near(1.0) < 0.06 {
            let words = if near(1.0) < 0.006 { "at the same tempo" } else { "at a similar tempo" };
            return Some((2.0 - near(1.0) * 20.0, words));
        }
        if near(2.0) < 0.03 {
            return Some((0.5, "at double the tempo"));
        }
        (near(0.5) < 0.03).then_some((0.5, "at half the tempo"))
    }

    fn key(&self, doc: u32) -> Option<(f64, &'static str)> {
        if self.key.is_some_and(|key| key.has(doc)) {
            return Some((1.0, "in the same key"));
        }
        self.related.iter().any(|key| key.has(doc)).then_some((0.5, "in a related key"))
    }
}

/// Keys that go well together: the relative one, and a fifth up and down.
fn related(key: &lists::KeyWord) -> [&'static str; 3] {
    let relative = if key.minor { 3 } else { 9 };
    [
        lists::key_of(key.tonic + relative, !key.minor).slug,
        lists::key_of(key.tonic + 7, key.minor).slug,
        lists::key_of(key.tonic + 5, key.minor).slug,
    ]
}

fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn related_keys_are_those_a_musician_names() {
        assert_eq!(related(lists::key("am").unwrap()), ["c", "em", "dm"]);
        assert_eq!(related(lists::key("c").unwrap()), ["am", "g", "f"]);
        assert_eq!(and(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }

    #[test]
    fn planes_are_compared_as_numbers() {
        let mut planes = [0u64; 4];
        for n in 0..16 {
            planes.iter_mut().enumerate().for_each(|(bit, plane)| *plane |= (n >> bit & 1) << n);
        }
        for least in 0..16usize {
            let numbers: u64 = (least + 1..16).map(|n| 1 << n).sum();
            assert_eq!(above(&planes, least), numbers, "{least}");
        }
    }
}
