//! The slot of a page: who looks, and what is put beside what they look at.

use std::sync::Arc;

use rocket::Request;
use rocket::request::{FromRequest, Outcome};

use super::board::{Board, Shown};
use super::choose::{Scene, Viewer, Why};
use super::counts::Counts;
use super::frame::SIZE;
use super::ticket::Ticket;
use super::topic::Place;
use super::wishes::Wishes;
use crate::App;
use crate::accounts::guards::seen;
use crate::clock::Timestamp;
use crate::consent::guards::Consent;
use crate::consent::once;
use crate::consent::rulebook::Rulebook;
use crate::consent::seal;
use crate::consent::vendor::Vendor;
use crate::error::{Error, Result};
use crate::web::stream::is_head;
use crate::web::{Ad, Framed, Ours, Page, Unloaded, trouble};

/// What the two cookies are bound to.
const WISHES: &str = "cuehouse ad wishes";
const COUNTS: &str = "cuehouse ad counts";

/// The slot of a page for one visitor.
pub struct Slot {
    board: Arc<Board>,
    seal: [u8; 32],
    viewer: Viewer,
    /// A vendor's, where the decision allows one.
    offer: Option<Offer>,
    /// A vendor's that a press would load once.
    off: Option<once::Offer>,
    /// Whether somebody looks: a HEAD request shows nothing.
    is_seen: bool,
    now: Timestamp,
}

/// Who looks, as every place that speaks of advertisements knows them.
pub struct Looks(pub Viewer);

impl Slot {
    /// Puts an advertisement beside a page of this place that is about these words, where one fits; else the page stays
    /// as it is, without a hole. A vendor's that the visitor keeps off is named below, with a button that loads it once.
    pub fn fill(mut self, page: Page, place: Place, about: &[String]) -> Page {
        let page = page.about(about);
        if !self.is_seen {
            return page;
        }
        if let Some(offer) = self.offer {
            return page.framing(offer.at(place, &self.seal));
        }
        let page = match &self.off {
            Some(off) => page.leaving_off(unloaded(off)),
            None => page,
        };
        let Some(shown) = self.board.show(&self.viewer, Scene { place, about }, self.now) else {
            return page;
        };
        let page = match &mut self.viewer.counts {
            Some(counts) => {
                counts.count(&shown.campaign.id);
                page.keep(Ours::AdCounts, seal_counts(&self.seal, counts))
            }
            None => page,
        };
        page.beside(ad(&shown))
    }
}

/// An advertisement of a vendor that may stand in the slot.
struct Offer {
    origin: String,
    vendor: &'static Vendor,
    ticket: Ticket,
}

impl Offer {
    fn new(book: &Rulebook, consent: &Consent, now: Timestamp) -> Option<Offer> {
        let (vendor, _) = consent.decision.framed(book)?;
        let ticket = Ticket::new(book, consent, vendor, now)?;
        Some(Offer { origin: book.ad_origin.clone()?, vendor, ticket })
    }

    fn at(self, place: Place, key: &[u8; 32]) -> Framed {
        Framed {
            vendor: self.vendor.name.clone(),
            src: Ticket { place, ..self.ticket }.address(&self.origin, key),
            width: SIZE.0,
            height: SIZE.1,
            why_href: format!("/privacy/vendors#{}", self.vendor.id),
        }
    }
}

fn unloaded(off: &once::Offer) -> Unloaded {
    let told = off.told();
    Unloaded { vendor: off.vendor.id.clone(), why: told.why, what: told.what, button: told.button.into() }
}

fn ad(shown: &Shown) -> Ad {
    let (campaign, at) = (&shown.campaign, format!("/ads/{}", shown.campaign.id));
    let by = match &shown.why {
        Why::Anywhere => String::new(),
        Why::About(word) => {
            format!("?word={}", url::form_urlencoded::byte_serialize(word.as_bytes()).collect::<String>())
        }
        Why::Audience(_) => "?by=audience".to_owned(),
    };
    // Whoever leaves for somewhere else, or may let an advertiser guess what they like, is told first.
    let goes_at_once = campaign.stays_here() && !matches!(shown.why, Why::Audience(_));
    Ad {
        advertiser: campaign.advertiser.clone(),
        headline: campaign.headline.clone(),
        words: campaign.words.clone(),
        href: if goes_at_once { format!("{at}/go") } else { format!("{at}/leave{by}") },
        why_href: format!("{at}/why{by}"),
    }
}

/// What was wished, as a browser keeps it.
pub fn seal_wishes(key: &[u8; 32], wishes: &Wishes) -> String {
    seal::close_line(key, WISHES, &wishes.write())
}

/// What was counted, as a browser keeps it.
pub fn seal_counts(key: &[u8; 32], counts: &Counts) -> String {
    seal::close_line(key, COUNTS, &counts.write())
}

/// What a browser counted.
pub fn open_counts(key: &[u8; 32], value: &str, now: Timestamp) -> Option<Counts> {
    Some(Counts::read(&seal::open_line(key, COUNTS, value)?, now))
}

async fn viewer(request: &Request<'_>, now: Timestamp) -> Result<Viewer> {
    let app = request.rocket().state::<App>().ok_or_else(|| Error::internal("no application"))?;
    let consent = Consent::of(request).await?;
    let key = &app.keys.seal;
    let visitor = seen(request).await?.visitor.clone();
    let own = visitor.as_ref().and_then(|v| v.ad_wishes.as_deref()).and_then(Wishes::read);
    let wishes = match own {
        Some(wishes) => wishes,
        None => {
            let kept = Ours::AdWishes.of(request).and_then(|value| seal::open_line(key, WISHES, &value));
            kept.as_deref().and_then(Wishes::read).unwrap_or_default()
        }
    };
    let counts = wishes.counts.then(|| {
        let kept = Ours::AdCounts.of(request).and_then(|value| open_counts(key, &value, now));
        kept.unwrap_or_else(|| Counts::read("", now))
    });
    let is_left_alone =
        consent.decision.signal_applied || consent.choices.opted_out_at.is_some() || consent.for_children;
    Ok(Viewer {
        mode: consent.decision.ads,
        band: consent.band,
        is_personal: visitor.is_some() && wishes.are_personal(now) && !is_left_alone,
        wishes,
        counts,
        may_leave: consent.may_leave(app),
    })
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Slot {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Slot, Error> {
        let now = Timestamp::now();
        let Some(app) = request.rocket().state::<App>() else {
            return trouble::stop(request, Error::internal("no application"));
        };
        let looks = async { Ok::<_, Error>((viewer(request, now).await?, Consent::of(request).await?)) };
        match looks.await {
            Ok((viewer, consent)) => Outcome::Success(Slot {
                board: Arc::clone(&app.ads),
                seal: app.keys.seal,
                viewer,
                offer: Offer::new(&app.consent, &consent, now),
                off: consent.once.offer,
                is_seen: !is_head(request),
                now,
            }),
            Err(error) => trouble::stop(request, error),
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Looks {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Looks, Error> {
        match viewer(request, Timestamp::now()).await {
            Ok(viewer) => Outcome::Success(Looks(viewer)),
            Err(error) => trouble::stop(request, error),
        }
    }
}
