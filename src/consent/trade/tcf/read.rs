//! From text to a TC string.

use super::{Fault, Letters, Publisher, Restriction, Restrictions, TcString};
use crate::clock::Timestamp;
use crate::consent::trade::bits::{self, IdSet, Reader};

impl TcString {
    /// Reads a string as any encoder writes it. What follows the last field of a segment is padding and not looked at.
    pub fn decode(text: &str) -> Result<TcString, Fault> {
        if text.len() > bits::LONGEST {
            return Err(bits::Fault::TooLong.into());
        }
        let mut core = None;
        let (mut disclosed, mut allowed, mut publisher) = (None, None, None);
        for segment in text.split('.') {
            let mut reader = Reader::new(segment)?;
            let version = reader.clone().tiny(6);
            match reader.tiny(3)? {
                // The core has no kind: its first three bits are those of a version below 8.
                0 => match version? {
                    2 => once(&mut core, read_core(&mut Reader::new(segment)?)?)?,
                    other => return Err(Fault::Version(other)),
                },
                1 => once(&mut disclosed, read_vendors(&mut reader)?)?,
                2 => once(&mut allowed, read_vendors(&mut reader)?)?,
                3 => once(&mut publisher, read_publisher(&mut reader)?)?,
                other => return Err(Fault::Segment(other)),
            }
        }
        let core = core.ok_or(Fault::NoCore)?;
        Ok(TcString { disclosed_vendors: disclosed, allowed_vendors: allowed, publisher, ..core })
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Fault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Fault::Twice),
    }
}

fn read_core(reader: &mut Reader) -> Result<TcString, Fault> {
    reader.int(6)?;
    Ok(TcString {
        created: read_time(reader)?,
        last_updated: read_time(reader)?,
        cmp_id: reader.small(12)?,
        cmp_version: reader.small(12)?,
        consent_screen: reader.tiny(6)?,
        consent_language: read_letters(reader)?,
        vendor_list_version: reader.small(12)?,
        policy_version: reader.tiny(6)?,
        is_service_specific: reader.bit()?,
        use_non_standard_texts: reader.bit()?,
        special_feature_opt_ins: read_field(reader, 12)?,
        purposes_consent: read_field(reader, 24)?,
        purposes_li: read_field(reader, 24)?,
        purpose_one_treatment: reader.bit()?,
        publisher_cc: read_letters(reader)?,
        vendor_consents: read_vendors(reader)?,
        vendor_li: read_vendors(reader)?,
        restrictions: read_restrictions(reader)?,
        disclosed_vendors: None,
        allowed_vendors: None,
        publisher: None,
    })
}

fn read_time(reader: &mut Reader) -> Result<Timestamp, Fault> {
    let tenths = i64::try_from(reader.int(36)?).map_err(|_| bits::Fault::Number)?;
    Ok(Timestamp(tenths * 100))
}

fn read_letters(reader: &mut Reader) -> Result<Letters, Fault> {
    let pair = [reader.tiny(6)?, reader.tiny(6)?];
    if pair.iter().any(|place| *place >= 26) {
        return Err(Fault::Letters);
    }
    Ok(Letters(pair.map(|place| b'A' + place)))
}

/// The places of the ones among so many bits, counted from one.
fn read_field(reader: &mut Reader, width: u16) -> Result<IdSet, Fault> {
    let mut set = IdSet::new();
    for id in 1..=width {
        if reader.bit()? {
            set.insert(id);
        }
    }
    Ok(set)
}

fn read_vendors(reader: &mut Reader) -> Result<IdSet, Fault> {
    let greatest = reader.small(16)?;
    let is_range = reader.bit()?;
    let mut set = IdSet::new();
    if is_range {
        read_ranges(reader, &mut set)?
    } else {
        set = read_field(reader, greatest)?
    }
    Ok(set)
}

fn read_ranges(reader: &mut Reader, into: &mut IdSet) -> Result<(), Fault> {
    for _ in 0..reader.int(12)? {
        let is_row = reader.bit()?;
        let first = reader.small(16)?;
        let last = if is_row { reader.small(16)? } else { first };
        if first == 0 || last < first {
            return Err(Fault::Range);
        }
        into.insert_range(first, last);
    }
    Ok(())
}

fn read_restrictions(reader: &mut Reader) -> Result<Restrictions, Fault> {
    let mut all = Restrictions::new();
    for _ in 0..reader.int(12)? {
        let purpose = reader.tiny(6)?;
        let kind = Restriction::from_number(reader.tiny(2)?).ok_or(Fault::Restriction)?;
        if purpose == 0 {
            return Err(Fault::Restriction);
        }
        let mut vendors = IdSet::new();
        read_ranges(reader, &mut vendors)?;
        if !vendors.is_empty() {
            let known = all.entry((purpose, kind)).or_default();
            vendors.ranges().into_iter().for_each(|(first, last)| known.insert_range(first, last));
        }
    }
    Ok(all)
}

fn read_publisher(reader: &mut Reader) -> Result<Publisher, Fault> {
    let purposes_consent = read_field(reader, 24)?;
    let purposes_li = read_field(reader, 24)?;
    let custom_purposes = reader.tiny(6)?;
    let custom_consent = read_field(reader, u16::from(custom_purposes))?;
    let custom_li = read_field(reader, u16::from(custom_purposes))?;
    Ok(Publisher { purposes_consent, purposes_li, custom_purposes, custom_consent, custom_li })
}
