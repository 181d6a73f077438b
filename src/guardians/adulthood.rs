//! Proof of adulthood by a provider, one of the ways out for an account that rests for its owner's age.
//!
//! The provider gets a reference drawn for this one check, and the age that is asked about: no name, no address, no account.
//! It says yes, no or not yet, and is then asked to forget. No row says what it found. It is asked about nobody else, and
//! what it said is used for nothing else (the six conditions of the FTC's statement of 25 February 2026; for a lawyer to
//! check).

use diesel::prelude::*;
use serde_json::{Value, json};

use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::age_checks;
use crate::error::{Error, Result};
use crate::ids::{AgeCheckId, UserId};

/// How long a check can be open before the provider is to forget it.
pub const LASTS_MS: i64 = DAY;

/// A check that a provider knows of.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = age_checks)]
pub struct Check {
    pub id: AgeCheckId,
    pub account: Option<UserId>,
    pub provider_ref: String,
    /// The provider's page for it.
    pub address: String,
    pub asked_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl Check {
    /// Keeps a check of this account's; one that was open ends.
    pub fn begin(
        conn: &mut Conn,
        user: &UserId,
        (provider_ref, address): (&str, &str),
        now: Timestamp,
    ) -> Result<()> {
        end_all(conn, user, now)?;
        let check = Check {
            id: AgeCheckId::new(),
            account: Some(user.clone()),
            provider_ref: provider_ref.to_owned(),
            address: address.to_owned(),
            asked_at: now,
            ended_at: None,
        };
        diesel::insert_into(age_checks::table).values(&check).execute(conn)?;
        Ok(())
    }

    /// The one of this account that is open.
    pub fn open_of(conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<Option<Check>> {
        Ok(age_checks::table
            .filter(age_checks::account.eq(user).and(age_checks::ended_at.is_null()))
            .filter(age_checks::asked_at.gt(now.plus(-LASTS_MS)))
            .order(age_checks::id.desc())
            .select(Check::as_select())
            .first(conn)
            .optional()?)
    }

    /// Those that a provider is still to forget: ended, too old, or of an account that is gone.
    pub fn to_forget(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Check>> {
        let over = age_checks::ended_at
            .is_not_null()
            .or(age_checks::account.is_null())
            .or(age_checks::asked_at.le(now.plus(-LASTS_MS)));
        Ok(age_checks::table
            .filter(over)
            .order(age_checks::id)
            .limit(limit)
            .select(Check::as_select())
            .load(conn)?)
    }

    /// The provider has forgotten it, and so do we.
    pub fn forget(&self, conn: &mut Conn) -> Result<()> {
        diesel::delete(age_checks::table.find(&self.id)).execute(conn)?;
        Ok(())
    }
}

/// Nothing more is asked about checks of this account.
pub fn end_all(conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<()> {
    diesel::update(age_checks::table.filter(age_checks::account.eq(user)))
        .filter(age_checks::ended_at.is_null())
        .set(age_checks::ended_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// What a provider is told to begin a check: a reference that means nothing to anybody, the age, and where its page leads
/// back to.
pub fn question(reference: &str, adult: u32, back: &str) -> Value {
    json!({ "reference": reference, "over": adult, "return_to": back })
}

/// What a provider answers to that: its id for the check, and the address of its page.
pub fn begun(answer: &Value) -> Result<(String, String)> {
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let (id, address) = (text("id"), text("go_to"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_id = !id.is_empty() && id.len() <= 200 && id.chars().all(plain);
    match is_id && crate::egress::PublicFile::parse(&address).is_some() {
        true => Ok((id, address)),
        false => Err(Error::refused("the age check's provider answered what it should not")),
    }
}

/// What a provider found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Over,
    Under,
    /// Nothing yet.
    Open,
    /// It knows nothing of this check any more.
    Gone,
}

impl Found {
    /// Reads it. Whatever is not a plain yes is none.
    pub fn read(answer: &Value) -> Found {
        match answer["result"].as_str() {
            Some("over") => Found::Over,
            Some("under") => Found::Under,
            _ => Found::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-AGE-10, R-AG-7: a reference and an age go out, and nothing else; of what comes back only a plain yes is one.
    #[test]
    fn the_least_goes_out_and_only_a_yes_is_a_yes() {
        let told = question("r", 18, "https://shop.example/held");
        assert_eq!(told.as_object().unwrap().len(), 3);
        for (answer, found) in [
            (json!({"result": "over"}), Found::Over),
            (json!({"result": "under"}), Found::Under),
            (json!({"result": true}), Found::Open),
            (json!({"result": "OVER", "name": "Ada"}), Found::Open),
            (json!([]), Found::Open),
        ] {
            assert_eq!(Found::read(&answer), found, "{answer}");
        }
        for (answer, fine) in [
            (json!({"id": "chk_1", "go_to": "https://provider.example/chk_1"}), true),
            (json!({"id": "../x", "go_to": "https://provider.example/"}), false),
            (json!({"id": "", "go_to": "https://provider.example/"}), false),
            (json!({"id": "chk_1", "go_to": "javascript:alert(1)"}), false),
            (json!({"id": "chk_1"}), false),
        ] {
            assert_eq!(begun(&answer).is_ok(), fine, "{answer}");
        }
    }
}
