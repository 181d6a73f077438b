//! What people keep, and rows that know whether they do.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::track::{Listed, Maker, State, Track, changed};
use crate::clock::Timestamp;
use crate::db::schema::{favourites, tracks, users};
use crate::db::{Conn, among};
use crate::each_db;
use crate::error::Result;
use crate::ids::{TrackId, UserId};

/// Published tracks by their ids in the order asked for, each with whether this person keeps it; what is not published
/// any more is left out, and what is of a closed account. One statement.
pub fn rows(conn: &mut Conn, ids: &[TrackId], person: Option<&UserId>) -> Result<Vec<(Listed, bool)>> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let me = person.map_or("", UserId::as_str);
    let kept = favourites::table
        .filter(favourites::track_id.eq(tracks::id))
        .filter(favourites::user_id.eq(me.to_owned()));
    let asked = || ids.iter().map(TrackId::as_str);
    let rows: Vec<(Track, Maker, bool)> = each_db!(conn, |c| tracks::table
        .inner_join(users::table)
        .filter(among(tracks::id, asked()).and(tracks::state.eq(State::Published)))
        .filter(users::disabled_at.is_null())
        .select((Track::as_select(), (users::name, users::handle, users::band), exists(kept)))
        .load(c))?;
    let mut rows: Vec<(Listed, bool)> =
        rows.into_iter().map(|(track, who, kept)| (Listed::from((track, who)), kept)).collect();
    rows.sort_by_cached_key(|(listed, _)| ids.iter().position(|id| *id == listed.track.id));
    Ok(rows)
}

/// Whether this person keeps this track.
pub fn is_kept(conn: &mut Conn, person: &UserId, track: &TrackId) -> Result<bool> {
    Ok(diesel::select(exists(favourites::table.find((person, track)))).get_result(conn)?)
}

/// Puts a track among a person's favourites, or takes it out. What is so already stays so.
pub fn keep(conn: &mut Conn, person: &UserId, track: &TrackId, keep: bool, now: Timestamp) -> Result<()> {
    let is_new = if keep {
        let row = (favourites::user_id.eq(person), favourites::track_id.eq(track), favourites::at.eq(now));
        each_db!(conn, |c| diesel::insert_into(favourites::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))?
    } else {
        diesel::delete(favourites::table.find((person, track))).execute(conn)?
    };
    if is_new == 0 {
        return Ok(());
    }
    let by = if keep { 1i64 } else { -1 };
    diesel::update(tracks::table.find(track)).set(tracks::kept.eq(tracks::kept + by)).execute(conn)?;
    changed(conn, track, now)
}
