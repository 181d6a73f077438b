//! The page of everything that is held here, with buttons for what can happen to it.

use std::sync::Arc;

use rocket::form::FromForm;
use rocket::{Route, State, routes};
use serde::Serialize;

use super::book::Book;
use super::cards::{self, Behaviour};
use super::fault::Fault;
use super::pages::{Answer, Ours, Templates};
use super::{Sandbox, webhooks};
use crate::clock::Timestamp;
use crate::money::Cents;

/// Rows of each kind that the page shows.
const ROWS: usize = 50;
/// Seconds by which “late” is late.
const LATE: i64 = 60;

/// The addresses of these pages.
pub fn routes() -> Vec<Route> {
    routes![index, expire, refund, dispute, decide, send, hold, release]
}

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
