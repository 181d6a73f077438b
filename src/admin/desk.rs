//! A reviewer's desk: what waits and since when, and what is known of one track.

use std::collections::HashMap;

use diesel::dsl::max;
use diesel::prelude::*;
use serde_json::json;

use crate::accounts::user::User;
use crate::catalogue::offer::{self, Offer};
use crate::catalogue::track::{EventKind, Listed, Recording, State, Track};
use crate::catalogue::voices::Said;
use crate::clock::Timestamp;
use crate::consent::children;
use crate::db::Conn;
use crate::db::schema::{track_events, tracks, uploads, users};
use crate::error::{Error, Result};
use crate::guardians::minimum::Minimums;
use crate::ids::{Handle, Slug, TrackId, UploadId, UserId};
use crate::jobs::{Job, enqueue};
use crate::studio::upload::{Likeness, Upload, twins};

/// Tracks on one desk.
const MOST: i64 = 200;

/// A track that waits, and since when.
pub struct Waiting {
    pub listed: Listed,
    pub since: Timestamp,
}

/// What waits for a reviewer, the longest waiting first.
pub fn waiting(conn: &mut Conn) -> Result<Vec<Waiting>> {
    let open = tracks::table.filter(tracks::state.eq(State::Submitted)).select(tracks::id);
    let since: Vec<(TrackId, Option<Timestamp>)> = track_events::table
        .filter(track_events::kind.eq(EventKind::Submitted))
        .filter(track_events::track_id.eq_any(open))
        .group_by(track_events::track_id)
        .select((track_events::track_id, max(track_events::at)))
        .load(conn)?;
    let since: HashMap<TrackId, Option<Timestamp>> = since.into_iter().collect();
    let mut all: Vec<Waiting> = Track::submitted(conn, MOST)?
        .into_iter()
        .map(|listed| {
            let since = since.get(&listed.track.id).copied().flatten().unwrap_or(listed.track.changed_at);
            Waiting { listed, since }
        })
        .collect();
    all.sort_by(|a, b| (a.since, &a.listed.track.id).cmp(&(b.since, &b.listed.track.id)));
    Ok(all)
}

/// An upload that resembles the one under review, and whose it is.
pub struct Resembling {
    pub kind: Likeness,
    pub uploader: String,
    pub handle: Option<Handle>,
    pub is_own: bool,
    pub filename: String,
    /// What became of it.
    pub track: Option<(Slug, String, State)>,
}

/// Everything a reviewer decides by.
pub struct Case {
    pub listed: Listed,
    pub uploader: User,
    pub upload: Upload,
    pub recording: Recording,
    pub offers: Vec<Offer>,
    pub twins: Vec<Resembling>,
    /// How many tracks of this uploader are in the shop, and how many were refused so far.
    pub published: i64,
    pub refused: i64,
    /// What happened to it, the oldest first: what, by whom, why, when.
    pub events: Vec<(EventKind, String, Option<String>, Timestamp)>,
    /// Whether its page is marked as one that appeals to children.
    pub for_children: bool,
    /// What its uploader said of young voices in it.
    pub voices: Option<Said>,
    /// Whether a child made it: then it is heard, and never sold.
    pub is_of_child: bool,
    /// The next track that waits, after this one.
    pub next: Option<Slug>,
}

impl Case {
    /// The case of the track with this slug, in whatever state it is. `NotFound` without it.
    pub fn open(conn: &mut Conn, slug: &Slug) -> Result<Case> {
        let listed = Track::by_slug(conn, slug)?;
        let track = &listed.track;
        let is_of_child = track.is_of_child(conn)?;
        if is_of_child && matches!(track.state, State::Draft | State::Withdrawn) {
            // What a child keeps for itself waits for nobody.
            return Err(Error::NotFound);
        }
        let upload = Upload::find(conn, &track.upload_id)?;
        let recording = track.recording(conn)?;
        let of_uploader = |state: State| {
            tracks::table
                .filter(tracks::uploader_id.eq(&track.uploader_id).and(tracks::state.eq(state)))
                .count()
        };
        let published = of_uploader(State::Published).get_result(conn)?;
        let refused = of_uploader(State::Refused).get_result(conn)?;
        let events = track_events::table
            .inner_join(users::table.on(users::id.eq(track_events::by_user)))
            .filter(track_events::track_id.eq(&track.id))
            .order(track_events::id)
            .select((track_events::kind, users::name, track_events::reason, track_events::at))
            .load(conn)?;
        let open = waiting(conn)?;
        let place = open.iter().position(|w| w.listed.track.id == track.id);
        let next = match place {
            Some(at) => open.get(at + 1).or_else(|| open.first()),
            None => open.first(),
        };
        let next = next.map(|w| w.listed.track.slug.clone()).filter(|next| *next != track.slug);
        Ok(Case {
            uploader: User::find(conn, &track.uploader_id)?,
            offers: offer::of_track(conn, &track.id)?,
            for_children: children::is_marked(conn, &format!("/tracks/{slug}"))?,
            voices: Said::of(conn, &track.id)?,
            is_of_child,
            twins: resembling(conn, &upload, &recording)?,
            listed,
            upload,
            recording,
            published,
            refused,
            events,
            next,
        })
    }
}

/// Earlier and later uploads of the same bytes or samples, and those that sound alike.
fn resembling(conn: &mut Conn, upload: &Upload, rec: &Recording) -> Result<Vec<Resembling>> {
    let mut kinds: HashMap<UploadId, Likeness> = HashMap::new();
    for twin in upload.resembled(conn)? {
        kinds.insert(twin.upload, twin.kind);
    }
    for (id, _) in twins(conn, &upload.id, &upload.file_sha256, &rec.samples_sha256)? {
        kinds.insert(id, Likeness::Samples);
    }
    if kinds.is_empty() {
        return Ok(vec![]);
    }
    let ids: Vec<&UploadId> = kinds.keys().collect();
    type Row = (UploadId, UserId, String, String, String, Option<Handle>, Option<(Slug, String, State)>);
    let rows: Vec<Row> = uploads::table
        .inner_join(users::table.on(users::id.eq(uploads::uploader_id)))
        .left_join(tracks::table.on(tracks::upload_id.eq(uploads::id)))
        .filter(uploads::id.eq_any(ids))
        .order((uploads::created_at, uploads::id))
        .select((
            uploads::id,
            uploads::uploader_id,
            uploads::filename,
            uploads::file_sha256,
            users::name,
            users::handle,
            (tracks::slug, tracks::title, tracks::state).nullable(),
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, whose, filename, sha256, uploader, handle, track)| Resembling {
            kind: if sha256 == upload.file_sha256 {
                Likeness::Bytes
            } else {
                kinds.get(&id).copied().unwrap_or(Likeness::Samples)
            },
            is_own: whose == upload.uploader_id,
            uploader,
            handle,
            filename,
            track,
        })
        .collect())
}

/// Puts a track into the shop and tells its uploader.
pub fn publish(conn: &mut Conn, slug: &Slug, by: &UserId, minimums: &Minimums, now: Timestamp) -> Result<()> {
    let track = Track::by_slug(conn, slug)?.track;
    minimums.demand_seller(conn, &track.uploader_id, now)?;
    track.publish(conn, by, now)?;
    tell(conn, &track, "track_published", "", now)
}

/// Marks the page of a track as one that appeals to children, or takes the mark back.
pub fn mark_for_children(
    conn: &mut Conn,
    slug: &Slug,
    marked: bool,
    by: &UserId,
    now: Timestamp,
) -> Result<()> {
    let track = Track::by_slug(conn, slug)?.track;
    children::mark(conn, &format!("/tracks/{}", track.slug), marked, by, now)
}

/// Says no to a track and tells its uploader why.
pub fn refuse(conn: &mut Conn, slug: &Slug, by: &UserId, reason: &str, now: Timestamp) -> Result<()> {
    let track = Track::by_slug(conn, slug)?.track;
    track.refuse(conn, by, reason, now)?;
    tell(conn, &track, "track_refused", reason, now)
}

fn tell(conn: &mut Conn, track: &Track, template: &str, reason: &str, now: Timestamp) -> Result<()> {
    let uploader = User::find(conn, &track.uploader_id)?;
    let letter = Job::SendLetter {
        to: uploader.email,
        template: template.into(),
        values: json!({
            "name": uploader.name,
            "title": track.title,
            "slug": track.slug,
            "reason": reason,
        }),
    };
    enqueue(conn, &letter, now)
}
