//! What time does: bands that move with the month, permissions that run out, timers that are over. Nothing switches on by
//! itself, and at the age of majority the guardian's link ends, which both are told.

use diesel::prelude::*;
use serde_json::json;

use super::leaf::{self, Step, Stub};
use super::notice::{self, Ground};
use super::passage;
use super::permission::Permission;
use super::state::{Edge, State};
use super::ward::{Guardian, Ward};
use super::{answer, erasing};
use crate::accounts::band::Band;
use crate::accounts::user::User;
use crate::clock::Timestamp;
use crate::consent::age::Answer;
use crate::consent::log;
use crate::consent::receipt::Action;
use crate::db::Conn;
use crate::db::schema::{permissions, wards};
use crate::error::Result;
use crate::ids::{UserId, WardId};
use crate::jobs::{Job, enqueue};

const GROWN: &str =
    "The next age band began. What a guardian allowed ended with that; nothing was switched on by itself.";

/// Edge 19: the month came in which the next band begins. What was allowed ends; the account is asked anew. Whoever is of
/// age from now on has no guardian any more. False when it is not time, or was done.
pub fn grow(conn: &mut Conn, ground: &Ground, ward: &WardId, stub: &Stub, now: Timestamp) -> Result<bool> {
    log::wait_turn(conn)?;
    let ward = Ward::find(conn, ward)?;
    let Some(month) = ward.next().filter(|month| month.has_begun(now)) else { return Ok(false) };
    if !Edge::Grow.fits(ward.state, State::AgedUp) {
        return Ok(false);
    }
    let Some(user) = &ward.account else { return never_opened(conn, ground, &ward, stub, now) };
    let (band, next) = match ward.band {
        Band::Child => {
            let at = ground.book.thresholds(ward.place.as_deref(), &[]);
            (Band::Minor, Some(month.later(at.adult - at.minimum)))
        }
        _ => (Band::Adult, None),
    };
    let gone = Permission::revoke(conn, &ward.id, None, now)?;
    let items = gone.iter().map(|scope| (*scope, false)).collect();
    let step = Step {
        edge: Edge::Grow,
        to: State::AgedUp,
        action: Action::Grow,
        items,
        notice: notice::event(GROWN),
        until: now,
        stub,
    };
    // From here on the account is what its owner has become.
    let grown = Ward { band, ..ward.clone() };
    leaf::take(conn, ground, &grown, step, now)?;
    diesel::update(wards::table.find(&ward.id))
        .set((wards::band.eq(band), wards::next_band_month.eq(next.map(|month| month.to_string()))))
        .execute(conn)?;
    passage::effects(conn, &ward, &gone, now)?;
    let owner = User::find(conn, user)?;
    tell(conn, &owner.email, &owner.name, band, false, ground, now)?;
    if let Some(guardian) = Guardian::of_ward(conn, &ward.id)? {
        tell(conn, &guardian.email, &owner.name, band, true, ground, now)?;
    }
    Ok(true)
}

/// An account was allowed and never opened until its band was over: nothing of it is needed any more.
fn never_opened(conn: &mut Conn, ground: &Ground, ward: &Ward, stub: &Stub, now: Timestamp) -> Result<bool> {
    let (edge, to) = match ward.band {
        Band::Child => (Edge::ParentRevoke, State::ChildEnded),
        _ => (Edge::Revoke, State::Ended),
    };
    let notice = notice::event("The account that was allowed was never opened. Both contacts were deleted.");
    let step = Step { edge, to, action: Action::Lapse, items: vec![], notice, until: now, stub };
    leaf::write(conn, ground, ward, step, now)?;
    ward.forget(conn)?;
    Ok(true)
}

fn tell(
    conn: &mut Conn,
    to: &str,
    name: &str,
    band: Band,
    is_guardian: bool,
    ground: &Ground,
    now: Timestamp,
) -> Result<()> {
    let letter = Job::SendLetter {
        to: to.to_owned(),
        template: "aged_up".into(),
        values: json!({
            "name": name,
            "is_adult": band == Band::Adult,
            "is_guardian": is_guardian,
            "link": format!("{}/held", ground.site_url),
        }),
    };
    enqueue(conn, &letter, now)
}

/// The account was asked anew and answered: of age, it is like any other from now on, and the ward is forgotten, guardian
/// and all. `Conflict` when it is not asked.
pub fn anew(conn: &mut Conn, ground: &Ground, user: &UserId, stub: &Stub, now: Timestamp) -> Result<()> {
    log::wait_turn(conn)?;
    let Some(ward) = Ward::of_account(conn, user)? else {
        return Err(crate::error::Error::NotFound);
    };
    if ward.band != Band::Adult {
        return Err(crate::error::Error::conflict("A guardian is asked first."));
    }
    let step = Step {
        edge: Edge::Anew,
        to: State::Cleared,
        action: Action::Settle,
        items: vec![],
        notice: notice::event(
            "Of age from now on: the terms were accepted anew, and no guardian answers any more.",
        ),
        until: now,
        stub,
    };
    leaf::take(conn, ground, &ward, step, now)?;
    answer::note(conn, user, Answer::from(Band::Adult), &ground.book.site.id, ward.place.as_deref(), now)?;
    // The month and the guardian's contact are needed for nothing any more.
    ward.forget(conn)
}

/// Permissions whose time was over at that moment and that nobody took back, by their wards.
pub fn run_out(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<WardId>> {
    let mut all: Vec<WardId> = permissions::table
        .filter(permissions::revoked_at.is_null().and(permissions::expires_at.le(now)))
        .filter(permissions::granted_at.is_not_null())
        .select(permissions::ward)
        .limit(limit)
        .load(conn)?;
    all.sort();
    all.dedup();
    Ok(all)
}

/// Edge 10 by the clock: what ran out has its effects and its leaf. False when nothing did.
pub fn expire(conn: &mut Conn, ground: &Ground, ward: &WardId, stub: &Stub, now: Timestamp) -> Result<bool> {
    log::wait_turn(conn)?;
    let ward = Ward::find(conn, ward)?;
    let over: Vec<Permission> = permissions::table
        .filter(permissions::ward.eq(&ward.id).and(permissions::revoked_at.is_null()))
        .filter(permissions::expires_at.le(now))
        .select(Permission::as_select())
        .load(conn)?;
    let gone: Vec<_> = over.iter().map(|p| p.scope).collect();
    if gone.is_empty() {
        return Ok(false);
    }
    diesel::update(permissions::table.filter(permissions::ward.eq(&ward.id)))
        .filter(permissions::revoked_at.is_null().and(permissions::expires_at.le(now)))
        .set(permissions::revoked_at.eq(now))
        .execute(conn)?;
    if ward.state == State::Authorised {
        let left = Permission::open_of(conn, &ward.id, now)?;
        let to = if left.len() > 1 { State::Authorised } else { State::General };
        let step = Step {
            edge: Edge::Revoke,
            to,
            action: Action::Revoke,
            items: gone.iter().map(|scope| (*scope, false)).collect(),
            notice: notice::event(
                "A permission's time is over. It ends at once; the guardian may give it again.",
            ),
            until: now,
            stub,
        };
        leaf::take(conn, ground, &ward, step, now)?;
    }
    passage::effects(conn, &ward, &gone, now)?;
    Ok(true)
}

/// A timer is over: what it was about ends. An account that was found out, or ended, is deleted.
pub fn over(conn: &mut Conn, ground: &Ground, ward: &WardId, stub: &Stub, now: Timestamp) -> Result<bool> {
    let Some(found) = wards::table.find(ward).select(Ward::as_select()).first(conn).optional()? else {
        return Ok(false);
    };
    if found.due_at.is_none_or(|due| now < due) {
        return Ok(false);
    }
    match found.state {
        State::Pending | State::Waiting => passage::lapse(conn, ground, ward, stub, now),
        State::Discovered | State::Conflict => {
            log::wait_turn(conn)?;
            let to = if found.band == Band::Child { State::ChildEnded } else { State::Ended };
            let step = Step {
                edge: Edge::Settle,
                to,
                action: Action::Settle,
                items: vec![],
                notice: notice::event("Nobody consented within the time there was. The account was deleted."),
                until: now,
                stub,
            };
            leaf::write(conn, ground, &found, step, now)?;
            delete(conn, &found, now)
        }
        // Its leaf was written when it ended.
        State::Ended | State::ChildEnded => delete(conn, &found, now),
        _ => Ok(false),
    }
}

fn delete(conn: &mut Conn, ward: &Ward, now: Timestamp) -> Result<bool> {
    ward.forget(conn)?;
    if let Some(user) = &ward.account {
        erasing::erase(conn, user, now)?;
    }
    Ok(true)
}
