//! What a page gives its visitor's browser to ask for a vendor's advertisement with: an hour's permission for one vendor and
//! one place, and of the visitor what the vendor needs and no more. Sealed, so that the frames of this shop are nobody
//! else's, and so that what was decided in the page is what the frame goes by.

use serde::{Deserialize, Serialize};

use super::topic::Place;
use crate::clock::{HOUR, Timestamp};
use crate::consent::disclosure::{self, Basis};
use crate::consent::guards::Consent;
use crate::consent::purpose::Purpose;
use crate::consent::rulebook::Rulebook;
use crate::consent::seal;
use crate::consent::trade::TcfTag;
use crate::consent::trade::ad_request::AdRequest;
use crate::consent::vendor::Vendor;

/// A page that was left open longer shows an empty frame to whoever scrolls down to it.
pub const LASTS_MS: i64 = HOUR;
/// What the seal is bound to.
const BOUND_TO: &str = "cuehouse ad frame";

/// A permission to show a vendor's advertisement. Nothing in it names a visitor, a page or an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub vendor: String,
    pub place: Place,
    pub given_at: Timestamp,
    pub request: AdRequest,
    /// What was granted to the vendor, and on what ground: for the ledger.
    pub purposes: Vec<Purpose>,
    pub basis: Basis,
    /// The TC string, where the operator has a registered consent manager, and whether the GDPR applies.
    pub tc: Option<(String, bool)>,
}

impl Ticket {
    /// The ticket for one visitor and a vendor that the decision allows in a frame, on the front page. None where advertisements themselves
    /// were not granted: without personalisation a vendor still needs that.
    pub fn new(book: &Rulebook, consent: &Consent, vendor: &Vendor, now: Timestamp) -> Option<Ticket> {
        let purposes: Vec<Purpose> = disclosure::granted(vendor, consent).collect();
        purposes.contains(&Purpose::Ads).then_some(())?;
        Some(Ticket {
            vendor: vendor.id.clone(),
            place: Place::Front,
            given_at: now,
            request: AdRequest::of(consent, vendor),
            basis: disclosure::basis_of(book, consent, vendor)?,
            purposes,
            tc: TcfTag::new(book, consent, false, now).map(|tag| (tag.text, tag.applies == "yes")),
        })
    }

    /// The address of the frame.
    pub fn address(&self, origin: &str, key: &[u8; 32]) -> String {
        let line = serde_json::to_string(self).unwrap_or_default();
        let sealed = seal::close_line(key, BOUND_TO, &line);
        let sealed: String = url::form_urlencoded::byte_serialize(sealed.as_bytes()).collect();
        format!("{origin}/frame/{}/{}?t={sealed}", self.vendor, self.place)
    }

    /// The ticket under a seal of ours, if it is for this vendor and place and not too old.
    pub fn open(key: &[u8; 32], sealed: &str, vendor: &str, place: &str, now: Timestamp) -> Option<Ticket> {
        let ticket: Ticket = serde_json::from_str(&seal::open_line(key, BOUND_TO, sealed)?).ok()?;
        let age = now.since(ticket.given_at);
        let is_fine =
            ticket.vendor == vendor && ticket.place.as_str() == place && (0..LASTS_MS).contains(&age);
        is_fine.then_some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn ticket() -> Ticket {
        Ticket {
            vendor: "adsense".into(),
            place: Place::Front,
            given_at: NOW,
            request: AdRequest::new(None, false, false),
            purposes: vec![Purpose::Ads],
            basis: Basis::Consent,
            tc: Some(("CPtc".into(), true)),
        }
    }

    fn sealed(address: &str) -> String {
        let query = address.split_once('?').unwrap().1;
        url::form_urlencoded::parse(query.as_bytes()).next().unwrap().1.into_owned()
    }

    /// R-EN-10, T-ADF-1: a ticket is for one vendor, one place and one hour, and nobody else writes or reads one.
    #[test]
    fn a_ticket_is_good_for_what_it_was_given_for() {
        let (key, given) = ([7; 32], ticket());
        let address = given.address("https://shop-frames.example", &key);
        assert!(address.starts_with("https://shop-frames.example/frame/adsense/front?t="), "{address}");
        assert!(!address.contains("CPtc") && !address.contains("ads_"), "{address}");
        let sealed = sealed(&address);
        let sealed = sealed.as_str();
        let open =
            |key: &[u8; 32], sealed: &str, vendor, place, now| Ticket::open(key, sealed, vendor, place, now);
        assert_eq!(open(&key, sealed, "adsense", "front", NOW), Some(given));
        assert!(open(&key, sealed, "adsense", "front", NOW.plus(LASTS_MS - 1)).is_some());
        for (key, sealed, vendor, place, now) in [
            (&[8; 32], sealed, "adsense", "front", NOW),
            (&key, &sealed[1..], "adsense", "front", NOW),
            (&key, "", "adsense", "front", NOW),
            (&key, sealed, "doubleclick", "front", NOW),
            (&key, sealed, "adsense", "track", NOW),
            (&key, sealed, "adsense", "front", NOW.plus(LASTS_MS)),
            (&key, sealed, "adsense", "front", NOW.plus(-1)),
        ] {
            assert!(open(key, sealed, vendor, place, now).is_none(), "{vendor} {place} {now:?}");
        }
    }
}
