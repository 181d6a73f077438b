//! The tiers of a shop together, and what holds for all of them. The settings are read into this, and a shop never runs on one
//! that has a fault.

use super::prices::reaches;
use super::{PriceBounds, REFUND_DAYS, Tier, default_catalogue};
use crate::money::Cents;
use crate::sales::places;
use crate::sales::scope::{Cap, Field, Medium, Term, Territory};

/// The longest name of a tier, and the longest words on whom it is for.
const NAME_MAX: usize = 60;
const SUMMARY_MAX: usize = 120;
/// The smallest charge there is beside nothing at all, and the largest.
const CHARGE: std::ops::RangeInclusive<i64> = 100..=1_000_000_000;

/// The tiers of a shop, the bounds of uploaders' prices and the time for refunds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    tiers: Vec<Tier>,
    bounds: PriceBounds,
    refund_days: i64,
}

impl Default for Catalogue {
    /// That of a new shop.
    fn default() -> Self {
        Catalogue { tiers: default_catalogue(), bounds: PriceBounds::default(), refund_days: REFUND_DAYS }
    }
}

impl Catalogue {
    /// The catalogue, or everything that is wrong with it, a sentence each.
    pub fn new(tiers: Vec<Tier>, bounds: PriceBounds, refund_days: i64) -> Result<Catalogue, Vec<String>> {
        let mut faults = vec![];
        if tiers.is_empty() {
            faults.push("tiers: at least one must be on sale".to_owned());
        }
        for tier in &tiers {
            let mut fault =
                |field: &str, words: String| faults.push(format!("tiers.{}.{field} {words}", tier.slug));
            faults_of(tier, &mut fault);
            for next in &tier.upgrades_to {
                match tiers.iter().find(|t| t.slug == *next) {
                    None => fault("upgrades_to", format!("names {next:?}, which is not on sale")),
                    Some(to) if !tier.leads_to(to) => {
                        fault(
                            "upgrades_to",
                            format!("names {next:?}, which does not cover it: {}", lost(tier, to)),
                        );
                    }
                    Some(to) if to.price_cents.is_some_and(|price| Some(price) < tier.price_cents) => {
                        fault("upgrades_to", format!("names {next:?}, whose price_cents is less"));
                    }
                    Some(_) => {}
                }
            }
            if reaches(&tiers, &tier.slug, &tier.slug) {
                fault("upgrades_to", "leads back to it".into());
            }
        }
        if faults.is_empty() { Ok(Catalogue { tiers, bounds, refund_days }) } else { Err(faults) }
    }

    /// What is on sale.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// How far an uploader's price may be from the tier's.
    pub fn bounds(&self) -> PriceBounds {
        self.bounds
    }

    /// Days in which an undownloaded order is given back without a question.
    pub fn refund_days(&self) -> i64 {
        self.refund_days
    }

    /// Whether uploaders set a price for a tier of this slug.
    pub fn sells(&self, slug: &str) -> bool {
        self.tiers.iter().any(|tier| tier.slug == slug && !tier.on_request)
    }
}

/// The fields in which an upgrade would take something away.
fn lost(tier: &Tier, to: &Tier) -> String {
    let fewer = Field::ALL
        .iter()
        .filter(|field| !to.quoted.contains(field) && !to.scope.admits(&tier.scope, **field));
    fewer.map(|field| field.as_str()).collect::<Vec<_>>().join(", ")
}

/// What is wrong with one tier by itself: the field and the words behind it.
fn faults_of(tier: &Tier, fault: &mut impl FnMut(&str, String)) {
    let scope = &tier.scope;
    // A line of the text is a line: what has two of them would say something else than it means.
    for (field, words, most) in [("name", &tier.name, NAME_MAX), ("summary", &tier.summary, SUMMARY_MAX)] {
        let is_line = !words.trim().is_empty() && !words.chars().any(char::is_control);
        if !is_line || words.chars().count() > most {
            fault(field, format!("should be one line of 1 to {most} characters"));
        }
    }
    for (field, cents) in [("price_cents", tier.price_cents), ("seat_step_cents", tier.seat_step_cents)] {
        if cents.is_some_and(|Cents(cents)| cents != 0 && !CHARGE.contains(&cents)) {
            fault(field, "should be 0, or from 100 to 1000000000: nothing smaller can be charged".into());
        }
    }
    let caps = [
        ("series_episodes_max", scope.series_episodes_max),
        ("series_months_max", scope.series_months_max),
        ("copies_max", scope.copies_max),
        ("streams_max", scope.streams_max),
        ("audience_max", scope.audience_max),
        ("ad_spend_cents_max", scope.ad_spend_cents_max),
        ("budget_cents_max", scope.budget_cents_max),
        ("staff_max", scope.staff_max),
        ("seats", scope.seats),
        ("channels_max", scope.channels_max),
        ("indemnity_cents", Cap(Some(scope.indemnity_cents))),
    ];
    for (field, _) in caps.into_iter().filter(|(_, cap)| cap.0.is_some_and(|n| n < 0)) {
        fault(field, "must not be below 0".into());
    }
    let groups = places::GROUPS.len();
    if matches!(scope.territory, Territory::Groups(n) if n == 0 || usize::from(n) > groups) {
        fault("territory", format!("should name 1 to {groups} groups"));
    }
    if matches!(scope.term, Term::Months(n) if !(1..=1200).contains(&n)) {
        fault("term", "should be 1 to 1200 months".into());
    }
    if !(0..=1000).contains(&tier.order) {
        fault("position", "should be 0 to 1000".into());
    }
    if tier.on_request != tier.price_cents.is_none() {
        fault("price_cents", "and whether it is sold on request must agree".into());
    }
    // What the till cannot sell yet: nobody asks for these things on the way to the payment.
    let unsold = [
        (scope.exclusive, "exclusive: the till does not take a track off sale yet"),
        (
            scope.media.has(Medium::AiTraining),
            "for ai_training: the till does not ask for the model's name yet",
        ),
        (scope.term == Term::WhileSubscribed, "while_subscribed: there are no subscriptions yet"),
        (!tier.quoted.is_empty(), "settled by quote in some fields"),
    ];
    for (_, why) in unsold.into_iter().filter(|(is, _)| *is && !tier.on_request) {
        fault("price_cents", format!("should be \"quote\", because it is {why}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(edit: impl Fn(&mut Tier)) -> Vec<String> {
        let mut tiers = default_catalogue();
        tiers.iter_mut().filter(|tier| tier.slug == "business").for_each(edit);
        Catalogue::new(tiers, PriceBounds::default(), REFUND_DAYS).err().unwrap_or_default()
    }

    #[test]
    fn the_default_catalogue_has_no_fault_and_every_edit_that_breaks_a_rule_is_told() {
        let own = Catalogue::new(default_catalogue(), PriceBounds::default(), REFUND_DAYS);
        assert_eq!(own, Ok(Catalogue::default()));
        assert!(Catalogue::default().sells("creator") && !Catalogue::default().sells("exclusive"));
        assert_eq!(faults(|tier| tier.price_cents = Some(Cents(8_000))), [""; 0]);
        assert_eq!(faults(|tier| tier.price_cents = Some(Cents(0))).len(), 1, "less than Creator");
        type Edit = fn(&mut Tier);
        let edits: [(&str, Edit); 10] = [
            ("tiers.business.name should", |t| t.name = "Two\n- lines".into()),
            ("tiers.business.summary should", |t| t.summary.clear()),
            ("tiers.business.seat_step_cents should", |t| t.seat_step_cents = Some(Cents(99))),
            ("tiers.business.territory should", |t| t.scope.territory = Territory::Groups(0)),
            ("tiers.business.position should", |t| t.order = -1),
            ("names \"gold\", which is not on sale", |t| t.upgrades_to = vec!["gold".into()]),
            ("does not cover it: seats", |t| t.scope.seats = Cap::up_to(11)),
            ("does not cover it: term", |t| t.scope.term = Term::Months(12)),
            ("there are no subscriptions yet", |t| {
                t.scope.term = Term::WhileSubscribed;
                t.upgrades_to.clear();
            }),
            ("does not take a track off sale yet", |t| t.scope.exclusive = true),
        ];
        for (words, edit) in edits {
            let found = faults(edit);
            assert!(found.iter().any(|fault| fault.contains(words)), "{words}: {found:?}");
        }
        let back = faults(|tier| tier.upgrades_to = vec!["business".into()]);
        assert_eq!(back, ["tiers.business.upgrades_to leads back to it"]);
        assert_eq!(Catalogue::new(vec![], PriceBounds::default(), 14).err().map(|all| all.len()), Some(1));
    }
}
