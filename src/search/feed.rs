//! The change feed as rows: what changed after which number, and the tracks as they are now.
//!
//! On PostgreSQL a write that took number 7 may be seen after 8 was: numbers are given when a row is written, rows are
//! seen when their write commits. So a number that is missing is remembered and asked for again, until no write that
//! could hold it can still be alive. On SQLite nothing is ever missing, and the same code asks for nothing.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::accounts::band::Band;
use crate::catalogue::track::{Kind, State};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{changes, marks, offers, tier_editions, tracks, users};
use crate::error::Result;
use crate::ids::{Handle, TrackId};

/// How long a write can live that took a number and shows it only now. Statements end after 20 seconds and idle
/// transactions after 30 (`db::manager`); this is far beyond both.
const LONGEST_WRITE: Duration = Duration::from_secs(600);
/// How long a missing number is asked for at every turn; later only now and then.
const SOON: Duration = Duration::from_secs(30);
/// Gaps asked for in one turn.
const MOST_GAPS: usize = 100;
/// Rows taken at one turn.
pub const BATCH: i64 = 2000;
/// Rows that are kept however old they are, and for how many days all are.
const KEPT_ROWS: i64 = 100_000;
const KEPT_DAYS: i64 = 14;

/// One row of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Queryable)]
pub struct Change {
    pub seq: i64,
    pub track: TrackId,
    pub at: Timestamp,
}

/// Numbers that were not there when higher ones were.
#[derive(Clone, Debug)]
struct Gap {
    from: i64,
    to: i64,
    since: Instant,
}

/// How far a follower has come.
#[derive(Clone, Debug, Default)]
pub struct Position {
    /// The highest row that was taken.
    top: Option<Change>,
    gaps: Vec<Gap>,
    turns: u32,
}

/// What is kept beside the index, to go on from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Everything up to here was taken.
    pub low: i64,
    /// The highest row that was taken: if it is not there any more, or is another, this is another shop's index.
    pub top: Option<Change>,
    /// The wish for a new index that this one fulfils.
    pub wish: String,
}

impl Position {
    /// The number of the highest row taken; 0 before the first.
    pub fn top(&self) -> i64 {
        self.top.as_ref().map_or(0, |change| change.seq)
    }

    /// Everything up to this number was taken, or will never be there.
    pub fn low(&self) -> i64 {
        self.gaps.iter().map(|gap| gap.from - 1).min().unwrap_or(self.top())
    }

    /// Whether numbers are missing.
    pub fn has_gaps(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// This place, as the index keeps it beside what it wishes for.
    pub fn kept(&self, wish: &str) -> Kept {
        Kept { low: self.low(), top: self.top.clone(), wish: wish.to_owned() }
    }

    /// Where a new index begins: behind every row there is, with every number missing that is not there.
    pub fn here(conn: &mut Conn) -> Result<Position> {
        let Some(top) = last(conn)? else { return Ok(Position::default()) };
        let numbers: Vec<i64> = changes::table.select(changes::seq).order(changes::seq).load(conn)?;
        let mut position = Position { top: Some(top), ..Position::default() };
        position.missing(1, numbers.first().map_or(0, |first| first - 1));
        for pair in numbers.windows(2) {
            position.missing(pair[0] + 1, pair[1] - 1);
        }
        Ok(position)
    }

    /// Where an index goes on that kept this; None when the feed is not the one it followed.
    pub fn resumed(conn: &mut Conn, kept: &Kept) -> Result<Option<Position>> {
        let Some(top) = &kept.top else {
            return Ok(last(conn)?.is_none().then(Position::default));
        };
        let there: Option<Change> = changes::table
            .find(top.seq)
            .select((changes::seq, changes::track_id, changes::at))
            .first(conn)
            .optional()?;
        if there.as_ref() != Some(top) {
            return Ok(None);
        }
        let mut position = Position { top: Some(top.clone()), ..Position::default() };
        position.missing(kept.low + 1, top.seq - 1);
        Ok(Some(position))
    }

    fn missing(&mut self, from: i64, to: i64) {
        if from <= to {
            self.gaps.push(Gap { from, to, since: Instant::now() });
        }
    }

    /// The rows to take now: those above, and those that were missing and are there by now. Nothing is taken until
    /// `take` says so, so a turn that fails is simply done again.
    pub fn ahead(&self, conn: &mut Conn) -> Result<Vec<Change>> {
        let columns = (changes::seq, changes::track_id, changes::at);
        let mut rows: Vec<Change> = vec![];
        let often = self.turns.is_multiple_of(25);
        let asked: Vec<&Gap> =
            self.gaps.iter().filter(|gap| often || gap.since.elapsed() < SOON).take(MOST_GAPS).collect();
        if let Some((first, rest)) = asked.split_first() {
            let mut late = changes::table.filter(changes::seq.between(first.from, first.to)).into_boxed();
            for gap in rest {
                late = late.or_filter(changes::seq.between(gap.from, gap.to));
            }
            rows = late.order(changes::seq).limit(BATCH).select(columns).load(conn)?;
        }
        let above: Vec<Change> = changes::table
            .filter(changes::seq.gt(self.top()))
            .order(changes::seq)
            .limit(BATCH)
            .select(columns)
            .load(conn)?;
        rows.extend(above);
        Ok(rows)
    }

    /// These rows are in the index.
    pub fn take(&mut self, rows: &[Change]) {
        self.turns = self.turns.wrapping_add(1);
        for row in rows {
            let top = self.top();
            if row.seq > top {
                self.missing(top + 1, row.seq - 1);
                self.top = Some(row.clone());
                continue;
            }
            let Some(at) = self.gaps.iter().position(|gap| (gap.from..=gap.to).contains(&row.seq)) else {
                continue;
            };
            let gap = self.gaps.remove(at);
            for (from, to) in [(gap.from, row.seq - 1), (row.seq + 1, gap.to)] {
                if from <= to {
                    self.gaps.push(Gap { from, to, since: gap.since });
                }
            }
        }
        self.gaps.retain(|gap| gap.since.elapsed() < LONGEST_WRITE);
    }
}

fn last(conn: &mut Conn) -> Result<Option<Change>> {
    let columns = (changes::seq, changes::track_id, changes::at);
    Ok(changes::table.order(changes::seq.desc()).select(columns).first(conn).optional()?)
}

/// The number of the last row.
pub fn end(conn: &mut Conn) -> Result<i64> {
    Ok(last(conn)?.map_or(0, |change| change.seq))
}

/// The number of the last row, and how many tracks anyone may find, in one view.
pub fn state(conn: &mut Conn) -> Result<(i64, i64)> {
    Ok((end(conn)?, published(conn)?))
}

/// Removes rows that every follower has long taken.
pub fn forget(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let before = end(conn)? - KEPT_ROWS;
    let old = changes::seq.lt(before).and(changes::at.lt(now.plus(-KEPT_DAYS * crate::clock::DAY)));
    Ok(diesel::delete(changes::table.filter(old)).execute(conn)?)
}

/// The name under which the wish for new indexes is kept.
const WISH: &str = "search-rebuild";

/// What the shop wishes its indexes to be built for; every process whose index was built for another builds anew.
pub fn wish(conn: &mut Conn) -> Result<String> {
    let value: Option<String> = marks::table.find(WISH).select(marks::value).first(conn).optional()?;
    Ok(value.unwrap_or_default())
}

/// Asks every process to build its index anew.
pub fn ask_for_new(conn: &mut Conn, token: &str, now: Timestamp) -> Result<()> {
    let set = (marks::value.eq(token), marks::at.eq(now));
    if diesel::update(marks::table.find(WISH)).set(set).execute(conn)? == 0 {
        diesel::insert_into(marks::table).values((marks::name.eq(WISH), set)).execute(conn)?;
    }
    Ok(())
}

/// What the index holds of a track.
#[derive(Clone, Debug, Queryable)]
pub struct Entry {
    pub id: TrackId,
    pub title: String,
    pub description: String,
    pub kind: Kind,
    pub genre: Option<String>,
    pub vocals: String,
    pub moods: String,
    pub instruments: String,
    pub tags: String,
    pub bpm: Option<f64>,
    pub musical_key: Option<String>,
    pub duration_ms: i64,
    pub published_at: Option<Timestamp>,
    pub licensed: i64,
    pub kept: i64,
    pub uploader_name: String,
    pub uploader_handle: Option<Handle>,
}

#[diesel::dsl::auto_type(no_type_alias)]
fn entries() -> _ {
    let told = (tracks::id, tracks::title, tracks::description, tracks::kind, tracks::genre, tracks::vocals);
    let words = (tracks::moods, tracks::instruments, tracks::tags, tracks::bpm, tracks::musical_key);
    let figures = (tracks::duration_ms, tracks::published_at, tracks::licensed, tracks::kept);
    let open = tracks::state.eq("published").and(users::disabled_at.is_null());
    let who = (users::name, users::handle, users::band);
    tracks::table.inner_join(users::table).filter(open).select((told, words, figures, who))
}

type Told = (TrackId, String, String, Kind, Option<String>, String);
type Words = (String, String, String, Option<f64>, Option<String>);
type Figures = (i64, Option<Timestamp>, i64, i64);
type Row = (Told, Words, Figures, (String, Option<Handle>, Band));

fn entry(row: Row) -> Entry {
    let (told, words, figures, (uploader_name, handle, band)) = row;
    let (id, title, description, kind, genre, vocals) = told;
    let (moods, instruments, tags, bpm, musical_key) = words;
    let (duration_ms, published_at, licensed, kept) = figures;
    Entry {
        id,
        title,
        description,
        kind,
        genre,
        vocals,
        moods,
        instruments,
        tags,
        bpm,
        musical_key,
        duration_ms,
        published_at,
        licensed,
        kept,
        uploader_name,
        // A child has no page that a link could lead to.
        uploader_handle: handle.filter(|_| band != Band::Child),
    }
}

/// An entry with the tiers its track is sold at.
pub type Offered = (Entry, Vec<String>);

/// Those of these tracks that anyone may find, as they are now.
pub fn these(conn: &mut Conn, ids: &[TrackId]) -> Result<Vec<Offered>> {
    let rows: Vec<Row> = entries().filter(tracks::id.eq_any(ids)).load(conn)?;
    offered(conn, rows)
}

/// The next of all tracks that anyone may find, in the order of their ids.
pub fn after(conn: &mut Conn, id: Option<&TrackId>, limit: i64) -> Result<Vec<Offered>> {
    let from = id.map_or("", |id| id.as_str());
    let rows: Vec<Row> = entries().filter(tracks::id.gt(from)).order(tracks::id).limit(limit).load(conn)?;
    offered(conn, rows)
}

fn offered(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<Offered>> {
    let entries: Vec<Entry> = rows.into_iter().map(entry).collect();
    let ids: Vec<&TrackId> = entries.iter().map(|entry| &entry.id).collect();
    // All offers of a track are in one currency, and one that is not the shop's leaves it without a price.
    let on_sale = tier_editions::table.filter(tier_editions::ended_at.is_null()).select(tier_editions::slug);
    let mut tiers: Vec<(TrackId, String)> = offers::table
        .inner_join(tracks::table)
        .filter(offers::track_id.eq_any(ids).and(offers::tier.eq_any(on_sale)))
        .filter(tracks::price_from.is_not_null())
        .select((offers::track_id, offers::tier))
        .load(conn)?;
    tiers.sort_unstable();
    let tiers_of = |id: &TrackId| {
        let from = tiers.partition_point(|(track, _)| track < id);
        tiers[from..].iter().take_while(|(track, _)| track == id).map(|(_, tier)| tier.clone()).collect()
    };
    let with_tiers = |entry: Entry| {
        let tiers = tiers_of(&entry.id);
        (entry, tiers)
    };
    Ok(entries.into_iter().map(with_tiers).collect())
}

/// How many tracks anyone may find.
pub fn published(conn: &mut Conn) -> Result<i64> {
    let closed = users::table.filter(users::disabled_at.is_not_null()).select(users::id);
    let open = tracks::state.eq(State::Published).and(tracks::uploader_id.ne_all(closed));
    Ok(tracks::table.filter(open).count().get_result(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: i64) -> Change {
        let track = TrackId::parse(&format!("{seq:032x}")).unwrap();
        Change { seq, track, at: Timestamp(seq) }
    }

    fn taken(position: &mut Position, numbers: &[i64]) {
        position.take(&numbers.iter().map(|n| row(*n)).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_missing_holds_the_place_until_it_comes() {
        let mut position = Position::default();
        taken(&mut position, &[2]);
        assert_eq!((position.low(), position.top()), (0, 2));
        taken(&mut position, &[1, 3, 4, 5, 6]);
        assert_eq!((position.low(), position.top(), position.has_gaps()), (6, 6, false));
        taken(&mut position, &[8, 12]);
        assert_eq!((position.low(), position.top()), (6, 12));
        taken(&mut position, &[10]);
        assert_eq!(position.low(), 6);
        taken(&mut position, &[7, 9]);
        assert_eq!(position.low(), 10);
        taken(&mut position, &[11, 11]);
        assert_eq!((position.low(), position.has_gaps()), (12, false));
    }

    #[test]
    fn what_was_kept_says_where_to_go_on() {
        let mut position = Position::default();
        taken(&mut position, &[1, 2, 3, 5]);
        let kept = position.kept("w");
        assert_eq!(kept, Kept { low: 3, top: Some(row(5)), wish: "w".into() });
        let json = serde_json::to_string(&kept).unwrap();
        assert_eq!(serde_json::from_str::<Kept>(&json).unwrap(), kept);
    }
}
