//! The TC string of IAB Europe's Transparency and Consent Framework, version 2 (specification 2.3, February 2026): what
//! it says, how it is written and read, and which strings are good enough to be acted on.
//!
//! Reading is generous: segments in any order, any policy version, strings of other encoders. Writing is strict and
//! matches the reference encoder bit for bit. Nothing here decides whom a visitor's browser may contact.

pub mod list;
mod page;
mod read;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use super::bits::{self, IdSet};
use crate::clock::{DAY, Timestamp};
use crate::consent::constants::{DISCLOSURE_FROM, LEAST_POLICY};
use list::VendorList;

/// What a TC string says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcString {
    /// When the string was first made, to a tenth of a second; since TCF 2.2 a UTC day.
    pub created: Timestamp,
    pub last_updated: Timestamp,
    /// The id and version of the consent manager that wrote the string.
    pub cmp_id: u16,
    pub cmp_version: u16,
    /// Which of its screens was shown.
    pub consent_screen: u8,
    pub consent_language: Letters,
    pub vendor_list_version: u16,
    pub policy_version: u8,
    /// Valid on this service alone. Strings that say no have had no effect since September 2021.
    pub is_service_specific: bool,
    pub use_non_standard_texts: bool,
    /// Special features opted into, 1 to 12.
    pub special_feature_opt_ins: IdSet,
    /// Purposes consented to, 1 to 24.
    pub purposes_consent: IdSet,
    /// Purposes with a legitimate interest that was not objected to, 1 to 24.
    pub purposes_li: IdSet,
    /// Purpose 1 was not asked about at all.
    pub purpose_one_treatment: bool,
    /// Country of the publisher, ISO 3166-1; `AA` for none.
    pub publisher_cc: Letters,
    pub vendor_consents: IdSet,
    pub vendor_li: IdSet,
    /// What the publisher forbids or demands of vendors, by purpose.
    pub restrictions: Restrictions,
    /// Vendors the visitor was told about. A must since TCF 2.3.
    pub disclosed_vendors: Option<IdSet>,
    /// Vendors the publisher allows: obsolete, read and never written.
    pub allowed_vendors: Option<IdSet>,
    pub publisher: Option<Publisher>,
}

/// For whom a publisher limits which purpose, and how.
pub type Restrictions = BTreeMap<(u8, Restriction), IdSet>;

/// How a publisher limits a vendor's use of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restriction {
    NotAllowed,
    RequireConsent,
    RequireLegitimateInterest,
}

impl Restriction {
    /// The number it has in a string.
    pub fn number(self) -> u8 {
        match self {
            Restriction::NotAllowed => 0,
            Restriction::RequireConsent => 1,
            Restriction::RequireLegitimateInterest => 2,
        }
    }

    fn from_number(number: u8) -> Option<Restriction> {
        [Restriction::NotAllowed, Restriction::RequireConsent, Restriction::RequireLegitimateInterest]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// What the visitor said to the publisher itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publisher {
    pub purposes_consent: IdSet,
    pub purposes_li: IdSet,
    /// How many purposes of its own the publisher has, at most 63.
    pub custom_purposes: u8,
    pub custom_consent: IdSet,
    pub custom_li: IdSet,
}

/// Two capital letters: a language or a country.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Letters([u8; 2]);

impl Letters {
    /// The country of a publisher that names none.
    pub const NOWHERE: Letters = Letters(*b"AA");
    pub const ENGLISH: Letters = Letters(*b"EN");

    /// Two letters of the English alphabet in either case.
    pub fn new(text: &str) -> Option<Letters> {
        let pair: [u8; 2] = text.as_bytes().try_into().ok()?;
        pair.iter().all(u8::is_ascii_alphabetic).then(|| Letters(pair.map(|b| b.to_ascii_uppercase())))
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl fmt::Debug for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Why a text is no TC string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Bits(bits::Fault),
    /// A core segment of another version than 2.
    Version(u8),
    /// A segment of a kind that does not exist.
    Segment(u8),
    /// The same segment twice.
    Twice,
    /// No core segment.
    NoCore,
    /// A language or country that is not two letters.
    Letters,
    /// Vendors from a number to a smaller one, or the vendor 0.
    Range,
    /// A restriction of an unknown kind, or of purpose 0.
    Restriction,
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
            Fault::Version(version) => write!(f, "version {version} of the core segment"),
            Fault::Segment(kind) => write!(f, "a segment of kind {kind}"),
            Fault::Twice => f.write_str("a segment twice"),
            Fault::NoCore => f.write_str("no core segment"),
            Fault::Letters => f.write_str("no two letters where a language or country belongs"),
            Fault::Range => f.write_str("vendors in no order"),
            Fault::Restriction => f.write_str("a publisher restriction of no known kind"),
        }
    }
}

/// Why a string that can be read is not acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    NotServiceSpecific,
    DisclosedVendorsMissing,
    PolicyVersionBelow4,
}

impl Refusal {
    /// One word for logs and tests.
    pub fn word(self) -> &'static str {
        match self {
            Refusal::NotServiceSpecific => "not_service_specific",
            Refusal::DisclosedVendorsMissing => "disclosed_vendors_missing",
            Refusal::PolicyVersionBelow4 => "policy_version_below_4",
        }
    }
}

/// Purposes for which the framework knows no legitimate interest (TCF 2.2 for 3 to 6; purpose 1 never had one).
pub const CONSENT_ONLY: [u16; 5] = [1, 3, 4, 5, 6];

/// Who writes a string: the operator's registered consent manager. Without one no string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cmp {
    id: u16,
    version: u16,
    country: Letters,
}

impl Cmp {
    /// The id IAB Europe gave (2 to 4095; 0 and 1 are nobody's), the version of this consent manager (at most 4095) and
    /// the publisher's country.
    pub fn registered(id: u16, version: u16, country: Letters) -> Option<Cmp> {
        ((2..=0xfff).contains(&id) && version <= 0xfff).then_some(Cmp { id, version, country })
    }

    pub fn id(&self) -> u16 {
        self.id
    }

    pub fn version(&self) -> u16 {
        self.version
    }
}

impl TcString {
    /// The string of someone who was told about these vendors of the list and has granted nothing.
    pub fn refusal(
        cmp: Cmp,
        list: &VendorList,
        language: Letters,
        disclosed: IdSet,
        now: Timestamp,
    ) -> TcString {
        TcString {
            created: now,
            last_updated: now,
            cmp_id: cmp.id,
            cmp_version: cmp.version,
            consent_screen: 1,
            consent_language: language,
            vendor_list_version: list.version,
            policy_version: list.policy_version,
            is_service_specific: true,
            use_non_standard_texts: false,
            special_feature_opt_ins: IdSet::new(),
            purposes_consent: IdSet::new(),
            purposes_li: IdSet::new(),
            purpose_one_treatment: false,
            publisher_cc: cmp.country,
            vendor_consents: IdSet::new(),
            vendor_li: IdSet::new(),
            restrictions: Restrictions::new(),
            disclosed_vendors: Some(disclosed),
            allowed_vendors: None,
            publisher: Some(Publisher::default()),
        }
        .as_written()
    }

    /// What stays of this string when it is written: dated by the day alone, for this service alone, without
    /// legitimate interests that the framework does not know, with the vendors disclosed and without allowed ones.
    /// Numbers that have no room in their field fall away.
    pub fn as_written(&self) -> TcString {
        let day = Timestamp(self.last_updated.0.clamp(0, LAST_MOMENT).div_euclid(DAY) * DAY);
        let up_to = |set: &IdSet, most: u16| set.only(|id| id <= most);
        TcString {
            created: day,
            last_updated: day,
            cmp_id: self.cmp_id & 0xfff,
            cmp_version: self.cmp_version & 0xfff,
            consent_screen: self.consent_screen & 0x3f,
            vendor_list_version: self.vendor_list_version & 0xfff,
            policy_version: self.policy_version & 0x3f,
            is_service_specific: true,
            special_feature_opt_ins: up_to(&self.special_feature_opt_ins, 12),
            purposes_consent: up_to(&self.purposes_consent, 24),
            purposes_li: self.purposes_li.only(|id| id <= 24 && !CONSENT_ONLY.contains(&id)),
            restrictions: self
                .restrictions
                .iter()
                .filter(|((purpose, _), vendors)| (1..64).contains(purpose) && !vendors.is_empty())
                .map(|(of, vendors)| (*of, vendors.clone()))
                .collect(),
            disclosed_vendors: Some(self.disclosed_vendors.clone().unwrap_or_default()),
            allowed_vendors: None,
            publisher: Some(self.publisher.as_ref().map(Publisher::as_written).unwrap_or_default()),
            ..self.clone()
        }
    }

    /// Whether the string may be acted on, and every reason why not.
    pub fn validate(&self) -> Result<(), Vec<Refusal>> {
        let mut reasons = vec![];
        if !self.is_service_specific {
            reasons.push(Refusal::NotServiceSpecific);
        }
        if self.disclosed_vendors.is_none() && self.last_updated >= DISCLOSURE_FROM {
            reasons.push(Refusal::DisclosedVendorsMissing);
        }
        if self.policy_version < LEAST_POLICY {
            reasons.push(Refusal::PolicyVersionBelow4);
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }
}

impl Publisher {
    fn as_written(&self) -> Publisher {
        let most = self.custom_purposes.min(63);
        let own = |set: &IdSet| set.only(|id| id <= u16::from(most));
        Publisher {
            purposes_consent: self.purposes_consent.only(|id| id <= 24),
            purposes_li: self.purposes_li.only(|id| id <= 24),
            custom_purposes: most,
            custom_consent: own(&self.custom_consent),
            custom_li: own(&self.custom_li),
        }
    }
}

/// The last moment 36 bits of tenths of a second can say.
const LAST_MOMENT: i64 = ((1 << 36) - 1) * 100;

#[cfg(test)]
mod tests;
