//! Where Stripe's words arrive: an event is kept under its own id and its order recomputed from all events, in one
//! write. There is no moment at which an event is known and its work is not done.

use diesel::prelude::*;
use serde_json::json;

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{orders, stripe_events};
use crate::each_db;
use crate::error::{Error, Result};
use crate::guardians::verification::Verification;
use crate::ids::OrderId;
use crate::proof::Issuer;
use crate::sales::settle::settle;
use crate::secrets::sha256;
use crate::stripe::{About, Checkout, Dispute, Event, RawEvent, Session, read_event};

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Its order says what all its events say.
    Settled(OrderId),
    /// It is kept; no order of ours is concerned, as far as anyone can tell yet.
    Apart,
    /// It is kept for an operator: nobody here can read it.
    Puzzling,
}

/// What Stripe said of no order, or in a way nobody could read.
#[derive(Clone, Debug, Queryable)]
pub struct Puzzle {
    pub id: String,
    /// Stripe's name for it; `unknown` where it had none.
    pub kind: String,
    pub why: Option<String>,
    pub received_at: Timestamp,
}

impl Puzzle {
    /// So many of them, the newest first.
    pub fn newest(conn: &mut Conn, limit: i64) -> Result<Vec<Puzzle>> {
        Ok(stripe_events::table
            .filter(stripe_events::problem.is_not_null())
            .order(stripe_events::received_at.desc())
            .limit(limit)
            .select((
                stripe_events::id,
                stripe_events::kind,
                stripe_events::problem,
                stripe_events::received_at,
            ))
            .load(conn)?)
    }
}

/// Takes in what a webhook brought or a look-up found. Told again, it does the same work again, which changes nothing.
pub fn take(conn: &mut Conn, body: &str, issuer: &Issuer, now: Timestamp) -> Result<Kept> {
    let event = match read_event(body) {
        Ok(event) => event,
        Err(Error::Refused(why)) => return puzzling(conn, body, &why, now),
        Err(error) => return Err(error),
    };
    let about = Concerns::of(&event);
    if let About::Paid(checkout) = &event.about
        && let Some(proof) = Verification::by_reference(conn, &checkout.session)?
    {
        // A guardian proved their card: nothing was sold.
        keep(conn, &event.id, &event.kind, &about, body, None, event.created, now)?;
        proof.paid(conn, checkout.payment_intent.as_deref(), now)?;
        return Ok(Kept::Apart);
    }
    let order = about.order(conn)?;
    let stray = about.order_id.is_some() && order.is_none() && is_ours(&event);
    let problem = stray.then_some("It names an order that this shop does not have.");
    keep(conn, &event.id, &event.kind, &about, body, problem, event.created, now)?;
    match order {
        Some(order) => {
            settle(conn, &order, issuer, now)?;
            Ok(Kept::Settled(order))
        }
        None => Ok(Kept::Apart),
    }
}

/// Whether the event of this body is kept already.
pub fn is_kept(conn: &mut Conn, body: &str) -> Result<bool> {
    let event: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let Some(id) = event["id"].as_str() else { return Ok(false) };
    Ok(diesel::select(diesel::dsl::exists(stripe_events::table.find(id))).get_result(conn)?)
}

/// Which of these events are not kept yet.
pub fn missing(conn: &mut Conn, events: Vec<RawEvent>) -> Result<Vec<RawEvent>> {
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    let mut known: Vec<String> = vec![];
    for some in ids.chunks(500) {
        known.extend(
            stripe_events::table
                .filter(stripe_events::id.eq_any(some))
                .select(stripe_events::id)
                .load::<String>(conn)?,
        );
    }
    known.sort_unstable();
    Ok(events.into_iter().filter(|event| known.binary_search(&event.id).is_err()).collect())
}

/// What a look at a payment page says, as the event that would have told it, for the same door. Nothing while the
/// page is open.
pub fn looked_up(session: &Session, now: Timestamp) -> Option<String> {
    let kind = match session.status.as_str() {
        "complete" if session.is_paid() => "checkout.session.completed",
        "expired" => "checkout.session.expired",
        _ => return None,
    };
    let event = json!({
        "id": format!("look_{}_{}", session.id, session.status),
        "object": "event",
        "type": kind,
        "created": now.secs(),
        "data": { "object": {
            "id": session.id,
            "object": "checkout.session",
            "payment_status": session.payment_status,
            "payment_intent": session.payment_intent,
            "amount_total": session.amount_total,
            "currency": session.currency,
            "metadata": { "order": session.order },
        }},
    });
    Some(event.to_string())
}

/// Whom an event is about.
#[derive(Default)]
struct Concerns {
    order_id: Option<String>,
    session: Option<String>,
    payment_intent: Option<String>,
}

impl Concerns {
    fn of(event: &Event) -> Concerns {
        match &event.about {
            About::Paid(c) | About::Awaited(c) | About::Failed(c) | About::Expired(c) => {
                Concerns::checkout(c)
            }
            About::Refunded { payment_intent, order, .. } => {
                Concerns { order_id: order.clone(), payment_intent: payment_intent.clone(), session: None }
            }
            About::Refund { payment_intent, .. }
            | About::Disputed(Dispute { payment_intent, .. })
            | About::DisputeClosed(Dispute { payment_intent, .. }) => {
                Concerns { payment_intent: payment_intent.clone(), ..Concerns::default() }
            }
            About::Other => Concerns::default(),
        }
    }

    fn checkout(checkout: &Checkout) -> Concerns {
        Concerns {
            order_id: checkout.order.clone(),
            session: Some(checkout.session.clone()),
            payment_intent: checkout.payment_intent.clone(),
        }
    }

    /// The order of ours: by its own name, its payment page, or its payment as an earlier event told it.
    fn order(&self, conn: &mut Conn) -> Result<Option<OrderId>> {
        if let Some(id) = self.order_id.as_deref().and_then(OrderId::parse) {
            let found = orders::table.find(&id).select(orders::id).first(conn).optional()?;
            if found.is_some() {
                return Ok(found);
            }
        }
        if let Some(session) = &self.session {
            let found = orders::table.filter(orders::stripe_session.eq(session)).select(orders::id);
            if let Some(id) = found.first(conn).optional()? {
                return Ok(Some(id));
            }
        }
        let Some(intent) = &self.payment_intent else { return Ok(None) };
        let found = orders::table.filter(orders::payment_intent.eq(intent)).select(orders::id);
        if let Some(id) = found.first(conn).optional()? {
            return Ok(Some(id));
        }
        let told: Vec<Option<String>> = stripe_events::table
            .filter(stripe_events::payment_intent.eq(intent).and(stripe_events::order_id.is_not_null()))
            .select(stripe_events::order_id)
            .load(conn)?;
        for id in told.iter().flatten().filter_map(|id| OrderId::parse(id)) {
            let found = orders::table.find(&id).select(orders::id).first(conn).optional()?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// Whether a checkout of ours speaks: a stranger's charge on the same account may carry anything in its metadata.
fn is_ours(event: &Event) -> bool {
    matches!(event.about, About::Paid(_))
}

fn puzzling(conn: &mut Conn, body: &str, why: &str, now: Timestamp) -> Result<Kept> {
    let value: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let named = |member: &str| value[member].as_str().map(str::to_owned);
    let id = named("id").unwrap_or_else(|| format!("unread_{}", &sha256(body)[..24]));
    let kind = named("type").unwrap_or_else(|| "unknown".into());
    keep(conn, &id, &kind, &Concerns::default(), body, Some(why), now, now)?;
    Ok(Kept::Puzzling)
}

#[allow(clippy::too_many_arguments, reason = "one for each column")]
fn keep(
    conn: &mut Conn,
    id: &str,
    kind: &str,
    about: &Concerns,
    body: &str,
    problem: Option<&str>,
    happened: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let row = (
        stripe_events::id.eq(id),
        stripe_events::kind.eq(kind),
        stripe_events::order_id.eq(&about.order_id),
        stripe_events::session.eq(&about.session),
        stripe_events::payment_intent.eq(&about.payment_intent),
        stripe_events::body.eq(body),
        stripe_events::problem.eq(problem),
        stripe_events::happened_at.eq(happened),
        stripe_events::received_at.eq(now),
    );
    each_db!(conn, |c| diesel::insert_into(stripe_events::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}
