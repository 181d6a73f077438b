//! From a meaning to a status and a page: what went wrong is kept with the request until a catcher shows it.

use std::sync::Mutex;

use rocket::Request;
use rocket::data;
use rocket::http::Status;
use rocket::outcome::Outcome;
use rocket::request;
use rocket::response::{self, Responder};

use crate::error::Error;

/// What went wrong while a request was answered.
#[derive(Default)]
pub struct Trouble(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    error: Option<Error>,
    words: Option<String>,
}

impl Trouble {
    /// Takes what was kept: the error and words that fit better than its own.
    pub fn take(request: &Request<'_>) -> (Option<Error>, Option<String>) {
        match request.local_cache(Trouble::default).0.lock() {
            Ok(mut kept) => (kept.error.take(), kept.words.take()),
            Err(_) => (None, None),
        }
    }
}

/// Keeps a sentence that says it better than the error can.
pub fn keep_words(request: &Request<'_>, words: impl Into<String>) {
    if let Ok(mut kept) = request.local_cache(Trouble::default).0.lock() {
        kept.words = Some(words.into());
    }
}

/// Keeps an error for the catcher; answers the status that leads there.
fn keep(request: &Request<'_>, error: Error) -> Status {
    // 401 leads to the catcher that answers 303 to /sign-in, to the notice or to the age screen.
    let status = match error {
        Error::SignIn | Error::Held | Error::Unasked => Status::Unauthorized,
        ref other => Status::new(other.status()),
    };
    if let Ok(mut kept) = request.local_cache(Trouble::default).0.lock() {
        kept.error = Some(error);
    }
    status
}

/// A data guard that says no.
pub fn out<'r, T>(request: &Request<'_>, error: Error) -> data::Outcome<'r, T, Error>
where
    T: data::FromData<'r, Error = Error>,
{
    let status = keep(request, error);
    Outcome::Error((status, Error::NotFound))
}

/// The same under a status of its own.
pub fn out_as<'r, T>(request: &Request<'_>, status: Status, error: Error) -> data::Outcome<'r, T, Error>
where
    T: data::FromData<'r, Error = Error>,
{
    keep(request, error);
    Outcome::Error((status, Error::NotFound))
}

/// A request guard that says no.
pub fn stop<T>(request: &Request<'_>, error: Error) -> request::Outcome<T, Error> {
    let status = keep(request, error);
    Outcome::Error((status, Error::NotFound))
}

impl<'r, 'o: 'r> Responder<'r, 'o> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'o> {
        Err(keep(request, self))
    }
}
