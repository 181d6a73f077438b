//! What a paid order is billed with, and what takes it back: an invoice for every order that was paid, one over nothing
//! for an order that cost nothing, and a credit note for every one that was given back in full. A part that was given
//! back leaves the invoice as it is; the receipt of the payment service says it.
//!
//! One series of numbers a year for both, without a gap, since a number is taken in the write that it belongs to.
//! What a document says is what its order froze; nothing of it is ever changed or taken away.

mod pdf;

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{invoices, orders};
use crate::error::Result;
use crate::ids::{OrderId, UserId};
use crate::proof::Operator;
use crate::sales::edition::Edition;
use crate::sales::order::{Line, Order, State};
use crate::text_enum;

pub use pdf::pdf;

text_enum! {
    /// What a document does.
    pub enum Kind {
        /// It says what was sold, to whom and for how much.
        Invoice = "invoice",
        /// It takes back the invoice of its order, in full.
        CreditNote = "credit_note",
    }
}

impl Kind {
    /// The name as people say it, with a capital.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Invoice => "Invoice",
            Kind::CreditNote => "Credit note",
        }
    }

    /// The last part of its address: `invoice`, `credit-note`.
    pub fn slug(self) -> &'static str {
        match self {
            Kind::Invoice => "invoice",
            Kind::CreditNote => "credit-note",
        }
    }

    /// Where the buyer of an order finds it, from the root of the site.
    pub fn path(self, order: &OrderId) -> String {
        format!("/orders/{order}/{}.pdf", self.slug())
    }
}

/// A document that was issued. Never changes.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = invoices)]
pub struct Invoice {
    /// The UTC year it was issued in.
    pub year: i32,
    /// Counted from 1 in every year.
    pub running: i32,
    pub kind: Kind,
    pub order_id: OrderId,
    /// The operator's legal name on that day.
    pub seller: String,
    /// ISO 3166-1, or empty.
    pub seller_country: String,
    pub issued_at: Timestamp,
}

impl Invoice {
    /// Its number as it is printed: `2026-000042`.
    pub fn number(&self) -> String {
        format!("{}-{:06}", self.year, self.running)
    }

    /// The documents of these orders, by order, each in the order of their numbers.
    pub fn of_orders(conn: &mut Conn, ids: &[OrderId]) -> Result<BTreeMap<OrderId, Vec<Invoice>>> {
        let rows: Vec<Invoice> = invoices::table
            .filter(invoices::order_id.eq_any(ids))
            .order((invoices::year, invoices::running))
            .select(Invoice::as_select())
            .load(conn)?;
        let mut all: BTreeMap<OrderId, Vec<Invoice>> = BTreeMap::new();
        for row in rows {
            all.entry(row.order_id.clone()).or_default().push(row);
        }
        Ok(all)
    }
}

/// Issues a document of an order, under the next number of this year. An order has one of each kind, however often
/// this is called.
pub fn issue(conn: &mut Conn, order: &OrderId, kind: Kind, seller: &Operator, now: Timestamp) -> Result<()> {
    let same = invoices::table.filter(invoices::order_id.eq(order).and(invoices::kind.eq(kind)));
    let known: i64 = same.count().get_result(conn)?;
    if known > 0 {
        return Ok(());
    }
    let (year, _) = now.year_month();
    // Two writes that read the same last number cannot both be kept: one of them runs again.
    let last: Option<i32> = invoices::table
        .filter(invoices::year.eq(year))
        .order(invoices::running.desc())
        .select(invoices::running)
        .first(conn)
        .optional()?;
    let invoice = Invoice {
        year,
        running: last.unwrap_or(0) + 1,
        kind,
        order_id: order.clone(),
        seller: seller.name.clone(),
        seller_country: seller.country.clone(),
        issued_at: now,
    };
    diesel::insert_into(invoices::table).values(&invoice).execute(conn)?;
    Ok(())
}

/// Issues what orders lack that were settled before the shop wrote invoices, the oldest first.
pub fn catch_up(conn: &mut Conn, seller: &Operator, now: Timestamp) -> Result<()> {
    for (kind, states) in
        [(Kind::Invoice, &[State::Paid, State::Refunded][..]), (Kind::CreditNote, &[State::Refunded][..])]
    {
        let has = invoices::table.filter(invoices::kind.eq(kind)).select(invoices::order_id);
        let lacking: Vec<OrderId> = orders::table
            .filter(orders::state.eq_any(states).and(orders::id.ne_all(has)))
            .order((orders::paid_at, orders::id))
            .select(orders::id)
            .load(conn)?;
        for order in lacking {
            issue(conn, &order, kind, seller, now)?;
        }
    }
    Ok(())
}

/// A document with everything that stands on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    pub invoice: Invoice,
    /// For a credit note, the invoice it takes back.
    pub credits: Option<Invoice>,
    pub order: Order,
    pub lines: Vec<Line>,
    /// What the tiers of the lines were called, by the hash of their terms.
    pub tiers: BTreeMap<String, String>,
}

impl Bill {
    /// This document of an order, if the order is this buyer's and the document was issued.
    pub fn own(conn: &mut Conn, order: &OrderId, buyer: &UserId, kind: Kind) -> Result<Bill> {
        let order = Order::own(conn, order, buyer)?;
        let of_kind = |kind: Kind| {
            invoices::table
                .filter(invoices::order_id.eq(order.id.clone()).and(invoices::kind.eq(kind)))
                .select(Invoice::as_select())
        };
        let invoice = of_kind(kind).first(conn)?;
        let credits = match kind {
            Kind::Invoice => None,
            Kind::CreditNote => Some(of_kind(Kind::Invoice).first(conn)?),
        };
        let lines = order.lines(conn)?;
        let hashes: Vec<String> = lines.iter().map(|line| line.terms_hash.clone()).collect();
        let tiers = Edition::names(conn, &hashes)?;
        Ok(Bill { invoice, credits, order, lines, tiers })
    }
}
