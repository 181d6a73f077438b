//! Who asks: each guard proves what its name says. All look at the effective method's request alone.

use std::convert::Infallible;
use std::sync::Arc;

use rocket::request::{FromRequest, Outcome, Request};

use super::band::Hold;
use super::session::{self, Seen};
use super::user::{Role, Visitor, is_email};
use crate::App;
use crate::clock::Timestamp;
use crate::consent::adult::Adult;
use crate::consent::seal;
use crate::consent::signal::Said;
use crate::error::{Error, Result};
use crate::guardians::routes::frozen_by_device;
use crate::ids::Handle;
use crate::web::cookies::Ours;
use crate::web::trouble;

/// What this request's cookies lead to; looked up once a request.
pub async fn seen(request: &Request<'_>) -> Result<Arc<Seen>> {
    struct Looked(Result<Arc<Seen>, u64>);
    let looked = request
        .local_cache_async(async {
            Looked(look(request).await.map(Arc::new).map_err(|error| {
                tracing::error!(%error, "a session could not be looked up");
                if let Error::Busy(secs) = error { secs } else { 0 }
            }))
        })
        .await;
    match &looked.0 {
        Ok(seen) => Ok(Arc::clone(seen)),
        Err(0) => Err(Error::internal("a session could not be looked up")),
        Err(secs) => Err(Error::Busy(*secs)),
    }
}

async fn look(request: &Request<'_>) -> Result<Seen> {
    let app = request.rocket().state::<App>().ok_or_else(|| Error::internal("no application"))?;
    let (token, basket) = (Ours::Session.of(request), Ours::Basket.of(request));
    if token.is_none() && basket.is_none() {
        return Ok(Seen::default());
    }
    let found = || {
        let (token, basket) = (token.clone(), basket.clone());
        app.db.read(move |conn| session::seen(conn, token.as_deref(), basket.as_deref(), Timestamp::now()))
    };
    let mut seen = found().await?;
    // A device that says its user is younger than this account does: it rests before anything else is done with it.
    if let (Some(visitor), Some(bracket)) = (&seen.visitor, Said::of(request).0)
        && frozen_by_device(app, visitor, bracket).await?
    {
        seen = found().await?;
    }
    if let (true, Some(visitor)) = (seen.stale, &seen.visitor) {
        let (db, id) = (app.db.clone(), visitor.session.clone());
        // Nobody waits for this note, and a lost one is made at the next visit.
        tokio::spawn(async move { db.write(move |conn| session::touch(conn, &id, Timestamp::now())).await });
    }
    Ok(seen)
}

async fn visitor(request: &Request<'_>) -> Result<Visitor> {
    let visitor = seen(request).await?.visitor.clone().ok_or(Error::SignIn)?;
    if visitor.hold.is_some() { Err(Error::Held) } else { Ok(visitor) }
}

macro_rules! guards {
    ($($(#[$doc:meta])* $name:ident $(+ $more:ident)?: |$visitor:ident| $proof:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub Visitor);

        impl std::ops::Deref for $name {
            type Target = Visitor;
            fn deref(&self) -> &Visitor {
                &self.0
            }
        }

        #[rocket::async_trait]
        impl<'r> FromRequest<'r> for $name {
            type Error = Error;

            async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
                let proven = visitor(request).await.and_then(|$visitor| {
                    let proof: Result<()> = $proof;
                    proof.map(|()| $visitor)
                });
                let visitor = match proven {
                    Ok(visitor) => visitor,
                    Err(error) => return trouble::stop(request, error),
                };
                $(
                    match request.guard::<$more>().await {
                        Outcome::Success(_) => {}
                        Outcome::Error(fault) => return Outcome::Error(fault),
                        Outcome::Forward(status) => return Outcome::Forward(status),
                    }
                )?
                Outcome::Success($name(visitor))
            }
        }
    )* };
}

fn confirmed(visitor: &Visitor) -> Result<()> {
    if visitor.confirmed { Ok(()) } else { Err(Error::Unconfirmed) }
}

fn either(visitor: &Visitor, roles: &[Role]) -> Result<()> {
    confirmed(visitor)?;
    if roles.iter().any(|role| visitor.has(*role)) { Ok(()) } else { Err(Error::Forbidden) }
}

guards! {
    /// Somebody with an account.
    SignedIn: |_visitor| Ok(());
    /// Somebody whose address is confirmed: may buy.
    Buyer: |visitor| confirmed(&visitor);
    /// Somebody who sells.
    Uploader: |visitor| either(&visitor, &[Role::Uploader]);
    /// Somebody who decides what is published. Whoever works for the shop reads about other people and is of age.
    Reviewer + Adult: |visitor| either(&visitor, &[Role::Reviewer, Role::Admin]);
    /// Somebody who helps people with their orders.
    Support + Adult: |visitor| either(&visitor, &[Role::Support, Role::Admin]);
    /// Somebody of the staff, whatever they do there.
    Staff + Adult: |visitor| either(&visitor, &[Role::Reviewer, Role::Support, Role::Admin]);
    /// Somebody who runs the shop.
    Admin + Adult: |visitor| either(&visitor, &[Role::Admin]);
}

/// Somebody whose account shows nothing but a notice, and who reads it.
#[derive(Clone, Debug)]
pub struct HeldBack(pub Visitor, pub Hold);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for HeldBack {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        let seen = match seen(request).await {
            Ok(seen) => seen,
            Err(error) => return trouble::stop(request, error),
        };
        match seen.visitor.clone() {
            Some(visitor) => match visitor.hold {
                Some(hold) => Outcome::Success(HeldBack(visitor, hold)),
                None => trouble::stop(request, Error::NotFound),
            },
            None => trouble::stop(request, Error::SignIn),
        }
    }
}

/// What the address to remember is sealed for.
const REMEMBERED: &str = "cuehouse remembered";

/// What a browser carries that is not proof of anything: its old session's token, its basket, an address it was asked
/// to remember.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    pub session: Option<String>,
    pub basket: Option<String>,
    pub remembered: Option<String>,
}

impl Carried {
    /// An address as the cookie keeps it: sealed, so that nobody else who reads the jar learns it.
    pub fn written(app: &App, email: &str) -> String {
        seal::close_line(&app.keys.seal, REMEMBERED, email)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Carried {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Carried, Infallible> {
        let app = request.rocket().state::<App>();
        let remembered = app.zip(Ours::Remembered.of(request));
        Outcome::Success(Carried {
            session: Ours::Session.of(request),
            basket: Ours::Basket.of(request),
            remembered: remembered
                .and_then(|(app, kept)| seal::open_line(&app.keys.seal, REMEMBERED, &kept))
                .filter(|kept| is_email(kept) || Handle::parse(kept).is_some()),
        })
    }
}
