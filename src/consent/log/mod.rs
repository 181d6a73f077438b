//! The consent log: a leaf for every choice, in an order that nobody can change afterwards, and the receipts that say what
//! the leaves stand for as long as they are kept.
//!
//! A leaf is added in the write that changes what a visitor allows; without the one there is not the other. It is never
//! taken out. What is taken out is the receipt with its salt, and then the leaf says nothing to anyone.

pub mod bundle;
pub mod dpv;
pub mod head;
pub mod merkle;
pub mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Sql};
use serde::Serialize;

use super::receipt::{Action, Notice, Receipt, Salt};
use crate::clock::{DAY, MINUTE, Timestamp};
use crate::db::Conn;
use crate::db::schema::{consent_log, consent_nodes, consent_receipts};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{ReceiptId, UserId};
use merkle::{Hash, Place};

/// The most leaves answered at once.
pub const PAGE: i64 = 1_000;

/// A leaf, as everyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable, Selectable, Insertable)]
#[diesel(table_name = consent_log)]
pub struct Leaf {
    /// Counted from 1.
    pub seq: i64,
    pub leaf: String,
    /// The hash of the chain before it and this leaf.
    pub chain: String,
    /// What the choice was.
    pub kind: String,
    /// YYYY-MM-DD in UTC.
    pub day: String,
}

impl Leaf {
    /// Its place in the tree, counted from 0.
    pub fn index(&self) -> u64 {
        self.seq as u64 - 1
    }

    /// The leaf of this hash. `NotFound` when the log has none.
    pub fn by_hash(conn: &mut Conn, leaf: &Hash) -> Result<Leaf> {
        let row = consent_log::table.filter(consent_log::leaf.eq(hex::encode(leaf)));
        Ok(row.select(Leaf::as_select()).first(conn)?)
    }
}

/// A receipt that is kept, and its leaf.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    pub receipt: Receipt,
    pub salt: Salt,
    pub leaf: Leaf,
    pub account: Option<UserId>,
    pub expires_at: Timestamp,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = consent_receipts)]
struct ReceiptRow {
    id: ReceiptId,
    seq: i64,
    salt: String,
    body: String,
    account: Option<UserId>,
    expires_at: Timestamp,
}

/// Waits until nobody else is adding to the log. The first thing in a write that will: on PostgreSQL writes that add at the
/// same time are otherwise tried again until each has had the log to itself. After anything was read it comes too late and
/// only costs time. On SQLite there is one writer anyway.
pub fn wait_turn(conn: &mut Conn) -> Result<()> {
    if let Conn::Pg(c) = conn {
        diesel::sql_query("LOCK TABLE consent_log IN EXCLUSIVE MODE").execute(c)?;
    }
    Ok(())
}

/// Records a choice: its leaf at the end of the log, its receipt until `expires_at`. Belongs into the write that changes
/// what the visitor allows; id and salt are drawn before it, since it may run twice. The notice that the receipt names
/// must be kept before (`Notice::keep`). Where many choose at once the write begins with [`wait_turn`].
///
/// The same receipt again changes nothing and answers the same leaf. `Conflict` for another receipt under a known id, and
/// for one that was recorded and has been erased since.
pub fn append(
    conn: &mut Conn,
    receipt: &Receipt,
    salt: &Salt,
    account: Option<&UserId>,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<Leaf> {
    if let Some(what) = receipt.fault() {
        return Err(Error::internal(format!("a receipt cannot be recorded: {what} is not as it must be")));
    }
    let (body, hash) = (receipt.body()?, receipt.leaf(salt)?);
    if let Some(leaf) = known(conn, receipt, salt, &body, &hash)? {
        return Ok(leaf);
    }
    // What is recorded happened now: a log that takes yesterday's choices proves nothing of when they were made.
    if !(now.0 - DAY..=now.0 + MINUTE).contains(&receipt.time.0) || expires_at <= now {
        return Err(Error::internal("a receipt is recorded when its choice is made, and kept for a while"));
    }
    if Notice::by_hash(conn, &receipt.notice.hash)?.named() != receipt.notice {
        return Err(Error::internal("a receipt names a notice that is another one"));
    }
    let last = end(conn)?;
    let before =
        last.as_ref().map_or(Some([0; 32]), |last| merkle::hash_of(&last.chain)).ok_or_else(broken)?;
    let leaf = Leaf {
        seq: last.map_or(1, |last| last.seq + 1),
        leaf: hex::encode(hash),
        chain: hex::encode(merkle::link(&before, &hash)),
        kind: receipt.action.as_str().to_owned(),
        day: receipt.time.day(),
    };
    diesel::insert_into(consent_log::table).values(&leaf).execute(conn).map_err(overtaken)?;
    grow(conn, leaf.index(), hash)?;
    let row = ReceiptRow {
        id: receipt.id.clone(),
        seq: leaf.seq,
        salt: salt.hex(),
        body,
        account: account.cloned(),
        expires_at,
    };
    diesel::insert_into(consent_receipts::table).values(&row).execute(conn).map_err(overtaken)?;
    Ok(leaf)
}

/// The leaf of a receipt that was recorded before.
fn known(conn: &mut Conn, receipt: &Receipt, salt: &Salt, body: &str, hash: &Hash) -> Result<Option<Leaf>> {
    let row: Option<ReceiptRow> =
        consent_receipts::table.find(&receipt.id).select(ReceiptRow::as_select()).first(conn).optional()?;
    let leaf = Leaf::by_hash(conn, hash);
    match (row, leaf) {
        (Some(row), Ok(leaf)) if row.body == body && row.salt == salt.hex() => Ok(Some(leaf)),
        (None, Err(Error::NotFound)) => Ok(None),
        (_, Err(error)) if !matches!(error, Error::NotFound) => Err(error),
        (Some(_), _) => Err(Error::conflict("Another choice was recorded under this receipt.")),
        (None, _) => {
            Err(Error::conflict("This choice was recorded before, and its receipt has been erased."))
        }
    }
}

/// Keeps the nodes that become whole with the leaf of this index.
fn grow(conn: &mut Conn, index: u64, leaf: Hash) -> Result<()> {
    let above: Vec<(Place, Place)> = merkle::completes(index).collect();
    let lefts: BTreeSet<Place> = above.iter().map(|(left, _)| *left).collect();
    let lefts = hashes(conn, &lefts)?;
    let (mut hash, mut rows) = (leaf, vec![]);
    for (left, place) in above {
        hash = merkle::node(lefts.get(&left).ok_or_else(broken)?, &hash);
        rows.push((
            consent_nodes::place.eq(place.number() as i64),
            consent_nodes::hash.eq(hex::encode(hash)),
        ));
    }
    if !rows.is_empty() {
        each_db!(conn, |c| diesel::insert_into(consent_nodes::table).values(rows).execute(c))
            .map_err(overtaken)?;
    }
    Ok(())
}

/// Somebody else added a leaf meanwhile: on PostgreSQL that shows as a number taken twice, and the write is tried again
/// behind the other one.
#[track_caller]
pub(super) fn overtaken(error: Sql) -> Error {
    match error {
        Sql::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            Error::overtaken("another choice was recorded at the same moment")
        }
        other => other.into(),
    }
}

fn broken() -> Error {
    Error::internal("the consent log is broken: cuehouse check names the place")
}

/// The last leaf.
pub fn end(conn: &mut Conn) -> Result<Option<Leaf>> {
    Ok(consent_log::table.order(consent_log::seq.desc()).select(Leaf::as_select()).first(conn).optional()?)
}

/// How many leaves there are.
pub fn size(conn: &mut Conn) -> Result<u64> {
    Ok(end(conn)?.map_or(0, |last| last.seq as u64))
}

/// Leaves from this number on, at most [`PAGE`].
pub fn entries(conn: &mut Conn, from: i64) -> Result<Vec<Leaf>> {
    let rows = consent_log::table.filter(consent_log::seq.ge(from)).order(consent_log::seq).limit(PAGE);
    Ok(rows.select(Leaf::as_select()).load(conn)?)
}

/// The root over the first so many leaves. `Refused` when there are not so many.
pub fn root(conn: &mut Conn, size: u64) -> Result<Hash> {
    match self::size(conn)? {
        has if has < size => Err(Error::refused(format!("The log has {has} entries."))),
        _ => Ok(stretches(conn, std::slice::from_ref(&(0..size)))?.pop().unwrap_or_else(merkle::empty)),
    }
}

/// The audit path of a leaf in the tree of that size. `Refused` when there is no such tree, or the leaf is not in it.
pub fn inclusion(conn: &mut Conn, index: u64, size: u64) -> Result<Vec<Hash>> {
    has(conn, size)?;
    let path = merkle::inclusion(index, size);
    stretches(conn, &path.ok_or_else(|| Error::refused("That entry is not among so many."))?)
}

/// What shows that the log of one size is the beginning of that of another. `Refused` unless 0 < `old` ≤ `new` ≤ its size.
pub fn consistency(conn: &mut Conn, old: u64, new: u64) -> Result<Vec<Hash>> {
    has(conn, new)?;
    let path = merkle::consistency(old, new);
    stretches(
        conn,
        &path.ok_or_else(|| Error::refused("The first size is at least 1 and at most the second."))?,
    )
}

fn has(conn: &mut Conn, wanted: u64) -> Result<()> {
    match size(conn)? {
        has if has < wanted => Err(Error::refused(format!("The log has {has} entries."))),
        _ => Ok(()),
    }
}

/// The hashes of stretches, out of two reads.
fn stretches(conn: &mut Conn, all: &[Range<u64>]) -> Result<Vec<Hash>> {
    let parts: Vec<Vec<Place>> = all.iter().map(|stretch| merkle::whole(stretch.clone())).collect();
    let kept = hashes(conn, &parts.iter().flatten().copied().collect())?;
    let hash = |places: &Vec<Place>| {
        let hashes: Option<Vec<Hash>> = places.iter().map(|place| kept.get(place).copied()).collect();
        hashes.map(|hashes| merkle::joined(&hashes)).ok_or_else(broken)
    };
    parts.iter().map(hash).collect()
}

/// The hashes kept for these subtrees.
fn hashes(conn: &mut Conn, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Hash>> {
    let (leaves, nodes): (Vec<Place>, Vec<Place>) =
        places.iter().copied().partition(|place| place.level == 0);
    let mut found: BTreeMap<i64, String> = BTreeMap::new();
    if !leaves.is_empty() {
        let seqs: Vec<i64> = leaves.iter().map(|place| place.index as i64 + 1).collect();
        let rows: Vec<(i64, String)> = consent_log::table
            .filter(consent_log::seq.eq_any(seqs))
            .select((consent_log::seq, consent_log::leaf))
            .load(conn)?;
        found.extend(rows.into_iter().map(|(seq, leaf)| (2 * (seq - 1), leaf)));
    }
    if !nodes.is_empty() {
        let numbers: Vec<i64> = nodes.iter().map(|place| place.number() as i64).collect();
        let rows: Vec<(i64, String)> = consent_nodes::table
            .filter(consent_nodes::place.eq_any(numbers))
            .select((consent_nodes::place, consent_nodes::hash))
            .load(conn)?;
        found.extend(rows);
    }
    let hash = |place: &Place| {
        let text = found.get(&(place.number() as i64))?;
        Some((*place, merkle::hash_of(text)?))
    };
    places.iter().map(|place| hash(place).ok_or_else(broken)).collect()
}

/// The receipt of this id. `NotFound` when there is none, or none any more.
pub fn kept(conn: &mut Conn, id: &ReceiptId) -> Result<Kept> {
    let rows = consent_receipts::table.inner_join(consent_log::table).filter(consent_receipts::id.eq(id));
    let row: (ReceiptRow, Leaf) = rows.select((ReceiptRow::as_select(), Leaf::as_select())).first(conn)?;
    read(row)
}

/// Whether there is a receipt of this id.
pub fn holds(conn: &mut Conn, id: &ReceiptId) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(consent_receipts::table.find(id))).get_result(conn)?)
}

/// The receipts of an account, the newest first.
pub fn of_account(conn: &mut Conn, account: &UserId, limit: i64) -> Result<Vec<Kept>> {
    let rows: Vec<(ReceiptRow, Leaf)> = consent_receipts::table
        .inner_join(consent_log::table)
        .filter(consent_receipts::account.eq(account))
        .order(consent_receipts::seq.desc())
        .limit(limit)
        .select((ReceiptRow::as_select(), Leaf::as_select()))
        .load(conn)?;
    rows.into_iter().map(read).collect()
}

/// When an account last made a choice of this kind, to the second, as far as its receipts are kept.
pub fn last_of(conn: &mut Conn, account: &UserId, action: Action) -> Result<Option<Timestamp>> {
    let body: Option<String> = consent_receipts::table
        .inner_join(consent_log::table)
        .filter(consent_receipts::account.eq(account))
        .filter(consent_log::kind.eq(action.as_str()))
        .order(consent_receipts::seq.desc())
        .select(consent_receipts::body)
        .first(conn)
        .optional()?;
    let receipt: Option<Receipt> = body.map(|body| serde_json::from_str(&body)).transpose()?;
    Ok(receipt.map(|receipt| receipt.time))
}

fn read((row, leaf): (ReceiptRow, Leaf)) -> Result<Kept> {
    Ok(Kept {
        receipt: serde_json::from_str(&row.body)?,
        salt: Salt::parse(&row.salt).ok_or_else(broken)?,
        leaf,
        account: row.account,
        expires_at: row.expires_at,
    })
}

/// Forgets what a receipt said and the salt that tied it to its leaf. Answers whether there was one.
pub fn erase(conn: &mut Conn, id: &ReceiptId) -> Result<bool> {
    Ok(diesel::delete(consent_receipts::table.find(id)).execute(conn)? == 1)
}

/// The same for every receipt of an account. Answers how many there were.
pub fn erase_of(conn: &mut Conn, account: &UserId) -> Result<usize> {
    Ok(diesel::delete(consent_receipts::table.filter(consent_receipts::account.eq(account))).execute(conn)?)
}

/// The same for every receipt whose time is over. Answers how many there were.
pub fn expire(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    Ok(diesel::delete(consent_receipts::table.filter(consent_receipts::expires_at.le(now))).execute(conn)?)
}
