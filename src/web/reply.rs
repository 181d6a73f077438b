//! Answers: a page, another address, a small file.

use std::io::Cursor;

use cookie::Cookie;
use rocket::http::{ContentType, Status};
use rocket::response::{self, Responder, Response};
use rocket::{Request, http::uri::Origin};

use super::cookies::Ours;
use crate::App;
use crate::consent::seal;

/// An answer that is at hand whole.
pub struct Reply {
    status: Status,
    kind: ContentType,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
    cookies: Vec<Cook>,
}

enum Cook {
    Keep(Ours, String, Option<i64>),
    /// The line for the next page; it may tell a choice, so it is sealed on its way.
    Notice(String),
    Forget(Ours),
}

impl Reply {
    /// A page.
    pub fn html(status: Status, html: String) -> Reply {
        let reply = Reply::bytes(ContentType::HTML, html.into_bytes());
        Reply { status, ..reply }.header("Cache-Control", "private, no-store")
    }

    /// Anything else that is small.
    pub fn bytes(kind: ContentType, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status: Status::Ok, kind, body: body.into(), headers: vec![], cookies: vec![] }
    }

    /// Plain text.
    pub fn text(text: impl Into<String>) -> Reply {
        Reply::bytes(ContentType::Plain, text.into())
    }

    /// A JSON value.
    pub fn json(value: &serde_json::Value) -> Reply {
        Reply::bytes(ContentType::JSON, value.to_string())
    }

    /// Something that programs of other sites may read, and anyone may keep for so many seconds.
    pub fn public(self, secs: u32) -> Reply {
        self.header("Cache-Control", format!("public, max-age={secs}"))
            .header("Access-Control-Allow-Origin", "*")
            .header("Cross-Origin-Resource-Policy", "cross-origin")
    }

    /// 303: look there.
    pub fn go(to: impl Into<String>) -> Reply {
        Reply::bytes(ContentType::Plain, vec![]).status(Status::SeeOther).header("Location", to)
    }

    /// 303 to where a person came from, if that is a place of ours, else to this one.
    pub fn go_back(next: &str, or: &str) -> Reply {
        Reply::go(if is_local(next) { next } else { or })
    }

    /// 204: done, nothing to show.
    pub fn done() -> Reply {
        Reply::bytes(ContentType::Plain, vec![]).status(Status::NoContent)
    }

    /// The same with this status.
    pub fn status(mut self, status: Status) -> Reply {
        self.status = status;
        self
    }

    /// The same with this header, in place of an earlier one of its name.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.into()));
        self
    }

    /// Gives the browser a cookie for so many milliseconds, or as long as it is open.
    pub fn keep(mut self, cookie: Ours, value: impl Into<String>, lasts_ms: Option<i64>) -> Reply {
        self.cookies.push(Cook::Keep(cookie, value.into(), lasts_ms));
        self
    }

    /// Takes a cookie away.
    pub fn forget(mut self, cookie: Ours) -> Reply {
        self.cookies.push(Cook::Forget(cookie));
        self
    }

    /// Shows one line on the next page.
    pub fn notice(self, line: &str) -> Reply {
        self.notice_with(line, "", "")
    }

    /// The same with a link behind it to a place of ours.
    pub fn notice_with(self, line: &str, label: &str, address: &str) -> Reply {
        let line: String = line.chars().take(400).filter(|c| *c != '\n').collect();
        let line = if address.is_empty() { line } else { format!("{line}\n{label}\n{address}") };
        let mut reply = self;
        reply.cookies.push(Cook::Notice(line));
        reply
    }

    /// The same with a link to the receipt that waits in this process's memory for this browser. The line itself is alike
    /// for everyone and leads nowhere.
    pub fn notice_with_receipt(self, line: &str) -> Reply {
        self.notice_with(line, "Receipt", WAITING)
    }
}

/// What the line for the next page is sealed for.
const NOTICE: &str = "cuehouse notice";
/// Stands in a line where the address of a receipt would: it is no address, and alike for everyone.
pub(super) const WAITING: &str = "waiting";
/// How long it waits for that page.
const NOTICE_MS: i64 = 60_000;

/// The line that an earlier answer left for this page.
pub fn notice_in(request: &Request<'_>) -> Option<String> {
    let app = request.rocket().state::<App>()?;
    seal::open_line(&app.keys.seal, NOTICE, &Ours::Notice.of(request)?)
}

/// Whether an address lies within this site: root-relative, and read as such by every browser.
pub fn is_local(address: &str) -> bool {
    address.starts_with('/')
        && !address.starts_with("//")
        && !address.contains('\\')
        && !address.chars().any(char::is_control)
        && Origin::parse(address).is_ok()
}

impl<'r> Responder<'r, 'static> for Reply {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let https = request.rocket().state::<App>().is_some_and(|app| app.config.is_https());
        let mut response = Response::build();
        response.status(self.status);
        if !self.body.is_empty() {
            response.header(self.kind);
        }
        for (name, value) in self.headers {
            response.raw_header(name, value);
        }
        for cookie in self.cookies {
            let cookie: Cookie<'static> = match cookie {
                Cook::Keep(ours, value, lasts) => ours.holding(&value, lasts, https),
                Cook::Notice(line) => {
                    let Some(app) = request.rocket().state::<App>() else { continue };
                    let sealed = seal::close_line(&app.keys.seal, NOTICE, &line);
                    Ours::Notice.holding(&sealed, Some(NOTICE_MS), https)
                }
                Cook::Forget(ours) => ours.gone(https),
            };
            response.raw_header_adjoin("Set-Cookie", cookie.to_string());
        }
        response.sized_body(self.body.len(), Cursor::new(self.body)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_our_own_addresses_are_gone_back_to() {
        for (address, fine) in [
            ("/search?q=rain", true),
            ("//evil.example/", false),
            ("/\\evil.example", false),
            ("https://evil.example/", false),
            ("", false),
            ("/a\nb", false),
        ] {
            assert_eq!(is_local(address), fine, "{address:?}");
        }
    }
}
