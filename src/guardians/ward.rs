//! Somebody under age and whoever answers for them.

use diesel::prelude::*;

use super::permission::Method;
use super::state::{Edge, State};
use crate::accounts::band::Band;
use crate::accounts::user::{User, fold_email};
use crate::clock::{DAY, Timestamp};
use crate::consent::age::{Answer, Month};
use crate::db::Conn;
use crate::db::schema::{
    guardian_links, guardian_texts, guardians, provider_checks, verifications, ward_forms, ward_steps, wards,
};
use crate::error::{Error, Result};
use crate::ids::{GuardianId, Handle, ReceiptId, UserId, WardFormId, WardId};
use crate::secrets::sha256;
use crate::text_enum;

/// How long a guardian may take to answer before both contacts are forgotten (16 CFR 312.5(c)(1): a reasonable time).
pub const ANSWER_MS: i64 = 14 * DAY;
/// How long somebody who was discovered has before the account ends.
pub const CONSENT_MS: i64 = 14 * DAY;
/// How long an ended account can still be exported, and how long somebody who is no child any more has to name who answers
/// for them.
pub const EXPORT_MS: i64 = 30 * DAY;
/// The same of a child: what was collected goes within fourteen days after its parent took the consent back, and at once
/// when they order that (16 CFR 312.6(a)(2) and 312.10; for a lawyer to check).
pub const CHILD_EXPORT_MS: i64 = 14 * DAY;
/// How long an account waits for its owner, of age by now, to accept the terms anew. It is theirs, so this is long; and
/// nothing is kept without end.
pub const ANEW_MS: i64 = 365 * DAY;

/// How long an ended account of somebody in this band can still be exported.
pub fn export_ms(band: Band) -> i64 {
    if band == Band::Child { CHILD_EXPORT_MS } else { EXPORT_MS }
}

/// Somebody under age.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = wards)]
pub struct Ward {
    pub id: WardId,
    pub state: State,
    /// The name the account has, or will have; nobody else gets its handle meanwhile.
    pub name: String,
    pub handle: Handle,
    pub account: Option<UserId>,
    pub band: Band,
    /// `2030-04`: nearly the month of birth. Shown to nobody, and gone at the age of majority.
    pub next_band_month: Option<String>,
    pub site_profile: String,
    pub place: Option<String>,
    pub claim_hash: Option<String>,
    pub since: Timestamp,
    pub due_at: Option<Timestamp>,
}

impl Ward {
    /// The ward of somebody who has an account already.
    pub fn of_owner(
        owner: &User,
        answer: Answer,
        state: State,
        site: &str,
        place: Option<&str>,
        now: Timestamp,
    ) -> Ward {
        Ward {
            id: WardId::new(),
            state,
            name: owner.name.clone(),
            handle: owner.handle.clone().unwrap_or_else(|| Handle::from_name(owner.id.as_str())),
            account: Some(owner.id.clone()),
            band: answer.band,
            next_band_month: answer.next.map(|month| month.to_string()),
            site_profile: site.to_owned(),
            place: place.map(str::to_owned),
            claim_hash: None,
            since: now,
            due_at: None,
        }
    }

    pub fn insert(&self, conn: &mut Conn) -> Result<()> {
        diesel::insert_into(wards::table).values(self).execute(conn)?;
        Ok(())
    }

    pub fn find(conn: &mut Conn, id: &WardId) -> Result<Ward> {
        Ok(wards::table.find(id).select(Ward::as_select()).first(conn)?)
    }

    /// The ward whose account this is.
    pub fn of_account(conn: &mut Conn, user: &UserId) -> Result<Option<Ward>> {
        let found = wards::table.filter(wards::account.eq(user));
        Ok(found.select(Ward::as_select()).first(conn).optional()?)
    }

    /// The ward whose browser comes back with this.
    pub fn by_claim(conn: &mut Conn, token: &str) -> Result<Ward> {
        let found = wards::table.filter(wards::claim_hash.eq(sha256(token)));
        Ok(found.select(Ward::as_select()).first(conn)?)
    }

    /// When the next band begins.
    pub fn next(&self) -> Option<Month> {
        self.next_band_month.as_deref().and_then(Month::parse)
    }

    /// All that is known of its age.
    pub fn known(&self) -> Answer {
        Answer { band: self.band, next: self.next() }
    }

    /// Wards whose time is over.
    pub fn due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Ward>> {
        let over = wards::table.filter(wards::due_at.le(now)).order(wards::due_at).limit(limit);
        Ok(over.select(Ward::as_select()).load(conn)?)
    }

    /// Wards whose next band began with this month or an earlier one.
    pub fn grown(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Ward>> {
        let (year, month) = now.year_month();
        let this = format!("{year:04}-{month:02}");
        let states = [
            State::General,
            State::Authorised,
            State::Internal,
            State::Disclosing,
            State::Cleared,
            State::AgedUp,
        ];
        // Whoever only asked has no account that could move: the timer of the question ends that.
        let asked = wards::state.eq(State::Pending).and(wards::account.is_not_null());
        let grown = wards::table
            .filter(wards::next_band_month.le(this))
            .filter(wards::state.eq_any(states).or(asked))
            .order(wards::id)
            .limit(limit);
        Ok(grown.select(Ward::as_select()).load(conn)?)
    }

    /// Says whose account it is, from the moment there is one.
    pub fn claimed(&self, conn: &mut Conn, user: &UserId) -> Result<()> {
        let free = wards::table.find(&self.id).filter(wards::account.is_null());
        let n = diesel::update(free).set(wards::account.eq(user)).execute(conn)?;
        if n == 1 { Ok(()) } else { Err(Error::conflict("This account was opened already.")) }
    }

    /// The receipts of everything that happened to it, the newest first: what, when, and the receipt's id.
    pub fn steps(&self, conn: &mut Conn) -> Result<Vec<(State, Timestamp, ReceiptId)>> {
        Ok(ward_steps::table
            .filter(ward_steps::ward.eq(&self.id))
            .order(ward_steps::id.desc())
            .select((ward_steps::went_to, ward_steps::at, ward_steps::receipt))
            .load(conn)?)
    }

    /// What happened to it last.
    pub fn last_edge(&self, conn: &mut Conn) -> Result<Option<Edge>> {
        let newest = ward_steps::table.filter(ward_steps::ward.eq(&self.id)).order(ward_steps::id.desc());
        Ok(newest.select(ward_steps::edge).first(conn).optional()?)
    }

    /// Forgets it whole: contacts, permissions, forms, links. What was proved stays in the log as leaves.
    pub fn forget(&self, conn: &mut Conn) -> Result<()> {
        diesel::delete(wards::table.find(&self.id)).execute(conn)?;
        Ok(())
    }
}

/// Who answers for a ward.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = guardians)]
pub struct Guardian {
    pub id: GuardianId,
    pub ward: WardId,
    pub email: String,
    pub email_folded: String,
    /// As they signed; empty before.
    pub name: String,
    pub relationship: String,
    /// The direct notice they were sent.
    pub notice_hash: String,
    pub asked_at: Timestamp,
    pub answered_at: Option<Timestamp>,
    pub confirmed_at: Option<Timestamp>,
    pub reminded_at: Option<Timestamp>,
}

impl Guardian {
    /// Somebody who is asked now.
    pub fn new(ward: &WardId, email: &str, notice_hash: &str, now: Timestamp) -> Guardian {
        Guardian {
            id: GuardianId::new(),
            ward: ward.clone(),
            email: email.trim().to_owned(),
            email_folded: fold_email(email),
            name: String::new(),
            relationship: String::new(),
            notice_hash: notice_hash.to_owned(),
            asked_at: now,
            answered_at: None,
            confirmed_at: None,
            reminded_at: None,
        }
    }

    pub fn insert(&self, conn: &mut Conn) -> Result<()> {
        diesel::insert_into(guardians::table).values(self).execute(conn)?;
        Ok(())
    }

    pub fn of_ward(conn: &mut Conn, ward: &WardId) -> Result<Option<Guardian>> {
        let found = guardians::table.filter(guardians::ward.eq(ward));
        Ok(found.select(Guardian::as_select()).first(conn).optional()?)
    }

    /// They answer no longer: their contact, their number, their links, what they signed and how they were proved are
    /// forgotten. A card's payment that is still to be given back stays until it was, and a check until its provider has
    /// forgotten, without our knowing whose it was.
    pub fn end(conn: &mut Conn, ward: &WardId) -> Result<()> {
        diesel::delete(guardians::table.filter(guardians::ward.eq(ward))).execute(conn)?;
        diesel::delete(guardian_links::table.filter(guardian_links::ward.eq(ward))).execute(conn)?;
        diesel::delete(guardian_texts::table.filter(guardian_texts::ward.eq(ward))).execute(conn)?;
        diesel::delete(ward_forms::table.filter(ward_forms::ward.eq(ward))).execute(conn)?;
        let no_money =
            verifications::method.ne(Method::CardTransaction).or(verifications::refunded_at.is_not_null());
        diesel::delete(verifications::table.filter(verifications::ward.eq(ward)).filter(no_money))
            .execute(conn)?;
        diesel::update(provider_checks::table.filter(provider_checks::ward.eq(ward)))
            .set(provider_checks::ward.eq(None::<WardId>))
            .execute(conn)?;
        Ok(())
    }

    /// Everyone they answer for, by their address.
    pub fn wards_of(conn: &mut Conn, email: &str) -> Result<Vec<(Guardian, Ward)>> {
        Ok(guardians::table
            .inner_join(wards::table)
            .filter(guardians::email_folded.eq(fold_email(email)))
            .order(guardians::asked_at.desc())
            .limit(20)
            .select((Guardian::as_select(), Ward::as_select()))
            .load(conn)?)
    }

    /// They answered: as whom.
    pub fn answered(&self, conn: &mut Conn, name: &str, relationship: &str, now: Timestamp) -> Result<()> {
        diesel::update(guardians::table.find(&self.id))
            .set((
                guardians::name.eq(name),
                guardians::relationship.eq(relationship),
                guardians::answered_at.eq(now),
            ))
            .execute(conn)?;
        Ok(())
    }

    /// The letter a day after the answer went out. False when it had before.
    pub fn confirm(&self, conn: &mut Conn, now: Timestamp) -> Result<bool> {
        let open = guardians::table.find(&self.id).filter(guardians::confirmed_at.is_null());
        Ok(diesel::update(open).set(guardians::confirmed_at.eq(now)).execute(conn)? == 1)
    }

    /// The yearly letter went out.
    pub fn remind(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        diesel::update(guardians::table.find(&self.id)).set(guardians::reminded_at.eq(now)).execute(conn)?;
        Ok(())
    }

    /// Guardians who gave their word so long ago that they are reminded of it.
    pub fn to_remind(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<Vec<Guardian>> {
        let states = [State::General, State::Authorised, State::Internal, State::Disclosing];
        let late = guardians::answered_at
            .le(before)
            .and(guardians::reminded_at.is_null().or(guardians::reminded_at.assume_not_null().le(before)));
        Ok(guardians::table
            .inner_join(wards::table)
            .filter(late)
            .filter(wards::state.eq_any(states))
            .limit(limit)
            .select(Guardian::as_select())
            .load(conn)?)
    }
}

text_enum! {
    /// What a link in a letter to a guardian opens. None of them does anything by being opened.
    pub enum Opens {
        /// The question, until it is answered.
        Answer = "answer",
        /// The guardian's page; a day.
        Area = "area",
        /// The page with one button that takes everything back; as long as anything can hold.
        Revoke = "revoke",
    }
}

impl Opens {
    fn lasts_ms(self) -> i64 {
        match self {
            Opens::Answer => ANSWER_MS,
            Opens::Area => DAY,
            Opens::Revoke => 400 * DAY,
        }
    }
}

/// Keeps the hash of a link; the link itself goes into the letter only.
pub fn link(conn: &mut Conn, ward: &WardId, opens: Opens, token: &str, now: Timestamp) -> Result<()> {
    diesel::insert_into(guardian_links::table)
        .values((
            guardian_links::token_hash.eq(sha256(token)),
            guardian_links::ward.eq(ward),
            guardian_links::purpose.eq(opens),
            guardian_links::created_at.eq(now),
            guardian_links::expires_at.eq(now.plus(opens.lasts_ms())),
        ))
        .execute(conn)?;
    Ok(())
}

/// What a link opens: which ward's, and with what right. `NotFound` when it is too old or never was.
pub fn opened(conn: &mut Conn, token: &str, now: Timestamp) -> Result<(Ward, Guardian, Opens)> {
    let found: Option<(WardId, Opens)> = guardian_links::table
        .find(sha256(token))
        .filter(guardian_links::expires_at.gt(now))
        .select((guardian_links::ward, guardian_links::purpose))
        .first(conn)
        .optional()?;
    let (ward, opens) = found.ok_or(Error::NotFound)?;
    let guardian = Guardian::of_ward(conn, &ward)?.ok_or(Error::NotFound)?;
    Ok((Ward::find(conn, &ward)?, guardian, opens))
}

/// The link was answered by: it opens the page for one more day.
pub fn link_again(conn: &mut Conn, token: &str, now: Timestamp) -> Result<()> {
    let until = now.plus(DAY);
    diesel::update(guardian_links::table.find(sha256(token)))
        .filter(guardian_links::expires_at.gt(until))
        .set(guardian_links::expires_at.eq(until))
        .execute(conn)?;
    Ok(())
}

/// Forgets links that open nothing any more.
pub fn sweep_links(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    Ok(diesel::delete(guardian_links::table.filter(guardian_links::expires_at.le(now))).execute(conn)?)
}

/// Keeps a signed form.
pub fn keep_form(conn: &mut Conn, ward: &WardId, document: &str, now: Timestamp) -> Result<WardFormId> {
    let id = WardFormId::new();
    diesel::insert_into(ward_forms::table)
        .values((
            ward_forms::id.eq(&id),
            ward_forms::ward.eq(ward),
            ward_forms::document.eq(document),
            ward_forms::signed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(id)
}

/// The newest form that was signed for a ward.
pub fn newest_form(conn: &mut Conn, ward: &WardId) -> Result<Option<(String, Timestamp)>> {
    Ok(ward_forms::table
        .filter(ward_forms::ward.eq(ward))
        .order((ward_forms::signed_at.desc(), ward_forms::id.desc()))
        .select((ward_forms::document, ward_forms::signed_at))
        .first(conn)
        .optional()?)
}
