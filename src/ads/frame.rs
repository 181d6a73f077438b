//! The document of a vendor's advertisement, at the ad origin. It reads no cookie and sets none, knows no session, and shows
//! nothing without a ticket that a page of ours gave. Its own policy lets the vendor's script run as the vendor demands;
//! what that reaches is this frame.

use rocket::request::{FromRequest, Outcome};
use rocket::{Request, State, get};
use serde::Serialize;

use super::ticket::Ticket;
use crate::App;
use crate::clock::Timestamp;
use crate::consent::disclosure::Line;
use crate::consent::key;
use crate::consent::trade::TcfTag;
use crate::consent::trade::ad_request::AdRequest;
use crate::error::{Error, Result};
use crate::secrets;
use crate::web::other_origin::AtAdOrigin;
use crate::web::stream::is_head;
use crate::web::{Reply, View, assets, trouble};

/// How large every advertisement of a vendor is, in CSS pixels: its place in the page is kept free before it comes.
pub const SIZE: (u32, u32) = (300, 250);

/// Proof that a frame asks, and that it wants the document: what else could be done with such an address is refused where
/// the browser says what it does (Fetch Metadata).
pub struct InFrame {
    is_head: bool,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for InFrame {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<InFrame, Error> {
        match request.headers().get_one("Sec-Fetch-Dest") {
            None | Some("iframe") => Outcome::Success(InFrame { is_head: is_head(request) }),
            Some(_) => trouble::stop(request, Error::Forbidden),
        }
    }
}

/// What the frame's document holds.
#[derive(Clone, Debug, Serialize)]
pub struct FramePage {
    /// The script of ours that starts the vendor's.
    src: String,
    nonce: String,
    /// The vendor's name for the account.
    account: String,
    /// The vendor's name for the place.
    unit: String,
    width: u32,
    height: u32,
    ad: AdRequest,
    tcf: Option<TcfTag>,
}

impl View for FramePage {
    const TEMPLATE: &'static str = "ads/frame.html";

    fn samples() -> Vec<FramePage> {
        let page = |ad| FramePage {
            src: "/static/js/frames/adsense.js".into(),
            nonce: "AAAA".into(),
            account: "ca-pub-1".into(),
            unit: "2".into(),
            width: SIZE.0,
            height: SIZE.1,
            ad,
            tcf: None,
        };
        vec![page(AdRequest::new(None, false, true)), page(AdRequest::new(None, true, false))]
    }
}

/// What a vendor's frame may run.
///
/// Google asks for a strict policy (nonce and `strict-dynamic`) with `unsafe-eval`, and says that a list of hosts is not
/// supported because hosts change (AdSense Help, "Integrate the AdSense ad code with a Content Security Policy", read on
/// 2026-11-28; Google Publisher Tag, "Integrate with a Content Security Policy", read on 2026-11-29).
///
/// What Magnite answers is the text of a script, meant to be written into a document (Prebid.js,
/// `modules/rubiconBidAdapter.js`, read on 2026-11-29), and such scripts write others. Ours puts it into a frame of its own
/// below, which has no origin and inherits this policy; a nonce would be known to nobody there. In the document itself there
/// is nothing inline.
fn scripts(vendor: &str, nonce: &str) -> String {
    match vendor {
        "magnite" => "'self' https: 'unsafe-inline' 'unsafe-eval'".into(),
        _ => format!("'nonce-{nonce}' 'strict-dynamic' 'unsafe-eval'"),
    }
}

/// The policy of the frame. Only pages of the site may hold it; it can send no form and be no base for plugins, and what is
/// not https is not loaded.
fn policy(site: &str, vendor: &str, nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src {}; style-src https: 'unsafe-inline'; img-src https: data: blob:; \
         media-src https: data: blob:; font-src https: data:; connect-src https:; frame-src https:; worker-src 'none'; \
         object-src 'none'; manifest-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors {site}; \
         webrtc 'block'",
        scripts(vendor, nonce)
    )
}

/// The advertisement of a vendor at a place, for whoever holds a ticket.
#[get("/frame/<vendor>/<place>?<t>")]
pub fn show(
    vendor: &str,
    place: &str,
    t: &str,
    _here: AtAdOrigin,
    frame: InFrame,
    app: &State<App>,
) -> Result<Reply> {
    let now = Timestamp::now();
    let ticket = Ticket::open(&app.keys.seal, t, vendor, place, now).ok_or(Error::NotFound)?;
    let book = &app.consent;
    let entry = book.on().find(|v| v.id == ticket.vendor && !v.is_in_page()).ok_or(Error::NotFound)?;
    let (account, unit) =
        book.key(vendor).and_then(|key| key::in_frame(vendor, key)).ok_or(Error::NotFound)?;
    let src = assets::address(&format!("js/frames/{vendor}.js")).ok_or(Error::NotFound)?;
    let nonce = secrets::token()?;
    let page = FramePage {
        src,
        account: account.to_owned(),
        unit: unit.to_owned(),
        width: SIZE.0,
        height: SIZE.1,
        ad: ticket.request,
        tcf: ticket.tc.and_then(|(text, applies)| TcfTag::again(&text, applies)),
        nonce: nonce.clone(),
    };
    if !frame.is_head {
        for purpose in &ticket.purposes {
            app.tally.note((now.day(), Line::of_vendor(entry, *purpose, ticket.basis)));
        }
    }
    let html = app.templates.page(FramePage::TEMPLATE, &page, &())?;
    Ok(Reply::html(rocket::http::Status::Ok, html)
        .header("Content-Security-Policy", policy(&app.config.site_url, vendor, &nonce)))
}

/// No machine has anything to find here.
#[get("/frame/robots.txt")]
pub fn robots(_here: AtAdOrigin) -> Reply {
    Reply::text("User-agent: *\nDisallow: /\n")
}
