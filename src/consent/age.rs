//! How old somebody is, from a month of birth and today; and the sealed word a browser keeps of the answer.
//!
//! The day of birth may be told and need not be. Without it whoever was born in a month counts as the younger until that
//! month is over, at every threshold; with it the answer is exact. It is kept no more than the month is, so every later
//! move is on the first day of the month after the birthday's. A day is that of UTC, and all arithmetic is on a `now`
//! handed in.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use cookie::{Cookie, CookieJar, Key};

pub use crate::accounts::band::Band;
use crate::clock::{HOUR, Timestamp};
use crate::secrets;

/// How long an answer that asks for no grown-up is remembered. Any other is until the browser closes.
pub const REMEMBERED_MS: i64 = 24 * HOUR;

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    /// 1 to 12.
    month: u32,
}

impl Month {
    /// Reads `2030-04`.
    pub fn parse(text: &str) -> Option<Month> {
        let (year, month) = text.split_once('-')?;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        let month = (1..=12).contains(&month).then_some(Month { year, month })?;
        (month.to_string() == text).then_some(month)
    }

    /// The month in which this moment is, in UTC.
    pub fn of(now: Timestamp) -> Month {
        let (year, month) = now.year_month();
        Month { year, month }
    }

    /// The next one.
    pub(super) fn after(self) -> Month {
        match self.month {
            12 => Month { year: self.year + 1, month: 1 },
            month => Month { month: month + 1, ..self },
        }
    }

    /// The same month so many years later.
    pub fn later(self, years: u32) -> Month {
        Month { year: self.year + years as i32, ..self }
    }

    /// The same month so many years earlier.
    pub fn earlier(self, years: u32) -> Month {
        Month { year: self.year - years as i32, ..self }
    }

    /// Its first moment in UTC.
    pub fn begins(self) -> Timestamp {
        let day = NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or_default();
        Timestamp(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
    }

    /// Whether its first moment (UTC) is over.
    pub fn has_begun(self, now: Timestamp) -> bool {
        (self.year, self.month) <= now.year_month()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// From which ages on somebody is no child, and of age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub minimum: u32,
    pub adult: u32,
}

/// What an answer at the screen comes to: all that is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub band: Band,
    /// When the next band begins; nothing for those of age.
    pub next: Option<Month>,
}

impl From<Band> for Answer {
    fn from(band: Band) -> Answer {
        Answer { band, next: None }
    }
}

/// A month of birth, with its day where it was told. It lives as long as one request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Birth {
    year: i32,
    month: u32,
    day: Option<u32>,
}

impl Birth {
    /// The earliest year that is taken: nobody alive is older.
    pub const EARLIEST: i32 = 1900;

    /// A month between the earliest year and today, both included.
    pub fn new(year: i32, month: u32, today: Timestamp) -> Option<Birth> {
        let fine =
            year >= Birth::EARLIEST && (1..=12).contains(&month) && (year, month) <= today.year_month();
        fine.then_some(Birth { year, month, day: None })
    }

    /// The same birth on this day of its month: one that there was in that year, and that is not to come.
    pub fn on(self, day: u32, today: Timestamp) -> Option<Birth> {
        let date = NaiveDate::from_ymd_opt(self.year, self.month, day)?;
        (date <= today.utc().date_naive()).then_some(Birth { day: Some(day), ..self })
    }

    /// Full years; without the day at least so many, since the birthday then counts once its month is over. Of somebody born
    /// on 29 February it is 1 March in a year without that day: the younger counts.
    fn years(self, today: Timestamp) -> i32 {
        let date = today.utc().date_naive();
        let is_over = match self.day {
            Some(day) => (date.month(), date.day()) >= (self.month, day),
            None => date.month() > self.month,
        };
        date.year() - self.year - i32::from(!is_over)
    }

    /// The month from whose beginning on this person is so old for certain.
    fn reaches(self, years: u32) -> Month {
        Month { year: self.year + years as i32, month: self.month }.after()
    }

    /// What the age means under these thresholds, and for the young when that ends.
    pub fn answer(self, today: Timestamp, at: Thresholds) -> Answer {
        let years = i64::from(self.years(today));
        match years {
            y if y < i64::from(at.minimum) => {
                Answer { band: Band::Child, next: Some(self.reaches(at.minimum)) }
            }
            y if y < i64::from(at.adult) => Answer { band: Band::Minor, next: Some(self.reaches(at.adult)) },
            _ => Answer { band: Band::Adult, next: None },
        }
    }
}

/// What the seal is bound to: a value sealed for another purpose opens nothing here.
const BOUND_TO: &str = "cuehouse age";

fn key(seal: &[u8; 32]) -> Key {
    let mut both = secrets::derive(seal, "age cookie 1").to_vec();
    both.extend(secrets::derive(seal, "age cookie 2"));
    Key::from(&both)
}

/// The word for the browser: the answer and its hour, encrypted. Equally long for every answer, so that neither a reader
/// of cookies nor a proxy learns it.
pub fn seal(seal: &[u8; 32], answer: impl Into<Answer>, now: Timestamp) -> String {
    let Answer { band, next } = answer.into();
    let letter = match band {
        Band::Child => 'c',
        Band::Minor => 'm',
        Band::Adult => 'a',
    };
    let next = next.map_or("0000-00".to_owned(), |month| month.to_string());
    let mut jar = CookieJar::new();
    let line = format!("{letter} {next} {:010}", now.0.div_euclid(HOUR));
    jar.private_mut(&key(seal)).add(Cookie::new(BOUND_TO, line));
    jar.get(BOUND_TO).map(|c| c.value().to_owned()).unwrap_or_default()
}

/// What a word of ours says, while it counts: that of somebody of age for a day, any other until its band is over.
pub fn open(seal: &[u8; 32], word: &str, now: Timestamp) -> Option<Answer> {
    let sealed = Cookie::new(BOUND_TO, word.to_owned());
    let line = CookieJar::new().private(&key(seal)).decrypt(sealed)?.value().to_owned();
    let mut parts = line.split(' ');
    let band = match parts.next()? {
        "c" => Band::Child,
        "m" => Band::Minor,
        "a" => Band::Adult,
        _ => return None,
    };
    let next = Month::parse(parts.next()?);
    let age = now.0.div_euclid(HOUR) - parts.next()?.parse::<i64>().ok()?;
    let counts = match band {
        Band::Adult => (0..=REMEMBERED_MS / HOUR).contains(&age),
        _ => age >= 0 && next.is_none_or(|month| !month.has_begun(now)),
    };
    counts.then_some(Answer { band, next })
}

#[cfg(test)]
mod tests {
    use chrono::{Months, TimeZone, Utc};
    use proptest::prelude::*;

    use super::*;

    const AT: Thresholds = Thresholds { minimum: 13, adult: 18 };

    fn on(year: i32, month: u32, day: u32) -> Timestamp {
        Timestamp(Utc.with_ymd_and_hms(year, month, day, 12, 0, 0).unwrap().timestamp_millis())
    }

    fn band(born: (i32, u32), today: (i32, u32, u32)) -> Option<Band> {
        let today = on(today.0, today.1, today.2);
        Some(Birth::new(born.0, born.1, today)?.answer(today, AT).band)
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

    /// T-AGE-3: with the day the answer is exact: the day before, on and after. A leap day's birthday is on 1 March in
    /// years without it. A day that there was not, or that is still to come, is no birth.
    #[test]
    fn with_the_day_thresholds_are_passed_on_the_birthday() {
        let band = |(year, month, day): (i32, u32, u32), (y, m, d): (i32, u32, u32)| {
            let today = on(y, m, d);
            Some(Birth::new(year, month, today)?.on(day, today)?.answer(today, AT))
        };
        for (born, today, is) in [
            ((2013, 11, 28), (2026, 11, 27), Band::Child),
            ((2013, 11, 28), (2026, 11, 28), Band::Minor),
            ((2013, 11, 28), (2026, 11, 29), Band::Minor),
            ((2008, 11, 28), (2026, 11, 27), Band::Minor),
            ((2008, 11, 28), (2026, 11, 28), Band::Adult),
            ((2008, 12, 31), (2026, 12, 30), Band::Minor),
            ((2008, 12, 31), (2026, 12, 31), Band::Adult),
            ((2008, 12, 31), (2027, 1, 1), Band::Adult),
            ((2009, 1, 1), (2026, 12, 31), Band::Minor),
            ((2009, 1, 1), (2027, 1, 1), Band::Adult),
            ((2008, 2, 29), (2026, 2, 28), Band::Minor),
            ((2008, 2, 29), (2026, 3, 1), Band::Adult),
            ((2012, 2, 29), (2025, 2, 28), Band::Child),
            ((2012, 2, 29), (2025, 3, 1), Band::Minor),
            ((2026, 11, 28), (2026, 11, 28), Band::Child),
        ] {
            let said = band(born, today).unwrap();
            assert_eq!(said.band, is, "{born:?} on {today:?}");
            // What is kept moves with the month all the same, as it would without the day.
            let without = Birth::new(born.0, born.1, on(today.0, today.1, today.2)).unwrap();
            let years = if is == Band::Child { AT.minimum } else { AT.adult };
            assert_eq!(said.next, (is != Band::Adult).then(|| without.reaches(years)));
        }
        for nonsense in
            [(2026, 11, 29), (2025, 2, 29), (1900, 2, 29), (2000, 4, 31), (2000, 4, 0), (2000, 4, 32)]
        {
            assert_eq!(band(nonsense, (2026, 11, 28)), None, "{nonsense:?}");
        }
        assert!(band((2000, 2, 29), (2026, 11, 28)).is_some());
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
            let said = Birth::new(year, month, now).unwrap().answer(now, Thresholds { minimum, adult }).band;
            prop_assert!(said <= truly(today));
            prop_assert!(said >= truly((today - Months::new(1)).max(birthday)));
            // With the day it is exactly what they are.
            let at = Thresholds { minimum, adult };
            let exact = Birth::new(year, month, now).unwrap().on(day, now).unwrap().answer(now, at);
            prop_assert_eq!(exact.band, truly(today));
            prop_assert!(exact.next.is_none_or(|next| !next.has_begun(now)));
        }

        /// The band never falls as time goes by.
        #[test]
        fn nobody_grows_younger(year in 1900..2026i32, month in 1..=12u32, a in 0..40_000i64, b in 0..40_000i64) {
            let begin = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
            let at = |days: i64| {
                let day = begin + chrono::Duration::days(days);
                let now = on(day.year(), day.month(), day.day());
                Birth::new(year, month, now).unwrap().answer(now, AT).band
            };
            prop_assert!(at(a.min(b)) <= at(a.max(b)));
        }

        /// The next band begins in exactly the month that is kept, and not a millisecond before.
        #[test]
        fn the_month_that_is_kept_is_the_one_in_which_the_band_moves(
            year in 1990..2026i32, month in 1..=12u32, days in 0..6_500i64,
        ) {
            let begin = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
            let day = begin + chrono::Duration::days(days);
            let now = on(day.year(), day.month(), day.day());
            let birth = Birth::new(year, month, now).unwrap();
            let said = birth.answer(now, AT);
            let Some(next) = said.next else {
                prop_assert_eq!(said.band, Band::Adult);
                return Ok(());
            };
            prop_assert!(!next.has_begun(now));
            prop_assert_eq!(Month::parse(&next.to_string()), Some(next));
            let first = Utc.with_ymd_and_hms(next.year, next.month, 1, 0, 0, 0).unwrap().timestamp_millis();
            let (before, at) = (Timestamp(first - 1), Timestamp(first));
            prop_assert!(next.has_begun(at) && !next.has_begun(before));
            prop_assert_eq!(birth.answer(before, AT).band, said.band);
            prop_assert!(birth.answer(at, AT).band > said.band);
        }

        /// T-AGE-6, R-AG-3: a word cannot be made up or altered, is of one length, and lasts a day for those of age and
        /// as long as the band for the young.
        #[test]
        fn a_word_says_its_answer_and_cannot_be_made_up(
            key in any::<[u8; 32]>(), other in any::<[u8; 32]>(), hours in -3..60i64, flip in 0..20usize,
        ) {
            let now = on(2026, 11, 25);
            let next = Month::parse("2030-01");
            let said = [Answer { band: Band::Child, next }, Answer::from(Band::Child), Answer { band: Band::Minor, next },
                Answer::from(Band::Adult)];
            let words = said.map(|answer| (answer, seal(&key, answer, now)));
            for (answer, word) in &words {
                prop_assert_eq!(word.len(), words[0].1.len());
                let later = now.plus(hours * HOUR);
                let counts = if answer.band == Band::Adult { (0..=24).contains(&hours) } else { hours >= 0 };
                prop_assert_eq!(open(&key, word, later), counts.then_some(*answer));
                prop_assert!(key == other || open(&other, word, now).is_none());
                let mut bytes = word.clone().into_bytes();
                bytes[flip] = if bytes[flip] == b'A' { b'B' } else { b'A' };
                prop_assert_eq!(open(&key, &String::from_utf8(bytes).unwrap(), now), None);
            }
            let (_, minor) = &words[2];
            prop_assert_eq!(open(&key, minor, on(2029, 12, 31)).map(|a| a.band), Some(Band::Minor));
            prop_assert_eq!(open(&key, minor, on(2030, 1, 1)), None);
            for nonsense in ["", "adult", "AAAA", "AAAAAA"] {
                prop_assert_eq!(open(&key, nonsense, now), None);
            }
        }
    }
}
