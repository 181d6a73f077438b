//! The addresses of letters: the switches, the link that ends the weekly letter, and what those who agreed report back.

use std::path::PathBuf;

use rocket::http::ContentType;
use rocket::{Route, State, get, post, routes};
use serde::Serialize;

use super::saying::{Said, Saying};
use super::{Topic, Wanted, What};
use crate::App;
use crate::accounts::guards::SignedIn;
use crate::accounts::user::User;
use crate::clock::Timestamp;
use crate::consent::adult::IfAdult;
use crate::consent::choosing;
use crate::consent::guards::{Decided, Signals};
use crate::consent::letters;
use crate::consent::receipt::{Action, Recipient, Salt};
use crate::consent::recipient::{Service, Use};
use crate::consent::word::{About, Refusal};
use crate::error::{Error, Result};
use crate::ids::{ReceiptId, UserId};
use crate::web::{Page, Pressed, Reply, Sample, View, samples};

/// A picture of one transparent point (GIF89a).
const POINT: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\
                       \x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// Every address of this file.
pub fn all() -> Vec<Route> {
    routes![switch, stop, stopped, seen, followed]
}

/// The pages of this file.
pub fn views() -> Vec<Sample> {
    samples::<StopPage>()
}

/// A topic with its switch, on the page of choices.
#[derive(Clone, Debug, Serialize)]
pub struct Switch {
    pub slug: &'static str,
    pub name: &'static str,
    pub words: &'static str,
    pub on: bool,
}

/// The switches of an account: the one about measuring only where the site measures at all.
pub fn switches(app: &App, wanted: &Wanted, now: Timestamp) -> Vec<Switch> {
    Topic::ALL
        .iter()
        .filter(|topic| **topic != Topic::Measurement || app.consent.measures_letters)
        .rev()
        .map(|topic| Switch {
            slug: topic.as_str(),
            name: topic.name(),
            words: topic.words(),
            on: wanted.is_on(*topic, &app.consent, now),
        })
        .collect()
}

/// Says yes or no to each topic, with a receipt. A yes is for people of age alone, and for a form that was not used before. Of a
/// no nothing in the browser leads to the receipt.
#[post("/privacy/letters", data = "<form>")]
pub async fn switch(
    who: SignedIn,
    form: Pressed,
    page: Page,
    consent: Decided,
    adult: IfAdult,
    app: &State<App>,
) -> Result<Reply> {
    let Some(word) = form.word(About::Letters, &app.keys.seal, page.browser(), consent.signal(app)) else {
        return choosing::instead(app, page, &consent, Refusal::NotGiven, None).await;
    };
    let (Pressed(fields, _), now) = (form, Timestamp::now());
    let shown = switches(app, &Wanted::default(), now);
    let said: Vec<(Topic, bool)> = shown
        .iter()
        .filter_map(|switch| Topic::parse(switch.slug))
        .map(|topic| (topic, fields.text(&format!("topic.{topic}")) == "on"))
        .collect();
    let saying =
        Saying { word: Some(word), ..saying(app, who.id.clone(), said, "letters", consent.signals)? };
    let Said { receipt, refusal } = say(app, saying, adult, now).await?;
    if let Some(refusal) = refusal {
        let receipt = receipt.map(|(id, _)| id);
        return choosing::instead(app, page, &consent, refusal, receipt).await;
    }
    Ok(match receipt {
        None => Reply::go("/privacy/choices#letters").notice("That is how it was already."),
        Some((id, Action::Withdraw)) => {
            app.handed.leave(page.browser(), id, now);
            Reply::go("/privacy/choices#letters").notice_with_receipt("Saved.")
        }
        Some((id, _)) => Reply::go(format!("/privacy/choices?receipt={id}#letters")).notice("Saved."),
    })
}

/// What an account says, with all that its receipt needs beside it.
fn saying(
    app: &App,
    user: UserId,
    said: Vec<(Topic, bool)>,
    surface: &'static str,
    signals: Signals,
) -> Result<Saying> {
    Ok(Saying {
        user,
        said,
        surface,
        signals,
        word: None,
        carrier: app.services.of(Use::Letters).map(carrier),
        receipt: ReceiptId::draw()?,
        salt: Salt::draw()?,
    })
}

async fn say(app: &App, saying: Saying, adult: IfAdult, now: Timestamp) -> Result<Said> {
    let book = app.consent.clone();
    app.db.write(move |conn| saying.write(conn, &book, &adult, now)).await
}

fn carrier(service: &Service) -> Recipient {
    Recipient { vendor: service.id.into(), name: service.name.clone(), deletion_url: None }
}

/// `/letters/stop/<word>`.
#[derive(Serialize)]
pub struct StopPage {
    word: String,
    is_over: bool,
}

impl View for StopPage {
    const TEMPLATE: &'static str = "consent/stop.html";

    fn samples() -> Vec<StopPage> {
        [true, false].map(|is_over| StopPage { word: "0".repeat(64), is_over }).into()
    }
}

async fn reader(app: &App, word: &str) -> Result<(UserId, bool)> {
    let user = letters::whose(&app.keys.seal, word).ok_or(Error::NotFound)?;
    let (book, now) = (app.consent.clone(), Timestamp::now());
    app.db
        .read(move |conn| {
            User::find(conn, &user)?;
            let on = Wanted::of(conn, &user)?.is_on(Topic::News, &book, now);
            Ok((user, on))
        })
        .await
}

/// The page behind a letter's last link: one button, and no sign-in. Looking at it ends nothing, because programs look
/// at links before people do.
#[get("/letters/stop/<word>")]
pub async fn stop(word: &str, page: Page, app: &State<App>) -> Result<Reply> {
    let (_, on) = reader(app, word).await?;
    let reply = page.show(&StopPage { word: word.to_owned(), is_over: !on })?;
    Ok(reply.header("X-Robots-Tag", "noindex"))
}

/// Ends the weekly letter (RFC 8058: mail programs post here themselves). The word is the proof, so no form's token is
/// wanted; the worst that somebody who has it can do is what it is for.
#[post("/letters/stop/<word>")]
pub async fn stopped(
    word: &str,
    page: Page,
    consent: Decided,
    adult: IfAdult,
    app: &State<App>,
) -> Result<Reply> {
    let (user, on) = reader(app, word).await?;
    if on {
        let saying = saying(app, user, vec![(Topic::News, false)], "letter_link", consent.signals)?;
        say(app, saying, adult, Timestamp::now()).await?;
    }
    page.show(&StopPage { word: word.to_owned(), is_over: true })
}

/// A letter of somebody who agreed was opened: counted by kind and day, and nothing else is known.
#[get("/letters/<letter>/<day>/seen.gif")]
pub fn seen(letter: &str, day: &str, app: &State<App>) -> Result<Reply> {
    let (day, letter) = letters::known(letter, day, Timestamp::now()).ok_or(Error::NotFound)?;
    app.heard.note((day, letter, What::Opened));
    Ok(Reply::bytes(ContentType::GIF, POINT)
        .header("Cache-Control", "no-store")
        .header("Cross-Origin-Resource-Policy", "cross-origin"))
}

/// A link in such a letter was followed: counted, and led to a page of ours.
#[get("/letters/<letter>/<day>/to/<path..>")]
pub fn followed(letter: &str, day: &str, path: PathBuf, app: &State<App>) -> Result<Reply> {
    let path = path.to_str().ok_or(Error::NotFound)?;
    let to = format!("/{path}");
    match letters::known(letter, day, Timestamp::now()) {
        Some((day, letter)) => app.heard.note((day, letter, What::Followed)),
        // A link in a letter that lay for long still leads where it said.
        None if letters::NEWS.contains(&letter) => {}
        None => return Err(Error::NotFound),
    }
    Ok(Reply::go_back(&to, "/").header("Cache-Control", "no-store"))
}
