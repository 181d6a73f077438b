//! What all pages of the pretend Stripe share: how they are laid out and answered, and that their forms are theirs.

use rocket::http::{ContentType, Header, Status};
use rocket::request::{FromRequest, Outcome, Request};
use rocket::response::{self, Responder, Response};
use rocket::{Catcher, Route, catch, catchers, routes};
use serde::Serialize;
use tera::{Context, Tera};

use super::fault::Fault;
use crate::error::{Error, Result};

/// What all pages need beside themselves.
pub fn routes() -> Vec<Route> {
    routes![style, favicon]
}

/// What answers when nothing else does.
pub fn catchers() -> Vec<Catcher> {
    catchers![any]
}

/// The pages' templates, compiled in.
pub struct Templates(Tera);

impl Templates {
    /// All templates; fails where one is broken.
    pub fn new() -> Result<Templates> {
        let mut tera = Tera::new();
        tera.add_raw_templates([
            ("sandbox/frame.html", include_str!("../../templates/sandbox/frame.html")),
            ("sandbox/index.html", include_str!("../../templates/sandbox/index.html")),
            ("sandbox/pay.html", include_str!("../../templates/sandbox/pay.html")),
            ("sandbox/challenge.html", include_str!("../../templates/sandbox/challenge.html")),
            ("sandbox/closed.html", include_str!("../../templates/sandbox/closed.html")),
            ("sandbox/error.html", include_str!("../../templates/sandbox/error.html")),
        ])
        .map_err(Error::internal)?;
        Ok(Templates(tera))
    }

    /// A page from this template; its forms may lead to these addresses, beside our own.
    pub fn page(&self, status: u16, template: &str, view: &impl Serialize, leads_to: &[&str]) -> Answer {
        let page = Context::from_serialize(view).and_then(|context| self.0.render(template, &context));
        match page {
            Ok(html) => Answer::Page {
                status,
                html,
                leads_to: leads_to.iter().filter_map(|url| origin(url)).collect(),
            },
            Err(error) => {
                tracing::error!(?error, template, "a page of the pretend Stripe");
                Answer::Plain(500, "This page could not be made.")
            }
        }
    }

    /// A page that says what went wrong.
    pub fn error(&self, status: u16, title: &str, words: &str) -> Answer {
        self.page(status, "sandbox/error.html", &serde_json::json!({ "title": title, "words": words }), &[])
    }

    /// A refusal, as a page.
    pub fn fault(&self, fault: &Fault) -> Answer {
        match fault.status {
            404 => self.error(404, "Nothing here", "The pretend Stripe holds no such thing."),
            status => self.error(status, "That did not happen", &fault.message),
        }
    }
}

/// What a page answers.
pub enum Answer {
    /// With the origins that a form on it may lead to, beside this one.
    Page {
        status: u16,
        html: String,
        leads_to: Vec<String>,
    },
    Go(String),
    Plain(u16, &'static str),
}

impl<'r> Responder<'r, 'static> for Answer {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut build = Response::build();
        build
            .header(Header::new("cache-control", "no-store"))
            // `no-referrer` would take the origin from the forms, too.
            .header(Header::new("referrer-policy", "same-origin"));
        match self {
            Answer::Go(to) => build.status(Status::SeeOther).header(Header::new("location", to)).ok(),
            Answer::Plain(status, words) => build
                .status(Status::new(status))
                .header(ContentType::Plain)
                .sized_body(words.len(), std::io::Cursor::new(words))
                .ok(),
            Answer::Page { status, html, leads_to } => {
                let policy = format!(
                    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; base-uri 'none'; \
                     frame-ancestors 'none'",
                    leads_to.join(" ")
                );
                build
                    .status(Status::new(status))
                    .header(ContentType::HTML)
                    .header(Header::new("content-security-policy", policy))
                    .sized_body(html.len(), std::io::Cursor::new(html))
                    .ok()
            }
        }
    }
}

fn origin(address: &str) -> Option<String> {
    let origin = url::Url::parse(address).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// A form of our own pages: posts that another site's page sends are refused.
pub struct Ours;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Ours {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Ours, ()> {
        let headers = request.headers();
        let foreign = headers.get_one("origin").is_some_and(|origin| {
            let host = headers.get_one("host").unwrap_or_default();
            origin.split_once("://").map(|(_, origin)| origin) != Some(host)
        });
        if foreign { Outcome::Error((Status::Forbidden, ())) } else { Outcome::Success(Ours) }
    }
}

#[rocket::get("/sandbox.css")]
fn style() -> (ContentType, &'static str) {
    (ContentType::CSS, include_str!("../../templates/sandbox/sandbox.css"))
}

#[rocket::get("/favicon.ico")]
fn favicon() -> (ContentType, &'static str) {
    const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0f6a6f"/><path d="M6 9h12M6 15h7" stroke="#fff" stroke-width="2.4" stroke-linecap="round"/></svg>"##;
    (ContentType::SVG, ICON)
}

#[catch(default)]
async fn any(status: Status, request: &Request<'_>) -> Answer {
    let Some(templates) = request.rocket().state::<Templates>() else {
        return Answer::Plain(status.code, "This did not work.");
    };
    match status.code {
        403 => templates.error(403, "Not from there", "This form was sent by a page of another site."),
        404 => templates.error(404, "Nothing here", "The pretend Stripe has no page at this address."),
        413 | 422 | 400 => {
            templates.error(status.code, "That did not happen", "What was sent makes no sense here.")
        }
        code => templates.error(code, "This did not work", "The pretend Stripe stumbled."),
    }
}
