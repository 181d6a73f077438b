//! What an account decided, on whichever device. Where somebody is signed in this is the truth, and the browser's cookie
//! only a copy.

use diesel::prelude::*;

use super::choices::Choices;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::account_choices;
use crate::each_db;
use crate::error::Result;
use crate::ids::UserId;

/// What an account decided. `None`: it never decided anything.
pub fn of(conn: &mut Conn, user: &UserId) -> Result<Option<Choices>> {
    let line: Option<String> =
        account_choices::table.find(user).select(account_choices::line).first(conn).optional()?;
    Ok(line.as_deref().and_then(Choices::read))
}

/// Keeps a decision of an account in place of the one before.
pub fn keep(conn: &mut Conn, user: &UserId, choices: &Choices, now: Timestamp) -> Result<()> {
    let line = choices.write();
    let row = (
        account_choices::user_id.eq(user),
        account_choices::line.eq(&line),
        account_choices::changed_at.eq(now),
    );
    each_db!(conn, |c| diesel::insert_into(account_choices::table)
        .values(row)
        .on_conflict(account_choices::user_id)
        .do_update()
        .set((account_choices::line.eq(&line), account_choices::changed_at.eq(now)))
        .execute(c))?;
    Ok(())
}
