//! Editions of the tiers: every text that was ever on sale, under its hash. The newest of a slug is on sale.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::tier_versions;
use crate::each_db;
use crate::error::{Error, Result};
use crate::sales::tier::{Tier, terms_hash, terms_text};

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = tier_versions)]
struct Row {
    terms_hash: String,
    slug: String,
    number: i32,
    name: String,
    tier: String,
    terms: String,
    position: i32,
    created_at: Timestamp,
}

/// One edition of a tier: what it permits, in the words it was sold under.
#[derive(Clone, Debug, PartialEq)]
pub struct Edition {
    pub terms_hash: String,
    /// Counts the editions of this tier from 1.
    pub number: i32,
    pub tier: Tier,
    /// The whole text; `terms_hash` is the hash of exactly these bytes.
    pub terms: String,
    pub since: Timestamp,
}

impl Edition {
    fn read(row: Row) -> Result<Edition> {
        Ok(Edition {
            tier: serde_json::from_str(&row.tier)?,
            terms_hash: row.terms_hash,
            number: row.number,
            terms: row.terms,
            since: row.created_at,
        })
    }

    /// The edition of this hash, on sale or not.
    pub fn by_hash(conn: &mut Conn, hash: &str) -> Result<Edition> {
        Edition::read(tier_versions::table.find(hash).select(Row::as_select()).first(conn)?)
    }

    /// Every edition of a tier, the newest first. `NotFound` when there never was such a tier.
    pub fn all_of(conn: &mut Conn, slug: &str) -> Result<Vec<Edition>> {
        let rows: Vec<Row> = tier_versions::table
            .filter(tier_versions::slug.eq(slug))
            .order(tier_versions::number.desc())
            .select(Row::as_select())
            .load(conn)?;
        if rows.is_empty() {
            return Err(Error::NotFound);
        }
        rows.into_iter().map(Edition::read).collect()
    }

    /// What is on sale: the newest edition of every tier, in the operator's order.
    pub fn on_sale(conn: &mut Conn) -> Result<Vec<Edition>> {
        let rows: Vec<Row> = tier_versions::table
            .order((tier_versions::position, tier_versions::number))
            .select(Row::as_select())
            .load(conn)?;
        let newest: BTreeMap<String, Row> = rows.into_iter().map(|row| (row.slug.clone(), row)).collect();
        let mut editions: Vec<Edition> =
            newest.into_values().map(Edition::read).collect::<Result<Vec<_>>>()?;
        editions.sort_by(|a, b| (a.tier.order, &a.tier.slug).cmp(&(b.tier.order, &b.tier.slug)));
        Ok(editions)
    }

    /// The editions of these hashes, by hash.
    pub fn of_hashes(conn: &mut Conn, hashes: &[String]) -> Result<BTreeMap<String, Edition>> {
        let rows: Vec<Row> = tier_versions::table
            .filter(tier_versions::terms_hash.eq_any(hashes))
            .select(Row::as_select())
            .load(conn)?;
        rows.into_iter().map(|row| Ok((row.terms_hash.clone(), Edition::read(row)?))).collect()
    }

    /// What the editions of these hashes are called, by hash.
    pub fn names(conn: &mut Conn, hashes: &[String]) -> Result<BTreeMap<String, String>> {
        let rows: Vec<(String, String)> = tier_versions::table
            .filter(tier_versions::terms_hash.eq_any(hashes))
            .select((tier_versions::terms_hash, tier_versions::name))
            .load(conn)?;
        Ok(rows.into_iter().collect())
    }

    /// The edition of this tier that is on sale.
    pub fn newest(conn: &mut Conn, slug: &str) -> Result<Edition> {
        Edition::all_of(conn, slug)?.into_iter().next().ok_or(Error::NotFound)
    }
}

/// Writes the editions that are missing, each as the newest of its tier. What was there stays as it was.
pub fn seed(conn: &mut Conn, catalogue: &[Tier], now: Timestamp) -> Result<()> {
    let known: Vec<(String, String, i32)> = tier_versions::table
        .select((tier_versions::terms_hash, tier_versions::slug, tier_versions::number))
        .load(conn)?;
    for tier in catalogue {
        let hash = terms_hash(tier);
        if known.iter().any(|(known, _, _)| *known == hash) {
            continue;
        }
        let last = known.iter().filter(|(_, slug, _)| *slug == tier.slug).map(|(_, _, n)| *n).max();
        let row = Row {
            terms_hash: hash,
            slug: tier.slug.clone(),
            number: last.unwrap_or(0) + 1,
            name: tier.name.clone(),
            tier: serde_json::to_string(tier)?,
            terms: terms_text(tier),
            position: i32::try_from(tier.order).unwrap_or(i32::MAX),
            created_at: now,
        };
        // Two processes may start together.
        each_db!(conn, |c| diesel::insert_into(tier_versions::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(())
}
