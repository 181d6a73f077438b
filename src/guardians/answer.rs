//! What accounts answered at the age screen: the band, and for the young the month in which the next begins. Nobody is
//! shown either.

use diesel::prelude::*;

use super::state::State;
use super::ward::Ward;
use crate::accounts::band::Band;
use crate::accounts::user::User;
use crate::clock::Timestamp;
use crate::consent::adult::Adult;
use crate::consent::age::{Answer, Month};
use crate::db::Conn;
use crate::db::schema::{age_answers, shown_ages};
use crate::error::{Error, Result};
use crate::ids::UserId;

/// Keeps the answer of a new account. Somebody under age of whom the site asks nothing more is kept as such, so that what
/// holds for the young holds for them.
pub fn keep(
    conn: &mut Conn,
    user: &UserId,
    answer: Answer,
    site: &str,
    place: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    note(conn, user, answer, site, place, now)?;
    if answer.band == Band::Adult {
        return Ok(());
    }
    User::set_band(conn, user, answer.band, None)?;
    let owner = User::find(conn, user)?;
    if Ward::of_account(conn, user)?.is_none() {
        Ward::of_owner(&owner, answer, State::Cleared, site, place, now).insert(conn)?;
    }
    Ok(())
}

/// One row per answer; the last one counts.
pub fn note(
    conn: &mut Conn,
    user: &UserId,
    answer: Answer,
    site: &str,
    place: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    diesel::insert_into(age_answers::table)
        .values((
            age_answers::account.eq(user),
            age_answers::band.eq(answer.band),
            age_answers::next_band_month.eq(answer.next.map(|month| month.to_string())),
            age_answers::site_profile.eq(site),
            age_answers::place.eq(place),
            age_answers::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// What an account's owner answered last.
pub fn newest_of(conn: &mut Conn, user: &UserId) -> Result<Option<Answer>> {
    let newest: Option<(Band, Option<String>)> = age_answers::table
        .filter(age_answers::account.eq(user))
        .order(age_answers::id.desc())
        .select((age_answers::band, age_answers::next_band_month))
        .first(conn)
        .optional()?;
    Ok(newest.map(|(band, next)| Answer { band, next: next.as_deref().and_then(Month::parse) }))
}

/// Whether somebody shows on their profile that they are of age.
pub fn is_shown(conn: &mut Conn, user: &UserId) -> Result<bool> {
    let shown = shown_ages::table.find(user).count().get_result::<i64>(conn)?;
    Ok(shown == 1)
}

/// Shows on the profile that its owner is of age, as was proved; without a proof shows it no more. `Refused` for whoever came
/// to be taken for younger in the meantime: theirs is never shown.
pub fn show(conn: &mut Conn, user: &UserId, proof: Option<&Adult>, now: Timestamp) -> Result<()> {
    diesel::delete(shown_ages::table.find(user)).execute(conn)?;
    if proof.is_none() {
        return Ok(());
    }
    let owner = User::find(conn, user)?;
    if owner.band != Band::Adult || owner.hold.is_some() {
        return Err(Error::refused("Nothing about your age is shown to anybody."));
    }
    diesel::insert_into(shown_ages::table)
        .values((shown_ages::account.eq(user), shown_ages::since.eq(now)))
        .execute(conn)?;
    Ok(())
}
