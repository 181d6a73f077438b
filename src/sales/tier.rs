//! Tiers: a scope with a name, a default price and a text. The operator edits them; every edit is a new version.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::money::Cents;
use crate::proof::jcs;
use crate::sales::scope::{
    Alteration, Attribution, Cap, Clause, ClientPassing, Field, FileKind, Media, Medium, PerformanceRight,
    ResultClaiming, Scope, Term, Territory, Works,
};

/// Days in which an undownloaded order is given back without a question (LICENCES, section 6).
pub const REFUND_DAYS: i64 = 14;

/// A kind of licence: what it permits, what it costs unless the uploader says otherwise, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    pub slug: String,
    pub name: String,
    /// Whom it is for, in a few words.
    pub summary: String,
    pub scope: Scope,
    /// Fields whose value is settled in the quote; the scope's own value there is only its floor.
    pub quoted: BTreeSet<Field>,
    /// Default price; none: by quote.
    pub price_cents: Option<Cents>,
    /// Price of one more seat; none: more seats come from an upgrade.
    pub seat_step_cents: Option<Cents>,
    /// The tiers offered next, by slug.
    pub upgrades_to: Vec<String>,
    /// Sold only after a question to the uploader.
    pub on_request: bool,
    /// Place in the list of tiers, smallest first.
    pub order: i64,
}

/// How far an uploader's price may be from the tier's, in per cent (LICENCES, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceBounds {
    pub low_percent: i64,
    pub high_percent: i64,
}

impl Default for PriceBounds {
    fn default() -> Self {
        PriceBounds { low_percent: 50, high_percent: 400 }
    }
}

impl Tier {
    /// Every clause of the tier; what the quote settles says so.
    pub fn clauses(&self) -> Vec<Clause> {
        self.scope.clauses().into_iter().map(|clause| self.quote(clause)).collect()
    }

    /// Whether who has this tier may go on to the other without losing a right. What the other settles by
    /// quote is not compared here: the quote itself must not fall below what the buyer holds.
    pub fn leads_to(&self, other: &Tier) -> bool {
        Field::ALL.iter().all(|field| other.quoted.contains(field) || other.scope.admits(&self.scope, *field))
    }

    /// The least and the most an uploader may ask beside nothing at all; none for a tier by quote.
    pub fn price_range(&self, bounds: PriceBounds) -> Option<(Cents, Cents)> {
        let Cents(price) = self.price_cents?;
        let low = (price * bounds.low_percent / 100).max(100);
        Some((Cents(low), Cents((price * bounds.high_percent / 100).max(low))))
    }

    fn quote(&self, clause: Clause) -> Clause {
        if !self.quoted.contains(&clause.field) {
            return clause;
        }
        let what = match clause.field {
            Field::Seats => "How many people may handle the files is settled in the quote.",
            Field::Files => "Which files are delivered is settled in the quote.",
            Field::IndemnityCents => "The indemnity is settled in the quote.",
            _ => "This is settled in the quote.",
        };
        Clause { field: clause.field, value: json!("quote"), words: what.into() }
    }
}

/// The tiers of a new shop: LICENCES, section 2, cell by cell.
pub fn default_catalogue() -> Vec<Tier> {
    use Medium::*;
    let p = Media::one(Personal);
    let w = p.and(&[Web, Social, Podcast, PaidAds]);
    let b = w.and(&[ELearning, Game, App, OnHold, Venue, Event, Physical]);
    let t = b.and(&[Tv, Radio, Vod, Festival]);
    let f = t.and(&[Cinema]);

    let listen = Scope {
        media: p,
        staff_max: Cap::up_to(1),
        seats: Cap::up_to(1),
        term: Term::Perpetual,
        attribution: Attribution::NotRequired,
        files: BTreeSet::from([FileKind::Mp3]),
        ..Scope::narrowest(Personal)
    };
    let creator = Scope {
        media: w,
        works: Works::Series,
        series_episodes_max: Cap::up_to(52),
        series_months_max: Cap::up_to(12),
        streams_max: Cap::NO_LIMIT,
        ad_spend_cents_max: Cap::up_to(50_000),
        budget_cents_max: Cap::up_to(1_000_000),
        staff_max: Cap::up_to(10),
        channels_max: Cap::up_to(1),
        alteration: Alteration::Edit,
        result_claiming: ResultClaiming::Forbidden,
        performance_right: PerformanceRight::AsTrack,
        indemnity_cents: 1_000_000,
        files: BTreeSet::from([FileKind::Mp3, FileKind::Wav]),
        ..listen.clone()
    };
    let business = Scope {
        media: b,
        copies_max: Cap::up_to(10_000),
        ad_spend_cents_max: Cap::up_to(2_500_000),
        budget_cents_max: Cap::up_to(25_000_000),
        staff_max: Cap::NO_LIMIT,
        seats: Cap::up_to(5),
        channels_max: Cap::up_to(5),
        territory: Territory::Groups(1),
        client_passing: ClientPassing::One,
        indemnity_cents: 10_000_000,
        files: BTreeSet::from([FileKind::Mp3, FileKind::Wav, FileKind::Versions]),
        ..creator.clone()
    };
    let broadcast = Scope {
        media: t,
        copies_max: Cap::up_to(100_000),
        audience_max: Cap::up_to(10_000_000),
        ad_spend_cents_max: Cap::NO_LIMIT,
        budget_cents_max: Cap::up_to(100_000_000),
        seats: Cap::up_to(10),
        channels_max: Cap::NO_LIMIT,
        indemnity_cents: 25_000_000,
        files: FileKind::ALL.iter().copied().collect(),
        ..business.clone()
    };
    let film = Scope {
        media: f,
        series_episodes_max: Cap::NO_LIMIT,
        series_months_max: Cap::NO_LIMIT,
        copies_max: Cap::NO_LIMIT,
        audience_max: Cap::NO_LIMIT,
        budget_cents_max: Cap::NO_LIMIT,
        seats: Cap::NO_LIMIT,
        territory: Territory::Worldwide,
        client_passing: ClientPassing::Many,
        indemnity_cents: 100_000_000,
        ..broadcast.clone()
    };
    let effects = Scope {
        works: Works::Any,
        seats: Cap::up_to(1),
        alteration: Alteration::Sample,
        indemnity_cents: 1_000_000,
        files: BTreeSet::from([FileKind::Mp3, FileKind::Wav]),
        ..film.clone()
    };
    let exclusive = Scope {
        works: Works::Any,
        alteration: Alteration::Sample,
        indemnity_cents: 0,
        exclusive: true,
        ..film.clone()
    };
    let training = Scope { staff_max: Cap::NO_LIMIT, term: Term::Months(24), ..Scope::narrowest(AiTraining) };

    let mut order = 0;
    let mut tier = |slug: &str, name: &str, summary: &str, scope, price: Option<i64>, next: Option<&str>| {
        order += 1;
        Tier {
            slug: slug.into(),
            name: name.into(),
            summary: summary.into(),
            scope,
            quoted: BTreeSet::new(),
            price_cents: price.map(Cents),
            seat_step_cents: None,
            upgrades_to: next.map(String::from).into_iter().collect(),
            on_request: price.is_none(),
            order,
        }
    };
    vec![
        tier("listen", "Listen", "private listening", listen, Some(300), Some("creator")),
        tier(
            "creator",
            "Creator",
            "own channels, student and private work",
            creator,
            Some(2_900),
            Some("business"),
        ),
        tier(
            "business",
            "Business",
            "client work, ads online, games, events",
            business,
            Some(7_900),
            Some("broadcast"),
        ),
        tier("broadcast", "Broadcast", "TV, radio, VOD, festivals", broadcast, Some(24_900), Some("film")),
        tier("film", "Film & Worldwide", "everything, every place", film, Some(59_900), Some("exclusive")),
        Tier {
            seat_step_cents: Some(Cents(300)),
            ..tier("effects", "Effects & Loops", "building blocks in any work", effects, Some(900), None)
        },
        Tier {
            quoted: BTreeSet::from([Field::IndemnityCents]),
            ..tier("exclusive", "Exclusive buy-out", "sole use from now on", exclusive, None, None)
        },
        Tier {
            quoted: BTreeSet::from([Field::Seats, Field::Files]),
            ..tier("ai-training", "AI training", "training a named model", training, None, None)
        },
    ]
}

/// The tiers a new track of this kind (`music`, `loop`, `effect`) is offered at first.
pub fn offered_for(kind: &str) -> Vec<&'static str> {
    match kind {
        "music" => vec!["listen", "creator", "business", "broadcast", "film"],
        "loop" | "effect" => vec!["effects"],
        _ => Vec::new(),
    }
}

/// Whether an uploader may ask these prices: within the bounds, 0 or at least 100 cents, never falling along
/// the upgrade path. Each fault names the tier at which it stands.
pub fn check_prices(
    catalogue: &[Tier],
    bounds: PriceBounds,
    currency: &str,
    prices: &[(String, Cents)],
) -> Result<(), Vec<(String, String)>> {
    let mut faults = Vec::new();
    let tier = |slug: &str| catalogue.iter().find(|t| t.slug == slug);
    for (slug, price) in prices {
        let Some(tier) = tier(slug) else {
            faults.push((slug.clone(), "There is no such licence.".to_owned()));
            continue;
        };
        let Some((low, high)) = tier.price_range(bounds) else {
            faults.push((slug.clone(), format!("{} is sold on request; leave its price empty.", tier.name)));
            continue;
        };
        if *price != Cents::ZERO && (*price < low || *price > high) {
            let (low, high) = (low.show(currency), high.show(currency));
            faults.push((
                slug.clone(),
                format!("{} may cost nothing, or between {low} and {high}.", tier.name),
            ));
        }
    }
    for (slug, price) in prices {
        for (next, dearer) in prices {
            if slug == next || dearer >= price || !reaches(catalogue, slug, next) {
                continue;
            }
            if let (Some(from), Some(to)) = (tier(slug), tier(next)) {
                let said = format!(
                    "{} permits more than {}, so it cannot cost less ({} against {}).",
                    to.name,
                    from.name,
                    dearer.show(currency),
                    price.show(currency)
                );
                faults.push((next.clone(), said));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Whether the upgrade path leads from one tier to the other, in any number of steps.
fn reaches(catalogue: &[Tier], from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut ahead = vec![from];
    while let Some(slug) = ahead.pop() {
        let next = catalogue.iter().filter(|t| t.slug == slug).flat_map(|t| &t.upgrades_to);
        for slug in next {
            if slug == to {
                return true;
            }
            if seen.insert(slug.as_str()) {
                ahead.push(slug);
            }
        }
    }
    false
}

/// The sentences that hold in every tier: no field can grant what they forbid.
pub const NEVER: [&str; 3] = [
    "Selling, giving away or publishing the recording on its own, or so that others can take it out again as it was delivered.",
    "Sharing the delivered files beyond the people this licence counts, or putting them into a library, a template or a kit for others.",
    "Claiming to have made the recording, or registering it as your own.",
];

/// The fourth prohibition, in every tier that does not grant the `ai_training` medium.
pub const NEVER_TRAIN: &str =
    "Using the recording, or anything computed from it, to train, tune or test a machine-learning model.";

/// The whole licence text of a tier: plain sentences, and at the end the same scope for programs.
/// The same tier always gives the same bytes; `terms_hash` is the hash of exactly these.
pub fn terms_text(tier: &Tier) -> String {
    let mut out = String::new();
    let mut section = |title: &str, lines: &[String]| {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(title);
        out.push('\n');
        for line in lines {
            out.push_str("- ");
            out.push_str(line);
            out.push('\n');
        }
    };
    let clauses = tier.clauses();
    let words = |fields: &[Field]| -> Vec<String> {
        fields
            .iter()
            .filter_map(|f| clauses.iter().find(|c| c.field == *f))
            .map(|c| c.words.clone())
            .collect()
    };
    let one = |text: &str| vec![text.to_owned()];

    section(
        &format!("The {} licence", tier.name),
        &[
            format!("For {}.", tier.summary),
            tier.scope.sentence(),
            "\"You\" are the licensee named on the certificate. A work is your finished product: a film, an episode, an advert, a game. What is not listed here is not permitted.".into(),
        ],
    );
    use Field::*;
    section("What you may do", &words(&[Media, Works, Alteration, ClientPassing, Exclusive, Files]));
    section(
        "Up to what",
        &words(&[
            SeriesEpisodesMax,
            SeriesMonthsMax,
            CopiesMax,
            StreamsMax,
            AudienceMax,
            AdSpendCentsMax,
            BudgetCentsMax,
            StaffMax,
            Seats,
            ChannelsMax,
        ]),
    );
    section("Where and how long", &words(&[Territory, Term]));
    section("What is never permitted", &NEVER.map(String::from));
    section("AI training", &one(ai_words(&tier.scope)));
    section("Claim systems", &words(&[ResultClaiming]));
    section("Credits", &words(&[Attribution]));
    section("Performance rights", &words(&[PerformanceRight]));
    section(
        "Indemnity",
        &[
            words(&[IndemnityCents]).concat(),
            "An amount here is a promise of money which the shop must first switch on. Your certificate says what holds for you; where it says \"none\", there is none.".into(),
        ],
    );
    section(
        "Refunds",
        &[
            format!("Within {REFUND_DAYS} days, if no file was downloaded: in full, without a question, the way it was paid."),
            "After a download a person decides. A licence bought twice, a defective file and a scope that our own page described wrongly are always accepted.".into(),
            "A full refund ends the licence. Consumer law where you live goes first.".into(),
        ],
    );
    section(
        "Proof",
        &[
            "The certificate is signed. Anyone can check it at the address printed on it, and without a network with the shop's public key.".into(),
            "This text, your scope and the hash of the recording stay for you as they were on the day of purchase, whatever the shop changes later.".into(),
        ],
    );
    out.push_str("\nThe same for programs\n");
    out.push_str(&jcs::canonical(&programs(tier)));
    out.push('\n');
    out
}

/// SHA-256 of the licence text with its scope, in lower-case hexadecimal.
pub fn terms_hash(tier: &Tier) -> String {
    hex::encode(Sha256::digest(terms_text(tier)))
}

/// What a scope says about AI training.
pub fn ai_words(scope: &Scope) -> &'static str {
    if scope.media.has(Medium::AiTraining) {
        "You may use the recording to train the one model that the licence names."
    } else {
        NEVER_TRAIN
    }
}

fn programs(tier: &Tier) -> Value {
    json!({ "tier": tier.slug, "scope": tier.scope, "quoted": tier.quoted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(slug: &str) -> Tier {
        default_catalogue().into_iter().find(|t| t.slug == slug).unwrap()
    }

    /// The cells of LICENCES, section 2, written as they stand there.
    #[test]
    fn the_default_catalogue_is_the_table() {
        #[rustfmt::skip]
        let table = [
            ("works",               "none,series,series,series,series,any,any,none"),
            ("series_episodes_max", "0,52,52,52,∞,∞,∞,0"),
            ("series_months_max",   "0,12,12,12,∞,∞,∞,0"),
            ("copies_max",          "0,0,10000,100000,∞,∞,∞,0"),
            ("streams_max",         "0,∞,∞,∞,∞,∞,∞,0"),
            ("audience_max",        "0,0,0,10000000,∞,∞,∞,0"),
            ("ad_spend_cents_max",  "0,50000,2500000,∞,∞,∞,∞,0"),
            ("budget_cents_max",    "0,1000000,25000000,100000000,∞,∞,∞,0"),
            ("staff_max",           "1,10,∞,∞,∞,∞,∞,∞"),
            ("seats",               "1,1,5,10,∞,1,∞,quote"),
            ("channels_max",        "0,1,5,∞,∞,∞,∞,0"),
            ("territory",           "none,none,groups(1),groups(1),worldwide,worldwide,worldwide,none"),
            ("term",                "perpetual,perpetual,perpetual,perpetual,perpetual,perpetual,perpetual,months(24)"),
            ("client_passing",      "none,none,one,one,many,many,many,none"),
            ("alteration",          "none,edit,edit,edit,edit,sample,sample,none"),
            ("attribution",         "not_required,not_required,not_required,not_required,not_required,not_required,not_required,required"),
            ("result_claiming",     "forbidden,forbidden,forbidden,forbidden,forbidden,forbidden,forbidden,forbidden"),
            ("performance_right",   "excluded,as_track,as_track,as_track,as_track,as_track,as_track,excluded"),
            ("indemnity_cents",     "0,1000000,10000000,25000000,100000000,1000000,quote,0"),
            ("files",               "mp3,mp3+wav,mp3+wav+versions,all,all,mp3+wav,all,quote"),
            ("exclusive",           "false,false,false,false,false,false,true,false"),
        ];
        let tiers = default_catalogue();
        let slugs: Vec<&str> = tiers.iter().map(|t| t.slug.as_str()).collect();
        assert_eq!(
            slugs,
            ["listen", "creator", "business", "broadcast", "film", "effects", "exclusive", "ai-training"]
        );
        let shown = |value: &Value| match value {
            Value::Null => "∞".to_owned(),
            Value::String(s) => s.clone(),
            Value::Array(a) if a.len() == 4 => "all".into(),
            Value::Array(a) => a.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("+"),
            Value::Object(o) => o.iter().map(|(k, v)| format!("{k}({v})")).collect(),
            other => other.to_string(),
        };
        for (field, cells) in table {
            let field = Field::parse(field).unwrap();
            for (tier, cell) in tiers.iter().zip(cells.split(',')) {
                let clause = tier.clauses().into_iter().find(|c| c.field == field).unwrap();
                assert_eq!(shown(&clause.value), cell, "{} {}", tier.slug, field.as_str());
            }
        }
        let media: Vec<usize> = tiers.iter().map(|t| t.scope.media.iter().count()).collect();
        assert_eq!(media, [1, 5, 12, 16, 17, 17, 17, 1]);
        let prices: Vec<Option<i64>> = tiers.iter().map(|t| t.price_cents.map(|c| c.0)).collect();
        assert_eq!(
            prices,
            [Some(300), Some(2900), Some(7900), Some(24900), Some(59900), Some(900), None, None]
        );
        assert_eq!(tiers[5].seat_step_cents, Some(Cents(300)));
        let on_request: Vec<&str> = tiers.iter().filter(|t| t.on_request).map(|t| t.slug.as_str()).collect();
        assert_eq!(on_request, ["exclusive", "ai-training"]);
    }

    #[test]
    fn every_upgrade_covers_what_it_replaces() {
        let tiers = default_catalogue();
        let steps: Vec<String> = tiers
            .iter()
            .flat_map(|t| t.upgrades_to.iter().map(|next| format!("{} {next}", t.slug)))
            .collect();
        assert_eq!(
            steps,
            ["listen creator", "creator business", "business broadcast", "broadcast film", "film exclusive"]
        );
        for tier in &tiers {
            for next in &tier.upgrades_to {
                let next = tiers.iter().find(|t| t.slug == *next).unwrap();
                assert!(tier.leads_to(next), "{} to {}", tier.slug, next.slug);
                // Only the quote keeps a default from covering: exclusive's indemnity is not yet known.
                assert_eq!(next.scope.covers(&tier.scope), next.quoted.is_empty(), "{}", next.slug);
            }
        }
        assert!(!tier("film").leads_to(&tier("effects")), "one seat is less than any number");
        assert!(!tier("business").leads_to(&tier("creator")));
    }

    #[test]
    fn prices_stay_within_bounds_and_never_fall_along_the_path() {
        let check = |prices: &[(&str, i64)]| -> Vec<String> {
            let prices: Vec<_> = prices.iter().map(|(s, p)| (s.to_string(), Cents(*p))).collect();
            check_prices(&default_catalogue(), PriceBounds::default(), "usd", &prices)
                .err()
                .unwrap_or_default()
                .into_iter()
                .map(|(slug, said)| format!("{slug}: {said}"))
                .collect()
        };
        let defaults = [
            ("listen", 300),
            ("creator", 2900),
            ("business", 7900),
            ("broadcast", 24900),
            ("film", 59900),
            ("effects", 900),
        ];
        assert_eq!(check(&defaults), [""; 0]);
        assert_eq!(check(&[]), [""; 0]);
        assert_eq!(check(&[("creator", 1450), ("business", 31600)]), [""; 0], "50 % and 400 % are within");
        assert_eq!(
            check(&[("creator", 1449)]),
            ["creator: Creator may cost nothing, or between $14.50 and $116."]
        );
        assert_eq!(check(&[("creator", 11601)]).len(), 1);
        assert_eq!(check(&[("listen", 99)]), ["listen: Listen may cost nothing, or between $1.50 and $12."]);
        assert_eq!(check(&[("listen", 0), ("creator", 0)]), [""; 0], "free is a price");
        assert_eq!(
            check(&[("creator", 11600), ("broadcast", 0)]),
            ["broadcast: Broadcast permits more than Creator, so it cannot cost less ($0 against $116)."]
        );
        assert_eq!(check(&[("creator", 9000), ("business", 8000)]).len(), 1);
        assert_eq!(check(&[("creator", 5000), ("business", 5000)]), [""; 0], "the same price does not fall");
        assert_eq!(
            check(&[("exclusive", 100_000)]),
            ["exclusive: Exclusive buy-out is sold on request; leave its price empty."]
        );
        assert_eq!(check(&[("gold", 1)]), ["gold: There is no such licence."]);
    }

    #[test]
    fn what_is_offered_at_first_exists_and_has_a_price() {
        for kind in ["music", "loop", "effect"] {
            for slug in offered_for(kind) {
                assert!(tier(slug).price_cents.is_some(), "{kind} {slug}");
            }
        }
        assert_eq!(offered_for("loop"), ["effects"]);
        assert!(offered_for("speech").is_empty());
    }

    #[test]
    fn the_text_says_every_clause_and_hashes_to_itself() {
        let mut hashes = BTreeSet::new();
        for tier in default_catalogue() {
            let text = terms_text(&tier);
            for clause in tier.clauses() {
                assert!(text.contains(&clause.words), "{}: {}", tier.slug, clause.words);
            }
            for never in NEVER {
                assert!(text.contains(never));
            }
            assert_eq!(text.contains(NEVER_TRAIN), tier.slug != "ai-training");
            let program: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
            assert_eq!(serde_json::from_value::<Scope>(program["scope"].clone()).unwrap(), tier.scope);
            assert_eq!(text, terms_text(&tier));
            assert!(hashes.insert(terms_hash(&tier)));
            let kept: Tier = serde_json::from_str(&serde_json::to_string(&tier).unwrap()).unwrap();
            assert_eq!(kept, tier);
        }
        let mut edited = tier("creator");
        edited.scope.seats = Cap::up_to(2);
        assert!(hashes.insert(terms_hash(&edited)), "an edit is another text");
    }

    #[test]
    fn the_table_of_tiers_reads_in_ten_seconds() {
        let lines: Vec<String> = default_catalogue()
            .iter()
            .map(|t| format!("{} | {} | {}", t.name, t.scope.may_use_in(), t.scope.up_to()))
            .collect();
        assert_eq!(
            lines,
            [
                "Listen | Private listening | Nothing public",
                "Creator | Your own channels, podcasts, student work, adverts up to $500 | One series of 52 episodes",
                "Business | Client work, games, apps, shops, events | 10,000 copies · one client",
                "Broadcast | TV, radio, streaming services, festivals, client work, games | 10 million people · 100,000 copies",
                "Film & Worldwide | Everything, everywhere | One work or series of any length",
                "Effects & Loops | Building blocks in any work, everywhere | No limits",
                "Exclusive buy-out | Everything, everywhere, and nobody else from then on | No limits",
                "AI training | Training one named AI model | 24 months",
            ]
        );
        assert_eq!(
            tier("film").scope.sentence(),
            "You may use this in one work or one series, anywhere, for ever."
        );
        assert_eq!(
            tier("creator").scope.sentence(),
            "You may use this in one work or one series, online, anywhere, for ever."
        );
    }
}
