//! What all pages share: byte ranges and streams so far.
//!
//! Nothing in here knows what a track or an order is.

pub mod ranges;
pub mod stream;
