//! That a guardian is who they say, found out by a provider they chose to go to (16 CFR 312.5(b)(2)(v) to (vii)). Kept are the
//! method and the moment, nothing that was shown to it. A no is noted nowhere.

use super::check::{Check, Found};
use super::leaf::Stub;
use super::notice::Ground;
use super::passage;
use super::permission::Permission;
use super::verification;
use super::ward::{self, Opens, Ward};
use crate::clock::Timestamp;
use crate::consent::log;
use crate::db::Conn;
use crate::error::{Error, Result};

/// The ward for whom a guardian may be proved by this link: it opens their page, and something waits for a proof.
/// `NotFound` for a link that opens nothing, or nothing but an end; `Conflict` where nothing waits.
pub fn asked_for(conn: &mut Conn, token: &str, now: Timestamp) -> Result<Ward> {
    let (ward, _, opens) = ward::opened(conn, token, now)?;
    if opens == Opens::Revoke {
        return Err(Error::NotFound);
    }
    match Permission::open_of(conn, &ward.id, now)?.iter().any(|p| p.waits(now)) {
        true => Ok(ward),
        false => Err(Error::conflict("Nothing waits for a proof any more.")),
    }
}

/// Edges 9 and 13: the provider said what it found, and the check ends. A yes is noted, and what waited for it counts from
/// now on, with one leaf. Answers whether it was one. `Conflict` when the check had ended before.
pub fn conclude(
    conn: &mut Conn,
    ground: &Ground,
    check: &Check,
    found: Found,
    stub: &Stub,
    now: Timestamp,
) -> Result<bool> {
    log::wait_turn(conn)?;
    if !check.end(conn, now)? {
        return Err(Error::conflict("That check has ended already."));
    }
    let (Found::Yes, Some(ward), Some(method)) = (found, &check.ward, check.method) else {
        return Ok(false);
    };
    let ward = Ward::find(conn, ward)?;
    verification::found_out(conn, &ward.id, method, now)?;
    passage::prove(conn, ground, &ward, method, stub, now)?;
    Ok(true)
}
