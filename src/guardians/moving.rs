//! Somebody under age says that they are somewhere else. Where the rules of that place are stricter, how they stand is looked
//! at again. Nothing is switched on by it, and nothing ever looser: a place of later that asks less changes nothing.

use diesel::prelude::*;

use super::leaf::{self, Step, Stub};
use super::notice::{self, Ground};
use super::passage;
use super::permission::Permission;
use super::state::{Edge, State};
use super::ward::{CONSENT_MS, Ward, export_ms};
use crate::accounts::band::Band;
use crate::clock::Timestamp;
use crate::consent::age::{Month, Thresholds};
use crate::consent::log;
use crate::consent::place::UnderMinimum;
use crate::consent::receipt::Action;
use crate::db::Conn;
use crate::db::schema::wards;
use crate::error::Result;
use crate::ids::UserId;

const NOTED: &str = "The person under age said where they are. A higher minimum age holds there, and they are not under it: \
                     nothing else changed.";
const CLOSED: &str = "The person under age said where they are. They are under the minimum age that holds there, so what was \
                      allowed ended.";

/// Edge 20: this account's owner said that they are at this place. Under a higher minimum than held for them so far they are
/// looked at again; whoever is a child under it is treated as one: where a site asks parents their account rests until one
/// answers, elsewhere it ends, and can be taken along for a while. Language hints are no place. False when nothing stricter
/// holds there, or the account rests already.
pub fn moved(
    conn: &mut Conn,
    ground: &Ground,
    user: &UserId,
    place: &str,
    stub: &Stub,
    now: Timestamp,
) -> Result<bool> {
    log::wait_turn(conn)?;
    let Some(ward) = Ward::of_account(conn, user)? else { return Ok(false) };
    let was = ground.book.thresholds(ward.place.as_deref(), &[]);
    let is = ground.book.thresholds(Some(place), &[]);
    if is.minimum <= was.minimum || ward.band == Band::Adult {
        return Ok(false);
    }
    let (band, next) = band_under(ward.band, ward.next(), was, is, now);
    // A clock that runs already runs on.
    let within = |ms: i64| Some(ward.due_at.map_or(now.plus(ms), |due| due.min(now.plus(ms))));
    let (to, due) = match (band < ward.band, ground.book.under_minimum) {
        (false, _) => (ward.state, ward.due_at),
        (true, UnderMinimum::Vpc) => (State::Discovered, within(CONSENT_MS)),
        (true, _) => (State::Ended, within(export_ms(band))),
    };
    if !Edge::Move.fits(ward.state, to) {
        return Ok(false);
    }
    let gone = if band < ward.band { Permission::revoke(conn, &ward.id, None, now)? } else { vec![] };
    let (action, words) = if band < ward.band { (Action::Lock, CLOSED) } else { (Action::Place, NOTED) };
    let step = Step {
        edge: Edge::Move,
        to,
        action,
        items: gone.iter().map(|scope| (*scope, false)).collect(),
        notice: notice::event(words),
        until: due.unwrap_or(now),
        stub,
    };
    let there = Ward { band, place: Some(place.to_owned()), ..ward.clone() };
    leaf::take(conn, ground, &there, step, now)?;
    diesel::update(wards::table.find(&ward.id))
        .set((
            wards::band.eq(band),
            wards::next_band_month.eq(next.map(|month| month.to_string())),
            wards::place.eq(place),
            wards::due_at.eq(due),
        ))
        .execute(conn)?;
    if band < ward.band {
        passage::rests(conn, &ward, gone, now)?;
    }
    Ok(true)
}

/// The band under other thresholds, and the month in which it ends, from what is kept of somebody: their band and the month
/// in which the next one begins. Of whom no month is kept it is not known how far they are, and the younger counts.
fn band_under(
    band: Band,
    next: Option<Month>,
    was: Thresholds,
    is: Thresholds,
    now: Timestamp,
) -> (Band, Option<Month>) {
    match (band, next) {
        (Band::Child, next) => (Band::Child, next.map(|month| month.later(is.minimum - was.minimum))),
        (_, Some(of_age)) => {
            let no_child = of_age.earlier(is.adult - is.minimum);
            match no_child.has_begun(now) {
                true => (Band::Minor, Some(of_age)),
                false => (Band::Child, Some(no_child)),
            }
        }
        (_, None) => (Band::Child, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-AGE-3, R-AG-6: what is kept of somebody is enough to say whether they are a child under a higher minimum, to the
    /// month; the younger counts.
    #[test]
    fn a_band_is_found_again_under_a_higher_minimum() {
        let (was, is) = (Thresholds { minimum: 13, adult: 18 }, Thresholds { minimum: 14, adult: 18 });
        // 15 November 2026.
        let now = Timestamp(1_794_700_800_000);
        let month = |text: &str| Some(Month::parse(text).unwrap());
        for (band, next, then) in [
            (Band::Minor, month("2030-12"), (Band::Child, month("2026-12"))),
            (Band::Minor, month("2030-11"), (Band::Minor, month("2030-11"))),
            (Band::Minor, month("2027-01"), (Band::Minor, month("2027-01"))),
            (Band::Minor, None, (Band::Child, None)),
            (Band::Child, month("2027-03"), (Band::Child, month("2028-03"))),
            (Band::Child, None, (Band::Child, None)),
        ] {
            assert_eq!(band_under(band, next, was, is, now), then, "{band:?} {next:?}");
        }
    }
}
