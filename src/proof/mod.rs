//! What the shop puts its name under: JSON in one form (`jcs`), proofs on documents (`document`), and the keys that
//! make them (`issuer`). Rooms say what a document means; here it only gets signed, and checked without them.
//!
//! A private key is never kept: it follows from the shop's secret. A public one is never forgotten, so that what was
//! signed once can be checked for ever.

pub mod document;
pub mod issuer;
pub mod jcs;
mod verdict;

pub use document::{Signed, attach, check, from_multibase, multibase, read};
pub use issuer::{Issuer, Operator, Published, moment};
pub use verdict::Verdict;
