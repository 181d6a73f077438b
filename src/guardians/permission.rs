//! What a guardian allows, scope by scope, and the one question the rest of the house asks about it: may this account?
//!
//! A permission counts from the moment it was granted until it runs out or is taken back; nothing is remembered beside
//! its row, so that a revocation acts in the very next statement. Whether somebody is old enough for a service that begins at
//! an age of its own is asked with it ([`Minimums`]).

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::select;

use super::minimum::Minimums;
use super::state::State;
use super::text;
use crate::accounts::band::{Band, Hold};
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::{permissions, users, wards};
use crate::error::{Error, Result};
use crate::ids::{PermissionId, UserId, WardId};
use crate::money::Cents;
use crate::text_enum;

/// The longest a permission with scopes lasts.
pub const LASTS_MS: i64 = 365 * DAY;

text_enum! {
    /// What a guardian can allow.
    pub enum Scope {
        /// An account, favourites, free licences.
        Account = "account",
        Buy = "buy",
        Upload = "upload",
        Sell = "sell",
        /// To the guardian's account, never the ward's.
        Payouts = "payouts",
        Profile = "profile",
        Messages = "messages",
        /// To the guardian's address only.
        Marketing = "marketing",
        Contests = "contests",
        /// That what a child made here is shown to others (16 CFR 312.2: disclosure).
        Publication = "publication",
    }
}

impl Scope {
    /// The scopes that a guardian of somebody between the minimum and the age of majority chooses from, in their order.
    pub const OF_MINORS: [Scope; 8] = [
        Scope::Buy,
        Scope::Upload,
        Scope::Sell,
        Scope::Payouts,
        Scope::Profile,
        Scope::Messages,
        Scope::Marketing,
        Scope::Contests,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Account => "Have an account",
            Scope::Buy => "Buy licences",
            Scope::Upload => "Upload sounds",
            Scope::Sell => "Sell and license sounds",
            Scope::Payouts => "Payouts, to you",
            Scope::Profile => "A public profile",
            Scope::Messages => "Messages",
            Scope::Marketing => "Letters with offers, to you",
            Scope::Contests => "Contests",
            Scope::Publication => "Be heard by others",
        }
    }

    /// What it means, in a sentence for the guardian.
    pub fn words(self) -> &'static str {
        match self {
            Scope::Account => "An account with a name, favourites, and licences that cost nothing.",
            Scope::Buy => "Each purchase is shown on your page. Nothing can be bought without this.",
            Scope::Upload => "Sounds are examined here and kept. Nobody else hears them by this alone.",
            Scope::Sell => {
                "Sounds may be offered, and licences to them sold. You make the uploader agreement, as the contract's party."
            }
            Scope::Payouts => "What is earned is yours to receive. It is held here until payouts exist.",
            Scope::Profile => {
                "A page with the account's name, a picture and the published sounds. Never an age, never an address."
            }
            Scope::Messages => "Not built yet. Your answer is kept for the day it is.",
            Scope::Marketing => "Not sent yet. Never to anyone but you.",
            Scope::Contests => "Not held yet. Your answer is kept for the day they are.",
            Scope::Publication => {
                "Sounds that were made here may be published, under the account's name and voice included, after somebody \
                 listened to them. They can be heard, and nothing else: never sold, licensed or downloaded."
            }
        }
    }

    /// Whether a confirmed letter alone does not prove enough for it.
    pub fn wants_more_proof(self) -> bool {
        matches!(self, Scope::Sell | Scope::Payouts | Scope::Publication)
    }

    /// What somebody is told whose guardian has not allowed it.
    pub fn asks(self) -> &'static str {
        match self {
            Scope::Buy => {
                "Buying is for your guardian to allow. Ask them to open their page and tick “Buy licences”."
            }
            Scope::Upload => {
                "Uploading is for your guardian to allow. Ask them to open their page and tick “Upload sounds”."
            }
            Scope::Sell => {
                "Selling is for your guardian to allow. Ask them to open their page and tick “Sell and license sounds”."
            }
            Scope::Publication => {
                "Only you hear your sounds. Whether others may is for your parent to say, on their page."
            }
            Scope::Profile => "A public profile is for your guardian to allow. Ask them to open their page.",
            _ => "This is for your guardian to allow. Ask them to open their page.",
        }
    }
}

text_enum! {
    /// With whom messages are allowed, where they are.
    pub enum Reach {
        KnownContacts = "known_contacts",
        All = "all",
    }
}

impl Reach {
    /// No messages: what a guardian chose who said nothing else.
    pub const OFF: &'static str = "off";

    /// What a guardian chooses from, in its order: the word in forms and documents, and how people read it.
    pub const OFFERED: [(&'static str, &'static str); 3] =
        [(Reach::OFF, "Off"), ("known_contacts", "With known contacts only"), ("all", "With everybody")];

    /// How one of these words reads; empty for any other.
    pub fn reads(word: &str) -> &'static str {
        Reach::OFFERED.iter().find(|(offered, _)| *offered == word).map_or("", |(_, name)| *name)
    }
}

text_enum! {
    /// How a guardian was proved to be one (16 CFR 312.5(b)(2)).
    pub enum Method {
        SignedForm = "signed_form",
        CardTransaction = "card_transaction",
        Phone = "phone",
        Video = "video",
        GovIdDb = "gov_id_db",
        Kba = "kba",
        FaceMatch = "face_match",
        EmailPlus = "email_plus",
        TextPlus = "text_plus",
    }
}

impl Method {
    /// Whether it may unlock that a child's data is shown to others. The two that only answer a letter never do.
    pub fn unlocks_disclosure(self) -> bool {
        !matches!(self, Method::EmailPlus | Method::TextPlus)
    }

    /// Whether a provider finds it out: it is switched on only where settings name one.
    pub fn needs_provider(self) -> bool {
        matches!(self, Method::GovIdDb | Method::Kba | Method::FaceMatch)
    }

    /// Whether somebody else carries its messages: it is switched on only where settings name one.
    pub fn needs_carrier(self) -> bool {
        self == Method::TextPlus
    }

    /// Whether trained staff talk with the guardian and write down that they did.
    pub fn is_talk(self) -> bool {
        matches!(self, Method::Phone | Method::Video)
    }
}

/// One permission as it is kept.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = permissions)]
pub struct Permission {
    pub id: PermissionId,
    pub ward: WardId,
    pub scope: Scope,
    /// How the guardian was proved when it was granted.
    pub method: Option<Method>,
    /// Which text was agreed to.
    pub form_hash: String,
    pub asked_at: Timestamp,
    /// Nothing while a stronger proof is waited for.
    pub granted_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// With whom, of messages; nothing else has it.
    pub reach: Option<Reach>,
}

impl Permission {
    /// Whether it counts now.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.granted_at.is_some() && self.revoked_at.is_none() && now < self.expires_at
    }

    /// Whether it would count if the guardian were proved by more than a letter.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.granted_at.is_none() && self.revoked_at.is_none() && now < self.expires_at
    }

    /// Every permission of a ward that was not taken back and did not run out, in the scopes' order.
    pub fn open_of(conn: &mut Conn, ward: &WardId, now: Timestamp) -> Result<Vec<Permission>> {
        let mut all: Vec<Permission> = permissions::table
            .filter(permissions::ward.eq(ward))
            .filter(permissions::revoked_at.is_null().and(permissions::expires_at.gt(now)))
            .select(Permission::as_select())
            .load(conn)?;
        all.sort_by_key(|p| p.scope);
        Ok(all)
    }

    /// Keeps with whom messages are allowed, of the permission that this ward was just given.
    pub(super) fn keep_reach(conn: &mut Conn, ward: &WardId, reach: Reach) -> Result<()> {
        let given = permissions::table
            .filter(permissions::ward.eq(ward).and(permissions::scope.eq(Scope::Messages)))
            .filter(permissions::revoked_at.is_null());
        diesel::update(given).set(permissions::reach.eq(reach)).execute(conn)?;
        Ok(())
    }

    /// With whom this ward was allowed messages, if they are allowed and that was not taken back.
    pub(super) fn reach_of(conn: &mut Conn, ward: &WardId) -> Result<Option<Reach>> {
        let kept: Option<Option<Reach>> = permissions::table
            .filter(permissions::ward.eq(ward).and(permissions::scope.eq(Scope::Messages)))
            .filter(permissions::revoked_at.is_null())
            .select(permissions::reach)
            .first(conn)
            .optional()?;
        Ok(kept.flatten())
    }

    /// Ends all of them, also those whose time was over, and forgets a number that was kept to write of them. Answers which
    /// had not been taken back.
    pub fn end(conn: &mut Conn, ward: &WardId, now: Timestamp) -> Result<Vec<Scope>> {
        let open =
            || permissions::table.filter(permissions::ward.eq(ward).and(permissions::revoked_at.is_null()));
        let mut scopes: Vec<Scope> = open().select(permissions::scope).load(conn)?;
        scopes.sort();
        scopes.dedup();
        diesel::update(open()).set(permissions::revoked_at.eq(now)).execute(conn)?;
        text::forget(conn, ward)?;
        Ok(scopes)
    }

    /// Takes one scope back, or all; with all of them a number goes that was kept to write of them. Answers which there were.
    pub fn revoke(
        conn: &mut Conn,
        ward: &WardId,
        scope: Option<Scope>,
        now: Timestamp,
    ) -> Result<Vec<Scope>> {
        let open = Permission::open_of(conn, ward, now)?;
        let scopes: Vec<Scope> =
            open.iter().map(|p| p.scope).filter(|s| scope.is_none_or(|wanted| *s == wanted)).collect();
        diesel::update(
            permissions::table
                .filter(permissions::ward.eq(ward).and(permissions::revoked_at.is_null()))
                .filter(permissions::scope.eq_any(&scopes)),
        )
        .set(permissions::revoked_at.eq(now))
        .execute(conn)?;
        if scope.is_none() {
            text::forget(conn, ward)?;
        }
        Ok(scopes)
    }
}

/// Whether this account may, now: somebody of age, somebody of whom the site asks nothing more, or a ward that holds the
/// scope. Nobody whose account shows but a notice. What a child uploads is part of what a parent allows with the account:
/// kept for the child alone. That others hear it is a scope of its own. Whoever lets somebody do something asks with
/// [`demand`], which looks at a service's own age as well.
pub fn may(conn: &mut Conn, user: &UserId, scope: Scope, now: Timestamp) -> Result<bool> {
    let (band, hold): (Band, Option<Hold>) =
        users::table.find(user).select((users::band, users::hold)).first(conn)?;
    if hold.is_some() {
        return Ok(false);
    }
    if band == Band::Adult {
        return Ok(true);
    }
    let ward = wards::table.filter(wards::account.eq(user)).select((wards::id, wards::state));
    let Some((ward, state)) = ward.first::<(WardId, State)>(conn).optional()? else { return Ok(false) };
    let is_child = band == Band::Child;
    if state == State::Cleared {
        return Ok(!is_child);
    }
    let scope = if is_child && scope == Scope::Upload { Scope::Account } else { scope };
    let held = permissions::table
        .filter(permissions::ward.eq(ward).and(permissions::scope.eq(scope)))
        .filter(permissions::granted_at.is_not_null().and(permissions::revoked_at.is_null()))
        .filter(permissions::expires_at.gt(now));
    Ok(select(exists(held)).get_result(conn)?)
}

/// What must be allowed before a sound of this person's comes before others: that it is heard, where a child made it; that
/// it is sold, where anybody else did.
pub fn of_showing(conn: &mut Conn, user: &UserId) -> Result<Scope> {
    let band: Band = users::table.find(user).select(users::band).first(conn)?;
    Ok(if band == Band::Child { Scope::Publication } else { Scope::Sell })
}

/// `Guardian` where somebody may not take licences at this price. What costs nothing is for everybody but a child, whose
/// parent allowed an account, favourites and the child's own sounds, and nothing else. `NotYet` where they are too young to
/// buy.
pub fn demand_licences(
    conn: &mut Conn,
    user: &UserId,
    total: Cents,
    minimums: &Minimums,
    now: Timestamp,
) -> Result<()> {
    let band: Band = users::table.find(user).select(users::band).first(conn)?;
    match band {
        Band::Child => Err(Error::Guardian(NO_LICENCES)),
        _ if total > Cents::ZERO => demand(conn, user, Scope::Buy, minimums, now),
        _ => Ok(()),
    }
}

/// What a child reads who would take a licence.
pub(super) const NO_LICENCES: &str = "A licence is a contract, and children make none here. Listening is free, and what \
                                      you like is kept under your favourites.";

/// The same as a demand: `NotYet` where somebody is too young for it here, whatever was allowed, and `Guardian` with the
/// sentence for the one who may not.
pub fn demand(
    conn: &mut Conn,
    user: &UserId,
    scope: Scope,
    minimums: &Minimums,
    now: Timestamp,
) -> Result<()> {
    minimums.demand(conn, user, scope, now)?;
    match may(conn, user, scope, now)? {
        true => Ok(()),
        false => Err(Error::Guardian(scope.asks())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-PV-1, R-PV-1: all nine methods exist; the two that answer a letter never unlock disclosure, all others may.
    #[test]
    fn only_the_weak_methods_do_not_unlock_disclosure() {
        assert_eq!(Method::ALL.len(), 9);
        let weak: Vec<Method> = Method::ALL.iter().copied().filter(|m| !m.unlocks_disclosure()).collect();
        assert_eq!(weak, [Method::EmailPlus, Method::TextPlus]);
        let talks: Vec<Method> = Method::ALL.iter().copied().filter(|m| m.is_talk()).collect();
        assert!(talks.iter().all(|m| m.unlocks_disclosure() && !m.needs_carrier()), "{talks:?}");
        let found_out: Vec<Method> = Method::ALL.iter().copied().filter(|m| m.needs_provider()).collect();
        assert_eq!(found_out, [Method::GovIdDb, Method::Kba, Method::FaceMatch]);
        assert!(found_out.iter().all(|m| m.unlocks_disclosure() && !m.needs_carrier() && !m.is_talk()));
        assert!(Scope::OF_MINORS.iter().all(|s| *s != Scope::Account && *s != Scope::Publication));
    }

    #[test]
    fn messages_are_offered_with_each_reach_and_off_first() {
        let words: Vec<&str> = Reach::OFFERED.iter().map(|(word, _)| *word).collect();
        assert_eq!((words[0], Reach::parse(words[0])), (Reach::OFF, None));
        assert!(Reach::ALL.iter().map(|reach| reach.as_str()).eq(words[1..].iter().copied()));
        assert_eq!((Reach::reads("all"), Reach::reads("anybody")), ("With everybody", ""));
    }
}
