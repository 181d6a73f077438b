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
pub mod number;
pub mod odrl;
pub mod order;
pub mod paper;
pub mod places;
mod routes;
pub mod scope;
pub mod settle;
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
use crate::proof::{Issuer, Operator, issuer};

/// Opens the till: every tier of the catalogue is on sale, every paid order has its invoice, and the issuer has a key,
/// whose public half lies in the data folder for `cuehouse verify`.
pub async fn open(db: &Db, config: &Config, secret: &[u8; 32]) -> Result<Issuer> {
    let operator = Operator {
        name: config.operator_name.clone(),
        country: config.operator_country.clone(),
        site_url: config.site_url.clone(),
        indemnity: config.indemnity,
    };
    let secret = *secret;
    let issuer = db
        .write(move |conn| {
            let now = Timestamp::now();
            edition::seed(conn, &tier::default_catalogue(), now)?;
            invoice::catch_up(conn, &operator, now)?;
            Issuer::open(conn, &secret, &operator, now)
        })
        .await?;
    issuer.keep_document(&config.data(issuer::KEY_FILE))?;
    Ok(issuer)
}
