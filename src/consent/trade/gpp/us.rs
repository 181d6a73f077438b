//! The sections of the United States: national (7), California (8) and the other states (9 to 27).
//!
//! Each is a version of six bits and answers of two bits: 0 not applicable, 1 yes (notice given, opted out), 2 no; for
//! consents of children 1 is no consent and 2 consent. Layouts: the sections' specifications of December 2025.

use serde_json::{Map, Value, json};

use crate::consent::trade::bits::{Reader, Writer};

/// A section of the United States.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsSection {
    layout: &'static Layout,
    /// The answers in the order of the layout, each list as long as the layout says.
    answers: Vec<Vec<u8>>,
    second: Second,
}

/// What follows the core after a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Second {
    None,
    Gpc(bool),
    /// Answers about sensitive data, where a state has them apart.
    Sensitive(Vec<u8>),
}

/// What a visitor chose, as the sections of this shop say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsChoice {
    /// Opted out of sale, sharing and targeted advertising.
    pub opted_out: bool,
    /// Known to be a child or a minor: no consent to anything about them.
    pub known_child: bool,
    /// The browser said `Sec-GPC: 1`.
    pub gpc: bool,
}

impl UsSection {
    /// The national section, version 2, for a shop that tells of the choice and is no party to the MSPA.
    pub fn national(choice: UsChoice) -> UsSection {
        UsSection::of(&NATIONAL, choice)
    }

    /// The Californian section.
    pub fn california(choice: UsChoice) -> UsSection {
        UsSection::of(&CALIFORNIA, choice)
    }

    fn of(layout: &'static Layout, choice: UsChoice) -> UsSection {
        let answer = |name| match name {
            "SharingNotice"
            | "SaleOptOutNotice"
            | "SharingOptOutNotice"
            | "TargetedAdvertisingOptOutNotice" => 1,
            "SaleOptOut" | "SharingOptOut" | "TargetedAdvertisingOptOut" => {
                if choice.opted_out {
                    1
                } else {
                    2
                }
            }
            "KnownChildSensitiveDataConsents" if choice.known_child => 1,
            "MspaCoveredTransaction" => 2,
            _ => 0,
        };
        let answers =
            layout.fields.iter().map(|(name, count)| vec![answer(*name); usize::from(*count)]).collect();
        UsSection { layout, answers, second: Second::Gpc(choice.gpc) }
    }

    /// Reads a section of this id. None for an id without layout, another version than is known, an answer that means
    /// nothing, or a text that ends too soon or goes on.
    pub fn decode(id: u16, text: &str) -> Option<UsSection> {
        let mut parts = text.split('.');
        let mut core = Reader::new(parts.next()?).ok()?;
        let version = core.tiny(6).ok()?;
        let layout = LAYOUTS.iter().copied().find(|layout| layout.id == id && layout.version == version)?;
        let answers =
            layout.fields.iter().map(|(_, count)| read_answers(&mut core, *count)).collect::<Option<_>>()?;
        let second = match parts.next() {
            None => Second::None,
            Some(part) => layout.read_second(&mut Reader::new(part).ok()?)?,
        };
        parts.next().is_none().then_some(UsSection { layout, answers, second })
    }

    /// The text as the reference library writes it: each part filled to bytes.
    pub fn encode(&self) -> String {
        let mut core = Writer::new();
        core.int(self.layout.version.into(), 6);
        self.answers.iter().flatten().for_each(|answer| core.int(u64::from(*answer), 2));
        let mut text = core.base64url(8);
        let mut second = Writer::new();
        match &self.second {
            Second::None => return text,
            Second::Gpc(gpc) => {
                second.int(GPC_PART, 2);
                second.bit(*gpc);
            }
            Second::Sensitive(answers) => {
                answers.iter().for_each(|answer| second.int(u64::from(*answer), 2));
            }
        }
        text.push('.');
        text.push_str(&second.base64url(8));
        text
    }

    pub fn id(&self) -> u16 {
        self.layout.id
    }

    /// The prefix of the client-side API: `usnat`, `usca`.
    pub fn name(&self) -> &'static str {
        self.layout.name
    }

    pub fn version(&self) -> u8 {
        self.layout.version
    }

    /// The answers of a field by its name in the specification; a field of one answer has one.
    pub fn answers(&self, name: &str) -> Option<&[u8]> {
        let place = self.layout.fields.iter().position(|(known, _)| *known == name)?;
        self.answers.get(place).map(Vec::as_slice)
    }

    /// Global Privacy Control as the section repeats it; none where it says nothing of it.
    pub fn gpc(&self) -> Option<bool> {
        match self.second {
            Second::Gpc(gpc) => Some(gpc),
            _ => None,
        }
    }

    /// The section as scripts are told it: an object for each part, fields named as in the specification.
    pub fn parts(&self) -> Value {
        let mut core = Map::new();
        let version = if self.layout.is_mspa() { "MspaVersion" } else { "Version" };
        core.insert(version.to_string(), self.layout.version.into());
        for ((name, count), answers) in self.layout.fields.iter().zip(&self.answers) {
            let value = match (*count, answers.first()) {
                (1, Some(answer)) => json!(answer),
                _ => json!(answers),
            };
            core.insert((*name).to_string(), value);
        }
        match &self.second {
            Second::None => json!([core]),
            Second::Gpc(gpc) => json!([core, { "SubsectionType": GPC_PART, "Gpc": gpc }]),
            Second::Sensitive(answers) => json!([core, { "SensitiveDataProcessing": answers }]),
        }
    }
}

const GPC_PART: u64 = 1;

fn read_answers(reader: &mut Reader, count: u8) -> Option<Vec<u8>> {
    (0..count).map(|_| reader.tiny(2).ok().filter(|answer| *answer <= 2)).collect()
}

/// How a section is laid out: answers of two bits by name and number, after six bits of version.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    id: u16,
    name: &'static str,
    version: u8,
    fields: &'static [(&'static str, u8)],
    /// What the part after the core is about.
    second: Part,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    None,
    Gpc,
    Sensitive(u8),
}

impl Layout {
    fn read_second(&self, reader: &mut Reader) -> Option<Second> {
        match self.second {
            Part::None => None,
            Part::Gpc => {
                (reader.int(2).ok()? == GPC_PART).then_some(())?;
                Some(Second::Gpc(reader.bit().ok()?))
            }
            Part::Sensitive(count) => Some(Second::Sensitive(read_answers(reader, count)?)),
        }
    }

    /// The states that joined in October 2025 begin with the version of the MSPA instead of their own.
    fn is_mspa(&self) -> bool {
        self.id >= 24
    }
}

const fn layout(id: u16, name: &'static str, fields: &'static [(&'static str, u8)], second: Part) -> Layout {
    Layout { id, name, version: 1, fields, second }
}

static NATIONAL: Layout = Layout {
    id: super::US_NATIONAL,
    name: "usnat",
    version: 2,
    fields: &[
        ("SharingNotice", 1),
        ("SaleOptOutNotice", 1),
        ("SharingOptOutNotice", 1),
        ("TargetedAdvertisingOptOutNotice", 1),
        ("SensitiveDataProcessingOptOutNotice", 1),
        ("SensitiveDataLimitUseNotice", 1),
        ("SaleOptOut", 1),
        ("SharingOptOut", 1),
        ("TargetedAdvertisingOptOut", 1),
        ("SensitiveDataProcessing", 16),
        ("KnownChildSensitiveDataConsents", 3),
        ("PersonalDataConsents", 1),
        ("MspaCoveredTransaction", 1),
        ("MspaOptOutOptionMode", 1),
        ("MspaServiceProviderMode", 1),
    ],
    second: Part::Gpc,
};

static NATIONAL_1: Layout = layout(
    super::US_NATIONAL,
    "usnat",
    &[
        ("SharingNotice", 1),
        ("SaleOptOutNotice", 1),
        ("SharingOptOutNotice", 1),
        ("TargetedAdvertisingOptOutNotice", 1),
        ("SensitiveDataProcessingOptOutNotice", 1),
        ("SensitiveDataLimitUseNotice", 1),
        ("SaleOptOut", 1),
        ("SharingOptOut", 1),
        ("TargetedAdvertisingOptOut", 1),
        ("SensitiveDataProcessing", 12),
        ("KnownChildSensitiveDataConsents", 2),
        ("PersonalDataConsents", 1),
        ("MspaCoveredTransaction", 1),
        ("MspaOptOutOptionMode", 1),
        ("MspaServiceProviderMode", 1),
    ],
    Part::Gpc,
);

static CALIFORNIA: Layout = layout(
    super::US_CALIFORNIA,
    "usca",
    &[
        ("SaleOptOutNotice", 1),
        ("SharingOptOutNotice", 1),
        ("SensitiveDataLimitUseNotice", 1),
        ("SaleOptOut", 1),
        ("SharingOptOut", 1),
        ("SensitiveDataProcessing", 9),
        ("KnownChildSensitiveDataConsents", 2),
        ("PersonalDataConsents", 1),
        ("MspaCoveredTransaction", 1),
        ("MspaOptOutOptionMode", 1),
        ("MspaServiceProviderMode", 1),
    ],
    Part::Gpc,
);

/// The fields of the later states, which differ in how many kinds of data and ages they ask about.
macro_rules! state {
    ($notice:literal, $sensitive:literal, $child:literal $(, $additional:literal)?) => {
        &[
            ($notice, 1),
            ("SaleOptOutNotice", 1),
            ("TargetedAdvertisingOptOutNotice", 1),
            ("SaleOptOut", 1),
            ("TargetedAdvertisingOptOut", 1),
            ("SensitiveDataProcessing", $sensitive),
            ("KnownChildSensitiveDataConsents", $child),
            $(($additional, 1),)?
            ("MspaCoveredTransaction", 1),
            ("MspaOptOutOptionMode", 1),
            ("MspaServiceProviderMode", 1),
        ]
    };
}

static VIRGINIA: Layout = layout(9, "usva", state!("SharingNotice", 8, 1), Part::None);
static COLORADO: Layout = layout(10, "usco", state!("SharingNotice", 7, 1), Part::Gpc);
static UTAH: Layout = layout(
    11,
    "usut",
    &[
        ("SharingNotice", 1),
        ("SaleOptOutNotice", 1),
        ("TargetedAdvertisingOptOutNotice", 1),
        ("SensitiveDataProcessingOptOutNotice", 1),
        ("SaleOptOut", 1),
        ("TargetedAdvertisingOptOut", 1),
        ("SensitiveDataProcessing", 8),
        ("KnownChildSensitiveDataConsents", 1),
        ("MspaCoveredTransaction", 1),
        ("MspaOptOutOptionMode", 1),
        ("MspaServiceProviderMode", 1),
    ],
    Part::None,
);
static CONNECTICUT: Layout = layout(12, "usct", state!("SharingNotice", 8, 3), Part::Gpc);
static FLORIDA: Layout =
    layout(13, "usfl", state!("ProcessingNotice", 8, 3, "AdditionalDataProcessingConsent"), Part::None);
static MONTANA: Layout =
    layout(14, "usmt", state!("SharingNotice", 8, 3, "AdditionalDataProcessingConsent"), Part::Gpc);
static OREGON: Layout =
    layout(15, "usor", state!("ProcessingNotice", 11, 3, "AdditionalDataProcessingConsent"), Part::Gpc);
static TEXAS: Layout =
    layout(16, "ustx", state!("ProcessingNotice", 8, 1, "AdditionalDataProcessingConsent"), Part::Gpc);
static DELAWARE: Layout =
    layout(17, "usde", state!("ProcessingNotice", 9, 5, "AdditionalDataProcessingConsent"), Part::Gpc);
static IOWA: Layout = layout(
    18,
    "usia",
    &[
        ("ProcessingNotice", 1),
        ("SaleOptOutNotice", 1),
        ("TargetedAdvertisingOptOutNotice", 1),
        ("SensitiveDataOptOutNotice", 1),
        ("SaleOptOut", 1),
        ("TargetedAdvertisingOptOut", 1),
        ("SensitiveDataProcessing", 8),
        ("KnownChildSensitiveDataConsents", 1),
        ("MspaCoveredTransaction", 1),
        ("MspaOptOutOptionMode", 1),
        ("MspaServiceProviderMode", 1),
    ],
    Part::Gpc,
);
static NEBRASKA: Layout =
    layout(19, "usne", state!("ProcessingNotice", 8, 1, "AdditionalDataProcessingConsent"), Part::Gpc);
static NEW_HAMPSHIRE: Layout =
    layout(20, "usnh", state!("ProcessingNotice", 8, 3, "AdditionalDataProcessingConsent"), Part::Gpc);
static NEW_JERSEY: Layout =
    layout(21, "usnj", state!("ProcessingNotice", 10, 5, "AdditionalDataProcessingConsent"), Part::Gpc);
static TENNESSEE: Layout =
    layout(22, "ustn", state!("ProcessingNotice", 8, 1, "AdditionalDataProcessingConsent"), Part::Gpc);
static MINNESOTA: Layout =
    layout(23, "usmn", state!("ProcessingNotice", 8, 1, "AdditionalDataProcessingConsent"), Part::Gpc);

// The four below are read as the reference library (3.2.0) writes them. Their specifications (public comment, October
// 2025) put a header before the core, which no known encoder writes; such a text begins with the section's id where the
// version is expected, and so stays text.
static MARYLAND: Layout = layout(
    24,
    "usmd",
    &[
        ("MspaCoveredTransaction", 1),
        ("MspaMode", 1),
        ("ProcessingNotice", 1),
        ("SaleOptOutNotice", 1),
        ("TargetedAdvertisingOptOutNotice", 1),
        ("SaleOptOut", 1),
        ("TargetedAdvertisingOptOut", 1),
        ("AdditionalDataProcessingConsent", 1),
    ],
    Part::Gpc,
);
const LATEST: &[(&str, u8)] = &[
    ("MspaCoveredTransaction", 1),
    ("MspaMode", 1),
    ("ProcessingNotice", 1),
    ("SaleOptOutNotice", 1),
    ("TargetedAdvertisingOptOutNotice", 1),
    ("SaleOptOut", 1),
    ("TargetedAdvertisingOptOut", 1),
    ("KnownChildSensitiveDataConsents", 1),
    ("AdditionalDataProcessingConsent", 1),
];
static INDIANA: Layout = layout(25, "usin", LATEST, Part::Sensitive(8));
static KENTUCKY: Layout = layout(26, "usky", LATEST, Part::Sensitive(8));
static RHODE_ISLAND: Layout = layout(27, "usri", LATEST, Part::Sensitive(8));

static LAYOUTS: [&Layout; 22] = [
    &NATIONAL,
    &NATIONAL_1,
    &CALIFORNIA,
    &VIRGINIA,
    &COLORADO,
    &UTAH,
    &CONNECTICUT,
    &FLORIDA,
    &MONTANA,
    &OREGON,
    &TEXAS,
    &DELAWARE,
    &IOWA,
    &NEBRASKA,
    &NEW_HAMPSHIRE,
    &NEW_JERSEY,
    &TENNESSEE,
    &MINNESOTA,
    &MARYLAND,
    &INDIANA,
    &KENTUCKY,
    &RHODE_ISLAND,
];
