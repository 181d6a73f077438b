//! Which layers of the jail the last sound was read in, and since when it is so: the worker may run on another machine than
//! the one that shows it.

use diesel::prelude::*;

use crate::audio::Layers;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::marks;
use crate::each_db;
use crate::error::Result;

const NAME: &str = "jail";

/// Keeps the jail that a sound was read in. As long as it is the same nothing is written, so that uploads which end at one
/// time do not wait for each other.
pub fn keep(conn: &mut Conn, layers: &Layers, now: Timestamp) -> Result<()> {
    if last(conn)?.is_some_and(|(known, _)| known == *layers) {
        return Ok(());
    }
    let value = serde_json::to_string(layers)?;
    let row = (marks::name.eq(NAME), marks::value.eq(&value), marks::at.eq(now));
    each_db!(conn, |c| diesel::insert_into(marks::table)
        .values(&row)
        .on_conflict(marks::name)
        .do_update()
        .set((marks::value.eq(&value), marks::at.eq(now)))
        .execute(c))?;
    Ok(())
}

/// The jail of the last sound that was read, and since when it is this one; none before the first.
pub fn last(conn: &mut Conn) -> Result<Option<(Layers, Timestamp)>> {
    let row: Option<(String, Timestamp)> =
        marks::table.find(NAME).select((marks::value, marks::at)).first(conn).optional()?;
    match row {
        Some((value, at)) => Ok(Some((serde_json::from_str(&value)?, at))),
        None => Ok(None),
    }
}
