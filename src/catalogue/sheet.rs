//! One track with everything its page and its player need, in one statement.

use std::collections::HashSet;

use diesel::dsl::exists;
use diesel::prelude::*;

use super::track::{Listed, Recording, State, Track};
use crate::accounts::band::Band;
use crate::accounts::user::Visitor;
use crate::clock::Timestamp;
use crate::db::schema::{favourites, licences, recordings, revocations, suspensions, tracks, users};
use crate::db::{Conn, among};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{Handle, Slug, TrackId, UserId};

/// A track, who made it, what was measured of it, and whether the one who looks keeps it.
#[derive(Clone, Debug)]
pub struct Sheet {
    pub listed: Listed,
    pub recording: Recording,
    pub kept: bool,
    /// Whether its uploader is a child: then it can be heard, and nothing else.
    pub is_of_child: bool,
    /// Whether its uploader's account is closed: then nobody but reviewers knows of it.
    pub is_closed: bool,
    /// It is off sale, and open to whoever looks because they licensed it: to see and to hear, and nothing else.
    pub is_held: bool,
}

/// The account of who made a track, as far as it decides who may open it: band, hold, since when it is closed.
type Account = (Band, Option<String>, Option<Timestamp>);

impl Sheet {
    /// What stands under this slug for this visitor. `NotFound` where they may not know of it.
    pub fn open(conn: &mut Conn, slug: &Slug, visitor: Option<&Visitor>) -> Result<Sheet> {
        let me = visitor.map_or("", |visitor| visitor.id.as_str());
        let kept = favourites::table
            .filter(favourites::track_id.eq(tracks::id))
            .filter(favourites::user_id.eq(me.to_owned()));
        let (track, (uploader_name, handle), account, recording, kept): (
            Track,
            (String, Option<Handle>),
            Account,
            Recording,
            bool,
        ) = each_db!(conn, |c| tracks::table
            .inner_join(users::table)
            .inner_join(recordings::table.on(recordings::upload_id.eq(tracks::upload_id)))
            .filter(tracks::slug.eq(slug))
            .select((
                Track::as_select(),
                (users::name, users::handle),
                (users::band, users::hold, users::disabled_at),
                Recording::as_select(),
                exists(kept),
            ))
            .first(c))?;
        let (is_of_child, is_closed) = (account.0 == Band::Child, account.2.is_some());
        let is_held = !is_open(track.state, &track.uploader_id, is_of_child, is_closed, visitor);
        if is_held && !stays(conn, &track.id, track.state, &account, visitor)? {
            return Err(Error::NotFound);
        }
        // A child has no page that a link could lead to.
        let uploader_handle = handle.filter(|_| !is_of_child);
        let listed = Listed { track, uploader_name, uploader_handle };
        Ok(Sheet { listed, recording, kept, is_of_child, is_closed, is_held })
    }
}

/// The sounds and pictures of a track.
#[derive(Clone, Debug)]
pub struct Sound {
    pub track: TrackId,
    pub uploader: UserId,
    /// Whether anyone may hear it.
    pub is_live: bool,
    pub recording: Recording,
}

impl Sound {
    /// What sounds under this slug for this visitor. `NotFound` where they may not know of it.
    pub fn open(conn: &mut Conn, slug: &Slug, visitor: Option<&Visitor>) -> Result<Sound> {
        let (track, uploader, state, recording, account): (TrackId, UserId, State, Recording, Account) =
            tracks::table
                .inner_join(users::table)
                .inner_join(recordings::table.on(recordings::upload_id.eq(tracks::upload_id)))
                .filter(tracks::slug.eq(slug))
                .select((
                    tracks::id,
                    tracks::uploader_id,
                    tracks::state,
                    Recording::as_select(),
                    (users::band, users::hold, users::disabled_at),
                ))
                .first(conn)?;
        let is_closed = account.2.is_some();
        if !is_open(state, &uploader, account.0 == Band::Child, is_closed, visitor)
            && !stays(conn, &track, state, &account, visitor)?
        {
            return Err(Error::NotFound);
        }
        Ok(Sound { track, uploader, is_live: state == State::Published && !is_closed, recording })
    }
}

/// Whether this visitor may see and hear a track: everyone while it is published and its uploader's account is not closed, at
/// other times its uploader and those who review. What a child keeps for itself they do not hear either: only what it asked to
/// be heard.
pub fn is_open(
    state: State,
    uploader: &UserId,
    is_of_child: bool,
    is_closed: bool,
    visitor: Option<&Visitor>,
) -> bool {
    let is_private = is_of_child && matches!(state, State::Draft | State::Withdrawn);
    let may = |v: &Visitor| v.id == *uploader || v.may_review() && !is_private;
    state == State::Published && !is_closed || visitor.is_some_and(may)
}

/// Which of these tracks this visitor may open: links lead to no other.
pub fn open_among(conn: &mut Conn, ids: &[TrackId], visitor: Option<&Visitor>) -> Result<HashSet<TrackId>> {
    let rows: Vec<(TrackId, UserId, State, Account)> = each_db!(conn, |c| tracks::table
        .inner_join(users::table)
        .filter(among(tracks::id, ids.iter().map(TrackId::as_str)))
        .select((
            tracks::id,
            tracks::uploader_id,
            tracks::state,
            (users::band, users::hold, users::disabled_at),
        ))
        .load(c))?;
    let (open, rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, uploader, state, account)| {
        is_open(*state, uploader, account.0 == Band::Child, account.2.is_some(), visitor)
    });
    let mut all: HashSet<TrackId> = open.into_iter().map(|(id, ..)| id).collect();
    let off_sale: Vec<TrackId> = rest
        .into_iter()
        .filter(|(_, _, state, account)| may_stay(*state, account))
        .map(|(id, ..)| id)
        .collect();
    if let Some(visitor) = visitor.filter(|_| !off_sale.is_empty()) {
        all.extend(held_of(conn, &off_sale, &visitor.id)?);
    }
    Ok(all)
}

/// Whether a track that is not open to everyone is still open to this visitor because they licensed it. Asked only where it
/// decides something, so that no other page pays for it.
fn stays(
    conn: &mut Conn,
    track: &TrackId,
    state: State,
    account: &Account,
    visitor: Option<&Visitor>,
) -> Result<bool> {
    match visitor.filter(|_| may_stay(state, account)) {
        Some(visitor) => Ok(!held_of(conn, std::slice::from_ref(track), &visitor.id)?.is_empty()),
        None => Ok(false),
    }
}

/// Whether a track stays open to those who licensed it. Not where its maker is a child, rests or left: of one who left nothing
/// says any more how old they were, and whoever licensed it has the files.
fn may_stay(state: State, (band, hold, closed): &Account) -> bool {
    state == State::Withdrawn && *band != Band::Child && hold.is_none() && closed.is_none()
}

/// Those of these tracks of which somebody has a licence that stands: files are handed out under the same ones.
fn held_of(conn: &mut Conn, ids: &[TrackId], person: &UserId) -> Result<Vec<TrackId>> {
    let ended = revocations::table.select(revocations::licence_id);
    let rests = suspensions::table.filter(suspensions::ended_at.is_null()).select(suspensions::licence_id);
    Ok(each_db!(conn, |c| licences::table
        .filter(licences::buyer_id.eq(person))
        .filter(among(licences::track_id, ids.iter().map(TrackId::as_str)))
        .filter(licences::id.ne_all(ended))
        .filter(licences::id.ne_all(rests))
        .select(licences::track_id)
        .load(c))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_back_stays_with_those_who_licensed_it_and_what_a_child_left_does_not() {
        let account = |band| (band, None, None);
        assert!(
            may_stay(State::Withdrawn, &account(Band::Adult))
                && may_stay(State::Withdrawn, &account(Band::Minor))
        );
        assert!(!may_stay(State::Withdrawn, &account(Band::Child)));
        assert!(!may_stay(State::Withdrawn, &(Band::Adult, Some("age".into()), None)));
        assert!(!may_stay(State::Withdrawn, &(Band::Adult, None, Some(Timestamp(1)))));
        for state in [State::Draft, State::Submitted, State::Refused, State::Published] {
            assert!(!may_stay(state, &account(Band::Adult)), "{state}");
        }
    }
}
