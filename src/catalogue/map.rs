//! What search engines may know of: published tracks and those who made them, in files of a bounded length.

use diesel::prelude::*;

use super::track::State;
use crate::accounts::band::Band;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{tracks, users};
use crate::error::Result;
use crate::ids::{Handle, Slug, TrackId};

/// Addresses in one file; the convention allows 50,000 (sitemaps.org, 0.9).
pub const PER_FILE: i64 = 10_000;

/// After which track each file of published tracks begins; the first begins before all.
pub fn track_files(conn: &mut Conn) -> Result<Vec<Option<TrackId>>> {
    let mut files = vec![None];
    loop {
        let closed = users::table.filter(users::disabled_at.is_not_null()).select(users::id);
        let open = tracks::state.eq(State::Published).and(tracks::uploader_id.ne_all(closed));
        let mut rest = tracks::table.filter(open).into_boxed();
        if let Some(Some(after)) = files.last() {
            rest = rest.filter(tracks::id.gt(after));
        }
        let last: Option<TrackId> =
            rest.order(tracks::id).offset(PER_FILE - 1).select(tracks::id).first(conn).optional()?;
        match last {
            Some(id) => files.push(Some(id)),
            None => return Ok(files),
        }
    }
}

/// The published tracks of one file, each with the day it last changed.
pub fn tracks(conn: &mut Conn, after: Option<&TrackId>) -> Result<Vec<(Slug, Timestamp)>> {
    let closed = users::table.filter(users::disabled_at.is_not_null()).select(users::id);
    let open = tracks::state.eq(State::Published).and(tracks::uploader_id.ne_all(closed));
    let mut some = tracks::table.filter(open).into_boxed();
    if let Some(after) = after {
        some = some.filter(tracks::id.gt(after));
    }
    Ok(some.order(tracks::id).limit(PER_FILE).select((tracks::slug, tracks::changed_at)).load(conn)?)
}

/// Profiles of grown-ups with something published, each with the day its newest track changed; the first `PER_FILE` by age.
/// Nobody under age is put into a list for search engines: of a child the handle is a name to sign in with, too.
pub fn profiles(conn: &mut Conn) -> Result<Vec<(Option<Handle>, Option<Timestamp>)>> {
    Ok(users::table
        .inner_join(tracks::table.on(tracks::uploader_id.eq(users::id)))
        .filter(tracks::state.eq(State::Published))
        .filter(users::handle.is_not_null().and(users::disabled_at.is_null()))
        .filter(users::hold.is_null().and(users::band.eq(Band::Adult)))
        .group_by((users::id, users::handle))
        .order(users::id)
        .limit(PER_FILE)
        .select((users::handle, diesel::dsl::max(tracks::changed_at)))
        .load::<(Option<Handle>, Option<Timestamp>)>(conn)?)
}
