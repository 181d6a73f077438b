//! Leave to tell one vendor something about one person. Only a decision about that person gives it.

use url::Url;

use super::choices::{Choices, Standing};
use super::decision::Decision;
use super::disclosure::{Basis, Line};
use super::place::Model;
use super::purpose::Purpose;
use super::recipient::Category;
use super::rulebook::Rulebook;
use super::vendor::Vendor;
use crate::clock::Timestamp;

/// Leave to tell one vendor something for one purpose. It is of the moment: nothing keeps it.
#[derive(Debug)]
pub struct Pass {
    vendor: &'static Vendor,
    line: Line,
}

impl Pass {
    /// The pass that a decision gives for a vendor and a purpose: none unless that vendor may be contacted in this very
    /// request and this purpose of it was not refused. `receipt_seq` is the log's entry of the yes, 0 where there is
    /// none; `categories` is what will be told.
    pub fn of(
        decision: &Decision,
        book: &Rulebook,
        choices: &Choices,
        (vendor, purpose): (&str, Purpose),
        categories: &[Category],
        receipt_seq: i64,
        now: Timestamp,
    ) -> Option<Pass> {
        let (vendor, _) = decision.allowed(book).find(|(v, _)| v.id == vendor)?;
        let standing = choices.standing(vendor, purpose, now);
        let granted = match decision.model {
            Model::OptIn => standing == Standing::Granted,
            Model::OptOut => matches!(standing, Standing::Granted | Standing::Undecided),
        };
        let at = book.registry.vendors.iter().position(|v| v.id == vendor.id)?;
        let basis = Basis::of(*decision.reasons.get(at)?)?;
        (granted && vendor.purposes.contains(&purpose))
            .then(|| Pass { vendor, line: Line::of_call(vendor, purpose, categories, basis, receipt_seq) })
    }

    pub fn vendor(&self) -> &str {
        &self.vendor.id
    }

    /// Whether an address is one of this vendor's, as the registry opens them.
    pub fn opens(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        self.vendor.hosts.connect.iter().any(|known| {
            let known = known.trim_start_matches("https://").split('/').next().unwrap_or_default();
            match known.strip_prefix("*.") {
                Some(parent) => host.strip_suffix(parent).is_some_and(|sub| sub.ends_with('.')),
                None => host == known,
            }
        })
    }

    /// What the ledger says of it.
    pub fn line(&self) -> Line {
        self.line.clone()
    }
}
