//! That a guardian is one, proved by more than a letter: a form signed on paper that two of the staff looked at, a payment
//! that is given back, a talk with trained staff, a provider's finding. Never a card's number, never a picture of anyone.

use diesel::prelude::*;

use super::permission::Method;
use super::ward::Guardian;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::verifications;
use crate::error::{Error, Result};
use crate::ids::{UserId, VerificationId, WardId};
use crate::jobs::{Job, enqueue};
use crate::secrets;
use crate::text_enum;

text_enum! {
    /// How it stands.
    pub enum Outcome {
        Open = "open",
        Passed = "passed",
        Failed = "failed",
    }
}

/// One attempt to prove it.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = verifications)]
pub struct Verification {
    pub id: VerificationId,
    pub ward: WardId,
    pub method: Method,
    /// The code on the printed form, or the payment page at Stripe.
    pub reference: Option<String>,
    pub result: Outcome,
    pub first_reviewer: Option<UserId>,
    pub second_reviewer: Option<UserId>,
    /// The payment that is given back.
    pub payment: Option<String>,
    pub refunded_at: Option<Timestamp>,
    pub asked_at: Timestamp,
    pub at: Option<Timestamp>,
}

impl Verification {
    fn new(ward: &WardId, method: Method, reference: String, now: Timestamp) -> Verification {
        Verification {
            id: VerificationId::new(),
            ward: ward.clone(),
            method,
            reference: Some(reference),
            result: Outcome::Open,
            first_reviewer: None,
            second_reviewer: None,
            payment: None,
            refunded_at: None,
            asked_at: now,
            at: None,
        }
    }

    pub fn insert(&self, conn: &mut Conn) -> Result<()> {
        diesel::insert_into(verifications::table).values(self).execute(conn)?;
        Ok(())
    }

    pub fn find(conn: &mut Conn, id: &VerificationId) -> Result<Verification> {
        Ok(verifications::table.find(id).select(Verification::as_select()).first(conn)?)
    }

    /// The one with this code or payment page.
    pub fn by_reference(conn: &mut Conn, reference: &str) -> Result<Option<Verification>> {
        let found = verifications::table.filter(verifications::reference.eq(reference));
        Ok(found.select(Verification::as_select()).first(conn).optional()?)
    }

    /// The open form of a ward, if one is waited for. Its code is asked for in a talk as well.
    pub fn open_form(conn: &mut Conn, ward: &WardId) -> Result<Option<Verification>> {
        let open = verifications::table
            .filter(verifications::ward.eq(ward).and(verifications::result.eq(Outcome::Open)))
            .filter(verifications::method.eq(Method::SignedForm));
        Ok(open.select(Verification::as_select()).first(conn).optional()?)
    }

    /// Whether this is a form that is still waited for.
    pub fn is_open_form(&self) -> bool {
        self.method == Method::SignedForm && self.result == Outcome::Open
    }

    /// Forms that wait for paper or for the second of the staff, the oldest first.
    pub fn waiting(conn: &mut Conn, limit: i64) -> Result<Vec<Verification>> {
        let open = verifications::table
            .filter(verifications::result.eq(Outcome::Open))
            .filter(verifications::method.eq(Method::SignedForm));
        Ok(open.order(verifications::asked_at).limit(limit).select(Verification::as_select()).load(conn)?)
    }

    /// One of the staff looked at the signed paper. The first says so; the second, who is somebody else, makes it count.
    /// Answers whether it counts now. `Refused` for the same person twice.
    pub fn looked_at(&self, conn: &mut Conn, by: &UserId, now: Timestamp) -> Result<bool> {
        let open = verifications::table.find(&self.id).filter(verifications::result.eq(Outcome::Open));
        match &self.first_reviewer {
            None => {
                let first = open.filter(verifications::first_reviewer.is_null());
                let n = diesel::update(first).set(verifications::first_reviewer.eq(by)).execute(conn)?;
                if n == 1 { Ok(false) } else { Err(Error::conflict("Somebody else was quicker.")) }
            }
            Some(first) if first == by => {
                Err(Error::refused("The second look is somebody else's: you were the first."))
            }
            Some(_) => {
                let n = diesel::update(open)
                    .set((
                        verifications::second_reviewer.eq(by),
                        verifications::result.eq(Outcome::Passed),
                        verifications::at.eq(now),
                    ))
                    .execute(conn)?;
                if n == 1 { Ok(true) } else { Err(Error::conflict("This was decided meanwhile.")) }
            }
        }
    }

    /// The paper is not signed, or not by whom it says.
    pub fn fail(&self, conn: &mut Conn, by: &UserId, now: Timestamp) -> Result<()> {
        let open = verifications::table.find(&self.id).filter(verifications::result.eq(Outcome::Open));
        diesel::update(open)
            .set((
                verifications::result.eq(Outcome::Failed),
                verifications::second_reviewer.eq(by),
                verifications::at.eq(now),
            ))
            .execute(conn)?;
        Ok(())
    }
}

/// The method by which a ward's guardian was proved beyond a letter, if they were. What proved somebody who answered before
/// them proves nothing of them.
pub fn strong(conn: &mut Conn, ward: &WardId) -> Result<Option<Method>> {
    let Some(guardian) = Guardian::of_ward(conn, ward)? else { return Ok(None) };
    let passed: Vec<Method> = verifications::table
        .filter(verifications::ward.eq(ward).and(verifications::result.eq(Outcome::Passed)))
        .filter(verifications::at.ge(guardian.asked_at))
        .order(verifications::at)
        .select(verifications::method)
        .load(conn)?;
    Ok(passed.into_iter().find(|method| method.unlocks_disclosure()))
}

/// Asks for the form on paper: a code that stands on it. One that is asked for already stays.
pub fn ask_for_form(conn: &mut Conn, ward: &WardId, now: Timestamp) -> Result<String> {
    if let Some(code) = Verification::open_form(conn, ward)?.and_then(|open| open.reference) {
        return Ok(code);
    }
    let code = hex::encode(secrets::random::<4>()?).to_uppercase();
    Verification::new(ward, Method::SignedForm, code.clone(), now).insert(conn)?;
    Ok(code)
}

/// One of the staff talked with a guardian by telephone or video (16 CFR 312.5(b)(2)(iii), (iv)) and is sure: kept are who
/// it was and when, nothing of what was said. It takes the place of the open form whose code they were told.
pub fn talked(
    conn: &mut Conn,
    open: &Verification,
    method: Method,
    by: &UserId,
    now: Timestamp,
) -> Result<Verification> {
    if !method.is_talk() || open.result != Outcome::Open {
        return Err(Error::conflict("This was decided meanwhile."));
    }
    let talk = Verification {
        reference: None,
        result: Outcome::Passed,
        first_reviewer: Some(by.clone()),
        at: Some(now),
        ..Verification::new(&open.ward, method, String::new(), now)
    };
    talk.insert(conn)?;
    Ok(talk)
}

/// A provider found a guardian to be who they say (16 CFR 312.5(b)(2)(v) to (vii)): kept are the method and when, nothing of
/// what it saw or knows the check by.
pub fn found_out(conn: &mut Conn, ward: &WardId, method: Method, now: Timestamp) -> Result<()> {
    let found = Verification {
        reference: None,
        result: Outcome::Passed,
        at: Some(now),
        ..Verification::new(ward, method, String::new(), now)
    };
    found.insert(conn)
}

/// No form is waited for any more.
pub fn forget_forms(conn: &mut Conn, ward: &WardId) -> Result<()> {
    let open = verifications::table
        .filter(verifications::ward.eq(ward).and(verifications::result.eq(Outcome::Open)))
        .filter(verifications::method.eq(Method::SignedForm));
    diesel::delete(open).execute(conn)?;
    Ok(())
}

/// Notes the payment page at which a guardian proves a card.
pub fn ask_for_card(
    conn: &mut Conn,
    id: &VerificationId,
    ward: &WardId,
    session: &str,
    now: Timestamp,
) -> Result<()> {
    let card = Verification {
        id: id.clone(),
        ..Verification::new(ward, Method::CardTransaction, session.to_owned(), now)
    };
    card.insert(conn)
}

impl Verification {
    /// The small payment was made: it proves the guardian, and is given back. What that leads to is a job of its own.
    pub fn paid(&self, conn: &mut Conn, payment: Option<&str>, now: Timestamp) -> Result<()> {
        let open = verifications::table.find(&self.id).filter(verifications::result.eq(Outcome::Open));
        if diesel::update(open).set(verifications::payment.eq(payment)).execute(conn)? == 1 {
            enqueue(conn, &Job::ProveCard { verification: self.id.clone() }, now)?;
        }
        Ok(())
    }

    /// Counts from now on. False when it did before.
    pub fn pass(&self, conn: &mut Conn, now: Timestamp) -> Result<bool> {
        let open = verifications::table.find(&self.id).filter(verifications::result.eq(Outcome::Open));
        let n = diesel::update(open)
            .set((verifications::result.eq(Outcome::Passed), verifications::at.eq(now)))
            .execute(conn)?;
        Ok(n == 1)
    }

    /// The payment was given back.
    pub fn refunded(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        diesel::update(verifications::table.find(&self.id))
            .filter(verifications::refunded_at.is_null())
            .set(verifications::refunded_at.eq(now))
            .execute(conn)?;
        Ok(())
    }
}
