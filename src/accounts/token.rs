//! Single-use links in letters: a random token in the link, its hash in a row.

use diesel::prelude::*;

use crate::clock::{DAY, HOUR, Timestamp};
use crate::db::Conn;
use crate::db::schema::mail_tokens;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::secrets::sha256;
use crate::text_enum;

text_enum! {
    /// What following the link does.
    pub enum Purpose {
        /// Confirms the address of a new account; two days.
        Confirm = "confirm",
        /// Lets its owner choose a new password; one hour.
        Reset = "reset",
        /// Moves the account to another address; one day.
        Email = "email",
    }
}

impl Purpose {
    fn lasts_ms(self) -> i64 {
        match self {
            Purpose::Confirm => 2 * DAY,
            Purpose::Reset => HOUR,
            Purpose::Email => DAY,
        }
    }
}

/// Keeps a token's hash; the token itself goes into the letter only. Earlier ones of the same purpose end.
pub fn issue(
    conn: &mut Conn,
    user: &UserId,
    purpose: Purpose,
    token: &str,
    email: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    void(conn, user, purpose, now)?;
    diesel::insert_into(mail_tokens::table)
        .values((
            mail_tokens::token_hash.eq(sha256(token)),
            mail_tokens::user_id.eq(user),
            mail_tokens::purpose.eq(purpose),
            mail_tokens::new_email.eq(email),
            mail_tokens::created_at.eq(now),
            mail_tokens::expires_at.eq(now.plus(purpose.lasts_ms())),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends every link of this purpose that a person was sent.
pub fn void(conn: &mut Conn, user: &UserId, purpose: Purpose, now: Timestamp) -> Result<()> {
    let open = mail_tokens::user_id
        .eq(user)
        .and(mail_tokens::purpose.eq(purpose))
        .and(mail_tokens::used_at.is_null());
    diesel::update(mail_tokens::table.filter(open)).set(mail_tokens::used_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Whether a token would still work, without using it.
pub fn peek(conn: &mut Conn, token: &str, purpose: Purpose, now: Timestamp) -> Result<bool> {
    let n: i64 = mail_tokens::table.filter(good(token, purpose, now)).count().get_result(conn)?;
    Ok(n == 1)
}

/// Uses a token up: whose it was and which address it named. `NotFound` when it was used, is too old or never was.
pub fn consume(
    conn: &mut Conn,
    token: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<(UserId, Option<String>)> {
    let n = diesel::update(mail_tokens::table.filter(good(token, purpose, now)))
        .set(mail_tokens::used_at.eq(now))
        .execute(conn)?;
    if n != 1 {
        return Err(Error::NotFound);
    }
    Ok(mail_tokens::table
        .find(sha256(token))
        .select((mail_tokens::user_id, mail_tokens::new_email))
        .first(conn)?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn good<'a>(token: &'a str, purpose: Purpose, now: Timestamp) -> _ {
    let hash: String = sha256(token);
    mail_tokens::token_hash
        .eq(hash)
        .and(mail_tokens::purpose.eq(purpose))
        .and(mail_tokens::used_at.is_null())
        .and(mail_tokens::expires_at.gt(now))
}

/// Forgets tokens that cannot work any more.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    Ok(diesel::delete(mail_tokens::table.filter(mail_tokens::expires_at.le(now.plus(-7 * DAY))))
        .execute(conn)?)
}
