//! What a withdrawal cannot take away: cookies that a vendor keeps under its own name. All we can do is say so, and lead to
//! the vendor's own way out where it was seen to work.

use serde::Serialize;

use super::notice::{VendorTold, listed};
use super::receipt::{Answer, Receipt};
use super::vendor::{Registry, Vendor};
use crate::clock::Timestamp;

/// The cookies of one vendor that lie in its own jar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutOfReach {
    pub id: String,
    pub name: String,
    pub cookies: Vec<String>,
    /// The address of ours that leads to its opt-out.
    pub opt_out: Option<String>,
}

impl OutOfReach {
    /// Nothing for a vendor that keeps no cookie under its own name.
    pub fn of(vendor: &Vendor, now: Timestamp) -> Option<OutOfReach> {
        let cookies = VendorTold::new(vendor).cookies.into_iter().filter(|cookie| !cookie.is_ours);
        let cookies: Vec<String> = cookies.map(|cookie| cookie.name).collect();
        let live = vendor.opt_outs.iter().position(|out| out.link(now).is_some());
        (!cookies.is_empty()).then(|| OutOfReach {
            id: vendor.id.clone(),
            name: vendor.name.clone(),
            cookies,
            opt_out: live.map(|n| format!("/leave/vendor/{}/{n}", vendor.id)),
        })
    }

    /// What the choice of a receipt left out of reach: of those it names because they might be met before, and whom it
    /// refuses.
    pub fn after(receipt: &Receipt, registry: &Registry, now: Timestamp) -> Vec<OutOfReach> {
        let is_refused = |id: &str| {
            let mut items = receipt.items.iter().filter(|item| item.vendor == id).peekable();
            items.peek().is_some() && items.all(|item| item.state == Answer::Refused)
        };
        let lost = receipt.recipients.iter().filter(|recipient| is_refused(&recipient.vendor));
        lost.filter_map(|recipient| OutOfReach::of(registry.vendor(&recipient.vendor)?, now)).collect()
    }
}

/// The same as a sentence for the page that comes next. Nothing where everything could be taken away.
pub fn words(all: &[OutOfReach]) -> Option<String> {
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "Cookies that {} set under another name than ours we cannot delete: the receipt lists them.",
            listed(&names)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: &str) -> Timestamp {
        let day: chrono::NaiveDate = day.parse().unwrap();
        Timestamp(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
    }

    /// R-CN-8: what lies in a vendor's own jar is named, with its own opt-out only where that was seen to work lately.
    #[test]
    fn what_we_cannot_delete_is_named() {
        let registry = Registry::shipped().unwrap();
        let of = |id: &str, day: &str| OutOfReach::of(registry.vendor(id).unwrap(), on(day));
        assert_eq!(of("ga4", "2026-11-25"), None);
        let counter = of("statcounter", "2026-11-25").unwrap();
        assert_eq!((counter.cookies, counter.opt_out), (vec!["is_unique".to_owned()], None));
        let clicks = of("doubleclick", "2026-11-25").unwrap();
        assert!(clicks.cookies.iter().any(|name| name == "IDE"));
        let magnite = |day| of("magnite", day).unwrap().opt_out;
        assert_eq!(magnite("2026-11-25").as_deref(), Some("/leave/vendor/magnite/0"));
        assert_eq!(magnite("2027-06-01"), None, "a look counts for 90 days");
        let both = [of("magnite", "2026-11-25"), of("statcounter", "2026-11-25")].map(Option::unwrap);
        assert!(words(&both).unwrap().contains("Magnite (formerly RubiconProject) and StatCounter"));
        assert_eq!(words(&[]), None);
    }
}
