//! From an address to an account and back: joining, confirming, forgotten passwords, moving to another address.
//!
//! Every letter leaves in the write that caused it. Nothing here tells the one who asks whether an address is known:
//! only letters do, and those reach its owner. Links are short: on a local site each fits into the 76 characters after
//! which a letter's lines are folded, so that it can be copied out of the file.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::band::Band;
use super::session;
use super::token::{self, Purpose};
use super::user::User;
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::{
    agreements, basket_lines, baskets, favourites, former_handles, mail_tokens, orders, roles, sessions,
    uploads, user_links, users,
};
use crate::error::{Error, Result};
use crate::ids::{SessionId, UserId};
use crate::jobs::{Job, enqueue};

/// An account whose address was never confirmed ends after so long, unless a letter's link can still confirm it.
pub const UNCONFIRMED_MS: i64 = 14 * DAY;
/// Accounts ended in one write: the other writers wait for it.
const ENDED_AT_ONCE: i64 = 500;

/// Somebody who asks for an account. Their password is hashed already, whoever they are.
#[derive(Clone, Debug)]
pub struct Newcomer {
    pub email: String,
    pub name: String,
    pub password_hash: String,
    /// What the letter's link ends with.
    pub token: String,
    /// The address of the site, for links.
    pub site_url: String,
}

/// Makes an account whose address waits to be confirmed, or writes to the one who has it already. An account that was
/// never confirmed belongs to nobody yet: the newest who asks for it sets its name and password, and only the newest
/// letter confirms it. Answers whose it is, for what else is kept in the same write; nobody, where it was theirs before.
pub fn join(conn: &mut Conn, new: &Newcomer, now: Timestamp) -> Result<Option<UserId>> {
    let user = match User::by_email(conn, &new.email)? {
        Some(user) if user.confirmed_at.is_some() || user.disabled_at.is_some() => {
            let values = json!({ "name": user.name });
            letter(conn, &user.email, "already", values, now)?;
            return Ok(None);
        }
        // Somebody else's answer, or a guardian's word, belongs to this account.
        Some(user) if user.band != Band::Adult => {
            letter(conn, &user.email, "already", json!({ "name": user.name }), now)?;
            return Ok(None);
        }
        Some(user) => {
            user.set_name(conn, &new.name, now)?;
            user.set_password(conn, &new.password_hash)?;
            session::close_all(conn, &user.id, None)?;
            User::find(conn, &user.id)?
        }
        None => {
            let user = User::new(conn, &new.email, &new.name, &new.password_hash, now)?;
            user.insert(conn)?;
            user
        }
    };
    ask_to_confirm(conn, &user, &new.token, &new.site_url, now)?;
    Ok(Some(user.id))
}

/// Sends the letter whose link confirms the address of an account. Earlier letters' links end.
pub fn ask_to_confirm(
    conn: &mut Conn,
    user: &User,
    token: &str,
    site_url: &str,
    now: Timestamp,
) -> Result<()> {
    token::issue(conn, &user.id, Purpose::Confirm, token, None, now)?;
    let link = format!("{site_url}/confirm/{token}");
    letter(conn, &user.email, "confirm", json!({ "link": link }), now)
}

/// The letter's link was followed: the address is theirs. `NotFound` when the link was used or is too old.
pub fn confirm(conn: &mut Conn, token: &str, now: Timestamp) -> Result<UserId> {
    let (user, _) = token::consume(conn, token, Purpose::Confirm, now)?;
    User::find(conn, &user)?.confirm(conn, now)?;
    Ok(user)
}

/// Ends accounts whose addresses nobody confirmed: they may be somebody else's, who never asked for one. Nothing of them
/// stays. One that was closed, was given a role, or has anything of its own in the shop is left alone. Answers how many.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let may_confirm = mail_tokens::table
        .filter(mail_tokens::used_at.is_null().and(mail_tokens::expires_at.gt(now)))
        .select(mail_tokens::user_id);
    let ended: Vec<UserId> = users::table
        .filter(users::confirmed_at.is_null().and(users::disabled_at.is_null()))
        .filter(users::created_at.le(now.plus(-UNCONFIRMED_MS)))
        .filter(users::id.ne_all(may_confirm))
        .filter(users::id.ne_all(roles::table.select(roles::user_id)))
        .filter(users::id.ne_all(uploads::table.select(uploads::uploader_id)))
        .filter(users::id.ne_all(orders::table.select(orders::buyer_id)))
        .order(users::created_at)
        .limit(ENDED_AT_ONCE)
        .select(users::id)
        .load(conn)?;
    for user in &ended {
        let basket: Option<String> =
            baskets::table.filter(baskets::user_id.eq(user)).select(baskets::id).first(conn).optional()?;
        if let Some(basket) = basket {
            diesel::delete(basket_lines::table.filter(basket_lines::basket_id.eq(&basket))).execute(conn)?;
            diesel::delete(baskets::table.find(&basket)).execute(conn)?;
        }
        diesel::delete(favourites::table.filter(favourites::user_id.eq(user))).execute(conn)?;
        diesel::delete(user_links::table.filter(user_links::user_id.eq(user))).execute(conn)?;
        diesel::delete(agreements::table.filter(agreements::user_id.eq(user))).execute(conn)?;
        diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(conn)?;
        diesel::delete(mail_tokens::table.filter(mail_tokens::user_id.eq(user))).execute(conn)?;
        // Whoever never was anybody had no handle, either.
        diesel::delete(former_handles::table.filter(former_handles::account.eq(user))).execute(conn)?;
        diesel::delete(users::table.find(user)).execute(conn)?;
    }
    Ok(ended.len())
}

/// Sends whoever has this address a link to choose a new password; nothing, when nobody has it.
pub fn forgot(conn: &mut Conn, email: &str, token: &str, site_url: &str, now: Timestamp) -> Result<()> {
    let Some(user) = User::by_email(conn, email)?.filter(|user| user.disabled_at.is_none()) else {
        return Ok(());
    };
    token::issue(conn, &user.id, Purpose::Reset, token, None, now)?;
    let link = format!("{site_url}/reset/{token}");
    letter(conn, &user.email, "reset", json!({ "name": user.name, "link": link }), now)
}

/// Chooses a new password by the link of a letter, which also proves the address. Every session ends.
pub fn reset(conn: &mut Conn, token: &str, password_hash: &str, now: Timestamp) -> Result<()> {
    let (user, _) = token::consume(conn, token, Purpose::Reset, now)?;
    let user = User::find(conn, &user)?;
    user.confirm(conn, now)?;
    change_password(conn, &user, password_hash, None, now)
}

/// Changes the password: every session but this ends, links sent before lead nowhere, and the owner is told.
pub fn change_password(
    conn: &mut Conn,
    user: &User,
    password_hash: &str,
    but: Option<&SessionId>,
    now: Timestamp,
) -> Result<()> {
    user.set_password(conn, password_hash)?;
    session::close_all(conn, &user.id, but)?;
    token::void(conn, &user.id, Purpose::Reset, now)?;
    token::void(conn, &user.id, Purpose::Email, now)?;
    letter(conn, &user.email, "changed", json!({ "name": user.name, "at": now }), now)
}

/// Asks the owner of a new address whether the account may move there. One that has an account gets the letter that
/// says so instead.
pub fn ask_to_move(
    conn: &mut Conn,
    user: &User,
    email: &str,
    token: &str,
    site_url: &str,
    now: Timestamp,
) -> Result<()> {
    if let Some(other) = User::by_email(conn, email)?.filter(|other| other.id != user.id) {
        return letter(conn, &other.email, "already", json!({ "name": other.name }), now);
    }
    token::issue(conn, &user.id, Purpose::Email, token, Some(email), now)?;
    let link = format!("{site_url}/email/{token}");
    letter(conn, email, "email_change", json!({ "link": link }), now)
}

/// Moves this person's account to the address the letter went to, and tells the old one. `NotFound` when the link was
/// used, is too old, or belongs to another account: a stranger's mail program that follows links moves nothing.
pub fn move_account(conn: &mut Conn, user: &UserId, token: &str, now: Timestamp) -> Result<()> {
    let (owner, email) = token::consume(conn, token, Purpose::Email, now)?;
    let email = email.filter(|_| owner == *user).ok_or(Error::NotFound)?;
    let user = User::find(conn, user)?;
    if User::by_email(conn, &email)?.is_some_and(|other| other.id != user.id) {
        return Err(Error::conflict("That address has an account of its own by now."));
    }
    user.set_email(conn, &email)?;
    user.confirm(conn, now)?;
    token::void(conn, &user.id, Purpose::Reset, now)?;
    token::void(conn, &user.id, Purpose::Confirm, now)?;
    let values = json!({ "name": user.name, "email": hidden(&email), "at": now });
    letter(conn, &user.email, "email_changed", values, now)
}

/// `i…@example.com`: enough for its owner to know it.
fn hidden(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => format!("{}…@{domain}", local.chars().take(1).collect::<String>()),
        None => "…".to_owned(),
    }
}

fn letter(conn: &mut Conn, to: &str, template: &str, values: Value, now: Timestamp) -> Result<()> {
    enqueue(conn, &Job::SendLetter { to: to.to_owned(), template: template.to_owned(), values }, now)
}
