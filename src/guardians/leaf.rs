//! The receipt of what happens to a ward: one leaf for each edge, in the write that takes it.

use diesel::prelude::*;

use super::notice::Ground;
use super::permission::{Permission, Scope};
use super::state::{Edge, State};
use super::ward::Ward;
use crate::accounts::band::{Band, Hold};
use crate::accounts::user::User;
use crate::clock::Timestamp;
use crate::consent::log;
use crate::consent::receipt::{self, Action, AgeBand, Answer, Item, Notice, Receipt, Salt, Signals};
use crate::consent::whereabouts::Here;
use crate::db::Conn;
use crate::db::schema::{ward_steps, wards};
use crate::error::{Error, Result};
use crate::ids::ReceiptId;

/// Who, in receipts, was allowed something or not: this shop.
const US: &str = "this-shop";

/// What is drawn before a write, which may run twice.
#[derive(Clone)]
pub struct Stub {
    pub id: ReceiptId,
    salt: Salt,
}

impl Stub {
    pub fn draw() -> Result<Stub> {
        Ok(Stub { id: ReceiptId::draw()?, salt: Salt::draw()? })
    }
}

/// An edge about to be taken.
pub(super) struct Step<'a> {
    pub edge: Edge,
    pub to: State,
    pub action: Action,
    pub items: Vec<(Scope, bool)>,
    pub notice: Notice,
    pub until: Timestamp,
    pub stub: &'a Stub,
}

/// Takes an edge: the ward's state, what pages know of its account, and the leaf. `Conflict` where the ward is elsewhere
/// by now.
pub(super) fn take(
    conn: &mut Conn,
    ground: &Ground,
    ward: &Ward,
    step: Step<'_>,
    now: Timestamp,
) -> Result<()> {
    let from = ward.state;
    if !step.edge.fits(from, step.to) {
        return Err(Error::conflict("That is not possible any more: something changed meanwhile."));
    }
    let there = wards::table.find(&ward.id).filter(wards::state.eq(from));
    if diesel::update(there).set(wards::state.eq(step.to)).execute(conn)? != 1 {
        return Err(Error::conflict("That is not possible any more: something changed meanwhile."));
    }
    if let Some(user) = &ward.account {
        // An account that waits for an answer stays as shut as it was.
        let hold = match step.to {
            State::Pending | State::Waiting => Some(from.hold().unwrap_or(Hold::Discovered)),
            other => other.hold(),
        };
        User::set_band(conn, user, ward.band, hold)?;
    }
    begin(conn, ground, ward, step, now)
}

/// The leaf and the step of an edge whose state is kept already: the first one of a ward.
pub(super) fn begin(
    conn: &mut Conn,
    ground: &Ground,
    ward: &Ward,
    step: Step<'_>,
    now: Timestamp,
) -> Result<()> {
    let (from, edge, to, id) = (ward.state, step.edge, step.to, step.stub.id.clone());
    write(conn, ground, ward, step, now)?;
    diesel::insert_into(ward_steps::table)
        .values((
            ward_steps::ward.eq(&ward.id),
            ward_steps::edge.eq(edge),
            ward_steps::came_from.eq(from),
            ward_steps::went_to.eq(to),
            ward_steps::receipt.eq(id),
            ward_steps::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes the leaf alone, for a ward of whom nothing stays.
pub(super) fn write(
    conn: &mut Conn,
    ground: &Ground,
    ward: &Ward,
    step: Step<'_>,
    now: Timestamp,
) -> Result<()> {
    let book = &ground.book;
    let named = step.notice.keep(conn)?;
    let country = match &ward.account {
        Some(user) => User::country_of(conn, user)?,
        None => None,
    };
    // Where they are the same, the account's country is what made the place what it is.
    let here = match ward.place.as_deref() {
        place if place == country.as_deref() => Here::new(None, place),
        place => Here::new(place, None),
    };
    let reach = match step.items.contains(&(Scope::Messages, true)) {
        true => Permission::reach_of(conn, &ward.id)?,
        false => None,
    };
    let purpose = |scope: Scope| match (scope, reach) {
        (Scope::Messages, Some(reach)) => format!("{scope}_{reach}"),
        _ => scope.to_string(),
    };
    let items = step.items.iter().map(|(scope, granted)| Item {
        purpose: purpose(*scope),
        vendor: US.into(),
        state: if *granted { Answer::Granted } else { Answer::Refused },
        fingerprint: named.hash.clone(),
    });
    let receipt = Receipt {
        id: step.stub.id.clone(),
        time: Timestamp::from_secs(now.secs()),
        action: step.action,
        items: items.collect(),
        notice: named,
        registry_fingerprint: book.registry.fingerprint().to_owned(),
        profile: here.profile(book),
        band: match ward.band {
            Band::Child => AgeBand::Child,
            Band::Minor => AgeBand::Minor,
            Band::Adult => AgeBand::Adult,
        },
        signals: Signals { gpc: false, dnt: false },
        surface: "guardians".into(),
        previous: None,
        valid_until: Timestamp::from_secs(step.until.secs().max(now.secs())),
        recipients: vec![],
        limit_note: receipt::LIMIT_NOTE.into(),
    };
    let until = receipt::kept_until(receipt.valid_until, book.proof_ms);
    log::append(conn, &receipt, &step.stub.salt, ward.account.as_ref(), until, now)?;
    Ok(())
}
