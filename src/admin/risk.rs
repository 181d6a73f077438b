//! The yearly record of the security programme (16 CFR 312.8): who coordinates it, what was looked at, what was found, and
//! when the next look is due. A record is never changed; the next one stands beside it.

use diesel::prelude::*;

use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::security_reviews;
use crate::error::Result;
use crate::ids::{SecurityReviewId, UserId};

/// A look holds for a year (312.8: at least annually).
pub const HOLDS_MS: i64 = 365 * DAY;

/// What is looked at: the word that is kept, and what it means.
pub const AREAS: [(&str, &str); 8] = [
    ("access", "Who can sign in as staff, and who should not any more"),
    ("secrets", "Secrets and keys, and the machines that hold them"),
    ("software", "The software we run, and its known faults"),
    ("backups", "Backups: one was restored and looked at"),
    ("deletion", "What was to be deleted is gone"),
    ("providers", "What services and vendors assure us in writing"),
    ("children", "Children’s data: who sees it, and whether less would do"),
    ("incidents", "What went wrong in the year"),
];

/// Without these a look is none where children have accounts.
pub const WITH_CHILDREN: [&str; 2] = ["providers", "children"];

/// One record.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = security_reviews)]
pub struct Record {
    pub id: SecurityReviewId,
    /// By name, on that day.
    pub coordinator: String,
    /// Words of [`AREAS`], joined by commas.
    pub looked_at: String,
    pub found: String,
    pub by_user: UserId,
    pub at: Timestamp,
    pub due_at: Timestamp,
}

impl Record {
    /// Writes a look down.
    pub fn keep(
        conn: &mut Conn,
        coordinator: &str,
        areas: &[&str],
        found: &str,
        by: &UserId,
        now: Timestamp,
    ) -> Result<Record> {
        let record = Record {
            id: SecurityReviewId::new(),
            coordinator: coordinator.to_owned(),
            looked_at: areas.join(","),
            found: found.to_owned(),
            by_user: by.clone(),
            at: now,
            due_at: now.plus(HOLDS_MS),
        };
        diesel::insert_into(security_reviews::table).values(&record).execute(conn)?;
        Ok(record)
    }

    /// The newest records, the newest first.
    pub fn newest(conn: &mut Conn, limit: i64) -> Result<Vec<Record>> {
        Ok(security_reviews::table
            .order((security_reviews::at.desc(), security_reviews::id.desc()))
            .limit(limit)
            .select(Record::as_select())
            .load(conn)?)
    }

    /// What was looked at, in words.
    pub fn areas(&self) -> Vec<&'static str> {
        let kept: Vec<&str> = self.looked_at.split(',').collect();
        AREAS.iter().filter(|(slug, _)| kept.contains(slug)).map(|(_, words)| *words).collect()
    }
}
