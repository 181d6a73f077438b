//! From a TC string to text.

use super::{Letters, Publisher, Restrictions, TcString};
use crate::clock::Timestamp;
use crate::consent::trade::bits::{IdSet, Writer};

/// The reference encoder fills each segment to this many bits.
const UNIT: usize = 24;

/// The most entries a list of ranges can count.
const MOST_ENTRIES: usize = 4095;

impl TcString {
    /// The text of [`TcString::as_written`]: core, DisclosedVendors, PublisherTC.
    pub fn encode(&self) -> String {
        let written = self.as_written();
        let mut disclosed = Writer::new();
        disclosed.int(1, 3);
        write_vendors(&mut disclosed, &written.disclosed_vendors.clone().unwrap_or_default());
        let publisher = write_publisher(&written.publisher.clone().unwrap_or_default());
        [write_core(&written), disclosed, publisher].map(|segment| segment.base64url(UNIT)).join(".")
    }
}

fn write_core(tc: &TcString) -> Writer {
    let mut out = Writer::new();
    out.int(2, 6);
    write_time(&mut out, tc.created);
    write_time(&mut out, tc.last_updated);
    out.int(tc.cmp_id.into(), 12);
    out.int(tc.cmp_version.into(), 12);
    out.int(tc.consent_screen.into(), 6);
    write_letters(&mut out, tc.consent_language);
    out.int(tc.vendor_list_version.into(), 12);
    out.int(tc.policy_version.into(), 6);
    out.bit(tc.is_service_specific);
    out.bit(tc.use_non_standard_texts);
    write_field(&mut out, &tc.special_feature_opt_ins, 12);
    write_field(&mut out, &tc.purposes_consent, 24);
    write_field(&mut out, &tc.purposes_li, 24);
    out.bit(tc.purpose_one_treatment);
    write_letters(&mut out, tc.publisher_cc);
    write_vendors(&mut out, &tc.vendor_consents);
    write_vendors(&mut out, &tc.vendor_li);
    write_restrictions(&mut out, &tc.restrictions);
    out
}

fn write_time(out: &mut Writer, time: Timestamp) {
    out.int(u64::try_from(time.0.div_euclid(100)).unwrap_or(0), 36);
}

fn write_letters(out: &mut Writer, letters: Letters) {
    for letter in letters.0 {
        out.int(u64::from(letter.saturating_sub(b'A')), 6);
    }
}

fn write_field(out: &mut Writer, set: &IdSet, width: u16) {
    (1..=width).for_each(|id| out.bit(set.contains(id)));
}

/// Vendors as a bit field or as ranges, whichever is shorter by the reference encoder's reckoning, so that the strings
/// are the same. It never uses ranges up to vendor 45, counts 16 bits for a single vendor and 33 for a row (written are
/// 17 and 33), and leaves the last vendor's own 16 bits out of the count.
fn write_vendors(out: &mut Writer, set: &IdSet) {
    let greatest = set.max();
    let ranges = set.ranges();
    let counted: usize =
        ranges.iter().map(|(first, last)| if first == last { 16 } else { 33 }).sum::<usize>() + 16 + 1 + 12;
    let by_range =
        greatest > 45 && counted < 16 + 1 + usize::from(greatest) + 16 && ranges.len() <= MOST_ENTRIES;
    out.int(greatest.into(), 16);
    out.bit(by_range);
    if by_range { write_ranges(out, &ranges) } else { write_field(out, set, greatest) }
}

fn write_ranges(out: &mut Writer, ranges: &[(u16, u16)]) {
    out.int(ranges.len() as u64, 12);
    for (first, last) in ranges {
        out.bit(first != last);
        out.int(u64::from(*first), 16);
        if first != last {
            out.int(u64::from(*last), 16);
        }
    }
}

/// Restrictions by purpose and kind. More rows than one list can count continue in a further one.
fn write_restrictions(out: &mut Writer, restrictions: &Restrictions) {
    let mut lists = Writer::new();
    let mut count = 0;
    for ((purpose, kind), vendors) in restrictions {
        for ranges in vendors.ranges().chunks(MOST_ENTRIES) {
            count += 1;
            lists.int(u64::from(*purpose), 6);
            lists.int(u64::from(kind.number()), 2);
            write_ranges(&mut lists, ranges);
        }
    }
    out.int(count, 12);
    out.append(&lists);
}

fn write_publisher(publisher: &Publisher) -> Writer {
    let mut out = Writer::new();
    out.int(3, 3);
    write_field(&mut out, &publisher.purposes_consent, 24);
    write_field(&mut out, &publisher.purposes_li, 24);
    out.int(publisher.custom_purposes.into(), 6);
    write_field(&mut out, &publisher.custom_consent, publisher.custom_purposes.into());
    write_field(&mut out, &publisher.custom_li, publisher.custom_purposes.into());
    out
}
