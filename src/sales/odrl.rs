//! A licence as an ODRL 2.2 agreement, in our own profile (LICENCES, section 8).
//!
//! It is valid ODRL in that profile. A processor that does not know the profile must stop, and should: what our own
//! left operands mean stands in the licence text.

use serde_json::{Value, json};

use crate::proof::issuer::VOCABULARY;
use crate::sales::places;
use crate::sales::scope::{
    Alteration, Attribution, Cap, ClientPassing, Media, Medium, Scope, Territory, Works,
};

/// Who grants what to whom.
#[derive(Clone, Debug)]
pub struct Parties<'a> {
    /// The address of the agreement.
    pub uid: String,
    pub assigner: &'a str,
    pub assignee: String,
    pub target: String,
}

/// The agreement of a licence. `groups` are the territory groups its licensee named, `until` the end of a finite
/// term as RFC 3339.
pub fn agreement(parties: &Parties<'_>, scope: &Scope, groups: &[String], until: Option<&str>) -> Value {
    let mut permission = json!({
        "target": parties.target,
        "action": actions(scope),
        "constraint": constraints(scope, groups, until),
    });
    if scope.attribution == Attribution::Required {
        permission["duty"] = json!([{ "action": "attribute" }]);
    }
    let mut prohibitions = vec![json!({ "target": parties.target, "action": ours("redistributeAlone") })];
    if !scope.media.has(Medium::AiTraining) {
        prohibitions.push(json!({ "target": parties.target, "action": ours("trainModel") }));
    }
    json!({
        "type": "Agreement",
        "uid": parties.uid,
        "profile": VOCABULARY,
        "conflict": "prohibit",
        "assigner": parties.assigner,
        "assignee": parties.assignee,
        "permission": [permission],
        "prohibition": prohibitions,
    })
}

fn ours(term: &str) -> String {
    format!("{VOCABULARY}#{term}")
}

fn actions(scope: &Scope) -> Vec<String> {
    if scope.media == Media::one(Medium::AiTraining) {
        return vec![ours("trainModel")];
    }
    if !scope.is_for_works() {
        return vec!["play".into()];
    }
    let mut actions = vec![ours("synchronise")];
    match scope.alteration {
        Alteration::None => {}
        Alteration::Edit => actions.push("modify".into()),
        Alteration::Sample => actions.extend(["modify".into(), "derive".into()]),
    }
    actions
}

fn constraints(scope: &Scope, groups: &[String], until: Option<&str>) -> Vec<Value> {
    let constraint = |left: String, operator: &str, right: Value| json!({ "leftOperand": left, "operator": operator, "rightOperand": right });
    let media = |of: &dyn Fn(Medium) -> bool| -> Value {
        json!(scope.media.iter().filter(|m| of(*m)).map(|m| ours(m.as_str())).collect::<Vec<_>>())
    };
    let mut all = vec![constraint("media".into(), "isAnyOf", media(&|_| true))];
    let is_placed = scope.media.iter().any(Medium::is_place_bound);
    if is_placed && scope.territory != Territory::Worldwide {
        let codes: Vec<String> = groups
            .iter()
            .flat_map(|group| places::codes_of(group))
            .map(|code| format!("https://www.iso.org/obp/ui/#iso:code:3166:{code}"))
            .collect();
        // Only what is received at a place is bound to one: either it is another medium, or it is there.
        all.push(json!({ "or": { "@list": [
            constraint("media".into(), "isNoneOf", media(&Medium::is_place_bound)),
            constraint("spatial".into(), "isAnyOf", json!(codes)),
        ]}}));
    }
    if let Some(until) = until {
        let at = json!({ "@value": until, "@type": "http://www.w3.org/2001/XMLSchema#dateTime" });
        all.push(constraint("dateTime".into(), "lteq", at));
    }
    let works = match scope.works {
        Works::None => Cap::NONE,
        Works::One | Works::Series => Cap::up_to(1),
        Works::Any => Cap::NO_LIMIT,
    };
    let clients = match scope.client_passing {
        ClientPassing::None => Cap::NONE,
        ClientPassing::One => Cap::up_to(1),
        ClientPassing::Many => Cap::NO_LIMIT,
    };
    for (term, cap) in [
        ("works", works),
        ("seriesEpisodes", scope.series_episodes_max),
        ("seriesMonths", scope.series_months_max),
        ("copies", scope.copies_max),
        ("streams", scope.streams_max),
        ("audience", scope.audience_max),
        ("adSpendCents", scope.ad_spend_cents_max),
        ("budgetCents", scope.budget_cents_max),
        ("staff", scope.staff_max),
        ("seats", scope.seats),
        ("channels", scope.channels_max),
        ("clients", clients),
    ] {
        if let Cap(Some(most)) = cap {
            all.push(constraint(ours(term), "lteq", json!(most)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sales::tier::default_catalogue;

    fn of(slug: &str, groups: &[&str]) -> Value {
        let tier = default_catalogue().into_iter().find(|t| t.slug == slug).unwrap();
        let parties = Parties {
            uid: "https://shop.example/verify/1#agreement".into(),
            assigner: "did:web:shop.example",
            assignee: "https://shop.example/verify/1#licensee".into(),
            target: "https://shop.example/tracks/rain".into(),
        };
        let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
        agreement(&parties, &tier.scope, &groups, None)
    }

    #[test]
    fn an_agreement_grants_one_thing_and_forbids_what_every_tier_forbids() {
        for tier in default_catalogue() {
            let odrl = of(&tier.slug, &["europe"]);
            assert_eq!(odrl["type"], "Agreement");
            assert_eq!(odrl["conflict"], "prohibit");
            assert_eq!(odrl["permission"].as_array().unwrap().len(), 1);
            let forbidden = odrl["prohibition"].to_string();
            assert!(forbidden.contains("#redistributeAlone"));
            assert_eq!(forbidden.contains("#trainModel"), tier.slug != "ai-training");
            let grants = odrl["permission"][0]["action"].to_string();
            assert_eq!(grants.contains("#trainModel"), tier.slug == "ai-training");
            assert_eq!(odrl["permission"][0].get("duty").is_some(), tier.slug == "ai-training");
        }
        assert_eq!(of("listen", &[])["permission"][0]["action"], json!(["play"]));
    }

    #[test]
    fn no_limit_is_no_constraint_and_places_bind_only_what_is_bound_to_them() {
        let text = |value: &Value| value["permission"][0]["constraint"].to_string();
        let (creator, broadcast, film) =
            (text(&of("creator", &[])), text(&of("broadcast", &["middle-east"])), text(&of("film", &[])));
        assert!(creator.contains("#channels") && !creator.contains("#streams"));
        assert!(!creator.contains("spatial") && !film.contains("spatial"));
        assert!(broadcast.contains("iso:code:3166:QA") && !broadcast.contains("3166:DE"));
        assert!(broadcast.contains("isNoneOf"));
        assert!(!film.contains("#copies") && film.contains("#works"));
    }
}
