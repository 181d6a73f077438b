//! What people see of the pretend Stripe: the page where they pay, their bank's question, and the page that shows
//! everything held here with buttons for what can happen to it.

use std::sync::Arc;

use rocket::form::FromForm;
use rocket::http::{ContentType, Header, Status};
use rocket::request::{FromRequest, Outcome, Request};
use rocket::response::{self, Responder, Response};
use rocket::{Catcher, Route, State, catch, catchers, routes};
use serde::Serialize;
use tera::{Context, Tera};

use super::book::{Attempt, Book, Typed};
use super::cards::{self, Behaviour};
use super::fault::Fault;
use super::records::Session;
use super::{Sandbox, api, webhooks};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::money::Cents;

/// Rows of each kind that the page of everything shows.
const ROWS: usize = 50;
/// Seconds by which “late” is late.
const LATE: i64 = 60;

pub fn routes() -> Vec<Route> {
    routes![
        index, style, pay, paid, challenge, proved, expire, refund, dispute, decide, send, hold, release,
        favicon
    ]
}

pub fn catchers() -> Vec<Catcher> {
    catchers![any]
}

/// The pages' templates, compiled in.
pub struct Templates(Tera);

impl Templates {
    pub fn new() -> Result<Templates> {
        let mut tera = Tera::new();
        tera.add_raw_templates([
            ("sandbox/frame.html", include_str!("../../templates/sandbox/frame.html")),
            ("sandbox/index.html", include_str!("../../templates/sandbox/index.html")),
            ("sandbox/pay.html", include_str!("../../templates/sandbox/pay.html")),
            ("sandbox/challenge.html", include_str!("../../templates/sandbox/challenge.html")),
            ("sandbox/closed.html", include_str!("../../templates/sandbox/closed.html")),
            ("sandbox/error.html", include_str!("../../templates/sandbox/error.html")),
        ])
        .map_err(Error::internal)?;
        Ok(Templates(tera))
    }

    fn page(&self, status: u16, template: &str, view: &impl Serialize, leads_to: &[&str]) -> Answer {
        let page = Context::from_serialize(view).and_then(|context| self.0.render(template, &context));
        match page {
            Ok(html) => Answer::Page {
                status,
                html,
                leads_to: leads_to.iter().filter_map(|url| origin(url)).collect(),
            },
            Err(error) => {
                tracing::error!(?error, template, "a page of the pretend Stripe");
                Answer::Plain(500, "This page could not be made.")
            }
        }
    }

    fn error(&self, status: u16, title: &str, words: &str) -> Answer {
        self.page(status, "sandbox/error.html", &serde_json::json!({ "title": title, "words": words }), &[])
    }

    fn fault(&self, fault: &Fault) -> Answer {
        match fault.status {
            404 => self.error(404, "Nothing here", "The pretend Stripe holds no such thing."),
            status => self.error(status, "That did not happen", &fault.message),
        }
    }
}

enum Answer {
    /// With the origins that a form on it may lead to, beside this one.
    Page {
        status: u16,
        html: String,
        leads_to: Vec<String>,
    },
    Go(String),
    Plain(u16, &'static str),
}

impl<'r> Responder<'r, 'static> for Answer {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut build = Response::build();
        build
            .header(Header::new("cache-control", "no-store"))
            // `no-referrer` would take the origin from the forms, too.
            .header(Header::new("referrer-policy", "same-origin"));
        match self {
            Answer::Go(to) => build.status(Status::SeeOther).header(Header::new("location", to)).ok(),
            Answer::Plain(status, words) => build
                .status(Status::new(status))
                .header(ContentType::Plain)
                .sized_body(words.len(), std::io::Cursor::new(words))
                .ok(),
            Answer::Page { status, html, leads_to } => {
                let policy = format!(
                    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; base-uri 'none'; \
                     frame-ancestors 'none'",
                    leads_to.join(" ")
                );
                build
                    .status(Status::new(status))
                    .header(ContentType::HTML)
                    .header(Header::new("content-security-policy", policy))
                    .sized_body(html.len(), std::io::Cursor::new(html))
                    .ok()
            }
        }
    }
}

fn origin(address: &str) -> Option<String> {
    let origin = url::Url::parse(address).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// A form of our own pages: posts that another site's page sends are refused.
struct Ours;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Ours {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Ours, ()> {
        let headers = request.headers();
        let foreign = headers.get_one("origin").is_some_and(|origin| {
            let host = headers.get_one("host").unwrap_or_default();
            origin.split_once("://").map(|(_, origin)| origin) != Some(host)
        });
        if foreign { Outcome::Error((Status::Forbidden, ())) } else { Outcome::Success(Ours) }
    }
}

// --- paying ---

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
    let session = match current(sandbox, session).await {
        Ok(session) => session,
        Err(fault) => return templates.fault(&fault),
    };
    match session.status.as_str() {
        "open" => {}
        // A second click: the money has moved once.
        "complete" => return Answer::Go(filled(&session.success_url, &session.id)),
        _ => return closed(templates, &session),
    }
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
    let session = match current(sandbox, session).await {
        Ok(session) => session,
        Err(fault) => return templates.fault(&fault),
    };
    match session.status.as_str() {
        "open" => {}
        "complete" => return Answer::Go(filled(&session.success_url, &session.id)),
        _ => return closed(templates, &session),
    }
    let (id, proven) = (session.id.clone(), proof.answer == "complete");
    match sandbox.change(move |book, now| book.prove(&id, proven, now)).await {
        Ok(Attempt::Paid) => Answer::Go(filled(&session.success_url, &session.id)),
        Ok(_) => Answer::Go(format!("/pay/{}?challenge=failed", session.id)),
        Err(fault) => templates.fault(&fault),
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

// --- the page of everything ---

#[derive(Serialize)]
struct IndexView {
    webhook_url: String,
    held: bool,
    waiting: usize,
    sessions: Vec<SessionRow>,
    payments: Vec<PaymentRow>,
    refunds: Vec<RefundRow>,
    disputes: Vec<DisputeRow>,
    events: Vec<EventRow>,
    counts: Counts,
    cards: Vec<CardRow>,
}

#[derive(Serialize)]
struct Counts {
    sessions: usize,
    payments: usize,
    refunds: usize,
    disputes: usize,
    events: usize,
}

#[derive(Serialize)]
struct SessionRow {
    id: String,
    short: String,
    when: String,
    amount: String,
    lines: usize,
    email: Option<String>,
    status: String,
    reference: Option<String>,
}

#[derive(Serialize)]
struct PaymentRow {
    id: String,
    when: String,
    amount: String,
    refunded: Option<String>,
    status: String,
    words: Option<String>,
    card: Option<String>,
    refundable: Option<String>,
    disputable: bool,
}

#[derive(Serialize)]
struct RefundRow {
    id: String,
    when: String,
    amount: String,
    payment: String,
    status: String,
}

#[derive(Serialize)]
struct DisputeRow {
    id: String,
    when: String,
    amount: String,
    payment: String,
    reason: String,
    status: String,
    open: bool,
}

#[derive(Serialize)]
struct EventRow {
    id: String,
    when: String,
    kind: String,
    about: String,
    delivered: bool,
    state: String,
}

#[derive(Serialize)]
struct CardRow {
    number: String,
    what: &'static str,
}

impl IndexView {
    fn new(book: &Book, webhook_url: String, held: bool, now: Timestamp) -> IndexView {
        let when = |secs: i64| Timestamp::from_secs(secs).utc().format("%-d %b, %H:%M:%S").to_string();
        let show = |cents: i64, currency: &str| Cents(cents).show(currency);
        let sessions = book.sessions().rev().take(ROWS).map(|session| SessionRow {
            id: session.id.clone(),
            short: format!("…{}", &session.id[session.id.len().saturating_sub(8)..]),
            when: when(session.created),
            amount: show(session.total(), &session.currency),
            lines: session.lines.len(),
            email: session.payer_email.clone().or_else(|| session.customer_email.clone()),
            status: session.status.clone(),
            reference: session.client_reference_id.clone(),
        });
        let payments = book.payments().rev().take(ROWS).map(|payment| {
            let charge = payment.latest_charge.as_deref().filter(|_| payment.status == "succeeded");
            let refunded = charge.map_or(0, |charge| book.refunded(charge));
            let disputed = charge.and_then(|charge| book.disputes().find(|dispute| dispute.charge == charge));
            let left = payment.amount - refunded;
            let undisputed = disputed.is_none_or(|dispute| dispute.status == "won");
            let payable_back = charge.is_some() && left > 0 && undisputed;
            PaymentRow {
                id: payment.id.clone(),
                when: when(payment.created),
                amount: show(payment.amount, &payment.currency),
                refunded: (refunded > 0).then(|| show(refunded, &payment.currency)),
                status: match disputed {
                    Some(dispute) if dispute.closed_at.is_none() => "disputed".to_owned(),
                    _ if refunded > 0 && left == 0 => "refunded".to_owned(),
                    _ => payment.status.replace('_', " "),
                },
                words: payment.last_error.as_ref().map(|failure| failure.message.clone()),
                card: payment.card.as_ref().map(|card| format!("{} {}", card.brand, card.last4)),
                refundable: payable_back.then(|| format!("{}", Cents(left))),
                disputable: charge.is_some() && disputed.is_none() && left > 0,
            }
        });
        let refunds = book.refunds().rev().take(ROWS).map(|refund| RefundRow {
            id: refund.id.clone(),
            when: when(refund.created),
            amount: show(refund.amount, &refund.currency),
            payment: refund.payment.clone(),
            status: refund.status.clone(),
        });
        let disputes = book.disputes().rev().take(ROWS).map(|dispute| DisputeRow {
            id: dispute.id.clone(),
            when: when(dispute.created),
            amount: show(dispute.amount, &dispute.currency),
            payment: dispute.payment.clone(),
            reason: dispute.reason.replace('_', " "),
            status: dispute.status.replace('_', " "),
            open: dispute.closed_at.is_none(),
        });
        let events = book.events().rev().take(ROWS).map(|event| {
            let delivery = book.delivery(&event.id);
            EventRow {
                id: event.id.clone(),
                when: when(event.created),
                kind: event.kind.clone(),
                about: event.object["id"].as_str().unwrap_or_default().to_owned(),
                delivered: delivery.is_some_and(|it| it.delivered_at.is_some()),
                state: delivery.map_or_else(String::new, |it| delivery_state(it, now)),
            }
        });
        IndexView {
            webhook_url,
            held,
            waiting: book.waiting().count(),
            sessions: sessions.collect(),
            payments: payments.collect(),
            refunds: refunds.collect(),
            disputes: disputes.collect(),
            events: events.collect(),
            counts: Counts {
                sessions: book.sessions().count(),
                payments: book.payments().count(),
                refunds: book.refunds().count(),
                disputes: book.disputes().count(),
                events: book.events().count(),
            },
            cards: cards::CARDS
                .iter()
                .map(|card| CardRow {
                    number: card
                        .number
                        .as_bytes()
                        .chunks(4)
                        .map(String::from_utf8_lossy)
                        .collect::<Vec<_>>()
                        .join(" "),
                    what: match card.behaviour {
                        Behaviour::Pays => "pays",
                        Behaviour::PaysThenDisputed => "pays, then disputed",
                        Behaviour::Challenges => "3-D Secure",
                        Behaviour::Declines(decline) => decline.decline_code,
                    },
                })
                .collect(),
        }
    }
}

fn delivery_state(delivery: &super::records::Delivery, now: Timestamp) -> String {
    let heard = delivery.heard.as_deref().unwrap_or("");
    let tries = match delivery.attempts {
        0 => String::new(),
        1 => format!("1 attempt ({heard})"),
        n => format!("{n} attempts ({heard})"),
    };
    let wait = (delivery.due - now.0 + 999) / 1000;
    match (delivery.copies, delivery.delivered_at) {
        (0, Some(_)) => format!("arrived, {tries}"),
        (0, None) => format!("given up, {tries}"),
        (_, _) if wait > 0 => [format!("waits {wait} s"), tries]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", "),
        (_, _) if tries.is_empty() => "waits".to_owned(),
        (_, _) => format!("waits, {tries}"),
    }
}

#[rocket::get("/")]
async fn index(sandbox: &State<Arc<Sandbox>>, templates: &State<Templates>) -> Answer {
    if let Err(fault) = sandbox.change(|_, _| Ok(())).await {
        return templates.fault(&fault);
    }
    let view = {
        let (url, _) = sandbox.webhook();
        let held = sandbox.faults.holds_webhooks();
        IndexView::new(&sandbox.book(), url, held, Timestamp::now())
    };
    templates.page(200, "sandbox/index.html", &view, &[])
}

#[rocket::post("/sessions/<id>/expiry")]
async fn expire(
    _ours: Ours,
    id: String,
    sandbox: &State<Arc<Sandbox>>,
    templates: &State<Templates>,
) -> Answer {
    done(sandbox.change(move |book, now| book.expire(&id, now)).await, "sessions", templates)
}

#[derive(FromForm)]
struct Amount {
    #[field(default = String::new())]
    amount: String,
}

/// Gives back the amount typed, or with none all that is left.
#[rocket::post("/payments/<id>/refunds", data = "<amount>")]
async fn refund(
    _ours: Ours,
    id: String,
    amount: rocket::form::Form<Amount>,
    sandbox: &State<Arc<Sandbox>>,
    templates: &State<Templates>,
) -> Answer {
    let typed = amount.amount.trim();
    let part = Cents::parse(typed).map(|cents| cents.0);
    if !typed.is_empty() && part.is_none() {
        return templates.error(422, "That did not happen", "This is no amount: write it as 12.50.");
    }
    let refunded = sandbox.change(move |book, now| {
        let charge = paid_charge(book, &id)?;
        book.give_back(&charge, part, Some("requested_by_customer".to_owned()), Default::default(), now)
    });
    done(refunded.await, "payments", templates)
}

#[rocket::post("/payments/<id>/dispute")]
async fn dispute(
    _ours: Ours,
    id: String,
    sandbox: &State<Arc<Sandbox>>,
    templates: &State<Templates>,
) -> Answer {
    let disputed = sandbox.change(move |book, now| {
        let charge = paid_charge(book, &id)?;
        book.dispute_charge(&charge, "fraudulent", now)
    });
    done(disputed.await, "payments", templates)
}

fn paid_charge(book: &Book, payment: &str) -> Result<String, Fault> {
    let payment = book.payment(payment).ok_or_else(|| Fault::missing("payment_intent", payment, "intent"))?;
    payment
        .latest_charge
        .clone()
        .filter(|_| payment.status == "succeeded")
        .ok_or_else(|| Fault::invalid(None, "This payment has not succeeded.", ""))
}

#[derive(FromForm)]
struct Outcomes {
    outcome: String,
}

#[rocket::post("/disputes/<id>/outcome", data = "<form>")]
async fn decide(
    _ours: Ours,
    id: String,
    form: rocket::form::Form<Outcomes>,
    sandbox: &State<Arc<Sandbox>>,
    templates: &State<Templates>,
) -> Answer {
    let won = match form.outcome.as_str() {
        "won" => true,
        "lost" => false,
        _ => return templates.error(422, "That did not happen", "A dispute is won or lost."),
    };
    done(sandbox.change(move |book, now| book.decide_dispute(&id, won, now)).await, "disputes", templates)
}

#[derive(FromForm)]
struct Sending {
    #[field(default = String::new())]
    when: String,
}

/// Sends an event once more: now, or late.
#[rocket::post("/events/<id>/delivery", data = "<form>")]
async fn send(
    _ours: Ours,
    id: String,
    form: rocket::form::Form<Sending>,
    sandbox: &State<Arc<Sandbox>>,
    templates: &State<Templates>,
) -> Answer {
    let late = form.when == "late";
    let sent = sandbox.change(move |book, _| {
        let mut delivery = book.delivery(&id).cloned().ok_or_else(|| Fault::missing("event", &id, "id"))?;
        // An event that has not arrived yet is sent once, at the new time.
        if delivery.copies == 0 {
            delivery.copies = 1;
        }
        delivery.due = Timestamp::now().0 + if late { LATE * 1000 } else { 0 };
        book.delivered(delivery);
        Ok(())
    });
    done(sent.await, "events", templates)
}

#[derive(FromForm)]
struct Hold {
    hold: String,
}

/// Keeps webhooks back, so that they can be let go in another order or much later.
#[rocket::post("/webhooks/hold", data = "<form>")]
async fn hold(_ours: Ours, form: rocket::form::Form<Hold>, sandbox: &State<Arc<Sandbox>>) -> Answer {
    sandbox.faults.hold_webhooks(form.hold == "on");
    sandbox.bell.notify_one();
    Answer::Go("/#events".to_owned())
}

/// Sends what waits, the youngest first.
#[rocket::post("/webhooks/reversed")]
async fn release(_ours: Ours, sandbox: &State<Arc<Sandbox>>, templates: &State<Templates>) -> Answer {
    done(webhooks::send_waiting_reversed(sandbox).await, "events", templates)
}

fn done<T>(outcome: Result<T, Fault>, place: &str, templates: &Templates) -> Answer {
    match outcome {
        Ok(_) => Answer::Go(format!("/#{place}")),
        Err(fault) => templates.fault(&fault),
    }
}

#[rocket::get("/sandbox.css")]
fn style() -> (ContentType, &'static str) {
    (ContentType::CSS, include_str!("../../templates/sandbox/sandbox.css"))
}

#[rocket::get("/favicon.ico")]
fn favicon() -> (ContentType, &'static str) {
    const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0f6a6f"/><path d="M6 9h12M6 15h7" stroke="#fff" stroke-width="2.4" stroke-linecap="round"/></svg>"##;
    (ContentType::SVG, ICON)
}

#[catch(default)]
async fn any<'r>(status: Status, request: &'r Request<'_>) -> Answer {
    let Some(templates) = request.rocket().state::<Templates>() else {
        return Answer::Plain(status.code, "This did not work.");
    };
    match status.code {
        403 => templates.error(403, "Not from there", "This form was sent by a page of another site."),
        404 => templates.error(404, "Nothing here", "The pretend Stripe has no page at this address."),
        413 | 422 | 400 => {
            templates.error(status.code, "That did not happen", "What was sent makes no sense here.")
        }
        code => templates.error(code, "This did not work", "The pretend Stripe stumbled."),
    }
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
