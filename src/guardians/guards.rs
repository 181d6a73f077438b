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

/// Proof that this account's guardian allowed it, that its owner is of age, or that the site asks for neither.
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
        let user = who.id.clone();
        let asked =
            app.db.read(move |conn| permission::demand(conn, &user, S::SCOPE, Timestamp::now())).await;
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
}

impl MayBuy {
    /// `Guardian` where something is to pay and nobody allowed it, and always for a child.
    pub fn pay(&self, total: Cents) -> Result<()> {
        match &self.permitted {
            _ if self.is_child => Err(Error::Guardian(NO_LICENCES)),
            None if total > Cents::ZERO => Err(Error::Guardian(Scope::Buy.asks())),
            _ => Ok(()),
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for MayBuy {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        let is_child = match request.guard::<SignedIn>().await {
            Outcome::Success(who) => who.band == Band::Child,
            _ => false,
        };
        match request.guard::<Permitted<Buy>>().await {
            Outcome::Success(permitted) => Outcome::Success(MayBuy { permitted: Some(permitted), is_child }),
            // Kept for a catcher that is not needed: the page goes on without the proof.
            Outcome::Error((status, _)) if status.code == 403 => {
                Outcome::Success(MayBuy { permitted: None, is_child })
            }
            Outcome::Error(fault) => Outcome::Error(fault),
            Outcome::Forward(status) => Outcome::Forward(status),
        }
    }
}
