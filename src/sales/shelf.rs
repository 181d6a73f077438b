//! What is sold: at the tiers on sale, in the shop's currency. An offer at another tier or in another currency stays as its
//! uploader set it, and is no price to anyone until they set it anew.

use diesel::dsl::{exists, min};
use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{marks, offers, tracks};
use crate::each_db;
use crate::error::Result;
use crate::ids::TrackId;
use crate::sales::edition::Edition;
use crate::search;

/// Under this name the shop remembers what the prices in its lists were made of.
const MARK: &str = "sold";
/// Tracks in one write: nobody else waits long for theirs.
const BATCH: i64 = 5_000;

/// What makes an offer one that is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sold {
    currency: String,
    tiers: Vec<String>,
}

impl Sold {
    /// As the tiers on sale and the shop's currency have it.
    pub fn of(conn: &mut Conn, currency: &str) -> Result<Sold> {
        let editions = Edition::on_sale(conn)?.into_iter().filter(|e| !e.tier.on_request);
        let mut tiers: Vec<String> = editions.map(|e| e.tier.slug).collect();
        tiers.sort_unstable();
        Ok(Sold { currency: currency.to_owned(), tiers })
    }

    fn words(&self) -> String {
        format!("{} {}", self.currency, self.tiers.join(" "))
    }

    fn before(conn: &mut Conn) -> Result<Option<String>> {
        Ok(marks::table.find(MARK).select(marks::value).first(conn).optional()?)
    }

    /// Whether the prices in lists were made of something else.
    pub fn is_news(&self, conn: &mut Conn) -> Result<bool> {
        if let Some(before) = Sold::before(conn)? {
            return Ok(before != self.words());
        }
        // Nothing was remembered before: all offers were taken for prices, and most often rightly.
        let others = offers::currency.ne(&self.currency).or(offers::tier.ne_all(&self.tiers));
        Ok(diesel::select(exists(offers::table.filter(others))).get_result(conn)?)
    }

    /// Makes the prices in lists anew, for the next tracks in the order of their ids. Answers the last of them, and nothing
    /// behind the last of all.
    pub fn reprice(&self, conn: &mut Conn, after: Option<&TrackId>) -> Result<Option<TrackId>> {
        let from = after.map_or("", TrackId::as_str);
        let ids: Vec<TrackId> = tracks::table
            .filter(tracks::id.gt(from))
            .order(tracks::id)
            .limit(BATCH)
            .select(tracks::id)
            .load(conn)?;
        let Some(last) = ids.last() else { return Ok(None) };
        let least = offers::table
            .filter(offers::track_id.eq(tracks::id))
            .filter(offers::currency.eq(&self.currency))
            .filter(offers::tier.eq_any(&self.tiers))
            .select(min(offers::price_cents))
            .single_value();
        diesel::update(tracks::table.filter(tracks::id.gt(from).and(tracks::id.le(last))))
            .set(tracks::price_from.eq(least))
            .execute(conn)?;
        Ok(Some(last.clone()))
    }

    /// Remembers that the prices in lists are made of this. Where that is news, every index is built anew.
    pub fn remember(&self, conn: &mut Conn, is_news: bool, now: Timestamp) -> Result<()> {
        let words = self.words();
        if Sold::before(conn)?.as_deref() == Some(words.as_str()) {
            return Ok(());
        }
        let row = (marks::name.eq(MARK), marks::value.eq(&words), marks::at.eq(now));
        each_db!(conn, |c| diesel::insert_into(marks::table)
            .values(&row)
            .on_conflict(marks::name)
            .do_update()
            .set((marks::value.eq(&words), marks::at.eq(now)))
            .execute(c))?;
        if is_news {
            search::ask_for_new(conn, &words, now)?;
        }
        Ok(())
    }
}
