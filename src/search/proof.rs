//! Random catalogues and random questions: every answer against a look at every track.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tantivy::query::{BooleanQuery, BoostQuery, DisjunctionMaxQuery, EnableScoring, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, TERMINATED, Term};

use super::feed::{Entry, Offered, Position};
use super::find::{View, Way};
use super::found::Found;
use super::index::Volume;
use super::lexicon::Meaning;
use super::query::{Field, Query, ROWS, Sort};
use super::segment::{TEMPO_BARS, TEMPO_FROM, TEMPO_STEP};
use super::similar::Likeness;
use super::words::{Read, tokens};
use crate::catalogue::lists;
use crate::catalogue::track::{Kind, joined, split};
use crate::clock::Timestamp;
use crate::ids::{Handle, TrackId};

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these, the first ones more often.
    fn of<'a>(&mut self, some: &[&'a str]) -> &'a str {
        let most = 1 + self.below(some.len());
        some[self.below(most)]
    }

    fn some(&mut self, most: usize, words: &[lists::Word]) -> Vec<String> {
        let count = self.below(most + 1);
        let slugs: BTreeSet<&str> = (0..count).map(|_| words[self.below(words.len().min(6))].slug).collect();
        slugs.into_iter().map(str::to_owned).collect()
    }
}

const WORDS: [&str; 14] = [
    "rain",
    "rainy",
    "rainfall",
    "copper",
    "river",
    "night",
    "nightfall",
    "lo-fi",
    "film",
    "eerie",
    "iron",
    "glass",
    "hip hop",
    "zeppelin",
];
const TIERS: [&str; 3] = ["listen", "creator", "film"];

fn line(chance: &mut Chance, most: usize) -> String {
    let count = 1 + chance.below(most);
    (0..count).map(|_| chance.of(&WORDS)).collect::<Vec<_>>().join(" ")
}

fn track(chance: &mut Chance, n: usize) -> Offered {
    let handle = ["ines", "tom"][chance.below(2)];
    let entry = Entry {
        id: TrackId::parse(&format!("{:016x}{n:016x}", n / 3)).unwrap(),
        title: line(chance, 3),
        description: line(chance, 20),
        kind: [Kind::Music, Kind::Loop, Kind::Effect][chance.below(3)],
        genre: (!chance.once_in(4)).then(|| lists::GENRES[chance.below(5)].slug.to_owned()),
        vocals: ["none", "lead", "choir"][chance.below(3)].to_owned(),
        moods: joined(&chance.some(3, lists::MOODS)),
        instruments: joined(&chance.some(2, lists::INSTRUMENTS)),
        tags: line(chance, 4).replace(' ', ","),
        bpm: (!chance.once_in(5)).then(|| 60.0 + chance.below(120) as f64),
        musical_key: (!chance.once_in(3)).then(|| lists::KEYS[chance.below(24)].slug.to_owned()),
        duration_ms: 1_000 * (1 + chance.below(40) as i64),
        published_at: Some(Timestamp(1_700_000_000_000 + chance.below(50) as i64 * 1000)),
        licensed: chance.below(30) as i64,
        kept: chance.below(100) as i64,
        uploader_name: "Ines Morrow".into(),
        uploader_handle: Handle::parse(handle),
    };
    let tiers = TIERS.iter().take(1 + chance.below(3)).map(|tier| (*tier).to_owned()).collect();
    (entry, tiers)
}

/// What one may ask for, as the part of an address behind its question mark.
fn question(chance: &mut Chance) -> String {
    let mut pairs: Vec<String> = vec![];
    let mut words: Vec<String> = (0..chance.below(4)).map(|_| chance.of(&WORDS).replace(' ', "+")).collect();
    if chance.once_in(5) {
        words.insert(0, format!("-{}", chance.of(&["river", "copper", "glass"])));
    }
    if chance.once_in(8) {
        words.push(["coper", "ra", "ni", "nowhere"][chance.below(4)].to_owned());
    }
    pairs.push(format!("q={}", words.join("+")));
    let lists: [(Field, Vec<&str>); 7] = [
        (Field::Kind, vec!["music", "loop", "effect"]),
        (Field::Genre, lists::GENRES.iter().take(5).map(|word| word.slug).collect()),
        (Field::Mood, lists::MOODS.iter().take(6).map(|word| word.slug).collect()),
        (Field::Instrument, lists::INSTRUMENTS.iter().take(6).map(|word| word.slug).collect()),
        (Field::Vocals, vec!["none", "lead", "choir"]),
        (Field::Key, lists::KEYS.iter().map(|key| key.slug).collect()),
        (Field::Tier, TIERS.to_vec()),
    ];
    for (field, slugs) in &lists {
        if chance.once_in(6) {
            for _ in 0..1 + chance.below(2) {
                pairs.push(format!("{}={}", field.name(), slugs[chance.below(slugs.len())]));
            }
        }
    }
    if chance.once_in(4) {
        let from = 60 + chance.below(90);
        pairs.push(format!("bpm_min={from}&bpm_max={}", from + 20));
        pairs.extend(chance.once_in(2).then(|| "bpm_double=on".to_owned()));
    }
    if chance.once_in(5) {
        pairs.push(format!("duration_min={}&duration_max=30", chance.below(20)));
    }
    if chance.once_in(8) {
        pairs.push(format!("uploader={}", ["ines", "tom", "nobody"][chance.below(3)]));
    }
    if !chance.once_in(3) {
        pairs.push(format!("sort={}", Sort::ALL[chance.below(6)].name()));
    }
    pairs.push(format!("page={}", 1 + chance.below(2)));
    pairs.join("&")
}

/// A folder that goes with the case it is for, also with one that fails.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A catalogue that was filled, edited and weeded out in several commits, and its state of the index.
fn catalogue(chance: &mut Chance, size: usize) -> (Vec<Offered>, View, Folder) {
    let name = format!("cuehouse-proof-{}", crate::secrets::token().unwrap());
    let folder = Folder(std::env::temp_dir().join(name));
    std::fs::create_dir_all(&folder.0).unwrap();
    let mut volume = Volume::create(&folder.0, Position::default(), String::new()).unwrap();
    let mut tracks: Vec<Offered> = (0..size).map(|n| track(chance, n)).collect();
    let parts = 1 + chance.below(3);
    for some in tracks.chunks(size.div_ceil(parts)) {
        volume.add(some).unwrap();
        volume.commit().unwrap();
    }
    let gone: Vec<TrackId> =
        tracks.iter().filter(|_| chance.once_in(6)).map(|(entry, _)| entry.id.clone()).collect();
    tracks.retain(|(entry, _)| !gone.contains(&entry.id));
    volume.replace(&gone, &[]).unwrap();
    let changed: Vec<usize> = (0..tracks.len()).filter(|_| chance.once_in(9)).collect();
    for n in changed {
        let id = tracks[n].0.id.clone();
        tracks[n] = track(chance, n);
        tracks[n].0.id = id.clone();
        volume.replace(&[id], &tracks[n..=n]).unwrap();
    }
    volume.commit().unwrap();
    let view = volume.view().unwrap();
    assert_eq!(view.count(), tracks.len() as u64);
    // Whatever the index still merges would write into a folder that is gone, and so make it again.
    drop(volume.settle().unwrap());
    (tracks, view, folder)
}

fn values(field: Field, (entry, tiers): &Offered) -> Vec<String> {
    match field {
        Field::Kind => vec![entry.kind.as_str().to_owned()],
        Field::Genre => entry.genre.iter().cloned().collect(),
        Field::Mood => split(&entry.moods),
        Field::Instrument => split(&entry.instruments),
        Field::Vocals => vec![entry.vocals.clone()],
        Field::Key => entry.musical_key.iter().cloned().collect(),
        Field::Tier => tiers.clone(),
    }
}

fn words(track: &Offered) -> BTreeSet<String> {
    let entry = &track.0;
    let handle = entry.uploader_handle.as_ref().map_or("", |handle| handle.as_str());
    let mut texts =
        vec![entry.title.clone(), entry.tags.clone(), entry.uploader_name.clone(), handle.to_owned()];
    texts.push(entry.description.clone());
    for field in [Field::Kind, Field::Genre, Field::Mood, Field::Instrument] {
        texts.extend(values(field, track).iter().map(|slug| field.value_name(slug).unwrap().to_owned()));
    }
    texts.iter().flat_map(|text| tokens(text)).collect()
}

/// The answer by a look at every track, without the order of what fits best.
fn plainly(tracks: &[Offered], view: &View, query: &Query) -> Found {
    let read = query.read();
    let all_words: Vec<BTreeSet<String>> = tracks.iter().map(words).collect();
    let slots = read.slots.iter().map(|slot| (slot.not, view.lexicon.meanings(slot).unwrap()));
    let slots: Vec<(bool, Vec<Vec<String>>)> =
        slots.map(|(not, meanings)| (not, meanings.iter().map(Meaning::texts).collect())).collect();
    let having = |words: &BTreeSet<String>, any: bool| {
        let has =
            |meanings: &[Vec<String>]| meanings.iter().any(|all| all.iter().all(|word| words.contains(word)));
        let wanted: Vec<bool> =
            slots.iter().filter(|(not, _)| !not).map(|(_, meanings)| has(meanings)).collect();
        let spoilt = slots.iter().any(|(not, meanings)| *not && has(meanings));
        !spoilt && if any { wanted.contains(&true) } else { !wanted.contains(&false) }
    };
    let found = |any: bool| {
        let having: Vec<bool> = all_words.iter().map(|words| having(words, any)).collect();
        let fits = |n: usize, but: Option<Field>, tempo: bool| {
            let track = &tracks[n];
            let entry = &track.0;
            let chosen = Field::ALL.iter().all(|field| {
                let chosen = query.chosen(*field);
                Some(*field) == but
                    || chosen.is_empty()
                    || values(*field, track).iter().any(|slug| chosen.contains(slug))
            });
            let secs = entry.duration_ms / 1000;
            let length = query.duration.min.is_none_or(|min| secs >= i64::from(min))
                && query.duration.max.is_none_or(|max| secs <= i64::from(max));
            let theirs = query.uploader.is_none() || query.uploader == entry.uploader_handle;
            chosen && length && theirs && (!tempo || in_tempo(entry, query)) && having[n]
        };
        let all = 0..tracks.len();
        let mut counts = BTreeMap::new();
        for field in Field::ALL {
            let mut of: BTreeMap<String, u64> = BTreeMap::new();
            for n in all.clone().filter(|n| fits(*n, Some(field), true)) {
                values(field, &tracks[n]).into_iter().for_each(|slug| *of.entry(slug).or_default() += 1);
            }
            let mut of: Vec<(String, u64)> = of.into_iter().collect();
            of.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            counts.insert(field.name(), of);
        }
        let mut tempos = vec![0; TEMPO_BARS];
        for bpm in all.clone().filter(|n| fits(*n, None, false)).filter_map(|n| tracks[n].0.bpm) {
            tempos[((bpm as u32 - TEMPO_FROM) / TEMPO_STEP) as usize] += 1;
        }
        let mut hits: Vec<&Entry> = all.filter(|n| fits(*n, None, true)).map(|n| &tracks[n].0).collect();
        hits.sort_by_key(|entry| std::cmp::Reverse((place(query.sort, entry), entry.id.clone())));
        let total = hits.len() as u64;
        let ids = hits.iter().map(|entry| entry.id.clone());
        Found {
            ids: ids.skip((query.page as usize - 1) * ROWS).take(ROWS).collect(),
            total,
            whole: tracks.len() as u64,
            counts,
            tempos,
            loosened: any && total > 0,
            ..Found::default()
        }
    };
    let strict = found(false);
    let wanted = read.slots.iter().filter(|slot| !slot.not).count();
    if strict.total == 0 && wanted > 1 { found(true) } else { strict }
}

fn in_tempo(entry: &Entry, query: &Query) -> bool {
    let (Some(min), Some(max)) = (query.bpm.min, query.bpm.max) else { return true };
    let factors: &[f64] = if query.bpm_double { &[1.0, 0.5, 2.0] } else { &[1.0] };
    let within = |bpm: f64, n: f64| bpm >= (f64::from(min) - 0.5) * n && bpm <= (f64::from(max) + 0.49) * n;
    entry.bpm.is_some_and(|bpm| factors.iter().any(|n| within(bpm, *n)))
}

fn place(sort: Sort, entry: &Entry) -> i64 {
    match sort {
        Sort::Best | Sort::New => entry.published_at.unwrap().secs(),
        Sort::Licensed => entry.licensed,
        Sort::Kept => entry.kept,
        Sort::Shortest => -entry.duration_ms,
        Sort::Longest => entry.duration_ms,
    }
}

/// The scores that Tantivy gives, raised for love, by track.
fn scores(view: &View, tracks: &[Offered], read: &Read, any: bool) -> BTreeMap<TrackId, f32> {
    let column = view.fields.words;
    let one = |meaning: &Meaning| -> Box<dyn tantivy::query::Query> {
        let words = meaning.all.iter().map(|word| -> Box<dyn tantivy::query::Query> {
            let term = Term::from_field_text(column, &word.text);
            Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
        });
        Box::new(BoostQuery::new(Box::new(BooleanQuery::intersection(words.collect())), meaning.weight))
    };
    let slots = read.slots.iter().filter(|slot| !slot.not).map(|slot| -> Box<dyn tantivy::query::Query> {
        let meanings = view.lexicon.meanings(slot).unwrap();
        Box::new(DisjunctionMaxQuery::new(meanings.iter().map(one).collect()))
    });
    let slots = slots.collect();
    let query = if any { BooleanQuery::union(slots) } else { BooleanQuery::intersection(slots) };
    let enable = EnableScoring::enabled_from_searcher(&view.searcher);
    let weight = tantivy::query::Query::weight(&query, enable).unwrap();
    let mut out = BTreeMap::new();
    for (reader, part) in view.searcher.segment_readers().iter().zip(&view.parts) {
        let mut scorer = weight.scorer(reader, 1.0).unwrap();
        while scorer.doc() != TERMINATED {
            let doc = scorer.doc();
            if part.alive().has(doc) {
                let id = super::top::id(part.sides.high[doc as usize], part.sides.low[doc as usize]).unwrap();
                let entry = &tracks.iter().find(|(entry, _)| entry.id == id).unwrap().0;
                let love = (entry.licensed * 3 + entry.kept + 1).ilog2();
                out.insert(id, scorer.score() * (1.0 + 0.02 * love as f32));
            }
            scorer.advance();
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// However a question is answered, it finds, counts and orders what a look at every track does.
    #[test]
    fn every_answer_is_that_of_a_look_at_every_track(seed in any::<u64>(), size in 1usize..700) {
        let mut chance = Chance(seed);
        let (tracks, view, _folder) = catalogue(&mut chance, size);
        for _ in 0..30 {
            let asked = question(&mut chance);
            let query = Query::parse(&asked);
            prop_assert!(query.ignored.is_empty(), "{asked}: {:?}", query.ignored);
            let plain = plainly(&tracks, &view, &query);
            let read = query.read();
            let by_words = query.sort == Sort::Best && read.slots.iter().any(|slot| !slot.not);
            let narrow = view.find(&query, Way::Narrow).unwrap();
            for way in [Way::Narrow, Way::Wide, Way::Cheaper, Way::Cheaper] {
                let found = view.find(&query, way).unwrap();
                prop_assert_eq!(&found, &narrow, "{} {:?}", asked, way);
                let ids = if by_words { found.ids.clone() } else { plain.ids.clone() };
                let (spelling, sought) = (found.spelling.clone(), found.sought.clone());
                prop_assert_eq!(&*found, &Found { ids, spelling, sought, ..plain.clone() }, "{} {:?}", asked, way);
            }
            if by_words && query.page == 1 && !query.is_filtered() && read.slots.iter().all(|slot| !slot.not) {
                let scores = scores(&view, &tracks, &read, narrow.loosened);
                let mut least = f32::MAX;
                for id in &narrow.ids {
                    prop_assert!(scores[id] <= least * 1.000_01, "{} is not in order", asked);
                    least = scores[id];
                }
                let better = scores.iter().filter(|(id, score)| **score > least * 1.000_01 && !narrow.ids.contains(id));
                prop_assert_eq!(better.count(), 0, "{}", asked);
            }
        }
    }

    /// What is like a track is what shares most with it.
    #[test]
    fn what_is_like_a_track_shares_most_with_it(seed in any::<u64>(), size in 2usize..300) {
        let mut chance = Chance(seed);
        let (tracks, view, _folder) = catalogue(&mut chance, size);
        for (of, _) in tracks.iter().take(20) {
            let likeness = Likeness {
                id: of.id.clone(),
                kind: of.kind.as_str().to_owned(),
                genre: of.genre.clone(),
                moods: split(&of.moods),
                instruments: split(&of.instruments),
                bpm: None,
                key: None,
            };
            let shared = |entry: &Entry| {
                let both = |a: &str, b: &str| split(a).iter().filter(|slug| split(b).contains(slug)).count();
                usize::from(entry.genre.is_some() && entry.genre == of.genre)
                    + both(&entry.moods, &of.moods)
                    + both(&entry.instruments, &of.instruments)
            };
            let mut plain: Vec<(usize, &TrackId)> = tracks
                .iter()
                .filter(|(entry, _)| entry.kind == of.kind && entry.id != of.id)
                .map(|(entry, _)| (shared(entry), &entry.id))
                .filter(|(shared, _)| *shared > 0)
                .collect();
            plain.sort_unstable_by(|a, b| b.cmp(a));
            let similar: Vec<TrackId> = view.similar(&likeness).into_iter().map(|(id, _)| id).collect();
            prop_assert_eq!(similar, plain.into_iter().take(6).map(|(_, id)| id.clone()).collect::<Vec<_>>());
        }
    }
}
