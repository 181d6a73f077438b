//! Figures as a scope says them.

use super::Cap;
use crate::money::{Cents, grouped};

pub(super) fn count(cap: Cap, start: &str, unit: &str, none: &str) -> String {
    match cap {
        Cap(None) => format!("{start} any number of {unit}s."),
        Cap(Some(0)) => format!("{start} {none}."),
        Cap(Some(n)) => format!("{start} up to {} {}.", figures(n), plural(n, unit)),
    }
}

pub(super) fn figures(n: i64) -> String {
    grouped(n.max(0).unsigned_abs())
}

pub(super) fn people(n: i64) -> String {
    if n >= 1_000_000 && n % 1_000_000 == 0 {
        format!("{} million", figures(n / 1_000_000))
    } else {
        figures(n)
    }
}

/// US cents as people read them; the caps are in US dollars whatever the shop sells in.
pub fn dollars(cents: i64) -> String {
    Cents(cents).show("usd")
}

pub(super) fn plural(n: i64, unit: &str) -> String {
    if n == 1 { unit.to_owned() } else { format!("{unit}s") }
}
