//! What an account decided, on whichever device. Where somebody is signed in this is the truth, and the browser's cookie
//! only a copy.

use diesel::prelude::*;

use super::choices::Choices;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{account_choices, ad_free};
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
    /// Whether it is a member without advertisements today.
    pub ad_free: bool,
}

/// What an account decided.
pub fn of(conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<Kept> {
    let line: Option<String> =
        account_choices::table.find(user).select(account_choices::line).first(conn).optional()?;
    let free: i64 = ad_free::table
        .filter(ad_free::user_id.eq(user))
        .filter(ad_free::wanted.eq(true))
        .filter(ad_free::ends_at.is_null().or(ad_free::ends_at.gt(now)))
        .count()
        .get_result(conn)?;
    Ok(Kept { choices: line.as_deref().and_then(Choices::read), line, ad_free: free > 0 })
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

/// Who has no advertisements, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdFree {
    /// Whether the member has it switched on.
    pub wanted: bool,
    /// `None`: until it is taken back.
    pub ends_at: Option<Timestamp>,
}

impl AdFree {
    /// The entitlement of an account, running or ended.
    pub fn of(conn: &mut Conn, user: &UserId) -> Result<Option<AdFree>> {
        let found: Option<(bool, Option<Timestamp>)> =
            ad_free::table.find(user).select((ad_free::wanted, ad_free::ends_at)).first(conn).optional()?;
        Ok(found.map(|(wanted, ends_at)| AdFree { wanted, ends_at }))
    }

    /// Gives an account no advertisements, until a moment or until it is taken back. Says who gave it.
    pub fn grant(
        conn: &mut Conn,
        user: &UserId,
        ends_at: Option<Timestamp>,
        by: &UserId,
        now: Timestamp,
    ) -> Result<()> {
        let row = (
            ad_free::user_id.eq(user),
            ad_free::wanted.eq(true),
            ad_free::granted_by.eq(by),
            ad_free::granted_at.eq(now),
            ad_free::ends_at.eq(ends_at),
        );
        each_db!(conn, |c| diesel::insert_into(ad_free::table)
            .values(row)
            .on_conflict(ad_free::user_id)
            .do_update()
            .set((ad_free::granted_by.eq(by), ad_free::granted_at.eq(now), ad_free::ends_at.eq(ends_at)))
            .execute(c))?;
        Ok(())
    }

    /// Takes it back from now on. Whether there was one running.
    pub fn end(conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<bool> {
        let running = ad_free::table
            .filter(ad_free::user_id.eq(user))
            .filter(ad_free::ends_at.is_null().or(ad_free::ends_at.gt(now)));
        Ok(diesel::update(running).set(ad_free::ends_at.eq(now)).execute(conn)? == 1)
    }

    /// The member's own switch. Whether there is an entitlement to switch.
    pub fn switch(conn: &mut Conn, user: &UserId, wanted: bool) -> Result<bool> {
        let own = ad_free::table.find(user);
        Ok(diesel::update(own).set(ad_free::wanted.eq(wanted)).execute(conn)? == 1)
    }
}
