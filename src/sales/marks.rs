//! Single facts the till remembers, under a name.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::marks;
use crate::each_db;
use crate::error::Result;

/// The moment kept under a name.
pub fn moment(conn: &mut Conn, name: &str) -> Result<Option<Timestamp>> {
    Ok(marks::table.find(name).select(marks::at).first(conn).optional()?)
}

/// Keeps a moment under a name, whatever was there.
pub fn set(conn: &mut Conn, name: &str, at: Timestamp) -> Result<()> {
    let row = (marks::name.eq(name), marks::value.eq(""), marks::at.eq(at));
    each_db!(conn, |c| diesel::insert_into(marks::table)
        .values(&row)
        .on_conflict(marks::name)
        .do_update()
        .set(marks::at.eq(at))
        .execute(c))?;
    Ok(())
}
