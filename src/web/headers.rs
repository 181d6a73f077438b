//! What every answer carries, errors too, and what pages carry beside; and texts compressed as they go.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::ContentType;
use rocket::{Request, Response};

use super::{Ours, other_origin};
use crate::App;
use crate::clock::Timestamp;
use crate::consent::disclosure::{self, Line};
use crate::consent::guards::Consent;
use crate::consent::recipient::Use;
use crate::consent::{janitor, policy};

/// What no page of ours asks of a browser, and lets nobody else ask of it: devices, and the advertising interfaces of
/// Chromium, also those that it is giving up (Topics and its siblings; list of November 2026).
pub const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=(), \
                               attribution-reporting=(), join-ad-interest-group=(), run-ad-auction=(), \
                               shared-storage=(), shared-storage-select-url=(), private-aggregation=(), \
                               private-state-token-issuance=(), private-state-token-redemption=()";

/// Pages longer than this are compressed.
const WORTH_IT: usize = 1024;

/// What stands inside pages. A browser heeds what a page may do from the page alone.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// Asks for nothing by itself.
    Media,
    /// May ask for more: a sheet for a picture, a script for a module.
    Code,
}

impl Part {
    fn of(kind: &ContentType) -> Option<Part> {
        match (kind.top().as_str(), kind.sub().as_str()) {
            ("image" | "audio" | "font", _) => Some(Part::Media),
            (_, "css" | "javascript") => Some(Part::Code),
            _ => None,
        }
    }
}

/// The origin (scheme, host, port) of an address.
pub fn origin(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    Some(url.origin().ascii_serialization())
}

/// Whether the asker reads gzip (RFC 9110, section 12.5.3).
pub fn takes_gzip(request: &Request<'_>) -> bool {
    request.headers().get("Accept-Encoding").any(|line| {
        line.split(',').any(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
            matches!(name.trim(), "gzip" | "*") && !refused
        })
    })
}

/// Puts the headers that every answer has on every answer.
pub struct Headers;

#[rocket::async_trait]
impl Fairing for Headers {
    fn info(&self) -> Info {
        Info { name: "headers of every answer", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Some(app) = request.rocket().state::<App>() else { return };
        if other_origin::is_there(request) {
            other_origin::headers(response, app.config.is_https());
            return compress(request, response).await;
        }
        let part = response.content_type().as_ref().and_then(Part::of);
        let mut set = |name: &'static str, value: String| {
            if !response.headers().contains(name) {
                response.set_raw_header(name, value);
            }
        };
        let (book, media) = (&app.consent, app.media_origin.as_deref());
        // What nobody decided for contacts nobody.
        let consent = Consent::looked(request);
        let decision = consent.as_ref().map_or(&*app.nobody, |consent| &consent.decision);
        if part.is_some() {
            set("Content-Security-Policy", policy::CLOSED.into());
            set("Connection-Allowlist", policy::NOWHERE.into());
        } else {
            set("Content-Security-Policy", policy::content(book, decision, media, &[]));
            set("Connection-Allowlist", policy::connections(book, decision, media));
            set("Reporting-Endpoints", policy::ENDPOINTS.into());
            set("X-DNS-Prefetch-Control", "off".into());
            set("Cross-Origin-Opener-Policy", "same-origin".into());
            set("X-Frame-Options", "DENY".into());
            set("Permissions-Policy", PERMISSIONS.into());
        }
        if part != Some(Part::Media) {
            set("Referrer-Policy", "same-origin".into());
        }
        set("X-Content-Type-Options", "nosniff".into());
        set("Cross-Origin-Resource-Policy", "same-origin".into());
        if app.config.is_https() {
            set("Strict-Transport-Security", "max-age=63072000; includeSubDomains".into());
        }
        if let Some(consent) = consent {
            let names = request.cookies().iter().map(|c| c.name().to_owned()).collect::<Vec<_>>();
            let host = request.host().map(|h| h.domain().as_str()).unwrap_or_default();
            let lines = janitor::sweep(
                book,
                &consent.decision,
                names.iter().map(String::as_str),
                host,
                app.config.is_https(),
            );
            for line in lines {
                response.adjoin_raw_header("Set-Cookie", line);
            }
            if consent.once.came {
                let gone = Ours::Once.gone(app.config.is_https());
                response.adjoin_raw_header("Set-Cookie", gone.to_string());
            }
            response.set_raw_header("Vary", policy::VARY);
            if let Some(signal) = &app.config.age.signal {
                response.adjoin_raw_header("Vary", signal.header.clone());
            }
            if response.content_type().is_some_and(|kind| kind.is_html()) {
                let lines = disclosure::of_page(book, &consent);
                lines.into_iter().for_each(|line| app.tally.note((Timestamp::now().day(), line)));
            }
        }
        if let (Some(origin), Some(to)) = (media, response.headers().get_one("Location"))
            && to.starts_with(origin)
            && let Some(service) = app.services.of(Use::Delivery)
        {
            app.tally.note((Timestamp::now().day(), Line::of_service(service)));
        }
        compress(request, response).await;
    }
}

async fn compress<'r>(request: &'r Request<'_>, response: &mut Response<'r>) {
    let texts =
        [ContentType::HTML, ContentType::JSON, ContentType::SVG, ContentType::XML, ContentType::Plain];
    let is_text = response.content_type().is_some_and(|kind| {
        texts
            .iter()
            .any(|t| t.media_type() == kind.media_type() || t.top() == kind.top() && t.sub() == kind.sub())
    });
    let whole = matches!(response.status().code, 200 | 400..=599);
    let headers = response.headers();
    if !is_text || !whole || headers.contains("Content-Encoding") || headers.contains("Content-Range") {
        return;
    }
    response.adjoin_raw_header("Vary", "Accept-Encoding");
    let Some(len) = response.body().preset_size() else { return };
    if len < WORTH_IT || !takes_gzip(request) || request.method() == rocket::http::Method::Head {
        return;
    }
    let Ok(bytes) = response.body_mut().to_bytes().await else { return };
    let mut gz = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(4));
    let packed = gz.write_all(&bytes).and_then(|()| gz.finish());
    match packed {
        Ok(packed) => {
            response.set_raw_header("Content-Encoding", "gzip");
            response.set_sized_body(packed.len(), Cursor::new(packed));
        }
        Err(_) => response.set_sized_body(bytes.len(), Cursor::new(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(origin("http://127.0.0.1:7/pay/x").as_deref(), Some("http://127.0.0.1:7"));
        assert_eq!(origin("nothing"), None);
    }
}
