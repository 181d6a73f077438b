//! What is like a track, and why.

use super::bits::Bits;
use super::find::{Part, View, id};
use super::query::Field;
use super::segment::Sides;
use crate::catalogue::lists;
use crate::catalogue::track::{Track, split};
use crate::ids::TrackId;

/// How many are shown.
pub const MOST_SIMILAR: usize = 6;
/// Candidates looked at closely; more would not change the first six much.
const CLOSELY: usize = 400;

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
        let mut best: Vec<(f64, u64, u64, String)> = vec![];
        for part in &self.parts {
            for doc in candidates(part, of) {
                let sides = &*part.sides;
                let (high, low) = (sides.high[doc as usize], sides.low[doc as usize]);
                if id(high, low).as_ref() != Some(&of.id) {
                    let (score, why) = compare(sides, doc, of);
                    best.push((score, high, low, why));
                }
            }
        }
        best.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (b.1, b.2).cmp(&(a.1, a.2))));
        let shown = best.into_iter().take(MOST_SIMILAR);
        shown.filter_map(|(_, high, low, why)| Some((id(high, low)?, why))).collect()
    }
}

/// Documents of the same kind that share most words with it, those that share most first. Bits are added up in
/// columns, so that a million tracks cost a few passes over some thousand words and not a look at each.
fn candidates(part: &Part, of: &Likeness) -> Vec<u32> {
    let sides = &*part.sides;
    let Some(kind) = sides.set(Field::Kind, &of.kind) else { return vec![] };
    let mut allowed = kind.clone();
    if let Some(alive) = &part.alive {
        allowed.meet(alive);
    }
    let words = of.genre.iter().map(|slug| (Field::Genre, slug));
    let words = words.chain(of.moods.iter().map(|slug| (Field::Mood, slug)));
    let words = words.chain(of.instruments.iter().map(|slug| (Field::Instrument, slug)));
    let sets: Vec<&Bits> = words.filter_map(|(field, slug)| sides.set(field, slug)).take(15).collect();
    let mut out = vec![];
    let mut levels: Vec<Vec<u32>> = vec![vec![]; sets.len() + 1];
    for (at, allowed) in allowed.words().iter().enumerate().filter(|(_, word)| **word != 0) {
        let mut planes = [0u64; 4];
        for set in &sets {
            let mut carry = set.words()[at];
            for plane in &mut planes {
                (*plane, carry) = (*plane ^ carry, *plane & carry);
            }
        }
        // Once enough share one word, or up to three, those that share no more need no look.
        let full = |n: usize| levels.get(1..=n).is_some_and(|l| l.iter().all(|level| level.len() >= CLOSELY));
        let from = if full(3) { 2 } else { usize::from(full(1)) };
        let mut some = allowed & planes[from..].iter().fold(0, |all, plane| all | plane);
        while some != 0 {
            let bit = some.trailing_zeros();
            some &= some - 1;
            let shared =
                planes.iter().enumerate().fold(0, |n, (i, plane)| n | ((plane >> bit & 1) as usize) << i);
            if levels[shared].len() < CLOSELY {
                levels[shared].push(at as u32 * 64 + bit);
            }
        }
    }
    for level in levels.into_iter().rev() {
        if out.len() >= CLOSELY {
            break;
        }
        out.extend(level);
    }
    out
}

/// How alike, and the sentence.
fn compare(sides: &Sides, doc: u32, of: &Likeness) -> (f64, String) {
    let shared = |field: Field, mine: &[String]| -> Vec<&'static str> {
        let has = |slug: &&String| sides.set(field, slug).is_some_and(|set| set.has(doc));
        mine.iter().filter(has).filter_map(|slug| field.value_name(slug)).collect()
    };
    let moods = shared(Field::Mood, &of.moods);
    let instruments = shared(Field::Instrument, &of.instruments);
    let genre = shared(Field::Genre, of.genre.as_slice());
    let mut score = 2.0 * (moods.len() + instruments.len() + genre.len()) as f64;
    let mut said = vec![];
    let alike: Vec<&str> = if moods.is_empty() { genre } else { moods };
    if !alike.is_empty() {
        said.push(format!("also {}", and(&alike.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>())));
    }
    if !instruments.is_empty() {
        said.push(format!(
            "with {}",
            and(&instruments.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>())
        ));
    }
    let tempo = f64::from(sides.bpm[doc as usize]) / 10.0;
    if let Some(bpm) = of.bpm.filter(|_| tempo > 0.0) {
        let near = |factor: f64| ((tempo / (bpm * factor)) - 1.0).abs();
        if near(1.0) < 0.06 {
            score += 2.0 - near(1.0) * 20.0;
            said.push(if near(1.0) < 0.006 {
                "at the same tempo".into()
            } else {
                "at a similar tempo".to_owned()
            });
        } else if near(0.5) < 0.03 || near(2.0) < 0.03 {
            score += 0.5;
            said.push(if near(2.0) < 0.03 {
                "at double the tempo".into()
            } else {
                "at half the tempo".to_owned()
            });
        }
    }
    let key = |slug: &str| sides.set(Field::Key, slug).is_some_and(|set| set.has(doc));
    if let Some(mine) = of.key.as_deref().and_then(lists::key) {
        if key(mine.slug) {
            score += 1.0;
            said.push("in the same key".into());
        } else if related(mine).iter().any(|slug| key(slug)) {
            score += 0.5;
            said.push("in a related key".into());
        }
    }
    let mut why = said.join(", ");
    if let Some(first) = why.get(..1) {
        why = format!("{}{}.", first.to_uppercase(), &why[1..]);
    }
    (score, why)
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
}
