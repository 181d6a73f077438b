//! What is true of an order, computed from everything Stripe ever said of it.
//!
//! [`hear`] is a function of the set of events: neither their order nor their number matters. [`settle`] brings the
//! rows to what it says, inside the write that kept the newest event, and only ever adds.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde_json::json;

use crate::accounts::user::User;
use crate::clock::{SECOND, Timestamp};
use crate::db::Conn;
use crate::db::schema::{order_lines, orders, stripe_events};
use crate::error::Result;
use crate::ids::{OrderId, TrackId};
use crate::jobs::{self, Job, Terms, enqueue_as};
use crate::money::Cents;
use crate::proof::Issuer;
use crate::sales::licence::{self, Reason};
use crate::sales::order::{Line, Order, State};
use crate::sales::{basket, invoice, ledger};
use crate::stripe::{About, Checkout, Event, read_event};

/// What the events of an order say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Since when it is paid.
    pub paid: Option<Timestamp>,
    /// How often.
    pub times: usize,
    pub payment_intent: Option<String>,
    /// How much of it was given back.
    pub back: Cents,
    /// That nothing of the payment is left with us: since when, and why.
    pub over: Option<(Timestamp, Reason)>,
    /// Disputes by id: since when, and until when.
    pub disputes: BTreeMap<String, (Timestamp, Option<Timestamp>)>,
    /// Payment pages that closed unpaid.
    pub closed: Vec<String>,
    /// What an operator should look at.
    pub note: Option<String>,
}

#[derive(Default)]
struct Dispute {
    since: Option<Timestamp>,
    ended: Option<Timestamp>,
    lost: bool,
    /// Whether money was taken: a mere inquiry takes none.
    real: bool,
}

const PAID_AGAIN: &str = "Paid again after it was given back: give that back at Stripe too.";

/// Listens to all events of an order of this sum.
pub fn hear(total: Cents, currency: &str, events: &[Event]) -> Heard {
    let mut payments: BTreeMap<String, (Timestamp, Option<String>)> = BTreeMap::new();
    let mut charges: BTreeMap<String, Vec<(Timestamp, Cents)>> = BTreeMap::new();
    let mut refunds: BTreeMap<String, (Cents, Timestamp)> = BTreeMap::new();
    let mut disputes: BTreeMap<String, Dispute> = BTreeMap::new();
    let mut heard = Heard::default();
    let (mut odd, mut failed) = (None, BTreeSet::new());
    for event in events {
        match &event.about {
            About::Paid(checkout) if is_sum(checkout, total, currency) => {
                let key = checkout.payment_intent.clone().unwrap_or_else(|| checkout.session.clone());
                let payment = payments.entry(key).or_insert((event.created, None));
                payment.0 = payment.0.min(event.created);
                payment.1 = checkout.payment_intent.clone();
            }
            About::Paid(checkout) => odd = odd.max(Some((checkout.amount_total, checkout.currency.clone()))),
            About::Expired(checkout) | About::Failed(checkout) => heard.closed.push(checkout.session.clone()),
            About::Refunded { charge, refunded, .. } => {
                charges.entry(charge.clone()).or_default().push((event.created, *refunded));
            }
            About::Refund { refund, amount, status, .. } if status == "succeeded" => {
                let known = refunds.entry(refund.clone()).or_insert((*amount, event.created));
                known.1 = known.1.min(event.created);
            }
            About::Refund { refund, status, .. } if status == "failed" => {
                failed.insert(refund.clone());
            }
            About::Refund { .. } => {}
            About::Disputed(dispute) | About::DisputeClosed(dispute) => {
                let known = disputes.entry(dispute.id.clone()).or_default();
                known.since = Some(known.since.map_or(event.created, |s| s.min(event.created)));
                known.real |= !dispute.status.starts_with("warning");
                if matches!(event.about, About::DisputeClosed(_)) {
                    known.ended = Some(known.ended.map_or(event.created, |e| e.min(event.created)));
                    known.lost |= dispute.status == "lost";
                }
            }
            About::Awaited(_) | About::Other => {}
        }
    }
    heard.closed.sort_unstable();
    heard.closed.dedup();
    heard.paid = payments.values().map(|(at, _)| *at).min();
    heard.times = payments.len();
    heard.payment_intent = payments.values().min().and_then(|(_, intent)| intent.clone());

    // Both tell of the same money: the charge its sum so far, each refund itself.
    let back_by = |then: Timestamp| {
        let most =
            |steps: &Vec<(Timestamp, Cents)>| steps.iter().filter(|(at, _)| *at <= then).map(|s| s.1).max();
        let by_charge: Cents = charges.values().filter_map(most).sum();
        let by_refund: Cents =
            refunds.values().filter(|(_, at)| *at <= then).map(|(amount, _)| *amount).sum();
        by_charge.max(by_refund)
    };
    let paid_by = |then: Timestamp| payments.values().filter(|(at, _)| *at <= then).count().max(1) as i64;
    let owed = Cents(total.0 * payments.len().max(1) as i64);
    let back = back_by(Timestamp(i64::MAX));
    // An order ends at the moment at which nothing of what was paid by then is left. What is paid after that opens it
    // no more: its licences are revoked, and the money is owed back.
    let mut moments: Vec<Timestamp> = charges.values().flatten().map(|(at, _)| *at).collect();
    moments.extend(refunds.values().map(|(_, at)| *at));
    let refunded = moments.into_iter().filter(|at| back_by(*at).0 >= total.0 * paid_by(*at)).min();
    let lost = disputes.values().filter(|d| d.lost).filter_map(|d| d.ended).min();
    heard.back = match (refunded.is_some() || lost.is_some(), payments.len()) {
        (true, _) => total,
        (false, 1) => back,
        // Of an order that was paid twice only what goes beyond the second payment was given back.
        (false, _) => (back - (owed - total)).max(Cents::ZERO),
    };
    let surplus = if refunded.is_some() { owed - back } else { owed - total - back };
    heard.over = match (refunded, lost) {
        (_, Some(at)) => Some((at, Reason::DisputeLost)),
        (Some(at), None) => Some((at, Reason::Refunded)),
        (None, None) => None,
    };
    heard.disputes = disputes
        .into_iter()
        .filter(|(_, d)| d.real)
        .filter_map(|(id, d)| d.since.map(|since| (id, (since, d.ended))))
        .collect();
    heard.note = match (odd, payments.len()) {
        (Some((amount, other)), _) => {
            Some(format!("Paid {} instead of {}.", amount.show(&other), total.show(currency)))
        }
        (None, 2..) if surplus > Cents::ZERO && refunded.is_some() => Some(PAID_AGAIN.to_owned()),
        (None, 2..) if surplus > Cents::ZERO => {
            Some("Paid more than once: give the surplus back at Stripe.".to_owned())
        }
        // By name, so that another one is another note.
        _ => failed
            .into_iter()
            .reduce(|all, refund| all + ", " + &refund)
            .map(|refunds| format!("A refund failed ({refunds}): the buyer may still wait for the money.")),
    };
    heard
}

fn is_sum(checkout: &Checkout, total: Cents, currency: &str) -> bool {
    checkout.amount_total == total && checkout.currency.eq_ignore_ascii_case(currency)
}

/// Every event of an order: those that name it or its payment page, and those of the payments these name.
fn events_of(conn: &mut Conn, order: &Order) -> Result<Vec<Event>> {
    let named: Vec<(String, Option<String>)> =
        stripe_events::table
            .filter(stripe_events::order_id.eq(order.id.as_str()).or(
                stripe_events::session.is_not_null().and(stripe_events::session.eq(&order.stripe_session)),
            ))
            .select((stripe_events::body, stripe_events::payment_intent))
            .load(conn)?;
    let mut intents: Vec<String> = named.iter().filter_map(|(_, intent)| intent.clone()).collect();
    intents.extend(order.payment_intent.clone());
    let more: Vec<String> = stripe_events::table
        .filter(stripe_events::payment_intent.eq_any(intents))
        .filter(stripe_events::order_id.is_null())
        .filter(
            stripe_events::session
                .is_null()
                .or(stripe_events::session.ne(order.stripe_session.clone().unwrap_or_default())),
        )
        .select(stripe_events::body)
        .load(conn)?;
    let bodies = named.into_iter().map(|(body, _)| body).chain(more);
    // What cannot be read was marked when it came and waits for an operator.
    Ok(bodies.filter_map(|body| read_event(&body).ok()).collect())
}

/// Brings an order to what its events say.
pub fn settle(conn: &mut Conn, order: &OrderId, issuer: &Issuer, now: Timestamp) -> Result<()> {
    let order = Order::find(conn, order)?;
    let events = events_of(conn, &order)?;
    let mut heard = hear(order.total_cents, &order.currency, &events);
    let Some(paid_at) = heard.paid else {
        note(conn, &order, heard.note.as_deref(), now)?;
        if order.stripe_session.as_ref().is_some_and(|session| heard.closed.contains(session)) {
            order.cancel(conn, now)?;
        }
        return Ok(());
    };
    let lines = order.lines(conn)?;
    if heard.note.is_none() && heard.over.is_none() {
        heard.note = settled_beside(conn, &order, &lines, paid_at)?.map(|other| beside(&other));
    }
    // A licence once revoked stays revoked: a payment that Stripe tells of too late cannot bring the order back.
    if order.state == State::Refunded && heard.over.is_none() {
        heard.note = Some(PAID_AGAIN.to_owned());
    }
    let ended = heard.over.is_some() || order.state == State::Refunded;
    let state = if ended { State::Refunded } else { State::Paid };
    // Told again, nothing of it changes, nor since when it is so.
    let is_news = order.state != state || order.note != heard.note;
    diesel::update(orders::table.find(&order.id))
        .set((
            orders::state.eq(state),
            orders::paid_at.eq(paid_at),
            orders::payment_intent.eq(heard.payment_intent.as_ref().or(order.payment_intent.as_ref())),
            orders::note.eq(&heard.note),
            orders::changed_at.eq(if is_news { now } else { order.changed_at }),
        ))
        .execute(conn)?;
    grant(conn, &order, &lines, issuer, now)?;
    ledger::sale(conn, &order, &lines, now)?;
    invoice::issue(conn, &order.id, invoice::Kind::Invoice, issuer.operator(), now)?;
    ledger::refund(conn, &order, &lines, heard.back, now)?;
    for (dispute, (since, ended)) in &heard.disputes {
        licence::suspend(conn, &order.id, dispute, *since, *ended)?;
    }
    if let Some((since, reason)) = heard.over {
        licence::revoke(conn, &order.id, reason, since, now)?;
        invoice::issue(conn, &order.id, invoice::Kind::CreditNote, issuer.operator(), now)?;
    }
    match (order.state, state) {
        (was, is) if was == is => Ok(()),
        (_, State::Refunded) => say_refunded(conn, &order, &lines, issuer, now),
        _ => say_paid(conn, &order, now),
    }
}

/// How an order differs from what all its kept events say, in words; nothing where it followed them. Only reads.
pub fn strays(conn: &mut Conn, order: &Order) -> Result<Option<String>> {
    if order.total_cents == Cents::ZERO {
        return Ok(None);
    }
    let heard = hear(order.total_cents, &order.currency, &events_of(conn, order)?);
    let sold = ledger::booked(conn, &order.id, ledger::Kind::Sale)?;
    let back = ledger::booked(conn, &order.id, ledger::Kind::Refund)?;
    Ok(differs(order, &heard, sold, back))
}

fn differs(order: &Order, heard: &Heard, sold: Cents, back: Cents) -> Option<String> {
    let is_paid = heard.paid.is_some();
    // What was ended once stays so when a payment is heard of too late, and says it.
    let stays = order.state == State::Refunded && order.note.as_deref() == Some(PAID_AGAIN);
    let told = match (is_paid, heard.over.is_some() || stays) {
        (false, _) => "unpaid",
        (true, true) => "refunded",
        (true, false) => "paid",
    };
    let stands = match order.state {
        State::Open | State::Awaiting | State::Cancelled => "unpaid",
        State::Paid => "paid",
        State::Refunded => "refunded",
    };
    if stands != told {
        return Some(format!("it is {}, and what Stripe said makes it {told}", order.state));
    }
    let show = |cents: Cents| cents.show(&order.currency);
    let (paid, given) = match told {
        "unpaid" => (Cents::ZERO, Cents::ZERO),
        "refunded" => (order.total_cents, order.total_cents),
        _ => (order.total_cents, heard.back),
    };
    if sold != paid {
        return Some(format!("{} is booked as paid, and Stripe said {}", show(sold), show(paid)));
    }
    // What was booked as given back stays booked when a second payment is heard of afterwards.
    let follows = back == given || (heard.times > 1 && back > given);
    (!follows).then(|| format!("{} is booked as given back, and Stripe said {}", show(back), show(given)))
}

/// The order of this buyer that was settled for some of the same licences while this one waited for its payment. Page
/// after page is closed before the next one opens, so that the buyer meant to have them once.
fn settled_beside(
    conn: &mut Conn,
    order: &Order,
    lines: &[Line],
    paid_at: Timestamp,
) -> Result<Option<OrderId>> {
    // Stripe tells the time in whole seconds.
    let by_then = paid_at.plus(SECOND);
    let tracks: Vec<&TrackId> = lines.iter().map(|line| &line.track_id).collect();
    let beside: Vec<(OrderId, TrackId, String)> = order_lines::table
        .inner_join(orders::table)
        .filter(orders::buyer_id.eq(&order.buyer_id).and(orders::id.ne(&order.id)))
        .filter(orders::state.eq(State::Paid))
        .filter(orders::created_at.lt(by_then))
        .filter(orders::paid_at.gt(order.created_at))
        .filter(orders::paid_at.le(by_then))
        .filter(order_lines::track_id.eq_any(tracks))
        .select((orders::id, order_lines::track_id, order_lines::tier))
        .load(conn)?;
    let is_same = |track: &TrackId, tier: &str| {
        lines.iter().any(|line| line.track_id == *track && line.tier.as_str() == tier)
    };
    Ok(beside.into_iter().find(|(_, track, tier)| is_same(track, tier)).map(|(id, ..)| id))
}

fn beside(other: &OrderId) -> String {
    format!("Order {other} was settled for some of the same licences meanwhile: give one back at Stripe.")
}

/// Settles an order that costs nothing: Stripe never hears of it. The payment pages of the buyer's other orders are
/// closed by jobs, so that nobody pays for what they have.
pub fn settle_free(conn: &mut Conn, order: &Order, issuer: &Issuer, now: Timestamp) -> Result<()> {
    let unpaid = orders::table
        .find(&order.id)
        .filter(orders::state.eq(State::Open).and(orders::total_cents.eq(Cents::ZERO)));
    let first = diesel::update(unpaid)
        .set((orders::state.eq(State::Paid), orders::paid_at.eq(now), orders::changed_at.eq(now)))
        .execute(conn)?;
    if first == 1 {
        let lines = order.lines(conn)?;
        grant(conn, order, &lines, issuer, now)?;
        invoice::issue(conn, &order.id, invoice::Kind::Invoice, issuer.operator(), now)?;
        for other in order.others_open(conn)? {
            jobs::close_order(conn, &other.id, now)?;
        }
        say_paid(conn, order, now)?;
    }
    Ok(())
}

/// One licence for each line, and the basket without what was bought; both only where that did not happen yet.
fn grant(conn: &mut Conn, order: &Order, lines: &[Line], issuer: &Issuer, now: Timestamp) -> Result<()> {
    let mut bought = vec![];
    for line in lines {
        if licence::issue(conn, order, line, issuer, now)? {
            bought.push((line.track_id.clone(), line.tier.clone()));
        }
    }
    basket::bought(conn, &order.buyer_id, &bought)
}

fn note(conn: &mut Conn, order: &Order, words: Option<&str>, now: Timestamp) -> Result<()> {
    if words.is_some() && order.note.as_deref() != words {
        diesel::update(orders::table.find(&order.id))
            .set((orders::note.eq(words), orders::changed_at.eq(now)))
            .execute(conn)?;
    }
    Ok(())
}

fn say_paid(conn: &mut Conn, order: &Order, now: Timestamp) -> Result<()> {
    let once = Terms { once: Some(format!("receipt:{}", order.id)), ..Terms::default() };
    jobs::enqueue_as(conn, &Job::SendReceipt { order: order.id.clone() }, once, now).map(drop)
}

fn say_refunded(
    conn: &mut Conn,
    order: &Order,
    lines: &[Line],
    issuer: &Issuer,
    now: Timestamp,
) -> Result<()> {
    let buyer = User::find(conn, &order.buyer_id)?;
    let titles: Vec<&str> = lines.iter().map(|line| line.title.as_str()).collect();
    let letter = Job::SendLetter {
        to: buyer.email,
        template: "refunded".into(),
        values: json!({
            "name": buyer.name,
            "order": order.id,
            "total": order.total_cents.show(&order.currency),
            "titles": titles,
            "credit_note": issuer.address(&invoice::Kind::CreditNote.path(&order.id)),
        }),
    };
    let once = Terms { once: Some(format!("refunded:{}", order.id)), ..Terms::default() };
    enqueue_as(conn, &letter, once, now).map(drop)
}
