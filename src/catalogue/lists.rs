//! The words a track is described with: the shop's default lists, as data.
//!
//! Every list is sorted by slug, so that a slug is found by halving; a test holds the order.

use crate::words::fold;

/// One word of a list: how addresses and rows say it, and how people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// `[a-z0-9-]+`, unique in its list.
    pub slug: &'static str,
    /// As shown, in English, in sentence case.
    pub name: &'static str,
}

/// A way to look a word up: by its slug for its name, or by what was typed for its slug. None where no list has it.
pub type Lookup = fn(&str) -> Option<&'static str>;

/// A musical key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyWord {
    /// `c` to `b`, `s` for sharp, `m` for minor: `fsm`.
    pub slug: &'static str,
    /// `F♯ minor`.
    pub name: &'static str,
    /// `F♯m`, for rows.
    pub short: &'static str,
    /// Semitones of the tonic above C, 0 to 11.
    pub tonic: u8,
    pub minor: bool,
}

const fn w(slug: &'static str, name: &'static str) -> Word {
    Word { slug, name }
}

const fn k(slug: &'static str, name: &'static str, short: &'static str, tonic: u8, minor: bool) -> KeyWord {
    KeyWord { slug, name, short, tonic, minor }
}

/// Kinds of sound, as `kind=` in addresses.
pub const KINDS: &[Word] = &[w("effect", "Sound effect"), w("loop", "Loop"), w("music", "Music")];

/// Whether somebody sings or speaks.
pub const VOCALS: &[Word] =
    &[w("choir", "Choir"), w("lead", "Lead vocal"), w("none", "No vocals"), w("spoken", "Spoken word")];

/// Genres of music, and the families sound effects come in.
pub const GENRES: &[Word] = &[
    w("acoustic", "Acoustic"),
    w("ambient", "Ambient"),
    w("blues", "Blues"),
    w("bossa-nova", "Bossa nova"),
    w("children", "Children’s"),
    w("chillout", "Chillout"),
    w("cinematic", "Cinematic"),
    w("classical", "Classical"),
    w("corporate", "Corporate"),
    w("country", "Country"),
    w("disco", "Disco"),
    w("drum-and-bass", "Drum and bass"),
    w("dub", "Dub"),
    w("electronic", "Electronic"),
    w("everyday", "Everyday sounds"),
    w("experimental", "Experimental"),
    w("folk", "Folk"),
    w("funk", "Funk"),
    w("game", "Game"),
    w("hip-hop", "Hip hop"),
    w("holiday", "Holiday"),
    w("house", "House"),
    w("indie", "Indie"),
    w("interface", "Interface"),
    w("jazz", "Jazz"),
    w("latin", "Latin"),
    w("lo-fi", "Lo-fi"),
    w("machines", "Machines"),
    w("metal", "Metal"),
    w("minimal", "Minimal"),
    w("nature", "Nature"),
    w("new-age", "New age"),
    w("orchestral", "Orchestral"),
    w("people", "People"),
    w("pop", "Pop"),
    w("punk", "Punk"),
    w("reggae", "Reggae"),
    w("rhythm-and-blues", "Rhythm and blues"),
    w("rock", "Rock"),
    w("soul", "Soul"),
    w("synthwave", "Synthwave"),
    w("techno", "Techno"),
    w("trailer", "Trailer"),
    w("trance", "Trance"),
    w("transitions", "Transitions"),
    w("trap", "Trap"),
    w("trip-hop", "Trip hop"),
    w("weather", "Weather"),
    w("world", "World"),
];

/// The moods a track may have.
pub const MOODS: &[Word] = &[
    w("anxious", "Anxious"),
    w("bright", "Bright"),
    w("brooding", "Brooding"),
    w("calm", "Calm"),
    w("carefree", "Carefree"),
    w("confident", "Confident"),
    w("dark", "Dark"),
    w("determined", "Determined"),
    w("dramatic", "Dramatic"),
    w("dreamy", "Dreamy"),
    w("driving", "Driving"),
    w("eerie", "Eerie"),
    w("elegant", "Elegant"),
    w("energetic", "Energetic"),
    w("epic", "Epic"),
    w("festive", "Festive"),
    w("gentle", "Gentle"),
    w("gritty", "Gritty"),
    w("happy", "Happy"),
    w("hopeful", "Hopeful"),
    w("hypnotic", "Hypnotic"),
    w("intimate", "Intimate"),
    w("laid-back", "Laid-back"),
    w("melancholic", "Melancholic"),
    w("mysterious", "Mysterious"),
    w("nostalgic", "Nostalgic"),
    w("peaceful", "Peaceful"),
    w("playful", "Playful"),
    w("quirky", "Quirky"),
    w("reflective", "Reflective"),
    w("restless", "Restless"),
    w("romantic", "Romantic"),
    w("sad", "Sad"),
    w("tender", "Tender"),
    w("tense", "Tense"),
    w("triumphant", "Triumphant"),
    w("uplifting", "Uplifting"),
    w("warm", "Warm"),
];

/// The instruments a track may have.
pub const INSTRUMENTS: &[Word] = &[
    w("accordion", "Accordion"),
    w("acoustic-guitar", "Acoustic guitar"),
    w("banjo", "Banjo"),
    w("bass", "Bass"),
    w("bells", "Bells"),
    w("brass", "Brass"),
    w("cello", "Cello"),
    w("claps", "Claps"),
    w("clarinet", "Clarinet"),
    w("double-bass", "Double bass"),
    w("drum-machine", "Drum machine"),
    w("drums", "Drums"),
    w("electric-guitar", "Electric guitar"),
    w("electric-piano", "Electric piano"),
    w("field-recording", "Field recording"),
    w("flute", "Flute"),
    w("glockenspiel", "Glockenspiel"),
    w("guitar", "Guitar"),
    w("harmonica", "Harmonica"),
    w("harp", "Harp"),
    w("horn", "Horn"),
    w("kalimba", "Kalimba"),
    w("mandolin", "Mandolin"),
    w("marimba", "Marimba"),
    w("music-box", "Music box"),
    w("oboe", "Oboe"),
    w("orchestra", "Orchestra"),
    w("organ", "Organ"),
    w("pad", "Pad"),
    w("percussion", "Percussion"),
    w("piano", "Piano"),
    w("saxophone", "Saxophone"),
    w("sitar", "Sitar"),
    w("strings", "Strings"),
    w("synth", "Synth"),
    w("timpani", "Timpani"),
    w("trombone", "Trombone"),
    w("trumpet", "Trumpet"),
    w("ukulele", "Ukulele"),
    w("vibraphone", "Vibraphone"),
    w("viola", "Viola"),
    w("violin", "Violin"),
    w("whistle", "Whistle"),
];

/// The 24 keys in the order of the keyboard, major before minor.
pub const KEYS: &[KeyWord] = &[
    k("c", "C major", "C", 0, false),
    k("cm", "C minor", "Cm", 0, true),
    k("cs", "C♯ major", "C♯", 1, false),
    k("csm", "C♯ minor", "C♯m", 1, true),
    k("d", "D major", "D", 2, false),
    k("dm", "D minor", "Dm", 2, true),
    k("ds", "D♯ major", "D♯", 3, false),
    k("dsm", "D♯ minor", "D♯m", 3, true),
    k("e", "E major", "E", 4, false),
    k("em", "E minor", "Em", 4, true),
    k("f", "F major", "F", 5, false),
    k("fm", "F minor", "Fm", 5, true),
    k("fs", "F♯ major", "F♯", 6, false),
    k("fsm", "F♯ minor", "F♯m", 6, true),
    k("g", "G major", "G", 7, false),
    k("gm", "G minor", "Gm", 7, true),
    k("gs", "G♯ major", "G♯", 8, false),
    k("gsm", "G♯ minor", "G♯m", 8, true),
    k("a", "A major", "A", 9, false),
    k("am", "A minor", "Am", 9, true),
    k("as", "A♯ major", "A♯", 10, false),
    k("asm", "A♯ minor", "A♯m", 10, true),
    k("b", "B major", "B", 11, false),
    k("bm", "B minor", "Bm", 11, true),
];

/// How a genre is shown; `None` for a slug the list does not hold.
pub fn genre_name(slug: &str) -> Option<&'static str> {
    name_in(GENRES, slug)
}

/// How a mood is shown.
pub fn mood_name(slug: &str) -> Option<&'static str> {
    name_in(MOODS, slug)
}

/// How an instrument is shown.
pub fn instrument_name(slug: &str) -> Option<&'static str> {
    name_in(INSTRUMENTS, slug)
}

/// How `none`, `lead`, `choir` and `spoken` are shown.
pub fn vocals_name(slug: &str) -> Option<&'static str> {
    name_in(VOCALS, slug)
}

/// How a kind is shown.
pub fn kind_name(slug: &str) -> Option<&'static str> {
    name_in(KINDS, slug)
}

/// `F♯ minor` for `fsm`.
pub fn key_name(slug: &str) -> Option<&'static str> {
    key(slug).map(|key| key.name)
}

/// `F♯m` for `fsm`.
pub fn key_short(slug: &str) -> Option<&'static str> {
    key(slug).map(|key| key.short)
}

/// The key of a slug.
pub fn key(slug: &str) -> Option<&'static KeyWord> {
    let bytes = slug.as_bytes();
    let tonic = match bytes.first()? {
        b'c' => 0,
        b'd' => 2,
        b'e' => 4,
        b'f' => 5,
        b'g' => 7,
        b'a' => 9,
        b'b' => 11,
        _ => return None,
    };
    let (sharp, minor) = match &bytes[1..] {
        b"" => (0, 0),
        b"s" => (1, 0),
        b"m" => (0, 1),
        b"sm" => (1, 1),
        _ => return None,
    };
    // `es` and `bs` are other keys' names, not slugs; they fail the comparison.
    KEYS.get((tonic + sharp) * 2 + minor).filter(|key| key.slug == slug)
}

/// The key of a tonic (semitones above C, any octave) and mode.
pub fn key_of(tonic: u8, minor: bool) -> &'static KeyWord {
    &KEYS[(tonic % 12) as usize * 2 + minor as usize]
}

/// The genre a person or an import means: slug or name, in any case, `&` for `and`.
pub fn parse_genre(text: &str) -> Option<&'static str> {
    slug_in(GENRES, text)
}

/// The mood a person or an import means.
pub fn parse_mood(text: &str) -> Option<&'static str> {
    slug_in(MOODS, text)
}

/// The instrument a person or an import means.
pub fn parse_instrument(text: &str) -> Option<&'static str> {
    slug_in(INSTRUMENTS, text)
}

/// `none`, `lead`, `choir` or `spoken`.
pub fn parse_vocals(text: &str) -> Option<&'static str> {
    slug_in(VOCALS, text)
}

/// `music`, `loop` or `effect`.
pub fn parse_kind(text: &str) -> Option<&'static str> {
    slug_in(KINDS, text)
}

/// The slug of a key as people write it: `fsm`, `F# minor`, `F♯m`, `Gb min`, `B flat major`.
/// A bare letter is major; `H` is not read, because it means two things.
pub fn parse_key(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if let Some(key) = key(text) {
        return Some(key.slug);
    }
    let mut rest = text.chars();
    let letter = rest.next()?.to_ascii_lowercase();
    let natural = match letter {
        'c' => 0,
        'd' => 2,
        'e' => 4,
        'f' => 5,
        'g' => 7,
        'a' => 9,
        'b' => 11,
        _ => return None,
    };
    let rest = rest.as_str().trim_start();
    let (shift, rest) =
        [("♯", 1), ("#", 1), ("♭", 11), ("sharp", 1), ("flat", 11), ("-sharp", 1), ("-flat", 11)]
            .iter()
            .find_map(|(sign, shift)| rest.strip_prefix(sign).map(|rest| (*shift, rest)))
            .or_else(|| {
                let after = rest.strip_prefix('b')?;
                Some((11, after))
            })
            .or_else(|| {
                // The slug's own `s`, in whatever case the rest is written.
                let after = rest.strip_prefix('s')?;
                Some((1, after))
            })
            .unwrap_or((0, rest));
    let minor = match rest.trim() {
        "" | "M" => false,
        "m" => true,
        word => match word.to_lowercase().as_str() {
            "maj" | "major" | "dur" => false,
            "min" | "minor" | "moll" => true,
            _ => return None,
        },
    };
    Some(key_of((natural + shift) % 12, minor).slug)
}

fn name_in(list: &'static [Word], slug: &str) -> Option<&'static str> {
    let at = list.binary_search_by(|word| word.slug.cmp(slug)).ok()?;
    Some(list[at].name)
}

fn slug_in(list: &'static [Word], text: &str) -> Option<&'static str> {
    let text = text.trim();
    if let Ok(at) = list.binary_search_by(|word| word.slug.cmp(text)) {
        return Some(list[at].slug);
    }
    let wanted = plain(text);
    if wanted.is_empty() {
        return None;
    }
    list.iter().find(|word| plain(word.slug) == wanted || plain(word.name) == wanted).map(|word| word.slug)
}

/// Letters and figures only, so that `Lo-Fi`, `lo fi` and `lofi` are one word.
fn plain(text: &str) -> String {
    fold(&text.replace('&', " and ")).chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &[Word], at_least: usize) {
        assert!(list.len() >= at_least, "{} words", list.len());
        for pair in list.windows(2) {
            assert!(pair[0].slug < pair[1].slug, "{} before {}", pair[0].slug, pair[1].slug);
        }
        for word in list {
            let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            assert!(!word.slug.is_empty() && word.slug.bytes().all(fine), "{}", word.slug);
            assert!(!word.name.is_empty());
        }
    }

    #[test]
    fn lists_are_sorted_and_long_enough() {
        check(GENRES, 24);
        check(MOODS, 24);
        check(INSTRUMENTS, 30);
        check(VOCALS, 4);
        check(KINDS, 3);
        for slug in ["ambient", "cinematic"] {
            assert!(genre_name(slug).is_some());
        }
        for slug in ["brooding", "hopeful", "tense", "playful", "reflective"] {
            assert!(mood_name(slug).is_some());
        }
        for slug in ["strings", "piano", "guitar", "synth"] {
            assert!(instrument_name(slug).is_some());
        }
    }

    #[test]
    fn every_word_is_found_by_slug_and_by_name() {
        for (list, parse) in [
            (GENRES, parse_genre as Lookup),
            (MOODS, parse_mood),
            (INSTRUMENTS, parse_instrument),
            (VOCALS, parse_vocals),
            (KINDS, parse_kind),
        ] {
            for word in list {
                assert_eq!(name_in(list, word.slug), Some(word.name));
                assert_eq!(parse(word.slug), Some(word.slug));
                assert_eq!(parse(&word.name.to_uppercase()), Some(word.slug));
            }
            assert_eq!(parse(""), None);
            assert_eq!(parse("polka-metal"), None);
        }
        assert_eq!(parse_genre("Drum & Bass"), Some("drum-and-bass"));
        assert_eq!(parse_genre("lofi"), Some("lo-fi"));
    }

    #[test]
    fn keys_are_read_as_people_write_them() {
        assert_eq!(KEYS.len(), 24);
        for (at, one) in KEYS.iter().enumerate() {
            assert_eq!((one.tonic as usize, one.minor), (at / 2, at % 2 == 1));
            for text in [one.slug, one.name, one.short] {
                assert_eq!(parse_key(text), Some(one.slug), "{text}");
            }
            assert_eq!(key(one.slug), Some(one));
        }
        for (text, slug) in [
            ("F# minor", "fsm"),
            ("Gb min", "fsm"),
            ("B flat major", "as"),
            ("Bb", "as"),
            ("bbm", "asm"),
            ("bm", "bm"),
            ("Cb", "b"),
            ("E♯", "f"),
            (" a moll ", "am"),
            ("Fsm", "fsm"),
        ] {
            assert_eq!(parse_key(text), Some(slug), "{text}");
        }
        for text in ["", "h", "x minor", "c lydian", "es", "cmm"] {
            assert_eq!(key(text), None, "{text}");
        }
        assert_eq!(parse_key("c lydian"), None);
        assert_eq!(key_name("fsm"), Some("F♯ minor"));
        assert_eq!(key_short("fsm"), Some("F♯m"));
    }
}
