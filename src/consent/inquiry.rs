//! Who asked by post or e-mail what was given to third parties for their direct marketing, and what they were answered
//! (California Civil Code 1798.83, "Shine the Light").
//!
//! One answer for a customer and calendar year, within 30 days. The answer is made of the ledger and says the same to
//! everyone who asks about that year; or it is that the customer is opted out of it all, free of charge.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::constants::ANSWER_DAYS;
use super::disclosure;
use super::recipient::Services;
use super::rulebook::Rulebook;
use crate::accounts::user::{fold_email, is_email};
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::{inquiries, inquiry_answers};
use crate::error::{Error, Result};
use crate::ids::{InquiryId, UserId};
use crate::text_enum;
use crate::words::fold;

/// Whole years before this one of which inquiries are kept, so that it can be shown that they were answered.
pub const KEPT_YEARS: i32 = 3;
/// The longest name, and the longest address.
pub const LONGEST: usize = 500;

text_enum! {
    /// How somebody asked, and is answered.
    pub enum Way {
        Post = "post",
        Email = "email",
    }
}

text_enum! {
    /// What the answer was.
    pub enum Kind {
        /// Kinds of information and who was given them.
        List = "list",
        /// They are opted out of it, free of charge.
        OptOut = "opt_out",
    }
}

/// Somebody who asked.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = inquiries)]
pub struct Inquiry {
    pub id: InquiryId,
    pub way: Way,
    pub name: String,
    /// Where the answer goes: an e-mail address, or lines for an envelope.
    pub address: String,
    person: String,
    pub asked_in: i32,
    pub received_at: Timestamp,
    pub due_at: Timestamp,
    pub entered_by: UserId,
    pub entered_at: Timestamp,
}

impl Inquiry {
    /// An inquiry that came in on a day. `Refused` where something is missing, or the day is not of the last year.
    pub fn new(
        way: Way,
        name: &str,
        address: &str,
        received_at: Timestamp,
        by: &UserId,
        now: Timestamp,
    ) -> Result<Inquiry> {
        let (name, address) = (name.trim(), address.trim());
        if name.is_empty() || address.is_empty() || name.len() > LONGEST || address.len() > LONGEST {
            return Err(Error::refused("An inquiry has a name and an address."));
        }
        if way == Way::Email && !is_email(address) {
            return Err(Error::refused("This is no e-mail address."));
        }
        if received_at > now.plus(DAY) || received_at < now.plus(-366 * DAY) {
            return Err(Error::refused("It came in within the last year."));
        }
        let words = |text: &str| fold(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        let person = match way {
            Way::Email => format!("email {}", fold_email(address)),
            Way::Post => format!("post {} {}", words(name), words(address)),
        };
        Ok(Inquiry {
            id: InquiryId::new(),
            way,
            name: name.into(),
            address: address.into(),
            person,
            asked_in: received_at.year_month().0,
            received_at,
            due_at: received_at.plus(ANSWER_DAYS * DAY),
            entered_by: by.clone(),
            entered_at: now,
        })
    }

    /// The year that it asks about.
    pub fn year(&self) -> i32 {
        self.asked_in - 1
    }

    /// Keeps it. `Conflict` when this person has asked in that year before: once a calendar year is what the law gives.
    pub fn enter(&self, conn: &mut Conn) -> Result<()> {
        let same = inquiries::table
            .filter(inquiries::person.eq(&self.person).and(inquiries::asked_in.eq(self.asked_in)));
        if same.count().get_result::<i64>(conn)? > 0 {
            return Err(Error::conflict("This person has asked in that year before."));
        }
        diesel::insert_into(inquiries::table).values(self).execute(conn)?;
        Ok(())
    }

    /// The one of this person in that year, if there is one.
    pub fn same(&self, conn: &mut Conn) -> Result<Option<InquiryId>> {
        Ok(inquiries::table
            .filter(inquiries::person.eq(&self.person).and(inquiries::asked_in.eq(self.asked_in)))
            .select(inquiries::id)
            .first(conn)
            .optional()?)
    }

    pub fn find(conn: &mut Conn, id: &InquiryId) -> Result<Inquiry> {
        Ok(inquiries::table.find(id).select(Inquiry::as_select()).first(conn)?)
    }

    /// Keeps what it was answered. `Conflict` when it was answered before.
    pub fn answer(
        &self,
        conn: &mut Conn,
        kind: Kind,
        answer: &Answer,
        by: &UserId,
        now: Timestamp,
    ) -> Result<()> {
        let row = Given {
            inquiry_id: self.id.clone(),
            kind,
            body: serde_json::to_string(answer)?,
            answered_by: by.clone(),
            answered_at: now,
        };
        diesel::insert_into(inquiry_answers::table).values(&row).execute(conn)?;
        Ok(())
    }

    /// What it was answered, if it was.
    pub fn answered(&self, conn: &mut Conn) -> Result<Option<Given>> {
        Ok(inquiry_answers::table.find(&self.id).select(Given::as_select()).first(conn).optional()?)
    }
}

/// An answer as it went out.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = inquiry_answers)]
pub struct Given {
    inquiry_id: InquiryId,
    pub kind: Kind,
    body: String,
    pub answered_by: UserId,
    pub answered_at: Timestamp,
}

impl Given {
    pub fn answer(&self) -> Result<Answer> {
        Ok(serde_json::from_str(&self.body)?)
    }
}

/// What waits, the most urgent first.
pub fn open(conn: &mut Conn) -> Result<Vec<Inquiry>> {
    Ok(inquiries::table
        .left_join(inquiry_answers::table)
        .filter(inquiry_answers::inquiry_id.nullable().is_null())
        .order((inquiries::due_at, inquiries::id))
        .select(Inquiry::as_select())
        .limit(500)
        .load(conn)?)
}

/// What was answered and when, the latest first.
pub fn answered(conn: &mut Conn) -> Result<Vec<(Inquiry, Timestamp)>> {
    Ok(inquiries::table
        .inner_join(inquiry_answers::table)
        .order(inquiry_answers::answered_at.desc())
        .select((Inquiry::as_select(), inquiry_answers::answered_at))
        .limit(100)
        .load(conn)?)
}

/// Forgets inquiries of years older than they may be, with their answers. Answers how many.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let oldest = now.year_month().0 - KEPT_YEARS;
    let old = inquiries::table.filter(inquiries::asked_in.lt(oldest)).select(inquiries::id);
    let ids: Vec<InquiryId> = old.load(conn)?;
    diesel::delete(inquiry_answers::table.filter(inquiry_answers::inquiry_id.eq_any(&ids))).execute(conn)?;
    Ok(diesel::delete(inquiries::table.filter(inquiries::id.eq_any(&ids))).execute(conn)?)
}

/// What one party was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub name: String,
    /// Its postal address, where the registry knows it.
    pub address: Option<String>,
    /// What it was for.
    pub what_for: String,
    pub kinds: Vec<String>,
}

/// What was given to whom within a calendar year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub year: i32,
    /// Kinds of information that third parties may have used for their own direct marketing, each once.
    pub kinds: Vec<String>,
    /// Those third parties.
    pub parties: Vec<Party>,
    /// Others who were given something and may use it only for us.
    pub services: Vec<Party>,
    /// The day the ledger begins, when that is within the year: of what was before it nothing is known.
    pub begins: Option<String>,
}

impl Answer {
    /// The answer about a year, out of the ledger.
    pub fn of(conn: &mut Conn, book: &Rulebook, services: &Services, year: i32) -> Result<Answer> {
        let (first, last) = (format!("{year:04}-01-01"), format!("{year:04}-12-31"));
        let all = disclosure::between(conn, book, services, &first, &last)?;
        let begins = disclosure::begins(conn)?.filter(|day| *day > first);
        let mut answer = Answer { year, kinds: vec![], parties: vec![], services: vec![], begins };
        for entry in all {
            let party = Party {
                name: entry.name,
                address: entry.address,
                what_for: entry.what_for,
                kinds: entry.kinds,
            };
            if !entry.markets {
                answer.services.push(party);
                continue;
            }
            for kind in &party.kinds {
                if !answer.kinds.contains(kind) {
                    answer.kinds.push(kind.clone());
                }
            }
            answer.parties.push(party);
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn inquiry(way: Way, name: &str, address: &str, received_at: Timestamp) -> Result<Inquiry> {
        Inquiry::new(way, name, address, received_at, &UserId::new(), NOW)
    }

    #[test]
    fn one_person_is_one_person_however_they_write_themselves() {
        let person = |way, name, address| inquiry(way, name, address, NOW).unwrap().person;
        assert_eq!(
            person(Way::Email, "Ada", "Ada@Example.com"),
            person(Way::Email, "A. Field", "ada@example.com ")
        );
        assert_eq!(
            person(Way::Post, "Ada  Field", "1 Lane\nOakland CA"),
            person(Way::Post, "ada field", "1 lane  Oakland CA")
        );
        assert_ne!(person(Way::Post, "Ada", "1 Lane"), person(Way::Post, "Bea", "1 Lane"));
    }

    #[test]
    fn an_inquiry_is_due_in_thirty_days_and_asks_about_the_year_before() {
        let one = inquiry(Way::Email, "Ada", "ada@example.com", NOW.plus(-3 * DAY)).unwrap();
        assert_eq!(one.due_at, NOW.plus(27 * DAY));
        assert_eq!((one.asked_in, one.year()), (2026, 2025));
        for (way, name, address, at) in [
            (Way::Email, "Ada", "1 Lane", NOW),
            (Way::Post, "", "1 Lane", NOW),
            (Way::Post, "Ada", " ", NOW),
            (Way::Post, "Ada", "1 Lane", NOW.plus(2 * DAY)),
            (Way::Post, "Ada", "1 Lane", NOW.plus(-367 * DAY)),
        ] {
            assert!(matches!(inquiry(way, name, address, at), Err(Error::Refused(_))), "{name} {address}");
        }
    }
}
