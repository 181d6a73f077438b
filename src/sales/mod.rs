//! The shop's till and its promises: what a licence permits, what it costs, and the proof that it was granted.
//!
//! A scope is compared field by field, a tier is a scope with a text and a price, a licence freezes both, and
//! its certificate is signed so that anyone can check it without us. Nothing here ever changes a licence that
//! was issued, and nothing of a buyer beyond their name, company and country stands on a certificate.

pub mod jcs;
pub mod number;
pub mod scope;
pub mod tier;
mod words;
