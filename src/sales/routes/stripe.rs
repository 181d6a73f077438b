//! Where Stripe speaks. Its word counts by its signature over the bytes as they came.

use rocket::data::{Data, ToByteUnit};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{State, post};

use crate::App;
use crate::clock::Timestamp;
use crate::sales::{inbox, jobs};
use crate::stripe::{is_fresh, signed_at};
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
    let now = Timestamp::now();
    let Some(signed_at) = signed_at(&signature.0, &body, &secrets) else {
        return answer(Status::BadRequest, "The signature does not fit.");
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    if !is_fresh(signed_at, now) {
        return stale(app, body, signed_at, now).await;
    }
    app.stripe.hears_clock(signed_at, now);
    match jobs::take(app, body).await {
        Ok(_) => answer(Status::Ok, "Taken in."),
        Err(error) => {
            tracing::error!(%error, "an event of Stripe's could not be taken in");
            answer(Status::ServiceUnavailable, "Please tell it again.").header("Retry-After", "5")
        }
    }
}

/// What is Stripe's and not of this moment is refused: somebody may have kept it. What was heard before says nothing of the
/// clock; what was not says that it is wrong.
async fn stale(app: &App, body: String, signed_at: i64, now: Timestamp) -> Reply {
    if let Ok(false) = app.db.read(move |conn| inbox::is_kept(conn, &body)).await {
        app.stripe.hears_clock(signed_at, now);
        if let Some(fault) = app.stripe.clock_fault() {
            tracing::error!("the clock of this machine is wrong: {fault}");
        }
    }
    answer(Status::BadRequest, "The signature is not of this moment.")
}

fn answer(status: Status, words: &str) -> Reply {
    Reply::text(format!("{words}\n")).status(status).header("Cache-Control", "no-store")
}
