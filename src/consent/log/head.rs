//! Signed heads: the state of the consent log at one moment, under the shop's key. Whoever keeps one can tell later
//! whether the log was only added to since.

use diesel::prelude::*;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clock::{DAY, HOUR, Timestamp};
use crate::consent::log;
use crate::consent::receipt::second;
use crate::db::Conn;
use crate::db::schema::consent_heads;
use crate::error::{Error, Result};
use crate::proof::{Issuer, Signed, from_multibase, jcs};

/// What stands before the text that is signed, so that it is a signature of nothing else.
const PREFIX: &str = "cuehouse consent log head\n";

/// The log had this size, this root and this chain then, says this key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub size: i64,
    pub root: String,
    pub chain_head: String,
    #[serde(with = "second")]
    pub time: Timestamp,
    /// Who signed, and with what public key (`did:web:shop.example#z6Mk…`).
    pub key_id: String,
    /// Ed25519 (RFC 8032) in hexadecimal.
    pub sig: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = consent_heads)]
struct Row {
    size: i64,
    root: String,
    chain_head: String,
    at: Timestamp,
    key_id: String,
    sig: String,
}

impl From<Row> for Head {
    fn from(row: Row) -> Head {
        let Row { size, root, chain_head, at, key_id, sig } = row;
        Head { size, root, chain_head, time: at, key_id, sig }
    }
}

impl Head {
    /// What is signed: a line that says what this is, and the members but the signature as RFC 8785 writes them.
    fn text(&self) -> String {
        let members = json!({
            "size": self.size,
            "root": self.root,
            "chain_head": self.chain_head,
            "time": self.time.rfc3339(),
            "key_id": self.key_id,
        });
        format!("{PREFIX}{}", jcs::canonical(&members))
    }

    /// Who signed this. Nothing: it is not as it was signed.
    pub fn signer(&self) -> Option<Signed> {
        let (did, key) = self.key_id.split_once('#')?;
        let key = from_multibase(key)?;
        let bytes = hex::decode(&self.sig).ok().filter(|bytes| hex::encode(bytes) == self.sig)?;
        let signature = Signature::from_slice(&bytes).ok()?;
        VerifyingKey::from_bytes(&key).ok()?.verify_strict(self.text().as_bytes(), &signature).ok()?;
        Some(Signed { did: did.to_owned(), key, created: self.time.rfc3339() })
    }

    /// The newest one that was signed.
    pub fn newest(conn: &mut Conn) -> Result<Option<Head>> {
        let heads = consent_heads::table.order((consent_heads::at.desc(), consent_heads::size.desc()));
        Ok(heads.select(Row::as_select()).first(conn).optional()?.map(Head::from))
    }

    /// The newest one, if it knows the leaf of this number.
    pub fn covering(conn: &mut Conn, seq: i64) -> Result<Option<Head>> {
        Ok(Head::newest(conn)?.filter(|newest| newest.size >= seq))
    }

    /// Heads signed after that one, oldest first, at most so many.
    pub fn after(conn: &mut Conn, size: i64, at: Timestamp, limit: i64) -> Result<Vec<Head>> {
        let later =
            consent_heads::size.gt(size).or(consent_heads::size.eq(size).and(consent_heads::at.gt(at)));
        let rows: Vec<Row> = consent_heads::table
            .filter(later)
            .order((consent_heads::size, consent_heads::at))
            .limit(limit)
            .select(Row::as_select())
            .load(conn)?;
        Ok(rows.into_iter().map(Head::from).collect())
    }
}

/// Signs the log as it is, and keeps the head. Where nothing was added since the newest head and that is younger than a
/// day, it is the answer. An empty log is signed and not kept: a shop in which nobody chose yet has no rows here.
pub fn sign(conn: &mut Conn, issuer: &Issuer, now: Timestamp) -> Result<Head> {
    let now = Timestamp::from_secs(now.secs());
    let last = log::end(conn)?;
    let size = last.as_ref().map_or(0, |last| last.seq);
    if let Some(newest) = Head::newest(conn)?
        && newest.size == size
        && now.since(newest.time) < DAY
    {
        return Ok(newest);
    }
    let mut head = Head {
        size,
        root: hex::encode(log::root(conn, size as u64)?),
        chain_head: last.map_or_else(|| hex::encode([0; 32]), |last| last.chain),
        time: now,
        key_id: format!("{}#{}", issuer.did(), issuer.key()),
        sig: String::new(),
    };
    head.sig = hex::encode(issuer.sign_bytes(head.text().as_bytes()));
    if size > 0 {
        let Head { size, root, chain_head, time: at, key_id, sig } = head.clone();
        let row = Row { size, root, chain_head, at, key_id, sig };
        // Two processes may sign the same state in the same second, and then they sign the same text.
        diesel::insert_into(consent_heads::table).values(&row).execute(conn).map_err(
            |error| match error {
                diesel::result::Error::DatabaseError(
                    diesel::result::DatabaseErrorKind::UniqueViolation,
                    _,
                ) => Error::overtaken("the log was signed at the same moment"),
                other => other.into(),
            },
        )?;
    }
    Ok(head)
}

/// Signs the log if an hour has passed since it was signed last and anything is new. Answers whether it did.
pub fn sign_hourly(conn: &mut Conn, issuer: &Issuer, now: Timestamp) -> Result<bool> {
    let newest = Head::newest(conn)?;
    if newest.as_ref().is_some_and(|newest| now.since(newest.time) < HOUR) || log::end(conn)?.is_none() {
        return Ok(false);
    }
    Ok(Some(sign(conn, issuer, now)?) != newest)
}
