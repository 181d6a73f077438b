//! Letters that nobody has to get, and letters that report back: off until somebody switches them on, each with a
//! receipt, and counted without anybody's name.
//!
//! Letters about what somebody did (an account, a password, an order, a decision) are neither: they cannot be refused,
//! they carry no marketing, and they never report back.

pub mod routes;
pub mod saying;

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::Serialize;

use super::account;
use super::age::Band;
use super::decision::{Context, Decision, decide};
use super::rulebook::Rulebook;
use super::tally::Tally;
use super::word::Row;
use crate::accounts::user::User;
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::{account_letters, letter_days, users};
use crate::each_db;
use crate::error::Result;
use crate::ids::UserId;
use crate::secrets;
use crate::text_enum;

/// How long a yes to the weekly letter lasts. A yes without an end is forgotten by whoever gave it.
pub const NEWS_DAYS: i64 = 730;
/// How long counts of letters are kept, in days.
pub const KEPT_DAYS: i64 = 400;
/// Days after which a letter that is still opened is not counted any more.
const COUNTED_DAYS: i64 = 60;

text_enum! {
    /// What an account may switch on.
    pub enum Topic {
        /// Whether letters may report back.
        Measurement = "email_measurement",
        /// The weekly letter.
        News = "marketing_email",
    }
}

impl Topic {
    pub fn name(self) -> &'static str {
        match self {
            Topic::Measurement => "Letters that report back",
            Topic::News => "A letter a week",
        }
    }

    /// One sentence on what is done. Part of what a yes was given for.
    pub fn words(self) -> &'static str {
        match self {
            Topic::Measurement => {
                "The weekly letter tells us that one of those who agreed opened it or followed a link. It is counted \
                 by day, and nothing says that it was you."
            }
            Topic::News => {
                "What is new in the shop, once a week. Every letter ends with a link that stops it."
            }
        }
    }

    /// The hash of what was told about it.
    pub fn fingerprint(self) -> String {
        secrets::sha256(format!("{}\n{}\n{}", self.as_str(), self.name(), self.words()))
    }

    /// Until when a yes of this moment holds.
    pub fn holds_until(self, book: &Rulebook, decided_at: Timestamp) -> Timestamp {
        match self {
            Topic::Measurement => decided_at.plus(book.choice_ms),
            Topic::News => decided_at.plus(NEWS_DAYS * DAY),
        }
    }
}

/// What a letter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// About what somebody did, or to a guardian: cannot be refused, and never reports back.
    Admin,
    /// For those who asked for it.
    News,
}

/// The letters that nobody has to get. Every other one is [`Class::Admin`].
pub const NEWS: &[&str] = &["news"];

impl Class {
    /// The class of a letter by its template.
    pub fn of(template: &str) -> Class {
        if NEWS.contains(&template) { Class::News } else { Class::Admin }
    }
}

/// What an account switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted(BTreeMap<&'static str, (bool, Timestamp)>);

impl Wanted {
    /// What an account said.
    pub fn of(conn: &mut Conn, user: &UserId) -> Result<Wanted> {
        let rows: Vec<(Topic, bool, Timestamp)> = account_letters::table
            .filter(account_letters::user_id.eq(user))
            .select((account_letters::topic, account_letters::wanted, account_letters::decided_at))
            .load(conn)?;
        Ok(Wanted(rows.into_iter().map(|(topic, wanted, at)| (topic.as_str(), (wanted, at))).collect()))
    }

    /// The same after this was said.
    fn with(&self, said: &[(Topic, bool)], now: Timestamp) -> Wanted {
        let mut all = self.0.clone();
        all.extend(said.iter().map(|(topic, wanted)| (topic.as_str(), (*wanted, now))));
        Wanted(all)
    }

    /// As one line, each answer with its moment: nothing that is said later looks like it.
    fn row(&self) -> Row {
        let answer = |(topic, (wanted, at)): (&&str, &(bool, Timestamp))| {
            format!("{topic}{}{}", if *wanted { '+' } else { '-' }, at.0)
        };
        let line = self.0.iter().map(answer).collect::<Vec<_>>().join(",");
        Row { line, since: self.0.values().map(|(_, at)| *at).max() }
    }

    /// Whether a topic is on and its yes has not run out.
    pub fn is_on(&self, topic: Topic, book: &Rulebook, now: Timestamp) -> bool {
        self.0.get(topic.as_str()).is_some_and(|(wanted, at)| *wanted && now < topic.holds_until(book, *at))
    }
}

/// Keeps what an account says about a topic. Belongs into the write of its receipt.
pub fn keep(conn: &mut Conn, user: &UserId, topic: Topic, wanted: bool, now: Timestamp) -> Result<()> {
    let set = (account_letters::wanted.eq(wanted), account_letters::decided_at.eq(now));
    let row = (account_letters::user_id.eq(user), account_letters::topic.eq(topic), set.0, set.1);
    each_db!(conn, |c| diesel::insert_into(account_letters::table)
        .values(row)
        .on_conflict((account_letters::user_id, account_letters::topic))
        .do_update()
        .set(set)
        .execute(c))?;
    Ok(())
}

/// What is decided about letters to an account: by its own choices, since no browser is there to send a signal. A signal
/// that an account was ever seen with stands in them.
pub fn decision(conn: &mut Conn, book: &Rulebook, user: &User, now: Timestamp) -> Result<Decision> {
    let kept = account::of(conn, &user.id)?;
    let choices = kept.choices.unwrap_or_default();
    let wanted = Wanted::of(conn, &user.id)?;
    Ok(decide(&Context {
        book,
        band: band(user),
        age_locked: user.disabled_at.is_some() || user.hold.is_some(),
        for_children: false,
        gpc: false,
        dnt: false,
        account_opted_out: choices.opted_out_at.is_some(),
        // No letter carries advertisements.
        ad_free: false,
        choices: &choices,
        country: user.country.as_deref(),
        letters_measured: wanted.is_on(Topic::Measurement, book, now),
        load_once: None,
        now,
    }))
}

/// What is known of somebody's age: of an account that nobody confirmed, or that is held back for it, nothing.
fn band(user: &User) -> Option<Band> {
    user.confirmed_at.filter(|_| user.hold.is_none()).map(|_| user.band)
}

/// Those who want the weekly letter today: of age, confirmed, not closed, their yes not run out.
pub fn readers(conn: &mut Conn, now: Timestamp) -> Result<Vec<User>> {
    let since = now.plus(-NEWS_DAYS * DAY);
    let mut all: Vec<User> = users::table
        .inner_join(account_letters::table.on(account_letters::user_id.eq(users::id)))
        .filter(account_letters::topic.eq(Topic::News).and(account_letters::wanted.eq(true)))
        .filter(account_letters::decided_at.gt(since))
        .filter(users::confirmed_at.is_not_null().and(users::disabled_at.is_null()))
        .order(users::id)
        .select(User::as_select())
        .load(conn)?;
    all.retain(|user| band(user) == Some(Band::Adult));
    Ok(all)
}

/// Which week a moment is in, counted from Monday to Sunday in UTC.
pub fn week(now: Timestamp) -> i64 {
    (now.0.div_euclid(DAY) + 3).div_euclid(7)
}

text_enum! {
    /// What is counted of a letter.
    pub enum What {
        Sent = "sent",
        Opened = "opened",
        Followed = "followed",
    }
}

/// Letters that reported back and are not written down yet: day, letter, what.
pub type Heard = Tally<(String, &'static str, What)>;

/// The letter and day that an address names, where there is such a letter and its day is not long gone or to come.
pub fn known(letter: &str, day: &str, now: Timestamp) -> Option<(String, &'static str)> {
    let letter = NEWS.iter().copied().find(|known| *known == letter)?;
    let date: chrono::NaiveDate = day.parse().ok()?;
    let age = (now.utc().date_naive() - date).num_days();
    ((0..=COUNTED_DAYS).contains(&age) && day.len() == 10).then(|| (day.to_owned(), letter))
}

/// Writes down what was counted.
pub fn record(conn: &mut Conn, counted: &BTreeMap<(String, &'static str, What), i64>) -> Result<()> {
    counted.iter().try_for_each(|((day, letter, what), count)| add(conn, day, letter, *what, *count))
}

/// Counts so many of a letter.
pub fn add(conn: &mut Conn, day: &str, letter: &str, what: What, count: i64) -> Result<()> {
    let row = (
        letter_days::day.eq(day),
        letter_days::letter.eq(letter),
        letter_days::what.eq(what),
        letter_days::count.eq(count),
    );
    each_db!(conn, |c| diesel::insert_into(letter_days::table)
        .values(row)
        .on_conflict((letter_days::day, letter_days::letter, letter_days::what))
        .do_update()
        .set(letter_days::count.eq(letter_days::count + count))
        .execute(c))?;
    Ok(())
}

/// One kind of letter on one day: how many of those that could report back left, and what came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Day {
    pub day: String,
    pub letter: String,
    pub sent: i64,
    pub opened: i64,
    pub followed: i64,
}

/// The last days of which something is known, the latest first.
pub fn days(conn: &mut Conn) -> Result<Vec<Day>> {
    let rows: Vec<(String, String, What, i64)> = letter_days::table
        .order((letter_days::day.desc(), letter_days::letter))
        .select((letter_days::day, letter_days::letter, letter_days::what, letter_days::count))
        .limit(300)
        .load(conn)?;
    let mut all: Vec<Day> = vec![];
    for (day, letter, what, count) in rows {
        if all.last().is_none_or(|last| (&last.day, &last.letter) != (&day, &letter)) {
            all.push(Day { day, letter, ..Day::default() });
        }
        if let Some(last) = all.last_mut() {
            match what {
                What::Sent => last.sent = count,
                What::Opened => last.opened = count,
                What::Followed => last.followed = count,
            }
        }
    }
    Ok(all)
}

/// Forgets counts older than they may be. Answers how many rows.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let oldest = now.plus(-KEPT_DAYS * DAY).day();
    Ok(diesel::delete(letter_days::table.filter(letter_days::day.lt(oldest))).execute(conn)?)
}

/// The word in the link that ends the weekly letter of an account: nobody else can make it, and it tells nothing else.
pub fn stop_word(key: &[u8; 32], user: &UserId) -> String {
    let mac = secrets::mac(key, format!("stop the weekly letter of {user}").as_bytes());
    format!("{user}{}", hex::encode(&mac[..16]))
}

/// Whose weekly letter a word ends.
pub fn whose(key: &[u8; 32], word: &str) -> Option<UserId> {
    let (id, _) = word.split_at_checked(32)?;
    let user = UserId::parse(id)?;
    secrets::same(stop_word(key, &user).as_bytes(), word.as_bytes()).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: Timestamp = Timestamp(1_795_392_000_000); // 2026-11-23

    #[test]
    fn a_week_begins_on_monday() {
        assert_eq!(MONDAY.day(), "2026-11-23");
        assert_eq!(week(MONDAY), week(MONDAY.plus(7 * DAY - 1)));
        assert_eq!(week(MONDAY.plus(-1)) + 1, week(MONDAY));
        assert_eq!(week(MONDAY.plus(7 * DAY)), week(MONDAY) + 1);
    }

    #[test]
    fn only_days_that_can_be_are_counted() {
        for (letter, day, fine) in [
            ("news", "2026-11-23", true),
            ("news", "2026-09-24", true),
            ("news", "2026-09-23", false),
            ("news", "2026-11-24", false),
            ("news", "2026-11-3", false),
            ("receipt", "2026-11-23", false),
            ("news", "yesterday", false),
        ] {
            assert_eq!(known(letter, day, MONDAY).is_some(), fine, "{letter} {day}");
        }
    }

    #[test]
    fn a_word_ends_the_letter_of_one_account_alone() {
        let (key, ada, bea) = ([7; 32], UserId::new(), UserId::new());
        let word = stop_word(&key, &ada);
        assert_eq!(whose(&key, &word), Some(ada.clone()));
        assert_eq!(whose(&[8; 32], &word), None);
        assert_eq!(whose(&key, &word.replacen(ada.as_str(), bea.as_str(), 1)), None);
        for broken in ["", "x", &word[..63], &format!("{word}0")] {
            assert_eq!(whose(&key, broken), None, "{broken}");
        }
    }
}
