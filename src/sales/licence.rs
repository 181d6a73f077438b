//! What a paid order line grants. Issued once, never changed; what becomes of it later are rows of their own.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;

use crate::catalogue::track::{self, Recording, Track};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{licences, namings, order_lines, orders, revocations, suspensions, tracks, uploads};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{LicenceId, OrderId, OrderLineId, Slug, TrackId, UserId};
use crate::proof::Issuer;
use crate::sales::credential::{self, Anew, Granted};
use crate::sales::edition::Edition;
use crate::sales::number::LicenceNumber;
use crate::sales::order::{Line, Order};
use crate::sales::places;
use crate::sales::status_list::LIST_BITS;
use crate::secrets;
use crate::text_enum;

text_enum! {
    /// Why a licence ended.
    pub enum Reason {
        Refunded = "refunded",
        DisputeLost = "dispute_lost",
        Withdrawn = "withdrawn",
    }
}

/// A licence. Its credential is the signed document, word for word as it was first issued.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = licences)]
pub struct Licence {
    pub id: LicenceId,
    /// As [`LicenceNumber`] prints it.
    pub number: String,
    pub order_line_id: OrderLineId,
    pub buyer_id: UserId,
    pub track_id: TrackId,
    pub tier: String,
    pub terms_hash: String,
    pub credential: String,
    pub status_index: i64,
    pub issued_at: Timestamp,
}

/// What holds of a licence now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Status {
    Valid,
    /// A bank looks into its payment.
    Suspended {
        since: Timestamp,
    },
    Revoked {
        since: Timestamp,
        reason: Reason,
    },
}

impl Status {
    /// Whether files are handed out under it.
    pub fn is_valid(self) -> bool {
        self == Status::Valid
    }
}

/// A licence as the library and the operators see it.
#[derive(Clone, Debug)]
pub struct Held {
    pub licence: Licence,
    pub status: Status,
    pub line: Line,
    pub order: Order,
    pub slug: Slug,
}

/// Issues the licence of a paid line. Answers whether it is new: a line has one, however often this is called.
pub fn issue(conn: &mut Conn, order: &Order, line: &Line, issuer: &Issuer, now: Timestamp) -> Result<bool> {
    let known: i64 = licences::table.filter(licences::order_line_id.eq(&line.id)).count().get_result(conn)?;
    if known > 0 {
        return Ok(false);
    }
    let facts = Facts::of(conn, line)?;
    let number = LicenceNumber::draw()?;
    let status_index = free_index(conn)?;
    let groups = order.groups();
    let granted = Granted { groups: &groups, ..facts.granted(order, line, (number, status_index, now)) };
    let credential = credential::issue(&granted, issuer);
    let licence = Licence {
        id: LicenceId::new(),
        number: number.to_string(),
        order_line_id: line.id.clone(),
        buyer_id: order.buyer_id.clone(),
        track_id: line.track_id.clone(),
        tier: line.tier.clone(),
        terms_hash: line.terms_hash.clone(),
        credential,
        status_index,
        issued_at: now,
    };
    diesel::insert_into(licences::table).values(&licence).execute(conn)?;
    licensed(conn, &line.track_id, 1, now)?;
    Ok(true)
}

/// Names the territory groups of a licence that was bought without saying them, once: its certificate is issued anew, and
/// the first one stays as it is. `Refused` for groups that there are not, for more than its tier has, and where they are
/// named already.
pub fn name(conn: &mut Conn, held: &Held, groups: &[String], issuer: &Issuer, now: Timestamp) -> Result<()> {
    let (licence, line, order) = (&held.licence, &held.line, &held.order);
    if !held.status.is_valid() {
        return Err(Error::refused("This licence does not hold now, so nothing is named in it."));
    }
    let again = || Error::refused("The territory of this licence is named already, and stays as it is.");
    if !order.groups().is_empty() {
        return Err(again());
    }
    let facts = Facts::of(conn, line)?;
    let most = facts.edition.tier.scope.groups_to_name();
    let is_known = groups.iter().all(|slug| places::group_name(slug).is_some());
    if groups.is_empty() || groups.len() > usize::from(most) || !is_known {
        return Err(Error::refused("Choose a territory from the list; one for each that the licence has."));
    }
    let number = LicenceNumber::parse(&licence.number).ok_or_else(|| Error::internal("no licence number"))?;
    let granted = Granted {
        groups,
        anew: Some(Anew { at: now, replaces: &licence.credential }),
        ..facts.granted(order, line, (number, licence.status_index, licence.issued_at))
    };
    let (territories, credential) = (groups.join(","), credential::issue(&granted, issuer));
    let row = (
        namings::licence_id.eq(&licence.id),
        namings::territories.eq(&territories),
        namings::credential.eq(&credential),
        namings::at.eq(now),
    );
    let new = each_db!(conn, |c| diesel::insert_into(namings::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(c))?;
    if new == 1 { Ok(()) } else { Err(again()) }
}

/// Which of these licences were named afterwards, and the certificates that were issued then.
pub fn named(conn: &mut Conn, ids: &[LicenceId]) -> Result<HashMap<LicenceId, String>> {
    let rows: Vec<(LicenceId, String)> = namings::table
        .filter(namings::licence_id.eq_any(ids))
        .select((namings::licence_id, namings::credential))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// What a certificate says beside the order: gathered whenever one is made.
struct Facts {
    track: Track,
    recording: Recording,
    edition: Edition,
    file_sha256: String,
    bytes: i64,
}

impl Facts {
    fn of(conn: &mut Conn, line: &Line) -> Result<Facts> {
        let (file_sha256, bytes): (String, i64) = uploads::table
            .find(&line.upload_id)
            .select((uploads::file_sha256, uploads::bytes))
            .first(conn)?;
        Ok(Facts {
            track: Track::find(conn, &line.track_id)?,
            recording: Recording::find(conn, &line.upload_id)?,
            edition: Edition::by_hash(conn, &line.terms_hash)?,
            file_sha256,
            bytes,
        })
    }

    /// The first certificate of this number, place in the status lists and moment, with no territory named.
    fn granted<'a>(
        &'a self,
        order: &'a Order,
        line: &'a Line,
        (number, status_index, issued_at): (LicenceNumber, i64, Timestamp),
    ) -> Granted<'a> {
        Granted {
            number,
            status_index,
            issued_at,
            order,
            line,
            edition: &self.edition,
            slug: &self.track.slug,
            recording: &self.recording,
            file_sha256: &self.file_sha256,
            bytes: self.bytes,
            groups: &[],
            anew: None,
        }
    }
}

/// Ends every licence of an order. One that ended keeps its row; the reason and the time are what is known now.
pub fn revoke(
    conn: &mut Conn,
    order: &OrderId,
    reason: Reason,
    since: Timestamp,
    now: Timestamp,
) -> Result<()> {
    for (id, track) in of_order(conn, order)? {
        let row =
            (revocations::licence_id.eq(&id), revocations::reason.eq(reason), revocations::at.eq(since));
        let new = each_db!(conn, |c| diesel::insert_into(revocations::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))?;
        match new {
            1 => licensed(conn, &track, -1, now)?,
            _ => {
                diesel::update(revocations::table.find(&id))
                    .set((revocations::reason.eq(reason), revocations::at.eq(since)))
                    .execute(conn)?;
            }
        }
    }
    Ok(())
}

/// Notes that every licence of an order rests while a dispute is open, or that it is over.
pub fn suspend(
    conn: &mut Conn,
    order: &OrderId,
    dispute: &str,
    since: Timestamp,
    ended: Option<Timestamp>,
) -> Result<()> {
    for (id, _) in of_order(conn, order)? {
        let row = (
            suspensions::licence_id.eq(&id),
            suspensions::dispute.eq(dispute),
            suspensions::at.eq(since),
            suspensions::ended_at.eq(ended),
        );
        each_db!(conn, |c| diesel::insert_into(suspensions::table)
            .values(&row)
            .on_conflict((suspensions::licence_id, suspensions::dispute))
            .do_update()
            .set((suspensions::at.eq(since), suspensions::ended_at.eq(ended)))
            .execute(c))?;
    }
    Ok(())
}

fn of_order(conn: &mut Conn, order: &OrderId) -> Result<Vec<(LicenceId, TrackId)>> {
    Ok(licences::table
        .inner_join(order_lines::table)
        .filter(order_lines::order_id.eq(order))
        .order(order_lines::position)
        .select((licences::id, licences::track_id))
        .load(conn)?)
}

/// Counts a track's licences that stand, which searchers sort by.
fn licensed(conn: &mut Conn, track: &TrackId, by: i64, now: Timestamp) -> Result<()> {
    diesel::update(tracks::table.find(track))
        .set(tracks::licensed.eq(tracks::licensed + by))
        .execute(conn)?;
    track::changed(conn, track, now)
}

/// A free place in the status lists, drawn so that it tells nothing. A list is filled by half before the next begins,
/// so a draw seldom fails.
fn free_index(conn: &mut Conn) -> Result<i64> {
    let issued: i64 = licences::table.count().get_result(conn)?;
    let first = first_free(issued);
    loop {
        let drawn = i64::from(u32::from_be_bytes(secrets::random::<4>()?)) % LIST_BITS;
        let index = first + drawn;
        let taken: i64 = licences::table.filter(licences::status_index.eq(index)).count().get_result(conn)?;
        if taken == 0 {
            return Ok(index);
        }
    }
}

/// The first place of the list that is filled when so many licences were issued.
fn first_free(issued: i64) -> i64 {
    issued / (LIST_BITS / 2) * LIST_BITS
}

impl Licence {
    /// The licence of this number, if there is one.
    pub fn by_number(conn: &mut Conn, number: LicenceNumber) -> Result<Licence> {
        let one = licences::table.filter(licences::number.eq(number.to_string()));
        Ok(one.select(Licence::as_select()).first(conn)?)
    }

    /// Its certificate as it is given out now, and since when: the first, or the one that names its territory.
    pub fn certificate(&self, conn: &mut Conn) -> Result<(String, Timestamp)> {
        let anew: Option<(String, Timestamp)> = namings::table
            .find(&self.id)
            .select((namings::credential, namings::at))
            .first(conn)
            .optional()?;
        Ok(anew.unwrap_or_else(|| (self.credential.clone(), self.issued_at)))
    }

    /// What holds of it now.
    pub fn status(&self, conn: &mut Conn) -> Result<Status> {
        let all = statuses(conn, std::slice::from_ref(&self.id))?;
        Ok(all.get(&self.id).copied().unwrap_or(Status::Valid))
    }
}

impl Held {
    /// Everything a buyer holds, newest first.
    pub fn all_of(conn: &mut Conn, buyer: &UserId, limit: i64, offset: i64) -> Result<Vec<Held>> {
        let rows: Vec<(Licence, Line, Order, Slug)> = licences::table
            .inner_join(order_lines::table.inner_join(orders::table).inner_join(tracks::table))
            .filter(licences::buyer_id.eq(buyer))
            .order((licences::issued_at.desc(), licences::id.desc()))
            .limit(limit)
            .offset(offset)
            .select((Licence::as_select(), Line::as_select(), Order::as_select(), tracks::slug))
            .load(conn)?;
        with_status(conn, rows)
    }

    /// The licences of one order, in its order.
    pub fn of_order(conn: &mut Conn, order: &OrderId) -> Result<Vec<Held>> {
        let rows: Vec<(Licence, Line, Order, Slug)> = licences::table
            .inner_join(order_lines::table.inner_join(orders::table).inner_join(tracks::table))
            .filter(order_lines::order_id.eq(order))
            .order(order_lines::position)
            .select((Licence::as_select(), Line::as_select(), Order::as_select(), tracks::slug))
            .load(conn)?;
        with_status(conn, rows)
    }

    /// The licence of this number, if it is this buyer's.
    pub fn own(conn: &mut Conn, number: LicenceNumber, buyer: &UserId) -> Result<Held> {
        let rows: Vec<(Licence, Line, Order, Slug)> = licences::table
            .inner_join(order_lines::table.inner_join(orders::table).inner_join(tracks::table))
            .filter(licences::number.eq(number.to_string()).and(licences::buyer_id.eq(buyer)))
            .select((Licence::as_select(), Line::as_select(), Order::as_select(), tracks::slug))
            .load(conn)?;
        with_status(conn, rows)?.pop().ok_or(Error::NotFound)
    }
}

/// How many licences a buyer holds.
pub fn count_of(conn: &mut Conn, buyer: &UserId) -> Result<i64> {
    Ok(licences::table.filter(licences::buyer_id.eq(buyer)).count().get_result(conn)?)
}

fn with_status(conn: &mut Conn, rows: Vec<(Licence, Line, Order, Slug)>) -> Result<Vec<Held>> {
    let ids: Vec<LicenceId> = rows.iter().map(|(licence, ..)| licence.id.clone()).collect();
    let known = statuses(conn, &ids)?;
    let held = rows.into_iter().map(|(licence, line, order, slug)| Held {
        status: known.get(&licence.id).copied().unwrap_or(Status::Valid),
        licence,
        line,
        order,
        slug,
    });
    Ok(held.collect())
}

/// What holds of these licences, where it is anything but valid.
fn statuses(conn: &mut Conn, ids: &[LicenceId]) -> Result<HashMap<LicenceId, Status>> {
    let resting: Vec<(LicenceId, Timestamp)> = suspensions::table
        .filter(suspensions::licence_id.eq_any(ids).and(suspensions::ended_at.is_null()))
        .order(suspensions::at.desc())
        .select((suspensions::licence_id, suspensions::at))
        .load(conn)?;
    let mut all: HashMap<LicenceId, Status> =
        resting.into_iter().map(|(id, since)| (id, Status::Suspended { since })).collect();
    let ended: Vec<(LicenceId, Reason, Timestamp)> =
        revocations::table.filter(revocations::licence_id.eq_any(ids)).load(conn)?;
    all.extend(ended.into_iter().map(|(id, reason, since)| (id, Status::Revoked { since, reason })));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_filled_by_half_before_the_next_begins() {
        let (half, whole) = (LIST_BITS / 2, LIST_BITS);
        for (issued, first) in [
            (0, 0),
            (half - 1, 0),
            (half, whole),
            (whole - 1, whole),
            (whole, 2 * whole),
            (3 * half, 3 * whole),
        ] {
            assert_eq!(first_free(issued), first, "{issued}");
        }
    }
}
