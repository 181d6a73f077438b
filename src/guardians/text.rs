//! A parent who answers with a text message (16 CFR 312.5(b)(2)(ix)): a code goes to their mobile number, they type it and
//! answer on their page, and a day later a second message says how to take it back.
//!
//! The number is kept for these two messages and no longer: it goes with the second, with the permission that ends before, and
//! by the clock where the code or the answer never came. It is shown to nobody but its last two digits to whoever typed it.
//! The code is in no row: it follows from the row's id under a key of the shop's, and so does the link of the second message, so
//! that a message that is handed over twice is the same one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::permission::{Method, Scope};
use super::state::State;
use super::ward::Ward;
use crate::clock::{DAY, HOUR, MINUTE, SECOND, Timestamp};
use crate::db::Conn;
use crate::db::schema::{guardian_texts, permissions};
use crate::error::{Error, Result};
use crate::ids::{TextId, WardId};
use crate::jobs::{Job, Priority, Terms, enqueue, enqueue_as};
use crate::secrets;

/// How long a code counts, and the number is kept for it.
pub const CODE_MS: i64 = 15 * MINUTE;
/// How long after the right code the answer can be given by it.
pub const ANSWER_MS: i64 = HOUR;
/// Codes that may be entered for one message.
pub const MOST_TRIES: i32 = 5;
/// Codes for one ward within a day that were carried, or may be.
pub const MOST_A_DAY: i64 = 3;
/// How long after an answer the second message is tried; then it goes by letter.
const TRIED_MS: i64 = 4 * DAY;
/// The longest that a number is kept after an answer, whatever became of the message.
const KEPT_MS: i64 = 5 * DAY;
/// A second click within this time asks for nothing new.
const CLICK_MS: i64 = 30 * SECOND;

/// A telephone number as the world dials it (ITU-T E.164): a plus and 8 to 15 digits. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// Reads what somebody typed; spaces and the marks people put between digits are left out. Nothing for what is no such
    /// number, or can be dialled in two ways.
    pub fn parse(text: &str) -> Option<Number> {
        if text.contains("(0)") {
            return None;
        }
        let counts = |c: &char| !matches!(c, ' ' | '\u{a0}' | '-' | '.' | '/' | '(' | ')');
        let plain: String = text.chars().filter(counts).collect();
        let digits = plain.strip_prefix('+')?;
        let fits = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
        (fits && digits.bytes().all(|b| b.is_ascii_digit())).then_some(Number(plain))
    }

    /// For what is sent to it, and for counting attempts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A code that was asked for, and what came of it.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = guardian_texts)]
pub struct TextMessage {
    pub id: TextId,
    pub ward: WardId,
    number: Option<String>,
    tries: i32,
    pub asked_at: Timestamp,
    /// When the number goes by itself.
    pub ends_at: Timestamp,
    sent_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
    proved_at: Option<Timestamp>,
    answered_at: Option<Timestamp>,
}

impl fmt::Debug for TextMessage {
    /// Without the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextMessage").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is handed to whoever carries it. Nothing prints it.
pub struct Message {
    id: String,
    to: String,
    text: String,
}

impl Message {
    /// As they are told it: a message of an id that they had is not sent again.
    pub fn told(&self) -> Value {
        json!({ "id": self.id, "to": self.to, "text": self.text })
    }
}

/// What came of a code that was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It was the one. Entered again, too.
    Right,
    /// It was not; so many more may be entered.
    Wrong(i32),
    /// No code counts any more.
    Over,
}

impl TextMessage {
    /// The one that was asked for last, if that is known still.
    pub fn newest_of(conn: &mut Conn, ward: &WardId) -> Result<Option<TextMessage>> {
        let newest = guardian_texts::table
            .filter(guardian_texts::ward.eq(ward))
            .order((guardian_texts::asked_at.desc(), guardian_texts::id.desc()));
        Ok(newest.select(TextMessage::as_select()).first(conn).optional()?)
    }

    /// The one with this id, if it is known still.
    pub fn find(conn: &mut Conn, id: &TextId) -> Result<Option<TextMessage>> {
        let found = guardian_texts::table.find(id).select(TextMessage::as_select());
        Ok(found.first(conn).optional()?)
    }

    /// The one whose code came, so that an answer counts by it now.
    pub fn proved_of(conn: &mut Conn, ward: &WardId, now: Timestamp) -> Result<Option<TextMessage>> {
        Ok(TextMessage::newest_of(conn, ward)?.filter(|text| text.is_proved(now)))
    }

    /// Whether its code is waited for.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.number.is_some() && self.proved_at.is_none() && now < self.ends_at
    }

    /// Whether its code came and no answer yet.
    pub fn is_proved(&self, now: Timestamp) -> bool {
        self.number.is_some() && self.proved_at.is_some() && self.answered_at.is_none() && now < self.ends_at
    }

    /// The last two digits of the number, while it is known.
    pub fn ends_in(&self) -> Option<String> {
        let number = self.number.as_deref()?;
        number.get(number.len().checked_sub(2)?..).map(str::to_owned)
    }

    /// Why the page does not simply go on, in a sentence for whoever asked for it.
    pub fn trouble(&self, now: Timestamp) -> Option<&'static str> {
        if self.is_open(now) {
            return self.failed_at.map(|_| {
                "Whoever carries our messages cannot be reached at the moment. We go on trying while the code counts. You need \
                 not wait: you can answer by e-mail."
            });
        }
        match self.proved_at {
            Some(_) if self.is_proved(now) => None,
            Some(_) if now < self.ends_at => {
                Some("The number was deleted. You can have another code sent, or answer by e-mail.")
            }
            Some(_) => Some("The hour for an answer by text message is over, and the number is deleted."),
            None if self.number.is_none() && self.failed_at.is_some() => Some(
                "That message could not be sent. Look at the number again, or answer by e-mail. The number was deleted.",
            ),
            None if self.tries >= MOST_TRIES => {
                Some("Those were too many wrong codes: this one counts no more, and the number was deleted.")
            }
            None => {
                Some("That code counts no more, and the number is deleted. You can have another one sent.")
            }
        }
    }

    /// The message with the code, as long as there is a point in sending it.
    pub fn first_message(&self, site: &str, key: &[u8], now: Timestamp) -> Option<Message> {
        let to = self.number.clone().filter(|_| self.is_open(now) && self.sent_at.is_none())?;
        let text = format!(
            "{} is your code for {site}. It counts for 15 minutes. If you did not ask for it, do nothing.",
            self.code(key)
        );
        Some(Message { id: self.id.to_string(), to, text })
    }

    /// The message a day after the answer, as long as it is tried.
    pub fn second_message(
        &self,
        site: &str,
        allowed: &[Scope],
        link: &str,
        now: Timestamp,
    ) -> Option<Message> {
        let answered = self.answered_at?;
        let to = self.number.clone().filter(|_| now < answered.plus(TRIED_MS))?;
        let allowed: Vec<String> = allowed.iter().map(|scope| scope.name().to_lowercase()).collect();
        let text = format!(
            "{site}: you allowed that your child may {}. To take it back open {link}",
            allowed.join(", ")
        );
        Some(Message { id: format!("{}-2", self.id), to, text })
    }

    /// What the second message's link ends with: 256 bits that only the shop can make.
    pub fn link(&self, key: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(secrets::mac(key, format!("link {}", self.id).as_bytes()))
    }

    /// Six digits.
    fn code(&self, key: &[u8]) -> String {
        let bytes = secrets::mac(key, format!("code {}", self.id).as_bytes());
        let whole = bytes[..8].iter().fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
        format!("{:06}", whole % 1_000_000)
    }

    /// The code was taken to be carried.
    pub fn sent(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        diesel::update(guardian_texts::table.find(&self.id))
            .set((guardian_texts::sent_at.eq(now), guardian_texts::failed_at.eq(None::<Timestamp>)))
            .execute(conn)?;
        Ok(())
    }

    /// It was not taken; `for_good` where trying again would not help, and then the number goes.
    pub fn failed(&self, conn: &mut Conn, for_good: bool, now: Timestamp) -> Result<()> {
        diesel::update(guardian_texts::table.find(&self.id))
            .set(guardian_texts::failed_at.eq(now))
            .execute(conn)?;
        if for_good {
            diesel::update(guardian_texts::table.find(&self.id))
                .set(guardian_texts::number.eq(None::<String>))
                .execute(conn)?;
        }
        Ok(())
    }

    /// The answer was given by it: the number waits for the second message.
    pub fn answered(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        diesel::update(guardian_texts::table.find(&self.id))
            .set((guardian_texts::answered_at.eq(now), guardian_texts::ends_at.eq(now.plus(KEPT_MS))))
            .execute(conn)?;
        Ok(())
    }
}

/// Has a code sent to this number, in place of one that was asked for before. False where that were too many for a day.
/// `Conflict` where no answer is waited for.
pub fn ask(conn: &mut Conn, ward: &WardId, number: &Number, now: Timestamp) -> Result<bool> {
    if Ward::find(conn, ward)?.state != State::Waiting {
        return Err(Error::conflict("This was answered already."));
    }
    let is_click = |last: &TextMessage| {
        last.is_open(now)
            && last.failed_at.is_none()
            && last.number.as_deref() == Some(number.as_str())
            && now.since(last.asked_at) < CLICK_MS
    };
    if TextMessage::newest_of(conn, ward)?.is_some_and(|last| is_click(&last)) {
        return Ok(true);
    }
    let today: i64 = guardian_texts::table
        .filter(guardian_texts::ward.eq(ward).and(guardian_texts::asked_at.gt(now.plus(-DAY))))
        .filter(guardian_texts::failed_at.is_null())
        .count()
        .get_result(conn)?;
    if today >= MOST_A_DAY {
        return Ok(false);
    }
    forget(conn, ward)?;
    let text = TextMessage {
        id: TextId::new(),
        ward: ward.clone(),
        number: Some(number.as_str().to_owned()),
        tries: 0,
        asked_at: now,
        ends_at: now.plus(CODE_MS),
        sent_at: None,
        failed_at: None,
        proved_at: None,
        answered_at: None,
    };
    diesel::insert_into(guardian_texts::table).values(&text).execute(conn)?;
    enqueue(conn, &Job::SendText { text: text.id }, now)?;
    drop_later(conn, CODE_MS, now)?;
    Ok(true)
}

/// Somebody enters a code. Each is counted in the statement that lets it be looked at; after the last wrong one the number
/// goes.
pub fn enter(conn: &mut Conn, ward: &WardId, code: &str, key: &[u8], now: Timestamp) -> Result<Entered> {
    let Some(text) = TextMessage::newest_of(conn, ward)? else { return Ok(Entered::Over) };
    if text.is_proved(now) {
        return Ok(Entered::Right);
    }
    let open = guardian_texts::table
        .find(&text.id)
        .filter(guardian_texts::number.is_not_null().and(guardian_texts::proved_at.is_null()))
        .filter(guardian_texts::ends_at.gt(now).and(guardian_texts::tries.lt(MOST_TRIES)));
    let counted =
        diesel::update(open).set(guardian_texts::tries.eq(guardian_texts::tries + 1)).execute(conn)?;
    if counted != 1 {
        return Ok(Entered::Over);
    }
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if secrets::same(digits.as_bytes(), text.code(key).as_bytes()) {
        diesel::update(guardian_texts::table.find(&text.id))
            .set((guardian_texts::proved_at.eq(now), guardian_texts::ends_at.eq(now.plus(ANSWER_MS))))
            .execute(conn)?;
        drop_later(conn, ANSWER_MS, now)?;
        return Ok(Entered::Right);
    }
    let left = MOST_TRIES - text.tries - 1;
    if left <= 0 {
        forget(conn, ward)?;
    }
    Ok(Entered::Wrong(left.max(0)))
}

/// Looks for numbers to forget once this time is over.
fn drop_later(conn: &mut Conn, after_ms: i64, now: Timestamp) -> Result<()> {
    // A little later, because two clocks need not agree.
    let terms = Terms { once: None, priority: Priority::Upkeep, delay_ms: after_ms + 5 * SECOND };
    enqueue_as(conn, &Job::DropNumbers {}, terms, now).map(drop)
}

/// Forgets the number of whoever answers for this ward.
pub fn forget(conn: &mut Conn, ward: &WardId) -> Result<()> {
    diesel::update(guardian_texts::table.filter(guardian_texts::ward.eq(ward)))
        .set(guardian_texts::number.eq(None::<String>))
        .execute(conn)?;
    Ok(())
}

/// The second message goes by letter after all: then that is how the parent was proved, and the number goes.
pub fn give_way(conn: &mut Conn, ward: &WardId) -> Result<()> {
    forget(conn, ward)?;
    diesel::update(permissions::table.filter(permissions::ward.eq(ward)))
        .filter(permissions::method.eq(Method::TextPlus))
        .filter(permissions::revoked_at.is_null())
        .set(permissions::method.eq(Method::EmailPlus))
        .execute(conn)?;
    Ok(())
}

/// Forgets every number whose time is over, and a day after it was asked for that there was a message.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<()> {
    diesel::update(guardian_texts::table.filter(guardian_texts::ends_at.le(now)))
        .set(guardian_texts::number.eq(None::<String>))
        .execute(conn)?;
    let old = guardian_texts::table
        .filter(guardian_texts::asked_at.le(now.plus(-DAY)).and(guardian_texts::number.is_null()));
    diesel::delete(old).execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_that_the_world_can_dial() {
        for (typed, kept) in [
            ("+49 151 234 567-89", Some("+4915123456789")),
            (" +1 (555) 010-9999", Some("+15550109999")),
            ("+4412345678", Some("+4412345678")),
            ("0151 23456789", None),
            ("0049 151 23456789", None),
            ("+49 (0)151 23456789", None),
            ("+049 151 234567", None),
            ("+49 151", None),
            ("+1234567890123456", None),
            ("+49 151 2345678a", None),
            ("+", None),
            ("", None),
        ] {
            let read = Number::parse(typed);
            assert_eq!(read.as_ref().map(Number::as_str), kept, "{typed}");
        }
    }

    /// R-PV-1: a code has six digits, is another for each message and under each key, and nothing prints a number.
    #[test]
    fn a_code_follows_from_the_message_and_the_key() {
        let text = || TextMessage {
            id: TextId::new(),
            ward: WardId::new(),
            number: Some("+4915123456789".into()),
            tries: 0,
            asked_at: Timestamp(0),
            ends_at: Timestamp(CODE_MS),
            sent_at: None,
            failed_at: None,
            proved_at: None,
            answered_at: None,
        };
        let (one, others) = (text(), (0..20).map(|_| text()).collect::<Vec<_>>());
        let code = one.code(b"key");
        assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
        assert_eq!(one.code(b"key"), code);
        assert!(others.iter().any(|other| other.code(b"key") != code));
        assert!((0..20_u8).any(|n| one.code(&[n]) != code));
        assert!(one.link(b"key") != one.link(b"other") && one.link(b"key").len() == 43);
        assert_eq!(one.ends_in().as_deref(), Some("89"));
        assert!(!format!("{one:?}").contains("49151"));
        assert!(one.first_message("Cuehouse", b"key", Timestamp(CODE_MS)).is_none(), "it counts no more");
        let told = one.first_message("Cuehouse", b"key", Timestamp(0)).unwrap().told();
        assert!(told["text"].as_str().unwrap().starts_with(&code));
        assert!(told["text"].as_str().unwrap().len() <= 160);
    }
}
