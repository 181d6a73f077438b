//! One track with everything its page and its player need, in one statement.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::track::{Listed, Maker, Recording, State, Track};
use crate::accounts::band::Band;
use crate::accounts::user::Visitor;
use crate::db::Conn;
use crate::db::schema::{favourites, recordings, tracks, users};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{Slug, TrackId, UserId};

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
}

impl Sheet {
    /// What stands under this slug for this visitor. `NotFound` where they may not know of it.
    pub fn open(conn: &mut Conn, slug: &Slug, visitor: Option<&Visitor>) -> Result<Sheet> {
        let me = visitor.map_or("", |visitor| visitor.id.as_str());
        let kept = favourites::table
            .filter(favourites::track_id.eq(tracks::id))
            .filter(favourites::user_id.eq(me.to_owned()));
        let (track, ((uploader_name, handle, band), is_closed), recording, kept): (
            Track,
            (Maker, bool),
            Recording,
            bool,
        ) = each_db!(conn, |c| tracks::table
            .inner_join(users::table)
            .inner_join(recordings::table.on(recordings::upload_id.eq(tracks::upload_id)))
            .filter(tracks::slug.eq(slug))
            .select((
                Track::as_select(),
                ((users::name, users::handle, users::band), users::disabled_at.is_not_null()),
                Recording::as_select(),
                exists(kept),
            ))
            .first(c))?;
        let is_of_child = band == Band::Child;
        if !is_open(track.state, &track.uploader_id, is_of_child, is_closed, visitor) {
            return Err(Error::NotFound);
        }
        // A child has no page that a link could lead to.
        let uploader_handle = handle.filter(|_| !is_of_child);
        let listed = Listed { track, uploader_name, uploader_handle };
        Ok(Sheet { listed, recording, kept, is_of_child, is_closed })
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
        let (track, uploader, state, recording, (band, is_closed)) = tracks::table
            .inner_join(users::table)
            .inner_join(recordings::table.on(recordings::upload_id.eq(tracks::upload_id)))
            .filter(tracks::slug.eq(slug))
            .select((
                tracks::id,
                tracks::uploader_id,
                tracks::state,
                Recording::as_select(),
                (users::band, users::disabled_at.is_not_null()),
            ))
            .first::<(TrackId, UserId, State, Recording, (Band, bool))>(conn)?;
        if !is_open(state, &uploader, band == Band::Child, is_closed, visitor) {
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
