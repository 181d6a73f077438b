//! What a browser said about itself, and what was decided for it. Looked at once a request; everything that depends on
//! consent asks this.

use std::convert::Infallible;
use std::sync::Arc;

use rocket::Request;
use rocket::http::Method;
use rocket::request::{FromRequest, Outcome};

use super::account;
use super::age::{self, Answer, Band};
use super::choices::Choices;
use super::decision::{Context, Decision, decide};
use super::desk;
use super::once::{Offer, Once, Pass};
use super::seal;
use super::signal::Said;
use super::vendor::Vendor;
use super::whereabouts::Here;
use crate::App;
use crate::accounts;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::web::csrf::Bound;
use crate::web::stream::is_head;
use crate::web::{Ours, trouble};

/// What the age screen was answered with in this browser, lately; the younger, where its device says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screened(pub Option<Answer>);

impl Screened {
    pub(super) fn of(request: &Request<'_>) -> Screened {
        Screened(request.rocket().state::<App>().and_then(|app| {
            let word = Ours::Age.of(request)?;
            let answer = age::open(&app.keys.seal, &word, Timestamp::now())?;
            Some(Said::of(request).lowers(answer))
        }))
    }

    /// What the answer means, if there is one.
    pub fn band(self) -> Option<Band> {
        self.0.map(|answer| answer.band)
    }
}

/// Where a visitor without an account is, as far as that makes the age screen stricter: the place they chose, and the regions
/// that their browser's languages hint at, which can only tighten. No address is looked up. Whoever signs in brings the country
/// of their account, which counts where they chose no place.
#[derive(Clone, Debug, Default)]
pub struct Whereabouts {
    pub place: Option<String>,
    pub hints: Vec<String>,
}

impl Whereabouts {
    fn of(request: &Request<'_>) -> Whereabouts {
        let choices = request
            .rocket()
            .state::<App>()
            .and_then(|app| Ours::Consent.of(request).and_then(|value| seal::open(&app.keys.seal, &value)));
        let languages = request.headers().get("Accept-Language").collect::<Vec<_>>().join(",");
        Whereabouts { place: choices.and_then(|c| c.place), hints: regions(&languages) }
    }
}

/// The regions in a list of languages: `CN` of `zh-Hans-CN;q=0.8`. At most eight.
fn regions(languages: &str) -> Vec<String> {
    let tag = |item: &str| item.split(';').next().unwrap_or_default().trim().to_owned();
    let region = |tag: String| {
        let part = tag
            .split('-')
            .skip(1)
            .find(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_alphabetic()))?;
        Some(part.to_ascii_uppercase())
    };
    languages.split(',').map(tag).filter_map(region).take(8).collect()
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Whereabouts {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Whereabouts, Infallible> {
        Outcome::Success(Whereabouts::of(request))
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Screened {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Screened, Infallible> {
        Outcome::Success(Screened::of(request))
    }
}

/// What a browser asks of every site it meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Global Privacy Control: `Sec-GPC: 1`.
    pub gpc: bool,
    /// Do Not Track: `DNT: 1`.
    pub dnt: bool,
}

impl Signals {
    /// Only the value `1` counts; of several headers, or of a list that a proxy made of them, one suffices (Global
    /// Privacy Control, section 3.2).
    pub fn of(request: &Request<'_>) -> Signals {
        let says = |name| request.headers().get(name).any(|line| line.split(',').any(|v| v.trim() == "1"));
        Signals { gpc: says("Sec-GPC"), dnt: says("DNT") }
    }

    /// Whether one of them is applied here.
    pub fn applied(self, honour_dnt: bool) -> bool {
        self.gpc || self.dnt && honour_dnt
    }
}

/// What was decided for this request, and from what.
#[derive(Clone, Debug)]
pub struct Consent {
    pub decision: Decision,
    pub choices: Choices,
    pub signals: Signals,
    pub band: Option<Band>,
    /// Whose choices these are, when somebody is signed in.
    pub account: Option<UserId>,
    /// Its row of choices, as these were read from it; nothing where it has none yet.
    pub row: Option<String>,
    /// Where that account says its owner is.
    pub country: Option<String>,
    pub ad_free: bool,
    /// Whether the page appeals to children.
    pub for_children: bool,
    /// Whether the banner was put off in this browser.
    pub later: bool,
    /// Whether somebody went on within the site: what was not answered where they came in is not asked again.
    pub moves_on: bool,
    /// Whether the browser sent any cookie at all.
    pub takes_cookies: bool,
    /// Whom a press of a button may load in one answer, and whether it is this one.
    pub once: Once,
}

/// Kept with the request: `None` until somebody asked.
struct Looked(Option<Arc<Consent>>);

impl Consent {
    /// What is decided for a request; looked up once.
    pub async fn of(request: &Request<'_>) -> Result<Arc<Consent>> {
        let looked = request
            .local_cache_async(async {
                Looked(match look(request).await {
                    Ok(consent) => Some(Arc::new(consent)),
                    Err(error) => {
                        tracing::error!(%error, "what may be contacted could not be decided");
                        None
                    }
                })
            })
            .await;
        looked.0.clone().ok_or(Error::Busy(2))
    }

    /// What was decided, if anything in this request asked. An answer that nobody decided for contacts nobody.
    pub fn looked(request: &Request<'_>) -> Option<Arc<Consent>> {
        request.local_cache(|| Looked(None)).0.clone()
    }

    /// Where the visitor is, as far as they or their account said.
    pub fn here(&self) -> Here<'_> {
        Here::new(self.choices.place.as_deref(), self.country.as_deref())
    }

    /// Whether a signal of the browser is applied here.
    pub fn signal(&self, app: &App) -> bool {
        self.signals.applied(app.consent.honour_dnt)
    }

    /// Whether whoever asks may be led away from this site: nobody who is a child, and where the site is for children, too,
    /// nobody who was not asked yet.
    pub fn may_leave(&self, app: &App) -> bool {
        self.band.map_or(!app.consent.child_mode, |band| band != Band::Child)
    }
}

async fn look(request: &Request<'_>) -> Result<Consent> {
    let app = request.rocket().state::<App>().ok_or_else(|| Error::internal("no application"))?;
    let (book, now, signals) = (&app.consent, Timestamp::now(), Signals::of(request));
    let signal = signals.applied(book.honour_dnt);
    let cookie = Ours::Consent.of(request).and_then(|value| seal::open(&app.keys.seal, &value));
    let mut choices = cookie.unwrap_or_default();
    let visitor = accounts::guards::seen(request).await?.visitor.clone();
    let ad_free = visitor.as_ref().is_some_and(|v| v.ad_free);
    let mut kept = account::Kept::default();
    let account = visitor.as_ref().map(|v| v.id.clone());
    let country = visitor.as_ref().and_then(|v| v.country.clone());
    // Without a vendor that is on, a signal or anything decided there is nothing that an account could change.
    if let Some(user) = account.clone()
        && (!book.enabled.is_empty() || signal || request.uri().path().starts_with("/privacy"))
    {
        kept = app.db.read(move |conn| account::of(conn, &user)).await?;
    }
    // An opt-out of this browser holds in it whatever the account says: only a press here takes it back.
    let mut everywhere = None;
    if let Some(own) = kept.choices.take() {
        everywhere = own.opted_out_at;
        choices = Choices { opted_out_at: everywhere.or(choices.opted_out_at), ..own };
    }
    // The youngest of what the account is known for, what this browser answered and what its device says.
    let known = visitor.as_ref().map(|visitor| visitor.band);
    let band = [known, Screened::of(request).band(), Said::of(request).0].into_iter().flatten().min();
    let (is_adult, mut row) = (band == Some(Band::Adult), kept.line.take());
    if let (true, Some(user)) =
        (is_adult && signal && everywhere.is_none() && choices.overrides_gpc.is_none(), &account)
    {
        (choices, row) = desk::signal(app, user, &choices, country.as_deref(), row, signals, now).await?;
    }
    let for_children = app.child_pages.cover(&request.uri().path().percent_decode_lossy());
    let context = Context {
        book,
        band,
        age_locked: visitor.as_ref().is_some_and(|v| v.hold.is_some()),
        for_children,
        gpc: signals.gpc,
        dnt: signals.dnt,
        account_opted_out: account.is_some() && choices.opted_out_at.is_some(),
        ad_free,
        choices: &choices,
        country: country.as_deref(),
        // No page sends a letter.
        letters_measured: false,
        load_once: None,
        now,
    };
    let plain = decide(&context);
    let offer = Offer::new(&context, &plain);
    let (came, loaded) = taken(request, app, offer, now)?;
    let decision = match &loaded {
        Some(vendor) => decide(&Context { load_once: Some(&vendor.id), ..context }),
        None => plain,
    };
    Ok(Consent {
        decision,
        choices,
        signals,
        band,
        account,
        row,
        country,
        ad_free,
        for_children,
        later: Ours::Later.of(request).is_some(),
        moves_on: moves_on(request),
        takes_cookies: request.cookies().iter().next().is_some(),
        once: Once { offer: offer.filter(|_| loaded.is_none()), loaded, came },
    })
}

/// Whether the word of a press came along with somebody who goes to a page, and the vendor that it loads there. Whatever a
/// page fetches, and what a browser fetches in advance, is no answer to a press and leaves the word where it is.
fn taken(
    request: &Request<'_>,
    app: &App,
    offer: Option<Offer>,
    now: Timestamp,
) -> Result<(bool, Option<&'static Vendor>)> {
    let said = |name| request.headers().get_one(name);
    let goes = request.method() == Method::Get
        && !is_head(request)
        && said("Sec-Fetch-Mode").is_none_or(|mode| mode == "navigate")
        && said("Sec-Fetch-Dest").is_none_or(|dest| dest == "document")
        && said("Sec-Purpose").is_none();
    let Some(sealed) = Ours::Once.of(request).filter(|_| goes) else { return Ok((false, None)) };
    let page = request.uri().to_string();
    let pass = Pass::open(&app.keys.seal, &sealed, &page, &Bound::of(request)?.browser(), now);
    let word = pass.filter(|(_, word)| app.once.take(word, now));
    let loaded = word.zip(offer).filter(|((vendor, _), offer)| *vendor == offer.vendor.id);
    Ok((true, loaded.map(|(_, offer)| offer.vendor)))
}

/// Whether a link or a form of ours led here. Browsers say so to us and to nobody else (`Referrer-Policy: same-origin`).
fn moves_on(request: &Request<'_>) -> bool {
    let from = request.headers().get_one("Referer").and_then(|from| from.split("://").nth(1));
    let from = from.and_then(|rest| rest.split(['/', '?', '#']).next());
    from.zip(request.host()).is_some_and(|(from, here)| here.to_string().eq_ignore_ascii_case(from))
}

/// Proof that a decision was made for this request.
pub struct Decided(pub Arc<Consent>);

impl std::ops::Deref for Decided {
    type Target = Consent;
    fn deref(&self) -> &Consent {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Decided {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Decided, Error> {
        match Consent::of(request).await {
            Ok(consent) => Outcome::Success(Decided(consent)),
            Err(error) => trouble::stop(request, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::regions;

    #[test]
    fn languages_hint_at_regions() {
        for (languages, found) in [
            ("zh-Hans-CN,zh;q=0.9,en-US;q=0.8", vec!["CN", "US"]),
            ("de", vec![]),
            ("ko-kr", vec!["KR"]),
            ("en-001, sr-Latn", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(regions(languages), found, "{languages}");
        }
    }
}
