//! What partners of advertising report of themselves: how often something of theirs was shown in a place on a day, how often
//! it was followed, and what that brought. Counts alone: a report with any other column is not taken, since it might say
//! something about somebody.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::partner_days;
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::money::Cents;

/// How long reports are kept, in days of their own: long enough to hold a month against that of the year before.
pub const KEPT_DAYS: i64 = 400;
/// The columns of a report: these, each once, in any order, and no other.
pub const COLUMNS: [&str; 5] = ["day", "placement", "impressions", "clicks", "revenue"];
/// A month of forty places has fewer lines.
const MOST_LINES: usize = 1_300;
/// A report with a place for everybody who came is none, nor are several that have one together.
const MOST_PLACEMENTS: usize = 40;
/// More is shown to nobody in a day; and as many of it as are kept can be added up.
const MOST_COUNTED: i64 = 1_000_000_000;
/// Lines that a page of months is made of.
const MOST_SHOWN: usize = 20_000;

/// A day of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `2026-11-28`, as the partner counts days.
    pub day: String,
    pub placement: String,
    pub impressions: i64,
    pub clicks: i64,
    pub revenue: Cents,
}

/// Reads a report, as comma-separated values under a line of names. The error is a sentence on the first thing that is wrong
/// with it; then nothing of it is taken.
pub fn read(text: &str, now: Timestamp) -> Result<Vec<Line>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let names = reader.headers().map_err(|_| "That is no table.".to_owned())?.clone();
    if let Some(other) = names.iter().find(|name| !COLUMNS.contains(name)) {
        let other: String = other.chars().take(40).collect();
        return Err(format!("The column “{other}” is not taken: {}, and nothing else.", COLUMNS.join(", ")));
    }
    let at = |name: &str| names.iter().position(|known| known == name);
    if names.len() != COLUMNS.len() || COLUMNS.iter().any(|name| at(name).is_none()) {
        return Err(format!("The first line names {}, each once.", COLUMNS.join(", ")));
    }
    let (oldest, today) = (now.plus(-KEPT_DAYS * DAY).day(), now.day());
    let (mut lines, mut seen, mut places) = (vec![], BTreeSet::new(), BTreeSet::new());
    for (n, record) in reader.records().enumerate() {
        let number = n + 2;
        let record = record.map_err(|_| format!("Line {number} has not one value for each column."))?;
        let cell = |name: &str| at(name).and_then(|at| record.get(at)).unwrap_or_default();
        let line = line(cell)
            .filter(|line| (oldest.as_str()..=today.as_str()).contains(&line.day.as_str()))
            .ok_or_else(|| {
                format!(
                    "Line {number} is no count: a day of the last {KEPT_DAYS}, a place in small letters, and numbers."
                )
            })?;
        places.insert(line.placement.clone());
        if !seen.insert((line.day.clone(), line.placement.clone())) {
            return Err(format!("Line {number} tells of a day and a place a second time."));
        }
        lines.push(line);
        if lines.len() > MOST_LINES || places.len() > MOST_PLACEMENTS {
            return Err(too_fine());
        }
    }
    if lines.is_empty() { Err("There is no line in it.".into()) } else { Ok(lines) }
}

fn too_fine() -> String {
    format!("More than {MOST_PLACEMENTS} places or {MOST_LINES} lines: that counts too finely.")
}

fn line<'a>(cell: impl Fn(&str) -> &'a str) -> Option<Line> {
    let day = cell("day").parse::<NaiveDate>().ok()?.to_string();
    let placement = cell("placement");
    let is_slug = (1..=40).contains(&placement.len())
        && placement.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let count = |name: &str| cell(name).parse::<i64>().ok().filter(|n| (0..=MOST_COUNTED).contains(n));
    let (impressions, clicks) = (count("impressions")?, count("clicks")?);
    let revenue = Cents::parse(cell("revenue"))?;
    (is_slug && clicks <= impressions).then(|| Line {
        day,
        placement: placement.to_owned(),
        impressions,
        clicks,
        revenue,
    })
}

/// Keeps what a vendor reported, filed by one of the staff. A day and place that was told before is told anew. `Refused`,
/// with nothing kept, where its days would come to have more places than a report may tell of.
pub fn keep(conn: &mut Conn, vendor: &str, lines: &[Line], by: &UserId, now: Timestamp) -> Result<()> {
    for line in lines {
        let row = (
            partner_days::vendor.eq(vendor),
            partner_days::day.eq(&line.day),
            partner_days::placement.eq(&line.placement),
            partner_days::impressions.eq(line.impressions),
            partner_days::clicks.eq(line.clicks),
            partner_days::revenue_cents.eq(line.revenue),
            partner_days::filed_by.eq(by),
            partner_days::filed_at.eq(now),
        );
        each_db!(conn, |c| diesel::insert_into(partner_days::table)
            .values(row)
            .on_conflict((partner_days::vendor, partner_days::day, partner_days::placement))
            .do_update()
            .set((
                partner_days::impressions.eq(line.impressions),
                partner_days::clicks.eq(line.clicks),
                partner_days::revenue_cents.eq(line.revenue),
                partner_days::filed_by.eq(by),
                partner_days::filed_at.eq(now),
            ))
            .execute(c))?;
    }
    let of = |line: &Line| line.day.clone();
    let Some((first, last)) = lines.iter().map(of).min().zip(lines.iter().map(of).max()) else {
        return Ok(());
    };
    let days: Vec<String> = partner_days::table
        .filter(partner_days::vendor.eq(vendor).and(partner_days::day.between(first, last)))
        .select(partner_days::day)
        .load(conn)?;
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for day in days {
        *places.entry(day).or_default() += 1;
    }
    match places.values().any(|places| *places > MOST_PLACEMENTS) {
        true => Err(Error::refused(too_fine())),
        false => Ok(()),
    }
}

/// What a vendor's advertisements came to in one place in one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Month {
    /// `2026-11`.
    pub month: String,
    pub vendor: String,
    pub placement: String,
    pub impressions: i64,
    pub clicks: i64,
    pub revenue: Cents,
}

/// The months that were reported and are kept, the newest first: all of them, or as many as the newest lines hold whole.
pub fn months(conn: &mut Conn) -> Result<Vec<Month>> {
    let month_of = |day: &str| day.get(..7).unwrap_or_default().to_owned();
    let rows: Vec<(String, String, String, i64, i64, Cents)> = partner_days::table
        .order(partner_days::day.desc())
        .select((
            partner_days::day,
            partner_days::vendor,
            partner_days::placement,
            partner_days::impressions,
            partner_days::clicks,
            partner_days::revenue_cents,
        ))
        .limit(MOST_SHOWN as i64)
        .load(conn)?;
    let cut = rows.last().filter(|_| rows.len() == MOST_SHOWN).map(|(day, ..)| month_of(day));
    let mut all: BTreeMap<(String, String, String), (i64, i64, Cents)> = BTreeMap::new();
    for (day, vendor, placement, impressions, clicks, revenue) in rows {
        let month = month_of(&day);
        if cut.as_ref() == Some(&month) {
            continue;
        }
        let sum = all.entry((month, vendor, placement)).or_default();
        *sum = (sum.0 + impressions, sum.1 + clicks, sum.2 + revenue);
    }
    let month = |((month, vendor, placement), (impressions, clicks, revenue))| Month {
        month,
        vendor,
        placement,
        impressions,
        clicks,
        revenue,
    };
    Ok(all.into_iter().rev().map(month).collect())
}

/// Forgets days older than they may be kept. Answers how many rows.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let oldest = now.plus(-KEPT_DAYS * DAY).day();
    Ok(diesel::delete(partner_days::table.filter(partner_days::day.lt(oldest))).execute(conn)?)
}
