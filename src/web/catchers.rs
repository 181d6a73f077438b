//! Statuses as pages. A page about an error is a page like the others; where even that fails, a plain sentence.

use rocket::http::{ContentType, Method, Status};
use rocket::{Request, catch};
use serde::Serialize;

use super::lines::pattern;
use super::other_origin;
use super::page::Page;
use super::reply::Reply;
use super::trouble::Trouble;
use super::view::View;
use crate::consent::adult::AdultsOnly;
use crate::consent::entry::{self, Unkept};
use crate::error::Error;

/// The page about an error.
#[derive(Serialize)]
pub struct Fault {
    pub status: u16,
    pub title: String,
    pub words: String,
    /// Seconds after which another try is welcome.
    pub again_after: Option<u64>,
}

impl View for Fault {
    const TEMPLATE: &'static str = "errors/show.html";

    fn samples() -> Vec<Fault> {
        [400, 403, 404, 405, 409, 413, 422, 429, 500, 503]
            .map(|status| {
                let (title, words) = said(status);
                let again_after = (status == 429).then_some(30);
                Fault { status, title: title.into(), words: words.into(), again_after }
            })
            .into()
    }
}

fn said(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("That could not be read", "The request was not in a shape we understand."),
        403 => ("Not yours to see", "This page is for other people, or needs another role."),
        404 => ("Nothing here", "The address may be mistyped, or what was here has been withdrawn."),
        405 => ("Not that way", "This address exists, but not for what was asked of it."),
        409 => ("It changed meanwhile", "Somebody was quicker, or this was done already."),
        413 => ("Too much at once", "What was sent is larger than this address takes."),
        422 => ("That cannot be", "Something in the request cannot be as it was sent."),
        429 => ("A moment, please", "That was tried too often in a short time."),
        503 => ("Busy", "The shop has more to do than it can, for a moment."),
        _ => ("Our fault", "Something went wrong on our side. It has been noted; nothing was changed."),
    }
}

const UNCONFIRMED: &str = "Confirm your address first: the letter we sent you has a link. Your account page can send \
                           another one.";

/// Every error of every route.
#[catch(default)]
pub async fn any(status: Status, request: &Request<'_>) -> Reply {
    let (error, words) = Trouble::take(request);
    if other_origin::is_there(request) {
        return other_origin::nothing(status.code);
    }
    let mut code = status.code;
    if matches!(error, Some(Error::Held)) {
        return Reply::go("/held");
    }
    if matches!(error, Some(Error::Unasked)) {
        return Reply::go(entry::screen(request)).header("Cache-Control", "private, no-store");
    }
    if entry::is_unkept(request, error.as_ref())
        && let Ok(page) = Page::of(request).await
        && let Ok(reply) = page.show_as(code, &Unkept::new(None))
    {
        return reply;
    }
    if code == 401 || matches!(error, Some(Error::SignIn)) {
        let came = request.method() == Method::Get;
        let here = if came { request.uri().to_string() } else { "/".to_owned() };
        let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
        return Reply::go(format!("/sign-in?next={next}"));
    }
    if let Some(Error::OfAge { asks }) = &error {
        let page = AdultsOnly::new(*asks, request);
        return shown(&page, 451, page.words(), request).await;
    }
    // A part of the address that cannot be such a thing names nothing: Rocket says 422 where no route took it.
    if code == 422 && error.is_none() {
        code = 404;
    }
    let mut allow = None;
    if code == 404 && error.is_none() {
        allow = allowed(request);
        code = if allow.is_some() { 405 } else { 404 };
    }
    let (title, default) = said(code);
    let title = match error {
        Some(Error::Guardian(_)) => "For your guardian to allow",
        Some(Error::NotYet) => "Not yet",
        Some(Error::Away(_)) => "Not just now",
        _ => title,
    };
    let (own, again_after) = match &error {
        Some(Error::Refused(why) | Error::Conflict(why)) => (Some(why.clone()), None),
        Some(Error::Unconfirmed) => (Some(UNCONFIRMED.to_owned()), None),
        Some(Error::Guardian(why) | Error::Away(why)) => (Some((*why).to_owned()), None),
        Some(early @ Error::NotYet) => (Some(early.to_string()), None),
        Some(Error::TooMany(secs) | Error::Busy(secs)) => (None, Some(*secs)),
        Some(Error::Internal(_)) | None if code >= 500 => {
            let error =
                error.as_ref().map_or_else(|| "a handler panicked or failed".to_owned(), ToString::to_string);
            tracing::error!(method = %request.method(), route = pattern(request), "{error}");
            super::operators::FAULTS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            (None, None)
        }
        _ => (None, None),
    };
    let fault = Fault {
        status: code,
        title: title.to_owned(),
        words: words.or(own).unwrap_or_else(|| default.to_owned()),
        again_after,
    };
    let mut reply = shown(&fault, code, &fault.words, request).await;
    if let Some(secs) = again_after {
        reply = reply.header("Retry-After", secs.to_string());
    }
    if let Some(allow) = allow {
        reply = reply.header("Allow", allow);
    }
    reply
}

async fn shown<V: View>(view: &V, status: u16, words: &str, request: &Request<'_>) -> Reply {
    let wants_html = request.headers().get("Accept").all(|a| a.contains("html") || a.contains("*/*"));
    if wants_html
        && let Ok(page) = Page::of(request).await
        && let Ok(reply) = page.show_as(status, view)
    {
        return reply;
    }
    Reply::bytes(ContentType::Plain, format!("{words}\n")).status(Status::new(status))
}

/// The methods an address has, when it has any but not the one asked for (RFC 9110, section 15.5.6).
fn allowed(request: &Request<'_>) -> Option<String> {
    let path: Vec<&str> = request.uri().path().segments().collect();
    let mut methods: Vec<Method> = request
        .rocket()
        .routes()
        .filter(|route| fits(route.uri.path(), &path))
        .map(|route| route.method)
        .collect();
    methods.sort_by_key(|m| m.as_str());
    methods.dedup();
    let asked = request.method();
    let has = |m: Method| methods.contains(&m);
    if methods.is_empty() || has(asked) || (asked == Method::Head && has(Method::Get)) {
        return None;
    }
    let mut names: Vec<String> = methods.iter().map(ToString::to_string).collect();
    if has(Method::Get) {
        names.insert(1, "HEAD".into());
    }
    Some(names.join(", "))
}

/// Whether a route's path (`/tracks/<slug>`) is of this shape. A lone `<handle>` wants its `@`.
pub fn fits(route: &str, path: &[&str]) -> bool {
    let wants: Vec<&str> = route.split('/').filter(|s| !s.is_empty()).collect();
    for (n, want) in wants.iter().enumerate() {
        if want.ends_with("..>") {
            return true;
        }
        let Some(have) = path.get(n) else { return false };
        let fine =
            if *want == "<handle>" { have.starts_with('@') } else { want.starts_with('<') || want == have };
        if !fine {
            return false;
        }
    }
    wants.len() == path.len()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn routes_are_told_apart_by_their_shape() {
        for (route, path, is) in [
            ("/tracks/<slug>", vec!["tracks", "rain"], true),
            ("/tracks/<slug>", vec!["tracks"], false),
            ("/static/<path..>", vec!["static", "a", "b"], true),
            ("/<handle>", vec!["nothing"], false),
            ("/<handle>", vec!["@ines"], true),
            ("/", vec![], true),
        ] {
            assert_eq!(fits(route, &path), is, "{route}");
        }
    }
}
