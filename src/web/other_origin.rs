//! The ad origin: the same program under another name. Whoever asks it is given frames, their scripts and a robots.txt;
//! everything else of the site is not there, no cookie is read or set, and an error is one plain line.

use std::convert::Infallible;

use rocket::fairing::AdHoc;
use rocket::http::uri::Origin;
use rocket::http::{ContentType, Method, Status};
use rocket::request::{FromRequest, Outcome};
use rocket::{Request, Response};

use super::headers::PERMISSIONS;
use super::reply::Reply;
use crate::App;

/// What is there, by how its address begins.
const THERE: [&str; 3] = ["/frame/", "/static/js/frames/", "/static/js/tcf.js"];
/// An address that no route has.
pub(super) const NOWHERE: &str = "/frame/nothing/is/here";

/// Kept with the request.
struct Came(bool);

/// Whether a request is for the ad origin.
pub fn is_there(request: &Request<'_>) -> bool {
    request.local_cache(|| Came(false)).0
}

/// Sends requests for the ad origin to what is there, before any route looks at them.
pub fn watch() -> AdHoc {
    AdHoc::on_request("the ad origin", |request, _| {
        Box::pin(async move {
            let at = request.rocket().state::<App>().and_then(|app| app.config.privacy.ad_origin.clone());
            let came =
                at.zip(request.host()).is_some_and(|(at, host)| at.is(host.domain().as_str(), host.port()));
            request.local_cache(|| Came(came));
            if !came {
                return;
            }
            let path = request.uri().path().as_str().to_owned();
            let reads = matches!(request.method(), Method::Get | Method::Head);
            let to = match path.as_str() {
                "/robots.txt" if reads => "/frame/robots.txt",
                path if reads && THERE.iter().any(|there| path.starts_with(there)) => return,
                _ => NOWHERE,
            };
            request.set_method(Method::Get);
            if let Ok(to) = Origin::parse(to) {
                request.set_uri(to);
            }
        })
    })
}

/// Proof that a request is for the ad origin; under the site's own name there is no such address.
pub struct AtAdOrigin;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for AtAdOrigin {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<AtAdOrigin, Infallible> {
        match is_there(request) {
            true => Outcome::Success(AtAdOrigin),
            false => Outcome::Forward(Status::NotFound),
        }
    }
}

/// An error there. It may stand in a page of ours, so it shows nothing.
pub fn nothing(status: u16) -> Reply {
    Reply::bytes(ContentType::HTML, "<!doctype html><title>Nothing here</title>").status(Status::new(status))
}

/// What every answer there carries; a frame has said its own policy by then.
pub fn headers(response: &mut Response<'_>, is_https: bool) {
    response.remove_header("Set-Cookie");
    let mut set = |name: &'static str, value: &'static str| {
        if !response.headers().contains(name) {
            response.set_raw_header(name, value);
        }
    };
    set(
        "Content-Security-Policy",
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    set("Cache-Control", "private, no-store");
    set("X-Content-Type-Options", "nosniff");
    set("X-Robots-Tag", "none");
    // A vendor hears the name of the ad origin, and not which page asked: that one sent none.
    set("Referrer-Policy", "strict-origin");
    set("Cross-Origin-Resource-Policy", "same-origin");
    set("Permissions-Policy", PERMISSIONS);
    if is_https {
        set("Strict-Transport-Security", "max-age=63072000; includeSubDomains");
    }
}
