//! How old somebody is, from a month of birth and today; and the sealed word a browser keeps of the answer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::{HOUR, Timestamp};
use crate::secrets;

/// What an age means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Under the minimum: no account, nothing kept.
    Child,
    /// Not of age: needs a guardian.
    Minor,
    Adult,
}

/// How long a browser remembers the answer.
pub const REMEMBERED_MS: i64 = 24 * HOUR;

/// A month of birth. It lives as long as one request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Birth {
    year: i32,
    month: u32,
}

impl Birth {
    /// The earliest year that is taken: nobody alive is older.
    pub const EARLIEST: i32 = 1900;

    /// A month between the earliest year and today, both included.
    pub fn new(year: i32, month: u32, today: Timestamp) -> Option<Birth> {
        let fine =
            year >= Birth::EARLIEST && (1..=12).contains(&month) && (year, month) <= today.year_month();
        fine.then_some(Birth { year, month })
    }

    /// Full years at least: the day is unknown, so the birthday counts once the month is over.
    fn years(self, today: Timestamp) -> i32 {
        let (year, month) = today.year_month();
        year - self.year - i32::from(month <= self.month)
    }

    /// What the age means under these thresholds.
    pub fn band(self, today: Timestamp, minimum: u32, adult: u32) -> Band {
        let years = i64::from(self.years(today));
        match years {
            y if y < i64::from(minimum) => Band::Child,
            y if y < i64::from(adult) => Band::Minor,
            _ => Band::Adult,
        }
    }
}

/// The word for the browser: the band and the hour it was given, under our seal. Equally long and equally opaque for
/// every band, so that neither a reader of cookies nor a proxy learns the answer; the hour is all that tells two apart.
pub fn seal(key: &[u8; 32], band: Band, now: Timestamp) -> String {
    let hour = now.0.div_euclid(HOUR);
    let mut bytes = (hour as u32).to_be_bytes().to_vec();
    bytes.extend(mark(key, band, hour));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a word of ours says, while it is young enough.
pub fn open(key: &[u8; 32], word: &str, now: Timestamp) -> Option<Band> {
    let bytes = URL_SAFE_NO_PAD.decode(word).ok()?;
    let hour = i64::from(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?));
    let age = now.0.div_euclid(HOUR) - hour;
    (0..=REMEMBERED_MS / HOUR).contains(&age).then_some(())?;
    let bands = [Band::Child, Band::Minor, Band::Adult];
    bands.into_iter().find(|band| secrets::same(&bytes[4..], &mark(key, *band, hour)))
}

fn mark(key: &[u8; 32], band: Band, hour: i64) -> Vec<u8> {
    let word = match band {
        Band::Child => "child",
        Band::Minor => "minor",
        Band::Adult => "adult",
    };
    secrets::mac(key, format!("age {word} {hour}").as_bytes())[..24].to_vec()
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, Months, NaiveDate, TimeZone, Utc};
    use proptest::prelude::*;

    use super::*;

    fn on(year: i32, month: u32, day: u32) -> Timestamp {
        Timestamp(Utc.with_ymd_and_hms(year, month, day, 12, 0, 0).unwrap().timestamp_millis())
    }

    fn band(born: (i32, u32), today: (i32, u32, u32)) -> Option<Band> {
        let today = on(today.0, today.1, today.2);
        Some(Birth::new(born.0, born.1, today)?.band(today, 13, 18))
    }

    /// S1-29: the day before, on and after each threshold; without a day the younger counts until the month is over.
    #[test]
    fn thresholds_are_passed_when_the_month_of_birth_is_over() {
        for (born, today, is) in [
            ((2013, 11), (2026, 11, 1), Band::Child),
            ((2013, 11), (2026, 11, 30), Band::Child),
            ((2013, 11), (2026, 12, 1), Band::Minor),
            ((2013, 12), (2026, 12, 31), Band::Child),
            ((2013, 12), (2027, 1, 1), Band::Minor),
            ((2008, 11), (2026, 11, 30), Band::Minor),
            ((2008, 11), (2026, 12, 1), Band::Adult),
            ((2008, 10), (2026, 11, 1), Band::Adult),
            ((1900, 1), (2026, 11, 25), Band::Adult),
            ((2026, 11), (2026, 11, 25), Band::Child),
        ] {
            assert_eq!(band(born, today), Some(is), "{born:?} on {today:?}");
        }
        for nonsense in [(2026, 12), (2027, 1), (1899, 12), (1990, 0), (1990, 13)] {
            assert_eq!(band(nonsense, (2026, 11, 25)), None, "{nonsense:?}");
        }
    }

    proptest! {
        /// Whatever the day of birth in the month was, nobody is taken for older than they are, and nobody for more than
        /// a month younger.
        #[test]
        fn nobody_is_taken_for_older_than_they_are(
            year in 1900..2100i32, month in 1..=12u32, day in 1..=31u32, days in 0..60_000i64,
            minimum in 13..=16u32, adult in 18..=21u32,
        ) {
            let Some(birthday) = NaiveDate::from_ymd_opt(year, month, day) else { return Ok(()) };
            let today = birthday + chrono::Duration::days(days);
            let truly = |date: NaiveDate| {
                let years = date.years_since(birthday).unwrap_or(0);
                if years < minimum { Band::Child } else if years < adult { Band::Minor } else { Band::Adult }
            };
            let now = on(today.year(), today.month(), today.day());
            let said = Birth::new(year, month, now).unwrap().band(now, minimum, adult);
            prop_assert!(said <= truly(today));
            prop_assert!(said >= truly((today - Months::new(1)).max(birthday)));
        }

        /// The band never falls as time goes by.
        #[test]
        fn nobody_grows_younger(year in 1900..2026i32, month in 1..=12u32, a in 0..40_000i64, b in 0..40_000i64) {
            let begin = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
            let at = |days: i64| {
                let day = begin + chrono::Duration::days(days);
                let now = on(day.year(), day.month(), day.day());
                Birth::new(year, month, now).unwrap().band(now, 13, 18)
            };
            prop_assert!(at(a.min(b)) <= at(a.max(b)));
        }

        #[test]
        fn a_word_says_its_band_for_a_day_and_cannot_be_made_up(
            key in any::<[u8; 32]>(), other in any::<[u8; 32]>(), hours in -3..60i64, flip in 0..28usize,
        ) {
            let now = on(2026, 11, 25);
            let words = [Band::Child, Band::Minor, Band::Adult].map(|band| (band, seal(&key, band, now)));
            for (band, word) in &words {
                prop_assert_eq!(word.len(), words[0].1.len());
                let later = now.plus(hours * HOUR);
                prop_assert_eq!(open(&key, word, later), (0..=24).contains(&hours).then_some(*band));
                prop_assert!(key == other || open(&other, word, now).is_none());
                let mut bytes = URL_SAFE_NO_PAD.decode(word).unwrap();
                bytes[flip] ^= 1;
                prop_assert_eq!(open(&key, &URL_SAFE_NO_PAD.encode(bytes), now), None);
            }
            for nonsense in ["", "adult", "AAAA", "AAAAAA"] {
                prop_assert_eq!(open(&key, nonsense, now), None);
            }
        }
    }
}
