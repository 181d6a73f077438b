//! Whose basket a request means.

use rocket::request::{FromRequest, Outcome, Request};

use crate::accounts::guards;
use crate::clock::DAY;
use crate::error::{Error, Result};
use crate::sales::basket::Owner;
use crate::secrets;
use crate::web::{Ours, Reply, trouble};

/// How long a browser's basket is kept without a visit.
pub const BASKET_LASTS: i64 = 90 * DAY;

/// Whoever asks, as the owner of a basket: the account of somebody who is signed in, else the browser by its cookie.
pub struct Holder {
    owner: Option<Owner>,
    /// The cookie that came.
    token: Option<String>,
}

impl Holder {
    /// The owner, if there can be a basket already.
    pub fn owner(&self) -> Option<Owner> {
        self.owner.clone()
    }

    /// The owner, and for a browser the token that its cookie must hold from now on.
    pub fn made(self) -> Result<(Owner, Option<String>)> {
        match (self.owner, self.token) {
            (Some(owner @ Owner::Account(_)), _) => Ok((owner, None)),
            (Some(owner), token) => Ok((owner, token)),
            (None, _) => {
                let token = secrets::token()?;
                Ok((Owner::browser(&token), Some(token)))
            }
        }
    }
}

/// The answer with the basket's cookie, renewed.
pub fn keep(reply: Reply, token: Option<String>) -> Reply {
    match token {
        Some(token) => reply.keep(Ours::Basket, token, Some(BASKET_LASTS)),
        None => reply,
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Holder {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Holder, Error> {
        let token = Ours::Basket.of(request);
        let visitor = guards::seen(request).await.ok().and_then(|seen| seen.visitor.clone());
        // An account that rests takes nothing new.
        if visitor.as_ref().is_some_and(|visitor| visitor.hold.is_some()) {
            return trouble::stop(request, Error::Held);
        }
        let owner = match visitor {
            Some(visitor) => Some(Owner::Account(visitor.id)),
            None => token.as_deref().map(Owner::browser),
        };
        Outcome::Success(Holder { owner, token })
    }
}
