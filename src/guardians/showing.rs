//! That others hear what a child made: asked apart from everything else, and never without a proof that a letter is not
//! (16 CFR 312.5(a)(2) and (b)(2)).

use diesel::prelude::*;

use super::leaf::{self, Step, Stub};
use super::notice::{self, Ground};
use super::passage::{grant_one, holds_until};
use super::permission::{Method, Permission, Scope};
use super::state::{Edge, State};
use super::verification;
use super::ward::Ward;
use crate::clock::Timestamp;
use crate::consent::log;
use crate::consent::receipt::Action;
use crate::db::Conn;
use crate::db::schema::disclosure_consents;
use crate::error::{Error, Result};

/// Edge 13, of a parent who allowed collection and use before: others may hear what the child makes. It counts at once
/// where the parent was proved by more than a letter, and waits for such a proof where not. What is allowed or waits already
/// stays so.
pub fn disclose(conn: &mut Conn, ground: &Ground, ward: &Ward, stub: &Stub, now: Timestamp) -> Result<()> {
    log::wait_turn(conn)?;
    let ward = Ward::find(conn, &ward.id)?;
    let is_asked = Permission::open_of(conn, &ward.id, now)?.iter().any(|p| p.scope == Scope::Publication);
    match (ward.state, is_asked) {
        (State::Internal | State::Disclosing, true) => return Ok(()),
        (State::Internal, false) => {}
        _ => return Err(Error::conflict("This cannot be allowed any more.")),
    }
    let told = notice::direct(ground, true);
    let until = holds_until(&ward, None, now);
    let proved = verification::strong(conn, &ward.id)?;
    grant(conn, &ward, &told.hash(), proved, until, now)?;
    if proved.is_none() {
        return verification::ask_for_form(conn, &ward.id, now).map(drop);
    }
    let step = Step {
        edge: Edge::Disclose,
        to: State::Disclosing,
        action: Action::Permit,
        items: vec![(Scope::Publication, true)],
        notice: told,
        until,
        stub,
    };
    leaf::take(conn, ground, &ward, step, now)
}

/// That others may hear what a child makes: the permission, and to whom it shows what.
pub(super) fn grant(
    conn: &mut Conn,
    ward: &Ward,
    form_hash: &str,
    method: Option<Method>,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let id = grant_one(conn, ward, Scope::Publication, form_hash, method, until, now)?;
    let row = (
        disclosure_consents::permission.eq(id),
        disclosure_consents::recipient.eq("everyone who visits"),
        disclosure_consents::purpose.eq("hearing what was made here"),
    );
    diesel::insert_into(disclosure_consents::table).values(row).execute(conn)?;
    Ok(())
}
