//! Offers and licences as ODRL 2.2 policies, in our own profile (LICENCES, section 8).
//!
//! They are valid ODRL in that profile. A processor that does not know the profile must stop, and should: what our own
//! actions and left operands mean stands in the profile's document, and in the licence text.

use serde_json::{Value, json};

use crate::money::Cents;
use crate::proof::issuer::VOCABULARY;
use crate::sales::places;
use crate::sales::scope::{
    Alteration, Attribution, Cap, ClientPassing, Media, Medium, Scope, Term, Territory, Works,
};

/// Where our profile lives: one address of the project, the same for every shop.
pub const PROFILE: &str = "https://w3id.org/cuehouse/odrl/v1";

/// The profile's document, as it is served and as the hash in every credential pins it.
pub const PROFILE_DOCUMENT: &str = include_str!("odrl-profile-v1.jsonld");

/// What gives the terms of our policies their meaning beside the profile.
pub const CONTEXT: &str = "http://www.w3.org/ns/odrl.jsonld";

/// Who grants what to whom.
#[derive(Clone, Debug)]
pub struct Parties<'a> {
    /// The address of the agreement.
    pub uid: String,
    pub assigner: &'a str,
    pub assignee: String,
    pub target: String,
}

/// What a tier of one track is offered at.
#[derive(Clone, Debug)]
pub struct Offered<'a> {
    /// The address of the offer.
    pub uid: String,
    pub assigner: &'a str,
    pub target: String,
    pub price: Cents,
    /// ISO 4217, in any case of letters.
    pub currency: &'a str,
}

/// The agreement of a licence. `groups` are the territory groups its licensee named, `until` the end of a finite
/// term as RFC 3339.
pub fn agreement(parties: &Parties<'_>, scope: &Scope, groups: &[String], until: Option<&str>) -> Value {
    let codes: Vec<String> = groups
        .iter()
        .flat_map(|group| places::codes_of(group))
        .map(|code| format!("https://www.iso.org/obp/ui/#iso:code:3166:{code}"))
        .collect();
    let there = constraint("spatial", "isAnyOf", json!(codes));
    let until = until.map(|at| constraint("dateTime", "lteq", typed(at, "dateTime")));
    let mut policy = policy("Agreement", &parties.target, scope, there, until);
    policy["uid"] = json!(parties.uid);
    policy["assigner"] = json!(parties.assigner);
    policy["assignee"] = json!(parties.assignee);
    policy
}

/// The offer of a tier on one track. Which territory groups it will be is for its buyer to name; a finite term begins
/// when they buy. What costs nothing asks for no payment.
pub fn offer(offered: &Offered<'_>, scope: &Scope) -> Value {
    let there = constraint(ours("territoryGroups"), "lteq", json!(scope.groups_to_name()));
    let lasts = match scope.term {
        Term::Months(n) => Some(constraint("elapsedTime", "lteq", typed(&format!("P{n}M"), "duration"))),
        Term::Perpetual | Term::WhileSubscribed => None,
    };
    let mut policy = policy("Offer", &offered.target, scope, there, lasts);
    policy["uid"] = json!(offered.uid);
    policy["assigner"] = json!(offered.assigner);
    if offered.price > Cents::ZERO {
        let Cents(cents) = offered.price;
        let mut amount =
            constraint("payAmount", "eq", typed(&format!("{}.{:02}", cents / 100, cents % 100), "decimal"));
        amount["unit"] = json!(format!("urn:iso:std:iso:4217:{}", offered.currency.to_uppercase()));
        let pays =
            json!({ "action": [{ "rdf:value": { "@id": "odrl:compensate" }, "refinement": [amount] }] });
        let permission = &mut policy["permission"][0];
        match permission["duty"].as_array_mut() {
            Some(duties) => duties.push(pays),
            None => permission["duty"] = json!([pays]),
        }
    }
    policy
}

/// What offers and agreements have in common: one grant, and what every tier forbids. `there` is the place of media that
/// are bound to one, `lasts` the bound of a finite term.
fn policy(kind: &str, target: &str, scope: &Scope, there: Value, lasts: Option<Value>) -> Value {
    let mut permission = json!({
        "target": target,
        "action": actions(scope),
        "constraint": constraints(scope, there, lasts),
    });
    if scope.attribution == Attribution::Required {
        permission["duty"] = json!([{ "action": "attribute" }]);
    }
    let mut prohibitions = vec![json!({ "target": target, "action": ours("redistributeAlone") })];
    if !scope.media.has(Medium::AiTraining) {
        prohibitions.push(json!({ "target": target, "action": ours("trainModel") }));
    }
    json!({
        "type": kind,
        "profile": PROFILE,
        "conflict": "prohibit",
        "permission": [permission],
        "prohibition": prohibitions,
    })
}

fn ours(term: &str) -> String {
    format!("{VOCABULARY}#{term}")
}

fn typed(value: &str, kind: &str) -> Value {
    json!({ "@value": value, "@type": format!("http://www.w3.org/2001/XMLSchema#{kind}") })
}

fn constraint(left: impl Into<String>, operator: &str, right: Value) -> Value {
    let left: String = left.into();
    json!({ "leftOperand": left, "operator": operator, "rightOperand": right })
}

fn media(scope: &Scope, of: impl Fn(Medium) -> bool) -> Value {
    json!(scope.media.iter().filter(|m| of(*m)).map(|m| ours(m.as_str())).collect::<Vec<_>>())
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

fn constraints(scope: &Scope, there: Value, lasts: Option<Value>) -> Vec<Value> {
    let mut all = vec![constraint("media", "isAnyOf", media(scope, |_| true))];
    let is_placed = scope.media.iter().any(Medium::is_place_bound);
    if is_placed && scope.territory != Territory::Worldwide {
        // Only what is received at a place is bound to one: either it is another medium, or it is there.
        let elsewhere = constraint("media", "isNoneOf", media(scope, Medium::is_place_bound));
        all.push(json!({ "or": { "@list": [elsewhere, there] } }));
    }
    all.extend(lasts);
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

    fn of_tier(slug: &str) -> Value {
        of(slug, &["europe"])
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

    fn offered(slug: &str, cents: i64) -> Value {
        let tier = default_catalogue().into_iter().find(|t| t.slug == slug).unwrap();
        let offered = Offered {
            uid: format!("https://shop.example/tracks/rain/offers.jsonld#{slug}"),
            assigner: "did:web:shop.example",
            target: "https://shop.example/tracks/rain".into(),
            price: Cents(cents),
            currency: "usd",
        };
        offer(&offered, &tier.scope)
    }

    fn is(node: &Value, kind: &str) -> bool {
        node["type"].as_array().unwrap().iter().any(|of| of == kind)
    }

    /// Every own term of a policy, wherever it stands.
    fn terms(policy: &Value) -> Vec<String> {
        let text = policy.to_string();
        let after = text.split(&format!("{VOCABULARY}#")).skip(1).map(str::to_owned).collect::<Vec<_>>();
        after.into_iter().filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
    }

    #[test]
    fn the_profile_defines_every_term_of_ours_and_names_the_action_that_includes_each_action() {
        let profile: Value = serde_json::from_str(PROFILE_DOCUMENT).unwrap();
        assert_eq!(profile["@context"]["cue"], format!("{VOCABULARY}#"));
        assert_eq!(profile["@context"]["includedIn"]["@id"], "odrl:includedIn");
        let nodes = profile["@graph"].as_array().unwrap();
        assert_eq!(nodes[0]["id"], PROFILE);
        let of = |kind: &str| -> Vec<&str> {
            let some = nodes.iter().filter(|node| is(node, kind));
            some.filter_map(|node| node["id"].as_str()?.strip_prefix("cue:")).collect()
        };
        for node in nodes.iter().filter(|node| is(node, "odrl:Action")) {
            assert!(node["includedIn"].as_str().unwrap().starts_with("odrl:"), "{node}");
        }
        assert_eq!(of("odrl:Action"), ["synchronise", "trainModel", "redistributeAlone"]);
        assert!(of("odrl:LeftOperand").contains(&"territoryGroups"));
        let known = of("owl:NamedIndividual");
        for medium in Medium::ALL {
            assert!(known.contains(&medium.as_str()), "{medium:?}");
        }
        for tier in default_catalogue() {
            let (agreement, offer) = (of_tier(&tier.slug), offered(&tier.slug, 100));
            for policy in [agreement, offer] {
                assert_eq!(policy["profile"], PROFILE);
                let own = terms(&policy);
                assert!(own.len() > 2);
                for term in own {
                    assert!(known.contains(&term.as_str()), "{term} of {}", tier.slug);
                }
            }
        }
    }

    #[test]
    fn an_offer_says_the_same_as_its_agreement_and_what_it_costs() {
        let (offer, agreement) = (offered("broadcast", 24_900), of("broadcast", &["europe"]));
        assert_eq!((&offer["type"], &offer["assigner"]), (&json!("Offer"), &json!("did:web:shop.example")));
        assert!(offer.get("assignee").is_none());
        assert_eq!(offer["prohibition"], agreement["prohibition"]);
        let (granted, grant) = (&agreement["permission"][0], &offer["permission"][0]);
        assert_eq!((&grant["target"], &grant["action"]), (&granted["target"], &granted["action"]));
        let text = grant["constraint"].to_string();
        assert!(text.contains("#territoryGroups") && !text.contains("spatial"));
        let pays = &grant["duty"][0]["action"][0];
        assert_eq!(pays["rdf:value"]["@id"], "odrl:compensate");
        let amount = &pays["refinement"][0];
        assert_eq!(amount["leftOperand"], "payAmount");
        assert_eq!(amount["rightOperand"]["@value"], "249.00");
        assert_eq!(amount["unit"], "urn:iso:std:iso:4217:USD");

        assert!(offered("listen", 0)["permission"][0].get("duty").is_none(), "nothing is to pay");
        let training = offered("ai-training", 100_000);
        assert_eq!(
            training["permission"][0]["duty"].as_array().unwrap().len(),
            2,
            "a credit line and a price"
        );
        assert!(training["permission"][0]["constraint"].to_string().contains("P24M"));
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
