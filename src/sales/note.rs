//! What somebody should look at: what Stripe said of an order that no row can mend. A note stands until it is not true any
//! more, or until somebody of the staff dealt with what it says.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{marks, orders};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::OrderId;
use crate::sales::order::Order;

/// How the name of the mark begins that says which words of an order were dealt with.
const DEALT_WITH: &str = "order_note:";
/// The same for the database: whether nobody dealt with the very words.
const IS_OPEN: &str = "NOT EXISTS (SELECT 1 FROM marks WHERE marks.name = 'order_note:' || orders.id \
                       AND marks.value = orders.note)";

/// Orders with a note that nobody dealt with, the longest waiting first.
pub fn open(conn: &mut Conn, limit: i64) -> Result<Vec<Order>> {
    Ok(orders::table
        .filter(orders::note.is_not_null())
        .filter(sql::<Bool>(IS_OPEN))
        .order((orders::changed_at, orders::id))
        .limit(limit)
        .select(Order::as_select())
        .load(conn)?)
}

/// Keeps that somebody dealt with these words of an order; other words wait again. `Conflict` when it says others by now.
pub fn dealt_with(conn: &mut Conn, order: &OrderId, words: &str, now: Timestamp) -> Result<()> {
    if Order::find(conn, order)?.note.as_deref() != Some(words) {
        return Err(Error::conflict("Something else is said of this order by now: look at it again."));
    }
    let name = format!("{DEALT_WITH}{order}");
    let row = (marks::name.eq(&name), marks::value.eq(words), marks::at.eq(now));
    each_db!(conn, |c| diesel::insert_into(marks::table)
        .values(&row)
        .on_conflict(marks::name)
        .do_update()
        .set((marks::value.eq(words), marks::at.eq(now)))
        .execute(c))?;
    Ok(())
}
