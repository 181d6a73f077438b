//! Forms that only our own pages can send: a token that follows from the browser's session, or from a cookie of its own
//! where there is none, another in every page so that compression tells nothing about it (BREACH, 2013).
//!
//! A token says when its page was made, and has random bits that no other page has: a form that must count once can go by
//! them. Only we can write one, so neither can be made up, not by the browser either.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rocket::Request;
use rocket::http::Status;

use super::cookies::Ours;
use crate::App;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::secrets;

/// The field every form carries, and the header scripts may send instead.
pub const FIELD: &str = "csrf";
/// The header that scripts send the same in.
pub const HEADER: &str = "X-CSRF-Token";

/// The random bits and the moment in front of a token's seal.
const HEAD: usize = 16 + 8;

/// What a token that fits says of its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Random bits of this page alone.
    pub nonce: [u8; 16],
    /// When the page was made, to the second.
    pub at: Timestamp,
}

/// What a browser's forms are bound to.
#[derive(Clone, Debug)]
pub struct Bound {
    mac: [u8; 32],
    /// The cookie to give the browser, when it had none.
    pub fresh: Option<String>,
}

impl Bound {
    /// What this browser's forms are bound to; makes something up where it has no cookie yet.
    pub fn of(request: &Request<'_>) -> Result<Bound> {
        let known = known(request);
        let fresh = match known {
            Some(_) => None,
            None => Some(secrets::token()?),
        };
        let to = known.or_else(|| fresh.as_ref().map(|f| format!("f:{f}"))).unwrap_or_default();
        Ok(Bound { mac: mac(request, &to), fresh })
    }

    /// The same for a browser without a session that has this cookie, under the shop's key for forms.
    pub fn to_cookie(key: &[u8; 32], forms: &str) -> Bound {
        Bound { mac: secrets::mac(key, format!("f:{forms}").as_bytes()), fresh: None }
    }

    /// The same for a browser with this session.
    pub fn to_session(key: &[u8; 32], session: &str) -> Bound {
        Bound { mac: secrets::mac(key, format!("s:{session}").as_bytes()), fresh: None }
    }

    /// What tells this browser from others as long as its forms are bound to the same: a hash, which leads back to nothing.
    pub fn browser(&self) -> String {
        hex::encode(&secrets::derive(&self.mac, "browser")[..16])
    }

    /// The token for one page.
    pub fn token(&self, now: Timestamp) -> Result<String> {
        Ok(write(&self.mac, Issued { nonce: secrets::random()?, at: now }))
    }
}

fn write(mac: &[u8; 32], issued: Issued) -> String {
    let head = [&issued.nonce[..], &issued.at.secs().to_be_bytes()[..]].concat();
    let seal = secrets::mac(mac, &head);
    URL_SAFE_NO_PAD.encode([&head[..], &seal[..]].concat())
}

fn read(mac: &[u8; 32], token: &str) -> Option<Issued> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim()).ok()?;
    let (head, seal) = bytes.split_at_checked(HEAD)?;
    let (nonce, secs) = (head.first_chunk::<16>()?, head.last_chunk::<8>()?);
    let issued = Issued { nonce: *nonce, at: Timestamp::from_secs(i64::from_be_bytes(*secs)) };
    secrets::same(seal, &secrets::mac(mac, head)).then_some(issued)
}

fn known(request: &Request<'_>) -> Option<String> {
    let session = Ours::Session.of(request).map(|s| format!("s:{s}"));
    session.or_else(|| Ours::Forms.of(request).map(|f| format!("f:{f}")))
}

fn mac(request: &Request<'_>, to: &str) -> [u8; 32] {
    let key = request.rocket().state::<App>().map_or([0; 32], |app| app.keys.forms);
    secrets::mac(&key, to.as_bytes())
}

/// Whether this token is one this browser was given.
pub fn fits(request: &Request<'_>, token: &str) -> bool {
    issued(request, token).is_some()
}

/// What a token says, if it is one this browser was given.
pub fn issued(request: &Request<'_>, token: &str) -> Option<Issued> {
    read(&mac(request, &known(request)?), token)
}

/// Whether there is a token in the header that fits.
pub fn header_fits(request: &Request<'_>) -> bool {
    in_header(request).is_some()
}

/// What the token in the header says, if it is there and fits.
pub fn in_header(request: &Request<'_>) -> Option<Issued> {
    issued(request, request.headers().get_one(HEADER)?)
}

/// Where a browser says that a form was sent from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A page of ours.
    Ours,
    /// A page of another site, or of another origin of this one.
    Elsewhere,
    /// It does not say.
    Unsaid,
}

/// Where a form was sent from, by what no page can make a browser say: Fetch Metadata, else the Origin (RFC 6454).
pub fn sender(request: &Request<'_>) -> Sender {
    let said = |name| request.headers().get_one(name);
    let site = request.rocket().state::<App>().map(|app| app.config.site_url.as_str());
    told(said("Sec-Fetch-Site"), said("Origin"), site)
}

fn told(fetched: Option<&str>, origin: Option<&str>, site: Option<&str>) -> Sender {
    match (fetched, origin) {
        (Some("same-origin"), _) => Sender::Ours,
        // Somebody sent it again themselves, or the page hides where it is.
        (Some("none"), _) | (None, None | Some("null")) => Sender::Unsaid,
        (Some(_), _) => Sender::Elsewhere,
        (None, Some(origin)) if site == Some(origin) => Sender::Ours,
        (None, Some(_)) => Sender::Elsewhere,
    }
}

/// What a form without the right token is told.
pub fn refused(request: &Request<'_>) -> (Status, Error) {
    let error = Error::Forbidden;
    let words = match request.cookies().iter().next() {
        Some(_) => {
            "This form had gone stale, so nothing was changed. Go back, reload the page and send it again."
        }
        None => {
            "Your browser keeps no cookies for this site, so we cannot tell that this form is yours, and nothing was \
             changed. As long as that is so, we take it for a no: nobody is told that you are here."
        }
    };
    super::trouble::keep_words(request, words);
    (Status::Forbidden, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R-RC-8: only a browser's own word makes a form one of ours; a site beside ours is another, and silence says nothing.
    #[test]
    fn a_browser_says_where_a_form_came_from() {
        let site = "https://shop.example";
        for (fetched, origin, sender) in [
            (Some("same-origin"), None, Sender::Ours),
            (Some("same-origin"), Some("https://www.shop.example"), Sender::Ours),
            (Some("same-site"), Some(site), Sender::Elsewhere),
            (Some("cross-site"), Some(site), Sender::Elsewhere),
            (Some("cross-site"), Some("null"), Sender::Elsewhere),
            (Some("none"), None, Sender::Unsaid),
            (None, Some(site), Sender::Ours),
            (None, Some("https://shop.example.evil.example"), Sender::Elsewhere),
            (None, Some("http://shop.example"), Sender::Elsewhere),
            (None, Some("null"), Sender::Unsaid),
            (None, None, Sender::Unsaid),
        ] {
            assert_eq!(told(fetched, origin, Some(site)), sender, "{fetched:?} {origin:?}");
        }
    }

    /// R-RC-8: a token is one browser's, says when it was made, and cannot be dated or numbered otherwise.
    #[test]
    fn a_token_cannot_be_made_up() {
        let (mine, other, at) = ([7; 32], [8; 32], Timestamp::from_secs(1_800_000_000));
        let issued = Issued { nonce: [3; 16], at };
        let token = write(&mine, issued);
        assert_eq!((read(&mine, &token), read(&mine, &format!(" {token}\n"))), (Some(issued), Some(issued)));
        assert_eq!(read(&other, &token), None);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert_eq!(read(&mine, &URL_SAFE_NO_PAD.encode(altered)), None, "byte {at}");
        }
        for short in [0, 8, HEAD, bytes.len() - 1] {
            assert_eq!(read(&mine, &URL_SAFE_NO_PAD.encode(&bytes[..short])), None, "{short} bytes");
        }
        let bound = Bound::to_cookie(&mine, "a");
        let tokens = [bound.token(at).unwrap(), bound.token(at).unwrap()];
        assert_ne!(tokens[0], tokens[1], "every page has its own");
    }
}
