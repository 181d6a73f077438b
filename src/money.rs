//! Money: whole minor units of one currency. Never a fraction, never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Neg, Sub};

use serde::{Deserialize, Serialize};

use crate::bigint_value;

/// An amount in minor units (cents) of the shop's currency.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
#[serde(transparent)]
pub struct Cents(pub i64);

bigint_value!(Cents);

impl Cents {
    /// Nothing to pay.
    pub const ZERO: Cents = Cents(0);

    /// The part `bps` (basis points, 10,000 are the whole), half a cent up (LICENCES, section 4).
    pub fn share(self, bps: i64) -> Cents {
        Cents((self.0 as i128 * bps as i128 * 2 + 10_000).div_euclid(20_000) as i64)
    }

    /// Reads what a person types as a price: `29`, `29.00`, `$29`, `1,200.50`, `29,50`.
    /// Nothing negative, nothing finer than a cent, nothing above ten million.
    pub fn parse(text: &str) -> Option<Cents> {
        if text.contains(['-', '−']) {
            return None;
        }
        let text: String =
            text.trim().trim_matches(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').replace(' ', "");
        let (whole, part) = match text.rfind(['.', ',']) {
            Some(at) if text.len() - at - 1 <= 2 => (&text[..at], &text[at + 1..]),
            _ => (text.as_str(), ""),
        };
        let whole: String = whole.chars().filter(|c| *c != ',' && *c != '.').collect();
        if whole.len() + part.len() == 0
            || whole.len() > 8
            || !(whole.clone() + part).chars().all(|c| c.is_ascii_digit())
        {
            return None;
        }
        let units: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let part: i64 = match part.len() {
            0 => 0,
            1 => part.parse::<i64>().ok()? * 10,
            _ => part.parse().ok()?,
        };
        let cents = units * 100 + part;
        (cents <= 1_000_000_000).then_some(Cents(cents))
    }

    /// `$29`, `$29.50`, `€29`, or `29.00 CHF` for currencies without a sign of their own here.
    pub fn show(self, currency: &str) -> String {
        let sign = if self.0 < 0 { "−" } else { "" };
        let (units, part) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        let figures = if part == 0 { grouped(units) } else { format!("{}.{part:02}", grouped(units)) };
        match currency {
            "usd" => format!("{sign}${figures}"),
            "eur" => format!("{sign}€{figures}"),
            "gbp" => format!("{sign}£{figures}"),
            other => self.exact(other),
        }
    }

    /// With its cents and the currency's code, as in books: `1,234.50 USD`.
    pub fn exact(self, currency: &str) -> String {
        let sign = if self.0 < 0 { "−" } else { "" };
        let (units, part) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        format!("{sign}{}.{part:02} {}", grouped(units), currency.to_uppercase())
    }
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

impl Add for Cents {
    type Output = Cents;
    fn add(self, other: Cents) -> Cents {
        Cents(self.0 + other.0)
    }
}
impl Sub for Cents {
    type Output = Cents;
    fn sub(self, other: Cents) -> Cents {
        Cents(self.0 - other.0)
    }
}
impl Neg for Cents {
    type Output = Cents;
    fn neg(self) -> Cents {
        Cents(-self.0)
    }
}
impl Sum for Cents {
    fn sum<I: Iterator<Item = Cents>>(all: I) -> Cents {
        Cents(all.map(|c| c.0).sum())
    }
}
impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0.unsigned_abs() % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_prices_are_read_as_people_mean_them() {
        for (text, cents) in [
            ("29", Some(2900)),
            ("29.00", Some(2900)),
            ("$29", Some(2900)),
            ("29,50", Some(2950)),
            ("0", Some(0)),
            ("1,200.50", Some(120_050)),
            ("1,200", Some(120_000)),
            (".5", Some(50)),
            ("29.5", Some(2950)),
            ("", None),
            ("abc", None),
            ("12a3", None),
            ("999999999", None),
        ] {
            assert_eq!(Cents::parse(text), cents.map(Cents), "{text:?}");
        }
        assert_eq!(Cents::parse("-5"), None, "a price is never negative");
    }

    #[test]
    fn a_share_rounds_half_a_cent_up_and_parts_sum_to_the_whole() {
        assert_eq!(Cents(7110).share(3500), Cents(2489)); // the example of LICENCES, section 4
        for net in 0..2_000 {
            let part = Cents(net).share(3500);
            assert_eq!(part + (Cents(net) - part), Cents(net));
        }
    }

    #[test]
    fn amounts_are_shown_with_their_currency() {
        assert_eq!(Cents(2900).show("usd"), "$29");
        assert_eq!(Cents(123_450).show("usd"), "$1,234.50");
        assert_eq!(Cents(-500).show("eur"), "−€5");
        assert_eq!(Cents(2900).show("chf"), "29.00 CHF");
    }
}
