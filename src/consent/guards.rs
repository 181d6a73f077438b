//! What a browser said about itself.

use std::convert::Infallible;

use rocket::request::{FromRequest, Outcome, Request};

use super::age::{self, Band};
use crate::App;
use crate::clock::Timestamp;
use crate::web::Ours;

/// What the age screen was answered with in this browser, lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screened(pub Option<Band>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Screened {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Screened, Infallible> {
        let band = request.rocket().state::<App>().and_then(|app| {
            let word = Ours::Age.of(request)?;
            age::open(&app.keys.seal, &word, Timestamp::now())
        });
        Outcome::Success(Screened(band))
    }
}
