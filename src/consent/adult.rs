//! What is only for grown-ups: the proof that somebody is of age, which only the guards here make, and the page that stands
//! where there is none. It says nothing of any age to somebody whose age is not known.

use rocket::Request;
use rocket::http::Method;
use rocket::request::{FromRequest, Outcome};
use serde::Serialize;

use super::age::Band;
use super::guards::Consent;
use crate::error::{Error, Result};
use crate::web::reply::is_local;
use crate::web::{View, trouble};

/// Letters of an address that the question leads back to; from a longer one it leads nowhere in particular.
const MOST_LETTERS: usize = 2_000;

/// Proof that somebody is of age: that the youngest of what their account is known for, what this browser answered and what
/// its device says is. Without it the answer is 451, with the page below.
#[derive(Debug)]
pub struct Adult(());

impl Adult {
    async fn of(request: &Request<'_>) -> Result<Adult> {
        match Consent::of(request).await?.band {
            Some(Band::Adult) => Ok(Adult(())),
            band => Err(Error::OfAge { asks: band.is_none() }),
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Adult {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Adult, Error> {
        match Adult::of(request).await {
            Ok(proof) => Outcome::Success(proof),
            Err(error) => trouble::stop(request, error),
        }
    }
}

/// The same for a form of which only one answer is for grown-ups: nobody is stopped who gives another.
#[derive(Debug)]
pub struct IfAdult {
    proof: Option<Adult>,
    /// Whether the age question can still be put.
    asks: bool,
}

impl IfAdult {
    /// The proof. `OfAge` where there is none.
    pub fn proof(&self) -> Result<&Adult> {
        self.proof.as_ref().ok_or(Error::OfAge { asks: self.asks })
    }

    /// The same, to take along into a write.
    pub fn proven(self) -> Result<Adult> {
        self.proof.ok_or(Error::OfAge { asks: self.asks })
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for IfAdult {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<IfAdult, Error> {
        match Adult::of(request).await {
            Ok(proof) => Outcome::Success(IfAdult { proof: Some(proof), asks: false }),
            Err(Error::OfAge { asks }) => Outcome::Success(IfAdult { proof: None, asks }),
            Err(error) => trouble::stop(request, error),
        }
    }
}

/// What stands where something is only for grown-ups: the way to the age question for whoever may still answer it, which hints
/// at no age; for the young a sentence, and no way around it.
#[derive(Serialize)]
pub struct AdultsOnly {
    /// The age question, with the way back.
    screen: Option<String>,
}

impl AdultsOnly {
    /// The page in answer to a request.
    pub fn new(asks: bool, request: &Request<'_>) -> AdultsOnly {
        AdultsOnly { screen: asks.then(|| screen(&page_of(request).unwrap_or_else(|| "/".to_owned()))) }
    }

    /// The same in one sentence, for whoever takes no pages.
    pub fn words(&self) -> &'static str {
        match self.screen {
            Some(_) => "We ask everyone one question before this.",
            None => "This is for grown-ups. Nothing was changed.",
        }
    }
}

impl View for AdultsOnly {
    const TEMPLATE: &'static str = "consent/adults_only.html";

    fn samples() -> Vec<AdultsOnly> {
        vec![AdultsOnly { screen: Some(screen("/privacy/choices")) }, AdultsOnly { screen: None }]
    }
}

/// The address of the age question that leads back to this page of ours.
pub fn screen(to: &str) -> String {
    format!("/age?to={}", url::form_urlencoded::byte_serialize(to.as_bytes()).collect::<String>())
}

/// Where the question leads back to: a page of ours that is not the question or a way in itself.
pub fn back(to: &str) -> Option<&str> {
    let path = to.split(['?', '#']).next().unwrap_or_default();
    let is_way_in = matches!(path.trim_end_matches('/'), "/age" | "/sign-in" | "/sign-up" | "/sign-out");
    (is_local(to) && to.len() <= MOST_LETTERS && !is_way_in).then_some(to)
}

/// The page that somebody asked for, or the one whose form they sent: browsers name it to us and to nobody else
/// (`Referrer-Policy: same-origin`).
fn page_of(request: &Request<'_>) -> Option<String> {
    if matches!(request.method(), Method::Get | Method::Head) {
        return back(&request.uri().to_string()).map(str::to_owned);
    }
    let (from, rest) = request.headers().get_one("Referer")?.split_once("://")?.1.split_once('/')?;
    let is_here = request.host().is_some_and(|here| here.to_string().eq_ignore_ascii_case(from));
    let page = format!("/{}", rest.split('#').next().unwrap_or_default());
    back(&page).filter(|_| is_here).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{MOST_LETTERS, back, screen};

    /// R-AG-2: after the question one goes on within the site and not in circles; the way there names nothing but a page.
    #[test]
    fn the_question_leads_back_to_a_page_of_ours() {
        let long = format!("/search?q={}", "x".repeat(MOST_LETTERS));
        for (to, is) in [
            ("/", true),
            ("/privacy/choices", true),
            ("/search?q=rain&mood=calm", true),
            ("/@ines", true),
            ("/age", false),
            ("/age/", false),
            ("/age?to=/age", false),
            ("/\\evil.example", false),
            (long.as_str(), false),
            ("/sign-in?next=/", false),
            ("//evil.example", false),
            ("https://evil.example/", false),
            ("", false),
        ] {
            assert_eq!(back(to).is_some(), is, "{to:?}");
        }
        assert_eq!(screen("/search?q=a&b"), "/age?to=%2Fsearch%3Fq%3Da%26b");
    }
}
