//! Who listens.

use rocket::request::{FromRequest, Outcome, Request};

use crate::accounts::guards;
use crate::accounts::user::Visitor;
use crate::error::Error;
use crate::web::trouble;

/// Whoever asks, signed in or not.
#[derive(Clone, Debug)]
pub struct Listener(pub Option<Visitor>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Listener {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Listener, Error> {
        match guards::seen(request).await {
            Ok(seen) => Outcome::Success(Listener(seen.visitor.clone())),
            Err(error) => trouble::stop(request, error),
        }
    }
}
