//! Editions of the tiers. Every text that was ever on sale stays under its hash; an edition is a tier as it was sold from one
//! day on, under one of these texts. Two editions may share a text: a price alone may change, and an earlier text come back.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{tier_editions, tier_versions};
use crate::each_db;
use crate::error::{Error, Result};
use crate::sales::tier::{Catalogue, REFUND_DAYS, Tier, terms_hash, terms_text};

/// A text, with the tier that first said it.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = tier_versions)]
struct Text {
    terms_hash: String,
    slug: String,
    number: i32,
    name: String,
    tier: String,
    terms: String,
    position: i32,
    created_at: Timestamp,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = tier_editions)]
struct Row {
    slug: String,
    number: i32,
    terms_hash: String,
    tier: String,
    refund_days: i64,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
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
    /// Days in which an undownloaded order is given back without a question, as the text says.
    pub refund_days: i64,
    pub since: Timestamp,
    /// Since when it is not on sale.
    pub ended: Option<Timestamp>,
}

impl Edition {
    fn read((row, terms): (Row, String)) -> Result<Edition> {
        Ok(Edition {
            tier: serde_json::from_str(&row.tier)?,
            terms_hash: row.terms_hash,
            number: row.number,
            terms,
            refund_days: row.refund_days,
            since: row.created_at,
            ended: row.ended_at,
        })
    }

    /// Whether it is what a buyer gets today.
    pub fn is_on_sale(&self) -> bool {
        self.ended.is_none()
    }

    /// The newest edition under this text, on sale or not. What a licence grants is the same in all of them.
    pub fn by_hash(conn: &mut Conn, hash: &str) -> Result<Edition> {
        let found: (Row, String) = tier_editions::table
            .inner_join(tier_versions::table)
            .filter(tier_editions::terms_hash.eq(hash))
            .order(tier_editions::number.desc())
            .select((Row::as_select(), tier_versions::terms))
            .first(conn)?;
        Edition::read(found)
    }

    /// Every edition of a tier, the newest first. `NotFound` when there never was such a tier.
    pub fn all_of(conn: &mut Conn, slug: &str) -> Result<Vec<Edition>> {
        let rows: Vec<(Row, String)> = tier_editions::table
            .inner_join(tier_versions::table)
            .filter(tier_editions::slug.eq(slug))
            .order(tier_editions::number.desc())
            .select((Row::as_select(), tier_versions::terms))
            .load(conn)?;
        if rows.is_empty() {
            return Err(Error::NotFound);
        }
        rows.into_iter().map(Edition::read).collect()
    }

    /// What is on sale, in the operator's order.
    pub fn on_sale(conn: &mut Conn) -> Result<Vec<Edition>> {
        let rows: Vec<(Row, String)> = tier_editions::table
            .inner_join(tier_versions::table)
            .filter(tier_editions::ended_at.is_null())
            .select((Row::as_select(), tier_versions::terms))
            .load(conn)?;
        let mut editions: Vec<Edition> = rows.into_iter().map(Edition::read).collect::<Result<Vec<_>>>()?;
        editions.sort_by(|a, b| (a.tier.order, &a.tier.slug).cmp(&(b.tier.order, &b.tier.slug)));
        Ok(editions)
    }

    /// The newest edition under each of these texts, by hash.
    pub fn of_hashes(conn: &mut Conn, hashes: &[String]) -> Result<BTreeMap<String, Edition>> {
        let rows: Vec<(Row, String)> = tier_editions::table
            .inner_join(tier_versions::table)
            .filter(tier_editions::terms_hash.eq_any(hashes))
            .order(tier_editions::number)
            .select((Row::as_select(), tier_versions::terms))
            .load(conn)?;
        rows.into_iter().map(|row| Ok((row.0.terms_hash.clone(), Edition::read(row)?))).collect()
    }

    /// What the tiers of these texts are called, by hash.
    pub fn names(conn: &mut Conn, hashes: &[String]) -> Result<BTreeMap<String, String>> {
        let rows: Vec<(String, String)> = tier_versions::table
            .filter(tier_versions::terms_hash.eq_any(hashes))
            .select((tier_versions::terms_hash, tier_versions::name))
            .load(conn)?;
        Ok(rows.into_iter().collect())
    }

    /// The edition of this tier that is on sale. `NotFound` when none is.
    pub fn current(conn: &mut Conn, slug: &str) -> Result<Edition> {
        Edition::all_of(conn, slug)?.into_iter().find(Edition::is_on_sale).ok_or(Error::NotFound)
    }
}

/// Puts on sale what the catalogue holds and nothing else. A tier that differs in anything from what is on sale becomes a new
/// edition, and one that the catalogue holds no more ends; texts and past editions stay as they were.
pub fn seed(conn: &mut Conn, catalogue: &Catalogue, now: Timestamp) -> Result<()> {
    let rows: Vec<Row> =
        tier_editions::table.order(tier_editions::number).select(Row::as_select()).load(conn)?;
    let newest: BTreeMap<String, Row> = rows.into_iter().map(|row| (row.slug.clone(), row)).collect();
    let held: Vec<&String> = catalogue.tiers().iter().map(|tier| &tier.slug).collect();
    let gone = tier_editions::ended_at.is_null().and(tier_editions::slug.ne_all(held));
    diesel::update(tier_editions::table.filter(gone)).set(tier_editions::ended_at.eq(now)).execute(conn)?;
    for tier in catalogue.tiers() {
        let hash = terms_hash(tier, catalogue.refund_days());
        let before = newest.get(&tier.slug);
        if let Some(row) = before.filter(|row| row.ended_at.is_none() && row.terms_hash == hash)
            && serde_json::from_str::<Tier>(&row.tier)? == *tier
        {
            continue;
        }
        let row = Row {
            slug: tier.slug.clone(),
            number: before.map_or(0, |row| row.number) + 1,
            terms_hash: hash,
            tier: serde_json::to_string(tier)?,
            refund_days: catalogue.refund_days(),
            created_at: now,
            ended_at: None,
        };
        let text = Text {
            terms_hash: row.terms_hash.clone(),
            slug: row.slug.clone(),
            number: row.number,
            name: tier.name.clone(),
            tier: row.tier.clone(),
            terms: terms_text(tier, catalogue.refund_days()),
            position: i32::try_from(tier.order).unwrap_or(i32::MAX),
            created_at: now,
        };
        let past = tier_editions::ended_at.is_null().and(tier_editions::slug.eq(&tier.slug));
        diesel::update(tier_editions::table.filter(past))
            .set(tier_editions::ended_at.eq(now))
            .execute(conn)?;
        // A text that comes back is there already; and two processes may start together.
        each_db!(conn, |c| diesel::insert_into(tier_versions::table)
            .values(&text)
            .on_conflict_do_nothing()
            .execute(c))?;
        each_db!(conn, |c| diesel::insert_into(tier_editions::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(())
}

/// Makes editions of texts whose tier has none: rows of before there were editions. The newest of a tier is on sale.
pub fn adopt(conn: &mut Conn) -> Result<()> {
    let known: Vec<String> = tier_editions::table.select(tier_editions::slug).load(conn)?;
    let texts: Vec<Text> = tier_versions::table
        .filter(tier_versions::slug.ne_all(known))
        .order((tier_versions::slug, tier_versions::number))
        .select(Text::as_select())
        .load(conn)?;
    for (at, text) in texts.iter().enumerate() {
        let next = texts.get(at + 1).filter(|next| next.slug == text.slug);
        let row = Row {
            slug: text.slug.clone(),
            number: text.number,
            terms_hash: text.terms_hash.clone(),
            tier: text.tier.clone(),
            refund_days: REFUND_DAYS,
            created_at: text.created_at,
            ended_at: next.map(|next| next.created_at),
        };
        diesel::insert_into(tier_editions::table).values(&row).execute(conn)?;
    }
    Ok(())
}
