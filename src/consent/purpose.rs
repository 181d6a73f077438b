//! What a third party may be used for. A grant is always for a purpose *and* a vendor.

use serde::{Deserialize, Serialize};

/// A purpose a visitor is asked about. What a page cannot work without is none of these: it is never asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Remembered settings of third parties.
    Preferences,
    /// Counting and behaviour statistics.
    Analytics,
    /// Embedded content of others.
    Content,
    /// Third-party advertising and its measurement.
    Ads,
    /// Advertisements chosen by past behaviour.
    AdsPersonalised,
    /// Whether a letter was opened or its links followed.
    EmailMeasurement,
}

impl Purpose {
    pub const ALL: [Purpose; 6] = [
        Purpose::Preferences,
        Purpose::Analytics,
        Purpose::Content,
        Purpose::Ads,
        Purpose::AdsPersonalised,
        Purpose::EmailMeasurement,
    ];

    /// The word in forms, cookies and receipts.
    pub fn slug(self) -> &'static str {
        match self {
            Purpose::Preferences => "preferences",
            Purpose::Analytics => "analytics",
            Purpose::Content => "content",
            Purpose::Ads => "ads",
            Purpose::AdsPersonalised => "ads_personalised",
            Purpose::EmailMeasurement => "email_measurement",
        }
    }

    /// The purpose a word names.
    pub fn parse(slug: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|p| p.slug() == slug)
    }

    /// How people call it.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Preferences => "Remembered settings",
            Purpose::Analytics => "Statistics",
            Purpose::Content => "Embedded content",
            Purpose::Ads => "Advertising",
            Purpose::AdsPersonalised => "Personalised advertising",
            Purpose::EmailMeasurement => "Letters that report back",
        }
    }

    /// One sentence on what is done. Part of what a grant was given for: another sentence is another question.
    pub fn words(self) -> &'static str {
        match self {
            Purpose::Preferences => "Others remember settings you made in what they show here.",
            Purpose::Analytics => "Counts visits and what is looked at, so that we learn which pages work.",
            Purpose::Content => "Shows things that come from other sites, which then see that you are here.",
            Purpose::Ads => "Shows advertisements of others and measures whether they were seen.",
            Purpose::AdsPersonalised => "Chooses advertisements by what you did before, here and elsewhere.",
            Purpose::EmailMeasurement => "Tells us whether you opened a letter and which links you followed.",
        }
    }

    /// The letter Consent-O-Matic knows it by.
    pub fn consent_o_matic(self) -> &'static str {
        match self {
            Purpose::Preferences => "A",
            Purpose::Analytics => "B",
            Purpose::Content => "E",
            Purpose::Ads | Purpose::AdsPersonalised => "F",
            Purpose::EmailMeasurement => "X",
        }
    }

    /// Whether it is advertising, which a member may have paid to be rid of.
    pub fn is_ads(self) -> bool {
        matches!(self, Purpose::Ads | Purpose::AdsPersonalised)
    }
}
