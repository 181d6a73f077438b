//! What a licence permits, as typed fields: compared field by field, said in plain words.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sales::words::{and, capital, or};

mod figures;
mod parts;
#[cfg(test)]
mod tests;

pub use figures::dollars;
use figures::{count, figures, people, plural};
pub use parts::*;

/// What a tier or licence permits. What is not listed is not permitted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    pub media: Media,
    pub works: Works,
    pub series_episodes_max: Cap,
    pub series_months_max: Cap,
    /// Physical copies plus sold or given downloads of one work, over its life.
    pub copies_max: Cap,
    /// Plays or impressions of one work, over its life.
    pub streams_max: Cap,
    /// People who could receive the work by television, radio, on demand or in cinemas.
    pub audience_max: Cap,
    /// US cents paid for placing one work online.
    pub ad_spend_cents_max: Cap,
    /// US cents one work costs to make.
    pub budget_cents_max: Cap,
    /// Staff of the licensee on the day of purchase; 1 is a private person.
    pub staff_max: Cap,
    /// People who may handle the delivered files.
    pub seats: Cap,
    /// Monetised channels on each platform.
    pub channels_max: Cap,
    pub territory: Territory,
    pub term: Term,
    pub client_passing: ClientPassing,
    pub alteration: Alteration,
    pub attribution: Attribution,
    pub result_claiming: ResultClaiming,
    pub performance_right: PerformanceRight,
    /// The operator's ceiling of indemnity in US cents; 0 is none.
    pub indemnity_cents: i64,
    pub files: BTreeSet<FileKind>,
    /// Whether the sale takes the track off sale for everyone else.
    pub exclusive: bool,
}

/// What a buyer says a work will be, in the same fields as a scope.
pub type Use = Scope;

/// One field of a scope with its value for programs and its sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    pub field: Field,
    pub value: Value,
    pub words: String,
}

/// Whether one field of a use lies within a scope, and the clause that decided it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub field: Field,
    pub passes: bool,
    pub clause: Clause,
}

impl Scope {
    /// The narrowest scope that names this medium: every other field grants nothing.
    pub fn narrowest(medium: Medium) -> Scope {
        Scope {
            media: Media::one(medium),
            works: Works::None,
            series_episodes_max: Cap::NONE,
            series_months_max: Cap::NONE,
            copies_max: Cap::NONE,
            streams_max: Cap::NONE,
            audience_max: Cap::NONE,
            ad_spend_cents_max: Cap::NONE,
            budget_cents_max: Cap::NONE,
            staff_max: Cap::NONE,
            seats: Cap::NONE,
            channels_max: Cap::NONE,
            territory: Territory::None,
            term: Term::Months(0),
            client_passing: ClientPassing::None,
            alteration: Alteration::None,
            attribution: Attribution::Required,
            result_claiming: ResultClaiming::Forbidden,
            performance_right: PerformanceRight::Excluded,
            indemnity_cents: 0,
            files: BTreeSet::new(),
            exclusive: false,
        }
    }

    /// One finding per field, in the order of LICENCES, section 1. The use fits when every one passes.
    pub fn fits(&self, asked: &Use) -> Vec<Finding> {
        Field::ALL
            .iter()
            .map(|field| Finding {
                field: *field,
                passes: self.admits(asked, *field),
                clause: self.clause(*field),
            })
            .collect()
    }

    /// Whether every field here is at least that of the other: who has this loses nothing of the other.
    pub fn covers(&self, other: &Scope) -> bool {
        Field::ALL.iter().all(|field| self.admits(other, *field))
    }

    /// Whether the other scope lies within this one in this field.
    pub fn admits(&self, other: &Scope, field: Field) -> bool {
        match field {
            Field::Media => self.media.admits(&other.media),
            Field::Works => other.works <= self.works,
            Field::SeriesEpisodesMax => self.series_episodes_max.admits(other.series_episodes_max),
            Field::SeriesMonthsMax => self.series_months_max.admits(other.series_months_max),
            Field::CopiesMax => self.copies_max.admits(other.copies_max),
            Field::StreamsMax => self.streams_max.admits(other.streams_max),
            Field::AudienceMax => self.audience_max.admits(other.audience_max),
            Field::AdSpendCentsMax => self.ad_spend_cents_max.admits(other.ad_spend_cents_max),
            Field::BudgetCentsMax => self.budget_cents_max.admits(other.budget_cents_max),
            Field::StaffMax => self.staff_max.admits(other.staff_max),
            Field::Seats => self.seats.admits(other.seats),
            Field::ChannelsMax => self.channels_max.admits(other.channels_max),
            Field::Territory => other.territory <= self.territory,
            Field::Term => self.term.admits(other.term),
            Field::ClientPassing => other.client_passing <= self.client_passing,
            Field::Alteration => other.alteration <= self.alteration,
            Field::Attribution => other.attribution <= self.attribution,
            Field::ResultClaiming => other.result_claiming <= self.result_claiming,
            Field::PerformanceRight => other.performance_right <= self.performance_right,
            Field::IndemnityCents => other.indemnity_cents <= self.indemnity_cents,
            Field::Files => other.files.is_subset(&self.files),
            Field::Exclusive => other.exclusive <= self.exclusive,
        }
    }

    /// Every field with its value and its sentence, in the order of LICENCES, section 1.
    pub fn clauses(&self) -> Vec<Clause> {
        Field::ALL.iter().map(|field| self.clause(*field)).collect()
    }

    /// One field with its value and its sentence.
    pub fn clause(&self, field: Field) -> Clause {
        Clause { field, value: self.value(field), words: self.words(field) }
    }

    /// The value of one field, as it stands in the scope's JSON.
    pub fn value(&self, field: Field) -> Value {
        match field {
            Field::Media => json!(self.media),
            Field::Works => json!(self.works),
            Field::SeriesEpisodesMax => json!(self.series_episodes_max),
            Field::SeriesMonthsMax => json!(self.series_months_max),
            Field::CopiesMax => json!(self.copies_max),
            Field::StreamsMax => json!(self.streams_max),
            Field::AudienceMax => json!(self.audience_max),
            Field::AdSpendCentsMax => json!(self.ad_spend_cents_max),
            Field::BudgetCentsMax => json!(self.budget_cents_max),
            Field::StaffMax => json!(self.staff_max),
            Field::Seats => json!(self.seats),
            Field::ChannelsMax => json!(self.channels_max),
            Field::Territory => json!(self.territory),
            Field::Term => json!(self.term),
            Field::ClientPassing => json!(self.client_passing),
            Field::Alteration => json!(self.alteration),
            Field::Attribution => json!(self.attribution),
            Field::ResultClaiming => json!(self.result_claiming),
            Field::PerformanceRight => json!(self.performance_right),
            Field::IndemnityCents => json!(self.indemnity_cents),
            Field::Files => json!(self.files),
            Field::Exclusive => json!(self.exclusive),
        }
    }

    /// How many territory groups the licensee names.
    pub fn groups_to_name(&self) -> u8 {
        match self.territory {
            Territory::Groups(n) => n,
            Territory::None | Territory::Worldwide => 0,
        }
    }

    /// Whether a finished work may carry the track at all.
    pub fn is_for_works(&self) -> bool {
        self.works != Works::None
    }

    fn words(&self, field: Field) -> String {
        match field {
            Field::Media => self.media_words(),
            Field::Works => self.works_words(),
            Field::SeriesEpisodesMax if !self.is_for_works() => "No series.".into(),
            Field::SeriesEpisodesMax => count(self.series_episodes_max, "A series may have", "episode", "no episodes"),
            Field::SeriesMonthsMax if !self.is_for_works() => "No series.".into(),
            Field::SeriesMonthsMax => match self.series_months_max {
                Cap(None) => "A series may run as long as it likes.".into(),
                Cap(Some(0)) => "No series.".into(),
                Cap(Some(n)) => format!("A series may run for up to {} {}.", figures(n), plural(n, "month")),
            },
            Field::CopiesMax => match self.copies_max {
                Cap(None) => "Any number of physical copies and downloads of the work.".into(),
                Cap(Some(0)) => "No physical copies or downloads of a work.".into(),
                Cap(Some(n)) => format!("Up to {} physical copies and downloads of the work, over its life.", figures(n)),
            },
            Field::StreamsMax => match self.streams_max {
                Cap(None) => "The work may be played any number of times.".into(),
                Cap(Some(0)) => "No public plays.".into(),
                Cap(Some(n)) => format!("Up to {} plays of the work, over its life.", figures(n)),
            },
            Field::AudienceMax => match self.audience_max {
                Cap(None) => "Television, radio, on-demand and cinema audiences of any size.".into(),
                Cap(Some(0)) => "No television, radio, on-demand or cinema audience.".into(),
                Cap(Some(n)) => format!(
                    "Up to {} people who could receive the work by television, radio, on demand or in cinemas.",
                    figures(n)
                ),
            },
            Field::AdSpendCentsMax => match self.ad_spend_cents_max {
                Cap(None) => "Any amount may be spent on placing the work as an advert.".into(),
                Cap(Some(0)) => "No money may be spent on placing a work as an advert.".into(),
                Cap(Some(n)) => format!("Up to {} may be spent on placing one work as an advert online.", dollars(n)),
            },
            Field::BudgetCentsMax => match self.budget_cents_max {
                Cap(None) => "The work may cost any amount to make.".into(),
                Cap(Some(0)) => "No production budget: there is no work.".into(),
                Cap(Some(n)) => format!("One work may cost up to {} to make.", dollars(n)),
            },
            Field::StaffMax => match self.staff_max {
                Cap(None) => "For private people and organisations of any size.".into(),
                Cap(Some(0)) => "For nobody.".into(),
                Cap(Some(1)) => "For one private person.".into(),
                Cap(Some(n)) => format!("For private people and organisations of up to {} people.", figures(n)),
            },
            Field::Seats => match self.seats {
                Cap(None) => "Any number of people working for you may handle the files.".into(),
                Cap(Some(0)) => "Nobody may handle the files.".into(),
                Cap(Some(1)) => "One person may handle the files.".into(),
                Cap(Some(n)) => format!("Up to {} people may handle the files.", figures(n)),
            },
            Field::ChannelsMax => match self.channels_max {
                Cap(None) => "Any number of monetised channels.".into(),
                Cap(Some(0)) => "No monetised channel.".into(),
                Cap(Some(1)) => "One monetised channel on each platform.".into(),
                Cap(Some(n)) => {
                    format!("Up to {} monetised {} on each platform.", figures(n), plural(n, "channel"))
                }
            },
            Field::Territory => self.territory_words(),
            Field::Term => match self.term {
                Term::Perpetual => "For ever.".into(),
                Term::Months(n) => format!("For {} {} from the day of issue.", figures(n.into()), plural(n.into(), "month")),
                Term::WhileSubscribed => {
                    "While the subscription runs; works published in that time stay covered for ever.".into()
                }
            },
            Field::ClientPassing => match self.client_passing {
                ClientPassing::None => "Finished works are your own: they may not be handed to clients.",
                ClientPassing::One => "The finished work may be handed to one client, for use within this licence.",
                ClientPassing::Many => "Finished works may be handed to any number of clients, for use within this licence.",
            }
            .into(),
            Field::Alteration => match self.alteration {
                Alteration::None => "The recording stays as it is.",
                Alteration::Edit => "You may cut, loop and fade the recording and mix it under other sound.",
                Alteration::Sample => {
                    "You may cut, loop, fade and mix the recording, and build new musical works from it."
                }
            }
            .into(),
            Field::Attribution => match self.attribution {
                Attribution::Required => "The credit line must appear with the work.",
                Attribution::NotRequired => "A credit is welcome, and not required.",
            }
            .into(),
            Field::ResultClaiming => match self.result_claiming {
                ResultClaiming::Forbidden => {
                    "You may not register the work's sound in a claim system such as Content ID."
                }
                ResultClaiming::Allowed => "You may register the work's sound in a claim system such as Content ID.",
            }
            .into(),
            Field::PerformanceRight => match self.performance_right {
                PerformanceRight::Excluded => "Public performance is not included.",
                PerformanceRight::AsTrack => {
                    "Public performance is included, unless a collecting society manages the track; then the society licenses it."
                }
                PerformanceRight::Included => "Public performance is included.",
            }
            .into(),
            Field::IndemnityCents if self.indemnity_cents <= 0 => "No indemnity.".into(),
            Field::IndemnityCents => format!("Indemnity up to {}.", dollars(self.indemnity_cents)),
            Field::Files => self.files_words(),
            Field::Exclusive if self.exclusive => {
                "From this sale on nobody else can license the track; earlier licences stand.".into()
            }
            Field::Exclusive => "Others may license the same track.".into(),
        }
    }

    fn media_words(&self) -> String {
        let media: Vec<&str> = self.media.iter().map(Medium::words).collect();
        let listed = and(&media);
        if self.media == Media::one(Medium::Personal) {
            "You may listen to it in private.".into()
        } else if self.media == Media::one(Medium::AiTraining) {
            "You may use it for training one named AI model, and for nothing else.".into()
        } else {
            format!("You may use it in {listed}.")
        }
    }

    fn works_words(&self) -> String {
        match self.works {
            Works::None => "No finished work may carry it.",
            Works::One => "One finished work may carry it; its translations and cut-downs are the same work.",
            Works::Series => {
                "One work, or one series of works, may carry it; translations and cut-downs are the same work."
            }
            Works::Any => "Any number of finished works may carry it.",
        }
        .into()
    }

    fn territory_words(&self) -> String {
        let places: Vec<&str> = self.media.iter().filter(|m| m.is_place_bound()).map(Medium::words).collect();
        match self.territory {
            _ if places.is_empty() => {
                "Online, everywhere: it is licensed for nothing that is bound to a place.".into()
            }
            Territory::None => format!("Online and on copies everywhere; not in {}.", or(&places)),
            Territory::Groups(1) => {
                format!("Online and on copies everywhere; {} in one territory that you name.", and(&places))
            }
            Territory::Groups(n) => {
                format!(
                    "Online and on copies everywhere; {} in up to {n} territories that you name.",
                    and(&places)
                )
            }
            Territory::Worldwide => "Everywhere.".into(),
        }
    }

    fn files_words(&self) -> String {
        let files: Vec<&str> = self
            .files
            .iter()
            .map(|file| match file {
                FileKind::Mp3 => "MP3",
                FileKind::Wav => "the master (WAV)",
                FileKind::Versions => "the versions",
                FileKind::Stems => "the stems",
            })
            .collect();
        if files.is_empty() { "No files.".into() } else { format!("Delivered as {}.", and(&files)) }
    }

    /// The line under "You may use it in" of the table of tiers.
    pub fn may_use_in(&self) -> String {
        use Medium::*;
        let has = |all: &[Medium]| all.iter().all(|m| self.media.has(*m));
        if self.exclusive {
            return "Everything, everywhere, and nobody else from then on".into();
        }
        if self.media == Media::one(AiTraining) {
            return "Training one named AI model".into();
        }
        if !self.is_for_works() {
            return "Private listening".into();
        }
        if self.works == Works::Any && has(&[Web, Game, Tv, Cinema]) {
            return "Building blocks in any work, everywhere".into();
        }
        if has(&[Web, Game, Event, Tv, Cinema]) && self.territory == Territory::Worldwide {
            return "Everything, everywhere".into();
        }
        let mut said: Vec<String> = Vec::new();
        if has(&[Tv, Radio]) {
            said.push("TV, radio".into());
        }
        for (medium, words) in [(Vod, "streaming services"), (Festival, "festivals"), (Cinema, "cinema")] {
            if self.media.has(medium) {
                said.push(words.into());
            }
        }
        if self.client_passing != ClientPassing::None {
            said.push("client work".into());
        }
        for (medium, words) in [(Game, "games"), (App, "apps"), (Venue, "shops"), (Event, "events")] {
            if self.media.has(medium) {
                said.push(words.into());
            }
        }
        if self.client_passing == ClientPassing::None {
            if has(&[Web, Social]) {
                said.push("your own channels".into());
            }
            if self.media.has(Podcast) {
                said.push("podcasts".into());
            }
            said.push("student work".into());
        }
        match self.ad_spend_cents_max {
            Cap(Some(n)) if n > 0 && self.media.has(PaidAds) => {
                said.push(format!("adverts up to {}", dollars(n)))
            }
            Cap(None) if self.media.has(PaidAds) => said.push("adverts".into()),
            _ => {}
        }
        // The list leads with what this tier is bought for; more than five is no longer read.
        said.truncate(5);
        capital(&said.join(", "))
    }

    /// The line under "Up to" of the table of tiers.
    pub fn up_to(&self) -> String {
        if !self.is_for_works() {
            return if self.media.has(Medium::AiTraining) {
                self.months().unwrap_or("No limits".into())
            } else {
                "Nothing public".into()
            };
        }
        let mut said: Vec<String> = self.months().into_iter().collect();
        if let (Cap(Some(n)), false) = (self.audience_max, self.audience_max.is_none()) {
            said.push(format!("{} people", people(n)));
        }
        if let (Cap(Some(n)), false) = (self.copies_max, self.copies_max.is_none()) {
            said.push(format!("{} copies", figures(n)));
        }
        if self.client_passing == ClientPassing::One {
            said.push("one client".into());
        }
        match (self.works, self.series_episodes_max) {
            (Works::One, _) => said.push("one work".into()),
            (Works::Series, Cap(Some(n))) => said.push(format!("one series of {} episodes", figures(n))),
            (Works::Series, Cap(None)) => said.push("one work or series of any length".into()),
            _ => {}
        }
        // The two bounds that are met first; the full text has them all.
        said.truncate(2);
        if said.is_empty() { "No limits".into() } else { capital(&said.join(" · ")) }
    }

    /// The whole scope in one breath: "You may use this in one work or one series, anywhere, for ever."
    pub fn sentence(&self) -> String {
        let what = if self.media == Media::one(Medium::AiTraining) {
            "use this to train one named AI model"
        } else {
            match self.works {
                Works::None => "listen to this in private",
                Works::One => "use this in one work and its cut-downs",
                Works::Series => "use this in one work or one series",
                Works::Any => "use this in any number of works",
            }
        };
        let place = match (self.is_for_works(), self.media.iter().any(Medium::is_place_bound), self.territory)
        {
            (false, ..) => "",
            (_, false, _) | (_, _, Territory::None) => ", online, anywhere",
            (_, _, Territory::Groups(1)) => ", online anywhere and on air in one territory",
            (_, _, Territory::Groups(_)) => ", online anywhere and on air in the territories you name",
            (_, _, Territory::Worldwide) => ", anywhere",
        };
        let time = match self.term {
            Term::Perpetual => "for ever".to_owned(),
            Term::Months(n) => format!("for {} {}", figures(n.into()), plural(n.into(), "month")),
            Term::WhileSubscribed => "for ever once published while subscribed".to_owned(),
        };
        format!("You may {what}{place}, {time}.")
    }

    fn months(&self) -> Option<String> {
        match self.term {
            Term::Months(n) => Some(format!("{} {}", figures(n.into()), plural(n.into(), "month"))),
            _ => None,
        }
    }
}
