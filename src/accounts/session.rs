//! A signed-in browser: a random 256-bit token in its cookie, the token's hash in a row.

use diesel::prelude::*;
use serde::Serialize;

use super::ad_free::AdFree;
use super::user::{Role, User, Visitor};
use crate::clock::{DAY, HOUR, Timestamp};
use crate::db::Conn;
use crate::db::schema::{ad_free, ad_wishes, basket_lines, baskets, roles, sessions, users};
use crate::error::{Error, Result};
use crate::ids::{SessionId, UserId};
use crate::secrets::sha256;

/// A session ends after so long without a visit, and at the latest after so long.
pub const IDLE_MS: i64 = 14 * DAY;
pub const LONGEST_MS: i64 = 60 * DAY;
/// A visit is written down at most this often, so that a page view is not a write.
const SEEN_EVERY_MS: i64 = HOUR;

/// What a request's cookies lead to.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub visitor: Option<Visitor>,
    /// Lines in the basket, the person's or the browser's.
    pub basket_count: i64,
    /// The session was last noted long enough ago that it should be noted again.
    pub stale: bool,
}

/// Opens a session for a person; the token goes into the cookie, only its hash is kept.
pub fn open(conn: &mut Conn, user: &UserId, token: &str, now: Timestamp) -> Result<SessionId> {
    let id = SessionId::new();
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(&id),
            sessions::token_hash.eq(sha256(token)),
            sessions::user_id.eq(user),
            sessions::created_at.eq(now),
            sessions::seen_at.eq(now),
            sessions::expires_at.eq(now.plus(LONGEST_MS)),
        ))
        .execute(conn)?;
    Ok(id)
}

/// Who this is: at most three statements for a signed-in person, one for a browser with a basket, none without cookies.
pub fn seen(conn: &mut Conn, token: Option<&str>, basket: Option<&str>, now: Timestamp) -> Result<Seen> {
    let mut seen = Seen::default();
    if let Some(token) = token {
        // What depends on it is in every page, so it comes with the session and not by a statement of its own.
        type Free = Option<(bool, Option<Timestamp>)>;
        let found: Option<(User, SessionId, Timestamp, Free, Option<String>)> = sessions::table
            .inner_join(users::table)
            .left_join(ad_free::table.on(ad_free::user_id.eq(sessions::user_id)))
            .left_join(ad_wishes::table.on(ad_wishes::user_id.eq(sessions::user_id)))
            .filter(sessions::token_hash.eq(sha256(token)))
            .filter(sessions::expires_at.gt(now).and(sessions::seen_at.gt(now.plus(-IDLE_MS))))
            .filter(users::disabled_at.is_null())
            .select((
                User::as_select(),
                sessions::id,
                sessions::seen_at,
                (ad_free::wanted, ad_free::ends_at).nullable(),
                ad_wishes::line.nullable(),
            ))
            .first(conn)
            .optional()?;
        if let Some((user, session, last, free, ad_wishes)) = found {
            let roles: Vec<Role> =
                roles::table.filter(roles::user_id.eq(&user.id)).select(roles::role).load(conn)?;
            seen.stale = now.since(last) > SEEN_EVERY_MS;
            seen.basket_count = basket_lines::table
                .inner_join(baskets::table)
                .filter(baskets::user_id.eq(&user.id))
                .count()
                .get_result(conn)?;
            seen.visitor = Some(Visitor {
                id: user.id,
                name: user.name,
                handle: user.handle,
                picture: user.picture,
                confirmed: user.confirmed_at.is_some(),
                shortcuts: user.shortcuts,
                band: user.band,
                hold: user.hold,
                country: user.country,
                roles,
                ad_free: free.is_some_and(|(wanted, ends_at)| wanted && AdFree { wanted, ends_at }.runs(now)),
                ad_wishes,
                session,
            });
            return Ok(seen);
        }
    }
    if let Some(basket) = basket {
        seen.basket_count = basket_lines::table
            .inner_join(baskets::table)
            .filter(baskets::token_hash.eq(sha256(basket)))
            .count()
            .get_result(conn)?;
    }
    Ok(seen)
}

/// A signed-in browser as its owner sees it. Which browser it is, is not kept.
#[derive(Clone, Debug, Serialize)]
pub struct Opened {
    pub id: SessionId,
    pub created_at: Timestamp,
    /// To the hour.
    pub seen_at: Timestamp,
    pub is_this: bool,
}

/// Every session of a person that still works, the one that asks first, then the newest.
pub fn list(conn: &mut Conn, user: &UserId, this: &SessionId, now: Timestamp) -> Result<Vec<Opened>> {
    let rows: Vec<(SessionId, Timestamp, Timestamp)> = sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::expires_at.gt(now).and(sessions::seen_at.gt(now.plus(-IDLE_MS))))
        .order(sessions::created_at.desc())
        .select((sessions::id, sessions::created_at, sessions::seen_at))
        .load(conn)?;
    let mut all: Vec<Opened> = rows
        .into_iter()
        .map(|(id, created_at, seen_at)| Opened { is_this: id == *this, id, created_at, seen_at })
        .collect();
    all.sort_by_key(|session| !session.is_this);
    Ok(all)
}

/// Notes that a session is in use.
pub fn touch(conn: &mut Conn, session: &SessionId, now: Timestamp) -> Result<()> {
    diesel::update(sessions::table.find(session)).set(sessions::seen_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Ends one session.
pub fn close(conn: &mut Conn, session: &SessionId) -> Result<()> {
    diesel::delete(sessions::table.find(session)).execute(conn)?;
    Ok(())
}

/// Ends the session of a browser that signs in anew: its old token leads nowhere from then on.
pub fn close_token(conn: &mut Conn, token: &str) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::token_hash.eq(sha256(token)))).execute(conn)?;
    Ok(())
}

/// Ends one session of this person. `NotFound` when it is not theirs.
pub fn close_own(conn: &mut Conn, user: &UserId, session: &SessionId) -> Result<()> {
    let own = sessions::table.find(session).filter(sessions::user_id.eq(user));
    if diesel::delete(own).execute(conn)? == 1 { Ok(()) } else { Err(Error::NotFound) }
}

/// Ends every session of a person, or every one but this.
pub fn close_all(conn: &mut Conn, user: &UserId, but: Option<&SessionId>) -> Result<usize> {
    let all = sessions::table.filter(sessions::user_id.eq(user));
    Ok(match but {
        Some(session) => diesel::delete(all.filter(sessions::id.ne(session))).execute(conn)?,
        None => diesel::delete(all).execute(conn)?,
    })
}

/// Forgets sessions that have ended. Answers how many.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let ended = sessions::expires_at.le(now).or(sessions::seen_at.le(now.plus(-IDLE_MS)));
    Ok(diesel::delete(sessions::table.filter(ended)).execute(conn)?)
}
