//! No advertisements: an entitlement that an account holds until a day or without an end, with a switch of its owner's
//! and a row for each time somebody gave it or took it back.

use diesel::prelude::*;

use super::user::User;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{ad_free, ad_free_events, users};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::text_enum;

text_enum! {
    /// What an admin did about somebody's entitlement.
    pub enum Deed {
        Granted = "granted",
        Ended = "ended",
    }
}

/// Who has no advertisements, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdFree {
    /// Whether the member has it switched on.
    pub wanted: bool,
    /// `None`: until it is taken back.
    pub ends_at: Option<Timestamp>,
}

/// An entry of the audit: what was done, until when it was given, by whom, when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub deed: Deed,
    pub ends_at: Option<Timestamp>,
    pub by: String,
    pub at: Timestamp,
}

impl AdFree {
    /// Whether it runs at this moment, switched on or not.
    pub fn runs(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|at| now < at)
    }

    /// The entitlement of an account, running or ended.
    pub fn of(conn: &mut Conn, user: &UserId) -> Result<Option<AdFree>> {
        let found: Option<(bool, Option<Timestamp>)> =
            ad_free::table.find(user).select((ad_free::wanted, ad_free::ends_at)).first(conn).optional()?;
        Ok(found.map(|(wanted, ends_at)| AdFree { wanted, ends_at }))
    }

    /// Gives an account no advertisements, until a moment or until it is taken back, and notes who gave it. What its
    /// owner switched stays as it was.
    pub fn grant(
        conn: &mut Conn,
        user: &UserId,
        ends_at: Option<Timestamp>,
        by: &UserId,
        now: Timestamp,
    ) -> Result<()> {
        if ends_at.is_some_and(|at| at <= now) {
            return Err(Error::refused("That day is over already."));
        }
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
        note(conn, user, Deed::Granted, ends_at, by, now)
    }

    /// Takes it back from now on and notes who did. `Conflict` where none was running.
    pub fn end(conn: &mut Conn, user: &UserId, by: &UserId, now: Timestamp) -> Result<()> {
        let running = ad_free::table
            .filter(ad_free::user_id.eq(user))
            .filter(ad_free::ends_at.is_null().or(ad_free::ends_at.gt(now)));
        if diesel::update(running).set(ad_free::ends_at.eq(now)).execute(conn)? == 0 {
            return Err(Error::conflict("There was nothing to take back any more."));
        }
        note(conn, user, Deed::Ended, Some(now), by, now)
    }

    /// The member's own switch. `NotFound` where there is no running entitlement to switch.
    pub fn switch(conn: &mut Conn, user: &UserId, wanted: bool, now: Timestamp) -> Result<()> {
        let running = ad_free::table
            .filter(ad_free::user_id.eq(user))
            .filter(ad_free::ends_at.is_null().or(ad_free::ends_at.gt(now)));
        match diesel::update(running).set(ad_free::wanted.eq(wanted)).execute(conn)? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }

    /// What was done about somebody's entitlement, the newest first.
    pub fn audit(conn: &mut Conn, user: &UserId) -> Result<Vec<Entry>> {
        let rows: Vec<(Deed, Option<Timestamp>, Option<String>, Timestamp)> = ad_free_events::table
            .left_join(users::table.on(users::id.eq(ad_free_events::by_user)))
            .filter(ad_free_events::user_id.eq(user))
            .order(ad_free_events::id.desc())
            .select((
                ad_free_events::kind,
                ad_free_events::ends_at,
                users::name.nullable(),
                ad_free_events::at,
            ))
            .limit(200)
            .load(conn)?;
        let entry = |(deed, ends_at, by, at): (Deed, Option<Timestamp>, Option<String>, Timestamp)| Entry {
            deed,
            ends_at,
            by: by.unwrap_or_else(|| "somebody who is gone".into()),
            at,
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Whose entitlement runs, by their names, at most so many.
    pub fn running(conn: &mut Conn, now: Timestamp, most: i64) -> Result<Vec<(User, AdFree)>> {
        let rows: Vec<(User, bool, Option<Timestamp>)> = users::table
            .inner_join(ad_free::table.on(ad_free::user_id.eq(users::id)))
            .filter(ad_free::ends_at.is_null().or(ad_free::ends_at.gt(now)))
            .order((users::name, users::id))
            .select((User::as_select(), ad_free::wanted, ad_free::ends_at))
            .limit(most)
            .load(conn)?;
        Ok(rows.into_iter().map(|(user, wanted, ends_at)| (user, AdFree { wanted, ends_at })).collect())
    }
}

fn note(
    conn: &mut Conn,
    user: &UserId,
    deed: Deed,
    ends_at: Option<Timestamp>,
    by: &UserId,
    now: Timestamp,
) -> Result<()> {
    diesel::insert_into(ad_free_events::table)
        .values((
            ad_free_events::user_id.eq(user),
            ad_free_events::kind.eq(deed),
            ad_free_events::ends_at.eq(ends_at),
            ad_free_events::by_user.eq(by),
            ad_free_events::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}
