//! What an uploader's tracks did: whole numbers, and nobody behind them. A fixed number of queries, however many tracks.

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::upload::Upload;
use crate::catalogue::track::{EventKind, State, Track};
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::{entries, licences, order_lines, track_days, track_events, tracks};
use crate::error::Result;
use crate::ids::{TrackId, UserId};
use crate::money::Cents;

/// Tracks on one board.
const MOST: i64 = 500;
/// Days in the charts.
pub const DAYS: i64 = 30;

/// What one track did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub plays: i64,
    pub basket_adds: i64,
    /// What its sales brought its uploader, refunds taken off.
    pub earned: Cents,
}

/// Everything on an uploader's board.
pub struct Board {
    pub tracks: Vec<Track>,
    pub uploads: Vec<Upload>,
    pub counts: HashMap<TrackId, Counts>,
    /// The newest reason for each track that was refused.
    pub refusals: HashMap<TrackId, String>,
    /// Plays and sales by day, the oldest of `DAYS` first.
    pub plays: Vec<i64>,
    pub sales: Vec<i64>,
}

impl Board {
    /// What this uploader has in hand and in the shop, with the counts of the last `DAYS` days.
    pub fn of(conn: &mut Conn, uploader: &UserId, now: Timestamp) -> Result<Board> {
        let since = now.plus(-(DAYS - 1) * DAY);
        let tracks = Track::all_of(conn, uploader, MOST)?;
        Ok(Board {
            uploads: Upload::unfinished_of(conn, uploader, 50)?,
            counts: counts(conn, uploader)?,
            refusals: refusals(conn, uploader)?,
            plays: plays(conn, uploader, since)?,
            sales: sales(conn, uploader, since)?,
            tracks,
        })
    }

    /// What a track did; zeroes for one that did nothing.
    pub fn counts_of(&self, track: &Track) -> Counts {
        self.counts.get(&track.id).copied().unwrap_or_default()
    }
}

fn counts(conn: &mut Conn, uploader: &UserId) -> Result<HashMap<TrackId, Counts>> {
    let mine = tracks::table.filter(tracks::uploader_id.eq(uploader)).select(tracks::id);
    let heard: Vec<(TrackId, i64, i64)> = track_days::table
        .filter(track_days::track_id.eq_any(mine))
        .group_by(track_days::track_id)
        .select((
            track_days::track_id,
            sql::<BigInt>("CAST(COALESCE(SUM(track_days.plays), 0) AS BIGINT)"),
            sql::<BigInt>("CAST(COALESCE(SUM(track_days.basket_adds), 0) AS BIGINT)"),
        ))
        .load(conn)?;
    let earned: Vec<(TrackId, i64)> = entries::table
        .inner_join(order_lines::table.on(entries::order_line_id.eq(order_lines::id.nullable())))
        .filter(entries::user_id.eq(uploader).and(entries::account.eq("uploader")))
        .group_by(order_lines::track_id)
        .select((
            order_lines::track_id,
            sql::<BigInt>("CAST(COALESCE(SUM(entries.amount_cents), 0) AS BIGINT)"),
        ))
        .load(conn)?;
    let mut all: HashMap<TrackId, Counts> = HashMap::new();
    for (track, plays, basket_adds) in heard {
        all.insert(track, Counts { plays, basket_adds, earned: Cents::ZERO });
    }
    for (track, cents) in earned {
        all.entry(track).or_default().earned = Cents(cents);
    }
    Ok(all)
}

fn refusals(conn: &mut Conn, uploader: &UserId) -> Result<HashMap<TrackId, String>> {
    let rows: Vec<(TrackId, Option<String>)> = track_events::table
        .inner_join(tracks::table.on(track_events::track_id.eq(tracks::id)))
        .filter(tracks::uploader_id.eq(uploader).and(tracks::state.eq(State::Refused)))
        .filter(track_events::kind.eq(EventKind::Refused))
        .order(track_events::id)
        .select((track_events::track_id, track_events::reason))
        .load(conn)?;
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

fn sales(conn: &mut Conn, uploader: &UserId, since: Timestamp) -> Result<Vec<i64>> {
    let days: Vec<Timestamp> = licences::table
        .inner_join(order_lines::table)
        .filter(order_lines::uploader_id.eq(uploader))
        .filter(licences::issued_at.ge(since))
        .select(licences::issued_at)
        .load(conn)?;
    Ok(by_day(days.into_iter().map(|at| (at.day(), 1)), since))
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
