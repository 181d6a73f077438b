//! Forms that only our own pages can send: a token that follows from the browser's session, or from a cookie of its own
//! where there is none, masked anew in every page so that compression tells nothing about it (BREACH, 2013).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rocket::Request;
use rocket::http::Status;

use super::cookies::Ours;
use crate::App;
use crate::error::{Error, Result};
use crate::secrets;

/// The field every form carries, and the header scripts may send instead.
pub const FIELD: &str = "csrf";
/// The header that scripts send the same in.
pub const HEADER: &str = "X-CSRF-Token";

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

    /// What tells this browser from others as long as its forms are bound to the same: a hash, which leads back to nothing.
    pub fn browser(&self) -> String {
        hex::encode(&secrets::derive(&self.mac, "browser")[..16])
    }

    /// The token for one page.
    pub fn token(&self) -> Result<String> {
        let pad: [u8; 32] = secrets::random()?;
        let mut bytes = pad.to_vec();
        bytes.extend(self.mac.iter().zip(pad).map(|(m, p)| m ^ p));
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }
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
    let Some(to) = known(request) else { return false };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token.trim()) else { return false };
    if bytes.len() != 64 {
        return false;
    }
    let unmasked: Vec<u8> = bytes[..32].iter().zip(&bytes[32..]).map(|(p, m)| p ^ m).collect();
    secrets::same(&unmasked, &mac(request, &to))
}

/// The token in the header, if it is there and fits.
pub fn header_fits(request: &Request<'_>) -> bool {
    request.headers().get_one(HEADER).is_some_and(|token| fits(request, token))
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
