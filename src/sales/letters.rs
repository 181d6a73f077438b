//! The letters that papers are set in: three fonts of the DejaVu family, and how wide a text is in each.

use std::sync::LazyLock;

use krilla::text::Font;
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
}

static FACES: LazyLock<Option<[Loaded; 3]>> = LazyLock::new(|| {
    let load = |bytes: &'static [u8]| {
        Some(Loaded { font: Font::new(bytes.into(), 0)?, read: FontRef::new(bytes).ok()? })
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

    /// How wide a text is at this size.
    pub fn width(self, text: &str, size: f32) -> f32 {
        let Some(face) = self.loaded() else { return 0.0 };
        let metrics = face.read.glyph_metrics(Size::new(size), LocationRef::default());
        let letters = face.read.charmap();
        text.chars()
            .map(|c| letters.map(c).and_then(|glyph| metrics.advance_width(glyph)).unwrap_or(size * 0.6))
            .sum()
    }

    /// The text in letters this face has; any other becomes a question mark, since the exact text stands in the
    /// credential anyway.
    pub fn printable(self, text: &str) -> String {
        let Some(face) = self.loaded() else { return text.to_owned() };
        let letters = face.read.charmap();
        text.chars()
            .map(|c| match c {
                c if c.is_whitespace() => ' ',
                c if c.is_control() || letters.map(c).is_none_or(|glyph| glyph.to_u32() == 0) => '?',
                c => c,
            })
            .collect()
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
    }
}
