//! A tier of one track at its uploader's price.

use diesel::prelude::*;

use crate::db::Conn;
use crate::db::schema::offers;
use crate::error::Result;
use crate::ids::{OfferId, TrackId};
use crate::money::Cents;

/// A tier of one track at a price.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = offers)]
pub struct Offer {
    pub id: OfferId,
    pub track_id: TrackId,
    pub tier: String,
    pub price_cents: Cents,
    pub currency: String,
}

impl Offer {
    /// Whether its price is in the shop's currency. In another it is no price: nobody said what it is in this one.
    pub fn is_in(&self, currency: &str) -> bool {
        self.currency == currency
    }
}

/// What a track is offered at, the cheapest first.
pub fn of_track(conn: &mut Conn, track: &TrackId) -> Result<Vec<Offer>> {
    let own = offers::table.filter(offers::track_id.eq(track));
    Ok(own.order((offers::price_cents, offers::tier)).select(Offer::as_select()).load(conn)?)
}

/// What several tracks are offered at.
pub fn of_tracks(conn: &mut Conn, ids: &[TrackId]) -> Result<Vec<Offer>> {
    Ok(offers::table.filter(offers::track_id.eq_any(ids)).select(Offer::as_select()).load(conn)?)
}

/// One offer, if the track is offered at that tier.
pub fn find(conn: &mut Conn, track: &TrackId, tier: &str) -> Result<Option<Offer>> {
    let one = offers::track_id.eq(track).and(offers::tier.eq(tier));
    Ok(offers::table.filter(one).select(Offer::as_select()).first(conn).optional()?)
}

/// Sets the prices of a track; a tier that is not named is not offered any more.
pub fn replace(conn: &mut Conn, track: &TrackId, prices: &[(String, Cents)], currency: &str) -> Result<()> {
    let named: Vec<&String> = prices.iter().map(|(tier, _)| tier).collect();
    diesel::delete(offers::table.filter(offers::track_id.eq(track).and(offers::tier.ne_all(named))))
        .execute(conn)?;
    for (tier, price) in prices {
        let changed =
            diesel::update(offers::table.filter(offers::track_id.eq(track).and(offers::tier.eq(tier))))
                .set((offers::price_cents.eq(price), offers::currency.eq(currency)))
                .execute(conn)?;
        if changed == 0 {
            let offer = Offer {
                id: OfferId::new(),
                track_id: track.clone(),
                tier: tier.clone(),
                price_cents: *price,
                currency: currency.to_owned(),
            };
            diesel::insert_into(offers::table).values(&offer).execute(conn)?;
        }
    }
    Ok(())
}
