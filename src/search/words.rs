//! Words as they are indexed and as they are asked for: folded, without plurals, with their synonyms; and the words
//! that are no words but a tempo, a key, a length or the wish for no voices.
//!
//! Nothing in here fails: whatever is typed means something or nothing.

use super::synonyms::{PHRASE, Synonyms};
use crate::catalogue::lists;
use crate::words::fold;

/// More words than anybody means; the rest is cut off, and said.
pub const MOST_WORDS: usize = 64;
/// Letters of one word that count.
const MOST_LETTERS: usize = 40;
/// What a synonym weighs beside the word that was typed.
const SYNONYM: f32 = 0.5;

/// The words of a text as the index keeps them. A compound with a hyphen is there in its parts and joined.
pub fn tokens(text: &str) -> Vec<String> {
    let mut out = vec![];
    for run in fold(text).split(|c: char| c.is_whitespace() || ",;:/()[]".contains(c)) {
        // Nearly all are a plain word.
        if (1..=MOST_LETTERS).contains(&run.len()) && run.bytes().all(|b| b.is_ascii_alphanumeric()) {
            out.push(stem(run));
            continue;
        }
        let parts = parts(run);
        if (2..=3).contains(&parts.len()) && run.contains('-') {
            out.push(stem(&parts.concat()));
        }
        out.extend(parts.iter().map(|part| stem(part)));
    }
    out
}

/// The words of a synonym, as the index keeps them.
pub fn phrase(text: &str) -> Vec<String> {
    parts(&fold(text)).iter().map(|word| stem(word)).collect()
}

/// Runs of letters and figures; an apostrophe is none of both and does not part.
fn parts(folded: &str) -> Vec<String> {
    let joined: String = folded.chars().filter(|c| !matches!(c, '\'' | '’')).collect();
    let parts = joined.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(|part| part.chars().take(MOST_LETTERS).collect()).collect()
}

/// A word without its plural. Nothing else is cut, so that words in suggestions look like words, and what begins
/// alike still begins alike.
pub fn stem(word: &str) -> String {
    let cut = |n: usize| word[..word.len() - n].to_owned();
    if word.len() <= 3 || !word.is_ascii() {
        return word.to_owned();
    }
    if word.ends_with("ies") {
        return cut(3) + "y";
    }
    if ["ches", "shes", "sses", "xes", "zes", "oes"].iter().any(|end| word.ends_with(end)) {
        return cut(2);
    }
    let kept = ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    if word.ends_with('s') && !kept { cut(1) } else { word.to_owned() }
}

/// What stands for one word of a question: any of these, the first as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// As typed.
    pub said: String,
    pub any: Vec<Alternative>,
    /// Must not be there.
    pub not: bool,
    /// May still be unfinished: everything that begins like it counts.
    pub open: bool,
}

/// All of these words together.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    pub all: Vec<String>,
    pub weight: f32,
}

/// What a line of words was read as.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    pub slots: Vec<Slot>,
    pub tempo: Option<(u32, u32)>,
    /// Seconds.
    pub length: Option<(Option<u32>, Option<u32>)>,
    pub keys: Vec<&'static str>,
    pub vocals: Vec<&'static str>,
    /// A sentence for each of these four.
    pub understood: Vec<String>,
    /// The pieces that were read as one of them, as titles are compared with them.
    pub pieces: Vec<(Reading, String)>,
    /// Whether words were left out at the end.
    pub cut: bool,
}

/// What a piece of a line may be read as, beside words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Tempo,
    Length,
    Key,
    Vocals,
}

/// Words that carry nothing alone.
const STOP: &[&str] = &[
    "a",
    "an",
    "and",
    "as",
    "at",
    "by",
    "for",
    "from",
    "in",
    "into",
    "is",
    "it",
    "like",
    "of",
    "on",
    "or",
    "some",
    "something",
    "that",
    "the",
    "this",
    "to",
    "with",
];

/// Reads a line as it was typed, with what its words mean in this shop.
pub fn read(line: &str, synonyms: &Synonyms) -> Read {
    let mut pieces: Vec<&str> = line.split_whitespace().collect();
    let mut out = Read { cut: pieces.len() > MOST_WORDS, ..Read::default() };
    pieces.truncate(MOST_WORDS);
    let folded: Vec<String> = pieces.iter().map(|piece| trimmed(piece)).collect();
    let mut words: Vec<(&str, bool)> = vec![];
    let mut at = 0;
    let mut open = false;
    while at < pieces.len() {
        open = false;
        let Some((meaning, used)) = meaning(&folded, at) else {
            let (said, not) = word(pieces[at]);
            words.push((said, not));
            open = !not;
            at += 1;
            continue;
        };
        let said = pieces[at..at + used].join(" ");
        out.understood.push(meaning.sentence(&said));
        out.pieces.push((meaning.reading(), folded[at..at + used].concat()));
        match meaning {
            Meaning::Tempo(from, to) => out.tempo = Some((from, to)),
            Meaning::Length(from, to) => out.length = Some((from, to)),
            Meaning::Key(slug) if !out.keys.contains(&slug) => out.keys.push(slug),
            Meaning::Key(_) => {}
            Meaning::Vocals(slugs) => out.vocals = slugs.to_vec(),
        }
        at += used;
    }
    out.slots = slots(&words, synonyms);
    if open
        && !line.ends_with(char::is_whitespace)
        && let Some(last) = out.slots.last_mut()
    {
        last.open = !last.not;
    }
    out
}

/// The same line where nothing in it is read as anything but words.
pub fn plain(line: &str, synonyms: &Synonyms) -> Read {
    let words: Vec<(&str, bool)> = line.split_whitespace().take(MOST_WORDS).map(word).collect();
    Read { slots: slots(&words, synonyms), ..Read::default() }
}

/// The pieces of a title that a question would read as something else than words, as [`Read::pieces`] has them.
pub fn pieces(title: &str) -> Vec<String> {
    let folded: Vec<String> = title.split_whitespace().map(trimmed).collect();
    let mut out = vec![];
    let mut at = 0;
    while at < folded.len() {
        match meaning(&folded, at) {
            Some((_, used)) => {
                out.push(folded[at..at + used].concat());
                at += used;
            }
            None => at += 1,
        }
    }
    out
}

/// What the pieces from this one on are read as, and how many of them.
fn meaning(folded: &[String], at: usize) -> Option<(Meaning, usize)> {
    let (rest, before) = (&folded[at..], at.checked_sub(1).map(|i| folded[i].as_str()));
    tempo(rest).or_else(|| length(rest)).or_else(|| key(rest, before)).or_else(|| vocals(rest))
}

/// A piece as a word, and whether it is one that must not be there.
fn word(piece: &str) -> (&str, bool) {
    (piece.trim_start_matches('-'), piece.len() > 1 && piece.starts_with('-'))
}

/// A piece folded, without the punctuation around it.
fn trimmed(piece: &str) -> String {
    fold(piece).trim_matches(|c: char| ",.;()[]\"“”'!?".contains(c)).to_owned()
}

enum Meaning {
    Tempo(u32, u32),
    Length(Option<u32>, Option<u32>),
    Key(&'static str),
    Vocals(&'static [&'static str]),
}

impl Meaning {
    fn reading(&self) -> Reading {
        match self {
            Meaning::Tempo(..) => Reading::Tempo,
            Meaning::Length(..) => Reading::Length,
            Meaning::Key(_) => Reading::Key,
            Meaning::Vocals(_) => Reading::Vocals,
        }
    }

    fn sentence(&self, said: &str) -> String {
        match self {
            Meaning::Tempo(from, to) if from == to => format!("“{said}” was read as a tempo of {from} bpm."),
            Meaning::Tempo(from, to) => format!("“{said}” was read as a tempo of {from} to {to} bpm."),
            Meaning::Length(Some(from), Some(to)) => {
                format!("“{said}” was read as a length of {} to {}.", clock(*from), clock(*to))
            }
            Meaning::Length(None, Some(to)) => format!("“{said}” was read as a length up to {}.", clock(*to)),
            Meaning::Length(from, _) => {
                format!("“{said}” was read as a length from {}.", clock(from.unwrap_or_default()))
            }
            Meaning::Key(slug) => {
                format!("“{said}” was read as the key of {}.", lists::key_name(slug).unwrap_or(slug))
            }
            Meaning::Vocals(slugs) if *slugs == ["none"] => {
                format!("“{said}” was read as: nobody sings or speaks.")
            }
            Meaning::Vocals(_) => format!("“{said}” was read as: somebody sings."),
        }
    }
}

/// Seconds as people say lengths: `3:20`.
pub fn clock(secs: u32) -> String {
    format!("{}:{:02}", secs / 60, secs % 60)
}

fn is_tempo(n: u32) -> bool {
    (20..=400).contains(&n)
}

/// `92 bpm`, `92bpm`, `bpm 92`, `90-100 bpm`. A single figure means a little around it too.
fn tempo(pieces: &[String]) -> Option<(Meaning, usize)> {
    let (figures, used) = match pieces {
        [unit, figures, ..] if unit == "bpm" => (figures.as_str(), 2),
        [figures, unit, ..] if unit == "bpm" => (figures.as_str(), 2),
        [glued, ..] => (glued.strip_suffix("bpm")?, 1),
        [] => return None,
    };
    let (from, to) = match figures.split_once(['-', '–']) {
        Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
        None => {
            let tempo: u32 = figures.parse().ok().filter(|n| is_tempo(*n))?;
            (tempo - 2, tempo + 2)
        }
    };
    (from >= 18 && from <= to && to <= 402).then_some((Meaning::Tempo(from, to), used))
}

/// `3:20`, `30 s`, `30s`, `2 min`, `under 2 min`, `over 30 seconds`. `80s` is a decade.
fn length(pieces: &[String]) -> Option<(Meaning, usize)> {
    let (bound, rest) = match pieces.first()?.as_str() {
        "under" | "below" | "within" => (-1, &pieces[1..]),
        "over" | "above" => (1, &pieces[1..]),
        _ => (0, pieces),
    };
    let (secs, used) = duration(rest)?;
    let around = (secs / 10).clamp(1, 10);
    Some(match bound {
        -1 => (Meaning::Length(None, Some(secs)), used + 1),
        1 => (Meaning::Length(Some(secs), None), used + 1),
        _ => (Meaning::Length(Some(secs.saturating_sub(around)), Some(secs + around)), used),
    })
}

fn duration(pieces: &[String]) -> Option<(u32, usize)> {
    let first = pieces.first()?;
    if let Some((minutes, secs)) = first.split_once(':') {
        let fine = secs.len() == 2 && (1..=3).contains(&minutes.len());
        let (minutes, secs): (u32, u32) = (minutes.parse().ok()?, secs.parse().ok()?);
        return (fine && secs < 60).then_some((minutes * 60 + secs, 1));
    }
    let figures = first.trim_end_matches(|c: char| c.is_alphabetic());
    let unit = &first[figures.len()..];
    let number: u32 = figures.parse().ok().filter(|n| (1..=3600).contains(n))?;
    let (unit, used) = if unit.is_empty() { (pieces.get(1)?.as_str(), 2) } else { (unit, 1) };
    let is_decade = used == 1 && unit == "s" && number.is_multiple_of(10) && number >= 50;
    match unit {
        _ if is_decade => None,
        "s" | "sec" | "secs" | "second" | "seconds" => Some((number, used)),
        "min" | "mins" | "minute" | "minutes" => Some((number * 60, used)),
        _ => None,
    }
}

/// `a minor`, `f sharp minor`, `Bb major`, `am`, `f#m`, `c#`. A bare letter is a letter.
fn key(pieces: &[String], before: Option<&str>) -> Option<(Meaning, usize)> {
    let is_mode = |word: &str| matches!(word, "minor" | "major" | "min" | "maj");
    let of = |text: String, used| lists::parse_key(&text).map(|slug| (Meaning::Key(slug), used));
    match pieces {
        // `in a minor key`: which one is not said.
        [a, mode, key, ..] if a == "a" && is_mode(mode) && key == "key" => None,
        [note, sign, mode, ..]
            if note.len() == 1 && matches!(sign.as_str(), "sharp" | "flat") && is_mode(mode) =>
        {
            of(format!("{note} {sign} {mode}"), 3)
        }
        [note, mode, ..] if is_mode(mode) && note.chars().count() <= 2 => of(format!("{note} {mode}"), 2),
        [band, radio, ..]
            if matches!((band.as_str(), radio.as_str()), ("am" | "fm", "radio" | "station")) =>
        {
            None
        }
        [fm, made, ..] if fm == "fm" && made.starts_with("synth") => None,
        [short, ..] if before != Some("i") => {
            let is_short = match short.strip_suffix('m') {
                Some(note) => note.chars().count() <= 2,
                None => short.chars().count() == 2 && short.ends_with(['#', '♯', '♭']),
            };
            if is_short && !short.is_empty() { of(short.clone(), 1) } else { None }
        }
        _ => None,
    }
}

/// `no vocals`, `without voices`, `instrumental`, `with vocals`.
fn vocals(pieces: &[String]) -> Option<(Meaning, usize)> {
    let is_voice =
        |word: &str| matches!(word, "vocal" | "vocals" | "voice" | "voices" | "singing" | "lyrics" | "words");
    match pieces {
        [none, voice, ..] if matches!(none.as_str(), "no" | "without" | "non") && is_voice(voice) => {
            Some((Meaning::Vocals(&["none"]), 2))
        }
        [with, voice, ..] if with == "with" && is_voice(voice) => {
            Some((Meaning::Vocals(&["choir", "lead"]), 2))
        }
        [one, ..] if one == "instrumental" || one == "instrumentals" => Some((Meaning::Vocals(&["none"]), 1)),
        _ => None,
    }
}

/// Words with what stands for them. Words that carry nothing are left out, unless there are no others.
fn slots(words: &[(&str, bool)], synonyms: &Synonyms) -> Vec<Slot> {
    let mut said: Vec<(String, Vec<String>, bool)> = vec![];
    for (word, not) in words {
        for run in fold(word).split(|c: char| ",;:/()[]".contains(c)) {
            let parts: Vec<String> = parts(run).iter().map(|part| stem(part)).collect();
            if run.contains('-') || parts.len() < 2 {
                said.extend((!parts.is_empty()).then(|| (run.to_owned(), parts, *not)));
            } else {
                said.extend(parts.into_iter().map(|part| (part.clone(), vec![part], *not)));
            }
        }
    }
    said.truncate(MOST_WORDS);
    let flat = |from: usize, n: usize| -> Option<Vec<String>> {
        let some = said.get(from..from + n)?;
        (n == 1 || some.iter().all(|(_, _, not)| !not))
            .then(|| some.iter().flat_map(|(_, parts, _)| parts.clone()).collect())
    };
    let mut out = vec![];
    let mut at = 0;
    while at < said.len() {
        let phrase = (2..=PHRASE)
            .rev()
            .find_map(|n| flat(at, n).filter(|words| !synonyms.of(words).is_empty()).map(|words| (n, words)));
        let (used, all) = phrase.unwrap_or_else(|| (1, said[at].1.clone()));
        let more = synonyms.of(&all);
        let (_, _, not) = said[at];
        let text = said[at..at + used].iter().map(|(text, _, _)| text.as_str()).collect::<Vec<_>>().join(" ");
        let mut any = vec![Alternative { all: all.clone(), weight: 1.0 }];
        if all.len() > 1 && used == 1 {
            any.push(Alternative { all: vec![stem(&all.concat())], weight: 1.0 });
        }
        if !not {
            for other in more {
                if any.iter().all(|a| a.all != *other) {
                    any.push(Alternative { all: other.clone(), weight: SYNONYM });
                }
            }
        }
        out.push(Slot { said: text, any, not, open: false });
        at += used;
    }
    let bare =
        |slot: &Slot| slot.any.len() == 1 && slot.any[0].all.iter().all(|w| STOP.contains(&w.as_str()));
    if out.iter().any(|slot| !bare(slot)) {
        out.retain(|slot| !bare(slot));
    }
    out
}

/// Changes of one letter that turn one word into the other, counted up to `most`: one wrong, missing, added, or two
/// swapped.
pub fn distance(a: &[char], b: &[char], most: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut rows = [vec![0usize; b.len() + 1], (0..=b.len()).collect(), vec![0usize; b.len() + 1]];
    for i in 1..=a.len() {
        let [before, last, row] = &mut rows;
        row[0] = i;
        let mut least = i;
        for j in 1..=b.len() {
            let wrong = usize::from(a[i - 1] != b[j - 1]);
            let mut cost = (last[j - 1] + wrong).min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row[j] = cost;
            least = least.min(cost);
        }
        if least > most {
            return None;
        }
        rows.rotate_left(1);
    }
    Some(rows[1][b.len()]).filter(|n| *n <= most)
}

/// How wrong a word may be spelled: short ones not at all.
pub fn forgiven(word: &str) -> usize {
    match word.chars().count() {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Read {
        super::read(line, &Synonyms::built_in())
    }

    fn check(line: &str, words: &str, tempo: Option<(u32, u32)>, keys: &[&str]) {
        let read = read(line);
        let said: Vec<String> = read
            .slots
            .iter()
            .map(|s| format!("{}{}", if s.not { "-" } else { "" }, s.any[0].all.join("+")))
            .collect();
        assert_eq!(said.join(" "), words, "{line:?}");
        assert_eq!(read.tempo, tempo, "{line:?}");
        assert_eq!(read.keys, keys, "{line:?}");
    }

    #[test]
    fn musical_words_are_read_and_the_rest_stays() {
        check("slow strings 92 bpm", "slow string", Some((90, 94)), &[]);
        check("92bpm in A minor, rain", "rain", Some((90, 94)), &["am"]);
        check("bpm 120 techno", "techno", Some((118, 122)), &[]);
        check("90–100 bpm", "", Some((90, 100)), &[]);
        check("f sharp minor piano", "piano", None, &["fsm"]);
        check("Bb major am", "", None, &["as", "am"]);
        check("C# strings f#m", "string", None, &["cs", "fsm"]);
        check("am radio", "am radio", None, &[]);
        check("who I am", "who i am", None, &[]);
        check("in a minor key", "minor key", None, &[]);
        check("a piece of cake", "piece cake", None, &[]);
        check("5000 bpm", "5000 bpm", None, &[]);
        check("rain -thunder", "rain -thunder", None, &[]);
        check("lo-fi", "lo+fi", None, &[]);
        check("don't stop", "dont stop", None, &[]);
        check("the", "the", None, &[]);
        check("", "", None, &[]);
    }

    #[test]
    fn lengths_and_voices_are_read() {
        for (line, length) in [
            ("3:20", Some((Some(190), Some(210)))),
            ("30s", Some((Some(27), Some(33)))),
            ("30 sec", Some((Some(27), Some(33)))),
            ("under 2 min", Some((None, Some(120)))),
            ("over 30 seconds", Some((Some(30), None))),
            ("80s synth", None),
            ("3:99", None),
            ("7 samurai", None),
        ] {
            assert_eq!(read(line).length, length, "{line}");
        }
        for (line, vocals) in [
            ("no vocals", &["none"][..]),
            ("instrumental", &["none"]),
            ("without voices", &["none"]),
            ("with vocals", &["choir", "lead"]),
            ("no rain", &[]),
        ] {
            assert_eq!(read(line).vocals, vocals, "{line}");
        }
        assert_eq!(read("no vocals").understood, ["“no vocals” was read as: nobody sings or speaks."]);
    }

    /// "House Loop 124 bpm" is a title as well as a wish: titles hold pieces as questions do, and a question has a second
    /// reading in which they are words.
    #[test]
    fn what_is_read_as_something_else_is_words_too() {
        for (title, there, words) in [
            ("House Loop 124 bpm", &["124bpm"][..], "house loop 124 bpm"),
            ("House (124BPM), a minor", &["124bpm", "aminor"], "house 124bpm minor"),
            ("Am I Here", &["am"], "am i here"),
            ("60 s timer", &["60s"], "60 s timer"),
            ("Rain -am", &[], "rain -am"),
            ("Copper Weather", &[], "copper weather"),
        ] {
            assert_eq!(pieces(title), there, "{title}");
            let asked: Vec<String> = read(title).pieces.into_iter().map(|(_, piece)| piece).collect();
            assert_eq!(asked, there, "{title}");
            let plain = plain(title, &Synonyms::built_in());
            let said = |s: &Slot| format!("{}{}", if s.not { "-" } else { "" }, s.any[0].all.join("+"));
            assert_eq!(plain.slots.iter().map(said).collect::<Vec<_>>().join(" "), words, "{title}");
            assert!(plain.understood.is_empty() && plain.tempo.is_none() && plain.keys.is_empty());
        }
        let of = |line: &str| read(line).pieces.into_iter().map(|(of, _)| of).collect::<Vec<_>>();
        let all = [Reading::Tempo, Reading::Length, Reading::Key, Reading::Vocals];
        assert_eq!(of("92 bpm 3:20 in f#m no vocals"), all);
    }

    #[test]
    fn plurals_are_one_with_their_word() {
        for (word, stemmed) in [
            ("strings", "string"),
            ("memories", "memory"),
            ("crashes", "crash"),
            ("echoes", "echo"),
            ("bass", "bass"),
            ("bus", "bus"),
            ("genres", "genre"),
            ("étés", "étés"),
        ] {
            assert_eq!(stem(word), stemmed);
        }
        assert_eq!(tokens("Lo-fi rains, DON’T (Étude)"), ["lofi", "lo", "fi", "rain", "dont", "etude"]);
    }

    #[test]
    fn synonyms_stand_beside_the_word() {
        let any =
            |line: &str| -> Vec<String> { read(line).slots[0].any.iter().map(|a| a.all.join(" ")).collect() };
        assert!(any("film").contains(&"cinematic".to_owned()));
        assert!(any("hip hop").contains(&"hiphop".to_owned()));
        assert!(any("hiphop").contains(&"hip hop".to_owned()));
        assert!(any("drum and bass").contains(&"dnb".to_owned()));
        assert_eq!(any("lo-fi")[..2], ["lo fi", "lofi"]);
        assert!(any("horror").contains(&"eerie".to_owned()) && !any("eerie").contains(&"horror".to_owned()));
        assert_eq!(read("rain -film").slots[1].any.len(), 1);
    }

    #[test]
    fn the_last_word_is_open_until_a_space_follows() {
        let open = |line: &str| read(line).slots.last().is_some_and(|s| s.open);
        assert!(open("slow stri") && !open("slow stri ") && !open("slow -stri") && !open("slow 92 bpm"));
    }

    #[test]
    fn distances() {
        let d =
            |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>(), 2);
        for (a, b, n) in [
            ("piano", "piano", Some(0)),
            ("paino", "piano", Some(1)),
            ("pian", "piano", Some(1)),
            ("strngis", "strings", Some(2)),
            ("cello", "piano", None),
            ("", "ab", Some(2)),
        ] {
            assert_eq!(d(a, b), n, "{a} {b}");
            assert_eq!(d(b, a), n, "{b} {a}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_breaks(line in "\\PC{0,200}") {
            let read = read(&line);
            prop_assert!(read.slots.len() <= MOST_WORDS);
            prop_assert!(read.slots.iter().all(|s| s.any.iter().all(|a| !a.all.is_empty() && a.all.iter().all(|w| !w.is_empty()))));
            tokens(&line);
        }

        #[test]
        fn musical_lines_do_not_break_either(pieces in prop::collection::vec("[a-h0-9:#]{0,4}|bpm|minor|no|vocals|under|s|min|-", 0..12)) {
            read(&pieces.join(" "));
        }
    }
}
