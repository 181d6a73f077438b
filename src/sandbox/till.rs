//! The payment page: a person types a test card, their bank may ask a question, and what the card stands for happens.

use std::sync::Arc;

use rocket::form::FromForm;
use rocket::{Route, State, routes};
use serde::Serialize;

use super::book::{Attempt, Typed};
use super::cards;
use super::fault::Fault;
use super::pages::{Answer, Ours, Templates};
use super::records::Session;
use super::{Sandbox, api};
use crate::clock::Timestamp;
use crate::money::Cents;

/// The addresses of these pages.
pub fn routes() -> Vec<Route> {
    routes![pay, paid, challenge, proved]
}

/// What was typed on the payment page, as it was typed.
#[derive(Default, FromForm, Serialize)]
struct Payer {
    #[field(default = String::new())]
    card_number: String,
    #[field(default = String::new())]
    exp: String,
    #[field(default = String::new())]
    cvc: String,
    #[field(default = String::new())]
    email: String,
}

#[derive(Default, Serialize)]
struct PayerFaults {
    card_number: Option<String>,
    exp: Option<String>,
    cvc: Option<String>,
    email: Option<String>,
}

impl PayerFaults {
    fn any(&self) -> bool {
        [&self.card_number, &self.exp, &self.cvc, &self.email].into_iter().any(Option::is_some)
    }

    /// The field that gets the focus.
    fn first(&self) -> &'static str {
        match self {
            PayerFaults { email: Some(_), .. } => "email",
            PayerFaults { card_number: Some(_), .. } => "card_number",
            PayerFaults { exp: Some(_), .. } => "exp",
            PayerFaults { cvc: Some(_), .. } => "cvc",
            _ => "",
        }
    }
}

#[derive(Serialize)]
struct PayView {
    session: String,
    lines: Vec<PayLine>,
    total: String,
    currency: String,
    free: bool,
    cancel_url: Option<String>,
    typed: Payer,
    faults: PayerFaults,
    focus: &'static str,
    refusal: Option<String>,
}

#[derive(Serialize)]
struct PayLine {
    name: String,
    description: Option<String>,
    quantity: i64,
    amount: String,
}

impl PayView {
    fn new(session: &Session, typed: Payer, faults: PayerFaults, refusal: Option<String>) -> PayView {
        let show = |cents: i64| Cents(cents).show(&session.currency);
        let lines = session.lines.iter().map(|line| PayLine {
            name: line.name.clone(),
            description: line.description.clone(),
            quantity: line.quantity,
            amount: show(line.total()),
        });
        PayView {
            session: session.id.clone(),
            lines: lines.collect(),
            total: show(session.total()),
            currency: session.currency.to_uppercase(),
            free: session.total() == 0,
            cancel_url: session.cancel_url.as_ref().map(|url| filled(url, &session.id)),
            typed,
            focus: faults.first(),
            faults,
            refusal,
        }
    }
}

#[rocket::get("/pay/<session>?<challenge>")]
async fn pay(
    session: &str,
    challenge: Option<&str>,
    sandbox: &State<Arc<Sandbox>>,
    templates: &State<Templates>,
) -> Answer {
    let session = match current(sandbox, session).await {
        Ok(session) => session,
        Err(fault) => return templates.fault(&fault),
    };
    if session.status != "open" {
        return closed(templates, &session);
    }
    let typed =
        Payer { email: session.customer_email.clone().unwrap_or_default(), ..<Payer as Default>::default() };
    let refusal = (challenge == Some("failed")).then(|| cards::NOT_PROVEN.message.to_owned());
    show_pay(templates, 200, &session, typed, PayerFaults::default(), refusal)
}

#[rocket::post("/pay/<session>", data = "<typed>")]
async fn paid(
    _ours: Ours,
    session: &str,
    typed: rocket::form::Form<Payer>,
    sandbox: &State<Arc<Sandbox>>,
    templates: &State<Templates>,
) -> Answer {
    let typed = typed.into_inner();
    let session = match open(sandbox, templates, session).await {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let (card, (exp_month, exp_year)) = match understood(&typed, &session, Timestamp::now()) {
        Ok(understood) => understood,
        Err(faults) => return show_pay(templates, 422, &session, typed, faults, None),
    };
    let (id, email) = (session.id.clone(), typed.email.trim().to_owned());
    let attempt = sandbox
        .change(move |book, now| book.pay(&id, Typed { card, exp_month, exp_year, email: &email }, now))
        .await;
    match attempt {
        Ok(Attempt::Paid) => Answer::Go(filled(&session.success_url, &session.id)),
        Ok(Attempt::Challenged) => Answer::Go(format!("/pay/{}/challenge", session.id)),
        Ok(Attempt::Declined(decline)) => show_pay(
            templates,
            402,
            &session,
            typed,
            PayerFaults::default(),
            Some(decline.message.to_owned()),
        ),
        Err(fault) => templates.fault(&fault),
    }
}

#[rocket::get("/pay/<session>/challenge")]
async fn challenge(session: &str, sandbox: &State<Arc<Sandbox>>, templates: &State<Templates>) -> Answer {
    let session = match current(sandbox, session).await {
        Ok(session) => session,
        Err(fault) => return templates.fault(&fault),
    };
    if session.status != "open" {
        return closed(templates, &session);
    }
    let waits = {
        let book = sandbox.book();
        let payment = session.payment.as_deref().and_then(|id| book.payment(id));
        payment.is_some_and(|payment| payment.status == "requires_action")
    };
    if !waits {
        return Answer::Go(format!("/pay/{}", session.id));
    }
    let view = serde_json::json!({
        "session": session.id,
        "total": Cents(session.total()).show(&session.currency),
    });
    templates.page(200, "sandbox/challenge.html", &view, &[&session.success_url])
}

#[derive(FromForm)]
struct Proof {
    answer: String,
}

#[rocket::post("/pay/<session>/challenge", data = "<proof>")]
async fn proved(
    _ours: Ours,
    session: &str,
    proof: rocket::form::Form<Proof>,
    sandbox: &State<Arc<Sandbox>>,
    templates: &State<Templates>,
) -> Answer {
    let session = match open(sandbox, templates, session).await {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let (id, proven) = (session.id.clone(), proof.answer == "complete");
    match sandbox.change(move |book, now| book.prove(&id, proven, now)).await {
        Ok(Attempt::Paid) => Answer::Go(filled(&session.success_url, &session.id)),
        Ok(_) => Answer::Go(format!("/pay/{}?challenge=failed", session.id)),
        Err(fault) => templates.fault(&fault),
    }
}

/// The session while it can be paid; else where its buyer goes.
async fn open(sandbox: &Arc<Sandbox>, templates: &Templates, id: &str) -> Result<Session, Answer> {
    let session = current(sandbox, id).await.map_err(|fault| templates.fault(&fault))?;
    match session.status.as_str() {
        "open" => Ok(session),
        // A second click: the money has moved once.
        "complete" => Err(Answer::Go(filled(&session.success_url, &session.id))),
        _ => Err(closed(templates, &session)),
    }
}

/// The session as it is at this moment.
async fn current(sandbox: &Arc<Sandbox>, id: &str) -> Result<Session, Fault> {
    let id = id.to_owned();
    sandbox
        .change(move |book, _| {
            book.session(&id).cloned().ok_or_else(|| Fault::missing("checkout.session", &id, "session"))
        })
        .await
}

fn show_pay(
    templates: &Templates,
    status: u16,
    session: &Session,
    typed: Payer,
    faults: PayerFaults,
    refusal: Option<String>,
) -> Answer {
    let view = PayView::new(session, typed, faults, refusal);
    templates.page(status, "sandbox/pay.html", &view, &[&session.success_url])
}

fn closed(templates: &Templates, session: &Session) -> Answer {
    let paid = session.status == "complete";
    let back = if paid { Some(&session.success_url) } else { session.cancel_url.as_ref() };
    let view = serde_json::json!({ "paid": paid, "back": back.map(|url| filled(url, &session.id)) });
    templates.page(if paid { 200 } else { 410 }, "sandbox/closed.html", &view, &[])
}

fn filled(address: &str, session: &str) -> String {
    address.replace("{CHECKOUT_SESSION_ID}", session)
}

type Understood = (&'static cards::Card, (i64, i64));

/// What was typed, or what is wrong with each field of it.
fn understood(
    typed: &Payer,
    session: &Session,
    now: Timestamp,
) -> std::result::Result<Understood, PayerFaults> {
    let mut faults = PayerFaults::default();
    let fault = |words: &str| Some(words.to_owned());
    let email = typed.email.trim();
    if email.is_empty() {
        faults.email = fault("Your e-mail address is missing.");
    } else if !api::is_email(email) {
        faults.email = fault("This is no e-mail address.");
    }
    // Nothing to pay: no card is asked for.
    if session.total() == 0 {
        return if faults.any() { Err(faults) } else { Ok((&cards::CARDS[0], (12, 2099))) };
    }
    let number: String = typed.card_number.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let card = cards::find(&number);
    if number.is_empty() {
        faults.card_number = fault("The card number is missing.");
    } else if !cards::adds_up(&number) {
        faults.card_number = fault("Your card number is invalid.");
    } else if card.is_none() {
        faults.card_number = fault("Nobody pays here with a real card: take one of the test cards.");
    }
    let exp = expiry(&typed.exp);
    match exp {
        None if typed.exp.trim().is_empty() => faults.exp = fault("The expiry date is missing."),
        None => faults.exp = fault("Write the expiry date as MM / YY."),
        Some((month, year)) if (year, month) < this_month(now) => {
            faults.exp = fault("Your card's expiration date is in the past.");
        }
        Some((_, year)) if year > this_month(now).0 + 50 => {
            faults.exp = fault("Your card's expiration year is invalid.");
        }
        Some(_) => {}
    }
    let figures = if card.is_some_and(|card| card.brand == "amex") { 3..=4 } else { 3..=3 };
    let cvc = typed.cvc.trim();
    if cvc.is_empty() {
        faults.cvc = fault("The security code is missing.");
    } else if !figures.contains(&cvc.len()) || !cvc.bytes().all(|byte| byte.is_ascii_digit()) {
        faults.cvc = fault("Your card's security code is incomplete.");
    }
    match (card, exp) {
        (Some(card), Some(exp)) if !faults.any() => Ok((card, exp)),
        _ => Err(faults),
    }
}

fn this_month(now: Timestamp) -> (i64, i64) {
    let (year, month) = now.year_month();
    (i64::from(year), i64::from(month))
}

/// Month and year of `MM/YY`, `MM / YYYY`, `MMYY` and their like.
fn expiry(text: &str) -> Option<(i64, i64)> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (month, year) = match text.split_once(['/', '-']) {
        Some((month, year)) => (month.to_owned(), year.to_owned()),
        None if text.is_ascii() && matches!(text.len(), 4 | 6) => {
            (text[..2].to_owned(), text[2..].to_owned())
        }
        None => return None,
    };
    let figures = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !figures(&month) || !figures(&year) || !matches!(month.len(), 1 | 2) || !matches!(year.len(), 2 | 4) {
        return None;
    }
    let (month, year): (i64, i64) = (month.parse().ok()?, year.parse().ok()?);
    (1..=12).contains(&month).then_some((month, if year < 100 { 2000 + year } else { year }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_dates_are_read_as_people_write_them() {
        for (text, date) in [
            ("12/34", Some((12, 2034))),
            ("12 / 34", Some((12, 2034))),
            ("1/2034", Some((1, 2034))),
            ("0134", Some((1, 2034))),
            ("012034", Some((1, 2034))),
            ("12-34", Some((12, 2034))),
            ("", None),
            ("13/34", None),
            ("0/34", None),
            ("12/345", None),
            ("12/", None),
            ("ab/cd", None),
            ("+1/34", None),
            ("١٢/٣٤", None),
        ] {
            assert_eq!(expiry(text), date, "{text:?}");
        }
    }
}
