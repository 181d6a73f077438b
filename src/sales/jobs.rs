//! What the till does beside a request: receipts, and asking Stripe what it may have missed.

use serde_json::json;

use crate::App;
use crate::accounts::user::User;
use crate::clock::{DAY, HOUR, MINUTE, Timestamp};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::ids::{OrderId, UserId};
use crate::jobs::{Job, Lease, Terms, enqueue_as};
use crate::money::Cents;
use crate::sales::edition::Edition;
use crate::sales::inbox::{self, Kept};
use crate::sales::invoice::Kind;
use crate::sales::licence::Held;
use crate::sales::order::Order;
use crate::sales::{basket, marks};

/// How far back the first reconciliation looks, and how much every later one looks again.
const FIRST_LOOK: i64 = 7 * DAY;
const AGAIN: i64 = 2 * HOUR;
/// Payment pages looked at one by one in one round.
const PAGES: i64 = 50;
/// A basket of a browser that nobody touched for so long is forgotten.
const BASKET_LASTS: i64 = 90 * DAY;
/// The mark that says up to when Stripe's events were read.
const READ_UP_TO: &str = "stripe events read up to";

/// Writes to the buyer what was bought, with the way to the library. The letter goes out as a job of its own.
pub async fn send_receipt(app: &App, lease: &Lease, order: &OrderId) -> Result<()> {
    let (lease, order) = (lease.clone(), order.clone());
    let issuer = app.issuer.clone();
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            lease.finish(conn, now)?;
            let order = Order::find(conn, &order)?;
            let buyer = User::find(conn, &order.buyer_id)?;
            let held = Held::of_order(conn, &order.id)?;
            let hashes: Vec<String> = held.iter().map(|held| held.licence.terms_hash.clone()).collect();
            let names = Edition::names(conn, &hashes)?;
            let cost = |cents: Cents| match cents {
                Cents::ZERO => "free".to_owned(),
                cents => cents.show(&order.currency),
            };
            let lines: Vec<_> = held
                .into_iter()
                .map(|held| {
                    json!({
                        "title": held.line.title,
                        "uploader": held.line.uploader_name,
                        "tier": names.get(&held.licence.terms_hash).unwrap_or(&held.line.tier),
                        "price": cost(held.line.price_cents),
                        "number": held.licence.number,
                    })
                })
                .collect();
            let letter = Job::SendLetter {
                to: buyer.email,
                template: "receipt".into(),
                values: json!({
                    "name": buyer.name,
                    "order": order.id,
                    "total": cost(order.total_cents),
                    "lines": lines,
                    "library": issuer.address("/library"),
                    "receipt": issuer.address(&format!("/orders/{}", order.id)),
                    "invoice": issuer.address(&Kind::Invoice.path(&order.id)),
                }),
            };
            let once = Terms { once: Some(format!("receipt-letter:{}", order.id)), ..Terms::default() };
            enqueue_as(conn, &letter, once, now).map(drop)
        })
        .await
}

/// Lists what happened at Stripe since the last time and feeds what is missing through the webhook's own door; then
/// looks at payment pages of which nothing was heard. Run at start and hourly.
pub async fn reconcile(app: &App, lease: &Lease) -> Result<()> {
    let begun = Timestamp::now();
    let since = app.db.read(|conn| marks::moment(conn, READ_UP_TO)).await?;
    let since = since.map_or(begun.plus(-FIRST_LOOK), |at| at.plus(-AGAIN));
    let found = fetch(app, since).await?;
    let waiting = app.db.read(move |conn| Order::waiting(conn, begun.plus(-5 * MINUTE), PAGES)).await?;
    for order in waiting {
        look_at(app, &order).await?;
    }
    if found > 0 {
        tracing::info!(found, "events that no webhook had brought");
    }
    let lease = lease.clone();
    app.db
        .write(move |conn| {
            lease.finish(conn, Timestamp::now())?;
            basket::sweep(conn, begun.plus(-BASKET_LASTS))?;
            marks::set(conn, READ_UP_TO, begun)
        })
        .await
}

/// Takes in every event since then that is not kept yet, and answers how many there were. When this answers there is no
/// older one that was left out: the mark may follow.
///
/// Stripe lists the youngest first, and they are taken in as they happened: a refund that is heard of before the first of
/// two payments would end the order for good.
async fn fetch(app: &App, since: Timestamp) -> Result<usize> {
    let (mut found, mut behind) = (vec![], None::<String>);
    loop {
        let page = app.stripe.events(since, behind.as_deref()).await?;
        let last = page.found.last().map(|event| event.id.clone());
        if last.is_some() && last == behind {
            return Err(Error::internal("Stripe's list of events does not go on"));
        }
        let events = page.found;
        found.extend(app.db.read(move |conn| inbox::missing(conn, events)).await?);
        match page.more {
            true => behind = last,
            false => break,
        }
    }
    let count = found.len();
    for event in found.into_iter().rev() {
        take(app, event.body).await?;
    }
    Ok(count)
}

/// Closes the payment pages of somebody who may not buy any more, or not what is on them, and gives their unpaid orders up. What
/// was paid meanwhile stays paid, and what is still sold stays in the basket.
pub async fn end_checkouts(app: &App, lease: &Lease, buyer: &UserId) -> Result<()> {
    let who = buyer.clone();
    for order in app.db.read(move |conn| Order::unpaid_of(conn, &who)).await? {
        give_up(app, &order).await?;
    }
    let lease = lease.clone();
    app.db.write(move |conn| lease.finish(conn, Timestamp::now())).await
}

/// Closes the payment page of an order that is not to be paid as it was agreed. One that was paid meanwhile stays paid.
pub async fn close_order(app: &App, lease: &Lease, order: &OrderId) -> Result<()> {
    let id = order.clone();
    let order = app.db.read(move |conn| Order::find(conn, &id)).await?;
    give_up(app, &order).await?;
    let lease = lease.clone();
    app.db.write(move |conn| lease.finish(conn, Timestamp::now())).await
}

/// Closes the payment page of an order and gives the order up. What was paid in that very moment stays paid, and money
/// that is on its way is waited for. Answers the order as it is then.
pub async fn give_up(app: &App, order: &Order) -> Result<Order> {
    let mut seen = order.clone();
    loop {
        let mut is_coming = false;
        if let Some(session) = seen.stripe_session.as_ref().filter(|_| seen.is_payable()) {
            match app.stripe.expire(session).await {
                Ok(()) | Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
            is_coming = look_at(app, &seen).await?;
        }
        let looked = seen.clone();
        let found = app.db.write(move |conn| {
            let found = Order::find(conn, &looked.id)?;
            // One that got a page meanwhile is payable still: that page is closed first.
            if is_coming || found.stripe_session != looked.stripe_session {
                return Ok(found);
            }
            found.cancel(conn, Timestamp::now())?;
            Order::find(conn, &looked.id)
        });
        seen = found.await?;
        if is_coming || !seen.is_payable() {
            return Ok(seen);
        }
    }
}

/// Asks Stripe how the payment page of an order stands, and takes in what it says. Answers whether money is on its way.
pub async fn look_at(app: &App, order: &Order) -> Result<bool> {
    let Some(session) = &order.stripe_session else { return Ok(false) };
    let mut session = match app.stripe.session(session).await {
        Ok(session) => session,
        // Stripe has never heard of it: nothing can have been paid there.
        Err(Error::NotFound) => return Ok(false),
        Err(error) => return Err(error),
    };
    session.order.get_or_insert_with(|| order.id.to_string());
    if let Some(body) = inbox::looked_up(&session, Timestamp::now()) {
        take(app, body).await?;
    }
    Ok(session.is_coming())
}

/// The one door for what Stripe says, whoever brought it.
pub async fn take(app: &App, body: String) -> Result<Kept> {
    let issuer = app.issuer.clone();
    let kept =
        app.db.write(move |conn: &mut Conn| inbox::take(conn, &body, &issuer, Timestamp::now())).await?;
    app.bell.ring();
    Ok(kept)
}
