//! Services that begin at an age of their own: who is younger cannot have one, whatever a guardian allowed.
//!
//! The age is known as a band, and of a minor by the month in which somebody comes of age: so many years before it they
//! reached the age of a service. Nothing more is kept for it. A child's band is never enough, and of whom no month is known
//! the younger counts. Reaching the age switches nothing on: a guardian allows a service only to somebody who is as old.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::leaf::{self, Step, Stub};
use super::notice::{self, Ground};
use super::passage;
use super::permission::{self, Permission, Scope};
use super::state::{Edge, State};
use super::ward::Ward;
use crate::accounts::band::Band;
use crate::catalogue::profile::Profile;
use crate::catalogue::track::{self, State as Stands};
use crate::clock::Timestamp;
use crate::consent::age::{Answer, Month};
use crate::consent::log;
use crate::consent::receipt::Action;
use crate::db::Conn;
use crate::db::schema::{permissions, tracks, users, wards};
use crate::error::{Error, Result};
use crate::ids::{Handle, UserId, WardId};

/// The least ages of services that the operator set; for every other service the site's own counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Minimums {
    ages: Vec<(Scope, u32)>,
    /// From this age on nobody is a minor: what the month that is kept of a minor is about.
    adult: u32,
}

impl Minimums {
    /// What can have a least age of its own. That of an account is the site's, and offers go to the guardian.
    pub const SERVICES: [Scope; 7] = [
        Scope::Buy,
        Scope::Upload,
        Scope::Sell,
        Scope::Payouts,
        Scope::Profile,
        Scope::Messages,
        Scope::Contests,
    ];

    /// Each service with its age in full years, none of them above `adult`.
    pub fn new(ages: Vec<(Scope, u32)>, adult: u32) -> Minimums {
        Minimums { ages, adult }
    }

    /// Whether no service has an age of its own.
    pub fn is_empty(&self) -> bool {
        self.ages.is_empty()
    }

    /// The age at which this service begins, where it has one of its own.
    pub fn of(&self, scope: Scope) -> Option<u32> {
        self.ages.iter().find(|(service, _)| *service == scope).map(|(_, age)| *age)
    }

    /// The services that have one, in their order, each with its name and age.
    pub fn named(&self) -> Vec<(&'static str, u32)> {
        let age = |scope: &Scope| self.of(*scope).map(|age| (scope.name(), age));
        Minimums::SERVICES.iter().filter_map(age).collect()
    }

    /// Whether somebody of whom this is known is old enough for the service.
    pub fn is_open(&self, scope: Scope, known: Answer, now: Timestamp) -> bool {
        let Some(age) = self.of(scope) else { return true };
        match known.band {
            Band::Adult => true,
            Band::Minor => {
                let reached = known.next.map(|of_age| of_age.earlier(self.years_from(age)));
                reached.is_some_and(|month| month.has_begun(now))
            }
            Band::Child => false,
        }
    }

    /// The same of the owner of an account, as the database knows them in this moment.
    pub fn is_open_to(&self, conn: &mut Conn, user: &UserId, scope: Scope, now: Timestamp) -> Result<bool> {
        if self.of(scope).is_none() {
            return Ok(true);
        }
        let band: Band = users::table.find(user).select(users::band).first(conn)?;
        let next = Ward::of_account(conn, user)?.and_then(|ward| ward.next());
        Ok(self.is_open(scope, Answer { band, next }, now))
    }

    /// `NotYet` where the account's owner is too young for the service.
    pub fn demand(&self, conn: &mut Conn, user: &UserId, scope: Scope, now: Timestamp) -> Result<()> {
        if self.is_open_to(conn, user, scope, now)? { Ok(()) } else { Err(Error::NotYet) }
    }

    /// `Conflict` where a guardian would allow something that the ward is too young for.
    pub(super) fn demand_all(&self, scopes: &[Scope], ward: &Ward, now: Timestamp) -> Result<()> {
        match scopes.iter().all(|scope| self.is_open(*scope, ward.known(), now)) {
            true => Ok(()),
            false => Err(Error::conflict("Something on this form begins at a later age.")),
        }
    }

    /// `Conflict` where the uploader of a sound is too young to put it into the shop: the write that publishes asks.
    pub fn demand_seller(&self, conn: &mut Conn, uploader: &UserId, now: Timestamp) -> Result<()> {
        let scope = permission::of_showing(conn, uploader)?;
        match self.is_open_to(conn, uploader, scope, now)? {
            true => Ok(()),
            false => {
                Err(Error::conflict("This cannot be published now: its uploader is too young to sell here."))
            }
        }
    }

    /// The public profile under this handle. `NotFound` also where its owner is too young to have one.
    pub fn profile(&self, conn: &mut Conn, handle: &Handle, now: Timestamp) -> Result<Profile> {
        let profile = Profile::open(conn, handle, now)?;
        if self.is_open_to(conn, &profile.id, Scope::Profile, now)? {
            Ok(profile)
        } else {
            Err(Error::NotFound)
        }
    }

    /// How many years before the age of majority this age is.
    fn years_from(&self, age: u32) -> u32 {
        self.adult.saturating_sub(age)
    }

    /// The last month in which somebody may come of age who is this old now, as it is kept.
    fn latest(&self, age: u32, now: Timestamp) -> String {
        Month::of(now).later(self.years_from(age)).to_string()
    }
}

/// Wards who were allowed a service before it had its age, and are younger.
pub(super) fn too_young(
    conn: &mut Conn,
    minimums: &Minimums,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<WardId>> {
    let mut all: Vec<WardId> = vec![];
    for (scope, age) in &minimums.ages {
        let comes_later = wards::next_band_month.assume_not_null().gt(minimums.latest(*age, now));
        let young = wards::table
            .filter(wards::band.eq(Band::Minor))
            .filter(wards::next_band_month.is_null().or(comes_later))
            .select(wards::id);
        let found: Vec<WardId> = permissions::table
            .filter(permissions::ward.eq_any(young))
            .filter(permissions::scope.eq(*scope))
            .filter(permissions::revoked_at.is_null().and(permissions::expires_at.gt(now)))
            .select(permissions::ward)
            .limit(limit)
            .load(conn)?;
        all.extend(found);
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// Ends what a ward was allowed and is too young for, as if it had been taken back: with its effects, and with one leaf where
/// the account does not rest. False when there is nothing of the kind.
pub(super) fn close(
    conn: &mut Conn,
    ground: &Ground,
    ward: &WardId,
    stub: &Stub,
    now: Timestamp,
) -> Result<bool> {
    log::wait_turn(conn)?;
    let found = wards::table.find(ward).select(Ward::as_select()).first(conn).optional()?;
    let Some(ward) = found else { return Ok(false) };
    let open: Vec<Scope> = Permission::open_of(conn, &ward.id, now)?.iter().map(|p| p.scope).collect();
    let (left, gone): (Vec<Scope>, Vec<Scope>) =
        open.into_iter().partition(|scope| ground.minimums.is_open(*scope, ward.known(), now));
    if gone.is_empty() {
        return Ok(false);
    }
    for scope in &gone {
        Permission::revoke(conn, &ward.id, Some(*scope), now)?;
    }
    if ward.state == State::Authorised {
        let has_scopes = left.iter().any(|scope| *scope != Scope::Account);
        let step = Step {
            edge: Edge::Revoke,
            to: if has_scopes { State::Authorised } else { State::General },
            action: Action::Revoke,
            items: gone.iter().map(|scope| (*scope, false)).collect(),
            notice: notice::event(CLOSED),
            until: now,
            stub,
        };
        leaf::take(conn, ground, &ward, step, now)?;
    }
    passage::effects(conn, &ward, &gone, now)?;
    Ok(true)
}

const CLOSED: &str = "What was allowed begins at a later age here by now. It ended at once; the guardian may allow it again \
                      when that age is reached.";

/// Takes out of the shop what is sold there by minors of whom no guardian is asked, and who are too young to sell.
pub(super) fn take_off_sale(
    conn: &mut Conn,
    minimums: &Minimums,
    now: Timestamp,
    limit: i64,
) -> Result<usize> {
    let Some(age) = minimums.of(Scope::Sell) else { return Ok(0) };
    let comes_later = wards::next_band_month.assume_not_null().gt(minimums.latest(age, now));
    let on_sale = tracks::table
        .filter(wards::account.eq(tracks::uploader_id.nullable()))
        .filter(tracks::state.eq_any([Stands::Published, Stands::Submitted]));
    let sellers: Vec<Option<UserId>> = wards::table
        .filter(wards::state.eq(State::Cleared).and(wards::band.eq(Band::Minor)))
        .filter(wards::next_band_month.is_null().or(comes_later))
        .filter(exists(on_sale))
        .select(wards::account)
        .limit(limit)
        .load(conn)?;
    let sellers: Vec<UserId> = sellers.into_iter().flatten().collect();
    for seller in &sellers {
        track::withdraw_all(conn, seller, now)?;
    }
    Ok(sellers.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S2-50: the day before, on and after the first of the month in which an age is reached, from nothing but the month in
    /// which somebody comes of age; a child is never old enough, nobody of age too young, and without a month the younger
    /// counts.
    #[test]
    fn a_service_begins_with_the_month_in_which_its_age_is_reached() {
        let month = |text: &str| Month::parse(text);
        let at = |text: &str| month(text).unwrap().begins();
        for adult in [18, 21] {
            let ages = vec![(Scope::Upload, 14), (Scope::Sell, 16), (Scope::Contests, 18)];
            let minimums = Minimums::new(ages, adult);
            // Somebody who becomes 14 in the month before April 2027.
            let of_age = month("2027-04").unwrap().later(adult - 14);
            let known = Answer { band: Band::Minor, next: Some(of_age) };
            for (scope, begins) in
                [(Scope::Upload, "2027-04"), (Scope::Sell, "2029-04"), (Scope::Contests, "2031-04")]
            {
                let begins = at(begins);
                for (now, is_open) in [
                    (begins.plus(-crate::clock::DAY), false),
                    (begins.plus(-1), false),
                    (begins, true),
                    (begins.plus(crate::clock::DAY), true),
                ] {
                    assert_eq!(minimums.is_open(scope, known, now), is_open, "{scope} {now} {adult}");
                    // What the database is asked says the same.
                    let age = minimums.of(scope).unwrap();
                    assert_eq!(of_age.to_string() <= minimums.latest(age, now), is_open, "{scope} {now}");
                    let child = Answer { band: Band::Child, next: month("2020-01") };
                    assert!(!minimums.is_open(scope, child, now));
                    assert!(!minimums.is_open(scope, Answer::from(Band::Minor), now));
                    assert!(minimums.is_open(scope, Answer::from(Band::Adult), now));
                }
                // Every other service is the site's own affair.
                for other in [Scope::Account, Scope::Buy, Scope::Profile] {
                    assert!(minimums.is_open(other, Answer::from(Band::Child), begins.plus(-1)));
                }
            }
        }
    }
}
