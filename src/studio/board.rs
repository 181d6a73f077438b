//! What an uploader's tracks did: whole numbers, and nobody behind them. A fixed number of queries, however many tracks:
//! what is shown is a page of each part, and what is summed is summed by the database over everything.

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::upload::{State as UploadState, Upload};
use crate::catalogue::track::{EventKind, State, Track};
use crate::clock::{DAY, Timestamp};
use crate::db::schema::{entries, licences, order_lines, revocations, track_days, track_events, tracks};
use crate::db::{Conn, among};
use crate::each_db;
use crate::error::Result;
use crate::ids::{TrackId, UserId};
use crate::money::Cents;

/// Tracks and files on one page of a part.
pub const ROWS: i64 = 24;
/// Days in the charts.
pub const DAYS: i64 = 30;

/// A part of the board, which has pages of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What its uploader does next.
    Mine,
    /// What somebody else does next.
    Others,
    /// What is in the shop.
    Shop,
}

impl Part {
    /// Every part, in the order of the board.
    pub const ALL: [Part; 3] = [Part::Mine, Part::Others, Part::Shop];

    /// As it stands in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Part::Mine => "mine",
            Part::Others => "others",
            Part::Shop => "shop",
        }
    }

    fn tracks(self) -> &'static [State] {
        match self {
            Part::Mine => &[State::Draft, State::Refused, State::Withdrawn],
            Part::Others => &[State::Submitted],
            Part::Shop => &[State::Published],
        }
    }

    fn files(self) -> &'static [UploadState] {
        match self {
            Part::Mine => &[UploadState::Failed, UploadState::Refused],
            Part::Others => &[UploadState::Processing, UploadState::Received],
            Part::Shop => &[],
        }
    }
}

/// What a track did so far, or all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub plays: i64,
    /// People who keep it.
    pub keeps: i64,
    pub basket_adds: i64,
    /// Licences that stand: one that ended is not counted any more.
    pub sold: i64,
    /// What its sales brought its uploader, refunds taken off.
    pub earned: Cents,
}

/// One page of a part: files first, then tracks, the newest first.
#[derive(Debug, Default)]
pub struct Shown {
    pub page: u64,
    /// The last page there is.
    pub last: u64,
    pub uploads: Vec<Upload>,
    pub tracks: Vec<Track>,
}

/// Everything on an uploader's board.
pub struct Board {
    /// In the order of [`Part::ALL`].
    pub parts: [Shown; 3],
    counts: HashMap<TrackId, Counts>,
    /// All of the uploader's tracks together, whatever is shown.
    pub total: Counts,
    /// The newest reason for each track shown that was refused.
    pub refusals: HashMap<TrackId, String>,
    /// Plays and licences that stand by day, the oldest of `DAYS` first.
    pub plays: Vec<i64>,
    pub sold: Vec<i64>,
    /// A file is being examined.
    pub is_busy: bool,
}

impl Board {
    /// What this uploader has in hand and in the shop, at these pages of its parts, with the counts of the last `DAYS`
    /// days, today's among them. A page beyond the last is the last.
    pub fn of(conn: &mut Conn, uploader: &UserId, asked: [u64; 3], now: Timestamp) -> Result<Board> {
        let since = now.midnight().plus(-(DAYS - 1) * DAY);
        let states = by_state(conn, uploader)?;
        let files = Upload::waiting_by_state(conn, uploader, now)?;
        let mut parts = <[Shown; 3]>::default();
        for ((part, page), shown) in Part::ALL.into_iter().zip(asked).zip(&mut parts) {
            *shown = page_of(conn, uploader, part, page, &states, &files, now)?;
        }
        let shown: Vec<TrackId> =
            parts.iter().flat_map(|part| &part.tracks).map(|track| track.id.clone()).collect();
        Ok(Board {
            counts: counts(conn, uploader, &shown)?,
            total: total(conn, uploader, &states)?,
            refusals: refusals(conn, &shown)?,
            plays: plays(conn, uploader, since)?,
            sold: sold(conn, uploader, since)?,
            is_busy: files.iter().any(|(state, n)| Part::Others.files().contains(state) && *n > 0),
            parts,
        })
    }

    /// What a track did; zeroes for one that did nothing.
    pub fn counts_of(&self, track: &Track) -> Counts {
        let counted = self.counts.get(&track.id).copied().unwrap_or_default();
        Counts { keeps: track.kept, sold: track.licensed, ..counted }
    }
}

/// How many tracks there are in a state, and how many keep them and licensed them together.
struct InState {
    state: State,
    tracks: i64,
    kept: i64,
    licensed: i64,
}

fn by_state(conn: &mut Conn, uploader: &UserId) -> Result<Vec<InState>> {
    let rows: Vec<(State, i64, i64, i64)> = tracks::table
        .filter(tracks::uploader_id.eq(uploader))
        .group_by(tracks::state)
        .select((
            tracks::state,
            sql::<BigInt>("COUNT(*)"),
            sql::<BigInt>("CAST(COALESCE(SUM(tracks.kept), 0) AS BIGINT)"),
            sql::<BigInt>("CAST(COALESCE(SUM(tracks.licensed), 0) AS BIGINT)"),
        ))
        .load(conn)?;
    let row = |(state, tracks, kept, licensed)| InState { state, tracks, kept, licensed };
    Ok(rows.into_iter().map(row).collect())
}

fn page_of(
    conn: &mut Conn,
    uploader: &UserId,
    part: Part,
    asked: u64,
    states: &[InState],
    files: &[(UploadState, i64)],
    now: Timestamp,
) -> Result<Shown> {
    let files: i64 = files.iter().filter(|(state, _)| part.files().contains(state)).map(|(_, n)| n).sum();
    let tracks: i64 =
        states.iter().filter(|row| part.tracks().contains(&row.state)).map(|row| row.tracks).sum();
    let last = (files + tracks).max(1).unsigned_abs().div_ceil(ROWS.unsigned_abs());
    let page = asked.clamp(1, last);
    let skip = (page as i64 - 1) * ROWS;
    let uploads = match files > skip {
        true => Upload::waiting_of(conn, uploader, part.files(), now, ROWS, skip)?,
        false => vec![],
    };
    let room = ROWS - uploads.len() as i64;
    let tracks = match tracks > 0 && room > 0 {
        true => Track::some_of(conn, uploader, part.tracks(), room, (skip - files).max(0))?,
        false => vec![],
    };
    Ok(Shown { page, last, uploads, tracks })
}

/// What these tracks did, without what stands in their own rows.
fn counts(conn: &mut Conn, uploader: &UserId, shown: &[TrackId]) -> Result<HashMap<TrackId, Counts>> {
    let asked = || shown.iter().map(TrackId::as_str);
    let heard: Vec<(TrackId, i64, i64)> = each_db!(conn, |c| track_days::table
        .filter(among(track_days::track_id, asked()))
        .group_by(track_days::track_id)
        .select((
            track_days::track_id,
            sql::<BigInt>("CAST(COALESCE(SUM(track_days.plays), 0) AS BIGINT)"),
            sql::<BigInt>("CAST(COALESCE(SUM(track_days.basket_adds), 0) AS BIGINT)"),
        ))
        .load(c))?;
    let earned: Vec<(TrackId, i64)> = each_db!(conn, |c| entries::table
        .inner_join(order_lines::table.on(entries::order_line_id.eq(order_lines::id.nullable())))
        .filter(entries::user_id.eq(uploader).and(entries::account.eq("uploader")))
        .filter(among(order_lines::track_id, asked()))
        .group_by(order_lines::track_id)
        .select((
            order_lines::track_id,
            sql::<BigInt>("CAST(COALESCE(SUM(entries.amount_cents), 0) AS BIGINT)"),
        ))
        .load(c))?;
    let mut all: HashMap<TrackId, Counts> = HashMap::new();
    for (track, plays, basket_adds) in heard {
        all.insert(track, Counts { plays, basket_adds, ..Counts::default() });
    }
    for (track, cents) in earned {
        all.entry(track).or_default().earned = Cents(cents);
    }
    Ok(all)
}

fn total(conn: &mut Conn, uploader: &UserId, states: &[InState]) -> Result<Counts> {
    let mine = tracks::table.filter(tracks::uploader_id.eq(uploader)).select(tracks::id);
    let (plays, basket_adds): (i64, i64) = track_days::table
        .filter(track_days::track_id.eq_any(mine))
        .select((
            sql::<BigInt>("CAST(COALESCE(SUM(track_days.plays), 0) AS BIGINT)"),
            sql::<BigInt>("CAST(COALESCE(SUM(track_days.basket_adds), 0) AS BIGINT)"),
        ))
        .get_result(conn)?;
    let earned: i64 = entries::table
        .filter(entries::user_id.eq(uploader).and(entries::account.eq("uploader")))
        .filter(entries::order_line_id.is_not_null())
        .select(sql::<BigInt>("CAST(COALESCE(SUM(entries.amount_cents), 0) AS BIGINT)"))
        .get_result(conn)?;
    Ok(Counts {
        plays,
        keeps: states.iter().map(|row| row.kept).sum(),
        basket_adds,
        sold: states.iter().map(|row| row.licensed).sum(),
        earned: Cents(earned),
    })
}

fn refusals(conn: &mut Conn, shown: &[TrackId]) -> Result<HashMap<TrackId, String>> {
    let asked = || shown.iter().map(TrackId::as_str);
    let rows: Vec<(TrackId, Option<String>)> = each_db!(conn, |c| track_events::table
        .filter(among(track_events::track_id, asked()))
        .filter(track_events::kind.eq(EventKind::Refused))
        .order(track_events::id)
        .select((track_events::track_id, track_events::reason))
        .load(c))?;
    // The newest comes last and stands.
    Ok(rows.into_iter().map(|(track, reason)| (track, reason.unwrap_or_default())).collect())
}

fn plays(conn: &mut Conn, uploader: &UserId, since: Timestamp) -> Result<Vec<i64>> {
    let mine = tracks::table.filter(tracks::uploader_id.eq(uploader)).select(tracks::id);
    let days: Vec<(String, i64)> = track_days::table
        .filter(track_days::track_id.eq_any(mine).and(track_days::day.ge(since.day())))
        .group_by(track_days::day)
        .select((
            sql::<Text>("track_days.day"),
            sql::<BigInt>("CAST(COALESCE(SUM(track_days.plays), 0) AS BIGINT)"),
        ))
        .load(conn)?;
    Ok(by_day(days, since))
}

/// Licences that stand, by the day they were issued: as the figures count them.
fn sold(conn: &mut Conn, uploader: &UserId, since: Timestamp) -> Result<Vec<i64>> {
    let lines = order_lines::table.filter(order_lines::uploader_id.eq(uploader)).select(order_lines::id);
    let ended = revocations::table.filter(revocations::licence_id.eq(licences::id));
    // Days since 1970, as `Timestamp::day` parts them.
    let day = || sql::<BigInt>("licences.issued_at / 86400000");
    let days: Vec<(i64, i64)> = licences::table
        .filter(licences::order_line_id.eq_any(lines))
        .filter(licences::issued_at.ge(since))
        .filter(not(exists(ended)))
        .group_by(day())
        .select((day(), sql::<BigInt>("COUNT(*)")))
        .load(conn)?;
    Ok(by_day(days.into_iter().map(|(day, n)| (Timestamp(day * DAY).day(), n)), since))
}

fn by_day(counted: impl IntoIterator<Item = (String, i64)>, since: Timestamp) -> Vec<i64> {
    let mut days: BTreeMap<String, i64> = (0..DAYS).map(|n| (since.plus(n * DAY).day(), 0)).collect();
    for (day, count) in counted {
        if let Some(sum) = days.get_mut(&day) {
            *sum += count;
        }
    }
    days.into_values().collect()
}
