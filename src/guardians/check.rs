//! A check at a provider that settings name. Somebody goes there of their own choice, and it finds one thing out about them:
//! whether the owner of an account that rests is of age, or whether a guardian is who they say.
//!
//! The provider gets a reference drawn for this one check, what is asked, and where its page leads back to: no name, no
//! address, no account. It says yes, no or not yet, and is then asked to forget. No check says what it found. It is asked
//! about nobody else, and what it said is used for nothing else (about age the six conditions of the FTC's statement of
//! 25 February 2026; for a lawyer to check).

use diesel::prelude::*;
use serde_json::{Value, json};

use super::permission::Method;
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::provider_checks;
use crate::error::{Error, Result};
use crate::ids::{CheckId, UserId, WardId};
use crate::text_enum;

/// How long a check can be open before the provider is to forget it.
pub const LASTS_MS: i64 = DAY;

text_enum! {
    /// What is found out, and so which provider is asked.
    pub enum About {
        /// Whether the owner of an account is of age.
        Adulthood = "adulthood",
        /// Whether a guardian is who they say (16 CFR 312.5(b)(2)(v) to (vii)).
        Identity = "identity",
    }
}

/// Whose a check is.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// The owner's of an account.
    Owner(&'a UserId),
    /// The one's who answers for a ward.
    GuardianOf(&'a WardId),
}

impl<'a> Whose<'a> {
    fn about(self) -> About {
        match self {
            Whose::Owner(_) => About::Adulthood,
            Whose::GuardianOf(_) => About::Identity,
        }
    }

    /// Account and ward, of which one is there.
    fn keys(self) -> (Option<&'a UserId>, Option<&'a WardId>) {
        match self {
            Whose::Owner(user) => (Some(user), None),
            Whose::GuardianOf(ward) => (None, Some(ward)),
        }
    }
}

/// A check that a provider knows of.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = provider_checks)]
pub struct Check {
    pub id: CheckId,
    pub about: About,
    pub account: Option<UserId>,
    pub ward: Option<WardId>,
    /// How a guardian wants to be proved.
    pub method: Option<Method>,
    pub provider_ref: String,
    /// The provider's page for it.
    pub address: String,
    pub asked_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl Check {
    /// Keeps a check of theirs; one that was open ends. `method` is how a guardian wants to be proved.
    pub fn begin(
        conn: &mut Conn,
        whose: Whose<'_>,
        method: Option<Method>,
        begun: &Begun,
        now: Timestamp,
    ) -> Result<()> {
        end_all(conn, whose, now)?;
        let (account, ward) = whose.keys();
        let check = Check {
            id: CheckId::new(),
            about: whose.about(),
            account: account.cloned(),
            ward: ward.cloned(),
            method,
            provider_ref: begun.id.clone(),
            address: begun.address.clone(),
            asked_at: now,
            ended_at: None,
        };
        diesel::insert_into(provider_checks::table).values(&check).execute(conn)?;
        Ok(())
    }

    /// The one of theirs that is open.
    pub fn open_of(conn: &mut Conn, whose: Whose<'_>, now: Timestamp) -> Result<Option<Check>> {
        let (account, ward) = whose.keys();
        Ok(provider_checks::table
            .filter(provider_checks::account.eq(account).or(provider_checks::ward.eq(ward)))
            .filter(provider_checks::ended_at.is_null())
            .filter(provider_checks::asked_at.gt(now.plus(-LASTS_MS)))
            .order(provider_checks::id.desc())
            .select(Check::as_select())
            .first(conn)
            .optional()?)
    }

    /// Nothing more is asked about it. False when that was so before: of two who bring its result, one does.
    pub fn end(&self, conn: &mut Conn, now: Timestamp) -> Result<bool> {
        let open = provider_checks::table.find(&self.id).filter(provider_checks::ended_at.is_null());
        Ok(diesel::update(open).set(provider_checks::ended_at.eq(now)).execute(conn)? == 1)
    }

    /// Those that a provider is still to forget: ended, too old, or of somebody who is gone.
    pub fn to_forget(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Check>> {
        let is_nobodys = provider_checks::account.is_null().and(provider_checks::ward.is_null());
        let over = provider_checks::ended_at
            .is_not_null()
            .or(is_nobodys)
            .or(provider_checks::asked_at.le(now.plus(-LASTS_MS)));
        Ok(provider_checks::table
            .filter(over)
            .order(provider_checks::id)
            .limit(limit)
            .select(Check::as_select())
            .load(conn)?)
    }

    /// The provider has forgotten it, and so do we.
    pub fn forget(&self, conn: &mut Conn) -> Result<()> {
        diesel::delete(provider_checks::table.find(&self.id)).execute(conn)?;
        Ok(())
    }
}

/// Nothing more is asked about checks of theirs.
pub fn end_all(conn: &mut Conn, whose: Whose<'_>, now: Timestamp) -> Result<()> {
    let (account, ward) = whose.keys();
    diesel::update(provider_checks::table)
        .filter(provider_checks::account.eq(account).or(provider_checks::ward.eq(ward)))
        .filter(provider_checks::ended_at.is_null())
        .set(provider_checks::ended_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// What a provider is asked.
#[derive(Clone, Copy, Debug)]
pub enum Asked {
    /// Whether somebody is of this age.
    Over(u32),
    /// Whether a guardian is who they say, found out so.
    By(Method),
}

impl Asked {
    /// What the provider is told to begin a check: a reference that means nothing to anybody, what is asked, and where its
    /// page leads back to.
    pub fn told(self, reference: &str, back: &str) -> Value {
        match self {
            Asked::Over(age) => json!({ "reference": reference, "over": age, "return_to": back }),
            Asked::By(method) => json!({ "reference": reference, "method": method, "return_to": back }),
        }
    }
}

/// What a provider answers to that: its id for the check, and the address of its page.
#[derive(Clone, Debug)]
pub struct Begun {
    pub id: String,
    pub address: String,
}

impl Begun {
    /// Reads it. `Refused` for an id that is no plain word, and for an address that is not `https` or tells a password.
    pub fn read(answer: &Value) -> Result<Begun> {
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let begun = Begun { id: text("id"), address: text("go_to") };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_id = !begun.id.is_empty() && begun.id.len() <= 200 && begun.id.chars().all(plain);
        match is_id && crate::egress::PublicFile::parse(&begun.address).is_some() {
            true => Ok(begun),
            false => Err(Error::refused("the provider answered what it should not")),
        }
    }
}

/// What a provider found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Yes,
    No,
    /// Nothing yet.
    Open,
    /// It knows nothing of this check any more.
    Gone,
}

impl Found {
    /// Reads it. Whatever is not a plain yes is none.
    pub fn read(about: About, answer: &Value) -> Found {
        let (yes, no) = match about {
            About::Adulthood => ("over", "under"),
            About::Identity => ("passed", "failed"),
        };
        match answer["result"].as_str() {
            Some(word) if word == yes => Found::Yes,
            Some(word) if word == no => Found::No,
            _ => Found::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-AGE-10, R-AG-7, R-PV-1: a reference and what is asked go out, and nothing else; of what comes back only a plain yes to
    /// this question is one.
    #[test]
    fn the_least_goes_out_and_only_a_yes_is_a_yes() {
        for asked in [Asked::Over(18), Asked::By(Method::Kba)] {
            let told = asked.told("r", "https://shop.example/held");
            assert_eq!(told.as_object().unwrap().len(), 3, "{told}");
        }
        assert_eq!(Asked::By(Method::GovIdDb).told("r", "")["method"], "gov_id_db");
        use About::{Adulthood, Identity};
        for (about, answer, found) in [
            (Adulthood, json!({"result": "over"}), Found::Yes),
            (Adulthood, json!({"result": "under"}), Found::No),
            (Adulthood, json!({"result": "passed"}), Found::Open),
            (Adulthood, json!({"result": true}), Found::Open),
            (Adulthood, json!({"result": "OVER", "name": "Ada"}), Found::Open),
            (Adulthood, json!([]), Found::Open),
            (Identity, json!({"result": "passed"}), Found::Yes),
            (Identity, json!({"result": "failed"}), Found::No),
            (Identity, json!({"result": "over"}), Found::Open),
            (Identity, json!({"result": "Passed"}), Found::Open),
            (Identity, json!({"result": ["passed"]}), Found::Open),
            (Identity, json!({"passed": true}), Found::Open),
            (Identity, json!(null), Found::Open),
        ] {
            assert_eq!(Found::read(about, &answer), found, "{about}: {answer}");
        }
        for (answer, fine) in [
            (json!({"id": "chk_1", "go_to": "https://provider.example/chk_1"}), true),
            (json!({"id": "../x", "go_to": "https://provider.example/"}), false),
            (json!({"id": "", "go_to": "https://provider.example/"}), false),
            (json!({"id": "chk_1", "go_to": "javascript:alert(1)"}), false),
            (json!({"id": "chk_1"}), false),
        ] {
            assert_eq!(Begun::read(&answer).is_ok(), fine, "{answer}");
        }
    }
}
