//! Leaving the site: a notice of our own, and an address that leads away. It answers navigations alone and knows only
//! targets that are stored or registered, so that nothing on a page can use it to reach somebody else. A child is led
//! nowhere.

use rocket::request::{FromRequest, Outcome};
use rocket::{Request, State, get};
use serde::Serialize;

use super::guards::Consent;
use crate::App;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::web::{Page, Reply, View, trouble};

/// Proof that a person goes there: a top-level navigation (Fetch Metadata). A browser that does not say is believed: it
/// has no such page to be misused from that our policy would not stop.
pub struct Navigation;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Navigation {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Navigation, Error> {
        let says = |name| request.headers().get_one(name);
        let goes = says("Sec-Fetch-Mode").is_none_or(|mode| mode == "navigate")
            && says("Sec-Fetch-Dest").is_none_or(|dest| dest == "document");
        if goes { Outcome::Success(Navigation) } else { trouble::stop(request, Error::Forbidden) }
    }
}

/// Proof that whoever asks may be led away: nobody who is a child, by their account or by what this browser answered; and
/// where a site is for children, too, nobody who was not asked yet. For them there are no such pages (`NotFound`).
pub struct Leaves;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Leaves {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Leaves, Error> {
        let Some(app) = request.rocket().state::<App>() else {
            return trouble::stop(request, Error::internal("no application"));
        };
        match Consent::of(request).await {
            Ok(consent) if consent.may_leave(app) => Outcome::Success(Leaves),
            Ok(_) => trouble::stop(request, Error::NotFound),
            Err(error) => trouble::stop(request, error),
        }
    }
}

/// Where somebody is about to go, and whose words that address is.
#[derive(Serialize)]
pub struct LeavePage {
    pub host: String,
    pub address: String,
    /// The address of ours that leads there.
    pub go: String,
    /// A sentence on whose link it is.
    pub whose: String,
    pub back: String,
}

impl LeavePage {
    /// The notice before a stored address. `go` is the address of ours that leads there.
    pub fn new(address: &str, go: String, whose: String, back: String) -> Result<LeavePage> {
        let url = url::Url::parse(address).map_err(|_| Error::NotFound)?;
        let host =
            url.host_str().filter(|_| matches!(url.scheme(), "https" | "http")).ok_or(Error::NotFound)?;
        Ok(LeavePage { host: host.to_owned(), address: address.to_owned(), go, whose, back })
    }
}

impl View for LeavePage {
    const TEMPLATE: &'static str = "consent/leave.html";

    fn samples() -> Vec<LeavePage> {
        let page = LeavePage::new(
            "https://ines.example/about",
            "/leave/@ines/1/away".into(),
            "Ines put this link on her profile.".into(),
            "/@ines".into(),
        );
        page.into_iter().collect()
    }
}

/// 303 to a stored address, telling it nothing about where one came from.
pub fn away(address: &str) -> Reply {
    Reply::go(address).header("Referrer-Policy", "no-referrer").header("Cache-Control", "private, no-store")
}

/// The address of a vendor's or a programme's way out, or of a vendor's privacy page, where it may be a link today.
fn target(app: &App, id: &str, what: &str, now: Timestamp) -> Result<(String, String)> {
    let registry = app.consent.registry;
    let vendor = registry.vendor(id);
    if let (Some(vendor), "privacy") = (vendor, what) {
        let page = vendor.privacy_page.clone().ok_or(Error::NotFound)?;
        return Ok((page, format!("The privacy page of {}.", vendor.owner)));
    }
    let programme = registry.programmes.iter().find(|p| p.id == id);
    let (name, outs) = match (vendor, programme) {
        (Some(vendor), _) => (&vendor.name, &vendor.opt_outs),
        (None, Some(programme)) => (&programme.name, &programme.opt_outs),
        (None, None) => return Err(Error::NotFound),
    };
    let out = what.parse::<usize>().ok().and_then(|n| outs.get(n)).ok_or(Error::NotFound)?;
    let link = out.link(now).ok_or(Error::NotFound)?;
    Ok((
        link.to_owned(),
        format!(
            "Where {name} lets people opt out. It does not stop what is kept under our name: our own switch does."
        ),
    ))
}

/// The notice before a vendor's page.
#[get("/leave/vendor/<id>/<what>")]
pub fn vendor(id: &str, what: &str, page: Page, _may: Leaves, app: &State<App>) -> Result<Reply> {
    let (address, whose) = target(app, id, what, Timestamp::now())?;
    let go = format!("/leave/vendor/{id}/{what}/away");
    page.show(&LeavePage::new(&address, go, whose, format!("/privacy/vendors#{id}"))?)
}

/// Away to a vendor's page.
#[get("/leave/vendor/<id>/<what>/away")]
pub fn vendor_away(id: &str, what: &str, _goes: Navigation, _may: Leaves, app: &State<App>) -> Result<Reply> {
    Ok(away(&target(app, id, what, Timestamp::now())?.0))
}
