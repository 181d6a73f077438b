//! Where Stripe speaks. Its word counts by its signature over the bytes as they came.

use rocket::data::{Data, ToByteUnit};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{State, post};

use crate::App;
use crate::clock::Timestamp;
use crate::sales::jobs;
use crate::stripe::signed;
use crate::web::Reply;

/// The longest event: far beyond any of Stripe's.
const MOST_BYTES: u64 = 1 << 20;

/// The `Stripe-Signature` of a request.
pub struct Signature(String);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Signature {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Signature, Self::Error> {
        let lines: Vec<&str> = request.headers().get("Stripe-Signature").collect();
        Outcome::Success(Signature(lines.join(",")))
    }
}

/// An event: 200 when its work is done and on the disk, 400 when it is not Stripe's, 503 when Stripe should tell it
/// again.
#[post("/stripe/webhook", data = "<data>")]
pub async fn create(signature: Signature, data: Data<'_>, app: &State<App>) -> Reply {
    let body = match data.open(MOST_BYTES.bytes()).into_bytes().await {
        Ok(body) if body.is_complete() => body.into_inner(),
        _ => return answer(Status::BadRequest, "This could not be read."),
    };
    let secrets = app.webhook_secrets();
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    if !signed(&signature.0, &body, &secrets, Timestamp::now()) {
        return answer(Status::BadRequest, "The signature does not fit.");
    }
    match jobs::take(app, String::from_utf8_lossy(&body).into_owned()).await {
        Ok(_) => answer(Status::Ok, "Taken in."),
        Err(error) => {
            tracing::error!(%error, "an event of Stripe's could not be taken in");
            answer(Status::ServiceUnavailable, "Please tell it again.").header("Retry-After", "5")
        }
    }
}

fn answer(status: Status, words: &str) -> Reply {
    Reply::text(format!("{words}\n")).status(status).header("Cache-Control", "no-store")
}
