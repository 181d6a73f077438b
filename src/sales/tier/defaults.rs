//! The tiers of a new shop, and which of them a new track is offered at.

use std::collections::BTreeSet;

use super::Tier;
use crate::money::Cents;
use crate::sales::scope::{
    Alteration, Attribution, Cap, ClientPassing, Field, FileKind, Media, Medium, PerformanceRight,
    ResultClaiming, Scope, Term, Territory, Works,
};

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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::sales::tier::tests::tier;

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
        // P, W, B, T and F, each with what it has more than the one before.
        let p = "personal".to_owned();
        let w = format!("{p} web social podcast paid_ads");
        let b = format!("{w} e_learning game app on_hold venue event physical");
        let t = format!("{b} tv radio vod festival");
        let f = format!("{t} cinema");
        let media: Vec<String> = tiers
            .iter()
            .map(|t| t.scope.media.iter().map(Medium::as_str).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(media, [p, w, b, t, f.clone(), f.clone(), f, "ai_training".to_owned()]);
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
    fn what_is_offered_at_first_exists_and_has_a_price() {
        for kind in ["music", "loop", "effect"] {
            for slug in offered_for(kind) {
                assert!(tier(slug).price_cents.is_some(), "{kind} {slug}");
            }
        }
        assert_eq!(offered_for("loop"), ["effects"]);
        assert!(offered_for("speech").is_empty());
    }
}
