//! What one checkout pays: opened from a basket, frozen as it was agreed, paid by what Stripe says and nothing else.

use diesel::prelude::*;
use serde::Serialize;

use crate::catalogue::offer::{self, Offer};
use crate::catalogue::track;
use crate::clock::{HOUR, MINUTE, Timestamp};
use crate::db::Conn;
use crate::db::schema::{order_lines, orders, tracks, users};
use crate::error::{Error, Result};
use crate::ids::{OrderId, OrderLineId, TrackId, UploadId, UserId};
use crate::money::Cents;
use crate::sales::basket::Basket;
use crate::sales::edition::Edition;
use crate::sales::places;
use crate::secrets::sha256;
use crate::text_enum;

/// How long a payment page is open (Stripe allows 30 minutes to 24 hours).
const SESSION_MS: i64 = 23 * HOUR;
/// With less than this left, a payment page is not offered again.
const SESSION_LEAST_MS: i64 = 40 * MINUTE;
/// The edition of the refund rule that new orders are bought under (LICENCES, section 6).
pub const REFUND_RULE: &str = "2026-11";

text_enum! {
    /// Where an order is.
    pub enum State {
        /// Agreed; no payment page yet.
        Open = "open",
        /// Its buyer was sent to the payment page.
        Awaiting = "awaiting",
        Paid = "paid",
        /// Its payment page closed unpaid. Money that comes all the same still counts.
        Cancelled = "cancelled",
        /// Paid, and given back in full or lost to a dispute. Stays so whatever is said afterwards.
        Refunded = "refunded",
    }
}

/// An order: for whom it was agreed, under which words, at what sum, and where it is.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = orders)]
pub struct Order {
    pub id: OrderId,
    #[serde(skip)]
    pub buyer_id: UserId,
    pub state: State,
    /// The legal name the licences are made out to.
    pub licensee: String,
    pub company: String,
    /// The client or the project that the licences are for, or empty.
    pub project: String,
    /// ISO 3166-1, or empty: not stated.
    pub country: String,
    pub currency: String,
    pub total_cents: Cents,
    /// The territory groups the buyer named, joined by commas.
    pub territories: String,
    pub refund_rule: String,
    #[serde(skip)]
    pub fingerprint: String,
    pub try_number: i32,
    pub session_expires_at: Timestamp,
    #[serde(skip)]
    pub stripe_session: Option<String>,
    #[serde(skip)]
    pub stripe_url: Option<String>,
    #[serde(skip)]
    pub payment_intent: Option<String>,
    /// What an operator should look at.
    pub note: Option<String>,
    pub created_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub changed_at: Timestamp,
}

/// One licence that is bought, with everything of that moment.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = order_lines)]
pub struct Line {
    #[serde(skip)]
    pub id: OrderLineId,
    #[serde(skip)]
    pub order_id: OrderId,
    pub position: i32,
    pub track_id: TrackId,
    pub upload_id: UploadId,
    #[serde(skip)]
    pub uploader_id: UserId,
    pub title: String,
    pub uploader_name: String,
    pub tier: String,
    pub terms_hash: String,
    pub price_cents: Cents,
    #[serde(skip)]
    pub share_bps: i64,
    #[serde(skip)]
    pub uploader_cents: Cents,
    #[serde(skip)]
    pub platform_cents: Cents,
}

/// Whom the licences are made out to, as they said it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Licensee {
    pub name: String,
    pub company: String,
    /// The client or the project that they are for, or empty.
    pub project: String,
    /// ISO 3166-1, or empty.
    pub country: String,
    /// Slugs of territory groups; only asked for licences that are bound to some.
    pub territories: Vec<String>,
}

/// The longest name of a person, company or project that stands on a certificate.
pub const NAME_MAX: usize = 120;

impl Licensee {
    /// What is wrong with it: the field and a sentence each.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = vec![];
        if self.name.is_empty() {
            faults.push((
                "licensee",
                "Say who the licences are for: a person's or an organisation's legal name.".into(),
            ));
        }
        for (field, text) in
            [("licensee", &self.name), ("company", &self.company), ("project", &self.project)]
        {
            if text.chars().count() > NAME_MAX {
                faults.push((field, format!("This is longer than {NAME_MAX} characters.")));
            }
            if text.chars().any(char::is_control) {
                faults.push((field, "This has characters in it that cannot be printed.".into()));
            }
            // A certificate is public to whoever holds it; an address of a person has no place on it.
            if text.contains('@') {
                faults.push((
                    field,
                    "Give a name, not an e-mail address: it stands on the certificate.".into(),
                ));
            }
        }
        if !self.country.is_empty() && places::country(&self.country).is_none() {
            faults.push(("country", "Choose a country from the list.".into()));
        }
        if self.territories.iter().any(|slug| places::group_name(slug).is_none()) {
            faults.push(("territory", "Choose a territory from the list.".into()));
        }
        faults
    }
}

/// What holds for new orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// ISO 4217 in small letters.
    pub currency: String,
    /// The uploader's part of the net price in basis points.
    pub share_bps: i64,
}

impl Order {
    /// Opens an order for everything in the basket that can be bought, at the prices of this moment. The same
    /// basket, licensee and prices find the order that is open already, so a second click makes none.
    /// `Refused` when there is nothing to buy.
    pub fn open(
        conn: &mut Conn,
        buyer: &UserId,
        basket: &Basket,
        licensee: &Licensee,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Order> {
        if basket.buyable().next().is_none() {
            return Err(Error::refused("There is nothing in your basket that can be bought."));
        }
        let fingerprint = fingerprint(basket, licensee, rules);
        if let Some(order) = Order::opened_before(conn, buyer, &fingerprint, now)? {
            return Ok(order);
        }
        let id = OrderId::new();
        let order = Order {
            id: id.clone(),
            buyer_id: buyer.clone(),
            state: State::Open,
            licensee: licensee.name.clone(),
            company: licensee.company.clone(),
            project: licensee.project.clone(),
            country: licensee.country.to_uppercase(),
            currency: rules.currency.clone(),
            total_cents: basket.total(),
            territories: licensee.territories.join(","),
            refund_rule: REFUND_RULE.into(),
            fingerprint,
            try_number: 1,
            session_expires_at: now.plus(SESSION_MS),
            stripe_session: None,
            stripe_url: None,
            payment_intent: None,
            note: None,
            created_at: now,
            paid_at: None,
            changed_at: now,
        };
        diesel::insert_into(orders::table).values(&order).execute(conn)?;
        for (position, line) in (0..).zip(basket.buyable()) {
            let uploader_cents = line.price.share(rules.share_bps);
            let line = Line {
                id: OrderLineId::new(),
                order_id: id.clone(),
                position,
                track_id: line.track.clone(),
                upload_id: line.upload.clone(),
                uploader_id: line.uploader.clone(),
                title: line.title.clone(),
                uploader_name: line.uploader_name.clone(),
                tier: line.tier.clone(),
                terms_hash: line.terms_hash.clone(),
                price_cents: line.price,
                share_bps: rules.share_bps,
                uploader_cents,
                platform_cents: line.price - uploader_cents,
            };
            diesel::insert_into(order_lines::table).values(&line).execute(conn)?;
        }
        Ok(order)
    }

    fn opened_before(
        conn: &mut Conn,
        buyer: &UserId,
        fingerprint: &str,
        now: Timestamp,
    ) -> Result<Option<Order>> {
        Ok(orders::table
            .filter(orders::buyer_id.eq(buyer).and(orders::fingerprint.eq(fingerprint)))
            .filter(orders::state.eq_any([State::Open, State::Awaiting]))
            .filter(orders::session_expires_at.gt(now.plus(SESSION_LEAST_MS)))
            .order(orders::created_at.desc())
            .select(Order::as_select())
            .first(conn)
            .optional()?)
    }

    /// The order of this id, whoever bought. `NotFound` without it.
    pub fn find(conn: &mut Conn, id: &OrderId) -> Result<Order> {
        Ok(orders::table.find(id).select(Order::as_select()).first(conn)?)
    }

    /// The order, if it is this buyer's.
    pub fn own(conn: &mut Conn, id: &OrderId, buyer: &UserId) -> Result<Order> {
        let mine = orders::table.find(id).filter(orders::buyer_id.eq(buyer));
        Ok(mine.select(Order::as_select()).first(conn)?)
    }

    /// A buyer's orders that came to something, newest first.
    pub fn settled_of(conn: &mut Conn, buyer: &UserId, limit: i64) -> Result<Vec<Order>> {
        Ok(orders::table
            .filter(orders::buyer_id.eq(buyer))
            .filter(orders::state.eq_any([State::Paid, State::Refunded]))
            .order((orders::paid_at.desc(), orders::id.desc()))
            .limit(limit)
            .select(Order::as_select())
            .load(conn)?)
    }

    /// A buyer's other orders that still have, or may still get, a payment page.
    pub fn others_open(&self, conn: &mut Conn) -> Result<Vec<Order>> {
        Ok(orders::table
            .filter(orders::buyer_id.eq(&self.buyer_id).and(orders::id.ne(&self.id)))
            .filter(orders::state.eq_any([State::Open, State::Awaiting]))
            .select(Order::as_select())
            .load(conn)?)
    }

    /// Orders of a buyer that are not paid and could still be.
    pub fn unpaid_of(conn: &mut Conn, buyer: &UserId) -> Result<Vec<Order>> {
        Ok(orders::table
            .filter(orders::buyer_id.eq(buyer).and(orders::state.eq_any([State::Open, State::Awaiting])))
            .select(Order::as_select())
            .load(conn)?)
    }

    /// Orders whose payment page was opened before then and of which nothing was heard, oldest first.
    pub fn waiting(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<Vec<Order>> {
        Ok(orders::table
            .filter(orders::state.eq(State::Awaiting).and(orders::created_at.lt(before)))
            .order(orders::created_at)
            .limit(limit)
            .select(Order::as_select())
            .load(conn)?)
    }

    /// Its lines, in the order of the basket.
    pub fn lines(&self, conn: &mut Conn) -> Result<Vec<Line>> {
        Ok(order_lines::table
            .filter(order_lines::order_id.eq(&self.id))
            .order(order_lines::position)
            .select(Line::as_select())
            .load(conn)?)
    }

    /// Notes the payment page its buyer is sent to. An order that was paid meanwhile stays paid.
    pub fn awaits(&self, conn: &mut Conn, session: &str, url: Option<&str>, now: Timestamp) -> Result<()> {
        diesel::update(orders::table.find(&self.id))
            .set((orders::stripe_session.eq(session), orders::stripe_url.eq(url), orders::changed_at.eq(now)))
            .execute(conn)?;
        diesel::update(orders::table.find(&self.id).filter(orders::state.eq(State::Open)))
            .set(orders::state.eq(State::Awaiting))
            .execute(conn)?;
        Ok(())
    }

    /// Begins another try at Stripe under another key, after the first was answered with a contradiction.
    pub fn tries_again(&self, conn: &mut Conn, now: Timestamp) -> Result<Order> {
        let same = orders::table.find(&self.id).filter(orders::try_number.eq(self.try_number));
        diesel::update(same)
            .set((
                orders::try_number.eq(self.try_number + 1),
                orders::session_expires_at.eq(now.plus(SESSION_MS)),
                orders::changed_at.eq(now),
            ))
            .execute(conn)?;
        Order::find(conn, &self.id)
    }

    /// Gives up an unpaid order whose place another one took.
    pub fn cancel(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        let unpaid = orders::state.eq_any([State::Open, State::Awaiting]);
        diesel::update(orders::table.find(&self.id).filter(unpaid))
            .set((orders::state.eq(State::Cancelled), orders::changed_at.eq(now)))
            .execute(conn)?;
        Ok(())
    }

    /// Whether every line of it is still sold, under the terms and at the price that were agreed.
    pub fn stands(&self, conn: &mut Conn) -> Result<bool> {
        let lines = self.lines(conn)?;
        let ids: Vec<TrackId> = lines.iter().map(|line| line.track_id.clone()).collect();
        let live: Vec<TrackId> = tracks::table
            .inner_join(users::table)
            .filter(tracks::id.eq_any(&ids).and(tracks::state.eq(track::State::Published)))
            .filter(users::disabled_at.is_null())
            .select(tracks::id)
            .load(conn)?;
        let offers = offer::of_tracks(conn, &ids)?;
        let editions = Edition::on_sale(conn)?;
        let is_offered = |line: &Line| {
            let own = |offer: &&Offer| offer.track_id == line.track_id && offer.tier == line.tier;
            let is_agreed = |o: &Offer| o.price_cents == line.price_cents && o.is_in(&self.currency);
            offers.iter().find(own).is_some_and(is_agreed)
        };
        let is_sold = |line: &Line| {
            let own = |e: &&Edition| e.tier.slug == line.tier && !e.tier.on_request;
            editions.iter().find(own).is_some_and(|e| e.terms_hash == line.terms_hash)
        };
        Ok(lines.iter().all(|line| live.contains(&line.track_id) && is_offered(line) && is_sold(line)))
    }

    /// Whether it is not paid and could still be.
    pub fn is_payable(&self) -> bool {
        matches!(self.state, State::Open | State::Awaiting)
    }

    /// Whether it is paid and was not given back.
    pub fn is_paid(&self) -> bool {
        self.state == State::Paid
    }

    /// Whether its licences were ever issued.
    pub fn was_paid(&self) -> bool {
        matches!(self.state, State::Paid | State::Refunded)
    }

    /// The territory groups by slug.
    pub fn groups(&self) -> Vec<String> {
        self.territories.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect()
    }
}

/// The newest order of this buyer that was settled since then: what a second click on "pay" meant, when the first
/// one left an empty basket.
pub fn just_settled(conn: &mut Conn, buyer: &UserId, since: Timestamp) -> Result<Option<OrderId>> {
    Ok(orders::table
        .filter(orders::buyer_id.eq(buyer).and(orders::paid_at.ge(since)))
        .order(orders::paid_at.desc())
        .select(orders::id)
        .first(conn)
        .optional()?)
}

/// An order in this state, for the test that renders every page.
pub fn sample(state: State, at: Timestamp) -> Order {
    Order {
        id: OrderId::new(),
        buyer_id: UserId::new(),
        state,
        licensee: "Ada Field".into(),
        company: "Field & Söhne GmbH".into(),
        project: "Harbour lights".into(),
        country: "DE".into(),
        currency: "usd".into(),
        total_cents: Cents(2_900),
        territories: "europe".into(),
        refund_rule: REFUND_RULE.into(),
        fingerprint: String::new(),
        try_number: 1,
        session_expires_at: at.plus(SESSION_MS),
        stripe_session: None,
        stripe_url: None,
        payment_intent: None,
        note: None,
        created_at: at,
        paid_at: matches!(state, State::Paid | State::Refunded).then_some(at),
        changed_at: at,
    }
}

fn fingerprint(basket: &Basket, licensee: &Licensee, rules: &Rules) -> String {
    let whom = [
        &licensee.name,
        &licensee.company,
        &licensee.project,
        &licensee.country,
        &licensee.territories.join(","),
        &rules.currency,
    ];
    let whom: String = whom.iter().map(|text| format!("{}:{text}\n", text.len())).collect();
    sha256(format!("{whom}{} {}", rules.share_bps, basket.seal()))
}
