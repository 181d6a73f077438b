//! Coming in to a shop that is for children, too: whoever was not asked yet meets the age screen before any page, and goes on
//! from there to where they were going.
//!
//! The guard of every page asks here, so a page that is new stands behind the screen without its author's doing. In front
//! of it are those alone that a law or a letter opens, the ways to an account, and the screen itself. What is no
//! page (sounds, pictures, files for machines), what went wrong and whoever has an account are not stopped. What kind of
//! program asks is never looked at: a search engine meets the screen as everybody does.

use rocket::Request;
use rocket::http::Method;
use rocket::request::{FromRequest, Outcome};
use serde::Serialize;

use super::adult;
use super::guards::Screened;
use crate::App;
use crate::accounts;
use crate::error::{Error, Result};
use crate::web::catchers::fits;
use crate::web::stream::is_head;
use crate::web::{Fields, View, trouble};

/// Where everyone is asked.
pub const SCREEN: &str = "/age";
/// What comes before the question, by how its address begins: a whole part of it at least.
const OPEN: [&str; 12] = [
    // The screen, and the page that shows it until it was answered.
    SCREEN,
    "/sign-up",
    // Who has an account was asked when it was made.
    "/sign-in",
    "/account/reset",
    // What a letter opens.
    "/reset",
    "/confirm",
    "/letters",
    // Who answers for somebody; and who was asked, and waits for that answer.
    "/guardians",
    "/guardian",
    // What the law wants anybody to find, and the proof of what was chosen.
    "/privacy",
    // The terms, and whether a licence is one of ours: for whoever is shown one.
    "/licences",
    "/verify",
];

fn is_open(route: &str) -> bool {
    let is_under = |begins: &str| {
        route.strip_prefix(begins).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    OPEN.iter().any(|begins| is_under(begins))
}

/// Lets somebody in to the page they ask for, or does not: `Unasked` for whoever is to be asked first. A page that is fetched
/// before anybody asked for it is `Forbidden` instead, so that no browser keeps a screen for when it was answered.
pub async fn ask(request: &Request<'_>) -> Result<()> {
    let is_for_children = request.rocket().state::<App>().is_some_and(|app| app.consent.child_mode);
    if !is_for_children || request.method() != Method::Get || is_head(request) {
        return Ok(());
    }
    let Some(route) = request.route() else { return Ok(()) };
    // An address that no page has is nobody's: its guards are asked before its parts are read.
    let path: Vec<&str> = request.uri().path().segments().collect();
    if is_open(route.uri.path()) || !fits(route.uri.path(), &path) || Screened::of(request).0.is_some() {
        return Ok(());
    }
    if accounts::guards::seen(request).await?.visitor.is_some() {
        return Ok(());
    }
    let is_ahead = ["Sec-Purpose", "Purpose"]
        .iter()
        .any(|name| request.headers().get(name).any(|value| value.contains("prefetch")));
    Err(if is_ahead { Error::Forbidden } else { Error::Unasked })
}

/// Proof that whoever asks was let in, for an address that is no page and leads to one.
pub struct LetIn;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for LetIn {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<LetIn, Error> {
        match ask(request).await {
            Ok(()) => Outcome::Success(LetIn),
            Err(error) => trouble::stop(request, error),
        }
    }
}

/// The screen's address for whoever asked for this one: it leads back.
pub fn screen(request: &Request<'_>) -> String {
    adult::screen(adult::back(&request.uri().to_string()).unwrap_or("/"))
}

/// Where somebody was going who is at the screen with this request.
pub fn going(request: &Request<'_>) -> Option<String> {
    let is_at_screen = request.method() == Method::Get && request.uri().path().as_str() == SCREEN;
    let query = request.uri().query().filter(|_| is_at_screen)?.to_string();
    adult::back(Fields::parse(&query).text("to")).map(str::to_owned)
}

/// Whether this is an answer of a browser that kept nothing of the screen, so that none can be taken.
pub fn is_unkept(request: &Request<'_>, error: Option<&Error>) -> bool {
    request.rocket().state::<App>().is_some_and(|app| app.consent.child_mode)
        && request.method() == Method::Post
        && request.uri().path().as_str() == SCREEN
        && matches!(error, Some(Error::Forbidden))
        && request.cookies().iter().next().is_none()
}

/// The answer was not kept by the browser that gave it. The same words for everyone.
#[derive(Serialize)]
pub struct Unkept {
    /// Where they were going: an address of ours.
    to: String,
}

impl Unkept {
    /// For somebody who was going there, or nowhere in particular.
    pub fn new(to: Option<&str>) -> Unkept {
        Unkept { to: to.unwrap_or("/").to_owned() }
    }
}

impl View for Unkept {
    const TEMPLATE: &'static str = "consent/unkept.html";

    fn samples() -> Vec<Unkept> {
        vec![Unkept::new(None), Unkept::new(Some("/search?q=rain"))]
    }
}

#[cfg(test)]
mod tests {
    use super::is_open;

    /// R-AG-1: only what begins with a whole part of an open address is open; anything else is behind the screen.
    #[test]
    fn what_is_new_is_behind_the_screen() {
        for (route, open) in [
            ("/age", true),
            ("/privacy", true),
            ("/privacy/receipts/<id>", true),
            ("/guardians/<token>", true),
            ("/verify/<number>", true),
            ("/", false),
            ("/search", false),
            ("/privacy-of-others", false),
            ("/ages", false),
            ("/account", false),
            ("/<handle>", false),
            ("/something/new", false),
        ] {
            assert_eq!(is_open(route), open, "{route}");
        }
    }
}
