//! The guard every page takes: who is here, and what all pages show.

use std::sync::Arc;
use std::time::Instant;

use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use serde::Serialize;

use super::cookies::Ours;
use super::csrf::Bound;
use super::reply::{self, Reply};
use super::templates::Templates;
use super::view::View;
use super::window::{self, Pane, Standing, Window};
use super::{headers, trouble};
use crate::App;
use crate::accounts::guards;
use crate::accounts::user::Visitor;
use crate::clock::Timestamp;
use crate::consent::entry;
use crate::consent::frame::ConsentFrame;
use crate::consent::guards::Consent;
use crate::consent::handed::Handed;
use crate::consent::policy;
use crate::consent::rulebook::Rulebook;
use crate::error::{Error, Result};
use crate::ids::ReceiptId;

/// A page in the making.
pub struct Page {
    /// The person, when they are signed in.
    pub visitor: Option<Visitor>,
    pub basket_count: i64,
    templates: Templates,
    frame: Frame,
    fresh_forms_cookie: Option<String>,
    browser: String,
    had_notice: bool,
    /// A receipt that waited for this page.
    receipt: Option<ReceiptId>,
    handed: Arc<Handed>,
    media_origin: Option<String>,
    form_origins: Vec<String>,
    book: Arc<Rulebook>,
    consent: Arc<Consent>,
    window: Option<Place>,
    about: Vec<String>,
    kept: Vec<(Ours, String)>,
}

/// Where a page for nobody in particular stands in the window, and how things stood before anything was read for it.
struct Place {
    window: Arc<Window>,
    standing: Standing,
    since: Instant,
}

/// What the layout shows of the visitor and the site.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Frame {
    pub visitor: Option<Visitor>,
    pub may_review: bool,
    pub is_staff: bool,
    pub is_uploader: bool,
    pub is_admin: bool,
    pub basket_count: i64,
    pub csrf: String,
    pub path: String,
    /// With its question mark, or empty.
    pub query: String,
    /// Where to sign in, and come back here.
    pub sign_in: String,
    /// The absolute address without its query.
    pub url: String,
    pub site_name: String,
    pub site_url: String,
    pub currency: String,
    pub notice: Option<Note>,
    /// What may be contacted here, what is to be asked, and that a signal was honoured.
    pub consent: ConsentFrame,
    /// Whether single keys play and seek.
    pub shortcuts: bool,
    /// Whether whole previews are for this visitor, not only samples.
    pub hears_all: bool,
    /// The advertisement beside the page, where there is one.
    pub ad: Option<Ad>,
    /// A vendor's, in a frame, in its place.
    pub framed: Option<Framed>,
    /// A vendor's that stays off.
    pub unloaded: Option<Unloaded>,
    /// Whether payments and letters are pretended.
    pub pretend: bool,
    pub development: bool,
}

/// An advertisement as the layout shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ad {
    pub advertiser: String,
    pub headline: String,
    pub words: String,
    /// The address of ours that leads to what is advertised.
    pub href: String,
    /// The page that says why it stands here.
    pub why_href: String,
}

/// A vendor's advertisement as the layout shows it: a frame of another origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Framed {
    pub vendor: String,
    /// The address of the frame, whole.
    pub src: String,
    /// In CSS pixels.
    pub width: u32,
    pub height: u32,
    /// The page that says who that is and why it stands here.
    pub why_href: String,
}

/// That a vendor's advertisement stays off, as the layout says it beside the button that loads it once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unloaded {
    /// The vendor's id.
    pub vendor: String,
    /// That it stays off, and why.
    pub why: String,
    /// What a press does.
    pub what: String,
    /// The words on the button.
    pub button: String,
}

/// A line for the next page, with a link where it has one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Note {
    pub line: String,
    pub label: Option<String>,
    pub address: Option<String>,
}

impl Note {
    /// Reads what an earlier answer left; `receipt` is one that waits for this browser.
    fn read(text: &str, receipt: Option<&ReceiptId>) -> Note {
        let mut parts = text.split('\n').map(str::to_owned);
        let mut line = parts.next().unwrap_or_default();
        let (mut label, mut address) = (parts.next(), parts.next());
        if address.as_deref() == Some(reply::WAITING) {
            address = Some(match receipt {
                Some(id) => format!("/privacy/receipts/{id}"),
                None => {
                    // Another process took the choice, or it was shown before: nobody here knows which one it was.
                    line += " Its receipt cannot be shown here. To have one, choose once more under";
                    label = Some("Your Privacy Choices".into());
                    "/privacy/choices".into()
                }
            });
        }
        let address = address.filter(|a| reply::is_local(a));
        Note { line, label: label.filter(|_| address.is_some()), address }
    }
}

impl Page {
    /// The page of a view.
    pub fn show<V: View>(self, view: &V) -> Result<Reply> {
        self.show_as(200, view)
    }

    /// The page of a view as text, to be read here and not sent.
    pub fn html<V: View>(&self, view: &V) -> Result<String> {
        self.templates.page(V::TEMPLATE, view, &self.frame)
    }

    /// The page of a view under another status: 422 for a form shown again.
    pub fn show_as<V: View>(self, status: u16, view: &V) -> Result<Reply> {
        let html = self.templates.page(V::TEMPLATE, view, &self.frame)?;
        self.reply(status, html)
    }

    /// Says what the page is about, for the one who chooses what stands beside it: it goes into the window with the page.
    pub fn about(mut self, about: &[String]) -> Page {
        self.about = about.to_vec();
        self
    }

    /// Puts an advertisement beside it.
    pub fn beside(mut self, ad: Ad) -> Page {
        self.frame.ad = Some(ad);
        self
    }

    /// Puts a vendor's advertisement beside it, in a frame.
    pub fn framing(mut self, framed: Framed) -> Page {
        self.frame.framed = Some(framed);
        self
    }

    /// Says beside it that a vendor's advertisement stays off.
    pub fn leaving_off(mut self, unloaded: Unloaded) -> Page {
        self.frame.unloaded = Some(unloaded);
        self
    }

    /// Gives the browser a cookie with it, for as long as it is open.
    pub fn keep(mut self, cookie: Ours, value: String) -> Page {
        self.kept.push((cookie, value));
        self
    }

    /// This page from the window, if it is there: as everyone sees it, a moment old.
    pub fn in_window(&self) -> Option<Pane> {
        let Place { window: panes, standing, since } = self.window.as_ref()?;
        panes.look(&window::place(&self.frame.path, &self.frame.query), *standing, *since)
    }

    /// A page from the window.
    pub fn show_pane(self, pane: Pane) -> Result<Reply> {
        let html = self.templates.page_of(pane.template, pane.values, &self.frame)?;
        self.reply(200, html)
    }

    /// The page of a view, which is put into the window when it is for nobody in particular. The view must be one
    /// that everyone sees alike.
    pub fn show_all<V: View>(self, view: &V) -> Result<Reply> {
        let values = self.templates.values(view)?;
        if let Some(Place { window: panes, standing, since }) = &self.window {
            panes.put(
                &window::place(&self.frame.path, &self.frame.query),
                Pane::new(V::TEMPLATE, values.clone(), *standing, *since).about(&self.about),
            );
        }
        let html = self.templates.page_of(V::TEMPLATE, values, &self.frame)?;
        self.reply(200, html)
    }

    fn reply(self, status: u16, html: String) -> Result<Reply> {
        let mut reply = Reply::html(Status::new(status), html);
        if let Some(cookie) = self.fresh_forms_cookie {
            reply = reply.keep(Ours::Forms, cookie, None);
        }
        if self.had_notice {
            reply = reply.forget(Ours::Notice);
        }
        if self.receipt.is_some() {
            self.handed.take(&self.browser);
        }
        for (cookie, value) in self.kept {
            reply = reply.keep(cookie, value, None);
        }
        if !self.form_origins.is_empty() {
            let (book, decision) = (&self.book, &self.consent.decision);
            let policy = policy::content(book, decision, self.media_origin.as_deref(), &self.form_origins);
            reply = reply.header("Content-Security-Policy", policy);
        }
        Ok(reply)
    }

    /// Lets a form of this page end at another origin, such as the payment page's.
    pub fn allow_form_to(mut self, address: &str) -> Page {
        self.form_origins.extend(headers::origin(address));
        self
    }

    /// What tells this browser from others, as far as its forms do.
    pub fn browser(&self) -> &str {
        &self.browser
    }

    /// The receipt of the choice that led to this page, where the browser holds nothing that names it. Shown once.
    pub fn receipt(&self) -> Option<&ReceiptId> {
        self.receipt.as_ref()
    }

    /// Makes the page from a request, whatever its method.
    pub async fn of(request: &Request<'_>) -> Result<Page> {
        let app = request.rocket().state::<App>().ok_or_else(|| Error::internal("no application"))?;
        let is_nobody = Ours::Session.of(request).is_none() && Ours::Basket.of(request).is_none();
        let window = is_nobody.then(|| Place {
            window: Arc::clone(&app.window),
            standing: app.standing(),
            since: Instant::now(),
        });
        let seen = guards::seen(request).await?;
        let consent = Consent::of(request).await?;
        let forms = Bound::of(request)?;
        let notice = Ours::Notice.of(request);
        let (line, browser) = (reply::notice_in(request), forms.browser());
        let receipt = line.as_ref().and_then(|_| app.handed.waiting(&browser, Timestamp::now()));
        let visitor = seen.visitor.clone();
        let uri = request.uri();
        let path = uri.path().as_str().to_owned();
        if visitor.as_ref().is_some_and(|v| v.hold.is_some()) && !is_for_the_held(&path) {
            return Err(Error::Held);
        }
        let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
        let came =
            request.method() == rocket::http::Method::Get && !path.starts_with("/sign-") && path != "/age";
        let here = match came {
            true => format!("{path}{query}"),
            false => entry::going(request).unwrap_or_else(|| "/".to_owned()),
        };
        let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
        let frame = Frame {
            sign_in: if here == "/" { "/sign-in".to_owned() } else { format!("/sign-in?next={next}") },
            may_review: visitor.as_ref().is_some_and(Visitor::may_review),
            is_staff: visitor.as_ref().is_some_and(Visitor::is_staff),
            is_uploader: visitor.as_ref().is_some_and(|v| v.has(crate::accounts::user::Role::Uploader)),
            is_admin: visitor.as_ref().is_some_and(|v| v.has(crate::accounts::user::Role::Admin)),
            shortcuts: visitor.as_ref().is_none_or(|v| v.shortcuts),
            hears_all: visitor.is_some() || app.config.preview_anonymous,
            visitor: visitor.clone(),
            basket_count: seen.basket_count,
            csrf: forms.token(Timestamp::now())?,
            url: app.config.absolute(&path),
            path: path.clone(),
            query,
            site_name: app.config.site_name.clone(),
            site_url: app.config.site_url.clone(),
            currency: app.config.currency.clone(),
            notice: line.map(|text| Note::read(&text, receipt.as_ref())),
            consent: ConsentFrame::new(&app.consent, &consent, &path, Timestamp::now()),
            ad: None,
            framed: None,
            unloaded: None,
            pretend: app.config.stripe.is_pretend(),
            development: !app.config.is_production(),
        };
        Ok(Page {
            visitor,
            basket_count: seen.basket_count,
            templates: app.templates.clone(),
            frame,
            browser,
            fresh_forms_cookie: forms.fresh,
            had_notice: notice.is_some(),
            receipt,
            handed: Arc::clone(&app.handed),
            media_origin: app.media_origin.clone(),
            form_origins: vec![],
            book: app.consent.clone(),
            consent,
            window,
            about: vec![],
            kept: vec![],
        })
    }
}

/// What an account that shows a notice may still see: the notice, its way out, and what we keep about people.
fn is_for_the_held(path: &str) -> bool {
    path == "/held"
        || path.starts_with("/held/")
        || path.starts_with("/privacy")
        || path == "/sign-out"
        || path.starts_with("/guardians")
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Page {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Page, Error> {
        if let Err(error) = entry::ask(request).await {
            return trouble::stop(request, error);
        }
        match Page::of(request).await {
            Ok(page) => Outcome::Success(page),
            Err(error) => trouble::stop(request, error),
        }
    }
}
