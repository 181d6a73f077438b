//! Every order, held against all that Stripe was heard to say of it.
//!
//! What the events of an order make true is computed once more by the pure function that the inbox goes by; what is
//! proved is that the rows and the books followed it to the last event.

use diesel::prelude::*;

use super::check::{Finding, Weight};
use crate::db::Conn;
use crate::db::schema::orders;
use crate::error::Result;
use crate::sales::order::Order;
use crate::sales::settle;

/// Orders read at once.
const PAGE: i64 = 500;

/// Holds the orders after this one against their events. Answers the last of the page; none at the end.
pub(super) fn page(
    conn: &mut Conn,
    after: &str,
    found: &mut Vec<Finding>,
) -> Result<Option<(String, usize)>> {
    let some: Vec<Order> = orders::table
        .filter(orders::id.gt(after))
        .order(orders::id)
        .limit(PAGE)
        .select(Order::as_select())
        .load(conn)?;
    for order in &some {
        if let Some(words) = settle::strays(conn, order)? {
            found.push(Finding {
                rule: "order-follows-stripe",
                weight: Weight::Broken,
                about: format!("order {}", order.id),
                words,
            });
        }
    }
    Ok(some.last().map(|order| (order.id.to_string(), some.len())))
}
