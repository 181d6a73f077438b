//! What an uploader may ask for a tier: bounds, and no price that falls along the upgrade path.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Tier;
use crate::money::Cents;

/// What is wrong with prices: the slug of the tier at which each fault stands, and a sentence.
pub type PriceFaults = Vec<(String, String)>;

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
    /// The least and the most an uploader may ask beside nothing at all; none for a tier by quote.
    pub fn price_range(&self, bounds: PriceBounds) -> Option<(Cents, Cents)> {
        let Cents(price) = self.price_cents?;
        let low = (price * bounds.low_percent / 100).max(100);
        Some((Cents(low), Cents((price * bounds.high_percent / 100).max(low))))
    }
}

/// Whether an uploader may ask these prices: within the bounds, 0 or at least 100 cents, never falling along
/// the upgrade path. Each fault names the tier at which it stands.
pub fn check_prices(
    catalogue: &[Tier],
    bounds: PriceBounds,
    currency: &str,
    prices: &[(String, Cents)],
) -> Result<(), PriceFaults> {
    let mut faults = PriceFaults::new();
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
pub(super) fn reaches(catalogue: &[Tier], from: &str, to: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sales::tier::default_catalogue;

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
}
