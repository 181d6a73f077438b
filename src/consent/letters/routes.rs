//! The addresses of letters: the switches, the link that ends the weekly letter, and what those who agreed report back.

use std::path::PathBuf;

use rocket::http::ContentType;
use rocket::{Route, State, get, post, routes};
use serde::Serialize;

use super::{Topic, Wanted, What};
use crate::App;
use crate::accounts::guards::SignedIn;
use crate::accounts::user::User;
use crate::clock::Timestamp;
use crate::consent::account;
use crate::consent::adult::IfAdult;
use crate::consent::age::Band;
use crate::consent::letters;
use crate::consent::log;
use crate::consent::notice;
use crate::consent::receipt::{self, AgeBand, Answer, Notice, Receipt, Recipient, Salt};
use crate::consent::recipient::{Service, Use};
use crate::consent::whereabouts::Here;
use crate::error::{Error, Result};
use crate::ids::{ReceiptId, UserId};
use crate::web::{Page, Posted, Reply, Sample, View, samples};

/// Who is named in a receipt about what we ourselves do.
const OURSELVES: &str = "this_shop";
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

/// Says yes or no to each topic, with a receipt. A yes is for people of age alone.
#[post("/privacy/letters", data = "<form>")]
pub async fn switch(who: SignedIn, form: Posted, adult: IfAdult, app: &State<App>) -> Result<Reply> {
    let now = Timestamp::now();
    let shown = switches(app, &Wanted::default(), now);
    let said: Vec<(Topic, bool)> = shown
        .iter()
        .filter_map(|switch| Topic::parse(switch.slug))
        .map(|topic| (topic, form.0.text(&format!("topic.{topic}")) == "on"))
        .collect();
    let changed = say(app, &who.id, &said, &adult, "letters", now).await?;
    Ok(match changed {
        None => Reply::go("/privacy/choices#letters").notice("That is how it was already."),
        Some(id) => Reply::go(format!("/privacy/choices?receipt={id}#letters")).notice("Saved."),
    })
}

/// Says yes or no to letters for an account, with one receipt for what changed. Answers nothing when nothing did.
async fn say(
    app: &App,
    user: &UserId,
    said: &[(Topic, bool)],
    adult: &IfAdult,
    surface: &str,
    now: Timestamp,
) -> Result<Option<ReceiptId>> {
    let (book, whose) = (&app.consent, user.clone());
    let (before, owner, own) = app
        .db
        .read(move |conn| {
            let own = account::of(conn, &whose)?.choices.and_then(|choices| choices.place);
            Ok((Wanted::of(conn, &whose)?, User::find(conn, &whose)?, own))
        })
        .await?;
    let changed: Vec<(Topic, bool)> =
        said.iter().copied().filter(|(topic, yes)| before.is_on(*topic, book, now) != *yes).collect();
    if changed.is_empty() {
        return Ok(None);
    }
    // Nobody under age gets letters with offers, nor letters that report back.
    if changed.iter().any(|(_, yes)| *yes) {
        adult.proof()?;
    }
    let words: Vec<String> =
        Topic::ALL.iter().map(|topic| format!("{}: {}", topic.name(), topic.words())).collect();
    let notice = Notice {
        version: notice::VERSION.into(),
        language: notice::LANGUAGE.into(),
        text: words.join("\n\n"),
    };
    let until = changed.iter().filter(|(_, yes)| *yes).map(|(topic, _)| topic.holds_until(book, now)).max();
    let receipt = Receipt {
        id: ReceiptId::draw()?,
        time: Timestamp::from_secs(now.secs()),
        action: match (changed.iter().any(|(_, yes)| *yes), changed.iter().any(|(_, yes)| !yes)) {
            (true, false) => receipt::Action::Accept,
            (true, true) => receipt::Action::Partial,
            _ => receipt::Action::Withdraw,
        },
        items: changed
            .iter()
            .map(|(topic, yes)| receipt::Item {
                purpose: topic.as_str().into(),
                vendor: OURSELVES.into(),
                state: if *yes { Answer::Granted } else { Answer::Refused },
                fingerprint: topic.fingerprint(),
            })
            .collect(),
        notice: notice.named(),
        registry_fingerprint: book.registry.fingerprint().to_owned(),
        profile: Here::new(own.as_deref(), owner.country.as_deref()).profile(book),
        band: match owner.band {
            Band::Child => AgeBand::Child,
            Band::Minor => AgeBand::Minor,
            Band::Adult => AgeBand::Adult,
        },
        signals: receipt::Signals { gpc: false, dnt: false },
        surface: surface.into(),
        previous: None,
        valid_until: Timestamp::from_secs(until.unwrap_or(now).secs()),
        // Whoever carries the letters has the address; nobody else is told.
        recipients: app.services.of(Use::Letters).map(carrier).into_iter().collect(),
        limit_note: receipt::LIMIT_NOTE.into(),
    };
    let (id, salt, user, proof_ms) = (receipt.id.clone(), Salt::draw()?, user.clone(), book.proof_ms);
    app.db
        .write(move |conn| {
            log::wait_turn(conn)?;
            notice.keep(conn)?;
            let until = receipt::kept_until(receipt.valid_until, proof_ms);
            log::append(conn, &receipt, &salt, Some(&user), until, now)?;
            changed.iter().try_for_each(|(topic, yes)| letters::keep(conn, &user, *topic, *yes, now))
        })
        .await?;
    Ok(Some(id))
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
pub async fn stopped(word: &str, page: Page, adult: IfAdult, app: &State<App>) -> Result<Reply> {
    let (user, on) = reader(app, word).await?;
    if on {
        say(app, &user, &[(Topic::News, false)], &adult, "letter_link", Timestamp::now()).await?;
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
