//! Tiers: a scope with a name, a default price and a text. The operator edits them; every edit is a new version.
//!
//! `catalogue` holds them together and knows their faults, `defaults` are the tiers of a new shop, `prices` says what an uploader may ask, `terms` writes the licence text.

mod catalogue;
mod defaults;
mod prices;
mod terms;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::money::Cents;
use crate::sales::scope::{Clause, Field, Scope};

pub use catalogue::Catalogue;
pub use defaults::{default_catalogue, offered_for};
pub use prices::{PriceBounds, check_prices};
pub use terms::{NEVER, NEVER_TRAIN, ai_words, terms_hash, terms_text};

/// Days in which an undownloaded order is given back without a question, unless the settings say otherwise (LICENCES,
/// section 6).
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The default tier of this slug.
    pub fn tier(slug: &str) -> Tier {
        default_catalogue().into_iter().find(|t| t.slug == slug).unwrap()
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
