//! The letters that papers are set in: three fonts of the DejaVu family, and how wide a text is in each. A letter that one
//! face lacks is set in another that has it; Chinese, Japanese, Korean, Thai and Indian scripts are in none.

use std::sync::LazyLock;

use krilla::text::Font;
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

static SANS: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
static BOLD: &[u8] = include_bytes!("fonts/DejaVuSans-Bold.ttf");
static SERIF: &[u8] = include_bytes!("fonts/DejaVuSerif.ttf");

/// A face that documents are set in; each is inside the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    Sans,
    Bold,
    Serif,
}

struct Loaded {
    font: Font,
    read: FontRef<'static>,
    letters: Charmap<'static>,
}

/// A part of a text that one face sets in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub face: Face,
    /// Whether it runs from right to left.
    pub leftward: bool,
    pub words: String,
}

static FACES: LazyLock<Option<[Loaded; 3]>> = LazyLock::new(|| {
    let load = |bytes: &'static [u8]| {
        let read = FontRef::new(bytes).ok()?;
        Some(Loaded { font: Font::new(bytes.into(), 0)?, letters: read.charmap(), read })
    };
    Some([load(SANS)?, load(BOLD)?, load(SERIF)?])
});

impl Face {
    fn loaded(self) -> Option<&'static Loaded> {
        FACES.as_ref().map(|faces| &faces[self as usize])
    }

    /// The font as documents take it; none when it cannot be read.
    pub fn font(self) -> Option<Font> {
        self.loaded().map(|face| face.font.clone())
    }

    fn has(self, c: char) -> bool {
        self.loaded().is_some_and(|face| face.letters.map(c).is_some_and(|glyph| glyph.to_u32() != 0))
    }

    /// The face that sets this letter in a text of this one. Nothing: no face has it.
    fn of(self, c: char) -> Option<Face> {
        [self, Face::Sans, Face::Serif].into_iter().find(|face| face.has(c))
    }

    /// How wide a text is at this size, each letter in the face that has it.
    pub fn width(self, text: &str, size: f32) -> f32 {
        let Some(faces) = FACES.as_ref() else { return 0.0 };
        let metrics =
            faces.each_ref().map(|face| face.read.glyph_metrics(Size::new(size), LocationRef::default()));
        text.chars()
            .map(|c| {
                let face = self.of(c).unwrap_or(self) as usize;
                let glyph = faces[face].letters.map(c);
                glyph.and_then(|glyph| metrics[face].advance_width(glyph)).unwrap_or(size * 0.6)
            })
            .sum()
    }

    /// The text in letters that there are; any other becomes a question mark, and whoever prints a name says so where
    /// it [`lacks`] one.
    pub fn printable(self, text: &str) -> String {
        text.chars()
            .map(|c| match c {
                c if c.is_whitespace() => ' ',
                c if c.is_control() || self.of(c).is_none() => '?',
                c => c,
            })
            .collect()
    }

    /// The text in parts of one face and one direction, in the order of their letters.
    pub fn stretches(self, text: &str) -> Vec<Stretch> {
        let mut all: Vec<Stretch> = vec![];
        // Blanks and marks belong to the letters on both sides where these are of one kind, and to the text where not.
        let mut between = String::new();
        for c in text.chars() {
            if !c.is_alphanumeric() {
                between.push(c);
                continue;
            }
            let (face, leftward) = (self.of(c).unwrap_or(self), is_leftward(c));
            let goes_on = all.last().is_some_and(|last| last.face == face && last.leftward == leftward)
                && between.chars().all(|c| face.has(c));
            if goes_on {
                grow(&mut all, face, leftward, &between);
            } else {
                self.stands_between(&mut all, &between);
            }
            between.clear();
            grow(&mut all, face, leftward, c.encode_utf8(&mut [0; 4]));
        }
        self.stands_between(&mut all, &between);
        all
    }

    fn stands_between(self, all: &mut Vec<Stretch>, marks: &str) {
        for c in marks.chars() {
            grow(all, self.of(c).unwrap_or(self), false, c.encode_utf8(&mut [0; 4]));
        }
    }

    /// The text in lines no wider than that, broken between words, or within a word that is wider on its own.
    pub fn lines(self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines: Vec<String> = vec![];
        let mut line = String::new();
        for word in text.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&longer, size) <= width {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                if !line.is_empty() && self.width(&format!("{line}{c}"), size) > width {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }
}

/// Whether a text has a letter that no face has.
pub fn lacks(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && (c.is_control() || Face::Sans.of(c).is_none()))
}

fn grow(all: &mut Vec<Stretch>, face: Face, leftward: bool, words: &str) {
    match all.last_mut() {
        Some(last) if last.face == face && last.leftward == leftward => last.words.push_str(words),
        _ if words.is_empty() => {}
        _ => all.push(Stretch { face, leftward, words: words.to_owned() }),
    }
}

/// Whether this is a letter of a script that runs from right to left. Figures never do.
fn is_leftward(c: char) -> bool {
    let script = matches!(
        u32::from(c),
        0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x1_0800..=0x1_0FFF | 0x1_E800..=0x1_EFFF
    );
    script && !c.is_numeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_lose_nothing() {
        let text = "You may use it in websites, social media and podcasts, Straßenbahnhaltestellenverzeichnisse too.";
        for width in [40.0, 90.0, 300.0] {
            let lines = Face::Sans.lines(text, 9.0, width);
            assert!(lines.iter().all(|line| Face::Sans.width(line, 9.0) <= width), "{lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        }
        assert!(Face::Bold.width("Creator", 10.0) > Face::Sans.width("Creator", 10.0));
    }

    #[test]
    fn letters_that_no_face_has_are_said_to_be_missing() {
        assert_eq!(Face::Sans.printable("Größe №3\tЖ 音"), "Größe №3 Ж ?");
        for face in [Face::Sans, Face::Bold, Face::Serif] {
            assert_eq!(face.printable("山田 דוד حسن ﬁ"), "?? דוד حسن ﬁ", "{face:?}");
        }
        assert!(lacks("山田") && lacks("Ada 山田") && lacks("สมชาย") && lacks("अदा") && lacks("a\u{7}"));
        assert!(!lacks("Ada Field & Söhne, Ωμέγα, Жук, דוד, حسن\t№3"));
    }

    #[test]
    fn a_letter_that_a_face_lacks_is_set_in_another_and_words_keep_their_direction() {
        let parts = |face: Face, text: &str| -> Vec<(Face, bool, String)> {
            face.stretches(text).into_iter().map(|part| (part.face, part.leftward, part.words)).collect()
        };
        let part = |face: Face, leftward: bool, words: &str| (face, leftward, words.to_owned());
        assert_eq!(parts(Face::Serif, "Ada Field, №3"), [part(Face::Serif, false, "Ada Field, №3")]);
        assert_eq!(
            parts(Face::Serif, "Ada (דוד כהן)"),
            [
                part(Face::Serif, false, "Ada ("),
                part(Face::Sans, true, "דוד כהן"),
                part(Face::Serif, false, ")")
            ]
        );
        assert_eq!(
            parts(Face::Sans, "by حسن 12"),
            [part(Face::Sans, false, "by "), part(Face::Sans, true, "حسن"), part(Face::Sans, false, " 12")]
        );
        assert!(parts(Face::Serif, "").is_empty());
        let width = Face::Serif.width("דוד", 10.0);
        assert!(width > 0.0 && (width - Face::Sans.width("דוד", 10.0)).abs() < 0.01);
        let lines = Face::Serif.lines("דוד כהן דוד כהן", 21.0, 90.0);
        assert!(
            lines.len() > 1 && lines.iter().all(|line| Face::Serif.width(line, 21.0) <= 90.0),
            "{lines:?}"
        );
    }
}
