//! What the layout of every page shows of a decision: the tags of vendors who may be contacted, the banner, and that a
//! signal was honoured.

use serde::Serialize;

use super::guards::Consent;
use super::notice::Told;
use super::rulebook::{AdsMode, Rulebook};
use super::trade::ad_request::AdRequest;
use super::trade::{self, GppTag, TcfTag};
use crate::clock::Timestamp;
use crate::web::assets;

/// The script of ours that starts a vendor's, and what it needs to know.
#[derive(Clone, Debug, Serialize)]
pub struct Tag {
    /// The versioned address of our own file.
    pub src: String,
    pub vendor: &'static str,
    pub key: String,
    /// The granted purposes, with spaces.
    pub grants: String,
    /// What a request for an advertisement would say.
    pub ad: AdRequest,
}

/// What the layout shows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConsentFrame {
    pub tags: Vec<Tag>,
    /// `__tcfapi`, where the operator has a registered consent manager.
    pub tcf: Option<TcfTag>,
    /// `__gpp`, where the operator switched it on.
    pub gpp: Option<GppTag>,
    /// What is put to the visitor, when something is to be asked.
    pub banner: Option<Told>,
    /// Whether a signal was applied (11 CCR 7025(c)(6): every page then says so).
    pub signal: bool,
    /// The same as long as the same vendors may be contacted: open tabs compare it. Whoever is loaded once is nobody who may.
    pub tag: String,
    /// Whether somebody is loaded once: the next page is a document of its own, and so is this one when it comes again.
    pub once: bool,
    pub ads: Option<AdsMode>,
}

impl ConsentFrame {
    /// The frame of one page. Where decisions themselves are made, the banner would only be in the way.
    pub fn new(book: &Rulebook, consent: &Consent, path: &str, now: Timestamp) -> ConsentFrame {
        let asks = !consent.decision.to_ask.is_empty()
            && !consent.later
            && !consent.moves_on
            && !path.starts_with("/privacy/")
            && !is_bare(path);
        let vendors = &book.registry.vendors;
        ConsentFrame {
            tags: tags(book, consent),
            tcf: TcfTag::new(book, consent, asks, now),
            gpp: GppTag::new(book, consent, asks),
            banner: asks.then(|| Told::about(consent.decision.to_ask.iter().map(|at| &vendors[*at]))),
            signal: consent.decision.signal_applied,
            tag: tag(book, consent),
            once: consent.once.loaded.is_some(),
            ads: Some(consent.decision.ads),
        }
    }
}

/// The age screen comes alone.
fn is_bare(path: &str) -> bool {
    path == "/age" || path == "/sign-up"
}

/// The vendors that may be contacted, whichever page it is.
fn tag(book: &Rulebook, consent: &Consent) -> String {
    let lasting = consent.decision.allowed(book).filter(|(vendor, _)| !consent.once.is_of(vendor));
    lasting.map(|(vendor, _)| vendor.id.as_str()).collect::<Vec<_>>().join(" ")
}

fn tags(book: &Rulebook, consent: &Consent) -> Vec<Tag> {
    let mut all = vec![];
    for (vendor, key) in consent.decision.allowed(book).filter(|(vendor, _)| vendor.is_in_page()) {
        let Some(src) = assets::address(&format!("js/vendors/{}.js", vendor.id)) else { continue };
        let granted = trade::purposes_of(consent, vendor);
        let grants: Vec<&str> = granted.iter().map(|p| p.slug()).collect();
        all.push(Tag {
            src,
            vendor: &vendor.id,
            key: key.to_owned(),
            grants: grants.join(" "),
            ad: AdRequest::of(consent, vendor),
        });
    }
    all
}
