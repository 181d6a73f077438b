//! That an account may do something, as far as age goes: a value that only this guard makes.

use std::marker::PhantomData;

use rocket::Request;
use rocket::request::{FromRequest, Outcome};

use super::permission::{self, NO_LICENCES, Scope};
use crate::App;
use crate::accounts::band::Band;
use crate::accounts::guards::SignedIn;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::money::Cents;
use crate::web::trouble;

/// A scope as a type, so that a handler says in its parameters what it needs.
pub trait Asks: Send + Sync + 'static {
    const SCOPE: Scope;
}

macro_rules! asks {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        pub struct $name;
        impl Asks for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )* };
}

asks! {
    /// Licences that cost something.
    Buy,
    /// Files that come in.
    Upload,
    /// A page about the person.
    Profile,
}

/// Proof that this account's guardian allowed it and its owner is old enough for it, that its owner is of age, or that the
/// site asks for neither.
pub struct Permitted<S: Asks> {
    pub who: UserId,
    scope: PhantomData<S>,
}

#[rocket::async_trait]
impl<'r, S: Asks> FromRequest<'r> for Permitted<S> {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        let who = match request.guard::<SignedIn>().await {
            Outcome::Success(who) => who,
            Outcome::Error(fault) => return Outcome::Error(fault),
            Outcome::Forward(status) => return Outcome::Forward(status),
        };
        let permitted = Permitted { who: who.id.clone(), scope: PhantomData };
        if who.band == Band::Adult {
            return Outcome::Success(permitted);
        }
        let Some(app) = request.rocket().state::<App>() else {
            return trouble::stop(request, Error::internal("no application"));
        };
        let (user, least) = (who.id.clone(), app.config.age.services.clone());
        let asked = app
            .db
            .read(move |conn| permission::demand(conn, &user, S::SCOPE, &least, Timestamp::now()))
            .await;
        match asked {
            Ok(()) => Outcome::Success(permitted),
            Err(error) => trouble::stop(request, error),
        }
    }
}

/// Whether somebody may take what is in their basket. What costs nothing is not asked for, but of a child.
pub struct MayBuy {
    permitted: Option<Permitted<Buy>>,
    is_child: bool,
    is_too_young: bool,
}

impl MayBuy {
    /// `Guardian` where something is to pay and nobody allowed it, and always for a child; `NotYet` where something is to pay
    /// and they are too young for it here.
    pub fn pay(&self, total: Cents) -> Result<()> {
        match &self.permitted {
            _ if self.is_child => Err(Error::Guardian(NO_LICENCES)),
            None if total > Cents::ZERO && self.is_too_young => Err(Error::NotYet),
            None if total > Cents::ZERO => Err(Error::Guardian(Scope::Buy.asks())),
            _ => Ok(()),
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for MayBuy {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        let (is_child, who) = match request.guard::<SignedIn>().await {
            Outcome::Success(who) => (who.band == Band::Child, Some(who.id.clone())),
            _ => (false, None),
        };
        match request.guard::<Permitted<Buy>>().await {
            Outcome::Success(permitted) => {
                Outcome::Success(MayBuy { permitted: Some(permitted), is_child, is_too_young: false })
            }
            // Kept for a catcher that is not needed: the page goes on without the proof.
            Outcome::Error((status, _)) if status.code == 403 => {
                let is_too_young = is_too_young_to_buy(request, who).await;
                Outcome::Success(MayBuy { permitted: None, is_child, is_too_young })
            }
            Outcome::Error(fault) => Outcome::Error(fault),
            Outcome::Forward(status) => Outcome::Forward(status),
        }
    }
}

async fn is_too_young_to_buy(request: &Request<'_>, who: Option<UserId>) -> bool {
    let (Some(app), Some(who)) = (request.rocket().state::<App>(), who) else { return false };
    let least = app.config.age.services.clone();
    let is_open = app.db.read(move |conn| least.is_open_to(conn, &who, Scope::Buy, Timestamp::now())).await;
    matches!(is_open, Ok(false))
}
