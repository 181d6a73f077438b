//! The shop's till and its promises: what a licence permits, what it costs, and the proof that it was granted.
//!
//! A scope is compared field by field, a tier is a scope with a text and a price, a licence freezes both, and
//! its certificate is signed so that anyone can check it without us. An order becomes paid by what Stripe says and
//! by nothing else, once however often it is said. Nothing here ever changes a licence that was issued, and nothing
//! of a buyer beyond their name, company and country stands on a certificate.

pub mod basket;
pub mod certificate;
pub mod credential;
pub mod edition;
pub mod inbox;
pub mod issuer;
pub mod jcs;
pub mod ledger;
mod letters;
pub mod licence;
pub mod number;
pub mod odrl;
pub mod order;
pub mod places;
pub mod proof;
pub mod scope;
pub mod settle;
pub mod status_list;
pub mod table;
pub mod tier;
pub mod verify;
mod words;

pub use issuer::Issuer;
