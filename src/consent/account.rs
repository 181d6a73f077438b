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

/// What is kept about one account.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// `None`: this account never decided anything.
    pub choices: Option<Choices>,
    /// The choices as the row holds them: what a change that must come first is measured against.
    pub line: Option<String>,
}

/// What an account decided.
pub fn of(conn: &mut Conn, user: &UserId) -> Result<Kept> {
    let line: Option<String> =
        account_choices::table.find(user).select(account_choices::line).first(conn).optional()?;
    Ok(Kept { choices: line.as_deref().and_then(Choices::read), line })
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

/// Keeps a decision only where the row is still the one that was read; answers whether it was. Of several that change the
/// same thing at the same moment one does.
pub fn keep_first(
    conn: &mut Conn,
    user: &UserId,
    was: Option<&str>,
    choices: &Choices,
    now: Timestamp,
) -> Result<bool> {
    let line = choices.write();
    let set = (account_choices::line.eq(&line), account_choices::changed_at.eq(now));
    let count = match was {
        Some(was) => {
            let row = account_choices::table.find(user).filter(account_choices::line.eq(was));
            diesel::update(row).set(set).execute(conn)?
        }
        None => {
            let row = (account_choices::user_id.eq(user), set.0, set.1);
            each_db!(conn, |c| diesel::insert_into(account_choices::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(c))?
        }
    };
    Ok(count == 1)
}
