//! The fields of a scope, each ordered narrow to wide.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// "Up to n" or "no limit" (`null` in JSON). 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cap(pub Option<i64>);

impl Cap {
    /// Nothing at all.
    pub const NONE: Cap = Cap(Some(0));
    /// As much as anyone likes.
    pub const NO_LIMIT: Cap = Cap(None);

    /// Up to `n`; anything below 0 is none.
    pub const fn up_to(n: i64) -> Cap {
        Cap(Some(if n < 0 { 0 } else { n }))
    }

    /// Whether everything the other cap lets through passes here.
    pub fn admits(self, other: Cap) -> bool {
        match (self.0, other.0) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(here), Some(there)) => there <= here,
        }
    }

    /// Whether it lets nothing through.
    pub fn is_none(self) -> bool {
        self.0.is_some_and(|n| n <= 0)
    }
}

/// An enum whose variants are written in JSON as in LICENCES, section 1, and are ordered narrow to wide.
macro_rules! words_enum {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),* }

        impl $name {
            /// Every value, narrow to wide.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The value as it is written in JSON and in forms.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// The value of this word.
            pub fn parse(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|v| v.as_str() == text)
            }
        }
    )* };
}

words_enum! {
    /// Where a finished work may appear.
    Medium {
        Personal = "personal", Web = "web", Social = "social", Podcast = "podcast", PaidAds = "paid_ads",
        ELearning = "e_learning", Game = "game", App = "app", OnHold = "on_hold", Venue = "venue",
        Event = "event", Physical = "physical", Tv = "tv", Radio = "radio", Vod = "vod",
        Festival = "festival", Cinema = "cinema", AiTraining = "ai_training",
    }
    /// How many finished works may carry the track.
    Works { None = "none", One = "one", Series = "series", Any = "any" }
    /// To how many clients a finished work may be handed.
    ClientPassing { None = "none", One = "one", Many = "many" }
    /// What may be done to the recording itself.
    Alteration { None = "none", Edit = "edit", Sample = "sample" }
    /// Whether the work must carry a credit line; not required is the wider.
    Attribution { Required = "required", NotRequired = "not_required" }
    /// Whether the work's sound may be registered in a claim system.
    ResultClaiming { Forbidden = "forbidden", Allowed = "allowed" }
    /// Whether public performance is part of the licence.
    PerformanceRight { Excluded = "excluded", AsTrack = "as_track", Included = "included" }
    /// What is delivered.
    FileKind { Mp3 = "mp3", Wav = "wav", Versions = "versions", Stems = "stems" }
    /// One field of a scope, by its name in JSON.
    Field {
        Media = "media", Works = "works", SeriesEpisodesMax = "series_episodes_max",
        SeriesMonthsMax = "series_months_max", CopiesMax = "copies_max", StreamsMax = "streams_max",
        AudienceMax = "audience_max", AdSpendCentsMax = "ad_spend_cents_max", BudgetCentsMax = "budget_cents_max",
        StaffMax = "staff_max", Seats = "seats", ChannelsMax = "channels_max", Territory = "territory",
        Term = "term", ClientPassing = "client_passing", Alteration = "alteration", Attribution = "attribution",
        ResultClaiming = "result_claiming", PerformanceRight = "performance_right",
        IndemnityCents = "indemnity_cents", Files = "files", Exclusive = "exclusive",
    }
}

impl Medium {
    /// Media that are received at a place, so that a territory means something (LICENCES, section 1).
    pub fn is_place_bound(self) -> bool {
        use Medium::*;
        matches!(self, Tv | Radio | Vod | Cinema | Festival | OnHold | Venue | Event)
    }

    /// The medium as a buyer would say it, inside a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Medium::Personal => "private listening",
            Medium::Web => "websites",
            Medium::Social => "social media",
            Medium::Podcast => "podcasts",
            Medium::PaidAds => "paid adverts online",
            Medium::ELearning => "e-learning",
            Medium::Game => "games",
            Medium::App => "apps",
            Medium::OnHold => "telephone on-hold music",
            Medium::Venue => "shops and venues",
            Medium::Event => "live events",
            Medium::Physical => "physical copies",
            Medium::Tv => "television",
            Medium::Radio => "radio",
            Medium::Vod => "streaming and video-on-demand services",
            Medium::Festival => "film festivals",
            Medium::Cinema => "cinema",
            Medium::AiTraining => "training a named AI model",
        }
    }
}

/// A set of media that is never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "BTreeSet<Medium>", into = "BTreeSet<Medium>")]
pub struct Media(BTreeSet<Medium>);

impl Media {
    /// The set, or nothing when there is no medium in it.
    pub fn new(media: impl IntoIterator<Item = Medium>) -> Option<Media> {
        let set: BTreeSet<Medium> = media.into_iter().collect();
        (!set.is_empty()).then_some(Media(set))
    }

    /// This medium alone.
    pub fn one(medium: Medium) -> Media {
        Media(BTreeSet::from([medium]))
    }

    /// This set with more media in it.
    pub fn and(&self, more: &[Medium]) -> Media {
        Media(self.0.iter().chain(more).copied().collect())
    }

    /// Whether this medium is among them.
    pub fn has(&self, medium: Medium) -> bool {
        self.0.contains(&medium)
    }

    /// The media, narrow to wide.
    pub fn iter(&self) -> impl Iterator<Item = Medium> + '_ {
        self.0.iter().copied()
    }

    /// Whether every medium of the other set is in this one.
    pub fn admits(&self, other: &Media) -> bool {
        other.0.is_subset(&self.0)
    }
}

impl TryFrom<BTreeSet<Medium>> for Media {
    type Error = &'static str;
    fn try_from(set: BTreeSet<Medium>) -> Result<Media, Self::Error> {
        Media::new(set).ok_or("a scope names at least one medium")
    }
}

impl From<Media> for BTreeSet<Medium> {
    fn from(media: Media) -> Self {
        media.0
    }
}

/// In how many territory groups the place-bound media may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Territory {
    None,
    Groups(u8),
    Worldwide,
}

/// How long new works may be published under the licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// Calendar months from the day of issue.
    Months(u32),
    Perpetual,
    /// As long as a subscription runs; works published in that time stay covered for ever.
    WhileSubscribed,
}

impl Term {
    /// Perpetual admits every term; months admit fewer months; a subscription admits only itself.
    pub fn admits(self, other: Term) -> bool {
        match (self, other) {
            (Term::Perpetual, _) => true,
            (Term::Months(here), Term::Months(there)) => there <= here,
            (here, there) => here == there,
        }
    }
}
