//! From a basket to the payment page: one order and one page for one meaning, however often it is clicked and wherever
//! the process dies in between.

use crate::App;
use crate::accounts::user::User;
use crate::clock::{MINUTE, Timestamp};
use crate::consent::disclosure::Line;
use crate::consent::recipient::Use;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::guardians::permission::{self, Scope};
use crate::ids::{OrderId, UserId};
use crate::money::Cents;
use crate::sales::basket::{self, Basket, Owner};
use crate::sales::edition::Edition;
use crate::sales::jobs;
use crate::sales::order::{self, Licensee, Order, Rules};
use crate::sales::settle::settle_free;
use crate::stripe::{CheckoutWish, Session, WishLine};

/// How long after a sale a click on an empty basket means the order of that sale.
const SECOND_CLICK: i64 = 5 * MINUTE;
/// Rounds of "something changed while we asked Stripe" before the buyer is asked to look again.
const ROUNDS: usize = 4;

/// What a click on "pay" leads to.
pub enum Next {
    /// The payment page at this address.
    Pay(String),
    /// Nothing is to pay, or all is paid: the order.
    Order(OrderId),
    /// It is not what the buyer saw; the basket as it is now, so that they see it before anything is paid.
    Changed(Basket),
    /// There is nothing in the basket.
    Empty,
}

enum Opened {
    Order(Box<Order>),
    Settled(OrderId),
    Changed(Basket),
    Empty,
}

/// Takes a buyer's basket to the payment page. `seal` is that of the basket the buyer saw, when their page said it;
/// without, a basket in which something changed is shown first.
pub async fn begin(app: &App, buyer: &UserId, licensee: &Licensee, seal: &str) -> Result<Next> {
    for _ in 0..ROUNDS {
        let order = match open(app, buyer, licensee, seal).await? {
            Opened::Order(order) => order,
            Opened::Settled(order) => return Ok(Next::Order(order)),
            Opened::Changed(basket) => return Ok(Next::Changed(basket)),
            Opened::Empty => return Ok(Next::Empty),
        };
        // A page that an earlier click opened is no use, either.
        app.stripe.demand_clock()?;
        match close_others(app, &order).await? {
            Others::Closed => {}
            Others::Paid => continue,
            Others::Coming(other) => return Ok(Next::Order(other)),
        }
        if let Some(next) = pay(app, &order).await? {
            return Ok(next);
        }
    }
    Err(Error::conflict(
        "This basket changes faster than it can be paid. Look at it again, then start once more.",
    ))
}

async fn open(app: &App, buyer: &UserId, licensee: &Licensee, seal: &str) -> Result<Opened> {
    let (buyer, licensee, seal) = (buyer.clone(), licensee.clone(), seal.to_owned());
    let rules = Rules { currency: app.config.currency.clone(), share_bps: app.config.share_bps };
    let (issuer, least) = (app.issuer.clone(), app.config.age.services.clone());
    let opened = app
        .db
        .write(move |conn: &mut Conn| {
            let now = Timestamp::now();
            let owner = Owner::Account(buyer.clone());
            let basket = Basket::of(conn, &owner, &rules.currency)?;
            if basket.lines.is_empty() {
                let before = order::just_settled(conn, &buyer, now.plus(-SECOND_CLICK))?;
                return Ok(before.map_or(Opened::Empty, Opened::Settled));
            }
            let seen = if seal.is_empty() { !basket.has_changed() } else { seal == basket.seal() };
            if !seen || basket.buyable().next().is_none() {
                // The answer to this click says it.
                basket::told(conn, &owner, &rules.currency)?;
                return Ok(Opened::Changed(basket));
            }
            // Whoever is under age needs their guardian's word for what costs something.
            permission::demand_licences(conn, &buyer, basket.total(), &least, now)?;
            let order = Order::open(conn, &buyer, &basket, &licensee, &rules, now)?;
            if order.total_cents == Cents::ZERO {
                settle_free(conn, &order, &issuer, now)?;
                return Ok(Opened::Settled(order.id));
            }
            Ok(Opened::Order(Box::new(order)))
        })
        .await?;
    app.bell.ring();
    Ok(opened)
}

/// What became of a buyer's other orders.
enum Others {
    Closed,
    /// One of them turned out to be paid, so that the basket is another by now.
    Paid,
    /// The money of this one is on its way.
    Coming(OrderId),
}

/// Closes the payment pages of this buyer's other orders: the same basket must not be paid twice.
async fn close_others(app: &App, order: &Order) -> Result<Others> {
    let mine = order.clone();
    let mut others = Others::Closed;
    for other in app.db.read(move |conn| mine.others_open(conn)).await? {
        let other = jobs::give_up(app, &other).await?;
        if other.was_paid() {
            others = Others::Paid;
        } else if other.is_payable() {
            return Ok(Others::Coming(other.id));
        }
    }
    Ok(others)
}

/// Back to the payment page of an order that waits for it. Where a line of it is not sold any more, or not at that price,
/// the page is closed, and the basket says what changed.
pub async fn resume(app: &App, order: &Order) -> Result<Next> {
    let Some(url) = order.stripe_url.as_ref().filter(|_| order.state == order::State::Awaiting) else {
        return Ok(Next::Order(order.id.clone()));
    };
    let asked = order.clone();
    if app.db.read(move |conn| asked.stands(conn)).await? {
        return Ok(Next::Pay(url.clone()));
    }
    let order = jobs::give_up(app, order).await?;
    if order.was_paid() || order.is_payable() {
        return Ok(Next::Order(order.id));
    }
    let owner = Owner::Account(order.buyer_id);
    let currency = app.config.currency.clone();
    Ok(Next::Changed(app.db.read(move |conn| Basket::of(conn, &owner, &currency)).await?))
}

/// The payment page of an order: the one it has, or a new one. Nothing when the order must be opened again.
async fn pay(app: &App, order: &Order) -> Result<Option<Next>> {
    if let Some(session) = &order.stripe_session {
        match app.stripe.session(session).await {
            Ok(Session { url: Some(url), status, .. }) if status == "open" => {
                return Ok(Some(Next::Pay(url)));
            }
            Ok(_) => {
                jobs::look_at(app, order).await?;
                let id = order.id.clone();
                let order = app.db.read(move |conn| Order::find(conn, &id)).await?;
                // Money that is still on its way: the order's page waits for it.
                let waits = order.state == order::State::Awaiting;
                return Ok((order.was_paid() || waits).then_some(Next::Order(order.id)));
            }
            // Stripe has never heard of it.
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    let session = match app.stripe.checkout(&wish(app, order).await?).await {
        Ok(session) => session,
        Err(Error::Conflict(_)) => {
            // The first try was answered with a contradiction, such as another address of the buyer.
            let first = order.clone();
            let again = app.db.write(move |conn| first.tries_again(conn, Timestamp::now())).await?;
            app.stripe.checkout(&wish(app, &again).await?).await?
        }
        Err(error) => return Err(error),
    };
    let url = session.url.clone();
    let told = app.services.of(Use::Payment).map(Line::of_service);
    let (kept, least) = (order.clone(), app.config.age.services.clone());
    let opened = Order { stripe_session: Some(session.id.clone()), ..order.clone() };
    let awaits = app.db.write(move |conn| {
        let now = Timestamp::now();
        // Taken back while we asked Stripe.
        permission::demand(conn, &kept.buyer_id, Scope::Buy, &least, now)?;
        kept.awaits(conn, &session.id, session.url.as_deref(), now)?;
        told.iter().try_for_each(|line| line.record(conn, 1, now))?;
        // Given up, or not sold so any more, while we asked Stripe.
        let order = Order::find(conn, &kept.id)?;
        Ok(order.was_paid() || (order.is_payable() && order.stands(conn)?))
    });
    match awaits.await {
        // Without an address the page was paid or closed meanwhile.
        Ok(true) => Ok(url.map(Next::Pay)),
        Ok(false) => {
            jobs::give_up(app, &opened).await?;
            Ok(None)
        }
        Err(error) => {
            if matches!(error, Error::Guardian(_) | Error::NotYet) {
                jobs::give_up(app, &opened).await?;
            }
            Err(error)
        }
    }
}

async fn wish(app: &App, order: &Order) -> Result<CheckoutWish> {
    let asked = order.clone();
    let (lines, names, buyer) = app
        .db
        .read(move |conn| {
            let lines = asked.lines(conn)?;
            let hashes: Vec<String> = lines.iter().map(|line| line.terms_hash.clone()).collect();
            Ok((lines, Edition::names(conn, &hashes)?, User::find(conn, &asked.buyer_id)?))
        })
        .await?;
    let name = |line: &order::Line| names.get(&line.terms_hash).unwrap_or(&line.tier).clone();
    let lines = lines
        .iter()
        .filter(|line| line.price_cents > Cents::ZERO)
        .map(|line| WishLine {
            name: line.title.clone(),
            description: Some(format!("{} licence · by {}", name(line), line.uploader_name)),
            amount: line.price_cents,
        })
        .collect();
    Ok(CheckoutWish {
        order: order.id.clone(),
        try_number: u32::try_from(order.try_number).unwrap_or(1),
        currency: order.currency.clone(),
        lines,
        email: Some(buyer.email),
        success_url: app.config.absolute(&format!("/orders/{}", order.id)),
        cancel_url: app.config.absolute(&format!("/orders/{}?cancelled", order.id)),
        expires: order.session_expires_at,
    })
}
