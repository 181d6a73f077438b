//! The licence text of a tier, word for word, and its hash. What is said here is what was bought.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Tier;
use crate::proof::jcs;
use crate::sales::scope::{Field, Medium, Scope};

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
/// The same tier and days always give the same bytes; `terms_hash` is the hash of exactly these.
pub fn terms_text(tier: &Tier, refund_days: i64) -> String {
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
            format!("Within {refund_days} days, if no file was downloaded: in full, without a question, the way it was paid."),
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
pub fn terms_hash(tier: &Tier, refund_days: i64) -> String {
    hex::encode(Sha256::digest(terms_text(tier, refund_days)))
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::sales::scope::Cap;
    use crate::sales::tier::tests::tier;
    use crate::sales::tier::{REFUND_DAYS, default_catalogue};

    #[test]
    fn the_text_says_every_clause_and_hashes_to_itself() {
        let mut hashes = BTreeSet::new();
        for tier in default_catalogue() {
            let text = terms_text(&tier, REFUND_DAYS);
            for clause in tier.clauses() {
                assert!(text.contains(&clause.words), "{}: {}", tier.slug, clause.words);
            }
            for never in NEVER {
                assert!(text.contains(never));
            }
            assert_eq!(text.contains(NEVER_TRAIN), tier.slug != "ai-training");
            let program: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
            assert_eq!(serde_json::from_value::<Scope>(program["scope"].clone()).unwrap(), tier.scope);
            assert_eq!(text, terms_text(&tier, REFUND_DAYS));
            assert_ne!(text, terms_text(&tier, 30), "the days stand in it");
            assert!(hashes.insert(terms_hash(&tier, REFUND_DAYS)));
            let kept: Tier = serde_json::from_str(&serde_json::to_string(&tier).unwrap()).unwrap();
            assert_eq!(kept, tier);
        }
        let mut edited = tier("creator");
        edited.scope.seats = Cap::up_to(2);
        assert!(hashes.insert(terms_hash(&edited, REFUND_DAYS)), "an edit is another text");
    }
}
