//! What time does: bands that move with the month, permissions that run out, timers that are over. Nothing switches on by
//! itself; whoever answered for the band that is over answers no longer from that moment on, which both are told.

use diesel::prelude::*;
use serde_json::json;

use super::check::{self, Whose};
use super::leaf::{self, Step, Stub};
use super::notice::{self, Ground};
use super::passage;
use super::permission::{Permission, Scope};
use super::state::{Edge, State};
use super::ward::{ANEW_MS, EXPORT_MS, Guardian, Ward};
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

/// Edge 19: the month came in which the next band begins. What was allowed ends, and so does the part of whoever allowed it:
/// their links open nothing any more and no new one is sent. The account is asked anew, and not for ever: somebody still
/// under age has thirty days to name who answers for them, somebody of age a year to accept the terms. False when it is not
/// time, or was done.
pub fn grow(conn: &mut Conn, ground: &Ground, ward: &WardId, stub: &Stub, now: Timestamp) -> Result<bool> {
    log::wait_turn(conn)?;
    let Some(ward) = there(conn, ward)? else { return Ok(false) };
    let Some(month) = ward.next().filter(|month| month.has_begun(now)) else { return Ok(false) };
    if !Edge::Grow.fits(ward.state, State::AgedUp) {
        return Ok(false);
    }
    let Some(user) = &ward.account else {
        return match ward.state {
            // The timer of the question ends it.
            State::Pending => Ok(false),
            _ => never_opened(conn, ground, &ward, stub, now),
        };
    };
    let (band, next, due) = match ward.band {
        Band::Child => {
            let at = ground.book.thresholds(ward.place.as_deref(), &[]);
            (Band::Minor, Some(month.later(at.adult - at.minimum)), now.plus(EXPORT_MS))
        }
        _ => (Band::Adult, None, now.plus(ANEW_MS)),
    };
    let gone = Permission::end(conn, &ward.id, now)?;
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
        .set((
            wards::band.eq(band),
            wards::next_band_month.eq(next.map(|month| month.to_string())),
            wards::due_at.eq(due),
        ))
        .execute(conn)?;
    passage::effects(conn, &ward, &gone, now)?;
    let owner = User::find(conn, user)?;
    let told = Told { name: &owner.name, band, due };
    told.tell(conn, &owner.email, false, ground, now)?;
    if let Some(guardian) = Guardian::of_ward(conn, &ward.id)? {
        told.tell(conn, &guardian.email, true, ground, now)?;
    }
    Guardian::end(conn, &ward.id)?;
    check::end_all(conn, Whose::GuardianOf(&ward.id), now)?;
    if band == Band::Adult && owner.signs_in_by_name() {
        // Letters went to whoever answered, and one for a forgotten password would let them in.
        owner.forget_address(conn, owner.handle.as_ref().unwrap_or(&ward.handle), "")?;
    }
    Ok(true)
}

/// The ward, if it was not forgotten meanwhile.
fn there(conn: &mut Conn, ward: &WardId) -> Result<Option<Ward>> {
    Ok(wards::table.find(ward).select(Ward::as_select()).first(conn).optional()?)
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

/// What both are told of a band that began.
struct Told<'a> {
    name: &'a str,
    band: Band,
    /// When the account is deleted if nobody answers.
    due: Timestamp,
}

impl Told<'_> {
    fn tell(
        &self,
        conn: &mut Conn,
        to: &str,
        is_guardian: bool,
        ground: &Ground,
        now: Timestamp,
    ) -> Result<()> {
        let letter = Job::SendLetter {
            to: to.to_owned(),
            template: "aged_up".into(),
            values: json!({
                "name": self.name,
                "is_adult": self.band == Band::Adult,
                "is_guardian": is_guardian,
                "until": self.due,
                "link": format!("{}/held", ground.site_url),
            }),
        };
        enqueue(conn, &letter, now)
    }
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
        .select(permissions::ward)
        .limit(limit)
        .load(conn)?;
    all.sort();
    all.dedup();
    Ok(all)
}

/// Edges 10 and 15 by the clock: what ran out has its effects and its leaf. Without the permission for the account itself the
/// account ends; without that to be heard by others a child's sounds are the child's alone again. False when nothing ended:
/// what runs out with a band ends by its edge ([`grow`]), and what was given anew holds.
pub fn expire(conn: &mut Conn, ground: &Ground, ward: &WardId, stub: &Stub, now: Timestamp) -> Result<bool> {
    log::wait_turn(conn)?;
    let Some(ward) = there(conn, ward)? else { return Ok(false) };
    if ward.next().is_some_and(|month| month.has_begun(now)) {
        return Ok(false);
    }
    let over = permissions::table
        .filter(permissions::ward.eq(&ward.id).and(permissions::revoked_at.is_null()))
        .filter(permissions::expires_at.le(now));
    let mut gone: Vec<Scope> = over.select(permissions::scope).load(conn)?;
    diesel::update(permissions::table.filter(permissions::ward.eq(&ward.id)))
        .filter(permissions::revoked_at.is_null().and(permissions::expires_at.le(now)))
        .set(permissions::revoked_at.eq(now))
        .execute(conn)?;
    let left: Vec<Scope> =
        Permission::open_of(conn, &ward.id, now)?.into_iter().map(|permission| permission.scope).collect();
    gone.retain(|scope| !left.contains(scope));
    gone.sort();
    gone.dedup();
    if gone.is_empty() {
        return Ok(false);
    }
    let is_whole = gone.contains(&Scope::Account);
    let has_scopes = left.iter().any(|scope| *scope != Scope::Account);
    let taken = match (ward.state, is_whole) {
        (State::General | State::Authorised, true) => Some((Edge::Revoke, State::Ended)),
        (State::Authorised, false) if has_scopes => Some((Edge::Revoke, State::Authorised)),
        (State::Authorised, false) => Some((Edge::Revoke, State::General)),
        (State::Internal | State::Disclosing, true) => Some((Edge::ParentRevoke, State::ChildEnded)),
        (State::Internal | State::Disclosing, false) => Some((Edge::ParentRevoke, State::Internal)),
        // The account rests, or nothing was allowed: no edge leads on.
        _ => None,
    };
    let Some((edge, to)) = taken else {
        passage::effects(conn, &ward, &gone, now)?;
        return Ok(false);
    };
    if is_whole {
        // Nothing is allowed without an account.
        gone.extend(Permission::end(conn, &ward.id, now)?);
    }
    let step = Step {
        edge,
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
    passage::effects(conn, &ward, &gone, now)?;
    if is_whole {
        passage::end(conn, &ward, now)?;
    }
    Ok(true)
}

/// A timer is over: what it was about ends. An account that was found out, was asked anew in vain, or ended is deleted.
pub fn over(conn: &mut Conn, ground: &Ground, ward: &WardId, stub: &Stub, now: Timestamp) -> Result<bool> {
    let Some(found) = there(conn, ward)? else { return Ok(false) };
    if found.due_at.is_none_or(|due| now < due) {
        return Ok(false);
    }
    let (edge, action, words) = match found.state {
        State::Pending | State::Waiting => return passage::lapse(conn, ground, ward, stub, now),
        // Its leaf was written when it ended.
        State::Ended | State::ChildEnded => return delete(conn, &found, now),
        State::Discovered | State::Conflict => (
            Edge::Settle,
            Action::Settle,
            "Nobody consented within the time there was. The account was deleted.",
        ),
        // Its owner is of another band by now: that edge is taken first.
        State::AgedUp if found.next().is_some_and(|month| month.has_begun(now)) => return Ok(false),
        State::AgedUp => (
            Edge::Revoke,
            Action::Lapse,
            "The account was asked anew when its owner came into another band, and nobody answered within the time there \
             was. It was deleted.",
        ),
        _ => return Ok(false),
    };
    log::wait_turn(conn)?;
    let to = if found.band == Band::Child { State::ChildEnded } else { State::Ended };
    let step = Step { edge, to, action, items: vec![], notice: notice::event(words), until: now, stub };
    leaf::write(conn, ground, &found, step, now)?;
    delete(conn, &found, now)
}

fn delete(conn: &mut Conn, ward: &Ward, now: Timestamp) -> Result<bool> {
    ward.forget(conn)?;
    if let Some(user) = &ward.account {
        erasing::erase(conn, user, now)?;
    }
    Ok(true)
}
