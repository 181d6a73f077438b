//! Who may see a visitor: the registry as a page, and this response's own headers.

use rocket::{State, get};
use serde::Serialize;

use super::guards::{Consent, Decided};
use super::notice::VendorTold;
use super::policy;
use super::vendor::{OptOut, Programme, State as VendorState, Vendor, Works};
use crate::App;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::web::{Page, Reply, View};

/// A way out as it is shown: a link only where it is known to work.
#[derive(Serialize)]
pub(super) struct WayOut {
    kind: String,
    works: Works,
    address: Option<String>,
    /// Where to follow it, through our own leaving notice.
    href: Option<String>,
    seen_on: Option<String>,
    ended_on: Option<String>,
    stops_ours: bool,
}

impl WayOut {
    fn new(out: &OptOut, href: &str, now: Timestamp) -> WayOut {
        WayOut {
            kind: match out.kind.as_str() {
                "addon" => "an add-on for the browser",
                "cookie" => "a cookie that says no",
                "portal" => "a page of settings",
                "signal" => "a signal of the browser",
                _ => "none",
            }
            .into(),
            works: out.works,
            address: out.address.clone(),
            href: out.link(now).map(|_| href.to_owned()),
            seen_on: out.seen_on.map(|d| d.to_string()),
            ended_on: out.ended_on.map(|d| d.to_string()),
            stops_ours: out.stops_ours,
        }
    }
}

/// A vendor with everything that is known of it.
#[derive(Serialize)]
struct VendorEntry {
    #[serde(flatten)]
    told: VendorTold,
    is_on: bool,
    is_retired: bool,
    hold: Option<String>,
    reason: &'static str,
    is_contacted: bool,
    /// Where to read how it treats data, through our leaving notice.
    privacy_href: Option<String>,
    /// Where it is asked to delete what it has.
    deletion_url: Option<String>,
    ways_out: Vec<WayOut>,
}

/// A programme that speaks for many.
#[derive(Serialize)]
struct ProgrammeEntry {
    name: String,
    region: String,
    ways_out: Vec<WayOut>,
}

/// Who may see you.
#[derive(Serialize)]
pub struct WhoPage {
    vendors: Vec<VendorEntry>,
    programmes: Vec<ProgrammeEntry>,
    /// The headers of this very answer.
    content: String,
    connections: String,
    payment: String,
    media_origin: Option<String>,
    written_on: String,
    /// Whether whoever looks may be led away. Else none of the ways out is shown: they lead nowhere for them.
    may_leave: bool,
}

impl WhoPage {
    fn new(app: &App, consent: &Consent, now: Timestamp) -> WhoPage {
        let book = &app.consent;
        let entry = |(at, vendor): (usize, &Vendor)| {
            let reason = consent.decision.reasons[at];
            VendorEntry {
                told: VendorTold::new(vendor),
                is_on: book.enabled.iter().any(|e| e.at == at),
                is_retired: vendor.state == VendorState::Retired,
                hold: book.hold(at).map(str::to_owned),
                reason: reason.words(),
                is_contacted: reason.allows(),
                privacy_href: vendor
                    .privacy_page
                    .as_ref()
                    .map(|_| format!("/leave/vendor/{}/privacy", vendor.id)),
                deletion_url: vendor.deletion_url.clone(),
                ways_out: ways_of(vendor, now),
            }
        };
        let mut vendors: Vec<VendorEntry> = book.registry.vendors.iter().enumerate().map(entry).collect();
        vendors.sort_by_key(|v| (!v.is_on, v.is_retired));
        let media = app.media_origin.as_deref();
        WhoPage {
            vendors,
            programmes: book.registry.programmes.iter().map(|p| programme(p, now)).collect(),
            content: policy::content(book, &consent.decision, media, &[]),
            connections: policy::connections(book, &consent.decision, media),
            payment: if app.config.stripe.is_pretend() { "a pretend payment service" } else { "Stripe" }
                .into(),
            media_origin: app.media_origin.clone(),
            written_on: book.registry.written_on.to_string(),
            may_leave: consent.may_leave(app),
        }
    }
}

fn ways(all: &[OptOut], href: &str, now: Timestamp) -> Vec<WayOut> {
    all.iter().enumerate().map(|(n, out)| WayOut::new(out, &format!("{href}/{n}"), now)).collect()
}

/// The ways out that a vendor has itself.
pub(super) fn ways_of(vendor: &Vendor, now: Timestamp) -> Vec<WayOut> {
    ways(&vendor.opt_outs, &format!("/leave/vendor/{}", vendor.id), now)
}

fn programme(programme: &Programme, now: Timestamp) -> ProgrammeEntry {
    ProgrammeEntry {
        name: programme.name.clone(),
        region: programme.region.clone(),
        ways_out: ways(&programme.opt_outs, &format!("/leave/vendor/{}", programme.id), now),
    }
}

impl View for WhoPage {
    const TEMPLATE: &'static str = "consent/vendors.html";

    fn samples() -> Vec<WhoPage> {
        let now = Timestamp(1_795_600_000_000);
        let Ok(registry) = super::vendor::Registry::shipped() else { return vec![] };
        let page = |is_on: bool| WhoPage {
            vendors: registry
                .vendors
                .iter()
                .map(|vendor| VendorEntry {
                    told: VendorTold::new(vendor),
                    is_on,
                    is_retired: vendor.state == VendorState::Retired,
                    hold: vendor.hold.clone(),
                    reason: "Off.",
                    is_contacted: is_on,
                    privacy_href: vendor.privacy_page.clone(),
                    deletion_url: is_on.then(|| "https://vendor.example/delete".into()),
                    ways_out: ways(&vendor.opt_outs, "/leave/vendor/x", now),
                })
                .collect(),
            programmes: registry.programmes.iter().map(|p| programme(p, now)).collect(),
            content: "default-src 'none'".into(),
            connections: "(response-origin)".into(),
            payment: "Stripe".into(),
            media_origin: is_on.then(|| "https://sounds.example".into()),
            written_on: "2026-11-22".into(),
            may_leave: is_on,
        };
        vec![page(false), page(true)]
    }
}

/// Every vendor there is, what each would do, and what this very page lets a browser contact.
#[get("/privacy/vendors")]
pub fn vendors(page: Page, consent: Decided, app: &State<App>) -> Result<Reply> {
    page.show(&WhoPage::new(app, &consent, Timestamp::now()))
}
