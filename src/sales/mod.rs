//! The shop's till and its promises: what a licence permits, what it costs, and the proof that it was granted.
//!
//! A scope is compared field by field, a tier is a scope with a text and a price, a licence freezes both, and
//! its certificate is signed so that anyone can check it without us. An order becomes paid by what Stripe says and
//! by nothing else, once however often it is said. Nothing here ever changes a licence that was issued, and nothing
//! of a buyer beyond their name, company, country and project stands on a certificate.

pub mod basket;
pub mod certificate;
mod checkout;
pub mod credential;
pub mod delivery;
pub mod edition;
pub mod guards;
pub mod inbox;
pub mod invoice;
pub mod jobs;
pub mod ledger;
pub mod letters;
pub mod licence;
mod marks;
pub mod note;
pub mod number;
pub mod odrl;
pub mod order;
pub mod paper;
pub mod places;
mod routes;
pub mod scope;
pub mod settle;
pub mod shelf;
pub mod status_list;
pub mod table;
pub mod tier;
pub mod verify;
mod words;

pub use routes::{stage, views};

use crate::clock::Timestamp;
use crate::config::Config;
use crate::db::Db;
use crate::error::Result;
use crate::jobs::close_order;
use crate::proof::{Issuer, Operator, issuer};
use crate::sales::order::Order;
use crate::sales::shelf::Sold;

/// Payment pages that are looked through at a start, the oldest first.
const OPEN_PAGES: i64 = 500;

/// Opens the till: the tiers of the settings are on sale and no others, lists show prices in the shop's currency, every paid
/// order has its invoice, and the issuer has a key, whose public half lies in the data folder for `cuehouse verify`.
pub async fn open(db: &Db, config: &Config, secret: &[u8; 32]) -> Result<Issuer> {
    let operator = Operator {
        name: config.operator_name.clone(),
        country: config.operator_country.clone(),
        site_url: config.site_url.clone(),
        indemnity: config.indemnity,
    };
    let (secret, catalogue) = (*secret, config.catalogue.clone());
    let currency = config.currency.clone();
    let (issuer, sold) = db
        .write(move |conn| {
            let now = Timestamp::now();
            edition::seed(conn, &catalogue, now)?;
            invoice::catch_up(conn, &operator, now)?;
            let sold = Sold::of(conn, &currency)?;
            let is_news = sold.is_news(conn)?;
            if !is_news {
                sold.remember(conn, false, now)?;
            }
            Ok((Issuer::open(conn, &secret, &operator, now)?, Some(sold).filter(|_| is_news)))
        })
        .await?;
    if let Some(sold) = sold {
        follow(db, sold).await?;
    }
    close_fallen(db).await?;
    issuer.keep_document(&config.data(issuer::KEY_FILE))?;
    Ok(issuer)
}

/// Has the payment pages closed that ask for what is sold otherwise now. They are looked through beside the writer, and only
/// what has fallen is written.
async fn close_fallen(db: &Db) -> Result<()> {
    let fallen = db.read(|conn| {
        let mut fallen = vec![];
        for order in Order::waiting(conn, Timestamp::now(), OPEN_PAGES)? {
            if !order.stands(conn)? {
                fallen.push(order.id);
            }
        }
        Ok(fallen)
    });
    let fallen = fallen.await?;
    if fallen.is_empty() {
        return Ok(());
    }
    db.write(move |conn| fallen.iter().try_for_each(|order| close_order(conn, order, Timestamp::now()))).await
}

/// Makes the prices in lists, and then the indexes, follow what is sold now. What an interruption left is begun again.
async fn follow(db: &Db, sold: Sold) -> Result<()> {
    let mut last = None;
    loop {
        let (from, next) = (last.take(), sold.clone());
        last = db.write(move |conn| next.reprice(conn, from.as_ref())).await?;
        if last.is_none() {
            break;
        }
    }
    db.write(move |conn| sold.remember(conn, true, Timestamp::now())).await
}
