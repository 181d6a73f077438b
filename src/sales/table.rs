//! The table of tiers under a track: what is on sale at which price, and what this buyer has of it already.

use std::collections::BTreeMap;

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::db::Conn;
use crate::db::schema::{basket_lines, baskets, licences, offers, revocations, tier_editions, tier_versions};
use crate::each_db;
use crate::error::Result;
use crate::ids::{TrackId, UserId};
use crate::money::Cents;
use crate::sales::basket::Owner;
use crate::sales::tier::Tier;

/// A tier beside one track.
#[derive(Clone, Debug)]
pub struct Stand {
    pub tier: Tier,
    /// None: this track is not offered at it.
    pub price: Option<Cents>,
    /// The buyer holds a standing licence of it.
    pub held: bool,
    pub in_basket: bool,
}

type Row = (String, Option<Cents>, bool, bool);

/// Every tier on sale, in the shop's order, beside this track in a shop of this currency. One statement.
pub fn of_track(
    conn: &mut Conn,
    track: &TrackId,
    currency: &str,
    buyer: Option<&UserId>,
    owner: Option<&Owner>,
) -> Result<Vec<Stand>> {
    let me = buyer.map_or("", UserId::as_str).to_owned();
    let (hash, account) = match owner {
        Some(Owner::Browser(hash)) => (hash.clone(), String::new()),
        Some(Owner::Account(user)) => (String::new(), user.to_string()),
        None => (String::new(), String::new()),
    };
    let ended = revocations::table.select(revocations::licence_id);
    let held = licences::table
        .filter(licences::buyer_id.eq(me).and(licences::track_id.eq(track)))
        .filter(licences::tier.eq(tier_editions::slug))
        .filter(licences::id.ne_all(ended));
    let in_basket = basket_lines::table
        .inner_join(baskets::table)
        .filter(basket_lines::track_id.eq(track).and(basket_lines::tier.eq(tier_editions::slug)))
        .filter(
            baskets::token_hash.assume_not_null().eq(hash).or(baskets::user_id.assume_not_null().eq(account)),
        );
    let priced = offers::track_id.eq(track).and(offers::currency.eq(currency));
    let rows: Vec<Row> = each_db!(conn, |c| tier_editions::table
        .left_join(offers::table.on(offers::tier.eq(tier_editions::slug).and(priced)))
        .filter(tier_editions::ended_at.is_null())
        .select((tier_editions::tier, offers::price_cents.nullable(), exists(held), exists(in_basket)))
        .load(c))?;
    let mut stands = vec![];
    for (tier, price, held, in_basket) in rows {
        let tier: Tier = serde_json::from_str(&tier)?;
        // An offer of before the tier was sold on request is none.
        let price = price.filter(|_| !tier.on_request);
        stands.push(Stand { tier, price, held, in_basket });
    }
    stands.sort_by(|a, b| (a.tier.order, &a.tier.slug).cmp(&(b.tier.order, &b.tier.slug)));
    Ok(stands)
}

/// The names of the tiers by their slugs, old ones among them.
pub fn names(conn: &mut Conn) -> Result<BTreeMap<String, String>> {
    let rows: Vec<(String, String)> = each_db!(conn, |c| tier_editions::table
        .inner_join(tier_versions::table)
        .order(tier_editions::number)
        .select((tier_editions::slug, tier_versions::name))
        .load(c))?;
    Ok(rows.into_iter().collect())
}
