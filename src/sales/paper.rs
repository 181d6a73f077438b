//! Paper: A4 pages in the shop's letters and inks, for whatever is printed and kept: certificates, invoices.
//!
//! Every document is PDF/A-3, so that it can be opened for as long as it must be kept. The same words at the same
//! moment give the same bytes.

use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::DateTime;
use krilla::num::NormalizedF32;
use krilla::page::{Page, PageSettings};
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::TextDirection;
use krilla::{Document, SerializeSettings};
use qrcode::{Color, EcLevel, QrCode};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::sales::letters::Face;

/// A4 in points, and what is left within its margins.
pub const WIDTH: f32 = 595.28;
/// Points of an A4 sheet from top to bottom.
pub const HEIGHT: f32 = 841.89;
/// Points that stay white on each side.
pub const MARGIN: f32 = 56.0;
/// Points from margin to margin.
pub const INNER: f32 = WIDTH - 2.0 * MARGIN;

/// Red, green, blue.
pub type Ink = (u8, u8, u8);
/// For what is read.
pub const BLACK: Ink = (28, 25, 22);
/// For labels.
pub const SOFT: Ink = (104, 97, 90);
/// For lines.
pub const HAIR: Ink = (206, 198, 188);
/// For the shop's own mark.
pub const ACCENT: Ink = (178, 66, 24);

/// An empty document.
pub fn document() -> Result<Document> {
    let settings = SerializeSettings {
        configuration: ConfigurationBuilder::new()
            .with_archival_validator(Archival::A3_B)
            .finish()
            .map_err(|e| Error::internal(format!("{e:?}")))?,
        ..SerializeSettings::default()
    };
    Ok(Document::new_with(settings))
}

/// A document's next page.
pub fn page(pdf: &mut Document) -> Result<Page<'_>> {
    let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| Error::internal("no page"))?;
    Ok(pdf.start_page_with(settings))
}

/// The finished file.
pub fn bytes(pdf: Document) -> Result<Vec<u8>> {
    pdf.finish().map_err(|e| Error::internal(format!("a document could not be made: {e:?}")))
}

/// A moment as PDF writes it.
pub fn date(at: Timestamp) -> DateTime {
    use chrono::{Datelike, Timelike};
    let at = at.utc();
    let small = |n: u32| u8::try_from(n).unwrap_or_default();
    DateTime::new(u16::try_from(at.year()).unwrap_or(1970))
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// A page being written on.
pub struct Sheet<'a, 'b> {
    surface: &'a mut Surface<'b>,
}

impl<'a, 'b> Sheet<'a, 'b> {
    /// A sheet that is drawn on this surface.
    pub fn on(surface: &'a mut Surface<'b>) -> Sheet<'a, 'b> {
        Sheet { surface }
    }

    fn ink(&mut self, (r, g, b): Ink) {
        self.surface.set_fill(Some(Fill {
            paint: rgb::Color::new(r, g, b).into(),
            opacity: NormalizedF32::ONE,
            rule: Default::default(),
        }));
        self.surface.set_stroke(None);
    }

    /// Writes a line that begins there; what a face has no letter for is set in another, and what none has becomes a
    /// question mark.
    pub fn write(&mut self, face: Face, size: f32, ink: Ink, (x, y): (f32, f32), words: &str) {
        let mut x = x;
        for part in face.stretches(&face.printable(words)) {
            let Some(font) = part.face.font() else { continue };
            let direction = if part.leftward { TextDirection::RightToLeft } else { TextDirection::Auto };
            self.ink(ink);
            self.surface.draw_text(Point::from_xy(x, y), font, size, &part.words, false, direction);
            x += part.face.width(&part.words, size);
        }
    }

    /// Writes a line in the middle of the page.
    pub fn centred(&mut self, face: Face, size: f32, ink: Ink, y: f32, words: &str) {
        let x = (WIDTH - face.width(&face.printable(words), size)) / 2.0;
        self.write(face, size, ink, (x, y), words);
    }

    /// Writes a line that ends there, as figures of a column do.
    pub fn flush(&mut self, face: Face, size: f32, ink: Ink, (right, y): (f32, f32), words: &str) {
        let x = right - face.width(&face.printable(words), size);
        self.write(face, size, ink, (x, y), words);
    }

    /// A paragraph; answers where the next line would stand.
    pub fn paragraph(
        &mut self,
        face: Face,
        size: f32,
        ink: Ink,
        (x, y): (f32, f32),
        width: f32,
        words: &str,
    ) -> f32 {
        let mut y = y;
        for line in face.lines(&face.printable(words), size, width) {
            self.write(face, size, ink, (x, y), &line);
            y += size * 1.4;
        }
        y
    }

    /// A hairline from there to the right.
    pub fn rule(&mut self, x: f32, y: f32, width: f32) {
        self.stroke(HAIR, 0.6, |path| {
            path.move_to(x, y);
            path.line_to(x + width, y);
        });
    }

    /// Draws along a shape.
    pub fn stroke(&mut self, (r, g, b): Ink, width: f32, shape: impl FnOnce(&mut PathBuilder)) {
        let mut path = PathBuilder::new();
        shape(&mut path);
        if let Some(path) = path.finish() {
            self.surface.set_fill(None);
            self.surface.set_stroke(Some(Stroke {
                paint: rgb::Color::new(r, g, b).into(),
                width,
                ..Stroke::default()
            }));
            self.surface.draw_path(&path);
            self.surface.set_stroke(None);
        }
    }

    /// A frame of two lines with a gap at the middle of its top, as on a share.
    pub fn frame(&mut self) {
        for (inset, width, ink) in [(26.0, 1.4, BLACK), (31.0, 0.5, HAIR)] {
            self.stroke(ink, width, |path| {
                if let Some(rect) = Rect::from_xywh(inset, inset, WIDTH - 2.0 * inset, HEIGHT - 2.0 * inset) {
                    path.push_rect(rect);
                }
            });
        }
    }

    /// An address as a QR code in a square of that side.
    pub fn code(&mut self, x: f32, y: f32, size: f32, address: &str) -> Result<()> {
        let code = QrCode::with_error_correction_level(address, EcLevel::M).map_err(Error::internal)?;
        let cells = code.width();
        let cell = size / cells as f32;
        let mut path = PathBuilder::new();
        for (n, colour) in code.to_colors().into_iter().enumerate() {
            let (col, row) = ((n % cells) as f32, (n / cells) as f32);
            if colour == Color::Dark
                && let Some(rect) = Rect::from_xywh(x + col * cell, y + row * cell, cell + 0.02, cell + 0.02)
            {
                path.push_rect(rect);
            }
        }
        if let Some(path) = path.finish() {
            self.ink(BLACK);
            self.surface.draw_path(&path);
        }
        Ok(())
    }
}
