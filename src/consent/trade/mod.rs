//! What scripts of the advertising trade are told in a page: `__tcfapi` where the operator has a consent manager of their
//! own that IAB Europe registered, `__gpp` where it was switched on. Both say what was decided; neither decides anything.

pub mod ad_request;
pub mod bits;
pub mod gpp;
pub mod tcf;
pub mod vendor_list;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::age::Band;
use super::disclosure;
use super::guards::Consent;
use super::place::Model;
use super::purpose::Purpose;
use super::rulebook::Rulebook;
use super::vendor::Vendor;
use crate::clock::Timestamp;
use bits::IdSet;
use gpp::{Content, Gpp, US_CALIFORNIA, US_NATIONAL, UsChoice, UsSection};
use tcf::list::VendorList;
use tcf::{Cmp, Letters, TcString};
use vendor_list::Newest;

/// The operator's own consent manager, and the vendor list it speaks of: always the newest.
#[derive(Clone, Debug)]
pub struct Registered {
    pub cmp: Cmp,
    pub list: Arc<Newest>,
}

/// Sections of the Global Privacy Platform that this shop can write, by id and API prefix.
pub const SECTIONS: [(u16, &str); 2] = [(US_NATIONAL, "usnat"), (US_CALIFORNIA, "usca")];

/// What `static/js/tcf.js` reads from its element.
#[derive(Clone, Debug, Serialize)]
pub struct TcfTag {
    pub cmp_id: u16,
    pub cmp_version: u16,
    pub list_version: u16,
    pub policy_version: u8,
    /// `yes` or `no`.
    pub applies: &'static str,
    /// The TC string.
    pub text: String,
    /// What it says, as JSON.
    pub data: String,
    pub event: &'static str,
    pub display: &'static str,
}

/// What `static/js/gpp.js` reads from its element.
#[derive(Clone, Debug, Serialize)]
pub struct GppTag {
    /// The GPP string.
    pub text: String,
    /// Its sections, as JSON.
    pub parsed: String,
    pub sections: String,
    pub supported: String,
    /// The section in force where the visitor is; `-1` for none.
    pub applicable: String,
    pub signal: &'static str,
    pub display: &'static str,
    pub cmp_id: Option<u16>,
}

impl TcfTag {
    /// What is told in a page, when the operator has a registered consent manager and a vendor list has come. `asks` is
    /// whether the banner stands in it.
    pub fn new(book: &Rulebook, consent: &Consent, asks: bool, now: Timestamp) -> Option<TcfTag> {
        let registered = book.registered.as_deref()?;
        let held = registered.list.held()?;
        let tc = tc_string(registered.cmp, &held.list, book, consent, now);
        Some(TcfTag {
            cmp_id: registered.cmp.id(),
            cmp_version: registered.cmp.version(),
            list_version: held.list.version,
            policy_version: held.list.policy_version,
            // Only where a visitor or their account says they are at a place whose law asks afterwards it does not apply.
            applies: if consent.decision.model == Model::OptOut { "no" } else { "yes" },
            text: tc.encode(),
            data: tc.tc_data().to_string(),
            // A change of consent is a whole new page, so a page never sees one complete.
            event: if consent.decision.to_ask.is_empty() { "tcloaded" } else { "cmpuishown" },
            display: display(book, consent, asks),
        })
    }
}

impl TcfTag {
    /// The same from a string that was written before, for a frame: there nothing is ever asked.
    pub fn again(text: &str, applies: bool) -> Option<TcfTag> {
        let tc = TcString::decode(text).ok()?;
        Some(TcfTag {
            cmp_id: tc.cmp_id,
            cmp_version: tc.cmp_version,
            list_version: tc.vendor_list_version,
            policy_version: tc.policy_version,
            applies: if applies { "yes" } else { "no" },
            text: text.to_owned(),
            data: tc.tc_data().to_string(),
            event: "tcloaded",
            display: "hidden",
        })
    }
}

impl GppTag {
    /// What is told in a page, where the operator switched it on.
    pub fn new(book: &Rulebook, consent: &Consent, asks: bool) -> Option<GppTag> {
        if book.gpp.is_empty() {
            return None;
        }
        let choice = us_choice(book, consent);
        let mut gpp = Gpp::default();
        for id in &book.gpp {
            gpp = gpp.with(Content::Us(match *id {
                US_CALIFORNIA => UsSection::california(choice),
                _ => UsSection::national(choice),
            }));
        }
        let ids: Vec<String> = gpp.sections().iter().map(|section| section.id.to_string()).collect();
        let supported = SECTIONS.iter().filter(|(id, _)| book.gpp.contains(id));
        Some(GppTag {
            text: gpp.encode(),
            parsed: gpp.parsed().to_string(),
            sections: ids.join(","),
            supported: supported.map(|(id, name)| format!("{id}:{name}")).collect::<Vec<_>>().join(","),
            applicable: applicable(&book.gpp, consent.here().place()),
            signal: if consent.decision.to_ask.is_empty() { "ready" } else { "not ready" },
            display: display(book, consent, asks),
            cmp_id: book.registered.as_deref().map(|r| r.cmp.id()),
        })
    }
}

fn display(book: &Rulebook, consent: &Consent, asks: bool) -> &'static str {
    let is_young = matches!(consent.band, Some(Band::Child | Band::Minor));
    match asks {
        true => "visible",
        false if is_young || book.enabled.is_empty() => "disabled",
        false => "hidden",
    }
}

/// The purposes for which a vendor that may be contacted was granted or, where people are asked afterwards, not refused.
pub fn purposes_of(consent: &Consent, vendor: &Vendor) -> Vec<Purpose> {
    disclosure::granted(vendor, consent).collect()
}

/// The purposes of the framework (policies of 2023) that a purpose of ours needs: 1 to keep and read something in the
/// browser; 2, 3, 4 and 7 for advertisements; 8 and 9 for statistics.
fn framework(purpose: Purpose) -> &'static [u16] {
    match purpose {
        Purpose::Preferences | Purpose::Content => &[1],
        Purpose::Analytics => &[1, 8, 9],
        Purpose::Ads => &[1, 2, 7],
        Purpose::AdsPersonalised => &[1, 3, 4],
        Purpose::EmailMeasurement => &[],
    }
}

/// What was decided, as a TC string: vendors of the list that may be contacted, their purposes, and what was said to the
/// shop itself. A signal, an age or an opt-out speaks through the decision.
fn tc_string(cmp: Cmp, list: &VendorList, book: &Rulebook, consent: &Consent, now: Timestamp) -> TcString {
    let listed = |vendor: &Vendor| vendor.tcf_id.filter(|id| list.vendor(*id).is_some());
    let disclosed: IdSet = book.on().filter_map(listed).collect();
    let day = consent.choices.decided_at.unwrap_or(now);
    let (mut vendors, mut purposes, mut own) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (vendor, _) in consent.decision.allowed(book) {
        let granted = purposes_of(consent, vendor);
        let needs: BTreeSet<u16> = granted.iter().flat_map(|p| framework(*p)).copied().collect();
        own.extend(&needs);
        if let Some(id) = listed(vendor) {
            vendors.insert(id);
            purposes.extend(needs);
        }
    }
    let mut tc = TcString::refusal(cmp, list, Letters::ENGLISH, disclosed, day);
    tc.vendor_consents = vendors.into_iter().collect();
    tc.purposes_consent = purposes.into_iter().collect();
    tc.publisher.get_or_insert_default().purposes_consent = own.into_iter().collect();
    tc.as_written()
}

/// What was decided, in the words of the United States. Where nobody may be contacted who sells, shares or targets,
/// everything is opted out of, whoever's doing that is.
fn us_choice(book: &Rulebook, consent: &Consent) -> UsChoice {
    let trades = consent.decision.allowed(book).any(|(vendor, _)| vendor.trades());
    UsChoice {
        opted_out: !trades || consent.choices.opted_out_at.is_some() || consent.decision.signal_applied,
        known_child: matches!(consent.band, Some(Band::Child | Band::Minor)),
        gpc: consent.signals.gpc,
    }
}

/// The section in force at a place: the state's own where it can be written, else the national one; none elsewhere and
/// where the place is not known.
fn applicable(written: &[u16], place: Option<&str>) -> String {
    let place = place.map(str::to_ascii_uppercase).unwrap_or_default();
    let section = match place.as_str() {
        "US-CA" if written.contains(&US_CALIFORNIA) => Some(US_CALIFORNIA),
        "US" => Some(US_NATIONAL),
        state if state.starts_with("US-") => Some(US_NATIONAL),
        _ => None,
    };
    section.filter(|id| written.contains(id)).map_or_else(|| "-1".to_owned(), |id| id.to_string())
}

#[cfg(test)]
mod tests;
