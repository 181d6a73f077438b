//! What whoever answered is told afterwards: a day later what they allowed and how to take it back (the "plus" of e-mail plus
//! and of text plus), and the same once a year.

use diesel::prelude::*;
use serde_json::json;

use super::notice::Ground;
use super::permission::{Permission, Scope};
use super::text::{self, Message, TextMessage};
use super::ward::{self, Guardian, Opens, Ward};
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::guardians;
use crate::error::{Error, Result};
use crate::ids::WardId;
use crate::jobs::{Job, Priority, Terms, enqueue, enqueue_as};

/// How long after an answer its giver is written to once more.
const CONFIRM_AFTER_MS: i64 = DAY;

/// A day later the guardian is written to once more.
pub(super) fn later(conn: &mut Conn, ward: &Ward, now: Timestamp) -> Result<()> {
    diesel::update(guardians::table.filter(guardians::ward.eq(&ward.id)))
        .set(guardians::confirmed_at.eq(None::<Timestamp>))
        .execute(conn)?;
    let job = Job::ConfirmGuardian { ward: ward.id.clone() };
    let terms = Terms { once: None, priority: Priority::People, delay_ms: CONFIRM_AFTER_MS };
    enqueue_as(conn, &job, terms, now).map(drop)
}

/// Who is to be told now, and of what: a day after their answer, once, and while something is allowed.
fn due(conn: &mut Conn, ward: &WardId, now: Timestamp) -> Result<Option<(Guardian, Vec<Permission>)>> {
    let Some(guardian) = Guardian::of_ward(conn, ward)? else { return Ok(None) };
    let late = guardian.answered_at.is_some_and(|at| now >= at.plus(CONFIRM_AFTER_MS));
    let open = Permission::open_of(conn, ward, now)?;
    let is_due = late && guardian.confirmed_at.is_none() && !open.is_empty();
    Ok(is_due.then_some((guardian, open)))
}

/// The text message that is to go out now in place of the letter, to whoever answered by one; its link opens from here on.
/// Nothing where it is not time, or where it was tried for so long that the letter goes. Asked again, it is the same message.
pub fn by_text(
    conn: &mut Conn,
    ground: &Ground,
    ward: &WardId,
    key: &[u8],
    now: Timestamp,
) -> Result<Option<Message>> {
    let Some((_, open)) = due(conn, ward, now)? else { return Ok(None) };
    let Some(text) = TextMessage::newest_of(conn, ward)? else { return Ok(None) };
    let held: Vec<Scope> = open.iter().filter(|p| p.holds(now)).map(|p| p.scope).collect();
    let token = text.link(key);
    let link = format!("{}/guardians/{token}", ground.site_url);
    let Some(message) = text.second_message(&ground.site_name, &held, &link, now) else { return Ok(None) };
    match ward::opened(conn, &token, now) {
        Ok(_) => {}
        Err(Error::NotFound) => ward::link(conn, ward, Opens::Revoke, &token, now)?,
        Err(error) => return Err(error),
    }
    Ok(Some(message))
}

/// It was taken to be carried: nothing more is sent to that number, and it goes.
pub fn told_by_text(conn: &mut Conn, ward: &WardId, now: Timestamp) -> Result<()> {
    if let Some(guardian) = Guardian::of_ward(conn, ward)? {
        guardian.confirm(conn, now)?;
    }
    text::forget(conn, ward)
}

/// The letter a day after the answer, with the link that takes everything back. Nothing when it went out, or when there is
/// nothing to take back any more. A number that a text message could not be sent to goes with it.
pub fn confirm(conn: &mut Conn, ground: &Ground, ward: &WardId, token: &str, now: Timestamp) -> Result<bool> {
    let Some((guardian, open)) = due(conn, ward, now)? else { return Ok(false) };
    if !guardian.confirm(conn, now)? {
        return Ok(false);
    }
    text::give_way(conn, ward)?;
    write_home(conn, ground, ward, &guardian, &open, "confirm_guardian", token, now)?;
    Ok(true)
}

/// The yearly letter. The same words, so that nothing that was allowed is forgotten.
pub fn remind(
    conn: &mut Conn,
    ground: &Ground,
    guardian: &Guardian,
    token: &str,
    now: Timestamp,
) -> Result<()> {
    let open = Permission::open_of(conn, &guardian.ward, now)?;
    guardian.remind(conn, now)?;
    write_home(conn, ground, &guardian.ward, guardian, &open, "remind_guardian", token, now)
}

#[allow(clippy::too_many_arguments, reason = "one for each part of the letter")]
fn write_home(
    conn: &mut Conn,
    ground: &Ground,
    ward: &WardId,
    guardian: &Guardian,
    open: &[Permission],
    template: &str,
    token: &str,
    now: Timestamp,
) -> Result<()> {
    ward::link(conn, ward, Opens::Revoke, token, now)?;
    let allowed: Vec<&str> = open.iter().map(|p| p.scope.name()).collect();
    let letter = Job::SendLetter {
        to: guardian.email.clone(),
        template: template.into(),
        values: json!({
            "name": Ward::find(conn, ward)?.name,
            "allowed": allowed,
            "link": format!("{}/guardians/{token}", ground.site_url),
            "area": format!("{}/guardians", ground.site_url),
        }),
    };
    enqueue(conn, &letter, now)
}
