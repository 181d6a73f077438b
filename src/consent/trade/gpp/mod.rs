//! The GPP string of IAB Tech Lab's Global Privacy Platform (header version 1): which sections it has and what they say.
//!
//! A section that cannot be read stays as the text it came as and spoils nothing else. Written here are the US national
//! section (version 2), the Californian one, and the European section as a TC string.

mod us;

use std::fmt;

use serde_json::{Map, Value, json};

use super::bits::{self, Reader, Writer};
use super::tcf::TcString;
pub use us::{UsChoice, UsSection};

/// The section ids this shop has a word for.
pub const TCF_EU: u16 = 2;
pub const USP: u16 = 6;
pub const US_NATIONAL: u16 = 7;
pub const US_CALIFORNIA: u16 = 8;

/// A GPP string: its sections by ascending id, each id once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gpp {
    sections: Vec<Section>,
}

/// One section: the text it has in the string and what that says, where it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub id: u16,
    pub text: String,
    pub content: Option<Content>,
}

/// What a section says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    TcfEu(Box<TcString>),
    Usp(Usp),
    Us(UsSection),
}

/// The US Privacy string, version 1: four characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usp {
    pub notice: UspAnswer,
    pub opt_out_sale: UspAnswer,
    pub lspa_covered: UspAnswer,
}

/// An answer of the US Privacy string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UspAnswer {
    Yes,
    No,
    NotApplicable,
}

/// Why a text is no GPP string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Bits(bits::Fault),
    /// The first part is no header of version 1.
    Header,
    /// Section ids that do not ascend, or are beyond any register.
    Ids,
    /// More or fewer sections than the header names.
    Count,
}

impl From<bits::Fault> for Fault {
    fn from(fault: bits::Fault) -> Fault {
        Fault::Bits(fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Bits(fault) => fault.fmt(f),
            Fault::Header => f.write_str("no GPP header of version 1"),
            Fault::Ids => f.write_str("section ids in no order"),
            Fault::Count => f.write_str("the header names another number of sections"),
        }
    }
}

impl Gpp {
    /// Reads a string: the header must be whole, a section need not be.
    pub fn decode(text: &str) -> Result<Gpp, Fault> {
        if text.len() > bits::LONGEST {
            return Err(bits::Fault::TooLong.into());
        }
        let mut parts = text.split('~');
        let ids = read_header(parts.next().unwrap_or_default())?;
        let parts: Vec<&str> = parts.collect();
        if ids.len() != parts.len() {
            return Err(Fault::Count);
        }
        let sections = ids.into_iter().zip(parts).map(|(id, text)| Section::read(id, text)).collect();
        Ok(Gpp { sections })
    }

    /// The string as the reference library writes it. A section that came as text goes as the same text.
    pub fn encode(&self) -> String {
        let ids: Vec<u16> = self.sections.iter().map(|section| section.id).collect();
        let mut text = write_header(&ids);
        for section in &self.sections {
            text.push('~');
            text.push_str(&section.text);
        }
        text
    }

    /// Puts a section in its place among the others, instead of one with the same id. A TC string goes in as it is
    /// written ([`TcString::as_written`]).
    pub fn with(mut self, content: Content) -> Gpp {
        let content = match content {
            Content::TcfEu(tc) => Content::TcfEu(Box::new(tc.as_written())),
            other => other,
        };
        let section = Section { id: content.id(), text: content.encode(), content: Some(content) };
        self.sections.retain(|known| known.id != section.id);
        let place = self.sections.partition_point(|known| known.id < section.id);
        self.sections.insert(place, section);
        self
    }

    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// `parsedSections` of the CMP API 1.1: for each section that could be read, its API prefix and an object for each
    /// part, for `data-parsed` of `static/js/gpp.js`. The European section is left to `__tcfapi`, as in the reference.
    pub fn parsed(&self) -> Value {
        let mut all = Map::new();
        for section in &self.sections {
            let (name, parts) = match &section.content {
                Some(Content::Usp(usp)) => ("uspv1", json!([usp.fields()])),
                Some(Content::Us(us)) => (us.name(), us.parts()),
                Some(Content::TcfEu(_)) | None => continue,
            };
            all.insert(name.to_string(), parts);
        }
        Value::Object(all)
    }
}

impl Section {
    fn read(id: u16, text: &str) -> Section {
        let content = match id {
            TCF_EU => TcString::decode(text).ok().map(|tc| Content::TcfEu(Box::new(tc))),
            USP => Usp::decode(text).map(Content::Usp),
            _ => UsSection::decode(id, text).map(Content::Us),
        };
        Section { id, text: text.to_string(), content }
    }
}

impl Content {
    fn id(&self) -> u16 {
        match self {
            Content::TcfEu(_) => TCF_EU,
            Content::Usp(_) => USP,
            Content::Us(us) => us.id(),
        }
    }

    fn encode(&self) -> String {
        match self {
            Content::TcfEu(tc) => tc.encode(),
            Content::Usp(usp) => usp.encode(),
            Content::Us(us) => us.encode(),
        }
    }
}

impl UspAnswer {
    fn letter(self) -> char {
        match self {
            UspAnswer::Yes => 'Y',
            UspAnswer::No => 'N',
            UspAnswer::NotApplicable => '-',
        }
    }

    fn from_letter(letter: char) -> Option<UspAnswer> {
        [UspAnswer::Yes, UspAnswer::No, UspAnswer::NotApplicable].into_iter().find(|a| a.letter() == letter)
    }
}

impl Usp {
    /// `1` and three of Y, N and -.
    pub fn decode(text: &str) -> Option<Usp> {
        let answers: Vec<UspAnswer> =
            text.strip_prefix('1')?.chars().map(UspAnswer::from_letter).collect::<Option<_>>()?;
        let [notice, opt_out_sale, lspa_covered] = answers[..] else { return None };
        Some(Usp { notice, opt_out_sale, lspa_covered })
    }

    pub fn encode(&self) -> String {
        ['1', self.notice.letter(), self.opt_out_sale.letter(), self.lspa_covered.letter()].iter().collect()
    }

    fn fields(&self) -> Value {
        json!({
            "Version": 1,
            "Notice": self.notice.letter(),
            "OptOutSale": self.opt_out_sale.letter(),
            "LspaCovered": self.lspa_covered.letter(),
        })
    }
}

/// No register names as many sections as this.
const MOST_SECTIONS: u64 = 1024;

/// The section ids of a header, padded to letters as in the specification or to bytes as in the reference code.
fn read_header(text: &str) -> Result<Vec<u16>, Fault> {
    let mut reader = Reader::new(text)?;
    if (reader.int(6)?, reader.int(6)?) != (3, 1) {
        return Err(Fault::Header);
    }
    let mut ids = vec![];
    let mut before = 0u64;
    for _ in 0..reader.int(12)? {
        let is_row = reader.bit()?;
        let first = before.saturating_add(reader.fibonacci()?);
        let last = if is_row { first.saturating_add(reader.fibonacci()?) } else { first };
        if last > MOST_SECTIONS || first <= before {
            return Err(Fault::Ids);
        }
        ids.extend((first..=last).filter_map(|id| u16::try_from(id).ok()));
        before = last;
    }
    Ok(ids)
}

/// The header for ascending ids.
fn write_header(ids: &[u16]) -> String {
    let rows = ids.iter().copied().collect::<bits::IdSet>().ranges();
    let mut out = Writer::new();
    out.int(3, 6);
    out.int(1, 6);
    out.int(rows.len() as u64, 12);
    let mut before = 0;
    for (first, last) in rows {
        out.bit(first != last);
        out.fibonacci(u64::from(first - before));
        if first != last {
            out.fibonacci(u64::from(last - first));
        }
        before = last;
    }
    out.base64url(8)
}

#[cfg(test)]
mod tests;
