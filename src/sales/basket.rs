//! What a visitor means to license: offers of any number of uploaders, kept by a cookie or by an account.
//!
//! A line remembers the price its visitor saw last, so that a change is said before anything is paid.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;

use crate::catalogue::offer::{self, Offer};
use crate::catalogue::track::{self, Counted, State, Track};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{basket_lines, baskets, tracks, users};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{BasketId, Handle, Slug, TrackId, UploadId, UserId};
use crate::money::Cents;
use crate::sales::edition::Edition;
use crate::secrets::sha256;

/// Lines of one basket: half of what one payment page takes (Stripe: 100 line items).
pub const LINES_MAX: usize = 50;

/// Whose basket it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A browser, by the hash of its cookie's token.
    Browser(String),
    Account(UserId),
}

impl Owner {
    /// Whoever has this token in their cookie; only its hash is kept.
    pub fn browser(token: &str) -> Owner {
        Owner::Browser(sha256(token))
    }

    fn row(&self, conn: &mut Conn) -> Result<Option<BasketId>> {
        let mut query = baskets::table.select(baskets::id).into_boxed();
        query = match self {
            Owner::Browser(hash) => query.filter(baskets::token_hash.eq(hash)),
            Owner::Account(user) => query.filter(baskets::user_id.eq(user)),
        };
        Ok(query.first(conn).optional()?)
    }

    fn made(&self, conn: &mut Conn, now: Timestamp) -> Result<BasketId> {
        if let Some(id) = self.row(conn)? {
            diesel::update(baskets::table.find(&id)).set(baskets::changed_at.eq(now)).execute(conn)?;
            return Ok(id);
        }
        let id = BasketId::new();
        let (hash, user) = match self {
            Owner::Browser(hash) => (Some(hash.as_str()), None),
            Owner::Account(user) => (None, Some(user)),
        };
        diesel::insert_into(baskets::table)
            .values((
                baskets::id.eq(&id),
                baskets::token_hash.eq(hash),
                baskets::user_id.eq(user),
                baskets::created_at.eq(now),
                baskets::changed_at.eq(now),
            ))
            .execute(conn)?;
        Ok(id)
    }
}

/// How a line stands now beside what its visitor saw last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    Same,
    /// It costs something else now than it did.
    Changed {
        was: Cents,
    },
    /// The track, or this licence to it, is not sold any more.
    Gone,
    /// Its price is in another currency than the shop's by now, and its uploader has to set it anew.
    Unpriced,
}

/// One offer in a basket.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub track: TrackId,
    pub upload: UploadId,
    pub slug: Slug,
    pub title: String,
    pub uploader: UserId,
    pub uploader_name: String,
    pub uploader_handle: Option<Handle>,
    pub duration_ms: i64,
    pub tier: String,
    pub tier_name: String,
    /// What this licence permits, in one sentence.
    pub permits: String,
    /// How many territory groups the buyer names.
    pub groups: u8,
    pub terms_hash: String,
    /// What it costs now; of a line that is not sold, what it cost.
    pub price: Cents,
    pub standing: Standing,
}

impl Line {
    /// Whether it can be bought now.
    pub fn is_sold(&self) -> bool {
        !matches!(self.standing, Standing::Gone | Standing::Unpriced)
    }
}

/// A basket as it stands now.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Basket {
    pub lines: Vec<Line>,
    /// What its prices are in.
    pub currency: String,
}

/// A line as it is kept, beside its track as it is now.
#[derive(Queryable, Selectable)]
#[diesel(table_name = basket_lines)]
struct Row {
    #[diesel(embed)]
    track: Track,
    #[diesel(select_expression = users::name)]
    uploader_name: String,
    #[diesel(select_expression = users::handle)]
    uploader_handle: Option<Handle>,
    /// Since when its uploader's account is closed, if it is.
    #[diesel(select_expression = users::disabled_at)]
    closed_at: Option<Timestamp>,
    tier: String,
    /// The price its visitor saw last.
    #[diesel(column_name = price_cents)]
    seen: Cents,
}

impl Basket {
    /// The basket of this owner in a shop of this currency, each line beside the offer as it is now; empty when there is none.
    pub fn of(conn: &mut Conn, owner: &Owner, currency: &str) -> Result<Basket> {
        let Some(id) = owner.row(conn)? else { return Ok(Basket::default()) };
        let rows: Vec<Row> = basket_lines::table
            .inner_join(tracks::table.inner_join(users::table))
            .filter(basket_lines::basket_id.eq(&id))
            .order((basket_lines::added_at, basket_lines::track_id, basket_lines::tier))
            .select(Row::as_select())
            .load(conn)?;
        if rows.is_empty() {
            return Ok(Basket::default());
        }
        let ids: Vec<TrackId> = rows.iter().map(|row| row.track.id.clone()).collect();
        let offers: HashMap<(TrackId, String), Offer> = offer::of_tracks(conn, &ids)?
            .into_iter()
            .map(|offer| ((offer.track_id.clone(), offer.tier.clone()), offer))
            .collect();
        let editions = Edition::on_sale(conn)?;
        let lines = rows.into_iter().map(|row| {
            let edition = editions.iter().find(|e| e.tier.slug == row.tier);
            let offer = offers.get(&(row.track.id.clone(), row.tier.clone()));
            line(row, offer, edition, currency)
        });
        Ok(Basket { lines: lines.collect(), currency: currency.to_owned() })
    }

    /// The lines that can be bought now.
    pub fn buyable(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.is_sold())
    }

    /// The sum of what can be bought.
    pub fn total(&self) -> Cents {
        self.buyable().map(|line| line.price).sum()
    }

    /// Whether something is not as its visitor saw it last.
    pub fn has_changed(&self) -> bool {
        self.lines.iter().any(|line| line.standing != Standing::Same)
    }

    /// One word for everything that can be bought and at what price: a page that shows a basket names it, so that
    /// the answer to the page is an answer to these prices and no others.
    pub fn seal(&self) -> String {
        let words =
            self.buyable().map(|l| format!("{} {} {} {}\n", l.track, l.tier, l.price.0, l.terms_hash));
        sha256(format!("{}\n{}", self.currency, words.collect::<String>()))[..32].to_owned()
    }
}

fn line(row: Row, offer: Option<&Offer>, edition: Option<&Edition>, currency: &str) -> Line {
    let Row { track, uploader_name, uploader_handle, closed_at, tier, seen } = row;
    let is_live = track.state == State::Published && closed_at.is_none();
    let sold = is_live && edition.is_some_and(|e| !e.tier.on_request);
    let offer = offer.filter(|_| sold);
    Line {
        standing: match offer {
            None => Standing::Gone,
            Some(offer) if !offer.is_in(currency) => Standing::Unpriced,
            Some(offer) if offer.price_cents != seen => Standing::Changed { was: seen },
            Some(_) => Standing::Same,
        },
        price: offer.map_or(seen, |offer| offer.price_cents),
        tier_name: edition.map_or_else(|| tier.clone(), |e| e.tier.name.clone()),
        permits: edition.map_or_else(String::new, |e| e.tier.scope.sentence()),
        groups: edition.map_or(0, |e| e.tier.scope.groups_to_name()),
        terms_hash: edition.map_or_else(String::new, |e| e.terms_hash.clone()),
        track: track.id,
        upload: track.upload_id,
        slug: track.slug,
        title: track.title,
        uploader: track.uploader_id,
        uploader_name,
        uploader_handle,
        duration_ms: track.duration_ms,
        tier,
    }
}

/// How many lines a basket has.
pub fn count(conn: &mut Conn, owner: &Owner) -> Result<i64> {
    let Some(id) = owner.row(conn)? else { return Ok(0) };
    Ok(basket_lines::table.filter(basket_lines::basket_id.eq(id)).count().get_result(conn)?)
}

/// Puts an offer into the basket at its present price; one that is in it already stays as it was. Answers whether
/// it is new. `NotFound` when it is not on sale, `Refused` when it is sold on request only, its price is in another currency
/// than the shop's, or the basket is full.
pub fn put(
    conn: &mut Conn,
    owner: &Owner,
    track: &Slug,
    tier: &str,
    currency: &str,
    now: Timestamp,
) -> Result<bool> {
    let track = Track::live(conn, track)?.track;
    let offer = offer::find(conn, &track.id, tier)?.ok_or(Error::NotFound)?;
    if Edition::current(conn, tier)?.tier.on_request {
        return Err(Error::refused("This licence is sold on request: ask the uploader."));
    }
    if !offer.is_in(currency) {
        return Err(Error::refused(
            "This cannot be bought at present: its uploader has to set its price anew.",
        ));
    }
    let id = owner.made(conn, now)?;
    let lines: i64 = basket_lines::table.filter(basket_lines::basket_id.eq(&id)).count().get_result(conn)?;
    let row = (
        basket_lines::basket_id.eq(&id),
        basket_lines::track_id.eq(&track.id),
        basket_lines::tier.eq(tier),
        basket_lines::price_cents.eq(offer.price_cents),
        basket_lines::added_at.eq(now),
    );
    let new = each_db!(conn, |c| diesel::insert_into(basket_lines::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(c))?;
    if new == 1 && lines >= LINES_MAX as i64 {
        return Err(Error::refused(format!(
            "A basket holds {LINES_MAX} licences. Buy these first, then come back for more."
        )));
    }
    if new == 1 {
        track::count(conn, &track.id, Counted::BasketAdd, now)?;
    }
    Ok(new == 1)
}

/// Takes a line out. One that is not there is out already.
pub fn take_out(conn: &mut Conn, owner: &Owner, track: &Slug, tier: &str) -> Result<()> {
    let Some(id) = owner.row(conn)? else { return Ok(()) };
    let named = tracks::table.filter(tracks::slug.eq(track)).select(tracks::id);
    diesel::delete(
        basket_lines::table.filter(
            basket_lines::basket_id
                .eq(id)
                .and(basket_lines::tier.eq(tier))
                .and(basket_lines::track_id.eq_any(named)),
        ),
    )
    .execute(conn)?;
    Ok(())
}

/// Notes that the owner was told how each line stands now: new prices become the seen ones, what is not sold goes.
pub fn told(conn: &mut Conn, owner: &Owner, currency: &str) -> Result<()> {
    let Some(id) = owner.row(conn)? else { return Ok(()) };
    for line in Basket::of(conn, owner, currency)?.lines {
        let row = basket_lines::table.find((&id, &line.track, &line.tier));
        match line.standing {
            Standing::Same => {}
            Standing::Changed { .. } => {
                diesel::update(row).set(basket_lines::price_cents.eq(line.price)).execute(conn)?;
            }
            Standing::Gone | Standing::Unpriced => {
                diesel::delete(row).execute(conn)?;
            }
        }
    }
    Ok(())
}

/// Pours a browser's basket into an account's when its owner signs in. A line that both have stays as the account
/// has it. Answers how many lines found no place in it, so that it can be said. Doing it again changes nothing.
pub fn merge(conn: &mut Conn, browser: &Owner, account: &UserId, now: Timestamp) -> Result<usize> {
    let Some(from) = browser.row(conn)? else { return Ok(0) };
    let to = Owner::Account(account.clone()).made(conn, now)?;
    if from == to {
        return Ok(0);
    }
    let rows: Vec<(TrackId, String, Cents, Timestamp)> = basket_lines::table
        .filter(basket_lines::basket_id.eq(&from))
        .order((basket_lines::added_at, basket_lines::track_id, basket_lines::tier))
        .select((
            basket_lines::track_id,
            basket_lines::tier,
            basket_lines::price_cents,
            basket_lines::added_at,
        ))
        .load(conn)?;
    let mut held: i64 =
        basket_lines::table.filter(basket_lines::basket_id.eq(&to)).count().get_result(conn)?;
    let mut outside = 0;
    for (track, tier, price, added) in rows {
        let same: i64 = basket_lines::table.find((&to, &track, &tier)).count().get_result(conn)?;
        if same > 0 {
            continue;
        }
        if held >= LINES_MAX as i64 {
            outside += 1;
            continue;
        }
        diesel::insert_into(basket_lines::table)
            .values((
                basket_lines::basket_id.eq(&to),
                basket_lines::track_id.eq(&track),
                basket_lines::tier.eq(&tier),
                basket_lines::price_cents.eq(price),
                basket_lines::added_at.eq(added),
            ))
            .execute(conn)?;
        held += 1;
    }
    diesel::delete(basket_lines::table.filter(basket_lines::basket_id.eq(&from))).execute(conn)?;
    diesel::delete(baskets::table.find(&from)).execute(conn)?;
    Ok(outside)
}

/// Takes out what was bought.
pub fn bought(conn: &mut Conn, buyer: &UserId, lines: &[(TrackId, String)]) -> Result<()> {
    let Some(id) = Owner::Account(buyer.clone()).row(conn)? else { return Ok(()) };
    for (track, tier) in lines {
        diesel::delete(basket_lines::table.find((&id, track, tier))).execute(conn)?;
    }
    Ok(())
}

/// Forgets browsers' baskets that nobody touched since. Those of accounts stay.
pub fn sweep(conn: &mut Conn, before: Timestamp) -> Result<usize> {
    let old = baskets::table
        .filter(baskets::user_id.is_null().and(baskets::changed_at.lt(before)))
        .select(baskets::id);
    diesel::delete(basket_lines::table.filter(basket_lines::basket_id.eq_any(old))).execute(conn)?;
    Ok(diesel::delete(baskets::table.filter(baskets::user_id.is_null().and(baskets::changed_at.lt(before))))
        .execute(conn)?)
}
