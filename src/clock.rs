//! The time, as a value that is handed in.

use std::fmt;

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

use crate::bigint_value;

/// A moment: whole milliseconds since 1970-01-01T00:00:00Z, as the database keeps it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

bigint_value!(Timestamp);

/// Milliseconds of a second.
pub const SECOND: i64 = 1_000;
/// Milliseconds of a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Milliseconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Milliseconds of a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

impl Timestamp {
    /// This machine's wall clock. Called at the edges only; verbs of nouns take `now`.
    pub fn now() -> Timestamp {
        Timestamp(Utc::now().timestamp_millis())
    }

    /// This moment moved by so many milliseconds (negative: earlier).
    pub fn plus(self, millis: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(millis))
    }

    /// The beginning of its minute.
    pub fn minute(self) -> Timestamp {
        Timestamp(self.0 - self.0.rem_euclid(MINUTE))
    }

    /// The beginning of its day, in UTC.
    pub fn midnight(self) -> Timestamp {
        Timestamp(self.0 - self.0.rem_euclid(DAY))
    }

    /// Milliseconds from `earlier` to this moment.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0 - earlier.0
    }

    /// Whole seconds since 1970, as Stripe counts.
    pub fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment so many seconds after 1970, as Stripe and files count.
    pub fn from_secs(secs: i64) -> Timestamp {
        Timestamp(secs.saturating_mul(1000))
    }

    /// The same moment as chrono knows it; a moment beyond chrono's years becomes 1970.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// RFC 3339 in UTC with whole seconds: `2026-11-24T16:20:00Z`.
    pub fn rfc3339(self) -> String {
        self.utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// The UTC day as `2026-11-24`.
    pub fn day(self) -> String {
        self.utc().format("%Y-%m-%d").to_string()
    }

    /// The day as people say it: `24 November 2026`.
    pub fn long_day(self) -> String {
        self.utc().format("%-d %B %Y").to_string()
    }

    /// An HTTP date (RFC 9110, section 5.6.7).
    pub fn http(self) -> String {
        self.utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Year and month in UTC, January as 1.
    pub fn year_month(self) -> (i32, u32) {
        let date = self.utc();
        (date.year(), date.month())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}
